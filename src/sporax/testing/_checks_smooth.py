"""Checks of continuity, and of gradients for the Parameters of the loss."""

from __future__ import annotations

import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._jax_compat import x64_scope
from sporax.core import Cell, wrap
from sporax.testing._checks import Arrays, Evaluator, Failed, Skipped, check, number
from sporax.testing._checks_gradient import is_estimate
from sporax.testing._checks_label import is_ranking
from sporax.testing._subject import objective, one_array

_MEANT = re.compile(r"discontinuous|discontinuity|\bjumps?\b|\bthreshold", re.I)
_POINTS = 257
_SECTIONS = 17


@check("continuous", "the value has no jumps")
def continuous(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    if subject.info is not None or evaluator.untraceable is not None or not subject.floats:
        raise Skipped("a built-in loss, or one that cannot be compiled or differentiated")
    if _MEANT.search(subject.documentation) or is_estimate(evaluator):
        raise Skipped("the docstring says that it may jump")
    if not evaluator.keeps_float64():
        raise Skipped("the loss computes in float32 for any input")
    # A ranking loss depends on the order of the labels, so its value jumps where two labels are equal.
    still = (1,) if len(subject.inputs) > 1 and subject.inputs[1].is_label and is_ranking(evaluator) else ()
    for seed in (50, 52):
        start, end = (evaluator.draw(each, np.float64) for each in (seed, seed + 1))
        end = [end[at] if at in subject.floats and at not in still else array for at, array in enumerate(start)]
        found = _jump(evaluator, start, end)
        if found is not None:
            share, before, after = found
            raise Failed(
                f"the value jumps from {before:.6g} to {after:.6g} between inputs that differ by 1e-10",
                expected="a continuous loss: where pieces meet they have one value",
                fix="see that the branches of ops.where agree where the condition changes, as 0.5 * d ** 2 and d - 0.5 "
                "do at d = 1. If a threshold is meant, write 'discontinuous' in the docstring.",
                arrays=[a + share * (b - a) if a.dtype == np.float64 else a for a, b in zip(start, end, strict=True)],
                status="warn",
            )
    return ""


def _jump(evaluator: Evaluator, start: Arrays, end: Arrays) -> tuple[float, float, float] | None:
    """Return where on the line the value jumps, and the values on both sides."""
    count, value = len(start), objective(evaluator.fn)
    floats = evaluator.subject.floats

    def along(shares: Any, *ends: Any) -> Any:
        def one(share: Any) -> Any:
            pairs = zip(ends[:count], ends[count:], strict=True)
            return value(*(a + share * (b - a) if at in floats else a for at, (a, b) in enumerate(pairs)))

        return jax.lax.map(one, shares, batch_size=_SECTIONS)

    def values(shares: np.ndarray) -> np.ndarray:
        return np.asarray(evaluator.run("values along a line", [shares, *start, *end], fn=along))

    shares = np.linspace(0, 1, _POINTS)
    coarse = values(shares)
    if not np.isfinite(coarse).all():
        return None
    for at in np.argsort(-np.abs(np.diff(coarse)))[:6]:
        low, high = shares[at], shares[at + 1]
        for _ in range(7):
            fine = np.linspace(low, high, _SECTIONS)
            found = values(fine)
            if not np.isfinite(found).all():
                break
            most = int(np.argmax(np.abs(np.diff(found))))
            low, high = fine[most], fine[most + 1]
        else:
            before, after = found[most], found[most + 1]
            if abs(after - before) > 1e-5 * max(1.0, abs(before)):
                return float(low), float(before), float(after)
    return None


@check("parameters", "the gradients for its Parameters equal finite differences")
def parameters(evaluator: Evaluator) -> str:
    target = evaluator.subject.target
    if not isinstance(target, Cell):
        raise Skipped("a plain function")
    pure, state = evaluator.subject.functional(target)
    named = {parameter.name: parameter for parameter in target.trainable_params()}
    unused = [name for name in named if name not in state]
    names = [name for name, value in state.items() if name in named and jnp.issubdtype(value.dtype, jnp.floating)]
    if unused:
        _report_unreached(unused[0])
    if not names:
        raise Skipped("it has no trainable Parameter")
    with x64_scope(True):
        own = {name: np.asarray(value) for name, value in state.items()}
    rest = {name: value for name, value in state.items() if name not in names}
    keys = list(names)

    def fn(*arrays: Any) -> Any:
        given = {**rest, **dict(zip(keys, arrays[: len(keys)], strict=True))}
        return one_array(pure(given, *map(wrap, arrays[len(keys) :]), **evaluator.subject.params)[0])

    exact = evaluator.keeps_float64()
    number_of = objective(fn)
    gradient_of = jax.grad(number_of, tuple(range(len(keys))))
    rng = np.random.default_rng(13)
    reached = dict.fromkeys(names, False)
    for seed in (0, 1):
        inputs = [*(own[name].astype(np.float64) for name in names), *evaluator.draw(seed, np.float64)]
        gradients = evaluator.run("gradients of Parameters", inputs, fn=gradient_of)
        value = float(evaluator.run("number of Parameters", inputs, fn=number_of))
        for at, name in enumerate(names):
            gradient = np.asarray(gradients[at], np.float64)
            if not np.isfinite(gradient).all():
                raise Failed(
                    f"the gradient for the Parameter {name} is {number(gradient)}",
                    expected="a finite gradient",
                    fix="see at which values of the Parameter the formula is not finite: a divisor that begins at 0, "
                    "say.",
                    arrays=inputs[len(names) :],
                )
            reached[name] |= bool(gradient.any())
            direction = rng.normal(size=gradient.shape)
            h = (1e-6 if exact else 3e-3) * max(1.0, float(np.abs(inputs[at]).max(initial=0)))

            moved = [[*inputs[:at], inputs[at] + step * direction, *inputs[at + 1 :]] for step in (-h, h)]
            below, above = (float(evaluator.run("number of Parameters", each, fn=number_of)) for each in moved)
            left, right = (value - below) / h, (above - value) / h
            got = float(np.sum(gradient * direction))
            tolerance = (1e-4 if exact else 3e-2) * max(1.0, abs(left), abs(right), float(np.abs(gradient).sum()))
            if not min(left, right) - tolerance <= got <= max(left, right) + tolerance:
                raise Failed(
                    f"along a random direction of the Parameter {name} the gradient is {got:.6g}",
                    expected=f"{(left + right) / 2:.6g}, by finite differences",
                    fix="look for stop_gradient or .asnumpy() on the Parameter, or a custom derivative (bprop) that "
                    "does not fit the value.",
                    arrays=inputs[len(names) :],
                )
    for name, found in reached.items():
        if not found:
            _report_unreached(name)
    return ", ".join(names)


def _report_unreached(name: str) -> None:
    raise Failed(
        f"no gradient reaches the Parameter {name}: it is never trained",
        expected=f"a gradient, or {name} with requires_grad=False",
        fix="use it in the formula, look for stop_gradient, or make it with requires_grad=False if it is a constant or "
        "is updated by the loss itself.",
        status="warn",
    )
