"""The checker: a loss of your own against the loss contract."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sporax import _check
from sporax._errors import ArgumentError
from sporax.testing import (
    _laws_edges,
    _laws_gradient,
    _laws_label,
    _laws_masks,
    _laws_number,
    _laws_program,
    _laws_reach,
    _laws_smooth,
    _laws_value,
    _laws_weights,
)
from sporax.testing._laws import LAWS, Check, judge
from sporax.testing._report import Finding, Report
from sporax.testing._subject import make_subject

_MODULES = (
    _laws_value,
    _laws_weights,
    _laws_masks,
    _laws_label,
    _laws_gradient,
    _laws_reach,
    _laws_smooth,
    _laws_edges,
    _laws_number,
    _laws_program,
)
_ORDER = [module.__name__ for module in _MODULES]


def _ordered() -> list[str]:
    """Laws in the order of their files and of their places there."""
    return sorted(LAWS, key=lambda name: _ORDER.index(LAWS[name][1].__module__))


def law_names() -> tuple[str, ...]:
    """Short names of all laws, in the order in which they are run.

    Example:
        >>> from sporax.testing import law_names
        >>> law_names()[:3]
        ('runs', 'reduction', 'inputs-used')

    Source: the loss contract of this package.
    """
    return tuple(_ordered())


def check_loss(
    target: Any,
    inputs: str | Sequence[Any] | None = None,
    *,
    arguments: Mapping[str, Any] | None = None,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    coupled: bool = False,
    seed: int = 0,
    progress: Callable[[str], Any] | None = None,
) -> Report:
    """Run a loss of your own through the contract: gradients, reductions, weights, shapes, precision, tracing, cost.

    Args:
        target: a `LossBase` class or any Cell, an instance of one, a plain function of arrays or Tensors, or the name
            of a built-in loss.
        inputs: what it is called with: text as `'f32[8, 10], i32[8] < 10'` (see `parse_inputs`), or example
            arrays. Without it the usual ones are tried.
        arguments: constructor arguments of a class, keyword arguments of a function.
        only: names of the laws to run; all unless given.
        skip: names of laws to leave out.
        coupled: whether the samples of a batch are meant to meet each other, as in a contrastive loss.
        seed: of all random inputs.
        progress: called with the name of each law before it runs.

    Returns:
        A `Report`; `report.ok` tells whether nothing failed, `print(report)` shows it.

    Raises:
        ArgumentError: the loss cannot be made or called, or there is no such law.

    Example:
        >>> from sporax import nn, ops
        >>> from sporax.testing import check_loss
        >>> class MAELoss(nn.LossBase):
        ...     def construct(self, logits, labels):
        ...         return self.get_loss(ops.abs(logits - labels))
        >>> report = check_loss(MAELoss, "f32[8, 3], f32[8, 3]", only=["gradient", "reduction"])
        >>> print(report)
        MAELoss: 2 passed
          inputs  logits: f32[8, 3]; labels: f32[8, 3]
          ✓ sum and mean are those of the unreduced values: none, sum, mean
          ✓ the gradient equals finite differences at random points: float64

    Source: the loss contract of this package (DESIGN, section 5).
    """
    for name in (*only, *skip):
        _check.one_of(name, tuple(LAWS), name="law", where="check_loss")
    check = Check(make_subject(target, inputs, arguments=arguments, coupled=coupled), seed)
    findings: list[Finding] = []
    for name in _ordered():
        if (only and name not in only) or name in skip:
            continue
        if progress is not None:
            progress(LAWS[name][0])
        finding = judge(check, name)
        findings.append(finding)
        if name == "runs" and finding.status == "fail" and finding.found.startswith("the loss raised"):
            break
    if not findings:
        raise ArgumentError("check_loss: `only` and `skip` leave no law to run.")
    return Report(check.subject.name, tuple(str(item) for item in check.subject.inputs), tuple(findings))


def assert_loss(target: Any, inputs: str | Sequence[Any] | None = None, **options: Any) -> Report:
    """`check_loss` for a test: raises with the whole report where a law is broken.

    Args:
        target: the loss; see `check_loss`.
        inputs: what it is called with.
        **options: further arguments of `check_loss`.

    Returns:
        The report, so that a test can look at more of it.

    Raises:
        AssertionError: a law is broken; the message is the report.

    Example:
        >>> from sporax.testing import assert_loss
        >>> assert_loss("mse_loss", only=["gradient"]).ok
        True

    Source: sporax's own.
    """
    report = check_loss(target, inputs, **options)
    if not report.ok:
        raise AssertionError(str(report))
    return report
