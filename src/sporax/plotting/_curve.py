"""A loss along a line through its inputs: value, slope, and how it grows beyond the picture."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax._errors import ArgumentError
from sporax._jax_compat import x64_scope

EXAMPLE_SIZES = dict(losses.EXAMPLE_SIZES)
MOST_CURVES = 6


@dataclass(frozen=True)
class Line:
    """A way through the inputs of a loss along which it shows its character.

    Args:
        axis: what x is, in words. Two losses whose lines have the same words can be compared.
        inputs: the arrays at x; JAX can trace it.
        start: where the picture begins.
        stop: where it ends.
        case: which of several lines of the loss this is, as "positive"; "" if it is the only one.
        lowest: where the domain ends below.
        highest: where it ends above.
        sizes: the sizes of the named axes of those arrays.
    """

    axis: str
    inputs: Callable[[Any], list[Any]]
    start: float
    stop: float
    case: str = ""
    lowest: float = -math.inf
    highest: float = math.inf
    sizes: Mapping[str, int] | None = None

    def points(self, count: int) -> np.ndarray:
        """Evenly spread values of x, ends included."""
        return np.linspace(self.start, self.stop, count)


@dataclass(frozen=True)
class Curve:
    """What was found along a line: x, values and slopes, all float64 of one length."""

    label: str
    axis: str
    x: np.ndarray
    value: np.ndarray
    slope: np.ndarray


def parameters_of(row: losses.LossInfo) -> dict[str, inspect.Parameter]:
    """The hyper-parameters of a loss, in the order of its signature; not the keywords that every loss has."""
    names = {item.name for item in row.inputs} | set(losses.KEYWORDS)
    found = inspect.signature(row.function).parameters
    return {name: parameter for name, parameter in found.items() if name not in names}


def required_parameters(row: losses.LossInfo, sizes: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Values for the hyper-parameters that have no default, from the row.

    Args:
        row: the loss.
        sizes: the sizes of the named axes of the inputs, as some parameters follow them.

    Returns:
        Values by name.

    Example:
        >>> from sporax import losses
        >>> from sporax import plotting
        >>> plotting.required_parameters(losses.get("mse_loss"))
        {}
    """
    empty = inspect.Parameter.empty
    wanted = [name for name, parameter in parameters_of(row).items() if parameter.default is empty]
    if not wanted:
        return {}
    *_, last = row.settings({**EXAMPLE_SIZES, **(sizes or {})})
    return {name: last[name] for name in wanted}


def sample(
    row: losses.LossInfo, line: Line, x: Sequence[float] | np.ndarray, params: Mapping[str, Any] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Values and slopes of the loss, averaged over the batch, at places of a line.

    Args:
        row: the loss.
        line: the line.
        x: the places.
        params: hyper-parameters that are not the default.

    Returns:
        Values and slopes, float64, of the length of `x`.

    Raises:
        ArgumentError: hyper-parameters outside their bounds.

    Example:
        >>> from sporax import losses
        >>> from sporax import plotting
        >>> row = losses.get("mse_loss")
        >>> value, slope = plotting.sample(row, plotting.lines(row)[0], [-1.0, 3.0])
        >>> value.tolist(), slope.tolist()
        ([1.0, 9.0], [-2.0, 6.0])
    """
    given = {**required_parameters(row, line.sizes), **(params or {})}

    def objective(place: jax.Array) -> jax.Array:
        return losses.evaluate(row.function, *line.inputs(place), reduction="mean", **given)

    with x64_scope(True):
        value, slope = jax.jit(jax.vmap(jax.value_and_grad(objective)))(jnp.asarray(x, jnp.float64))
        return np.asarray(value, np.float64), np.asarray(slope, np.float64)


def trace(
    row: losses.LossInfo,
    line: Line,
    params: Mapping[str, Any] | None = None,
    *,
    label: str = "",
    points: int = 241,
    span: tuple[float, float] | None = None,
) -> Curve:
    """A loss along a line.

    Args:
        row: the loss.
        line: the line.
        params: hyper-parameters that are not the default.
        label: the name of the curve; the loss's own unless given.
        points: how many places.
        span: where to begin and end, if not where the line does.

    Returns:
        The curve.

    Raises:
        ArgumentError: hyper-parameters outside their bounds.

    Example:
        >>> from sporax import losses
        >>> from sporax import plotting
        >>> row = losses.get("smooth_l1_loss")
        >>> curve = plotting.trace(row, plotting.lines(row)[0], {"beta": 0.5}, points=3)
        >>> curve.x.tolist(), curve.slope.tolist()
        ([-4.0, 0.0, 4.0], [-1.0, 0.0, 1.0])
    """
    x = np.linspace(*(span or (line.start, line.stop)), points)
    value, slope = sample(row, line, x, params)
    return Curve(label or row.name, line.axis, x, value, slope)


def settings_of(row: losses.LossInfo, sweep: Mapping[str, Iterable[Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Every combination of some hyper-parameters, with a label each.

    Args:
        row: the loss.
        sweep: values by name of the hyper-parameter.

    Returns:
        Pairs of label and values; one without either if nothing is swept.

    Raises:
        ArgumentError: the loss has no such hyper-parameter, or there are too many combinations.

    Example:
        >>> from sporax import losses
        >>> from sporax import plotting
        >>> plotting.settings_of(losses.get("smooth_l1_loss"), {"beta": [0.5, 2]})
        [('beta=0.5', {'beta': 0.5}), ('beta=2', {'beta': 2})]
    """
    known = parameters_of(row)
    for name in sweep:
        if name not in known:
            has = f"It has {', '.join(known)}." if known else "It has none."
            raise ArgumentError(f"{row.name}: there is no hyper-parameter `{name}`. {has}")
    combinations = list(itertools.product(*sweep.values()))
    if len(combinations) > MOST_CURVES:
        raise ArgumentError(
            f"{row.name}: {len(combinations)} combinations of hyper-parameters are too many for one picture; give "
            f"at most {MOST_CURVES}."
        )
    found = []
    for values in combinations:
        setting = dict(zip(sweep, values, strict=True))
        found.append((" ".join(f"{name}={value}" for name, value in setting.items()), setting))
    return found


def growth(row: losses.LossInfo, line: Line, params: Mapping[str, Any] | None = None) -> tuple[str, str]:
    """How the loss behaves at the two ends of a line's domain, found by looking far out.

    Args:
        row: the loss.
        line: the line.
        params: hyper-parameters that are not the default.

    Returns:
        A few words for the lower end and for the upper, as "1·|x|", "0.5·x²", "→ 0", "exponential".

    Raises:
        ArgumentError: hyper-parameters outside their bounds.

    Example:
        >>> from sporax import losses
        >>> from sporax import plotting
        >>> row = losses.get("mse_loss")
        >>> plotting.growth(row, plotting.lines(row)[0])
        ('1·x²', '1·x²')
    """
    width = line.stop - line.start
    low = _places(line.lowest, line.start, width, -1)
    high = _places(line.highest, line.stop, width, 1)
    value, _ = sample(row, line, np.concatenate([low, high]), params)
    half = len(low)
    return (
        _words(low, value[:half], math.isinf(line.lowest)),
        _words(high, value[half:], math.isinf(line.highest)),
    )


def _places(end: float, edge: float, width: float, sign: int) -> np.ndarray:
    if math.isinf(end):
        return sign * np.array([1e3, 1e4, 1e5])
    if end != edge:
        return end - sign * width * np.array([1e-4, 1e-6, 1e-8])
    return np.full(3, end)


def _words(x: np.ndarray, value: np.ndarray, unbounded: bool) -> str:
    if not np.all(np.isfinite(value)):
        return "exponential" if unbounded else "→ ∞"
    first, second, last = (float(each) for each in value)
    scale = max(1.0, abs(last)) if unbounded else max(abs(last), 0.1)
    if abs(last - second) <= 2e-3 * scale:
        return f"→ {_number(last)}"
    # Three places, each a factor from the next: a logarithm grows by as much from one to the next, a power by
    # the same factor.
    step = last - second
    if abs(step / (second - first) - 1) < 0.02:
        factor = _number(step / math.log(10 if unbounded else 100))
        return f"{factor}·ln|x|" if unbounded else f"{factor}·ln(1/ε)"
    if not unbounded or second == 0 or last / second <= 0:
        return "→ ∞" if last > second else "→ -∞"
    power = math.log10(last / second)
    whole = round(2 * power) / 2
    if abs(power - whole) > 0.03:
        return f"about |x|^{power:.2g}"
    factor = _number(last / abs(float(x[-1])) ** whole)
    names = {1.0: "|x|", 2.0: "x²", 0.5: "√|x|"}
    return f"{factor}·{names.get(whole, f'|x|^{whole:g}')}"


def _number(value: float) -> str:
    text = f"{value:.3g}"
    return "0" if float(text) == 0 or abs(value) < 1e-6 else text
