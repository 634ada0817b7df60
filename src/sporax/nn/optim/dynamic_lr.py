"""Functions that return the learning rate of every step, as a list of floats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from sporax import _check
from sporax._docstring import completed_by
from sporax._errors import ArgumentError
from sporax.nn.optim.learning_rate_schedule import check_span

__all__ = [
    "cosine_decay_lr",
    "exponential_decay_lr",
    "inverse_decay_lr",
    "natural_exp_decay_lr",
    "piecewise_constant_lr",
    "polynomial_decay_lr",
    "warmup_lr",
]


_SHARED = """
Args:
    learning_rate: the initial rate, positive.
    decay_rate: r, positive.
    total_step: the length of the list.
    step_per_epoch: the number of steps of an epoch.
    decay_epoch: E.

Returns:
    A list of `total_step` rates.

Raises:
    ArgumentError: a number is out of range.
    ArgumentTypeError: an argument has the wrong type.

Source: the function of the same name in MindSpore.
"""


def _positive(value: Any, name: str, where: str) -> float:
    return _check.number(value, name=name, where=where, minimum=0, open_minimum=True)


def _not_negative(value: Any, name: str, where: str) -> float:
    return _check.number(value, name=name, where=where, minimum=0)


def _count(value: Any, name: str, where: str) -> int:
    return _check.integer(value, name=name, where=where, minimum=1)


def _epochs(total_step: Any, step_per_epoch: Any, where: str) -> list[int]:
    """Return the epoch of every step."""
    total = _count(total_step, "total_step", where)
    length = _count(step_per_epoch, "step_per_epoch", where)
    return [step // length for step in range(total)]


def _decay(
    where: str, learning_rate: Any, decay_rate: Any, total_step: Any, step_per_epoch: Any, decay_epoch: Any
) -> tuple[float, float, int, list[int]]:
    """Check the arguments of a decay; return the rate, r, E, and the epoch of every step."""
    rate, decay = _positive(learning_rate, "learning_rate", where), _positive(decay_rate, "decay_rate", where)
    return rate, decay, _count(decay_epoch, "decay_epoch", where), _epochs(total_step, step_per_epoch, where)


@completed_by(_SHARED)
def piecewise_constant_lr(milestone: Sequence[int], learning_rates: Sequence[float]) -> list[float]:
    r"""Piecewise constant rates: :math:`y_i = x_k` for :math:`M_{k-1} \le i < M_k`.

    Args:
        milestone: M, the step at which each piece ends, in ascending order.
        learning_rates: x, the rate of each piece.

    Returns:
        A list of rates; its length is the last milestone.

    Raises:
        ArgumentError: the lengths differ, or the milestones are not ascending.
        ArgumentTypeError: an argument is not a list or tuple of numbers.

    Examples:
        >>> piecewise_constant_lr([2, 5], [0.1, 0.05])
        [0.1, 0.1, 0.05, 0.05, 0.05]
    """
    where = "piecewise_constant_lr"
    _check.is_type(milestone, (tuple, list), name="milestone", where=where)
    _check.is_type(learning_rates, (tuple, list), name="learning_rates", where=where)
    if len(milestone) != len(learning_rates):
        raise ArgumentError(
            f"{where}: `milestone` and `learning_rates` must have the same length, but got {len(milestone)} "
            f"and {len(learning_rates)}."
        )
    rates: list[float] = []
    for i, (end, rate) in enumerate(zip(milestone, learning_rates, strict=True)):
        end = _count(end, f"milestone[{i}]", where)
        rate = _check.number(rate, name=f"learning_rates[{i}]", where=where)
        if end < len(rates):
            raise ArgumentError(
                f"{where}: `milestone` must be ascending, but milestone[{i}] is {end}, after {milestone[i - 1]}."
            )
        rates += [rate] * (end - len(rates))
    return rates


@completed_by(_SHARED)
def exponential_decay_lr(
    learning_rate: float,
    decay_rate: float,
    total_step: int,
    step_per_epoch: int,
    decay_epoch: int,
    is_stair: bool = False,
) -> list[float]:
    r"""Exponential decay: :math:`\eta\, r^{e / E}` for epoch e; e / E is rounded down if `is_stair`.

    Args:
        decay_epoch: E, the number of epochs over which the rate is multiplied by r.
        is_stair: whether the rate changes only every E epochs.

    Examples:
        >>> exponential_decay_lr(0.1, 0.5, 4, 2, 1)
        [0.1, 0.1, 0.05, 0.05]
    """
    rate, decay, length, epochs = _decay(
        "exponential_decay_lr", learning_rate, decay_rate, total_step, step_per_epoch, decay_epoch
    )
    stair = _check.is_type(is_stair, bool, name="is_stair", where="exponential_decay_lr")
    return [rate * decay ** (epoch // length if stair else epoch / length) for epoch in epochs]


@completed_by(_SHARED)
def natural_exp_decay_lr(
    learning_rate: float,
    decay_rate: float,
    total_step: int,
    step_per_epoch: int,
    decay_epoch: int,
    is_stair: bool = False,
) -> list[float]:
    r"""Natural exponential decay: :math:`\eta\, e^{-r\, \mathrm{epoch}}`.

    Args:
        is_stair: whether the epoch is rounded down to a multiple of E.

    Examples:
        >>> [round(rate, 4) for rate in natural_exp_decay_lr(0.1, 0.9, 4, 2, 1)]
        [0.1, 0.1, 0.0407, 0.0407]
    """
    rate, decay, length, epochs = _decay(
        "natural_exp_decay_lr", learning_rate, decay_rate, total_step, step_per_epoch, decay_epoch
    )
    stair = _check.is_type(is_stair, bool, name="is_stair", where="natural_exp_decay_lr")
    return [rate * math.exp(-decay * (epoch // length * length if stair else epoch)) for epoch in epochs]


@completed_by(_SHARED)
def inverse_decay_lr(
    learning_rate: float,
    decay_rate: float,
    total_step: int,
    step_per_epoch: int,
    decay_epoch: int,
    is_stair: bool = False,
) -> list[float]:
    r"""Inverse decay: :math:`\eta / (1 + r\, e / E)` for epoch e; e / E is rounded down if `is_stair`.

    Args:
        is_stair: whether the rate changes only every E epochs.

    Examples:
        >>> inverse_decay_lr(0.1, 1.0, 4, 2, 1)
        [0.1, 0.1, 0.05, 0.05]
    """
    rate, decay, length, epochs = _decay(
        "inverse_decay_lr", learning_rate, decay_rate, total_step, step_per_epoch, decay_epoch
    )
    stair = _check.is_type(is_stair, bool, name="is_stair", where="inverse_decay_lr")
    return [rate / (1.0 + decay * (epoch // length if stair else epoch / length)) for epoch in epochs]


@completed_by(_SHARED)
def cosine_decay_lr(
    min_lr: float, max_lr: float, total_step: int, step_per_epoch: int, decay_epoch: int
) -> list[float]:
    r"""Cosine decay: :math:`a + \tfrac12 (b - a)(1 + \cos(\pi \min(e, E) / E))` for epoch e.

    Args:
        min_lr: a, not negative.
        max_lr: b, larger than a.

    Raises:
        ArgumentError: a number is out of range, or `max_lr` is not larger than `min_lr`.

    Examples:
        >>> [round(rate, 4) for rate in cosine_decay_lr(0.01, 0.1, 6, 2, 2)]
        [0.1, 0.1, 0.055, 0.055, 0.01, 0.01]

    Source: the function of the same name in MindSpore; Loshchilov and Hutter, "SGDR" (2017).
    """
    where = "cosine_decay_lr"
    low, high = _not_negative(min_lr, "min_lr", where), _positive(max_lr, "max_lr", where)
    check_span(low, high, where)
    length = _count(decay_epoch, "decay_epoch", where)
    return [
        low + 0.5 * (high - low) * (1.0 + math.cos(math.pi * min(epoch, length) / length))
        for epoch in _epochs(total_step, step_per_epoch, where)
    ]


@completed_by(_SHARED)
def polynomial_decay_lr(
    learning_rate: float,
    end_learning_rate: float,
    total_step: int,
    step_per_epoch: int,
    decay_epoch: int,
    power: float,
    update_decay_epoch: bool = False,
) -> list[float]:
    r"""Polynomial decay: :math:`(\eta - \eta_E)(1 - \min(e, E) / E)^q + \eta_E` for epoch e.

    Args:
        end_learning_rate: the last rate, not negative.
        power: q, positive.
        update_decay_epoch: whether the rate rises again after epoch E: E becomes the next multiple of E.

    Examples:
        >>> [round(rate, 4) for rate in polynomial_decay_lr(0.1, 0.01, 6, 2, 2, 0.5)]
        [0.1, 0.1, 0.0736, 0.0736, 0.01, 0.01]
    """
    where = "polynomial_decay_lr"
    rate = _positive(learning_rate, "learning_rate", where)
    last = _not_negative(end_learning_rate, "end_learning_rate", where)
    exponent = _positive(power, "power", where)
    length = _count(decay_epoch, "decay_epoch", where)
    restarts = _check.is_type(update_decay_epoch, bool, name="update_decay_epoch", where=where)
    rates = []
    for epoch in _epochs(total_step, step_per_epoch, where):
        span = length * max(math.ceil(epoch / length), 1) if restarts else length
        rates.append((rate - last) * (1.0 - min(epoch, span) / span) ** exponent + last)
    return rates


@completed_by(_SHARED)
def warmup_lr(learning_rate: float, total_step: int, step_per_epoch: int, warmup_epoch: int) -> list[float]:
    r"""Linear warm-up: :math:`\eta \min(e, W) / W` for epoch e.

    Args:
        learning_rate: the rate after warm-up, not negative.
        warmup_epoch: W.

    Examples:
        >>> warmup_lr(0.1, 6, 2, 2)
        [0.0, 0.0, 0.05, 0.05, 0.1, 0.1]
    """
    where = "warmup_lr"
    rate = _not_negative(learning_rate, "learning_rate", where)
    length = _count(warmup_epoch, "warmup_epoch", where)
    return [rate * min(epoch, length) / length for epoch in _epochs(total_step, step_per_epoch, where)]
