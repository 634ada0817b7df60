"""Negative log likelihoods; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import _check, losses
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss


def _eps(value: float, where: str) -> float:
    return _check.number(value, name="eps", where=where, minimum=0, open_minimum=True)


class PoissonNLLLoss(RegisteredLoss):
    r"""Negative log likelihood of counts under a Poisson distribution.

    .. math:: \ell = e^x - y x \quad \text{or, for expected counts,} \quad x - y \log(x + \epsilon)

    Args:
        log_input: whether the input is the logarithm of the expected count.
        full: whether Stirling's approximation of log y! is added, for counts above 1.
        eps: added before the logarithm of an expected count is taken; at least 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        input: x, Tensor of any shape, floating.
        target: counts y, of the same shape, or of one that broadcasts where neither grows past the larger.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or a negative `eps`.
        ArgumentTypeError: `log_input` or `full` is not a bool.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.PoissonNLLLoss()(Tensor([[0.3, 0.7], [0.5, 0.5]]), Tensor([[1.0, 2.0], [3.0, 4.0]])))
        0.3652635

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, log_input: bool = True, full: bool = False, eps: float = 1e-08, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.log_input = _check.is_type(log_input, bool, name="log_input", where="PoissonNLLLoss")
        self.full = _check.is_type(full, bool, name="full", where="PoissonNLLLoss")
        self.eps = _check.number(eps, name="eps", where="PoissonNLLLoss", minimum=0)

    def construct(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss of expected counts and counts."""
        return self.evaluate(
            losses.poisson_nll_loss, input, target, log_input=self.log_input, full=self.full, eps=self.eps
        )


class GaussianNLLLoss(RegisteredLoss):
    r"""Negative log likelihood of a Gaussian with predicted mean and variance.

    .. math:: v = \max(\sigma^2, \epsilon), \qquad \ell = \frac{1}{2} \left( \log v + \frac{(x - y)^2}{v} \right)

    Args:
        full: whether the constant log(2 pi) / 2 is added.
        eps: the least variance, above 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: means x, Tensor of any shape, floating.
        labels: targets y, of that shape, or of one that broadcasts to it.
        var: variances, likewise; or one axis fewer, with one for each row.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or an `eps` that is not above 0.
        ArgumentTypeError: `full` is not a bool.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GaussianNLLLoss()(Tensor([[1.0], [0.0]]), Tensor([[0.0], [4.0]]), Tensor([1.0, 1.0])))
        4.25

    Source: the class of the same name in MindSpore; `torch.nn.GaussianNLLLoss`.
    """

    def __init__(self, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.full = _check.is_type(full, bool, name="full", where="GaussianNLLLoss")
        self.eps = _eps(eps, "GaussianNLLLoss")

    def construct(self, logits: Tensor, labels: Tensor, var: Tensor) -> Tensor:
        """The loss of means, targets and variances."""
        return self.evaluate(losses.gaussian_nll_loss, logits, labels, var, full=self.full, eps=self.eps)


class BetaGaussianNLLLoss(RegisteredLoss):
    r"""`GaussianNLLLoss` times the variance to the power of beta, which is held constant ("beta-NLL").

    Args:
        beta: the exponent in [0, 1]: 0 for the likelihood, 1 to fit means as the squared error does.
        full: whether the constant log(2 pi) / 2 is added to the likelihood.
        eps: the least variance, above 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: means, Tensor of any shape, floating.
        labels: targets, of that shape, or of one that broadcasts to it.
        var: variances, likewise; or one axis fewer, with one for each row.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, a `beta` outside [0, 1], or an `eps` that is not above 0.
        ArgumentTypeError: `full` is not a bool.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.BetaGaussianNLLLoss()(Tensor([3.0]), Tensor([1.0]), Tensor([1.0])))
        2.0

    Source: Seitzer, Tavakoli, Antic and Martius, "On the Pitfalls of Heteroscedastic Uncertainty Estimation with
    Probabilistic Neural Networks", 2022.
    """

    def __init__(self, beta: float = 0.5, *, full: bool = False, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.beta = _check.number(beta, name="beta", where="BetaGaussianNLLLoss", minimum=0, maximum=1)
        self.full = _check.is_type(full, bool, name="full", where="BetaGaussianNLLLoss")
        self.eps = _eps(eps, "BetaGaussianNLLLoss")

    def construct(self, logits: Tensor, labels: Tensor, var: Tensor) -> Tensor:
        """The loss of means, targets and variances."""
        return self.evaluate(
            losses.beta_weighted_gaussian_nll_loss,
            logits,
            labels,
            var,
            beta=self.beta,
            full=self.full,
            eps=self.eps,
        )


class LaplaceNLLLoss(RegisteredLoss):
    r"""Negative log likelihood of a Laplace distribution: :math:`\ell = \log 2 s + |x - y| / s`.

    Args:
        eps: the least scale, above 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        loc: medians x, Tensor of any shape, floating.
        labels: targets y, of that shape, or of one that broadcasts to it.
        scale: scales s, likewise.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or an `eps` that is not above 0.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.LaplaceNLLLoss(reduction="none")(Tensor([0.0, 2.0]), Tensor([0.0, 0.0]), Tensor([0.5, 0.5])))
        [0. 4.]

    Source: `torch.distributions.Laplace`.
    """

    def __init__(self, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.eps = _eps(eps, "LaplaceNLLLoss")

    def construct(self, loc: Tensor, labels: Tensor, scale: Tensor) -> Tensor:
        """The loss of medians, targets and scales."""
        return self.evaluate(losses.laplace_nll_loss, loc, labels, scale, eps=self.eps)


class StudentTNLLLoss(RegisteredLoss):
    r"""Negative log likelihood of Student's t distribution; see `losses.student_t_nll_loss`.

    Args:
        eps: the least scale and the least degree of freedom, above 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        loc: centres, Tensor of any shape, floating.
        labels: targets, of that shape, or of one that broadcasts to it.
        scale: scales, likewise.
        df: degrees of freedom, likewise.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or an `eps` that is not above 0.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.StudentTNLLLoss()(Tensor([0.0, 1.0]), Tensor([0.0, 0.0]), Tensor([1.0]), Tensor([1.0]))
        >>> round(float(loss), 4)
        1.4913

    Source: `torch.distributions.StudentT`.
    """

    def __init__(self, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.eps = _eps(eps, "StudentTNLLLoss")

    def construct(self, loc: Tensor, labels: Tensor, scale: Tensor, df: Tensor) -> Tensor:
        """The loss of centres, targets, scales and degrees of freedom."""
        return self.evaluate(losses.student_t_nll_loss, loc, labels, scale, df, eps=self.eps)


class NegativeBinomialNLLLoss(RegisteredLoss):
    r"""Negative log likelihood of counts that vary more than Poisson's; see `losses.negative_binomial_nll_loss`.

    Args:
        eps: the least `total_count`, above 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: log-odds x, Tensor of any shape, floating; the mean is total_count * exp(x).
        labels: counts, of that shape, or of one that broadcasts to it.
        total_count: likewise; the smaller, the wider is the distribution.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or an `eps` that is not above 0.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.NegativeBinomialNLLLoss()(Tensor([0.0, 0.0]), Tensor([0.0, 2.0]), Tensor([1.0]))
        >>> round(float(loss), 4)
        1.3863

    Source: `torch.distributions.NegativeBinomial`.
    """

    def __init__(self, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.eps = _eps(eps, "NegativeBinomialNLLLoss")

    def construct(self, logits: Tensor, labels: Tensor, total_count: Tensor) -> Tensor:
        """The loss of log-odds, counts and total counts."""
        return self.evaluate(losses.negative_binomial_nll_loss, logits, labels, total_count, eps=self.eps)


class BetaNLLLoss(RegisteredLoss):
    r"""Negative log likelihood of proportions under a beta distribution; see `losses.beta_nll_loss`.

    For the weighted Gaussian likelihood that is called beta-NLL see `BetaGaussianNLLLoss`.

    Args:
        eps: how near labels may be to 0 and 1, and the parameters to 0; in (0, 0.5).
        reduction: "mean", "sum" or "none".

    Inputs:
        alpha: the first parameter, Tensor of any shape, floating.
        labels: proportions in [0, 1], of the same shape.
        beta: the second parameter, of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction, or an `eps` outside (0, 0.5).
        ShapeError: the shapes differ.
        LabelError: a label outside [0, 1], where the values are known.

    Examples:
        >>> from sporax import nn, Tensor
        >>> round(float(nn.BetaNLLLoss()(Tensor([2.0]), Tensor([0.25]), Tensor([1.0]))), 4)
        0.6931

    Source: `torch.distributions.Beta`.
    """

    def __init__(self, eps: float = 1e-6, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.eps = _check.number(
            eps, name="eps", where="BetaNLLLoss", minimum=0, maximum=0.5, open_minimum=True, open_maximum=True
        )

    def construct(self, alpha: Tensor, labels: Tensor, beta: Tensor) -> Tensor:
        """The loss of the two parameters and proportions."""
        return self.evaluate(losses.beta_nll_loss, alpha, labels, beta, eps=self.eps)
