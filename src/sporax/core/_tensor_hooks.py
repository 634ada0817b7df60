"""`Tensor.register_hook`: functions that see, and may change, the gradient of one Tensor.

A Tensor that is being traced becomes the output of a gradient node. One that is not (a leaf) is differentiated only
where it is an input of `grad` or `value_and_grad`, which ask for its hooks here, as they do for a Parameter.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable
from typing import Any

import jax

from sporax._errors import ArgumentTypeError, CellError
from sporax._jax_compat import is_tracer
from sporax.core import _frames
from sporax.core._gradient_node import gradient_node, is_floating
from sporax.core._recording import Link, link_of, set_link
from sporax.core._saved import holding, read_by, traced
from sporax.core._slices import set_without_base

Hook = Callable[[Any], Any]

_COUNTER = itertools.count()


class _Entry:
    """The hooks of one Tensor, in the order of registration."""

    __slots__ = ("__weakref__", "hooks", "plain", "saved", "tensor", "value")

    def __init__(self, tensor: Any) -> None:
        self.hooks: dict[int, Hook] = {}
        self.tensor = weakref.ref(tensor)
        self.plain: Any = None
        """The traced array before the hooks, or the link of a recorded Tensor."""
        self.value: Any = None
        """The traced array after the hooks, or the link of a recorded Tensor."""
        self.saved: tuple[Any, ...] = ()
        """The Tensors that the hooks read."""


HOOKED: weakref.WeakSet[_Entry] = weakref.WeakSet()
"""The hooks of all Tensors that have hooks. Each entry is owned by its Tensor and is deleted with it."""


class TensorHookHandle:
    """The handle that `Tensor.register_hook` returns; `remove()` removes the hook."""

    def __init__(self, hooks: dict[int, Hook], hook: Hook) -> None:
        self._hooks = hooks
        self.handle_id = next(_COUNTER)
        hooks[self.handle_id] = hook
        _note_change()

    def remove(self) -> None:
        """Remove the hook; a second call does nothing."""
        if self._hooks.pop(self.handle_id, None) is not None:
            _note_change()


def _note_change() -> None:
    if not _frames.tracing():
        _frames.REVISION.count += 1


def check_hook(hook: Any, where: str) -> None:
    """Raise an error if `hook` is not callable."""
    if not callable(hook):
        raise ArgumentTypeError(
            f"{where}: the hook must be a function, but got {hook!r} of type {type(hook).__name__}."
        )


def register(tensor: Any, hook: Hook, kind: type, wrap: Callable[[Any], Any]) -> TensorHookHandle:
    """Add a hook to a Tensor that is not a Parameter; `kind` is the class `Tensor`, `wrap` makes one from an array."""
    check_hook(hook, "Tensor.register_hook")
    entry = getattr(tensor, "_hooks", None)
    if entry is None:
        entry = tensor._hooks = _Entry(tensor)
        HOOKED.add(entry)
    link = link_of(tensor)
    value = link or tensor._value
    if link is None and (not is_tracer(value) or not is_floating(value)):
        return TensorHookHandle(entry.hooks, hook)
    if entry.value is not value:
        # Otherwise the earlier hooks are part of this hook's node, so that they are called in order.
        entry.hooks, entry.plain, entry.saved = ({} if entry.value is not None else entry.hooks), value, ()
    handle = TensorHookHandle(entry.hooks, hook)
    if link is not None:
        _record(entry, tensor, link, wrap)
    else:
        _apply(entry, tensor, hook, kind, wrap)
    return handle


def _record(entry: _Entry, tensor: Any, link: Link, wrap: Callable[[Any], Any]) -> None:
    """Let the Tensor be the output of a node of its tape with the hooks registered so far."""
    hooks, keys = entry.hooks, tuple(entry.hooks)

    def backward(_: Any, __: Any, gradients: Any, ___: Any) -> Any:
        return (run(tuple(hooks[key] for key in keys if key in hooks), gradients[0], wrap),), ()

    entry.value = link.tape.node_after(entry.plain, backward)
    set_link(tensor, entry.value)
    base = getattr(tensor, "_base", None)
    if base is not None:
        # The hook of a slice does not apply to other uses of the base Tensor.
        tensor._base = (*base[:2], base[0]._array)


def _apply(entry: _Entry, tensor: Any, hook: Hook, kind: type, wrap: Callable[[Any], Any]) -> None:
    """Replace the Tensor's array by the output of a gradient node with the hooks registered so far."""
    hooks, keys = entry.hooks, tuple(entry.hooks)
    others = (each for each in traced(read_by(hook), kind) if each is not tensor)
    saved = entry.saved = tuple({id(each): each for each in (*entry.saved, *others)}.values())
    reference = entry.tensor

    def backward(outputs: Any, inputs: Any, gradients: Any, needed: Any) -> Any:
        hooked = reference()
        tensors, arrays = (saved, inputs) if hooked is None else ((hooked, *saved), (outputs[0], *inputs))
        with holding(tensors, arrays):
            gradient = run(tuple(hooks[key] for key in keys if key in hooks), gradients[0], wrap)
        return (gradient,), tuple(None for _ in inputs)

    (entry.value,) = gradient_node((entry.plain,), tuple(each._value for each in saved), backward)
    # The hook of a slice does not apply to other uses of the base Tensor.
    set_without_base(tensor, entry.value)


def hooks_of(tensor: Any) -> tuple[Hook, ...]:
    """Return the hooks of a Tensor that is not a Parameter."""
    entry = getattr(tensor, "_hooks", None)
    return tuple(entry.hooks.values()) if entry is not None else ()


def run(hooks: tuple[Hook, ...], gradient: Any, wrap: Callable[[Any], Any]) -> Any:
    """Return the array `gradient` after the hooks; a result of a hook replaces it unless it is None."""
    for hook in hooks:
        changed = hook(wrap(gradient))
        if changed is not None:
            gradient = replaced(changed, gradient, "Tensor.register_hook", hook)
    return gradient


def replaced(changed: Any, gradient: Any, where: str, hook: Any) -> Any:
    """Return the array of `changed`, cast to the dtype of the gradient that it replaces; the shapes must be equal."""
    # `jax.Array._value` is something else: the values as a NumPy array.
    array = changed if isinstance(changed, jax.Array) else getattr(changed, "_value", changed)
    name = getattr(hook, "__qualname__", type(hook).__name__)
    wanted = f"must return a Tensor of the gradient's shape {gradient.shape}"
    # Where a hook may return None, it is not passed to this function.
    wanted += ", or the gradient itself to keep it" if changed is None else ", or None to keep it"
    if not hasattr(array, "shape") or not hasattr(array, "dtype"):
        raise CellError(f"{where}: the hook {name} {wanted}, but got {changed!r} of type {type(changed).__name__}.")
    if array.shape != gradient.shape:
        raise CellError(f"{where}: the hook {name} {wanted}, but got shape {array.shape}.")
    return array if array.dtype == gradient.dtype else array.astype(gradient.dtype)
