"""Losses of numbers and of distributions as ops; `sporax.losses` does the mathematics."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax.ops._args import Array, as_array
from sporax.ops._base import alias, op


@op
def l1_loss(input: Array, target: Array, reduction: str = "mean") -> Array:
    r"""The absolute difference.

    .. math:: |x_i - y_i|

    Args:
        input: Tensor of predictions x.
        target: Tensor of targets y; one shape must broadcast to the other.
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of the larger shape ("none"), or of no axis.

    Raises:
        ShapeError: shapes that do not fit, or would make more elements than the larger input.
        ArgumentError: an unknown reduction.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.l1_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])))
        1.0

    Source: `ops.l1_loss` of MindSpore; `losses.l1_loss`.
    """
    return losses.evaluate(losses.l1_loss, input, target, reduction=reduction, where="ops.l1_loss")


@op
def mse_loss(input: Array, target: Array, reduction: str = "mean") -> Array:
    r"""The squared difference.

    .. math:: (x_i - y_i)^2

    Args:
        input: Tensor of predictions x.
        target: Tensor of targets y; one shape must broadcast to the other.
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of the larger shape ("none"), or of no axis.

    Raises:
        ShapeError: shapes that do not fit, or would make more elements than the larger input.
        ArgumentError: an unknown reduction.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.mse_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])))
        2.0

    Source: `ops.mse_loss` of MindSpore; `losses.mse_loss`.
    """
    return losses.evaluate(losses.mse_loss, input, target, reduction=reduction, where="ops.mse_loss")


@op
def smooth_l1_loss(input: Array, target: Array, beta: float = 1.0, reduction: str = "none") -> Array:
    r"""Squared near zero, absolute farther away.

    .. math:: d_i^2 / (2 \beta) \text{ where } |d_i| < \beta, \; |d_i| - \beta / 2 \text{ else}, \quad d_i = x_i - y_i

    Args:
        input: Tensor of predictions x.
        target: Tensor of targets y; one shape must broadcast to the other.
        beta: where the square ends, above 0.
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of the larger shape ("none"), or of no axis.

    Raises:
        ShapeError: shapes that do not fit, or would make more elements than the larger input.
        ArgumentError: an unknown reduction, or `beta` not above 0.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.smooth_l1_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0])))
        [0.  1.5]

    Source: `ops.smooth_l1_loss` of MindSpore; `losses.smooth_l1_loss`.
    """
    return losses.evaluate(
        losses.smooth_l1_loss, input, target, reduction=reduction, where="ops.smooth_l1_loss", beta=beta
    )


@op
def huber_loss(input: Array, target: Array, reduction: str = "mean", delta: float = 1.0) -> Array:
    r"""Squared near zero, absolute farther away, in units of the square.

    .. math:: d_i^2 / 2 \text{ where } |d_i| < \delta, \; \delta (|d_i| - \delta / 2) \text{ else}, \quad
        d_i = x_i - y_i

    Args:
        input: Tensor of predictions x.
        target: Tensor or number, targets y; one shape must broadcast to the other.
        reduction: "none", "mean" or "sum".
        delta: where the square ends, above 0.

    Returns:
        Tensor of the larger shape ("none"), or of no axis.

    Raises:
        ShapeError: shapes that do not fit, or would make more elements than the larger input.
        ArgumentError: an unknown reduction, or `delta` not above 0.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.huber_loss(Tensor([1.0, 2.0]), Tensor([1.0, 6.0]), "none", delta=2.0))
        [0. 6.]

    Source: `ops.huber_loss` of MindSpore; `losses.huber_loss`.
    """
    return losses.evaluate(losses.huber_loss, input, target, reduction=reduction, where="ops.huber_loss", delta=delta)


@op
def gaussian_nll_loss(
    x: Array, target: Array, var: Array, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Array:
    r"""How unlikely targets are under normal distributions of given means and variances.

    .. math:: \frac{1}{2} \left[ \ln \max(v_i, \varepsilon) + \frac{(x_i - y_i)^2}{\max(v_i, \varepsilon)} \right]

    Args:
        x: Tensor of means x.
        target: Tensor of targets y.
        var: Tensor of variances v, above 0, of the shape of `x`, or one for each row: (..., 1) or (...).
        full: whether the constant :math:`\ln(2 \pi) / 2` is added.
        eps: the least variance, above 0.
        reduction: "none", "mean" or "sum".

    Returns:
        Tensor of the largest shape ("none"), or of no axis.

    Raises:
        ShapeError: shapes that do not fit.
        ArgumentError: an unknown reduction, or `eps` not above 0.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.gaussian_nll_loss(Tensor([1.0, 2.0]), Tensor([1.0, 4.0]), Tensor([1.0, 1.0]), reduction="none"))
        [0. 2.]

    Source: `ops.gaussian_nll_loss` of MindSpore; `losses.gaussian_nll_loss`.
    """
    return losses.evaluate(
        losses.gaussian_nll_loss, x, target, var, reduction=reduction, where="ops.gaussian_nll_loss", full=full, eps=eps
    )


def divergence(logits: Array, labels: Array, reduction: str, where: str, *, log_target: bool = False) -> Array:
    """The divergence with its fourth reduction, the sum over the number of samples."""
    losses.check_reduction(reduction, where=where, allowed=(*losses.REDUCTIONS, "batchmean"))
    return losses.evaluate(losses.kl_div, logits, labels, reduction=reduction, where=where, log_target=log_target)


@op
def kl_div(logits: Array, labels: Array, reduction: str = "mean") -> Array:
    r"""The Kullback-Leibler divergence of each element: how far log probabilities are from probabilities.

    .. math:: y_i (\ln y_i - x_i)

    Args:
        logits: Tensor of log probabilities x.
        labels: Tensor of probabilities y, of the same shape.
        reduction: "none", "mean", "sum", or "batchmean": the sum over the size of the first axis, which is the
            divergence of the distributions.

    Returns:
        Tensor of the same shape ("none"), or of no axis.

    Raises:
        ShapeError: the shapes differ.
        ArgumentError: an unknown reduction.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.kl_div(Tensor([[-1.0, -0.5]]), Tensor([[0.0, 1.0]]), "batchmean"))
        0.5

    Source: `ops.kl_div` of MindSpore; `losses.kl_div`.
    """
    return divergence(logits, labels, reduction, "ops.kl_div")


@op
def kl_div_ext(input: Array, target: Array, reduction: str = "mean", log_target: bool = False) -> Array:
    r"""`kl_div` whose targets may be log probabilities, and whose shapes may broadcast.

    .. math:: y_i (\ln y_i - x_i)

    Args:
        input: Tensor of log probabilities x.
        target: Tensor of probabilities y, or of their logarithms; one shape must broadcast to the other.
        reduction: "none", "mean", "sum" or "batchmean".
        log_target: whether `target` holds logarithms.

    Returns:
        Tensor of the larger shape ("none"), or of no axis.

    Raises:
        ShapeError: shapes that do not fit.
        ArgumentError: an unknown reduction.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.kl_div_ext(Tensor([[-1.0, -0.5]]), Tensor([[0.0, 1.0]]), reduction="none"))
        [[0.  0.5]]

    Source: `mint.nn.functional.kl_div` of MindSpore; `losses.kl_div`.
    """
    x, y = as_array(input), as_array(target)
    try:
        common = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        common = None
    if common in (x.shape, y.shape):
        x, y = jnp.broadcast_to(x, common), jnp.broadcast_to(y, common)
    return divergence(x, y, reduction, "ops.kl_div_ext", log_target=log_target)


l1_loss_ext = alias("l1_loss_ext", l1_loss)
mse_loss_ext = alias("mse_loss_ext", mse_loss)
