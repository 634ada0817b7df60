"""Checks of precision: half precision, large and infinite inputs, probabilities of 0 and 1, NaN."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax.testing._checks import Arrays, Evaluator, Failed, Skipped, check, number, smallest
from sporax.testing._checks_edges import examine, report_not_finite
from sporax.testing._definitions import NotFinite, hides_nan, rounding_mismatch
from sporax.testing._origin import narrows
from sporax.testing._probes import Probe, edge_probes, ties, unmasked
from sporax.testing._problems import Worst, not_finite

_LARGE_COUNT = 8192


def _filled(
    evaluator: Evaluator, choices: Callable[..., tuple[float, ...] | None], seed: int, dtype: type
) -> list[np.ndarray] | None:
    """Return inputs with values from `choices(input)`, or None if it gives none for any input."""
    rng = np.random.default_rng(seed)
    arrays, any_filled = evaluator.draw(seed, dtype), False
    for at, item in enumerate(evaluator.subject.inputs):
        values = choices(item) if item.is_float and item.given is None else None
        if values is not None:
            arrays[at] = rng.choice(np.asarray(values), item.shape).astype(dtype)
            any_filled = True
    return arrays if any_filled else None


_LOGITS = (
    "use ops.log_softmax, ops.logsumexp, or a loss on logits, in place of log(softmax(x)), log(sigmoid(x)) or exp."
)


_OFFSET = (
    "a difference of large numbers has lost its digits: take the mean of (x - x.mean()) ** 2 for "
    "(x ** 2).mean() - x.mean() ** 2, and the sum of (x - y) ** 2 for x @ x + y @ y - 2 * x @ y."
)


_APART = "subtract the maximum of each sample, x.max(-1, keepdims=True), and not that of the batch."


@check("extremes", "inputs of ±20 to ±1e4 give finite values and gradients")
def extremes(evaluator: Evaluator) -> str:
    worst = Worst()
    for size in (20.0, 100.0, 1e4):
        arrays = _filled(evaluator, lambda item, size=size: (-size, size) if item.is_free else None, 1, np.float32)
        if arrays is None:
            raise Skipped("no input takes such numbers")
        if evaluator.subject.info is not None and evaluator.subject.info.overflows:
            return "it overflows, as it says"
        examine(worst, evaluator, Probe(f"for inputs of ±{size:g}", arrays), fix=_LOGITS, may_overflow=True)
    _examine_offset(evaluator, worst)
    worst.settle()
    return ""


def _examine_offset(evaluator: Evaluator, worst: Worst) -> None:
    """Check numbers that are large compared to their differences, which a difference of squares loses."""
    arrays = evaluator.draw(2, np.float32)
    moved = [
        a + np.float32(1000) if item.is_free and item.given is None else a
        for item, a in zip(evaluator.subject.inputs, arrays, strict=True)
    ]
    examine(worst, evaluator, Probe("for inputs near 1000", moved), fix=_OFFSET, may_overflow=True)
    if evaluator.subject.coupled:
        return
    # A maximum over the batch is too large for samples far below it.
    apart = [
        a + (200 * (-1.0) ** np.arange(len(a))).astype(np.float32).reshape(-1, *[1] * (a.ndim - 1))
        if item.is_free and item.given is None and a.ndim
        else a
        for item, a in zip(evaluator.subject.inputs, arrays, strict=True)
    ]
    examine(worst, evaluator, Probe("for samples near 200 and near -200", apart), fix=_APART, may_overflow=True)


@check("nan", "a NaN in the inputs is not hidden and affects only its sample")
def nan(evaluator: Evaluator) -> str:
    item = evaluator.subject.inputs[0]
    if not item.is_float:
        raise Skipped("the first input is not a float")
    arrays = unmasked(evaluator.subject, evaluator.draw(4))
    arrays[0] = arrays[0].copy()
    # The whole sample: a loss that picks the score of one class does not see the others.
    arrays[0][slice(1) if arrays[0].ndim else ...] = np.nan
    try:
        value = evaluator.run("loss", arrays)
    except Exception as error:
        if type(error).__module__.startswith("sporax"):
            return "it raises"
        raise
    if hides_nan(value):
        raise Failed(
            f"with a NaN in {item.name} the value is {number(value)}",
            expected="NaN, so that a broken network is noticed",
            fix="nan_to_num and comparisons hide it; take NaN samples out by a weight of 0 where that is meant.",
            arrays=arrays,
            status="warn",
        )
    if value.ndim and not evaluator.subject.coupled and value.shape[:1] == item.shape[:1] and value.shape[0] > 1:
        others = np.asarray(value, np.float64)[1:]
        if np.isnan(others).any():
            raise Failed(
                "a NaN in the first sample reaches the values of others",
                expected="NaN in that sample alone",
                fix="the samples of the batch interact: see the check batch-split.",
                arrays=arrays,
            )
    return ""


@check("half-precision", "half precision equals float32 up to rounding")
def half_precision(evaluator: Evaluator) -> str:
    # Eager: XLA may keep more bits between the operations of one program and hide a fault.
    if not evaluator.subject.floats:
        raise Skipped("it has no floating input")
    for dtype in (jnp.float16, jnp.bfloat16):
        cases = {"ordinary": evaluator.draw(5), "large": evaluator.draw(6, scale=12.0)}
        edge = _filled(evaluator, lambda item: (0.0, 1.0) if item.is_probability else None, 7, np.float32)
        if edge is not None:
            cases["certain"] = edge
        for name, arrays in cases.items():

            def wrong(a: Arrays, dtype: type = dtype, name: str = name) -> bool:
                half = evaluator.subject.cast(a, dtype)
                exact = np.asarray(
                    evaluator.run("loss", evaluator.subject.cast(half, np.float32), jit=False), np.float64
                )
                got = np.asarray(evaluator.run("loss", half, jit=False), np.float64)
                if not np.isfinite(exact).all() or np.abs(exact).max(initial=0) > float(jnp.finfo(dtype).max) / 4:
                    return False
                return rounding_mismatch(name, got, exact, dtype, steps=4, floor=0.05) is not None

            if wrong(arrays):
                small = smallest(evaluator, arrays, wrong)
                half = evaluator.subject.cast(small, dtype)
                exact = evaluator.run("loss", evaluator.subject.cast(half, np.float32), jit=False)
                why = evaluator.origin(half, gradient=False)
                got = number(evaluator.run("loss", half, jit=False))
                raise Failed(
                    f"{jnp.dtype(dtype).name}: {name} inputs give {got}{why.text}",
                    expected=f"{number(exact)}, as the same inputs give in float32",
                    fix="compute in float32: begin with x = ops.cast(x, mstype.float32); self.get_loss(values) "
                    "reduces in float32.",
                    arrays=small,
                    place=why.place,
                )
        half = evaluator.subject.cast(evaluator.draw(5), dtype)
        value = evaluator.run("loss", half)
        if value.dtype not in (dtype, np.float32):
            raise Failed(
                f"{jnp.dtype(dtype).name} inputs give a {value.dtype} result",
                expected=f"{jnp.dtype(dtype).name} or float32",
                fix="a NumPy constant or a cast decides the dtype: use Python numbers, or x.dtype.",
            )
        _half_gradients(evaluator, dtype)
    _large_batch(evaluator)
    _stays_wide(evaluator)
    return ""


def _stays_wide(evaluator: Evaluator) -> None:
    """Check that a float32 loss never computes in half precision, which has three digits."""
    if evaluator.subject.info is not None or evaluator.untraceable is not None:
        return
    if narrows(evaluator.jaxpr(np.float32), np.float32):
        raise Failed(
            "with float32 inputs it casts to half precision",
            expected="float32 all the way",
            fix="cast to float32, and never below the dtype of the inputs; mixed precision is for the network.",
            arrays=evaluator.draw(5, np.float32),
            status="warn",
        )


def _half_gradients(evaluator: Evaluator, dtype: Any) -> None:
    """Check that value and gradient are finite in half precision where they are in float32."""
    plain, worst = evaluator.draw(5), Worst()
    probes = [
        Probe("for ordinary inputs", plain),
        *ties(evaluator.subject, plain),
        *edge_probes(evaluator.subject, plain),
    ]
    for probe in probes:
        half = evaluator.subject.cast(probe.arrays, dtype)
        # Rounding may move the ends of an interval outside.
        if not all(item.allows(array) for item, array in zip(evaluator.subject.inputs, half, strict=True)):
            continue
        worst.tried += 1
        problem = not_finite(evaluator, half)
        if problem is None or not_finite(evaluator, evaluator.subject.cast(half, np.float32)) is not None:
            continue
        if problem.kind != "NaN" and _too_large(evaluator, half, dtype):
            continue

        def report(half: Arrays = half, problem: NotFinite = problem, where: str = probe.where) -> Failed:
            def fails(a: Arrays) -> bool:
                a = evaluator.subject.cast(a, dtype)
                return problem.same(not_finite(evaluator, a)) and not not_finite(
                    evaluator, evaluator.subject.cast(a, np.float32)
                )

            return report_not_finite(
                evaluator,
                Probe(f"{jnp.dtype(dtype).name}: {where}", list(half)),
                problem,
                fails=fails,
                expected="a finite value and gradient, as in float32",
                fix=lambda _: (
                    "compute in float32: begin with x = ops.cast(x, mstype.float32). A constant such as 1e-8 is 0 in "
                    "float16."
                ),
            )

        worst.add(problem.severity, report)
    worst.settle()


def _too_large(evaluator: Evaluator, half: Arrays, dtype: Any) -> bool:
    """Whether the value or the gradient in float32 is too large for half precision."""
    wide = evaluator.subject.cast(half, np.float32)
    exact = [evaluator.run("loss", wide), *evaluator.run("gradients", wide)]
    return any(float(np.abs(each).max(initial=0)) > float(jnp.finfo(dtype).max) / 4 for each in exact)


def _large_batch(evaluator: Evaluator) -> None:
    """Check a large batch: a sum over many values overflows float16 and stops growing in bfloat16."""
    subject = evaluator.subject
    count = subject.inputs[0].shape[:1]
    if subject.coupled or not count or any(i.shape[:1] != count or i.given is not None for i in subject.inputs):
        return
    times = -(-_LARGE_COUNT // count[0])
    arrays = [np.concatenate([array] * times) for array in evaluator.draw(8)]
    for dtype in (jnp.float16, jnp.bfloat16):
        half = subject.cast(arrays, dtype)
        exact = np.asarray(evaluator.run("loss", subject.cast(half, np.float32)), np.float64)
        got = np.asarray(evaluator.run("loss", half, jit=False), np.float64)
        most = float(jnp.finfo(dtype).max)
        if np.abs(exact).max(initial=0) < most / 4 and not np.allclose(
            got, exact, rtol=4 * float(jnp.finfo(dtype).eps), atol=1e-3
        ):
            raise Failed(
                f"{jnp.dtype(dtype).name}: over {arrays[0].shape[0]} samples the value is {number(got)}",
                expected=f"{number(exact)}, as in float32",
                fix="sums must be taken in float32: return self.get_loss(values).",
            )
