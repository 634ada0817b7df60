"""The callbacks of one run, sorted by hook before it starts."""

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
    """The callbacks of one run. A hook's list holds the bound methods of only those callbacks that define it.

    Used as a context manager around the run, it enters and leaves every callback.

    Args:
        callbacks: None, a Callback, or an iterable of them.

    Attributes:
        train_begin, epoch_begin, step_begin, step_end, epoch_end, train_end: hooks of training.
        eval_begin, eval_epoch_begin, eval_step_begin, eval_step_end, eval_epoch_end, eval_end: of evaluation.
        deferred: whether callbacks that read the loss do so one step late, so that the device need not wait.
            True when every callback is one of sporax's own, for then no other printed line can fall in
            between.

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
            # What was put off comes before anything that is said about an epoch, a validation or the whole
            # run.
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
        # What saves a run saves what the others remember; what restores one comes before they look at it.
        ordered = sorted(self._callbacks, key=lambda each: each.saves_run != (moment == "begin"))
        found = (_hook(each, f"on_{kind}_{moment}", moment) for each in ordered)
        return [each for each in found if each is not None]

    def saves_run(self) -> bool:
        """Whether one of them saves the run."""
        return any(each.saves_run for each in self._callbacks)

    def reads_state_every(self) -> int | None:
        """A number of steps n: callbacks look at Parameters only after steps divisible by n. None: never."""
        periods = [each.reads_state_every for each in self._callbacks if each.reads_state_every]
        return math.gcd(*periods) if periods else None

    def flush(self) -> None:
        """Let callbacks that read the loss late read and print what they hold back."""
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
            swallowed = self._stack.__exit__(*error)
        return swallowed

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
    # A subclass, or one that calls the user's functions, may print at any hook.
    return type(callback).__module__.startswith("sporax.") and not getattr(callback, "calls_user_code", False)


def _hook(callback: Callback, name: str, old_name: str) -> Hook | None:
    """The method to call for a hook, or None where the callback defines neither form of it."""
    method = getattr(callback, name)
    function = getattr(method, "__func__", method)
    own = getattr(method, "__self__", callback) is callback
    if own and function is getattr(TrainingCallback, name) and function is not getattr(Callback, name):
        return None
    # The method of another callback is called as it is, whatever class it comes from: it may lead to an older hook.
    if function is not getattr(Callback, name) or not own:
        return method
    older = getattr(callback, old_name)
    return None if getattr(older, "__func__", older) is getattr(Callback, old_name) else older
