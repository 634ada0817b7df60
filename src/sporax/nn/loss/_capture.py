"""What a loss shows while it runs: the numerators and denominators of its means, and what is ignored of them."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from sporax._errors import ShapeError
from sporax._jax_compat import trace_state, x64_scope
from sporax.core import Tensor, context, to_array, tracing, unwrap, wrap
from sporax.losses import observed_by
from sporax.nn.loss._dependence import depends_beside
from sporax.transforms import jit

R = TypeVar("R")

TOTAL = "loss"
"""The name of the one term of a loss that is one number."""


class Pair(NamedTuple):
    """A mean that `get_loss`, `evaluate` or a function gave, with its numerator and denominator.

    `whole` says that it was no mean over values, but the one value of a whole set. With another `reduction` than a mean
    the result is not their quotient.
    """

    result: jax.Array
    total: jax.Array
    weight: jax.Array
    whole: bool = False
    reduction: str = "mean"


class Pairs(list[Pair]):
    """The means of one evaluation of a loss."""

    def __init__(self) -> None:
        super().__init__()
        self._state = trace_state()
        self.hidden = False
        """Whether a mean with weights was taken inside another transformation, such as `jit`, and stayed there."""
        self.through: Callable[[], bool] | None = None
        """Says whether the value depends on the inputs through these means only, where that is known."""

    def add(self, pair: Pair, *, weighted: bool = False) -> None:
        """Take in a mean; `weighted` says that its denominator depends on more than shapes."""
        if self._state == trace_state():
            self.append(pair)
        else:
            self.hidden |= weighted

    def include(self, others: Pairs) -> None:
        """Take in the means of a block within."""
        if self._state == others._state:
            self.extend(others)
            self.hidden |= others.hidden
        else:
            self.hidden |= bool(others)


class _Capture(threading.local):
    def __init__(self) -> None:
        self.pairs: Pairs | None = None
        self.shapes: tuple[tuple[int, ...], ...] = ()
        self.removal: _Removal | None = None

    def by_cell(self) -> contextlib.AbstractContextManager[None]:
        """A block in which a Cell takes in its reductions itself, so that those of its function are not reported."""
        return _NOTHING if self.pairs is None and self.removal is None else observed_by(None)


_NOTHING = contextlib.nullcontext()

CAPTURE = _Capture()


class _Removal:
    """Places of the loss values that every reduction inside a `removing` block leaves out.

    Args:
        kept: a bool array that says which positions stay; its axes are the first ones of the values'.
        outer: what is ignored already.
    """

    def __init__(self, kept: Any, outer: _Removal | None) -> None:
        self.kept = kept
        self.outer = outer
        self.used = False
        """Whether a reduction left them out."""

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether the axes of the mask are the first ones of values of that shape."""
        kept = self._shown(len(shape)).shape
        own = len(kept) <= len(shape) and all(a in (1, b) for a, b in zip(kept, shape, strict=False))
        return own and (self.outer is None or self.outer.fits(shape))

    def _shown(self, rank: int) -> Any:
        kept = self.kept
        while kept.ndim > rank and kept.shape[-1] == 1:
            kept = kept[..., 0]
        return kept

    def combined(self, weights: Any, shape: tuple[int, ...], where: str) -> Any:
        """Those weights with a zero wherever a position is removed."""
        self.used = True
        if self.outer is not None:
            weights = self.outer.combined(weights, shape, where)
        kept = self._shown(len(shape))
        if kept.ndim > len(shape) or any(a not in (1, b) for a, b in zip(kept.shape, shape, strict=False)):
            raise ShapeError(
                f"{where}: a mask of shape {self.kept.shape} does not fit loss values of shape {tuple(shape)}. The "
                "mask's axes must be the first axes of the values"
                + ("; this loss has one value for all of its input, so it has no places." if not shape else ".")
            )
        kept = kept.reshape(kept.shape + (1,) * (len(shape) - kept.ndim))
        if weights is None:
            return kept
        weights = unwrap(weights)
        weights = to_array(weights)
        return jnp.where(kept, weights.reshape((1,) * (kept.ndim - weights.ndim) + weights.shape), 0)


class _Following:
    """Follows the reductions of functions as `get_loss` follows its own."""

    def weights(self, weights: Any, shape: tuple[int, ...], where: str) -> Any:
        removal = CAPTURE.removal
        # Values of another shape are none of the positions of a batch: a penalty on weights, say.
        return weights if removal is None or not removal.fits(shape) else removal.combined(weights, shape, where)

    def reduced(
        self,
        result: jax.Array,
        pair: tuple[jax.Array, jax.Array],
        *,
        reduction: str,
        whole: bool,
        weighted: bool,
    ) -> None:
        if CAPTURE.pairs is not None:
            CAPTURE.pairs.add(Pair(result, *pair, whole, reduction), weighted=weighted)


_FOLLOWING = _Following()


@contextlib.contextmanager
def removing(kept: Any) -> Iterator[_Removal]:
    """Have every reduction of a loss in this block leave out the positions that are not kept.

    Args:
        kept: a bool array; within another such block, what that one removed stays removed.
    """
    outer = CAPTURE.removal
    removal = _Removal(kept, outer)
    CAPTURE.removal = removal
    try:
        with observed_by(_FOLLOWING):
            yield removal
    finally:
        CAPTURE.removal = outer


def one_program(method: Callable[..., R]) -> Callable[..., R]:
    """Under GRAPH_MODE, compile a method that captures as one program.

    The Cells that it calls would else be compiled each for itself, and what they capture would stay in their programs.
    """

    @functools.wraps(method)
    def call(self: Any, *inputs: Any, **kwargs: Any) -> R:
        if tracing() or context.explicit_mode() != context.GRAPH_MODE:
            return method(self, *inputs, **kwargs)
        programs = self.__dict__.setdefault("_capturing_programs", {})
        if method.__name__ not in programs:

            def program(*inputs: Any, **kwargs: Any) -> R:
                return method(self, *inputs, **kwargs)

            programs[method.__name__] = jit(program)
        return programs[method.__name__](*inputs, **kwargs)

    return call


def first_of(value: Any) -> Any:
    """Of a tuple of outputs the loss is the one of that name, or the first."""
    if TOTAL in getattr(value, "_fields", ()):
        return getattr(value, TOTAL)
    return value[0] if isinstance(value, (tuple, list)) and value else value


@contextlib.contextmanager
def capturing() -> Iterator[Pairs]:
    """The pairs of each `get_loss`, `evaluate` and reducing loss function in this block."""
    outer, CAPTURE.pairs = CAPTURE.pairs, (pairs := Pairs())
    try:
        with observed_by(_FOLLOWING):
            yield pairs
    finally:
        CAPTURE.pairs = outer


@contextlib.contextmanager
def capturing_too() -> Iterator[Pairs]:
    """As `capturing`, for a block within another such block, which gets the pairs as well."""
    outer = CAPTURE.pairs
    with capturing() as pairs:
        yield pairs
    if outer is not None:
        outer.include(pairs)


def sums_of(
    value: Any, pairs: Sequence[Pair], inputs: Any, kwargs: Any, reduction: str = "mean"
) -> dict[str, tuple[Tensor, Tensor]]:
    """For each term of what a loss returned a sum and what it is over.

    Args:
        value: what the loss returned.
        pairs: what was captured meanwhile.
        inputs, kwargs: what it was called with.
        reduction: that of the loss.
    """
    terms = value if isinstance(value, dict) else {TOTAL: value}
    if reduction in ("sum", "none"):
        return {name: total_and_size(term) for name, term in terms.items()}
    return {name: part_of(term, pairs, inputs, kwargs, alone=len(terms) == 1) for name, term in terms.items()}


def parts_of_total(value: Any, pairs: Pairs, inputs: Any) -> dict[str, Tensor] | None:
    """Of a loss that is made of several means, their denominators for each sample.

    Such a loss counts by samples, which is exact where these are the same in every batch.

    Args:
        value: what the loss returned.
        pairs: what was captured meanwhile.
        inputs: what it was called with.

    Returns:
        a Tensor of shape () for each mean; empty where the loss is one mean, or none; None where they are not known,
        because a mean was taken inside another transformation.
    """
    total = value.get(TOTAL) if isinstance(value, dict) else first_of(value)
    if total is None or any(pair.result is unwrap(total) for pair in pairs) or only_weight(value, pairs) is not None:
        return {}
    if pairs.hidden:
        return None
    means = [pair for pair in pairs if not pair.whole and pair.reduction not in ("sum", "none")]
    count = max(samples_of(inputs, {}), 1)
    return {str(at): wrap(pair.weight / count) for at, pair in enumerate(means)}


def only_weight(value: Any, pairs: Sequence[Pair]) -> jax.Array | None:
    """The denominator of a loss that is made of one mean, or of several with the same one; None otherwise."""
    if isinstance(value, dict):
        if len(value) != 1:
            return None
        (value,) = value.values()
    outputs = value if isinstance(value, (tuple, list)) else ()
    beside = {id(unwrap(each)) for each in outputs} - {id(unwrap(first_of(value)))}
    made = [pair for pair in pairs if id(pair.result) not in beside]
    if (
        not made
        or not isinstance(pairs, Pairs)
        or pairs.hidden
        or pairs.through is None
        or any(pair.whole or pair.reduction in ("sum", "none") for pair in made)
    ):
        return None
    weight = made[0].weight
    return weight if all(pair.weight is weight for pair in made) and pairs.through() else None


def through_means(function: Callable[..., Any], inputs: Any, kwargs: Any) -> Callable[[], bool]:
    """Whether what a function returns depends on its inputs through the means that it takes only.

    Then a value that was made of one mean, scaled or with a penalty added, has its denominator; the sum of a mean and,
    say, the Dice loss of the batch has none. The answer is found when it is asked for, once.
    """

    @functools.cache
    def answer() -> bool:
        leaves, structure = jax.tree.flatten((inputs, kwargs))
        places = [at for at, leaf in enumerate(leaves) if hasattr(leaf, "shape")]

        def again(*arrays: Any) -> tuple[list[Any], list[Any]]:
            given = list(leaves)
            for at, array in zip(places, arrays, strict=True):
                given[at] = array
            args, named = jax.tree.unflatten(structure, given)
            with capturing() as pairs:
                value = function(*args, **named)
            terms = list(value.values()) if isinstance(value, dict) else [first_of(value)]
            return [to_array(term) for term in terms], [pair.result for pair in pairs]

        with x64_scope(True):
            found = depends_beside(again, [leaves[at] for at in places], [True] * len(places))
        return bool(found) and not any(found)

    return answer


def total_and_size(value: Any) -> tuple[Tensor, Tensor]:
    with x64_scope(True):
        values = to_array(first_of(value))
        # A sum in half precision overflows at 65504.
        values = values.astype(jnp.promote_types(values.dtype, jnp.float32))
        return wrap(values.sum()), wrap(jnp.float32(values.size))


def part_of(
    value: Any, pairs: Sequence[Pair], inputs: Any, kwargs: Any, reduction: str = "mean", *, alone: bool = True
) -> tuple[Tensor, Tensor]:
    """The numerator and denominator of a value: as it was captured, or the value times what it is a mean over.

    `alone` says that the value is not one of several terms, whose means are among the pairs too.
    """
    outputs, value = value, first_of(value)
    pair = next((each for each in pairs if each.result is unwrap(value)), None)
    if pair is not None and pair.reduction in ("sum", "none") and reduction not in ("sum", "none"):
        # The sum of another loss, as the result of this one.
        return total_and_size(value)
    if pair is None and jnp.size(unwrap(value)) != 1:
        return total_and_size(value)
    with x64_scope(True):
        count = jnp.float32(samples_of(inputs, kwargs))
        if pair is None and not samples_of(inputs, kwargs):
            # The mean of an empty batch is NaN, and NaN times 0 too.
            return wrap(count), wrap(count)
        if pair is None:
            # One mean, scaled or with a penalty added: its denominator is that of the value.
            weight = only_weight(outputs, pairs) if alone else None
            count = count if weight is None else weight
            one = to_array(value).reshape(())
            return wrap(one.astype(jnp.promote_types(one.dtype, jnp.float32)) * count), wrap(count)
        if pair.whole:
            return wrap(pair.total * count), wrap(pair.weight * count)
        return wrap(pair.total), wrap(pair.weight)


def samples_of(inputs: Any, kwargs: Any) -> int:
    """The number of samples in a loss's inputs: what most of them have for their first axis.

    Not that of the first input alone: the outputs of a network for sequences may have time there.
    """
    sizes = [leaf.shape[0] for leaf in jax.tree.leaves((inputs, kwargs)) if getattr(leaf, "ndim", 0)]
    return max(sizes, key=sizes.count) if sizes else 1
