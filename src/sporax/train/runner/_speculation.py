"""Speculative steps: several steps are computed in one call before the callbacks of the first one run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sporax.train.runner._program import Program

BLOCK_STEPS = 64
"""Number of steps in a speculative block."""
# A block holds a copy of the state and all its batches, so both must be small.
_MAX_STATE_BYTES = 2**20
_MAX_BATCH_BYTES = 2**16
# About 200 us of work per step, so that a block delays callbacks by at most 13 ms.
_MAX_OPERATIONS = 2**20
# Compiling a block takes about 0.2 s, and a step saves 20 us or more: 5,000 steps save at least half of that again.
_MIN_STEPS = 5000


def is_worthwhile(program: Program, batch: Sequence[np.ndarray], steps: int) -> bool:
    """Whether the steps of a run may be computed speculatively.

    The decision depends only on the program and the run, so that it is the same whenever the run is repeated or
    resumed. Only small steps qualify, for which the call costs more than the computation. Steps with side effects
    cannot be repeated; a loop has an unknown cost, and a convolution is slow inside the loop over the block.

    Args:
        program: the compiled step.
        batch: the arrays of one batch.
        steps: number of steps in the whole run; 0 if it is unknown.
    """
    operations = program.operations
    return (
        steps >= _MIN_STEPS
        and program.state_bytes <= _MAX_STATE_BYTES
        and sum(array.nbytes for array in batch) <= _MAX_BATCH_BYTES
        and operations.count <= _MAX_OPERATIONS
        and not (program.has_effects or operations.has_loop or operations.convolutions)
    )


class SpeculativeBlock:
    """Steps that were computed in one call and are returned one by one.

    Attributes:
        state: the state before the first step.
        stacked: the batches.
        returned: number of steps returned so far.
    """

    __slots__ = ("returned", "stacked", "state")

    def __init__(self, state: tuple[Any, ...], stacked: Sequence[np.ndarray]) -> None:
        self.state = state
        self.stacked = stacked
        self.returned = 0

    @property
    def finished(self) -> bool:
        """Whether all steps were returned, so that the state of the device is the current one."""
        return self.returned == len(self.stacked[0])

    def state_now(self, program: Program, kept: tuple[Any, ...]) -> tuple[Any, ...]:
        """Compute the state after the last step returned."""
        state = self.state
        for step in range(self.returned):
            state, _ = program.single(state, kept, *[array[step] for array in self.stacked])
        return state
