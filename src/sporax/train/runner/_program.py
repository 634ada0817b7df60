"""The compiled form of a training step: its jaxpr, and the programs of one and of several steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sporax._jax_compat import evaluate_jaxpr
from sporax.core import Parameter, wrap
from sporax.transforms import Unbound, Variables, assumed_wrongly, constants_of, outdated, run_framed


class Operations(NamedTuple):
    """The operations of a step, including those of inner jaxprs."""

    convolutions: list[int]
    """Number of multiplications of each convolution."""
    equations: int
    """Number of equations."""
    count: int
    """Multiplications of matrix products and convolutions, plus elements computed by other equations."""
    has_loop: bool
    """Whether there is a `while` or `scan`, whose body counts once in the other fields."""


class Program:
    """The compiled step for batches of one shape and dtype."""

    def __init__(self, step: Callable[..., Any], owned: Sequence[Parameter], batch: Sequence[Any]) -> None:
        self._variables = Variables(step)
        self.variables_unchanged = self._variables.unchanged
        self.has_variables = bool(self._variables)
        jaxpr, parameters, written, self.structure, guards = _trace(step, owned, batch)
        self._guards = (*guards, *self._variables.guards(), (constants_of(jaxpr), "stale", False))
        used = _used_inputs(jaxpr)
        self.written = written
        self.kept = tuple(p for i, p in enumerate(parameters) if i in used and p not in set(written))
        self._parameters = parameters
        self._jaxpr = jaxpr
        self.operations = count_operations(jaxpr.jaxpr)
        self.has_effects = bool(jaxpr.effects)
        self.state_bytes = sum(p.nbytes for p in written)
        """Size of the state that a step overwrites."""
        self.single = jax.jit(self._single, donate_argnums=0)
        self.many = jax.jit(self._many, donate_argnums=0)

    def _single(self, state: Any, kept: Any, *batch: Any) -> tuple[Any, Any]:
        values = dict(zip(self.written + self.kept, state + kept, strict=True))
        inputs = [
            # Not read by the step, or written without being read: the value does not matter.
            values[p] if p in values else jnp.zeros(p.shape, p.dtype.dtype)
            for p in self._parameters
        ]
        flat = evaluate_jaxpr(self._jaxpr, *inputs, *batch)
        count = len(self.written)
        return tuple(flat[:count]), tuple(flat[count:])

    def _many(self, state: Any, kept: Any, *stacked: Any) -> tuple[Any, Any]:
        return jax.lax.scan(
            lambda state, batch: self._single(state, kept, *batch), state, stacked, unroll=self.needs_unrolling
        )

    def fits(self) -> bool:
        """Whether the modes and attributes of the Cells are those of the trace."""
        return self.variables_unchanged() and all(getattr(owner, name) == value for owner, name, value in self._guards)

    def outdated(self) -> bool:
        """Whether the program can never fit again."""
        return not self.variables_unchanged() or outdated(self._guards)

    @property
    def needs_unrolling(self) -> bool:
        """Whether several steps must be unrolled: XLA has no fast convolution inside a loop on CPU."""
        return bool(self.operations.convolutions) and jax.default_backend() == "cpu"


def _trace(
    step: Callable[..., Any], owned: Sequence[Parameter], batch: Sequence[Any]
) -> tuple[Any, tuple[Parameter, ...], tuple[Parameter, ...], Any, tuple[Any, ...]]:
    """Trace the step to a jaxpr (values of `parameters`, batch) -> (written values, outputs).

    A read of an unknown Parameter adds it to the inputs and repeats the trace.

    Returns:
        The jaxpr, its Parameters, those written, the structure of the outputs, and the guards of the trace.
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
                # Strongly typed, so that the state has the same types before and after the step.
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
        if assumed_wrongly(result["guards"]):
            continue
        return jaxpr, parameters, result["written"], result["structure"], result["guards"]


def _used_inputs(closed: Any) -> set[int]:
    jaxpr = closed.jaxpr
    read = {id(var) for eqn in jaxpr.eqns for var in eqn.invars} | {id(var) for var in jaxpr.outvars}
    return {i for i, var in enumerate(jaxpr.invars) if id(var) in read}


def count_operations(jaxpr: Any) -> Operations:
    """Count the operations of a jaxpr and of its inner jaxprs."""
    convolutions: list[int] = []
    equations = count = 0
    has_loop = False
    for eqn in jaxpr.eqns:
        equations += 1
        has_loop |= eqn.primitive.name in ("while", "scan")
        products = _products(eqn)
        if eqn.primitive.name == "conv_general_dilated":
            convolutions.append(products)
        inner = [_inner(value) for value in jax.tree.leaves(eqn.params, is_leaf=_is_jaxpr) if _is_jaxpr(value)]
        for operations in map(count_operations, inner):
            convolutions += operations.convolutions
            equations += operations.equations
            count += operations.count
            has_loop |= operations.has_loop
        if not inner:
            count += products
    return Operations(convolutions, equations, count, has_loop)


def _products(eqn: Any) -> int:
    """Return the multiplications of a matrix product or convolution; the number of elements for other equations."""
    size = sum(math.prod(getattr(var.aval, "shape", ())) for var in eqn.outvars)
    if eqn.primitive.name == "dot_general":
        contracted = eqn.params["dimension_numbers"][0][0]
        return size * math.prod(eqn.invars[0].aval.shape[axis] for axis in contracted)
    if eqn.primitive.name == "conv_general_dilated":
        kernel = eqn.invars[1].aval.shape
        features = kernel[eqn.params["dimension_numbers"].rhs_spec[0]]
        return size * math.prod(kernel) // max(features, 1)
    return size


def _is_jaxpr(value: Any) -> bool:
    return hasattr(value, "eqns") or hasattr(value, "jaxpr")


def _inner(value: Any) -> Any:
    return getattr(value, "jaxpr", value)
