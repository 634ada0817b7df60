"""Whether the value of a loss depends on its inputs other than through the reductions that were captured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax

from sporax.transforms import run_framed

UNCHANGED_BY_COPIES = ("reduce_max", "reduce_min", "reduce_and", "reduce_or")
"""Reductions that a copy of an element leaves as they are."""


def depends_beside(
    function: Callable[..., tuple[Sequence[jax.Array], Sequence[jax.Array]]],
    arrays: Sequence[Any],
    changed: Sequence[bool],
    without: Sequence[str] = (),
) -> list[bool]:
    """For each value of a function, whether it depends on some inputs other than through certain results.

    The function is traced once more, in a frame that takes back whatever it writes.

    Args:
        function: takes the arrays, and gives its values and the results through which they may depend on them.
        arrays: its inputs.
        changed: for each input, whether it is one of those asked about.
        without: primitives of JAX whose results are taken not to depend on them.

    Returns:
        a bool for each value; none where the function cannot be traced.

    Examples:
        >>> import jax.numpy as jnp
        >>> def loss(x):
        ...     seen = jnp.mean(x * x)
        ...     return [seen * 2 + jnp.max(x), seen + jnp.mean(x)], [seen]
        >>> depends_beside(loss, [jnp.ones(3)], [True], UNCHANGED_BY_COPIES)
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
    except Exception:  # What needs values cannot be traced; then there is no answer.
        return []
    through = {id(variable) for variable in jaxpr.outvars[count:]}
    return _reached(jaxpr, changed, through, without)[:count]


def _reached(jaxpr: Any, given: Sequence[bool], through: set[int], without: Sequence[str]) -> list[bool]:
    """Which outputs of a program depend on the inputs marked, other than through some of its variables."""
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
