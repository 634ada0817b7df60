"""What losses made of losses have in common: their terms, and how those are weighted and called."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    """A loss that takes part in another, with its weight and which inputs it gets (None: the first ones)."""

    name: str
    loss: Callable[..., Any]
    weight: Any
    inputs: tuple[int, ...] | None


class _Call(NamedTuple):
    """One loss of one batch: its name, the loss, the weight now, and its inputs."""

    name: str
    loss: Callable[..., Any]
    weight: Any
    inputs: tuple[Any, ...]


class _Children(Cell):
    """Holds the Cells of a composed loss by the names of the terms."""

    def __init__(self, cells: Mapping[str, Cell]) -> None:
        super().__init__()
        for name, cell in cells.items():
            setattr(self, name, cell)


class _ComposedLoss(LossBase):
    """A loss that returns a dict of terms: what `_calls` gives, each weighted."""

    names: tuple[str, ...] = ()
    """The terms, where they are known before there are inputs."""

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
                # A term has the denominator of its own loss, whatever its weight is.
                reduction = call.loss.reduction if isinstance(call.loss, LossBase) else "mean"
                for key, (total, weight) in sums_of(value, pairs[start:], call.inputs, {}, reduction).items():
                    pairs.add(Pair(scaled[key]._value, _scaled(total, call, where)._value, weight._value))
            terms |= _named(call.name, scaled)
        return terms

    def _hold(self, terms: Iterable[_Term]) -> None:
        """Register Cells and Parameters, so that they are found, saved and put into training mode."""
        if cells := {term.name: term.loss for term in terms if isinstance(term.loss, Cell)}:
            self.losses = _Children(cells)
        if cells := {term.name: term.weight for term in terms if isinstance(term.weight, Cell)}:
            self.weights = _Children(cells)
        for term in terms:
            if isinstance(term.weight, Parameter):
                self.insert_param_to_cell(f"weight_{term.name}", term.weight, check_name_contain_dot=False)
        if any(_is_schedule(term.weight) for term in terms):
            self.training_steps = Parameter(np.int32(0), name="training_steps", requires_grad=False)

    def _weights_now(self, terms: Sequence[_Term]) -> list[Any]:
        """Each weight for this call; schedules are asked for it, and in training mode the next call is one further."""
        if not any(_is_schedule(term.weight) for term in terms):
            return [term.weight for term in terms]
        step = wrap(self.training_steps._value)
        if self.training:
            self.training_steps._value = step._value + 1
        return [term.weight(step) if _is_schedule(term.weight) else term.weight for term in terms]


# --- parts ----------------------------------------------------------------------------------------------------


def entries_of(losses: Any, where: str) -> Iterator[tuple[str, Any]]:
    if not isinstance(losses, Mapping):
        raise ArgumentTypeError(f"{where}: `losses` must be a dict of losses by name, but got {losses!r}.")
    if not losses:
        raise ArgumentError(f"{where}: `losses` is empty; give at least one loss.")
    for name, given in losses.items():
        if not isinstance(name, str) or not name:
            raise ArgumentTypeError(f"{where}: a loss must have a str for its name, but got {name!r}.")
        if name == TOTAL:
            raise ArgumentError(f"{where}: {TOTAL!r} is the name of the total. Use another for this loss.")
        yield name, given


def term_of(name: str, given: Any, where: str, names: tuple[str, ...] | None) -> _Term:
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
    if isinstance(loss, type) or not callable(loss):
        mend = f" Make one: {loss.__name__}(...)." if isinstance(loss, type) else ""
        raise ArgumentTypeError(f"{where}: {name!r} must be a loss, a Cell or a function, but got {loss!r}.{mend}")
    return loss


def check_weight(weight: Any, name: str, where: str) -> Any:
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
    places = []
    for each in given if isinstance(given, (tuple, list)) else (given,):
        if isinstance(each, str):
            if names is None or each not in names:
                there = f"The names are {listed(names)}." if names else "Name them: inputs=(...)."
                raise ArgumentError(f"{where}: {name!r} takes the input {each!r}, which has not been named. {there}")
            places.append(names.index(each))
        else:
            places.append(_check.integer(each, name=f"inputs of {name!r}", where=where, minimum=0))
    return tuple(places)


def _is_schedule(weight: Any) -> bool:
    return callable(weight) and not is_tensor(weight)


def most_inputs(loss: Callable[..., Any]) -> int:
    """How many positional inputs a loss takes; a large number for any number."""
    target = loss.construct if isinstance(loss, Cell) else loss
    try:
        kinds = [each.kind for each in inspect.signature(target).parameters.values()]
    except (TypeError, ValueError):
        return 2**16
    if inspect.Parameter.VAR_POSITIONAL in kinds:
        return 2**16
    return sum(kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds)


def _named(name: str, parts: Mapping[str, Any]) -> dict[str, Any]:
    """The terms of a loss under its name; where there is a total among them, that alone."""
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
    # A weight widens nothing.
    weight = weight if isinstance(weight, Tensor) else Tensor(weight)
    return value * weight.reshape(()).astype(value.dtype)


def listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names) or "none"
