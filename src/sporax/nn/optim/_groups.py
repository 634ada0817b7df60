"""Parameter groups: the learning rate, weight decay and centralization of each Parameter of an optimizer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError
from sporax._suggest import nearest
from sporax.core import Cell, Parameter, Tensor, is_tensor
from sporax.nn.optim._rate_cells import FixedLearningRate, FunctionLearningRate, TableLearningRate
from sporax.nn.optim.learning_rate_schedule import LearningRateSchedule

Rate = Parameter | LearningRateSchedule
"""The source of a learning rate."""

Decay = float | Cell

GROUP_KEYS = ("params", "lr", "weight_decay", "grad_centralization", "order_params")


@dataclass(frozen=True)
class Plan:
    """The settings of each Parameter, as parallel tuples. Parameters of one group share the objects."""

    parameters: tuple[Parameter, ...]
    rates: tuple[Rate | None, ...]
    decays: tuple[Decay, ...]
    centralized: tuple[bool, ...]
    grouped: bool
    own_rates: bool


def read_plan(parameters: Any, learning_rate: Any, weight_decay: Any, where: str, *, needs_rate: bool = True) -> Plan:
    """Check the arguments of an optimizer and return the settings of each Parameter.

    Args:
        parameters, learning_rate, weight_decay: the arguments.
        where: the name of the optimizer's class.
        needs_rate: whether to read `learning_rate`; false if the update rule has its own.

    Raises:
        ArgumentError: there are no Parameters, one is given twice, two have the same name, or a group has an unknown
            key.
        ArgumentTypeError: an element is not a Parameter, or a learning rate or weight decay has the wrong type.
        DtypeError: the dtype of a Parameter is not floating.
    """
    items = _items(parameters, "params", where)
    default_decay = read_decay(weight_decay, "weight_decay", where)
    default_rate = read_rate(learning_rate, "learning_rate", where) if needs_rate else None
    if isinstance(items[0], dict):
        return _read_groups(items, default_rate, default_decay, where)
    selected = _check_parameters(items, "params", where)
    _check_distinct(selected, where)
    decays = tuple(default_decay if may_decay(p.name) else 0.0 for p in selected)
    count = len(selected)
    return Plan(selected, (default_rate,) * count, decays, (False,) * count, grouped=False, own_rates=False)


def may_decay(name: str) -> bool:
    """Return whether weight decay applies to a Parameter of this name; not to those of normalization layers."""
    return "beta" not in name and "gamma" not in name


def _items(value: Any, name: str, where: str) -> list[Any]:
    if is_tensor(value) or isinstance(value, (str, dict)) or not isinstance(value, Iterable):
        hint = " Use net.trainable_params()." if isinstance(value, Cell) else ""
        hint = " Put it in a list." if isinstance(value, (Parameter, dict)) else hint
        raise ArgumentTypeError(
            f"{where}: `{name}` must be a list of Parameters, or of dicts with the key 'params', but got an "
            f"object of type {type(value).__name__}.{hint}"
        )
    items = list(value)
    if not items:
        raise ArgumentError(
            f"{where}: `{name}` is empty, so there is nothing to train. Check that the network has Parameters with "
            "requires_grad=True, assigned as attributes (self.w = Parameter(...))."
        )
    return items


def _check_parameters(items: list[Any], name: str, where: str) -> tuple[Parameter, ...]:
    for index, item in enumerate(items):
        if not isinstance(item, Parameter):
            hint = " Groups and single Parameters cannot be mixed." if isinstance(item, dict) else ""
            raise ArgumentTypeError(
                f"{where}: every element of `{name}` must be a Parameter, but element {index} is of type "
                f"{type(item).__name__}.{hint}"
            )
        if not item.dtype.is_floating_point:
            raise DtypeError(
                f"{where}: Parameter {item.name!r} has dtype {item.dtype}, and only floating dtypes can be "
                "trained. Leave it out, or set requires_grad=False and use net.trainable_params()."
            )
    return tuple(items)


def _check_distinct(parameters: Iterable[Parameter], where: str) -> None:
    occurrences: dict[str, dict[int, int]] = {}
    for parameter in parameters:
        counts = occurrences.setdefault(parameter.name, {})
        counts[id(parameter)] = counts.get(id(parameter), 0) + 1
    repeated = [name for name, counts in occurrences.items() if max(counts.values()) > 1]
    if repeated:
        raise ArgumentError(f"{where}: given more than once: {_listed(repeated)}. Give each Parameter once.")
    shared = [name for name, counts in occurrences.items() if len(counts) > 1]
    if shared:
        raise ArgumentError(
            f"{where}: several Parameters have the same name: {_listed(shared)}. Slots and checkpoints identify "
            "Parameters by name, so use distinct names: Parameter(value, name=...), or attributes of one Cell."
        )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _read_groups(groups: list[Any], default_rate: Rate | None, default_decay: Decay, where: str) -> Plan:
    parameters: list[Parameter] = []
    entries: dict[int, tuple[Rate | None, Decay, bool]] = {}
    order: tuple[Parameter, ...] | None = None
    own_rates = False
    for number, group in enumerate(groups):
        _check_keys(group, number, where)
        if "order_params" in group:
            order = _check_parameters(_items(group["order_params"], "order_params", where), "order_params", where)
            continue
        name = f"params of group {number}"
        members = _check_parameters(_items(group["params"], name, where), name, where)
        rate, decay = default_rate, default_decay
        if "lr" in group:
            own_rates = True
            rate = read_rate(group["lr"], f"learning_rate_group_{number}", where)
        if "weight_decay" in group:
            decay = read_decay(group["weight_decay"], f"weight_decay of group {number}", where)
        centralized = _check.is_type(
            group.get("grad_centralization", False),
            bool,
            name=f"grad_centralization of group {number}",
            where=where,
        )
        parameters += members
        entries.update((id(member), (rate, decay, centralized)) for member in members)
    if not parameters:
        raise ArgumentError(f"{where}: no group has the key 'params', so there is nothing to train.")
    _check_distinct(parameters, where)
    if order is not None:
        _check_order(order, parameters, where)
        parameters = list(order)
    rates, decays, flags = zip(*(entries[id(parameter)] for parameter in parameters), strict=True)
    if own_rates and any(isinstance(rate, LearningRateSchedule) for rate in rates):
        rates = _all_schedules(rates)
    return Plan(tuple(parameters), tuple(rates), tuple(decays), tuple(flags), grouped=True, own_rates=own_rates)


def _check_keys(group: Any, number: int, where: str) -> None:
    if not isinstance(group, dict):
        raise ArgumentTypeError(
            f"{where}: group {number} must be a dict, but got {type(group).__name__}. Groups and single "
            "Parameters cannot be mixed."
        )
    for key in group:
        if key not in GROUP_KEYS:
            meant = nearest(str(key), [*GROUP_KEYS, "learning_rate"], 0.4) or ""
            hint = f" Did you mean {meant.replace('learning_rate', 'lr')!r}?" if meant else ""
            raise ArgumentError(
                f"{where}: group {number} has the unknown key {key!r}; the keys are {_listed(GROUP_KEYS)}.{hint}"
            )
    if "order_params" in group and len(group) > 1:
        others = _listed(key for key in group if key != "order_params")
        raise ArgumentError(
            f"{where}: the dict with 'order_params' must have no other key, but group {number} has {others} too."
        )
    if "order_params" not in group and "params" not in group:
        raise ArgumentError(f"{where}: group {number} must have the key 'params', but has {_listed(group)}.")


def _check_order(order: tuple[Parameter, ...], parameters: list[Parameter], where: str) -> None:
    _check_distinct(order, f"{where}: order_params")
    ordered, grouped = {id(p): p for p in order}, {id(p): p for p in parameters}
    unknown = [p.name for key, p in ordered.items() if key not in grouped]
    missing = [p.name for key, p in grouped.items() if key not in ordered]
    if unknown or missing:
        parts = [f"{_listed(unknown)} in no group"] if unknown else []
        parts += [f"{_listed(missing)} of the groups not in it"] if missing else []
        raise ArgumentError(
            f"{where}: 'order_params' must hold exactly the Parameters of the groups, but found {'; '.join(parts)}."
        )


def _all_schedules(rates: tuple[Rate | None, ...]) -> tuple[Rate | None, ...]:
    """Return the rates with each Parameter replaced by a schedule; None stays None."""
    fixed: dict[int, FixedLearningRate] = {}
    for rate in rates:
        if isinstance(rate, Parameter) and id(rate) not in fixed:
            fixed[id(rate)] = FixedLearningRate(rate)
    return tuple(fixed.get(id(rate), rate) for rate in rates)


def read_decay(value: Any, name: str, where: str) -> Decay:
    """Check a weight decay: a number ≥ 0, or a Cell that computes it from the step."""
    if isinstance(value, Cell):
        return value
    return _check.number(value, name=name, where=where, minimum=0.0)


def read_rate(value: Any, name: str, where: str) -> Rate:
    """Return a learning rate as a Parameter or a schedule.

    Args:
        value: a number, a Tensor, an iterable of numbers, a schedule, or a function of the step.
        name: the name of the Parameter.
        where: the name of the optimizer's class.
    """
    if isinstance(value, LearningRateSchedule):
        return value
    if callable(value) and not isinstance(value, (Tensor, type)):
        return FunctionLearningRate(value)
    if isinstance(value, (int, float)):
        rate = _check.number(value, name=_argument_name(name), where=where, minimum=0.0)
        return Parameter(np.float32(rate), name=name)
    table = _rate_table(value, name, where)
    if table.ndim == 0:
        return Parameter(table, name=name)
    return TableLearningRate(table, name)


def _argument_name(name: str) -> str:
    return name.replace("learning_rate_group_", "lr of group ")


def _rate_table(value: Any, name: str, where: str) -> np.ndarray:
    argument = _argument_name(name)
    expected = "a number, a Tensor or list of numbers, a LearningRateSchedule, or a function of the step"
    if isinstance(value, (str, bytes, dict, type)) or value is None:
        raise ArgumentTypeError(f"{where}: `{argument}` must be {expected}, but got {value!r}.")
    if not hasattr(value, "__array__") and isinstance(value, Iterable):
        value = [float(each) if is_tensor(each) else each for each in value]
    try:
        table = np.array(value, np.float32)
    except (TypeError, ValueError):
        raise ArgumentTypeError(f"{where}: `{argument}` must be {expected}, but got {value!r}.") from None
    if table.ndim > 1 or table.size == 0:
        raise ArgumentError(
            f"{where}: `{argument}` must be one number or a list of at least one, but got shape {table.shape}."
        )
    wrong = ~(table >= 0)
    if wrong.any():
        index = f"[{int(wrong.argmax())}]" if table.ndim else ""
        raise ArgumentError(
            f"{where}: `{argument}` must not be negative, but {argument}{index} is {float(table[wrong].flat[0]):g}."
        )
    return table
