"""Oracles of negative log likelihoods: density formulas with `math.lgamma`, one element at a time."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from oracles.losses._base import Gradients, Oracle, f64, unbroadcast


def _each(cost: Callable[..., float]) -> Callable[..., np.ndarray]:
    """Apply a cost of scalars to arrays that broadcast."""

    def value(*inputs: Any, **params: Any) -> np.ndarray:
        arrays = np.broadcast_arrays(*f64(*inputs))
        costs = [cost(*numbers, **params) for numbers in zip(*(array.ravel() for array in arrays), strict=True)]
        return np.reshape(np.array(costs, np.float64), arrays[0].shape)

    return value


def _stirling(y: float) -> float:
    return y * math.log(y) - y + 0.5 * math.log(2 * math.pi * y) if y > 1 else 0.0


def _poisson(x: float, y: float, log_input: bool = True, full: bool = False, eps: float = 1e-8) -> float:
    cost = math.exp(x) - y * x if log_input else x - (y * math.log(x + eps) if y else 0)
    return cost + (_stirling(y) if full else 0)


def _poisson_gradients(
    cotangent: Any, x: Any, y: Any, log_input: bool = True, full: bool = False, eps: float = 1e-8
) -> Gradients:
    x, y = f64(x, y)
    each = np.asarray(cotangent, np.float64)
    by_x = np.exp(x) - y if log_input else 1 - y / (x + eps)
    by_y = -x if log_input else -np.log(x + eps)
    if full:
        many = np.where(y > 1, y, 1)
        by_y = by_y + np.where(y > 1, np.log(many) + 0.5 / many, 0)
    return unbroadcast(each * by_x, x.shape), unbroadcast(each * by_y, y.shape)


def _aligned(x: Any, y: Any, var: Any) -> list[np.ndarray]:
    x, y, var = f64(x, y, var)
    return [x, y, var[..., None] if x.ndim and var.shape == x.shape[:-1] else var]


def _gaussian(x: Any, y: Any, var: Any, full: bool = False, eps: float = 1e-6) -> np.ndarray:
    def cost(a: float, b: float, v: float) -> float:
        v = max(v, eps)
        return 0.5 * (math.log(v) + (a - b) ** 2 / v + (math.log(2 * math.pi) if full else 0))

    return _each(cost)(*_aligned(x, y, var))


def _gaussian_gradients(cotangent: Any, x: Any, y: Any, var: Any, full: bool = False, eps: float = 1e-6) -> Gradients:
    shape = np.shape(var)
    x, y, var = _aligned(x, y, var)
    each, v = np.asarray(cotangent, np.float64), np.maximum(var, eps)
    by_x = each * (x - y) / v
    by_var = each * 0.5 * (1 / v - ((x - y) / v) ** 2)
    return unbroadcast(by_x, x.shape), unbroadcast(-by_x, y.shape), unbroadcast(by_var, var.shape).reshape(shape)


def _factor(x: Any, y: Any, var: Any, beta: float, eps: float) -> np.ndarray:
    return np.maximum(_aligned(x, y, var)[2], eps) ** beta


def _weighted(x: Any, y: Any, var: Any, beta: float = 0.5, full: bool = False, eps: float = 1e-6) -> np.ndarray:
    return _factor(x, y, var, beta, eps) * _gaussian(x, y, var, full, eps)


def _weighted_gradients(
    cotangent: Any, x: Any, y: Any, var: Any, beta: float = 0.5, full: bool = False, eps: float = 1e-6
) -> Gradients:
    held = np.asarray(cotangent, np.float64) * _factor(x, y, var, beta, eps)
    return _gaussian_gradients(held, x, y, var, full, eps)


def _laplace(x: float, y: float, scale: float, eps: float = 1e-6) -> float:
    scale = max(scale, eps)
    return math.log(2 * scale) + abs(x - y) / scale


def _laplace_gradients(cotangent: Any, x: Any, y: Any, scale: Any, eps: float = 1e-6) -> Gradients:
    x, y, scale = f64(x, y, scale)
    each, b = np.asarray(cotangent, np.float64), np.maximum(scale, eps)
    by_x = each * np.sign(x - y) / b
    by_scale = each * (1 - np.abs(x - y) / b) / b
    return unbroadcast(by_x, x.shape), unbroadcast(-by_x, y.shape), unbroadcast(by_scale, scale.shape)


def _student_t(x: float, y: float, scale: float, df: float, eps: float = 1e-6) -> float:
    scale, df = max(scale, eps), max(df, eps)
    density = math.lgamma((df + 1) / 2) - math.lgamma(df / 2) - 0.5 * math.log(math.pi * df) - math.log(scale)
    return (df + 1) / 2 * math.log(1 + ((x - y) / scale) ** 2 / df) - density


def _negative_binomial(x: float, y: float, r: float, eps: float = 1e-6) -> float:
    r = max(r, eps)
    success = 1 / (1 + math.exp(-x))
    log_binomial = math.lgamma(r + y) - math.lgamma(r) - math.lgamma(y + 1)
    return -(log_binomial + y * math.log(success) + r * math.log(1 - success))


def _beta(a: float, y: float, b: float, eps: float = 1e-6) -> float:
    a, b, y = max(a, eps), max(b, eps), min(max(y, eps), 1 - eps)
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b) - (a - 1) * math.log(y) - (b - 1) * math.log(1 - y)


ORACLES: dict[str, Oracle] = {
    "poisson_nll_loss": Oracle(_each(_poisson), _poisson_gradients),
    "gaussian_nll_loss": Oracle(_gaussian, _gaussian_gradients),
    "beta_weighted_gaussian_nll_loss": Oracle(_weighted, _weighted_gradients),
    "laplace_nll_loss": Oracle(_each(_laplace), _laplace_gradients),
    "student_t_nll_loss": Oracle(_each(_student_t)),
    "negative_binomial_nll_loss": Oracle(_each(_negative_binomial)),
    "beta_nll_loss": Oracle(_each(_beta)),
}
