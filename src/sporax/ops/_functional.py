"""MindSpore's functional helpers: maps over trees, functions by argument type, the gradient operation."""

from __future__ import annotations

import functools
import numbers
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sporax._errors import ArgumentError, ArgumentTypeError
from sporax.core import Cell, Parameter, Tensor
from sporax.core.dtype import DType
from sporax.ops._base import entered
from sporax.transforms import grad

partial = entered(functools.partial, "partial")


@entered
class Partial:
    """`ops.partial` as a class: a function with its first arguments given.

    Examples:
        >>> from sporax import ops
        >>> ops.Partial()(pow, 2)(5)
        32

    Source: the class of the same name in MindSpore.
    """

    def __call__(self, func: Callable[..., Any], *args: Any, **kwargs: Any) -> functools.partial[Any]:
        """Return the function of the remaining arguments."""
        return functools.partial(func, *args, **kwargs)


_SEQUENCES = (tuple, list)


def _number(value: Any) -> bool:
    return isinstance(value, numbers.Number) and not isinstance(value, Tensor)


def _never(_: Any) -> bool:
    return False


_TESTS: dict[str, Callable[[Any], bool]] = {
    "Tensor": lambda value: isinstance(value, Tensor),
    "Parameter": lambda value: isinstance(value, Parameter),
    "Ref": lambda value: isinstance(value, Parameter),
    "Number": _number,
    "Bool": lambda value: isinstance(value, bool),
    "Int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "Float": lambda value: isinstance(value, float),
    "Complex": lambda value: isinstance(value, complex),
    "Tuple": lambda value: isinstance(value, tuple),
    "List": lambda value: isinstance(value, list),
    "Dictionary": lambda value: isinstance(value, Mapping),
    "Slice": lambda value: isinstance(value, slice),
    "Ellipsis": lambda value: value is Ellipsis,
    "String": lambda value: isinstance(value, str),
    "None": lambda value: value is None,
    "Function": callable,
    "Cell": lambda value: isinstance(value, Cell),
    "TypeType": lambda value: isinstance(value, DType),
}
# MindSpore's other names of Python's numbers.
_TESTS |= {"int": _TESTS["Int"], "float": _TESTS["Float"], "bool": _TESTS["Bool"]}
_TESTS |= {"Int64": _TESTS["Int"], "Float32": _TESTS["Float"], "Float64": _TESTS["Float"]}
# Types that sporax does not have: a function for them may be registered, but is never called.
_TESTS |= dict.fromkeys(("RowTensor", "CSRTensor", "COOTensor", "MapTensor", "EnvType", "Undetermined"), _never)
_TESTS |= dict.fromkeys(("Int8", "Int16", "Int32", "UInt", "UInt8", "UInt16", "UInt32", "UInt64", "Float16"), _never)

_TYPED_TENSOR = re.compile(r"Tensor\[(\w+)\]")


def _known(kind: Any) -> bool:
    return not isinstance(kind, str) or kind in _TESTS or _TYPED_TENSOR.fullmatch(kind) is not None


def _matches(kind: Any, value: Any) -> bool:
    if isinstance(kind, str):
        typed = _TYPED_TENSOR.fullmatch(kind)
        if typed is not None:
            return isinstance(value, Tensor) and str(value.dtype) == typed[1]
        return _TESTS[kind](value)
    if isinstance(kind, DType):
        return isinstance(value, Tensor) and value.dtype == kind
    return isinstance(value, kind)


@entered
class MultitypeFuncGraph:
    """One name for several functions; the first one that matches the types of the arguments is called.

    A single function is called whatever the types.

    Args:
        name: the name.
        read_value: kept for MindSpore code; sporax hands Parameters on as they are.

    Examples:
        >>> from sporax import ops, Tensor
        >>> double = ops.MultitypeFuncGraph("double")
        >>> @double.register("Number")
        ... def _double_number(x):
        ...     return 2 * x
        >>> @double.register("Tensor")
        ... def _double_tensor(x):
        ...     return x + x
        >>> print(double(3), double(Tensor([1.5])))
        6 [3.]

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, name: str, read_value: bool = False) -> None:
        self.name = name
        self.entries: list[tuple[tuple[Any, ...], Callable[..., Any]]] = []

    def register(self, *type_names: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Register a function for arguments of these types.

        Args:
            type_names: one for each argument: a name ("Tensor", "Tensor[Float32]", "Number", "Int", "Float", "Bool",
                "Tuple", "List", "Dictionary", "String", "None", "Function", "Cell", "Parameter"), a dtype, or a
                Python type. The names of sparse tensors ("RowTensor", ...) are taken, and match nothing: sporax has
                no such values.

        Raises:
            ArgumentError: a name that sporax does not know.
        """
        for kind in type_names:
            if not _known(kind):
                raise ArgumentError(
                    f"MultitypeFuncGraph {self.name!r}: unknown type name {kind!r}; it has: {', '.join(_TESTS)}."
                )

        def enter(function: Callable[..., Any]) -> Callable[..., Any]:
            self.entries.append((type_names, function))
            return function

        return enter

    def __call__(self, *args: Any) -> Any:
        if len(self.entries) == 1:
            # MindSpore does not check the types of a single function either.
            return self.entries[0][1](*args)
        for kinds, function in self.entries:
            if len(kinds) == len(args) and all(map(_matches, kinds, args)):
                return function(*args)
        given = ", ".join(type(arg).__name__ for arg in args)
        known = "; ".join(", ".join(str(kind) for kind in kinds) for kinds, _ in self.entries) or "none"
        raise ArgumentError(
            f"MultitypeFuncGraph {self.name!r}: no function for arguments of types ({given}); it has: {known}."
        )


@entered
class Map:
    """Call a function for each entry of one or more tuples in parallel.

    Args:
        ops: the function. Default: the first argument of the call.
        reverse: start at the end; the results keep their positions.

    Raises:
        ArgumentError: the tuples differ in length.

    Examples:
        >>> from sporax import ops
        >>> ops.Map()(lambda a, b: a + b, (1, 2), (3, 4))
        (4, 6)

    Source: the class of the same name in MindSpore.
    """

    _deep = False

    def __init__(self, ops: Callable[..., Any] | None = None, reverse: bool = False) -> None:
        self.ops = ops
        self.reverse = reverse

    def __call__(self, *args: Any) -> Any:
        function, trees = (args[0], args[1:]) if self.ops is None else (self.ops, args)
        if not callable(function):
            raise ArgumentTypeError(
                f"{type(self).__name__}: the first argument must be a function, but got {function!r}."
            )
        if not trees:
            raise ArgumentError(f"{type(self).__name__}: there is nothing to map over.")
        return self._over(function, trees, nested=False)

    def _over(self, function: Callable[..., Any], trees: Sequence[Any], *, nested: bool) -> Any:
        first = trees[0]
        inner = not nested or self._deep
        if inner and isinstance(first, Mapping):
            self._same_length(trees, Mapping)
            keys = list(first)[:: -1 if self.reverse else 1]
            done = {key: self._over(function, [tree[key] for tree in trees], nested=True) for key in keys}
            return {key: done[key] for key in first}
        if inner and isinstance(first, _SEQUENCES):
            self._same_length(trees, _SEQUENCES)
            entries = list(zip(*trees, strict=True))[:: -1 if self.reverse else 1]
            results = [self._over(function, entry, nested=True) for entry in entries]
            return tuple(results[:: -1 if self.reverse else 1])
        return function(*trees)

    def _same_length(self, trees: Sequence[Any], kind: Any) -> None:
        for tree in trees:
            if not isinstance(tree, kind) or len(tree) != len(trees[0]):
                shown = [len(each) if hasattr(each, "__len__") else type(each).__name__ for each in trees]
                raise ArgumentError(
                    f"{type(self).__name__}: all arguments must be of the same structure, but their lengths are "
                    f"{shown}."
                )


@entered
class HyperMap(Map):
    """Call a function for each leaf of one or more nested tuples, lists or dicts of the same structure.

    Args:
        ops: the function. Default: the first argument of the call.
        reverse: start at the end; the results keep their positions.

    Raises:
        ArgumentError: the structures differ.

    Examples:
        >>> from sporax import ops
        >>> ops.HyperMap()(lambda a: a + 1, ((1, 2), 3))
        ((2, 3), 4)

    Source: the class of the same name in MindSpore.
    """

    _deep = True


@entered
class GradOperation:
    """Gradient operation, the older form of `grad`.

    Args:
        get_all: by all inputs, as a tuple; else by the first.
        get_by_list: by Parameters, as a tuple; with `get_all` the pair of both.
        sens_param: the call's last argument is the gradient of the output, of its shape (for several outputs a
            tuple).

    Examples:
        >>> from sporax import ops, Tensor
        >>> gradient = ops.GradOperation(get_all=True)(lambda x, y: x * y)
        >>> by_x, by_y = gradient(Tensor(2.0), Tensor(3.0))
        >>> print(by_x, by_y)
        3.0 2.0

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, get_all: bool = False, get_by_list: bool = False, sens_param: bool = False) -> None:
        for name, value in {"get_all": get_all, "get_by_list": get_by_list, "sens_param": sens_param}.items():
            if not isinstance(value, bool):
                raise ArgumentTypeError(f"GradOperation: `{name}` must be a bool, but got {value!r}.")
        self.get_all = get_all
        self.get_by_list = get_by_list
        self.sens_param = sens_param

    def __call__(self, fn: Callable[..., Any], weights: Any = None) -> Callable[..., Any]:
        """The function that computes the gradient.

        Args:
            fn: a Cell or a function.
            weights: with `get_by_list`, the Parameters. Default: the trainable ones of the Cell.

        Raises:
            ArgumentError: `get_by_list` with a function and no `weights`.
        """
        parameters = self._parameters(fn, weights)

        def gradient(*args: Any) -> Any:
            inputs = args[:-1] if self.sens_param else args
            if self.get_all:
                # As in MindSpore, the tuple has no element for inputs other than Tensors.
                positions: Any = tuple(i for i, each in enumerate(inputs) if hasattr(each, "dtype"))
            else:
                positions = None if self.get_by_list else 0
            return grad(fn, positions, parameters, sens_param=self.sens_param)(*args)

        return gradient

    def _parameters(self, fn: Any, weights: Any) -> Any:
        if not self.get_by_list:
            return None
        if weights is not None:
            return weights
        if not isinstance(fn, Cell):
            raise ArgumentError("GradOperation: with `get_by_list` and a plain function, give `weights`.")
        return fn.trainable_params()
