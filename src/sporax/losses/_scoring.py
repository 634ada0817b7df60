"""Proper scoring rules: how good a whole predicted distribution is, in the units of the label."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError
from sporax._typing import ArrayLike
from sporax.losses.contract._info import LossInfo, Sized
from sporax.losses.contract._loss_function import hyper_parameter, loss_function
from sporax.losses.contract._spec import label, prediction
from sporax.losses.numerics._sums import sum_rows

__all__ = ["crps_gaussian", "crps_sample", "energy_score", "quantile_crps"]


def _distance(difference: jax.Array) -> jax.Array:
    """|x|, with a derivative of 0 at 0."""
    return difference * jnp.sign(difference)


def _density(z: jax.Array) -> jax.Array:
    return jnp.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def _standardized(difference: jax.Array, scale: jax.Array) -> jax.Array:
    """difference / scale, held within [-50, 50], beyond which a Gaussian has nothing; 0 for 0 / 0."""
    far = jnp.abs(difference) >= 50 * scale
    return jnp.where(far, 50 * jnp.sign(difference), jnp.where(far, 0, difference) / jnp.where(far, 1, scale))


@jax.custom_jvp
def _crps_gaussian(difference: jax.Array, scale: jax.Array) -> jax.Array:
    z = _standardized(difference, scale)
    return difference * jax.lax.erf(z / math.sqrt(2)) + scale * (2 * _density(z) - 1 / math.sqrt(math.pi))


@_crps_gaussian.defjvp
def _crps_gaussian_jvp(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    # The derivatives of the two occurrences of z cancel; to have them cancel in floats would lose digits.
    z = _standardized(*primals)
    by_difference, by_scale = jax.lax.erf(z / math.sqrt(2)), 2 * _density(z) - 1 / math.sqrt(math.pi)
    return _crps_gaussian(*primals), by_difference * tangents[0] + by_scale * tangents[1]


@loss_function(
    prediction("loc", "..."),
    label("labels", "..."),
    prediction("scale", "...", domain="positive"),
    output="...",
    broadcasting=True,
    info=LossInfo(cell="GaussianCRPSLoss", like=("crps_normal",), lower_bound=0.0),
)
def crps_gaussian(loc: ArrayLike, labels: ArrayLike, scale: ArrayLike) -> jax.Array:
    r"""Continuous ranked probability score of a Gaussian, in closed form.

    .. math::
        z = \frac{y - \mu}{\sigma}, \qquad
        \ell = \sigma \left( z (2 \Phi(z) - 1) + 2 \varphi(z) - \frac{1}{\sqrt{\pi}} \right)

    It is the integral of the squared difference between the predicted distribution function and the label's step. A
    scale of 0 is a certain prediction: the value is :math:`|y - \mu|`, with a derivative of 0 at a tie.

    Args:
        loc: means of any shape.
        labels: targets y; shapes broadcast where neither grows past the largest.
        scale: standard deviations, at least 0, likewise.

    Returns:
        Values of the largest of the shapes, in units of the labels.

    Raises:
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> [round(value, 4) for value in losses.crps_gaussian([0.0, 3.0], [0.0, 1.0], [1.0, 0.0]).tolist()]
        [0.2337, 2.0]

    Source: Gneiting, Raftery, Westveld and Goldman, "Calibrated Probabilistic Forecasting Using Ensemble Model Output
    Statistics and Minimum CRPS Estimation", 2005.
    """
    return _crps_gaussian(jnp.asarray(labels) - jnp.asarray(loc), jnp.asarray(scale))


def _pairs(count: int, fair: bool) -> int:
    """What the sum over ordered pairs of members is divided by."""
    return max(count * (count - 1 if fair else count), 1)


def _check_members(count: int, fair: bool, where: str) -> None:
    _check.is_type(fair, bool, name="fair", where=where)
    if count < 1 + fair:
        raise ArgumentError(
            f"{where}: there must be at least {1 + fair} samples{' for `fair`' if fair else ''}, but got {count}. "
            "Samples lie along the axis named S."
        )


@loss_function(
    prediction("samples", "... S"),
    label("labels", "..."),
    output="...",
    info=LossInfo(cell="SampleCRPSLoss", parameters={"fair": (False, True)}, like=("crps_ensemble",)),
)
def crps_sample(samples: ArrayLike, labels: ArrayLike, *, fair: bool = False) -> jax.Array:
    r"""Continuous ranked probability score of a sample (an ensemble).

    .. math::
        \ell = \frac{1}{S} \sum_i |x_i - y| - \frac{1}{2 P} \sum_{i, j} |x_i - x_j|, \qquad
        P = \begin{cases} S (S - 1) & \text{fair} \\ S^2 & \text{else} \end{cases}

    With P = S² it is the exact score of the distribution that gives each sample the probability 1/S; with the fair P
    its expected value is the score of the distribution that samples are drawn from, for any S. Equal samples have no
    derivative for each other, nor has a sample that equals the label. Samples are sorted: S log S steps and no array
    of pairs. The second derivative is 0.

    Args:
        samples: x of shape (..., S).
        labels: targets y of shape (...).
        fair: whether to use the fair estimator, which needs two samples.

    Returns:
        Values of shape (...), in units of the labels.

    Raises:
        ArgumentError: too few samples.
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> losses.crps_sample([[0.0, 2.0], [1.0, 1.0]], [1.0, 4.0]).tolist()
        [0.5, 3.0]

    Source: Gneiting and Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation", 2007; the fair form,
    Ferro, "Fair scores for ensemble forecasts", 2014.
    """
    difference = jnp.asarray(samples) - jnp.expand_dims(jnp.asarray(labels), -1)
    count = difference.shape[-1]
    _check_members(count, fair, "crps_sample")
    error = jnp.mean(_distance(difference), axis=-1)
    # Sum over pairs of |x_i - x_j| = 2 sum of x_i (how many are smaller - how many are larger).
    rising = jnp.sort(difference, axis=-1)
    return error - sum_rows(rising * (_lead(jax.lax.stop_gradient(rising)) / _pairs(count, fair)))[..., 0]


def _lead(rising: jax.Array) -> jax.Array:
    """For each of a row in rising order, how many are smaller less how many are larger."""
    count = rising.shape[-1]
    places = jnp.arange(count, dtype=jnp.int32).reshape((1,) * (rising.ndim - 1) + (count,))
    new = rising[..., 1:] != rising[..., :-1]
    edge = jnp.ones_like(new, shape=(*rising.shape[:-1], 1))
    # Equal ones count alike: each has the first and the last place of its kind.
    first = jax.lax.cummax(jnp.where(jnp.concatenate([edge, new], -1), places, 0), axis=rising.ndim - 1)
    last = jax.lax.cummin(
        jnp.where(jnp.concatenate([new, edge], -1), places, count - 1), axis=rising.ndim - 1, reverse=True
    )
    return (first + last - (count - 1)).astype(rising.dtype)


@loss_function(
    prediction("samples", "... S D"),
    label("labels", "... D"),
    output="...",
    info=LossInfo(cell="EnergyScoreLoss", parameters={"beta": (1.0, 1.5), "fair": (False, True)}),
)
def energy_score(samples: ArrayLike, labels: ArrayLike, *, beta: Any = 1.0, fair: bool = False) -> jax.Array:
    r"""Energy score of sample vectors.

    .. math::
        \ell = \frac{1}{S} \sum_i \|x_i - y\|^\beta - \frac{1}{2 P} \sum_{i, j} \|x_i - x_j\|^\beta, \qquad
        P = \begin{cases} S (S - 1) & \text{fair} \\ S^2 & \text{else} \end{cases}

    For D = 1 and beta = 1 it is `crps_sample`. Equal vectors have a distance of 0 with a derivative of 0. All pairs
    are gone through, one sample against the others at a time: the memory is that of the samples.

    Args:
        samples: x of shape (..., S, D).
        labels: targets y of shape (..., D).
        beta: the exponent, in (0, 2).
        fair: whether to use the fair estimator, which needs two samples.

    Returns:
        Values of shape (...), in units of the labels to the power of beta.

    Raises:
        ArgumentError: too few samples, or `beta` is outside (0, 2).
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> losses.energy_score([[[0.0, 0.0], [6.0, 8.0]]], [[3.0, 4.0]]).tolist()
        [2.5]

    Source: Gneiting and Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation", 2007.
    """
    where = "energy_score"
    beta = hyper_parameter(beta, name="beta", where=where, minimum=0, maximum=2, open_minimum=True, open_maximum=True)
    samples = jnp.asarray(samples)
    count = samples.shape[-2]
    _check_members(count, fair, where)
    error = jnp.mean(_power_distance(samples - jnp.expand_dims(jnp.asarray(labels), -2), beta), axis=-1)

    @jax.checkpoint
    def add_shifted(total: jax.Array, shift: jax.Array) -> tuple[jax.Array, None]:
        distances = _power_distance(samples - jnp.roll(samples, shift, axis=-2), beta)
        return total + jnp.sum(distances, axis=-1), None

    # Each sample against the one that is 1, 2, ... positions before it meets every ordered pair once.
    spread, _ = jax.lax.scan(add_shifted, jnp.zeros_like(error), jnp.arange(1, count))
    return error - spread / (2 * _pairs(count, fair))


def _power_distance(difference: jax.Array, beta: Any) -> jax.Array:
    # Scaled, so that tiny and huge vectors keep their length; the distance does not depend on the scale.
    largest = jax.lax.stop_gradient(jnp.max(jnp.abs(difference), axis=-1, keepdims=True, initial=0))
    scale = jnp.where(largest == 0, 1, largest)
    square = jnp.sum(jnp.square(difference / scale), axis=-1)
    zero = square == 0
    norm = jnp.where(zero, 0, jnp.sqrt(jnp.where(zero, 1, square)) * scale[..., 0])
    if isinstance(beta, float) and beta == 1:
        return norm
    return jnp.where(zero, 0, jnp.where(zero, 1, norm) ** beta)


def _levels(levels: Any, count: int, where: str) -> Any:
    """Quantile levels: those given, or the middles of equal parts."""
    if levels is None:
        return (np.arange(count) + 0.5) / count
    return check_levels(levels, where=where)


def check_levels(levels: Any, *, where: str) -> Any:
    """Levels must lie in (0, 1); a traced or device array is taken as it is."""
    if isinstance(levels, jax.Array):
        return levels
    found = np.asarray(levels, np.float64)
    if found.ndim != 1 or not np.all((found > 0) & (found < 1)):
        raise ArgumentError(f"{where}: `levels` must be a list of numbers in (0, 1), but got {levels!r}.")
    return found


def _one_for_each(values: Any, count: int, *, name: str, where: str) -> None:
    if values.shape != (count,):
        raise ArgumentError(
            f"{where}: `{name}` must hold one number for each of the {count} predicted quantiles, "
            f"but got shape {values.shape}."
        )


@loss_function(
    prediction("quantiles", "... L"),
    label("labels", "..."),
    output="...",
    info=LossInfo(
        cell="QuantileCRPSLoss",
        parameters={
            "levels": (None, Sized(lambda sizes: tuple(np.linspace(0.05, 0.9, sizes["L"]).tolist()))),
            "level_weights": (None, Sized(lambda sizes: np.linspace(0.2, 1.1, sizes["L"]))),
        },
        lower_bound=0.0,
    ),
)
def quantile_crps(
    quantiles: ArrayLike,
    labels: ArrayLike,
    *,
    levels: Sequence[float] | ArrayLike | None = None,
    level_weights: Sequence[float] | ArrayLike | None = None,
) -> jax.Array:
    r"""Continuous ranked probability score estimated from predicted quantiles.

    .. math::
        u_l = y - q_l, \qquad
        \ell = 2 \sum_l w_l \max(\tau_l u_l, (\tau_l - 1) u_l)

    With weights that sum to 1 it approaches the score as levels fill (0, 1). The derivative for a quantile that
    equals the label is the middle of those at its two sides, :math:`2 w (\frac{1}{2} - \tau)`.

    Args:
        quantiles: q of shape (..., L).
        labels: targets y of shape (...).
        levels: L levels in (0, 1); the middles of L equal parts, (l + 1/2) / L, unless given.
        level_weights: L weights w; 1/L each unless given.

    Returns:
        Values of shape (...), in units of the labels.

    Raises:
        ArgumentError: levels outside (0, 1), or not one level and one weight for each quantile.
        ShapeError: shapes that do not fit.

    Example:
        >>> from sporax import losses
        >>> losses.quantile_crps([[0.0, 2.0]], [1.0], levels=[0.25, 0.75]).tolist()
        [0.5]

    Source: Gneiting and Ranjan, "Comparing Density Forecasts Using Threshold- and Quantile-Weighted Scoring Rules",
    2011; the pinball loss is Koenker's and Bassett's, "Regression Quantiles", 1978.
    """
    where = "quantile_crps"
    quantiles = jnp.asarray(quantiles)
    count = quantiles.shape[-1]
    levels = _levels(levels, count, where)
    _one_for_each(levels, count, name="levels", where=where)
    weights = np.full(count, 1 / max(count, 1)) if level_weights is None else level_weights
    weights = weights if isinstance(weights, jax.Array) else np.asarray(weights, np.float64)
    _one_for_each(weights, count, name="level_weights", where=where)
    row = (1,) * (quantiles.ndim - 1) + (count,)
    tau = jnp.asarray(levels, quantiles.dtype).reshape(row)
    weights = jnp.asarray(weights, quantiles.dtype).reshape(row)
    u = jnp.expand_dims(jnp.asarray(labels), -1) - quantiles
    # Twice the pinball loss, max(tau u, (tau - 1) u).
    return sum_rows(weights * (_distance(u) + (2 * tau - 1) * u))[..., 0]
