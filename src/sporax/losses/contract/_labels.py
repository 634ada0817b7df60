"""Checks of dtypes and values.

Values are known, and checked, in eager code and on the host. In compiled code each loss has a documented result for a
value outside its domain, and with `debug_checks(True)` the program itself checks and raises.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, DtypeError, LabelError
from sporax._typing import Shape
from sporax._value_checks import check_when_known, enable_checks
from sporax.losses.contract._arrays import identities, nearest_int32, numbers
from sporax.losses.contract._shapes import broadcast_into, is_single, match
from sporax.losses.contract._spec import InputSpec, LossSpec

__all__ = ["debug_checks"]


@contextlib.contextmanager
def debug_checks(enabled: bool = True) -> Iterator[None]:
    """Set whether this thread checks the values of the inputs of losses.

    By default, values are checked where they are known (eager code), and compiled code returns the documented result
    of each loss; it computes with labels outside [0, 1] as with others. Under `debug_checks(True)`, code that is
    *traced* inside the block also checks when it runs, and raises on the host; a program compiled earlier does not
    change. Under `debug_checks(False)` no value is checked.

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
    """Check that the dtype is of the kind in the spec."""
    if spec.kind == "int":
        if not jnp.issubdtype(dtype, jnp.integer):
            numeric = jnp.issubdtype(dtype, jnp.number) or dtype == np.bool_
            raise DtypeError(
                f"{where}: `{spec.name}` must hold integers (class indices), but got dtype {jnp.dtype(dtype).name}. "
                + (
                    f"Use {spec.name}.astype(int32)."
                    if numeric
                    else f"To number the classes use np.unique({spec.name}, return_inverse=True)[1]."
                )
            )
    elif not (jnp.issubdtype(dtype, jnp.floating) or jnp.issubdtype(dtype, jnp.integer) or dtype == np.bool_):
        raise DtypeError(
            f"{where}: `{spec.name}` must hold real numbers, but got dtype {jnp.dtype(dtype).name}. "
            f"Use {spec.name}.astype(float32)."
        )


def to_device(spec: InputSpec, values: Any, dtype: Any) -> jax.Array:
    """Convert an input to an array of JAX without silently truncating integers to 32 bits.

    Without 64-bit mode JAX drops the upper half of a 64-bit integer: 2**32 becomes 0. Here labels that are only
    compared (the domain `identity`) become other integers with the same equalities; indices out of the range of int32
    become its nearest end; and numbers for arithmetic become floats of that `dtype`.
    """
    if spec.domain == "identity":
        values = identities(values)
    elif spec.kind == "int":
        values = nearest_int32(values)
    else:
        values = numbers(values, dtype)
    return jnp.asarray(values)


def check_values(spec: InputSpec, values: np.ndarray, *, classes: int | None = None, where: str) -> None:
    """Check that every value of a NumPy array is in the domain of the spec; NaN is accepted."""
    dtype = values.dtype
    # NumPy cannot compare the half-precision formats that JAX adds.
    if dtype.kind not in "biuf":
        values = values.astype(np.float32)
    match spec.domain:
        case "class" | "class_or_none":
            if classes is None:
                return
            lowest, or_none = (0, "") if spec.domain == "class" else (-1, ", or -1 for none")
            wrong, expected = (values < lowest) | (values >= classes), f"be class indices in [0, {classes}){or_none}"
        case "sign":
            wrong, expected = (values != 1) & (values != -1), "be 1 or -1"
        case "binary":
            wrong, expected = (values != 0) & (values != 1), "be 0 or 1"
        case "sign_or_binary":
            wrong, expected = (values != 1) & (values != 0) & (values != -1), "be 1, or 0 or -1"
        case "box":
            _check_boxes(spec, values, where)
            return
        case _:
            if not spec.in_unit_interval(dtype):
                return
            # Mixed labels, as 0.3 * 1 + 0.7 * 1, can exceed 1 by their rounding.
            rounding = 4 * float(jnp.finfo(dtype).eps) if spec.role == "label" and dtype.kind not in "biu" else 0.0
            wrong, expected = (values < -rounding) | (values > 1 + rounding), "be probabilities in [0, 1]"
    if not np.any(wrong):
        return
    index = _check.first_index(wrong)
    value = values[index].item()
    error = LabelError if spec.role == "label" else ArgumentError
    raise error(
        f"{where}: `{spec.name}` must {expected}, but got {value} at index {index}. "
        f"{_fix(spec, values, value, classes)}"
    )


def _check_boxes(spec: InputSpec, boxes: np.ndarray, where: str) -> None:
    wrong = (boxes[..., :2] > boxes[..., 2:]).any(axis=-1)
    if wrong.any():
        index = _check.first_index(wrong)
        raise LabelError(
            f"{where}: `{spec.name}` must be corners (x1, y1, x2, y2) with x1 <= x2 and y1 <= y2, but got "
            f"{boxes[index].tolist()} at index {index}. For boxes (x, y, width, height) use (x, y, x + width, "
            "y + height)."
        )


def _fix(spec: InputSpec, values: np.ndarray, value: float, classes: int | None) -> str:
    name = spec.name
    if spec.domain == "class":
        if value < 0:
            return "To ignore a sample, give it a valid label and a weight of 0."
        if values.min() >= 1 and values.max() == classes:
            return f"They seem to start at 1: use {name} - 1."
    if spec.domain in ("class", "class_or_none"):
        return "Check the number of classes of the model."
    if spec.role != "label":
        return "Use the output of a sigmoid."
    of_image = np.max(values) == 255 and np.min(values) >= 0
    if spec.domain == "sign":
        if of_image:
            return f"For a mask of 0 and 255 use numpy.where({name} > 0, 1, -1)."
        if value != 0:
            return "Use 1 for a similar pair and -1 for a dissimilar one."
        # 2 * 0 - 1 is 255 in an unsigned dtype.
        return f"For labels 0 and 1 use 2 * {name}{'.astype(int32)' if values.dtype.kind == 'u' else ''} - 1."
    only_two = spec.domain in ("binary", "sign_or_binary")
    if of_image and np.any(values == 1):
        return "If 255 is no label, give it a weight of 0."
    if of_image:
        return f"For a mask of 0 and 255 use {name} > 0{'' if only_two else f', for gray levels {name} / 255'}."
    if spec.domain == "sign_or_binary":
        return "Use 1 for one class, and 0 or -1 for the other."
    if value == -1:
        return f"For labels 1 and -1 use ({name} + 1) / 2. To leave an element out, give it a weight of 0."
    if only_two:
        return "Use 0 or 1."
    if values.dtype.kind in "iu":
        return "For class indices use one-hot labels, or a loss of class indices such as CrossEntropyLoss."
    return "Scale or clip them to [0, 1]; for scores use their sigmoid."


def enforce_values(spec: InputSpec, values: Any, *, classes: int | None = None, where: str) -> None:
    """Check values now if they are known; in compiled code only in debug mode, at run time."""
    if spec.domain in _CHECKED_DOMAINS or spec.in_unit_interval(values.dtype):
        check_when_known(functools.partial(_check_on_host, spec, classes=classes, where=where), values)


_CHECKED_DOMAINS = ("class", "class_or_none", "sign", "binary", "sign_or_binary", "box")


def without_pixels(spec: LossSpec, item: InputSpec, values: Any, weight: Any, single: bool, where: str) -> Any:
    """Replace the values of pixels of weight 0, which are not checked, by a valid one.

    Args:
        spec: the loss's spec.
        item: the input whose values they are; with an axis of classes, a pixel has a value for each class.
        values: NumPy or JAX array.
        weight: the weights of the pixels.
        single: whether the values lack the axis N.
        where: what an error message begins with.
    """
    name, axis = spec.pixel_parameter or "", item.shape.index("C") - single if "C" in item.shape else None
    pixels = values.shape if axis is None else (*values.shape[:axis], *values.shape[axis + 1 :])
    broadcast_into(name, weight.shape, pixels, target_name="the labels" if axis is None else "the pixels", where=where)
    xp: Any = np if isinstance(values, np.ndarray) and isinstance(weight, np.ndarray) else jnp
    kept = xp.broadcast_to(weight != 0, pixels)
    return xp.where(kept if axis is None else xp.expand_dims(kept, axis), values, xp.asarray(item.fill, values.dtype))


def _check_on_host(spec: InputSpec, values: Any, *, classes: int | None, where: str) -> None:
    check_values(spec, np.asarray(values), classes=classes, where=where)


def check_labels(
    spec: LossSpec,
    input_shapes: Mapping[str, Shape],
    labels: np.ndarray | Mapping[str, np.ndarray],
    *,
    where: str | None = None,
    ignore: int | None = None,
    pixel_weights: np.ndarray | None = None,
) -> None:
    """Check the dtype, shape and values of label columns on the host, without using a device.

    Args:
        spec: the spec of the loss.
        input_shapes: known shapes of the other inputs, by name.
        labels: the label array, or several by name.
        where: the beginning of error messages. Default: the name of the loss.
        ignore: an ignored label.
        pixel_weights: of a loss of regions; pixels of weight 0 are not checked.

    Raises:
        DtypeError, ShapeError, LabelError: the errors that the loss itself raises in eager code.
    """
    where = where or spec.name
    columns = labels if isinstance(labels, Mapping) else {spec.labels[0].name: labels}
    columns = {name: np.asarray(column) for name, column in columns.items()}
    shapes = {name: tuple(shape) for name, shape in input_shapes.items()}
    shapes |= {name: column.shape for name, column in columns.items()}
    for item in spec.labels:
        if item.name in columns:
            check_dtype(item, columns[item.name].dtype, where=where)
    single = is_single(spec, shapes)
    sizes = match(spec.of_one_sample if single else spec, shapes, where=where)
    classes = sizes["C"][0] if "C" in sizes else None
    for item in spec.labels:
        if item.name in columns:
            column = columns[item.name]
            if ignore is not None and item is spec.ignored_label:
                column = np.where(column == ignore, 0, column)
            if pixel_weights is not None:
                column = without_pixels(spec, item, column, pixel_weights, single, where)
            _check_on_host(item, column, classes=classes, where=where)
