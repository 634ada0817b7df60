"""The cross entropy of a linear layer over very many classes; the formula is in `sporax.losses`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sporax import _check, losses
from sporax._errors import ArgumentError
from sporax.core import Parameter, Tensor
from sporax.core.dtype import DType, as_dtype, float32
from sporax.core.initializer import HeUniform, Uniform, initializer
from sporax.nn.loss._base import RegisteredLoss
from sporax.nn.loss._labels import class_weight as class_weight_of
from sporax.nn.loss._labels import value_of

__all__ = ["LinearCrossEntropyLoss"]


class LinearCrossEntropyLoss(RegisteredLoss):
    r"""Linear layer and cross entropy of its logits in one, without materializing all logits.

    With :math:`z = x W^\top + b`, or :math:`\kappa \tanh(z / \kappa)` of them under a cap :math:`\kappa`, p their
    softmax over the V classes, w the class weights and s the label smoothing,

    .. math::
        \ell_i = -(1 - s)\, w_{y_i} \log p_{i, y_i} - \frac{s}{V} \sum_c w_c \log p_{i, c}
        + \lambda \Big( \log \sum_c e^{z_{i, c}} \Big)^2

    It takes the place of a last `nn.Dense(in_features, num_classes)` and `nn.CrossEntropyLoss`: its Parameters have the
    names, shapes and beginnings of that layer's. With no sizes it has none of its own, and gets the weight with each
    call, as where the embedding of the words is the weight.

    Args:
        in_features: the size H of the last axis of `hidden`.
        num_classes: V.
        bias: whether there is a bias.
        reduction: "mean" (over the weights :math:`w_{y_i}` of the labels that count), "sum" or "none". "none" computes
            the logits again on the way back.
        class_weight: a Tensor of one weight per class, of shape (V,).
        ignore_index: an ignored label.
        label_smoothing: s in [0, 1].
        softcap: :math:`\kappa`, above 0, or None.
        z_loss: :math:`\lambda`, at least 0.
        chunk_size: how many rows at a time; None chooses.
        dtype: the dtype of the Parameters.

    Inputs:
        hidden: Tensor of shape (..., H), floating.
        labels: class indices, of shape (...).
        weight: Tensor (V, H) to use in place of the Cell's own; needed where it has none.
        bias: Tensor (V,) that goes with such a weight.

    Returns:
        Tensor of shape (), or that of the labels for "none".

    Raises:
        ArgumentError: one size without the other, a number out of range, an unknown reduction, or no weight at all.
        DtypeError, ShapeError: inputs that do not fit.
        LabelError: a label outside [0, V), where values are known; in compiled code that row is NaN.

    Examples:
        >>> from sporax import nn, ops, Tensor
        >>> loss = nn.LinearCrossEntropyLoss(4, 10, bias=True)
        >>> loss(ops.ones((3, 4)), Tensor([0, 9, 1])).shape, loss.weight.shape, loss.bias.shape
        ((), (10, 4), (10,))
        >>> tied = nn.LinearCrossEntropyLoss()
        >>> print(tied(ops.ones((3, 4)), Tensor([0, 4, 1]), ops.zeros((5, 4))).asnumpy().round(4))
        1.6094

    Source: `torch.nn.LinearCrossEntropyLoss`.
    """

    weight: Parameter | None
    bias: Parameter | None

    def __init__(
        self,
        in_features: int | None = None,
        num_classes: int | None = None,
        *,
        bias: bool = False,
        reduction: str = "mean",
        class_weight: Any = None,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        softcap: float | None = None,
        z_loss: float = 0.0,
        chunk_size: int | None = None,
        dtype: DType = float32,
    ) -> None:
        super().__init__(reduction)
        where = "LinearCrossEntropyLoss"
        if (in_features is None) != (num_classes is None):
            raise ArgumentError(
                f"{where}: `in_features` and `num_classes` go together, but got {in_features} and {num_classes}. Give "
                "both for a weight of its own, or neither and the weight with each call."
            )
        _check.is_type(bias, bool, name="bias", where=where)
        self.weight = self.bias = None
        if in_features is not None:
            width = _check.integer(in_features, name="in_features", where=where, minimum=1)
            count = _check.integer(num_classes, name="num_classes", where=where, minimum=1)
            kind = as_dtype(dtype)
            self.weight = Parameter(initializer(HeUniform(math.sqrt(5)), (count, width), kind), name="weight")
            if bias:
                self.bias = Parameter(initializer(Uniform(1 / math.sqrt(width)), (count,), kind), name="bias")
        elif bias:
            raise ArgumentError(f"{where}: without sizes there is no bias of its own. Give it with each call.")
        self.class_weight = class_weight_of(class_weight)
        self.ignore_index = _check.integer(ignore_index, name="ignore_index", where=where)
        self.label_smoothing = _check.number(label_smoothing, name="label_smoothing", where=where, minimum=0, maximum=1)
        if softcap is not None:
            softcap = _check.number(softcap, name="softcap", where=where, minimum=0, open_minimum=True)
        self.softcap = softcap
        self.z_loss = _check.number(z_loss, name="z_loss", where=where, minimum=0)
        if chunk_size is not None:
            chunk_size = _check.integer(chunk_size, name="chunk_size", where=where, minimum=1)
        self.chunk_size = chunk_size

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host; see `LossBase.check_labels`."""
        known = {} if self.weight is None else {"weight": self.weight.shape}
        super().check_labels(known | input_shapes, *labels)

    def construct(
        self, hidden: Tensor, labels: Tensor, weight: Tensor | None = None, bias: Tensor | None = None
    ) -> Tensor:
        """The loss of hidden states and labels."""
        if weight is None:
            if self.weight is None:
                raise ArgumentError(
                    "LinearCrossEntropyLoss: there is no weight. Give `weight` with the call, or make the loss with "
                    "in_features and num_classes."
                )
            weight, bias = self.weight, self.bias if bias is None else bias
        return self.evaluate(
            losses.linear_cross_entropy,
            hidden,
            weight,
            labels,
            bias=value_of(bias),
            class_weight=value_of(self.class_weight),
            ignore_index=self.ignore_index,
            label_smoothing=self.label_smoothing,
            softcap=self.softcap,
            z_loss=self.z_loss,
            chunk_size=self.chunk_size,
        )
