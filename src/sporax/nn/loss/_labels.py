"""What the classes of losses on classes have in common: which kind of labels they got, and class weights."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax.core import Parameter, Tensor, unwrap


def are_indices(labels: Any) -> bool:
    """Whether labels are class indices (integers) and not probabilities."""
    dtype = getattr(unwrap(labels), "dtype", None)
    return bool(jnp.issubdtype(np.asarray(labels).dtype if dtype is None else dtype, jnp.integer))


def class_weight(weight: Any) -> Tensor | Parameter | None:
    """A weight as the Tensor that a Cell keeps."""
    return weight if weight is None or isinstance(weight, Tensor) else Tensor(weight)


def value_of(weight: Tensor | None) -> Any:
    """The array of a weight, or None."""
    return None if weight is None else weight._value
