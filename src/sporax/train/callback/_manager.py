"""The callbacks of a run, grouped by hook."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

from sporax._errors import ArgumentTypeError
from sporax.train.callback._base import Callback, RunContext, TrainingCallback
from sporax.train.callback._reading import LossReader

Hook = Callable[[RunContext], Any]

_MOMENTS = ("begin", "epoch_begin", "step_begin", "step_end", "epoch_end", "end")


class CallbackList:
    """The callbacks of a run. The list of a hook contains the bound methods of the callbacks that define it.

    As a context manager around the run, it enters and exits all callbacks.

    Args:
        callbacks: None, a Callback, or an iterable of Callbacks.

    Attributes:
        train_begin, epoch_begin, step_begin, step_end, epoch_end, train_end: hooks of training.
        eval_begin, eval_epoch_begin, eval_step_begin, eval_step_end, eval_epoch_end, eval_end: of evaluation.
        deferred: whether callbacks read the loss one step late, so that the device does not wait. True if all
            callbacks belong to sporax, because no other line can then be printed in between.

    Raises:
        ArgumentTypeError: an element is not a Callback.

    Examples:
        >>> from sporax.train import LambdaCallback
        >>> hooks = CallbackList(LambdaCallback(on_train_step_end=lambda run_context: print("a step")))
        >>> len(hooks.step_end), len(hooks.step_begin)
        (1, 0)
        >>> hooks.step_end[0](RunContext({}))
        a step
    """

    def __init__(self, callbacks: Callback | Iterable[Callback] | None = None) -> None:
        self._callbacks = _as_list(callbacks)
        self._stack = ExitStack()
        self._readers = [each for each in self._callbacks if isinstance(each, LossReader)]
        self.deferred = bool(self._readers) and all(map(_prints_in_order, self._callbacks))
        train = {moment: self._hooks("train", moment) for moment in _MOMENTS}
        evaluation = {moment: self._hooks("eval", moment) for moment in _MOMENTS}
        if self.deferred:
            # Deferred lines precede the lines of an epoch, a validation or the whole run.
            for hooks in (train["epoch_end"], train["end"], evaluation["begin"], evaluation["epoch_end"]):
                hooks.insert(0, lambda run_context: self.flush())
        self.train_begin: list[Hook] = train["begin"]
        self.epoch_begin: list[Hook] = train["epoch_begin"]
        self.step_begin: list[Hook] = train["step_begin"]
        self.step_end: list[Hook] = train["step_end"]
        self.epoch_end: list[Hook] = train["epoch_end"]
        self.train_end: list[Hook] = train["end"]
        self.eval_begin: list[Hook] = evaluation["begin"]
        self.eval_epoch_begin: list[Hook] = evaluation["epoch_begin"]
        self.eval_step_begin: list[Hook] = evaluation["step_begin"]
        self.eval_step_end: list[Hook] = evaluation["step_end"]
        self.eval_epoch_end: list[Hook] = evaluation["epoch_end"]
        self.eval_end: list[Hook] = evaluation["end"]

    def _hooks(self, kind: str, moment: str) -> list[Hook]:
        # A callback that saves the run runs after the others, whose states it saves; it restores before the others
        # begin.
        ordered = sorted(self._callbacks, key=lambda each: each.saves_run != (moment == "begin"))
        found = (_hook(each, f"on_{kind}_{moment}", moment) for each in ordered)
        return [each for each in found if each is not None]

    def saves_run(self) -> bool:
        """Whether a callback saves the run."""
        return any(each.saves_run for each in self._callbacks)

    def reads_state_every(self) -> int | None:
        """Return n if callbacks read Parameters only after steps divisible by n; None if they never read them."""
        periods = [each.reads_state_every for each in self._callbacks if each.reads_state_every]
        return math.gcd(*periods) if periods else None

    def flush(self) -> None:
        """Make callbacks read and print deferred losses."""
        for reader in self._readers:
            reader.flush()

    def __enter__(self) -> CallbackList:
        for reader in self._readers:
            reader.deferred = self.deferred
        with ExitStack() as entering:
            for callback in self._callbacks:
                entering.enter_context(callback)
            self._stack = entering.pop_all()
        return self

    def __exit__(self, *error: Any) -> bool | None:
        try:
            self.flush()
        finally:
            for reader in self._readers:
                reader.deferred = False
            suppressed = self._stack.__exit__(*error)
        return suppressed

    def __iter__(self) -> Iterator[Callback]:
        return iter(self._callbacks)

    def __len__(self) -> int:
        return len(self._callbacks)


def _as_list(callbacks: Any) -> list[Callback]:
    if callbacks is None:
        return []
    given = list(callbacks) if isinstance(callbacks, Iterable) else [callbacks]
    for each in given:
        if isinstance(each, Callback):
            continue
        if isinstance(each, type) and issubclass(each, Callback):
            raise ArgumentTypeError(
                f"callbacks: got the class {each.__name__}, but a Callback object was expected. Write "
                f"{each.__name__}()."
            )
        raise ArgumentTypeError(
            f"callbacks: every element must be a Callback, but got {each!r} of type {type(each).__name__}."
        )
    return given


def _prints_in_order(callback: Callback) -> bool:
    # A user's subclass, or a callback that calls user functions, may print in any hook.
    return type(callback).__module__.startswith("sporax.") and not getattr(callback, "calls_user_code", False)


def _hook(callback: Callback, name: str, old_name: str) -> Hook | None:
    """Return the method to call for a hook, or None if the callback defines neither form of it."""
    method = getattr(callback, name)
    function = getattr(method, "__func__", method)
    is_own = getattr(method, "__self__", callback) is callback
    if is_own and function is getattr(TrainingCallback, name) and function is not getattr(Callback, name):
        return None
    # The bound method of another callback is called unchanged, whatever its class: it may call an older hook.
    if function is not getattr(Callback, name) or not is_own:
        return method
    older = getattr(callback, old_name)
    return None if getattr(older, "__func__", older) is getattr(Callback, old_name) else older
