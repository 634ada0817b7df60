"""Losses of classification that bear wrong labels; the formulas are in `sporax.losses`."""

from __future__ import annotations

import numpy as np

from sporax import _check, losses
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss
from sporax.nn.loss._labels import are_indices


class PolyLoss(RegisteredLoss):
    r"""Cross entropy plus a multiple of its first term: :math:`\ell = -\log p_y + \epsilon (1 - p_y)`.

    Args:
        epsilon: the additional weight of the first term; 0 gives cross entropy.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of shape (..., C), floating.
        labels: integers are class indices, of shape (...); floating ones are probabilities, of shape (..., C).

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: shapes that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that place is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.PolyLoss(epsilon=2.0)(Tensor([[0.0, 0.0]]), Tensor([1])).asnumpy().round(4))
        1.6931

    Source: Leng et al., "PolyLoss: A Polynomial Expansion Perspective of Classification Loss Functions", 2022;
    optax `poly_loss_cross_entropy`.
    """

    def __init__(self, epsilon: float = 2.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.epsilon = _check.number(epsilon, name="epsilon", where="PolyLoss")

    def row(self, *labels: np.ndarray) -> losses.LossRow:
        """The registry's row: that of class indices for integers, and else that of probabilities."""
        return losses.get("sparse_poly1_cross_entropy" if labels and are_indices(labels[0]) else "poly1_cross_entropy")

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of logits and labels."""
        function = losses.sparse_poly1_cross_entropy if are_indices(labels) else losses.poly1_cross_entropy
        return self.evaluate(function, logits, labels, epsilon=self.epsilon)


class GeneralizedCrossEntropyLoss(RegisteredLoss):
    r"""Between cross entropy and absolute error: :math:`\ell = (1 - p_y^q) / q`.

    Args:
        q: in (0, 1]; near 0 it is cross entropy, at 1 absolute error.
        from_logits: whether logits are given and not probabilities.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: probabilities, or logits with `from_logits`, Tensor of shape (..., C), floating.
        labels: class indices, integers of shape (...).

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction, or `q` outside (0, 1].
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that place is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.GeneralizedCrossEntropyLoss(q=0.5, reduction="none")
        >>> print(loss(Tensor([[0.25, 0.75], [1.0, 0.0]]), Tensor([0, 1])))
        [1. 2.]

    Source: Zhang and Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels",
    2018; Keras `CategoricalGeneralizedCrossEntropy`.
    """

    def __init__(self, q: float = 0.5, from_logits: bool = False, reduction: str = "mean") -> None:
        super().__init__(reduction)
        name = "GeneralizedCrossEntropyLoss"
        self.q = _check.number(q, name="q", where=name, minimum=0, maximum=1, open_minimum=True)
        self.from_logits = _check.is_type(from_logits, bool, name="from_logits", where=name)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of predictions and labels."""
        function = losses.generalized_cross_entropy
        return self.evaluate(function, logits, labels, q=self.q, from_logits=self.from_logits)


class SymmetricCrossEntropyLoss(RegisteredLoss):
    r"""Cross entropy plus its reverse: :math:`\ell = -\alpha \log p_y - \beta A (1 - p_y)`.

    Args:
        alpha: the weight of cross entropy, at least 0.
        beta: the weight of the reverse cross entropy, at least 0.
        A: what stands for log 0, below 0.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of shape (..., C), floating.
        labels: class indices, integers of shape (...).

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction, `alpha` or `beta` below 0, or `A` not below 0.
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that place is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.SymmetricCrossEntropyLoss(alpha=0.0, beta=0.5)(Tensor([[0.0, 0.0]]), Tensor([1])))
        1.0

    Source: Wang et al., "Symmetric Cross Entropy for Robust Learning with Noisy Labels", 2019.
    """

    def __init__(self, alpha: float = 0.1, beta: float = 1.0, A: float = -4.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        name = "SymmetricCrossEntropyLoss"
        self.alpha = _check.number(alpha, name="alpha", where=name, minimum=0)
        self.beta = _check.number(beta, name="beta", where=name, minimum=0)
        self.A = _check.number(A, name="A", where=name, maximum=0, open_maximum=True)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of logits and labels."""
        function = losses.symmetric_cross_entropy
        return self.evaluate(function, logits, labels, alpha=self.alpha, beta=self.beta, A=self.A)


class BiTemperedLogisticLoss(RegisteredLoss):
    r"""Logistic loss with a bounded logarithm (t1 < 1) and a softmax of heavy tails (t2 > 1).

    .. math::
        \ell = \sum_c \left[ q_c (\log_{t_1} q_c - \log_{t_1} p_c)
            - \frac{q_c^{2 - t_1} - p_c^{2 - t_1}}{2 - t_1} \right], \qquad p_c = \exp_{t_2}(x_c - \lambda)

    Args:
        t1: temperature of the logarithm, in [0, 1].
        t2: temperature of the exponential, at least 0.
        label_smoothing: in [0, 1): what the label gives up to the other classes.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor x of shape (..., C), floating.
        labels: integers are class indices, of shape (...); floating ones are probabilities, of shape (..., C).

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction, or an argument outside its interval.
        ShapeError: shapes that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that place is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.BiTemperedLogisticLoss(t1=0.5, t2=1.0)(Tensor([[-1000.0, 0.0]]), Tensor([0])))
        2.0

    Source: Amid et al., "Robust Bi-Tempered Logistic Loss Based on Bregman Divergences", 2019.
    """

    def __init__(self, t1: float = 0.8, t2: float = 1.2, label_smoothing: float = 0.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        name = "BiTemperedLogisticLoss"
        self.t1 = _check.number(t1, name="t1", where=name, minimum=0, maximum=1)
        self.t2 = _check.number(t2, name="t2", where=name, minimum=0)
        self.label_smoothing = _check.number(
            label_smoothing, name="label_smoothing", where=name, minimum=0, maximum=1, open_maximum=True
        )

    def row(self, *labels: np.ndarray) -> losses.LossRow:
        """The registry's row: that of class indices for integers, and else that of probabilities."""
        name = "bi_tempered_logistic_loss"
        return losses.get(f"sparse_{name}" if labels and are_indices(labels[0]) else name)

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of logits and labels."""
        sparse = are_indices(labels)
        function = losses.sparse_bi_tempered_logistic_loss if sparse else losses.bi_tempered_logistic_loss
        return self.evaluate(function, logits, labels, t1=self.t1, t2=self.t2, label_smoothing=self.label_smoothing)
