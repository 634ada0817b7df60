"""Metric: the base class of metrics."""

from __future__ import annotations

import functools
from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from sporax._errors import ArgumentError, ArgumentTypeError, ShapeError, TrainError

__all__ = ["Metric", "rearrange_inputs"]


class Metric(metaclass=ABCMeta):
    """Base class of metrics: `clear`, then `update` for each batch, then `eval`.

    A subclass that uses `set_indexes` decorates its `update` with `rearrange_inputs`.

    Examples:
        >>> class Count(Metric):
        ...     def clear(self):
        ...         self.samples = 0
        ...
        ...     def update(self, *inputs):
        ...         self.samples += len(inputs[0])
        ...
        ...     def eval(self):
        ...         return self.samples
        >>> count = Count()
        >>> count.clear()
        >>> count.update([1, 2, 3])
        >>> count.eval()
        3

    Source: the class of the same name in MindSpore.
    """

    def __init__(self) -> None:
        self._indexes: list[int] | None = None

    @property
    def indexes(self) -> list[int] | None:
        """The indices of the inputs that `update` receives, in order; None for all inputs."""
        return getattr(self, "_indexes", None)

    def set_indexes(self, indexes: Sequence[int]) -> Metric:
        """Select and order the inputs of `update`.

        In `Model` these are the network's outputs, one by one, and the labels; or the outputs of `eval_network`.

        Args:
            indexes: a list of ints.

        Returns:
            This metric.

        Raises:
            ArgumentTypeError: `indexes` is not a list of ints.
        """
        if not isinstance(indexes, (list, tuple)) or not all(
            isinstance(each, int) and not isinstance(each, bool) for each in indexes
        ):
            raise ArgumentTypeError(
                f"{type(self).__name__}.set_indexes: `indexes` must be a list of ints, but got {indexes!r}."
            )
        self._indexes = list(indexes)
        return self

    @abstractmethod
    def clear(self) -> None:
        """Reset the metric."""

    @abstractmethod
    def update(self, *inputs: Any) -> None:
        """Update the metric with a batch.

        Args:
            inputs: the prediction and the true value.

        Raises:
            ShapeError, LabelError, DtypeError, ArgumentError, ArgumentTypeError: invalid inputs.
        """

    @abstractmethod
    def eval(self) -> Any:
        """Return the result for the batches since `clear`.

        Returns:
            A float.

        Raises:
            TrainError: there are no samples.
        """

    # --- for subclasses -------------------------------------------------------------------------------------

    def _convert_data(self, data: Any) -> np.ndarray:
        """Convert an input of `update` to a NumPy array, for custom metrics.

        Args:
            data: a Tensor, a `jax.Array`, a NumPy array or a list of numbers.

        Returns:
            The array, with the dtype of the input.

        Raises:
            ArgumentTypeError: `data` has another type, such as a tuple or a dict of several outputs.
            ShapeError: a list whose elements differ in shape.

        Examples:
            >>> from sporax import Tensor
            >>> from sporax.train import MAE
            >>> MAE()._convert_data(Tensor([1.0, 2.0]))
            array([1., 2.], dtype=float32)

        Source: the method of the same name in MindSpore.
        """
        if isinstance(data, (int, float, np.generic)):
            raise ArgumentTypeError(
                f"{type(self).__name__}: the input must be a Tensor, an array or a list, but got {data!r} of type "
                f"{type(data).__name__}."
            )
        return to_numpy(data, "the input", type(self).__name__)

    def _inputs(self, inputs: tuple[Any, ...], names: Sequence[str]) -> list[np.ndarray]:
        """Check the number of inputs, and convert them to arrays."""
        if len(inputs) != len(names):
            raise ArgumentError(
                f"{type(self).__name__}.update: it needs {len(names)} input(s), {', '.join(names)}, but got "
                f"{len(inputs)}."
            )
        return [as_array(value, name, type(self).__name__) for value, name in zip(inputs, names, strict=True)]

    def _check_samples(self, count: int) -> None:
        if not count:
            raise TrainError(f"{type(self).__name__}.eval: there are no samples yet. Call update first.")


def rearrange_inputs(func: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate `update` so that it receives the inputs that `set_indexes` selects.

    Args:
        func: the method.

    Returns:
        The decorated method; it raises ArgumentError if an index is out of range.

    Examples:
        >>> from sporax.train import MAE
        >>> error = MAE().set_indexes([2, 0])
        >>> error.update([1.0], [55.0], [3.0])
        >>> error.eval()
        2.0

    Source: the function of the same name in MindSpore.
    """

    @functools.wraps(func)
    def update(self: Metric, *inputs: Any) -> Any:
        indexes = self.indexes
        if indexes is None:
            return func(self, *inputs)
        if any(not -len(inputs) <= each < len(inputs) for each in indexes):
            raise ArgumentError(
                f"{type(self).__name__}.update: set_indexes selected {indexes}, but there are only {len(inputs)} "
                f"input(s)."
            )
        return func(self, *(inputs[each] for each in indexes))

    vars(update)["rearranges"] = True
    return update


def to_numpy(value: Any, name: str, where: str) -> np.ndarray:
    """Convert a Tensor, an array, a list or a number to an array of the same dtype."""
    if isinstance(value, (tuple, Mapping)):
        kind = "dict" if isinstance(value, Mapping) else type(value).__name__
        raise ArgumentTypeError(
            f"{where}: {name} is a {kind} of {len(value)} outputs, but a metric takes one Tensor, array or list. "
            "Select one: metric.set_indexes([output, label]), or Model(..., eval_network=...) with a network that "
            "returns what the metric takes."
        )
    parts = value if isinstance(value, list) else [value]
    if any(isinstance(each, np.ma.MaskedArray) and np.ma.is_masked(each) for each in parts):
        raise ArgumentTypeError(
            f"{where}: {name} is a masked array, but a metric counts every element. Select the unmasked elements: "
            "prediction[~mask], label[~mask]."
        )
    if value is None or isinstance(value, (str, bytes, set)):
        array = np.empty((), object)
    else:
        try:
            array = np.asarray(value)
        except ValueError as error:
            raise ShapeError(
                f"{where}: {name} is a list whose elements differ in shape, so it cannot be converted to an array: "
                f"{error}"
            ) from None
    if array.dtype.kind not in "biuf" and array.dtype.name != "bfloat16":
        raise ArgumentTypeError(
            f"{where}: {name} must be a Tensor, an array or a list of numbers, but got {value!r} of "
            f"type {type(value).__name__}."
        )
    return array


def as_array(value: Any, name: str, where: str) -> np.ndarray:
    """Convert like `to_numpy`, and half precision to float32."""
    array = to_numpy(value, name, f"{where}.update")
    return array.astype(np.float32) if array.dtype.name in ("bfloat16", "float16") else array


def same_shape(prediction: np.ndarray, label: np.ndarray, where: str) -> tuple[np.ndarray, np.ndarray]:
    """Reshape both arrays to the same shape; they may differ only in trailing axes of length 1, as (N,) and (N, 1)."""
    if prediction.shape == label.shape:
        return prediction, label
    short, long = sorted((prediction.shape, label.shape), key=len)
    if long[: len(short)] == short and set(long[len(short) :]) == {1}:
        return prediction.reshape(long), label.reshape(long)
    raise ShapeError(
        f"{where}.update: the prediction has shape {prediction.shape}, but the true value has shape "
        f"{label.shape}. Reshape one to match the other."
    )
