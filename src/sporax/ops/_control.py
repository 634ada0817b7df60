"""Control flow and transforms under the names that MindSpore gives them in `ops`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sporax._errors import ArgumentError
from sporax.core import Tensor
from sporax.ops._base import primitive
from sporax.ops._state import stateful
from sporax.transforms import (
    cond,
    fori_loop,
    grad,
    scan,
    stop_gradient,
    value_and_grad,
    vmap,
    while_loop,
)

for _function in (cond, fori_loop, grad, scan, stop_gradient, value_and_grad, vmap, while_loop):
    stateful(_function)
del _function

StopGradient = primitive("StopGradient", stop_gradient)
ForiLoop = primitive("ForiLoop", fori_loop)
WhileLoop = primitive("WhileLoop", while_loop)


def _scan_elements(
    loop_func: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any,
    length: int | None = None,
    unroll: bool | int = False,
) -> tuple[Any, Any]:
    """`carry, y = loop_func(carry, x)` for the elements x of a list or tuple, as MindSpore's `Scan`.

    Args:
        loop_func: from carry and element to the next carry and an output.
        init: the first carry.
        xs: a list or tuple of any elements; or a Tensor, for `ops.scan` over its first axis; or None with `length`.
        length: how many steps.
        unroll: for a Tensor, how many steps to lay out flat, True for all; a list always is.

    Returns:
        the last carry, and the outputs: a list for a list or tuple, else stacked.

    Raises:
        ArgumentError: `length` is not the number of elements.
    """
    if isinstance(xs, Tensor) or not isinstance(xs, (list, tuple)):
        return scan(loop_func, init, xs, length, unroll)
    if length is not None and length != len(xs):
        raise ArgumentError(f"ops.Scan: `length` is {length}, but `xs` has {len(xs)} elements. Leave out `length`.")
    carry, outputs = init, []
    for element in xs:
        carry, output = loop_func(carry, element)
        outputs.append(output)
    return carry, outputs


Scan = primitive("Scan", _scan_elements)
