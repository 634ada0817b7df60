"""The training step: a stateful Python function, compiled as a pure program (state, batch) -> (state, outputs).

The state stays on the device between steps, as a flat tuple that each step overwrites (donation). The Parameters lend
it: a read of a Parameter returns its value after the last step, and a write ends the lease, so that the next step
starts from the written value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._jax_compat import CONCRETIZATION_ERRORS, x64_scope
from sporax.core import REVISION, Parameter, context, copied, default_generator, wrap
from sporax.train.runner._program import Program
from sporax.train.runner._sink import run_unrolled, steps_per_call
from sporax.train.runner._speculation import BLOCK_STEPS, SpeculativeBlock, is_worthwhile
from sporax.transforms import warn_eager

_MAX_ROLLBACKS = 1
"""Rollbacks after which a runner no longer speculates."""


class StepRunner:
    """Runs a training step repeatedly, with the state on the device.

    Args:
        step: a function of Tensors that reads and writes Parameters, and returns a tree of Tensors whose first leaf
            is the loss, of shape ().
        owned: Parameters that the step is known to use; the trace finds others.
        name: the name of the step in messages.
    """

    def __init__(self, step: Callable[..., Any], owned: Iterable[Parameter], name: str) -> None:
        self._step = step
        # Includes the random key: a Parameter that is not listed costs a second trace.
        self._owned = tuple(dict.fromkeys((*owned, default_generator.key)))
        self._name = name
        self._programs: dict[Any, list[Program]] = {}
        self._revision = -1
        self._current: Program | None = None
        self._key: Any = None
        self._state: tuple[Any, ...] | None = None
        self._kept: tuple[Any, ...] = ()
        self._written_indices: dict[Parameter, int] = {}
        self._eager = False
        self._block: SpeculativeBlock | None = None
        self._rollbacks = 0

    @property
    def eager(self) -> bool:
        """Whether steps run op by op: on request, or because the step cannot be traced."""
        return self._eager or context.runs_eagerly()

    def prepare(self, batch: Sequence[np.ndarray]) -> int:
        """Trace the step for batches of this shape, and return the maximum number of steps in one call."""
        if self.eager:
            return 1
        try:
            return steps_per_call(self._program(batch), batch)
        except CONCRETIZATION_ERRORS as error:
            self.release()
            self._eager = True
            warn_eager(self._name, error)
            return 1

    def written(self, batch: Sequence[np.ndarray]) -> tuple[Parameter, ...] | None:
        """Return the Parameters that the step writes for such a batch; None if steps are not compiled."""
        self.prepare(batch)
        return None if self.eager else self._program(batch).written

    def run(self, batch: Sequence[np.ndarray]) -> Any:
        """Run one step and return its outputs without waiting for them."""
        if self.eager:
            return self._run_eagerly(batch)
        program = self._current
        if (
            program is None
            or self._key != _signature(batch)
            or self._revision != REVISION.count
            or (program.has_variables and not program.variables_unchanged())
        ):
            program = self._select_program(batch)
        if program is None:
            return self._run_eagerly(batch)
        with x64_scope(True):
            return self._call(program, program.single, batch)

    def run_many(self, stacked: Sequence[np.ndarray]) -> Any:
        """Run a step for each row of the arrays without waiting; every output gets a first axis of steps.

        The steps are one loop on the device, or unrolled if a convolution would be slow in a loop.
        """
        first = [array[0] for array in stacked]
        program = None if self.eager else self._select_program(first)
        if program is None:
            rows = [self._run_eagerly(batch) for batch in zip(*stacked, strict=True)]
            return [np.stack([np.asarray(each) for each in column]) for column in zip(*rows, strict=True)]
        with x64_scope(True):
            if program.needs_unrolling:
                return run_unrolled(program, stacked, lambda function, batch: self._call(program, function, batch))
            return self._call(program, program.many, stacked)

    def _call(self, program: Program, function: Callable[..., Any], batch: Sequence[Any]) -> Any:
        """Run a function of the program on the state, and keep the new state."""
        self._state, outputs = function(self._state or self._acquire(program), self._kept, *batch)
        return outputs

    def to_device(self, stacked: Sequence[np.ndarray]) -> Sequence[Any]:
        """Start the transfer of a stack to the device; on a CPU there is none."""
        if self.eager or jax.default_backend() == "cpu":
            return stacked
        with x64_scope(True):
            return [jax.device_put(array) for array in stacked]

    def run_each(self, stacked: Sequence[np.ndarray]) -> Iterator[Any]:
        """Yield the outputs of the steps of a stack, each computed when it is requested."""
        for row in range(len(stacked[0])):
            yield self.run([array[row] for array in stacked])

    # --- speculative steps ------------------------------------------------------------------------------------

    def may_speculate(self, stacked: Sequence[np.ndarray], steps: int) -> bool:
        """Whether to compute this stack speculatively.

        Args:
            stacked: the batches.
            steps: number of steps in the whole run; 0 if it is unknown.
        """
        program = self._current
        if program is None or self.eager or self._rollbacks > _MAX_ROLLBACKS or len(stacked[0]) != BLOCK_STEPS:
            return False
        return is_worthwhile(program, [array[0] for array in stacked], steps)

    def speculate(self, stacked: Sequence[np.ndarray]) -> Iterator[Any]:
        """Yield the outputs of the steps of a stack, computed in one call.

        This is transparent. If a Parameter is read or written, or something else changes that the program depends on,
        the state after the last step returned is computed from that at the start of the stack, and the remaining steps
        run one by one.
        """
        program = self._select_program([array[0] for array in stacked])
        if program is None:
            yield from self.run_each(stacked)
            return
        state = self._state or self._acquire(program)
        block = SpeculativeBlock(tuple(map(copied, state)), stacked)
        try:
            outputs = [np.asarray(each) for each in self.run_many(stacked)]
        except BaseException:
            self._state = block.state
            raise
        self._block = block
        revision = REVISION.count
        for row in range(len(stacked[0])):
            changed = REVISION.count != revision or (program.has_variables and not program.variables_unchanged())
            if changed and self._block is block:
                # A callback changed an attribute of a Cell or `requires_grad`, for example.
                self._roll_back()
            if self._block is not block:
                yield self.run([array[row] for array in stacked])
                continue
            block.returned += 1
            yield [each[row] for each in outputs]
        if self._block is block:
            self._block = None

    def _roll_back(self) -> None:
        """Restore the state after the last step returned."""
        block, self._block = self._block, None
        if block is None or self._current is None or block.finished:
            return
        self._rollbacks += 1
        with x64_scope(True):
            self._state = block.state_now(self._current, self._kept)

    # --- outputs ----------------------------------------------------------------------------------------------

    def discovered(self) -> list[Parameter]:
        """Return the Parameters outside `owned` that steps write, in the order in which traces found them."""
        known = set(self._owned)
        programs = (program for programs in self._programs.values() for program in programs)
        return [each for each in dict.fromkeys(p for program in programs for p in program.written) if each not in known]

    def structured(self, outputs: Sequence[Any]) -> Any:
        """Return the outputs of `run` in the structure that the step returned."""
        if self._current is None:
            return self._eager_structure.unflatten(outputs)
        return jax.tree.unflatten(self._current.structure, outputs)

    # --- the lease --------------------------------------------------------------------------------------------

    def value_of(self, parameter: Parameter) -> Any:
        """Return a copy of the value after the last step; the state itself will be overwritten."""
        self._roll_back()
        assert self._state is not None
        return copied(self._state[self._written_indices[parameter]])

    def release(self) -> None:
        """Return the current values to the Parameters."""
        self._roll_back()
        state, self._state = self._state, None
        if state is None or self._current is None:
            return
        for parameter, value in zip(self._current.written, state, strict=True):
            parameter.take_back(value)
        for parameter, value in zip(self._current.kept, self._kept, strict=True):
            parameter.take_back(value)

    def _acquire(self, program: Program) -> tuple[Any, ...]:
        # Copies, because a step overwrites its state, and the user may hold references to the arrays.
        state = tuple(copied(p.lend(self, keep=False)) for p in program.written)
        self._kept = tuple(p.lend(self, keep=True) for p in program.kept)
        self._written_indices = {p: i for i, p in enumerate(program.written)}
        self._state = state
        return state

    # --- programs ---------------------------------------------------------------------------------------------

    def _program(self, batch: Sequence[Any]) -> Program:
        programs = self._programs.setdefault(_signature(batch), [])
        for program in programs:
            if program.fits():
                return program
        self.release()
        with x64_scope(True):
            program = Program(self._step, self._owned, batch)
        programs[:] = [*(each for each in programs if not each.outdated()), program]
        return program

    def _select_program(self, batch: Sequence[Any]) -> Program | None:
        self.prepare(batch)
        if self.eager:
            return None
        program = self._program(batch)
        if self._current is not None and not _same_state(program, self._current):
            self.release()
        self._current, self._key, self._revision = program, _signature(batch), REVISION.count
        return program

    def _run_eagerly(self, batch: Sequence[Any]) -> Any:
        with x64_scope(True):
            output = self._step(*(wrap(jnp.asarray(each)) for each in batch))
            leaves, self._eager_structure = jax.tree.flatten(output)
        return tuple(leaves)


def _same_state(one: Program, other: Program) -> bool:
    # By identity, since `==` of Parameters compares their values.
    return all(
        len(ours) == len(theirs) and all(a is b for a, b in zip(ours, theirs, strict=True))
        for ours, theirs in ((one.written, other.written), (one.kept, other.kept))
    )


def _signature(batch: Sequence[Any]) -> Any:
    return tuple((array.shape, array.dtype) for array in batch)
