"""The loss to check, of any kind, as a pure function of arrays."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses
from sporax._errors import ArgumentTypeError
from sporax._jax_compat import x64_scope
from sporax.core import Cell, Tensor, unwrap, wrap
from sporax.testing._inputs import Input
from sporax.transforms import functionalize

SIZES = {**losses.EXAMPLE_SIZES, "N": 8}
"""The sizes of the axes of a built-in loss."""


class Subject:
    """A loss to check.

    Args:
        name: its name.
        target: a Cell, or a function.
        inputs: its inputs.
        info: its registry entry, for a built-in function.
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
            parameter = None if isinstance(self.target, Cell) else parameters_of(self.target).get("ignore_index")
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


def parameters_of(called: Any) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a function by name; none if it has no signature."""
    try:
        return inspect.signature(called).parameters
    except (TypeError, ValueError):
        return {}
