"""Elementwise ops of three and more arguments, and complex numbers from two real ones."""

from __future__ import annotations

from typing import Annotated

import jax
import jax.numpy as jnp

from sporax._errors import ShapeError
from sporax.core import arithmetic
from sporax.core import true_divide as _true_divide
from sporax.ops._args import check_broadcast
from sporax.ops._kinds import Array, Arrays, Floating, Operand, array_kind
from sporax.ops._op import op

Second = Annotated[jax.Array, array_kind(floating=True, doc="Tensor that broadcasts with the first.")]
Factor = Annotated[jax.Array, array_kind(doc="Tensor that broadcasts with `input`.")]

_multiply = arithmetic(jnp.multiply)


@op(
    "ops.lerp(input, end, weight)",
    "mint.lerp(input, end, weight)",
    "Tensor.lerp(self, end, weight)",
    "ops.Lerp()(input, end, weight)",
)
def lerp(x: Floating, end: Second, weight: Operand) -> jax.Array:
    r"""Linear interpolation between two Tensors.

    .. math:: x_i + w_i (y_i - x_i)

    Args:
        x: Tensor x of any shape.
        end: Tensor y that broadcasts with `input`.
        weight: number or Tensor w that broadcasts with both.

    Returns:
        Tensor of the broadcast shape.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> print(ops.lerp(Tensor([1.0, 2.0]), Tensor([3.0, 6.0]), 0.5))
        [2. 4.]
    """
    check_broadcast("lerp", x, end, weight)
    return x + weight * (end - x)


@op(
    "ops.addcmul(input, tensor1, tensor2, value=1)",
    "mint.addcmul(input, tensor1, tensor2, value=1)",
    "Tensor.addcmul(self, tensor1, tensor2, value=1)",
    "ops.Addcmul()(input, tensor1, tensor2, value=1)",
)
def addcmul(x: Array, tensor1: Factor, tensor2: Factor, value: Operand) -> jax.Array:
    r"""Sum of a Tensor and a multiple of the product of two others.

    .. math:: x_i + v \, y_i z_i

    Args:
        value: number or Tensor v.

    Returns:
        Tensor of the broadcast shape.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> print(ops.addcmul(Tensor([1.0]), Tensor([3.0]), Tensor([2.0]), 0.5))
        [4.]
    """
    check_broadcast("addcmul", x, tensor1, tensor2, value)
    return x + _multiply(tensor1 * tensor2, value)


@op(
    "ops.addcdiv(input, tensor1, tensor2, value=1)",
    "mint.addcdiv(input, tensor1, tensor2, value=1)",
    "Tensor.addcdiv(self, tensor1, tensor2, value=1)",
    "ops.Addcdiv()(input, tensor1, tensor2, value=1)",
)
def addcdiv(x: Array, tensor1: Factor, tensor2: Factor, value: Operand) -> jax.Array:
    r"""Sum of a Tensor and a multiple of the quotient of two others.

    .. math:: x_i + v \, y_i / z_i

    Args:
        value: number or Tensor v.

    Returns:
        Tensor of the broadcast shape.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> print(ops.addcdiv(Tensor([1.0]), Tensor([3.0]), Tensor([2.0])))
        [2.5]
    """
    check_broadcast("addcdiv", x, tensor1, tensor2, value)
    return x + value * _true_divide(tensor1, tensor2)


@op("ops.addn(x)", "ops.AddN()(x)", "ops.AccumulateNV2()(x)")
def addn(x: Arrays) -> jax.Array:
    r"""Sum of a list of Tensors of the same shape.

    .. math:: \sum_k x_k

    Returns:
        Tensor of that shape.

    Raises:
        ShapeError: the shapes differ.

    Examples:
        >>> print(ops.addn([Tensor([1.0]), Tensor([2.0]), Tensor([4.0])]))
        [7.]
    """
    total = x[0]
    for each in x[1:]:
        if each.shape != total.shape:
            raise ShapeError(f"ops.addn: all Tensors must have one shape, but got {total.shape} and {each.shape}.")
        total = total + each
    return total


@op("ops.polar(abs, angle)", "mint.polar(abs, angle)")
def polar(abs: Floating, angle: Second) -> jax.Array:
    r"""Complex numbers from their absolute values and angles.

    .. math:: r_i (\cos \varphi_i + \mathrm{i} \sin \varphi_i)

    Args:
        abs: Tensor r of any shape.
        angle: Tensor of angles in radians that broadcasts with `abs`.

    Returns:
        complex64 Tensor, or complex128 for float64.

    Raises:
        ShapeError: the shapes do not broadcast.

    Examples:
        >>> print(ops.polar(Tensor([2.0]), Tensor([0.0])))
        [2.+0.j]
    """
    check_broadcast("polar", abs, angle)
    return jax.lax.complex(*jnp.broadcast_arrays(abs * jnp.cos(angle), abs * jnp.sin(angle)))


@op("ops.Complex()(real, imag)")
def _complex(real: Floating, imag: Second) -> jax.Array:
    """Complex numbers from their real and imaginary parts; complex64, or complex128 for float64."""
    return jax.lax.complex(*jnp.broadcast_arrays(real, imag))
