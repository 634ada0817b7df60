"""The loop over epochs and steps: datasets in, callbacks called, steps run."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from sporax._errors import NonFiniteLossWarning
from sporax.core import wrap
from sporax.train import _source
from sporax.train._interrupt import Interruption
from sporax.train.callback import CallbackList, RunContext, RunParams
from sporax.train.step import LEAD, StepRunner

_WATCH_EVERY = 100
"""Steps between two looks at whether a loss stopped being finite; a look waits for the device."""
_CHECKED_BATCHES = 3
"""How many first batches have their labels checked on the host."""


class TrainLoop:
    """One call of `Model.train` or `Model.fit`.

    Args:
        runner: runs the steps.
        source: the dataset, as `_source` takes it.
        callbacks: whom to tell.
        params: what callbacks see.
        check_labels: checks the labels of a batch on the host, once the step is traced.
        after_epoch: called after each epoch and before its epoch_end hooks, with the epoch's number (validation).
    """

    def __init__(
        self,
        runner: StepRunner,
        source: Any,
        callbacks: CallbackList,
        params: RunParams,
        check_labels: Callable[[Sequence[np.ndarray]], None],
        after_epoch: Callable[[int], None],
    ) -> None:
        self.runner = runner
        self.source = source
        self.callbacks = callbacks
        self.params = params
        self.context = RunContext(params)
        self._check_labels = check_labels
        self._after_epoch = after_epoch
        self._to_check = _CHECKED_BATCHES
        self._warned = False
        self._unread: list[Any] = []
        self._interruption = Interruption()

    def run(self, *, sink: bool, sink_size: int) -> None:
        """Run the epochs; whatever ends them, the network holds the last state afterwards.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed; a line says where training stopped.
        """
        feed = _source.endless(self.source) if sink and sink_size > 0 else None
        params, call = self.params, self._call
        try:
            with self._interruption:
                call(self.callbacks.train_begin)
                for epoch in range(params.initial_epoch + 1, params.epoch_num + 1):
                    params.cur_epoch_num = epoch
                    call(self.callbacks.epoch_begin)
                    if sink:
                        self._sunk_epoch(feed, sink_size)
                    else:
                        self._plain_epoch()
                    self._watch()
                    if self._interruption.requested:
                        raise KeyboardInterrupt
                    self._after_epoch(epoch)
                    call(self.callbacks.epoch_end)
                    if self.context.get_stop_requested():
                        break
                call(self.callbacks.train_end)
        except KeyboardInterrupt:
            self.runner.release()
            self.callbacks.flush()
            step = (params.cur_step_num - 1) % params.batch_num + 1 if params.cur_step_num else 0
            print(
                f"Training was stopped by the keyboard after epoch {params.cur_epoch_num} step {step} of "
                f"{params.batch_num}. The network holds the state of that step."
            )
            raise
        finally:
            self.runner.release()
            self.callbacks.flush()

    def _call(self, hooks: Sequence[Callable[[RunContext], None]]) -> None:
        for hook in hooks:
            hook(self.context)

    @property
    def _ended(self) -> bool:
        return self._interruption.requested or self.context.get_stop_requested()

    def _plain_epoch(self) -> None:
        runner, params, context = self.runner, self.params, self.context
        step_begin, step_end = self.callbacks.step_begin, self.callbacks.step_end
        interruption, report = self._interruption, self._report
        for stacked in _source.short_stacks(self.source, LEAD):
            if self._to_check:
                self._inspect(stacked)
            remaining = params.epoch_num * params.batch_num - params.cur_step_num
            leads = runner.may_lead(stacked, remaining)
            outputs = runner.ahead(stacked) if leads else runner.each(stacked)
            started = time.perf_counter()
            for _ in range(len(stacked[0])):
                params.cur_step_num = step = params.cur_step_num + 1
                for hook in step_begin:
                    hook(context)
                found = next(outputs)
                self._unread.append(found[0])
                report(found)
                for hook in step_end:
                    hook(context)
                if step % _WATCH_EVERY == 0:
                    self._watch()
                if interruption.requested or context.get_stop_requested():
                    return
            if not leads:
                runner.pace = (time.perf_counter() - started) / len(stacked[0])

    def _report(self, outputs: Sequence[Any]) -> None:
        params = self.params
        params.net_outputs = wrap(outputs[0])
        if len(outputs) > 1:
            structured = self.runner.structured(outputs)
            params.loss_terms = structured[1]
            if len(structured) > 2:
                # A training Cell of the user's returns more than the loss.
                params.net_outputs = structured[2]

    def _sunk_epoch(self, feed: Iterator[Any] | None, sink_size: int) -> None:
        runner = self.runner
        limit = self.callbacks.reads_state_every()
        stacks = iter(self._stacks(feed, sink_size, limit))
        stacked = next(stacks, None)
        placed = None if stacked is None else runner.placed(stacked)
        while stacked is not None and placed is not None:
            rows = len(stacked[0])
            if self._to_check:
                self._inspect(stacked)
            pending = runner.run_many(placed)
            # The device is busy: meanwhile the next stack is read and sent. What goes wrong there waits for its turn.
            failure: Exception | None = None
            stacked = placed = None
            try:
                stacked = next(stacks, None)
                placed = None if stacked is None else runner.placed(stacked)
            except Exception as error:
                failure = error
            outputs = [np.asarray(each) for each in pending]
            self._look(self.params.cur_step_num + 1, outputs[0])
            for row in range(rows):
                self.params.cur_step_num += 1
                # Parameters are those after the whole stack.
                self.params.state_is_current = row == rows - 1
                self._call(self.callbacks.step_begin)
                self._report([each[row] for each in outputs])
                self._call(self.callbacks.step_end)
                if self.context.get_stop_requested():
                    break
            if self._ended:
                return
            if failure is not None:
                raise failure

    def _stacks(self, feed: Iterator[Any] | None, sink_size: int, limit: int | None) -> Iterator[Any]:
        count = self._stack_size()
        if feed is not None:
            stacked = _source.restacked((next(feed) for _ in range(sink_size)), count)
        else:
            # Stacks of nearly one size, so that at most two programs are compiled.
            size = self.params.batch_num
            stacked = _source.stacks(self.source, -(-size // -(-size // count)))
        return _source.aligned(stacked, self.params.cur_step_num, limit) if limit else stacked

    def _stack_size(self) -> int:
        shapes, types = self.source.output_shapes(), self.source.output_types()
        example = [
            np.broadcast_to(np.zeros((), dtype=np.dtype(kind)), tuple(shape))
            for shape, kind in zip(shapes, types, strict=True)
        ]
        return self.runner.prepare(example)

    def _inspect(self, stacked: Sequence[np.ndarray]) -> None:
        for row in range(min(len(stacked[0]), self._to_check)):
            batch = [array[row] for array in stacked]
            self._to_check -= 1
            self.runner.prepare(batch)
            self._check_labels(batch)

    def _watch(self) -> None:
        """Look at the losses since the last time; waits for the device."""
        unread, self._unread = self._unread, []
        self._look(self.params.cur_step_num - len(unread) + 1, unread)

    def _look(self, first: int, losses: Sequence[Any] | np.ndarray) -> None:
        """Look at the last of the losses of steps `first`, `first` + 1, ...; where it is not finite, name the first.

        Only at the last: to read a loss takes as long as a small step, and weights that are lost stay lost.
        """
        if self._warned or not len(losses) or np.isfinite(np.asarray(losses[-1])):
            return
        self._warned = True
        finite = [bool(np.isfinite(np.asarray(loss))) for loss in losses]
        epoch, step = divmod(first + finite.index(False) - 1, self.params.batch_num)
        warnings.warn(
            f"the loss became NaN or infinite at epoch {epoch + 1} step {step + 1}. The "
            "weights are likely lost from there on: lower the learning rate, or look for a log or a division "
            "of 0 in the loss. The callback StopOnNonFinite stops training there.",
            NonFiniteLossWarning,
            stacklevel=5,
        )
