"""Adam and AdamWeightDecay."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax import _check
from sporax._docstring import completed_by
from sporax._errors import ArgumentError
from sporax._suggest import refuse_keywords
from sporax.core import Parameter
from sporax.nn.optim._rule_optimizer import RuleOptimizer
from sporax.nn.optim._rules import Array, Rule, adam_rate, adam_rule, adam_weight_decay_rule

__all__ = ["Adam", "AdamWeightDecay"]

_KEYWORDS = (
    "params", "learning_rate", "beta1", "beta2", "eps", "use_locking", "use_nesterov", "weight_decay", "loss_scale",
    "use_amsgrad", "use_lazy", "use_offload",
)  # fmt: skip


def _check_betas(beta1: Any, beta2: Any, eps: Any, where: str) -> tuple[float, float, float]:
    return (
        _check.number(beta1, name="beta1", where=where, minimum=0.0, maximum=1.0, open_maximum=True),
        _check.number(beta2, name="beta2", where=where, minimum=0.0, maximum=1.0, open_maximum=True),
        _check.number(eps, name="eps", where=where, minimum=0.0, open_minimum=True),
    )


@completed_by(RuleOptimizer)
class Adam(RuleOptimizer):
    r"""Adam: adaptive moment estimation.

    .. math::
        m' = \beta_1 m + (1 - \beta_1) g, \qquad v' = \beta_2 v + (1 - \beta_2) g^2, \qquad
        p' = p - \eta \frac{\sqrt{1 - \beta_2^t}}{1 - \beta_1^t} \frac{m'}{\sqrt{v'} + \epsilon}

    The paper, PyTorch and optax add epsilon to the root of the bias-corrected v; MindSpore and sporax add it to the
    root of v, so that epsilon has more effect in the first steps.

    Args:
        beta1, beta2: the decay rates of the moving averages, in [0, 1).
        eps: epsilon, positive.
        use_nesterov: whether the step uses :math:`\beta_1 m' + (1 - \beta_1) g` instead of :math:`m'`.
        weight_decay: the factor of the weight that is added to the gradient; see `nn.Optimizer`. `AdamWeightDecay`
            decays the weight instead.
        use_amsgrad: whether the step uses the running maximum of v.
        kwargs: `use_lazy` and `use_offload`, for compatibility with MindSpore; without effect.

    Raises:
        ArgumentError: a number is out of range, a keyword is unknown, or `params` is empty or contains a Parameter
            twice.

    Examples:
        >>> import numpy as np
        >>> from sporax import nn, Parameter, Tensor
        >>> weight = Parameter(Tensor(np.float32([1.0, 2.0])), name="w")
        >>> _ = nn.Adam([weight], learning_rate=0.5)((Tensor([3.0, -1.0]),))
        >>> print(weight.asnumpy().round(3))
        [0.5 2.5]

    Source: the class of the same name in MindSpore; Kingma and Ba, "Adam" (2015); Reddi et al., "On the
    Convergence of Adam and Beyond" (2018).
    """

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-8,
        use_locking: bool = False,
        use_nesterov: bool = False,
        weight_decay: Any = 0.0,
        loss_scale: float = 1.0,
        use_amsgrad: bool = False,
        **kwargs: Any,
    ) -> None:
        refuse_keywords("Adam", kwargs, _KEYWORDS)
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        flags = {
            "use_locking": use_locking,
            "use_nesterov": use_nesterov,
            "use_amsgrad": use_amsgrad,
            **kwargs,
        }
        for name, flag in flags.items():
            _check.is_type(flag, bool, name=name, where="Adam")
        if kwargs.get("use_lazy") and kwargs.get("use_offload"):
            raise ArgumentError("Adam: `use_lazy` and `use_offload` cannot both be True. Leave one out.")
        self.beta1, self.beta2, self.eps = _check_betas(beta1, beta2, eps, "Adam")
        self.use_nesterov, self.use_amsgrad = use_nesterov, use_amsgrad
        self.beta1_power = Parameter(np.float32(1.0), name="beta1_power")
        self.beta2_power = Parameter(np.float32(1.0), name="beta2_power")
        self.moment1, self.moment2, *maximum = self._add_slots()
        if maximum:
            self.vhat = maximum[0]

    def _make_rule(self) -> Rule:
        beta1, beta2, eps = _check_betas(self.beta1, self.beta2, self.eps, "Adam")
        return adam_rule(beta1=beta1, beta2=beta2, eps=eps, nesterov=self.use_nesterov, amsgrad=self.use_amsgrad)

    def _corrected(self, rates: list[Array]) -> list[Array]:
        power1 = self.beta1_power._value * np.float32(self.beta1)
        power2 = self.beta2_power._value * np.float32(self.beta2)
        self.beta1_power._value, self.beta2_power._value = power1, power2
        distinct = {id(rate): rate for rate in rates}
        corrected = {key: adam_rate(rate, power1, power2) for key, rate in distinct.items()}
        return [corrected[id(rate)] for rate in rates]


@completed_by(RuleOptimizer)
class AdamWeightDecay(RuleOptimizer):
    r"""Adam without bias correction, with decoupled weight decay.

    .. math::
        m' = \beta_1 m + (1 - \beta_1) g, \qquad v' = \beta_2 v + (1 - \beta_2) g^2, \qquad
        p' = p - \eta \left( \frac{m'}{\sqrt{v'} + \epsilon} + \lambda p \right)

    Args:
        beta1, beta2: the decay rates of the moving averages, in [0, 1).
        eps: epsilon, positive.
        weight_decay: lambda; see `nn.Optimizer`.

    Examples:
        >>> import numpy as np
        >>> from sporax import nn, Parameter, Tensor
        >>> weight = Parameter(Tensor(np.float32([1.0, 2.0])), name="w")
        >>> _ = nn.AdamWeightDecay([weight], learning_rate=0.1, weight_decay=0.5)((Tensor([0.0, 0.0]),))
        >>> print(weight.asnumpy())
        [0.95 1.9 ]

    Source: the class of the same name in MindSpore; Devlin et al., "BERT" (2019), whose optimizer it is.
    """

    _decoupled = True

    def __init__(
        self,
        params: Any,
        learning_rate: Any = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        eps: float = 1e-6,
        weight_decay: Any = 0.0,
    ) -> None:
        super().__init__(learning_rate, params, weight_decay)
        self.beta1, self.beta2, self.eps = _check_betas(beta1, beta2, eps, "AdamWeightDecay")
        self.moments1, self.moments2 = self._add_slots()

    def _make_rule(self) -> Rule:
        beta1, beta2, eps = _check_betas(self.beta1, self.beta2, self.eps, "AdamWeightDecay")
        return adam_weight_decay_rule(beta1=beta1, beta2=beta2, eps=eps)
