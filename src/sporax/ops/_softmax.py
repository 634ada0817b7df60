"""Softmax and related functions."""

from __future__ import annotations

from typing import Annotated, Any

import jax
import jax.numpy as jnp

from sporax import _check
from sporax.core import next_key
from sporax.ops._args import one_axis
from sporax.ops._kinds import Axis, DType, Flag, Floating, Operand, plain, static_kind
from sporax.ops._op import op


def _convert_axes(axis: Any, x: jax.Array, where: str, name: str) -> Any:
    axis = plain(axis)
    if isinstance(axis, (tuple, list)):
        return tuple(one_axis(each, x, where=where, name=name) for each in axis)
    index = one_axis(axis, x, where=where, name=name)
    return index if x.shape else ()


SoftmaxAxes = Annotated[
    Any,
    static_kind(
        _convert_axes,
        "the axis, or a tuple of axes; a negative one counts from the end.",
        "int | Sequence[int]",
        "ArgumentError: an axis is out of range; the message names the axis, the shape and the range.",
    ),
]


@op(
    "ops.softmax(input, axis=-1, *, dtype=None)",
    "Tensor.softmax(self, axis=-1, *, dtype=None)",
    "ops.Softmax(axis=-1)(input, *, dtype=None)",
)
def softmax(x: Floating, axis: SoftmaxAxes, dtype: DType) -> jax.Array:
    r"""Softmax along an axis, computed without overflow.

    .. math:: e^{x_i} / \sum_j e^{x_j}

    Args:
        dtype: the dtype that the Tensor is converted to first. Default: its own.

    Returns:
        Tensor of the same shape; along the axis its elements sum to 1.

    Examples:
        >>> print(ops.softmax(Tensor([1.0, 1.0])))
        [0.5 0.5]
    """
    return jax.nn.softmax(x if dtype is None else x.astype(dtype), axis=axis)


@op("ops.log_softmax(logits, axis=-1)", "ops.LogSoftmax(axis=-1)(logits)")
def log_softmax(logits: Floating, axis: SoftmaxAxes) -> jax.Array:
    r"""Logarithm of the softmax along an axis, computed without overflow.

    .. math:: x_i - \ln \sum_j e^{x_j}

    Returns:
        Tensor of the same shape and dtype; integers and bools give float32.

    Examples:
        >>> print(ops.log_softmax(Tensor([1.0, 1.0])).asnumpy().round(4))
        [-0.6931 -0.6931]
    """
    return jax.nn.log_softmax(logits, axis=axis)


@op("ops.softmin(x, axis=-1, *, dtype=None)")
def softmin(x: Floating, axis: SoftmaxAxes, dtype: DType) -> jax.Array:
    r"""Softmax of the negated Tensor.

    .. math:: e^{-x_i} / \sum_j e^{-x_j}

    Args:
        dtype: the dtype that the Tensor is converted to first. Default: its own.

    Returns:
        Tensor of the same shape; along the axis its elements sum to 1.

    Examples:
        >>> print(ops.softmin(Tensor([1.0, 1.0])))
        [0.5 0.5]
    """
    return jax.nn.softmax(-(x if dtype is None else x.astype(dtype)), axis=axis)


@op("ops.gumbel_softmax(logits, tau=1.0, hard=False, dim=-1)")
def gumbel_softmax(logits: Floating, tau: Operand, hard: Flag, axis: Axis) -> jax.Array:
    r"""Differentiable sample from a categorical distribution.

    .. math:: \operatorname{softmax}((x_i + g_i) / \tau), \quad g_i \sim \text{Gumbel}(0, 1)

    Args:
        logits: Tensor of unnormalized log probabilities.
        tau: the temperature, above 0.
        hard: whether to return one-hot vectors, with the gradient of the soft ones.

    Returns:
        Tensor of the same shape; along the axis its elements sum to 1.

    Raises:
        ArgumentError: `tau` is not above 0.

    Examples:
        >>> ops.gumbel_softmax(Tensor([[0.5, 0.5]]), hard=True).sum().item()
        1.0

    Source: Jang et al., 2016; `ops.gumbel_softmax` of MindSpore.
    """
    if isinstance(tau, (int, float)):
        _check.number(tau, name="tau", where="ops.gumbel_softmax", minimum=0, open_minimum=True)
    noise = jax.random.gumbel(next_key(), logits.shape, logits.dtype)
    soft = jax.nn.softmax((logits + noise) / tau, axis=axis)
    if not hard:
        return soft
    one = jax.nn.one_hot(jnp.argmax(soft, axis=axis), logits.shape[axis], axis=axis, dtype=logits.dtype)
    # The bracket is exactly 0 in value, so the result is exactly one-hot.
    return one + (soft - jax.lax.stop_gradient(soft))
