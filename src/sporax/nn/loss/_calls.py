"""Call a loss that may be a function of Tensors or of JAX arrays, and may return either."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import jax

from sporax._errors import SporaxError
from sporax.core import Cell, Tensor, wrap
from sporax.losses import contract_loss
from sporax.transforms import note_captured_by


def call_loss(loss: Callable[..., Any], *inputs: Any) -> Any:
    """Return the value of a loss, as Tensors.

    A function of JAX arrays may reject Tensors (as `jnp.result_type` does); it is then called with arrays.

    Args:
        loss: a Cell or a function.
        inputs: its inputs: Tensors, or tuples, lists and dicts of them.

    Examples:
        >>> import jax.numpy as jnp
        >>> from sporax import Tensor
        >>> print(call_loss(lambda x, y: jnp.mean((x - y) ** 2), Tensor([1.0, 3.0]), Tensor([1.0, 1.0])))
        2.0
    """
    note_captured_by(loss)
    try:
        return tensors_of(loss(*inputs))
    except (TypeError, ValueError, AttributeError) as error:
        if not isinstance(loss, Cell) and not isinstance(error, SporaxError):
            # If that fails too, the first error is more informative.
            with contextlib.suppress(TypeError, ValueError, AttributeError):
                return tensors_of(loss(*_arrays_of(inputs)))
        raise


def tensors_of(output: Any) -> Any:
    """Convert JAX arrays among outputs to Tensors; unlike in `jax.tree.map`, dicts keep their order.

    Examples:
        >>> import jax.numpy as jnp
        >>> tensors_of({"b": jnp.float32(1), "a": None})
        {'b': Tensor(shape=[], dtype=Float32, value= 1), 'a': None}
    """
    return _mapped(output, lambda leaf: wrap(leaf) if isinstance(leaf, jax.Array) else leaf)


def name_of(loss: Any) -> str:
    """Return the name of a loss in error messages: of its class, or of its function."""
    if isinstance(loss, Cell):
        return type(loss).__name__
    function = contract_loss(loss, reduced=True)
    return function.spec.name if function is not None else getattr(loss, "__name__", type(loss).__name__)


def _arrays_of(inputs: Any) -> Any:
    return _mapped(inputs, lambda leaf: leaf._value if isinstance(leaf, Tensor) else leaf)


def _mapped(output: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(output, dict):
        return {name: _mapped(value, change) for name, value in output.items()}
    if isinstance(output, (tuple, list)):
        items = [_mapped(each, change) for each in output]
        if all(a is b for a, b in zip(items, output, strict=True)):
            return output
        return type(output)(*items) if hasattr(output, "_fields") else type(output)(items)
    return change(output)
