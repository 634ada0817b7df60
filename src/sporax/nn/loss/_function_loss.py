"""FunctionLoss: a loss of `sporax.losses` as a Cell, declared by annotated fields.

    class HuberLoss(FunctionLoss, function=losses.huber_loss):
        \"""Huber loss.\"""

        reduction: str = "mean"
        delta: Positive = 1.0

The fields, in order, are the arguments of the constructor. Their annotations state types and checks (`sporax._schema`).
`construct` takes the array inputs of the function, and the docstring is completed with the sections of the function's.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, dataclass_transform

import numpy as np

from sporax import _docstring, losses
from sporax._declared import ANY_ORDER, SELF, declare
from sporax._errors import ArgumentTypeError
from sporax._signature import define
from sporax.core import unwrap
from sporax.nn.loss._base import RegisteredLoss

_REDUCTION_TEXT = "{names}. Default: {default}."
_REDUCED = 'Tensor of shape (); for the reduction "none", '


@dataclass_transform()
class FunctionLoss(RegisteredLoss):
    """Base class of the losses that are a function of `sporax.losses` with a reduction.

    A subclass with the keyword `function` is a declaration. Its annotated fields are the arguments of its constructor.
    A method `_finish` may check or convert fields together; a `construct` in the class replaces the generated one, and
    calls `self._arguments()` for the hyper-parameters.

    Args:
        function: the function, or several, of which `loss_info` selects one; the first one documents the class.
        inputs: the names of the array inputs in MindSpore, where they differ from the function's, separated by commas.
        optional: hyper-parameters of the function that are given at the call, such as a mask, separated by commas.
    """

    _function: ClassVar[Any]
    _settings: ClassVar[tuple[str, ...]]
    """The fields that are hyper-parameters of the function."""
    _several: ClassVar[bool]

    def __init_subclass__(cls, *, function: Any = None, inputs: str = "", optional: str = "", **options: Any) -> None:
        super().__init_subclass__(**options)
        if function is None:
            return
        functions = function if isinstance(function, tuple) else (function,)
        cls._function = staticmethod(functions[0])
        cls._several = len(functions) > 1
        fields = declare(cls, RegisteredLoss.__init__, ("reduction",))
        arguments = inspect.signature(functions[0]).parameters
        cls._settings = tuple(name for name in fields if name in arguments and name != "reduction")
        given = tuple(inputs.split(", ")) if inputs else tuple(each.name for each in functions[0].spec.inputs)
        named = tuple(filter(None, optional.split(", ")))
        if "construct" not in cls.__dict__:
            cls.construct = _construct(cls, given, named)  # pyright: ignore[reportAttributeAccessIssue]
        cls.__doc__ = _document(cls, functions[0], fields, given)

    def loss_info(self, *labels: np.ndarray) -> losses.LossInfo:
        """The registry's entry of the function; see `RegisteredLoss.loss_info`."""
        return super().loss_info(*labels) if self._several else losses.get(self._function.spec.name)

    def _arguments(self) -> dict[str, Any]:
        """The hyper-parameters of the function, by name."""
        return {name: unwrap(getattr(self, name)) for name in self._settings}


def _construct(cls: type[FunctionLoss], inputs: tuple[str, ...], optional: tuple[str, ...]) -> Any:
    """The `construct` of a declared loss: the function of the inputs, with the fields by name."""
    parameters = [SELF, *(inspect.Parameter(name, ANY_ORDER, annotation="Tensor") for name in inputs)]
    parameters += [inspect.Parameter(name, ANY_ORDER, default=None, annotation="Tensor | None") for name in optional]
    function = "self.loss_info().function" if cls._several else "_function"
    named = "".join(f", {name}=_unwrap({name})" for name in optional)
    body = f"return self.evaluate({function}, {', '.join(inputs)}{named}, **self._arguments())"
    scope = {"_function": cls.__dict__["_function"].__func__, "_unwrap": unwrap}
    return define("construct", parameters, body, scope, module=cls.__module__, doc="The loss of its inputs.")


def _document(cls: type, function: Any, fields: Mapping[str, inspect.Parameter], inputs: tuple[str, ...]) -> str:
    """The docstring of the class, completed with the function's."""
    own, of_function = _docstring.split(cls.__doc__), _docstring.split(function.__wrapped__.__doc__)
    summary, *paragraphs = own[""].split("\n\n")
    if ":math:" not in summary and ".. math::" not in own[""]:
        formula = [part for part in of_function[""].split("\n\n") if part.startswith(".. math::")]
        own[""] = "\n\n".join([summary, *formula, *paragraphs])
    said = _docstring.entries(of_function.get("Args", ""))
    arguments = {name: said[name] for name in fields if name in said}
    if "reduction" in fields:
        names = ", ".join(f'"{each}"' for each in cls.reductions)  # pyright: ignore[reportAttributeAccessIssue]
        arguments["reduction"] = _REDUCTION_TEXT.format(names=names, default=f'"{fields["reduction"].default}"')
    arguments |= _docstring.entries(own.get("Args", ""))
    undocumented = [name for name in fields if name not in arguments]
    if undocumented:
        raise ArgumentTypeError(
            f"{cls.__name__}: neither its docstring nor that of {function.__name__} documents {undocumented}. Add an "
            "entry to the section Args of the class."
        )
    of_inputs = {}
    for name, spec in zip(inputs, function.spec.inputs, strict=False):
        of_inputs[name] = next((text for key, text in said.items() if spec.name in key.split(", ")), "Tensor.")
    of_inputs |= {name: said[name] for name in _optional(cls, inputs) if name in said}
    of_inputs |= _docstring.entries(own.get("Inputs", ""))
    own["Args"] = _docstring.listed({name: arguments[name] for name in fields})
    own["Inputs"] = _docstring.listed(of_inputs)
    if "Returns" not in own:
        returns = " ".join(of_function.get("Returns", "").split())
        own["Returns"] = _REDUCED + returns[:1].lower() + returns[1:] if "reduction" in fields else returns
    if "Raises" not in own:
        raises = _docstring.entries(of_function.get("Raises", ""))
        if "reduction" in fields:
            others = raises.pop("ArgumentError", "")
            raises = {
                "ArgumentError": f"an unknown reduction; {others}" if others else "an unknown reduction."
            } | raises
        own["Raises"] = _docstring.listed(raises)
    own.setdefault("Source", of_function.get("Source", ""))
    return _docstring.join(own)


def _optional(cls: type, inputs: tuple[str, ...]) -> list[str]:
    parameters = list(inspect.signature(cls.construct).parameters)  # pyright: ignore[reportAttributeAccessIssue]
    return [name for name in parameters[1:] if name not in inputs]
