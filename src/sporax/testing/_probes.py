"""Valid inputs at which losses often fail: ends of intervals, corners of simplexes, ties, and nothing to average."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from sporax.testing._inputs import Input
from sporax.testing._subject import Subject

_MAX_COMBINATIONS = 27


class Probe(NamedTuple):
    """Inputs to try.

    Args:
        where: what is special about them, such as `for p of 1`.
        arrays: the inputs.
    """

    where: str
    arrays: list[np.ndarray]


class _Fill(NamedTuple):
    words: str
    array: np.ndarray


def edge_probes(subject: Subject, plain: Sequence[np.ndarray]) -> Iterator[Probe]:
    """Yield every combination of ends and corners of the inputs, then each end in a single element.

    Args:
        subject: the loss.
        plain: random inputs, which the other elements keep.
    """
    fills = [_fills(subject, at, plain) for at in range(len(plain))]
    special = [at for at, found in enumerate(fills) if found]
    options = [[_Fill("", plain[at]), *fills[at]] for at in special]
    if np.prod([len(each) for each in options] or [0]) > _MAX_COMBINATIONS:
        # The first inputs in all combinations; the others one at a time.
        options = [each if n < 2 else [each[0]] for n, each in enumerate(options)]
    seen: set[str] = set()
    for chosen in itertools.product(*options):
        yield from _once(seen, special, chosen, plain)
    for n, at in enumerate(special):
        for fill in fills[at]:
            yield from _once(
                seen, special, [fill if m == n else _Fill("", plain[a]) for m, a in enumerate(special)], plain
            )
    for at, item in enumerate(subject.inputs):
        if not plain[at].size or item.simplex:
            continue
        for end in item.ends:
            arrays = list(plain)
            arrays[at] = plain[at].copy()
            arrays[at].reshape(-1)[0] = end
            yield Probe(f"for one element of {item.name} at {end:g}", arrays)
    # Both ends of every interval in one batch.
    mixed = list(plain)
    for at in special:
        ends = subject.inputs[at].ends
        if ends:
            mixed[at] = np.resize(np.asarray(ends, plain[at].dtype), plain[at].shape)
    if special:
        yield Probe("for inputs at the ends of their domains", mixed)


def _once(
    seen: set[str], special: Sequence[int], chosen: Sequence[_Fill], plain: Sequence[np.ndarray]
) -> Iterator[Probe]:
    words = " and ".join(fill.words for fill in chosen if fill.words)
    if not words or words in seen:
        return
    seen.add(words)
    arrays = list(plain)
    for at, fill in zip(special, chosen, strict=True):
        arrays[at] = fill.array
    yield Probe(f"for {words}", arrays)


def _fills(subject: Subject, at: int, plain: Sequence[np.ndarray]) -> list[_Fill]:
    """Return the input filled with each of its special values."""
    item, array = subject.inputs[at], plain[at]
    if not item.probed or not array.size:
        return []
    if item.simplex:
        return _corners(subject, at, plain)
    if item.is_mask:
        return []
    if item.choices is not None:
        ignored = item.ignored
        values: Sequence[float] = [value for value in item.choices if value != ignored]
    elif item.classes is not None:
        values = (0, item.classes - 1)
    elif not item.is_float and item.low is not None and item.high is not None:
        values = (item.low, item.high)
    else:
        values = item.ends
    return [_Fill(f"{item.name} of {value:g}", np.full_like(array, value)) for value in dict.fromkeys(values)]


def _corners(subject: Subject, at: int, plain: Sequence[np.ndarray]) -> list[_Fill]:
    """Return one-hot rows (at the class of the label and at the next, if there are class labels) and uniform rows."""
    item, array = subject.inputs[at], plain[at]
    axis = item.class_axis % array.ndim
    classes = array.shape[axis]
    rest = tuple(size for n, size in enumerate(array.shape) if n != axis)
    hot = np.arange(int(np.prod(rest, dtype=int))).reshape(rest) % classes
    for other, given in zip(subject.inputs, plain, strict=True):
        if other.classes == classes and given.shape == rest:
            hot = given.astype(np.int64)

    def one_hot(index: np.ndarray) -> np.ndarray:
        return np.moveaxis(np.eye(classes)[index % classes], -1, axis).astype(array.dtype)

    return [
        _Fill(f"one-hot {item.name}", one_hot(hot)),
        _Fill(f"one-hot {item.name} of other classes", one_hot(hot + 1)),
        _Fill(f"uniform {item.name}", np.full_like(array, 1 / classes)),
    ]


def ties(subject: Subject, plain: Sequence[np.ndarray]) -> Iterator[Probe]:
    """Yield inputs whose elements are equal to each other, to another input or to zero."""
    free = [at for at, item in enumerate(subject.inputs) if item.is_free and item.given is None]
    if free:
        yield Probe("where all inputs are zero", [np.zeros_like(a) if at in free else a for at, a in enumerate(plain)])
        yield Probe(
            "where all elements are equal", [np.full_like(a, 0.5) if at in free else a for at, a in enumerate(plain)]
        )
    for at in free:
        item, array = subject.inputs[at], plain[at]
        if array.ndim and array.shape[0] > 1:
            rows = array.copy()
            rows[0] = 0
            yield Probe(f"where the first sample of {item.name} is zero", _with(plain, at, rows))
            rows = array.copy()
            rows[1] = rows[0]
            yield Probe(f"where two samples of {item.name} are equal", _with(plain, at, rows))
        if array.ndim > 1 and array.shape[-1] > 1:
            largest = np.where(array >= np.sort(array, -1)[..., -2:-1], array.max(-1, keepdims=True), array)
            yield Probe(f"where the largest elements of {item.name} tie", _with(plain, at, largest))
    for first, second in itertools.combinations(range(len(plain)), 2):
        a, b = subject.inputs[first], subject.inputs[second]
        if not (a.is_float and a.probed and b.probed and a.given is None and b.given is None):
            continue
        if plain[first].shape != plain[second].shape or b.is_mask:
            continue
        source, target = (second, first) if _contains(a, b) else (first, second)
        if not _contains(subject.inputs[target], subject.inputs[source]) or not subject.inputs[target].is_float:
            continue
        same = plain[source].astype(plain[target].dtype)
        yield Probe(f"where {b.name} equals {a.name}", _with(plain, target, same))
        if a.is_free and b.is_free:
            # Opposite vectors have a cosine of -1, as equal ones have 1.
            yield Probe(f"where {b.name} is the negative of {a.name}", _with(plain, target, -same))
        one = plain[target].copy()
        one.reshape(-1)[:1] = same.reshape(-1)[:1]
        if not subject.inputs[target].simplex:
            yield Probe(f"where one element of {b.name} equals that of {a.name}", _with(plain, target, one))


def _contains(wide: Input, narrow: Input) -> bool:
    """Whether the first domain contains the second."""
    if wide.simplex or wide.choices is not None:
        return wide.simplex == narrow.simplex and wide.choices == narrow.choices
    values = narrow.choices or tuple(end for end in (narrow.low, narrow.high) if end is not None)
    if narrow.choices is None and (narrow.low is None or narrow.high is None) and not wide.is_free:
        return (wide.low, wide.high) == (narrow.low, narrow.high)
    return all((wide.low is None or wide.low <= v) and (wide.high is None or v <= wide.high) for v in values)


def _with(arrays: Sequence[np.ndarray], at: int, array: np.ndarray) -> list[np.ndarray]:
    return [array if n == at else each for n, each in enumerate(arrays)]


def unmasked(subject: Subject, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Return the same inputs with nothing masked and nothing ignored."""
    found = list(arrays)
    for at, item in enumerate(subject.inputs):
        if at in subject.masks:
            value = 0 if item.is_inverted_mask else 1
            full = np.full_like(arrays[at], value)
            found[at] = full if item.allows(full) else arrays[at]
        elif item.is_length and item.high is not None:
            found[at] = np.full_like(arrays[at], item.high)
        elif item.ignored is not None:
            other = next(value for value in item.choices or () if value != item.ignored)
            found[at] = np.where(arrays[at] == item.ignored, other, arrays[at]).astype(arrays[at].dtype)
    return found


class Emptied(NamedTuple):
    """Inputs with every sample removed.

    Args:
        probe: the inputs.
        certain: whether name, dtype or values show that the input removes samples. If not, the loss may take it as
            a label, and its value is not determined.
    """

    probe: Probe
    certain: bool


def nothing_left(subject: Subject, plain: Sequence[np.ndarray]) -> Iterator[Emptied]:
    """Yield inputs with everything masked or ignored."""
    for at, item in enumerate(subject.inputs):
        if item.given is not None or not item.probed:
            continue
        if at in subject.masks or (at and item.may_be_mask):
            for value in (0, 1) if item.is_inverted_mask else (0,):
                full = np.full_like(plain[at], value)
                if item.allows(full):
                    # Which value of a padding mask removes is known by its name alone: either may.
                    certain = at in subject.masks and not item.is_inverted_mask and (at > 1 or len(plain) > 2)
                    yield Emptied(Probe(f"with {item.name} all {value}", _with(plain, at, full)), certain)
        ignored = subject.ignored_label(at)
        if ignored is not None:
            full = np.full_like(plain[at], ignored)
            certain = item.ignored is None or len(item.choices or ()) > 3 or item.ignored != -1
            yield Emptied(Probe(f"with {item.name} all {ignored:g}", _with(plain, at, full)), certain)


def as_dtype(subject: Subject, probe: Probe, dtype: Any) -> Probe:
    """Return the same probe with its floating inputs in another dtype."""
    return probe._replace(arrays=subject.cast(probe.arrays, dtype))
