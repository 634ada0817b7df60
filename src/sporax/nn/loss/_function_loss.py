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
import itertools
from collections.abc import Mapping
from typing import Any, ClassVar, dataclass_transform

import numpy as np

from sporax import _docstring, losses
from sporax._declared import ANY_ORDER, SELF, declare
from sporax._errors import ArgumentTypeError
from sporax._signature import define
from sporax.core import unwrap
from sporax.losses import InputSpec
from sporax.nn.loss._base import RegisteredLoss
from sporax.nn.loss._labels import are_indices

_REDUCTION_TEXT = "{names}. Default: {default}."
_REDUCED = 'Tensor of shape (); for the reduction "none", '


@dataclass_transform()
class FunctionLoss(RegisteredLoss):
    """Base class of the losses that are a function of `sporax.losses` with a reduction.

    A subclass with the keyword `function` is a declaration. Its annotated fields are the arguments of its constructor.
    A method `_finish` may check or convert fields together; a `construct` in the class replaces the generated one, and
    calls `self._arguments()` for the hyper-parameters. Entries in the section Args of a base class document the fields
    of its subclasses.

    Args:
        function: the function, or several, of which `loss_info` selects one; the first one documents the class.
        distributions: the function for labels that are not class indices, where it is another one.
        inputs: the names of the array inputs in MindSpore, where they differ from the function's, separated by commas.
        optional: hyper-parameters of the function that are given at the call, such as a mask, separated by commas.
    """

    _functions: ClassVar[tuple[Any, ...]]
    _distributions: ClassVar[Any]
    _settings: ClassVar[Mapping[Any, tuple[str, ...]]]
    """The fields that are hyper-parameters of each function."""
    _owned: ClassVar[tuple[str, ...]] = ()
    """The array inputs of the function that are attributes of the Cell."""

    def __init_subclass__(
        cls, *, function: Any = None, distributions: Any = None, inputs: str = "", optional: str = "", **options: Any
    ) -> None:
        super().__init_subclass__(**options)
        if function is None:
            return
        cls._functions = function if isinstance(function, tuple) else (function,)
        cls._distributions = staticmethod(distributions)
        fields = declare(cls, RegisteredLoss.__init__, ("reduction",))
        cls._settings = {
            each: tuple(name for name in fields if name in inspect.signature(each).parameters and name != "reduction")
            for each in (*cls._functions, *filter(None, (distributions,)))
        }
        specs = [each for each in cls._functions[0].spec.inputs if each.name not in cls._owned]
        given = dict(zip(inputs.split(", ") if inputs else [each.name for each in specs], specs, strict=False))
        if "construct" not in cls.__dict__:
            cls.construct = _construct(cls, given, optional)  # pyright: ignore[reportAttributeAccessIssue]
        cls.__doc__ = _document(cls, fields, given)

    def loss_info(self, *labels: np.ndarray) -> losses.LossInfo:
        """Return the registry's entry of the function; see `RegisteredLoss.loss_info`."""
        function, *others = self._functions
        if others:
            return super().loss_info(*labels)
        if self._distributions is not None and labels and not are_indices(labels[0]):
            function = self._distributions
        return losses.get(function.spec.name)

    def _arguments(self, function: Any = None) -> dict[str, Any]:
        """Return the hyper-parameters of a function, the first one by default, by name."""
        return {name: unwrap(getattr(self, name)) for name in self._settings[function or self._functions[0]]}


def _construct(cls: type[FunctionLoss], inputs: Mapping[str, InputSpec], optional: str) -> Any:
    """Return the `construct` of a declared loss: the function of the inputs, with the fields by name."""
    named = optional.split(", ") if optional else []
    parameters = [SELF, *(inspect.Parameter(name, ANY_ORDER, annotation="Tensor") for name in inputs)]
    parameters += [inspect.Parameter(name, ANY_ORDER, default=None, annotation="Tensor | None") for name in named]
    names = {spec.name: name for name, spec in inputs.items()}
    arrays = [names.get(spec.name, f"self.{spec.name}") for spec in cls._functions[0].spec.inputs]
    scope = {"_function": cls._functions[0], "_unwrap": unwrap}
    choice = "function = _function"
    if len(cls._functions) > 1:
        choice = "function = self.loss_info().function"
    elif cls._distributions is not None:
        label = next(name for name, spec in inputs.items() if spec.role == "label")
        choice = f"function = _function if _are_indices({label}) else _distributions"
        scope |= {"_distributions": cls._distributions, "_are_indices": are_indices}
    given = ", ".join([*arrays, *(f"{name}=_unwrap({name})" for name in named)])
    body = f"{choice}\nreturn self.evaluate(function, {given}, **self._arguments(function))"
    return define("construct", parameters, body, scope, module=cls.__module__, doc="The loss of its inputs.")


def _document(cls: type[FunctionLoss], fields: Mapping[str, inspect.Parameter], inputs: Mapping[str, InputSpec]) -> str:
    """Return the docstring of the class, completed with those of the function and of the base classes."""
    function = cls._functions[0]
    own, of_function = _docstring.split(cls.__doc__), _docstring.split(function.__wrapped__.__doc__)
    summary, *paragraphs = own[""].split("\n\n")
    if ":math:" not in summary and ".. math::" not in own[""]:
        formula = [part for part in of_function[""].split("\n\n") if part.startswith(".. math::")]
        own[""] = "\n\n".join([summary, *formula, *paragraphs])
    said = _docstring.entries(of_function.get("Args", ""))
    arguments = {name: said[name] for name in fields if name in said}
    if "reduction" in fields:
        names = ", ".join(f'"{each}"' for each in cls.reductions)
        arguments["reduction"] = _REDUCTION_TEXT.format(names=names, default=f'"{fields["reduction"].default}"')
    for base in itertools.takewhile(lambda base: base is not FunctionLoss, cls.__mro__[1:]):
        arguments |= _docstring.entries(_docstring.split(base.__doc__).get("Args", ""))
    arguments |= _docstring.entries(own.get("Args", ""))
    undocumented = [name for name in fields if name not in arguments]
    if undocumented:
        raise ArgumentTypeError(
            f"{cls.__name__}: neither its docstring nor that of {function.__name__} documents {undocumented}. Add an "
            "entry to the section Args of the class."
        )
    of_inputs = {
        name: next((text for key, text in said.items() if spec.name in key.split(", ")), "Tensor.")
        for name, spec in inputs.items()
    }
    parameters = itertools.islice(inspect.signature(cls.construct).parameters, 1, None)
    of_inputs |= {name: said[name] for name in parameters if name in said and name not in inputs}
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
