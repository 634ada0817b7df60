"""Cell: the base class of layers, networks, losses and optimizers."""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, ClassVar, TypeVar

import jax

from sporax._errors import ArgumentError, ArgumentTypeError, CellError, UninitializedCellError
from sporax._suggest import refuse_keywords
from sporax.core import _frames, _replay, context
from sporax.core._captured import note_captured
from sporax.core._cell_class import MISSING, CellMeta, same_value
from sporax.core._cell_hooks import HookMethods
from sporax.core._order import in_order_of
from sporax.core._recording import recordable
from sporax.core._unregistered import warn_of_unregistered
from sporax.core.dtype import DType, as_dtype, bfloat16, float16, float32
from sporax.core.parameter import _DEFAULT_NAME, Parameter, ParameterTuple
from sporax.core.tensor import Tensor, wrap

Self = TypeVar("Self", bound="Cell")

_PRECISIONS = {"fp16": float16, "fp32": float32, "bf16": bfloat16}
"""The dtypes of the flags that set the precision of a Cell."""

_GRAPH_CALL: Callable[..., Any] | None = None


def install_graph_call(call: Callable[..., Any]) -> None:
    """Set the function that calls a Cell in GRAPH_MODE. `transforms` provides it; core compiles nothing."""
    global _GRAPH_CALL
    _GRAPH_CALL = call


class Cell(HookMethods, metaclass=CellMeta):
    """Base class of networks: Parameters and Cells as attributes, and `construct`, which computes the output.

    A subclass may define `bprop(self, *inputs, out, dout)`, which returns the gradients of the inputs; see
    docs/gradients.md.

    Args:
        auto_prefix: whether the names of the Parameters of a Cell assigned as `self.fc` get the prefix `fc.`.
        flags: see `add_flags`.

    Raises:
        UninitializedCellError: a subclass did not call `super().__init__()`.
        CellError: `construct` is not defined, or was called with the wrong inputs.

    Examples:
        >>> from sporax import nn, Tensor
        >>> class Twice(nn.Cell):
        ...     def construct(self, x):
        ...         return x * 2
        >>> print(Twice()(Tensor([1.0, 2.0])))
        [2. 4.]

    Source: the class of the same name in MindSpore.
    """

    _cells: OrderedDict[str, Cell | None]
    _params: OrderedDict[str, Parameter | ParameterTuple]
    _class_has_bprop: ClassVar[bool]
    _class_revision: ClassVar[int]

    def __new__(cls: type[Self], *args: Any, **kwargs: Any) -> Self:
        if kwargs:
            _check_keywords(cls, kwargs)
        make: Any = super().__new__  # pyright: ignore[reportArgumentType]
        return make(cls) if make is object.__new__ else make(cls, *args, **kwargs)

    def __init__(self, auto_prefix: bool = True, flags: dict[str, Any] | None = None) -> None:
        attributes = self.__dict__
        attributes["_params"] = OrderedDict()
        attributes["_cells"] = OrderedDict()
        attributes["_auto_prefix"] = auto_prefix
        attributes["_training"] = False
        attributes["_changes"] = 0
        attributes["_requires_grad"] = False
        attributes["_compute_dtype"] = None
        attributes["_hooks"] = None
        attributes["_param_prefix"] = ""
        attributes["_tuple_paths"] = {}
        attributes["_flags"] = {}
        if flags:
            self.add_flags(**flags)

    # --- attributes -----------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        attributes = self.__dict__
        if isinstance(value, (Parameter, ParameterTuple, Cell)) and "_params" not in attributes:
            raise self._uninitialized(name)
        if isinstance(value, Parameter):
            self._forget(name, cells_only=True)
            self.insert_param_to_cell(name, value)
        elif isinstance(value, Cell):
            self._forget(name, parameters_only=True)
            if self._auto_prefix:
                value.update_parameters_name(f"{name}.")
            self._register_cell(name, value)
        elif isinstance(value, ParameterTuple):
            self._forget(name, cells_only=True)
            self._insert_tuple(name, value)
        elif name in attributes.get("_params", ()):
            self._assign_to_parameter(name, value)
        elif name in attributes.get("_cells", ()):
            if value is not None:
                raise CellError(
                    f"{type(self).__name__}: `self.{name}` is a Cell, so it cannot be set to {value!r} of type "
                    f"{type(value).__name__}. Use another name, or `del self.{name}` first."
                )
            self._register_cell(name, None)
        else:
            before = attributes.get(name, MISSING)
            if not same_value(before, value) and not isinstance(getattr(type(self), name, None), property):
                self._note_change()
            object.__setattr__(self, name, value)
            if name == "bprop":
                self._own_hooks().has_bprop = value is not None

    def _register_cell(self, name: str, cell: Cell | None) -> None:
        self._cells[name] = cell
        self._set_member(name, cell)

    def _set_member(self, name: str, value: Any) -> None:
        if self.__dict__.get(name) is not value:
            self._note_change()
        self.__dict__[name] = value

    def _note_change(self) -> None:
        # Compiled programs may contain the old value. An assignment by construct in a trace is not such a change.
        if not _frames.STATE.stack:
            self.__dict__["_changes"] = self.__dict__.get("_changes", 0) + 1
            _frames.REVISION.count += 1

    def _uninitialized(self, name: str) -> UninitializedCellError:
        return UninitializedCellError(f"{type(self).__name__}: call super().__init__() before assigning `self.{name}`.")

    def _assign_to_parameter(self, name: str, value: Any) -> None:
        # As in MindSpore, `self.moving_mean = new` in construct sets the value of the Parameter.
        current = self._params[name]
        if value is None or isinstance(current, ParameterTuple):
            del self._params[name]
            self._set_member(name, value)
        elif isinstance(value, Tensor):
            current.set_data(value)
        else:
            raise CellError(
                f"{type(self).__name__}: `self.{name}` is a Parameter, so it cannot be set to {value!r} of type "
                f"{type(value).__name__}. Assign a Tensor to change its value."
            )

    def _insert_tuple(self, name: str, parameters: ParameterTuple) -> None:
        for parameter in parameters:
            if parameter.name == _DEFAULT_NAME:
                # As in MindSpore for elements without a name.
                self.__dict__["_unnamed"] = self.__dict__.get("_unnamed", 0) + 1
                parameter.name = f"Parameter${self._unnamed}"
        # The path of an element is its current name; the name may get a prefix later.
        self._tuple_paths[name] = tuple(parameter.name for parameter in parameters)
        self._params[name] = parameters
        self._set_member(name, parameters)

    def _forget(self, name: str, *, cells_only: bool = False, parameters_only: bool = False) -> None:
        if not parameters_only:
            self._cells.pop(name, None)
        if not cells_only:
            self._params.pop(name, None)

    def __delattr__(self, name: str) -> None:
        self._note_change()
        self._cells.pop(name, None)
        self._params.pop(name, None)
        object.__delattr__(self, name)
        if name == "bprop":
            self._own_hooks().has_bprop = None
        self._note_change()

    def __getattr__(self, name: str) -> Any:
        # Called only if the normal look-up fails.
        if name in ("_params", "_cells", "_hooks", "_auto_prefix", "_training", "_tuple_paths"):
            raise UninitializedCellError(f"{type(self).__name__}: call super().__init__() first in __init__.")
        raise AttributeError(f"The {type(self).__name__!r} object has no attribute {name!r}.")

    @property
    def _revision(self) -> tuple[int, int]:
        """Number of changes of the attributes of the Cell, and the revision of its class."""
        return self.__dict__.get("_changes", 0), type(self)._class_revision

    # --- calling --------------------------------------------------------------------------------------------

    def construct(self, *inputs: Any, **kwargs: Any) -> Any:
        """Compute the output of the Cell; every subclass defines it.

        Raises:
            CellError: the subclass does not define it.
        """
        raise CellError(
            f"{type(self).__name__}: `construct` is not defined. Write `def construct(self, ...)` in the class."
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        state = _frames.STATE
        if (
            context.explicit_mode() == context.GRAPH_MODE
            and not (state.stack or state.tape)
            and _GRAPH_CALL is not None
        ):
            return _GRAPH_CALL(self, args, kwargs)
        return self._run(args, kwargs)

    def _run(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call construct with hooks and `to_float`, without compiling."""
        if _frames.STATE.stack:
            # Also for descendants: a container such as CellList is not called.
            for _, cell in self.cells_and_names():
                _frames.note_guard(cell, "_revision", cell._revision)
            note_captured(self.__dict__.values())
            return _replay.traced(self, lambda: self._compute(args, kwargs), (args, kwargs))
        tape = _frames.STATE.tape
        if tape is not None:
            return tape.call_cell(self, args, kwargs)
        if self._requires_grad:
            return _replay.recorded(self, lambda: self._eager(args, kwargs), (args, kwargs))
        return self._eager(args, kwargs)

    def _eager(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Compute the output of a call that is neither traced nor recorded."""
        return self._compute(args, kwargs)

    def _is_one_node(self) -> bool:
        """Return whether a tape may record a call of this built-in Cell as one node."""
        return True

    def _compute(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            construct = self.construct
            dtype = self._compute_dtype
            if dtype is None:
                # A Cell without its own precision has that of the enclosing Cell.
                dtype = _frames.STATE.compute_dtype
            if dtype is not None:
                args, kwargs = _cast_floats((args, kwargs), dtype)
                with _frames.computing_in(dtype):
                    return self._hooked(construct, args, kwargs)
            if self._hooks is not None or self._class_has_bprop:
                return self._hooked(construct, args, kwargs)
            return construct(*args, **kwargs)
        except TypeError as error:
            self._explain_wrong_inputs(error, args, kwargs)
            raise

    def _hooked(self, construct: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._hooks is None and not self._class_has_bprop:
            return construct(*args, **kwargs)
        return self._own_hooks().call(self, construct, args, kwargs)

    def _explain_wrong_inputs(self, error: TypeError, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        signature = inspect.signature(self.construct)
        try:
            signature.bind(*args, **kwargs)
        except TypeError as mismatch:
            bare = inspect.Parameter.empty
            names = [each.replace(annotation=bare) for each in signature.parameters.values()]
            signature = signature.replace(parameters=names, return_annotation=bare)
            got = [_describe(arg) for arg in args] + [f"{k}={_describe(v)}" for k, v in kwargs.items()]
            raise CellError(
                f"{type(self).__name__}.construct{signature} was called with {len(got)} input(s): "
                f"{', '.join(got) or 'none'}. {str(mismatch)[:1].upper()}{str(mismatch)[1:]}."
            ) from error

    # --- Parameters -----------------------------------------------------------------------------------------

    def insert_param_to_cell(self, param_name: str, param: Parameter, check_name_contain_dot: bool = True) -> None:
        """Register `param` as attribute `param_name`.

        Raises:
            ArgumentError: `param_name` contains a dot, or a child Cell has that name.
            ArgumentTypeError: `param` is not a Parameter.
        """
        if not isinstance(param, Parameter):
            raise ArgumentTypeError(
                f"insert_param_to_cell: `param` must be a Parameter, but got {type(param).__name__}."
            )
        if check_name_contain_dot and "." in param_name:
            raise ArgumentError(f"insert_param_to_cell: `param_name` must not contain a dot, but got {param_name!r}.")
        if isinstance(self._cells.get(param_name), Cell):
            raise ArgumentError(
                f"insert_param_to_cell: {type(self).__name__} already has a Cell {param_name!r}; use another "
                "`param_name`."
            )
        if param.name == _DEFAULT_NAME:
            param.name = param_name
        self._params[param_name] = param
        self._set_member(param_name, param)

    def insert_child_to_cell(self, child_name: str, child_cell: Cell) -> None:
        """Register `child_cell` as attribute `child_name` without a change of the names of its Parameters.

        Raises:
            ArgumentError: `child_name` is empty or contains a dot, or another attribute has that name.
            ArgumentTypeError: `child_cell` is not a Cell.
        """
        if not isinstance(child_cell, Cell):
            raise ArgumentTypeError(
                f"insert_child_to_cell: `child_cell` must be a Cell, but got {child_cell!r} of type "
                f"{type(child_cell).__name__}."
            )
        if not child_name or "." in child_name:
            raise ArgumentError(
                f"insert_child_to_cell: `child_name` must not be empty or contain a dot, but got {child_name!r}."
            )
        if hasattr(self, child_name) and child_name not in self._cells:
            raise ArgumentError(
                f"insert_child_to_cell: {type(self).__name__} already has an attribute {child_name!r}; use another "
                "`child_name`."
            )
        self._register_cell(child_name, child_cell)

    def update_parameters_name(self, prefix: str = "", recurse: bool = True) -> None:
        """Name every Parameter by its path in this Cell, with `prefix`.

        As in MindSpore, a Parameter or Cell that is added later is named only by its attribute.
        """
        for path, parameter in self.parameters_and_names(expand=recurse):
            parameter.name = prefix + path

    def check_names(self) -> None:
        """Check that the names of the Parameters are distinct.

        Raises:
            ArgumentError: two Parameters have the same name.
        """
        repeated = _repeated(self.get_parameters())
        if repeated:
            raise ArgumentError(
                f"{type(self).__name__}: several of its Parameters have the name {repeated!r}. Use distinct names "
                "(parameter.name = ...), or name all by their paths: update_parameters_name()."
            )

    def check_names_and_refresh_name(self) -> None:
        """Name the Parameters by their paths if two have the same name.

        For example, the names in two lists that were filled after their assignment begin with `0.weight`. MindSpore
        renames them at the first call; sporax also when Parameters are requested by name.
        """
        if _repeated(self.get_parameters()) is not None:
            self.update_parameters_name()
            self.check_names()

    @property
    def param_prefix(self) -> str:
        """The prefix of this Cell's Parameters, as set by `update_cell_prefix`."""
        return self._param_prefix

    def update_cell_prefix(self) -> None:
        """Set `param_prefix` of this Cell and all its descendants."""
        for name, cell in self.cells_and_names():
            cell.__dict__["_param_prefix"] = name

    def parameters_and_names(self, name_prefix: str = "", expand: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Yield (path, Parameter) for every Parameter, each once, in the order of assignment."""
        seen: set[int] = set()
        cells = self.cells_and_names(name_prefix=name_prefix) if expand else [(name_prefix, self)]
        for path, cell in cells:
            for name, parameter in cell._own_parameters():
                if id(parameter) not in seen:
                    seen.add(id(parameter))
                    yield (f"{path}.{name}" if path else name), parameter

    def _own_parameters(self) -> Iterator[tuple[str, Parameter]]:
        for name, value in self._params.items():
            if isinstance(value, ParameterTuple):
                # As in MindSpore, the elements of a tuple have no prefix of the tuple's attribute.
                yield from zip(self._tuple_paths[name], value, strict=True)
            else:
                yield name, value

    def get_parameters(self, expand: bool = True) -> Iterator[Parameter]:
        """Return an iterator over the Parameters, each once."""
        return (parameter for _, parameter in self.parameters_and_names(expand=expand))

    def trainable_params(self, recurse: bool = True) -> list[Parameter]:
        """Return the Parameters with `requires_grad`.

        A warning lists Cells and Parameters in plain lists, tuples or dicts: as in MindSpore, these are not part of the
        network and are not trained.
        """
        self.check_names_and_refresh_name()
        warn_of_unregistered(self, Cell)
        return [parameter for parameter in self.get_parameters(recurse) if parameter.requires_grad]

    def untrainable_params(self, recurse: bool = True) -> list[Parameter]:
        """Return the Parameters without `requires_grad`."""
        return [parameter for parameter in self.get_parameters(recurse) if not parameter.requires_grad]

    def parameters_dict(self, recurse: bool = True) -> OrderedDict[str, Parameter]:
        """Return the Parameters by their names."""
        self.check_names_and_refresh_name()
        return OrderedDict((parameter.name, parameter) for parameter in self.get_parameters(recurse))

    def init_parameters_data(self, auto_parallel_mode: bool = False) -> dict[Parameter, Parameter]:
        """Return the Parameters, which are initialized when they are created."""
        return {parameter: parameter for parameter in self.get_parameters()}

    # --- Cells ----------------------------------------------------------------------------------------------

    def cells(self) -> Iterable[Cell]:
        """Return the Cells that are attributes of this Cell."""
        return self.name_cells().values()

    def name_cells(self) -> OrderedDict[str, Cell]:
        """Return the Cells that are attributes of this Cell, by name, each once."""
        unique: OrderedDict[str, Cell] = OrderedDict()
        seen: set[int] = set()
        for name, cell in self._cells.items():
            if cell is not None and id(cell) not in seen:
                seen.add(id(cell))
                unique[name] = cell
        return unique

    def cells_and_names(self, cells: set[Cell] | None = None, name_prefix: str = "") -> Iterator[tuple[str, Cell]]:
        """Yield (path, Cell) for this Cell and all its descendants, each once, in pre-order."""
        seen = set() if cells is None else cells
        if self in seen:
            return
        seen.add(self)
        yield name_prefix, self
        for name, cell in self._cells.items():
            if cell is not None:
                yield from cell.cells_and_names(seen, f"{name_prefix}.{name}" if name_prefix else name)

    def apply(self: Self, fn: Callable[[Cell], Any]) -> Self:
        """Call `fn` on all descendants and then on this Cell."""
        for cell in self.cells():
            cell.apply(fn)
        fn(self)
        return self

    # --- modes ----------------------------------------------------------------------------------------------

    @property
    def training(self) -> bool:
        """Whether the Cell is in training mode. A separate program is compiled for each value."""
        if _frames.STATE.stack:
            _frames.note_guard(self, "_training", self._training)
        return self._training

    @training.setter
    def training(self, mode: bool) -> None:
        if self._training is not bool(mode):
            self.__dict__["_training"] = bool(mode)
            # The mode has its own guard, so that a program is valid again when the mode is restored.
            _frames.REVISION.count += 1

    def set_train(self: Self, mode: bool = True) -> Self:
        """Set the training or evaluation mode of this Cell and all its descendants."""
        for _, cell in self.cells_and_names():
            cell.training = mode
        return self

    @property
    def requires_grad(self) -> bool:
        """The value that was set by `set_grad`."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.__dict__["_requires_grad"] = bool(value)

    def set_grad(self: Self, requires_grad: bool = True) -> Self:
        """State that a call of this Cell is followed by its gradient, as in a training step.

        `grad` does not require it. With it, a call outside of compiled code and the forward pass of a gradient with the
        same inputs directly after it change state only once: moving statistics, counters, the random key. In compiled
        code this is always the case.
        """
        self.requires_grad = requires_grad
        return self

    def to_float(self: Self, dst_type: DType) -> Self:
        """Compute in `dst_type`: floating inputs and Parameters are cast in the call; the Parameters do not change.

        Raises:
            ArgumentError: `dst_type` is not float16, bfloat16 or float32.
        """
        kind = as_dtype(dst_type)
        if kind not in (float16, bfloat16, float32):
            raise ArgumentError(f"to_float: `dst_type` must be float16, bfloat16 or float32, but got {kind}.")
        return self.add_flags_recursive(fp16=kind is float16, fp32=kind is float32, bf16=kind is bfloat16)

    def add_flags(self: Self, **flags: Any) -> Self:
        """Set MindSpore's flags, which are stored as attributes.

        `fp16=True`, `fp32=True` and `bf16=True` set the precision of the computation, as `to_float` does, and
        `training` the mode. Other flags have no effect in sporax.

        Raises:
            ArgumentError: more than one precision is set.
        """
        requested = [kind for name, kind in _PRECISIONS.items() if flags.get(name)]
        if len(requested) > 1:
            raise ArgumentError(
                f"{type(self).__name__}.add_flags: only one of fp16, fp32 and bf16 may be True, but got "
                f"{', '.join(name for name in _PRECISIONS if flags.get(name))}."
            )
        changed = not all(same_value(self._flags.get(name, MISSING), value) for name, value in flags.items())
        if requested:
            changed = changed or self._compute_dtype != requested[0].dtype
            self.__dict__["_compute_dtype"] = requested[0].dtype
        self._flags.update(flags)
        for name, value in flags.items():
            object.__setattr__(self, name, value)
        if changed:
            self._note_change()
        return self

    def add_flags_recursive(self: Self, **flags: Any) -> Self:
        """Call `add_flags` on this Cell and all its descendants."""
        for _, cell in self.cells_and_names():
            cell.add_flags(**flags)
        return self

    def get_flags(self) -> dict[str, Any]:
        """Return the flags that were set by `add_flags` and `to_float`."""
        return self._flags

    @property
    def cls_name(self) -> str:
        """The name of the class."""
        return type(self).__name__

    # --- printed form ---------------------------------------------------------------------------------------

    def extend_repr(self) -> str:
        """Return the text in the parentheses of the printed form, before the child Cells."""
        return ""

    def __repr__(self) -> str:
        extra = self.extend_repr()
        children = [(name, cell) for name, cell in self._cells.items() if cell is not None]
        if not children:
            return f"{type(self).__name__}({extra})"
        lines = [extra] if extra else []
        for name, cell in children:
            lines.append(f"({name}): " + repr(cell).replace("\n", "\n  "))
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"


def _check_keywords(cls: type, given: dict[str, Any]) -> None:
    """Raise an error for an unknown keyword that suggests the closest one, unlike Python's own error."""
    init = cls.__init__
    cached_init, known = cls.__dict__.get("_constructor_keywords", (None, None))
    if cached_init is not init:
        # A decorator may accept other arguments, so the signature of the wrapper is used.
        parameters = list(inspect.signature(init, follow_wrapped=False).parameters.values())[1:]
        if not any(each.kind is each.VAR_KEYWORD for each in parameters):
            kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
            known = tuple(each.name for each in parameters if each.kind in kinds)
        else:
            known = None
        type.__setattr__(cls, "_constructor_keywords", (init, known))
    if known is not None:
        refuse_keywords(cls.__name__, given, known)


def _repeated(parameters: Iterable[Parameter]) -> str | None:
    """Return a name that several Parameters have, or None."""
    seen: set[str] = set()
    for parameter in parameters:
        if parameter.name in seen:
            return parameter.name
        seen.add(parameter.name)
    return None


def _describe(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"Tensor{list(value.shape)} {value.dtype}"
    return type(value).__name__


@recordable
def _as_dtype(tensor: Tensor, dtype: Any) -> Tensor:
    return wrap(tensor._value.astype(dtype))


def _cast_floats(tree: Any, dtype: Any) -> Any:
    def cast(leaf: Any) -> Any:
        if isinstance(leaf, Tensor) and leaf._array.dtype.kind in "fV" and leaf._array.dtype != dtype:
            return _as_dtype(leaf, dtype)
        return leaf

    return in_order_of(jax.tree.map(cast, tree, is_leaf=lambda leaf: isinstance(leaf, Tensor)), tree)
