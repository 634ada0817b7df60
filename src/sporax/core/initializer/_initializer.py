"""`initializer`: new data by the name of an initializer, an instance, or a number."""

from __future__ import annotations

import numbers
from collections.abc import Sequence
from typing import Any

import jax

from sporax._errors import ArgumentError, ArgumentTypeError, ShapeError
from sporax._suggest import hint
from sporax.core.dtype import float32
from sporax.core.initializer._base import Initializer, shape_of
from sporax.core.initializer._patterns import Constant, Dirac, Identity, One, Zero
from sporax.core.initializer._random import (
    HeNormal,
    HeUniform,
    Normal,
    Orthogonal,
    TruncatedNormal,
    Uniform,
    VarianceScaling,
    XavierNormal,
    XavierUniform,
)
from sporax.core.tensor import Tensor, wrap

__all__ = ["initializer"]

_BY_NAME: dict[str, type[Initializer]] = {
    "zero": Zero,
    "zeros": Zero,
    "one": One,
    "ones": One,
    "normal": Normal,
    "truncated_normal": TruncatedNormal,
    "uniform": Uniform,
    "xavier_uniform": XavierUniform,
    "xavier_normal": XavierNormal,
    "he_uniform": HeUniform,
    "he_normal": HeNormal,
    "variance_scaling": VarianceScaling,
    "orthogonal": Orthogonal,
    "identity": Identity,
    "dirac": Dirac,
}
_BY_PLAIN_NAME = {name.replace("_", ""): kind for name, kind in _BY_NAME.items()}


def _named(name: str) -> Initializer:
    plain = name.replace("_", "").lower()
    if plain in _BY_PLAIN_NAME:
        return _BY_PLAIN_NAME[plain]()
    if plain in ("sparse", "constant"):
        example = {"sparse": "Sparse(0.1)", "constant": "Constant(0.5)"}[plain]
        raise ArgumentError(f"initializer: {name!r} requires an argument; pass an instance, such as {example}.")
    known = ", ".join(repr(each) for each in _BY_NAME)
    raise ArgumentError(
        f"initializer: there is no initializer {name!r}.{hint(name, _BY_NAME, 0.5)} The names are: {known}."
    )


def initializer(
    init: str | float | Tensor | Initializer,
    shape: int | Sequence[int] | None = None,
    dtype: Any = float32,
) -> Tensor:
    """A Tensor of new data.

    Args:
        init: a name ("normal", "xavier_uniform", "XavierUniform", …), a number to fill with, an Initializer,
            or a Tensor, which is returned unchanged.
        shape: the shape, of positive sizes. Required unless `init` is a Tensor.
        dtype: the element type; a Tensor keeps its own.

    Returns:
        Tensor of that shape and dtype.

    Raises:
        ArgumentError: an unknown name, or a shape that is missing or not positive.
        ArgumentTypeError: `init` is none of the above.
        ShapeError: `init` is a Tensor of another shape, or an Initializer that cannot fill this shape.

    Examples:
        >>> print(initializer("ones", (2, 2)))
        [[1. 1.]
         [1. 1.]]
        >>> from sporax.core.dtype import int32
        >>> print(initializer(7, 3, int32))
        [7 7 7]

    Source: `common.initializer.initializer` of MindSpore.
    """
    if not isinstance(init, (str, numbers.Number, Tensor, Initializer)):
        hint = " Instantiate the initializer class." if isinstance(init, type) else " Wrap data in a Tensor."
        raise ArgumentTypeError(
            f"initializer: `init` must be a name, a number, a Tensor or an Initializer, but got {init!r} of "
            f"type {type(init).__name__}.{hint}"
        )
    if shape is None and not isinstance(init, Tensor):
        raise ArgumentError(f"initializer: `shape` is required when `init` is {init!r}.")
    wanted = None if shape is None else shape_of(shape, "initializer", minimum=1)
    if isinstance(init, Tensor):
        if wanted is not None and init.shape != wanted:
            raise ShapeError(
                f"initializer: the Tensor given as `init` has shape {init.shape}, but `shape` is {wanted}."
            )
        return wrap(init._value)
    if isinstance(init, str):
        init = _named(init)
    elif not isinstance(init, Initializer):
        init = Constant(init)
    assert wanted is not None
    with jax.ensure_compile_time_eval():
        return Tensor(init(wanted, dtype))
