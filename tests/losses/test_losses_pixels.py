"""Ignored and weighted pixels of region losses, and the generalized Dice loss."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import ORACLES
from sporax import Tensor, losses, nn
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError, ShapeError

RNG = np.random.default_rng(11)
X = RNG.uniform(0.05, 0.95, (3, 8)).astype(np.float32)
Y = RNG.integers(0, 2, (3, 8)).astype(np.float32)
KEPT = RNG.uniform(size=(3, 8)) > 0.4
REGIONS = {
    "dice_loss": {"smooth": 0.01, "squared": False},
    "tversky_loss": {"alpha": 0.8, "beta": 0.3, "smooth": 0.01},
    "focal_tversky_loss": {"alpha": 0.8, "beta": 0.3, "gamma": 1.5, "smooth": 0.01},
    "soft_jaccard_loss": {"smooth": 0.01},
}


def value_and_gradient(name: str, x: Any, *inputs: Any, **params: Any) -> tuple[np.ndarray, np.ndarray]:
    def run(x: Any) -> tuple[Any, Any]:
        values, pull = jax.vjp(lambda x: getattr(losses, name)(x, *inputs, **params), x)
        return values, pull(jnp.ones_like(values))[0]

    values, gradient = jax.jit(run)(jnp.asarray(x))
    return np.asarray(values), np.asarray(gradient)


@pytest.mark.parametrize("name", REGIONS)
def test_ignored_pixels_equal_removed_pixels(name):
    expected = [ORACLES[name].value(x[kept], y[kept], **REGIONS[name]) for x, y, kept in zip(X, Y, KEPT, strict=True)]
    x, marked = np.where(KEPT, X, np.float32(np.nan)), np.where(KEPT, Y, 255).astype(np.uint8)
    by_index = value_and_gradient(name, x, marked, axis=1, ignore_index=255, **REGIONS[name])
    by_mask = value_and_gradient(name, x, np.where(KEPT, Y, 0), axis=1, pixel_weights=KEPT, **REGIONS[name])
    for values, gradient in (by_index, by_mask):
        np.testing.assert_allclose(values, expected, rtol=2e-6)
        assert not gradient[~KEPT].any()
        assert np.isfinite(gradient).all()
        for row, kept in enumerate(KEPT):
            alone = value_and_gradient(name, X[row][kept], Y[row][kept], **REGIONS[name])[1]
            np.testing.assert_allclose(gradient[row][kept], alone, rtol=1e-5, atol=1e-7)
    # In eager code only these labels pass the check of the values.
    np.testing.assert_allclose(
        getattr(losses, name)(X, marked, axis=1, ignore_index=255, **REGIONS[name]), expected, rtol=2e-6
    )
    with pytest.raises(LabelError, match="255"):
        getattr(losses, name)(X, marked, axis=1, ignore_index=7, **REGIONS[name])


@pytest.mark.parametrize("name", REGIONS)
def test_a_pixel_of_weight_two_counts_as_two_pixels(name):
    weights = np.array([1, 2, 0, 1, 2, 1, 0, 1])
    twice = np.repeat(np.arange(8), weights)
    expected = ORACLES[name].value(X[0][twice], Y[0][twice], **REGIONS[name])
    value, gradient = value_and_gradient(name, X[0], Y[0], pixel_weights=weights, **REGIONS[name])
    np.testing.assert_allclose(value, expected, rtol=2e-6)
    alone = value_and_gradient(name, X[0][twice], Y[0][twice], **REGIONS[name])[1]
    np.testing.assert_allclose(gradient, np.bincount(twice, alone, 8), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", REGIONS)
def test_nothing_left_has_loss_zero(name):
    value, gradient = value_and_gradient(name, X, Y, pixel_weights=np.zeros(8), **REGIONS[name])
    assert value == 0
    assert not gradient.any()


def test_masks_of_the_wrong_shape_raise():
    with pytest.raises(ShapeError, match=r"`pixel_weights`.*\(3, 8\).*\(4,\)"):
        losses.dice_loss(X, Y, pixel_weights=np.ones(4))
    with pytest.raises(ShapeError, match=r"`pixel_weights`.*\(2, 5\).*\(2, 3, 5\)"):
        losses.generalized_dice_loss(
            np.zeros((2, 3, 5)), np.zeros((2, 3, 5)), from_logits=True, pixel_weights=np.ones((2, 3, 5))
        )


CELLS = {
    "dice_loss": lambda **given: nn.DiceLoss(0.01, **given),
    "tversky_loss": lambda **given: nn.TverskyLoss(0.8, 0.3, smooth=0.01, **given),
    "focal_tversky_loss": lambda **given: nn.FocalTverskyLoss(0.8, 0.3, 1.5, smooth=0.01, **given),
    "soft_jaccard_loss": lambda **given: nn.JaccardLoss(0.01, **given),
}


@pytest.mark.parametrize("name", REGIONS)
def test_cells_accept_a_mask_and_an_index(name):
    params = {**REGIONS[name], "squared": True} if name == "dice_loss" else REGIONS[name]
    expected = ORACLES[name].value(X[KEPT], Y[KEPT], **params)
    marked = Tensor(np.where(KEPT, Y, 255).astype(np.int32))
    np.testing.assert_allclose(CELLS[name](ignore_index=255)(Tensor(X), marked).asnumpy(), expected, rtol=2e-6)
    np.testing.assert_allclose(CELLS[name]()(Tensor(X), Tensor(Y), Tensor(KEPT)).asnumpy(), expected, rtol=2e-6)
    CELLS[name](ignore_index=255).check_labels({"logits": X.shape}, marked.asnumpy())


# Several classes

P = RNG.dirichlet(np.ones(4), (2, 6)).transpose(0, 2, 1).astype(np.float32)
# Class 3 is in no image, and class 2 not in the second.
CLASSES = np.array([[0, 0, 0, 1, 2, 2], [1, 0, 0, 0, 0, 1]])
R = np.eye(4, dtype=np.float32)[CLASSES].transpose(0, 2, 1).copy()
PIXELS = np.array([[1, 1, 0, 1, 1, 0], [1, 0, 1, 1, 1, 1]], bool)


def removed(array: np.ndarray, image: int) -> np.ndarray:
    return array[image : image + 1][:, :, PIXELS[image]]


def test_generalized_dice_follows_its_formula_with_absent_classes():
    np.testing.assert_allclose(losses.generalized_dice_loss(P, R), ORACLES["generalized_dice_loss"].value(P, R), 2e-6)
    scores = np.log(P) + 3
    np.testing.assert_allclose(
        losses.generalized_dice_loss(scores, R, from_logits=True), losses.generalized_dice_loss(P, R), 2e-6
    )


def test_generalized_dice_of_perfect_and_of_empty_regions():
    value, gradient = value_and_gradient("generalized_dice_loss", R, R)
    assert not value.any()
    assert np.isfinite(gradient).all()
    value, gradient = value_and_gradient("generalized_dice_loss", 0 * R, 0 * R)
    assert not value.any()
    assert not gradient.any()
    # A million pixels of background and one pixel of an object, with equal total weight.
    x = np.full((1, 2, 10**6), 0.0, np.float32)
    y = x.copy()
    y[0, 0], y[0, 0, 0], y[0, 1, 0], x[0, 0] = 1, 0, 1, 1
    # Background: weight 1 / 999999^2, with 999999 + 1000000 in both; the object: weight 1, with 1 in both.
    weight = 1 / 999999.0**2
    expected = 1 - 2 * weight * 999999 / (weight * 1999999 + 1)
    np.testing.assert_allclose(losses.generalized_dice_loss(x, y), [expected], rtol=1e-6)


@pytest.mark.parametrize("name", ["generalized_dice_loss", "multi_class_dice_loss"])
@pytest.mark.parametrize("scores", [False, True])
def test_ignored_pixels_of_several_classes(name, scores):
    params: dict[str, Any] = (
        {"from_logits": scores} if name[0] == "g" else {"activation": "softmax" if scores else None}
    )
    spoiled = np.where(PIXELS[:, None], P, np.float32(np.nan))
    for image in range(2):
        at = slice(image, image + 1)
        expected, alone = value_and_gradient(name, removed(P, image), removed(R, image), **params)
        value, gradient = value_and_gradient(name, spoiled[at], R[at], pixel_weights=PIXELS[at], **params)
        np.testing.assert_allclose(value, expected, rtol=2e-6)
        np.testing.assert_allclose(gradient[:, :, PIXELS[image]], alone, rtol=1e-5, atol=1e-7)
        assert not gradient[:, :, ~PIXELS[image]].any()


def test_cells_of_several_classes():
    expected = ORACLES["generalized_dice_loss"].value(P, R, pixel_weights=PIXELS)
    loss = nn.GeneralizedDiceLoss(reduction="none")
    np.testing.assert_allclose(loss(Tensor(P), Tensor(R), Tensor(PIXELS)).asnumpy(), expected, rtol=2e-6)
    dice = nn.MultiClassDiceLoss(activation=None)
    np.testing.assert_allclose(
        dice(Tensor(P), Tensor(R), Tensor(PIXELS)).asnumpy(),
        losses.multi_class_dice_loss(P, R, activation=None, pixel_weights=PIXELS),
        rtol=1e-6,
    )
    with pytest.raises(ArgumentTypeError, match="from_logits"):
        nn.GeneralizedDiceLoss(from_logits=1)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", ["dice_loss", "tversky_loss", "focal_tversky_loss", "soft_jaccard_loss"])
def test_the_label_of_a_pixel_of_weight_zero_is_not_checked(name):
    function = getattr(losses, name)
    x, y = np.array([0.9, 0.2, 7.0], np.float32), np.array([1.0, 0.0, 255.0], np.float32)
    found = function(x, y, pixel_weights=np.array([True, True, False]))
    np.testing.assert_allclose(found, function(x[:2], y[:2]), rtol=1e-6)
    if name != "dice_loss":
        with pytest.raises(LabelError, match="got 255.0 at index"):
            function(np.minimum(x, 1), y, pixel_weights=np.array([0, 1, 1]))
    with pytest.raises(ArgumentError, match=r"`pixel_weights` must be at least 0, but got -1.0"):
        function(x[:2], y[:2], pixel_weights=[1.0, -1.0])
