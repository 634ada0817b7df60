"""What is wrong with a loss at some inputs, and which of several problems is the worst."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sporax.testing._checks import Arrays, Evaluator, Failed
from sporax.testing._inputs import Input
from sporax.testing._origin import kind_of

WRONG_VALUE, GRADIENT, NAN_VALUE, INFINITE_VALUE = 4, 3, 2, 1
"""Severities. A finite wrong number is never noticed; a gradient that is not finite destroys the weights while the loss
looks right; a value that is not finite is seen at once."""


class NotFinite(NamedTuple):
    """A value or gradient that is not finite.

    Args:
        severity: one of those above.
        kind: `NaN`, `inf` or `-inf`.
        text: which value or gradient it is, and the gradients that go with a value.
    """

    severity: int
    kind: str
    text: str

    @property
    def is_gradient(self) -> bool:
        """Whether the value is finite where the gradient is not."""
        return self.severity == GRADIENT

    def same(self, other: NotFinite | None) -> bool:
        """Whether the other is of the same kind, whichever elements it is about."""
        return other is not None and (self.severity, self.kind) == (other.severity, other.kind)


def not_finite(evaluator: Evaluator, arrays: Arrays) -> NotFinite | None:
    """The worst of what is not finite among value and gradients; None if all is finite.

    Where a loss gives one value for each sample, the gradient of one sample is held against its own value.
    """
    value = np.asarray(evaluator.run("loss", arrays), np.float64)
    finite = np.isfinite(value)
    gradients = (
        [np.asarray(each, np.float64) for each in evaluator.run("gradients", arrays)]
        if evaluator.subject.floats
        else []
    )
    inputs = [evaluator.subject.inputs[at] for at in evaluator.subject.floats]
    count = value.shape[0] if value.ndim and not evaluator.subject.coupled else None
    found = []
    for item, gradient in zip(inputs, gradients, strict=True):
        bad = ~np.isfinite(gradient)
        if count is not None and gradient.shape[:1] == (count,):
            rows = finite.reshape(count, -1).all(axis=1)
            bad = bad & rows.reshape(count, *[1] * (gradient.ndim - 1))
        elif not finite.all():
            continue
        if bad.any():
            kind = kind_of(np.where(bad, gradient, 0))
            found.append(NotFinite(GRADIENT, kind, f"the gradient for {_element(item, gradient, bad)} is {kind}"))
    if found:
        return next((each for each in found if each.kind == "NaN"), found[0])
    if finite.all():
        return None
    kind = kind_of(value)
    which = "" if not value.ndim else f" at {list(map(int, np.argwhere(_is(value, kind))[0]))}"
    text = f"the value{which} is {kind}"
    behind: dict[str, list[str]] = {}
    for item, gradient in zip(inputs, gradients, strict=True):
        if kind_of(gradient):
            behind.setdefault(kind_of(gradient), []).append(_element(item, gradient, ~np.isfinite(gradient)))
    text += "".join(f", and the gradient for {', '.join(names)} is {each}" for each, names in behind.items())
    return NotFinite(NAN_VALUE if kind == "NaN" else INFINITE_VALUE, kind, text)


def _is(value: np.ndarray, kind: str) -> np.ndarray:
    return np.isnan(value) if kind == "NaN" else np.isinf(value)


def _element(item: Input, gradient: np.ndarray, bad: np.ndarray) -> str:
    """`p[0, 1]`, the first of the elements, a NaN where there is one, and how many more there are."""
    if not gradient.ndim:
        return item.name
    nans = np.argwhere(bad & np.isnan(gradient))
    first = nans[0] if len(nans) else np.argwhere(bad)[0]
    more = int(bad.sum()) - 1
    return f"{item.name}{list(map(int, first))}" + (f" and {more} more" if more else "")


class Worst:
    """The problems of several probes, of which the worst is reported. Its report, which costs most, is made alone."""

    def __init__(self) -> None:
        self.tried = self.failed = 0
        self._best: tuple[tuple[bool, int], Callable[[], Failed]] | None = None

    def add(self, severity: int, report: Callable[[], Failed], *, warning: bool = False) -> None:
        """Enter a problem; of equals the first stays."""
        self.failed += 1
        rank = (not warning, severity)
        if self._best is None or rank > self._best[0]:
            self._best = rank, report

    def settle(self) -> None:
        """Raise the worst problem, if there is any."""
        if self._best is None:
            return
        failed = self._best[1]()
        if self.failed > 1:
            failed.found += f" ({self.failed} of {self.tried} tries fail)"
        raise failed
