"""How functions ran: recorded, traced or compiled, and why; for `sporax doctor --modes`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import CodeType
from typing import Any

from sporax.core import Cell


class Use:
    """The calls of one function or Cell class by a transform.

    Args:
        function: its name.
        file, line: where it is defined.
    """

    def __init__(self, function: str, file: str, line: int) -> None:
        self.function = function
        self.file = file
        self.line = line
        self.recorded = 0
        """The number of derivatives that were recorded."""
        self.traced = 0
        """The number of derivatives that were traced."""
        self.programs = 0
        """The number of programs that `jit` compiled."""
        self.reason: str | None = None
        """Why it is traced, or not compiled."""
        self.at: tuple[str, int] | None = None
        """The file and line that is the reason."""


USES: dict[Any, Use] = {}
"""The functions by `identity_of`, in the order of their first use."""


def identity_of(function: Any) -> Any:
    """Return what identifies a function for its mode: its code, or the class of a Cell."""
    while isinstance(function, functools.partial):
        function = function.func
    function = getattr(function, "__func__", function)
    if isinstance(function, Cell):
        return type(function)
    return getattr(function, "__code__", type(function))


def use_of(function: Callable[..., Any]) -> Use:
    """Return the entry of a function in `USES`."""
    identity = identity_of(function)
    use = USES.get(identity)
    if use is None:
        code = identity if isinstance(identity, CodeType) else getattr(_method(identity), "__code__", None)
        file, line = (code.co_filename, code.co_firstlineno) if code is not None else ("<built-in>", 0)
        name = getattr(function, "__qualname__", None) or getattr(identity, "__qualname__", repr(function))
        use = USES[identity] = Use(name, file, line)
    return use


def _method(kind: Any) -> Any:
    """Return the method of a class that defines what it computes."""
    return kind.construct if issubclass(kind, Cell) else kind.__dict__.get("__call__")
