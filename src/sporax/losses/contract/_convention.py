"""The two keywords that every loss function has, `reduction` and `weights`: what they do, and what is said of them.

    fn(*inputs, **hyper_parameters, reduction="none", weights=None)

`loss_function` gives them to every formula; nothing here is repeated in a docstring or a signature of a loss.
"""

from __future__ import annotations

import functools
import inspect
import re
import textwrap
from typing import Any

import jax

from sporax import _check
from sporax._errors import ArgumentError
from sporax.losses.contract._observer import observe
from sporax.losses.contract._reduce import FUNCTION_REDUCTIONS, reduce_prepared, samples_left, sum_prepared

__all__ = ["KEYWORDS"]

KEYWORDS = ("reduction", "weights")
"""The keywords of every loss function beside its hyper-parameters."""

_WEIGHTING = ("weight", "class_weight", "ignore_index")
"""Hyper-parameters that make the denominator of a mean depend on labels."""

_REDUCTION = (
    '"none" for one value for each sample or element; "mean", "sum", or "batchmean" (the sum over the number of '
    "samples) for a scalar."
)
_WEIGHTS = (
    "broadcasts to the shape of the values; None for all ones. A weight of 0 removes what it stands for, NaN included, "
    "from value and gradient."
)
_REDUCTION_OF_ONE = '"none", "mean", "sum" or "batchmean", as every loss takes; all give this one value.'
_WEIGHTS_OF_ONE = "a factor of the value, of shape (); None for 1."
_RETURNS = 'A scalar where `reduction` is not "none".'

_SECTIONS = ("Args", "Returns", "Raises", "Examples?", "Source")
"""The sections of a docstring, in order."""


def is_contract_loss(fn: Any) -> bool:
    """Whether a function is a loss that `loss_function` made.

    `functools.wraps`, `jax.vmap` and `jax.checkpoint` copy the attributes of a loss to another function, which may
    compute something else; hence a loss refers to itself.
    """
    return getattr(fn, "itself", None) is fn


def contract_loss(fn: Any, *, reduced: bool = False) -> Any:
    """The loss made by `loss_function` that a function is: itself, under `jax.jit`, or with some arguments bound.

    Args:
        fn: any function.
        reduced: whether it may be one that reduces its values, such as `partial(fn, reduction="mean")`.

    Returns:
        The loss; None for any other function.
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
    """A loss made by `loss_function`, weighted and reduced, and rounded once to the dtype of its inputs."""
    _check.one_of(reduction, FUNCTION_REDUCTIONS, name="reduction", where=where)

    def evaluate(weights: Any) -> jax.Array:
        if reduction != "none" and hasattr(fn, "reduced"):
            found, dtype = fn.reduced(inputs, params, weights, reduction, where)
            return found.result.astype(dtype)
        found = fn.unreduced(inputs, params, weights, where)
        result = reduce_prepared(found.values, reduction, found.weights, found.counts, joins=found.joins)
        return result.astype(found.dtype)

    mean = "batchmean" if reduction == "batchmean" else "mean"
    return observe(
        reduction,
        weights,
        where,
        lambda: jax.eval_shape(lambda: fn(*inputs, **params)).shape,
        evaluate,
        lambda weights: sum_and_weight_of(fn, inputs, params, mean, weights, where),
        weighted=any(params.get(name) is not None for name in _WEIGHTING),
    )


def sum_and_weight_of(
    fn: Any, inputs: tuple[Any, ...], params: dict[str, Any], reduction: str, weights: Any, where: str
) -> tuple[jax.Array, jax.Array]:
    """The numerator and denominator of the "mean" or "batchmean" of a loss made by `loss_function`."""
    if hasattr(fn, "reduced") and reduction == "mean":
        reduced, _ = fn.reduced(inputs, params, weights, "sum", where)
        return reduced.result, reduced.weight
    found = fn.unreduced(inputs, params, weights, where)
    total, weight = sum_prepared(found.values, found.weights, found.counts, joins=found.joins)
    if reduction == "batchmean":
        weight = samples_left(found.values.shape, found.weights, total.dtype)
    return total, weight


def signature_with_keywords(signature: inspect.Signature, name: str) -> inspect.Signature:
    """The signature of a formula, and `reduction` and `weights` at its end.

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
    """A formula's docstring, and what is to be known of `reduction` and `weights` in its sections Args and Returns.

    Args:
        text: the docstring.
        single: whether the loss is one value for all of its input.
    """
    if not text:
        return text
    text = inspect.cleandoc(text)
    of_reduction, of_weights = (_REDUCTION_OF_ONE, _WEIGHTS_OF_ONE) if single else (_REDUCTION, _WEIGHTS)
    entries = _wrapped(f"reduction: {of_reduction}"), _wrapped(f"weights: {of_weights}")
    text = _extended(text, "Args", "\n".join(entries))
    return text if single else _extended(text, "Returns", f"    {_RETURNS}")


def _wrapped(entry: str) -> str:
    return textwrap.fill(entry, 110, initial_indent=" " * 4, subsequent_indent=" " * 8)


def _extended(text: str, section: str, lines: str) -> str:
    """The text with lines at the end of a section, which is made if there is none."""
    start = re.search(rf"^{section}:\s*$", text, re.MULTILINE)
    if start is None:
        after = _SECTIONS[_SECTIONS.index(section) + 1 :]
        following = re.search(rf"^({'|'.join(after)}):", text, re.MULTILINE)
        lines = f"\n{section}:\n{lines}"
    else:
        following = re.compile(r"^\S", re.MULTILINE).search(text, start.end())
    at = following.start() if following else len(text)
    return f"{text[:at].rstrip()}\n{lines}\n\n{text[at:]}".rstrip() + "\n"
