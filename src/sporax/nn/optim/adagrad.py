"""Adagrad."""

from __future__ import annotations

from typing import Any

from sporax import _check
from sporax._docstring import completed_by
from sporax.nn.optim._rule_optimizer import RuleOptimizer
from sporax.nn.optim._rules import Rule, adagrad_rule

__all__ = ["Adagrad"]


@completed_by(RuleOptimizer)
class Adagrad(RuleOptimizer):
    r"""Adagrad: gradients divided by the root of the sum of their squares.

    .. math::
        a' = a + g^2, \qquad p' = p - \eta\, g / \sqrt{a'}

    Args:
        accum: the initial value of a, not negative.
        update_slots: whether a is updated.

    Examples:
        >>> import numpy as np
        >>> from sporax import nn, Parameter, Tensor
        >>> weight = Parameter(Tensor(np.float32([1.0, 2.0])), name="w")
        >>> _ = nn.Adagrad([weight], accum=0.0, learning_rate=0.5)((Tensor([3.0, 0.0]),))
        >>> print(weight.asnumpy())
        [0.5 2. ]

    Source: the class of the same name in MindSpore; Duchi et al., "Adaptive Subgradient Methods" (2011).
    """

    def __init__(
        self,
        params: Any,
        accum: float = 0.1,
        learning_rate: Any = 0.001,
        update_slots: bool = True,
        loss_scale: float = 1.0,
        weight_decay: Any = 0.0,
    ) -> None:
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        self._initial = _check.number(accum, name="accum", where="Adagrad", minimum=0.0)
        self.update_slots = _check.is_type(update_slots, bool, name="update_slots", where="Adagrad")
        (self.accum,) = self._add_slots()

    def _make_rule(self) -> Rule:
        return adagrad_rule(accum=self._initial, update_slots=self.update_slots)
