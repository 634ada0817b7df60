"""Capture the numerators and denominators of the means of a loss while it runs, and mask positions of its values."""

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
from sporax.nn.loss._dependence import depends_directly
from sporax.transforms import jit

R = TypeVar("R")

TOTAL = "loss"
"""The name of the single term of a loss that returns one number."""

NOT_AVERAGED = ("sum", "none")
"""The reductions that are not means."""


class Pair(NamedTuple):
    """A reduction by `get_loss`, `evaluate` or a function, with the numerator and denominator of its mean.

    `whole` marks the single value of a loss of all of its input, which is not a mean over values. With a `reduction`
    other than a mean the result is not the quotient of the pair.
    """

    result: jax.Array
    total: jax.Array
    weight: jax.Array
    whole: bool = False
    reduction: str = "mean"

    @property
    def is_mean(self) -> bool:
        """Whether the result is a mean over values."""
        return not self.whole and self.reduction not in NOT_AVERAGED


class Pairs(list[Pair]):
    """The reductions of one evaluation of a loss."""

    def __init__(self) -> None:
        super().__init__()
        self._state = trace_state()
        self.hidden = False
        """Whether a weighted mean was taken inside another transformation, such as `jit`, and is not in this list."""
        self.through: Callable[[], bool] | None = None
        """Returns whether the value depends on the inputs only through these means, where that is known."""

    def add(self, pair: Pair, *, weighted: bool = False) -> None:
        """Add a reduction; `weighted`: its denominator depends on more than shapes."""
        if self._state == trace_state():
            self.append(pair)
        else:
            self.hidden |= weighted

    def include(self, others: Pairs) -> None:
        """Add the reductions of an inner block."""
        if self._state == others._state:
            self.extend(others)
            self.hidden |= others.hidden
        else:
            self.hidden |= bool(others)


class Mask:
    """Positions of the loss values that every reduction inside a `masking` block leaves out.

    Args:
        kept: a bool array, True at the positions that stay; its axes are the first axes of the values.
        outer: the mask of the enclosing block.
    """

    def __init__(self, kept: Any, outer: Mask | None) -> None:
        self.kept = kept
        self.outer = outer
        self.used = False
        """Whether a reduction applied the mask."""

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Return whether the axes of the mask are the first axes of values of that shape."""
        kept = squeezed(self.kept, len(shape)).shape
        own = len(kept) <= len(shape) and all(a in (1, b) for a, b in zip(kept, shape, strict=False))
        return own and (self.outer is None or self.outer.fits(shape))

    def combined(self, weights: Any, shape: tuple[int, ...], where: str) -> Any:
        """Return the weights, set to 0 at every masked position."""
        self.used = True
        if self.outer is not None:
            weights = self.outer.combined(weights, shape, where)
        kept = squeezed(self.kept, len(shape))
        if kept.ndim > len(shape) or any(a not in (1, b) for a, b in zip(kept.shape, shape, strict=False)):
            raise ShapeError(
                f"{where}: a mask of shape {self.kept.shape} does not fit loss values of shape {tuple(shape)}. The "
                "mask's axes must be the first axes of the values"
                + ("; this loss has one value for all of its input, so it has no positions." if not shape else ".")
            )
        kept = kept.reshape(kept.shape + (1,) * (len(shape) - kept.ndim))
        if weights is None:
            return kept
        weights = to_array(unwrap(weights))
        return jnp.where(kept, weights.reshape((1,) * (kept.ndim - weights.ndim) + weights.shape), 0)


def squeezed(mask: Any, rank: int) -> Any:
    """Return the mask without trailing axes of size 1 beyond that rank."""
    while mask.ndim > rank and mask.shape[-1] == 1:
        mask = mask[..., 0]
    return mask


class _Capture(threading.local):
    """The pairs and the mask of the current block of this thread, and the input shapes of the current loss."""

    def __init__(self) -> None:
        self.pairs: Pairs | None = None
        self.mask: Mask | None = None
        self.shapes: tuple[tuple[int, ...], ...] = ()

    def of_cell(self) -> contextlib.AbstractContextManager[None]:
        """Return a block whose reduction is the one of a Cell."""
        return _NOTHING if self.pairs is None and self.mask is None else observed_by(_OF_CELLS)


CAPTURE = _Capture()
_NOTHING = contextlib.nullcontext()


class _Observer:
    """Adds each reduction to the captured pairs and applies the mask to it.

    The values of a Cell are positions of the batch, so a mask must fit them, unreduced ones too. Those of a function
    need not be, such as a penalty on weights; a mask that does not fit is not applied to them.
    """

    def __init__(self, *, of_cells: bool) -> None:
        self.unreduced = of_cells

    def weights(self, weights: Any, shape: tuple[int, ...], where: str) -> Any:
        mask = CAPTURE.mask
        if mask is None or not (self.unreduced or mask.fits(shape)):
            return weights
        return mask.combined(weights, shape, where)

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


_OF_CELLS, _OF_FUNCTIONS = _Observer(of_cells=True), _Observer(of_cells=False)


@contextlib.contextmanager
def masking(kept: Any) -> Iterator[Mask]:
    """Make every reduction of a loss in this block leave out the positions that are not kept.

    Args:
        kept: a bool array; positions masked by an enclosing block stay masked.
    """
    outer = CAPTURE.mask
    CAPTURE.mask = mask = Mask(kept, outer)
    try:
        with observed_by(_OF_FUNCTIONS):
            yield mask
    finally:
        CAPTURE.mask = outer


def captured(function: Callable[..., Any], inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Pairs]:
    """Call a loss; return its value and the pairs captured during the call."""
    with capturing() as pairs:
        value = function(*inputs, **kwargs)
    pairs.through = through_means(function, inputs, kwargs)
    return value, pairs


@contextlib.contextmanager
def capturing(*, forward: bool = False) -> Iterator[Pairs]:
    """Capture the pair of each `get_loss`, `evaluate` and reducing loss function in this block.

    Args:
        forward: whether to add the pairs to those of an enclosing block too.
    """
    outer, CAPTURE.pairs = CAPTURE.pairs, (pairs := Pairs())
    try:
        with observed_by(_OF_FUNCTIONS):
            yield pairs
    finally:
        CAPTURE.pairs = outer
    if forward and outer is not None:
        outer.include(pairs)


def one_program(method: Callable[..., R]) -> Callable[..., R]:
    """Compile a method that captures as one program under GRAPH_MODE.

    Otherwise each Cell that it calls would be compiled separately, and its pairs would stay inside its program.
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
    """Return the loss of a tuple of outputs: the field of that name, or the first output."""
    if TOTAL in getattr(value, "_fields", ()):
        return getattr(value, TOTAL)
    return value[0] if isinstance(value, (tuple, list)) and value else value


def sums_of(
    value: Any, pairs: Sequence[Pair], inputs: Any, kwargs: Any, reduction: str = "mean"
) -> dict[str, tuple[Tensor, Tensor]]:
    """Return the numerator and denominator of each term of the value of a loss.

    Args:
        value: the value of the loss.
        pairs: the pairs captured during its evaluation.
        inputs, kwargs: its arguments.
        reduction: that of the loss.
    """
    terms = value if isinstance(value, dict) else {TOTAL: value}
    if reduction in NOT_AVERAGED:
        return {name: total_and_size(term) for name, term in terms.items()}
    return {name: part_of(term, pairs, inputs, kwargs, alone=len(terms) == 1) for name, term in terms.items()}


def parts_of_total(value: Any, pairs: Pairs, inputs: Any) -> dict[str, Tensor] | None:
    """Return the denominators per sample of the means that a loss is composed of.

    Such a loss counts by samples, which is exact where these denominators are the same in every batch.

    Args:
        value: the value of the loss.
        pairs: the pairs captured during its evaluation.
        inputs: its arguments.

    Returns:
        a Tensor of shape () for each mean; empty where the loss is one mean, or none; None where they are unknown,
        because a mean was taken inside another transformation.
    """
    total = value.get(TOTAL) if isinstance(value, dict) else first_of(value)
    if total is None or any(pair.result is unwrap(total) for pair in pairs) or only_weight(value, pairs) is not None:
        return {}
    if pairs.hidden:
        return None
    count = max(samples_of(inputs, {}), 1)
    means = (pair for pair in pairs if pair.is_mean)
    return {str(index): wrap(pair.weight / count) for index, pair in enumerate(means)}


def only_weight(value: Any, pairs: Sequence[Pair]) -> jax.Array | None:
    """Return the denominator of a loss computed from one mean, or from several with the same one; None otherwise."""
    if isinstance(value, dict):
        if len(value) != 1:
            return None
        (value,) = value.values()
    outputs = value if isinstance(value, (tuple, list)) else ()
    others = {id(unwrap(each)) for each in outputs} - {id(unwrap(first_of(value)))}
    used = [pair for pair in pairs if id(pair.result) not in others]
    if (
        not used
        or not isinstance(pairs, Pairs)
        or pairs.hidden
        or pairs.through is None
        or not all(pair.is_mean for pair in used)
    ):
        return None
    weight = used[0].weight
    return weight if all(pair.weight is weight for pair in used) and pairs.through() else None


def through_means(function: Callable[..., Any], inputs: Any, kwargs: Any) -> Callable[[], bool]:
    """Return a function that returns whether a value depends on its inputs only through the means that it takes.

    Then a value computed from one mean, scaled or with a penalty added, has the denominator of that mean; the sum of a
    mean and, say, the Dice loss of the batch has none. The answer is computed once, when it is asked for.
    """

    @functools.cache
    def answer() -> bool:
        leaves, structure = jax.tree.flatten((inputs, kwargs))
        indices = [index for index, leaf in enumerate(leaves) if hasattr(leaf, "shape")]

        def again(*arrays: Any) -> tuple[list[Any], list[Any]]:
            given = list(leaves)
            for index, array in zip(indices, arrays, strict=True):
                given[index] = array
            args, named = jax.tree.unflatten(structure, given)
            with capturing() as pairs:
                value = function(*args, **named)
            terms = list(value.values()) if isinstance(value, dict) else [first_of(value)]
            return [to_array(term) for term in terms], [pair.result for pair in pairs]

        with x64_scope(True):
            found = depends_directly(again, [leaves[index] for index in indices], [True] * len(indices))
        return bool(found) and not any(found)

    return answer


def total_and_size(value: Any) -> tuple[Tensor, Tensor]:
    """Return the sum and the number of elements of a value."""
    with x64_scope(True):
        values = to_array(first_of(value))
        # A sum in half precision overflows at 65504.
        values = values.astype(jnp.promote_types(values.dtype, jnp.float32))
        return wrap(values.sum()), wrap(jnp.float32(values.size))


def part_of(
    value: Any, pairs: Sequence[Pair], inputs: Any, kwargs: Any, reduction: str = "mean", *, alone: bool = True
) -> tuple[Tensor, Tensor]:
    """Return the captured numerator and denominator of a value, or else its product with a count, and the count.

    `alone`: whether the value is the only term, so that no pair belongs to another one.
    """
    outputs, value = value, first_of(value)
    pair = next((each for each in pairs if each.result is unwrap(value)), None)
    # The value is not reduced, or the sum of another loss is the result of this one.
    unreduced = pair is None and jnp.size(unwrap(value)) != 1
    if unreduced or (pair and pair.reduction in NOT_AVERAGED and reduction not in NOT_AVERAGED):
        return total_and_size(value)
    samples = samples_of(inputs, kwargs)
    with x64_scope(True):
        count = jnp.float32(samples)
        if pair is not None:
            scale = count if pair.whole else 1
            return wrap(pair.total * scale), wrap(pair.weight * scale)
        if not samples:
            # The mean of an empty batch is NaN, and so is NaN times 0.
            return wrap(count), wrap(count)
        # A value computed from one mean, scaled or with a penalty added, has the denominator of that mean.
        weight = only_weight(outputs, pairs) if alone else None
        count = count if weight is None else weight
        one = to_array(value).reshape(())
        return wrap(one.astype(jnp.promote_types(one.dtype, jnp.float32)) * count), wrap(count)


def samples_of(inputs: Any, kwargs: Any) -> int:
    """Return the number of samples in the inputs of a loss: the most frequent size of a first axis.

    The first axis of the first input alone may be another, such as time in the outputs of a network for sequences.
    """
    sizes = [leaf.shape[0] for leaf in jax.tree.leaves((inputs, kwargs)) if getattr(leaf, "ndim", 0)]
    return max(sizes, key=sizes.count) if sizes else 1
