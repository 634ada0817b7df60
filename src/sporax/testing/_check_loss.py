"""The loss checker: run a custom loss through the loss contract."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from sporax import _check
from sporax._errors import ArgumentError
from sporax.testing import (
    _checks_batch,
    _checks_edges,
    _checks_gradient,
    _checks_infinite,
    _checks_label,
    _checks_masks,
    _checks_number,
    _checks_program,
    _checks_reach,
    _checks_smooth,
    _checks_value,
    _checks_weights,
)
from sporax.testing._checks import CHECKS, Evaluator, run_check
from sporax.testing._make_subject import make_subject
from sporax.testing._report import Finding, Report

_MODULES = (
    _checks_value,
    _checks_batch,
    _checks_weights,
    _checks_masks,
    _checks_label,
    _checks_gradient,
    _checks_reach,
    _checks_smooth,
    _checks_edges,
    _checks_number,
    _checks_infinite,
    _checks_program,
)
_ORDER = [module.__name__ for module in _MODULES]


def _ordered() -> list[str]:
    """Return the checks in the order of their modules and definitions."""
    return sorted(CHECKS, key=lambda name: _ORDER.index(CHECKS[name][1].__module__))


def check_names() -> tuple[str, ...]:
    """Return the short names of all checks in the order in which they run.

    Example:
        >>> from sporax.testing import check_names
        >>> check_names()[:3]
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
    """Check a loss against the loss contract: gradients, reductions, weights, shapes, precision, tracing, cost.

    Args:
        target: a `LossBase` class or any Cell, an instance of one, a plain function of arrays or Tensors, or the name
            of a built-in loss.
        inputs: its inputs: text such as `'f32[8, 10], i32[8] < 10'` (see `parse_inputs`), or example arrays. By default
            common inputs are tried.
        arguments: constructor arguments of a class, keyword arguments of a function.
        only: names of the checks to run; default all.
        skip: names of checks to leave out.
        coupled: whether the samples of a batch interact, as in a contrastive loss.
        seed: the seed of all random inputs.
        progress: called with the name of each check before it runs.

    Returns:
        A `Report`; `report.ok` is True if no check failed, `print(report)` prints it.

    Raises:
        ArgumentError: the loss cannot be created or called, or there is no such check.

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

    Source: the loss contract of this package.
    """
    for name in (*only, *skip):
        _check.one_of(name, tuple(CHECKS), name="check", where="check_loss")
    evaluator = Evaluator(make_subject(target, inputs, arguments=arguments, coupled=coupled), seed)
    findings: list[Finding] = []
    for name in _ordered():
        if (only and name not in only) or name in skip:
            continue
        if progress is not None:
            progress(CHECKS[name][0])
        finding = run_check(evaluator, name)
        findings.append(finding)
        if name == "runs" and finding.status == "fail" and finding.found.startswith("the loss raised"):
            break
    if not findings:
        raise ArgumentError("check_loss: `only` and `skip` leave no check to run.")
    return Report(evaluator.subject.name, tuple(str(item) for item in evaluator.subject.inputs), tuple(findings))


def assert_loss(target: Any, inputs: str | Sequence[Any] | None = None, **options: Any) -> Report:
    """`check_loss` for a test: raises an error with the whole report where a check fails.

    Args:
        target: the loss; see `check_loss`.
        inputs: its inputs; see `check_loss`.
        **options: further arguments of `check_loss`.

    Returns:
        The report.

    Raises:
        AssertionError: a check fails; the message is the report.

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
