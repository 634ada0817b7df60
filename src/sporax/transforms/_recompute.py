"""recompute: rematerialization, which trades time for memory in the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from sporax._jax_compat import is_tracer, x64_scope
from sporax.core import Parameter, ordered, restored
from sporax.transforms._functional import discover, run_framed, values_of
from sporax.transforms._outputs import pack, unpack

__all__ = ["recompute"]

_ARRAYS = (jax.Array, np.ndarray, np.generic)


def recompute(block: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call `block` and store only its inputs for the backward pass, which recomputes intermediate values.

    Args:
        block: a Cell or a function.
        args, kwargs: its inputs.

    Returns:
        The output of `block`.

    Examples:
        >>> from sporax import Tensor, grad, recompute
        >>> print(grad(lambda x: recompute(lambda y: y * y, x))(Tensor(3.0)))
        6.0

    Source: `mindspore.recompute`, `jax.checkpoint`.
    """
    with x64_scope(True):
        leaves, structure = jax.tree.flatten(ordered((args, kwargs)))
        # Numbers, strings and flags are not converted to arrays.
        positions = [i for i, leaf in enumerate(leaves) if is_tracer(leaf) or isinstance(leaf, _ARRAYS)]

        def call(*arrays: Any) -> Any:
            merged = list(leaves)
            for position, array in zip(positions, arrays, strict=True):
                merged[position] = array
            args, kwargs = restored(jax.tree.unflatten(structure, merged))
            return block(*args, **kwargs)

        inputs = tuple(leaves[i] for i in positions)
        parameters: tuple[Parameter, ...] = tuple(discover(call, inputs, {}))

        def pure(values: tuple[Any, ...], inputs: tuple[Any, ...]) -> Any:
            bound = dict(zip(parameters, values, strict=True))
            output, written, _ = run_framed(lambda: pack(call(*inputs)), bound, discovers=False, tensors=True)
            return output, written

        output, written = jax.checkpoint(pure)(values_of(parameters), inputs)
        written.commit()
    return unpack(output)
