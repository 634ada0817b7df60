"""The conversion of a function that reads and writes Parameters to a pure function, which every transform uses."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

import jax

from sporax._errors import EagerFallbackWarning, StateError
from sporax._jax_compat import x64_scope
from sporax.core import (
    STATE,
    Cell,
    Frame,
    Parameter,
    Tensor,
    compute_dtype,
    computing_in,
    default_generator,
    entered,
    in_order_of,
    rebind,
    unwrap,
    wrap,
)

__all__ = ["Unbound", "functionalize", "run_framed", "stop_gradient", "warn_eager"]

_PACKAGE = str(Path(__file__).resolve().parent.parent)


class Unbound(Exception):
    """A trace read Parameters that are not among its inputs, and must run again with them."""

    def __init__(self, parameters: Iterable[Parameter]) -> None:
        self.parameters = tuple(parameters)
        super().__init__(f"{len(self.parameters)} unbound Parameter(s)")


class Written:
    """The Parameters and Tensors that a trace wrote, with their new values, as a pytree node."""

    __slots__ = ("parameters", "values")

    def __init__(self, parameters: tuple[Parameter, ...], values: tuple[Any, ...]) -> None:
        self.parameters = parameters
        self.values = values

    def commit(self) -> None:
        """Write the values in the enclosing frame, or in the Parameters if there is none."""
        for parameter, value in zip(self.parameters, self.values, strict=True):
            if isinstance(parameter, Parameter):
                parameter._value = value
            else:
                rebind(parameter, value)


def values_of(parameters: Iterable[Parameter]) -> tuple[Any, ...]:
    """Return the values of the Parameters in their own dtype, also inside a Cell with `to_float`."""
    if compute_dtype() is not None:
        with computing_in(None):
            return values_of(parameters)
    return tuple(parameter._value for parameter in parameters)


class _Identities:
    """Parameters as static data of a tree structure, compared by identity."""

    __slots__ = ("parameters",)

    def __init__(self, parameters: tuple[Parameter, ...]) -> None:
        self.parameters = parameters

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identities) and [id(p) for p in self.parameters] == [id(p) for p in other.parameters]

    def __hash__(self) -> int:
        return hash(tuple(id(p) for p in self.parameters))


jax.tree_util.register_pytree_node(
    Written,
    lambda written: (written.values, _Identities(written.parameters)),
    lambda identities, values: Written(identities.parameters, tuple(values)),
)


def _unbound(frame: Frame[Parameter], bound: dict[Parameter, Any]) -> list[Parameter]:
    """Return the Parameters with which the trace must run again.

    A function may keep a Parameter that it creates in the trace for later calls (`if self.fc is None: self.fc = ...`);
    the Parameter is then an input of the program. A second trace decides: if the function creates new Parameters again,
    it does not keep them, and their values are part of the program.
    """
    if frame.created and any(each._awaited for each in bound):
        missed = [each for each in frame.missed if each not in frame.created]
    else:
        missed = list(frame.missed)
    for each in missed:
        each._awaited = each in frame.created
    if not missed:
        for each in bound:
            each._awaited = False
    return missed


def run_framed(
    function: Callable[[], Any],
    bound: dict[Parameter, Any],
    *,
    discovers: bool,
    lane: str | None = None,
    tensors: bool = False,
) -> tuple[Any, Written, Frame[Parameter]]:
    """Call `function` in a new frame.

    With `tensors`, writes to Tensors (`x[0] = 1`) are included in `Written`; otherwise they are undone at the end of
    the frame.

    Returns:
        The result, the `Written`, and the frame.

    Raises:
        Unbound: the frame is discovering, and a Parameter was read that it does not bind.
    """
    # `to_float` of an enclosing Cell applies inside too; the frame binds Parameters in their own dtype.
    precision = compute_dtype()
    with entered(Frame(bound, discovers=discovers, lane=lane)) as frame, computing_in(precision):
        output = function()
        # Tensors are flattened to arrays here, because a Tensor rebound in the trace is restored at its end.
        leaves, structure = jax.tree.flatten(output)
        written = Written(*frame.written_values())
        if tensors and frame.rebound:
            rebound, values = frame.rebound_values()
            written = Written(written.parameters + rebound, written.values + values)
        if discovers:
            unbound = _unbound(frame, bound)
            if unbound:
                raise Unbound(unbound)
    return in_order_of(jax.tree.unflatten(structure, leaves), output), written, frame


def user_frame(error: BaseException) -> tuple[str, int]:
    """Return the file and line of the innermost frame of user code in the traceback of an error."""
    frames = [(f.filename, f.lineno or 0) for f in traceback.extract_tb(error.__traceback__)]
    for filename, line in reversed(frames):
        path = str(Path(filename))
        if path.startswith(_PACKAGE) or "site-packages" in path or filename.startswith("<frozen"):
            continue
        return filename, line
    return frames[-1] if frames else ("<unknown>", 0)


def warn_eager(name: str, error: BaseException) -> None:
    """Warn that `name` cannot be traced, with the location and a suggested fix."""
    filename, line = user_frame(error)
    warnings.warn_explicit(
        f"{name} needs the value of a Tensor in Python control flow (File {filename!r}, line {line}), so it "
        "cannot be compiled and runs eagerly from now on. To compile it, use ops.where, ops.cond or ops.while_loop "
        "there.",
        EagerFallbackWarning,
        filename,
        line,
    )


def _reachable(root: Any) -> dict[Parameter, None]:
    """Return the Parameters in the Cells, closure, bound object and globals of a callable."""
    found: dict[Parameter, None] = {}
    seen: set[int] = set()

    def visit(value: Any, depth: int) -> None:
        if id(value) in seen or depth > 4:
            return
        seen.add(id(value))
        if isinstance(value, Parameter):
            found[value] = None
        elif isinstance(value, Cell):
            for parameter in value.get_parameters():
                found[parameter] = None
            if type(value).construct is not Cell.construct:
                visit(type(value).construct, depth + 1)
        elif isinstance(value, (list, tuple, set)):
            for each in value:
                visit(each, depth + 1)
        elif isinstance(value, dict):
            for each in value.values():
                visit(each, depth + 1)
        elif isinstance(value, MethodType):
            visit(value.__self__, depth + 1)
            visit(value.__func__, depth + 1)
        elif isinstance(value, FunctionType):
            for cell in value.__closure__ or ():
                try:
                    visit(cell.cell_contents, depth + 1)
                except ValueError:
                    continue
            for name in value.__code__.co_names:
                target = value.__globals__.get(name)
                if not isinstance(target, (ModuleType, type)):
                    visit(target, depth + 1)
        elif hasattr(value, "func") and hasattr(value, "args"):
            visit(value.func, depth + 1)
            visit(value.args, depth + 1)

    visit(root, 0)
    return found


def discover(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Parameter]:
    """Return the Parameters that `function` reads or writes for these inputs, by abstract evaluation."""
    known: dict[Parameter, None] = {}
    inputs = (args, kwargs)
    while True:
        parameters = list(known)

        def trial(values: list[Any], args: Any, kwargs: Any, parameters: list[Parameter] = parameters) -> Any:
            given, named = in_order_of((args, kwargs), inputs)
            _, written, _ = run_framed(
                lambda: function(*given, **named), dict(zip(parameters, values, strict=True)), discovers=True
            )
            return written

        try:
            written = jax.eval_shape(trial, list(values_of(parameters)), args, kwargs)
        except Unbound as unbound:
            known.update(dict.fromkeys(unbound.parameters))
            continue
        known.update(dict.fromkeys(written.parameters))
        return list(known)


def _named(parameters: Iterable[Parameter]) -> dict[str, Parameter]:
    named: dict[str, Parameter] = {}
    for parameter in parameters:
        name, count = parameter.name, 2
        while name in named:
            name, count = f"{parameter.name}#{count}", count + 1
        named[name] = parameter
    return named


def functionalize(
    fn: Callable[..., Any], *example_inputs: Any, **example_kwargs: Any
) -> tuple[Callable[..., Any], dict[str, jax.Array]]:
    r"""Return a pure function for a stateful one, and its state.

    .. math:: (\text{out}, s') = \text{pure}(s, x)

    `pure` can be passed to any transform of JAX. The key of the random generator is part of the state.

    Args:
        fn: a Cell, or a function that uses Cells and Parameters.
        example_inputs: inputs with which the state is found by abstract evaluation. Without them the state consists of
            the Parameters in the Cells, the closure and the globals of `fn`.
        example_kwargs: keyword inputs, for the same purpose.

    Returns:
        `pure(state, *inputs, **kwargs) -> (output, new_state)` and the current state, a dict of `jax.Array` by
        Parameter name. Tensors in the output are still Tensors.

    Raises:
        StateError: when called: `fn` reads or writes a Parameter that is not in the state.

    Examples:
        >>> import jax
        >>> from sporax import nn, Tensor, functionalize
        >>> net = nn.Dense(2, 1, weight_init="ones", bias_init="zeros")
        >>> pure, state = functionalize(net)
        >>> out, new_state = jax.jit(pure)(state, Tensor([[1.0, 2.0]]))
        >>> print(out)
        [[3.]]

    Source: specific to sporax; similar to `flax.nnx.split` and `torch.func.functional_call`.
    """
    if example_inputs or example_kwargs:
        with x64_scope(True):
            parameters = discover(fn, example_inputs, example_kwargs)
    else:
        parameters = [*_reachable(fn), default_generator.key]
    named = _named(parameters)
    for parameter in parameters:
        parameter._assume_changes()

    def pure(state: dict[str, Any], *args: Any, **kwargs: Any) -> tuple[Any, dict[str, Any]]:
        if state.keys() != named.keys():
            raise StateError(
                f"functionalize: the given state has the names {sorted(state)}, but it must have {sorted(named)}."
            )
        bound = {parameter: unwrap(state[name]) for name, parameter in named.items()}
        with x64_scope(True):
            try:
                output, written, _ = run_framed(lambda: fn(*args, **kwargs), bound, discovers=True)
            except Unbound as unbound:
                _raise_not_in_state(unbound.parameters)
        unknown = [parameter for parameter in written.parameters if parameter not in bound]
        if unknown:
            _raise_not_in_state(unknown)
        bound.update(zip(written.parameters, written.values, strict=True))
        return output, {name: bound[parameter] for name, parameter in named.items()}

    return pure, {name: parameter._value for name, parameter in named.items()}


def _raise_not_in_state(parameters: Iterable[Parameter]) -> Any:
    names = ", ".join(repr(parameter.name) for parameter in parameters)
    raise StateError(
        f"functionalize: the function used the Parameter(s) {names}, which are not in its state. Pass example "
        "inputs, functionalize(fn, x, ...), so that they are found."
    ) from None


def stop_gradient(value: Any) -> Any:
    """Return the value with its gradient stopped.

    Args:
        value: a Tensor, an array, or a tree of them.

    Returns:
        The same structure.

    Examples:
        >>> from sporax import Tensor, grad, ops
        >>> print(grad(lambda x: ops.stop_gradient(x) * x)(Tensor(3.0)))
        3.0

    Source: `ops.stop_gradient` of MindSpore; `jax.lax.stop_gradient`.
    """
    if STATE.tape is not None:
        return _as_constants(value)
    with x64_scope(True):
        return in_order_of(jax.tree.map(jax.lax.stop_gradient, value), value)


def _as_constants(value: Any) -> Any:
    """Return the value without links to the tape."""

    def constant(leaf: Any) -> Any:
        return wrap(leaf._array) if isinstance(leaf, Tensor) else leaf

    return in_order_of(jax.tree.map(constant, value, is_leaf=lambda leaf: isinstance(leaf, Tensor)), value)
