"""Classes whose constructor is declared by annotated fields.

    class ELU(Activation, function=ops.elu):
        alpha: Number = 1.0

The fields, in order, are the arguments of the constructor. Their annotations state types and checks (`sporax._schema`).
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Collection, Mapping
from dataclasses import KW_ONLY
from typing import Any, ClassVar, TypeVar, dataclass_transform

from sporax._schema import Check, check_of, static_type
from sporax._signature import define

ANY_ORDER = inspect.Parameter.POSITIONAL_OR_KEYWORD
SELF = inspect.Parameter("self", ANY_ORDER)

Fields = Mapping[str, inspect.Parameter]
Class = TypeVar("Class", bound=type)


@dataclass_transform()
def declared(cls: Class) -> Class:
    """Decorate a class to define its constructor from its annotated fields; the base class takes no arguments."""
    declare(cls, cls.__base__.__init__)
    return cls


def declare(cls: type, start: Callable[..., None], passed: Collection[str] = ()) -> Fields:
    """Define the constructor of a class from its annotated fields.

    The constructor calls `start` with the fields in `passed`, checks the others and sets them as attributes, and calls
    `self._finish()` if the class has this method.

    Args:
        cls: the class. Defaults are removed from its attributes, because instances have the values.
        start: the constructor of the base class.
        passed: the names of fields that `start` takes.

    Returns:
        The fields by name, as parameters of the constructor.
    """
    fields, checks = fields_of(cls)
    body = [f"_start({', '.join(['self', *(name for name in fields if name in passed)])})"]
    for name in fields:
        if name not in passed:
            checked = f"_check_{name}({name}, name={name!r}, where=type(self).__name__)"
            body.append(f"self.{name} = {checked if name in checks else name}")
    if hasattr(cls, "_finish"):
        body.append("self._finish()")
    set_constructor(cls, fields, checks, body, start)
    return fields


def fields_of(cls: type) -> tuple[dict[str, inspect.Parameter], dict[str, Check]]:
    """Return the declared fields of a class as parameters, and their checks; their defaults leave the class."""
    fields: dict[str, inspect.Parameter] = {}
    checks: dict[str, Check] = {}
    kind = ANY_ORDER
    for name, annotation in inspect.get_annotations(cls, eval_str=True).items():
        if typing.get_origin(annotation) is ClassVar:
            continue
        if annotation is KW_ONLY:
            kind = inspect.Parameter.KEYWORD_ONLY
            continue
        default = cls.__dict__.get(name, inspect.Parameter.empty)
        if name in cls.__dict__:
            delattr(cls, name)
        fields[name] = inspect.Parameter(name, kind, default=default, annotation=static_type(annotation))
        check = check_of(annotation)
        if check is not None:
            checks[name] = check
    return fields, checks


def set_constructor(
    cls: Any, fields: Fields, checks: Mapping[str, Check], body: list[str], start: Callable[..., None]
) -> None:
    """Set the `__init__` of a class: the lines of `body`, which may call `_start` and `_check_<field>`."""
    scope = {"_start": start, **{f"_check_{name}": check for name, check in checks.items()}}
    parameters = [SELF, *fields.values()]
    cls.__init__ = define("__init__", parameters, "\n".join(body), scope, module=cls.__module__, doc="")
