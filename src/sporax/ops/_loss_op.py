"""`loss_op`: a loss of `sporax.losses` as an op.

    smooth_l1_loss = loss_op(
        losses.smooth_l1_loss,
        "ops.smooth_l1_loss(input, target, beta=1.0, reduction='none')",
        "ops.SmoothL1Loss(beta=1.0, reduction='none')(prediction, target)",
        doc="Examples: ...",
    )

The first arguments of each signature are the array inputs of the loss, in order; the others are `reduction` and
hyper-parameters of the loss. The documentation is the loss's.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import jax

from sporax import _docstring, losses
from sporax._signature import define
from sporax.ops._kinds import Kind, PublicName, plain, static_kind
from sporax.ops._op import Signature, op, signature

_KEYWORD = inspect.Parameter.KEYWORD_ONLY
_REDUCTION = static_kind(lambda value, *_: value, '"none", "mean" or "sum".', "str")


def loss_op(
    loss: Any, *signatures: str | Signature, doc: str = "", compute: Callable[..., Any] | None = None
) -> Callable[..., Any]:
    """Register a loss as an op.

    Args:
        loss: a function of `sporax.losses`; its inputs and hyper-parameters are the parameters of the kernel.
        signatures: see `op`; the array inputs are matched to the loss's by position.
        doc: sections of the docstring that replace the loss's, and Examples. Entries of Args and Raises replace single
            entries of the loss's.
        compute: called with the inputs, and with `reduction`, `where` (the public name of the op) and the
            hyper-parameters by name, in place of `losses.evaluate(loss, ...)`. It may have hyper-parameters that the
            loss does not have.

    Returns:
        The function of the first signature.
    """
    inputs = [each.name for each in loss.spec.inputs]
    matched = [_matched(each, inputs) for each in signatures]
    sections = _documented(loss, doc, _names(matched), inputs)
    said = _docstring.entries(sections["Args"])
    own = inspect.signature(loss.__wrapped__).parameters
    kinds = {name: _kind(own[name].annotation, said.get(name, "Tensor."), data=True) for name in inputs}
    for name in _settings(matched, own, inputs):
        kinds[name] = _kind(own[name].annotation if name in own else "Any", said.get(name, ""))
    kinds["reduction"] = replace(_REDUCTION, doc=said.get("reduction", _REDUCTION.doc))
    parameters = [
        inspect.Parameter(name, _KEYWORD, default=own[name].default if name in own else inspect.Parameter.empty)
        for name in kinds
    ]
    annotations = {name: Annotated[Any, kind] for name, kind in kinds.items()} | {"where": PublicName}
    named = [f"{name}={name}" for name in annotations if name not in inputs]
    kernel = define(
        matched[0].name,
        [*parameters, inspect.Parameter("where", _KEYWORD)],
        f"return _compute({', '.join([*inputs, *named])})",
        {"_compute": compute or partial(losses.evaluate, loss), "jax": jax},
        module=sys._getframe(1).f_globals["__name__"],
        doc=_docstring.join(sections),
    )
    returns = compute.__annotations__["return"] if compute else "jax.Array"
    kernel.__annotations__ = annotations | {"return": returns}
    return op(*matched)(kernel)


def _matched(given: str | Signature, inputs: list[str]) -> Signature:
    """A signature whose first arguments are renamed to the inputs of the loss."""
    parsed = signature(given) if isinstance(given, str) else given
    by_position = zip(parsed.call, inputs, strict=False)
    return replace(parsed, renamed={each.name: name for each, name in by_position} | dict(parsed.renamed))


def _names(signatures: list[Signature]) -> list[str]:
    """Return the arguments of the signatures, by the names of the loss, without those with a fixed value."""
    return [one.renamed.get(each.name, each.name) for one in signatures for each in one.parameters]


def _settings(signatures: list[Signature], own: Any, inputs: list[str]) -> list[str]:
    """The hyper-parameters that the signatures have, those of the loss first."""
    used = _names(signatures) + [name for one in signatures for name in one.fixed]
    names = [name for name in own if name in used] + [name for name in used if name not in own]
    return [name for name in dict.fromkeys(names) if name not in (*inputs, "reduction")]


def _kind(annotation: str, doc: str, *, data: bool = False) -> Kind:
    """The kind of an input or hyper-parameter. The loss itself checks and converts it."""
    text = annotation.replace("ArrayLike", "_TensorLike")
    return Kind(lambda value, *_: plain(value), doc, "_TensorLike" if text == "Any" else text, data=data)


def _documented(loss: Any, doc: str, names: list[str], inputs: list[str]) -> dict[str, str]:
    """The sections of the docstring: those given, completed with the loss's.

    Args:
        loss, doc: see `loss_op`.
        names: the arguments of the signatures, by the loss's names.
        inputs: the array inputs of the loss.
    """
    own, of_loss = _docstring.split(doc), _docstring.split(loss.__wrapped__.__doc__)
    absent = [f"`{name}`" for name in inspect.signature(loss.__wrapped__).parameters if name not in (*inputs, *names)]
    raises = _docstring.entries(of_loss.get("Raises", ""))
    raises = {error: text for error, text in raises.items() if not any(name in text for name in absent)}
    raises |= _docstring.entries(own.get("Raises", ""))
    sections = {name: own.get(name) or of_loss.get(name, "") for name in ("", "Returns")}
    sections[""] += f"\n\nComputed by `losses.{loss.__name__}`."
    if "reduction" in names:
        others = raises.get("ArgumentError")
        raises["ArgumentError"] = f"an unknown reduction; {others}" if others else "an unknown reduction."
        if "Returns" not in own:
            sections["Returns"] += ' A scalar where `reduction` is not "none".'
    sections["Raises"] = _docstring.listed(raises)
    arguments = _docstring.entries(of_loss.get("Args", "")) | _docstring.entries(own.get("Args", ""))
    sections["Args"] = _docstring.listed(arguments)
    return sections | {name: own[name] for name in ("Examples", "Source") if name in own}
