"""How a loss of a user's is called: it may be a function of Tensors or of arrays of JAX, and return either."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import jax

from sporax._errors import SporaxError
from sporax.core import Cell, Tensor, wrap
from sporax.transforms import note_captured_by


def call_loss(loss: Callable[..., Any], *inputs: Any) -> Any:
    """What a loss returns, as Tensors.

    A function of JAX arrays may refuse Tensors (`jnp.result_type` does); it gets arrays then.

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
            # Where that fails too, the first error says more.
            with contextlib.suppress(TypeError, ValueError, AttributeError):
                return tensors_of(loss(*_arrays_of(inputs)))
        raise


def tensors_of(output: Any) -> Any:
    """Arrays of JAX among outputs as Tensors; dicts keep their order, which `jax.tree.map` would not.

    Examples:
        >>> import jax.numpy as jnp
        >>> tensors_of({"b": jnp.float32(1), "a": None})
        {'b': Tensor(shape=[], dtype=Float32, value= 1), 'a': None}
    """
    return _mapped(output, lambda leaf: wrap(leaf) if isinstance(leaf, jax.Array) else leaf)


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
