"""Functions with a computed signature: real Python functions, as quick and as clear in errors as hand-written ones."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Mapping, Sequence
from types import CodeType
from typing import Any


@functools.cache
def _compiled(source: str) -> CodeType:
    """Functions that differ only in the objects that their scope holds share one compilation."""
    return compile(source, "<sporax>", "exec")


def define(
    name: str, parameters: Sequence[inspect.Parameter], body: str, scope: Mapping[str, Any], *, module: str, doc: str
) -> Any:
    """Define a function.

    Args:
        name: its name.
        parameters: its parameters, in order; annotations are text, as under `from __future__ import annotations`.
        body: its body, one statement per line.
        scope: the names that the body uses. Defaults of parameters are added as `_default_<parameter>`.
        module: the `__module__` that it shows.
        doc: its docstring.

    Returns:
        The function, whose `inspect.signature` shows the parameters and their defaults.
    """
    scope = dict(scope)
    parts, seen_keyword_only = [], False
    for each in parameters:
        text = each.name
        if each.default is not each.empty:
            scope[f"_default_{each.name}"] = each.default
            text += f"=_default_{each.name}"
        if each.kind is each.VAR_POSITIONAL:
            text, seen_keyword_only = f"*{text}", True
        elif each.kind is each.VAR_KEYWORD:
            text = f"**{text}"
        elif each.kind is each.KEYWORD_ONLY and not seen_keyword_only:
            parts.append("*")
            seen_keyword_only = True
        parts.append(text)
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    exec(_compiled(f"def _defined({', '.join(parts)}):\n{lines}\n"), scope)
    function = scope.pop("_defined")
    function.__code__ = function.__code__.replace(co_name=name, co_filename=f"<sporax {module}.{name}>")
    function.__name__ = function.__qualname__ = name
    function.__module__ = module
    function.__doc__ = doc
    function.__annotations__ = {each.name: each.annotation for each in parameters if each.annotation is not each.empty}
    return function
