"""Weighting and reduction of loss values: means, sums, zero weights, and nothing left."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._typing import Shape
from sporax.losses.contract._arrays import apply_weights, as_array, compute_dtype
from sporax.losses.contract._observer import observe
from sporax.losses.contract._shapes import broadcast_into
from sporax.losses.numerics._sums import sum_all

__all__ = ["REDUCTIONS", "check_reduction", "divide", "reduce_loss", "sum_and_weight"]

REDUCTIONS = ("none", "mean", "sum")
"""The allowed values of `reduction` of a class, unless the class declares others."""

FUNCTION_REDUCTIONS = (*REDUCTIONS, "batchmean")
"""The allowed values of `reduction` of a function."""


def check_reduction(reduction: Any, *, where: str, allowed: tuple[str, ...] = REDUCTIONS) -> str:
    """Check that `reduction` is one of the allowed ones: by default `none`, `mean` and `sum`.

    Raises:
        ArgumentError: it is not.

    Example:
        >>> from sporax import losses
        >>> losses.check_reduction("sum", where="MyLoss")
        'sum'
    """
    return _check.one_of(reduction, allowed, name="reduction", where=where)


def reduce_loss(values: Any, reduction: str = "mean", weights: Any = None, *, where: str = "reduce_loss") -> jax.Array:
    """Weight and reduce loss values.

    With values x and weights w over the shape of x:

        none: w x        sum: sum(w x)        mean: sum(w x) / count(w != 0)

    The mean is MindSpore's mean(w x) where no weight is zero. A weight of zero removes its value, even NaN, from the
    result and the gradient. If no value is left, the result and its gradients are 0. Half-precision values are reduced
    in float32 and the result is cast back; integers give float32.

    Args:
        values: loss values of any shape.
        reduction: `none`, `mean` or `sum`.
        weights: broadcasts to the shape of the values; None for all ones.
        where: the beginning of error messages.

    Returns:
        The weighted values (`none`), or a scalar.

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: weights that would make the values larger.

    Example:
        >>> from sporax import losses
        >>> losses.reduce_loss([1.0, 2.0, float("nan")], "mean", weights=[1.0, 2.0, 0.0]).item()
        2.5

    Source: MindSpore's `LossBase.get_loss`; the denominator is Keras' and TensorFlow's
    `SUM_BY_NONZERO_WEIGHTS`.
    """
    check_reduction(reduction, where=where)
    return reduce_values(values, reduction, weights, where)


def reduce_values(values: Any, reduction: str, weights: Any, where: str) -> jax.Array:
    """`reduce_loss` without the check of the reduction, which may also be "batchmean"."""
    return observe(
        reduction,
        weights,
        where,
        lambda: as_array(values).shape,
        lambda each: weighted_values(values, each, where).reduce(reduction),
        lambda each: weighted_values(values, each, where).sum_and_weight(reduction),
    )


def sum_and_weight(values: Any, weights: Any = None, *, where: str = "sum_and_weight") -> tuple[jax.Array, jax.Array]:
    """Return the numerator and denominator of the mean, to sum over several batches before dividing.

        (sum(w x), count(w != 0))

    Both have full precision (float32 for half-precision values), so that the sums over the parts of a batch are those
    of the batch.

    Args:
        values: loss values of any shape.
        weights: broadcasts to the shape of the values; None for all ones.
        where: the beginning of error messages.

    Returns:
        Two scalars; `divide` returns the mean from them, or from sums of them.

    Raises:
        ShapeError: weights that would make the values larger.

    Example:
        >>> from sporax import losses
        >>> first = losses.sum_and_weight([1.0, 2.0, 6.0])
        >>> second = losses.sum_and_weight([5.0, 7.0], weights=[1.0, 0.0])
        >>> losses.divide(first[0] + second[0], first[1] + second[1]).item()
        3.5

    Source: the loss contract of this package.
    """
    return weighted_values(values, weights, where).sum_and_weight()


def divide(total: Any, weight: Any) -> jax.Array:
    """Divide a sum by its weight; 0, with zero gradients, where the weight is 0.

    Args:
        total: sum of weighted values.
        weight: the divisor, of the same shape.

    Returns:
        An array of that shape.

    Example:
        >>> from sporax import losses
        >>> losses.divide(6.0, 4.0).item(), losses.divide(0.0, 0.0).item()
        (1.5, 0.0)

    Source: TensorFlow's `div_no_nan`.
    """
    total, weight = jnp.asarray(total), jnp.asarray(weight)
    empty = weight == 0
    return jnp.where(empty, 0, total / jnp.where(empty, 1, weight))


class Unreduced(NamedTuple):
    """Unweighted loss values at full precision, ready to be reduced.

    Args:
        values: the values.
        weights: their weights, which broadcast to them; None for all ones.
        dtype: the dtype of a result.
        counts: the contribution of each value to the denominator of the mean; None for 1.
        fuse: see `sum_all`.
    """

    values: jax.Array
    weights: jax.Array | None
    dtype: np.dtype
    counts: jax.Array | None = None
    fuse: bool = True

    def reduce(self, reduction: str) -> jax.Array:
        """Return the weighted values ("none") or a scalar, rounded once."""
        return self._reduced(reduction).astype(self.dtype)

    def _reduced(self, reduction: str) -> jax.Array:
        if reduction == "none":
            return apply_weights(self.values, self.weights)
        total, weight = self.sum_and_weight(reduction)
        if reduction == "sum":
            return total
        if reduction == "mean" and self.weights is None and self.counts is None:
            # The count is known, and the sum over no values is 0 already.
            return total / max(self.values.size, 1)
        return divide(total, weight)

    def sum_and_weight(self, reduction: str = "mean") -> tuple[jax.Array, jax.Array]:
        """Return the numerator and denominator of the mean, or of "batchmean", at full precision."""
        values, weights = self.values, self.weights
        total = sum_all(apply_weights(values, weights), self.fuse)
        if reduction == "batchmean":
            return total, samples_left(values.shape, weights, total.dtype)
        if self.counts is not None:
            left = self.counts if weights is None else jnp.where(weights != 0, self.counts, 0)
            return total, sum_all(left).astype(values.dtype)
        if weights is None:
            return total, jnp.asarray(values.size, values.dtype)
        # Counted in integers: a float32 count stops at 2**24.
        kept = sum_all((jnp.broadcast_to(weights, values.shape) != 0).astype(jnp.int32))
        return total, kept.astype(values.dtype)


def samples_left(shape: Shape, weights: jax.Array | None, dtype: Any) -> jax.Array:
    """Return the number of samples, along the first axis of that shape, with a weight that is not zero."""
    if weights is None or not shape:
        return jnp.asarray(shape[0] if shape else 1, dtype)
    left = jnp.any(jnp.broadcast_to(weights, shape) != 0, axis=tuple(range(1, len(shape))))
    return jnp.sum(left, dtype=jnp.int32).astype(dtype)


def weighted_values(values: Any, weights: Any, where: str) -> Unreduced:
    """Return loss values and their weights, ready for a reduction, after checking that the weights fit."""
    array = jnp.asarray(as_array(values))
    compute = compute_dtype(array.dtype)
    factor = None
    if weights is not None:
        given = as_array(weights)
        broadcast_into("weights", given.shape, array.shape, target_name="the loss values", where=where)
        factor = jnp.asarray(given, compute)
    dtype = array.dtype if jnp.issubdtype(array.dtype, jnp.floating) else compute
    return Unreduced(array.astype(compute), factor, dtype)
