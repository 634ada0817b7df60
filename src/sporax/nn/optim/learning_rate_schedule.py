"""Learning-rate schedules as Cells, which the optimizer calls with its `global_step`."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax._declared import declared
from sporax._docstring import completed_by
from sporax._errors import ArgumentError
from sporax._jax_compat import x64_scope
from sporax._schema import Flag, NonNegative, Positive, PositiveInteger
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


class _Decay(LearningRateSchedule):
    """Base class of schedules that are a formula of the step in float32.

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

    Source: the class of the same name in MindSpore.
    """

    def construct(self, global_step: Any) -> Tensor:
        """Return the rate at `global_step`."""
        with x64_scope(True):
            return wrap(self._rate(to_array(global_step).astype(np.float32)))

    def _rate(self, steps: Any) -> Any:
        raise NotImplementedError


@declared
class _RateDecay(_Decay):
    """Base class of the exponential, natural exponential and inverse decays."""

    learning_rate: Positive
    decay_rate: Positive
    decay_steps: PositiveInteger
    is_stair: Flag = False

    def _periods(self, steps: Any) -> Any:
        periods = steps / self.decay_steps
        return jnp.floor(periods) if self.is_stair else periods


@completed_by(_Decay)
class ExponentialDecayLR(_RateDecay):
    r"""Exponential decay: :math:`\eta\, r^{p}` with :math:`p = t / T`, rounded down if `is_stair`.

    Args:
        decay_steps: T, the number of steps over which the rate is multiplied by r.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.ExponentialDecayLR(0.1, 0.5, 4)(Tensor(8)))
        0.025
    """

    def _rate(self, steps: Any) -> Any:
        return self.learning_rate * jnp.power(np.float32(self.decay_rate), self._periods(steps))


@completed_by(_Decay)
class NaturalExpDecayLR(_RateDecay):
    r"""Natural exponential decay: :math:`\eta\, e^{-r t}`; with `is_stair`, t is rounded down to a multiple of T.

    Args:
        decay_rate: r, positive. (MindSpore's documentation divides t by T, but its code does not.)

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.NaturalExpDecayLR(0.1, 0.9, 4)(Tensor(2)))
        0.01652989
    """

    def _rate(self, steps: Any) -> Any:
        if self.is_stair:
            steps = jnp.floor(steps / self.decay_steps) * self.decay_steps
        return self.learning_rate * jnp.exp(-self.decay_rate * steps)


@completed_by(_Decay)
class InverseDecayLR(_RateDecay):
    r"""Inverse decay: :math:`\eta / (1 + r p)` with :math:`p = t / T`, rounded down if `is_stair`.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.InverseDecayLR(0.1, 1.0, 4)(Tensor(4)))
        0.05
    """

    def _rate(self, steps: Any) -> Any:
        return self.learning_rate / (1.0 + self.decay_rate * self._periods(steps))


@completed_by(_Decay)
@declared
class CosineDecayLR(_Decay):
    r"""Cosine decay: :math:`a + \tfrac12 (b - a)(1 + \cos(\pi\, t / T))`, and :math:`a` from step T on.

    Args:
        min_lr: a, not negative.
        max_lr: b, larger than a.

    Raises:
        ArgumentError: a number is out of range, or `max_lr` is not larger than `min_lr`.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.CosineDecayLR(0.01, 0.1, 4)(Tensor(4)))
        0.01

    Source: the class of the same name in MindSpore; Loshchilov and Hutter, "SGDR" (2017).
    """

    min_lr: NonNegative
    max_lr: Positive
    decay_steps: PositiveInteger

    def _finish(self) -> None:
        check_span(self.min_lr, self.max_lr, type(self).__name__)

    def _rate(self, steps: Any) -> Any:
        fraction = jnp.minimum(steps, self.decay_steps) / self.decay_steps
        return self.min_lr + 0.5 * (self.max_lr - self.min_lr) * (1.0 + jnp.cos(math.pi * fraction))


def check_span(low: float, high: float, where: str) -> None:
    """Check that `min_lr` is less than `max_lr`."""
    if low >= high:
        raise ArgumentError(f"{where}: `max_lr` must be larger than `min_lr`, but got {high} and {low}.")


@completed_by(_Decay)
@declared
class PolynomialDecayLR(_Decay):
    r"""Polynomial decay: :math:`(\eta - e)(1 - \min(t, T) / T)^q + e`.

    Args:
        end_learning_rate: e, not negative.
        power: q, positive.
        update_decay_steps: whether the rate rises again after step T: T becomes the next multiple of T.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.PolynomialDecayLR(0.1, 0.01, 4, 0.5)(Tensor(3)))
        0.055
    """

    learning_rate: Positive
    end_learning_rate: NonNegative
    decay_steps: PositiveInteger
    power: Positive
    update_decay_steps: Flag = False

    def _rate(self, steps: Any) -> Any:
        length: Any = self.decay_steps
        if self.update_decay_steps:
            length = length * jnp.maximum(jnp.ceil(steps / length), 1.0)
        else:
            steps = jnp.minimum(steps, length)
        remaining = jnp.power(1.0 - steps / length, np.float32(self.power))
        return (self.learning_rate - self.end_learning_rate) * remaining + self.end_learning_rate


@completed_by(_Decay)
@declared
class WarmUpLR(_Decay):
    r"""Linear warm-up: :math:`\eta \min(t, W) / W`.

    Args:
        learning_rate: the rate after warm-up, not negative.
        warmup_steps: W.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.WarmUpLR(0.1, 4)(Tensor(2)))
        0.05
    """

    learning_rate: NonNegative
    warmup_steps: PositiveInteger

    def _rate(self, steps: Any) -> Any:
        return self.learning_rate * (jnp.minimum(steps, self.warmup_steps) / self.warmup_steps)
