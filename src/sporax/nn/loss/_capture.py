"""What a loss shows while it runs: the numerators and denominators of its means, and what is left out of them."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp

from sporax._errors import ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Tensor, context, to_array, tracing, unwrap, wrap
from sporax.transforms import jit

R = TypeVar("R")

TOTAL = "loss"
"""The name of the one term of a loss that is one number."""


class Pair(NamedTuple):
    """A mean that `get_loss` or `evaluate` gave, with its numerator and denominator.

    `whole` says that it was no mean over values, but the one value of a whole set.
    """

    result: Tensor
    total: jax.Array
    weight: jax.Array
    whole: bool


class _Capture(threading.local):
    def __init__(self) -> None:
        self.pairs: list[Pair] | None = None
        self.shapes: tuple[tuple[int, ...], ...] = ()
        self.removal: _Removal | None = None


CAPTURE = _Capture()


class _Removal:
    """Places of the loss values that every reduction inside a `removing` block leaves out.

    Args:
        kept: a bool array that says which places stay; its axes are the first ones of the values'.
        outer: what is left out already.
    """

    def __init__(self, kept: Any, outer: _Removal | None) -> None:
        self.kept = kept
        self.outer = outer
        self.used = False
        """Whether a reduction left them out."""

    def combined(self, weights: Any, shape: tuple[int, ...], where: str) -> Any:
        """Those weights with a zero wherever a place is removed."""
        self.used = True
        if self.outer is not None:
            weights = self.outer.combined(weights, shape, where)
        kept = self.kept
        while kept.ndim > len(shape) and kept.shape[-1] == 1:
            kept = kept[..., 0]
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


@contextlib.contextmanager
def removing(kept: Any) -> Iterator[_Removal]:
    """Have every `get_loss` and `evaluate` of this block leave out the places that are not kept.

    Args:
        kept: a bool array; within another such block, what that one removed stays removed.
    """
    outer = CAPTURE.removal
    removal = _Removal(kept, outer)
    CAPTURE.removal = removal
    try:
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


def total_and_size(value: Any) -> tuple[Tensor, Tensor]:
    with x64_scope(True):
        values = to_array(first_of(value))
        return wrap(values.sum()), wrap(jnp.float32(values.size))


def part_of(value: Any, pairs: list[Pair], inputs: Any, kwargs: Any) -> tuple[Tensor, Tensor]:
    """The numerator and denominator of a value: as it was captured, or the value times the number of samples."""
    value = first_of(value)
    pair = next((each for each in pairs if each.result is value), None)
    if pair is None and jnp.size(unwrap(value)) != 1:
        return total_and_size(value)
    with x64_scope(True):
        count = jnp.float32(samples_of(inputs, kwargs))
        if pair is None:
            return wrap(to_array(value).reshape(()) * count), wrap(count)
        if pair.whole:
            return wrap(pair.total * count), wrap(pair.weight * count)
        return wrap(pair.total), wrap(pair.weight)


def samples_of(inputs: Any, kwargs: Any) -> int:
    """The number of samples in a loss's inputs: what most of them have for their first axis.

    Not that of the first input alone: the outputs of a network for sequences may have time there.
    """
    sizes = [leaf.shape[0] for leaf in jax.tree.leaves((inputs, kwargs)) if getattr(leaf, "ndim", 0)]
    return max(sizes, key=sizes.count) if sizes else 1
