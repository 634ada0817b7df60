"""Regression losses as Cells: signatures, documented examples, arguments, and calls of their functions."""

from __future__ import annotations

import inspect
import math
from typing import Any

import jax
import numpy as np
import pytest

from sporax import losses, nn
from sporax._errors import ArgumentError, LabelError, ShapeError
from sporax.core import Parameter, Tensor
from sporax.transforms import grad

SIGNATURES = {
    # MindSpore's
    "RMSELoss": "()",
    "MAELoss": "(reduction='mean')",
    "L1LossExt": "(reduction='mean')",
    "HuberLoss": "(reduction='mean', delta=1.0)",
    # Keras', where `name` and `dtype` follow
    "LogCoshLoss": "(reduction='mean')",
    "CosineSimilarityLoss": "(axis=-1, reduction='mean')",
    "MAPELoss": "(reduction='mean', epsilon=1e-07)",
    "MSLELoss": "(reduction='mean', epsilon=1e-07)",
    "PoissonLoss": "(reduction='mean', epsilon=1e-07)",
    # sporax only
    "CharbonnierLoss": "(epsilon=0.001, reduction='mean')",
    "CauchyLoss": "(scale=1.0, reduction='mean')",
    "GemanMcClureLoss": "(scale=1.0, reduction='mean')",
    "WelschLoss": "(scale=1.0, reduction='mean')",
    "TukeyBiweightLoss": "(scale=4.685, reduction='mean')",
    "GeneralAdaptiveLoss": "(alpha=1.0, scale=1.0, reduction='mean')",
    "QuantileLoss": "(quantile=0.5, reduction='mean')",
    "EpsilonInsensitiveLoss": "(epsilon=0.1, reduction='mean')",
    "WingLoss": "(width=10.0, curvature=2.0, reduction='mean')",
    "AdaptiveWingLoss": "(omega=14.0, theta=0.5, epsilon=1.0, alpha=2.1, reduction='mean')",
}
FUNCTIONS = {
    "MAELoss": "l1_loss",
    "L1LossExt": "l1_loss",
    "RMSELoss": "rmse_loss",
    "HuberLoss": "huber_loss",
    "LogCoshLoss": "log_cosh_loss",
    "CosineSimilarityLoss": "cosine_similarity_loss",
    "MAPELoss": "mean_absolute_percentage_error",
    "MSLELoss": "mean_squared_logarithmic_error",
    "PoissonLoss": "poisson_loss",
    "CharbonnierLoss": "charbonnier_loss",
    "CauchyLoss": "cauchy_loss",
    "GemanMcClureLoss": "geman_mcclure_loss",
    "WelschLoss": "welsch_loss",
    "TukeyBiweightLoss": "tukey_biweight_loss",
    "GeneralAdaptiveLoss": "general_adaptive_loss",
    "QuantileLoss": "quantile_loss",
    "EpsilonInsensitiveLoss": "epsilon_insensitive_loss",
    "WingLoss": "wing_loss",
    "AdaptiveWingLoss": "adaptive_wing_loss",
}
OPTIONS: dict[str, dict[str, Any]] = {
    "HuberLoss": {"delta": 0.4},
    "MAPELoss": {"epsilon": 0.5},
    "MSLELoss": {"epsilon": 0.3},
    "PoissonLoss": {"epsilon": 0.1},
    "CharbonnierLoss": {"epsilon": 0.2},
    "CauchyLoss": {"scale": 0.3},
    "GemanMcClureLoss": {"scale": 0.3},
    "WelschLoss": {"scale": 0.3},
    "TukeyBiweightLoss": {"scale": 0.3},
    "GeneralAdaptiveLoss": {"alpha": -0.5, "scale": 0.3},
    "QuantileLoss": {"quantile": 0.9},
    "EpsilonInsensitiveLoss": {"epsilon": 0.2},
    "WingLoss": {"width": 0.4, "curvature": 0.2},
    "AdaptiveWingLoss": {"omega": 3.0, "theta": 0.3, "epsilon": 0.7, "alpha": 2.5},
}


def tensors() -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(3)
    return Tensor(rng.uniform(0.1, 0.9, (4, 3)).astype(np.float32)), Tensor(
        rng.uniform(0.1, 0.9, (4, 3)).astype(np.float32)
    )


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name):
    parameters = inspect.signature(getattr(nn, name)).parameters.values()
    assert str(inspect.Signature([each.replace(annotation=each.empty) for each in parameters])) == SIGNATURES[name]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_calls_its_function_with_its_arguments(name):
    x, y = tensors()
    options = OPTIONS.get(name, {})
    function = getattr(losses, FUNCTIONS[name])
    expected = jax.jit(lambda a, b: function(a, b, **options))(x.asnumpy(), y.asnumpy())
    if name == "RMSELoss":
        np.testing.assert_allclose(nn.RMSELoss()(x, y).asnumpy(), expected, rtol=1e-6)
        return
    got = getattr(nn, name)(**options, reduction="none")(x, y)
    np.testing.assert_allclose(got.asnumpy(), expected, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_labels_are_checked_on_the_host_under_the_cells_name(name):
    loss = getattr(nn, name)()
    assert loss.loss_info().name == FUNCTIONS[name]
    assert name in (loss.loss_info().cell, *loss.loss_info().like)
    good = np.full((4, 3), 0.5, np.float32)
    loss.check_labels({"logits": (4, 3)}, good)
    with pytest.raises(ShapeError):
        loss.check_labels({"logits": (4, 3)}, good[:3])


def test_mindspores_documented_examples():
    x, y = Tensor(np.array([1, 2, 3], np.float32)), Tensor(np.array([1, 2, 2], np.float32))
    wide = Tensor(np.array([[1, 1, 1], [1, 2, 2]], np.float32))
    assert str(nn.RMSELoss()(x, y)) == "0.57735026"
    assert str(nn.RMSELoss()(x, wide)) == "1.0"
    for cls in (nn.MAELoss, nn.L1LossExt, nn.L1Loss):
        assert str(cls()(x, y)) == "0.33333334"
        assert str(cls(reduction="none")(x, wide)) == "[[0. 1. 2.]\n [0. 0. 1.]]"
    assert str(nn.HuberLoss()(x, y)) == "0.16666667"
    assert str(nn.HuberLoss(reduction="none")(x, wide)) == "[[0.  0.5 1.5]\n [0.  0.  0.5]]"


def test_inputs_have_the_names_of_mindspore():
    x, y = tensors()
    for cls, name in (
        (nn.RMSELoss, "label"),
        (nn.MAELoss, "label"),
        (nn.L1LossExt, "labels"),
        (nn.HuberLoss, "labels"),
    ):
        assert cls()(logits=x, **{name: y}).shape == ()


def test_rmse_at_an_exact_match_has_gradient_zero():
    x = tensors()[0]
    np.testing.assert_array_equal(grad(nn.RMSELoss())(x, x).asnumpy(), 0)


def test_cosine_similarity_along_any_axis():
    x, y = tensors()
    along = nn.CosineSimilarityLoss(axis=0, reduction="none")(x, y).asnumpy()
    a, b = x.asnumpy().astype(np.float64), y.asnumpy().astype(np.float64)
    np.testing.assert_allclose(along, -(a * b).sum(0) / np.sqrt((a**2).sum(0) * (b**2).sum(0)), rtol=1e-6)
    with pytest.raises(ArgumentError, match=r"`axis` must be an axis of the inputs, but got 2 .* \(4, 3\)"):
        nn.CosineSimilarityLoss(axis=2)(x, y)


def test_several_quantiles_and_their_labels():
    loss = nn.QuantileLoss((0.1, 0.5, 0.9), reduction="none")
    x, y = tensors()[0], Tensor(np.full(4, 0.5, np.float32))
    expected = losses.multi_quantile_loss(x.asnumpy(), y.asnumpy(), quantile=(0.1, 0.5, 0.9))
    np.testing.assert_allclose(loss(x, y).asnumpy(), expected, rtol=1e-6)
    assert loss.loss_info().name == "multi_quantile_loss"
    loss.check_labels({"logits": (4, 3)}, y.asnumpy())
    with pytest.raises(ShapeError, match="QuantileLoss: `labels` must have shape"):
        loss.check_labels({"logits": (4, 3)}, np.ones((4, 3), np.float32))


def test_a_parameter_as_alpha_and_scale_is_trained():
    alpha, scale = Parameter(np.float32(1.0), name="alpha"), Parameter(np.float32(0.5), name="scale")
    loss = nn.GeneralAdaptiveLoss(alpha, scale)
    assert [each.name for each in loss.get_parameters()] == ["alpha", "scale"]
    x, y = tensors()
    gradients = [each.asnumpy() for each in grad(loss, None, [alpha, scale])(x, y)]

    def mean(alpha: Any, scale: Any) -> jax.Array:
        return losses.general_adaptive_loss(x.asnumpy(), y.asnumpy(), alpha=alpha, scale=scale).mean()

    expected = jax.jit(jax.grad(mean, (0, 1)))(np.float32(1.0), np.float32(0.5))
    np.testing.assert_allclose(gradients, expected, rtol=1e-5)
    assert np.abs(gradients).min() > 0


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("HuberLoss", {"delta": 0}, r"`delta` must be in \(0, inf\), but got 0"),
        ("MAPELoss", {"epsilon": 0}, "`epsilon` must be in"),
        ("MSLELoss", {"epsilon": -1}, "`epsilon` must be in"),
        ("PoissonLoss", {"epsilon": 0}, "`epsilon` must be in"),
        ("CharbonnierLoss", {"epsilon": 0}, "`epsilon` must be in"),
        ("CauchyLoss", {"scale": 0}, "`scale` must be in"),
        ("GemanMcClureLoss", {"scale": 0}, "`scale` must be in"),
        ("WelschLoss", {"scale": 0}, "`scale` must be in"),
        ("TukeyBiweightLoss", {"scale": 0}, "`scale` must be in"),
        ("GeneralAdaptiveLoss", {"scale": 0}, "`scale` must be in"),
        ("GeneralAdaptiveLoss", {"alpha": math.nan}, "`alpha` must be in"),
        ("QuantileLoss", {"quantile": 1}, "`quantile` must be in"),
        ("QuantileLoss", {"quantile": (0.5, 1.0)}, "`quantile` must be in"),
        ("EpsilonInsensitiveLoss", {"epsilon": -1}, "`epsilon` must be in"),
        ("WingLoss", {"width": 0}, "`width` must be in"),
        ("WingLoss", {"curvature": 0}, "`curvature` must be in"),
        ("AdaptiveWingLoss", {"alpha": 1}, "`alpha` must be in"),
        ("LogCoshLoss", {"reduction": "avg"}, "`reduction` must be one of"),
    ],
)
def test_invalid_arguments_are_named(name, options, message):
    with pytest.raises(ArgumentError, match=f"{name}: {message}"):
        getattr(nn, name)(**options)


def test_heatmaps_outside_zero_and_one_are_rejected():
    with pytest.raises(LabelError, match="AdaptiveWingLoss: `labels` must be probabilities"):
        nn.AdaptiveWingLoss()(Tensor([1.0]), Tensor([255.0]))
