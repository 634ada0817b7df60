"""The methods of Cell that register hooks, and its switch for `bprop`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sporax._errors import ArgumentTypeError
from sporax.core._hooks import CellHooks, HookHandle


class HookMethods:
    """The part of Cell that is about hooks and its own gradient."""

    _hooks: CellHooks | None

    def _note_change(self) -> None:
        """Have compiled programs notice that this Cell changed."""
        raise NotImplementedError

    @property
    def bprop_debug(self) -> bool:
        """MindSpore's switch that runs `bprop` in Python, in graph mode too; here it always runs in Python."""
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
        """The functions that are registered as hooks of this Cell, of every kind."""
        hooks = self._hooks
        if hooks is None:
            return ()
        kinds = (hooks.pre, hooks.forward, hooks.backward, hooks.backward_pre)
        return tuple(each.function for kind in kinds for each in kind.values())

    def register_forward_pre_hook(
        self, hook_fn: Callable[..., Any], *, prepend: bool = False, with_kwargs: bool = False
    ) -> HookHandle:
        """Call `hook_fn(cell, args)` before construct; what it returns, if not None, replaces the positional inputs.

        Args:
            hook_fn: the hook.
            prepend: call it before the hooks that are registered already, instead of after them.
            with_kwargs: call `hook_fn(cell, args, kwargs)`, which returns None or `(args, kwargs)`.

        Returns:
            a handle, whose `remove()` takes the hook off.

        Raises:
            ArgumentTypeError: `hook_fn` cannot be called.
        """
        hooks = self._own_hooks()
        return hooks.add(
            hooks.pre, hook_fn, self._note_change, "Cell.register_forward_pre_hook",
            prepend=prepend, with_kwargs=with_kwargs,
        )  # fmt: skip

    def register_forward_hook(
        self,
        hook_fn: Callable[..., Any],
        *,
        prepend: bool = False,
        with_kwargs: bool = False,
        always_call: bool = False,
    ) -> HookHandle:
        """Call `hook_fn(cell, args, output)` after construct; what it returns, if not None, replaces the output.

        Args:
            hook_fn: the hook.
            prepend: call it before the hooks that are registered already, instead of after them.
            with_kwargs: call `hook_fn(cell, args, kwargs, output)`.
            always_call: call it, with the output None, also where construct raised an error.

        Returns:
            a handle, whose `remove()` takes the hook off.

        Raises:
            ArgumentTypeError: `hook_fn` cannot be called.
        """
        hooks = self._own_hooks()
        return hooks.add(
            hooks.forward, hook_fn, self._note_change, "Cell.register_forward_hook",
            prepend=prepend, with_kwargs=with_kwargs, always_call=always_call,
        )  # fmt: skip

    def register_backward_pre_hook(self, hook_fn: Callable[..., Any]) -> HookHandle:
        """Call `hook_fn(cell, grad_output)` in the backward pass, before it goes through construct.

        `grad_output` is a tuple with one gradient for each Tensor that construct returned. What the hook returns, if
        not None, replaces it, and so changes the gradients of the Cell's inputs and Parameters.

        Args:
            hook_fn: the hook.

        Returns:
            a handle, whose `remove()` takes the hook off.

        Raises:
            ArgumentTypeError: `hook_fn` cannot be called.
            CellError: in the backward pass, what the hook returned does not fit `grad_output`.
        """
        hooks = self._own_hooks()
        return hooks.add(hooks.backward_pre, hook_fn, self._note_change, "Cell.register_backward_pre_hook")

    def register_backward_hook(self, hook_fn: Callable[..., Any]) -> HookHandle:
        """Call `hook_fn(cell, grad_input, grad_output)` in the backward pass, after it went through construct.

        `grad_input` is a tuple with one gradient for each Tensor among the positional inputs: None for an integer
        Tensor, and `(None, ...)` where no input is differentiated, as in a first layer. What the hook returns, if not
        None, replaces it. The gradients of the Cell's own Parameters are not changed by this hook.

        Args:
            hook_fn: the hook.

        Returns:
            a handle, whose `remove()` takes the hook off.

        Raises:
            ArgumentTypeError: `hook_fn` cannot be called.
            CellError: in the backward pass, what the hook returned does not fit `grad_input`.
        """
        hooks = self._own_hooks()
        return hooks.add(hooks.backward, hook_fn, self._note_change, "Cell.register_backward_hook")
