"""Checks of first and second derivatives against finite differences, at random, extreme and tied points."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from sporax.testing._checks import Arrays, Evaluator, Failed, Skipped, check, number, smallest
from sporax.testing._checks_edges import examine, report_not_finite
from sporax.testing._definitions import (
    INFINITE_VALUE,
    WRONG_VALUE,
    differ,
    difference_mismatch,
    directional_derivatives,
)
from sporax.testing._probes import Probe, as_dtype, ties
from sporax.testing._problems import Worst, not_finite
from sporax.testing._subject import objective

_MAX_ELEMENTS = 24


def _indices(array: np.ndarray, seed: int) -> list[tuple[int, ...]]:
    every = list(np.ndindex(array.shape))
    if len(every) <= _MAX_ELEMENTS:
        return every
    chosen = np.random.default_rng(seed).permutation(len(every))[:_MAX_ELEMENTS]
    return [every[at] for at in sorted(chosen)]


def _moved(arrays: Arrays, at: int, index: tuple[int, ...] | None, by: float) -> list[np.ndarray]:
    """Return the inputs with one element of one of them, or all its elements, shifted."""
    result = list(arrays)
    result[at] = result[at].copy()
    result[at][... if index is None else index] += by
    return result


_MEANT = re.compile(r"straight.through|stop.?gradient|surrogate.gradient|gradient.{0,20}\bdetached", re.I)


def is_estimate(evaluator: Evaluator) -> bool:
    """Whether, by the docstring, the gradient is an estimate, such as a straight-through estimator."""
    return evaluator.subject.info is None and bool(_MEANT.search(evaluator.subject.documentation))


def detached(evaluator: Evaluator) -> tuple[int, ...]:
    """Return the inputs after the first that get no gradient at all: detached on purpose, as a target network is."""
    if evaluator.detached is None:
        draws = [evaluator.draw(seed, np.float64) for seed in (0, 1)]
        gradients = [evaluator.run("gradients", arrays) for arrays in draws]
        evaluator.detached = tuple(
            at
            for n, at in enumerate(evaluator.subject.floats)
            if at and evaluator.subject.info is None and not any(each[n].any() for each in gradients)
        )
    return evaluator.detached


class Wrong(NamedTuple):
    """A gradient that is not the derivative.

    Args:
        at: which input.
        index: of the element; None for the sum over all elements.
        got: the gradient.
        expected: the derivative by finite differences.
    """

    at: int
    index: tuple[int, ...] | None
    got: float
    expected: float


def wrong_gradient(evaluator: Evaluator, arrays: Arrays, exact: bool) -> Wrong | None:
    """Return the first element whose gradient is finite but not the derivative, where the loss is finite.

    At a kink any derivative between the one-sided derivatives is right. Where all elements move together, equal ones
    stay equal, so a gradient that is given in full to each of several equal elements, instead of shared, is found.
    Fully detached inputs are skipped, and so is a loss whose docstring says that its gradient is an estimate.
    """
    if is_estimate(evaluator):
        return None
    value = float(evaluator.run("number", arrays))
    if not np.isfinite(value):
        return None
    gradients = evaluator.run("gradients", arrays)
    largest = max((float(np.abs(g[np.isfinite(g)]).max(initial=0)) for g in gradients), default=0.0)
    for at, gradient in zip(evaluator.subject.floats, gradients, strict=True):
        if at in detached(evaluator):
            continue
        for index in (*_indices(arrays[at], at), None):
            got = float(np.sum(gradient[... if index is None else index]))
            if not np.isfinite(got):
                continue
            scale = largest if index is not None else float(np.abs(gradient).sum())
            step = _Step(value, got, scale, at, index)
            expected = _mismatch(evaluator, arrays, step, exact, 1.0)
            # A strongly curved loss needs a smaller step.
            if expected is not None and exact:
                expected = _mismatch(evaluator, arrays, step, exact, 1 / 8)
            if expected is not None:
                return Wrong(at, index, got, expected)
    return None


class _Step(NamedTuple):
    """A gradient to compare: of input `at` for the element `index`, or the sum over all elements if that is None."""

    value: float
    got: float
    scale: float
    at: int
    index: tuple[int, ...] | None


def _mismatch(evaluator: Evaluator, arrays: Arrays, step: _Step, exact: bool, share: float) -> float | None:
    """Return the derivative by finite differences if the gradient differs from it."""
    value, got, scale, at, index = step
    # Rounding error of the difference of two values of this size.
    noise = (4e-16 if exact else 3e-7) * max(1.0, abs(value))
    size = max(1.0, abs(float(arrays[at][index]))) if index is not None else 1.0
    h = (1e-6 if exact else 3e-3) * size * share
    below, above = (float(evaluator.run("number", _moved(arrays, at, index, move))) for move in (-h, h))
    if not (np.isfinite(below) and np.isfinite(above)):
        return None  # the edge of where the loss is defined
    left, right = (value - below) / h, (above - value) / h
    tolerance = (2e-5 if exact else 2e-2) * max(scale, abs(left), abs(right), 1e-3) + 4 * noise / h
    middle = (left + right) / 2
    between = min(left, right) - tolerance <= got <= max(left, right) + tolerance and abs(left - right) > tolerance
    if abs(got - middle) <= tolerance or between or _jumps(evaluator, arrays, step, h, below, above):
        return None
    return middle


def _jumps(evaluator: Evaluator, arrays: Arrays, step: _Step, h: float, below: float, above: float) -> bool:
    """Whether the value is discontinuous there, as ranks are at ties, so that there is no derivative."""
    value = step.value
    jump = max(abs(above - value), abs(value - below))
    if jump < 1e-4 * max(1.0, abs(value)):
        return False
    near = [float(evaluator.run("number", _moved(arrays, step.at, step.index, move))) for move in (-h / 100, h / 100)]
    return max(abs(each - value) for each in near) > 0.5 * jump


def _examine(worst: Worst, evaluator: Evaluator, probe: Probe, *, may_be_infinite: bool = False) -> None:
    """Add the problem of the gradient at a probe in float64, if any.

    Args:
        worst: takes the problem.
        evaluator: the loss.
        probe: the inputs.
        may_be_infinite: whether an infinite value is a warning, as that of an exponential of large inputs.
    """
    worst.tried += 1
    exact = evaluator.keeps_float64()
    wrong = wrong_gradient(evaluator, probe.arrays, exact)
    if wrong is not None:
        worst.add(WRONG_VALUE, lambda: _report_wrong(evaluator, probe, wrong, exact))
        return
    problem = not_finite(evaluator, probe.arrays)
    if problem is not None:
        warning = may_be_infinite and problem.severity == INFINITE_VALUE
        worst.add(
            problem.severity, lambda: report_not_finite(evaluator, probe, problem, warning=warning), warning=warning
        )


def _report_wrong(evaluator: Evaluator, probe: Probe, wrong: Wrong, exact: bool) -> Failed:
    small = smallest(evaluator, probe.arrays, lambda a: wrong_gradient(evaluator, a, exact) is not None)
    found = wrong_gradient(evaluator, small, exact) or wrong
    name = evaluator.subject.inputs[found.at].name
    what = f"gradient for {name}{list(found.index)} is" if found.index is not None else f"gradients for {name} sum to"
    return Failed(
        f"{probe.where} the {what} {found.got:.6g}",
        expected=f"{found.expected:.6g}, by finite differences",
        fix="look for stop_gradient, a detached or rounded intermediate, or a custom derivative (bprop, custom_vjp) "
        "that does not fit the value. If it is meant, write 'straight-through' or 'stop-gradient' in the docstring.",
        arrays=small,
    )


@check("gradient", "the gradient equals finite differences at random points")
def gradient(evaluator: Evaluator) -> str:
    if not evaluator.subject.floats:
        raise Skipped("it has no floating input")
    arrays = evaluator.draw(dtype=np.float64)
    worst = Worst()
    for seed in (0, 1):
        arrays = evaluator.draw(seed, np.float64)
        _examine(worst, evaluator, Probe("at a random point", arrays))
    worst.settle()
    gradients = evaluator.run("gradients", arrays)
    if not any(each.any() for each in gradients):
        raise Failed(
            "every gradient is zero: nothing can be learned from this loss",
            expected="a gradient for at least one input",
            fix="argmax, rounding, comparison and integer casts have no derivative; use a smooth form of them.",
            arrays=smallest(evaluator, arrays, lambda a: not any(g.any() for g in evaluator.run("gradients", a))),
        )
    first = evaluator.subject.inputs[evaluator.subject.floats[0]].name
    if not gradients[0].any() and evaluator.subject.info is None:
        raise Failed(
            f"no gradient reaches {first}",
            expected=f"a gradient for {first}",
            fix="if the arguments are (predictions, labels), see that the first is not detached.",
            arrays=arrays,
            status="warn",
        )
    _check_cotangent(evaluator, arrays, gradients)
    notes = [] if evaluator.keeps_float64() else ["to two digits: the loss computes in float32 for any input"]
    if is_estimate(evaluator):
        notes.append("not compared: the docstring says that the gradient is an estimate")
    notes += [f"no gradient reaches {evaluator.subject.inputs[at].name}" for at in detached(evaluator)]
    return "; ".join(notes) or "float64"


def _check_cotangent(evaluator: Evaluator, arrays: Arrays, gradients: Sequence[np.ndarray]) -> None:
    """Check that the gradient of 3 times the loss is 3 times its gradient, as a custom derivative may ignore it.

    Where a loss gives several values, the comparison with differences shows it: each value counts differently there.
    """
    if not evaluator.is_scalar:
        return
    tripled = evaluator.run(
        "tripled gradients",
        arrays,
        fn=jax.grad(lambda *a: 3 * objective(evaluator.fn)(*a), tuple(evaluator.subject.floats)),
    )
    for at, one, three in zip(evaluator.subject.floats, gradients, tripled, strict=True):
        if differ(three, 3 * one, 1e-4 if evaluator.keeps_float64() else 1e-2):
            raise Failed(
                f"the gradient of 3 times the loss for {evaluator.subject.inputs[at].name} is {number(three)}",
                expected=f"{number(3 * one)}, 3 times that of the loss",
                fix="a custom derivative (bprop, custom_vjp) must multiply by the gradient of its result, dout: as it "
                "is, a loss weight, a loss scale and gradient accumulation have no effect.",
                arrays=arrays,
            )


@check("gradient-extreme", "the gradient equals finite differences at large inputs and near the ends")
def gradient_extreme(evaluator: Evaluator) -> str:
    if not evaluator.subject.floats:
        raise Skipped("it has no floating input")
    worst = Worst()
    arrays = evaluator.draw(2, np.float64, scale=12.0)
    rng = np.random.default_rng(3)
    for at, item in enumerate(evaluator.subject.inputs):
        if item.is_probability and item.given is None:
            near = rng.choice([1e-3, 1 - 1e-3], item.shape)
            arrays[at] = near.astype(np.float64)
    _examine(worst, evaluator, Probe("at a large input", arrays), may_be_infinite=True)
    worst.settle()
    return ""


@check("gradient-ties", "the gradient is finite, and between the one-sided derivatives, at ties and zeros")
def gradient_ties(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    if not subject.floats:
        raise Skipped("it has no floating input")
    worst = Worst()
    for probe in ties(subject, evaluator.draw(4, np.float64)):
        _examine(worst, evaluator, probe)
        # An epsilon that float64 keeps may be lost in float32.
        examine(worst, evaluator, as_dtype(subject, probe, np.float32), fix=_UNDEFINED)
    if not worst.tried:
        raise Skipped("no inputs can be made equal")
    worst.settle()
    return f"{worst.tried // 2} ties"


_UNDEFINED = (
    "keep what has no derivative away from the operation, as ops.sqrt(ops.where(x > 0, x, 1)), and choose the result "
    "by ops.where afterwards."
)


@check("second-derivative", "second derivatives work and equal differences of the gradient")
def second_derivative(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    if not subject.floats:
        raise Skipped("it has no floating input")
    if subject.info is not None and not subject.info.second_derivative:
        raise Skipped("the loss says that it has none")
    arrays = evaluator.draw(5, np.float64)
    if not evaluator.keeps_float64():
        raise Skipped("the loss computes in float32 for any input")
    if is_estimate(evaluator):
        raise Skipped("the docstring says that the gradient is an estimate")
    rng = np.random.default_rng(6)
    floats = [at for at in subject.floats if at not in detached(evaluator)]
    u, v = ([rng.normal(size=arrays[at].shape) for at in floats] for _ in range(2))
    point = [arrays[at] for at in floats]
    note = ""

    def run(chosen: list[Any], *, forward: bool = True) -> dict[str, Any]:
        def derivatives(*inputs: Any) -> dict[str, jax.Array]:
            def value(chosen: list[Any]) -> jax.Array:
                return objective(evaluator.fn)(*_replaced(inputs, floats, chosen))

            return directional_derivatives(value, v, u, forward=forward)([inputs[at] for at in floats])

        form = "derivatives" if forward else "derivatives in reverse mode"
        return evaluator.run(form, _replaced(arrays, floats, chosen), fn=derivatives)

    try:
        found = run(point)
    except Exception as error:
        # A custom_vjp has no forward mode.
        note = f"in reverse mode only ({str(error).splitlines()[0][:80]})"
        run = functools.partial(run, forward=False)
        found = _second_derivative(evaluator, lambda: run(point))
    wrong = difference_mismatch(run, point, v, steps=(1e-5, 1e-6), tolerances={"gradient": (1e-4, 1e-4)})
    second = [float(found[mode]) for mode in ("reverse over reverse", "forward over reverse") if mode in found]
    if not np.isfinite(second).all():
        raise Failed(f"it is {number(second[0])}", expected="a finite number", arrays=arrays)
    if wrong is not None:
        raise Failed(
            f"along a random direction it is {wrong.got:.6g}",
            expected=f"{wrong.expected:.6g}, by differences of the gradient",
            fix="the derivative of a custom derivative is taken from its code, which must be valid for every input.",
            arrays=arrays,
        )
    return note


def _second_derivative(evaluator: Evaluator, run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return run()
    except Exception as error:
        if "second derivative" in evaluator.subject.documentation.lower():
            raise Skipped("it cannot be taken, as the docstring says") from None
        raise Failed(
            f"taking it raises {type(error).__name__}: {str(error).splitlines()[0][:200]}",
            expected="a second derivative, or a docstring that says there is no second derivative",
            fix="define the custom derivative by jax.custom_jvp with differentiable operations.",
        ) from error


def _replaced(arrays: Sequence[Any], indices: Sequence[int], chosen: Sequence[Any]) -> list[Any]:
    result = list(arrays)
    for at, array in zip(indices, chosen, strict=True):
        result[at] = array
    return result
