"""Momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax import _check
from sporax._docstring import completed_by
from sporax.core import Parameter
from sporax.nn.optim._rule_optimizer import RuleOptimizer
from sporax.nn.optim._rules import Rule, momentum_rule

__all__ = ["Momentum"]


@completed_by(RuleOptimizer)
class Momentum(RuleOptimizer):
    r"""Gradient descent with momentum.

    .. math::
        v' = u v + g, \qquad p' = p - \eta v', \qquad \text{with nesterov } p' = p - \eta (g + u v')

    Args:
        momentum: u, not negative.
        use_nesterov: whether to use Nesterov momentum.

    Examples:
        >>> import numpy as np
        >>> from sporax import nn, Parameter, Tensor
        >>> weight = Parameter(Tensor(np.float32([1.0, 2.0])), name="w")
        >>> optimizer = nn.Momentum([weight], learning_rate=0.5, momentum=0.5)
        >>> for _ in range(2):
        ...     _ = optimizer((Tensor([1.0, 0.0]),))
        >>> print(weight.asnumpy(), optimizer.moments[0].asnumpy())
        [-0.25  2.  ] [1.5 0. ]

    Source: the class of the same name in MindSpore; Sutskever et al., "On the importance of initialization
    and momentum in deep learning" (2013).
    """

    def __init__(
        self,
        params: Any,
        learning_rate: Any,
        momentum: float,
        weight_decay: Any = 0.0,
        loss_scale: float = 1.0,
        use_nesterov: bool = False,
    ) -> None:
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        amount = _check.number(momentum, name="momentum", where="Momentum", minimum=0.0)
        self.use_nesterov = _check.is_type(use_nesterov, bool, name="use_nesterov", where="Momentum")
        self.momentum = Parameter(np.float32(amount), name="momentum")
        (self.moments,) = self._add_slots()

    def _make_rule(self) -> Rule:
        return momentum_rule(nesterov=self.use_nesterov)

    def _shared(self) -> dict[str, Any]:
        return {"momentum": self.momentum._value}
