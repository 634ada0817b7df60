"""SGD."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._docstring import completed_by
from sporax._errors import ArgumentError
from sporax.core import Parameter, note_guard, tracing
from sporax.nn.optim._rule_optimizer import RuleOptimizer
from sporax.nn.optim._rules import Rule, sgd_rule

__all__ = ["SGD"]


@completed_by(RuleOptimizer)
class SGD(RuleOptimizer):
    r"""Stochastic gradient descent, with optional momentum and dampening.

    .. math::
        v' = u v + (1 - d) g, \qquad p' = p - \eta v', \qquad \text{with nesterov } p' = p - \eta (g + u v')

    In the first step :math:`v' = g`. With `momentum=0` the update is :math:`p' = p - \eta g`, and the slots do not
    change.

    Args:
        momentum: u, not negative.
        dampening: d, not negative.
        nesterov: whether to use Nesterov momentum; requires momentum and no dampening.

    Raises:
        ArgumentError: a number is out of range, `nesterov` is used without momentum or with dampening, or `params` is
            empty or contains a Parameter twice.

    Examples:
        >>> import numpy as np
        >>> from sporax import nn, Parameter, Tensor
        >>> weight = Parameter(Tensor(np.float32([1.0, 2.0])), name="w")
        >>> _ = nn.SGD([weight], learning_rate=0.5)((Tensor([1.0, -1.0]),))
        >>> print(weight.asnumpy())
        [0.5 2.5]
    """

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 0.1,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: Any = 0.0,
        nesterov: bool = False,
        loss_scale: float = 1.0,
    ) -> None:
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        amount = _check.number(momentum, name="momentum", where="SGD", minimum=0.0)
        self.dampening = _check.number(dampening, name="dampening", where="SGD", minimum=0.0)
        self.nesterov = _check.is_type(nesterov, bool, name="nesterov", where="SGD")
        self.momentum = Parameter(np.float32(amount), name="momentum")
        # As long as it is zero, a step does not read and write the slots.
        self.momentum._assumed_constant = amount == 0.0
        self.accum, self.stat = self._add_slots()

    def _make_rule(self) -> Rule:
        has_momentum = not self.momentum._assumed_constant
        if tracing() and not has_momentum:
            note_guard(self.momentum, "_assumed_constant", True)
        dampening = _check.number(self.dampening, name="dampening", where="SGD", minimum=0.0)
        if self.nesterov and (dampening != 0.0 or not has_momentum):
            raise ArgumentError(
                f"SGD: `nesterov` requires `momentum` above 0 and `dampening` 0, but got "
                f"momentum={float(self.momentum._concrete()):g} and dampening={dampening:g}."
            )
        return sgd_rule(has_momentum=has_momentum, dampening=dampening, nesterov=self.nesterov)

    def _shared(self) -> dict[str, Any]:
        momentum = self.momentum._value
        return {"momentum": momentum, "applies": jnp.greater(momentum, 0).astype(np.float32)}
