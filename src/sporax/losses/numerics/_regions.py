"""Sums over the pixels of regions, with ignored and weighted pixels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError
from sporax._value_checks import check_when_known
from sporax.losses.contract._arrays import as_array
from sporax.losses.contract._indexing import kept_labels
from sporax.losses.contract._shapes import broadcast_into
from sporax.losses.numerics._ratio import nothing, ratio
from sporax.losses.numerics._softmax import log_softmax
from sporax.losses.numerics._sums import sum_all


def kept_pixels(
    x: Any, y: Any, weights: Any, ignore_index: int | None, where: str
) -> tuple[jax.Array, jax.Array, jax.Array | None]:
    """Return predictions and labels, set to 0 in ignored pixels, and the weights of the pixels, or None."""
    x, y = jnp.asarray(x), jnp.asarray(y)
    if weights is not None:
        given = _checked(weights, where)
        broadcast_into("pixel_weights", given.shape, y.shape, target_name="the labels", where=where)
        weights = jnp.broadcast_to(jnp.asarray(given).astype(x.dtype), y.shape)
    kept = None if weights is None else weights != 0
    if ignore_index is not None:
        known = kept_labels(y, ignore_index)
        kept = known if kept is None else kept & known
    if kept is None:
        return x, y, weights
    # Ignored pixels may be NaN, so they are replaced instead of multiplied by 0.
    return jnp.where(kept, x, 0), jnp.where(kept, y, 0), weights


def class_pixels(weights: Any, shape: tuple[int, ...], where: str) -> jax.Array | None:
    """Broadcast weights of pixels, of shape (N, ...), to arrays of shape (N, C, ...)."""
    if weights is None:
        return None
    given, pixels = _checked(weights, where), (shape[0], *shape[2:])
    broadcast_into("pixel_weights", given.shape, pixels, target_name="the pixels", where=where)
    return jnp.broadcast_to(jnp.expand_dims(jnp.broadcast_to(jnp.asarray(given), pixels), 1), shape)


def _checked(weights: Any, where: str) -> Any:
    """Check that known weights of pixels are not negative, since sums of regions would cancel."""

    def check(known: Any) -> None:
        minimum = float(np.min(np.asarray(known), initial=0))
        if minimum < 0:
            raise ArgumentError(
                f"{where}: `pixel_weights` must be at least 0, but got {minimum}. A weight of 0 ignores a pixel."
            )

    weights = as_array(weights)
    check_when_known(check, weights)
    return weights


def dice(
    x: jax.Array, y: jax.Array, weights: jax.Array | None, axes: tuple[int, ...], smooth: Any, squared: bool
) -> jax.Array:
    """Return the Dice loss over the given axes."""
    # 1 - 2 sum(x y) / (...) with the 1 inside the ratio, for full precision near a perfect prediction.
    if squared:
        wrong, either = jnp.square(x - y), x * x + y * y
    else:
        wrong, either = x * (1 - y) + y * (1 - x), x + y
    wrong, either = (total(each, axes, weights) for each in (wrong, either))
    return jnp.where(nothing(either), 0, ratio(wrong + smooth, either + smooth))


def regions(
    x: jax.Array, y: jax.Array, weights: jax.Array | None, axes: tuple[int, ...]
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Return the sums of true positives, false negatives and false positives, and whether both regions are empty."""
    both, missed, surplus = (total(each, axes, weights) for each in (x * y, (1 - x) * y, x * (1 - y)))
    return both, missed, surplus, nothing(both + missed + surplus)


def total(values: jax.Array, axes: tuple[int, ...], weights: jax.Array | None) -> jax.Array:
    """Return the weighted sum over the given axes."""
    if weights is not None:
        values = weights * values
    return sum_all(values) if len(axes) == values.ndim else jnp.sum(values, axis=axes)


def class_log_softmax(x: jax.Array) -> jax.Array:
    """log(softmax) over axis 1."""
    return jnp.moveaxis(log_softmax(jnp.moveaxis(x, 1, -1)), -1, 1)


ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "softmax": lambda x: jnp.exp(class_log_softmax(x)),
    "logsoftmax": class_log_softmax,
    "relu": jax.nn.relu,
    # The derivative of jnp.clip is 1/2 at its ends, that of MindSpore's relu6 is 0 there.
    "relu6": lambda x: jnp.where(x >= 6, 6, jax.nn.relu(x)),
    "tanh": jnp.tanh,
    "sigmoid": jax.nn.sigmoid,
}
