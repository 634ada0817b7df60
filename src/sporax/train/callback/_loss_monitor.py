"""LossMonitor: print the loss."""

from __future__ import annotations

from typing import Any

from sporax import _check
from sporax.train.callback._base import RunContext
from sporax.train.callback._reading import LossReader, in_short, scalar_loss, terms_text

__all__ = ["LossMonitor"]


class LossMonitor(LossReader):
    """Print the loss during training, and the metrics after each validation of `Model.fit`.

    If the loss returns a dict of terms, they follow on the line. If all callbacks of the run belong to sporax, the line
    of a step is printed while the next step runs: the lines and their order are the same.

    Args:
        per_print_times: print after every n steps; 0 for never.

    Raises:
        ArgumentTypeError, ArgumentError: `per_print_times` is not an int, or is negative.

    Examples:
        >>> from sporax import Tensor
        >>> from sporax.train import RunContext, RunParams
        >>> params = RunParams(cur_epoch_num=2, cur_step_num=13, batch_num=10, net_outputs=Tensor(8.328788))
        >>> LossMonitor().step_end(RunContext(params))
        epoch: 2 step: 3, loss is 8.328788

    Source: the class of the same name in MindSpore; 2.10 prints a float32 loss with the digits of a float64.
    """

    def __init__(self, per_print_times: int = 1) -> None:
        super().__init__()
        self._per_print_times = _check.integer(per_print_times, name="per_print_times", where="LossMonitor", minimum=0)
        self._last_print = 0
        self._training = False

    def on_train_begin(self, run_context: RunContext) -> None:
        """Start counting steps."""
        params = run_context.original_args()
        self._training = True
        self._last_print = params.get("cur_step_num") or 0
        self._deferred_step = None
        self.begin(run_context)

    def state_dict(self) -> dict[str, Any]:
        """Return the last printed step, after printing deferred lines."""
        self.flush()
        return {"last_print": self._last_print}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the result of `state_dict`."""
        self._last_print = state["last_print"]

    def step_end(self, run_context: RunContext) -> None:
        """Print the loss after every `per_print_times` steps."""
        params = run_context.original_args()
        step = params.cur_step_num
        if self._per_print_times and step - self._last_print >= self._per_print_times:
            self._last_print = step
            self.read_loss(run_context, params)

    def loss_read(self, outputs: Any, terms: dict[str, Any], epoch: int, step: int, run_context: RunContext) -> None:
        """Print the line."""
        # `!s`, because a NumPy number formats itself with the digits of a Python float.
        more = terms_text(terms) if terms else ""
        print(f"epoch: {epoch} step: {step}, loss is {scalar_loss(outputs)!s}{more}", flush=True)

    def on_train_epoch_end(self, run_context: RunContext) -> None:
        """Print the metrics if this epoch was followed by a validation."""
        self.flush()
        params = run_context.original_args()
        results = params.get("eval_results")
        if results:
            shown = {name: in_short(value) for name, value in results.items()}
            print(f"Eval result: epoch {params.cur_epoch_num}, metrics: {shown}", flush=True)
        self.epoch_end(run_context)

    def on_train_end(self, run_context: RunContext) -> None:
        """Print deferred lines."""
        self.flush()
        self._training = False
        self.end(run_context)

    def on_eval_begin(self, run_context: RunContext) -> None:
        """Start counting the steps of an evaluation."""
        if not self._training:
            self._last_print = 0

    def on_eval_step_end(self, run_context: RunContext) -> None:
        """Print the loss in `Model.eval`; a validation inside `Model.fit` prints none."""
        if not self._training:
            self.step_end(run_context)

    def on_eval_end(self, run_context: RunContext) -> None:
        """Print deferred lines."""
        self.flush()

    def __exit__(self, *err: Any) -> None:
        self._training = False
