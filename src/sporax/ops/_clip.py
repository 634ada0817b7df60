"""Bounds on values and on norms."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError
from sporax._jax_compat import is_tracer
from sporax.core import arithmetic
from sporax.ops._args import Array, arrays_of, as_array, as_floating, check_broadcast
from sporax.ops._base import alias, op

# A bound that is NaN gives NaN, and so does an element that is NaN.
_below = arithmetic(lambda x, bound: jnp.where((x >= bound) | (x != x), x, bound))
_above = arithmetic(lambda x, bound: jnp.where((x <= bound) | (x != x), x, bound))


def _clamped(x: Array, low: Any, high: Any, where: str) -> Array:
    if low is None and high is None:
        raise ArgumentError(f"ops.{where}: give a lower bound, an upper bound, or both.")
    # A select and not a maximum: at the bound itself the derivative is 1, and NaN stays NaN.
    for bound, keep in ((low, _below), (high, _above)):
        if bound is not None:
            check_broadcast(where, x, bound)
            x = keep(x, bound)
    return x


def _clamp_any(value: Any, low: Any, high: Any, where: str) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(_clamped(as_array(each), low, high, where) for each in value)
    return _clamped(as_array(value), low, high, where)


@op(method=True)
def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    r"""Each element kept between two bounds.

    .. math:: \min(\max(x_i, a), b)

    Args:
        input: Tensor, or a tuple or list of them.
        min: the lower bound a: number, Tensor that broadcasts, or None for none.
        max: the upper bound b, likewise. Where the two cross, b wins.

    Returns:
        Tensor of the same shape; an integer one with a float bound gives float32. The derivative is 1 at the
        bounds and between them, 0 beyond.

    Raises:
        ArgumentError: neither bound is given.
        ShapeError: a bound does not broadcast.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.clamp(Tensor([1, 3, 5]), 2, 4))
        [2 3 4]

    Source: `ops.clamp` of MindSpore.
    """
    return _clamp_any(input, min, max, "clamp")


@op
def clip_by_value(x: Any, clip_value_min: Any = None, clip_value_max: Any = None) -> Any:
    r"""Each element kept between two bounds.

    .. math:: \min(\max(x_i, a), b)

    Args:
        x: Tensor, or a tuple or list of them.
        clip_value_min: the lower bound a: number, Tensor that broadcasts, or None for none.
        clip_value_max: the upper bound b, likewise.

    Returns:
        Tensor of the same shape, or a tuple or list of them.

    Raises:
        ArgumentError: neither bound is given.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.clip_by_value(Tensor([3.0, 4.0]), 0, 3.5))
        [3.  3.5]

    Source: `ops.clip_by_value` of MindSpore.
    """
    return _clamp_any(x, clip_value_min, clip_value_max, "clip_by_value")


def _total_norm(arrays: list[Array], order: float) -> Array:
    sizes = [jnp.abs(each.astype(jnp.float32) if each.dtype.itemsize < 4 else each) for each in arrays]
    if order == np.inf:
        return jnp.stack([jnp.max(each, initial=0) for each in sizes]).max()
    powers = jnp.stack([jnp.sum(each**order) for each in sizes]).sum()
    zero = powers == 0
    return jnp.where(zero, 0, jnp.where(zero, 1, powers) ** (1 / order))


@op
def clip_by_norm(x: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False) -> Any:
    r"""Tensors scaled down together, so that their common norm is at most a bound.

    .. math:: x \cdot \min\left(1, \frac{c}{\|x\|_p + 10^{-6}}\right)

    Args:
        x: Tensor, or a tuple or list of them.
        max_norm: the bound c.
        norm_type: the order p; inf takes the largest element.
        error_if_nonfinite: raise where the norm is not finite, and its value is known.

    Returns:
        Tensor, or a tuple or list of them, of the same shapes and dtypes.

    Raises:
        ArgumentError: the norm is NaN or infinite, with `error_if_nonfinite`.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.clip_by_norm(Tensor([3.0, 4.0]), 1.0).asnumpy().round(4))
        [0.6 0.8]

    Source: `ops.clip_by_norm` of MindSpore.
    """
    one = not isinstance(x, (tuple, list))
    arrays = [as_floating(each) for each in arrays_of([x] if one else x, where="clip_by_norm", name="x")]
    total = _total_norm(arrays, float(norm_type))
    if error_if_nonfinite and not is_tracer(total) and not np.isfinite(total):
        raise ArgumentError(f"ops.clip_by_norm: the norm of order {norm_type} of `x` is {float(total)}.")
    factor = jnp.minimum(max_norm / (total + 1e-6), 1)
    scaled = [each * factor.astype(each.dtype) for each in arrays]
    return scaled[0] if one else type(x)(scaled)


@op
def clip_by_global_norm(x: Any, clip_norm: float = 1.0, use_norm: None = None) -> Any:
    r"""Tensors scaled down together, so that their common norm is at most a bound.

    .. math:: x_k \cdot \frac{c}{\max(\|x\|_2, c)}, \quad \|x\|_2 = \sqrt{\sum_k \|x_k\|_2^2}

    Args:
        x: tuple or list of Tensors.
        clip_norm: the bound c, above 0.
        use_norm: kept for MindSpore code; None.

    Returns:
        tuple of Tensors of the same shapes and dtypes.

    Raises:
        ArgumentError: `clip_norm` is not above 0, or `use_norm` is given.

    Examples:
        >>> from sporax import ops, Tensor
        >>> print(ops.clip_by_global_norm((Tensor([3.0, 4.0]), Tensor([0.0])), 1.0)[0].asnumpy().round(4))
        [0.6 0.8]

    Source: Pascanu et al., 2012; `ops.clip_by_global_norm` of MindSpore.
    """
    if isinstance(clip_norm, (int, float)):
        _check.number(clip_norm, name="clip_norm", where="ops.clip_by_global_norm", minimum=0, open_minimum=True)
    if use_norm is not None:
        raise ArgumentError("ops.clip_by_global_norm: `use_norm` must be None; sporax computes the norm itself.")
    arrays = [as_floating(each) for each in arrays_of(x, where="clip_by_global_norm", name="x")]
    factor = clip_norm / jnp.maximum(_total_norm(arrays, 2.0), clip_norm)
    return tuple(each * factor.astype(each.dtype) for each in arrays)


clip = alias("clip", clamp, method=True)
