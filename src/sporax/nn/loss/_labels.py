"""Argument kinds of several losses (class weights, counts of samples, temperatures), and the kind of labels."""

from __future__ import annotations

from typing import Annotated, Any

import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ShapeError
from sporax._schema import Checked
from sporax.core import Parameter, Tensor, unwrap


def are_indices(labels: Any) -> bool:
    """Return whether labels are class indices (integers) instead of probabilities."""
    dtype = getattr(unwrap(labels), "dtype", None)
    return bool(jnp.issubdtype(np.asarray(labels).dtype if dtype is None else dtype, jnp.integer))


def class_weight(weight: Any) -> Tensor | Parameter | None:
    """Convert a weight to a Tensor; None stays."""
    return weight if weight is None or isinstance(weight, Tensor) else Tensor(weight)


def _counts(value: Any, *, name: str, where: str) -> np.ndarray:
    counts = np.asarray(value.asnumpy() if isinstance(value, Tensor) else value)
    if counts.ndim != 1 or counts.size == 0:
        raise ShapeError(f"{where}: `{name}` must have shape (C,), but got shape {counts.shape}.")
    if not (counts > 0).all():
        at = int(np.flatnonzero(~(counts > 0))[0])
        raise ArgumentError(
            f"{where}: `{name}` must be above 0 for every class, but got {counts[at].item()} for class {at}."
        )
    return counts


def _tensor_or(**bounds: Any) -> Checked:
    def check(value: Any, *, name: str, where: str) -> Any:
        return value if isinstance(value, Tensor) else _check.number(value, name=name, where=where, **bounds)

    return Checked(check)


ClassWeight = Annotated[Any, Checked(lambda value, **_: class_weight(value))]
"""A weight for each class, or each value, kept as a Tensor; None for all ones."""

ClassCounts = Annotated[Any, Checked(_counts)]
"""One positive number for each class, kept on the host."""

TensorOrPositive = Annotated[Any, _tensor_or(minimum=0, open_minimum=True)]
"""A number above 0, or a Tensor, which may be a Parameter that is trained."""

TensorOrNumber = Annotated[Any, _tensor_or()]
"""A number, or a Tensor, which may be a Parameter that is trained."""

TensorOrNonNegative = Annotated[Any, _tensor_or(minimum=0)]
"""A number of at least 0, or a Tensor, which may be a Parameter that is trained."""


def numbers(values: Any) -> tuple[float, ...] | None:
    """Convert a sequence or a Tensor to a tuple of floats; None stays."""
    return None if values is None else tuple(np.asarray(unwrap(values), np.float64).ravel().tolist())


Numbers = Annotated[Any, Checked(lambda value, **_: numbers(value))]
"""A sequence of numbers, kept as a tuple; None for the default."""
