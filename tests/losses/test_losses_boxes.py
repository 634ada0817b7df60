"""Boxes that touch, coincide, are disjoint or have no area; torchvision's formulas in torch."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError, ShapeError

pytestmark = pytest.mark.slow

NAMES = ["iou_loss", "giou_loss", "diou_loss", "ciou_loss"]

BOX = [1.0, 1.0, 3.0, 2.0]
SPECIAL = [
    (BOX, BOX),
    (BOX, [3.0, 1.0, 4.0, 2.0]),  # side by side
    (BOX, [3.0, 2.0, 4.0, 4.0]),  # corner to corner
    (BOX, [7.0, 8.0, 9.0, 9.0]),  # apart
    (BOX, [1.5, 1.2, 2.0, 1.6]),  # inside
    ([1.0, 1.0, 3.0, 1.0], BOX),  # zero height
    ([1.0, 1.0, 1.0, 2.0], BOX),  # zero width
    ([1.0, 1.0, 1.0, 1.0], BOX),  # a point
    (BOX, [2.0, 1.5, 2.0, 1.5]),
    ([1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]),
    ([0.0, 0.0, 0.0, 0.0], [5.0, 5.0, 5.0, 5.0]),
    ([3.0, 2.0, 1.0, 1.0], BOX),  # swapped corners
    ([0.0, 0.0, 1e-25, 1e-25], [0.0, 0.0, 2e-25, 1e-25]),
    ([-1e4, -1e4, 1e4, 1e4], [0.0, 0.0, 1e-3, 1e-3]),
]
FIRST, SECOND = (np.array([pair[n] for pair in SPECIAL], np.float32) for n in (0, 1))


def value_and_gradients(name: str, a: Any, b: Any, **params: Any) -> Any:
    def run(a: Any, b: Any) -> Any:
        values, pull = jax.vjp(lambda a, b: getattr(losses, name)(a, b, **params), a, b)
        return values, *pull(jnp.ones_like(values))

    return jax.jit(run)(jnp.asarray(a), jnp.asarray(b))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("eps", [1e-7, 0.0])
def test_special_boxes_have_finite_values_and_gradients(name, eps):
    for array in value_and_gradients(name, FIRST, SECOND, eps=eps):
        assert np.isfinite(array).all()


@pytest.mark.parametrize("name", NAMES)
def test_values_of_special_boxes(name):
    values = np.asarray(value_and_gradients(name, FIRST, SECOND)[0])
    np.testing.assert_allclose(values[0], 0, atol=2e-7)
    if name == "iou_loss":
        np.testing.assert_allclose(values[[1, 2, 3]], 1)
        np.testing.assert_allclose(values[4], 0.9, rtol=1e-5)
    if name == "giou_loss":
        np.testing.assert_allclose(values[1], 1, atol=1e-6)
        np.testing.assert_allclose(values[2], 1 + 5 / 9, rtol=1e-5)


def test_the_gradient_moves_disjoint_boxes_together():
    for name in NAMES[1:]:
        gradient = value_and_gradients(name, FIRST[3:4], SECOND[3:4])[1][0]
        assert (np.asarray(gradient)[:2] < 0).all() or (np.asarray(gradient)[2:] < 0).all(), name


def test_alpha_is_held_constant_in_the_gradient_by_default():
    a, b = np.array([[0.0, 0.0, 2.0, 1.0]]), np.array([[0.5, 0.2, 1.5, 2.2]])
    held, whole = (value_and_gradients("ciou_loss", a, b, alpha_gradient=flag) for flag in (False, True))
    assert held[0] == whole[0]
    assert not np.allclose(held[1], whole[1])


def test_box_errors():
    with pytest.raises(ShapeError, match=r"iou_loss: `boxes1` must have shape \(2, 4\), but got \(2, 5\)"):
        losses.iou_loss(np.ones((2, 5)), np.ones((2, 5)))
    with pytest.raises(ShapeError, match="must have shape"):
        losses.giou_loss(np.ones((2, 4)), np.ones((3, 4)))
    with pytest.raises(ArgumentError, match=r"`eps` must be in \[0, inf\)"):
        losses.diou_loss(FIRST, SECOND, eps=-1e-7)
    with pytest.raises(ArgumentTypeError, match="`alpha_gradient` must be bool"):
        losses.ciou_loss(FIRST, SECOND, alpha_gradient=1)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", NAMES)
def test_a_prediction_with_swapped_corners_is_the_box_of_its_corners(name):
    """Algorithm 2 of the GIoU paper orders predicted corners. Unordered, the first of these has a GIoU loss of 0."""
    turned = np.array([[2, 2, 1, 1], [3, 0, 1, 2], [0, 2, 2, 1]], np.float32)
    ordered = np.array([[1, 1, 2, 2], [1, 0, 3, 2], [0, 1, 2, 2]], np.float32)
    true = np.array([[0, 0, 1, 1], [1, 0.5, 2, 3], [0.5, 0, 1.5, 1.75]], np.float32)
    (values, gradients, _), (expected, of_ordered, _) = (value_and_gradients(name, a, true) for a in (turned, ordered))
    np.testing.assert_allclose(values, expected)
    np.testing.assert_allclose(
        gradients, np.asarray(of_ordered)[np.arange(3)[:, None], [[2, 3, 0, 1], [2, 1, 0, 3], [0, 3, 2, 1]]]
    )
    if name == "giou_loss":
        assert values[0] == 1.5  # areas 1 and 1 in a hull of 4
    if name == "iou_loss":
        assert values[1].item() == pytest.approx(1 - 1.5 / 5)


@pytest.mark.parametrize("name", NAMES)
def test_the_corners_of_a_true_box_must_be_in_order(name):
    predicted = np.array([[0, 0, 1, 1], [0, 0, 2, 2], [0, 0, 1, 3]], np.float32)
    sizes = np.array([[0, 0, 1, 1], [5, 5, 2, 3], [1, 1, 1, 1]], np.float32)  # (x, y, width, height)
    said = (
        rf"{name}: `boxes2` must be corners .* but got \[5.0, 5.0, 2.0, 3.0\] at index \(1,\)\. .*"
        r"use \(x, y, x \+ width, y \+ height\)"
    )
    with pytest.raises(LabelError, match=said):
        getattr(losses, name)(predicted, sizes)
    with pytest.raises(LabelError, match="must be corners"):
        losses.get(name).check_labels({"boxes1": (3, 4)}, sizes)
    values, gradients, _ = value_and_gradients(name, predicted, sizes)
    assert np.isnan(values).tolist() == [False, True, False]
    assert not np.asarray(gradients)[1].any()
    left = getattr(losses, name)(predicted, sizes, reduction="sum", weights=np.array([1, 0, 1]))
    np.testing.assert_allclose(left, getattr(losses, name)(predicted[::2], sizes[::2], reduction="sum"), rtol=1e-6)


def torchvision(name: str, a: Any, b: Any, eps: float) -> Any:
    """The formulas of torchvision's box losses, on torch tensors."""
    import torch

    x1, y1, x2, y2 = a.unbind(-1)
    u1, v1, u2, v2 = b.unbind(-1)
    wide, high = torch.min(x2, u2) - torch.max(x1, u1), torch.min(y2, v2) - torch.max(y1, v1)
    both = torch.where((wide > 0) & (high > 0), wide * high, torch.zeros_like(wide))
    union = (x2 - x1) * (y2 - y1) + (u2 - u1) * (v2 - v1) - both
    iou = both / (union + eps)
    around_wide, around_high = torch.max(x2, u2) - torch.min(x1, u1), torch.max(y2, v2) - torch.min(y1, v1)
    if name == "iou_loss":
        return 1 - iou
    if name == "giou_loss":
        around = around_wide * around_high
        return 1 - (iou - (around - union) / (around + eps))
    diagonal = around_wide**2 + around_high**2 + eps
    apart = ((x1 + x2) / 2 - (u1 + u2) / 2) ** 2 + ((y1 + y2) / 2 - (v1 + v2) / 2) ** 2
    diou = 1 - iou + apart / diagonal
    if name == "diou_loss":
        return diou
    v = (4 / math.pi**2) * (torch.atan((u2 - u1) / (v2 - v1)) - torch.atan((x2 - x1) / (y2 - y1))) ** 2
    with torch.no_grad():
        alpha = v / (1 - iou + v + eps)
    return diou + alpha * v


@pytest.mark.peers
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_values_and_gradients_match_torchvision(name, dtype):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(7)
    corners = rng.uniform(0, 3, (2, 40, 2))
    a, b = np.concatenate([corners, corners + rng.uniform(0.2, 2, (2, 40, 2))], -1).astype(dtype)
    # Ties too: equal, touching and nested boxes, and one with swapped corners
    ties = [0, 1, 2, 3, 4]
    a, b = (np.concatenate(pair) for pair in ((a, FIRST[ties].astype(dtype)), (b, SECOND[ties].astype(dtype))))
    tolerance = 2e-5 if dtype == np.float32 else 1e-11
    with jax.enable_x64(dtype == np.float64):
        for eps in (1e-7, 0.01):
            first, second = (torch.tensor(array, requires_grad=True) for array in (a, b))
            expected = torchvision(name, first, second, eps)
            expected.sum().backward()
            values, *gradients = value_and_gradients(name, a, b, eps=eps)
            np.testing.assert_allclose(values, expected.detach().numpy(), rtol=tolerance, atol=tolerance)
            for gradient, tensor in zip(gradients, (first, second), strict=True):
                np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=tolerance, atol=tolerance)
