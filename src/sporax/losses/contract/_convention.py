"""The keywords `reduction` and `weights` of every loss function: their effect, signature and documentation.

    fn(*inputs, **hyper_parameters, reduction="none", weights=None)

`loss_function` adds them to every formula, so no loss repeats them in its docstring or signature.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

import jax

from sporax import _check, _docstring
from sporax._errors import ArgumentError
from sporax._typing import Shape
from sporax.losses.contract._labels import debug_checks
from sporax.losses.contract._observer import observe
from sporax.losses.contract._reduce import FUNCTION_REDUCTIONS

__all__ = ["KEYWORDS"]

KEYWORDS = ("reduction", "weights")
"""The keywords of every loss function in addition to its hyper-parameters."""

_WEIGHTING = ("weight", "class_weight", "ignore_index")
"""Hyper-parameters that make the denominator of a mean depend on labels."""

_ENTRIES = {
    "reduction": '"none" for one value per sample or element; "mean", "sum", or "batchmean" (the sum over the number '
    "of samples) for a scalar.",
    "weights": "broadcasts to the shape of the values; None for all ones. A weight of 0 removes its sample or element, "
    "NaN included, from value and gradient.",
}
_ENTRIES_OF_SCALAR = {
    "reduction": '"none", "mean", "sum" or "batchmean", as for every loss; all give this one value.',
    "weights": "a factor of the value, of shape (); None for 1.",
}
_RETURNS = 'A scalar where `reduction` is not "none".'


def is_contract_loss(fn: Any) -> bool:
    """Return whether a function was made by `loss_function`.

    `functools.wraps`, `jax.vmap` and `jax.checkpoint` copy the attributes of a loss to another function, which may
    compute something else; hence a loss refers to itself.
    """
    return getattr(fn, "itself", None) is fn


def contract_loss(fn: Any, *, reduced: bool = False) -> Any:
    """Return the loss made by `loss_function` inside `jax.jit` and `functools.partial`; None for any other function.

    Args:
        fn: any function.
        reduced: whether to accept a loss with a bound reduction, such as `partial(fn, reduction="mean")`.
    """
    while True:
        if isinstance(fn, functools.partial) and (reduced or fn.keywords.get("reduction", "none") == "none"):
            fn = fn.func
        elif isinstance(fn, jax.stages.Wrapped):
            fn = getattr(fn, "__wrapped__", None)
        else:
            return fn if is_contract_loss(fn) else None


def evaluate_keywords(
    fn: Any, inputs: tuple[Any, ...], params: dict[str, Any], reduction: Any, weights: Any, where: str
) -> jax.Array:
    """Evaluate a loss made by `loss_function`, weighted and reduced, rounded once to the dtype of its inputs."""
    _check.one_of(reduction, FUNCTION_REDUCTIONS, name="reduction", where=where)

    def shape_of_values() -> Shape:
        # The values of removed samples are not checked, and the weights are not known yet.
        with debug_checks(False):
            return jax.eval_shape(lambda: fn(*inputs, **params)).shape

    def evaluate(weights: Any) -> jax.Array:
        if reduction != "none" and hasattr(fn, "reduced"):
            found, dtype = fn.reduced(inputs, params, weights, reduction, where)
            return found.result.astype(dtype)
        return fn.unreduced(inputs, params, weights, where).reduce(reduction)

    return observe(
        reduction,
        weights,
        where,
        shape_of_values,
        evaluate,
        lambda weights: sum_and_weight_of(fn, inputs, params, reduction, weights, where),
        weighted=any(params.get(name) is not None for name in _WEIGHTING),
    )


def sum_and_weight_of(
    fn: Any, inputs: tuple[Any, ...], params: dict[str, Any], reduction: str, weights: Any, where: str
) -> tuple[jax.Array, jax.Array]:
    """Return the numerator and denominator of the mean, or of "batchmean", of a loss made by `loss_function`."""
    if hasattr(fn, "reduced") and reduction != "batchmean":
        reduced, _ = fn.reduced(inputs, params, weights, "sum", where)
        return reduced.result, reduced.weight
    return fn.unreduced(inputs, params, weights, where).sum_and_weight(reduction)


def signature_with_keywords(signature: inspect.Signature, name: str) -> inspect.Signature:
    """Return the signature of a formula with `reduction` and `weights` appended.

    Raises:
        ArgumentError: the formula has an argument of such a name.
    """
    taken = [keyword for keyword in KEYWORDS if keyword in signature.parameters]
    if taken:
        raise ArgumentError(
            f"loss_function: {name} must not have an argument named `{taken[0]}`: every loss has a keyword of that "
            "name, which the decorator adds. Rename the argument of the formula."
        )
    parameters = [
        *signature.parameters.values(),
        inspect.Parameter("reduction", inspect.Parameter.KEYWORD_ONLY, default="none", annotation="str"),
        inspect.Parameter("weights", inspect.Parameter.KEYWORD_ONLY, default=None, annotation="ArrayLike | None"),
    ]
    # Keywords of any name (`**kwargs`) come last.
    return signature.replace(parameters=sorted(parameters, key=lambda each: each.kind))


def documentation_with_keywords(text: str | None, *, single: bool) -> str | None:
    """Return a formula's docstring with `reduction` and `weights` documented in its sections Args and Returns.

    Args:
        text: the docstring.
        single: whether the loss is one value for all of its input.
    """
    if not text:
        return text
    sections = _docstring.split(text)
    added = {"Args": _docstring.listed(_ENTRIES_OF_SCALAR if single else _ENTRIES)}
    if not single:
        added["Returns"] = _RETURNS
    extended = {name: f"{sections.get(name, '')}\n{lines}".lstrip() for name, lines in added.items()}
    return _docstring.join(sections | extended)
