"""Find whether the value of a loss depends on its inputs other than through captured reductions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from sporax.transforms import run_framed

UNCHANGED_BY_COPIES = ("reduce_max", "reduce_min", "reduce_and", "reduce_or")
"""Reductions whose result does not change when an element is repeated."""


def depends_directly(
    function: Callable[..., tuple[Sequence[jax.Array], Sequence[jax.Array]]],
    arrays: Sequence[Any],
    changed: Sequence[bool],
    without: Sequence[str] = (),
) -> list[bool]:
    """Return, for each value of a function, whether it depends on some inputs other than through given results.

    The function is traced again, in a frame that discards its writes to Parameters.

    Args:
        function: takes the arrays, and returns its values and the results through which they may depend on the arrays.
        arrays: its inputs.
        changed: for each input, whether dependence on it counts.
        without: primitives of JAX whose results are assumed not to depend on the inputs.

    Returns:
        a bool for each value; an empty list where the function cannot be traced.

    Examples:
        >>> import jax.numpy as jnp
        >>> def loss(x):
        ...     seen = jnp.mean(x * x)
        ...     return [seen * 2 + jnp.max(x), seen + jnp.mean(x)], [seen]
        >>> depends_directly(loss, [jnp.ones(3)], [True], UNCHANGED_BY_COPIES)
        [False, True]
    """
    count = 0

    def traced(*arrays: Any) -> list[jax.Array]:
        nonlocal count
        (values, results), _, _ = run_framed(lambda: function(*arrays), {}, discovers=False)
        count = len(values)
        return [*values, *results]

    try:
        jaxpr = jax.make_jaxpr(traced)(*arrays).jaxpr
    except Exception:  # A function that needs concrete values cannot be traced.
        return []
    through = {id(variable) for variable in jaxpr.outvars[count:]}
    return _reached(jaxpr, changed, through, without)[:count]


def _reached(jaxpr: Any, given: Sequence[bool], through: set[int], without: Sequence[str]) -> list[bool]:
    """Return which outputs of a program depend on the marked inputs other than through the variables `through`."""
    reached = {id(variable) for variable, mark in zip(jaxpr.invars, given, strict=True) if mark}
    for equation in jaxpr.eqns:
        marks = [id(each) in reached for each in equation.invars]
        if not any(marks) or equation.primitive.name in without:
            continue
        inner = getattr(equation.params.get("jaxpr"), "jaxpr", None)
        if equation.primitive.name in ("jit", "pjit") and inner is not None:
            found = _reached(inner, marks, set(), without)
        else:
            found = [True] * len(equation.outvars)
        reached |= {id(each) for each, mark in zip(equation.outvars, found, strict=True) if mark} - through
    return [id(variable) in reached and id(variable) not in through for variable in jaxpr.outvars]
