"""Window sizes, padding modes and padding of convolution and pooling, with the kinds of such arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import jax

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError
from sporax.core.dtype import as_dtype
from sporax.ops._args import is_floating
from sporax.ops._kinds import Kind, plain, static_kind

PAD_MODES = ("same", "valid", "pad")
CHANNELS_LAST = ("NHWC",)

Pairs = tuple[tuple[int, int], ...]
"""For each spatial axis, the padding before and after it."""


def mode_of(pad_mode: Any, *, where: str, allowed: tuple[str, ...] = PAD_MODES) -> str:
    """The padding mode in lower case."""
    _check.is_type(pad_mode, str, name="pad_mode", where=where)
    if pad_mode.lower() in allowed:
        return pad_mode.lower()
    return _check.one_of(pad_mode, allowed, name="pad_mode", where=where)


def sizes(value: Any, count: int, *, where: str, name: str, minimum: int = 1) -> tuple[int, ...]:
    """One number for each of `count` axes: from an int, or a sequence of 1, `count`, or `count` + 2 (with N and C)."""
    if not isinstance(value, (tuple, list)):
        return (_check.integer(value, name=name, where=where, minimum=minimum),) * count
    numbers = tuple(_check.integer(each, name=name, where=where, minimum=minimum) for each in value)
    if len(numbers) == 1:
        return numbers * count
    if len(numbers) == count + 2 and numbers[:2] == (1, 1):
        return numbers[2:]
    if len(numbers) != count:
        raise ArgumentError(f"{where}: `{name}` must be an int or {count} ints, one for each axis, but got {value}.")
    return numbers


def pairs(padding: Any, count: int, *, where: str, name: str = "padding") -> Pairs:
    """(before, after) for each axis: from an int, one number for each axis, or two for each axis."""
    if not isinstance(padding, (int, tuple, list)) or isinstance(padding, bool):
        raise ArgumentTypeError(
            f"{where}: `{name}` must be an int or a tuple of ints, but got {padding!r} of type "
            f"{type(padding).__name__}."
        )
    if not isinstance(padding, (tuple, list)) or len(padding) in (1, count):
        return tuple((each, each) for each in sizes(padding, count, where=where, name=name, minimum=0))
    numbers = [_check.integer(each, name=name, where=where, minimum=0) for each in padding]
    if len(numbers) != 2 * count:
        raise ArgumentError(
            f"{where}: `{name}` must be an int, {count} ints (for each axis), or {2 * count} (before and after each "
            f"axis), but got {tuple(padding)}."
        )
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def check_unpadded(mode: str, padding: Any, *, where: str, name: str = "padding") -> None:
    """Only pad_mode "pad" accepts numbers of padding.

    Raises:
        ArgumentError: numbers with another mode.
    """
    given = padding if isinstance(padding, (tuple, list)) else (padding,)
    if mode != "pad" and any(given):
        raise ArgumentError(
            f"{where}: `{name}` must be 0 with pad_mode {mode!r}, but got {padding}. Use pad_mode='pad' to choose the "
            "padding."
        )


def extent(kernel: int, dilation: int) -> int:
    """The distance from the first to the last element of a window, both included."""
    return (kernel - 1) * dilation + 1


def same_pair(length: int, size: int, stride: int) -> tuple[int, int]:
    """The padding for ceil(length / stride) windows; where it is odd, the larger part is at the end."""
    total = max((-(-length // stride) - 1) * stride + size - length, 0)
    return total // 2, total - total // 2


def resolved(
    mode: str,
    padding: Any,
    spatial: Sequence[int],
    kernel: Sequence[int],
    stride: Sequence[int],
    dilation: Sequence[int],
    *,
    where: str,
    name: str = "padding",
) -> Pairs:
    """The padding of each axis.

    Raises:
        ArgumentError: numbers with a mode that accepts none.
        ShapeError: the padded input is smaller than a window.
    """
    check_unpadded(mode, padding, where=where, name=name)
    extents = [extent(k, d) for k, d in zip(kernel, dilation, strict=True)]
    if mode == "same":
        return tuple(same_pair(n, e, s) for n, e, s in zip(spatial, extents, stride, strict=True))
    found = pairs(padding, len(spatial), where=where, name=name)
    padded = [n + before + after for n, (before, after) in zip(spatial, found, strict=True)]
    if any(n < e for n, e in zip(padded, extents, strict=True)):
        raise ShapeError(
            f"{where}: a window of size {tuple(extents)} (kernel_size {tuple(kernel)}, dilation {tuple(dilation)}) "
            f"does not fit into the input's axes {tuple(spatial)} with padding {found}. Use pad_mode='same', more "
            "padding, or a smaller kernel."
        )
    return found


def check_float(x: jax.Array, *, where: str, name: str = "the input") -> None:
    """The dtype of `x` must be floating.

    Raises:
        DtypeError: it is not.
    """
    if not is_floating(x):
        raise DtypeError(
            f"{where}: {name} must be of a floating dtype, but got {as_dtype(x.dtype)}. "
            "Cast it first: x.astype(sporax.float32)."
        )


def sizes_kind(count: int, *, optional: bool = False) -> Kind:
    """One number, at least 1, for each of `count` axes; with `optional`, None is accepted."""

    def convert(value: Any, _: Any, where: str, name: str) -> tuple[int, ...] | None:
        if type(value) is int and value > 0:
            return (value,) * count
        if optional and value is None:
            return None
        return sizes(plain(value), count, where=f"ops.{where}", name=name)

    static_type = "int | Sequence[int] | None" if optional else "int | Sequence[int]"
    return static_kind(convert, "int, or one for each axis.", static_type, "ArgumentError: a size below 1.")


def pad_mode_kind(*allowed: str) -> Kind:
    """A padding mode, in upper or lower case."""

    def convert(value: Any, _: Any, where: str, name: str) -> str:
        return mode_of(value, where=f"ops.{where}", allowed=allowed)

    listed = " or ".join(f'"{each}"' for each in allowed)
    return static_kind(convert, f"{listed}.", "str", "ArgumentError: an unknown padding mode.")


Padding = Annotated[Any, static_kind(lambda value, *_: plain(value), "int, or a tuple of ints.", "int | Sequence[int]")]
"""Numbers of padding, which the kernel checks together with the padding mode."""

Bool = Annotated[
    bool,
    static_kind(
        lambda value, _, where, name: _check.is_type(value, bool, name=name, where=f"ops.{where}"),
        "bool.",
        "bool",
        "ArgumentTypeError: not a bool.",
    ),
]
