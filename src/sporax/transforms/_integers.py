"""Gradients with respect to integer and bool inputs, as in MindSpore.

JAX differentiates only floating arrays. Here an integer input is propagated through the jaxpr of the function twice: as
an integer, and as a float64 *view* with the same value. Operators that add, multiply, move or reduce integers apply to
the view too. Where the integers are cast to a floating dtype, the view replaces them, and JAX differentiates with
respect to it. Comparisons, integer division, bit operations and indexing are step functions with derivative 0, so their
results have no view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from sporax._errors import DtypeError, GradientWarning, warn_user
from sporax._jax_compat import CONCRETIZATION_ERRORS, evaluate_equation, is_tracer

_VIEW = "float64"

# The operands that are numbers; the others are indices or conditions. None: all operands.
_FOLLOWED: dict[str, tuple[int, ...] | None] = {
    **dict.fromkeys(
        ("add", "sub", "mul", "neg", "abs", "max", "min", "add_any", "integer_pow", "square", "clamp", "copy", "copy_p",
         "reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "cumsum", "cumprod", "cummax", "cummin", "reshape",
         "broadcast_in_dim", "transpose", "squeeze", "expand_dims", "rev", "pad", "concatenate", "slice", "split",
         "tile", "dot_general"),
    ),
    "select_n": (1, 2, 3, 4, 5, 6, 7),
    "dynamic_slice": (0,),
    "dynamic_update_slice": (0, 1),
    "gather": (0,),
    "scatter": (0, 2),
    "scatter-add": (0, 2),
}  # fmt: skip
_STEPS = frozenset((
    "eq", "ne", "lt", "le", "gt", "ge", "eq_to", "le_to", "lt_to", "and", "or", "xor", "not", "sign", "div", "argmax",
    "argmin", "reduce_and", "reduce_or", "reduce_xor", "population_count", "clz", "is_finite", "bitcast_convert_type",
    "shift_left", "shift_right_logical", "shift_right_arithmetic", "stop_gradient",
    "custom_vjp_call", "custom_vjp_call_jaxpr",
))  # fmt: skip
_CALLS = {
    "jit": "jaxpr", "pjit": "jaxpr", "closed_call": "call_jaxpr", "core_call": "call_jaxpr", "checkpoint": "jaxpr",
    "remat2": "jaxpr", "custom_jvp_call": "call_jaxpr", "custom_lin": "call_jaxpr",
}  # fmt: skip
_LOOPS = frozenset(("scan", "while", "cond"))


class _Unknown:
    """The view of the result of an operator without a rule; it must not be cast to a floating dtype."""

    def __init__(self, operator: str) -> None:
        self.operator = operator


def differentiable_by_integers(function: Callable[..., Any], where: str, *args: Any) -> Callable[..., Any]:
    """Return a differentiable function of the same arguments, with float64 arrays for integers and bools.

    Args:
        function: a function of arrays that returns a tree of arrays.
        where: the name of the function in error messages.
        args: trees of arrays, the values at which it will be called.

    Raises:
        DtypeError: the function needs the value of a Tensor in Python; or, when called, the result depends on an
            integer input through an operator without a derivative with respect to integers.
    """
    try:
        closed, shapes = jax.make_jaxpr(function, return_shape=True)(*args)
    except CONCRETIZATION_ERRORS as error:
        raise DtypeError(
            f"{where}: the function needs the value of a Tensor in Python, which is not supported for the gradient of "
            f"an integer input. Cast the input, for example .astype(mindspore.float32). ({error})"
        ) from error
    values = jax.tree.leaves(args)
    structure = jax.tree.structure(shapes)

    def viewed(*views: Any) -> Any:
        given = jax.tree.leaves(views)
        exact = [view if _floating(value) else value for view, value in zip(given, values, strict=True)]
        floats = [None if _floating(value) else view for view, value in zip(given, values, strict=True)]
        outputs, out_views = _evaluate(closed.jaxpr, closed.consts, exact, floats, where)
        for view in out_views:
            _reject_unknown(view, where)
        return jax.tree.unflatten(structure, outputs)

    return viewed


def view_of(value: Any) -> Any:
    """Return the floating array with respect to which to differentiate: the value, or its float64 view."""
    return value if _floating(value) else value.astype(_VIEW)


def gradient_for(gradient: Any, value: Any) -> Any:
    """Return the gradient in the dtype of the value; as in MindSpore, it is truncated to integers."""
    if gradient.dtype == value.dtype:
        return gradient
    if value.dtype.kind != "b" and not is_tracer(gradient) and bool((jnp.trunc(gradient) != gradient).any()):
        warn_user(
            f"The gradient of an integer input has fractions, which are truncated to its dtype {value.dtype.name}, as "
            "in MindSpore. To keep them, cast the input to a floating dtype, for example .astype(mindspore.float32), "
            "before differentiation.",
            GradientWarning,
        )
    return jax.jit(_integer_gradient, static_argnums=1)(gradient, value.dtype)


def _integer_gradient(gradient: Any, dtype: Any) -> Any:
    # A separate call that is recognized by its name, so that an enclosing derivative handles the cast.
    return gradient.astype(dtype)


def _floating(value: Any) -> bool:
    return value.dtype.kind in "fcV"


def _reject_unknown(view: Any, where: str) -> None:
    if isinstance(view, _Unknown):
        raise DtypeError(
            f"{where}: the gradient of an integer input was requested, and the result depends on it through the "
            f"operator {view.operator!r}, which has no derivative with respect to integers. Cast the input to a "
            "floating dtype first, for example .astype(mindspore.float32), or remove it from `grad_position`."
        )


def _evaluate(
    jaxpr: Any, consts: Sequence[Any], values: Sequence[Any], views: Sequence[Any], where: str
) -> tuple[list[Any], list[Any]]:
    """Return the outputs of a jaxpr and their views, or None for outputs without a view."""
    exact: dict[Any, Any] = dict(zip(jaxpr.constvars, consts, strict=True)) | dict(
        zip(jaxpr.invars, values, strict=True)
    )
    floats: dict[Any, Any] = {var: view for var, view in zip(jaxpr.invars, views, strict=True) if view is not None}

    def value_of(atom: Any) -> Any:
        return atom.val if hasattr(atom, "val") else exact[atom]

    def seen(atom: Any) -> Any:
        return None if hasattr(atom, "val") else floats.get(atom)

    for equation in jaxpr.eqns:
        operands = [value_of(atom) for atom in equation.invars]
        operand_views = [seen(atom) for atom in equation.invars]
        if equation.params.get("name") == _integer_gradient.__name__:
            results, result_views = evaluate_equation(equation, operands), [operands[0]]
        elif any(view is not None for view in operand_views):
            results, result_views = _apply(equation, operands, operand_views, where)
        else:
            results, result_views = evaluate_equation(equation, operands), [None] * len(equation.outvars)
        for var, result, view in zip(equation.outvars, results, result_views, strict=True):
            exact[var] = result
            if view is not None:
                floats[var] = view
    return [value_of(atom) for atom in jaxpr.outvars], [seen(atom) for atom in jaxpr.outvars]


def _apply(equation: Any, operands: list[Any], views: list[Any], where: str) -> tuple[list[Any], list[Any]]:
    """Evaluate an equation of which an operand has a view; return the results and their views."""
    name, count = equation.primitive.name, len(equation.outvars)
    if name in _CALLS and _CALLS[name] in equation.params:
        reached, bridged = _flow_of(equation, [view is not None for view in views])
        if not bridged and not any(reached):
            # No derivative depends on it (labels, for example), so the call is not inlined.
            return evaluate_equation(equation, operands), [None] * count
        inner = equation.params[_CALLS[name]]
        jaxpr, consts = (inner.jaxpr, inner.consts) if hasattr(inner, "consts") else (inner, ())
        return _evaluate(jaxpr, consts, operands, views, where)
    if name == "convert_element_type":
        dtype = jnp.dtype(equation.params["new_dtype"])
        if dtype.kind not in "fcV":
            # A cast to bool is a comparison with 0, which is a step function.
            return evaluate_equation(equation, operands), [None if dtype.kind == "b" else views[0]]
        _reject_unknown(views[0], where)
        return [views[0].astype(dtype)], [None]
    results = evaluate_equation(equation, operands)
    if name in _STEPS:
        return results, [None] * count
    if name in _LOOPS:
        return results, _through_loop(equation, views, where)
    followed = _FOLLOWED.get(name, ())
    numbers = range(len(operands)) if followed is None else followed
    relevant = [views[i] for i in numbers if i < len(views) and views[i] is not None]
    if name in _FOLLOWED and not relevant:
        return results, [None] * count
    unknown = [view for view in relevant if isinstance(view, _Unknown)]
    if name not in _FOLLOWED or unknown:
        view = unknown[0] if unknown else _Unknown(name)
        if any(_floating(result) for result in results):
            _reject_unknown(view, where)
        return results, [view] * count
    floats = [
        (view_of(value) if views[i] is None else views[i]) if i in numbers else value
        for i, value in enumerate(operands)
    ]
    if name == "dot_general":
        left, right = floats
        product = jax.lax.dot_general(
            left, right, equation.params["dimension_numbers"], preferred_element_type=jnp.dtype(_VIEW)
        )
        return results, [product]
    return results, evaluate_equation(equation, floats)


# --- loops and branches: views are not propagated through them, so no integer may be cast to floating inside ---------


def _through_loop(equation: Any, views: list[Any], where: str) -> list[Any]:
    name = equation.primitive.name
    reached, bridged = _flow_of(equation, [view is not None for view in views])
    floating = [var.aval.dtype.kind in "fcV" for var in equation.outvars]
    if bridged or any(flag and float_ for flag, float_ in zip(reached, floating, strict=True)):
        _reject_unknown(_Unknown(name), where)
    return [_Unknown(name) if flag else None for flag in reached]


def _flow(jaxpr: Any, flags: Sequence[bool]) -> tuple[list[bool], bool]:
    """Return which outputs could have a view, and whether a view could be cast to a floating dtype on the way."""
    reached = {var for var, flag in zip(jaxpr.invars, flags, strict=True) if flag}
    bridged = False
    for equation in jaxpr.eqns:
        operands = [not hasattr(atom, "val") and atom in reached for atom in equation.invars]
        if any(operands):
            results, inner = _flow_of(equation, operands)
            bridged = bridged or inner
            reached.update(var for var, flag in zip(equation.outvars, results, strict=True) if flag)
    return [not hasattr(atom, "val") and atom in reached for atom in jaxpr.outvars], bridged


def _flow_of(equation: Any, flags: list[bool]) -> tuple[list[bool], bool]:
    name, params, count = equation.primitive.name, equation.params, len(equation.outvars)
    if name in _CALLS and _CALLS[name] in params:
        inner = params[_CALLS[name]]
        return _flow(getattr(inner, "jaxpr", inner), flags)
    if name == "scan":
        consts, carries = params["num_consts"], params["num_carry"]
        return _flow_of_loop(
            params["jaxpr"].jaxpr, flags[:consts], flags[consts : consts + carries], flags[consts + carries :]
        )
    if name == "while":
        tested = params["cond_nconsts"]
        consts = flags[tested : tested + params["body_nconsts"]]
        return _flow_of_loop(params["body_jaxpr"].jaxpr, consts, flags[tested + len(consts) :], [])
    if name == "cond":
        flows = [_flow(branch.jaxpr, flags[1:]) for branch in params["branches"]]
        return [any(column) for column in zip(*(flow for flow, _ in flows), strict=True)], any(b for _, b in flows)
    if name == "convert_element_type":
        kind = jnp.dtype(params["new_dtype"]).kind
        return [kind not in "fcVb"], kind in "fcV"
    if name in _STEPS:
        return [False] * count, False
    followed = _FOLLOWED.get(name)
    if name in _FOLLOWED and followed is not None and not any(flags[i] for i in followed if i < len(flags)):
        return [False] * count, False
    return [True] * count, False


def _flow_of_loop(body: Any, consts: list[bool], carry: list[bool], rows: list[bool]) -> tuple[list[bool], bool]:
    while True:
        results, bridged = _flow(body, [*consts, *carry, *rows])
        following = [before or after for before, after in zip(carry, results, strict=False)]
        if following == carry:
            return results, bridged
        carry = following
