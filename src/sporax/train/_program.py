"""The compiled form of a training step: its jaxpr, and how several steps go into one program."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._jax_compat import evaluate_jaxpr
from sporax.core import Parameter, wrap
from sporax.transforms import Unbound, Variables, constants_of, outdated, run_framed

# A convolution inside an XLA loop runs a naive kernel on CPU (measured: 2 to 20 times slower), so such steps are laid
# out flat. Four of them in one program save 60 us a step by their calls (0.17 -> 0.11 ms for a tiny network; eight
# save 5 us more) and compile nearly twice as long as one. From about 2 ms a step on they gained nothing, and were
# slower than single steps that nobody waits for. So only small steps are unrolled, and few of those with many
# equations. A call's losses are waited for at its end, which shows where steps are quick, so it holds more of those;
# Ctrl-C is heard between calls, so it holds few slow ones.
_FLAT_STEPS = 8
_QUICK_FLAT_STEPS = 32
_QUICK_PRODUCTS = 2**24
_UNROLLED_STEPS = 4
_UNROLLED_PRODUCTS = 2**22
_UNROLLED_EQUATIONS = 1200
_STACK_BYTES = 64 * 2**20
_STACK_STEPS = 1024


class Program:
    """The compiled step for batches of one shape and dtype."""

    def __init__(self, step: Callable[..., Any], owned: Sequence[Parameter], batch: Sequence[Any]) -> None:
        self._variables = Variables(step)
        jaxpr, parameters, written, self.structure, guards = _trace(step, owned, batch)
        self._guards = (*guards, (constants_of(jaxpr), "stale", False))
        used = _used_inputs(jaxpr)
        self.written = written
        self.kept = tuple(p for i, p in enumerate(parameters) if i in used and p not in set(written))
        self._parameters = parameters
        self._jaxpr = jaxpr
        convolutions, equations = _census(jaxpr.jaxpr)
        self.has_convolution = bool(convolutions)
        self._flat_steps = _QUICK_FLAT_STEPS if sum(convolutions) <= _QUICK_PRODUCTS else _FLAT_STEPS
        self.unroll = unroll_of(convolutions, equations)
        """How many steps are compiled into one program where they are laid out flat."""
        self.has_effects = bool(jaxpr.effects)
        self.state_bytes = sum(p.nbytes for p in written)
        self.led = False
        """Whether a stack of LEAD steps was let run ahead, so that it is compiled."""
        self.single = jax.jit(self._single, donate_argnums=0)
        self.many = jax.jit(self._many, donate_argnums=0)

    def _single(self, state: Any, kept: Any, *batch: Any) -> tuple[Any, Any]:
        values = dict(zip(self.written + self.kept, state + kept, strict=True))
        inputs = [
            # Not read by the step, or written without being read: any value of the right type serves.
            values[p] if p in values else jnp.zeros(p.shape, p.dtype.dtype)
            for p in self._parameters
        ]
        flat = evaluate_jaxpr(self._jaxpr, *inputs, *batch)
        count = len(self.written)
        return tuple(flat[:count]), tuple(flat[count:])

    def _many(self, state: Any, kept: Any, *stacked: Any) -> tuple[Any, Any]:
        return jax.lax.scan(lambda state, batch: self._single(state, kept, *batch), state, stacked, unroll=self.flat)

    def fits(self) -> bool:
        """Whether the modes and attributes of the Cells are still those that it was traced with."""
        return self._variables.unchanged() and all(getattr(owner, name) == value for owner, name, value in self._guards)

    def outdated(self) -> bool:
        """Whether it can never fit again."""
        return not self._variables.unchanged() or outdated(self._guards)

    @property
    def flat(self) -> bool:
        """Whether steps must be laid out one after another: XLA's loops on CPU have no fast convolution."""
        return self.has_convolution and jax.default_backend() == "cpu"

    def steps_per_call(self, batch: Sequence[Any]) -> int:
        """How many steps one call of `StepRunner.run_many` may hold."""
        if self.flat:
            return self._flat_steps
        size = sum(array.nbytes for array in batch)
        return max(1, min(_STACK_STEPS, _STACK_BYTES // max(size, 1)))


def _trace(
    step: Callable[..., Any], owned: Sequence[Parameter], batch: Sequence[Any]
) -> tuple[Any, tuple[Parameter, ...], tuple[Parameter, ...], Any, tuple[Any, ...]]:
    """The step's jaxpr (values of `parameters`, batch) -> (written values, outputs), with what it reads found.

    Returns:
        the jaxpr, its Parameters, the written ones, the structure of the outputs, and the trace's guards.
    """
    known = dict.fromkeys(owned)
    result: dict[str, Any] = {}
    while True:
        parameters = tuple(known)

        def pure(values: Any, batch: Any, parameters: tuple[Parameter, ...] = parameters) -> Any:
            bound = dict(zip(parameters, values, strict=True))
            output, written, frame = run_framed(lambda: step(*(wrap(each) for each in batch)), bound, discovers=True)
            result["guards"] = tuple(frame.guards.values())
            leaves, result["structure"] = jax.tree.flatten(output)
            result["written"] = written.parameters
            new = [
                # Strongly typed, so that the second step's state has the types of the first's.
                jax.lax.convert_element_type(value, p.dtype.dtype)
                for p, value in zip(written.parameters, written.values, strict=True)
            ]
            return new, leaves

        values = [jax.ShapeDtypeStruct(p.shape, p.dtype.dtype) for p in parameters]
        shapes = [jax.ShapeDtypeStruct(np.shape(each), each.dtype) for each in batch]
        try:
            jaxpr = jax.make_jaxpr(pure)(values, shapes)
        except Unbound as unbound:
            known.update(dict.fromkeys(unbound.parameters))
            continue
        return jaxpr, parameters, result["written"], result["structure"], result["guards"]


def _used_inputs(closed: Any) -> set[int]:
    jaxpr = closed.jaxpr
    read = {id(var) for eqn in jaxpr.eqns for var in eqn.invars} | {id(var) for var in jaxpr.outvars}
    return {i for i, var in enumerate(jaxpr.invars) if id(var) in read}


def unroll_of(convolutions: Sequence[int], equations: int) -> int:
    """How many flat steps are worth one program.

    Args:
        convolutions: the multiplications of each convolution of the step.
        equations: how many equations its jaxpr has.
    """
    if sum(convolutions) > _UNROLLED_PRODUCTS:
        return 1
    return max(1, min(_UNROLLED_STEPS, _UNROLLED_EQUATIONS // max(equations, 1)))


def _census(jaxpr: Any) -> tuple[list[int], int]:
    """The multiplications of each convolution, and the number of equations, those of inner jaxprs too."""
    convolutions: list[int] = []
    equations = 0
    for eqn in jaxpr.eqns:
        equations += 1
        if eqn.primitive.name == "conv_general_dilated":
            kernel = eqn.invars[1].aval.shape
            features = kernel[eqn.params["dimension_numbers"].rhs_spec[0]]
            convolutions.append(math.prod(eqn.outvars[0].aval.shape) * math.prod(kernel) // max(features, 1))
        for value in jax.tree.leaves(eqn.params, is_leaf=lambda leaf: hasattr(leaf, "eqns") or hasattr(leaf, "jaxpr")):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                found, more = _census(inner)
                convolutions += found
                equations += more
    return convolutions, equations
