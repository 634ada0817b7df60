"""Observers of reductions: evaluation divides once over all batches, and a mask removes positions."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import jax
import numpy as np

from sporax._typing import Shape


class Observer(Protocol):
    """The interface that receives the reductions of loss functions."""

    unreduced: bool
    """Whether the reduction "none" is reported too."""

    def weights(self, weights: Any, shape: Shape, where: str) -> Any:
        """Return the weights to use for values of that shape instead of the given ones."""

    def reduced(
        self,
        result: jax.Array,
        pair: tuple[jax.Array, jax.Array],
        *,
        reduction: str,
        whole: bool,
        weighted: bool,
    ) -> None:
        """Receive the result of a reduction.

        Args:
            result: the result.
            pair: the numerator and denominator of the mean.
            reduction: its name.
            whole: whether the loss is one value for all of its input.
            weighted: whether the denominator depends on more than shapes.
        """


class _Active(threading.local):
    observer: Observer | None = None


_ACTIVE = _Active()


@contextlib.contextmanager
def observed_by(observer: Observer | None) -> Iterator[None]:
    """Report the reductions of this block to `observer`; None for no observer.

    Args:
        observer: receives every reduction of a loss function and of `reduce_loss`.

    Examples:
        >>> from sporax import losses
        >>> class Means(list):
        ...     unreduced = False
        ...
        ...     def weights(self, weights, shape, where):
        ...         return weights
        ...
        ...     def reduced(self, result, pair, **kind):
        ...         self.append(pair)
        >>> with observed_by(means := Means()):
        ...     _ = losses.l1_loss([1.0, 5.0], [0.0, 2.0], reduction="mean")
        >>> [(total.item(), weight.item()) for total, weight in means]
        [(4.0, 2.0)]
    """
    outer, _ACTIVE.observer = _ACTIVE.observer, observer
    try:
        yield
    finally:
        _ACTIVE.observer = outer


def observe(
    reduction: str,
    weights: Any,
    where: str,
    shape_of: Callable[[], Shape],
    evaluate: Callable[[Any], jax.Array],
    pair_of: Callable[[Any], tuple[jax.Array, jax.Array]],
    *,
    weighted: bool = False,
) -> jax.Array:
    """Evaluate a reduction and report it to the observer, if there is one.

    Args:
        reduction, weights, where: those of the loss.
        shape_of: returns the shape of its values.
        evaluate: returns the result for the given weights.
        pair_of: returns the numerator and denominator of the mean for the given weights.
        weighted: whether hyper-parameters make the denominator depend on labels.
    """
    observer = _ACTIVE.observer
    if observer is None or (reduction == "none" and not observer.unreduced):
        return evaluate(weights)
    with observed_by(None):
        shape = shape_of()
        weights = observer.weights(weights, shape, where)
        result = evaluate(weights)
        weighted = weighted or (weights is not None and np.ndim(weights) > 0)
        observer.reduced(result, pair_of(weights), reduction=reduction, whole=not shape, weighted=weighted)
    return result
