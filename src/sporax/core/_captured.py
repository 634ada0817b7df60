"""Tensors that a trace captures: constants of the program, which must be traced again when one is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sporax._jax_compat import is_tracer
from sporax.core import _frames
from sporax.core.tensor import Tensor


def note_captured(values: Iterable[Any]) -> None:
    """Record a guard for the array of each Tensor among `values`, or in lists, tuples and dicts among them."""
    if not any(frame.discovers for frame in _frames.STATE.stack):
        return
    for value in values:
        each = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else (value,)
        for tensor in each:
            if type(tensor) is Tensor and not is_tracer(tensor._value):
                _frames.note_guard(tensor, "_identity", tensor._identity)
