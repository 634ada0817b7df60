"""MindSpore's printed form of array values."""

from __future__ import annotations

from typing import Any

import numpy as np


def value_text(array: np.ndarray) -> str:
    """Return the text of `print(tensor)`."""
    array = _printable(array)
    if array.ndim == 0 and array.dtype.kind == "f":
        return _number(array[()])
    return str(array)


def tensor_repr(array: np.ndarray, dtype_name: str) -> str:
    """Return the text of `repr(tensor)`."""
    array = _printable(array)
    if array.ndim == 0:
        body = f" {_short(array[()])}"
    elif array.size == 0:
        body = " " if array.ndim == 1 else "\n"
    else:
        body = (" " if array.ndim == 1 else "\n") + _elements(array, 4 if dtype_name.endswith("16") else 8)
    return f"Tensor(shape={list(array.shape)}, dtype={dtype_name}, value={body})"


def _printable(array: np.ndarray) -> np.ndarray:
    # bfloat16 is an extension type of NumPy, which prints its values as objects.
    return np.asarray(array.astype(np.float32) if array.dtype.name == "bfloat16" else array)


def _number(value: Any) -> str:
    # The shortest representation that round-trips, with NumPy 1's choice between the two notations.
    if np.isfinite(value) and value != 0 and not 1e-4 <= abs(float(value)) < 1e16:
        return np.format_float_scientific(value, trim="-")
    return np.format_float_positional(value, trim="0")


def _short(value: Any) -> str:
    if isinstance(value, np.floating):
        return f"{value:g}"
    if isinstance(value, np.complexfloating):
        return f"{value.real:g}{value.imag:+g}j"
    return str(value)


def _elements(array: np.ndarray, digits: int) -> str:
    # Scientific notation has a fixed width, to which inf and nan are right-aligned.
    width = digits + 7

    def number(value: Any) -> str:
        return f"{value: .{digits}e}" if np.isfinite(value) else f"{value}".rjust(width)

    summarized = array.size > np.get_printoptions()["threshold"]
    text = np.array2string(
        array,
        separator=", ",
        max_line_width=10**6 if summarized or array.ndim > 1 else 200,
        formatter={"float_kind": number, "complex_kind": _short},  # pyright: ignore
    )
    while "\n\n" in text:
        text = text.replace("\n\n", "\n")
    return text.replace(", ..., ", " ... ").replace("...,\n", "...\n")
