"""Writes to Parameters, which are correct under jit, grad, vmap and scan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from sporax._errors import ArgumentTypeError, DtypeError, ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Parameter, Tensor, computing_in, to_array, unwrap, wrap
from sporax.ops._args import as_dtype_of, is_floating
from sporax.ops._base import enter_function, primitive


def stateful(function: Callable[..., Any]) -> Callable[..., Any]:
    """Enter an op whose function receives Parameters themselves instead of their arrays; also a decorator."""
    enter_function(function.__name__, function)
    return function


def held(variable: Any, where: str, name: str) -> Tensor:
    """The Parameter or Tensor to write.

    Raises:
        ArgumentTypeError: it is neither.
    """
    if not isinstance(variable, Tensor):
        raise ArgumentTypeError(
            f"ops.{where}: `{name}` must be a Parameter, but got {variable!r} of type {type(variable).__name__}."
        )
    return variable


def stored(variable: Tensor) -> Any:
    """The array of a Parameter or Tensor in its own dtype, also inside a Cell that computes in half precision."""
    with computing_in(None):
        return variable._value


def write(variable: Tensor, value: Any, where: str) -> Tensor:
    """Store a new array of the same shape and dtype.

    Raises:
        ShapeError: the shape differs.
        DtypeError: floating values for an integer dtype.
    """
    here = stored(variable)
    if value.shape != here.shape:
        raise ShapeError(
            f"ops.{where}: a value of shape {value.shape} cannot be stored where the shape is {here.shape}."
        )
    if value.dtype != here.dtype:
        if here.dtype.kind in "iub" and value.dtype.kind not in "iub":
            raise DtypeError(
                f"ops.{where}: values of dtype {value.dtype.name} cannot be stored as {here.dtype.name} without "
                "loss. Cast them first, with .astype(...)."
            )
        value = value.astype(here.dtype)
    variable._rebind(value)
    return variable


def store(variable: Tensor, value: Any, where: str) -> Tensor:
    """`write`, and return the new value as a Tensor, which later writes do not change."""
    return wrap(write(variable, value, where)._value)


@stateful
def assign(variable: Parameter, value: Any) -> Tensor:
    """Assign a new value to a Parameter.

    Args:
        variable: the Parameter.
        value: Tensor of its shape, or a number for a Parameter of one element.

    Returns:
        Tensor: the new value of the Parameter.

    Raises:
        ShapeError: the shapes differ; the message names both.
        DtypeError: floating values for an integer Parameter.

    Examples:
        >>> from sporax import ops, Parameter, Tensor
        >>> w = Parameter(Tensor([1.0]), name="w")
        >>> print(ops.assign(w, Tensor([2.0])))
        [2.]

    Source: `ops.assign` of MindSpore.
    """
    holder = held(variable, "assign", "variable")
    with x64_scope(True):
        here = stored(holder)
        array = as_dtype_of(value, here) if isinstance(value, float) and is_floating(here) else to_array(value)
        if not array.shape and holder.size == 1:
            array = array.reshape(holder.shape)
        return store(holder, array, "assign")


def _updating(where: str, variable: Any, value: Any, change: Callable[[Any, Any], Any]) -> Any:
    holder = held(variable, where, "variable")
    with x64_scope(True):
        here = stored(holder)
        array = as_dtype_of(unwrap(value), here)
        if array.shape not in ((), here.shape):
            raise ShapeError(
                f"ops.{where}: `value` of shape {array.shape} does not fit `variable` of shape {here.shape}."
            )
        return store(holder, change(here, array), where)


@stateful
def assign_add(variable: Parameter, value: Any) -> Tensor:
    """Add to a Parameter.

    Args:
        variable: the Parameter.
        value: Tensor of its shape, or a number.

    Returns:
        Tensor: the new value of the Parameter.

    Raises:
        ShapeError: the shapes differ; the message names both.

    Examples:
        >>> from sporax import ops, Parameter, Tensor
        >>> w = Parameter(Tensor([1.0]), name="w")
        >>> print(ops.assign_add(w, Tensor([2.0])))
        [3.]

    Source: `ops.assign_add` of MindSpore.
    """
    return _updating("assign_add", variable, value, jnp.add)


@stateful
def assign_sub(variable: Parameter, value: Any) -> Tensor:
    """Subtract from a Parameter.

    Args:
        variable: the Parameter.
        value: Tensor of its shape, or a number.

    Returns:
        Tensor: the new value of the Parameter.

    Raises:
        ShapeError: the shapes differ; the message names both.

    Examples:
        >>> from sporax import ops, Parameter, Tensor
        >>> w = Parameter(Tensor([3.0]), name="w")
        >>> print(ops.assign_sub(w, Tensor([2.0])))
        [1.]

    Source: `ops.assign_sub` of MindSpore.
    """
    return _updating("assign_sub", variable, value, jnp.subtract)


Assign = primitive("Assign", assign)
AssignAdd = primitive("AssignAdd", assign_add)
AssignSub = primitive("AssignSub", assign_sub)
