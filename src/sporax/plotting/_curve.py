"""A loss along a line through its inputs: values, derivatives and asymptotic growth."""

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
    """A curve x -> inputs of a loss along which the loss is plotted.

    Args:
        axis: a description of x. Losses whose lines have equal descriptions can be compared.
        inputs: the input arrays at x; traceable by JAX.
        start: start of the plotted interval.
        stop: end of the plotted interval.
        case: which line this is if the loss has several, such as "positive"; else "".
        lowest: lower end of the domain.
        highest: upper end of the domain.
        sizes: sizes of the named axes of the arrays.
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
        """Evenly spaced values of x, ends included."""
        return np.linspace(self.start, self.stop, count)


@dataclass(frozen=True)
class Curve:
    """Values and derivatives of a loss along a line: float64 arrays of one length."""

    label: str
    axis: str
    x: np.ndarray
    value: np.ndarray
    derivative: np.ndarray


def parameters_of(info: losses.LossInfo) -> dict[str, inspect.Parameter]:
    """Return the hyper-parameters of a loss in the order of its signature, without the keywords that every loss has."""
    names = {item.name for item in info.inputs} | set(losses.KEYWORDS)
    found = inspect.signature(info.function).parameters
    return {name: parameter for name, parameter in found.items() if name not in names}


def required_parameters(info: losses.LossInfo, sizes: Mapping[str, int] | None = None) -> dict[str, Any]:
    """Return example values of the hyper-parameters that have no default.

    Args:
        info: the loss.
        sizes: sizes of the named axes of the inputs, on which some parameters depend.

    Returns:
        Values by name.

    Example:
        >>> from sporax import losses
        >>> from sporax import plotting
        >>> plotting.required_parameters(losses.get("mse_loss"))
        {}
    """
    empty = inspect.Parameter.empty
    wanted = [name for name, parameter in parameters_of(info).items() if parameter.default is empty]
    if not wanted:
        return {}
    *_, last = info.settings({**EXAMPLE_SIZES, **(sizes or {})})
    return {name: last[name] for name in wanted}


def sample(
    info: losses.LossInfo, line: Line, x: Sequence[float] | np.ndarray, params: Mapping[str, Any] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return values and derivatives of the loss, averaged over the batch, at points of a line.

    Args:
        info: the loss.
        line: the line.
        x: the points.
        params: hyper-parameters that differ from the default.

    Returns:
        Values and derivatives, float64, of the length of `x`.

    Raises:
        ArgumentError: hyper-parameters outside their bounds.

    Example:
        >>> from sporax import losses
        >>> from sporax import plotting
        >>> info = losses.get("mse_loss")
        >>> value, derivative = plotting.sample(info, plotting.lines(info)[0], [-1.0, 3.0])
        >>> value.tolist(), derivative.tolist()
        ([1.0, 9.0], [-2.0, 6.0])
    """
    given = {**required_parameters(info, line.sizes), **(params or {})}

    def objective(x: jax.Array) -> jax.Array:
        return losses.evaluate(info.function, *line.inputs(x), reduction="mean", **given)

    with x64_scope(True):
        value, derivative = jax.jit(jax.vmap(jax.value_and_grad(objective)))(jnp.asarray(x, jnp.float64))
        return np.asarray(value, np.float64), np.asarray(derivative, np.float64)


def trace(
    info: losses.LossInfo,
    line: Line,
    params: Mapping[str, Any] | None = None,
    *,
    label: str = "",
    points: int = 241,
    span: tuple[float, float] | None = None,
) -> Curve:
    """Evaluate a loss along a line.

    Args:
        info: the loss.
        line: the line.
        params: hyper-parameters that differ from the default.
        label: the name of the curve; default the name of the loss.
        points: number of points.
        span: start and end; default those of the line.

    Returns:
        The curve.

    Raises:
        ArgumentError: hyper-parameters outside their bounds.

    Example:
        >>> from sporax import losses
        >>> from sporax import plotting
        >>> info = losses.get("smooth_l1_loss")
        >>> curve = plotting.trace(info, plotting.lines(info)[0], {"beta": 0.5}, points=3)
        >>> curve.x.tolist(), curve.derivative.tolist()
        ([-4.0, 0.0, 4.0], [-1.0, 0.0, 1.0])
    """
    x = np.linspace(*(span or (line.start, line.stop)), points)
    value, derivative = sample(info, line, x, params)
    return Curve(label or info.name, line.axis, x, value, derivative)


def settings_of(info: losses.LossInfo, sweep: Mapping[str, Iterable[Any]]) -> list[tuple[str, dict[str, Any]]]:
    """Return every combination of values of hyper-parameters, with a label.

    Args:
        info: the loss.
        sweep: values of each hyper-parameter, by name.

    Returns:
        Pairs (label, values); one empty pair if nothing is swept.

    Raises:
        ArgumentError: the loss has no such hyper-parameter, or there are too many combinations.

    Example:
        >>> from sporax import losses
        >>> from sporax import plotting
        >>> plotting.settings_of(losses.get("smooth_l1_loss"), {"beta": [0.5, 2]})
        [('beta=0.5', {'beta': 0.5}), ('beta=2', {'beta': 2})]
    """
    known = parameters_of(info)
    for name in sweep:
        if name not in known:
            has = f"It has {', '.join(known)}." if known else "It has none."
            raise ArgumentError(f"{info.name}: there is no hyper-parameter `{name}`. {has}")
    combinations = list(itertools.product(*sweep.values()))
    if len(combinations) > MOST_CURVES:
        raise ArgumentError(
            f"{info.name}: {len(combinations)} combinations of hyper-parameters are too many for one picture; give "
            f"at most {MOST_CURVES}."
        )
    found = []
    for values in combinations:
        setting = dict(zip(sweep, values, strict=True))
        found.append((" ".join(f"{name}={value}" for name, value in setting.items()), setting))
    return found


def growth(info: losses.LossInfo, line: Line, params: Mapping[str, Any] | None = None) -> tuple[str, str]:
    """Return the asymptotic growth of a loss at both ends of a line's domain, from values at distant points.

    Args:
        info: the loss.
        line: the line.
        params: hyper-parameters that differ from the default.

    Returns:
        Descriptions for the lower and the upper end, such as "1·|x|", "0.5·x²", "→ 0", "exponential".

    Raises:
        ArgumentError: hyper-parameters outside their bounds.

    Example:
        >>> from sporax import losses
        >>> from sporax import plotting
        >>> info = losses.get("mse_loss")
        >>> plotting.growth(info, plotting.lines(info)[0])
        ('1·x²', '1·x²')
    """
    width = line.stop - line.start
    low = _far_points(line.lowest, line.start, width, -1)
    high = _far_points(line.highest, line.stop, width, 1)
    value, _ = sample(info, line, np.concatenate([low, high]), params)
    half = len(low)
    return (
        _describe_growth(low, value[:half], math.isinf(line.lowest)),
        _describe_growth(high, value[half:], math.isinf(line.highest)),
    )


def _far_points(end: float, edge: float, width: float, sign: int) -> np.ndarray:
    if math.isinf(end):
        return sign * np.array([1e3, 1e4, 1e5])
    if end != edge:
        return end - sign * width * np.array([1e-4, 1e-6, 1e-8])
    return np.full(3, end)


def _describe_growth(x: np.ndarray, value: np.ndarray, unbounded: bool) -> str:
    if not np.all(np.isfinite(value)):
        return "exponential" if unbounded else "→ ∞"
    first, second, last = (float(each) for each in value)
    scale = max(1.0, abs(last)) if unbounded else max(abs(last), 0.1)
    if abs(last - second) <= 2e-3 * scale:
        return f"→ {_number(last)}"
    # The points form a geometric sequence: a logarithm grows by equal steps, a power by equal factors.
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
