"""StopOnNonFinite: end the run when the loss is NaN or infinite."""

from __future__ import annotations

import math
from typing import Any

from sporax.train.callback._base import RunContext
from sporax.train.callback._reading import LossReader, scalar_loss

__all__ = ["StopOnNonFinite"]


class StopOnNonFinite(LossReader):
    """End training at the first step whose loss is NaN or infinite, and print its number.

    The loss of a step is read while the next one runs, so one more step may have been done.

    Attributes:
        stopped_epoch, stopped_step: the epoch and step at which the loss was not finite; 0 if it was always finite.

    Examples:
        >>> import numpy as np
        >>> from sporax.train import RunContext, RunParams
        >>> params = RunParams(cur_epoch_num=2, cur_step_num=13, batch_num=10, net_outputs=np.float32("nan"))
        >>> context = RunContext(params)
        >>> StopOnNonFinite().on_train_step_end(context)
        epoch: 2 step: 3, loss is nan: training stops here.
        >>> context.get_stop_requested()
        True

    Source: sporax; in MindSpore, LossMonitor raises a ValueError instead.
    """

    stopped_epoch = 0
    stopped_step = 0

    def on_train_begin(self, run_context: RunContext) -> None:
        """Reset the attributes."""
        self.stopped_epoch = self.stopped_step = 0
        self._deferred_step = None

    def state_dict(self) -> dict[str, Any]:
        """Return the attributes, after reading deferred losses."""
        self.flush()
        return {"stopped_epoch": self.stopped_epoch, "stopped_step": self.stopped_step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the result of `state_dict`."""
        self.stopped_epoch, self.stopped_step = state["stopped_epoch"], state["stopped_step"]

    def on_train_step_end(self, run_context: RunContext) -> None:
        """Check the loss."""
        if not self.stopped_epoch:
            self.read_loss(run_context, run_context.original_args())

    def loss_read(self, outputs: Any, terms: dict[str, Any], epoch: int, step: int, run_context: RunContext) -> None:
        """End the run if the loss is not finite."""
        loss = scalar_loss(outputs)
        if math.isfinite(loss) or self.stopped_epoch:
            return
        self.stopped_epoch, self.stopped_step = epoch, step
        print(f"epoch: {epoch} step: {step}, loss is {loss!s}: training stops here.", flush=True)
        run_context.request_stop()
