"""The training step: a stateful Python function, made one pure program (state, batch) -> (state, outputs).

The state stays on the device between steps, as a flat tuple that each step overwrites (donation). The Parameters
lend it; whoever looks at one of them meanwhile gets the value after the last step, and whoever writes one ends the
lease, so that the next step starts from what was written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._jax_compat import CONCRETIZATION_ERRORS, x64_scope
from sporax.core import REVISION, Parameter, context, copied, default_generator, wrap
from sporax.train._program import Program
from sporax.transforms import warn_eager

LEAD = 64
"""How many steps run ahead of the callbacks at most."""
# A lead copies the state and holds its batches, so both must be small. Steps of up to 200 us reach the callbacks at
# most 13 ms late. Compiling the stack takes about 0.2 s, and a step saves 20 us or more: 5,000 steps pay it back twice.
_LEAD_STATE_BYTES = 2**20
_LEAD_BATCH_BYTES = 2**16
_LEAD_PACE = 200e-6
_LEAD_WORTH = 5000


class _Pieces:
    """Outputs of steps that were run in several calls, put together when they are asked for."""

    __slots__ = ("_pieces",)

    def __init__(self, pieces: Sequence[Any]) -> None:
        self._pieces = pieces

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        array = np.concatenate([np.asarray(piece) if led else np.asarray(piece)[None] for piece, led in self._pieces])
        return array if dtype is None else array.astype(dtype)


class _Lead:
    """Steps that were computed in one call and are handed out one by one, and what they started from."""

    __slots__ = ("served", "stacked", "state")

    def __init__(self, state: tuple[Any, ...], stacked: Sequence[np.ndarray]) -> None:
        self.state = state
        self.stacked = stacked
        self.served = 0


class StepRunner:
    """Runs a training step again and again, with the state on the device.

    Args:
        step: a function of Tensors that reads and writes Parameters, and returns a tree of Tensors whose first leaf
            is the loss, of shape ().
        owned: Parameters that it is known to use; others are found.
        name: what a message calls it.
    """

    def __init__(self, step: Callable[..., Any], owned: Iterable[Parameter], name: str) -> None:
        self._step = step
        # With the random key: what a step uses unannounced costs it a second trace.
        self._owned = tuple(dict.fromkeys((*owned, default_generator.key)))
        self._name = name
        self._programs: dict[Any, list[Program]] = {}
        self._revision = -1
        self._current: Program | None = None
        self._key: Any = None
        self._state: tuple[Any, ...] | None = None
        self._kept: tuple[Any, ...] = ()
        self._places: dict[Parameter, int] = {}
        self._eager = False
        self._lead: _Lead | None = None
        self._overtaken = 0
        self.pace = float("inf")
        """Seconds that a step takes with its callbacks, as the loop measured it."""

    @property
    def eager(self) -> bool:
        """Whether steps run op by op: on request, or because the step cannot be traced."""
        return self._eager or context.runs_eagerly()

    def check_again(self) -> None:
        """Have the next step look whether its program still fits: a variable may have been bound to another object."""
        self._revision = -1

    def prepare(self, batch: Sequence[np.ndarray]) -> int:
        """Trace the step for such a batch, and say how many steps one call may hold."""
        if self.eager:
            return 1
        try:
            return self._program(batch).steps_per_call(batch)
        except CONCRETIZATION_ERRORS as error:
            self.release()
            self._eager = True
            warn_eager(self._name, error)
            return 1

    def written(self, batch: Sequence[np.ndarray]) -> tuple[Parameter, ...] | None:
        """The Parameters that the step writes for such a batch; None where steps are not compiled."""
        self.prepare(batch)
        return None if self.eager else self._program(batch).written

    def run(self, batch: Sequence[np.ndarray]) -> Any:
        """One step; returns the outputs as the step made them, with arrays that may still be on their way."""
        if self.eager:
            return self._run_eagerly(batch)
        same = self._key == _signature(batch) and self._revision == REVISION.count
        program = self._current if same else self._switch(batch)
        if program is None:
            return self._run_eagerly(batch)
        with x64_scope(True):
            self._state, outputs = program.single(self._state or self._acquire(program), self._kept, *batch)
        return outputs

    def run_many(self, stacked: Sequence[np.ndarray]) -> Any:
        """As many steps as the arrays have rows, not waited for; every output gets a first axis of steps.

        They are one loop on the device, or laid out flat where a convolution would be slow in a loop.
        """
        first = [array[0] for array in stacked]
        program = None if self.eager else self._switch(first)
        if program is None:
            rows = [self._run_eagerly(batch) for batch in zip(*stacked, strict=True)]
            return [np.stack([np.asarray(each) for each in column]) for column in zip(*rows, strict=True)]
        if program.flat:
            return self._run_flat(program, stacked)
        with x64_scope(True):
            self._state, outputs = program.many(self._state or self._acquire(program), self._kept, *stacked)
        return outputs

    def _run_flat(self, program: Program, stacked: Sequence[Any]) -> Any:
        """`run_many` without a loop: programs of `program.unroll` steps, what is left one by one, none waited for."""
        rows, row = len(stacked[0]), 0
        pieces: list[tuple[Sequence[Any], bool]] = []
        with x64_scope(True):
            while row < rows:
                several = rows - row >= program.unroll > 1
                stop = row + program.unroll if several else row + 1
                call = program.many if several else program.single
                batch = [array[row:stop] if several else array[row] for array in stacked]
                self._state, outputs = call(self._state or self._acquire(program), self._kept, *batch)
                pieces.append((outputs, several))
                row = stop
        return [_Pieces([(outputs[i], several) for outputs, several in pieces]) for i in range(len(pieces[0][0]))]

    def placed(self, stacked: Sequence[np.ndarray]) -> Sequence[Any]:
        """A stack on its way to the device. On a CPU there is no way to go."""
        if self.eager or jax.default_backend() == "cpu":
            return stacked
        with x64_scope(True):
            return [jax.device_put(array) for array in stacked]

    def each(self, stacked: Sequence[np.ndarray]) -> Iterator[Any]:
        """The outputs of the steps of a stack, each computed when it is asked for."""
        for row in range(len(stacked[0])):
            yield self.run([array[row] for array in stacked])

    def ahead(self, stacked: Sequence[np.ndarray]) -> Iterator[Any]:
        """The outputs of the steps of a stack, computed in one call.

        Nobody can tell: who looks at a Parameter, or writes one, finds the state after the last step handed out. It
        is then computed again from the start of the stack, and the rest of the stack goes step by step.
        """
        program = self._switch([array[0] for array in stacked])
        if program is None:
            yield from self.each(stacked)
            return
        state = self._state or self._acquire(program)
        lead = _Lead(tuple(map(copied, state)), stacked)
        try:
            outputs = [np.asarray(each) for each in self.run_many(stacked)]
        except BaseException:
            self._state = lead.state
            raise
        self._lead = lead
        revision = REVISION.count
        for row in range(len(stacked[0])):
            if REVISION.count != revision and self._lead is lead:
                # A callback changed what the program depends on: an attribute of a Cell, say, or `requires_grad`.
                self._settle()
            if self._lead is not lead:
                yield self.run([array[row] for array in stacked])
                continue
            lead.served += 1
            yield [each[row] for each in outputs]
        if self._lead is lead:
            self._lead = None

    def may_lead(self, stacked: Sequence[np.ndarray], remaining: int) -> bool:
        """Whether computing this stack ahead is exact, and saves more than compiling it costs.

        Only for small and quick steps, where the call costs more than the work; not for steps with side effects, nor
        where callbacks look at the Parameters in between.
        """
        program = self._current
        if program is None or self.eager or self._overtaken > 1 or program.has_effects or program.has_convolution:
            return False
        batch_bytes = sum(each[0].nbytes for each in stacked)
        small = program.state_bytes <= _LEAD_STATE_BYTES and batch_bytes <= _LEAD_BATCH_BYTES
        if not small or self.pace >= _LEAD_PACE or len(stacked[0]) != LEAD:
            return False
        program.led = program.led or remaining >= _LEAD_WORTH
        return program.led

    def _settle(self) -> None:
        """Bring the state back to the last step handed out."""
        lead, self._lead = self._lead, None
        if lead is None or self._current is None or lead.served == len(lead.stacked[0]):
            return
        self._overtaken += 1
        state = lead.state
        with x64_scope(True):
            for row in range(lead.served):
                batch = [array[row] for array in lead.stacked]
                state, _ = self._current.single(state, self._kept, *batch)
        self._state = state

    def found(self) -> list[Parameter]:
        """Parameters that steps write without being told of them, in the order in which traces found them."""
        known = set(self._owned)
        programs = (program for programs in self._programs.values() for program in programs)
        return [each for each in dict.fromkeys(p for program in programs for p in program.written) if each not in known]

    def structured(self, outputs: Sequence[Any]) -> Any:
        """The outputs of `run` in the structure that the step returned."""
        if self._current is None:
            return self._eager_structure.unflatten(outputs)
        return jax.tree.unflatten(self._current.structure, outputs)

    # --- the lease --------------------------------------------------------------------------------------------

    def value_of(self, parameter: Parameter) -> Any:
        """The value after the last step, in an array of its own: the state's will be overwritten."""
        self._settle()
        assert self._state is not None
        return copied(self._state[self._places[parameter]])

    def release(self) -> None:
        """Give every Parameter its value back."""
        self._settle()
        state, self._state = self._state, None
        if state is None or self._current is None:
            return
        for parameter, value in zip(self._current.written, state, strict=True):
            parameter.take_back(value)
        for parameter, value in zip(self._current.kept, self._kept, strict=True):
            parameter.take_back(value)

    def _acquire(self, program: Program) -> tuple[Any, ...]:
        # Copies, because the user may hold the arrays, and a step overwrites its state.
        state = tuple(copied(p.lend(self, keep=False)) for p in program.written)
        self._kept = tuple(p.lend(self, keep=True) for p in program.kept)
        self._places = {p: i for i, p in enumerate(program.written)}
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

    def _switch(self, batch: Sequence[Any]) -> Program | None:
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
    # By identity: `==` of Parameters compares their values.
    return all(
        len(ours) == len(theirs) and all(a is b for a, b in zip(ours, theirs, strict=True))
        for ours, theirs in ((one.written, other.written), (one.kept, other.kept))
    )


def _signature(batch: Sequence[Any]) -> Any:
    return tuple((array.shape, array.dtype) for array in batch)
