"""A training loop without steps: it calls the hooks in the order of `Model.train` and `Model.fit`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sporax.core import Tensor
from sporax.train.callback import CallbackList, RunContext, RunParams


class FakeRun:
    """Epochs of `batch_num` steps with given losses; by default they start at 0.5 and decrease by 0.1 per step.

    Args:
        callbacks: the callbacks, as for `Model.train`.
        losses: the values of `net_outputs`, repeated cyclically.
        batch_num: number of steps in an epoch.
        results: eval_results of each epoch; if given, there is a validation of two steps.
        before_step: called with the params before the step_end hooks, to simulate the update.
        params: additional entries of RunParams.
    """

    def __init__(
        self,
        callbacks: Any,
        losses: Sequence[Any] = (),
        *,
        batch_num: int = 2,
        results: Sequence[dict[str, Any]] = (),
        before_step: Callable[[RunParams], None] | None = None,
        **params: Any,
    ) -> None:
        self.losses = list(losses) or [Tensor(np.float32(0.5) - np.float32(0.1) * i) for i in range(4)]
        self.results = list(results)
        self.before_step = before_step
        self.params = RunParams(
            mode="train",
            batch_num=batch_num,
            cur_epoch_num=0,
            cur_step_num=0,
            initial_epoch=0,
            eval_results={},
        )
        self.params.update(params)
        self.context = RunContext(self.params)
        self.callbacks = callbacks

    def train(self, epochs: int, stop_after: int | None = None) -> RunParams:
        """Run to the end of epoch number `epochs`; raise KeyboardInterrupt after step `stop_after`."""
        params, context = self.params, self.context
        params.epoch_num = epochs
        with CallbackList(self.callbacks) as hooks:
            _call(hooks.train_begin, context)
            for epoch in range(params.initial_epoch + 1, epochs + 1):
                params.cur_epoch_num = epoch
                params.eval_results = {}
                _call(hooks.epoch_begin, context)
                for _ in range(params.batch_num):
                    params.cur_step_num += 1
                    _call(hooks.step_begin, context)
                    params.net_outputs = self.losses[(params.cur_step_num - 1) % len(self.losses)]
                    if self.before_step is not None:
                        self.before_step(params)
                    _call(hooks.step_end, context)
                    if stop_after == params.cur_step_num:
                        raise KeyboardInterrupt
                    if context.get_stop_requested():
                        break
                if self.results:
                    params.eval_results = self._validate(hooks, self.results[(epoch - 1) % len(self.results)])
                _call(hooks.epoch_end, context)
                if context.get_stop_requested():
                    break
            _call(hooks.train_end, context)
        return params

    def _validate(self, hooks: CallbackList, results: dict[str, Any]) -> dict[str, Any]:
        if results:
            self.evaluate(hooks, mode="eval", cur_epoch_num=self.params.cur_epoch_num)
        return results

    @staticmethod
    def evaluate(hooks: CallbackList, **params: Any) -> None:
        """Run an evaluation of two steps."""
        shown = RunParams({"batch_num": 2, "cur_epoch_num": 1, "cur_step_num": 0} | params)
        context = RunContext(shown)
        _call(hooks.eval_begin, context)
        _call(hooks.eval_epoch_begin, context)
        for loss in (2.5, 1.5):
            shown.cur_step_num += 1
            _call(hooks.eval_step_begin, context)
            shown.net_outputs = (Tensor(loss), Tensor([[1.0]]))
            _call(hooks.eval_step_end, context)
        _call(hooks.eval_epoch_end, context)
        _call(hooks.eval_end, context)


def _call(hooks: Sequence[Callable[[RunContext], Any]], context: RunContext) -> None:
    for hook in hooks:
        hook(context)
