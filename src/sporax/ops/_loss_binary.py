"""Binary and multi-label losses as ops."""

from __future__ import annotations

from sporax import losses
from sporax.ops._loss_op import loss_op
from sporax.ops._op import signature

binary_cross_entropy = loss_op(
    losses.binary_cross_entropy,
    "ops.binary_cross_entropy(logits, labels, weight=None, reduction='mean')",
    "mint.nn.functional.binary_cross_entropy(input, target, weight=None, reduction='mean')",
    "ops.BinaryCrossEntropy(reduction='mean')(input, target, weight=None)",
    doc="""
    Raises:
        ArgumentError: inputs outside [0, 1], where their values are known.

    Examples:
        >>> print(ops.binary_cross_entropy(Tensor([0.5]), Tensor([1.0])).asnumpy().round(4))
        0.6931
    """,
)

binary_cross_entropy_with_logits = loss_op(
    losses.binary_cross_entropy_with_logits,
    "ops.binary_cross_entropy_with_logits(input, target, weight=None, pos_weight=None, reduction='mean')",
    "mint.nn.functional.binary_cross_entropy_with_logits("
    "input, target, weight=None, reduction='mean', pos_weight=None)",
    signature(
        "ops.BCEWithLogitsLoss(reduction='mean')(input, target, weight=None, posWeight=None)",
        rename={"posWeight": "pos_weight"},
    ),
    signature("ops.SigmoidCrossEntropyWithLogits()(logits, labels)", reduction="none"),
    doc="""
    Examples:
        >>> print(ops.binary_cross_entropy_with_logits(Tensor([0.0]), Tensor([1.0])).asnumpy().round(4))
        0.6931
    """,
)

soft_margin_loss = loss_op(
    losses.soft_margin_loss,
    "ops.soft_margin_loss(input, target, reduction='mean')",
    "mint.nn.functional.soft_margin_loss(input, target, reduction='mean')",
    "ops.SoftMarginLoss(reduction='mean')(input, target)",
    doc="""
    Examples:
        >>> print(ops.soft_margin_loss(Tensor([0.3, 0.7]), Tensor([-1, 1]), "none").asnumpy().round(4))
        [0.8544 0.4032]
    """,
)

multilabel_soft_margin_loss = loss_op(
    losses.multilabel_soft_margin_loss,
    "ops.multilabel_soft_margin_loss(input, target, weight=None, reduction='mean')",
    doc="""
    Examples:
        >>> x, y = Tensor([[0.3, 0.6, 0.6], [0.9, 0.4, 0.2]]), Tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]])
        >>> print(ops.multilabel_soft_margin_loss(x, y, reduction="none").asnumpy().round(4))
        [0.7764 0.9174]
    """,
)

hinge_embedding_loss = loss_op(
    losses.hinge_embedding_loss,
    "ops.hinge_embedding_loss(inputs, targets, margin=1.0, reduction='mean')",
    doc="""
    Examples:
        >>> print(ops.hinge_embedding_loss(Tensor([0.5, 0.25, 2.0]), Tensor([1, -1, -1]), reduction="none"))
        [0.5  0.75 0.  ]
    """,
)
