"""The metaclass of Cell, which records changes of class attributes."""

from __future__ import annotations

from abc import ABCMeta
from typing import TYPE_CHECKING, Any

from sporax.core import _frames

MISSING = object()
_OF_ABC = ("__abstractmethods__", "_abc_impl")
"""Attributes that ABCMeta sets when it creates a class."""


class _CellMeta(ABCMeta):
    """The class of Cell and its subclasses.

    Compiled programs contain class attributes as constants. A change of one is therefore a new revision of the class
    and of its subclasses, as a change of an attribute of a Cell is one of the Cell. It is derived from ABCMeta, so that
    a Cell can be an abstract base class.
    """

    # A Cell is an instance of its bases only. ABCMeta would also ask every subclass for virtual subclasses.
    __instancecheck__ = type.__instancecheck__
    __subclasscheck__ = type.__subclasscheck__

    def __init__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], **options: Any) -> None:
        super().__init__(name, bases, namespace, **options)
        _set_revision(cls, 0)

    def __setattr__(cls, name: str, value: Any) -> None:
        before = cls.__dict__.get(name, MISSING)
        super().__setattr__(name, value)
        if not same_value(before, value) and name not in _OF_ABC:
            _note_change(cls)

    def __delattr__(cls, name: str) -> None:
        super().__delattr__(name)
        _note_change(cls)


if TYPE_CHECKING:
    # Pyright would take the `__dict__` of a Cell to be that of a class.
    CellMeta = type
else:
    CellMeta = _CellMeta


def _note_change(kind: type) -> None:
    # As for a Cell, an assignment by construct in a trace is not a change.
    if not _frames.STATE.stack:
        _frames.REVISION.count += 1
        _set_revision(kind, _frames.REVISION.count)


def _set_revision(kind: type, revision: int) -> None:
    type.__setattr__(kind, "_class_revision", revision)
    type.__setattr__(kind, "_class_has_bprop", hasattr(kind, "bprop"))
    for each in type.__subclasses__(kind):
        _set_revision(each, revision)


def same_value(old: Any, new: Any) -> bool:
    """Return whether two values are identical or equal plain values of one type (0.0 and -0.0 differ)."""
    if old is new:
        return True
    kind = type(old)
    if kind is not type(new) or kind not in (bool, int, float, str, bytes, tuple):
        return False
    if kind is tuple:
        return len(old) == len(new) and all(map(same_value, old, new))
    return repr(old) == repr(new) if kind is float else old == new
