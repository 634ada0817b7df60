"""EarlyStopping: end training when a monitored value stops improving."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax import _check
from sporax._docstring import completed_by
from sporax.core import Parameter
from sporax.train._checkpoint_entries import combined_parameters
from sporax.train.callback._base import RunContext, TrainingCallback, run_parts
from sporax.train.callback._monitored import Monitored

__all__ = ["EarlyStopping"]


@completed_by(Monitored)
class EarlyStopping(TrainingCallback):
    """End training when a monitored value stops improving.

    Args:
        patience: number of epochs without improvement after which training ends; 0 and 1 are equivalent.
        verbose: whether to print a line when training ends.
        baseline: a value that must be exceeded too; other epochs count as epochs without improvement.
        restore_best_weights: whether the state of the best epoch is restored when training ends: the Parameters of
            the network and of the loss, and the optimizer's slots and step.

    Attributes:
        stopped_epoch: the epoch after which training was ended; 0 if it was not.
        best: the best value.

    Examples:
        >>> from sporax.train import RunContext, RunParams
        >>> stop = EarlyStopping("eval_loss", patience=1, verbose=True)
        >>> for epoch, loss in ((1, 0.7), (2, 0.5), (3, 0.6)):
        ...     context = RunContext(RunParams(cur_epoch_num=epoch, eval_results={"loss": loss}))
        ...     stop.on_train_epoch_end(context)
        >>> context.get_stop_requested()
        True
        >>> stop.on_train_end(context)
        Epoch 00003: early stopping

    Source: the class of the same name in MindSpore, which always ends after one epoch with its default
    `patience`.
    """

    def __init__(
        self,
        monitor: str = "eval_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: bool = False,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
    ) -> None:
        super().__init__()
        where = "EarlyStopping"
        self._monitored = Monitored(monitor, mode, min_delta, where)
        self.patience = _check.integer(patience, name="patience", where=where, minimum=0)
        self.verbose = _check.is_type(verbose, bool, name="verbose", where=where)
        self.baseline = None if baseline is None else _check.number(baseline, name="baseline", where=where)
        self.restore_best_weights = _check.is_type(restore_best_weights, bool, name="restore_best_weights", where=where)
        self.wait = 0
        self.stopped_epoch = 0
        self._parameters: dict[str, Parameter] = {}
        self._best_weights: dict[str, np.ndarray] = {}
        self._best_is_last = True

    @property
    def best(self) -> float:
        """The best value so far."""
        return self._monitored.best

    def on_train_begin(self, run_context: RunContext) -> None:
        """Reset the best value and the counters."""
        self._monitored.restart()
        self.wait = self.stopped_epoch = 0
        self._parameters = combined_parameters(run_parts(run_context.original_args()))
        self._best_weights, self._best_is_last = {}, True

    def state_dict(self) -> dict[str, Any]:
        """Return the best value, the counters, and the best state if it is to be restored."""
        return {
            "monitored": self._monitored.state_dict(),
            "wait": self.wait,
            "stopped_epoch": self.stopped_epoch,
            "best_is_last": self._best_is_last,
            "best_weights": self._best_weights,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the result of `state_dict`."""
        self._monitored.load_state_dict(state["monitored"])
        self.wait, self.stopped_epoch = state["wait"], state["stopped_epoch"]
        self._best_is_last, self._best_weights = state["best_is_last"], state["best_weights"]

    def on_train_epoch_end(self, run_context: RunContext) -> None:
        """Compare the monitored value with the best, and end training after `patience` epochs without improvement."""
        params = run_context.original_args()
        value = self._monitored.value(params)
        self._best_is_last = False
        if value is None:
            return
        if self._monitored.better(value, self._monitored.best):
            self._monitored.best = value
            self._keep_weights(params)
            if self.baseline is None or self._monitored.better(value, self.baseline):
                self.wait = 0
                return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = params.cur_epoch_num
            run_context.request_stop()
            self._restore_weights()

    def on_train_end(self, run_context: RunContext) -> None:
        """Restore the best weights if that was not done yet, and print a line if training was ended early."""
        self._restore_weights()
        if self.stopped_epoch and self.verbose:
            print(f"Epoch {self.stopped_epoch:05d}: early stopping")

    def _keep_weights(self, params: Any) -> None:
        if not self.restore_best_weights:
            return
        if not self._parameters:
            self._parameters = combined_parameters(run_parts(params))
        # On the host, since a second copy of the weights may not fit on the device.
        self._best_weights = {name: each.asnumpy() for name, each in self._parameters.items()}
        self._best_is_last = True

    def _restore_weights(self) -> None:
        if self._best_weights and not self._best_is_last:
            if self.verbose:
                print("Restoring model weights from the end of the best epoch.")
            for name, value in self._best_weights.items():
                self._parameters[name].set_data(value)
        self._best_weights = {}
