"""Gradient nodes: the mechanism of hooks and of `Cell.bprop`.

`gradient_node(outputs, inputs, backward)` returns `outputs` unchanged. In a backward pass it passes the gradients of
the outputs to `backward`, which returns the gradients of `outputs` and of `inputs`:

- a hook on a value is a node without inputs, whose `backward` returns the changed gradient of the output;
- a `Cell.bprop` is a node whose outputs get no gradient, so that none flows through construct, and whose inputs get
  the result of `bprop`.

Values are arguments, never closed over, so nodes work under every transform of JAX and for derivatives of every order:
the forward rule of a node applies the node again, which gives an enclosing derivative the same rule.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from sporax._jax_compat import x64_scope

Arrays = tuple[Any, ...]
Backward = Callable[[Arrays, Arrays, Arrays, tuple[bool, ...]], tuple[Arrays | None, Arrays | None]]
"""(outputs, inputs, gradients of the outputs, which inputs are differentiated) -> gradients of outputs and inputs.

None denotes no gradient, for all arrays or for single ones.
"""


@jax.tree_util.register_static
@dataclass(frozen=True)
class _Needed:
    flags: tuple[bool, ...]


def is_floating(array: Any) -> bool:
    """Return whether the array's dtype is differentiable (bfloat16 and the float8 dtypes have NumPy's kind V)."""
    return array.dtype.kind in "fcV"


def gradient_node(
    outputs: Arrays,
    inputs: Arrays,
    backward: Backward,
    differentiated: Callable[[tuple[bool, ...]], None] | None = None,
) -> Arrays:
    """Return `outputs`, with `backward` applied to their gradients.

    Args:
        outputs: the arrays to return.
        inputs: other arrays that may get a gradient, or that `backward` needs.
        backward: see `Backward`.
        differentiated: called for each derivative with flags that state which inputs are differentiated.
    """

    @jax.custom_vjp
    def node(outputs: Arrays, inputs: Arrays) -> Arrays:
        return outputs

    def forward(outputs: Any, inputs: Any) -> Any:
        needed = _Needed(tuple(each.perturbed for each in inputs))
        if differentiated is not None:
            differentiated(needed.flags)
        inputs = tuple(each.value for each in inputs)
        outputs = node(tuple(each.value for each in outputs), inputs)
        return outputs, (outputs, inputs, needed)

    def reverse(residuals: Any, gradients: Any) -> Any:
        outputs, inputs, needed = residuals
        with x64_scope(True):
            dense = tuple(_dense(each, output) for each, output in zip(gradients, outputs, strict=True))
            return backward(outputs, inputs, dense, needed.flags)

    node.defvjp(forward, reverse, symbolic_zeros=True)
    return node(outputs, inputs)


def _dense(gradient: Any, output: Any) -> Any:
    if isinstance(gradient, jax.custom_derivatives.SymbolicZero) or not is_floating(output):
        return jnp.zeros(output.shape, output.dtype)
    return gradient
