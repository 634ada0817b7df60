"""Losses on angles to one learned vector a class, which the Cell owns; the formulas are in `sporax.losses`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sporax import _check, losses
from sporax._errors import ArgumentError
from sporax.core import Parameter, Tensor, unwrap
from sporax.core.initializer import initializer
from sporax.nn.loss._base import RegisteredLoss


class _ClassVectors(RegisteredLoss):
    """A loss that owns `weight`, of shape (num_classes, embedding_size): a Parameter, to be trained."""

    def __init__(self, num_classes: int, embedding_size: int, weight_init: Any, reduction: str) -> None:
        super().__init__(reduction)
        where = type(self).__name__
        self.num_classes = _check.integer(num_classes, name="num_classes", where=where, minimum=1)
        self.embedding_size = _check.integer(embedding_size, name="embedding_size", where=where, minimum=1)
        shape = (self.num_classes, self.embedding_size)
        self.weight = Parameter(initializer(weight_init, shape), name="weight")

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host; see `LossBase.check_labels`."""
        super().check_labels({**input_shapes, "weight": self.weight.shape}, *labels)


class ProxyAnchorLoss(_ClassVectors):
    r"""Takes each class vector for an anchor, and its nearness to the samples of the batch for the loss.

    .. math:: \ell = \frac{1}{|P^+|} \sum_{p \in P^+} \log\Big(1 + \sum_{y_i = p} e^{-\alpha (s_{ip} - \delta)}\Big)
        + \frac{1}{C} \sum_p \log\Big(1 + \sum_{y_i \ne p} e^{\alpha (s_{ip} + \delta)}\Big)

    Each sample of the batch has this number for its value, so "mean" is the paper's loss.

    Args:
        num_classes: how many classes there are, C.
        embedding_size: the size of an embedding, D.
        margin: :math:`\delta`.
        alpha: the scale, above 0.
        weight_init: how the class vectors start; as in `initializer`.
        reduction: "mean", "sum" or "none".

    Inputs:
        embeddings: Tensor (N, D), floating.
        labels: class indices in [0, C), Tensor (N,), int32 or int64.
        mask: which samples take part, Tensor (N,); all if left out.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, sizes below 1, or an alpha that is not above 0.
        DtypeError, ShapeError, LabelError: inputs that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.ProxyAnchorLoss(2, 2, alpha=1.0, weight_init=Tensor([[1.0, 0.0], [0.6, 0.8]]))
        >>> print(round(loss(Tensor([[2.0, 0.0], [0.0, 1.0]]), Tensor([0, 1])).item(), 4))
        1.296

    Source: Kim et al., "Proxy Anchor Loss for Deep Metric Learning", 2020.
    """

    def __init__(
        self,
        num_classes: int,
        embedding_size: int,
        margin: float = 0.1,
        alpha: float = 32.0,
        weight_init: Any = "normal",
        reduction: str = "mean",
    ) -> None:
        super().__init__(num_classes, embedding_size, weight_init, reduction)
        self.margin = _check.number(margin, name="margin", where="ProxyAnchorLoss")
        self.alpha = _check.number(alpha, name="alpha", where="ProxyAnchorLoss", minimum=0, open_minimum=True)

    def construct(self, embeddings: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss of a batch of embeddings."""
        return self.evaluate(
            losses.proxy_anchor_loss,
            embeddings,
            self.weight,
            labels,
            margin=self.margin,
            alpha=self.alpha,
            mask=unwrap(mask),
        )


class ProxyNCALoss(_ClassVectors):
    r"""Whether a sample is nearer to its class's vector than to those of the others.

    .. math:: \ell_i = -\log \frac{\exp(-s\, d(x_i, w_{y_i}))}{\sum_{c \ne y_i} \exp(-s\, d(x_i, w_c))}

    d is the squared distance of the vectors scaled to length 1.

    Args:
        num_classes: how many classes there are, C.
        embedding_size: the size of an embedding, D.
        scale: s, above 0.
        include_positive: whether the sum has the class itself, as in ProxyNCA++.
        weight_init: how the class vectors start; as in `initializer`.
        reduction: "mean", "sum" or "none".

    Inputs:
        embeddings: Tensor (N, D), floating.
        labels: class indices in [0, C), Tensor (N,), int32 or int64.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, sizes below 1, a single class that is not included, or a scale that is
            not above 0.
        DtypeError, ShapeError, LabelError: inputs that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.ProxyNCALoss(2, 2, weight_init=Tensor([[1.0, 0.0], [0.6, 0.8]]))
        >>> print(round(loss(Tensor([[2.0, 0.0], [0.0, 1.0]]), Tensor([0, 1])).item(), 4))
        -1.2

    Source: Movshovitz-Attias et al., "No Fuss Distance Metric Learning using Proxies", 2017.
    """

    def __init__(
        self,
        num_classes: int,
        embedding_size: int,
        scale: float = 1.0,
        include_positive: bool = False,
        weight_init: Any = "normal",
        reduction: str = "mean",
    ) -> None:
        super().__init__(num_classes, embedding_size, weight_init, reduction)
        where = "ProxyNCALoss"
        self.scale = _check.number(scale, name="scale", where=where, minimum=0, open_minimum=True)
        self.include_positive = _check.is_type(include_positive, bool, name="include_positive", where=where)
        if self.num_classes == 1 and not self.include_positive:
            raise ArgumentError(
                f"{where}: `num_classes` must be at least 2 where a class is compared with the others, but got 1. "
                "Use include_positive=True."
            )

    def construct(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch of embeddings."""
        return self.evaluate(
            losses.proxy_nca_loss,
            embeddings,
            self.weight,
            labels,
            scale=self.scale,
            include_positive=self.include_positive,
        )


class ArcFaceLoss(_ClassVectors):
    r"""The cross entropy of cosines, with an angle added between a sample and its class's vector.

    .. math:: \ell_i = -\log \operatorname{softmax}(z_i)_{y_i}, \qquad z_{ic} =
        \begin{cases} s \cos(\theta_{ic} + m) & c = y_i \\ s \cos \theta_{ic} & \text{else} \end{cases}

    Args:
        num_classes: how many classes there are, C.
        embedding_size: the size of an embedding, D.
        scale: s, above 0.
        margin: the angle m in radians, in [0, pi/2).
        easy_margin: whether the angle is added only to those below pi/2.
        weight_init: how the class vectors start; as in `initializer`.
        reduction: "mean", "sum" or "none".

    Inputs:
        embeddings: Tensor (N, D), floating.
        labels: class indices in [0, C), Tensor (N,), int32 or int64.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, sizes below 1, or a scale or margin out of range.
        DtypeError, ShapeError, LabelError: inputs that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.ArcFaceLoss(2, 2, scale=1.0, margin=1.0, weight_init=Tensor([[1.0, 0.0], [0.0, 3.0]]))
        >>> print(round(loss(Tensor([[2.0, 0.0], [0.0, 1.0]]), Tensor([0, 1])).item(), 4))
        0.4591

    Source: Deng et al., "ArcFace: Additive Angular Margin Loss for Deep Face Recognition", 2019.
    """

    def __init__(
        self,
        num_classes: int,
        embedding_size: int,
        scale: float = 64.0,
        margin: float = 0.5,
        easy_margin: bool = False,
        weight_init: Any = "normal",
        reduction: str = "mean",
    ) -> None:
        super().__init__(num_classes, embedding_size, weight_init, reduction)
        where = "ArcFaceLoss"
        self.scale = _check.number(scale, name="scale", where=where, minimum=0, open_minimum=True)
        self.margin = _check.number(
            margin, name="margin", where=where, minimum=0, maximum=math.pi / 2, open_maximum=True
        )
        self.easy_margin = _check.is_type(easy_margin, bool, name="easy_margin", where=where)

    def construct(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch of embeddings."""
        return self.evaluate(
            losses.arcface_loss,
            embeddings,
            self.weight,
            labels,
            scale=self.scale,
            margin=self.margin,
            easy_margin=self.easy_margin,
        )


class CosFaceLoss(_ClassVectors):
    r"""The cross entropy of cosines, with a margin taken from that between a sample and its class's vector.

    .. math:: \ell_i = -\log \operatorname{softmax}(z_i)_{y_i}, \qquad
        z_{ic} = s (\cos \theta_{ic} - m [c = y_i])

    Args:
        num_classes: how many classes there are, C.
        embedding_size: the size of an embedding, D.
        scale: s, above 0.
        margin: the cosine m, from 0 on.
        weight_init: how the class vectors start; as in `initializer`.
        reduction: "mean", "sum" or "none".

    Inputs:
        embeddings: Tensor (N, D), floating.
        labels: class indices in [0, C), Tensor (N,), int32 or int64.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, sizes below 1, or a scale or margin out of range.
        DtypeError, ShapeError, LabelError: inputs that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.CosFaceLoss(2, 2, scale=2.0, margin=0.5, weight_init=Tensor([[1.0, 0.0], [0.0, 3.0]]))
        >>> print(round(loss(Tensor([[2.0, 0.0], [0.0, 1.0]]), Tensor([0, 1])).item(), 4))
        0.3133

    Source: Wang et al., "CosFace: Large Margin Cosine Loss for Deep Face Recognition", 2018.
    """

    def __init__(
        self,
        num_classes: int,
        embedding_size: int,
        scale: float = 64.0,
        margin: float = 0.35,
        weight_init: Any = "normal",
        reduction: str = "mean",
    ) -> None:
        super().__init__(num_classes, embedding_size, weight_init, reduction)
        self.scale = _check.number(scale, name="scale", where="CosFaceLoss", minimum=0, open_minimum=True)
        self.margin = _check.number(margin, name="margin", where="CosFaceLoss", minimum=0)

    def construct(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch of embeddings."""
        return self.evaluate(losses.cosface_loss, embeddings, self.weight, labels, scale=self.scale, margin=self.margin)
