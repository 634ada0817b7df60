"""Regression losses and divergences as ops."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax.ops import _args
from sporax.ops._kinds import Floating
from sporax.ops._loss_op import loss_op
from sporax.ops._op import op

l1_loss = loss_op(
    losses.l1_loss,
    "ops.l1_loss(input, target, reduction='mean')",
    "ops.l1_loss_ext(input, target, reduction='mean')",
    "mint.nn.functional.l1_loss(input, target, reduction='mean')",
    doc="""
    Examples:
        >>> print(ops.l1_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])))
        1.0
    """,
)

mse_loss = loss_op(
    losses.mse_loss,
    "ops.mse_loss(input, target, reduction='mean')",
    "ops.mse_loss_ext(input, target, reduction='mean')",
    "mint.nn.functional.mse_loss(input, target, reduction='mean')",
    doc="""
    Examples:
        >>> print(ops.mse_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])))
        2.0
    """,
)

smooth_l1_loss = loss_op(
    losses.smooth_l1_loss,
    "ops.smooth_l1_loss(input, target, beta=1.0, reduction='none')",
    "ops.SmoothL1Loss(beta=1.0, reduction='none')(prediction, target)",
    doc="""
    Examples:
        >>> print(ops.smooth_l1_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])))
        [0.  1.5]
    """,
)


def _smooth_l1(logits: Any, labels: Any, *, beta: Any, **options: Any) -> jax.Array:
    if isinstance(beta, (int, float)) and beta == 0:
        return losses.evaluate(losses.l1_loss, logits, labels, **options)
    return losses.evaluate(losses.smooth_l1_loss, logits, labels, beta=beta, **options)


loss_op(
    losses.smooth_l1_loss,
    "mint.nn.functional.smooth_l1_loss(input, target, reduction='mean', beta=1.0)",
    doc="""
    Args:
        beta: where the square ends, at least 0, in units of the inputs; 0 gives the absolute difference.
    """,
    compute=_smooth_l1,
)

huber_loss = loss_op(
    losses.huber_loss,
    "ops.huber_loss(input, target, reduction='mean', delta=1.0)",
    doc="""
    Examples:
        >>> print(ops.huber_loss(Tensor([1.0, 2.0]), Tensor([1.0, 6.0]), "none", delta=2.0))
        [0. 6.]
    """,
)

gaussian_nll_loss = loss_op(
    losses.gaussian_nll_loss,
    "ops.gaussian_nll_loss(x, target, var, full=False, eps=1e-6, reduction='mean')",
    doc="""
    Examples:
        >>> print(ops.gaussian_nll_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]), Tensor([1.0, 1.0]), reduction="none"))
        [0. 2.]
    """,
)

_BATCHMEAN = '"none", "mean", "sum", or "batchmean": the sum over the size of the first axis.'

kl_div = loss_op(
    losses.kl_div,
    "ops.kl_div(logits, labels, reduction='mean')",
    "ops.KLDivLoss(reduction='mean')(logits, labels)",
    doc=f"""
    Args:
        reduction: {_BATCHMEAN}

    Examples:
        >>> print(ops.kl_div(Tensor([[-1.0, -0.5]]), Tensor([[0.0, 1.0]]), "batchmean"))
        0.5
    """,
)


def _kl_div(logits: Any, labels: Any, **options: Any) -> jax.Array:
    """The divergence of arrays, one of whose shapes may broadcast to the other."""
    x, y = _args.as_array(logits), _args.as_array(labels)
    try:
        common = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        common = None
    if common in (x.shape, y.shape):
        x, y = jnp.broadcast_to(x, common), jnp.broadcast_to(y, common)
    return losses.evaluate(losses.kl_div, x, y, **options)


kl_div_ext = loss_op(
    losses.kl_div,
    "ops.kl_div_ext(input, target, reduction='mean', log_target=False)",
    "mint.nn.functional.kl_div(input, target, reduction='mean', log_target=False)",
    doc=f"""
    Args:
        labels: target probabilities t, or their logarithms; one of the two shapes must broadcast to the other.
        reduction: {_BATCHMEAN}

    Returns:
        Values of the larger of the two shapes. A scalar where `reduction` is not "none".

    Raises:
        ShapeError: neither shape broadcasts to the other.

    Examples:
        >>> print(ops.kl_div_ext(Tensor([[-1.0, -0.5]]), Tensor([[0.0, 1.0]]), reduction="none"))
        [[0.  0.5]]
    """,
    compute=_kl_div,
)


@op("ops.L2Loss()(input_x)")
def _l2(x: Floating) -> jax.Array:
    r"""Half the sum of squares.

    .. math:: \frac{1}{2} \sum_i x_i^2
    """
    wide = _args.widened(x)
    return (jnp.sum(wide * wide) / 2).astype(x.dtype)
