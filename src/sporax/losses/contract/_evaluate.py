"""A loss and its reduction in one call, rounded once."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax.losses.contract._arrays import as_array, compute_dtype
from sporax.losses.contract._convention import contract_loss, evaluate_keywords, is_contract_loss, sum_and_weight_of
from sporax.losses.contract._loss_function import Unreduced
from sporax.losses.contract._observer import observe
from sporax.losses.contract._reduce import (
    FUNCTION_REDUCTIONS,
    check_reduction,
    reduce_prepared,
    samples_left,
    sum_prepared,
)
from sporax.losses.contract._shapes import broadcast_into

__all__ = ["evaluate", "evaluate_sum_and_weight"]


def evaluate(
    fn: Callable[..., jax.Array],
    /,
    *inputs: Any,
    reduction: str = "mean",
    weights: Any = None,
    where: str | None = None,
    **params: Any,
) -> jax.Array:
    """Evaluate a loss, weighted and reduced.

    A loss of this package takes the same keywords itself: `evaluate(fn, x, y)` is `fn(x, y, reduction="mean")`. Use
    `evaluate` for any other function of arrays, and where an error message should begin with another name.

    For a loss of this package the result differs from `reduce_loss(fn(*inputs), reduction, weights)` in three ways.
    Half precision is rounded once, at the end. A sample of weight zero is removed from the inputs: what it holds, NaN
    or a label out of range included, reaches neither the check of the labels, nor the result, nor the gradient. And a
    weight that is a hyper-parameter of the loss (`weight` of `binary_cross_entropy`) counts as a weight in the
    denominator.

    Args:
        fn: a loss of this package, or any function that returns unreduced values.
        *inputs: its array inputs.
        reduction: `none`, `mean`, `sum`, or `batchmean`: the sum over the number of samples (the size of the first
            axis of the values, without the samples whose weights are all zero).
        weights: broadcasts to the shape of the values; None for all ones.
        where: what an error message begins with; the name of the loss unless given.
        **params: its hyper-parameters.

    Returns:
        Values (`none`) or a scalar, in the dtype of the inputs.

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError, DtypeError, LabelError: inputs that do not fit.

    Example:
        >>> import numpy as np
        >>> from sporax import losses
        >>> logits, labels = np.zeros((3, 4), np.float32), np.array([1, 2, -1])
        >>> fn = losses.sparse_softmax_cross_entropy_with_logits
        >>> losses.evaluate(fn, logits, labels, weights=[1.0, 1.0, 0.0]).item()
        1.3862943649291992

    Source: the loss contract of this package.
    """
    fn, inputs, params, weights = _opened(fn, inputs, params, weights)
    name = where or _name(fn)
    if is_contract_loss(fn):
        return evaluate_keywords(fn, inputs, params, reduction, weights, name)
    check_reduction(reduction, where=name, allowed=FUNCTION_REDUCTIONS)
    values = jnp.asarray(fn(*inputs, **params))

    def evaluate(weights: Any) -> jax.Array:
        found = _weighted(values, weights, name)
        return reduce_prepared(found.values, reduction, found.weights).astype(found.dtype)

    mean = "batchmean" if reduction == "batchmean" else "mean"
    return observe(
        reduction,
        weights,
        name,
        lambda: values.shape,
        evaluate,
        lambda each: _sums(_weighted(values, each, name), mean),
    )


def evaluate_sum_and_weight(
    fn: Callable[..., jax.Array],
    /,
    *inputs: Any,
    reduction: str = "mean",
    weights: Any = None,
    where: str | None = None,
    **params: Any,
) -> tuple[jax.Array, jax.Array]:
    """Return the numerator and denominator of the mean of a loss; see `evaluate` and `sum_and_weight`.

    Args:
        fn: a loss of this package, or any function that returns unreduced values.
        *inputs: its array inputs.
        reduction: `mean`, or `batchmean`: the denominator is then the number of samples, along the first axis of the
            values, that have a weight other than zero.
        weights: broadcasts to the shape of the values; None for all ones.
        where: what an error message begins with; the name of the loss unless given.
        **params: its hyper-parameters.

    Returns:
        Two scalars at full precision: sum of w x, and how many weights are not zero (or, of a loss that counts
        otherwise, as cross entropy with class weights, the sum of what those count).

    Raises:
        ArgumentError: another reduction.
        ShapeError, DtypeError, LabelError: inputs that do not fit.

    Example:
        >>> from sporax import losses
        >>> total, weight = losses.evaluate_sum_and_weight(losses.l1_loss, [1.0, 5.0], [0.0, 2.0])
        >>> total.item(), weight.item()
        (4.0, 2.0)

    Source: the loss contract of this package.
    """
    fn, inputs, params, weights = _opened(fn, inputs, params, weights)
    name = where or _name(fn)
    check_reduction(reduction, where=name, allowed=("mean", "batchmean"))
    if is_contract_loss(fn):
        return sum_and_weight_of(fn, inputs, params, reduction, weights, name)
    return _sums(_weighted(jnp.asarray(fn(*inputs, **params)), weights, name), reduction)


def _name(fn: Callable[..., Any]) -> str:
    return getattr(fn, "__name__", type(fn).__name__)


def _opened(
    fn: Any, inputs: tuple[Any, ...], params: dict[str, Any], weights: Any
) -> tuple[Any, tuple[Any, ...], dict[str, Any], Any]:
    """The loss within `functools.partial` and `jax.jit`, and what it is called with; any other function as it is.

    Weights that a partial has bound are multiplied by those given, so that they count in the denominator too.
    """
    if contract_loss(fn) is None:
        return fn, inputs, params, weights
    while not is_contract_loss(fn):
        if isinstance(fn, functools.partial):
            bound = dict(fn.keywords)
            own = bound.pop("weights", None)
            bound.pop("reduction", None)
            if own is not None:
                weights = own if weights is None else _product(own, weights)
            fn, inputs, params = fn.func, (*fn.args, *inputs), {**bound, **params}
        else:
            fn = fn.__wrapped__
    return fn, inputs, params, weights


def _product(first: Any, second: Any) -> jax.Array | np.ndarray:
    arrays = as_array(first), as_array(second)
    # NumPy weights stay NumPy: they are known, so that what they remove is not checked.
    xp: Any = np if all(isinstance(each, np.ndarray) for each in arrays) else jnp
    first, second = xp.broadcast_arrays(*arrays)
    return first * second


def _weighted(values: jax.Array, weights: Any, where: str) -> Unreduced:
    """The values of a function that keeps no contract, ready for a reduction."""
    compute = compute_dtype(values.dtype)
    if weights is not None:
        weights = as_array(weights)
        broadcast_into("weights", weights.shape, values.shape, target_name="the loss values", where=where)
        weights = jnp.asarray(weights, compute)
    dtype = values.dtype if jnp.issubdtype(values.dtype, jnp.floating) else compute
    return Unreduced(values.astype(compute), weights, dtype)


def _sums(found: Unreduced, reduction: str) -> tuple[jax.Array, jax.Array]:
    total, weight = sum_prepared(found.values, found.weights)
    if reduction == "batchmean":
        weight = samples_left(found.values.shape, found.weights, total.dtype)
    return total, weight
