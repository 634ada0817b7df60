"""Negative log likelihoods; the formulas are in `sporax.losses`."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Annotated

from sporax import _check, losses
from sporax._schema import Flag, NonNegative, Positive, UnitInterval, number
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = [
    "BetaGaussianNLLLoss",
    "BetaNLLLoss",
    "GaussianNLLLoss",
    "LaplaceNLLLoss",
    "NegativeBinomialNLLLoss",
    "PoissonNLLLoss",
    "StudentTNLLLoss",
]


def _eps(value: float, where: str) -> float:
    return _check.number(value, name="eps", where=where, minimum=0, open_minimum=True)


class PoissonNLLLoss(FunctionLoss, function=losses.poisson_nll_loss, inputs="input, target"):
    """Negative log likelihood of counts under a Poisson distribution.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.PoissonNLLLoss()(Tensor([[0.3, 0.7], [0.5, 0.5]]), Tensor([[1.0, 2.0], [3.0, 4.0]])))
        0.3652635
    """

    log_input: Flag = True
    full: Flag = False
    eps: NonNegative = 1e-08
    reduction: str = "mean"


class GaussianNLLLoss(FunctionLoss, function=losses.gaussian_nll_loss):
    """Negative log likelihood of a Gaussian with predicted mean and variance.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GaussianNLLLoss()(Tensor([[1.0], [0.0]]), Tensor([[0.0], [4.0]]), Tensor([1.0, 1.0])))
        4.25
    """

    _: KW_ONLY
    full: Flag = False
    eps: Positive = 1e-06
    reduction: str = "mean"


class BetaGaussianNLLLoss(FunctionLoss, function=losses.beta_weighted_gaussian_nll_loss):
    """Beta-NLL: `GaussianNLLLoss` weighted by the variance to the power of beta, without its gradient.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.BetaGaussianNLLLoss()(Tensor([3.0]), Tensor([1.0]), Tensor([1.0])))
        2.0
    """

    beta: UnitInterval = 0.5
    _: KW_ONLY
    full: Flag = False
    eps: Positive = 1e-06
    reduction: str = "mean"


class LaplaceNLLLoss(FunctionLoss, function=losses.laplace_nll_loss):
    """Negative log likelihood of a Laplace distribution.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LaplaceNLLLoss(reduction="none")(Tensor([0.0, 2.0]), Tensor([0.0, 0.0]), Tensor([0.5, 0.5])))
        [0. 4.]
    """

    eps: Positive = 1e-06
    reduction: str = "mean"


class StudentTNLLLoss(FunctionLoss, function=losses.student_t_nll_loss):
    """Negative log likelihood of Student's t distribution.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.StudentTNLLLoss()(Tensor([0.0, 1.0]), Tensor([0.0, 0.0]), Tensor([1.0]), Tensor([1.0]))
        >>> round(float(loss), 4)
        1.4913
    """

    eps: Positive = 1e-06
    reduction: str = "mean"


class NegativeBinomialNLLLoss(FunctionLoss, function=losses.negative_binomial_nll_loss):
    """Negative log likelihood of overdispersed counts under a negative binomial distribution.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.NegativeBinomialNLLLoss()(Tensor([0.0, 0.0]), Tensor([0.0, 2.0]), Tensor([1.0]))
        >>> round(float(loss), 4)
        1.3863
    """

    eps: Positive = 1e-06
    reduction: str = "mean"


class BetaNLLLoss(FunctionLoss, function=losses.beta_nll_loss):
    """Negative log likelihood of proportions under a beta distribution.

    For the weighted Gaussian likelihood that is called beta-NLL see `BetaGaussianNLLLoss`.

    Examples:
        >>> from sporax import nn, Tensor
        >>> round(float(nn.BetaNLLLoss()(Tensor([2.0]), Tensor([0.25]), Tensor([1.0]))), 4)
        0.6931
    """

    eps: Annotated[float, number(0, 0.5, open_minimum=True, open_maximum=True)] = 1e-06
    reduction: str = "mean"
