"""The one file that knows which JAX is installed.

sporax supports jax 0.10 to 0.12. Every name of JAX that moved, or is expected to move, inside that range is
taken from here.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.core

x64_scope = jax.enable_x64
"""`with x64_scope(True):` turns 64-bit dtypes on for this thread only; the process-wide flag is untouched."""

CONCRETIZATION_ERRORS: tuple[type[Exception], ...] = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)
"""What JAX raises when Python asks a traced value for its number."""


def is_tracer(value: object) -> bool:
    """Whether `value` is being traced, so that its number is not known."""
    return isinstance(value, jax.core.Tracer)


def evaluate_jaxpr(closed: Any, *args: Any) -> list[Any]:
    """The outputs of a closed jaxpr.

    `jax.extend.core.jaxpr_as_fun` does the same, but importing `jax.extend` brings in Pallas and costs 20 ms.
    """
    if hasattr(jax.core, "eval_jaxpr"):
        return jax.core.eval_jaxpr(closed.jaxpr, closed.consts, *args)
    from jax.extend.core import jaxpr_as_fun

    return list(jaxpr_as_fun(closed)(*args))


def evaluate_equation(equation: Any, operands: list[Any]) -> list[Any]:
    """The outputs of one equation of a jaxpr."""
    given = equation.primitive.get_bind_params(equation.params)
    # Up to jax 0.9 the functions that an equation calls stood apart from its parameters.
    subfuns, params = given if isinstance(given, tuple) else ((), given)
    results = equation.primitive.bind(*subfuns, *operands, **params)
    return list(results) if equation.primitive.multiple_results else [results]


def trace_state() -> object:
    """Which trace is the current one; what was made in a trace is of use only while it is the current one."""
    from jax.extend.core import get_opaque_trace_state

    return get_opaque_trace_state()


def varying_axes(array: Any) -> frozenset[Any]:
    """The mesh axes along which `array` is different on each device, inside `jax.shard_map` where it is checked."""
    kind = jax.typeof(array)
    # Up to jax 0.9 the set stood in `vma`.
    return frozenset(kind.vma if hasattr(kind, "vma") else kind.manual_axis_type.varying)


def varying_as(array: Any, others: Any) -> Any:
    """`array`, marked as different on each device along every mesh axis along which any of `others` is.

    Inside `jax.shard_map` a loop's carry must be so marked from the start.
    """
    axes = frozenset[Any]().union(*(varying_axes(each) for each in jax.tree.leaves(others))) - varying_axes(array)
    return jax.lax.pcast(array, tuple(axes), to="varying") if axes else array
