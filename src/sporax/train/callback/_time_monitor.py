"""TimeMonitor: print the time of an epoch and of a step."""

from __future__ import annotations

import time
from typing import Any

from sporax import _check
from sporax.train.callback._base import Callback, RunContext

__all__ = ["TimeMonitor"]


class TimeMonitor(Callback):
    """Print the time of each epoch and the mean time of its steps, in milliseconds.

    The time of a validation in `Model.fit` is printed separately, and not counted as training.

    Args:
        data_size: the number of steps by which the time is divided. Default: the steps of the epoch.
        data_time: whether to measure also the time for which the steps waited for data.

    Raises:
        ArgumentTypeError, ArgumentError: an argument is of the wrong type, or `data_size` is below 1.

    Examples:
        >>> from sporax.train import RunContext, RunParams
        >>> monitor, context = TimeMonitor(), RunContext(RunParams(batch_num=4, mode="train"))
        >>> monitor.on_train_epoch_begin(context)
        >>> monitor.on_train_epoch_end(context)  # doctest: +ELLIPSIS
        Train epoch time: ... ms, per step time: ... ms

    Source: the class of the same name in MindSpore, which reports the time of the validation as the
    training time after it.
    """

    def __init__(self, data_size: int | None = None, data_time: bool = False) -> None:
        super().__init__()
        if data_size is not None:
            _check.integer(data_size, name="data_size", where="TimeMonitor", minimum=1)
        self.data_size = data_size
        self.data_time = _check.is_type(data_time, bool, name="data_time", where="TimeMonitor")
        self._begun = self._eval_begun = self._validating = 0.0
        self._waited = self._since = 0.0
        if data_time:
            # The hooks exist only if they are needed, because a hook costs time in each step.
            self.on_train_step_begin = self._data_received
            self.on_train_step_end = self._step_ended

    def _data_received(self, run_context: RunContext) -> None:
        self._waited += time.perf_counter() - self._since

    def _step_ended(self, run_context: RunContext) -> None:
        self._since = time.perf_counter()

    def epoch_begin(self, run_context: RunContext) -> None:
        """Start timing."""
        self._validating = self._waited = 0.0
        self._begun = self._since = time.perf_counter()

    def epoch_end(self, run_context: RunContext) -> None:
        """Print the times."""
        seconds = time.perf_counter() - self._begun - self._validating
        waited = f" (data time: {self._waited * 1e3:.3f} ms)" if self.data_time else ""
        self._print("Train", seconds, run_context, waited)

    def on_eval_epoch_begin(self, run_context: RunContext) -> None:
        """Start timing an evaluation."""
        self._eval_begun = time.perf_counter()

    def on_eval_epoch_end(self, run_context: RunContext) -> None:
        """Print the times of an evaluation."""
        seconds = time.perf_counter() - self._eval_begun
        self._validating += seconds
        self._print("Eval", seconds, run_context)

    def _print(self, kind: str, seconds: float, run_context: RunContext, more: str = "") -> None:
        params: Any = run_context.original_args()
        steps = self.data_size or params.get("batch_num") or params.get("cur_step_num") or 1
        print(
            f"{kind} epoch time: {seconds * 1e3:5.3f} ms, per step time: {seconds * 1e3 / steps:5.3f} ms{more}",
            flush=True,
        )
