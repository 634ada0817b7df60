"""Checks of class scores that are infinite, or far above the others."""

from __future__ import annotations

import numpy as np

from sporax.testing._checks import Arrays, Evaluator, Failed, Skipped, check, number
from sporax.testing._checks_edges import examine
from sporax.testing._checks_label import class_axis
from sporax.testing._definitions import limit_mismatch
from sporax.testing._probes import Probe
from sporax.testing._problems import Worst, not_finite

_GROWING = (1e4, 1e6)
_OVERFLOW = (
    "let inf and NaN pass, so that an overflow of the network is noticed: select masked scores by x == -inf, not by "
    "isinf, isfinite or nan_to_num."
)
_TOO_LATE = "put ops.where before the operation too: the branch that it does not select has a gradient of NaN."


@check("infinite", "infinite scores give a limit and no NaN")
def infinite(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    item, others = subject.inputs[0], subject.inputs[1:]
    if not item.is_free or item.given is not None:
        raise Skipped("the first input takes no such numbers")
    info = subject.info
    if info is not None and info.inputs[0].role == "table":
        raise Skipped("the first input is a table of vectors, not class scores")
    scores = any(other.classes is not None and other.classes in item.shape for other in others)
    binary = info is not None and len(others) == 1 and (others[0].choices is not None or others[0].is_probability)
    if not scores and not binary:
        raise Skipped("the first input is not class scores")
    axis = class_axis(evaluator) if scores else None
    # -inf masks a class. A score of inf is an overflow, which may give NaN in a custom loss.
    _examine_infinite(evaluator, _with_score(evaluator, None if info else axis, -np.inf), -np.inf, certain=scores)
    if info is not None:
        _examine_infinite(evaluator, _with_score(evaluator, None, np.inf), np.inf, certain=scores)
    if axis is None or (info is not None and info.overflows):
        return ""
    undefined = [_examine_growing(evaluator, axis, of_label) for of_label in (False, True)]
    return "a score of inf gives NaN" if any(undefined) else ""


def _with_score(evaluator: Evaluator, axis: int | None, value: float, *, of_label: bool = False) -> list[np.ndarray]:
    """Random inputs with one score replaced: the first of all, or that of the first label or of the next class."""
    arrays = evaluator.draw(3)
    arrays[0] = arrays[0].copy()
    if axis is None:
        arrays[0].reshape(-1)[0] = value
    else:
        rows = np.moveaxis(arrays[0], axis, -1)
        rows[(*[0] * (rows.ndim - 1), (int(arrays[1].flat[0]) + (not of_label)) % rows.shape[-1])] = value
    return arrays


def _examine_infinite(evaluator: Evaluator, arrays: Arrays, value: float, *, certain: bool) -> None:
    """Check that one infinite score gives no NaN."""
    custom = evaluator.subject.info is None
    problem = not_finite(evaluator, arrays)
    text = "" if problem is None or problem.kind != "NaN" else problem.text
    if not text and custom and np.isnan(evaluator.run("loss", arrays, jit=False)).any():
        # The compiler makes a selection of a product with zeros and ones.
        text = "the value is NaN eagerly"
    if text:
        why = evaluator.origin(arrays, gradient=problem is not None and problem.is_gradient)
        raise Failed(
            f"with one score of {value:g} {text}{why.text}",
            expected="the limit: a masked class has probability 0",
            fix="subtract the largest score before exp, and take 0 * log 0 as 0.",
            arrays=arrays,
            place=why.place,
            status="fail" if certain and not custom else "warn",
        )


def _examine_growing(evaluator: Evaluator, axis: int, of_label: bool) -> bool:
    """Check a score far above the others, and that a score of inf does not look better than it.

    A loss with log_softmax gives NaN for a score of inf. Training notices that, but neither a finite value that is not
    the limit nor a gradient of NaN behind a finite value.

    Returns:
        Whether a score of inf gives NaN.
    """
    which = "the label's class" if of_label else "another class"
    values = [evaluator.run("loss", _with_score(evaluator, axis, size, of_label=of_label)) for size in _GROWING]
    if not np.isfinite(values[0]).all():
        return False  # the check "extremes" reports it
    far, worst = _with_score(evaluator, axis, _GROWING[1], of_label=of_label), Worst()
    fix = "subtract the largest score of each sample before exp, or use ops.log_softmax."
    examine(worst, evaluator, Probe(f"for a score of {_GROWING[1]:g} of {which}", far), fix=fix, may_overflow=True)
    worst.settle()
    arrays = _with_score(evaluator, axis, np.inf, of_label=of_label)
    value = evaluator.run("loss", arrays)
    problem = not_finite(evaluator, arrays)
    wrong = limit_mismatch(value, *values)
    if wrong is not None:
        found = f"{wrong.what} is {number(wrong.got)}, but {number(wrong.expected)} for a score of {_GROWING[1]:g}"
        fix, place = _OVERFLOW, ""
    elif problem is not None and problem.is_gradient:
        why = evaluator.origin(arrays, gradient=True)
        found, fix, place = problem.text + why.text, why.fix(_TOO_LATE), why.place
    else:
        return bool(np.isnan(value).any())
    raise Failed(
        f"with a score of inf of {which} {found}",
        expected="the limit of growing scores, or NaN",
        fix=fix,
        arrays=arrays,
        place=place,
        status="warn",
    )
