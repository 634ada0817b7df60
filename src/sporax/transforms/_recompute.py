"""recompute: trade time for memory in the backward pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from sporax._jax_compat import x64_scope
from sporax.core import Parameter, ordered, restored
from sporax.transforms._functional import discover, run_framed, values_of
from sporax.transforms._outputs import pack, unpack


def recompute(block: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call `block`, keeping only its inputs for the backward pass, which computes the rest again.

    Args:
        block: a Cell or a function.
        args, kwargs: its inputs.

    Returns:
        what `block` returns.

    Examples:
        >>> from sporax import Tensor, grad, recompute
        >>> print(grad(lambda x: recompute(lambda y: y * y, x))(Tensor(3.0)))
        6.0

    Source: `mindspore.recompute`, `jax.checkpoint`.
    """
    with x64_scope(True):
        parameters: tuple[Parameter, ...] = tuple(discover(block, args, kwargs))
        inputs = ordered((args, kwargs))

        def pure(values: tuple[Any, ...], inputs: Any) -> Any:
            args, kwargs = restored(inputs)
            bound = dict(zip(parameters, values, strict=True))
            output, written, _ = run_framed(lambda: pack(block(*args, **kwargs)), bound, discovers=False, tensors=True)
            return output, written

        output, written = jax.checkpoint(pure)(values_of(parameters), inputs)
        written.commit()
    return unpack(output)
