"""Problems of a loss at given inputs, and the worst of several."""

from __future__ import annotations

from collections.abc import Callable

from sporax.testing._checks import Arrays, Evaluator, Failed
from sporax.testing._definitions import NotFinite, not_finite_result


def not_finite(evaluator: Evaluator, arrays: Arrays) -> NotFinite | None:
    """The worst of the values and gradients at some inputs that are not finite; None if all are finite."""
    subject = evaluator.subject
    gradients = evaluator.run("gradients", arrays) if subject.floats else []
    names = [subject.inputs[at].name for at in subject.floats]
    return not_finite_result(evaluator.run("loss", arrays), gradients, names, per_sample=not subject.coupled)


class Worst:
    """The problems of several probes. Only the report of the worst, which is expensive, is created."""

    def __init__(self) -> None:
        self.tried = self.failed = 0
        self._best: tuple[tuple[bool, int], Callable[[], Failed]] | None = None

    def add(self, severity: int, report: Callable[[], Failed], *, warning: bool = False) -> None:
        """Add a problem; among equal ones the first is kept."""
        self.failed += 1
        rank = (not warning, severity)
        if self._best is None or rank > self._best[0]:
            self._best = rank, report

    def settle(self) -> None:
        """Raise the worst problem, if any."""
        if self._best is None:
            return
        failed = self._best[1]()
        if self.failed > 1:
            failed.found += f" ({self.failed} of {self.tried} tries fail)"
        raise failed
