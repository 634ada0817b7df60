"""Region losses: empty and perfect regions, axes, ignored pixels, and comparisons with other libraries."""

from __future__ import annotations

import os
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.compare import check_loss
from oracles.losses import ORACLES
from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError, ShapeError

pytestmark = pytest.mark.slow

REGIONS = ["dice_loss", "tversky_loss", "focal_tversky_loss", "soft_jaccard_loss"]


def value_and_gradient(name: str, x: Any, y: Any, **params: Any) -> tuple[Any, Any]:
    def run(x: Any, y: Any) -> tuple[Any, Any]:
        values, pull = jax.vjp(lambda x: getattr(losses, name)(x, y, **params), x)
        return values, pull(jnp.ones_like(values))[0]

    return jax.jit(run)(jnp.asarray(x), jnp.asarray(y))


@pytest.fixture
def regions() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    return rng.uniform(size=(3, 4, 2)).astype(np.float32), rng.integers(0, 2, (3, 4, 2)).astype(np.float32)


# Empty and perfect regions


@pytest.mark.parametrize("name", REGIONS)
@pytest.mark.parametrize("smooth", [0.0, 1e-5])
def test_special_regions_have_finite_values_and_gradients(name, smooth):
    tiny = np.float32(1e-42)
    truth = [1.0, 0.0, 1.0, 0.0]
    rows = [[0.0] * 4, [tiny] * 4, truth, [0.0, 0.0, 0.0, 0.0], [0.5, 0.0, 0.0, 0.2], [tiny, 0.0, 0.0, 0.0]]
    masks = [[0.0] * 4, [0.0] * 4, truth, truth, [0.0] * 4, truth]
    x, y = np.array(rows, np.float32), np.array(masks, np.float32)
    values, gradients = value_and_gradient(name, x, y, smooth=smooth, axis=1)
    assert np.isfinite(gradients).all()
    # Both empty, both nearly empty, and a perfect prediction
    np.testing.assert_allclose(values[:3], 0, atol=1e-3 if name == "focal_tversky_loss" else 1e-5)
    assert values[0] == 0
    assert not np.asarray(gradients[0]).any()
    # Only false negatives, or only false positives
    np.testing.assert_allclose(values[3:5], 1, atol=1e-4)
    assert (np.asarray(gradients[3])[[0, 2]] < 0).all()


def test_a_perfect_prediction_has_loss_zero_and_no_gradient_under_the_root():
    y = np.array([1.0, 0.0, 1.0], np.float32)
    value, gradient = value_and_gradient("focal_tversky_loss", y, y, smooth=0.0)
    assert value == 0
    assert not np.asarray(gradient).any()


def test_missed_pixels_with_weight_zero_have_loss_zero():
    x, y = np.zeros(3, np.float32), np.ones(3, np.float32)
    value, gradient = value_and_gradient("tversky_loss", x, y, alpha=0.0, smooth=0.0)
    assert value == 0
    assert np.isfinite(gradient).all()


# Axes


@pytest.mark.parametrize("name", REGIONS)
def test_regions_over_any_axes_match_the_oracle(name, regions):
    for axis in (0, (2, -2)):
        check_loss(getattr(losses, name), ORACLES[name], regions, {"axis": axis}, jit=True, tolerance=2e-5)


def test_images_of_weight_zero_are_removed_along_any_axis(regions):
    x, y = regions
    weights = np.array([1.0, 0.0], np.float32)
    spoiled = x.copy()
    spoiled[..., 1] = np.nan
    got = losses.evaluate(losses.tversky_loss, spoiled, y, axis=(0, 1), weights=weights)
    np.testing.assert_allclose(got, losses.tversky_loss(x[..., 0], y[..., 0]), rtol=1e-6)
    gradient = jax.grad(lambda x: losses.evaluate(losses.tversky_loss, x, y, axis=(0, 1), weights=weights))(spoiled)
    assert not np.asarray(gradient)[..., 1].any()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("axis", [3, -4, (0, 0), (1, -2)])
def test_missing_or_repeated_axes_are_an_error(axis, regions):
    with pytest.raises(ArgumentError, match=r"dice_loss: `axis` must name different axes in \[-3, 3\)"):
        losses.dice_loss(*regions, axis=axis)


def test_region_arguments_are_checked(regions):
    for name in REGIONS:
        with pytest.raises(ArgumentError, match=rf"{name}: `smooth` must be in \[0, inf\)"):
            getattr(losses, name)(*regions, smooth=-1.0)
    with pytest.raises(ArgumentError, match="`gamma` must be in"):
        losses.focal_tversky_loss(*regions, gamma=0)
    with pytest.raises(ArgumentTypeError, match="`squared` must be bool"):
        losses.dice_loss(*regions, squared=1)  # pyright: ignore[reportArgumentType]
    with pytest.raises(LabelError, match="must be probabilities"):
        losses.soft_jaccard_loss(regions[0], 2 * regions[1])


def test_equivalent_losses_are_equal(regions):
    x, y = regions
    same = np.testing.assert_allclose
    same(losses.tversky_loss(x, y, smooth=0.0), losses.dice_loss(x, y, squared=False, smooth=0.0), rtol=1e-6)
    same(losses.tversky_loss(x, y, alpha=1, beta=1, smooth=0), losses.soft_jaccard_loss(x, y), rtol=1e-6)
    same(losses.focal_tversky_loss(x, y, gamma=1, smooth=0), losses.tversky_loss(x, y, alpha=0.7, beta=0.3, smooth=0))


# Several classes


@pytest.mark.parametrize("activation", ["softmax", "logsoftmax", "relu", "relu6", "tanh", "sigmoid", None])
def test_every_activation_and_class_weight_matches_the_oracle(activation):
    rng = np.random.default_rng(8)
    x = (3 * rng.normal(size=(3, 4, 2))).astype(np.float32)
    y = np.ascontiguousarray(np.moveaxis(np.eye(4, dtype=np.float32)[rng.integers(0, 4, (3, 2))], -1, 1))
    oracle = ORACLES["multi_class_dice_loss"]
    params = {"class_weights": [1.0, 0.0, 2.0, 0.5], "ignore_index": 3, "activation": activation}
    check_loss(losses.multi_class_dice_loss, oracle, [x, y], params, jit=True, tolerance=2e-5)


def test_relu6_has_no_gradient_at_its_ends_and_propagates_nan():
    x = np.array([[0.0], [6.0], [3.0]], np.float32)
    y = np.array([[1.0], [1.0], [0.0]], np.float32)
    _, gradient = value_and_gradient("multi_class_dice_loss", x, y, activation="relu6")
    assert not np.asarray(gradient)[:2].any()
    assert gradient[2] != 0
    assert np.isnan(losses.multi_class_dice_loss(np.full((1, 1), np.nan, np.float32), y[:1], activation="relu6"))


def test_multi_class_errors():
    x = np.zeros((2, 3), np.float32)
    with pytest.raises(ShapeError, match=r"one weight for each of the 3 classes, shape \(3,\), but got shape \(2,\)"):
        losses.multi_class_dice_loss(x, x, class_weights=np.ones(2))
    with pytest.raises(ArgumentError, match="Did you mean 'softmax'"):
        losses.multi_class_dice_loss(x, x, activation="sofmax")


def test_dice_cross_entropy_matches_the_oracle_over_the_grid():
    rng = np.random.default_rng(2)
    x = (2 * rng.normal(size=(4, 3, 5))).astype(np.float32)
    labels = rng.integers(0, 3, (4, 5)).astype(np.int32)
    labels[0, 1:3] = labels[1] = -1
    for weights, smooth in (((1.0, 1.0), 0.3), ((0.0, 2.0), 0.0), ((0.5, 0.0), 0.0)):
        params = {
            "dice_weight": weights[0],
            "cross_entropy_weight": weights[1],
            "smooth": smooth,
            "ignore_index": -1,
        }
        oracle = ORACLES["dice_cross_entropy_loss"]
        check_loss(losses.dice_cross_entropy_loss, oracle, [x, labels], params, jit=True, tolerance=2e-5)


# Lovász


@pytest.mark.parametrize("name", ["lovasz_hinge_loss", "lovasz_softmax_loss", "lovasz_softmax_per_image_loss"])
def test_ignored_pixels_equal_removed_pixels(name):
    rng = np.random.default_rng(3)
    binary = name == "lovasz_hinge_loss"
    x = rng.normal(size=(2, 6) if binary else (2, 3, 6)).astype(np.float32)
    labels = rng.integers(0, 2 if binary else 3, (2, 6)).astype(np.uint8)
    spoiled, gone = x.copy(), labels.copy()
    gone[:, [1, 4]] = 255
    spoiled[..., [1, 4]] = np.nan
    values, gradients = value_and_gradient(name, spoiled, gone, ignore_index=255)
    kept = [0, 2, 3, 5]
    expected, rest = value_and_gradient(name, x[..., kept], labels[:, kept])
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    np.testing.assert_allclose(np.asarray(gradients)[..., kept], rest, rtol=1e-6)
    assert not np.asarray(gradients)[..., [1, 4]].any()
    # If values are concrete, only the ignored label passes the check.
    if binary:
        losses.lovasz_hinge_loss(spoiled, gone, ignore_index=255)
    with pytest.raises(LabelError, match=r"got 255 at index \(0, 1\)"):
        getattr(losses, name)(spoiled, gone, ignore_index=254)
    info = losses.get(name)
    with pytest.raises(LabelError, match="got 255"):
        info.check_labels({info.inputs[0].name: x.shape}, gone)
    info.check_labels({info.inputs[0].name: x.shape}, gone, ignore=255)
    # An index that the dtype cannot represent ignores nothing.
    assert np.isfinite(value_and_gradient(name, x, labels.astype(np.int8), ignore_index=255)[0]).all()
    nothing, gradients = value_and_gradient(name, spoiled, np.full_like(gone, 255), ignore_index=255)
    assert not np.asarray(nothing).any()
    assert not np.asarray(gradients).any()


def test_lovasz_hinge_without_a_true_pixel_is_the_maximum_error():
    value, gradient = value_and_gradient("lovasz_hinge_loss", [[0.5, -0.25, -3.0]], np.array([[0, 0, 0]]))
    assert value.tolist() == [1.5]
    assert gradient.tolist() == [[1.0, 0.0, 0.0]]


def test_lovasz_kinks_and_infinite_scores():
    # An error of exactly 0 has no gradient; equal errors keep their order.
    value, gradient = value_and_gradient("lovasz_hinge_loss", [[1.0, -1.0]], np.array([[1, 0]]))
    assert value == 0
    assert not np.asarray(gradient).any()
    value, gradient = value_and_gradient("lovasz_hinge_loss", [[0.0, 0.0]], np.array([[1, 0]]))
    np.testing.assert_allclose(value, 1)
    np.testing.assert_allclose(gradient, [[-1.0, 0.0]])
    x = np.array([[np.inf, -np.inf, 0.5], [np.inf, np.inf, -np.inf]], np.float32)
    value, gradient = value_and_gradient("lovasz_hinge_loss", x, np.array([[1, 0, 1], [0, 0, 0]]))
    np.testing.assert_allclose(value, [0.25, np.inf])
    assert np.isfinite(gradient).all()
    value, gradient = value_and_gradient("lovasz_softmax_loss", [[1.0, 0.0]], np.array([0]))
    assert value == 0
    assert not np.asarray(gradient).any()
    assert np.isnan(losses.lovasz_hinge_loss(np.array([[np.nan, 0.0]]), np.array([[0, 0]]))).all()


def test_an_invalid_label_gives_nan_for_the_set_in_compiled_code_without_gradient():
    x = np.full((2, 2, 3), 0.5, np.float32)
    value, gradient = value_and_gradient("lovasz_softmax_loss", x, np.array([[0, 1, 1], [0, 7, 0]]))
    assert np.isnan(value)
    assert not np.asarray(gradient).any()


def test_lovasz_gradients_are_accurate_in_a_large_image():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(1, 200_000)).astype(np.float32)
    labels = (rng.uniform(size=x.shape) < 0.3).astype(np.int32)
    _, gradient = value_and_gradient("lovasz_hinge_loss", x, labels)
    errors = np.maximum(0, 1 - np.where(labels[0] == 1, 1, -1).astype(np.float32) * x[0])
    order = np.argsort(-errors, kind="stable")
    true = labels[0][order].astype(np.float64)
    jaccard = 1 - (true.sum() - np.cumsum(true)) / (true.sum() + np.cumsum(1 - true))
    steps = np.diff(jaccard, prepend=0)
    expected = np.zeros(x.shape[1])
    expected[order] = steps * (errors[order] > 0) * -(2 * true - 1)
    np.testing.assert_allclose(gradient[0], expected, rtol=1e-5, atol=1e-12)


def test_classes_of_lovasz_softmax_are_checked():
    with pytest.raises(ArgumentError, match="`classes` must be one of 'present', 'all', but got 'some'"):
        losses.lovasz_softmax_loss(np.ones((1, 2), np.float32), np.array([0]), classes="some")


# Peers


def same_as_torch(name: str, peer: Any, x: np.ndarray, y: np.ndarray, tolerance: float, **params: Any) -> None:
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(x, requires_grad=True)
    expected = peer(tensor, torch.tensor(y))
    expected.sum().backward()
    values, gradient = value_and_gradient(name, x, y, **params)
    np.testing.assert_allclose(values, expected.detach().numpy(), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=tolerance, atol=tolerance)


@pytest.mark.peers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_regions_match_keras(dtype, monkeypatch, regions):
    monkeypatch.setenv("KERAS_BACKEND", os.environ.get("KERAS_BACKEND", "jax"))
    keras = pytest.importorskip("keras")
    if keras.backend.backend() != "jax":
        pytest.skip("the backend of Keras is not JAX")
    x, y = (array.astype(dtype) for array in regions)
    with jax.enable_x64(dtype == np.float64):
        for axis, alpha, beta in ((None, 0.5, 0.5), ((1, 2), 0.2, 0.9)):

            def tversky(x: Any, axis: Any = axis, alpha: float = alpha, beta: float = beta) -> Any:
                return keras.losses.tversky(y, x, alpha, beta, axis)

            def dice(x: Any, axis: Any = axis) -> Any:
                return keras.losses.dice(y, x, axis=axis)

            cases = [
                ("tversky_loss", tversky, {"alpha": alpha, "beta": beta}),
                ("dice_loss", dice, {"squared": False, "smooth": 1e-7}),
            ]
            for name, peer, params in cases:

                def both(x: Any, peer: Any = peer) -> Any:
                    values, pull = jax.vjp(peer, x)
                    return values, pull(jnp.ones_like(values))[0]

                expected = jax.jit(both)(jnp.asarray(x))
                tolerance = 2e-6 if dtype == np.float32 else 1e-12
                for got, wanted in zip(value_and_gradient(name, x, y, axis=axis, **params), expected, strict=True):
                    np.testing.assert_allclose(got, wanted, rtol=tolerance, atol=tolerance)


def berman(errors: Any, true: Any) -> Any:
    """The Lovász extension of algorithm 1 in Berman's paper, on torch tensors."""
    import torch

    ordered, order = torch.sort(errors, descending=True)
    true = true[order]
    both, either = true.sum() - true.cumsum(0), true.sum() + (1 - true).cumsum(0)
    jaccard = 1 - both / either
    return (ordered * torch.diff(jaccard, prepend=torch.zeros(1, dtype=jaccard.dtype))).sum()


@pytest.mark.peers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_lovasz_matches_berman(dtype):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(6)
    tolerance = 2e-6 if dtype == np.float32 else 1e-11
    x = rng.normal(size=(3, 4, 5)).astype(dtype)
    y = rng.integers(0, 2, (3, 4, 5)).astype(np.int32)

    def hinge(x: Any, y: Any) -> Any:
        y = y.to(x.dtype)
        images = zip(x.flatten(1), y.flatten(1), strict=True)
        return torch.stack([berman(torch.relu(1 - a * (2 * b - 1)), b) for a, b in images])

    labels = rng.integers(0, 4, (3, 5)).astype(np.int64)

    def softmax(classes: str) -> Any:
        def peer(x: Any, y: Any) -> Any:
            p, y = torch.softmax(x, 1).movedim(1, -1).reshape(-1, x.shape[1]), y.flatten()
            named = [c for c in range(x.shape[1]) if classes == "all" or (y == c).any()]
            each = [berman(((y == c).to(p.dtype) - p[:, c]).abs(), (y == c).to(p.dtype)) for c in named]
            return torch.stack(each).mean()

        return peer

    with jax.enable_x64(dtype == np.float64):
        same_as_torch("lovasz_hinge_loss", hinge, x, y, tolerance)
        for classes in ("present", "all") if dtype == np.float64 else ("present",):
            few = labels.copy()
            few[few == 2] = 0
            same_as_torch("lovasz_softmax_loss", softmax(classes), x, few, tolerance, classes=classes, from_logits=True)


@pytest.mark.peers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dice_cross_entropy_matches_torchs_cross_entropy(dtype):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(9)
    x, labels = rng.normal(size=(3, 4, 2, 3)).astype(dtype), rng.integers(0, 4, (3, 2, 3)).astype(np.int64)

    def peer(x: Any, y: Any) -> Any:
        p = torch.softmax(x, 1).flatten(2)
        true = torch.nn.functional.one_hot(y.flatten(1), 4).movedim(-1, 1).to(p.dtype)
        dice = 1 - (2 * (p * true).sum(2) + 0.1) / (p.sum(2) + true.sum(2) + 0.1)
        return 0.5 * dice.mean(1) + 2 * torch.nn.functional.cross_entropy(x, y, reduction="none").mean((1, 2))

    with jax.enable_x64(dtype == np.float64):
        same_as_torch(
            "dice_cross_entropy_loss",
            peer,
            x,
            labels,
            3e-6 if dtype == np.float32 else 1e-11,
            dice_weight=0.5,
            cross_entropy_weight=2.0,
            smooth=0.1,
        )
