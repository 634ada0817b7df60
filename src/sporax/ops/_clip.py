"""Bounds on values and on norms."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError
from sporax._value_checks import is_known
from sporax.core import arithmetic
from sporax.ops import _args
from sporax.ops._kinds import Array, Arrays, Flag, Kind, Operand, Value, plain
from sporax.ops._op import op

# A bound that is NaN gives NaN, and so does an element that is NaN.
_below = arithmetic(lambda x, bound: jnp.where((x >= bound) | (x != x), x, bound))
_above = arithmetic(lambda x, bound: jnp.where((x <= bound) | (x != x), x, bound))


def _one_or_several(value: Any, *_: Any) -> Any:
    value = plain(value)
    if isinstance(value, (tuple, list)):
        return type(value)(_args.as_array(each) for each in value)
    return _args.as_array(value)


def _bound(value: Any, *_: Any) -> Any:
    value = plain(value)
    return value if value is None or isinstance(value, (bool, int, float, complex)) else _args.as_array(value)


ArrayOrArrays = Annotated[
    Any,
    Kind(_one_or_several, "Tensor, or a tuple or list of Tensors.", "_TensorLike | Sequence[_TensorLike]", data=True),
]
Bound = Annotated[
    Any, Kind(_bound, "number, Tensor that broadcasts, or None for no bound.", "_TensorLike | None", data=True)
]


def _clamped(x: jax.Array, low: Any, high: Any, where: str) -> jax.Array:
    if low is None and high is None:
        raise ArgumentError(f"ops.{where}: give a lower bound, an upper bound, or both.")
    # A select and not a maximum: at the bound itself the derivative is 1, and NaN stays NaN.
    for bound, limit in ((low, _below), (high, _above)):
        if bound is not None:
            _args.check_broadcast(where, x, bound)
            x = limit(x, bound)
    return x


def _clamp(value: Any, low: Any, high: Any, where: str) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(_clamped(each, low, high, where) for each in value)
    return _clamped(value, low, high, where)


@op(
    "ops.clamp(input, min=None, max=None)",
    "ops.clip(input, min=None, max=None)",
    "mint.clamp(input, min=None, max=None)",
    "mint.clip(input, min=None, max=None)",
)
def clamp(x: ArrayOrArrays, min: Bound, max: Bound) -> Any:
    r"""Limit each element to the range between two bounds.

    .. math:: \min(\max(x_i, a), b)

    Args:
        min: the lower bound a: number, Tensor that broadcasts, or None for no bound.
        max: the upper bound b, likewise. Where `min` exceeds `max`, the result is `max`.

    Returns:
        Tensor of the same shape, or a tuple or list of them; an integer one with a float bound gives float32. The
        derivative is 1 at and between the bounds, and 0 beyond.

    Raises:
        ArgumentError: neither bound is given.
        ShapeError: a bound does not broadcast.

    Examples:
        >>> print(ops.clamp(Tensor([1, 3, 5]), 2, 4))
        [2 3 4]
    """
    return _clamp(x, min, max, "clamp")


@op("Tensor.clamp(self, min=None, max=None)", "Tensor.clip(self, min=None, max=None)")
def _clamp_method(x: Array, min: Bound, max: Bound) -> jax.Array:
    """Limit each element to the range between two bounds, as `ops.clamp`.

    Args:
        min: the lower bound: number, Tensor that broadcasts, or None for no bound.
        max: the upper bound, likewise. Where `min` exceeds `max`, the result is `max`.

    Returns:
        Tensor of the same shape; an integer one with a float bound gives float32.

    Raises:
        ArgumentError: neither bound is given.
        ShapeError: a bound does not broadcast.
    """
    return _clamped(x, min, max, "clamp")


@op("ops.clip_by_value(x, clip_value_min=None, clip_value_max=None)")
def clip_by_value(x: ArrayOrArrays, clip_value_min: Bound, clip_value_max: Bound) -> Any:
    r"""Limit each element to the range between two bounds.

    .. math:: \min(\max(x_i, a), b)

    Args:
        clip_value_min: the lower bound a: number, Tensor that broadcasts, or None for no bound.
        clip_value_max: the upper bound b, likewise.

    Returns:
        Tensor of the same shape, or a tuple or list of them.

    Raises:
        ArgumentError: neither bound is given.
        ShapeError: a bound does not broadcast.

    Examples:
        >>> print(ops.clip_by_value(Tensor([3.0, 4.0]), 0, 3.5))
        [3.  3.5]
    """
    return _clamp(x, clip_value_min, clip_value_max, "clip_by_value")


def _total_norm(arrays: list[jax.Array], order: float) -> jax.Array:
    sizes = [jnp.abs(each.astype(jnp.float32) if each.dtype.itemsize < 4 else each) for each in arrays]
    if order == np.inf:
        return jnp.stack([jnp.max(each, initial=0) for each in sizes]).max()
    powers = jnp.stack([jnp.sum(each**order) for each in sizes]).sum()
    zero = powers == 0
    return jnp.where(zero, 0, jnp.where(zero, 1, powers) ** (1 / order))


@op("ops.clip_by_norm(x, max_norm, norm_type=2.0, error_if_nonfinite=False)")
def clip_by_norm(x: ArrayOrArrays, max_norm: Operand, norm_type: Value, error_if_nonfinite: Flag) -> Any:
    r"""Scale Tensors by one factor so that their total norm is at most a bound.

    .. math:: x \cdot \min\left(1, \frac{c}{\|x\|_p + 10^{-6}}\right)

    Args:
        max_norm: the bound c.
        norm_type: the order p; with inf, the norm is the maximum of the absolute values.
        error_if_nonfinite: whether to raise if the norm is not finite; not checked in compiled code.

    Returns:
        Tensor, or a tuple or list of them, of the same shapes and dtypes.

    Raises:
        ArgumentError: the norm is NaN or infinite, with `error_if_nonfinite`.

    Examples:
        >>> print(ops.clip_by_norm(Tensor([3.0, 4.0]), 1.0).asnumpy().round(4))
        [0.6 0.8]
    """
    several = isinstance(x, (tuple, list))
    arrays = [
        _args.as_floating(each) for each in _args.arrays_of(x if several else [x], where="clip_by_norm", name="x")
    ]
    total = _total_norm(arrays, float(norm_type))
    if error_if_nonfinite and is_known(total) and not np.isfinite(total):
        raise ArgumentError(f"ops.clip_by_norm: the norm of order {norm_type} of `x` is {float(total)}.")
    factor = jnp.minimum(max_norm / (total + 1e-6), 1)
    scaled = [each * factor.astype(each.dtype) for each in arrays]
    return type(x)(scaled) if several else scaled[0]


@op("ops.clip_by_global_norm(x, clip_norm=1.0, use_norm=None)")
def clip_by_global_norm(x: Arrays, clip_norm: Operand, use_norm: Value) -> tuple[jax.Array, ...]:
    r"""Scale Tensors by one factor so that their total norm is at most a bound.

    .. math:: x_k \cdot \frac{c}{\max(\|x\|_2, c)}, \quad \|x\|_2 = \sqrt{\sum_k \|x_k\|_2^2}

    Args:
        clip_norm: the bound c, above 0.
        use_norm: None; present for compatibility with MindSpore.

    Returns:
        tuple of Tensors of the same shapes and dtypes.

    Raises:
        ArgumentError: `clip_norm` is not above 0, or `use_norm` is given.

    Examples:
        >>> print(ops.clip_by_global_norm((Tensor([3.0, 4.0]), Tensor([0.0])), 1.0)[0].asnumpy().round(4))
        [0.6 0.8]

    Source: Pascanu et al., 2012; `ops.clip_by_global_norm` of MindSpore.
    """
    if isinstance(clip_norm, (int, float)):
        _check.number(clip_norm, name="clip_norm", where="ops.clip_by_global_norm", minimum=0, open_minimum=True)
    if use_norm is not None:
        raise ArgumentError("ops.clip_by_global_norm: `use_norm` must be None; sporax computes the norm itself.")
    arrays = [_args.as_floating(each) for each in x]
    factor = clip_norm / jnp.maximum(_total_norm(arrays, 2.0), clip_norm)
    return tuple(each * factor.astype(each.dtype) for each in arrays)
