"""Checks of dtypes and values.

A value is known, and checked, in eager code and on the host. Compiled code knows none: there each loss has a
stated result for a value outside its domain, and `debug_checks(True)` has the program itself check and raise.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError, DtypeError, LabelError
from sporax._typing import Shape
from sporax._value_checks import check_when_known, enable_checks
from sporax.losses.contract._arrays import identities, nearest_int32, numbers
from sporax.losses.contract._shapes import is_single, match
from sporax.losses.contract._spec import InputSpec, LossSpec

__all__ = ["debug_checks"]


@contextlib.contextmanager
def debug_checks(enabled: bool = True) -> Iterator[None]:
    """Set how far this thread checks the values given to losses.

    Without it, values are checked where they are known (eager code), and compiled code gives each loss's
    stated result. Under `debug_checks(True)`, code that is *traced* inside the block also checks when it runs
    and raises on the host; a program compiled earlier is not changed. Under `debug_checks(False)` no value is
    checked.

    Args:
        enabled: whether values are checked.

    Example:
        >>> import jax, numpy as np
        >>> from sporax import losses
        >>> step = jax.jit(losses.sparse_softmax_cross_entropy_with_logits)
        >>> with losses.debug_checks():
        ...     try:
        ...         jax.block_until_ready(step(np.zeros((1, 3), np.float32), np.array([3])))
        ...         jax.effects_barrier()
        ...     except Exception as error:
        ...         print("must be class indices in [0, 3)" in str(error))
        True
    """
    before = enable_checks(enabled)
    try:
        yield
    finally:
        enable_checks(before)


def check_dtype(spec: InputSpec, dtype: Any, *, where: str) -> None:
    """The dtype must be of the spec's kind."""
    if spec.kind == "int":
        if not jnp.issubdtype(dtype, jnp.integer):
            numeric = jnp.issubdtype(dtype, jnp.number) or dtype == np.bool_
            raise DtypeError(
                f"{where}: `{spec.name}` must hold integers (class indices), but got dtype {jnp.dtype(dtype).name}. "
                + (
                    f"Use {spec.name}.astype(int32)."
                    if numeric
                    else f"To number them use np.unique({spec.name}, return_inverse=True)[1]."
                )
            )
    elif not (jnp.issubdtype(dtype, jnp.floating) or jnp.issubdtype(dtype, jnp.integer) or dtype == np.bool_):
        raise DtypeError(
            f"{where}: `{spec.name}` must hold real numbers, but got dtype {jnp.dtype(dtype).name}. "
            f"Use {spec.name}.astype(float32)."
        )


def to_device(spec: InputSpec, values: Any, dtype: Any) -> jax.Array:
    """An input as an array of JAX, where none of its integers is silently cut to 32 bits.

    Outside of 64-bit mode JAX drops the upper half of a 64-bit integer: 2**32 becomes 0. Here labels that are only
    compared (the domain `identity`) become other integers that are equal where they are; indices out of the range of
    int32 become one that is out of every range; and what is computed with becomes a float of that `dtype`.
    """
    if spec.domain == "identity":
        values = identities(values)
    elif spec.kind == "int":
        values = nearest_int32(values)
    else:
        values = numbers(values, dtype)
    return jnp.asarray(values)


def check_values(spec: InputSpec, values: np.ndarray, *, classes: int | None = None, where: str) -> None:
    """Every value of a NumPy array must lie in the spec's domain; NaN passes, it is not the label's fault."""
    match spec.domain:
        case "class":
            if classes is None:
                return
            wrong, expected = (values < 0) | (values >= classes), f"be class indices in [0, {classes})"
        case "probability":
            wrong, expected = (values < 0) | (values > 1), "be probabilities in [0, 1]"
        case "sign":
            wrong, expected = (values != 1) & (values != -1), "be 1 or -1"
        case "binary":
            wrong, expected = (values != 0) & (values != 1), "be 0 or 1"
        case "sign_or_binary":
            wrong, expected = (values != 1) & (values != 0) & (values != -1), "be 1, or 0 or -1"
        case "box":
            _check_boxes(spec, values, where)
            return
        case "class_or_none":
            if classes is None:
                return
            wrong, expected = (values < -1) | (values >= classes), f"be class indices in [0, {classes}), or -1 for none"
        case _:
            return
    if not np.any(wrong):
        return
    index = tuple(int(place) for place in np.argwhere(wrong)[0])
    value = values[index].item()
    error = LabelError if spec.role == "label" else ArgumentError
    raise error(
        f"{where}: `{spec.name}` must {expected}, but got {value} at index {index}. "
        f"{_mend(spec, values, value, classes)}"
    )


def _check_boxes(spec: InputSpec, boxes: np.ndarray, where: str) -> None:
    wrong = (boxes[..., :2] > boxes[..., 2:]).any(axis=-1)
    if wrong.any():
        index = tuple(int(place) for place in np.argwhere(wrong)[0])
        raise LabelError(
            f"{where}: `{spec.name}` must be corners (x1, y1, x2, y2) with x1 <= x2 and y1 <= y2, but got "
            f"{boxes[index].tolist()} at index {index}. For boxes (x, y, width, height) use (x, y, x + width, "
            "y + height)."
        )


def _mend(spec: InputSpec, values: np.ndarray, value: float, classes: int | None) -> str:
    if spec.domain == "class":
        if value < 0:
            return "To leave a sample out, give it a valid label and a weight of 0."
        if values.min() >= 1 and values.max() == classes:
            return f"They seem to count from 1: use {spec.name} - 1."
        return "Check the number of classes that the model gives."
    if spec.domain == "class_or_none":
        return "Check the number of classes that the model gives."
    if spec.domain == "sign_or_binary":
        return "Use 1 for one class, and 0 or -1 for the other."
    if spec.domain == "sign":
        if value == 0:
            return f"For labels 0 and 1 use 2 * {spec.name} - 1."
        return "Use 1 for a similar pair and -1 for a dissimilar one."
    if spec.domain == "binary":
        return f"For labels 1 and -1 use ({spec.name} + 1) / 2." if value == -1 else "Use 0 or 1."
    return "For labels see that they are probabilities." if spec.role == "label" else "Give the output of a sigmoid."


CHECKED_DOMAINS = ("class", "class_or_none", "probability", "sign", "binary", "sign_or_binary", "box")


def enforce_values(spec: InputSpec, values: Any, *, classes: int | None = None, where: str) -> None:
    """Check values now if they are known; in compiled code, only in debug mode, and when it runs."""
    if spec.domain in CHECKED_DOMAINS:
        check_when_known(functools.partial(_check_on_host, spec, classes=classes, where=where), values)


def _check_on_host(spec: InputSpec, values: Any, *, classes: int | None, where: str) -> None:
    host = np.asarray(values)
    # NumPy itself cannot order the half formats that JAX adds.
    if host.dtype.kind not in "biuf":
        host = host.astype(np.float32)
    check_values(spec, host, classes=classes, where=where)


def check_labels(
    spec: LossSpec,
    input_shapes: Mapping[str, Shape],
    labels: np.ndarray | Mapping[str, np.ndarray],
    *,
    where: str | None = None,
    ignore: int | None = None,
) -> None:
    """Check label columns on the host: dtype, shape and values, with no use of a device.

    Args:
        spec: the loss's spec.
        input_shapes: shapes of the other inputs, by name, as far as they are known.
        labels: the label array, or several by name.
        where: what an error message begins with; the loss's name unless given.
        ignore: an ignored label.

    Raises:
        DtypeError, ShapeError, LabelError: as the loss itself raises in eager code.
    """
    where = where or spec.name
    columns = labels if isinstance(labels, Mapping) else {spec.labels[0].name: labels}
    columns = {name: np.asarray(column) for name, column in columns.items()}
    shapes = {name: tuple(shape) for name, shape in input_shapes.items()}
    shapes |= {name: column.shape for name, column in columns.items()}
    for item in spec.labels:
        if item.name in columns:
            check_dtype(item, columns[item.name].dtype, where=where)
    sizes = match(spec.of_one_sample if is_single(spec, shapes) else spec, shapes, where=where)
    classes = sizes["C"][0] if "C" in sizes else None
    for item in spec.labels:
        if item.name in columns:
            column = columns[item.name]
            if ignore is not None and item is spec.ignored_label:
                column = np.where(column == ignore, 0, column)
            _check_on_host(item, column, classes=classes, where=where)
