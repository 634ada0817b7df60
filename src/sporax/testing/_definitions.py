"""The loss contract as relations between results, independent of who computes them.

The checks of this package apply them to any loss, the contract tests (tests/contracts) to the built-in losses. Each
function returns what is wrong, or None.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from sporax.testing._origin import kind_of

WRONG_VALUE, GRADIENT, NAN_VALUE, INFINITE_VALUE = 4, 3, 2, 1
"""Severities. A finite wrong number is never noticed; a gradient that is not finite destroys the weights while the loss
looks right; a value that is not finite is seen immediately."""


class Mismatch(NamedTuple):
    """Two results that should be equal.

    Args:
        what: which result it is.
        got: the result.
        expected: what it should be.
    """

    what: str
    got: Any
    expected: Any


def differ(got: Any, expected: Any, tolerance: float) -> bool:
    """Whether shapes differ, or values by more than `tolerance` times the largest, or NaNs are at other positions."""
    got, expected = np.asarray(got, np.float64), np.asarray(expected, np.float64)
    if got.shape != expected.shape:
        return True
    finite = expected[np.isfinite(expected)]
    scale = max(1.0, float(np.abs(finite).max(initial=0)))
    return not np.allclose(got, expected, rtol=tolerance, atol=tolerance * scale, equal_nan=True)


# Reductions, weights and masks


def reduction_mismatch(results: Mapping[str, Any], weight: float | None, tolerance: float) -> Mismatch | None:
    """`sum` must be the sum of the unreduced values, and `mean` that sum divided by the weight.

    Args:
        results: the results by reduction; `none`, and `sum` or `mean` or both.
        weight: the denominator of the mean; the number of values unless given.
        tolerance: the tolerance.
    """
    values = np.asarray(results["none"], np.float64)
    expected = {"sum": values.sum(), "mean": values.sum() / weight if weight else values.mean()}
    for kind, each in expected.items():
        if kind in results and differ(results[kind], each, tolerance):
            return Mismatch(kind, results[kind], each)
    return None


def nonzero(value: Any, gradients: Iterable[Any]) -> str | None:
    """A loss of which nothing is left must be 0, and so must its gradients."""
    total = np.sum(np.asarray(value, np.float64))
    if total != 0:
        return f"the value is {total:.6g}"
    return "a gradient is not 0" if any(np.any(gradient) for gradient in gradients) else None


def reaches_removed(gradient: Any, axis: int, removed: np.ndarray) -> bool:
    """Whether a gradient is not 0 for removed samples, which lie along `axis`."""
    return bool(np.moveaxis(np.asarray(gradient), axis, 0)[removed].any())


# Precision


class NotFinite(NamedTuple):
    """A value or gradient that is not finite.

    Args:
        severity: one of those above.
        kind: `NaN`, `inf` or `-inf`.
        text: which value or gradient it is, and the gradients that accompany a value.
    """

    severity: int
    kind: str
    text: str

    @property
    def is_gradient(self) -> bool:
        """Whether the value is finite where the gradient is not."""
        return self.severity == GRADIENT

    def same(self, other: NotFinite | None) -> bool:
        """Whether the other is of the same kind, whichever elements are concerned."""
        return other is not None and (self.severity, self.kind) == (other.severity, other.kind)


def not_finite_result(
    value: Any, gradients: Sequence[Any], names: Sequence[str], *, per_sample: bool = True
) -> NotFinite | None:
    """The worst of the values and gradients that are not finite.

    Args:
        value: the value of the loss.
        gradients: its gradients.
        names: the names of the inputs to which these belong.
        per_sample: whether the first axis of value and gradients is that of the samples, where the sizes agree; the
            gradient of a sample is then compared with the value of that sample.
    """
    value = np.asarray(value, np.float64)
    finite = np.isfinite(value)
    count = value.shape[0] if value.ndim and per_sample else None
    wide = [np.asarray(gradient, np.float64) for gradient in gradients]
    found = []
    for name, gradient in zip(names, wide, strict=True):
        bad = ~np.isfinite(gradient)
        if count is not None and gradient.shape[:1] == (count,):
            samples = finite.reshape(count, -1).all(axis=1)
            bad = bad & samples.reshape(count, *[1] * (gradient.ndim - 1))
        elif not finite.all():
            continue
        if bad.any():
            kind = kind_of(np.where(bad, gradient, 0))
            found.append(NotFinite(GRADIENT, kind, f"the gradient for {_element(name, gradient, bad)} is {kind}"))
    if found:
        return next((each for each in found if each.kind == "NaN"), found[0])
    if finite.all():
        return None
    kind = kind_of(value)
    first = np.isnan(value) if kind == "NaN" else np.isinf(value)
    which = "" if not value.ndim else f" at {list(map(int, np.argwhere(first)[0]))}"
    text = f"the value{which} is {kind}"
    of_kind: dict[str, list[str]] = {}
    for name, gradient in zip(names, wide, strict=True):
        if kind_of(gradient):
            of_kind.setdefault(kind_of(gradient), []).append(_element(name, gradient, ~np.isfinite(gradient)))
    text += "".join(f", and the gradient for {', '.join(elements)} is {each}" for each, elements in of_kind.items())
    return NotFinite(NAN_VALUE if kind == "NaN" else INFINITE_VALUE, kind, text)


def _element(name: str, gradient: np.ndarray, bad: np.ndarray) -> str:
    """`p[0, 1]`, the first of the bad elements, preferably a NaN, and how many more there are."""
    if not gradient.ndim:
        return name
    nans = np.argwhere(bad & np.isnan(gradient))
    first = nans[0] if len(nans) else np.argwhere(bad)[0]
    more = int(bad.sum()) - 1
    return f"{name}{list(map(int, first))}" + (f" and {more} more" if more else "")


def limit_mismatch(value: Any, before: Any, after: Any) -> Mismatch | None:
    """A finite value at inf must be the limit of the values on the way there.

    Args:
        value: the values at inf. NaN and infinite ones are not concerned: they are noticed.
        before: the values at a large number.
        after: the values at a much larger number. Where both agree, they are the limit; else it is infinite.
    """
    value, before, after = (np.asarray(each, np.float64) for each in (value, before, after))
    noticed = ~(np.isfinite(value) & np.isfinite(after))
    tolerance = 1e-3 * np.maximum(1, np.abs(after))
    growth, beyond = after - before, np.where(noticed, 0, value) - after
    settled = np.abs(growth) <= tolerance
    wrong = ~noticed & np.where(settled, np.abs(beyond) > tolerance, np.sign(growth) * beyond < -tolerance)
    if not wrong.any():
        return None
    index = tuple(int(each) for each in np.argwhere(wrong)[0])
    return Mismatch(f"the value{f' at {list(index)}' if index else ''}", value[index], after[index])


def hides_nan(value: Any) -> bool:
    """Whether the value is finite although an input is NaN."""
    return not np.isnan(np.asarray(value, np.float64)).any()


def rounding_mismatch(what: str, got: Any, exact: Any, dtype: Any, *, steps: float, floor: float) -> Mismatch | None:
    """A result in half precision must be the float32 result up to `steps` units in the last place.

    Args:
        what: which result it is.
        got: the result in half precision.
        exact: the result in float32 for the same, already rounded inputs.
        dtype: the half-precision dtype.
        steps: the tolerance in units in the last place.
        floor: the size below which the tolerance does not shrink with a value.
    """
    got, exact = np.asarray(got, np.float64), np.asarray(exact, np.float64)
    tolerance = steps * float(jnp.finfo(dtype).eps)
    if got.shape == exact.shape and np.allclose(got, exact, rtol=tolerance, atol=tolerance * floor):
        return None
    return Mismatch(what, got, exact)


# Derivatives

Floats = list[Any]


def directional_derivatives(
    value: Callable[[Floats], jax.Array], v: Floats, u: Floats, *, second: bool = True, forward: bool = True
) -> Callable[[Floats], dict[str, jax.Array]]:
    """Return a function that computes first and second derivatives along directions in every mode of JAX.

    Args:
        value: a scalar function of float arrays.
        v: the direction of the first derivative, and of that of the gradient along `u`.
        u: the direction in which the gradient is taken for the second derivative.
        second: whether to compute second derivatives.
        forward: whether to use forward mode too.
    """

    def along(floats: Floats, direction: Floats) -> jax.Array:
        return _dot(jax.grad(value)(floats), direction)

    def run(floats: Floats) -> dict[str, jax.Array]:
        found = {"value": value(floats), "reverse": along(floats, v)}
        if forward:
            found["forward"] = jax.jvp(value, (floats,), (v,))[1]
        if second:
            found["gradient"] = along(floats, u)
            found["reverse over reverse"] = _dot(jax.grad(lambda x: along(x, u))(floats), v)
        if second and forward:
            found["forward over reverse"] = jax.jvp(lambda x: along(x, u), (floats,), (v,))[1]
        return found

    return run


def _dot(gradients: Floats, direction: Floats) -> jax.Array:
    return sum((jnp.sum(g * d) for g, d in zip(gradients, direction, strict=True)), jnp.zeros(()))  # pyright: ignore


_DERIVATIVE_OF = {
    "reverse": "value",
    "forward": "value",
    "reverse over reverse": "gradient",
    "forward over reverse": "gradient",
}


def difference_mismatch(
    run: Callable[[Floats], dict[str, Any]],
    floats: Floats,
    v: Floats,
    *,
    tolerances: dict[str, tuple[float, float]],
    steps: Sequence[float] = (1e-5,),
) -> Mismatch | None:
    """Derivatives must equal central differences along `v`.

    Args:
        run: a function made by `directional_derivatives`, in float64.
        floats: the point.
        v: the direction of the derivative.
        tolerances: the relative and absolute tolerance for derivatives of the `value` and of the `gradient`; one
            that is not listed is not compared.
        steps: sizes of the step; it suffices that one of the differences agrees.
    """
    here = run(floats)
    quotients = []
    for h in steps:
        ahead, behind = (run([x + step * d for x, d in zip(floats, v, strict=True)]) for step in (h, -h))
        quotients.append({name: (ahead[name] - behind[name]) / (2 * h) for name in tolerances if name in here})
    for mode, of in _DERIVATIVE_OF.items():
        if mode not in here or of not in tolerances:
            continue
        relative, absolute = tolerances[of]
        got, expected = float(here[mode]), [float(each[of]) for each in quotients]
        if not any(abs(got - each) <= absolute + relative * max(abs(got), abs(each)) for each in expected):
            return Mismatch(mode, got, expected[0])
    return None


# Programs


def compiled_mismatch(compiled: Any, eager: Any, tolerance: float, what: str = "value") -> Mismatch | None:
    """A compiled result must equal the eager one."""
    return Mismatch(what, compiled, eager) if differ(compiled, eager, tolerance) else None


def vmap_mismatch(
    mapped: Callable[..., Any], single: Callable[..., Any], batches: Sequence[Sequence[np.ndarray]], tolerance: float
) -> Mismatch | None:
    """`vmap` over stacked batches must equal a loop over the batches."""
    loop = np.stack([np.asarray(single(*arrays)) for arrays in batches])
    together = mapped(*(np.stack(arrays) for arrays in zip(*batches, strict=True)))
    return Mismatch("vmap", together, loop) if differ(together, loop, tolerance) else None
