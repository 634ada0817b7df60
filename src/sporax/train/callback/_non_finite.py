"""StopOnNonFinite: end the run when the loss is NaN or infinite."""

from __future__ import annotations

import math
from typing import Any

from sporax.train.callback._base import RunContext
from sporax.train.callback._reading import LossReader, scalar_loss

__all__ = ["StopOnNonFinite"]


class StopOnNonFinite(LossReader):
    """Ends training at the first step whose loss is NaN or infinite, and says at which.

    The loss of a step is read while the next one runs, so that one more step may have been done.

    Attributes:
        stopped_epoch, stopped_step: where the loss was not finite; 0 if it always was.

    Examples:
        >>> import numpy as np
        >>> from sporax.train import RunContext, RunParams
        >>> params = RunParams(cur_epoch_num=2, cur_step_num=13, batch_num=10, net_outputs=np.float32("nan"))
        >>> context = RunContext(params)
        >>> StopOnNonFinite().on_train_step_end(context)
        epoch: 2 step: 3, loss is nan: training stops here.
        >>> context.get_stop_requested()
        True

    Source: sporax; in MindSpore LossMonitor raises a ValueError then.
    """

    stopped_epoch = 0
    stopped_step = 0

    def on_train_begin(self, run_context: RunContext) -> None:
        """Begin with nothing found."""
        self.stopped_epoch = self.stopped_step = 0
        self._held = None

    def state_dict(self) -> dict[str, Any]:
        """Where the loss was not finite; what is held back is read first."""
        self.flush()
        return {"stopped_epoch": self.stopped_epoch, "stopped_step": self.stopped_step}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` returned."""
        self.stopped_epoch, self.stopped_step = state["stopped_epoch"], state["stopped_step"]

    def on_train_step_end(self, run_context: RunContext) -> None:
        """Look at the loss."""
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
