"""Compatibility with versions of JAX.

sporax supports jax 0.10 to 0.12. Names of JAX that moved, or may move, within this range are imported from this file.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.core

x64_scope = jax.enable_x64
"""`with x64_scope(True):` enables 64-bit dtypes in this thread; the process-wide flag does not change."""

CONCRETIZATION_ERRORS: tuple[type[Exception], ...] = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
    jax.errors.NonConcreteBooleanIndexError,
)
"""The errors of JAX when Python needs the value of a tracer."""


def is_tracer(value: object) -> bool:
    """Return whether `value` is a tracer, whose value is not known."""
    return isinstance(value, jax.core.Tracer)


@functools.cache
def quick_compile_options() -> dict[str, Any] | None:
    """Return options of `jax.jit` with which XLA compiles a program in about half the time, or None for the default.

    Measured on a CPU, where XLA's fusion emitters take most of the time of a small program: elementwise formulas run up
    to 1.5 times slower, products and convolutions as fast.
    """
    if jax.default_backend() != "cpu":
        return None
    options = {"xla_cpu_use_fusion_emitters": False}
    try:
        jax.jit(lambda: 0, compiler_options=options).lower().compile()
    except Exception:
        # A version of XLA that does not have the option.
        return None
    return options


def evaluate_jaxpr(closed: Any, *args: Any) -> list[Any]:
    """Return the outputs of a closed jaxpr.

    `jax.extend.core.jaxpr_as_fun` does the same, but importing `jax.extend` brings in Pallas and costs 20 ms.
    """
    if hasattr(jax.core, "eval_jaxpr"):
        return jax.core.eval_jaxpr(closed.jaxpr, closed.consts, *args)
    from jax.extend.core import jaxpr_as_fun

    return list(jaxpr_as_fun(closed)(*args))


def evaluate_equation(equation: Any, operands: list[Any]) -> list[Any]:
    """Return the outputs of an equation of a jaxpr."""
    given = equation.primitive.get_bind_params(equation.params)
    # Up to jax 0.9 the functions that an equation calls were separate from its parameters.
    subfuns, params = given if isinstance(given, tuple) else ((), given)
    results = equation.primitive.bind(*subfuns, *operands, **params)
    return list(results) if equation.primitive.multiple_results else [results]


def trace_state() -> object:
    """Return an identifier of the current trace, outside of which values created in it are not valid."""
    from jax.extend.core import get_opaque_trace_state

    return get_opaque_trace_state()


def varying_axes(array: Any) -> frozenset[Any]:
    """Return the mesh axes along which `array` varies between devices, inside a checked `jax.shard_map`."""
    kind = jax.typeof(array)
    # Up to jax 0.9 the set is `vma`.
    return frozenset(kind.vma if hasattr(kind, "vma") else kind.manual_axis_type.varying)


def varying_as(array: Any, others: Any) -> Any:
    """Return `array` marked as varying along all mesh axes along which any of `others` varies.

    Inside `jax.shard_map` the initial carry of a loop must be marked so.
    """
    axes = frozenset[Any]().union(*(varying_axes(each) for each in jax.tree.leaves(others))) - varying_axes(array)
    return jax.lax.pcast(array, tuple(axes), to="varying") if axes else array
