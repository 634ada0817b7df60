"""Checks of tracing, compilation, batching, determinism and cost."""

from __future__ import annotations

import itertools
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax._jax_compat import x64_scope
from sporax.core import Tensor, wrap
from sporax.testing._checks import Arrays, Evaluator, Failed, Skipped, _line_of, check, number, smallest
from sporax.testing._definitions import compiled_mismatch, differ, vmap_mismatch
from sporax.testing._memory import remembered, traced
from sporax.testing._probes import edge_probes
from sporax.testing._subject import objective

_COST_BYTES = 1 << 20
_TOO_MUCH_MEMORY = 16.0
_TOO_SLOW = 12.0


@check("traceable", "it can be compiled: no Python decision depends on a value")
def traceable(evaluator: Evaluator) -> str:
    if evaluator.untraceable is None:
        return ""
    place = _line_of(evaluator.untraceable)
    raise Failed(
        "Python code reads the value of an array during tracing, so the loss runs eagerly, step by step",
        expected="no `if`, `while`, float(), int(), .item() or .asnumpy() on values",
        fix="use ops.where(condition, a, b), ops.cond or ops.while_loop.",
        place=place,
    )


@check("recompile", "new values of the same shape do not compile it again")
def recompile(evaluator: Evaluator) -> str:
    if evaluator.untraceable is not None:
        raise Skipped("it cannot be compiled")
    from sporax.transforms import jit

    subject = evaluator.subject
    if not subject.takes_tensors:
        return "a plain function"
    traces = 0

    def counted(*tensors: Any) -> Any:
        nonlocal traces
        traces += 1
        return subject.target(*tensors, **subject.params)

    compiled = jit(counted)
    first = 0
    for seed in range(5):
        tensors = [wrap(jnp.asarray(array)) for array in evaluator.draw(seed)]
        subject.target(*tensors, **subject.params)
        compiled(*tensors)
        if seed == 1:
            first = traces
    if traces > first:
        raise Failed(
            f"{traces - first} more traces in 3 calls with the same shapes",
            expected="one program for all",
            fix="an attribute of the Cell changes at every call: keep what changes in a Parameter, and set "
            "attributes in __init__ alone.",
        )
    return ""


@check("leaks", "no state of a trace or an earlier call remains")
def leaks(evaluator: Evaluator) -> str:
    subject, target = evaluator.subject, evaluator.subject.target
    if subject.info is not None:
        raise Skipped("a built-in loss")
    arrays = evaluator.draw()
    evaluator.run("loss", arrays)
    for name, before in subject.attributes.items():
        now = vars(target).get(name, before)
        if now is not before and now != before:
            raise Failed(
                f"a call changes the attribute {name!r} from {before!r} to {str(now)[:80]}",
                expected="attributes as before",
                fix="what is kept from the first batch, or counted, is a constant of the compiled program: compute it "
                "from the inputs, set it in __init__, or keep it in a Parameter.",
                status="warn",
            )
    holder = traced(target)
    if holder:
        raise Failed(
            f"after a compiled call the {holder} holds a value of the trace, which cannot be read",
            expected="nothing that outlives the call",
            fix="return what is to be looked at (a dict of terms, say), or keep it in a Parameter.",
        )
    # State that only the first call for these shapes creates is a cache.
    snapshots = []
    for _ in range(3):
        with x64_scope(False):
            subject.direct(*map(jnp.asarray, arrays))
        snapshots.append(remembered(target))
    _, before, after = snapshots
    for name, value in after.items():
        if name in before and before[name] != value:
            raise Failed(
                f"every call changes the {name}",
                expected="no memory of earlier calls",
                fix="in a compiled program Python code runs once, so what is counted or collected there stays as it "
                "was: pass it as an argument, or keep it in a Parameter.",
                status="warn",
            )
    return ""


@check("jit", "compiled equals eager, in value and gradient")
def jit_is_eager(evaluator: Evaluator) -> str:
    if evaluator.untraceable is not None:
        raise Skipped("it cannot be compiled")

    def wrong(a: Arrays) -> bool:
        if compiled_mismatch(evaluator.run("loss", a), evaluator.run("loss", a, jit=False), 1e-4):
            return True
        if not evaluator.subject.floats:
            return False
        pairs = zip(evaluator.run("gradients", a), evaluator.run("gradients", a, jit=False), strict=True)
        return any(compiled_mismatch(one, other, 1e-3) for one, other in pairs)

    for seed in (1, 2):
        arrays = evaluator.draw(seed)
        # Compile for other values first: values seen during tracing must not become constants.
        evaluator.run("loss", evaluator.draw(seed + 10))
        if wrong(arrays):
            small = smallest(evaluator, arrays, wrong)
            compiled, eager = evaluator.run("loss", small), evaluator.run("loss", small, jit=False)
            raise Failed(
                f"compiled it gives {number(compiled)}",
                expected=f"{number(eager)}, as eager",
                fix=_ZERO_TIMES_INFINITE
                if differ(np.isfinite(compiled), np.isfinite(eager), 0)
                else "something outside the arguments is read at the trace and kept: random numbers of NumPy, a "
                "global, a counter. Use sporax's random functions, Parameters, or arguments.",
                arrays=small,
            )
    if evaluator.subject.info is None:
        _eager_at_edges(evaluator)
    return ""


_ZERO_TIMES_INFINITE = (
    "a product of 0 and an infinite number is NaN: select by ops.where, and divide by ops.clamp(count, 1)."
)


def _eager_at_edges(evaluator: Evaluator) -> None:
    """Check the edges eagerly: 0 * inf is NaN, but a compiler that turns it into a selection may give 0."""
    for probe in itertools.islice(edge_probes(evaluator.subject, evaluator.draw(2)), 12):
        compiled, eager = evaluator.run("loss", probe.arrays), evaluator.run("loss", probe.arrays, jit=False)
        if differ(np.isfinite(compiled), np.isfinite(eager), 0):
            raise Failed(
                f"{probe.where} it gives {number(eager)} eagerly and {number(compiled)} compiled",
                expected="a finite value both ways",
                fix=_ZERO_TIMES_INFINITE,
                arrays=probe.arrays,
            )


@check("vmap", "a batch of batches by vmap equals a loop")
def vmap_is_a_loop(evaluator: Evaluator) -> str:
    if evaluator.untraceable is not None:
        raise Skipped("it cannot be compiled")
    batches = [evaluator.draw(seed) for seed in (3, 4, 5)]

    def mapped(*arrays: np.ndarray) -> Any:
        return evaluator.run("vmap", arrays, fn=jax.vmap(evaluator.fn))

    try:
        wrong = vmap_mismatch(mapped, lambda *arrays: evaluator.run("loss", arrays), batches, 1e-4)
    except Exception as error:
        raise Failed(
            f"vmap raises {type(error).__name__}: {str(error).splitlines()[0][:200]}",
            expected="values as in a loop",
            fix="use no callbacks, and no shapes written as numbers.",
            place=_line_of(error),
        ) from error
    if wrong is not None:
        raise Failed(
            f"vmap gives {number(wrong.got)}",
            expected=f"{number(wrong.expected)}, as a loop",
            fix="see that no axis is counted from the front where it is meant from the end.",
            arrays=batches[0],
        )
    return ""


@check("determinism", "the same inputs give the same result and are not changed")
def determinism(evaluator: Evaluator) -> str:
    subject = evaluator.subject
    arrays = evaluator.draw(6)
    with x64_scope(False):
        given = [wrap(jnp.asarray(array)) if subject.takes_tensors else jnp.asarray(array) for array in arrays]
        if subject.takes_tensors:
            results = [subject.target(*given, **subject.params) for _ in range(3)]
        else:
            results = [subject.direct(*given) for _ in range(3)]
    found = [np.asarray(evaluator.run("loss", arrays, jit=False), np.float64)]
    del results
    for item, array, after in zip(subject.inputs, arrays, given, strict=True):
        now = after.asnumpy() if isinstance(after, Tensor) else np.asarray(after)
        if not np.array_equal(np.asarray(now, np.float64), np.asarray(array, np.float64), equal_nan=True):
            raise Failed(
                f"{item.name} is changed by the call",
                expected="inputs as they were",
                fix="an in-place method or x[...] = v writes into the caller's Tensor: use ops.where, or x.copy().",
                arrays=arrays,
            )
    found += [np.asarray(evaluator.run("loss", arrays, jit=False), np.float64) for _ in range(2)]
    if any(not np.array_equal(found[0], other, equal_nan=True) for other in found[1:]):
        raise Failed(
            f"three calls give {', '.join(number(each) for each in found)}",
            expected="one result",
            fix="a loss with random numbers or a memory of earlier calls cannot be compared between runs: draw from "
            "sporax's generator, which set_seed fixes, and keep state in a Parameter.",
            arrays=arrays,
        )
    return ""


def _large(evaluator: Evaluator) -> list[np.ndarray] | None:
    """Return inputs with enough samples to take about a megabyte."""
    subject = evaluator.subject
    count = subject.inputs[0].shape[:1]
    if not count or not count[0] or any(item.given is not None for item in subject.inputs):
        return None
    shared = [item for item in subject.inputs if item.shape[:1] == count]
    each = sum(int(np.prod(item.shape[1:])) for item in shared) * 4
    # A size that no other axis is likely to have.
    many = max(count[0], min(_COST_BYTES // max(each, 1), 1 << 13)) // 7 * 7 + 3
    rng = np.random.default_rng(9)
    return [
        (replace(item, shape=(many, *item.shape[1:])) if item.shape[:1] == count else item).draw(rng)
        for item in subject.inputs
    ]


def _step(fn: Callable[..., Any], floats: list[int], arrays: Arrays) -> Any:
    grad = jax.value_and_grad(lambda *a: jnp.mean(objective(fn)(*a)), tuple(floats)) if floats else fn
    return jax.jit(grad).lower(*map(jnp.asarray, arrays)).compile()


def _temporary(compiled: Any) -> int | None:
    analysis = compiled.memory_analysis()
    return None if analysis is None else int(analysis.temp_size_in_bytes)


@check("memory", "value and gradient need about as much memory as the nearest built-in loss")
def memory(evaluator: Evaluator) -> str:
    arrays = _large(evaluator)
    if evaluator.untraceable is not None or arrays is None:
        raise Skipped("it cannot be compiled, or its inputs cannot be made larger")
    if evaluator.subject.coupled:
        raise Skipped("its samples interact")
    with x64_scope(False):
        temporary = _temporary(_step(evaluator.fn, evaluator.subject.floats, arrays))
        if temporary is None:
            raise Skipped("the device does not report its memory")
        given = sum(array.nbytes for array in arrays)
        peer = nearest(evaluator)
        theirs = 0 if peer is None else _temporary(_step(peer[1], evaluator.subject.floats, arrays)) or 0
    ratio = temporary / given
    message = f"{ratio:.1f} x its inputs" + (f" ({peer[0]}: {theirs / given:.1f} x)" if peer else "")
    if ratio > _TOO_MUCH_MEMORY and temporary > 4 * theirs:
        raise Failed(
            f"{temporary / 1e6:.1f} MB for inputs of {given / 1e6:.1f} MB and {arrays[0].shape[0]} samples: {message}",
            expected="a few times the inputs",
            fix="look for an array with every pair of samples or classes: [:, None] against [None, :], "
            "or a one-hot matrix times another.",
        )
    return message


@check("time", "value and gradient take about as long as the nearest built-in loss")
def duration(evaluator: Evaluator) -> str:
    arrays = _large(evaluator)
    if evaluator.untraceable is not None or arrays is None:
        raise Skipped("it cannot be compiled, or its inputs cannot be made larger")
    peer = nearest(evaluator)
    if peer is None:
        raise Skipped("no built-in loss takes such inputs")
    with x64_scope(False):
        given = [jnp.asarray(array) for array in arrays]
        programs = [_step(fn, evaluator.subject.floats, arrays) for fn in (evaluator.fn, peer[1])]
        times: list[list[float]] = [[], []]
        for turn in range(9):
            for program, found in zip(programs, times, strict=True):
                start = time.perf_counter()
                jax.block_until_ready(program(*given))
                if turn:
                    found.append(time.perf_counter() - start)
    ours, theirs = (statistics.median(found) for found in times)
    message = f"{ours / theirs:.1f} x {peer[0]}"
    if ours > _TOO_SLOW * theirs and ours - theirs > 1e-3:
        raise Failed(
            f"{ours * 1e3:.2f} ms for {arrays[0].shape[0]} samples: {message}",
            expected=f"about {theirs * 1e3:.2f} ms, as {peer[0]}",
            fix="a Python or compiled loop over samples, a sort, or an array with every pair: use whole-array "
            "operations.",
        )
    return message


def nearest(evaluator: Evaluator) -> tuple[str, Callable[..., jax.Array]] | None:
    """Return the built-in loss for such inputs with the most correlated values: its name and function."""
    if not hasattr(evaluator, "_nearest"):
        evaluator._nearest = _find_nearest(evaluator)  # pyright: ignore[reportAttributeAccessIssue]
    return evaluator._nearest  # pyright: ignore[reportAttributeAccessIssue]


def _find_nearest(evaluator: Evaluator) -> tuple[str, Callable[..., jax.Array]] | None:
    subject = evaluator.subject
    draws = [evaluator.draw(seed) for seed in range(12)]
    ours = np.array([evaluator.mean(arrays) for arrays in draws])
    stacked = [np.stack(arrays) for arrays in zip(*draws, strict=True)]
    infos = [info for info in losses.registry().values() if info is not subject.info and _fits(info, evaluator)]
    peers = {info.name: _peer(info) for info in infos}
    with x64_scope(False):
        given = list(map(jnp.asarray, stacked))
        for name, fn in list(peers.items()):
            try:
                jax.eval_shape(jax.vmap(fn), *given)
            except Exception:
                del peers[name]
        if not peers:
            return None
        # One program with little optimization: compiling it is far more expensive than running it.
        found = jax.jit(lambda *arrays: [jax.vmap(fn)(*arrays) for fn in peers.values()])
        values = found.lower(*given).compile({"xla_backend_optimization_level": "0"})(*given)
    best: tuple[float, str] | None = None
    for name, value in zip(peers, values, strict=True):
        theirs = np.asarray(value, np.float64)
        if not np.isfinite(theirs).all() or theirs.std() == 0 or ours.std() == 0:
            continue
        likeness = float(np.corrcoef(ours, theirs)[0, 1])
        if best is None or likeness > best[0]:
            best = likeness, name
    return None if best is None else (best[1], peers[best[1]])


def _peer(info: losses.LossInfo) -> Callable[..., jax.Array]:
    params = next(info.settings(losses.EXAMPLE_SIZES), {})
    return lambda *arrays: losses.evaluate(info.function, *arrays, **params)


def _fits(info: losses.LossInfo, evaluator: Evaluator) -> bool:
    """Whether a built-in loss takes such inputs, with independent samples along the same axes."""
    inputs = evaluator.subject.inputs
    spec = info.function.spec
    if len(info.inputs) != len(inputs) or info.examples is not None or info.random:
        return False
    if spec.mask_parameter is not None or not spec.output:
        return False
    leading = set()
    for each, item in zip(info.inputs, inputs, strict=True):
        axes = each.axes(len(item.shape))
        if axes is None or (each.kind == "int") == item.is_float:
            return False
        if item.shape[:1] == inputs[0].shape[:1]:
            leading.add(axes[:1])
        if (each.domain == "probability") != item.is_probability and each.role == "prediction":
            return False
        if each.domain == "sign" and item.choices is None:
            return False
    return len(leading) == 1
