"""Gradient nodes of Tensors, in traced and in recorded code; see `_gradient_node.py`."""

from __future__ import annotations

from collections.abc import Sequence

from sporax._jax_compat import x64_scope
from sporax.core._frames import STATE
from sporax.core._gradient_node import Backward, gradient_node
from sporax.core.tensor import Tensor, wrap


def tensor_node(outputs: Sequence[Tensor], inputs: Sequence[Tensor], backward: Backward) -> tuple[Tensor, ...]:
    """Return the Tensors `outputs`, with `backward` applied to their gradients.

    Args:
        outputs: the Tensors to return. The result may be the same objects if none is differentiated.
        inputs: other Tensors that may get a gradient, or that `backward` needs.
        backward: see `Backward`; it is called with arrays.
    """
    tape = STATE.tape
    if tape is not None:
        return tape.gradient_node(outputs, inputs, backward)
    arrays = tuple(each._value for each in outputs)
    with x64_scope(True):
        return tuple(map(wrap, gradient_node(arrays, tuple(each._value for each in inputs), backward)))
