"""Divergences between distributions; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import _check, losses
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss


class KLDivLoss(RegisteredLoss):
    r"""Terms of the Kullback-Leibler divergence: :math:`\ell = t (\log t - x)`, with 0 log 0 = 0.

    Args:
        reduction: "mean" (over all elements), "batchmean" (the sum over the size of axis 0: the divergence itself
            for rows of classes), "sum" or "none".
        log_target: whether labels are log-probabilities, as in PyTorch.

    Inputs:
        logits: log-probabilities x, Tensor of any shape, floating.
        labels: probabilities t, or their logarithms, Tensor of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: the shapes differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> logits, labels = Tensor([0.2, 0.7, 0.1]), Tensor([0.0, 1.0, 0.0])
        >>> print(nn.KLDivLoss(reduction="mean")(logits, labels))
        -0.23333333

    Source: the class of the same name in MindSpore; `torch.nn.KLDivLoss`.
    """

    reductions = ("none", "mean", "batchmean", "sum")

    def __init__(self, reduction: str = "mean", log_target: bool = False) -> None:
        super().__init__(reduction)
        self.log_target = _check.is_type(log_target, bool, name="log_target", where="KLDivLoss")

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of log-probabilities and targets."""
        return self.evaluate(losses.kl_div, logits, labels, log_target=self.log_target)


class KLDivergenceLoss(RegisteredLoss):
    r"""The Kullback-Leibler divergence of rows: :math:`\ell = \sum_c t_c (\log t_c - x_c)`.

    Args:
        log_target: whether the targets are logarithms of probabilities.
        reduction: "mean", "sum" or "none".

    Inputs:
        log_predictions: log-probabilities x, Tensor of shape (..., C), floating.
        targets: probabilities t, or their logarithms, of the same shape.

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ArgumentTypeError: `log_target` is not a bool.
        ShapeError: the shapes differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.KLDivergenceLoss()(Tensor([[-0.5, -1.0]]), Tensor([[0.0, 1.0]])))
        1.0

    Source: optax `losses.kl_divergence` and `losses.kl_divergence_with_log_targets`.
    """

    def __init__(self, log_target: bool = False, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.log_target = _check.is_type(log_target, bool, name="log_target", where="KLDivergenceLoss")

    def construct(self, log_predictions: Tensor, targets: Tensor) -> Tensor:
        """The loss of log-probabilities and targets."""
        function = losses.kl_divergence_with_log_targets if self.log_target else losses.kl_divergence
        return self.evaluate(function, log_predictions, targets)


class GeneralizedKLLoss(RegisteredLoss):
    r"""Kullback-Leibler divergence of measures: :math:`\ell = \sum_c t_c (\log t_c - x_c) + e^{x_c} - t_c`.

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        log_predictions: logarithms x, Tensor of shape (..., C), floating.
        targets: masses t of the same shape, not negative; they need not sum to 1.

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: the shapes differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.GeneralizedKLLoss()(Tensor([[0.0, 0.0]]), Tensor([[1.0, 0.0]])))
        1.0

    Source: optax `losses.generalized_kl_divergence`.
    """

    def construct(self, log_predictions: Tensor, targets: Tensor) -> Tensor:
        """The loss of logarithms and targets."""
        return self.evaluate(losses.generalized_kl_divergence, log_predictions, targets)


class ConvexKLLoss(RegisteredLoss):
    r"""`GeneralizedKLLoss` by optax's first name: :math:`\ell = \sum_c t_c (\log t_c - x_c) + e^{x_c} - t_c`.

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        log_predictions: logarithms x, Tensor of shape (..., C), floating.
        targets: masses t of the same shape, not negative; they need not sum to 1.

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: the shapes differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.ConvexKLLoss()(Tensor([[0.0, 0.0]]), Tensor([[1.0, 0.0]])))
        1.0

    Source: optax `losses.convex_kl_divergence`.
    """

    def construct(self, log_predictions: Tensor, targets: Tensor) -> Tensor:
        """The loss of logarithms and targets."""
        return self.evaluate(losses.convex_kl_divergence, log_predictions, targets)


class JensenShannonLoss(RegisteredLoss):
    r"""The Jensen-Shannon divergence of rows of probabilities; between 0 and log 2.

    .. math:: \ell = \tfrac{1}{2} \mathrm{KL}(p \,\|\, m) + \tfrac{1}{2} \mathrm{KL}(t \,\|\, m), \quad m = (p + t) / 2

    Args:
        log_target: whether the targets are logarithms of probabilities.
        reduction: "mean", "sum" or "none".

    Inputs:
        log_predictions: log-probabilities, Tensor of shape (..., C), floating.
        targets: probabilities t, or their logarithms, of the same shape.

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ArgumentTypeError: `log_target` is not a bool.
        ShapeError: the shapes differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.JensenShannonLoss()(Tensor([[-0.5, -1.0]]), Tensor([[-0.5, -1.0]]).exp()))
        0.0

    Source: Lin, "Divergence Measures Based on the Shannon Entropy", 1991.
    """

    def __init__(self, log_target: bool = False, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.log_target = _check.is_type(log_target, bool, name="log_target", where="JensenShannonLoss")

    def construct(self, log_predictions: Tensor, targets: Tensor) -> Tensor:
        """The loss of log-probabilities and targets."""
        return self.evaluate(losses.jensen_shannon_loss, log_predictions, targets, log_target=self.log_target)
