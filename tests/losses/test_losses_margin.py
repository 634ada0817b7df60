"""Margin losses: gradients at ties and kinks, extreme scores, lists of labels, and torch, Keras and optax."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.compare import check_loss
from oracles.losses import ORACLES
from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError, ShapeError

INF = math.inf
RNG = np.random.default_rng(5)
SCORES = RNG.normal(0.2, 1.5, (4, 5)).astype(np.float32)
CLASSES = np.array([3, 0, 4, 3])
SIGNS = RNG.choice([-1, 1], (4, 5))
WEIGHT = np.array([0.5, 2.0, 0.0, 1.0, 1.5], np.float32)
LISTS = np.array([[3, 1, -1, 0, 2], [-1, 2, 3, 4, 0], [0, 4, 1, 2, 3], [2, 2, -1, -1, -1]])


def value_and_gradient(name: str, x: Any, y: Any, **params: Any) -> tuple[np.ndarray, np.ndarray]:
    y = jnp.asarray(y)

    def run(x: jax.Array) -> Any:
        values, pull = jax.vjp(lambda a: getattr(losses, name)(a, y, **params), x)
        return values, pull(jnp.ones_like(values))[0]

    values, gradient = jax.jit(run)(jnp.asarray(x, jnp.float32))
    return np.asarray(values), np.asarray(gradient)


# Kinks and ties


def test_gradients_at_the_kinks_of_two_classes():
    _, gradient = value_and_gradient("hinge_embedding_loss", [1.0, 0.5, 2.0, 1.0], [-1, -1, -1, 1])
    np.testing.assert_array_equal(gradient, [-1, -1, 0, 1])
    _, gradient = value_and_gradient("hinge_loss", [1.0, -1.0, -1.0, 2.0], [1, -1, 0, 1])
    np.testing.assert_array_equal(gradient, [-0.5, 0.5, 0.5, 0])
    _, gradient = value_and_gradient("squared_hinge_loss", [1.0, -1.0, 0.0], [1, -1, 1])
    np.testing.assert_array_equal(gradient, [0, 0, -2])
    _, gradient = value_and_gradient("perceptron_loss", [0.0, 0.0, 0.0], [1, -1, 0])
    np.testing.assert_array_equal(gradient, [-0.5, 0.5, 0.5])


def test_gradients_at_ties_of_classes():
    tied = np.array([[1.0, 1.0, 0.0, 1.0], [2.0, 1.0, 1.0, 0.0]], np.float32)
    value, gradient = value_and_gradient("multiclass_perceptron_loss", tied, [0, 1])
    np.testing.assert_array_equal(value, [0, 1])
    np.testing.assert_allclose(gradient, [[-2 / 3, 1 / 3, 0, 1 / 3], [1, -1, 0, 0]], rtol=1e-6)
    value, gradient = value_and_gradient("multiclass_hinge_loss", tied, [0, 0])
    np.testing.assert_array_equal(value, [1, 0])
    np.testing.assert_allclose(gradient, [[-1, 0.5, 0, 0.5], [-2 / 3, 1 / 3, 1 / 3, 0]], rtol=1e-6)
    for p in (1, 2):
        value, gradient = value_and_gradient("multi_margin_loss", tied[1:], [0], p=p)
        assert value == 0
        np.testing.assert_array_equal(gradient, 0)
    value, gradient = value_and_gradient("multilabel_margin_loss", tied[1:], [[0, -1, -1, -1]])
    assert value == 0
    np.testing.assert_array_equal(gradient, 0)


# Ends


@pytest.mark.parametrize("far", [1e4, INF])
def test_large_scores_of_two_classes(far):
    x, y = [far, -far, far, -far], [1, -1, -1, 1]
    for name in ("hinge_loss", "perceptron_loss"):
        values, gradient = value_and_gradient(name, x, y)
        np.testing.assert_allclose(values, [0, 0, far, far], rtol=2e-4)
        np.testing.assert_array_equal(gradient, [0, 0, 1, -1])
    values, gradient = value_and_gradient("hinge_embedding_loss", x, y)
    np.testing.assert_allclose(values, [far, far, 0, -far], rtol=2e-4)
    np.testing.assert_array_equal(gradient, [1, -1, 0, 1])
    values, gradient = value_and_gradient("squared_hinge_loss", x, y)
    np.testing.assert_allclose(values, [0, 0, far * far, far * far], rtol=1e-3)
    np.testing.assert_array_equal(gradient[:2], 0)


@pytest.mark.parametrize("far", [1e4, INF])
def test_large_scores_of_classes(far):
    x = np.array([[far, 1.0, 2.0, -1.0], [0.0, 1.0, -far, 2.0]], np.float32)
    for name, values in (
        ("multiclass_hinge_loss", [0, 2]),
        ("multiclass_perceptron_loss", [0, 1]),
        ("multi_margin_loss", [0, 0.5]),
    ):
        got, gradient = value_and_gradient(name, x, [0, 1])
        np.testing.assert_array_equal(got, values)
        np.testing.assert_array_equal(gradient[0], 0)
        assert np.isfinite(gradient).all()
    got, gradient = value_and_gradient("categorical_hinge_loss", x, np.eye(4, dtype=np.float32)[[0, 1]])
    np.testing.assert_array_equal(got, [0, 2])
    assert np.isfinite(gradient).all()
    got, gradient = value_and_gradient("multilabel_margin_loss", x, [[0, -1, 0, 0], [1, 3, -1, -1]])
    np.testing.assert_array_equal(got, [0, 0])
    got, gradient = value_and_gradient("multilabel_margin_loss", x, [[1, -1, 0, 0], [2, -1, -1, -1]])
    np.testing.assert_allclose(got, [far / 4 + 0.5, 3 * far / 4 + 1.5], rtol=1e-4)
    np.testing.assert_allclose(gradient, np.array([[1, -2, 1, 0], [1, 1, -3, 1]]) / 4)


def test_nan_is_not_hidden():
    x = np.array([[np.nan, 1.0, 2.0]], np.float32)
    for name in ("multiclass_hinge_loss", "multiclass_perceptron_loss", "multi_margin_loss"):
        assert np.isnan(getattr(losses, name)(x, np.array([1]))).all(), name
    assert np.isnan(losses.multilabel_margin_loss(x, np.array([[1, -1, -1]]))).all()
    for name in ("hinge_loss", "squared_hinge_loss", "perceptron_loss", "hinge_embedding_loss"):
        assert np.isnan(getattr(losses, name)(x[:, :1], np.array([[-1]]))).all(), name


# Labels


@pytest.mark.parametrize("name", ["hinge_loss", "squared_hinge_loss", "perceptron_loss"])
def test_the_negative_class_may_be_0_or_minus_1(name):
    fn = getattr(losses, name)
    expected = fn(SCORES, SIGNS)
    for labels in ((SIGNS + 1) // 2, SIGNS > 0, (SIGNS > 0).astype(np.uint8), SIGNS.astype(np.float16)):
        np.testing.assert_array_equal(fn(SCORES, labels), expected)
    np.testing.assert_array_equal(fn(SCORES, np.maximum(SIGNS, RNG.integers(-1, 1, SIGNS.shape))), expected)
    wrong = SIGNS.copy()
    wrong[1, 2] = 2
    with pytest.raises(LabelError) as caught:
        fn(SCORES, wrong)
    assert str(caught.value) == (
        f"{name}: `labels` must be 1, or 0 or -1, but got 2 at index (1, 2). "
        "Use 1 for one class, and 0 or -1 for the other."
    )
    with pytest.raises(LabelError):
        losses.get(name).check_labels({"logits": (4, 5)}, wrong)
    value, gradient = value_and_gradient_traced(name, SCORES, wrong)
    np.testing.assert_array_equal(np.isnan(value), wrong == 2)
    assert np.isfinite(gradient).all()


def value_and_gradient_traced(name: str, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    def run(x: jax.Array, y: jax.Array) -> Any:
        values, pull = jax.vjp(lambda a: getattr(losses, name)(a, y), x)
        return values, pull(jnp.ones_like(values))[0]

    values, gradient = jax.jit(run)(jnp.asarray(x), jnp.asarray(y))
    return np.asarray(values), np.asarray(gradient)


def test_lists_of_classes_end_at_the_first_minus_1():
    fn, oracle = losses.multilabel_margin_loss, ORACLES["multilabel_margin_loss"]
    check_loss(fn, oracle, [SCORES, LISTS], tolerance=1e-5)
    cut = np.where(np.cumsum(LISTS < 0, axis=-1) > 0, -1, LISTS)
    np.testing.assert_array_equal(fn(SCORES, LISTS), fn(SCORES, cut))
    assert fn(SCORES, LISTS)[1] == 0
    assert fn(SCORES, LISTS)[2] == 0
    once = np.where(np.arange(5) == 1, -1, LISTS)
    np.testing.assert_allclose(fn(SCORES, LISTS)[3], 2 * fn(SCORES, once)[3], rtol=1e-6)
    np.testing.assert_array_equal(
        fn(SCORES[:, None].repeat(2, 1), LISTS[:, None].repeat(2, 1))[:, 1], fn(SCORES, LISTS)
    )


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint8])
def test_a_listed_class_out_of_range_is_an_error_or_nan(dtype):
    lists = np.abs(LISTS) if dtype == np.uint8 else LISTS.copy()
    lists[2, 4] = 5
    with pytest.raises(LabelError) as caught:
        losses.multilabel_margin_loss(SCORES, lists.astype(dtype))
    assert str(caught.value) == (
        "multilabel_margin_loss: `labels` must be class indices in [0, 5), or -1 for none, but got 5 at index (2, 4). "
        "Check the number of classes of the model."
    )
    value, gradient = value_and_gradient_traced("multilabel_margin_loss", SCORES, lists.astype(dtype))
    np.testing.assert_array_equal(np.isnan(value), [False, False, True, False])
    assert np.isfinite(gradient).all()
    if dtype == np.int8:
        lists[2, 4] = -2
        with pytest.raises(LabelError, match="but got -2"):
            losses.get("multilabel_margin_loss").check_labels({"logits": (4, 5)}, lists)
        assert np.isnan(value_and_gradient_traced("multilabel_margin_loss", SCORES, lists.astype(dtype))[0][2])


# Arguments


def test_multi_margin_over_the_grid():
    for p, margin, weight in itertools.product((1, 2), (1.0, 0.4, -0.2), (None, WEIGHT)):
        params = {"p": p, "margin": margin, "weight": weight}
        check_loss(losses.multi_margin_loss, ORACLES["multi_margin_loss"], [SCORES, CLASSES], params, tolerance=1e-5)


def test_margins_may_be_swept_over():
    margins = jnp.array([0.5, 2.0])
    swept = jax.jit(jax.vmap(lambda m: losses.multi_margin_loss(SCORES, CLASSES, margin=m)))(margins)
    np.testing.assert_allclose(swept[0], losses.multi_margin_loss(SCORES, CLASSES, margin=0.5), rtol=1e-6)
    swept = jax.jit(jax.vmap(lambda m: losses.hinge_embedding_loss(SCORES, SIGNS, margin=m)))(margins)
    np.testing.assert_allclose(swept[1], losses.hinge_embedding_loss(SCORES, SIGNS, margin=2), rtol=1e-6)


def test_a_single_class_has_no_loss():
    x, y = np.array([[2.0]], np.float32), np.array([0])
    for name in ("multiclass_hinge_loss", "multiclass_perceptron_loss", "multi_margin_loss"):
        value, gradient = value_and_gradient(name, x, y)
        assert value == 0
        assert gradient == 0


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: losses.multi_margin_loss(SCORES, CLASSES, p=3), ArgumentError, "`p` must be one of 1, 2, but got 3"),
        (lambda: losses.multi_margin_loss(SCORES, CLASSES, p=1.0), ArgumentTypeError, "`p` must be an int"),
        (
            lambda: losses.multi_margin_loss(SCORES, CLASSES, margin=None),
            ArgumentTypeError,
            "`margin` must be a number",
        ),
        (
            lambda: losses.multi_margin_loss(SCORES, CLASSES, weight=np.ones(4)),
            ShapeError,
            "`weight` must have shape (5,), one number per class, but got shape (4,)",
        ),
        (lambda: losses.hinge_embedding_loss(SCORES, SIGNS + 1), LabelError, "`labels` must be 1 or -1"),
        (lambda: losses.hinge_loss(SCORES, SIGNS[0]), ShapeError, "`labels` must have shape (4, 5), but got (5,)"),
        (
            lambda: losses.categorical_hinge_loss(SCORES, CLASSES),
            ShapeError,
            "These look like class indices: use the loss for sparse labels, or one-hot labels.",
        ),
    ],
)
def test_error_messages(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


# Peers


def compare(ours: Callable[..., Any], peer: Callable[..., Any], x: np.ndarray, y: np.ndarray) -> None:
    """Compare values and gradients with those of a peer that is a JAX function; equal up to rounding."""
    results = []
    for fn in (ours, peer):

        def run(x: Any, fn: Any = fn) -> Any:
            values, pull = jax.vjp(lambda a: fn(a, y), x)
            return values, pull(jnp.cos(jnp.arange(values.size, dtype=values.dtype)).reshape(values.shape))[0]

        results.append(jax.jit(run)(x))
    for got, expected in zip(*results, strict=True):
        np.testing.assert_allclose(got, expected, rtol=2e-6, atol=2e-6)


GRID = RNG.integers(-2, 3, (6, 5)).astype(np.float32)
"""Integer scores give ties and kinks."""


@pytest.mark.peers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_match_torch(dtype):
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    labels, lists = np.array([0, 1, 4, 4, 2, 3]), np.concatenate([LISTS, LISTS[:2, ::-1]]).copy()
    signs = np.concatenate([SIGNS, SIGNS[:2]])
    cases: list[tuple[str, np.ndarray, np.ndarray, dict[str, Any]]] = [
        ("hinge_embedding_loss", signs, signs, {}),
        ("hinge_embedding_loss", signs, signs, {"margin": 2.0}),
        ("multilabel_margin_loss", lists, lists, {}),
        *(
            ("multi_margin_loss", labels, labels, {"p": p, "margin": margin, "weight": weight})
            for p, margin, weight in ((1, 1.0, None), (2, 1.0, WEIGHT.astype(dtype)), (1, 0.5, WEIGHT.astype(dtype)))
        ),
    ]
    normal = np.random.default_rng(9).normal(size=(6, 5))
    for name, y, _, params in cases:
        given = {key: torch.tensor(value) if isinstance(value, np.ndarray) else value for key, value in params.items()}
        with jax.enable_x64(dtype == np.float64):

            def run(x: Any, cotangent: Any, name: str = name, y: Any = y, params: Any = params) -> Any:
                values, pull = jax.vjp(lambda a: getattr(losses, name)(a, y, **params), x)
                return values, pull(cotangent)[0]

            compiled = jax.jit(run)
            for array in (GRID.astype(dtype), normal.astype(dtype)):
                x = torch.tensor(array, requires_grad=True)
                expected = getattr(functional, name)(x, torch.tensor(y), reduction="none", **given)
                cotangent = np.cos(np.arange(expected.numel())).reshape(tuple(expected.shape)).astype(dtype)
                expected.backward(torch.tensor(cotangent))
                values, gradient = compiled(array, cotangent)
                tolerance = 2e-6 if dtype == np.float32 else 1e-12
                np.testing.assert_allclose(
                    values, expected.detach().numpy(), rtol=tolerance, atol=tolerance, err_msg=name
                )
                np.testing.assert_allclose(gradient, x.grad.numpy(), rtol=tolerance, atol=tolerance, err_msg=name)


@pytest.mark.peers
def test_unbatched_samples_match_torch():
    torch = pytest.importorskip("torch")
    functional, row = torch.nn.functional, torch.tensor(SCORES[0])
    expected = functional.multilabel_margin_loss(row, torch.tensor(LISTS[0]))
    np.testing.assert_allclose(losses.multilabel_margin_loss(SCORES[0], LISTS[0]), expected, rtol=1e-6)
    expected = functional.multi_margin_loss(row, torch.tensor(3))
    np.testing.assert_allclose(losses.multi_margin_loss(SCORES[0], np.array(3)), expected, rtol=1e-6)


@pytest.mark.peers
def test_losses_match_optax():
    optax = pytest.importorskip("optax")
    signs, labels = np.concatenate([SIGNS, SIGNS[:2]]), np.array([0, 1, 4, 4, 2, 3])
    for x in (GRID, GRID + np.float32(0.25)):
        compare(losses.hinge_loss, optax.losses.hinge_loss, x, signs)
        compare(losses.perceptron_loss, optax.losses.perceptron_loss, x, signs)
        compare(losses.multiclass_hinge_loss, optax.losses.multiclass_hinge_loss, x, labels)
        compare(losses.multiclass_perceptron_loss, optax.losses.multiclass_perceptron_loss, x, labels)


@pytest.mark.peers
def test_losses_match_keras():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras").losses
    signs, one_hot = np.concatenate([SIGNS, SIGNS[:2]]), np.eye(5, dtype=np.float32)[[0, 1, 4, 4, 2, 3]]
    for labels in (signs, (signs + 1) // 2):
        for ours, peer in ((losses.hinge_loss, keras.hinge), (losses.squared_hinge_loss, keras.squared_hinge)):
            compare(lambda x, y, ours=ours: ours(x, y).mean(-1), lambda x, y, peer=peer: peer(y, x), GRID, labels)
    soft = np.random.default_rng(2).dirichlet(np.ones(5), 6).astype(np.float32)
    for labels in (one_hot, soft):
        compare(losses.categorical_hinge_loss, lambda x, y: keras.categorical_hinge(y, x), GRID, labels)
