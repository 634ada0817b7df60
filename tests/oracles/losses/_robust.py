"""Oracles of the robust losses."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext

import numpy as np

from oracles.losses._base import Oracle, elementwise


def adaptive(x: float, alpha: float, scale: float) -> tuple[float, float]:
    """Value and derivative of Barron's loss, with 60 digits; limits only for exact special values of alpha."""
    with localcontext() as context:
        context.prec = 60
        z = (Decimal(x) / Decimal(scale)) ** 2
        per_x = Decimal(x) / Decimal(scale) ** 2
        if alpha == 2:
            value, derivative = z / 2, per_x
        elif alpha == 0:
            value, derivative = (1 + z / 2).ln(), per_x / (1 + z / 2)
        elif math.isinf(alpha):
            sign = int(math.copysign(1, alpha))
            value, derivative = sign * ((sign * z / 2).exp() - 1), per_x * (sign * z / 2).exp()
        else:
            shape = Decimal(alpha)
            b = abs(shape - 2)
            value = b / shape * ((z / b + 1) ** (shape / 2) - 1)
            derivative = per_x * (z / b + 1) ** (shape / 2 - 1)
        return float(value), float(derivative)


def _adaptive_part(part: int, d: np.ndarray, alpha: float, scale: float) -> np.ndarray:
    return np.reshape([adaptive(float(e), float(alpha), float(scale))[part] for e in d.ravel()], d.shape)


def _tukey_value(d: np.ndarray, scale: float = 4.685) -> np.ndarray:
    return scale**2 / 6 * (1 - np.maximum(0, 1 - (d / scale) ** 2) ** 3)


ORACLES: dict[str, Oracle] = {
    "charbonnier_loss": elementwise(
        lambda d, epsilon=1e-3: np.sqrt(d**2 + epsilon**2), lambda d, epsilon=1e-3: d / np.sqrt(d**2 + epsilon**2)
    ),
    "cauchy_loss": elementwise(
        lambda d, scale=1.0: np.log(1 + (d / scale) ** 2 / 2), lambda d, scale=1.0: 2 * d / (2 * scale**2 + d**2)
    ),
    "geman_mcclure_loss": elementwise(
        lambda d, scale=1.0: 2 * d**2 / (d**2 + 4 * scale**2),
        lambda d, scale=1.0: 16 * scale**2 * d / (d**2 + 4 * scale**2) ** 2,
    ),
    "welsch_loss": elementwise(
        lambda d, scale=1.0: 1 - np.exp(-((d / scale) ** 2) / 2),
        lambda d, scale=1.0: d / scale**2 * np.exp(-((d / scale) ** 2) / 2),
    ),
    "tukey_biweight_loss": elementwise(
        _tukey_value, lambda d, scale=4.685: d * np.maximum(0, 1 - (d / scale) ** 2) ** 2
    ),
    "general_adaptive_loss": elementwise(
        lambda d, alpha=1.0, scale=1.0: _adaptive_part(0, d, alpha, scale),
        lambda d, alpha=1.0, scale=1.0: _adaptive_part(1, d, alpha, scale),
    ),
}
