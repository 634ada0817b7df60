"""Comparison of an op with NumPy: value, shape, dtype, compiled form and gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._jax_compat import x64_scope
from sporax.core import Tensor, unwrap, wrap

TOLERANCE = {
    "float16": 2e-3,
    "bfloat16": 2e-2,
    "float32": 3e-6,
    "float64": 1e-12,
    "complex64": 3e-6,
    "complex128": 1e-12,
}


_DIRECTIONS = 3


def leaves(result: Any) -> list[Any]:
    """Return the arrays of the result of an op."""
    return [unwrap(each) for each in (result if isinstance(result, (tuple, list)) else (result,))]


def assert_close(
    got: Any, expected: Any, *, dtype: Any = None, tolerance: float | None = None, name: str = "op"
) -> None:
    """Raise unless `got` has the shape and the values of `expected`, and the given dtype."""
    got, expected = np.asarray(unwrap(got)), np.asarray(expected)
    if dtype is not None:
        assert got.dtype == jnp.dtype(dtype), f"{name}: dtype {got.dtype}, expected {jnp.dtype(dtype)}"
    assert got.shape == expected.shape, f"{name}: shape {got.shape}, expected {expected.shape}"
    if tolerance is None:
        tolerance = TOLERANCE.get(got.dtype.name, 0.0)
    kind = np.complex128 if "complex" in got.dtype.name else np.float64
    np.testing.assert_allclose(got.astype(kind), expected.astype(kind), rtol=tolerance, atol=tolerance, err_msg=name)


def check_op(
    call: Callable[..., Any],
    reference: Callable[..., Any],
    inputs: Sequence[np.ndarray],
    *,
    dtype: Any = None,
    tolerance: float | None = None,
    compiled: bool = True,
    name: str = "op",
) -> None:
    """Raise unless `call` of Tensors equals `reference` of NumPy arrays, eagerly and compiled.

    Args:
        call: the op, of Tensors.
        reference: the NumPy equivalent; returns an array, or a tuple of arrays.
        inputs: the arrays.
        dtype: the result's dtype, or one for each result.
        tolerance: relative and absolute; by default from the dtype.
        compiled: whether the op can be compiled.
        name: the name in the message.
    """
    expected = reference(*inputs)
    expected = list(expected) if isinstance(expected, (tuple, list)) else [expected]
    dtypes = list(dtype) if isinstance(dtype, (tuple, list)) else [dtype] * len(expected)

    def arrays(*values: Any) -> list[Any]:
        return leaves(call(*[wrap(value) for value in values]))

    runs = [leaves(call(*[Tensor(value) for value in inputs]))]
    if compiled:
        with x64_scope(True):
            runs.append(jax.jit(arrays)(*[jnp.asarray(value) for value in inputs]))
    for form, got in zip(("eager", "compiled"), runs, strict=False):
        assert len(got) == len(expected), f"{name}: {len(got)} results, expected {len(expected)}"
        for each, wanted, kind in zip(got, expected, dtypes, strict=True):
            assert_close(each, wanted, dtype=kind, tolerance=tolerance, name=f"{name} {form}")


def check_gradient(
    call: Callable[..., Any],
    inputs: Sequence[np.ndarray],
    *,
    tolerance: float = 1e-6,
    step: float = 1e-6,
    name: str = "op",
) -> None:
    """Raise unless the gradients of all floating inputs agree with central differences in float64.

    They are those of a random linear function of all floating results, so that each element has a different weight,
    compared along random directions.
    """
    inputs = [np.asarray(each, np.float64) if each.dtype.kind == "f" else each for each in inputs]
    floats = [at for at, each in enumerate(inputs) if each.dtype.kind == "f"]

    def total(*values: Any) -> Any:
        whole = list(inputs)
        for at, value in zip(floats, values, strict=True):
            whole[at] = value
        results = [
            each for each in leaves(call(*[wrap(jnp.asarray(each)) for each in whole])) if each.dtype.kind == "f"
        ]
        weights = np.random.default_rng(5)
        return sum((jnp.asarray(weights.normal(0.3, 1.0, each.shape)) * each).sum() for each in results)

    with x64_scope(True):
        primals = [jnp.asarray(inputs[at]) for at in floats]
        run = jax.jit(jax.value_and_grad(total, argnums=tuple(range(len(floats)))))
        _, gradients = run(*primals)
        rng = np.random.default_rng(6)
        for which, (array, gradient) in enumerate(zip(primals, gradients, strict=True)):
            assert gradient.shape == array.shape
            for _ in range(_DIRECTIONS):
                direction = rng.normal(0.0, 1.0, array.shape)
                ends = [
                    float(
                        run(
                            *(
                                each + sign * step * direction if at == which else each
                                for at, each in enumerate(primals)
                            )
                        )[0]
                    )
                    for sign in (1, -1)
                ]
                derivative = (ends[0] - ends[1]) / (2 * step)
                along = float((np.asarray(gradient) * direction).sum())
                scale = max(1.0, float(np.abs(np.asarray(gradient) * direction).sum()))
                assert abs(along - derivative) <= tolerance * scale, (
                    f"{name}: gradient {which} along a random direction is {along}, by differences {derivative}"
                )
