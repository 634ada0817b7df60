"""The methods of Cell that register hooks, and its flag for `bprop`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sporax._docstring import completed_by
from sporax._errors import ArgumentTypeError
from sporax.core._hooks import CellHooks, HookHandle


class HookMethods:
    """The part of Cell for hooks and `bprop`."""

    _hooks: CellHooks | None

    def _note_change(self) -> None:
        """Record a change of this Cell, so that compiled programs are checked."""
        raise NotImplementedError

    @property
    def bprop_debug(self) -> bool:
        """MindSpore's flag to run `bprop` in Python also in graph mode; in sporax it always runs in Python."""
        return self.__dict__.get("_bprop_debug", False)

    @bprop_debug.setter
    def bprop_debug(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise ArgumentTypeError(
                f"Cell.bprop_debug must be a bool, but got {value!r} of type {type(value).__name__}."
            )
        self.__dict__["_bprop_debug"] = value

    def _own_hooks(self) -> CellHooks:
        hooks = self._hooks
        if hooks is None:
            hooks = self.__dict__["_hooks"] = CellHooks()
        return hooks

    def _hook_functions(self) -> tuple[Callable[..., Any], ...]:
        """Return the functions of all hooks of this Cell."""
        hooks = self._hooks
        if hooks is None:
            return ()
        kinds = (hooks.pre, hooks.forward, hooks.backward, hooks.backward_pre)
        return tuple(each.function for kind in kinds for each in kind.values())

    def register_forward_pre_hook(
        self, hook_fn: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call `hook_fn(cell, args)` before construct. A result other than None replaces the positional inputs.

        Args:
            hook_fn: the hook.
            prepend: whether to call it before the hooks that are already registered, instead of after them.
            with_kwargs: whether to call `hook_fn(cell, args, kwargs)`, which returns None or `(args, kwargs)`.

        Returns:
            A handle whose `remove()` removes the hook.

        Raises:
            ArgumentTypeError: `hook_fn` is not callable.
        """
        hooks = self._own_hooks()
        return hooks.add(
            hooks.pre, hook_fn, self._note_change, "Cell.register_forward_pre_hook",
            prepend=prepend, with_kwargs=with_kwargs,
        )  # fmt: skip

    @completed_by(register_forward_pre_hook)
    def register_forward_hook(
        self,
        hook_fn: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> HookHandle:
        """Call `hook_fn(cell, args, output)` after construct. A result other than None replaces the output.

        Args:
            with_kwargs: whether to call `hook_fn(cell, args, kwargs, output)`.
            always_call: whether to call it, with the output None, also if construct raises an error.
        """
        hooks = self._own_hooks()
        return hooks.add(
            hooks.forward, hook_fn, self._note_change, "Cell.register_forward_hook",
            prepend=prepend, with_kwargs=with_kwargs, always_call=always_call,
        )  # fmt: skip

    @completed_by(register_forward_pre_hook)
    def register_backward_pre_hook(self, hook_fn: Callable[..., Any]) -> HookHandle:
        """Call `hook_fn(cell, grad_output)` in the backward pass, before that of construct.

        `grad_output` is a tuple with one gradient for each Tensor that construct returned. A result other than None
        replaces it, and thereby changes the gradients of the Cell's inputs and Parameters.

        Raises:
            CellError: in the backward pass, the result of the hook does not match `grad_output`.
        """
        hooks = self._own_hooks()
        return hooks.add(hooks.backward_pre, hook_fn, self._note_change, "Cell.register_backward_pre_hook")

    @completed_by(register_forward_pre_hook)
    def register_backward_hook(self, hook_fn: Callable[..., Any]) -> HookHandle:
        """Call `hook_fn(cell, grad_input, grad_output)` in the backward pass, after that of construct.

        `grad_input` is a tuple with one gradient for each Tensor among the positional inputs: None for an integer
        Tensor, and `(None, ...)` if no input is differentiated, as in a first layer. A result other than None replaces
        it. This hook does not change the gradients of the Cell's Parameters.

        Raises:
            CellError: in the backward pass, the result of the hook does not match `grad_input`.
        """
        hooks = self._own_hooks()
        return hooks.add(hooks.backward, hook_fn, self._note_change, "Cell.register_backward_hook")
