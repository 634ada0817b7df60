"""Built-in layers and losses as one node of a tape: the program of a Cell, with its Parameters as inputs.

Cells of one class with equal attributes and Parameters of equal shapes share a program.
"""

from __future__ import annotations

from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

from sporax.core import REVISION, STATE, Cell, Parameter, Tensor, tracing, wrap
from sporax.transforms._program import ById, NotCompiledError, Output, Plan, Unplannable, program_for, restored

_PACKAGES = ("sporax.nn.layer.", "sporax.nn.loss.")
_CONTAINERS = "sporax.nn.layer.container"
_INTERNAL = frozenset(
    ("_params", "_cells", "_hooks", "_changes", "_param_prefix", "_tuple_paths", "_auto_prefix", "_cell_plan")
)


_KEYS: dict[Any, object] = {}


class CellPlan:
    """The key of a Cell, and the Parameters of it and its child Cells."""

    __slots__ = ("key", "parameters", "revision")

    def __init__(self, revision: int, key: Any, parameters: tuple[Parameter, ...]) -> None:
        self.revision = revision
        self.key = key
        self.parameters = parameters


def plan_of(cell: Cell) -> CellPlan:
    """Return the plan of a Cell; its key is None unless it and its child Cells are layers or losses of sporax."""
    found: CellPlan | None = cell.__dict__.get("_cell_plan")
    if found is None or found.revision != REVISION.count:
        try:
            parameters: list[Parameter] = []
            # One object for equal keys, so that a call does not hash the whole key.
            key = _KEYS.setdefault(_key(cell, parameters), object())
            found = CellPlan(REVISION.count, key, tuple(parameters))
        except Unplannable:
            found = CellPlan(REVISION.count, None, ())
        cell.__dict__["_cell_plan"] = found
    return found


def _key(cell: Cell, parameters: list[Parameter]) -> Any:
    kind = type(cell)
    built_in = kind.__module__.startswith(_PACKAGES) and kind.__module__ != _CONTAINERS
    if not built_in or cell._hooks is not None or kind._class_has_bprop:
        raise Unplannable(f"a Cell of class {kind.__name__}")
    attributes = cell.__dict__
    if "construct" in attributes:
        raise Unplannable("a Cell with its own construct")
    children = cell._cells
    parts: list[Any] = [kind, kind._class_revision]
    for name, value in attributes.items():
        if name in _INTERNAL or name in children:
            continue
        if isinstance(value, Parameter):
            parameters.append(value)
            parts.append(name)
        else:
            parts.append((name, _static(value)))
    for name, child in children.items():
        parts.append((name, None if child is None else _key(child, parameters)))
    return tuple(parts)


def _static(value: Any) -> Any:
    """Return an attribute as a part of a key.

    Raises:
        Unplannable: the value may change in place, or is code of the user's, in which values are concrete.
    """
    if isinstance(value, Tensor):
        return ById(value._array)
    if isinstance(value, (FunctionType, BuiltinFunctionType, MethodType)):
        return ById(_of_packages(value, getattr(value, "__module__", None)))
    plan = Plan()
    try:
        plan.add(value)
    except Unplannable:
        _of_packages(value, type(value).__module__)
        # Such as a primitive or an initializer.
        fields = getattr(value, "__dict__", {})
        return (type(value), *((name, _static(each)) for name, each in fields.items())) if fields else ById(value)
    if plan.leaves:
        raise Unplannable("an array that may change in place")
    return tuple(plan.key)


def _of_packages(value: Any, module: str | None) -> Any:
    """Return a function or object of sporax or JAX."""
    if not (module or "").startswith(("sporax.", "jax.")):
        raise Unplannable("code of the user's")
    return value


def plan_call(cell: Cell, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Plan | None:
    """Return the plan of a call of a built-in Cell, with its Parameters; None where the call is not one program."""
    of_cell = plan_of(cell)
    if of_cell.key is None or not cell._is_one_node():
        return None
    plan = Plan()
    try:
        plan.add(args)
        plan.add(kwargs)
        plan.key.append(of_cell.key)
        plan.add(of_cell.parameters)
    except Unplannable:
        return None
    return plan


def run_compiled(cell: Cell, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a built-in Cell of Tensors in eager code, as one compiled program.

    Any other call is computed operator by operator.
    """
    if tracing() or STATE.recording is not None or not all(isinstance(each, Tensor) for each in args):
        return cell._compute(args, kwargs)
    plan = plan_call(cell, args, kwargs)
    if plan is None:
        return cell._compute(args, kwargs)
    program = program_for(type(cell), args, kwargs, plan, (False,) * len(plan.leaves))
    arrays = [leaf._value if isinstance(leaf, Tensor) else leaf for leaf in plan.leaves]
    try:
        floating, rest, _ = program(lambda *args, **kwargs: cell._compute(args, kwargs), plan.leaves, arrays)
    except NotCompiledError:
        return cell._compute(args, kwargs)
    for index, output in program.rebound:
        plan.leaves[index]._rebind(output.array(floating, rest))
    for owner, output in program.written:
        parameter = plan.leaves[owner] if isinstance(owner, int) else owner
        parameter._value = output.array(floating, rest)
    outputs = program.outputs
    if type(outputs) is Output and outputs.tensor:
        return wrap(outputs.array(floating, rest))

    def make(output: Output) -> Any:
        array = output.array(floating, rest)
        return wrap(array) if output.tensor else array

    return restored(outputs, plan.leaves, make)
