"""Gradients in the recorded mode: eager values, with a tape.

`recorded_gradients` runs a function with a tape. Where the function does what a tape cannot record, such as a nested
derivative or JAX code of the user's, the call is undone and None is returned: `_grad.py` then traces the function. The
function is traced in later calls too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sporax._jax_compat import is_tracer
from sporax.core import STATE, LeaveRecording, Parameter, Tensor, backward_pass, context, wrap
from sporax.transforms._functional import user_frame
from sporax.transforms._modes import Use
from sporax.transforms._tape import Tape, ones_like


class Gradients(NamedTuple):
    """What a recorded call gives: the output, and the gradients of the inputs and of the Parameters."""

    output: Any
    by_input: tuple[Any, ...]
    by_weight: tuple[Any, ...]


def can_record() -> bool:
    """Return whether gradients are recorded here: in eager code, unless GRAPH_MODE was chosen."""
    if STATE.recording is not None:
        STATE.recording.leave("a derivative inside a function that is differentiated")
    return not STATE.stack and STATE.backward is None and context.explicit_mode() != context.GRAPH_MODE


def recorded_gradients(
    function: Callable[..., Any],
    use: Use,
    args: Sequence[Any],
    kwargs: dict[str, Any],
    positions: Sequence[int],
    inputs: Sequence[Any],
    parameters: Sequence[Parameter],
    seeds: Callable[[Any], Iterator[tuple[Any, Any]]],
) -> Gradients | None:
    """Run a function with a tape, and its backward pass.

    Args:
        function: the function of Tensors.
        use: its entry in the report of modes, which decides whether it is traced.
        args, kwargs: its inputs.
        positions, inputs: the positions of the inputs that are differentiated, and their arrays.
        parameters: the Parameters that are differentiated.
        seeds: yields the Tensors of the output that are differentiated, and their gradients.

    Returns:
        None if the function cannot be recorded; nothing has changed then.
    """
    if use.reason is not None:
        use.traced += 1
        return None
    if any(is_tracer(each) for each in inputs):
        return None
    # The first call may be repeated; draws of NumPy and Python are then repeated too.
    host = None if use.recorded else (np.random.get_state(), random.getstate())
    tape = Tape([each for each in parameters if each.requires_grad])
    merged, nodes = list(args), []
    for position, array in zip(positions, inputs, strict=True):
        merged[position], node = tape.leaf(array)
        nodes.append(node)
    try:
        with tape:
            output = function(*merged, **kwargs)
            pairs = [(each._link, gradient) for each, gradient in seeds(output) if each._link is not None]
    except LeaveRecording as departure:
        tape.undo()
        if departure.tape is not tape:
            raise
        use.reason, use.at = departure.reason, user_frame(departure)
        use.traced += 1
        if host is not None:
            np.random.set_state(host[0])
            random.setstate(host[1])
        return None
    except BaseException:
        tape.undo()
        raise
    use.recorded += 1
    output = _constant(output)
    with backward_pass():
        for link, gradient in pairs:
            link.node.add(link.index, ones_like(link.array) if gradient is None else gradient)
        tape.backward()
    by_weight = tuple(
        tape.gradient_of(tape.leaves[each]) if each in tape.leaves else jnp.zeros_like(each._concrete())
        for each in parameters
    )
    return Gradients(output, tuple(map(tape.gradient_of, nodes)), by_weight)


def floating_outputs(output: Any) -> list[Tensor]:
    """Return the floating Tensors of an output, in order.

    Raises:
        LeaveRecording: the output contains other objects, which may contain Tensors, or complex Tensors.
    """
    found: list[Tensor] = []

    def visit(value: Any) -> None:
        if isinstance(value, Tensor):
            kind = value._array.dtype.kind
            if kind == "c":
                STATE.recording.leave("a complex output")
            if kind in "fV":
                found.append(value)
        elif isinstance(value, (tuple, list)):
            for each in value:
                visit(each)
        elif isinstance(value, dict):
            for each in value.values():
                visit(each)
        elif not isinstance(value, (int, float, str, type(None), np.generic)):
            STATE.recording.leave(f"an output of type {type(value).__name__}")

    visit(output)
    return found


def _constant(output: Any) -> Any:
    """Return the output without Parameters and links to the tape."""
    kind = type(output)
    if isinstance(output, Tensor):
        if kind is Parameter:
            return wrap(output._value)
        _ = output._value  # The tape has ended, so this removes the link.
        return output
    if kind is tuple or kind is list:
        return kind(_constant(each) for each in output)
    if kind is dict:
        return {name: _constant(each) for name, each in output.items()}
    return jax.tree.map(lambda leaf: leaf, output) if isinstance(output, (tuple, list, dict)) else output
