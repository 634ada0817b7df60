"""Data sinking: how many steps one call contains, and calls without a loop for steps with convolutions.

XLA runs a convolution inside a loop with a naive kernel on CPU (measured: 2 to 20 times slower), so such steps are
unrolled. Four steps in one program save 60 us of call overhead a step (0.17 -> 0.11 ms for a tiny network; eight save
5 us more) and take nearly twice as long to compile as one. From about 2 ms a step on unrolling gained nothing, and was
slower than single asynchronous steps. So only small steps are unrolled, and fewer of them if they have many equations.

The losses of a call are read at its end, which costs more where steps are fast, so a call contains more of those;
Ctrl-C is handled between calls, so a call contains few slow steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sporax.train.runner._program import Operations, Program

_SLOW_STEPS = 8
_FAST_STEPS = 32
_FAST_PRODUCTS = 2**24
_UNROLLED_STEPS = 4
_UNROLLED_PRODUCTS = 2**22
_UNROLLED_EQUATIONS = 1200
_STACK_BYTES = 64 * 2**20
_STACK_STEPS = 1024


def steps_per_call(program: Program, batch: Sequence[Any]) -> int:
    """Return the maximum number of steps in one call of `StepRunner.run_many`."""
    if program.needs_unrolling:
        return _FAST_STEPS if sum(program.operations.convolutions) <= _FAST_PRODUCTS else _SLOW_STEPS
    size = sum(array.nbytes for array in batch)
    return max(1, min(_STACK_STEPS, _STACK_BYTES // max(size, 1)))


def unrolled_steps(operations: Operations) -> int:
    """Return the number of steps to compile into one program if steps are unrolled."""
    if sum(operations.convolutions) > _UNROLLED_PRODUCTS:
        return 1
    return max(1, min(_UNROLLED_STEPS, _UNROLLED_EQUATIONS // max(operations.equations, 1)))


class Concatenated:
    """An output of consecutive calls, concatenated when it is converted to an array."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: Sequence[tuple[Any, bool]]) -> None:
        """`pieces` are pairs of an output and whether its first axis is that of steps."""
        self._pieces = pieces

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        arrays = [np.asarray(piece) if stacked else np.asarray(piece)[None] for piece, stacked in self._pieces]
        array = np.concatenate(arrays)
        return array if dtype is None else array.astype(dtype)


def run_unrolled(
    program: Program, stacked: Sequence[Any], call: Callable[[Callable[..., Any], Sequence[Any]], Sequence[Any]]
) -> list[Concatenated]:
    """Run the steps of a stack without a loop: unrolled programs of several steps, then single steps.

    Args:
        program: the compiled step.
        stacked: the batches.
        call: runs one of the program's functions on its batches and returns the outputs without waiting for them.
    """
    unroll, rows, row = unrolled_steps(program.operations), len(stacked[0]), 0
    pieces: list[tuple[Sequence[Any], bool]] = []
    while row < rows:
        if rows - row >= unroll > 1:
            pieces.append((call(program.many, [array[row : row + unroll] for array in stacked]), True))
            row += unroll
        else:
            pieces.append((call(program.single, [array[row] for array in stacked]), False))
            row += 1
    return [Concatenated([(outputs[i], stacked) for outputs, stacked in pieces]) for i in range(len(pieces[0][0]))]
