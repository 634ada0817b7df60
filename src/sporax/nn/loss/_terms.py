"""The common part of losses composed of losses: their terms, and how these are weighted and called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError
from sporax.core import Cell, Parameter, Tensor, is_tensor, wrap
from sporax.nn.loss._base import LossBase
from sporax.nn.loss._calls import call_loss
from sporax.nn.loss._capture import CAPTURE, TOTAL, Pair, sums_of


class _Term(NamedTuple):
    """A loss inside another, with its weight and the indices of its inputs (None: the first inputs)."""

    name: str
    loss: Callable[..., Any]
    weight: Any
    inputs: tuple[int, ...] | None


class _Call(NamedTuple):
    """A term for one batch: its name, the loss, the current weight, and its inputs."""

    name: str
    loss: Callable[..., Any]
    weight: Any
    inputs: tuple[Any, ...]


class _Children(Cell):
    """The Cells of a composed loss by the names of the terms."""

    def __init__(self, cells: Mapping[str, Cell]) -> None:
        super().__init__()
        for name, cell in cells.items():
            setattr(self, name, cell)


class _ComposedLoss(LossBase):
    """A loss that returns a dict of terms: the losses of `_calls`, each weighted."""

    names: tuple[str, ...] = ()
    """The names of the terms, where they do not depend on the inputs."""

    def _calls(self, inputs: tuple[Any, ...]) -> Iterable[_Call]:
        raise NotImplementedError

    def construct(self, *inputs: Any) -> dict[str, Tensor]:
        """The terms of one batch, by name."""
        terms: dict[str, Tensor] = {}
        where, pairs = type(self).__name__, CAPTURE.pairs
        for call in self._calls(inputs):
            start = 0 if pairs is None else len(pairs)
            value = call_loss(call.loss, *call.inputs)
            parts = value if isinstance(value, dict) else {TOTAL: value}
            scaled = {key: _scaled(part, call, where) for key, part in parts.items()}
            if pairs is not None:
                # A term has the denominator of its own loss, regardless of its weight.
                reduction = call.loss.reduction if isinstance(call.loss, LossBase) else "mean"
                for key, (total, weight) in sums_of(value, pairs[start:], call.inputs, {}, reduction).items():
                    pairs.add(Pair(scaled[key]._value, _scaled(total, call, where)._value, weight._value))
            terms |= _named(call.name, scaled)
        return terms

    def _hold(self, losses: Mapping[str, Any], weights: Mapping[str, Any]) -> None:
        """Register Cells and Parameters, so that they are found, saved and put into training mode."""
        if cells := {name: loss for name, loss in losses.items() if isinstance(loss, Cell)}:
            self.losses = _Children(cells)
        if cells := {name: weight for name, weight in weights.items() if isinstance(weight, Cell)}:
            self.weights = _Children(cells)
        for name, weight in weights.items():
            if isinstance(weight, Parameter):
                self.insert_param_to_cell(f"weight_{name}", weight, check_name_contain_dot=False)
        if any(map(_is_schedule, weights.values())):
            self.training_steps = Parameter(np.int32(0), name="training_steps", requires_grad=False)

    def _hold_terms(self, terms: Iterable[_Term]) -> tuple[_Term, ...]:
        """Register the Cells and Parameters of terms and return the terms."""
        terms = tuple(terms)
        self.names = tuple(term.name for term in terms)
        self._hold({term.name: term.loss for term in terms}, {term.name: term.weight for term in terms})
        return terms

    def _weights_now(self, weights: Iterable[Any]) -> list[Any]:
        """Return each weight for this call; schedules are evaluated at a step that each call in training increments."""
        weights = list(weights)
        if not any(map(_is_schedule, weights)):
            return weights
        step = wrap(self.training_steps._value)
        if self.training:
            self.training_steps._value = step._value + 1
        return [weight(step) if _is_schedule(weight) else weight for weight in weights]


def entries_of(losses: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Yield the entries of a dict of losses by name, checked."""
    if not isinstance(losses, Mapping):
        raise ArgumentTypeError(f"{where}: `losses` must be a dict of losses by name, but got {losses!r}.")
    if not losses:
        raise ArgumentError(f"{where}: `losses` is empty; give at least one loss.")
    for name, given in losses.items():
        if not isinstance(name, str) or not name:
            raise ArgumentTypeError(f"{where}: the name of a loss must be a non-empty str, but got {name!r}.")
        if name == TOTAL:
            raise ArgumentError(f"{where}: {TOTAL!r} is the name of the total. Use another name for this loss.")
        yield name, given


def term_of(name: str, given: Any, where: str, names: tuple[str, ...] | None) -> _Term:
    """Return the term of an entry: a loss, (loss, weight) or (loss, weight, inputs)."""
    loss, weight, inputs = given, 1.0, None
    if isinstance(given, (tuple, list)):
        if not 1 <= len(given) <= 3:
            raise ArgumentTypeError(
                f"{where}: {name!r} must be a loss, (loss, weight) or (loss, weight, inputs), but got {given!r}."
            )
        loss, weight, inputs = (*given, *(1.0, None)[len(given) - 1 :])
    return _Term(
        name,
        check_loss(loss, name, where),
        check_weight(weight, name, where),
        _check_inputs(inputs, names, name, where),
    )


def check_loss(loss: Any, name: str, where: str) -> Callable[..., Any]:
    """Check that a loss is a Cell or a function."""
    if isinstance(loss, type) or not callable(loss):
        fix = f" Create an instance: {loss.__name__}(...)." if isinstance(loss, type) else ""
        raise ArgumentTypeError(f"{where}: {name!r} must be a loss, a Cell or a function, but got {loss!r}.{fix}")
    return loss


def check_weight(weight: Any, name: str, where: str) -> Any:
    """Check that a weight is a number, a Tensor of one element, or a schedule."""
    if is_tensor(weight):
        if weight.size != 1:
            raise ArgumentError(f"{where}: the weight of {name!r} must be one number, but got shape {weight.shape}.")
        return weight
    if callable(weight):
        return weight
    return _check.number(weight, name=f"weight of {name!r}", where=where)


def _check_inputs(given: Any, names: tuple[str, ...] | None, name: str, where: str) -> tuple[int, ...] | None:
    if given is None:
        return None
    indices = []
    for each in given if isinstance(given, (tuple, list)) else (given,):
        if isinstance(each, str):
            if names is None or each not in names:
                known = f"The names are {listed(names)}." if names else "Name the inputs: inputs=(...)."
                raise ArgumentError(f"{where}: {name!r} takes the input {each!r}, which has not been named. {known}")
            indices.append(names.index(each))
        else:
            indices.append(_check.integer(each, name=f"inputs of {name!r}", where=where, minimum=0))
    return tuple(indices)


def _is_schedule(weight: Any) -> bool:
    return callable(weight) and not is_tensor(weight)


def most_inputs(loss: Callable[..., Any]) -> int:
    """Return the number of positional inputs that a loss accepts; a large number for `*args`."""
    target = loss.construct if isinstance(loss, Cell) else loss
    try:
        kinds = [each.kind for each in inspect.signature(target).parameters.values()]
    except (TypeError, ValueError):
        return 2**16
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return 2**16
    return sum(kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds)


def _named(name: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the terms of a loss under its name; only the total, if there is one."""
    if TOTAL in parts:
        return {name: parts[TOTAL]}
    return {f"{name}.{key}": part for key, part in parts.items()}


def _scaled(value: Any, call: _Call, where: str) -> Tensor:
    if isinstance(value, jax.Array):
        value = wrap(value)
    if not isinstance(value, Tensor):
        raise ArgumentTypeError(
            f"{where}: the loss {call.name!r} must return a Tensor, or a dict of Tensors, but returned {value!r}."
        )
    weight = call.weight
    if isinstance(weight, (int, float)):
        return value if weight == 1 else value * weight
    # A weight does not widen the dtype.
    weight = weight if isinstance(weight, Tensor) else Tensor(weight)
    return value * weight.reshape(()).astype(value.dtype)


def listed(names: Iterable[str]) -> str:
    """Return the names in quotes, separated by commas, for a message."""
    return ", ".join(repr(name) for name in names) or "none"
