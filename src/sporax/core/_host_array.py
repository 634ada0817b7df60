"""The conversion of Python data to NumPy arrays."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from sporax._errors import ArgumentTypeError


def host_array(data: Any) -> np.ndarray:
    """Return the array of a number or nested sequences of numbers.

    Raises:
        ArgumentTypeError: `data` is not numeric, or the sequences do not form a rectangular array.
    """
    if isinstance(data, (list, tuple)):
        leaves = jax.tree.leaves(data)
        if any(isinstance(leaf, jax.Array) for leaf in leaves):
            data = jax.tree.map(np.asarray, data)
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ArgumentTypeError(
            f"Tensor: the nested sequences do not form a rectangular array ({error}). All rows must have the same "
            "length."
        ) from error
    if array.dtype.kind not in "biufcV":
        raise ArgumentTypeError(
            f"Tensor: `input_data` must be a Tensor, an array, a number or (nested) sequences of numbers, "
            f"but got {data!r} of type {type(data).__name__}."
        )
    return array
