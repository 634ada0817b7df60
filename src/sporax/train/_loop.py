"""The loop over epochs and steps: reads batches, runs steps and calls callbacks."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sporax._errors import NonFiniteLossWarning, ResumeWarning
from sporax.core import wrap
from sporax.train._feed import Feed, Stack, aligned
from sporax.train._interrupt import Interruption
from sporax.train._run_state import RunState
from sporax.train.callback import CallbackList, RunContext, RunParams
from sporax.train.runner import BLOCK_STEPS, StepRunner

_CHECK_EVERY = 100
"""Number of steps between checks of whether the losses are finite; a check waits for the device."""
_CHECKED_BATCHES = 3
"""Number of batches at the beginning whose labels are checked on the host."""


class TrainLoop:
    """One call of `Model.train` or `Model.fit`.

    Args:
        runner: runs the steps.
        feed: the batches.
        valid: the dataset of the validation, or None.
        callbacks: the callbacks to notify.
        params: the parameters that callbacks see.
        check_labels: checks the labels of a batch on the host, after the step is traced.
        after_epoch: called after each epoch and before its epoch_end hooks, with the epoch's number (validation).
    """

    def __init__(
        self,
        runner: StepRunner,
        feed: Feed,
        valid: Any,
        callbacks: CallbackList,
        params: RunParams,
        check_labels: Callable[[Sequence[np.ndarray]], None],
        after_epoch: Callable[[int], None],
    ) -> None:
        self.runner = runner
        self.feed = feed
        self.valid = valid
        self.callbacks = callbacks
        self.params = params
        self.stack: Stack | None = None
        """The current batches; None between epochs."""
        self.context = RunContext(params, RunState(self))
        self._check_labels = check_labels
        self._after_epoch = after_epoch
        self._unchecked_batches = _CHECKED_BATCHES
        self._warned_non_finite = False
        self._unread: list[Any] = []
        self._interruption = Interruption()
        self._stack_begin = 0

    def run(self) -> None:
        """Run the epochs. Afterwards, also after an exception, the network holds the last state.

            train_begin hooks
            for each epoch:
                epoch_begin hooks
                for each step: step_begin hooks, the step, step_end hooks
                validation
                epoch_end hooks
            train_end hooks

        A resumed run restores its state after the train_begin hooks and, within an epoch, again after the epoch_begin
        hooks, which ran before the interruption.

        Raises:
            KeyboardInterrupt: Ctrl-C was pressed; the step at which training stopped is printed.
        """
        params, call, state = self.params, self._call, self.context.run
        try:
            with self._interruption:
                call(self.callbacks.train_begin)
                state.apply()
                self._check_schedule()
                metrics = params.get("metrics")
                for epoch in self._epochs():
                    params.cur_epoch_num = epoch
                    # The results are those of the validation of this epoch.
                    params.eval_results, params.metrics = {}, metrics
                    done = state.steps_of_epoch
                    params.steps_before_epoch = params.cur_step_num - done
                    call(self.callbacks.epoch_begin)
                    if done:
                        state.apply()
                    state.steps_of_epoch = 0
                    if not self._ended:
                        if params.dataset_sink_mode:
                            self._sunk_epoch(epoch, done)
                        else:
                            self._plain_epoch(epoch)
                    self.stack = None
                    self._check_unread_losses()
                    if self._interruption.requested:
                        raise KeyboardInterrupt
                    if self.feed.counts and not self.context.get_stop_requested():
                        params.batch_num = params.cur_step_num - params.steps_before_epoch
                    self._after_epoch(epoch)
                    call(self.callbacks.epoch_end)
                    if self.context.get_stop_requested():
                        break
                call(self.callbacks.train_end)
        except KeyboardInterrupt:
            self.runner.release()
            self.callbacks.flush()
            step, size = params.cur_step_num - (params.get("steps_before_epoch") or 0), params.get("batch_num")
            print(
                f"Training was stopped by the keyboard after epoch {params.cur_epoch_num} step {step}"
                f"{f' of {size}' if size else ''}. The network holds the state of that step."
            )
            raise
        finally:
            self.runner.release()
            self.callbacks.flush()

    def _epochs(self) -> range:
        """Return the epochs to train; none if a stop was requested at the end of the last epoch of the resumed run."""
        params = self.params
        if self.context.get_stop_requested() and not self.context.run.steps_of_epoch:
            return range(0)
        return range(params.initial_epoch + 1, params.epoch_num + 1)

    def _call(self, hooks: Sequence[Callable[[RunContext], None]]) -> None:
        for hook in hooks:
            hook(self.context)

    @property
    def _ended(self) -> bool:
        return self._interruption.requested or self.context.get_stop_requested()

    @property
    def steps_of_stack(self) -> int:
        """Number of batches of `stack` that were used."""
        return self.params.cur_step_num - self._stack_begin

    def _begin_stack(self, stack: Stack) -> None:
        self.stack, self._stack_begin = stack, self.params.cur_step_num
        if self._unchecked_batches:
            self._check_first_batches(stack.arrays)

    def _plain_epoch(self, epoch: int) -> None:
        runner, params, context = self.runner, self.params, self.context
        step_begin, step_end = self.callbacks.step_begin, self.callbacks.step_end
        interruption, report = self._interruption, self._report
        for stack in self.feed.plain(epoch, BLOCK_STEPS):
            self._begin_stack(stack)
            stacked = stack.arrays
            # Without speculation if the number of batches is not known yet.
            speculative = runner.may_speculate(stacked, params.epoch_num * (params.get("batch_num") or 0))
            outputs = runner.speculate(stacked) if speculative else runner.run_each(stacked)
            for _ in range(len(stacked[0])):
                params.cur_step_num = step = params.cur_step_num + 1
                for hook in step_begin:
                    hook(context)
                step_outputs = next(outputs)
                self._unread.append(step_outputs[0])
                report(step_outputs)
                for hook in step_end:
                    hook(context)
                if step % _CHECK_EVERY == 0:
                    self._check_unread_losses()
                if interruption.requested or context.get_stop_requested():
                    return

    def _report(self, outputs: Sequence[Any]) -> None:
        params = self.params
        params.net_outputs = wrap(outputs[0])
        if len(outputs) > 1:
            structured = self.runner.structured(outputs)
            params.loss_terms = structured[1]
            if len(structured) > 2:
                # A custom training Cell returns more than the loss.
                params.net_outputs = structured[2]

    def _sunk_epoch(self, epoch: int, done: int) -> None:
        runner, limit = self.runner, self.callbacks.reads_state_every()
        stacks = self.feed.sunk(epoch, done, runner.prepare)
        if limit:
            stacks = aligned(stacks, self.params.cur_step_num, limit)
        stack = next(stacks, None)
        on_device = None if stack is None else runner.to_device(stack.arrays)
        while stack is not None and on_device is not None:
            rows = len(stack)
            self._begin_stack(stack)
            pending = runner.run_many(on_device)
            # While the device is busy, the next stack is read and transferred. An error there is raised after this
            # stack.
            failure: Exception | None = None
            stack = on_device = None
            try:
                stack = next(stacks, None)
                on_device = None if stack is None else runner.to_device(stack.arrays)
            except Exception as error:
                failure = error
            outputs = [np.asarray(each) for each in pending]
            self._check_finite(self.params.cur_step_num + 1, outputs[0])
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

    def _check_schedule(self) -> None:
        """Warn if epochs were trained before, but the optimizer has done no step."""
        params = self.params
        optimizer = params.get("optimizer")
        if not params.initial_epoch or not getattr(optimizer, "dynamic_lr", False):
            return
        step = getattr(optimizer, "global_step", None)
        if step is None or step.asnumpy().any():
            return
        warnings.warn(
            f"training continues after epoch {params.initial_epoch}, but the optimizer has done no step (global_step "
            "is 0), so its learning rate schedule starts from step 0. Load the optimizer's state too: "
            "load_param_into_net(optimizer, load_checkpoint(...)) of a file that ModelCheckpoint saved, or use "
            f"BackupAndRestore. For weights alone: optimizer.global_step.set_data(Tensor([{params.cur_step_num}], "
            "sporax.int32)).",
            ResumeWarning,
            stacklevel=5,
        )

    def _check_first_batches(self, stacked: Sequence[np.ndarray]) -> None:
        for row in range(min(len(stacked[0]), self._unchecked_batches)):
            batch = [array[row] for array in stacked]
            self._unchecked_batches -= 1
            self.runner.prepare(batch)
            self.context.run.step_is_traced()
            self._check_labels(batch)

    def _check_unread_losses(self) -> None:
        """Check the losses since the last call; waits for the device."""
        unread, self._unread = self._unread, []
        self._check_finite(self.params.cur_step_num - len(unread) + 1, unread)

    def _check_finite(self, first: int, losses: Sequence[Any] | np.ndarray) -> None:
        """Warn if the last of the losses of steps `first`, `first` + 1, ... is not finite; name the first such step.

        Only the last is read, because a read takes as long as a small step, and a loss rarely becomes finite again.
        """
        if self._warned_non_finite or not len(losses) or np.isfinite(np.asarray(losses[-1])):
            return
        self._warned_non_finite = True
        finite = [bool(np.isfinite(np.asarray(loss))) for loss in losses]
        step = first + finite.index(False) - self.params.steps_before_epoch
        warnings.warn(
            f"the loss became NaN or infinite at epoch {self.params.cur_epoch_num} step {step}. The "
            "weights are probably lost from that step on: lower the learning rate, or look for a log or a "
            "division of 0 in the loss. The callback StopOnNonFinite stops training there.",
            NonFiniteLossWarning,
            stacklevel=5,
        )
