"""The loss to check, of any kind, as a pure function of arrays."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError, SporaxError
from sporax._jax_compat import x64_scope
from sporax.core import Cell, Tensor, unwrap, wrap
from sporax.nn import LossBase
from sporax.testing._inputs import Input, from_spec, parse_inputs
from sporax.transforms import functionalize

_GUESSES = (
    "f32[8, 6], f32[8, 6]",
    "f32[8, 6], i32[8] < 6",
    "f32[8], f32[8]",
    "f32[8, 6] in [0, 1], f32[8, 6] in [0, 1]",
    "f32[8, 6], f32[8, 6], f32[8, 6]",
    "f32[8, 6], f32[8, 6], i32[8] in {-1, 1}",
    "f32[8, 6], i32[8] < 6, f32[8] > 0",
    "f32[8, 6]",
)


class Subject:
    """A loss to check.

    Args:
        name: its name.
        target: a Cell, or a function.
        inputs: its inputs.
        row: its registry entry, for a built-in function.
        params: keyword arguments of every call.
        variants: creates the Cell with another reduction, if that is possible.
        coupled: whether the samples of a batch interact.
    """

    def __init__(
        self,
        name: str,
        target: Callable[..., Any],
        inputs: Sequence[Input],
        *,
        info: losses.LossInfo | None = None,
        params: Mapping[str, Any] | None = None,
        variants: Callable[[str], Any] | None = None,
        coupled: bool = False,
    ) -> None:
        self.name, self.target, self.inputs = name, target, tuple(inputs)
        self.info, self.params, self.variants = info, dict(params or {}), variants
        self.coupled = coupled or (
            info is not None and (info.function.spec.mask_parameter is not None or not info.output)
        )
        self.takes_tensors = isinstance(target, Cell)
        self._cells: dict[str, Any] = {}
        self.attributes = _plain_attributes(target)

    @property
    def floats(self) -> list[int]:
        """Indices of the differentiable inputs: floats that do not take only a few values."""
        return [at for at, item in enumerate(self.inputs) if item.is_float and not item.counts and item.choices is None]

    @property
    def documentation(self) -> str:
        """The docstrings of the loss."""
        target = self.target
        parts = [inspect.getdoc(target)]
        if isinstance(target, Cell):
            parts += [inspect.getdoc(type(target)), inspect.getdoc(type(target).construct)]
        return "\n".join(part for part in parts if part)

    def draw(self, seed: int, dtype: Any = None, scale: float = 1.0) -> list[np.ndarray]:
        """Return random inputs; floats in `dtype` if it is given."""
        rng = np.random.default_rng([seed, 5])
        arrays = [item.draw(rng, scale) for item in self.inputs]
        return self.cast(arrays, dtype) if dtype is not None else arrays

    def cast(self, arrays: Sequence[np.ndarray], dtype: Any) -> list[np.ndarray]:
        """Return the inputs with floats in another dtype."""
        return [
            array.astype(dtype) if item.is_float else array for item, array in zip(self.inputs, arrays, strict=True)
        ]

    def loss(self, reduction: str | None = None) -> Callable[..., jax.Array]:
        """Return the loss as a pure function of arrays.

        Args:
            reduction: another reduction than its own.

        Returns:
            `fn(*arrays)`.

        Raises:
            LookupError: it has no such reduction.
        """
        if self.info is not None:
            function = self.info.function
            if reduction is None:
                return lambda *arrays: jnp.asarray(function(*arrays, **self.params))
            return lambda *arrays: losses.evaluate(function, *arrays, reduction=reduction, **self.params)
        target = self._variant(reduction)
        if not self.takes_tensors:
            return lambda *arrays: one_array(target(*arrays, **self.params))
        pure, state = self.functional(target)
        return lambda *arrays: one_array(pure(state, *map(wrap, arrays), **self.params)[0])

    def functional(self, target: Callable[..., Any]) -> tuple[Callable[..., Any], dict[str, jax.Array]]:
        """Return a pure function of state and inputs, and the state after a first call."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                with x64_scope(False):
                    examples = [wrap(jnp.asarray(array)) for array in self.draw(0)]
                return functionalize(target, *examples, **self.params)
            except Exception:
                # It cannot be traced; the check says so.
                return functionalize(target)

    def direct(self, *arrays: Any) -> Any:
        """Call the loss as its user does: with Tensors for a Cell."""
        if self.takes_tensors:
            return self.target(*map(wrap, arrays), **self.params)
        return self.target(*arrays, **self.params)

    def _variant(self, reduction: str | None) -> Any:
        if reduction is None:
            return self.target
        if reduction not in self._cells:
            if self.variants is None:
                raise LookupError(f"{self.name} has no reduction {reduction!r}.")
            self._cells[reduction] = self.variants(reduction)
        return self._cells[reduction]

    def weighted(self) -> Callable[..., jax.Array] | None:
        """Return `fn(weights, *arrays)`, the reduced loss with one weight per sample, or None without weights."""
        if self.info is not None:
            function = self.info.function
            if function.spec.mask_parameter is not None or not function.spec.output:
                return None
            return lambda w, *arrays: losses.evaluate(
                function, *arrays, weights=self._broadcast_weights(w, arrays), **self.params
            )
        at = self.weight_index()
        if at is None:
            return None
        fn = self.loss()

        def call(w: Any, *arrays: Any) -> jax.Array:
            shape = self.inputs[at].shape[1:]
            full = jnp.broadcast_to(w.reshape(-1, *[1] * len(shape)), (w.shape[0], *shape))
            return fn(*arrays[:at], full.astype(arrays[at].dtype), *arrays[at + 1 :])

        return call

    def sample_axes(self) -> tuple[int, list[int | None]]:
        """Return the number of samples and their axis in each input; None for a shared input."""
        if self.info is not None and self.info.output:
            spec, axes = self.info.function.spec, []
            for item, given in zip(self.info.inputs, self.inputs, strict=True):
                named = item.axes(len(given.shape)) or ()
                axes.append(named.index(spec.output[0]) if spec.per_sample(item) else None)
            at = next(n for n, axis in enumerate(axes) if axis is not None)
            return self.inputs[at].shape[axes[at] or 0], axes
        count = self.inputs[0].shape[0] if self.inputs[0].shape else 0
        return count, [0 if item.shape[:1] == (count,) else None for item in self.inputs]

    @property
    def masks(self) -> list[int]:
        """Indices of the inputs that select samples or elements."""
        count = self.inputs[0].shape[:1]
        if self.info is not None or not count:
            return []
        return [at for at, item in enumerate(self.inputs) if at and item.is_mask and item.shape[:1] == count]

    def weight_index(self) -> int | None:
        """Return the index of the input that weights the samples, or None."""
        return next((at for at in self.masks if not self.inputs[at].is_inverted_mask), None)

    def ignored_label(self, at: int) -> float | None:
        """Return the ignored label of an input, or None."""
        item = self.inputs[at]
        if item.ignored is not None:
            return item.ignored
        if self.info is not None:
            spec = self.info.function.spec
            parameter = spec.ignore_parameter
            named = parameter is not None and spec.ignored_label.name == item.name
            value = self.params.get(parameter) if parameter is not None and named else None
        elif item.classes is None:
            return None
        else:
            value = self.params.get("ignore_index", getattr(self.target, "ignore_index", None))
            parameter = None if isinstance(self.target, Cell) else _all_parameters(self.target).get("ignore_index")
            if value is None and parameter is not None and parameter.default is not parameter.empty:
                value = parameter.default
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def _broadcast_weights(self, weights: Any, arrays: Sequence[Any]) -> Any:
        assert self.info is not None
        shape = jax.eval_shape(lambda *a: self.info.function(*a, **self.params), *arrays).shape  # pyright: ignore
        return jnp.reshape(weights, (-1, *[1] * (len(shape) - 1))) if shape else weights


def _plain_attributes(target: Any) -> dict[str, Any]:
    """Return the attributes of a Cell that are plain values, to detect changes by a call."""
    if not isinstance(target, Cell):
        return {}
    return {
        name: value
        for name, value in vars(target).items()
        if not name.startswith("_") and (value is None or isinstance(value, bool | int | float | str))
    }


def one_array(value: Any) -> jax.Array:
    """Return a result as one array, as training does: `loss` of a dict or the sum of its terms, item 0 of a tuple."""
    if isinstance(value, Mapping):
        if "loss" in value:
            return one_array(value["loss"])
        terms = [one_array(term) for term in value.values()]
        shapes = {term.shape for term in terms if term.shape}
        if len(shapes) > 1:
            raise LookupError(f"the terms have shapes {', '.join(map(str, sorted(shapes)))}: there is no sum of them.")
        return sum(terms, jnp.zeros(()))  # pyright: ignore[reportReturnType]
    if value is None:
        raise ArgumentTypeError("the loss returns None: a `return` is missing.")
    if isinstance(value, Tensor):
        return unwrap(value)
    if isinstance(value, tuple | list):
        return one_array(value[0])
    return jnp.asarray(value)


def objective(fn: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """Reduce a loss to a scalar: itself, or a sum in which each value has a different weight."""

    def number(*arrays: Any) -> jax.Array:
        values = fn(*arrays)
        if values.ndim == 0:
            return values
        weights = 1 + 0.3 * np.cos(np.arange(values.size)).reshape(values.shape)
        return jnp.sum(values * weights.astype(values.dtype))

    return number


def make_subject(
    target: Any,
    inputs: str | Sequence[Any] | None = None,
    *,
    arguments: Mapping[str, Any] | None = None,
    coupled: bool = False,
) -> Subject:
    """Return the subject of a check.

    Args:
        target: a loss class, a Cell, a function, or the name of a built-in one.
        inputs: text as `'f32[8, 10], i32[8] < 10'`, example arrays, or None to try common ones.
        arguments: constructor arguments of a class, keyword arguments of a function.
        coupled: whether the samples of a batch interact.

    Raises:
        ArgumentError: it cannot be created or called.
    """
    arguments = dict(arguments or {})
    if isinstance(target, str):
        target = losses.get(target).function
    if getattr(target, "itself", None) is target:
        return _built_in(target, arguments, inputs)
    variants: Callable[[str], Any] | None = None
    if inspect.isclass(target):
        target, variants = _instances(target, arguments)
        arguments = {}
    elif isinstance(target, LossBase):
        variants = _by_attribute(target)
    elif callable(target) and "reduction" in _parameters(target) and not isinstance(target, Cell):
        variants = _by_argument(target, arguments)
    if not callable(target):
        raise ArgumentTypeError(
            f"check_loss: the target must be a loss class, a Cell or a function, but got {target!r}."
        )
    if isinstance(target, Cell) and type(target).__module__.startswith("sporax."):
        # Its function determines whether the samples of a batch interact.
        specs = [info.function.spec for info in losses.by_cell(type(target).__name__)]
        coupled = coupled or any(spec.mask_parameter is not None or not spec.output for spec in specs)
    called = type(target).construct if isinstance(target, Cell) else target
    names = [name for name in _parameters(called) if name not in ("self", *arguments)]
    name = type(target).__name__ if isinstance(target, Cell) else getattr(target, "__name__", type(target).__name__)

    def subject(items: Sequence[Input]) -> Subject:
        made = Subject(name, target, items, params=arguments, variants=variants, coupled=coupled)
        made.takes_tensors = made.takes_tensors or not _runs(made)
        return made

    if inputs is None:
        return _guess(subject, name, names, called)
    if isinstance(inputs, str):
        return subject(_in_order(parse_inputs(inputs, names), names, called, name))
    items = []
    for at, value in enumerate(inputs):
        array = np.asarray(value)
        array = array.astype(np.float32) if array.dtype == np.float64 and isinstance(value, list | tuple) else array
        items.append(
            Input(names[at] if at < len(names) else f"input{at}", array.dtype, array.shape, given=array, probed=False)
        )
    return subject(items)


def _in_order(items: Sequence[Input], names: Sequence[str], called: Any, name: str) -> Sequence[Input]:
    """Sort inputs that are named like the parameters into the order of the parameters."""
    given = [item.name for item in items]
    expected = list(names[: len(items)])
    if given == expected or not set(given) & set(names) or sorted(given) == sorted(expected):
        return sorted(items, key=lambda item: expected.index(item.name)) if sorted(given) == sorted(expected) else items
    moved = [each for at, each in enumerate(given) if each in names and (at >= len(expected) or expected[at] != each)]
    if moved:
        raise ArgumentError(
            f"check_loss: the inputs are named {', '.join(given)}, but {name} takes {', '.join(_parameters(called))}. "
            f"Give them in that order, and what comes before {moved[0]!r} too."
        )
    return items


def _built_in(function: Any, arguments: dict[str, Any], inputs: Any) -> Subject:
    info = losses.get(function.spec.name)
    if info.function is not function:
        info = losses.LossInfo(function=function)
    # The last setting: if a loss offers a choice, its gradient is the derivative of the value there.
    params = {**[{}, *info.settings({**losses.EXAMPLE_SIZES, "N": 8})][-1], **arguments}
    if info.random and "sampled_values" not in params and "key" not in params:
        params["key"] = jax.random.key(0)
    sizes = {**losses.EXAMPLE_SIZES, "N": 8}
    examples = losses.example_inputs(info, rest=() if info.output[:1] == ("N",) else (8,), sizes=sizes)
    if inputs is None:
        items = [
            from_spec(spec, array, sizes["C"], info.examples is not None)
            for spec, array in zip(info.inputs, examples, strict=True)
        ]
    else:
        items = parse_inputs(inputs, [spec.name for spec in info.inputs])
    return Subject(info.name, function, items, info=info, params=params)


def _parameters(called: Any) -> list[str]:
    try:
        parameters = inspect.signature(called).parameters.values()
    except (TypeError, ValueError):
        return []
    return [each.name for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]


def _all_parameters(called: Any) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(called).parameters
    except (TypeError, ValueError):
        return {}


def _instances(cls: type, arguments: dict[str, Any]) -> tuple[Any, Callable[[str], Any] | None]:
    try:
        made = cls(**arguments)
    except TypeError as error:
        raise ArgumentError(
            f"check_loss: {cls.__name__} cannot be made with arguments {arguments}: {error}. "
            "Give what it needs, on the command line by --arg name=value."
        ) from error
    if "reduction" in inspect.signature(cls).parameters:
        return made, lambda reduction: cls(**{**arguments, "reduction": reduction})
    return made, _by_attribute(made) if isinstance(made, LossBase) else None


def _by_attribute(cell: LossBase) -> Callable[[str], Any]:
    def variant(reduction: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            before = cell.reduction, cell.reduce, cell.average
            cell.reduction, cell.reduce, cell.average = reduction, reduction != "none", reduction == "mean"
            try:
                return cell(*args, **kwargs)
            finally:
                cell.reduction, cell.reduce, cell.average = before

        return call

    return variant


def _by_argument(function: Callable[..., Any], given: Mapping[str, Any]) -> Callable[[str], Any]:
    return lambda reduction: lambda *args, **kwargs: function(*args, **{**kwargs, **given, "reduction": reduction})


def _runs(subject: Subject) -> bool:
    try:
        with x64_scope(False):
            one_array(subject.direct(*map(jnp.asarray, subject.draw(0))))
    except Exception:
        return False
    return True


def _guess(subject: Callable[[Sequence[Input]], Subject], name: str, names: list[str], called: Any) -> Subject:
    required = [
        each.name
        for each in inspect.signature(called).parameters.values()
        if each.default is each.empty and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    count = len([each for each in required if each != "self"])
    reasons = []
    for text in _GUESSES:
        items = parse_inputs(text, names)
        if len(items) != count:
            continue
        made = subject(items)
        try:
            with x64_scope(False):
                value = one_array(made.direct(*map(jnp.asarray, made.draw(0))))
            if jnp.issubdtype(value.dtype, jnp.floating) and bool(jnp.isfinite(value).all()):
                return made
            reasons.append(f"{text}: gave {value.dtype}, not finite numbers")
        except Exception as error:
            reasons.append(f"{text}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
    tried = "\n  ".join(reasons) or f"none of the usual inputs has {count} arrays"
    raise ArgumentError(
        f"check_loss: tell what {name}({', '.join(names)}) is called with, as inputs='f32[8, 10], i32[8] < 10'. "
        f"Tried:\n  {tried}"
    )


def load_target(text: str) -> Any:
    """Load `path/to/file.py:Name`, `package.module:Name`, or a built-in loss by name.

    Args:
        text: the location. Without `:Name`, the file must define exactly one loss class.

    Returns:
        A class or a function.

    Raises:
        ArgumentError: there is no such object; the message lists what the file defines.

    Example:
        >>> from sporax.testing import load_target
        >>> load_target("sporax.nn:HuberLoss").__name__
        'HuberLoss'

    Source: sporax's own.
    """
    path, _, name = text.rpartition(":") if ":" in text and not text.endswith(":") else (text, "", "")
    if not path.endswith(".py") and not name:
        found = losses.by_cell(path)
        if found:
            return getattr(importlib.import_module("sporax.nn"), path)
        return losses.get(path).function
    module = _load_file(path) if path.endswith(".py") else importlib.import_module(path)
    if name:
        if not hasattr(module, name):
            raise ArgumentError(f"{path} has no {name!r}. It defines {_defined(module)}.")
        return getattr(module, name)
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, LossBase) and value.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise ArgumentError(f"say which loss of {path} is meant, as {path}:Name. It defines {_defined(module)}.")
    return classes[0]


def _defined(module: Any) -> str:
    names = [
        name
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
    ]
    return ", ".join(names) or "nothing that can be called"


def _load_file(path: str) -> Any:
    file = Path(path).resolve()
    if not file.is_file():
        raise ArgumentError(f"there is no file {path!r}.")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ArgumentError(f"{path} is no Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.parent))
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except SporaxError:
        raise
    except Exception as error:
        raise ArgumentError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    return module
