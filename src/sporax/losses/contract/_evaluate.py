"""Evaluate a loss and reduce it in one call, with a single rounding."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax.losses.contract._arrays import as_array, namespace_of
from sporax.losses.contract._convention import contract_loss, evaluate_keywords, is_contract_loss, sum_and_weight_of
from sporax.losses.contract._reduce import FUNCTION_REDUCTIONS, check_reduction, reduce_values, weighted_values

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
    Half precision is rounded once, at the end. A sample of weight zero is removed from the inputs: its values, such as
    NaN or a label out of range, affect neither the check of the labels, nor the result, nor the gradient. A weight that
    is a hyper-parameter of the loss (`weight` of `binary_cross_entropy`) counts as a weight in the denominator.

    Args:
        fn: a loss of this package, or any function that returns unreduced values.
        *inputs: its array inputs.
        reduction: `none`, `mean`, `sum`, or `batchmean`: the sum over the number of samples (the size of the first
            axis of the values, without the samples whose weights are all zero).
        weights: broadcasts to the shape of the values; None for all ones.
        where: the beginning of error messages. Default: the name of the loss.
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
    fn, inputs, params, weights = _unbound(fn, inputs, params, weights)
    name = where or _name(fn)
    if is_contract_loss(fn):
        return evaluate_keywords(fn, inputs, params, reduction, weights, name)
    check_reduction(reduction, where=name, allowed=FUNCTION_REDUCTIONS)
    return reduce_values(jnp.asarray(fn(*inputs, **params)), reduction, weights, name)


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
        where: the beginning of error messages. Default: the name of the loss.
        **params: its hyper-parameters.

    Returns:
        Two scalars at full precision: the sum of w x, and the number of weights that are not zero (for a loss with
        other denominators, such as cross entropy with class weights, the sum of these).

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
    fn, inputs, params, weights = _unbound(fn, inputs, params, weights)
    name = where or _name(fn)
    check_reduction(reduction, where=name, allowed=("mean", "batchmean"))
    if is_contract_loss(fn):
        return sum_and_weight_of(fn, inputs, params, reduction, weights, name)
    return weighted_values(fn(*inputs, **params), weights, name).sum_and_weight(reduction)


def _name(fn: Callable[..., Any]) -> str:
    return getattr(fn, "__name__", type(fn).__name__)


def _unbound(
    fn: Any, inputs: tuple[Any, ...], params: dict[str, Any], weights: Any
) -> tuple[Any, tuple[Any, ...], dict[str, Any], Any]:
    """Return the loss inside `functools.partial` and `jax.jit`, and its arguments; any other function unchanged.

    Weights bound by a partial are multiplied by the given ones, so that they count in the denominator too.
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
    # NumPy weights stay NumPy: they are known, so that the labels of the samples they remove are not checked.
    first, second = namespace_of(*arrays).broadcast_arrays(*arrays)
    return first * second
