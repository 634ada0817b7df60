"""RMSProp."""

from __future__ import annotations

from typing import Any

from sporax import _check
from sporax.nn.optim._rule_optimizer import RuleOptimizer
from sporax.nn.optim._rules import rmsprop_rule

__all__ = ["RMSProp"]


class RMSProp(RuleOptimizer):
    r"""Gradients divided by the root of their running mean square, with momentum.

    .. math::
        s' = d s + (1 - d) g^2, \qquad m' = u m + \eta\, g / \sqrt{s' - c + \epsilon}, \qquad p' = p - m'

    where c is zero or, centered, the square of the gradient's own running mean. s starts at one, as in
    MindSpore.

    Args:
        params: the Parameters to train, or groups; see `nn.Optimizer`.
        learning_rate: eta; see `nn.Optimizer`.
        decay: d, not negative.
        momentum: u, not negative.
        epsilon: positive.
        use_locking: MindSpore's; without effect.
        centered: whether the gradient's variance stands in the root.
        loss_scale: what the loss was multiplied by.
        weight_decay: added to the gradient for each unit of weight; see `nn.Optimizer`.

    Raises:
        ArgumentError: a number is out of range, or `params` is empty or holds one twice.
        ArgumentTypeError: an argument is of the wrong type.

    Examples:
        >>> import numpy as np
        >>> from sporax import nn, Parameter, Tensor
        >>> weight = Parameter(Tensor(np.float32([1.0, 2.0])), name="w")
        >>> _ = nn.RMSProp([weight], learning_rate=0.5)((Tensor([1.0, 0.0]),))
        >>> print(weight.asnumpy())
        [0.5 2. ]

    Source: the class of the same name in MindSpore; Tieleman and Hinton, lecture 6.5 (2012).
    """

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 0.1,
        decay: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-10,
        use_locking: bool = False,
        centered: bool = False,
        loss_scale: float = 1.0,
        weight_decay: Any = 0.0,
    ) -> None:
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        self.decay = _check.number(decay, name="decay", where="RMSProp", minimum=0.0)
        self.momentum = _check.number(momentum, name="momentum", where="RMSProp", minimum=0.0)
        self.epsilon = _check.number(epsilon, name="epsilon", where="RMSProp", minimum=0.0, open_minimum=True)
        _check.is_type(use_locking, bool, name="use_locking", where="RMSProp")
        self.centered = _check.is_type(centered, bool, name="centered", where="RMSProp")
        rule = rmsprop_rule(decay=self.decay, momentum=self.momentum, eps=self.epsilon, centered=centered)
        *means, squares, moment = self._add_slots(rule)
        if means:
            self.mg = means[0]
        self.ms, self.moment = squares, moment
