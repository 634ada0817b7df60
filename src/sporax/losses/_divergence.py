"""Divergences between distributions."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from sporax._typing import ArrayLike
from sporax.losses.contract import Flag, LossInfo, label, loss_function, prediction
from sporax.losses.numerics._logistic import polynomial
from sporax.losses.numerics._relative_entropy import divergence_of_rows, divergence_terms, mass_divergence
from sporax.losses.numerics._sums import sum_rows

__all__ = [
    "convex_kl_divergence",
    "generalized_kl_divergence",
    "jensen_shannon_loss",
    "kl_div",
    "kl_divergence",
    "kl_divergence_with_log_targets",
]

_ROWS = (
    prediction("log_predictions", "... C", domain="log_probability"),
    label("targets", "... C", domain="distribution"),
)
_MASSES = (_ROWS[0], label("targets", "... C", domain="distribution", unit="none"))
_LOG_ROWS = (_ROWS[0], label("log_targets", "... C", domain="log_probability"))


@loss_function(
    prediction("logits", "...", domain="log_probability"),
    label("labels", "...", domain="distribution", unit="none"),
    output="...",
    info=LossInfo(
        cell="KLDivLoss",
        parameters={"log_target": (False, True)},
        reductions=("none", "mean", "batchmean", "sum"),
        like=("kl_loss", "KLDivergence", "kullback_leibler"),
    ),
)
def kl_div(logits: ArrayLike, labels: ArrayLike, *, log_target: Flag = False) -> jax.Array:
    r"""Elementwise terms of the Kullback-Leibler divergence, with 0 log 0 = 0.

    .. math:: \ell_i = t_i (\log t_i - x_i)

    A target of 0 has loss 0, even where x is -inf, and its derivative is that of -t x. A prediction of -inf for a
    target above 0 gives inf, with the finite gradient -t.

    The divergence of rows (N, C) is the sum of their terms; use the reduction "batchmean" for its mean, since "mean"
    divides by the number of classes too.

    Args:
        logits: log-probabilities x of any shape.
        labels: target probabilities t of the same shape, or their logarithms.
        log_target: whether the labels are logarithms.

    Example:
        >>> values = losses.kl_div([[-0.5, -1.0]], [[0.0, 1.0]])
        >>> values.tolist(), losses.evaluate(losses.kl_div, [[-0.5, -1.0]], [[0.0, 1.0]], reduction="batchmean").item()
        ([[0.0, 1.0]], 1.0)

    Source: Kullback and Leibler, "On Information and Sufficiency", 1951; MindSpore `nn.KLDivLoss`; `log_target` is
    PyTorch's.
    """
    return divergence_terms(jnp.asarray(logits), jnp.asarray(labels), log_target)


@loss_function(
    *_ROWS, output="...", info=LossInfo(cell="KLDivergenceLoss", cell_arguments={"log_target": False}, lower_bound=0.0)
)
def kl_divergence(log_predictions: ArrayLike, targets: ArrayLike) -> jax.Array:
    r"""Kullback-Leibler divergence of class distributions.

    .. math:: \ell = \sum_c t_c (\log t_c - x_c)

    0 log 0 = 0, as in `kl_div`.

    Args:
        targets: probabilities t of shape (..., C).

    Example:
        >>> losses.kl_divergence([[-0.5, -1.0]], [[0.0, 1.0]]).tolist()
        [1.0]

    Source: Kullback and Leibler, "On Information and Sufficiency", 1951; optax `losses.kl_divergence`.
    """
    return divergence_of_rows(jnp.asarray(log_predictions), jnp.asarray(targets), False)


@loss_function(
    *_LOG_ROWS,
    output="...",
    info=LossInfo(cell="KLDivergenceLoss", cell_arguments={"log_target": True}, lower_bound=0.0),
)
def kl_divergence_with_log_targets(log_predictions: ArrayLike, log_targets: ArrayLike) -> jax.Array:
    r"""Kullback-Leibler divergence of class distributions, both given as logarithms.

    .. math:: \ell = \sum_c e^{t_c} (t_c - x_c)

    A target of -inf is a probability of 0 and adds nothing.

    Args:
        log_targets: log-probabilities t of shape (..., C).

    Example:
        >>> losses.kl_divergence_with_log_targets([[-0.5, -1.0]], [[-float("inf"), 0.0]]).tolist()
        [1.0]

    Source: Kullback and Leibler, "On Information and Sufficiency", 1951; optax
    `losses.kl_divergence_with_log_targets`.
    """
    return divergence_of_rows(jnp.asarray(log_predictions), jnp.asarray(log_targets), True)


@loss_function(*_MASSES, output="...", info=LossInfo(cell="GeneralizedKLLoss", lower_bound=0.0))
def generalized_kl_divergence(log_predictions: ArrayLike, targets: ArrayLike) -> jax.Array:
    r"""Generalized Kullback-Leibler divergence of unnormalized measures.

    .. math:: \ell = \sum_c t_c (\log t_c - x_c) + e^{x_c} - t_c

    It is the Bregman divergence of u log u - u: at least 0 for any measures, and 0 only for equal ones. For rows that
    sum to 1 it equals `kl_divergence`.

    Args:
        log_predictions: logarithms x of shape (..., C).
        targets: masses t, at least 0, of shape (..., C).

    Example:
        >>> losses.generalized_kl_divergence([[0.0, 0.0]], [[1.0, 0.0]]).tolist()
        [1.0]

    Source: Bregman, "The relaxation method of finding the common point of convex sets", 1967; optax
    `losses.generalized_kl_divergence`.
    """
    return mass_divergence(jnp.asarray(log_predictions), jnp.asarray(targets))


@loss_function(*_MASSES, output="...", info=LossInfo(cell="ConvexKLLoss", lower_bound=0.0))
def convex_kl_divergence(log_predictions: ArrayLike, targets: ArrayLike) -> jax.Array:
    r"""`generalized_kl_divergence` under optax's original name.

    .. math:: \ell = \sum_c t_c (\log t_c - x_c) + e^{x_c} - t_c

    Args:
        log_predictions: logarithms x of shape (..., C).
        targets: masses t, at least 0, of shape (..., C).

    Example:
        >>> losses.convex_kl_divergence([[0.0, 0.0]], [[1.0, 0.0]]).tolist()
        [1.0]

    Source: optax `losses.convex_kl_divergence`.
    """
    return mass_divergence(jnp.asarray(log_predictions), jnp.asarray(targets))


@loss_function(
    *_MASSES,
    output="...",
    info=LossInfo(
        cell="JensenShannonLoss", parameters={"log_target": (False, True)}, like=("js_divergence",), lower_bound=0.0
    ),
)
def jensen_shannon_loss(log_predictions: ArrayLike, targets: ArrayLike, *, log_target: Flag = False) -> jax.Array:
    r"""Jensen-Shannon divergence of class distributions, between 0 and log 2.

    .. math::
        m = (p + t) / 2, \qquad
        \ell = \frac{1}{2} \sum_c p_c \log \frac{p_c}{m_c} + t_c \log \frac{t_c}{m_c}

    with :math:`p = e^x`. It is symmetric, and finite for probabilities of 0 on either side. The derivative for a target
    of exactly 0, which is -inf, is set to 0.

    Args:
        targets: probabilities t of shape (..., C), or their logarithms.
        log_target: whether the targets are logarithms.

    Example:
        >>> value = losses.jensen_shannon_loss([[0.0, -float("inf")]], [[0.0, 1.0]])
        >>> round(value.item(), 5)
        0.69315

    Source: Lin, "Divergence Measures Based on the Shannon Entropy", 1991.
    """
    log_p, targets = jnp.asarray(log_predictions), jnp.asarray(targets)
    p = jnp.exp(log_p)
    if log_target:
        t, log_t, no_t = jnp.exp(targets), targets, jnp.isneginf(targets)
    else:
        no_t = targets == 0
        t = jnp.where(no_t, 0, targets)
        log_t = jnp.log(jnp.where(no_t, 1, targets))
    # With r = log t - log p and d = tanh(r / 2) the two terms of a class are
    #     m ((1 - d) log(1 - d) + (1 + d) log(1 + d)),
    # a series in d^2 without negative terms. Where p or t is 0, they are log 2 times the other.
    alone = no_t | jnp.isneginf(log_p)
    r = jnp.where(alone, 0, log_t) - jnp.where(alone, 0, log_p)
    near = ~alone & (jnp.abs(r) < 1)
    square = jnp.square(jnp.tanh(0.5 * jnp.where(near, r, 0)))
    count = 25 if square.dtype == jnp.float64 else 11
    close = 0.5 * (p + t) * square * polynomial(square, [1 / (k * (2 * k - 1)) for k in range(1, count)])
    log_2 = math.log(2)
    far = p * (log_2 - jax.nn.softplus(r)) + t * (log_2 - jax.nn.softplus(-r))
    return 0.5 * sum_rows(jnp.where(near, close, jnp.where(alone, (p + t) * log_2, far)))[..., 0]
