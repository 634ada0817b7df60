"""Who follows the reductions of a block of code: evaluation, which divides once over all batches, and masks."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import jax

from sporax._typing import Shape


class Observer(Protocol):
    """What the reductions of loss functions are reported to."""

    def weights(self, weights: Any, shape: Shape, where: str) -> Any:
        """The weights to use for values of that shape, in place of those that were given."""

    def reduced(
        self,
        result: jax.Array,
        pair: tuple[jax.Array, jax.Array],
        *,
        reduction: str,
        whole: bool,
        weighted: bool,
    ) -> None:
        """A reduction gave `result`; `pair` is the numerator and denominator of its mean.

        `whole` says that it was the one value of a whole set, `weighted` that the denominator depends on more than
        shapes.
        """


class _Active(threading.local):
    observer: Observer | None = None


_ACTIVE = _Active()


@contextlib.contextmanager
def observed_by(observer: Observer | None) -> Iterator[None]:
    """Report the reductions of this block to `observer`; None for no observer.

    Args:
        observer: gets every "mean", "sum" and "batchmean" of a loss function, and of `reduce_loss`.

    Examples:
        >>> from sporax import losses
        >>> class Means(list):
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
    """A reduction that the observer, if there is one, follows.

    Args:
        reduction, weights, where: those of the loss.
        shape_of: gives the shape of its values.
        evaluate: gives the result for weights.
        pair_of: gives numerator and denominator for weights.
        weighted: whether hyper-parameters make the denominator depend on labels.
    """
    observer = _ACTIVE.observer
    if observer is None or reduction == "none":
        return evaluate(weights)
    with observed_by(None):
        shape = shape_of()
        weights = observer.weights(weights, shape, where)
        result = evaluate(weights)
        weighted = weighted or not (weights is None or isinstance(weights, (int, float)))
        observer.reduced(result, pair_of(weights), reduction=reduction, whole=not shape, weighted=weighted)
    return result
