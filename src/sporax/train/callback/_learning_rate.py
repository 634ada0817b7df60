"""LearningRateScheduler and ReduceLROnPlateau: change a constant learning rate during training."""

from __future__ import annotations

import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from sporax import _check
from sporax._docstring import completed_by
from sporax._errors import ArgumentError, ArgumentTypeError, TrainError
from sporax.core import Parameter
from sporax.train.callback._base import RunContext, TrainingCallback
from sporax.train.callback._monitored import Monitored
from sporax.train.callback._reading import shortest

__all__ = ["LearningRateScheduler", "ReduceLROnPlateau"]


def fixed_rates(params: Any, where: str) -> list[Parameter]:
    """Return the Parameters of the optimizer's learning rates, one for each group."""
    holders = (params, params.get("train_network"), params.get("network"))
    optimizer = next((each.optimizer for each in holders if getattr(each, "optimizer", None) is not None), None)
    if optimizer is None:
        raise TrainError(f"{where}: this run has no optimizer whose learning rate could be changed.")
    rate = getattr(optimizer, "learning_rate", None)
    rates = list(rate) if isinstance(rate, tuple) else [rate]
    found = [each for each in rates if isinstance(each, Parameter) and each.size == 1]
    if not found or len(found) < len(rates):
        raise TrainError(
            f"{where}: the learning rate of {type(optimizer).__name__} is not a number that could be "
            f"changed, but {type(rate).__name__}. Use a number as learning_rate, or include the change in the schedule."
        )
    return found


class LearningRateScheduler(TrainingCallback):
    """Set the learning rate after each step.

    Args:
        learning_rate_function: a function of the learning rate (float) and the number of the step (int, from 1)
            that returns the learning rate of the next step. It is called for each parameter group with its own rate.

    Raises:
        ArgumentTypeError, ArgumentError: `learning_rate_function` is not a function, or does not return a number, or
            a negative one.
        TrainError: the optimizer's learning rate is a schedule, not a number.

    Examples:
        >>> from sporax import Parameter, Tensor
        >>> from sporax.train import RunContext, RunParams
        >>> class Optimizer:
        ...     learning_rate = Parameter(Tensor(0.1), name="learning_rate")
        >>> halve = LearningRateScheduler(lambda rate, step: rate / 2 if step == 3 else rate)
        >>> halve.step_end(RunContext(RunParams(optimizer=Optimizer, cur_step_num=3)))
        >>> print(Optimizer.learning_rate.value())
        0.05

    Source: the class of the same name in MindSpore, which supports one rate only.
    """

    calls_user_code = True
    reads_state_every = 1

    def __init__(self, learning_rate_function: Callable[[float, int], float]) -> None:
        super().__init__()
        if not callable(learning_rate_function):
            raise _check.wrong_type(
                learning_rate_function,
                "a function (rate, step) -> rate",
                name="learning_rate_function",
                where="LearningRateScheduler",
            )
        self.learning_rate_function = learning_rate_function

    def step_end(self, run_context: RunContext) -> None:
        """Set the learning rate of the next step."""
        params = run_context.original_args()
        for parameter in fixed_rates(params, "LearningRateScheduler"):
            rate = shortest(parameter.asnumpy().reshape(())[()])
            new = self.learning_rate_function(rate, params.cur_step_num)
            if not isinstance(new, (numbers.Real, np.number)) or isinstance(new, bool):
                raise ArgumentTypeError(
                    "LearningRateScheduler: `learning_rate_function` must return a number, but for step "
                    f"{params.cur_step_num} it returned {new!r} of type {type(new).__name__}."
                )
            if not 0.0 <= float(new) < float("inf"):
                raise ArgumentError(
                    f"LearningRateScheduler: `learning_rate_function` returned {new!r} for step {params.cur_step_num}, "
                    "but a learning rate is a finite number ≥ 0."
                )
            # A write ends the lease of the state, so an unchanged rate is not written.
            if float(new) != rate:
                parameter.set_data(np.full(parameter.shape, float(new), np.float32))


@completed_by(Monitored)
class ReduceLROnPlateau(TrainingCallback):
    """Multiply the learning rate by `factor` when a monitored value stops improving.

    Args:
        factor: the factor, between 0 and 1.
        patience: number of epochs without improvement after which the rate is reduced.
        verbose: whether to print a line when the rate is reduced.
        cooldown: number of epochs after a reduction that are not counted.
        min_lr: the minimum of the rate.

    Raises:
        TrainError: the optimizer's learning rate is a schedule, not a number.

    Examples:
        >>> import numpy as np
        >>> from sporax import Parameter, Tensor
        >>> from sporax.train import RunContext, RunParams
        >>> class Optimizer:
        ...     learning_rate = Parameter(Tensor(0.5), name="learning_rate")
        >>> reduce = ReduceLROnPlateau("loss", factor=0.5, patience=1, verbose=True)
        >>> for epoch in (1, 2):
        ...     params = RunParams(optimizer=Optimizer, cur_epoch_num=epoch, net_outputs=np.float32(3.0))
        ...     reduce.on_train_epoch_end(RunContext(params))
        Epoch 00002: ReduceLROnPlateau reducing learning rate to 0.25.

    Source: the class of the same name in MindSpore, which supports one rate only.
    """

    def __init__(
        self,
        monitor: str = "eval_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: bool = False,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0,
    ) -> None:
        super().__init__()
        where = "ReduceLROnPlateau"
        self._monitored = Monitored(monitor, mode, min_delta, where)
        self.factor = _check.number(
            factor, name="factor", where=where, minimum=0.0, maximum=1.0, open_minimum=True, open_maximum=True
        )
        self.patience = _check.integer(patience, name="patience", where=where, minimum=0)
        self.verbose = _check.is_type(verbose, bool, name="verbose", where=where)
        self.cooldown = _check.integer(cooldown, name="cooldown", where=where, minimum=0)
        self.min_lr = _check.number(min_lr, name="min_lr", where=where, minimum=0.0)
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, run_context: RunContext) -> None:
        """Reset the best value and the counters."""
        self._monitored.restart()
        self.wait = self.cooldown_counter = 0

    def state_dict(self) -> dict[str, Any]:
        """Return the best value and the counters."""
        return {
            "monitored": self._monitored.state_dict(),
            "wait": self.wait,
            "cooldown_counter": self.cooldown_counter,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the result of `state_dict`."""
        self._monitored.load_state_dict(state["monitored"])
        self.wait, self.cooldown_counter = state["wait"], state["cooldown_counter"]

    def on_train_epoch_end(self, run_context: RunContext) -> None:
        """Reduce the rate after `patience` epochs without an improvement of the monitored value."""
        params = run_context.original_args()
        value = self._monitored.value(params)
        if value is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._monitored.better(value, self._monitored.best):
            self._monitored.best = value
            self.wait = 0
        elif self.cooldown_counter == 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(params)

    def _reduce(self, params: Any) -> None:
        new_rates = []
        for parameter in fixed_rates(params, "ReduceLROnPlateau"):
            # In the rate's own dtype, as MindSpore, so that the same digits are printed.
            rate = parameter.asnumpy()
            minimum = rate.dtype.type(self.min_lr)
            if (rate > minimum).all():
                new = np.maximum(rate * rate.dtype.type(self.factor), minimum)
                parameter.set_data(new)
                new_rates.append(str(new.reshape(())[()]))
        if new_rates:
            self.cooldown_counter = self.cooldown
            self.wait = 0
            if self.verbose:
                print(
                    f"Epoch {params.cur_epoch_num:05d}: ReduceLROnPlateau reducing learning rate to "
                    f"{', '.join(new_rates)}."
                )
