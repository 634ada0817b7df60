"""The Tensors that a function takes from its closure and its globals: constants of the programs made of it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from types import FunctionType, MethodType
from typing import Any

from sporax.core import note_captured, tracing

__all__ = ["note_captured_by"]


def _captured(function: Any) -> Iterator[Any]:
    if isinstance(function, MethodType):
        function = function.__func__
    if not isinstance(function, FunctionType):
        return
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:
            continue
    for name in function.__code__.co_names:
        if name in function.__globals__:
            yield function.__globals__[name]


def note_captured_by(function: Any) -> None:
    """Tell the trace of the Tensors that `function` captures; a Cell tells of its own when it is called."""
    note_captured(_captured(function))


def noting(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function`, which tells of the Tensors that it captures where it is traced."""
    if not isinstance(function, (FunctionType, MethodType)):
        return function

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if tracing():
            note_captured_by(function)
        return function(*args, **kwargs)

    return call
