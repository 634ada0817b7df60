"""Losses of pairs and triplets as ops; `sporax.losses` does the mathematics."""

from __future__ import annotations

from typing import Any

from sporax import losses
from sporax.ops._args import Array
from sporax.ops._base import op


@op
def cosine_embedding_loss(
    input1: Array, input2: Array, target: Array, margin: float = 0.0, reduction: str = "mean"
) -> Array:
    r"""Pulls the directions of similar pairs together, and pushes dissimilar ones apart.

    .. math:: 1 - \cos(x_1, x_2) \text{ where } y = 1, \; \max(0, \cos(x_1, x_2) - m) \text{ where } y = -1

    Args:
        input1, input2: Tensors of vectors along axis 1, of shape (N, D, ...), or (D,).
        target: Tensor of 1 and -1, of shape (N, ...), or ().
        margin: m, in [-1, 1].
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of the shape of `target` ("none"), or of no axis.

    Raises:
        ShapeError: the shapes do not fit.
        ArgumentError: an unknown reduction, or a margin out of range.

    Examples:
        >>> from sporax import ops, Tensor
        >>> x, y = Tensor([[3.0, 4.0]]), Tensor([[4.0, -3.0]])
        >>> print(ops.cosine_embedding_loss(x, y, Tensor([1])))
        1.0

    Source: `ops.cosine_embedding_loss` of MindSpore; `losses.cosine_embedding_loss`.
    """
    return losses.evaluate(
        losses.cosine_embedding_loss,
        input1,
        input2,
        target,
        reduction=reduction,
        where="ops.cosine_embedding_loss",
        margin=margin,
    )


@op
def margin_ranking_loss(
    input1: Array, input2: Array, target: Array, margin: float = 0.0, reduction: str = "mean"
) -> Array:
    r"""What a score that should be the greater lacks of a margin above the other.

    .. math:: \max(0, -y_i (x_{1,i} - x_{2,i}) + m)

    Args:
        input1, input2: Tensors of scores, of one shape.
        target: Tensor y of that shape: 1 where `input1` should be the greater, -1 where `input2` should.
        margin: m.
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of that shape ("none"), or of no axis.

    Raises:
        ShapeError: the shapes differ.
        LabelError: labels other than 1 and -1, where their values are known.
        ArgumentError: an unknown reduction.

    Examples:
        >>> from sporax import ops, Tensor
        >>> x, y = Tensor([3.0, 1.0]), Tensor([1.0, 2.5])
        >>> print(ops.margin_ranking_loss(x, y, Tensor([-1, 1]), reduction="none"))
        [2.  1.5]

    Source: `ops.margin_ranking_loss` of MindSpore; `losses.margin_ranking_loss`.
    """
    return losses.evaluate(
        losses.margin_ranking_loss,
        input1,
        input2,
        target,
        reduction=reduction,
        where="ops.margin_ranking_loss",
        margin=margin,
    )


@op
def triplet_margin_loss(
    anchor: Array,
    positive: Array,
    negative: Array,
    margin: Any = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    reduction: str = "mean",
) -> Array:
    r"""Whether an anchor is nearer to its positive than to its negative, by a margin.

    .. math:: \max(0, d(a, p) - d(a, n) + m), \qquad d(x, y) = \lVert x - y + \varepsilon \rVert_p

    Args:
        anchor, positive, negative: Tensors of vectors along the last axis, of one shape (..., D).
        margin: m, a number from 0 on or a Tensor of shape ().
        p: the degree of the norm, above 0.
        eps: what is added to each coordinate of a difference.
        swap: whether the negative's distance is the smaller of those from the anchor and from the positive.
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of shape (...) ("none"), or of no axis.

    Raises:
        ShapeError: the shapes differ.
        ArgumentError: an unknown reduction, a negative margin, or a `p` that is not above 0.

    Examples:
        >>> from sporax import ops, Tensor
        >>> x, near, far = Tensor([[0.0, 0.0]]), Tensor([[0.0, 1.0]]), Tensor([[3.0, 4.0]])
        >>> print(ops.triplet_margin_loss(x, far, near, eps=0.0))
        5.0

    Source: `ops.triplet_margin_loss` of MindSpore; `losses.triplet_margin_loss`.
    """
    return losses.evaluate(
        losses.triplet_margin_loss,
        anchor,
        positive,
        negative,
        reduction=reduction,
        where="ops.triplet_margin_loss",
        margin=margin,
        p=p,
        eps=eps,
        swap=swap,
    )
