"""Checks of masked elements and of lengths: removed elements of a sample have no effect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from sporax.testing._checks import Evaluator, Failed, Skipped, check, number
from sporax.testing._definitions import differ
from sporax.testing._probes import unmasked

_LEAK_FIX = (
    "remove the elements before anything combines them with others: ops.where(mask, scores, -1e9) before a softmax or "
    "a maximum, ops.where(mask, x, 0) before a sum, and divide by the number that remains."
)


class _Left(NamedTuple):
    """Inputs of which a mask or a length removes elements.

    Args:
        words: what is removed, such as `where mask is 0`.
        arrays: the inputs.
        out: the removed elements, over the leading axes of the inputs.
    """

    words: str
    arrays: list[np.ndarray]
    out: np.ndarray


def _has(evaluator: Evaluator, at: int, shape: Sequence[int]) -> bool:
    """Whether an input has these leading axes."""
    item = evaluator.subject.inputs[at]
    return item.shape[: len(shape)] == tuple(shape) and item.given is None


def _leak(evaluator: Evaluator, left: _Left, index: int) -> Failed | None:
    """Return a report if removed elements change the loss."""
    value, other = evaluator.total(left.arrays), evaluator.draw(41)
    changed = list(left.arrays)
    for at in range(len(changed)):
        if at == index or not _has(evaluator, at, left.out.shape):
            continue
        out = left.out.reshape(*left.out.shape, *[1] * (changed[at].ndim - left.out.ndim))
        changed[at] = np.where(out, other[at], changed[at]).astype(changed[at].dtype)
    got = evaluator.total(changed)
    if not differ(got, value, 1e-5):
        return None
    return Failed(
        f"{left.words}, other values of those elements change the loss from {number(value)} to {number(got)}",
        expected="no effect of removed elements",
        fix=_LEAK_FIX,
        arrays=left.arrays,
    )


def _counted(evaluator: Evaluator, left: _Left, index: int) -> Failed | None:
    """Return a report if masking the last position of every sample differs from removing it."""
    size = left.out.shape[1]
    shorter = []
    for at, array in enumerate(left.arrays):
        item = evaluator.subject.inputs[at]
        if _has(evaluator, at, left.out.shape[:2]):
            shorter.append(array[:, : size - 1])
        elif size in item.shape[1:]:
            return None  # this axis may hold the same positions
        else:
            shorter.append(array)
        if item.classes == size and at != index:
            return None
    value = evaluator.total(left.arrays)
    try:
        expected = evaluator.total(shorter)
    except Exception:
        return None  # it accepts no other size
    if not np.isfinite(expected) or not differ(value, expected, 1e-4):
        return None
    share = expected and abs(value / expected - (size - 1) / size) < 1e-3
    return Failed(
        f"{left.words} at the last of {size} positions of every sample, the loss is {number(value)}",
        expected=f"{number(expected)}, as without that position",
        fix="divide by the number of remaining elements, ops.clamp(mask.sum(), 1), and not by all of them."
        if share
        else _LEAK_FIX,
        arrays=left.arrays,
    )


@check("masked-elements", "a masked element has no effect, as if it were removed")
def masked_elements(evaluator: Evaluator) -> str:
    subject, tried = evaluator.subject, []
    for at in subject.masks:
        item = subject.inputs[at]
        if len(item.shape) < 2 or item.shape[1] < 2 or not item.probed:
            continue
        if not all(item.allows(np.full(item.shape, value, item.dtype)) for value in (0, 1)):
            continue
        # Which value of a padding mask removes is known only from its name: one of both must.
        reports = [_masked(evaluator, at, out_value) for out_value in ((1, 0) if item.is_inverted_mask else (0,))]
        if all(report is not None for report in reports):
            raise reports[0]  # pyright: ignore[reportGeneralTypeIssues]
        tried.append(item.name)
    for at, item in enumerate(subject.inputs):
        ignored = subject.ignored_label(at)
        if ignored is None or subject.info is not None or subject.coupled or not item.probed:
            continue
        if len(item.shape) < 2 or item.shape[1] < 2 or item.given is not None:
            continue
        report = _masked(evaluator, at, ignored)
        if report is not None:
            report.fix = report.fix.replace("mask.sum()", "(labels != ignore_index).sum()")
            raise report
        tried.append(item.name)
    if not tried:
        raise Skipped("no mask and no label to ignore is of single elements")
    return ", ".join(tried)


def _masked(evaluator: Evaluator, at: int, out_value: float) -> Failed | None:
    item = evaluator.subject.inputs[at]
    out = np.random.default_rng(11).random(item.shape) < 0.4
    out.reshape(*out.shape[:2], -1)[:, 0] = False
    last = np.zeros(item.shape, bool)
    last[:, -1] = True
    for mask, test in ((out, _leak), (last, _counted)):
        arrays = unmasked(evaluator.subject, evaluator.draw(40))
        left = 1 - out_value if at in evaluator.subject.masks else arrays[at]
        arrays[at] = np.where(mask, out_value, left).astype(arrays[at].dtype)
        report = test(evaluator, _Left(f"where {item.name} is {out_value:g}", arrays, mask), at)
        if report is not None:
            return report
    return None


@check("lengths", "positions beyond the length of a sample have no effect, as if they were removed")
def lengths(evaluator: Evaluator) -> str:
    subject, tried = evaluator.subject, []
    for at in range(len(subject.inputs)):
        for left in _short(evaluator, at):
            for test in (_leak, _counted):
                report = test(evaluator, left, at)
                if report is not None:
                    report.fix = (
                        "take the mask ops.arange(size) < lengths[:, None], without the position at the length itself, "
                        "and divide by the number of remaining positions."
                    )
                    raise report
            tried.append(subject.inputs[at].name)
    if not tried:
        raise Skipped("no input is an integer named lengths")
    return ", ".join(tried)


def _short(evaluator: Evaluator, at: int) -> Iterator[_Left]:
    """Yield inputs with every sample shorter than the number of positions."""
    item, inputs = evaluator.subject.inputs[at], evaluator.subject.inputs
    if evaluator.subject.info is not None or not item.is_length or len(item.shape) != 1 or not item.probed:
        return
    sizes = [each.shape[1] for each in inputs if each.shape[:1] == item.shape and len(each.shape) > 1]
    size = int(item.high) if item.high is not None and int(item.high) in sizes else max(sizes, default=0)
    low = max(1, int(item.low or 0))
    if size - 1 < low or (item.high is not None and size - 1 > item.high):
        return
    arrays = evaluator.draw(40)
    short = np.asarray(np.random.default_rng(12).integers(low, size, item.shape))
    short[0] = size - 1
    arrays[at] = short.astype(arrays[at].dtype)
    yield _Left(f"beyond the {item.name}", arrays, np.arange(size) >= short[:, None])
