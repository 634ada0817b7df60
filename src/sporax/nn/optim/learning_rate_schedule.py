"""Learning-rate schedules as Cells, which the optimizer calls with its `global_step`."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError
from sporax._jax_compat import x64_scope
from sporax.core import Cell, Tensor, to_array, wrap

__all__ = [
    "CosineDecayLR",
    "ExponentialDecayLR",
    "InverseDecayLR",
    "LearningRateSchedule",
    "NaturalExpDecayLR",
    "PolynomialDecayLR",
    "WarmUpLR",
]


class LearningRateSchedule(Cell):
    """Base class of learning-rate schedules; a subclass defines `construct(self, global_step)`.

    `construct` receives the number of completed steps, an int32 Tensor, and returns a Tensor with one element.

    Examples:
        >>> from sporax import nn, Tensor
        >>> class Halving(nn.LearningRateSchedule):
        ...     def construct(self, global_step):
        ...         return 0.1 / (1.0 + global_step)
        >>> print(Halving()(Tensor(1)))
        0.05

    Source: the class of the same name in MindSpore.
    """


def _steps(global_step: Any) -> Any:
    return to_array(global_step).astype(np.float32)


class _Decay(LearningRateSchedule):
    """Base class of schedules that are a formula of the step in float32."""

    def construct(self, global_step: Any) -> Tensor:
        """Return the rate at `global_step`."""
        with x64_scope(True):
            return wrap(self._rate(_steps(global_step)))

    def _rate(self, steps: Any) -> Any:
        raise NotImplementedError


class _RateDecay(_Decay):
    """Base class of the exponential, natural exponential and inverse decays."""

    def __init__(self, learning_rate: float, decay_rate: float, decay_steps: int, is_stair: bool = False) -> None:
        super().__init__()
        where = type(self).__name__
        self.learning_rate = _positive(learning_rate, "learning_rate", where)
        self.decay_rate = _positive(decay_rate, "decay_rate", where)
        self.decay_steps = _check.integer(decay_steps, name="decay_steps", where=where, minimum=1)
        self.is_stair = _check.is_type(is_stair, bool, name="is_stair", where=where)

    def _periods(self, steps: Any) -> Any:
        periods = steps / self.decay_steps
        return jnp.floor(periods) if self.is_stair else periods


def _positive(value: Any, name: str, where: str) -> float:
    return _check.number(value, name=name, where=where, minimum=0.0, open_minimum=True)


class ExponentialDecayLR(_RateDecay):
    r"""Exponential decay: :math:`\eta\, r^{p}` with :math:`p = t / T`, rounded down if `is_stair`.

    Args:
        learning_rate: the initial rate, positive.
        decay_rate: r, positive.
        decay_steps: T, the number of steps over which the rate is multiplied by r.
        is_stair: whether the rate changes only every T steps.

    Returns:
        Called with a step: the rate, a float32 Tensor of the shape of the step.

    Raises:
        ArgumentError: a number is out of range.
        ArgumentTypeError: an argument has the wrong type.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.ExponentialDecayLR(0.1, 0.5, 4)(Tensor(8)))
        0.025

    Source: the class of the same name in MindSpore.
    """

    def _rate(self, steps: Any) -> Any:
        return self.learning_rate * jnp.power(np.float32(self.decay_rate), self._periods(steps))


class NaturalExpDecayLR(_RateDecay):
    r"""Natural exponential decay: :math:`\eta\, e^{-r t}`; with `is_stair`, t is rounded down to a multiple of T.

    Args:
        learning_rate: the initial rate, positive.
        decay_rate: r, positive. (MindSpore's documentation divides t by T, but its code does not.)
        decay_steps: T.
        is_stair: whether the rate changes only every T steps.

    Returns:
        Called with a step: the rate, a float32 Tensor of the shape of the step.

    Raises:
        ArgumentError: a number is out of range.
        ArgumentTypeError: an argument has the wrong type.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.NaturalExpDecayLR(0.1, 0.9, 4)(Tensor(2)))
        0.01652989

    Source: the class of the same name in MindSpore.
    """

    def _rate(self, steps: Any) -> Any:
        if self.is_stair:
            steps = jnp.floor(steps / self.decay_steps) * self.decay_steps
        return self.learning_rate * jnp.exp(-self.decay_rate * steps)


class InverseDecayLR(_RateDecay):
    r"""Inverse decay: :math:`\eta / (1 + r p)` with :math:`p = t / T`, rounded down if `is_stair`.

    Args:
        learning_rate: the initial rate, positive.
        decay_rate: r, positive.
        decay_steps: T.
        is_stair: whether the rate changes only every T steps.

    Returns:
        Called with a step: the rate, a float32 Tensor of the shape of the step.

    Raises:
        ArgumentError: a number is out of range.
        ArgumentTypeError: an argument has the wrong type.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.InverseDecayLR(0.1, 1.0, 4)(Tensor(4)))
        0.05

    Source: the class of the same name in MindSpore.
    """

    def _rate(self, steps: Any) -> Any:
        return self.learning_rate / (1.0 + self.decay_rate * self._periods(steps))


class CosineDecayLR(_Decay):
    r"""Cosine decay: :math:`a + \tfrac12 (b - a)(1 + \cos(\pi\, t / T))`, and :math:`a` from step T on.

    Args:
        min_lr: a, not negative.
        max_lr: b, larger than a.
        decay_steps: T.

    Returns:
        Called with a step: the rate, a float32 Tensor of the shape of the step.

    Raises:
        ArgumentError: a number is out of range, or `max_lr` is not larger than `min_lr`.
        ArgumentTypeError: an argument has the wrong type.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.CosineDecayLR(0.01, 0.1, 4)(Tensor(4)))
        0.01

    Source: the class of the same name in MindSpore; Loshchilov and Hutter, "SGDR" (2017).
    """

    def __init__(self, min_lr: float, max_lr: float, decay_steps: int) -> None:
        super().__init__()
        where = type(self).__name__
        self.min_lr, self.max_lr = _check_span(min_lr, max_lr, where)
        self.decay_steps = _check.integer(decay_steps, name="decay_steps", where=where, minimum=1)

    def _rate(self, steps: Any) -> Any:
        fraction = jnp.minimum(steps, self.decay_steps) / self.decay_steps
        return self.min_lr + 0.5 * (self.max_lr - self.min_lr) * (1.0 + jnp.cos(math.pi * fraction))


def _check_span(min_lr: Any, max_lr: Any, where: str) -> tuple[float, float]:
    low = _check.number(min_lr, name="min_lr", where=where, minimum=0.0)
    high = _positive(max_lr, "max_lr", where)
    if low >= high:
        raise ArgumentError(f"{where}: `max_lr` must be larger than `min_lr`, but got {high} and {low}.")
    return low, high


class PolynomialDecayLR(_Decay):
    r"""Polynomial decay: :math:`(\eta - e)(1 - \min(t, T) / T)^q + e`.

    Args:
        learning_rate: the initial rate, positive.
        end_learning_rate: e, not negative.
        decay_steps: T.
        power: q, positive.
        update_decay_steps: whether the rate rises again after step T: T becomes the next multiple of T.

    Returns:
        Called with a step: the rate, a float32 Tensor of the shape of the step.

    Raises:
        ArgumentError: a number is out of range.
        ArgumentTypeError: an argument has the wrong type.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.PolynomialDecayLR(0.1, 0.01, 4, 0.5)(Tensor(3)))
        0.055

    Source: the class of the same name in MindSpore.
    """

    def __init__(
        self,
        learning_rate: float,
        end_learning_rate: float,
        decay_steps: int,
        power: float,
        update_decay_steps: bool = False,
    ) -> None:
        super().__init__()
        where = type(self).__name__
        self.learning_rate = _positive(learning_rate, "learning_rate", where)
        self.end_learning_rate = _check.number(end_learning_rate, name="end_learning_rate", where=where, minimum=0.0)
        self.decay_steps = _check.integer(decay_steps, name="decay_steps", where=where, minimum=1)
        self.power = _positive(power, "power", where)
        self.update_decay_steps = _check.is_type(update_decay_steps, bool, name="update_decay_steps", where=where)

    def _rate(self, steps: Any) -> Any:
        length: Any = self.decay_steps
        if self.update_decay_steps:
            length = length * jnp.maximum(jnp.ceil(steps / length), 1.0)
        else:
            steps = jnp.minimum(steps, length)
        remaining = jnp.power(1.0 - steps / length, np.float32(self.power))
        return (self.learning_rate - self.end_learning_rate) * remaining + self.end_learning_rate


class WarmUpLR(_Decay):
    r"""Linear warm-up: :math:`\eta \min(t, W) / W`.

    Args:
        learning_rate: the rate after warm-up, not negative.
        warmup_steps: W.

    Returns:
        Called with a step: the rate, a float32 Tensor of the shape of the step.

    Raises:
        ArgumentError: a number is out of range.
        ArgumentTypeError: an argument has the wrong type.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.WarmUpLR(0.1, 4)(Tensor(2)))
        0.05

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, learning_rate: float, warmup_steps: int) -> None:
        super().__init__()
        where = type(self).__name__
        self.learning_rate = _check.number(learning_rate, name="learning_rate", where=where, minimum=0.0)
        self.warmup_steps = _check.integer(warmup_steps, name="warmup_steps", where=where, minimum=1)

    def _rate(self, steps: Any) -> Any:
        return self.learning_rate * (jnp.minimum(steps, self.warmup_steps) / self.warmup_steps)
