"""Comparison of a loss with its oracle: value, gradient, shape and dtype."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from oracles.losses import Oracle, numeric_gradients

TOLERANCE: dict[str, float] = {"float16": 2e-3, "bfloat16": 1.6e-2, "float32": 2e-6, "float64": 1e-12}
"""About four units in the last place, for values of magnitude one."""


def assert_same(name: str, got: Any, expected: Any, dtype: Any, tolerance: float | None = None) -> None:
    """Raise unless `got` has the dtype, and the shape and values of `expected` to the dtype's precision."""
    expected = np.asarray(expected, np.float64)
    assert got.dtype == dtype, f"{name}: dtype {got.dtype}, expected {jnp.dtype(dtype)}"
    assert got.shape == expected.shape, f"{name}: shape {got.shape}, expected {expected.shape}"
    tolerance = TOLERANCE[jnp.dtype(dtype).name] if tolerance is None else tolerance
    np.testing.assert_allclose(
        np.asarray(got).astype(np.float64), expected, rtol=tolerance, atol=tolerance, err_msg=name
    )


def close(name: str, got: Any, expected: Any, tolerance: float = 5e-6) -> None:
    """Assert equality up to the tolerance times the maximum absolute value."""
    expected = np.asarray(expected, np.float64)
    assert np.shape(got) == expected.shape, f"{name}: shape {np.shape(got)}, expected {expected.shape}"
    scale = max(1.0, float(np.max(np.abs(expected[np.isfinite(expected)]), initial=0)))
    np.testing.assert_allclose(
        np.asarray(got, np.float64), expected, rtol=tolerance, atol=tolerance * scale, err_msg=name
    )


def check_loss(
    fn: Callable[..., jax.Array],
    oracle: Oracle,
    inputs: Sequence[np.ndarray],
    params: dict[str, Any] | None = None,
    *,
    dtype: Any = None,
    tolerance: float | None = None,
    jit: bool = False,
) -> None:
    """Raise unless the loss has the values and gradients of the oracle, with the expected shapes and dtypes.

    Gradients are those of a random linear function of the values, so that each value has a different weight.

    Args:
        fn: a loss that returns unreduced values.
        oracle: the reference.
        inputs: its array inputs.
        params: its hyper-parameters.
        dtype: the expected dtype of the values; by default that of the first input.
        tolerance: relative and absolute; by default from the dtype.
        jit: whether the loss is compiled.
    """
    params = params or {}
    dtype = inputs[0].dtype if dtype is None else dtype
    expected = oracle.value(*inputs, **params)
    cotangent = np.random.default_rng(11).normal(0.2, 1.0, expected.shape).astype(np.float32)

    floats = [at for at, array in enumerate(inputs) if jnp.issubdtype(array.dtype, jnp.floating)]

    def values(*chosen: Any) -> jax.Array:
        whole: list[Any] = list(inputs)
        for at, array in zip(floats, chosen, strict=True):
            whole[at] = array
        return fn(*whole, **params)

    call = jax.jit(values) if jit else values
    primals = [jnp.asarray(inputs[at]) for at in floats]
    got, vjp = jax.vjp(call, *primals)
    assert_same("value", got, expected, dtype, tolerance)
    if oracle.gradients is None and tolerance is not None:
        tolerance = max(tolerance, 1e-8)
    for at, gradient, derivative in zip(
        floats,
        vjp(jnp.asarray(cotangent, got.dtype)),
        float_gradients(oracle, cotangent, inputs, params),
        strict=True,
    ):
        assert_same(f"gradient of input {at}", gradient, derivative, inputs[at].dtype, tolerance)


def float_gradients(
    oracle: Oracle, cotangent: np.ndarray, inputs: Sequence[np.ndarray], params: dict[str, Any]
) -> list[np.ndarray]:
    """Return the oracle's gradients for the float inputs, in order."""
    if oracle.gradients is None:
        floats = [at for at, array in enumerate(inputs) if jnp.issubdtype(array.dtype, jnp.floating)]
        found = numeric_gradients(oracle.value, cotangent, inputs, params, floats)
    else:
        found = oracle.gradients(cotangent, *inputs, **params)
    return [gradient for gradient in found if gradient is not None]
