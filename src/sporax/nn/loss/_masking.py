"""Wrappers that change what a loss sees of a batch: masks, and smoothed labels."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check, losses
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError, ShapeError
from sporax._jax_compat import is_tracer, x64_scope
from sporax.core import Tensor, to_array, unwrap, wrap
from sporax.nn.loss._base import LossBase, RegisteredLoss, _built_in
from sporax.nn.loss._calls import call_loss
from sporax.nn.loss._capture import removing
from sporax.nn.loss._classification import CrossEntropyLoss, SoftmaxCrossEntropyWithLogits
from sporax.nn.loss._labels import are_indices
from sporax.nn.loss._terms import check_loss

_SMOOTHABLE = ("real", "distribution", "probability", "nonnegative")
"""Domains of labels that stay in their domain when they are smoothed."""


class MaskedLoss(LossBase):
    r"""A loss of some places of a batch only: removed places count for nothing, as if they were not there.

    Neither value, gradient nor the denominator of the mean knows of a removed place, whatever it holds (NaN, a label
    of no class). With nothing left the loss is 0.

    Args:
        loss: a loss of `nn`; a custom one that ends with `get_loss`, or returns unreduced values; or a function that
            returns unreduced values.
        ignore_value: the label that removes its place; NaN for labels that are missing. Without it the last input is
            the mask.
        reduction: "mean", "sum" or "none", for a function; a Cell has its own.

    Inputs:
        inputs: those of the loss.
        mask: the last one, without `ignore_value`: a Tensor whose axes are the first ones of the unreduced values
            (one number a sample, or one a place); 0 or False removes.

    Returns:
        what the loss returns.

    Raises:
        ArgumentError: an unknown reduction, or one given beside a Cell.
        ArgumentTypeError: `loss` cannot be called.
        ShapeError: a mask that does not fit; or a loss that reduces by itself, so that nothing can be removed.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.MaskedLoss(nn.MSELoss())
        >>> print(loss(Tensor([1.0, 5.0, 3.0]), Tensor([0.0, 5.0, 0.0]), Tensor([True, True, False])))
        0.5
        >>> loss = nn.MaskedLoss(nn.L1Loss(), ignore_value=float("nan"))
        >>> print(loss(Tensor([1.0, 5.0]), Tensor([float("nan"), 3.0])))
        2.0

    Source: `sample_weight` and masks in Keras; the contract of losses in sporax.
    """

    def __init__(
        self, loss: Callable[..., Any], ignore_value: float | None = None, reduction: str | None = None
    ) -> None:
        super().__init__("mean" if reduction is None else reduction)
        where = "MaskedLoss"
        self.loss = check_loss(loss, "loss", where)
        if isinstance(loss, LossBase):
            if reduction is not None:
                raise ArgumentError(f"{where}: `reduction` is for functions; {type(loss).__name__} has its own.")
            # It may be one that only its class knows, as "batchmean".
            self.reduction = loss.reduction
        if ignore_value is not None and not isinstance(ignore_value, (int, float)):
            raise ArgumentTypeError(f"{where}: `ignore_value` must be a number, but got {ignore_value!r}.")
        self.ignore_value = ignore_value

    def _split(self, inputs: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
        """The loss's inputs, and which places are kept."""
        if len(inputs) < 2:
            raise ArgumentError(
                f"MaskedLoss: it takes the inputs of the loss{' and the mask' if self.ignore_value is None else ''}, "
                f"but got {len(inputs)} input(s)."
            )
        last = inputs[-1]
        last = last if isinstance(last, np.ndarray) else to_array(last)
        if self.ignore_value is None:
            return inputs[:-1], last != 0
        if math.isnan(self.ignore_value):
            return inputs, last == last
        return inputs, last != self.ignore_value

    def construct(self, *inputs: Any) -> Any:
        """The loss of the places that are kept."""
        with x64_scope(True):
            given, kept = self._split(inputs)
            own = type(self.loss)
            # A built-in loss keeps removed places from its formula. One of a user's may divide by what they hold.
            if not (issubclass(own, RegisteredLoss) and own.construct is _built_in(own)[0].construct):
                given = tuple(wrap(_refilled(to_array(each), kept)) for each in given)
        with removing(kept) as removal:
            value = call_loss(self.loss, *given)
            if removal.used:
                return value
            if not isinstance(value, Tensor) or (value.ndim == 0 and kept.size > 1):
                name = getattr(self.loss, "__name__", type(self.loss).__name__)
                raise ShapeError(
                    f"MaskedLoss: {name} reduces by itself and gave {value!r}, so no place of the mask {kept.shape} "
                    "can be removed. Have it return unreduced values, or end it with self.get_loss(values)."
                )
            return self.get_loss(value)

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host; see `LossBase.check_labels`. Removed places are not looked at."""
        if isinstance(self.loss, LossBase) and labels:
            columns, kept = self._split(("output", *map(np.asarray, labels)))
            self.loss.check_labels(input_shapes, *(_refilled(column, kept) for column in columns[1:]))


def _refilled(array: Any, kept: Any) -> Any:
    """The array with copies of the first kept place in the removed ones: there every formula is as good as there."""
    xp: Any = np if isinstance(array, np.ndarray) and isinstance(kept, np.ndarray) else jnp
    while kept.ndim > array.ndim and kept.shape[-1] == 1:
        kept = kept[..., 0]
    rank = kept.ndim
    if array.ndim == rank + 1 and rank and array.shape[:rank] != kept.shape:
        # Scores of classes along axis 1, and a mask of places: (N, C, ...) and (N, ...).
        return xp.moveaxis(_refilled(xp.moveaxis(array, 1, -1), kept), -1, 1)
    if not rank or not kept.size or array.shape[:rank] != kept.shape:
        return array
    rest = array.shape[rank:]
    first = xp.argmax(kept.reshape(-1))
    row = array.reshape((kept.size, *rest))[first].reshape((1,) * rank + rest)
    row = xp.where(kept.any(), row, xp.asarray(0.5 if jnp.issubdtype(array.dtype, jnp.floating) else 0, array.dtype))
    return xp.where(kept.reshape(kept.shape + (1,) * len(rest)), array, row if xp is np else jax.lax.stop_gradient(row))


class LabelSmoothing(LossBase):
    r"""A loss with its labels moved towards the uniform distribution: :math:`q_c = (1 - s)\, y_c + \frac{s}{C}`.

    Class indices become distributions over the classes of the logits. `CrossEntropyLoss` is given the share as its
    own `label_smoothing`, so that class weights and its mean are as there. For a built-in loss on probabilities, such
    as `BCELoss`, C is 2: each label moves towards 1/2. With half-precision logits, the distributions and the result
    of other losses are float32.

    Args:
        loss: a loss on distributions or probabilities, or on class indices if it is `CrossEntropyLoss` or
            `SoftmaxCrossEntropyWithLogits(sparse=True)`; or a function of logits and distributions.
        factor: the share s of the uniform distribution, in [0, 1].
        axis: the axis of the classes in the logits; that of the built-in loss, or the last one, unless given.
        classes: C for labels that are no class indices, where it is not the size of that axis: 2 for a function of
            probabilities.
        ignore_index: a class index that stands for no label; its places are removed, as `MaskedLoss` does. The
            loss's own, if it has one, unless given.

    Inputs:
        logits: Tensor, floating.
        labels: class indices, of the shape of the logits without the axis of the classes; or distributions or
            probabilities of the shape of the logits.
        inputs: what else the loss takes.

    Returns:
        what the loss returns.

    Raises:
        ArgumentError: `factor` outside [0, 1]; a loss that smooths already, or whose labels cannot be smoothed.
        ArgumentTypeError: `loss` cannot be called.
        ShapeError: labels that do not fit the logits.
        LabelError: an index outside [0, C), where the values are known; in compiled code that place is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.LabelSmoothing(nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean"), 0.5)
        >>> print(loss(Tensor([[0.0, 2.0]]), Tensor([1])).asnumpy().round(4))
        0.6269
        >>> loss = nn.LabelSmoothing(nn.BCELoss(), 0.2)
        >>> print(loss(Tensor([0.9]), Tensor([1.0])).asnumpy().round(4))
        0.3251

    Source: Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", 2016; for probabilities
    `label_smoothing` of Keras' BinaryCrossentropy.
    """

    def __init__(
        self,
        loss: Callable[..., Any],
        factor: float = 0.1,
        axis: int | None = None,
        classes: int | None = None,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__()
        where = "LabelSmoothing"
        self.loss = check_loss(loss, "loss", where)
        self.factor = _check.number(factor, name="factor", where=where, minimum=0, maximum=1)
        self.axis = None if axis is None else _check.integer(axis, name="axis", where=where)
        self.classes = None if classes is None else _check.integer(classes, name="classes", where=where, minimum=1)
        own = getattr(loss, "ignore_index", None)
        self.ignore_index = (
            own if ignore_index is None else _check.integer(ignore_index, name="ignore_index", where=where)
        )
        if getattr(loss, "label_smoothing", 0):
            raise ArgumentError(f"{where}: {type(loss).__name__} smooths its labels already (label_smoothing).")
        if isinstance(loss, LossBase):
            self.reduction = loss.reduction
        self._spec = _label_spec(loss, where)
        if axis is None and self._spec is not None and "C" in self._spec.shape:
            self.axis = 1 if self._spec.shape[:2] == ("N", "C") else None

    def _inner(self) -> Any:
        """The loss that takes the smoothed labels."""
        if isinstance(self.loss, (CrossEntropyLoss, SoftmaxCrossEntropyWithLogits)):
            inner = copy.copy(self.loss)
            if isinstance(inner, CrossEntropyLoss):
                inner.__dict__.update(label_smoothing=self.factor, ignore_index=self.ignore_index)
            else:
                inner.__dict__["sparse"] = False
            return inner
        return self.loss

    def _place(self, shape: tuple[int, ...], labels: tuple[int, ...]) -> tuple[int, bool]:
        """The axis of the classes, and whether labels of that shape are class indices."""
        axis = -1 if self.axis is None else self.axis
        if len(shape) and -len(shape) <= axis < len(shape):
            axis %= len(shape)
            if labels == shape[:axis] + shape[axis + 1 :]:
                return axis, True
        if labels == shape:
            return axis, False
        raise ShapeError(
            f"LabelSmoothing: labels must have the shape {shape} of the logits, or for class indices that shape "
            f"without axis {axis}, but got {labels}."
        )

    def construct(self, logits: Tensor, labels: Tensor, *inputs: Any) -> Any:
        """The loss of logits and smoothed labels."""
        inner = self._inner()
        if isinstance(inner, CrossEntropyLoss):
            return inner(logits, labels, *inputs)
        with x64_scope(True):
            given = unwrap(labels)
            axis, indices = self._place(logits.shape, given.shape)
            kept = None
            if indices and are_indices(given):
                if self.ignore_index is not None:
                    kept = given != self.ignore_index
                    given = jnp.where(kept, given, 0)
                count = logits.shape[axis]
                if not is_tracer(given):
                    _check_classes(np.asarray(given), count)
                target = losses.smooth_labels(given, self.factor, classes=count, axis=axis)
            else:
                dtype = given.dtype if jnp.issubdtype(given.dtype, jnp.floating) else jnp.float32
                count = 2 if self._binary else logits.shape[axis] if logits.ndim else 1
                given = given.astype(jnp.promote_types(dtype, jnp.float32))
                target = (1 - self.factor) * given + self.factor / (self.classes or count)
        if kept is None:
            return call_loss(inner, logits, wrap(target), *inputs)
        with removing(kept) as removal:
            value = call_loss(inner, logits, wrap(target), *inputs)
        if not removal.used:
            raise ArgumentError(
                "LabelSmoothing: `ignore_index` can remove places only of a loss that ends with self.get_loss(values)."
            )
        return value

    @property
    def _binary(self) -> bool:
        return self._spec is not None and self._spec.domain == "probability"

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host; see `LossBase.check_labels`."""
        inner, shape = self._inner(), input_shapes.get("logits")
        if isinstance(inner, CrossEntropyLoss):
            inner.check_labels(input_shapes, *labels)
        elif shape is not None and labels:
            column = np.asarray(labels[0])
            axis, indices = self._place(shape, column.shape)
            if indices and are_indices(column):
                kept = column == column if self.ignore_index is None else column != self.ignore_index
                _check_classes(np.where(kept, column, 0), shape[axis])
            elif isinstance(inner, LossBase):
                inner.check_labels(input_shapes, *labels)


def _label_spec(loss: Any, where: str) -> losses.InputSpec | None:
    """What labels a built-in loss takes that can be smoothed; None for a loss of a user's."""
    if not isinstance(loss, RegisteredLoss):
        return None
    rows = next((rows for cls in _built_in(type(loss)) if (rows := losses.by_cell(cls.__name__))), ())
    specs = [item for row in rows for item in row.inputs if item.role == "label"]
    fit = [item for item in specs if item.domain in _SMOOTHABLE and item.kind == "float"]
    if specs and not fit:
        raise ArgumentError(
            f"{where}: the labels of {type(loss).__name__} cannot be smoothed: they are no distributions or "
            "probabilities. For class indices use CrossEntropyLoss, on logits."
        )
    return fit[0] if fit else None


def _check_classes(labels: np.ndarray, count: int) -> None:
    wrong = (labels < 0) | (labels >= count)
    if wrong.any():
        at = tuple(int(place) for place in np.argwhere(wrong)[0])
        raise LabelError(
            f"LabelSmoothing: `labels` must be class indices in [0, {count}), but got {labels[at].item()} at index "
            f"{at}. A label that stands for none is said with `ignore_index`."
        )
