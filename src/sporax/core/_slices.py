"""Slices of Tensors: a write to a slice also writes to its base, the Tensor from which it was taken.

`tensor._base` holds the base and the index; for a slice with hooks also the base's array at that time.
"""

from __future__ import annotations

from typing import Any

from sporax._jax_compat import x64_scope
from sporax.core import _frames


def write(tensor: Any, value: Any) -> None:
    """Replace the array of a Tensor, and write it to the base of the Tensor if there is one."""
    base = getattr(tensor, "_base", None)
    if base is not None:
        owner, index = base[:2]
        if value.shape != tensor.shape:
            del tensor._base
        else:
            owner[index] = value
            if len(base) == 3:
                tensor._base = (owner, index, owner._array)
    _frames.rebind(tensor, value)


def follow(tensor: Any) -> None:
    """Update a slice from its base, before a part of it is written."""
    base = getattr(tensor, "_base", None)
    if base is None:
        return
    owner, index = base[:2]
    owner._follow()
    if len(base) == 3:
        if base[2] is owner._array:
            # Slicing again would lose the hooks.
            return
        tensor._base = (owner, index)
    if _frames.STATE.recording is not None:
        _frames.STATE.recording.rebind(tensor, owner[index])
        return
    _frames.note_rebinding(tensor)
    with x64_scope(True), _frames.computing_in(None):
        tensor._value = owner._value[index]


def set_without_base(tensor: Any, value: Any) -> None:
    """Replace the array of a Tensor by one of the same values, without a write to the base."""
    _frames.note_rebinding(tensor)
    tensor._value = value
    base = getattr(tensor, "_base", None)
    if base is not None:
        tensor._base = (*base[:2], base[0]._value)
