"""jit: compilation of functions that read and write Parameters."""

from __future__ import annotations

import copy
import difflib
import functools
from collections.abc import Callable, Iterable
from typing import Any, TypeVar, overload

import jax
import numpy as np

from sporax._errors import ArgumentTypeError
from sporax._jax_compat import CONCRETIZATION_ERRORS, is_tracer, x64_scope
from sporax.core import (
    HOOKED,
    REVISION,
    Cell,
    Parameter,
    Tensor,
    compute_dtype,
    hooks_of,
    install_graph_call,
    note_guard,
    ordered,
    restored,
    tracing,
)
from sporax.core import context as _context
from sporax.transforms._captured import Variables, assumed_wrongly, constants_of, note_cell, noting, outdated
from sporax.transforms._functional import Unbound, run_framed, user_frame, values_of, warn_eager
from sporax.transforms._modes import use_of
from sporax.transforms._outputs import is_plain, pack, unpack

__all__ = ["CompiledFunction", "jit"]

F = TypeVar("F", bound=Callable[..., Any])


_OPTIONS = (
    "capture_mode", "jit_level", "dynamic", "fullgraph", "backend", "mode", "input_signature", "hash_args",
    "jit_config", "compile_once", "infer_boost", "exec_order", "ge_options",
)  # fmt: skip
"""The options of MindSpore's jit, including those of earlier versions."""


class _Static:
    """Placeholder, among the static leaves, for a dynamic leaf."""

    __slots__ = ()


_STATIC = _Static()


class _Variant:
    """A compiled program: its Parameters, which are inputs, and guards for the Python values on which it depends."""

    __slots__ = ("checked", "compiled", "guards", "parameters", "plain", "traced", "variables")

    def __init__(self, parameters: tuple[Parameter, ...], variables: Variables) -> None:
        self.parameters = parameters
        self.variables = variables
        self.guards = {(id(guard[0]), guard[1]): guard for guard in variables.guards()}
        self.checked = -1
        self.traced = False
        """Whether it was traced since its constants were last recorded: at its first call and for each new shape."""
        self.plain = True
        """Whether the output contains only Tensors and arrays, so that `unpack` is not needed."""
        self.compiled: Callable[..., Any]

    def is_valid(self) -> bool:
        """Return whether the program is valid for the current variables and guards."""
        if not self.variables.unchanged():
            return False
        if self.checked == REVISION.count:
            return True
        if all(getattr(owner, name) == value for owner, name, value in self.guards.values()):
            self.checked = REVISION.count
            return True
        return False

    def outdated(self) -> bool:
        """Return whether the program can never be valid again."""
        return not self.variables.unchanged() or outdated(self.guards.values())

    def note_constants(self, values: Any, dynamic: Any) -> None:
        """Add a guard by which the program is outdated when a Tensor that it captured is written."""
        self.traced = False
        constants = constants_of(self.compiled.trace(values, dynamic).jaxpr)
        self.guards[id(constants), "stale"] = (constants, "stale", False)


def _is_dynamic(leaf: Any) -> bool:
    return isinstance(leaf, (jax.Array, np.ndarray, np.generic)) or is_tracer(leaf)


def _hashable(leaf: Any) -> Any:
    try:
        hash(leaf)
    except TypeError:
        return id(leaf)
    if isinstance(leaf, (float, complex)):
        # 0.0 and -0.0 are equal, and NaN is not equal to itself.
        return (type(leaf), repr(leaf))
    # 1, 1.0 and True are equal, but give different programs.
    return (type(leaf), leaf)


def _tensors(tree: Any) -> list[Any]:
    return [
        leaf
        for leaf in jax.tree.leaves(tree, is_leaf=lambda leaf: isinstance(leaf, Tensor))
        if isinstance(leaf, Tensor) and not isinstance(leaf, Parameter)
    ]


def _hooks_of_inputs(inputs: Any) -> tuple[Any, ...]:
    """Return (index among the Tensors, hooks) for each input with hooks of `Tensor.register_hook`."""
    found = ((i, hooks_of(tensor)) for i, tensor in enumerate(_tensors(inputs)))
    return tuple((i, hooks) for i, hooks in found if hooks)


def _hook_inputs(inputs: Any, found: tuple[Any, ...]) -> None:
    # The Tensors in the trace are not those of the caller.
    tensors = _tensors(inputs) if found else []
    for i, hooks in found:
        for hook in hooks:
            tensors[i].register_hook(hook)


class CompiledFunction:
    """The function that `jit` returns. Tensors and arrays are its inputs; other arguments are part of the program."""

    _sporax_original: Callable[..., Any] = staticmethod(lambda: None)

    def __init__(self, function: Callable[..., Any], owned: Callable[[], tuple[Parameter, ...]] | None = None) -> None:
        functools.update_wrapper(self, function)
        self._sporax_original = function
        self._function = noting(function)
        self._owned = owned
        self._variants: dict[Any, list[_Variant]] = {}
        self._eager = False

    def __deepcopy__(self, memo: dict[int, Any]) -> CompiledFunction:
        # The copy of a method or a Cell refers to the copied object, and has its own programs.
        original = copy.deepcopy(self._sporax_original, memo)
        owned = (lambda: tuple(original.get_parameters())) if isinstance(original, Cell) else None
        return CompiledFunction(original, owned)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else functools.partial(self, instance)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._eager or _context.runs_eagerly():
            with x64_scope(True):
                return self._function(*args, **kwargs)
        try:
            with x64_scope(True):
                output, written = self._run(*self._split(args, kwargs))
        except CONCRETIZATION_ERRORS as error:
            if tracing():
                raise
            self._eager = True
            use = use_of(self._sporax_original)
            use.reason, use.at = "it needs the value of a Tensor in Python", user_frame(error)
            warn_eager(getattr(self._function, "__qualname__", type(self._function).__name__), error)
            with x64_scope(True):
                return self._function(*args, **kwargs)
        written.commit()
        return output

    def abstract(self, *args: Any, **kwargs: Any) -> Any:
        """Return the structure of the output with shapes and dtypes instead of values, without running the program.

        A later call with these inputs does not trace again.

        Returns:
            The structure, or None if calls are not compiled.
        """
        if self._eager or _context.runs_eagerly():
            return None
        with x64_scope(True):
            output, _ = self._run(*self._split(args, kwargs), form=lambda compiled: compiled.eval_shape)
        return output

    @staticmethod
    def _split(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        """Return the key of the program, the structure of the inputs, their static and dynamic leaves, and hooks."""
        leaves, structure = jax.tree.flatten((ordered(args), ordered(kwargs) if kwargs else None))
        dynamic = [leaf for leaf in leaves if _is_dynamic(leaf)]
        static = tuple(_STATIC if _is_dynamic(leaf) else leaf for leaf in leaves)
        hooks = _hooks_of_inputs((args, kwargs)) if HOOKED else ()
        key = (structure, tuple(_hashable(leaf) for leaf in static), hooks, compute_dtype())
        return key, structure, static, dynamic, hooks

    def _run(
        self,
        key: Any,
        structure: Any,
        static: tuple[Any, ...],
        dynamic: list[Any],
        hooks: tuple[Any, ...],
        form: Callable[[Any], Callable[..., Any]] = lambda compiled: compiled,
    ) -> Any:
        variants = self._variants.setdefault(key, [])
        variant = next((each for each in tuple(variants) if each.is_valid()), None)
        known = variant is not None
        if variant is None:
            variant = self._new_variant(self._owned() if self._owned else (), structure, static, hooks)
        while True:
            try:
                values = list(values_of(variant.parameters))
                output, written = form(variant.compiled)(values, dynamic)
                if not variant.traced:
                    break
                variant.note_constants(values, dynamic)
                if not assumed_wrongly(variant.guards.values()):
                    break
                found: Iterable[Parameter] = ()
            except Unbound as unbound:
                found = unbound.parameters
            parameters = dict.fromkeys(variant.parameters) | dict.fromkeys(found)
            variants[:] = [each for each in variants if each is not variant]
            variant, known = self._new_variant(tuple(parameters), structure, static, hooks), False
        if tracing():
            # The enclosing traces depend on the guards of a program that is already compiled.
            for guard in variant.guards.values():
                note_guard(*guard)
        if not known:
            # Only now, because another thread may look for a program. Outdated programs are removed.
            variants[:] = [*(each for each in variants if not each.outdated()), variant]
        return (output if variant.plain else unpack(output)), written

    def _new_variant(
        self, parameters: tuple[Parameter, ...], structure: Any, static: tuple[Any, ...], hooks: tuple[Any, ...]
    ) -> _Variant:
        variant = _Variant(parameters, Variables(self._sporax_original, *static))
        use_of(self._sporax_original).programs += 1

        def pure(values: list[Any], dynamic: list[Any]) -> Any:
            remaining = iter(dynamic)
            leaves = [next(remaining) if leaf is _STATIC else leaf for leaf in static]
            args, kwargs = map(restored, jax.tree.unflatten(structure, leaves))
            kwargs = kwargs or {}
            bound = dict(zip(parameters, values, strict=True))

            def call() -> Any:
                _hook_inputs((args, kwargs), hooks)
                for leaf in static:
                    if isinstance(leaf, Cell):
                        note_cell(leaf)
                output = pack(self._function(*args, **kwargs))
                variant.plain = is_plain(output)
                return output

            output, written, frame = run_framed(call, bound, discovers=True)
            variant.guards |= frame.guards
            variant.traced = True
            return output, written

        name = getattr(self._function, "__name__", type(self._function).__name__)
        pure.__name__ = pure.__qualname__ = name
        variant.compiled = jax.jit(pure)
        return variant


@overload
def jit(function: F) -> F: ...
@overload
def jit(*, jit_config: Any = ..., **options: Any) -> Callable[[F], F]: ...
def jit(function: Any = None, **options: Any) -> Any:
    """Compile a function with XLA. The Parameters that it reads and writes are found automatically.

    Tensors and arrays among the arguments are inputs; numbers, strings and flags are part of the program, which is
    compiled for each of their values. If the function needs the value of a Tensor in Python control flow
    (`if loss > 1:`), it runs eagerly from then on, and a warning names the file and line.

    A Cell or another object among the arguments is also part of the program. The program is compiled again after a
    change of an attribute of a Cell; as in MindSpore, not after a change of another object. It is compiled again after
    a write to a Tensor that the function captured, and if a captured variable is bound to another Cell, Tensor,
    function or class.

    Args:
        function: a function, a method, or a Cell.
        options: other arguments of MindSpore (`capture_mode`, `jit_level`, `fullgraph`, `input_signature`, ...),
            without effect on the result; see docs/differences.md.

    Returns:
        The compiled function, with the same arguments and result. Outputs other than Tensors and arrays (numbers,
        strings, types, None, objects that contain Tensors) are those of the call that compiled the program. As in
        MindSpore, a range, `zip`, `map` or `enumerate` becomes a tuple, and a generator a list.

    Raises:
        ArgumentTypeError: MindSpore's jit does not have an option.

    Examples:
        >>> from sporax import Parameter, Tensor, jit
        >>> count = Parameter(Tensor(0.0), name="count")
        >>> @jit
        ... def step(x):
        ...     count.set_data(count + 1)
        ...     return x * count
        >>> print(step(Tensor(3.0)), step(Tensor(3.0)), count.asnumpy())
        3.0 6.0 2.0

    Source: `mindspore.jit`, `jax.jit`.
    """
    for name in options:
        if name not in _OPTIONS:
            near = difflib.get_close_matches(name, _OPTIONS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ArgumentTypeError(
                f"jit: there is no argument {name!r}; the arguments are function, {', '.join(_OPTIONS)}.{hint} "
                "Arguments of the function that are not Tensors are always static."
            )
    if function is None:
        return jit
    if isinstance(function, Cell):
        cell = function
        return CompiledFunction(cell, lambda: tuple(cell.get_parameters()))
    return CompiledFunction(function)


class _ProgramOfCell:
    """The program of a Cell in GRAPH_MODE. It refers to this Cell, so a copy of the Cell has no program."""

    def __init__(self, compiled: CompiledFunction | None = None, cell: Cell | None = None) -> None:
        self.compiled: Any = compiled
        self.cell = cell

    def __reduce__(self) -> tuple[Any, ...]:
        return (_ProgramOfCell, ())


def _graph_call(cell: Cell, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call a Cell in GRAPH_MODE by a compiled program, which is stored in the Cell."""
    program = cell.__dict__.get("_compiled_call")
    if program is None or program.cell is not cell:
        # A shallow copy of a Cell has the program of the original.

        def run(*args: Any, **kwargs: Any) -> Any:
            return cell._run(args, kwargs)

        run.__name__ = run.__qualname__ = type(cell).__name__
        compiled = CompiledFunction(run, lambda: tuple(cell.get_parameters()))
        program = cell.__dict__["_compiled_call"] = _ProgramOfCell(compiled, cell)
    return program.compiled(*args, **kwargs)


install_graph_call(_graph_call)
