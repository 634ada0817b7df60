"""Hooks of a Cell: functions that are called before and after construct, and with its gradients."""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from sporax._errors import CellError, SporaxWarning, warn_user
from sporax._jax_compat import is_tracer
from sporax.core import _frames
from sporax.core._bprop import call_with_bprop, is_array
from sporax.core._gradient_node import is_floating
from sporax.core._order import ordered, restored
from sporax.core._recording import link_of
from sporax.core._tensor_hooks import check_hook
from sporax.core._tensor_node import tensor_node
from sporax.core.tensor import Tensor, unwrap, wrap

_COUNTER = itertools.count()


class _Hook(NamedTuple):
    function: Callable[..., Any]
    with_kwargs: bool = False
    always_call: bool = False


Hooks = OrderedDict[int, _Hook]


class HookHandle:
    """The handle that `register_*_hook` returns; `remove()` removes the hook."""

    def __init__(self, hooks: Hooks, hook: _Hook, changed: Callable[[], None], *, prepend: bool = False) -> None:
        self._hooks = hooks
        self._changed = changed
        self.handle_id = next(_COUNTER)
        hooks[self.handle_id] = hook
        if prepend:
            hooks.move_to_end(self.handle_id, last=False)
        changed()

    def remove(self) -> None:
        """Remove the hook; a second call does nothing."""
        if self._hooks.pop(self.handle_id, None) is not None:
            self._changed()


class CellHooks:
    """The hooks of a Cell, each kind in calling order.

    `has_bprop` states whether an attribute of the Cell is its `bprop`; None if the class decides.
    """

    __slots__ = ("backward", "backward_pre", "forward", "has_bprop", "pre")

    def __init__(self) -> None:
        self.has_bprop: bool | None = None
        self.pre: Hooks = OrderedDict()
        self.forward: Hooks = OrderedDict()
        self.backward: Hooks = OrderedDict()
        self.backward_pre: Hooks = OrderedDict()

    def add(
        self,
        hooks: Hooks,
        function: Callable[..., Any],
        changed: Callable[[], None],
        where: str,
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> HookHandle:
        """Register a hook. `changed` is called immediately, and when the hook is removed."""
        check_hook(function, where)
        return HookHandle(hooks, _Hook(function, with_kwargs, always_call), changed, prepend=prepend)

    def call(self, cell: Any, construct: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call construct with all hooks."""
        called: set[int] = set()
        try:
            args, kwargs = self._before(cell, args, kwargs)
            if self.backward or self.backward_pre:
                output = _with_backward_hooks(self, cell, construct, args, kwargs)
            else:
                output = self.compute(cell, construct, args, kwargs)
            for key, hook in tuple(self.forward.items()):
                called.add(key)
                given = (args, kwargs) if hook.with_kwargs else (args,)
                changed = hook.function(cell, *given, output)
                if changed is not None:
                    output = changed
            return output
        except Exception:
            self._call_after_error(cell, args, kwargs, called)
            raise

    def compute(self, cell: Any, construct: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call construct, with `bprop` as its gradient if it is defined."""
        if cell._class_has_bprop if self.has_bprop is None else self.has_bprop:
            return call_with_bprop(cell, construct, args, kwargs)
        return construct(*args, **kwargs)

    def _before(
        self, cell: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        for hook in tuple(self.pre.values()):
            if hook.with_kwargs:
                changed = hook.function(cell, args, kwargs)
                if changed is None:
                    continue
                if not (isinstance(changed, tuple) and len(changed) == 2 and isinstance(changed[1], dict)):
                    raise CellError(
                        f"{type(cell).__name__}: a forward pre-hook with `with_kwargs` must return None or "
                        f"(args, kwargs), but got {changed!r}."
                    )
                args, kwargs = changed
                args = args if isinstance(args, tuple) else (args,)
            else:
                changed = hook.function(cell, args)
                if changed is not None:
                    args = changed if isinstance(changed, tuple) else (changed,)
        return args, kwargs

    def _call_after_error(self, cell: Any, args: tuple[Any, ...], kwargs: dict[str, Any], called: set[int]) -> None:
        for key, hook in tuple(self.forward.items()):
            if not hook.always_call or key in called:
                continue
            try:
                hook.function(cell, *((args, kwargs) if hook.with_kwargs else (args,)), None)
            except Exception as error:
                warn_user(
                    f"{type(cell).__name__}: a forward hook with `always_call` raised {error!r} while another error "
                    "was being handled; the other error is raised.",
                    SporaxWarning,
                )


def _with_backward_hooks(
    hooks: CellHooks, cell: Any, construct: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Call construct between two gradient nodes, one on the inputs and one on the outputs.

    In the backward pass the node on the outputs runs first and passes the gradient of the outputs to the node on the
    inputs through a shared list. Under vmap the nodes are batched separately, so the gradient is passed as that of
    additional zeros with the shapes of the outputs.
    """
    positions = [i for i, arg in enumerate(args) if isinstance(arg, Tensor)]
    tensors = tuple(args[i] for i in positions)
    differentiated = _frames.STATE.tape is not None or _frames.tracing()
    if not differentiated and not any(is_tracer(leaf) for leaf in jax.tree.leaves((args, kwargs))):
        return hooks.compute(cell, construct, args, kwargs)
    shared: list[tuple[Any, ...]] = []
    slots = _slots(hooks, cell, construct, args, kwargs)

    def on_inputs(outputs: Any, _: Any, gradients: Any, __: Any) -> Any:
        by_input, by_slot = gradients[: len(tensors)], gradients[len(tensors) :]
        grad_output = by_slot if slots is not None else (shared.pop() if shared else ())
        changed = _run_backward(hooks, cell, tuple(map(_shown, by_input, outputs)), tuple(map(wrap, grad_output)))
        return (*changed, *(None for _ in by_slot)), ()

    passed = tensor_node((*tensors, *(slots or ())), (), on_inputs)
    before = [each._array for each in passed]
    inner = list(args)
    for i, tensor in zip(positions, passed, strict=False):
        inner[i] = tensor
    output = hooks.compute(cell, construct, tuple(inner), kwargs)
    for i, array in zip(positions, before, strict=False):
        if inner[i] is not args[i] and inner[i]._array is not array:
            # construct wrote to its input, which belongs to the caller.
            args[i]._rebind(inner[i] if link_of(inner[i]) is not None else inner[i]._value)
    leaves, structure = jax.tree.flatten(ordered(output), is_leaf=lambda leaf: isinstance(leaf, Tensor))
    found = [i for i, leaf in enumerate(leaves) if isinstance(leaf, Tensor) or is_array(leaf)]

    def on_outputs(outputs: Any, inputs: Any, gradients: Any, needed: Any) -> Any:
        grad_output = _run_backward_pre(hooks, cell, tuple(map(wrap, gradients)))
        if slots is None:
            shared[:] = [grad_output]
        if not any(needed[: len(tensors)]):
            # The inputs are not differentiated, so the node on the inputs does not run.
            _run_backward(hooks, cell, tuple(None for _ in tensors) or (None,), tuple(map(wrap, grad_output)))
        by_output = tuple(g if is_floating(out) else None for g, out in zip(grad_output, outputs, strict=True))
        by_slot = grad_output if slots is not None else ()
        return by_output, (*(None for _ in tensors), *(g if is_floating(g) else None for g in by_slot))

    outputs = tuple(leaves[i] if isinstance(leaves[i], Tensor) else wrap(leaves[i]) for i in found)
    seen = tensor_node(outputs, (*tensors, *passed[len(tensors) :]), on_outputs)
    for i, tensor in zip(found, seen, strict=True):
        leaves[i] = tensor if isinstance(leaves[i], Tensor) else tensor._value
    return restored(jax.tree.unflatten(structure, leaves))


def _slots(
    hooks: CellHooks, cell: Any, construct: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Tensor, ...] | None:
    """Return, under vmap, zeros of the shapes of the outputs, batched over all lanes; otherwise None."""
    lanes = _frames.lanes()
    if not lanes:
        return None

    def outputs() -> list[Any]:
        with _frames.entered(_frames.Frame(discovers=False)):
            leaves = jax.tree.leaves(ordered(hooks.compute(cell, construct, args, kwargs)))
        return [leaf for leaf in leaves if is_array(leaf)]

    batched = jnp.zeros((), jnp.int32)
    for lane in lanes:
        batched = batched + jax.lax.axis_index(lane) * 0
    return tuple(
        wrap(jnp.zeros(each.shape, each.dtype) + batched.astype(each.dtype)) for each in jax.eval_shape(outputs)
    )


def _shown(gradient: Any, value: Any) -> Tensor | None:
    return wrap(gradient) if is_floating(value) else None


def _run_backward_pre(hooks: CellHooks, cell: Any, grad_output: tuple[Tensor, ...]) -> tuple[Any, ...]:
    for hook in tuple(hooks.backward_pre.values()):
        changed = hook.function(cell, grad_output)
        if changed is not None:
            grad_output = _checked(cell, "backward pre-hook", "grad_output", changed, grad_output)
    return tuple(each._value for each in grad_output)


def _run_backward(
    hooks: CellHooks, cell: Any, grad_input: tuple[Tensor | None, ...], grad_output: tuple[Tensor, ...]
) -> tuple[Any, ...]:
    for hook in tuple(hooks.backward.values()):
        changed = hook.function(cell, grad_input, grad_output)
        if changed is not None:
            grad_input = _checked(cell, "backward hook", "grad_input", changed, grad_input)
    return tuple(unwrap(each) for each in grad_input)


def _checked(cell: Any, kind: str, name: str, changed: Any, before: tuple[Any, ...]) -> tuple[Any, ...]:
    changed = tuple(changed) if isinstance(changed, (tuple, list)) else (changed,)
    where = f"{type(cell).__name__}: a {kind} must return None or the new `{name}`"
    if len(changed) != len(before):
        raise CellError(f"{where}, a tuple of {len(before)}, but got {len(changed)}.")
    result: list[Any] = []
    for i, (new, old) in enumerate(zip(changed, before, strict=True)):
        if old is None:
            result.append(None)
            continue
        array = unwrap(new)
        if not is_array(array) or array.shape != old.shape or array.dtype != old._value.dtype:
            got = f"shape {array.shape} and dtype {array.dtype.name}" if is_array(array) else repr(new)
            raise CellError(
                f"{where}; element {i} must be a Tensor of shape {old.shape} and dtype {old._value.dtype.name}, but "
                f"got {got}."
            )
        result.append(wrap(array))
    return tuple(result)
