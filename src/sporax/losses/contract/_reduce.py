"""Reduction and weighting of loss values: one position for mean, sum, zero weights and nothing left."""

from __future__ import annotations

from typing import Any

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
"""What the `reduction` of a class may be, unless the class says otherwise."""

FUNCTION_REDUCTIONS = (*REDUCTIONS, "batchmean")
"""What the `reduction` of a function may be."""


def check_reduction(reduction: Any, *, where: str, allowed: tuple[str, ...] = REDUCTIONS) -> str:
    """Check that `reduction` is one of the allowed ones: by default `none`, `mean` and `sum`.

    Raises:
        ArgumentError: it is something else.

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

    The mean is MindSpore's mean(w x) where no weight is zero. A zero weight is as if the value were not
    there: what it holds, NaN included, reaches neither result nor gradient. With nothing left the result is
    0, as are its gradients. Half-precision values are reduced in float32 and the result is cast back;
    integers give float32.

    Args:
        values: loss values of any shape.
        reduction: `none`, `mean` or `sum`.
        weights: broadcasts to the shape of the values; None for all ones.
        where: what an error message begins with.

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

    def evaluate(weights: Any) -> jax.Array:
        array, factor = _prepare(values, weights, where)
        dtype = array.dtype if jnp.issubdtype(array.dtype, jnp.floating) else jnp.float32
        return reduce_prepared(array.astype(compute_dtype(array.dtype)), reduction, factor).astype(dtype)

    return observe(
        reduction,
        weights,
        where,
        lambda: as_array(values).shape,
        evaluate,
        lambda each: sum_and_weight(values, each, where=where),
    )


def sum_and_weight(values: Any, weights: Any = None, *, where: str = "sum_and_weight") -> tuple[jax.Array, jax.Array]:
    """Return the numerator and denominator of the mean, to sum over several batches before dividing.

        (sum(w x), count(w != 0))

    Both stay at full precision (float32 for half-precision values), so that one batch equals its parts.

    Args:
        values: loss values of any shape.
        weights: broadcasts to the shape of the values; None for all ones.
        where: what an error message begins with.

    Returns:
        Two scalars; `divide` makes the mean of them, or of sums of them.

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
    array, factor = _prepare(values, weights, where)
    return sum_prepared(array.astype(compute_dtype(array.dtype)), factor)


def divide(total: Any, weight: Any) -> jax.Array:
    """Divide a sum by its weight; 0, with zero gradients, where the weight is 0.

    Args:
        total: sum of weighted values.
        weight: what to divide by, of the same shape.

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


def reduce_prepared(
    values: jax.Array,
    reduction: str,
    weights: jax.Array | None,
    counts: jax.Array | None = None,
    *,
    joins: bool = True,
) -> jax.Array:
    """`reduce_loss` for values at full precision and weights that are known to fit.

    `counts` is what each value adds to the denominator of the mean, 1 unless given. `batchmean` divides by the
    number of samples along the first axis that have something left. `joins` is as in `sum_all`.
    """
    if reduction == "none":
        return apply_weights(values, weights)
    total, weight = sum_prepared(values, weights, counts, joins=joins)
    if reduction == "sum":
        return total
    if reduction == "batchmean":
        return divide(total, samples_left(values.shape, weights, values.dtype))
    # Without weights the count is known, and the sum over no values is 0 already.
    return total / max(values.size, 1) if weights is None and counts is None else divide(total, weight)


def sum_prepared(
    values: jax.Array, weights: jax.Array | None, counts: jax.Array | None = None, *, joins: bool = True
) -> tuple[jax.Array, jax.Array]:
    """`sum_and_weight` for values at full precision and weights that are known to fit."""
    total = sum_all(apply_weights(values, weights), joins)
    if counts is not None:
        left = counts if weights is None else jnp.where(weights != 0, counts, 0)
        return total, sum_all(left).astype(values.dtype)
    if weights is None:
        return total, jnp.asarray(values.size, values.dtype)
    # Counted in integers: a float32 count stops at 2**24.
    kept = sum_all((jnp.broadcast_to(weights, values.shape) != 0).astype(jnp.int32))
    return total, kept.astype(values.dtype)


def samples_left(shape: Shape, weights: jax.Array | None, dtype: Any) -> jax.Array:
    """How many samples, along the first axis of values of that shape, have a weight that is not zero."""
    if weights is None or not shape:
        return jnp.asarray(shape[0] if shape else 1, dtype)
    left = jnp.any(jnp.broadcast_to(weights, shape) != 0, axis=tuple(range(1, len(shape))))
    return jnp.sum(left, dtype=jnp.int32).astype(dtype)


def _prepare(values: Any, weights: Any, where: str) -> tuple[jax.Array, jax.Array | None]:
    array = jnp.asarray(as_array(values))
    if weights is None:
        return array, None
    factor = as_array(weights)
    broadcast_into("weights", np.shape(factor), array.shape, target_name="the loss values", where=where)
    return array, jnp.asarray(factor, compute_dtype(array.dtype))
