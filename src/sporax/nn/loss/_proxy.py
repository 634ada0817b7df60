"""Losses on angles to one learned vector per class; the formulas are in `sporax.losses`."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np

from sporax import losses
from sporax._errors import ArgumentError
from sporax._schema import Flag, NonNegative, Number, Positive, PositiveInteger, number
from sporax.core import Parameter
from sporax.core.initializer import initializer
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["ArcFaceLoss", "CosFaceLoss", "ProxyAnchorLoss", "ProxyNCALoss"]


class _ClassVectors(FunctionLoss):
    """Base class of the losses with a Parameter `weight` of shape (num_classes, embedding_size).

    Args:
        num_classes: number of classes C.
        embedding_size: size D of an embedding.
        weight_init: initial values of the class vectors, as in `initializer`.
    """

    _owned = ("weight",)

    def _finish(self) -> None:
        shape = (self.num_classes, self.embedding_size)
        self.weight = Parameter(initializer(self.weight_init, shape), name="weight")

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host; see `LossBase.check_labels`."""
        super().check_labels({**input_shapes, "weight": self.weight.shape}, *labels)


class ProxyAnchorLoss(_ClassVectors, function=losses.proxy_anchor_loss, optional="mask"):
    """Proxy anchor loss: each class proxy is an anchor for the samples of the batch.

    Every sample of the batch has this value, so that "mean" is the paper's loss.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.ProxyAnchorLoss(2, 2, alpha=1.0, weight_init=Tensor([[1.0, 0.0], [0.6, 0.8]]))
        >>> print(round(loss(Tensor([[2.0, 0.0], [0.0, 1.0]]), Tensor([0, 1])).item(), 4))
        1.296
    """

    num_classes: PositiveInteger
    embedding_size: PositiveInteger
    margin: Number = 0.1
    alpha: Positive = 32.0
    weight_init: Any = "normal"
    reduction: str = "mean"


class ProxyNCALoss(_ClassVectors, function=losses.proxy_nca_loss):
    """Proxy-NCA: neighborhood component analysis against one proxy per class.

    d is the squared distance of the normalized vectors.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.ProxyNCALoss(2, 2, weight_init=Tensor([[1.0, 0.0], [0.6, 0.8]]))
        >>> print(round(loss(Tensor([[2.0, 0.0], [0.0, 1.0]]), Tensor([0, 1])).item(), 4))
        -1.2
    """

    num_classes: PositiveInteger
    embedding_size: PositiveInteger
    scale: Positive = 1.0
    include_positive: Flag = False
    weight_init: Any = "normal"
    reduction: str = "mean"

    def _finish(self) -> None:
        if self.num_classes == 1 and not self.include_positive:
            raise ArgumentError(
                "ProxyNCALoss: `num_classes` must be at least 2 where a class is compared with the others, but got 1. "
                "Use include_positive=True."
            )
        super()._finish()


class ArcFaceLoss(_ClassVectors, function=losses.arcface_loss):
    """ArcFace: cross entropy of cosines with an additive angular margin.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.ArcFaceLoss(2, 2, scale=1.0, margin=1.0, weight_init=Tensor([[1.0, 0.0], [0.0, 3.0]]))
        >>> print(round(loss(Tensor([[2.0, 0.0], [0.0, 1.0]]), Tensor([0, 1])).item(), 4))
        0.4591
    """

    num_classes: PositiveInteger
    embedding_size: PositiveInteger
    scale: Positive = 64.0
    margin: Annotated[float, number(0, math.pi / 2, open_maximum=True)] = 0.5
    easy_margin: Flag = False
    weight_init: Any = "normal"
    reduction: str = "mean"


class CosFaceLoss(_ClassVectors, function=losses.cosface_loss):
    """CosFace: cross entropy of cosines with an additive cosine margin.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.CosFaceLoss(2, 2, scale=2.0, margin=0.5, weight_init=Tensor([[1.0, 0.0], [0.0, 3.0]]))
        >>> print(round(loss(Tensor([[2.0, 0.0], [0.0, 1.0]]), Tensor([0, 1])).item(), 4))
        0.3133
    """

    num_classes: PositiveInteger
    embedding_size: PositiveInteger
    scale: Positive = 64.0
    margin: NonNegative = 0.35
    weight_init: Any = "normal"
    reduction: str = "mean"
