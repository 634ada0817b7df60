"""In-place methods: each rebinds the Tensor, or writes the Parameter, and returns it. The shape must not change."""

from __future__ import annotations

import inspect
from typing import Any

import jax
import jax.numpy as jnp

from sporax._errors import ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Generator, Parameter, Tensor, computing_in, next_key, unwrap
from sporax.ops import _activation, _clip, _methods, _special
from sporax.ops._args import as_dtype_of, check_broadcast
from sporax.ops._base import METHODS, tensor_method
from sporax.ops._state import stored, write

_FROM_METHODS = (
    *("add", "sub", "mul", "div", "floor_divide", "remainder", "pow", "clamp", "masked_fill", "index_fill"),
    *("abs", "neg", "sign", "square", "sqrt", "exp", "log", "erfinv", "sigmoid", "tanh", "floor", "ceil", "round"),
)
"""Methods whose in-place form is the method followed by rebinding."""


def rebind(self: Tensor, value: Any, name: str) -> Tensor:
    """Rebind the Tensor, or write the Parameter, to `value`.

    Raises:
        ShapeError: the shape differs.
        DtypeError: an integer Parameter would get floating values.
    """
    if value.shape != self.shape:
        raise ShapeError(
            f"Tensor.{name}: the result has shape {value.shape}, but an in-place method keeps the shape "
            f"{self.shape}. Use the method without the underscore."
        )
    if isinstance(self, Parameter):
        return write(self, value, name)
    self._rebind(value)
    return self


def _inplace(name: str) -> None:
    method, source = f"{name}_", METHODS[name]

    def inplace(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        with x64_scope(True):
            self._follow()
            with computing_in(None):
                changed = source(self, *args, **kwargs)._value
            return rebind(self, changed, method)

    inplace.__name__ = inplace.__qualname__ = method
    inplace.__module__ = __name__
    inplace.__doc__ = f"As `Tensor.{name}`, in place; return the Tensor."
    inplace.__signature__ = inspect.signature(source)  # pyright: ignore[reportFunctionMemberAccess]
    tensor_method()(inplace)


# The imports have added these methods to METHODS.
assert all((_activation, _clip, _methods, _special))
for _name in _FROM_METHODS:
    _inplace(_name)
del _name


def _filled(self: Tensor, value: Any, name: str) -> Tensor:
    with x64_scope(True):
        here = stored(self)
        array = as_dtype_of(unwrap(value), here)
        if check_broadcast(name, here, array) != here.shape:
            raise ShapeError(f"Tensor.{name}: a value of shape {array.shape} does not fit into shape {here.shape}.")
        return rebind(self, jnp.broadcast_to(array, here.shape), name)


@tensor_method()
def fill_(self: Tensor, value: Any) -> Tensor:
    """Set every element to a number, in place; return the Tensor."""
    return _filled(self, value, "fill_")


@tensor_method()
def zero_(self: Tensor) -> Tensor:
    """Set every element to 0, in place; return the Tensor."""
    return _filled(self, 0, "zero_")


@tensor_method()
def copy_(self: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Copy the values of another Tensor, which is broadcast and cast, in place; return the Tensor."""
    return _filled(self, src, "copy_")


def _drawn(self: Tensor, name: str, draw: Any, generator: Generator | None) -> Tensor:
    with x64_scope(True):
        here = stored(self)
        floating = jnp.issubdtype(here.dtype, jnp.floating)
        values = draw(next_key(generator), here.shape, here.dtype if floating else jnp.dtype(jnp.float32))
        return rebind(self, values.astype(here.dtype), name)


@tensor_method()
def normal_(self: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Draw every element from a normal distribution, in place; return the Tensor."""
    return _drawn(
        self, "normal_", lambda key, shape, dtype: mean + std * jax.random.normal(key, shape, dtype), generator
    )


@tensor_method()
def uniform_(self: Tensor, from_: float = 0, to: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Draw every element uniformly from [from_, to), in place; return the Tensor."""
    return _drawn(
        self, "uniform_", lambda key, shape, dtype: jax.random.uniform(key, shape, dtype, from_, to), generator
    )


@tensor_method()
def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Set every element to 1 with probability p, else to 0, in place; return the Tensor."""
    chance = p._value if isinstance(p, Tensor) else p
    return _drawn(self, "bernoulli_", lambda key, shape, dtype: jax.random.bernoulli(key, chance, shape), generator)


@tensor_method()
def exponential_(self: Tensor, lambd: float = 1, *, generator: Generator | None = None) -> Tensor:
    """Draw every element from the exponential distribution of rate `lambd`, in place; return the Tensor."""
    return _drawn(
        self, "exponential_", lambda key, shape, dtype: jax.random.exponential(key, shape, dtype) / lambd, generator
    )
