"""Schedules for learning rates given as a list, a number or a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax._jax_compat import x64_scope
from sporax.core import Cell, Parameter, Tensor, to_array, wrap
from sporax.nn.optim.learning_rate_schedule import LearningRateSchedule


class TableLearningRate(LearningRateSchedule):
    """Schedule with one rate for each step, held by the Parameter `name`; after the end the last rate is used."""

    def __init__(self, rates: np.ndarray, name: str) -> None:
        super().__init__(auto_prefix=False)
        self.learning_rate = Parameter(rates, name=name)

    def construct(self, global_step: Any) -> Tensor:
        with x64_scope(True):
            return wrap(jnp.take(self.learning_rate._value, to_array(global_step), mode="clip"))


class FixedLearningRate(LearningRateSchedule):
    """Schedule with a constant rate, for a group among groups whose rates depend on the step."""

    def __init__(self, learning_rate: Parameter) -> None:
        super().__init__(auto_prefix=False)
        self.learning_rate = learning_rate

    def construct(self, global_step: Any) -> Tensor:
        return wrap(self.learning_rate._value)


class FunctionLearningRate(LearningRateSchedule):
    """Schedule that calls a function of the step (a JAX integer scalar), such as a schedule of optax."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        super().__init__(auto_prefix=False)
        self.function = function

    def construct(self, global_step: Any) -> Tensor:
        step = to_array(global_step)
        with x64_scope(False):
            return wrap(to_array(self.function(step.reshape(()))))


class LearningRates(Cell):
    """Container of one schedule for each Parameter, for groups with their own rates; a schedule may be repeated."""

    def __init__(self, schedules: Sequence[LearningRateSchedule]) -> None:
        super().__init__(auto_prefix=False)
        self._schedules = tuple(schedules)
        for index, schedule in enumerate(schedules):
            self._cells[str(index)] = schedule

    def __getitem__(self, index: int) -> LearningRateSchedule:
        return self._schedules[index]

    def __len__(self) -> int:
        return len(self._schedules)

    def __iter__(self) -> Iterator[LearningRateSchedule]:
        return iter(self._schedules)
