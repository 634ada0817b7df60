"""Losses of pairs and triplets as ops."""

from __future__ import annotations

from sporax import losses
from sporax.ops._loss_op import loss_op

cosine_embedding_loss = loss_op(
    losses.cosine_embedding_loss,
    "ops.cosine_embedding_loss(input1, input2, target, margin=0.0, reduction='mean')",
    "mint.nn.functional.cosine_embedding_loss(input1, input2, target, margin=0.0, reduction='mean')",
    doc="""
    Examples:
        >>> x, y = Tensor([[3.0, 4.0]]), Tensor([[4.0, -3.0]])
        >>> print(ops.cosine_embedding_loss(x, y, Tensor([1])))
        1.0
    """,
)

margin_ranking_loss = loss_op(
    losses.margin_ranking_loss,
    "ops.margin_ranking_loss(input1, input2, target, margin=0.0, reduction='mean')",
    doc="""
    Examples:
        >>> x, y = Tensor([3.0, 1.0]), Tensor([1.0, 2.5])
        >>> print(ops.margin_ranking_loss(x, y, Tensor([-1, 1]), reduction="none"))
        [2.  1.5]
    """,
)

triplet_margin_loss = loss_op(
    losses.triplet_margin_loss,
    "ops.triplet_margin_loss(anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, reduction='mean')",
    "ops.TripletMarginLoss(p=2, swap=False, eps=1e-6, reduction='mean')(x, positive, negative, margin)",
    doc="""
    Examples:
        >>> x, near, far = Tensor([[0.0, 0.0]]), Tensor([[0.0, 1.0]]), Tensor([[3.0, 4.0]])
        >>> print(ops.triplet_margin_loss(x, far, near, eps=0.0))
        5.0
    """,
)
