"""Contrastive losses; the formulas are in `sporax.losses`."""

from __future__ import annotations

from typing import Any

from sporax import _check, losses
from sporax.core import Tensor, unwrap
from sporax.nn.loss._base import RegisteredLoss


class ContrastiveLoss(RegisteredLoss):
    r"""Pulls similar pairs together, and pushes dissimilar ones apart until a margin lies between them.

    .. math:: \ell = \tfrac{1}{2} y d^2 + \tfrac{1}{2} (1 - y) \max(0, m - d)^2

    Args:
        margin: m, from 0 on, in units of the Euclidean distance d.
        reduction: "mean", "sum" or "none".

    Inputs:
        x1, x2: Tensors of one shape (N, D), floating.
        labels: 1 for a similar pair and 0 for a dissimilar one, of shape (N,).

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, or a negative margin.
        ShapeError: shapes that do not fit.
        LabelError: a label that is neither 0 nor 1, where the values are known.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x1, x2 = Tensor([[0.0, 0.0], [0.0, 0.0]]), Tensor([[3.0, 4.0], [0.0, 0.5]])
        >>> print(nn.ContrastiveLoss(reduction="none")(x1, x2, Tensor([1, 0])))
        [12.5    0.125]

    Source: Hadsell, Chopra, LeCun, "Dimensionality Reduction by Learning an Invariant Mapping", 2006.
    """

    def __init__(self, margin: float = 1.0, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = _check.number(margin, name="margin", where="ContrastiveLoss", minimum=0)

    def construct(self, x1: Tensor, x2: Tensor, labels: Tensor) -> Tensor:
        """The loss of a batch of pairs."""
        return self.evaluate(losses.contrastive_loss, x1, x2, labels, margin=self.margin)


class NPairLoss(RegisteredLoss):
    r"""Picks each anchor's positive out of the positives of all.

    .. math:: \ell_i = \log\Big(1 + \sum_{j \ne i} \exp(a_i \cdot p_j - a_i \cdot p_i)\Big)
        + \tfrac{\lambda}{4} (|a_i|^2 + |p_i|^2)

    Args:
        l2_weight: :math:`\lambda`, from 0 on.
        normalize: whether vectors are first scaled to length 1.
        reduction: "mean", "sum" or "none".

    Inputs:
        anchors, positives: Tensors of one shape (N, D), floating; no two rows of one class.
        mask: which pairs take part, Tensor (N,); all if left out.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, or a negative weight.
        ShapeError: the shapes differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.NPairLoss()(Tensor([[1.0, 0.0], [0.0, 1.0]]), Tensor([[2.0, 0.0], [0.0, 3.0]]))
        >>> print(round(loss.item(), 4))
        0.0878

    Source: Sohn, "Improved Deep Metric Learning with Multi-class N-pair Loss Objective", 2016.
    """

    def __init__(self, l2_weight: float = 0.0, normalize: bool = False, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.l2_weight = _check.number(l2_weight, name="l2_weight", where="NPairLoss", minimum=0)
        self.normalize = _check.is_type(normalize, bool, name="normalize", where="NPairLoss")

    def construct(self, anchors: Tensor, positives: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss of a batch of pairs."""
        return self.evaluate(
            losses.n_pair_loss,
            anchors,
            positives,
            l2_weight=self.l2_weight,
            normalize=self.normalize,
            mask=unwrap(mask),
        )


class MultiSimilarityLoss(RegisteredLoss):
    r"""Weighs each pair by its own similarity and by those of the other pairs of its anchor.

    .. math:: \ell_i = \frac{1}{\alpha} \log\Big(1 + \sum_{k \in P_i} e^{-\alpha (S_{ik} - \lambda)}\Big)
        + \frac{1}{\beta} \log\Big(1 + \sum_{k \in N_i} e^{\beta (S_{ik} - \lambda)}\Big)

    Args:
        alpha: how sharply positives are weighed, above 0.
        beta: how sharply negatives are weighed, above 0.
        base: :math:`\lambda`.
        epsilon: how far pairs may be from being hard and are still kept; None keeps all.
        normalize: whether vectors are first scaled to length 1.
        reduction: "mean", "sum" or "none".

    Inputs:
        embeddings: Tensor (N, D), floating.
        labels: class of each, Tensor (N,), int32 or int64.
        mask: which samples take part, Tensor (N,); all if left out.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, or an `alpha` or `beta` that is not above 0.
        DtypeError, ShapeError: inputs that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        >>> print(round(nn.MultiSimilarityLoss(reduction="sum")(x, Tensor([0, 0, 1])).item(), 4))
        0.5991

    Source: Wang et al., "Multi-Similarity Loss with General Pair Weighting for Deep Metric Learning", 2019.
    """

    def __init__(
        self,
        alpha: float = 2.0,
        beta: float = 50.0,
        base: float = 0.5,
        epsilon: float | None = 0.1,
        normalize: bool = True,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        where = "MultiSimilarityLoss"
        self.alpha = _check.number(alpha, name="alpha", where=where, minimum=0, open_minimum=True)
        self.beta = _check.number(beta, name="beta", where=where, minimum=0, open_minimum=True)
        self.base = _check.number(base, name="base", where=where)
        self.epsilon = None if epsilon is None else _check.number(epsilon, name="epsilon", where=where)
        self.normalize = _check.is_type(normalize, bool, name="normalize", where=where)

    def construct(self, embeddings: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss of a batch of embeddings."""
        return self.evaluate(
            losses.multi_similarity_loss,
            embeddings,
            labels,
            alpha=self.alpha,
            beta=self.beta,
            base=self.base,
            epsilon=self.epsilon,
            normalize=self.normalize,
            mask=unwrap(mask),
        )


class CircleLoss(RegisteredLoss):
    r"""Weighs each similarity by how far it is from its optimum.

    .. math:: \ell_i = \log\Big(1 + \sum_n e^{\gamma \alpha_n (s_n - m)} \sum_p e^{-\gamma \alpha_p (s_p - 1 + m)}\Big)

    A sample without a positive or without a negative has loss 0 and does not count in the mean.

    Args:
        gamma: the scale, above 0.
        margin: the relaxation m.
        remove_diagonal: whether a sample is not its own positive.
        hold_weights: whether derivatives take the weights :math:`\alpha` as constants, as the paper does; Keras
            does not.
        normalize: whether vectors are first scaled to length 1. Keras takes them as they are.
        reduction: "mean", "sum" or "none".

    Inputs:
        embeddings: Tensor (N, D), floating.
        labels: class of each, Tensor (N,), int32 or int64.
        mask: which samples take part, Tensor (N,); all if left out.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, or a gamma that is not above 0.
        DtypeError, ShapeError: inputs that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        >>> print(round(nn.CircleLoss(gamma=10)(x, Tensor([0, 0, 1])).item(), 4))
        2.496

    Source: Sun et al., "Circle Loss: A Unified Perspective of Pair Similarity Optimization", 2020; Keras `Circle`.
    """

    def __init__(
        self,
        gamma: float = 80.0,
        margin: float = 0.4,
        remove_diagonal: bool = True,
        hold_weights: bool = False,
        normalize: bool = True,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        where = "CircleLoss"
        self.gamma = _check.number(gamma, name="gamma", where=where, minimum=0, open_minimum=True)
        self.margin = _check.number(margin, name="margin", where=where)
        self.remove_diagonal = _check.is_type(remove_diagonal, bool, name="remove_diagonal", where=where)
        self.hold_weights = _check.is_type(hold_weights, bool, name="hold_weights", where=where)
        self.normalize = _check.is_type(normalize, bool, name="normalize", where=where)

    def construct(self, embeddings: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss of a batch of embeddings."""
        return self.evaluate(
            losses.circle_loss,
            embeddings,
            labels,
            gamma=self.gamma,
            margin=self.margin,
            remove_diagonal=self.remove_diagonal,
            hold_weights=self.hold_weights,
            normalize=self.normalize,
            mask=unwrap(mask),
        )


class InfoNCELoss(RegisteredLoss):
    r"""Picks each query's key out of the keys of all.

    .. math:: \ell_i = -\log \frac{\exp(q_i \cdot k_i / \tau)}{\sum_j \exp(q_i \cdot k_j / \tau)}

    Args:
        temperature: :math:`\tau`, above 0; a number, or a Tensor of shape (). A Parameter is learned.
        symmetric: whether keys pick their queries too, as in CLIP; the loss is the mean of both.
        normalize: whether vectors are first scaled to length 1.
        reduction: "mean", "sum" or "none".
        chunk_size: how many rows meet all others at a time; None chooses (`losses.info_nce_loss`).

    Inputs:
        queries, keys: Tensors of one shape (N, D), floating; row i of the one belongs to row i of the other.
        mask: which pairs take part, Tensor (N,); all if left out.
        negatives: which keys (columns) are negatives of which queries (rows), Tensor (N, N); all if left out. A query's
            own key is its positive in any case.
        labels: integers, Tensor (N,); pairs with equal labels are no negatives of each other.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, or a temperature or chunk size that is not above 0.
        DtypeError: `labels` that are not integers.
        ShapeError: shapes that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> queries, keys = Tensor([[1.0, 0.0], [0.0, 1.0]]), Tensor([[1.0, 0.0], [0.6, 0.8]])
        >>> print(round(nn.InfoNCELoss(temperature=1.0)(queries, keys).item(), 4))
        0.4421

    Source: van den Oord, Li, Vinyals, "Representation Learning with Contrastive Predictive Coding", 2018; Radford
    et al., "Learning Transferable Visual Models From Natural Language Supervision", 2021 (`symmetric`).
    """

    def __init__(
        self,
        temperature: Any = 0.07,
        symmetric: bool = False,
        normalize: bool = True,
        reduction: str = "mean",
        chunk_size: int | None = None,
    ) -> None:
        super().__init__(reduction)
        self.temperature = _temperature(temperature, "InfoNCELoss")
        self.symmetric = _check.is_type(symmetric, bool, name="symmetric", where="InfoNCELoss")
        self.normalize = _check.is_type(normalize, bool, name="normalize", where="InfoNCELoss")
        self.chunk_size = _chunk_size(chunk_size, "InfoNCELoss")

    def construct(
        self,
        queries: Tensor,
        keys: Tensor,
        mask: Tensor | None = None,
        negatives: Tensor | None = None,
        labels: Tensor | None = None,
    ) -> Tensor:
        """The loss of a batch of pairs."""
        return self.evaluate(
            losses.info_nce_loss,
            queries,
            keys,
            temperature=unwrap(self.temperature),
            symmetric=self.symmetric,
            normalize=self.normalize,
            mask=unwrap(mask),
            chunk_size=self.chunk_size,
            negatives=unwrap(negatives),
            labels=unwrap(labels),
        )


class NTXentLoss(RegisteredLoss):
    r"""Picks each positive of a sample out of itself and the sample's negatives: SimCLR's loss.

    .. math:: \ell_i = -\sum_p \log \frac{\exp(x_i \cdot x_p / \tau)}
        {\exp(x_i \cdot x_p / \tau) + \sum_n \exp(x_i \cdot x_n / \tau)}

    The mean is over the positive pairs.

    Args:
        temperature: :math:`\tau`, above 0; a number, or a Tensor of shape (). A Parameter is learned.
        normalize: whether vectors are first scaled to length 1.
        reduction: "mean", "sum" or "none".

    Inputs:
        embeddings: Tensor (N, D), floating.
        labels: equal for samples that are positives of one another, Tensor (N,), int32 or int64.
        mask: which samples take part, Tensor (N,); all if left out.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, or a temperature that is not above 0.
        DtypeError, ShapeError: inputs that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        >>> print(round(nn.NTXentLoss(temperature=1.0)(x, Tensor([0, 0, 1])).item(), 4))
        0.6178

    Source: Chen et al., "A Simple Framework for Contrastive Learning of Visual Representations", 2020; optax
    `ntxent`.
    """

    def __init__(self, temperature: Any = 0.07, normalize: bool = True, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.temperature = _temperature(temperature, "NTXentLoss")
        self.normalize = _check.is_type(normalize, bool, name="normalize", where="NTXentLoss")

    def construct(self, embeddings: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss of a batch of embeddings."""
        return self.evaluate(
            losses.nt_xent_loss,
            embeddings,
            labels,
            temperature=unwrap(self.temperature),
            normalize=self.normalize,
            mask=unwrap(mask),
        )


class SupConLoss(RegisteredLoss):
    r"""Picks the positives of each sample out of all other samples: supervised contrastive learning.

    .. math:: \ell_i = -\frac{1}{|P_i|} \sum_{p \in P_i} \log \frac{\exp(x_i \cdot x_p / \tau)}
        {\sum_{a \ne i} \exp(x_i \cdot x_a / \tau)}

    A sample without a positive has loss 0 and does not count in the mean.

    Args:
        temperature: :math:`\tau`, above 0; a number, or a Tensor of shape (). A Parameter is learned.
        normalize: whether vectors are first scaled to length 1.
        reduction: "mean", "sum" or "none".

    Inputs:
        embeddings: Tensor (N, D), floating.
        labels: class of each, Tensor (N,), int32 or int64.
        mask: which samples take part, Tensor (N,); all if left out.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, or a temperature that is not above 0.
        DtypeError, ShapeError: inputs that do not fit.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        >>> print(round(nn.SupConLoss(temperature=1.0)(x, Tensor([0, 0, 1])).item(), 4))
        0.6178

    Source: Khosla et al., "Supervised Contrastive Learning", 2020.
    """

    def __init__(self, temperature: Any = 0.07, normalize: bool = True, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.temperature = _temperature(temperature, "SupConLoss")
        self.normalize = _check.is_type(normalize, bool, name="normalize", where="SupConLoss")

    def construct(self, embeddings: Tensor, labels: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss of a batch of embeddings."""
        return self.evaluate(
            losses.sup_con_loss,
            embeddings,
            labels,
            temperature=unwrap(self.temperature),
            normalize=self.normalize,
            mask=unwrap(mask),
        )


class SigLIPLoss(RegisteredLoss):
    r"""Tells for every image and text, each for itself, whether they belong together.

    .. math:: \ell_i = \sum_j \log\big(1 + \exp(-z_{ij} (t\, x_i \cdot y_j + b))\big)

    z is 1 for i = j and else -1. The temperature t multiplies, as in the paper.

    Args:
        temperature: t, above 0; a number, or a Tensor of shape (). A Parameter is learned.
        bias: b; a number, or a Tensor of shape (). A Parameter is learned.
        normalize: whether vectors are first scaled to length 1.
        reduction: "mean", "sum" or "none".
        chunk_size: how many rows meet all others at a time; None chooses (`losses.info_nce_loss`).

    Inputs:
        images, texts: Tensors of one shape (N, D), floating; row i of the one belongs to row i of the other.
        mask: which pairs take part, Tensor (N,); all if left out.

    Returns:
        Tensor of shape (), or (N,) for "none".

    Raises:
        ArgumentError: an unknown reduction, or a temperature or chunk size that is not above 0.
        ShapeError: the shapes differ.

    Examples:
        >>> from sporax import nn, Parameter, Tensor
        >>> loss = nn.SigLIPLoss(temperature=Parameter(Tensor(5.0), name="temperature"), bias=-3.0)
        >>> images, texts = Tensor([[1.0, 0.0], [0.0, 1.0]]), Tensor([[1.0, 0.0], [0.6, 0.8]])
        >>> print(round(loss(images, texts).item(), 4))
        0.591
        >>> [parameter.name for parameter in loss.trainable_params()]
        ['temperature']

    Source: Zhai et al., "Sigmoid Loss for Language Image Pre-Training", 2023.
    """

    def __init__(
        self,
        temperature: Any = 10.0,
        bias: Any = -10.0,
        normalize: bool = True,
        reduction: str = "mean",
        chunk_size: int | None = None,
    ) -> None:
        super().__init__(reduction)
        self.temperature = _temperature(temperature, "SigLIPLoss")
        self.bias = bias if isinstance(bias, Tensor) else _check.number(bias, name="bias", where="SigLIPLoss")
        self.normalize = _check.is_type(normalize, bool, name="normalize", where="SigLIPLoss")
        self.chunk_size = _chunk_size(chunk_size, "SigLIPLoss")

    def construct(self, images: Tensor, texts: Tensor, mask: Tensor | None = None) -> Tensor:
        """The loss of a batch of pairs."""
        return self.evaluate(
            losses.siglip_loss,
            images,
            texts,
            temperature=unwrap(self.temperature),
            bias=unwrap(self.bias),
            normalize=self.normalize,
            mask=unwrap(mask),
            chunk_size=self.chunk_size,
        )


def _temperature(value: Any, where: str) -> Any:
    if isinstance(value, Tensor):
        return value
    return _check.number(value, name="temperature", where=where, minimum=0, open_minimum=True)


def _chunk_size(value: int | None, where: str) -> int | None:
    return None if value is None else _check.integer(value, name="chunk_size", where=where, minimum=1)
