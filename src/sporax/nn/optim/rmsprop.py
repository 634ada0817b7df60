"""RMSProp."""

from __future__ import annotations

from typing import Any

from sporax import _check
from sporax._docstring import completed_by
from sporax.nn.optim._rule_optimizer import RuleOptimizer
from sporax.nn.optim._rules import Rule, rmsprop_rule

__all__ = ["RMSProp"]


@completed_by(RuleOptimizer)
class RMSProp(RuleOptimizer):
    r"""RMSProp: gradients divided by the root of their running mean square, with momentum.

    .. math::
        s' = d s + (1 - d) g^2, \qquad m' = u m + \eta\, g / \sqrt{s' - c + \epsilon}, \qquad p' = p - m'

    where c is zero or, with `centered`, the square of the running mean of the gradient. As in MindSpore, the initial
    value of s is one.

    Args:
        decay: d, not negative.
        momentum: u, not negative.
        epsilon: positive.
        centered: whether to divide by the root of the variance of the gradient instead.

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
        self.decay, self.momentum, self.epsilon = decay, momentum, epsilon
        _check.is_type(use_locking, bool, name="use_locking", where="RMSProp")
        self.centered = _check.is_type(centered, bool, name="centered", where="RMSProp")
        *means, squares, moment = self._add_slots()
        if means:
            self.mg = means[0]
        self.ms, self.moment = squares, moment

    def _make_rule(self) -> Rule:
        return rmsprop_rule(
            decay=_check.number(self.decay, name="decay", where="RMSProp", minimum=0.0),
            momentum=_check.number(self.momentum, name="momentum", where="RMSProp", minimum=0.0),
            eps=_check.number(self.epsilon, name="epsilon", where="RMSProp", minimum=0.0, open_minimum=True),
            centered=self.centered,
        )
