"""Contrastive losses; the formulas are in `sporax.losses`."""

from __future__ import annotations

from sporax import losses
from sporax._schema import Flag, NonNegative, Number, Positive, PositiveInteger
from sporax.nn.loss._function_loss import FunctionLoss
from sporax.nn.loss._labels import TensorOrNumber, TensorOrPositive

__all__ = [
    "CircleLoss",
    "ContrastiveLoss",
    "InfoNCELoss",
    "MultiSimilarityLoss",
    "NPairLoss",
    "NTXentLoss",
    "SigLIPLoss",
    "SupConLoss",
]


class ContrastiveLoss(FunctionLoss, function=losses.contrastive_loss):
    """Contrastive loss: attracts similar pairs, and separates dissimilar pairs by a margin.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x1, x2 = Tensor([[0.0, 0.0], [0.0, 0.0]]), Tensor([[3.0, 4.0], [0.0, 0.5]])
        >>> print(nn.ContrastiveLoss(reduction="none")(x1, x2, Tensor([1, 0])))
        [12.5    0.125]
    """

    margin: NonNegative = 1.0
    reduction: str = "mean"


class NPairLoss(FunctionLoss, function=losses.n_pair_loss, optional="mask"):
    """N-pair loss: cross entropy of each anchor's positive among all positives of the batch.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.NPairLoss()(Tensor([[1.0, 0.0], [0.0, 1.0]]), Tensor([[2.0, 0.0], [0.0, 3.0]]))
        >>> print(round(loss.item(), 4))
        0.0878
    """

    l2_weight: NonNegative = 0.0
    normalize: Flag = False
    reduction: str = "mean"


class MultiSimilarityLoss(FunctionLoss, function=losses.multi_similarity_loss, optional="mask"):
    """Multi-similarity loss: weights each pair by its own similarity and those of the anchor's other pairs.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        >>> print(round(nn.MultiSimilarityLoss(reduction="sum")(x, Tensor([0, 0, 1])).item(), 4))
        0.5991
    """

    alpha: Positive = 2.0
    beta: Positive = 50.0
    base: Number = 0.5
    epsilon: Number | None = 0.1
    normalize: Flag = True
    reduction: str = "mean"


class CircleLoss(FunctionLoss, function=losses.circle_loss, optional="mask"):
    """Circle loss: weights each similarity by its distance from its optimum.

    A sample without a positive or without a negative has loss 0 and does not count in the mean.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        >>> print(round(nn.CircleLoss(gamma=10)(x, Tensor([0, 0, 1])).item(), 4))
        2.496
    """

    gamma: Positive = 80.0
    margin: Number = 0.4
    remove_diagonal: Flag = True
    hold_weights: Flag = False
    normalize: Flag = True
    reduction: str = "mean"


class InfoNCELoss(FunctionLoss, function=losses.info_nce_loss, optional="mask, negatives, labels"):
    """InfoNCE loss: cross entropy of each query's key among all keys.

    Examples:
        >>> from sporax import nn, Tensor
        >>> queries, keys = Tensor([[1.0, 0.0], [0.0, 1.0]]), Tensor([[1.0, 0.0], [0.6, 0.8]])
        >>> print(round(nn.InfoNCELoss(temperature=1.0)(queries, keys).item(), 4))
        0.4421
    """

    temperature: TensorOrPositive = 0.07
    symmetric: Flag = False
    normalize: Flag = True
    reduction: str = "mean"
    chunk_size: PositiveInteger | None = None


class NTXentLoss(FunctionLoss, function=losses.nt_xent_loss, optional="mask"):
    """Normalized temperature-scaled cross entropy (SimCLR): each positive pair against the sample's negatives.

    The mean is over the positive pairs.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        >>> print(round(nn.NTXentLoss(temperature=1.0)(x, Tensor([0, 0, 1])).item(), 4))
        0.6178
    """

    temperature: TensorOrPositive = 0.07
    normalize: Flag = True
    reduction: str = "mean"


class SupConLoss(FunctionLoss, function=losses.sup_con_loss, optional="mask"):
    """Supervised contrastive loss: the positives of each sample among all other samples.

    A sample without a positive has loss 0 and does not count in the mean.

    Examples:
        >>> from sporax import nn, Tensor
        >>> x = Tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        >>> print(round(nn.SupConLoss(temperature=1.0)(x, Tensor([0, 0, 1])).item(), 4))
        0.6178
    """

    temperature: TensorOrPositive = 0.07
    normalize: Flag = True
    reduction: str = "mean"


class SigLIPLoss(FunctionLoss, function=losses.siglip_loss, optional="mask"):
    """Pairwise sigmoid loss of image and text embeddings.

    z is 1 for i = j and -1 otherwise. The temperature t is a factor, as in the paper.

    Examples:
        >>> from sporax import nn, Parameter, Tensor
        >>> loss = nn.SigLIPLoss(temperature=Parameter(Tensor(5.0), name="temperature"), bias=-3.0)
        >>> images, texts = Tensor([[1.0, 0.0], [0.0, 1.0]]), Tensor([[1.0, 0.0], [0.6, 0.8]])
        >>> print(round(loss(images, texts).item(), 4))
        0.591
        >>> [parameter.name for parameter in loss.trainable_params()]
        ['temperature']
    """

    temperature: TensorOrPositive = 10.0
    bias: TensorOrNumber = -10.0
    normalize: Flag = True
    reduction: str = "mean"
    chunk_size: PositiveInteger | None = None
