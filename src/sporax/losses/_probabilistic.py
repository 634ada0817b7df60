"""Negative log likelihoods: a model gives a distribution's parameters, and the label is one draw of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._typing import ArrayLike
from sporax.losses._divergence import times
from sporax.losses.contract._info import LossInfo
from sporax.losses.contract._loss_function import hyper_parameter, loss_function
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._gamma import HALF_LOG_2PI, log_beta, log_choices, log_rising

__all__ = [
    "beta_nll_loss",
    "beta_weighted_gaussian_nll_loss",
    "gaussian_nll_loss",
    "laplace_nll_loss",
    "negative_binomial_nll_loss",
    "poisson_nll_loss",
    "student_t_nll_loss",
]


def _poisson_examples(rng: np.random.Generator, sizes: Mapping[str, Any], dtype: Any) -> list[np.ndarray]:
    """Expected counts or their logarithms, as both are asked for, and counts."""
    shape = sizes["..."]
    return [np.asarray(rng.uniform(0.2, 3.0, shape), dtype), np.asarray(rng.poisson(2.0, shape), dtype)]


@jax.custom_jvp
def _at_least(x: jax.Array, bound: Any) -> jax.Array:
    """max(x, bound), with the derivative of x everywhere: a parameter below the bound is still told to rise."""
    return jnp.where(x < bound, bound, x)


@_at_least.defjvp
def _at_least_jvp(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[jax.Array, jax.Array]:
    return _at_least(*primals), tangents[0]


def _bounded(x: ArrayLike, eps: Any) -> jax.Array:
    x = jnp.asarray(x)
    return _at_least(x, jnp.asarray(eps, x.dtype))


@loss_function(
    prediction("logits", "..."),
    label("labels", "...", domain="nonnegative"),
    output="...",
    broadcasting=True,
    info=LossInfo(
        cell="PoissonNLLLoss",
        # The full loss jumps at a count of 1, so the last combination, of which second derivatives are taken, is not.
        parameters={"full": (True, False), "log_input": (True, False)},
        overflows=True,
        examples=_poisson_examples,
    ),
)
def poisson_nll_loss(
    logits: ArrayLike, labels: ArrayLike, *, log_input: bool = True, full: bool = False, eps: Any = 1e-8
) -> jax.Array:
    r"""Negative log likelihood of counts under a Poisson distribution.

    .. math::
        \ell = \begin{cases} e^x - y x & \text{log\_input} \\ x - y \log(x + \epsilon) & \text{else} \end{cases}
        \quad + \begin{cases} y \log y - y + \frac{1}{2} \log 2 \pi y & \text{full and } y > 1 \\
        0 & \text{else} \end{cases}

    The last term is Stirling's approximation of log y!, which does not depend on x. A count of 0 adds 0 for any x,
    infinite ones too. The loss grows as :math:`e^x`: in float32 it is inf from x = 89.

    Args:
        logits: the logarithm of the expected count, or the expected count itself, which is at least 0.
        labels: counts y, at least 0; one of the two shapes must broadcast to the other.
        log_input: whether `logits` are logarithms.
        full: whether the approximation of log y! is added.
        eps: added before the logarithm of an expected count is taken; at least 0.

    Returns:
        Values of the larger of the two shapes.

    Raises:
        ArgumentError: `eps` is negative.
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> losses.poisson_nll_loss([1.0, 3.0], [0.0, 0.0], log_input=False).tolist()
        [1.0, 3.0]

    Source: MindSpore `nn.PoissonNLLLoss`; `torch.nn.PoissonNLLLoss`.
    """
    where = "poisson_nll_loss"
    _check.is_type(log_input, bool, name="log_input", where=where)
    _check.is_type(full, bool, name="full", where=where)
    eps = hyper_parameter(eps, name="eps", where=where, minimum=0)
    x, y = jnp.asarray(logits), jnp.asarray(labels)
    if log_input:
        loss = jnp.exp(x) - times(y, x)
    else:
        shifted = x + eps
        # 0 log 0 = 0, for an eps of 0.
        nothing = (y == 0) & (shifted == 0)
        loss = x - times(y, jnp.log(jnp.where(nothing, 1, shifted)))
    if full:
        many = y > 1
        count = jnp.where(many, y, 1)
        loss = loss + jnp.where(many, (count + 0.5) * jnp.log(count) - count + HALF_LOG_2PI, 0)
    return loss


def _variance_for_each_row(arrays: dict[str, Any]) -> dict[str, Any]:
    """A variance with one axis fewer than the predictions belongs to rows."""
    var, shape = arrays["var"], arrays["logits"].shape
    if shape and var.shape == shape[:-1]:
        return arrays | {"var": var.reshape((*var.shape, 1))}
    return arrays


_GAUSSIAN = (prediction("logits", "..."), label("labels", "..."), prediction("var", "...", domain="positive"))


def _gaussian(mean: ArrayLike, labels: ArrayLike, var: jax.Array, full: bool) -> jax.Array:
    square = jnp.square(jnp.asarray(mean) - jnp.asarray(labels))
    return 0.5 * (jnp.log(var) + square / var) + (HALF_LOG_2PI if full else 0)


@loss_function(
    *_GAUSSIAN,
    output="...",
    broadcasting=True,
    prepare=_variance_for_each_row,
    info=LossInfo(cell="GaussianNLLLoss", parameters={"full": (False, True)}),
)
def gaussian_nll_loss(
    logits: ArrayLike, labels: ArrayLike, var: ArrayLike, *, full: bool = False, eps: Any = 1e-6
) -> jax.Array:
    r"""Negative log likelihood under a Gaussian whose mean and variance are both predicted.

    .. math:: v = \max(\sigma^2, \epsilon), \qquad \ell = \frac{1}{2} \left( \log v + \frac{(x - y)^2}{v} \right)

    The bound holds the value, and not the derivative: that for the variance is taken at v as if v were the variance
    itself, so that one below the bound can rise again.

    Args:
        logits: means x of any shape.
        labels: targets y; shapes broadcast where neither grows past the largest.
        var: variances, likewise; or with one axis fewer than `logits` and otherwise the same: one for each row.
        full: whether the constant :math:`\frac{1}{2} \log 2 \pi` is added.
        eps: the minimum variance, above 0.

    Returns:
        Values of the largest of the shapes.

    Raises:
        ArgumentError: `eps` is not above 0.
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> losses.gaussian_nll_loss([[1.0, 2.0], [0.0, 0.0]], [[0.0, 2.0], [0.0, 4.0]], [1.0, 1.0]).tolist()
        [[0.5, 0.0], [0.0, 8.0]]

    Source: Nix and Weigend, "Estimating the mean and variance of the target probability distribution", 1994;
    MindSpore `nn.GaussianNLLLoss`; the derivative is that of `torch.nn.GaussianNLLLoss`.
    """
    _check.is_type(full, bool, name="full", where="gaussian_nll_loss")
    eps = hyper_parameter(eps, name="eps", where="gaussian_nll_loss", minimum=0, open_minimum=True)
    return _gaussian(logits, labels, _bounded(var, eps), full)


@loss_function(
    *_GAUSSIAN,
    output="...",
    broadcasting=True,
    prepare=_variance_for_each_row,
    info=LossInfo(
        cell="BetaGaussianNLLLoss",
        # With 0 alone do finite differences, which know nothing of held factors, give the derivative.
        parameters={"beta": (0.5, 1.0, 0.0)},
        like=("beta_nll",),
    ),
)
def beta_weighted_gaussian_nll_loss(
    logits: ArrayLike, labels: ArrayLike, var: ArrayLike, *, beta: Any = 0.5, full: bool = False, eps: Any = 1e-6
) -> jax.Array:
    r"""Beta-NLL: `gaussian_nll_loss` weighted by the variance to the power of beta, without its gradient.

    .. math:: \ell = \lfloor v^\beta \rfloor \cdot \frac{1}{2} \left( \log v + \frac{(x - y)^2}{v} \right)

    The factor :math:`\lfloor v^\beta \rfloor` is a constant for every derivative. With beta = 0 it is the Gaussian
    likelihood, with beta = 1 means are fitted as with the squared error. It has nothing to do with the beta
    distribution, whose likelihood is `beta_nll_loss`.

    Args:
        logits: means x of any shape.
        labels: targets y; shapes broadcast where neither grows past the largest.
        var: variances, as in `gaussian_nll_loss`.
        beta: the exponent, from 0 to 1.
        full: whether the constant :math:`\frac{1}{2} \log 2 \pi` is added within the brackets.
        eps: the minimum variance, above 0.

    Returns:
        Values of the largest of the shapes.

    Raises:
        ArgumentError: `beta` is outside [0, 1], or `eps` not above 0.
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> losses.beta_weighted_gaussian_nll_loss([3.0], [1.0], [1.0]).tolist()
        [2.0]

    Source: Seitzer, Tavakoli, Antic and Martius, "On the Pitfalls of Heteroscedastic Uncertainty Estimation with
    Probabilistic Neural Networks", 2022.
    """
    where = "beta_weighted_gaussian_nll_loss"
    _check.is_type(full, bool, name="full", where=where)
    beta = hyper_parameter(beta, name="beta", where=where, minimum=0, maximum=1)
    eps = hyper_parameter(eps, name="eps", where=where, minimum=0, open_minimum=True)
    var = _bounded(var, eps)
    return jax.lax.stop_gradient(var) ** beta * _gaussian(logits, labels, var, full)


@loss_function(
    prediction("loc", "..."),
    label("labels", "..."),
    prediction("scale", "...", domain="positive"),
    output="...",
    broadcasting=True,
    info=LossInfo(cell="LaplaceNLLLoss"),
)
def laplace_nll_loss(loc: ArrayLike, labels: ArrayLike, scale: ArrayLike, *, eps: Any = 1e-6) -> jax.Array:
    r"""Negative log likelihood under a Laplace distribution.

    .. math:: b = \max(s, \epsilon), \qquad \ell = \log 2 b + \frac{|x - y|}{b}

    The derivative at x = y is 0. The bound has no part in the derivative, as in `gaussian_nll_loss`.

    Args:
        loc: medians x of any shape.
        labels: targets y; shapes broadcast where neither grows past the largest.
        scale: mean distances s from the median, likewise.
        eps: the minimum scale, above 0.

    Returns:
        Values of the largest of the shapes.

    Raises:
        ArgumentError: `eps` is not above 0.
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> losses.laplace_nll_loss([0.0, 2.0], [0.0, 0.0], [0.5, 0.5]).tolist()
        [0.0, 4.0]

    Source: `torch.distributions.Laplace`.
    """
    eps = hyper_parameter(eps, name="eps", where="laplace_nll_loss", minimum=0, open_minimum=True)
    scale = _bounded(scale, eps)
    difference = jnp.asarray(loc) - jnp.asarray(labels)
    return jnp.log(2 * scale) + difference * jnp.sign(difference) / scale


@loss_function(
    prediction("loc", "..."),
    label("labels", "..."),
    prediction("scale", "...", domain="positive"),
    prediction("df", "...", domain="positive"),
    output="...",
    broadcasting=True,
    info=LossInfo(cell="StudentTNLLLoss"),
)
def student_t_nll_loss(
    loc: ArrayLike, labels: ArrayLike, scale: ArrayLike, df: ArrayLike, *, eps: Any = 1e-6
) -> jax.Array:
    r"""Negative log likelihood of Student's t distribution.

    .. math::
        z = \frac{x - y}{s}, \qquad
        \ell = \log s + \frac{1}{2} \log \pi \nu + \log \frac{\Gamma(\nu / 2)}{\Gamma((\nu + 1) / 2)}
        + \frac{\nu + 1}{2} \log \left(1 + \frac{z^2}{\nu}\right)

    Scale and degrees of freedom are not taken below `eps`; that bound has no part in the derivative.

    Args:
        loc: centers x of any shape.
        labels: targets y; shapes broadcast where neither grows past the largest.
        scale: scales s, likewise.
        df: degrees of freedom :math:`\nu`, likewise; for many the distribution is Gaussian.
        eps: the minimum scale and the minimum degree of freedom, above 0.

    Returns:
        Values of the largest of the shapes.

    Raises:
        ArgumentError: `eps` is not above 0.
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.student_t_nll_loss([0.0, 1.0], [0.0, 0.0], 1.0, 1.0).tolist()]
        [1.1447, 1.8379]

    Source: `torch.distributions.StudentT`.
    """
    eps = hyper_parameter(eps, name="eps", where="student_t_nll_loss", minimum=0, open_minimum=True)
    scale, df = _bounded(scale, eps), _bounded(df, eps)
    z = (jnp.asarray(loc) - jnp.asarray(labels)) / scale
    constant = 0.5 * jnp.log(math.pi * df) - log_rising(df / 2, jnp.full_like(df, 0.5))
    return jnp.log(scale) + constant + 0.5 * (df + 1) * jnp.log1p(z * z / df)


@loss_function(
    prediction("logits", "..."),
    label("labels", "...", domain="nonnegative"),
    prediction("total_count", "...", domain="positive"),
    output="...",
    broadcasting=True,
    joins=False,
    info=LossInfo(cell="NegativeBinomialNLLLoss"),
)
def negative_binomial_nll_loss(
    logits: ArrayLike, labels: ArrayLike, total_count: ArrayLike, *, eps: Any = 1e-6
) -> jax.Array:
    r"""Negative log likelihood of overdispersed counts under a negative binomial distribution.

    .. math::
        \ell = -\log \frac{\Gamma(r + y)}{\Gamma(r)\, y!} - y \log \sigma(x) - r \log \sigma(-x)

    The mean is :math:`\mu = r e^x`, the variance :math:`\mu + \mu^2 / r`: a model that gives a mean uses
    x = log mean - log r. For large r it is the Poisson distribution. A count of 0 adds nothing for x = -inf.

    Args:
        logits: log-odds x of any shape.
        labels: counts y, at least 0; shapes broadcast where neither grows past the largest.
        total_count: r, likewise; not taken below `eps`, which has no part in the derivative.
        eps: the least r, above 0.

    Returns:
        Values of the largest of the shapes.

    Raises:
        ArgumentError: `eps` is not above 0.
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.negative_binomial_nll_loss([0.0, 0.0], [0.0, 2.0], 1.0).tolist()]
        [0.6931, 2.0794]

    Source: `torch.distributions.NegativeBinomial`.
    """
    eps = hyper_parameter(eps, name="eps", where="negative_binomial_nll_loss", minimum=0, open_minimum=True)
    x, y, r = jnp.asarray(logits), jnp.asarray(labels), _bounded(total_count, eps)
    return r * jax.nn.softplus(x) + times(y, jax.nn.softplus(-x)) - log_choices(*jnp.broadcast_arrays(r, y))


@loss_function(
    prediction("alpha", "...", domain="positive"),
    label("labels", "...", domain="probability"),
    prediction("beta", "...", domain="positive"),
    output="...",
    joins=False,
    info=LossInfo(cell="BetaNLLLoss"),
)
def beta_nll_loss(alpha: ArrayLike, labels: ArrayLike, beta: ArrayLike, *, eps: Any = 1e-6) -> jax.Array:
    r"""Negative log likelihood of proportions under a beta distribution.

    .. math::
        \ell = \log \frac{\Gamma(\alpha) \Gamma(\beta)}{\Gamma(\alpha + \beta)}
        - (\alpha - 1) \log y - (\beta - 1) \log(1 - y)

    The density may be 0 or infinite at 0 and 1, so labels are held within [eps, 1 - eps], and the two parameters at
    or above `eps`. A label beyond its bounds gets no derivative; the parameters' do not see theirs. ("Beta-NLL" also
    names a weighted Gaussian likelihood: that is `beta_weighted_gaussian_nll_loss`.)

    Args:
        alpha: the first parameter, torch's `concentration1`; the mean is alpha / (alpha + beta).
        labels: proportions y in [0, 1], of the same shape.
        beta: the second parameter, torch's `concentration0`, of the same shape.
        eps: how near to their ends labels and parameters may be, in (0, 0.5).

    Returns:
        Values of the same shape.

    Raises:
        ArgumentError: `eps` is outside (0, 0.5).
        ShapeError: the shapes differ.
        LabelError: labels outside [0, 1], where their values are known; in compiled code they give NaN.

    Example:
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.beta_nll_loss([1.0, 2.0], [0.3, 0.25], [1.0, 1.0]).tolist()]
        [0.0, 0.6931]

    Source: `torch.distributions.Beta`.
    """
    eps = hyper_parameter(
        eps, name="eps", where="beta_nll_loss", minimum=0, maximum=0.5, open_minimum=True, open_maximum=True
    )
    alpha, beta, y = _bounded(alpha, eps), _bounded(beta, eps), jnp.asarray(labels)
    # 1 - eps has few digits left of eps, so the two ends are held each for itself.
    top = 1 - y < eps
    log_y = jnp.log(jnp.where(y < eps, eps, jnp.where(top, 1 - eps, y)))
    log_rest = jnp.where(top, jnp.log(eps), jnp.log1p(-jnp.where(y < eps, eps, jnp.where(top, 0, y))))
    loss = log_beta(alpha, beta) - (alpha - 1) * log_y - (beta - 1) * log_rest
    return jnp.where((y < 0) | (y > 1), jnp.nan, loss)
