"""Losses of classification; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax import _check, losses
from sporax.core import Tensor
from sporax.nn.loss._base import RegisteredLoss
from sporax.nn.loss._labels import are_indices, class_weight, value_of


class SoftmaxCrossEntropyWithLogits(RegisteredLoss):
    r"""The cross entropy of a softmax: :math:`\ell = -\sum_c y_c \log \operatorname{softmax}(x)_c`.

    Args:
        sparse: whether labels are class indices, of shape (N,), and not distributions, of shape (N, C).
        reduction: "none" (the default here, as in MindSpore), "mean" or "sum".

    Inputs:
        logits: Tensor of shape (N, C), floating.
        labels: with `sparse`, class indices in [0, C), int32 or int64, of shape (N,); else a Tensor (N, C).

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that row is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> import numpy as np
        >>> loss = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")
        >>> print(loss(Tensor([[3.0, 5.0, 6.0], [1.0, 1.0, 1.0]]), Tensor([2, 0])))
        0.7238123

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, sparse: bool = False, reduction: str = "none") -> None:
        super().__init__(reduction)
        self.sparse = _check.is_type(sparse, bool, name="sparse", where="SoftmaxCrossEntropyWithLogits")

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of logits and labels."""
        function = (
            losses.sparse_softmax_cross_entropy_with_logits if self.sparse else losses.softmax_cross_entropy_with_logits
        )
        return self.evaluate(function, logits, labels)


class CrossEntropyLoss(RegisteredLoss):
    r"""Cross entropy of class indices or class probabilities, with the softmax inside.

    With p the softmax of the logits over the classes, w the class weights and s the label smoothing,

    .. math::
        \ell_i = -\sum_c w_c\, q_{i,c} \log p_{i,c}, \qquad
        q_{i,c} = (1 - s)\, [c = y_i] + \frac{s}{C} \text{ or } (1 - s)\, y_{i,c} + \frac{s}{C}

    For class indices the mean divides by the sum of :math:`w_{y_i}` over the labels that are not `ignore_index`, for
    probabilities by the number of places.

    Args:
        weight: a Tensor of one weight a class, of shape (C,).
        ignore_index: a class index that stands for no label; its places count for nothing. Probabilities have none.
        reduction: "mean", "sum" or "none".
        label_smoothing: the share s of the uniform distribution in the target, in [0, 1].

    Inputs:
        logits: Tensor of shape (N, C, ...), or (C,), floating.
        labels: integers are class indices, of shape (N, ...), or () for logits (C,); floating ones are probabilities
            of the shape of the logits.

    Returns:
        Tensor of shape (), or that of class indices for "none".

    Raises:
        ArgumentError: an unknown reduction, or `label_smoothing` outside [0, 1].
        ShapeError: shapes that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that place is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> logits = Tensor([[0.0, 2.0], [0.0, 0.0]])
        >>> print(nn.CrossEntropyLoss()(logits, Tensor([1, 0])).asnumpy().round(4))
        0.41
        >>> print(nn.CrossEntropyLoss(reduction="none")(logits, Tensor([[0.5, 0.5], [1.0, 0.0]])).asnumpy().round(4))
        [1.1269 0.6931]

    Source: the class of the same name in MindSpore; `torch.nn.CrossEntropyLoss`.
    """

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean", label_smoothing: float = 0.0
    ) -> None:
        super().__init__(reduction)
        name = "CrossEntropyLoss"
        self.weight = class_weight(weight)
        self.ignore_index = _check.integer(ignore_index, name="ignore_index", where=name)
        self.label_smoothing = _check.number(label_smoothing, name="label_smoothing", where=name, minimum=0, maximum=1)

    def row(self, *labels: np.ndarray) -> losses.LossRow:
        """The registry's row: that of class indices for integers, and else that of probabilities."""
        return losses.get("cross_entropy" if not labels or are_indices(labels[0]) else "soft_cross_entropy")

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of logits and labels."""
        options: dict[str, Any] = {"weight": value_of(self.weight), "label_smoothing": self.label_smoothing}
        if are_indices(labels):
            return self.evaluate(losses.cross_entropy, logits, labels, ignore_index=self.ignore_index, **options)
        return self.evaluate(losses.soft_cross_entropy, logits, labels, **options)


class NLLLoss(RegisteredLoss):
    r"""Negative log likelihood of log probabilities: :math:`\ell_i = -w_{y_i} x_{i, y_i}`.

    The mean divides by the sum of :math:`w_{y_i}` over the labels that are not `ignore_index`.

    Args:
        weight: a Tensor of one weight a class, of shape (C,).
        ignore_index: a class index that stands for no label; its places count for nothing.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: log probabilities x, Tensor of shape (N, C, ...), or (C,), floating.
        labels: class indices, integers of shape (N, ...), or () for logits (C,).

    Returns:
        Tensor of shape (), or that of the labels for "none".

    Raises:
        ArgumentError: an unknown reduction.
        DtypeError, ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that place is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> log_p = Tensor([[-0.5, -1.0], [-2.0, -0.25]])
        >>> print(nn.NLLLoss()(log_p, Tensor([0, 1])))
        0.375

    Source: the class of the same name in MindSpore; `torch.nn.NLLLoss`.
    """

    def __init__(self, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.weight = class_weight(weight)
        self.ignore_index = _check.integer(ignore_index, name="ignore_index", where="NLLLoss")

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of log probabilities and labels."""
        weight = value_of(self.weight)
        return self.evaluate(losses.nll_loss, logits, labels, weight=weight, ignore_index=self.ignore_index)
