"""Losses on bounding boxes: overlap, with penalties that attract boxes that do not overlap."""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sporax._typing import ArrayLike
from sporax.losses.contract import Flag, LossInfo, NonNegative, label, loss_function, prediction
from sporax.losses.numerics._ratio import nothing, ratio
from sporax.losses.numerics._vectors import scale_of

__all__ = ["ciou_loss", "diou_loss", "giou_loss", "iou_loss"]

_BOXES = (prediction("boxes1", "... 4"), label("boxes2", "... 4", domain="box"))


def _examples(rng: np.random.Generator, sizes: Mapping[str, Any], dtype: Any) -> list[np.ndarray]:
    """Boxes of which some overlap; no coordinate is near one of the other box, where the losses have kinks."""
    shape = (*sizes["..."], 2)
    boxes = []
    for shift in (0, 0.05):
        corner = rng.integers(0, 20, shape)
        both = np.concatenate([corner, corner + rng.integers(5, 20, shape)], -1)
        boxes.append((both / 10 + shift).astype(dtype))
    return boxes


@loss_function(
    *_BOXES,
    output="...",
    info=LossInfo(cell="IoULoss", parameters={"eps": (0.0, 0.1)}, examples=_examples, lower_bound=0.0),
)
def iou_loss(boxes1: ArrayLike, boxes2: ArrayLike, *, eps: NonNegative = 0.0) -> jax.Array:
    r"""One minus the intersection over union of two boxes.

    .. math:: \ell = 1 - \frac{|A \cap B|}{|A \cup B| + \epsilon}

    Boxes that do not overlap have loss 1 and derivative 0. Where two coordinates are equal, each gets half of the
    derivative, as in PyTorch.

    Args:
        eps: added to the denominator, at least 0, in units of area.

    Example:
        >>> losses.iou_loss([[0.0, 0.0, 2.0, 2.0]], [[1.0, 0.0, 2.0, 2.0]], eps=0.0).tolist()
        [0.5]

    Source: Yu et al., "UnitBox: An Advanced Object Detection Network", 2016, without the logarithm.
    """
    found = _compare(boxes1, boxes2, eps)
    return found.checked(found.loss)


@loss_function(
    *_BOXES,
    output="...",
    info=LossInfo(
        cell="GIoULoss",
        parameters={"eps": (0.0, 0.1)},
        examples=_examples,
        like=("torchvision generalized_box_iou_loss",),
        lower_bound=0.0,
    ),
)
def giou_loss(boxes1: ArrayLike, boxes2: ArrayLike, *, eps: NonNegative = 0.0) -> jax.Array:
    r"""Generalized IoU loss: adds the fraction of the enclosing box that neither box covers.

    .. math:: \ell = 1 - \frac{|A \cap B|}{|A \cup B| + \epsilon} + \frac{|C| - |A \cup B|}{|C| + \epsilon}

    where C is the smallest enclosing box. Where two coordinates are equal, each gets half of the derivative, as in
    PyTorch.

    Args:
        eps: added to the denominators, at least 0, in units of area.

    Returns:
        Values of shape (...), between 0 and 2.

    Example:
        >>> losses.giou_loss([[0.0, 0.0, 1.0, 1.0]], [[3.0, 0.0, 4.0, 1.0]], eps=0.0).tolist()
        [1.5]

    Source: Rezatofighi et al., "Generalized Intersection over Union", 2019; torchvision
    `generalized_box_iou_loss`.
    """
    found = _compare(boxes1, boxes2, eps)
    neither, around = found.around
    return found.checked(found.loss + ratio(neither, around + found.eps))


@loss_function(
    *_BOXES,
    output="...",
    info=LossInfo(
        cell="DIoULoss",
        parameters={"eps": (0.0, 0.1)},
        examples=_examples,
        like=("torchvision distance_box_iou_loss",),
        lower_bound=0.0,
    ),
)
def diou_loss(boxes1: ArrayLike, boxes2: ArrayLike, *, eps: NonNegative = 0.0) -> jax.Array:
    r"""Distance IoU loss: adds the normalized distance between the box centers.

    .. math:: \ell = 1 - \frac{|A \cap B|}{|A \cup B| + \epsilon} + \frac{|a - b|^2}{d^2 + \epsilon}

    where a and b are the centers, and d is the diagonal of the smallest enclosing box. Where two coordinates
    are equal, each gets half of the derivative, as in PyTorch.

    Args:
        eps: added to the denominators, at least 0, in units of area.

    Returns:
        Values of shape (...), between 0 and 2.

    Example:
        >>> losses.diou_loss([[0.0, 0.0, 1.0, 2.0]], [[3.0, 2.0, 4.0, 4.0]], eps=0.0).tolist()
        [1.40625]

    Source: Zheng et al., "Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression", 2020;
    torchvision `distance_box_iou_loss`.
    """
    found = _compare(boxes1, boxes2, eps)
    return found.checked(_distance_loss(found))


@loss_function(
    *_BOXES,
    output="...",
    info=LossInfo(
        cell="CIoULoss",
        parameters={"eps": (0.0, 0.1), "alpha_gradient": (False, True)},
        examples=_examples,
        like=("torchvision complete_box_iou_loss",),
        lower_bound=0.0,
    ),
)
def ciou_loss(
    boxes1: ArrayLike, boxes2: ArrayLike, *, eps: NonNegative = 0.0, alpha_gradient: Flag = False
) -> jax.Array:
    r"""Complete IoU loss: adds a penalty on the difference of aspect ratios to the DIoU loss.

    .. math::
        \ell = \ell_{DIoU} + \alpha v, \qquad
        v = \frac{4}{\pi^2} \Bigl(\arctan \frac{w_B}{h_B} - \arctan \frac{w_A}{h_A}\Bigr)^2, \qquad
        \alpha = \frac{v}{1 - IoU + v + \epsilon}

    The weight alpha is held constant in the gradient, which is thus not the derivative of the value, unless
    `alpha_gradient` is set. A box of height 0 has the limit of the aspect ratio; a point has an angle of 0.

    Args:
        eps: added to the denominators, at least 0, in units of area.
        alpha_gradient: whether alpha is differentiated too.

    Example:
        >>> value = losses.ciou_loss([[0.0, 0.0, 4.0, 2.0]], [[0.0, 0.0, 2.0, 4.0]], eps=0.0)
        >>> round(value.item(), 4)
        0.7629

    Source: Zheng et al., "Distance-IoU Loss: Faster and Better Learning for Bounding Box Regression", 2020;
    torchvision `complete_box_iou_loss`.
    """
    boxes1, boxes2 = _ordered(jnp.asarray(boxes1)), jnp.asarray(boxes2)
    found = _compare(boxes1, boxes2, eps)
    first, second = (
        _aspect(boxes[..., 2] - boxes[..., 0], boxes[..., 3] - boxes[..., 1]) for boxes in (boxes1, boxes2)
    )
    v = 4 / math.pi**2 * jnp.square(second - first)
    alpha = ratio(v, found.loss + v + eps)
    if not alpha_gradient:
        alpha = jax.lax.stop_gradient(alpha)
    return found.checked(_distance_loss(found) + alpha * v)


class _Pair(NamedTuple):
    """Two boxes, in units of the larger side of their enclosing box.

    Args:
        loss: one minus the intersection over the union.
        around: the part of the enclosing box that neither box covers, and its area.
        apart: the distance of the centers, and the diagonal of the enclosing box, squared.
        eps: the caller's addition to the denominators, in these units.
        valid: whether the second box is valid.
    """

    loss: jax.Array
    around: tuple[jax.Array, jax.Array]
    apart: tuple[jax.Array, jax.Array]
    eps: jax.Array
    valid: jax.Array

    def checked(self, loss: jax.Array) -> jax.Array:
        """The loss, and NaN where the second box is invalid."""
        return jnp.where(self.valid, loss, jnp.nan)


class _Sides(NamedTuple):
    """Lengths along one axis: the overlap, what only the first and only the second covers, and the hull."""

    both: jax.Array
    first: jax.Array
    second: jax.Array
    hull: jax.Array


def _sides(a: tuple[jax.Array, jax.Array], b: tuple[jax.Array, jax.Array], scale: jax.Array) -> _Sides:
    low, high = jnp.maximum(a[0], b[0]), jnp.minimum(a[1], b[1])
    # Differences of nearby coordinates are exact; those of areas would cancel.
    first = (low - a[0]) + (a[1] - high)
    second = (low - b[0]) + (b[1] - high)
    hull = jnp.maximum(a[1], b[1]) - jnp.minimum(a[0], b[0])
    return _Sides(*(each * scale for each in (high - low, first, second, hull)))


def _ordered(boxes: jax.Array) -> jax.Array:
    """Boxes with x1 <= x2 and y1 <= y2. Otherwise, a prediction with swapped corners could have a loss of 0."""
    low, high = boxes[..., :2], boxes[..., 2:]
    turned = low > high
    return jnp.concatenate([jnp.where(turned, high, low), jnp.where(turned, low, high)], axis=-1)


def _compare(boxes1: Any, boxes2: Any, eps: Any) -> _Pair:
    a, b = (tuple(jnp.moveaxis(boxes, -1, 0)) for boxes in (_ordered(jnp.asarray(boxes1)), jnp.asarray(boxes2)))
    # Written so that a NaN coordinate stays valid, and reaches the formula.
    valid = ~((b[0] > b[2]) | (b[1] > b[3]))
    # No loss depends on the unit, so every derivative is exact with the scale held constant. The areas of tiny and huge
    # boxes stay in range.
    hulls = (jnp.maximum(a[high], b[high]) - jnp.minimum(a[low], b[low]) for low, high in ((0, 2), (1, 3)))
    scale = 1 / scale_of(functools.reduce(jnp.maximum, (jnp.abs(hull) for hull in hulls)))
    eps = jnp.minimum(eps * scale * scale, float(jnp.finfo(scale.dtype).max) / 4)
    x, y = _sides((a[0], a[2]), (b[0], b[2]), scale), _sides((a[1], a[3]), (b[1], b[3]), scale)
    # Written so that a NaN propagates.
    meet = ~((x.both <= 0) | (y.both <= 0))
    # Written in the overlap and in what only the first and only the second box covers along each axis, the area in one
    # box only, and that in neither, are sums of products, without cancellation.
    width, height = jnp.where(meet, x.both, 0), jnp.where(meet, y.both, 0)
    one = width * (y.first + y.second) + height * (x.first + x.second) + x.first * y.first + x.second * y.second
    areas = [(box[2] - box[0]) * scale * ((box[3] - box[1]) * scale) for box in (a, b)]
    alone = areas[0] + areas[1]
    union = jnp.where(meet, one + width * height, alone)
    loss = jnp.where(meet, ratio(one + eps, union + eps), 1)
    neither = jnp.where(meet, x.first * y.second + x.second * y.first, x.hull * y.hull - alone)
    centers = ((a[low] - b[low]) + (a[high] - b[high]) for low, high in ((0, 2), (1, 3)))
    distance = functools.reduce(jnp.add, (jnp.square(0.5 * scale * center) for center in centers))
    return _Pair(loss, (neither, x.hull * y.hull), (distance, jnp.square(x.hull) + jnp.square(y.hull)), eps, valid)


def _distance_loss(found: _Pair) -> jax.Array:
    apart, diagonal = found.apart
    return found.loss + ratio(apart, diagonal + found.eps)


def _aspect(width: jax.Array, height: jax.Array) -> jax.Array:
    """arctan(width / height): π/2 for height 0, and 0 with derivative 0 for a point."""
    # The result does not depend on the scale, so every derivative is exact with the scale held constant.
    scale = jax.lax.stop_gradient(jnp.maximum(jnp.abs(width), jnp.abs(height)))
    point = nothing(scale)
    scale = jnp.where(height < 0, -1, 1) * jnp.where(point, 1, scale)
    return jnp.arctan2(jnp.where(point, 0, width / scale), jnp.where(point, 1, height / scale))
