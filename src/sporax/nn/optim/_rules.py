"""Update rules of optimizers as pure functions of arrays.

A rule is like an optax transformation of one weight: `init(weight)` returns the slots, and
`update(gradient, slots, weight, **hyper)` the new weight and the new slots. Fixed settings (nesterov, betas) are
arguments of the function that creates the rule; hyper-parameters that may change between steps (the rate, the momentum)
are arguments of `update`.

The formulas are those of MindSpore. As in MindSpore, betas are rounded to float32 before 1 - beta is computed: for beta
in [0.5, 1) the difference is exact, so that the average and its bias correction agree.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

Array = Any
Slots = tuple[Array, ...]


class Rule(NamedTuple):
    """An update rule for one weight.

    slots: the names of the slots; each is the prefix of a Parameter's name.
    init: a function of a NumPy array like the weight that returns the slots, also as NumPy arrays, so that creating an
        optimizer compiles nothing.
    update: (gradient, slots, weight, **hyper) -> (new weight, new slots).
    """

    slots: tuple[str, ...]
    init: Callable[[Array], Slots]
    update: Callable[..., tuple[Array, Slots]]


def _zeros(count: int) -> Callable[[Array], Slots]:
    return lambda weight: tuple(np.zeros_like(weight) for _ in range(count))


def momentum_rule(*, nesterov: bool = False) -> Rule:
    r"""Momentum (heavy ball): :math:`v' = u v + g`, :math:`p' = p - \eta v'`; nesterov: :math:`p - \eta (g + u v')`."""

    def update(gradient: Array, slots: Slots, weight: Array, *, rate: Array, momentum: Array) -> tuple[Array, Slots]:
        velocity = slots[0] * momentum + gradient
        step = gradient + momentum * velocity if nesterov else velocity
        return weight - rate * step, (velocity,)

    return Rule(("moments",), _zeros(1), update)


def sgd_rule(*, has_momentum: bool, dampening: float = 0.0, nesterov: bool = False) -> Rule:
    r"""Momentum with dampening: :math:`v' = u v + (1 - d) g`, but :math:`v' = g` in the first step.

    `stat` is one before the first step and zero afterwards. While u is zero, the step is g, and the slots do not
    change; `applies` is one if u is positive, and zero otherwise. Without `has_momentum`, u is assumed to be zero.
    """

    def init(weight: Array) -> Slots:
        return np.zeros_like(weight), np.ones_like(weight)

    def plain(gradient: Array, slots: Slots, weight: Array, *, rate: Array, **_: Array) -> tuple[Array, Slots]:
        return weight - rate * gradient, slots

    def update(
        gradient: Array, slots: Slots, weight: Array, *, rate: Array, momentum: Array, applies: Array
    ) -> tuple[Array, Slots]:
        velocity, stat = slots
        updated = velocity * momentum + (gradient * (1.0 - dampening) if dampening else gradient)
        used = jnp.where(stat < applies, updated, gradient)
        step = gradient + momentum * used if nesterov else used
        return weight - rate * step, (jnp.where(applies, used, velocity), jnp.where(applies, 0, stat))

    return Rule(("accum", "stat"), init, update if has_momentum else plain)


def _complement(beta: float) -> tuple[np.float32, np.float32]:
    # beta and 1 - beta in float32.
    rounded = np.float32(beta)
    return rounded, np.float32(1.0) - rounded


def adam_rate(rate: Array, beta1_power: Array, beta2_power: Array) -> Array:
    r"""Return the bias-corrected rate :math:`\eta \sqrt{1 - \beta_2^t} / (1 - \beta_1^t)`."""
    return rate * jnp.sqrt(1.0 - beta2_power) / (1.0 - beta1_power)


def adam_rule(*, beta1: float, beta2: float, eps: float, nesterov: bool = False, amsgrad: bool = False) -> Rule:
    r"""Adam, with bias correction in `rate` (see `adam_rate`): :math:`p' = p - \eta_t m' / (\sqrt{v'} + \epsilon)`.

    With nesterov the step uses :math:`\beta_1 m' + (1 - \beta_1) g` instead of :math:`m'`; with amsgrad the running
    maximum of :math:`v'`.
    """
    b1, rest1 = _complement(beta1)
    b2, rest2 = _complement(beta2)

    def update(gradient: Array, slots: Slots, weight: Array, *, rate: Array) -> tuple[Array, Slots]:
        first = b1 * slots[0] + rest1 * gradient
        second = b2 * slots[1] + rest2 * jnp.square(gradient)
        new_slots: Slots = (first, second)
        scale = second
        if amsgrad:
            scale = jnp.maximum(slots[2], second)
            new_slots = (first, second, scale)
        step = b1 * first + rest1 * gradient if nesterov else first
        return weight - rate * step / (jnp.sqrt(scale) + np.float32(eps)), new_slots

    names = ("moment1", "moment2", "vhat") if amsgrad else ("moment1", "moment2")
    return Rule(names, _zeros(len(names)), update)


def adam_weight_decay_rule(*, beta1: float, beta2: float, eps: float) -> Rule:
    r"""Adam without bias correction, with decoupled weight decay.

    :math:`p' = p - \eta (m' / (\sqrt{v'} + \epsilon) + \lambda p)`.
    """
    b1, rest1 = _complement(beta1)
    b2, rest2 = _complement(beta2)

    def update(
        gradient: Array, slots: Slots, weight: Array, *, rate: Array, weight_decay: Array | None
    ) -> tuple[Array, Slots]:
        first = b1 * slots[0] + rest1 * gradient
        second = b2 * slots[1] + rest2 * jnp.square(gradient)
        step = first / (jnp.sqrt(second) + np.float32(eps))
        if weight_decay is not None:
            step = step + weight_decay * weight
        return weight - rate * step, (first, second)

    return Rule(("adam_m", "adam_v"), _zeros(2), update)


def adagrad_rule(*, accum: float, update_slots: bool = True) -> Rule:
    r"""Adagrad: :math:`a' = a + g^2`, :math:`p' = p - \eta g / \sqrt{a'}`; a zero gradient gives no update."""

    def update(gradient: Array, slots: Slots, weight: Array, *, rate: Array) -> tuple[Array, Slots]:
        total = slots[0] + jnp.square(gradient) if update_slots else slots[0]
        step = jnp.where(gradient == 0, jnp.zeros_like(gradient), gradient / jnp.sqrt(total))
        return weight - rate * step, (total,)

    return Rule(("accum",), lambda weight: (np.full_like(weight, accum),), update)


def rmsprop_rule(*, decay: float, momentum: float, eps: float, centered: bool = False) -> Rule:
    r"""RMSProp: the gradient divided by the root of its running mean square, with momentum.

    :math:`s' = d s + (1 - d) g^2`, :math:`m' = u m + \eta g / \sqrt{s' + \epsilon}`, :math:`p' = p - m'`.
    With `centered` the square of the running mean of the gradient is subtracted from :math:`s'` in the root. The
    initial value of `s` is one.
    """
    rho, rest = _complement(decay)

    def init(weight: Array) -> Slots:
        average, velocity = np.ones_like(weight), np.zeros_like(weight)
        return (np.zeros_like(weight), average, velocity) if centered else (average, velocity)

    def update(gradient: Array, slots: Slots, weight: Array, *, rate: Array) -> tuple[Array, Slots]:
        square = rho * slots[-2] + rest * jnp.square(gradient)
        variance = square
        means: Slots = ()
        if centered:
            mean = rho * slots[0] + rest * gradient
            # Rounding can make the variance slightly negative.
            variance = jnp.maximum(square - jnp.square(mean), 0.0)
            means = (mean,)
        velocity = np.float32(momentum) * slots[-1] + rate * gradient / jnp.sqrt(variance + np.float32(eps))
        return weight - velocity, (*means, square, velocity)

    names = ("mean_grad", "mean_square", "moment") if centered else ("mean_square", "moment")
    return Rule(names, init, update)
