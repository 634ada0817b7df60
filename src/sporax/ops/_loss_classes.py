"""Classification losses as ops. Some class forms also return a gradient or a denominator."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from sporax import losses
from sporax.ops import _args
from sporax.ops._loss_op import loss_op
from sporax.ops._op import signature


def value_and_gradient(function: Any, x: Any) -> tuple[jax.Array, jax.Array]:
    """The values of independent samples, and the gradient of each with respect to its part of x."""
    values, pull = jax.vjp(function, x)
    return values, jax.lax.stop_gradient(pull(jnp.ones_like(values))[0])


def _cross_entropy(logits: Any, labels: Any, *, ignore_index: Any, **options: Any) -> jax.Array:
    labels = _args.as_array(labels)
    if jnp.issubdtype(labels.dtype, jnp.integer):
        return losses.evaluate(losses.cross_entropy, logits, labels, ignore_index=ignore_index, **options)
    return losses.evaluate(losses.soft_cross_entropy, logits, labels, **options)


cross_entropy = loss_op(
    losses.cross_entropy,
    "ops.cross_entropy(input, target, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0)",
    "ops.cross_entropy_ext(input, target, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0)",
    "mint.nn.functional.cross_entropy("
    "input, target, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0)",
    doc=r"""
    Cross entropy of class indices or class probabilities and the softmax of logits.

    .. math:: -\sum_c w_c\, q_{i,c} \ln \operatorname{softmax}(x_i)_c, \qquad
        q_{i,c} = (1 - s)\, [c = y_i] + \frac{s}{C} \text{ or } (1 - s)\, y_{i,c} + \frac{s}{C}

    For class indices the mean divides by the sum of :math:`w_{y_i}` over the labels that are not `ignore_index`, for
    probabilities by the number of labels. In compiled code a label outside [0, C) gives NaN. Class probabilities are
    evaluated by `losses.soft_cross_entropy`.

    Args:
        logits: logits x of shape (N, C, ...), or (C,) for one sample.
        labels: class indices of an integer dtype, of shape (N, ...) or (); or probabilities of a floating dtype, of
            the shape of `logits`.
        ignore_index: the label that is ignored; not used for probabilities.

    Examples:
        >>> print(ops.cross_entropy(Tensor([[0.0, 2.0], [0.0, 0.0]]), Tensor([1, 0]), reduction="none"))
        [0.12692805 0.6931472 ]
    """,
    compute=_cross_entropy,
)

_NLL_INPUTS = """
        logits: log probabilities x of shape (N, C, ...), or (C,) for one sample. They are not normalized here.
        labels: class indices y of an integer dtype, of shape (N, ...), or ().
"""
_NLL = rf"""
    Negative log likelihood of class indices, given log probabilities.

    .. math:: \ell_i = -w_{{y_i}} x_{{i, y_i}}

    The mean divides by the sum of :math:`w_{{y_i}}` over the labels that are not `ignore_index`. In compiled code a
    label outside [0, C) gives NaN.

    Args:{_NLL_INPUTS}"""

nll_loss = loss_op(
    losses.nll_loss,
    "ops.nll_loss(inputs, target, weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0)",
    doc=f"""
    Args:{_NLL_INPUTS}
    Examples:
        >>> print(ops.nll_loss(Tensor([[-0.5, -1.0], [-2.0, -0.25]]), Tensor([0, 1])))
        0.375
    """,
)

nll_loss_ext = loss_op(
    losses.nll_loss,
    "ops.nll_loss_ext(input, target, weight=None, ignore_index=-100, reduction='mean')",
    "mint.nn.functional.nll_loss(input, target, weight=None, ignore_index=-100, reduction='mean')",
    doc=f"""{_NLL}
    Examples:
        >>> print(ops.nll_loss_ext(Tensor([[-0.5, -1.0], [-2.0, -0.25]]), Tensor([0, 1])))
        0.375
    """,
)


def _nll(logits: Any, labels: Any, *, weight: Any, reduction: str, **options: Any) -> tuple[jax.Array, jax.Array]:
    options["weight"] = weight
    loss = losses.evaluate(losses.nll_loss, logits, labels, reduction=reduction, **options)
    _, total = losses.evaluate_sum_and_weight(losses.nll_loss, logits, labels, **options)
    dtype = loss.dtype if weight is None else _args.as_floating(weight).dtype
    return loss, jax.lax.stop_gradient(total).astype(dtype)


loss_op(
    losses.nll_loss,
    "ops.NLLLoss(reduction='mean', ignore_index=-100)(logits, labels, weight)",
    doc=f"""{_NLL}
    Returns:
        The loss, and the sum of the weights of the labels that are not `ignore_index`.
    """,
    compute=_nll,
)


def _softmax_cross_entropy(logits: Any, labels: Any, **options: Any) -> tuple[jax.Array, jax.Array]:
    labels = _args.as_array(labels)
    loss = losses.softmax_cross_entropy_with_logits
    return value_and_gradient(lambda x: losses.evaluate(loss, x, labels, **options), _args.as_floating(logits))


loss_op(
    losses.softmax_cross_entropy_with_logits,
    signature("ops.SoftmaxCrossEntropyWithLogits()(logits, labels)", reduction="none"),
    doc="""
    Returns:
        The loss of each row, of shape (N,), and its gradient with respect to the logits, of shape (N, C).
    """,
    compute=_softmax_cross_entropy,
)


def _sparse_softmax_cross_entropy(logits: Any, labels: Any, *, is_grad: bool, **options: Any) -> jax.Array:
    labels = _args.as_array(labels)

    def mean(x: jax.Array) -> jax.Array:
        return losses.evaluate(losses.sparse_softmax_cross_entropy_with_logits, x, labels, **options)

    x = _args.as_floating(logits)
    return jax.grad(mean)(x) if is_grad else mean(x)


loss_op(
    losses.sparse_softmax_cross_entropy_with_logits,
    signature("ops.SparseSoftmaxCrossEntropyWithLogits(is_grad=False)(logits, labels)", reduction="mean"),
    doc="""
    Args:
        is_grad: whether to return the gradient with respect to the logits instead of the mean.

    Returns:
        The mean of the loss over rows, or its gradient.
    """,
    compute=_sparse_softmax_cross_entropy,
)

multi_margin_loss = loss_op(
    losses.multi_margin_loss,
    "ops.multi_margin_loss(input, target, p=1, margin=1, weight=None, reduction='mean')",
    "ops.MultiMarginLoss(p=1, margin=1.0, reduction='mean')(x, target, weight=None)",
    doc="""
    Args:
        logits: scores x of shape (N, C), or (C,) for one sample.
        labels: class indices y of an integer dtype, of shape (N,), or ().

    Examples:
        >>> print(ops.multi_margin_loss(Tensor([[0.5, 1.0, 0.0, 0.5]]), Tensor([1])))
        0.25
    """,
)

multilabel_margin_loss = loss_op(
    losses.multilabel_margin_loss,
    "ops.multilabel_margin_loss(input, target, reduction='mean')",
    doc="""
    Examples:
        >>> print(ops.multilabel_margin_loss(Tensor([[0.5, 1.0, 0.0, 0.5]]), Tensor([[1, 3, -1, 0]])))
        0.5
    """,
)


def _multilabel_margin(logits: Any, labels: Any, **options: Any) -> tuple[jax.Array, jax.Array]:
    labels = _args.as_array(labels)
    loss = losses.evaluate(losses.multilabel_margin_loss, logits, labels, **options)
    # The list ends at the first -1.
    listed = jnp.cumprod((labels >= 0).astype(jnp.int32), axis=-1) == 1
    found = jax.nn.one_hot(jnp.where(listed, labels, -1), labels.shape[-1], dtype=jnp.int32)
    return loss, jnp.max(found, axis=-2)


loss_op(
    losses.multilabel_margin_loss,
    "ops.MultilabelMarginLoss(reduction='mean')(x, target)",
    doc="""
    Returns:
        The loss, and an int32 Tensor that is 1 for each class in the list of its sample and 0 for the others.
    """,
    compute=_multilabel_margin,
)
