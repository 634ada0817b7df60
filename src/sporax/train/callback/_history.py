"""History: record the loss and the metrics of each epoch."""

from __future__ import annotations

from typing import Any

from sporax._errors import TrainError
from sporax.train.callback._base import RunContext, TrainingCallback
from sporax.train.callback._reading import scalar_loss, shortest, terms_of

__all__ = ["History"]


class History(TrainingCallback):
    """Record the last loss of each epoch and the metrics of its validation.

    Attributes:
        epoch: `{"epoch": [1, 2, ...]}`.
        history: a list of values by name: `net_output` is the loss of the epoch's last step, `net_output.<term>`
            each term of a loss that returned a dict, and the others are the metrics of `Model.fit`.

    Examples:
        >>> from sporax import Tensor
        >>> from sporax.train import RunContext, RunParams
        >>> history = History()
        >>> params = RunParams(cur_epoch_num=1, net_outputs=Tensor(0.12103324), eval_results={"mae": 0.5})
        >>> history.begin(RunContext(params))
        >>> history.epoch_end(RunContext(params))
        >>> history.epoch, history.history
        ({'epoch': [1]}, {'net_output': [0.12103324], 'mae': [0.5]})

    Source: the class of the same name in MindSpore, which keeps the lists of an earlier run but not its
    epochs.
    """

    def __init__(self) -> None:
        super().__init__()
        self.epoch: dict[str, list[int]] = {"epoch": []}
        self.history: dict[str, list[Any]] = {}

    def begin(self, run_context: RunContext) -> None:
        """Clear the lists."""
        self.epoch = {"epoch": []}
        self.history = {}

    def state_dict(self) -> dict[str, Any]:
        """Return the lists."""
        return {"epoch": self.epoch, "history": self.history}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the result of `state_dict`."""
        self.epoch, self.history = state["epoch"], state["history"]

    def epoch_end(self, run_context: RunContext) -> None:
        """Append the loss and the metrics."""
        params = run_context.original_args()
        self.epoch["epoch"].append(params.get("cur_epoch_num", 1))
        try:
            loss = shortest(scalar_loss(params.get("net_outputs")))
        except TrainError:
            # A network without a loss: its output is recorded unchanged.
            loss = params.get("net_outputs")
        self._append("net_output", loss)
        for name, value in terms_of(params).items():
            if name != "loss":
                self._append(f"net_output.{name}", shortest(scalar_loss(value)))
        for name, value in (params.get("eval_results") or {}).items():
            self._append(name, value)

    def _append(self, name: str, value: Any) -> None:
        self.history.setdefault(name, []).append(value)
