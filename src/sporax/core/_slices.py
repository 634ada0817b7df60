"""Slices of Tensors: a write to one goes to the Tensor that it is a slice of.

`tensor._base` holds that Tensor and the index; of a slice with hooks also the array that it was taken of.
"""

from __future__ import annotations

from typing import Any

from sporax._jax_compat import x64_scope
from sporax.core import _frames


def write(tensor: Any, value: Any) -> None:
    """Let a Tensor hold another array, and write it to the Tensor that this is a slice of."""
    base = getattr(tensor, "_base", None)
    if base is not None:
        owner, index = base[:2]
        if value.shape != tensor._value.shape:
            del tensor._base
        else:
            owner[index] = value
            if len(base) == 3:
                tensor._base = (owner, index, owner._value)
    _frames.rebind(tensor, value)


def follow(tensor: Any) -> None:
    """Before a part of a slice is written: what was written to the whole Tensor since the slice was taken."""
    base = getattr(tensor, "_base", None)
    if base is None:
        return
    owner, index = base[:2]
    owner._follow()
    if len(base) == 3:
        if base[2] is owner._value:
            # Taking the slice again would lose its hooks.
            return
        tensor._base = (owner, index)
    _frames.note_rebinding(tensor)
    with x64_scope(True), _frames.computing_in(None):
        tensor._value = owner._value[index]


def keep_to_itself(tensor: Any, value: Any) -> None:
    """Let a Tensor hold another array of the same values, not the Tensor that it is a slice of."""
    _frames.note_rebinding(tensor)
    tensor._value = value
    base = getattr(tensor, "_base", None)
    if base is not None:
        tensor._base = (*base[:2], base[0]._value)
