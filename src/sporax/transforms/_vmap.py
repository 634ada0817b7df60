"""vmap: vectorization of a function over an additional axis."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from sporax._errors import ArgumentTypeError, StateError
from sporax._jax_compat import is_tracer, x64_scope
from sporax.core import Tensor, in_order_of, to_array, wrap
from sporax.transforms._functional import run_framed

__all__ = ["vmap"]

_LANES = itertools.count()


def _tensors(output: Any) -> Any:
    """Return the output of a lane with numbers converted to Tensors."""
    return in_order_of(jax.tree.map(_tensor, output, is_leaf=lambda leaf: isinstance(leaf, Tensor)), output)


def _tensor(leaf: Any) -> Any:
    if isinstance(leaf, (bool, int, float, complex)) and not isinstance(leaf, np.generic):
        return wrap(to_array(leaf))
    if isinstance(leaf, (Tensor, jax.Array, np.ndarray, np.generic)) or is_tracer(leaf):
        return leaf
    raise ArgumentTypeError(
        f"vmap: the function must return Tensors, arrays or numbers, which get an additional axis, but it returned "
        f"{leaf!r} of type {type(leaf).__name__}. Return it outside of vmap."
    )


def vmap(fn: Callable[..., Any], in_axes: Any = 0, out_axes: Any = 0) -> Callable[..., Any]:
    """Return a function that maps `fn` over an axis of its inputs.

    Each lane draws different random numbers. A Parameter that `fn` writes must get the same value in all lanes.

    Args:
        fn: a Cell or a function.
        in_axes: the mapped axis of each input, or None for an input that is shared by all lanes; an int, or a sequence
            with one entry for each input.
        out_axes: the position of the mapped axis in the outputs.

    Returns:
        A function of inputs with an additional axis. Numbers that `fn` returns become Tensors with that axis.

    Raises:
        ArgumentTypeError: `fn` returns another type, such as a string.
        StateError: the value of a Parameter would differ between lanes.

    Examples:
        >>> from sporax import Tensor, vmap
        >>> rows, shared = Tensor([[1.0, 2.0], [3.0, 4.0]]), Tensor([1.0, 1.0])
        >>> print(vmap(lambda x, y: (x * y).sum(), in_axes=(0, None))(rows, shared))
        [3. 7.]

    Source: `mindspore.vmap`, `jax.vmap`.
    """

    def mapped(*args: Any) -> Any:
        lane = f"sporax_lane_{next(_LANES)}"

        example: list[Any] = []

        def pure(*lane_args: Any) -> Any:
            given = in_order_of(lane_args, args)
            output, written, _ = run_framed(lambda: _tensors(fn(*given)), {}, discovers=False, lane=lane)
            example[:] = [output]
            return output, written

        with x64_scope(True):
            try:
                output, written = jax.vmap(pure, in_axes=in_axes, out_axes=(out_axes, None), axis_name=lane)(*args)
            except ValueError as error:
                if "out_axes" in str(error) and "None" in str(error):
                    raise StateError(
                        "vmap: the function writes a Parameter with a value that differs between lanes, such as a "
                        "moving average of the data of each lane. Write it outside of vmap, or use values that are "
                        "equal in all lanes."
                    ) from error
                raise
            written.commit()
        return in_order_of(output, example[0])

    return mapped
