"""Lovász losses: the convex closure of the Jaccard loss, as a function of the pixel errors."""

from __future__ import annotations

import math
from typing import Annotated, Any

import jax
import jax.numpy as jnp

from sporax._typing import ArrayLike
from sporax.losses.contract import Flag, LossInfo, label, loss_function, prediction
from sporax.losses.contract._indexing import kept_labels, valid_indices
from sporax.losses.contract._parameters import one_of
from sporax.losses.numerics._softmax import log_softmax
from sporax.losses.numerics._vectors import absolute

__all__ = ["lovasz_hinge_loss", "lovasz_softmax_loss", "lovasz_softmax_per_image_loss"]


@loss_function(
    prediction("logits", "N ..."),
    label("labels", "N ...", domain="binary", kind="number"),
    output="N",
    ignore_parameter="ignore_index",
    info=LossInfo(cell="LovaszHingeLoss", parameters={"ignore_index": (None, 255)}, lower_bound=0.0),
)
def lovasz_hinge_loss(logits: ArrayLike, labels: ArrayLike, *, ignore_index: int | None = None) -> jax.Array:
    r"""Lovász extension of the Jaccard loss, on the hinge errors of a binary image.

    .. math::
        m_i = \max(0, 1 - (2 y_i - 1) x_i), \qquad \ell = \sum_k m_{\pi_k} \bigl(J(\pi_1 \ldots \pi_k) -
        J(\pi_1 \ldots \pi_{k-1})\bigr)

    where :math:`\pi` sorts the errors in descending order, and J of a set of pixels is the Jaccard loss if exactly
    those are wrong. If no pixel is true, it is the largest error. The derivative is 0 where an error is 0; pixels with
    equal errors keep their order.

    Args:
        logits: scores x of shape (N, ...), positive for the region.
        labels: 1 for the region and 0 for the rest, of the same shape.
        ignore_index: a label whose pixels are ignored; None for none. An image without other pixels has loss 0.

    Returns:
        One value for each image, of shape (N,). To treat the batch as one image, pass `x.reshape(1, -1)`.

    Example:
        >>> losses.lovasz_hinge_loss([[2.0, -0.5, 0.5, -3.0]], [[1, 1, 0, 0]]).tolist()
        [1.0]

    Source: Berman et al., "The Lovász-Softmax Loss: A Tractable Surrogate for the Optimization of the
    Intersection-Over-Union Measure in Neural Networks", 2018; its code's `lovasz_hinge`.
    """
    logits, labels = jnp.asarray(logits), jnp.asarray(labels)
    shape = (logits.shape[0], math.prod(logits.shape[1:]))
    logits, labels = logits.reshape(shape), labels.reshape(shape)
    kept = jnp.ones(shape, bool) if ignore_index is None else kept_labels(labels, ignore_index)
    true = labels == 1
    valid = jnp.all(true | (labels == 0) | ~kept, axis=1)
    errors = 1 - jnp.where(true, 1, -1) * jnp.where(kept, logits, 0)
    # Clipping the errors before sorting them is equivalent, and gives derivative 0 at the cut.
    loss, _ = _extension(jax.nn.relu(errors), true, kept)
    return jnp.where(valid, loss, jnp.nan)


_Classes = Annotated[str, one_of("present", "all")]
_IMAGES = (
    prediction("predictions", "N C ...", domain="distribution"),
    label("labels", "N ...", domain="class", kind="int"),
)


@loss_function(
    *_IMAGES,
    output="",
    ignore_parameter="ignore_index",
    info=LossInfo(
        cell="LovaszSoftmaxLoss",
        cell_arguments={"per_image": False},
        parameters={"classes": ("present", "all"), "from_logits": (False, True)},
        lower_bound=0.0,
    ),
)
def lovasz_softmax_loss(
    predictions: ArrayLike,
    labels: ArrayLike,
    *,
    classes: _Classes = "present",
    ignore_index: int | None = None,
    from_logits: Flag = False,
) -> jax.Array:
    r"""Lovász extension of the Jaccard loss of each class, averaged over the classes.

    .. math:: m_i^c = \begin{cases} 1 - p_i^c & y_i = c \\ p_i^c & \text{else} \end{cases}, \qquad
        \ell = \frac{1}{|\mathcal{C}|} \sum_{c \in \mathcal{C}} \overline{\Delta_{J_c}}(m^c)

    See `lovasz_hinge_loss` for the extension.

    Args:
        predictions: class probabilities p of shape (N, C, ...), or logits.
        classes: `present` averages over the classes that occur in the labels, `all` over all of them. The loss of a
            class that does not occur is the largest of its probabilities.
        ignore_index: a label whose pixels are ignored; None for none. Without other pixels the loss is 0.
        from_logits: whether `predictions` are logits, of which the softmax is taken.

    Example:
        >>> p = [[[0.75, 0.5, 0.25], [0.25, 0.5, 0.75]]]
        >>> round(losses.lovasz_softmax_loss(p, [[0, 0, 1]]).item(), 4)
        0.375

    Source: Berman et al., "The Lovász-Softmax Loss: A Tractable Surrogate for the Optimization of the
    Intersection-Over-Union Measure in Neural Networks", 2018; its code's `lovasz_softmax`.
    """
    p, labels, kept = _pixels(predictions, labels, ignore_index, from_logits)
    count, number, pixels = p.shape
    p = jnp.swapaxes(p, 0, 1).reshape(1, number, count * pixels)
    return _lovasz_softmax(p, labels.reshape(1, -1), kept.reshape(1, -1), classes)[0]


@loss_function(
    *_IMAGES,
    output="N",
    ignore_parameter="ignore_index",
    info=LossInfo(
        cell="LovaszSoftmaxLoss",
        cell_arguments={"per_image": True},
        parameters={"classes": ("present", "all"), "from_logits": (False, True), "ignore_index": (None, 255)},
        lower_bound=0.0,
    ),
)
def lovasz_softmax_per_image_loss(
    predictions: ArrayLike,
    labels: ArrayLike,
    *,
    classes: _Classes = "present",
    ignore_index: int | None = None,
    from_logits: Flag = False,
) -> jax.Array:
    r"""`lovasz_softmax_loss` of each image separately.

    .. math:: \ell_n = \frac{1}{|\mathcal{C}_n|} \sum_{c \in \mathcal{C}_n} \overline{\Delta_{J_c}}(m_n^c)

    Args:
        predictions: class probabilities p of shape (N, C, ...), or logits.
        classes: `present` averages over the classes that occur in the image, `all` over all of them.
        ignore_index: a label whose pixels are ignored; None for none. An image without other pixels has loss 0.
        from_logits: whether `predictions` are logits, of which the softmax is taken.

    Example:
        >>> p = [[[0.75, 0.5], [0.25, 0.5]], [[0.0, 1.0], [1.0, 0.0]]]
        >>> losses.lovasz_softmax_per_image_loss(p, [[0, 0], [1, 0]]).tolist()
        [0.375, 0.0]

    Source: Berman et al., 2018; its code's `lovasz_softmax` with `per_image=True`.
    """
    p, labels, kept = _pixels(predictions, labels, ignore_index, from_logits)
    return _lovasz_softmax(p, labels, kept, classes)


def _pixels(
    predictions: Any, labels: Any, ignore_index: int | None, from_logits: bool
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Probabilities (N, C, P), labels (N, P), and which pixels are not ignored."""
    predictions, labels = jnp.asarray(predictions), jnp.asarray(labels)
    count, classes = predictions.shape[:2]
    pixels = math.prod(labels.shape[1:])
    predictions, labels = predictions.reshape(count, classes, pixels), labels.reshape(count, pixels)
    kept = jnp.ones(labels.shape, bool) if ignore_index is None else kept_labels(labels, ignore_index)
    predictions = jnp.where(jnp.expand_dims(kept, 1), predictions, 0)
    if from_logits:
        predictions = jnp.swapaxes(jnp.exp(log_softmax(jnp.swapaxes(predictions, 1, 2))), 1, 2)
    return predictions, labels, kept


def _lovasz_softmax(p: jax.Array, labels: jax.Array, kept: jax.Array, classes: str) -> jax.Array:
    number = p.shape[1]
    valid, safe = valid_indices(jnp.where(kept, labels, 0), number)
    true = jnp.expand_dims(safe, 1) == jnp.arange(number)[None, :, None]
    errors = absolute(true - p)
    each, present = _extension(errors, true, jnp.broadcast_to(jnp.expand_dims(kept, 1), p.shape))
    counted = present if classes == "present" else jnp.broadcast_to(jnp.any(kept, axis=1, keepdims=True), present.shape)
    loss = jnp.sum(jnp.where(counted, each, 0), axis=1) / jnp.maximum(jnp.sum(counted, axis=1), 1).astype(p.dtype)
    return jnp.where(jnp.all(valid, axis=1), loss, jnp.nan)


def _extension(errors: jax.Array, true: jax.Array, kept: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The Lovász extension of the Jaccard loss over the last axis, and whether any pixel is true."""
    fixed = jax.lax.stop_gradient(errors)
    # Ignored pixels come last; a NaN comes first, so that it propagates.
    keys = jnp.where(kept, jnp.where(jnp.isnan(fixed), -jnp.inf, -fixed), jnp.inf)
    order = jnp.argsort(keys, axis=-1)

    def in_order(array: jax.Array) -> jax.Array:
        return jnp.take_along_axis(array, order, axis=-1, mode="clip")

    true, kept = in_order(true), in_order(kept)
    true, other = true & kept, ~true & kept
    size = jnp.sum(true, axis=-1, keepdims=True, dtype=jnp.int32)
    both = (size - jnp.cumsum(true, axis=-1, dtype=jnp.int32)).astype(errors.dtype)
    either = (size + jnp.cumsum(other, axis=-1, dtype=jnp.int32)).astype(errors.dtype)
    # The increase of the Jaccard loss by one more wrong pixel, in closed form, since the difference of two losses would
    # cancel in a large image: 1/U for a true pixel, I/(U-1) - I/U for another, 1 for the first if no pixel is true.
    before = jnp.maximum(either - 1, 1)
    steps = jnp.where(true, 1 / jnp.maximum(either, 1), jnp.where(either <= 1, 1, both / (before * either)))
    steps = jnp.where(kept, steps, 0)
    some = steps > 0
    return jnp.sum(jnp.where(some, steps * in_order(errors), 0), axis=-1), size[..., 0] > 0
