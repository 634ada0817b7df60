"""Programs of the eager mode: a function of Tensors, compiled for the structure, shapes and dtypes of its arguments.

`plan` separates the arguments of a call into *leaves* (Tensors, Parameters, arrays) and a key of everything else. Calls
with one key share a `Program`, which runs the function under `jax.jit`, together with its pullback if some leaves are
differentiated. Parameters that the function writes, and Tensors that it changes in place, are outputs of the program.
A function that needs the value of a Tensor in Python is differentiated without being compiled.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from sporax._errors import SporaxWarning
from sporax._jax_compat import is_tracer, quick_compile_options, x64_scope
from sporax._value_checks import checks_enabled, collecting
from sporax.core import (
    STATE,
    Frame,
    Generator,
    Parameter,
    ParameterTuple,
    Tensor,
    WeakNumber,
    compute_dtype,
    computing_in,
    entered,
    is_floating,
    wrap,
)
from sporax.core.dtype import DType

Array = Any

LIMIT = 512
"""The number of programs that are kept for one function."""

_LOSSES = ("sporax.nn.loss", "sporax.ops._loss")

LONGEST = 64
"""The length up to which a sequence of Python numbers is part of a key."""

_PLAIN = frozenset((bool, int, str, bytes, type(None), type(Ellipsis), complex, DType, Generator))


class Unplannable(Exception):
    """An argument that a key cannot describe, such as a function."""


class Leaf:
    """The position of a leaf in a template of arguments or outputs."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


class ById:
    """An object in a key, compared by identity."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ById) and other.value is self.value

    def __hash__(self) -> int:
        return id(self.value)


class Plan:
    """The leaves of a call, in the order of their first use, and the key of the rest."""

    __slots__ = ("_seen", "key", "leaves")

    def __init__(self) -> None:
        self.leaves: list[Any] = []
        self.key: list[Any] = []
        self._seen: dict[int, int] = {}

    def add(self, value: Any) -> None:
        """Take a value of the arguments.

        Raises:
            Unplannable: a key cannot describe the value.
        """
        kind = type(value)
        if kind is Tensor or kind is Parameter:
            self._leaf(value, kind, value._array)
        elif kind in _PLAIN:
            self.key.append((kind, value))
        elif kind is float:
            # The text separates 0.0 from -0.0 and makes NaN equal to itself.
            self.key.append((kind, repr(value)))
        elif kind is tuple or kind is list or kind is ParameterTuple:
            if len(value) > LONGEST:
                raise Unplannable("a long sequence, which is data")
            self.key.append((kind, len(value)))
            for each in value:
                self.add(each)
        elif kind is dict:
            self.key.append((kind, tuple(value)))
            for each in value.values():
                self.add(each)
        elif kind is slice:
            self.key.append((kind, value.start, value.stop, value.step))
        elif kind is WeakNumber:
            self.leaves.append(value.value)
            self.key.append((kind, type(value.value)))
        elif isinstance(value, (jax.Array, np.ndarray)):
            self._leaf(value, kind, value)
        elif isinstance(value, np.generic):
            self.key.append((kind, repr(value)))
        elif isinstance(value, (type, np.dtype)):
            self.key.append(value)
        else:
            raise Unplannable(f"an argument of type {kind.__name__}")

    def _leaf(self, value: Any, kind: type, array: Any) -> None:
        index = self._seen.get(id(value))
        if index is not None:
            self.key.append(index)
            return
        if is_tracer(array):
            raise Unplannable("a traced array")
        self._seen[id(value)] = len(self.leaves)
        self.leaves.append(value)
        # A weak type changes what a program computes, as the dtype does. NumPy arrays have none.
        self.key.append((kind, array.shape, array.dtype, getattr(array, "weak_type", False)))


def _template(value: Any, indices: dict[int, int], leaves: list[Any]) -> Any:
    """Return the arguments with a `Leaf` for each leaf; traverses them as `Plan.add` does."""
    kind = type(value)
    if kind is WeakNumber:
        leaves.append(value)
        return Leaf(len(leaves) - 1)
    if isinstance(value, (Tensor, jax.Array, np.ndarray)):
        if id(value) not in indices:
            indices[id(value)] = len(leaves)
            leaves.append(value)
        return Leaf(indices[id(value)])
    if kind is tuple or kind is list or kind is ParameterTuple:
        return (list if kind is list else tuple)(_template(each, indices, leaves) for each in value)
    if kind is dict:
        return {name: _template(each, indices, leaves) for name, each in value.items()}
    return value


class Missing(Exception):
    """The function reads Parameters that are not inputs of the program yet."""

    def __init__(self, parameters: Sequence[Parameter]) -> None:
        super().__init__(f"{len(parameters)} Parameter(s)")
        self.parameters = tuple(parameters)


class NotCompiledError(Exception):
    """The function cannot be compiled."""


class Output:
    """The position of an output array in the template of outputs: which Tensor or array it becomes."""

    __slots__ = ("floating", "index", "tensor")

    def __init__(self, floating: bool, index: int, tensor: bool) -> None:
        self.floating = floating
        self.index = index
        self.tensor = tensor

    def array(self, floating: Sequence[Array], rest: Sequence[Array]) -> Array:
        """Return the array, of the two groups of outputs of a call."""
        return floating[self.index] if self.floating else rest[self.index]


class _Call(threading.local):
    current: tuple[Callable[..., Any], Sequence[Any]] | None = None
    """The function and the leaves of the call whose program may be traced."""


_CALL = _Call()


class Program:
    """A function, compiled for calls with one key.

    It is traced in the first call, and again where a setting of JAX changes. Functions that cannot be compiled are
    traced in each call.

    Args:
        args, kwargs: the arguments of a call with this key.
        flags: which leaves of its plan are differentiated.
        quick: whether a short compilation is preferred to the fastest elementwise code.
    """

    def __init__(
        self, args: tuple[Any, ...], kwargs: dict[str, Any], flags: tuple[bool, ...], *, quick: bool = False
    ) -> None:
        self._arguments = _template((args, kwargs), {}, [])
        self._precision = compute_dtype()
        self._compiled: Any = None
        self.flags = flags
        self._differentiated = [i for i, flag in enumerate(flags) if flag]
        self._others = [i for i, flag in enumerate(flags) if not flag]
        self.state: tuple[Parameter, ...] = ()
        """Parameters that the function reads without being given them, such as a random key."""
        self._traces = 0
        self.quick = quick
        self.eager = False
        """Whether the function cannot be compiled."""
        self.outputs: Any = None
        """The template of the outputs, with `Output` and `Leaf`."""
        self.rebound: tuple[tuple[int, Output], ...] = ()
        """The leaves that are Tensors and are changed in place, and their new arrays."""
        self.written: tuple[tuple[Any, Output], ...] = ()
        """The Parameters that are written, as indices of leaves or in `state`, and their new arrays."""
        self._checks: tuple[Callable[[Any], None], ...] = ()

    def __call__(self, function: Callable[..., Any], leaves: Sequence[Any], arrays: Sequence[Array]) -> Any:
        """Return the floating outputs, the other outputs, and the pullback, or None if no leaf is differentiated.

        Args:
            function: the function of Tensors.
            leaves: the leaves of the plan of this call.
            arrays: their arrays.
        """
        differentiated = tuple([arrays[i] for i in self._differentiated])
        others = tuple([arrays[i] for i in self._others])
        state = tuple(each._concrete() for each in self.state) if self.state else ()
        _CALL.current = function, leaves
        with x64_scope(True):
            if self._compiled is not None:
                floating, rest, pullback = self._compiled(differentiated, others, state)
            else:
                floating, rest, pullback = self._first(differentiated, others, state)
            _CALL.current = None
            if self._checks:
                count = len(rest) - len(self._checks)
                for check, values in zip(self._checks, rest[count:], strict=True):
                    if not is_tracer(values):
                        check(values)
                rest = rest[:count]
        return floating, rest, pullback

    def _first(self, differentiated: Any, others: Any, state: Any) -> Any:
        if self.eager:
            return self._trace_again(differentiated, others)
        try:
            while True:
                compiled = jax.jit(self._trace, compiler_options=quick_compile_options() if self.quick else None)
                try:
                    result = compiled(differentiated, others, state)
                    break
                except Missing as missing:
                    self._traces += 1
                    self.state = (*self.state, *missing.parameters)
                    state = tuple(each._concrete() for each in self.state)
        except Exception:
            self.eager = True
            # If the function itself raises an error, it does so again.
            return self._trace_again(differentiated, others)
        self._compiled = compiled
        return result

    def _trace_again(self, differentiated: Any, others: Any) -> Any:
        """Run without compiling.

        Raises:
            NotCompiledError: nothing is differentiated, so the function itself is called instead.
        """
        if not differentiated:
            raise NotCompiledError
        while True:
            try:
                return self._trace(differentiated, others, tuple(each._concrete() for each in self.state))
            except Missing as missing:
                self._traces += 1
                self.state = (*self.state, *missing.parameters)

    def _trace(self, differentiated: Any, others: Any, state: Any) -> Any:
        compute = functools.partial(self._compute, others=others, state=state)
        if not differentiated:
            floating, rest = compute(())
            return floating, rest, None
        floating, pullback, rest = jax.vjp(compute, differentiated, has_aux=True)
        return floating, rest, pullback

    def _compute(self, differentiated: Any, others: Any, state: Any) -> Any:
        assert _CALL.current is not None
        function, leaves = _CALL.current
        given, rest = iter(differentiated), iter(others)
        values = [next(given) if flag else next(rest) for flag in self.flags]
        bound: dict[Parameter, Any] = dict(zip(self.state, state, strict=True))
        tensors: list[Any] = []
        for leaf, value in zip(leaves, values, strict=True):
            if isinstance(leaf, Parameter):
                bound[leaf] = value
                tensors.append(leaf)
            else:
                tensors.append(wrap(value) if isinstance(leaf, Tensor) else value)
        args, kwargs = restored(self._arguments, tensors)
        frame = Frame(bound, discovers=True)
        tape, STATE.tape = STATE.tape, None
        recording, STATE.recording = STATE.recording, None
        try:
            with collecting(not self.eager) as collector, entered(frame), computing_in(self._precision):
                output = function(*args, **kwargs)
                return self._results(output, tensors, values, frame, collector)
        finally:
            STATE.tape, STATE.recording = tape, recording

    def _results(self, output: Any, tensors: list[Any], values: list[Any], frame: Any, collector: Any) -> Any:
        # A Parameter that the function creates is an input of the program if the function keeps it, as a Generator
        # does: then it is not created again in the second trace.
        missed = [each for each in frame.missed if self._traces < 3 or each not in frame.created]
        if missed:
            raise Missing(missed)
        floating: list[Array] = []
        rest: list[Array] = []

        def put(array: Array, tensor: bool = True) -> Output:
            group = floating if is_floating(array) else rest
            group.append(array)
            return Output(group is floating, len(group) - 1, tensor)

        leaves = {id(each): i for i, each in enumerate(tensors)}

        def packed(value: Any) -> Any:
            if isinstance(value, Tensor):
                return Leaf(leaves[id(value)]) if id(value) in leaves else put(value._value, True)
            if isinstance(value, jax.Array) or is_tracer(value):
                return put(value, False)
            if type(value) in (tuple, list):
                return type(value)(packed(each) for each in value)
            if isinstance(value, tuple) and hasattr(value, "_fields"):
                return type(value)(*(packed(each) for each in value))
            if type(value) is dict:
                return {name: packed(each) for name, each in value.items()}
            return value

        self.outputs = packed(output)
        self.rebound = tuple(
            (i, put(tensor._value))
            for i, (tensor, value) in enumerate(zip(tensors, values, strict=True))
            if isinstance(tensor, Tensor) and not isinstance(tensor, Parameter) and tensor._value is not value
        )
        self.written = tuple(
            (leaves.get(id(parameter), parameter), put(value))
            for parameter, value in zip(*frame.written_values(), strict=True)
        )
        self._checks = tuple(check for check, _ in collector.found)
        return tuple(floating), (*rest, *(values for _, values in collector.found))


def restored(template: Any, leaves: Sequence[Any], make: Callable[[Output], Any] | None = None) -> Any:
    """Return the values of a template.

    Args:
        template: arguments or outputs of a program.
        leaves: the values of each `Leaf`.
        make: returns the Tensor or array of an `Output`; arguments have none.
    """
    kind = type(template)
    if kind is Leaf:
        return leaves[template.index]
    if kind is Output and make is not None:
        return make(template)
    if kind is tuple or kind is list:
        return kind(restored(each, leaves, make) for each in template)
    if kind is dict:
        return {name: restored(each, leaves, make) for name, each in template.items()}
    if isinstance(template, tuple) and hasattr(template, "_fields"):
        return type(template)(*(restored(each, leaves, make) for each in template))
    return template


class _Programs:
    """The programs of each function, at most `LIMIT` of one function."""

    def __init__(self) -> None:
        self._of: dict[Any, OrderedDict[Any, Program]] = {}
        self._warned: set[Any] = set()

    def find(self, function: Any, key: Any) -> Program | None:
        """Return the program of a call, if there is one."""
        programs = self._of.get(function)
        return None if programs is None else programs.get(key)

    def keep(self, function: Any, key: Any, program: Program) -> None:
        """Keep a program; beyond the limit the oldest one is dropped, with one warning for a function."""
        programs = self._of.setdefault(function, OrderedDict())
        programs[key] = program
        if len(programs) <= LIMIT:
            return
        programs.popitem(last=False)
        if function not in self._warned:
            self._warned.add(function)
            name = getattr(function, "__qualname__", repr(function))
            warnings.warn(
                f"{name} was compiled for {LIMIT} different combinations of shapes and arguments in eager code, and "
                "older programs are dropped. Where shapes never repeat, pad the inputs to a few fixed shapes.",
                SporaxWarning,
                stacklevel=2,
            )


PROGRAMS = _Programs()


def program_for(
    owner: Any, args: tuple[Any, ...], kwargs: dict[str, Any], plan: Plan, flags: tuple[bool, ...]
) -> Program:
    """Return the program of a call.

    Args:
        owner: the function, or what else the program belongs to.
        args, kwargs: the arguments.
        plan: their plan.
        flags: which leaves of the plan are differentiated.
    """
    key = (tuple(plan.key), flags, compute_dtype(), checks_enabled())
    program = PROGRAMS.find(owner, key)
    if program is None:
        # A loss is called in every step, and is all elementwise formulas and sums.
        of_loss = (getattr(owner, "__module__", None) or "").startswith(_LOSSES)
        program = Program(args, kwargs, flags, quick=True in flags and not of_loss)
        PROGRAMS.keep(owner, key, program)
    return program
