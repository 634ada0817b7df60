"""Smooth the labels of a loss."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax import _check, losses
from sporax._errors import ArgumentError, LabelError, ShapeError
from sporax._jax_compat import x64_scope
from sporax._value_checks import check_when_known
from sporax.core import Cell, Tensor, unwrap, wrap
from sporax.losses import contract_loss, enforce_values
from sporax.nn.loss._base import LossBase, RegisteredLoss, built_in_bases
from sporax.nn.loss._calls import call_loss, name_of
from sporax.nn.loss._capture import masking
from sporax.nn.loss._classification import CrossEntropyLoss, SoftmaxCrossEntropyWithLogits
from sporax.nn.loss._focal import FocalLoss
from sporax.nn.loss._labels import are_indices
from sporax.nn.loss._masking import MaskedLoss
from sporax.nn.loss._terms import _ComposedLoss, check_loss

__all__ = ["LabelSmoothing"]


class LabelSmoothing(LossBase):
    r"""Mix the labels of a loss with the uniform distribution: :math:`q_c = (1 - s)\, y_c + \frac{s}{C}`.

    Class indices become distributions over the classes of the logits. For `CrossEntropyLoss`, s is passed as its
    `label_smoothing`, which defines class weights and the mean; with s = 0 every loss is unchanged. For a built-in loss
    whose labels are probabilities of one of two classes (`BCELoss`, `BCEWithLogitsLoss`, binary focal losses,
    `MultiLabelSoftMarginLoss`, losses of regions such as `DiceLoss`, and their functions in `sporax.losses`, also with
    `functools.partial`) C is 2 for labels of any shape: each label is moved towards 1/2. With half-precision logits,
    the distributions and the result of other losses are float32.

    Args:
        loss: a loss on distributions or probabilities of two classes, or on class indices if it also accepts
            distributions; a `MaskedLoss` of such a loss; or a function of logits and distributions.
        factor: the weight s of the uniform distribution, in [0, 1].
        axis: the axis of the classes in the logits. Default: that of the built-in loss, or the last one.
        classes: C for labels that are not class indices. Default: the size of that axis. Use 2 for a function of
            probabilities of two classes.
        ignore_index: an ignored class index or, for two classes, an ignored label. Its positions are removed, as by
            `MaskedLoss`. Default: that of the loss, if it has one.

    Inputs:
        logits: Tensor, floating.
        labels: class indices, of the shape of the logits without the axis of the classes; or distributions or
            probabilities of the shape of the logits.
        inputs: further inputs of the loss.

    Returns:
        the value of the loss.

    Raises:
        ArgumentError: `factor` outside [0, 1]; a loss that already smooths its labels, or whose labels cannot be
            smoothed, such as those of regression, boxes and embeddings; `ignore_index` for distributions.
        ArgumentTypeError: `loss` cannot be called.
        ShapeError: labels that do not fit the logits.
        LabelError: an index outside [0, C), where the values are known; in compiled code that position is NaN.

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
        inside = _unmasked(loss, where)
        own = _option(inside, "ignore_index")
        self._ignores = ignore_index is not None
        self.ignore_index = (
            own if ignore_index is None else _check.integer(ignore_index, name="ignore_index", where=where)
        )
        if _option(inside, "label_smoothing"):
            raise ArgumentError(f"{where}: {name_of(inside)} already smooths its labels (label_smoothing).")
        if isinstance(loss, LossBase):
            self.reduction = loss.reduction
        spec = _label_spec(inside, where)
        self._label = spec
        self._two_classes = spec is not None and spec.two_classes
        self._own_index = self._two_classes and _takes(inside, "ignore_index")
        """Whether the loss itself leaves out ignored labels."""
        if axis is None and spec is not None and "C" in spec.shape:
            self.axis = 1 if spec.shape[:2] == ("N", "C") else None

    def _inner(self, indices: bool) -> Any:
        """Return the loss that is called with the smoothed labels; `indices`: whether the labels are class indices."""
        if isinstance(self.loss, MaskedLoss):
            return _changed(self.loss, loss=self._dense(self.loss.loss, indices))
        return self._dense(self.loss, indices)

    def _dense(self, loss: Any, indices: bool) -> Any:
        if isinstance(loss, CrossEntropyLoss):
            return _changed(loss, label_smoothing=self.factor, ignore_index=self.ignore_index)
        if isinstance(loss, SoftmaxCrossEntropyWithLogits):
            return _changed(loss, sparse=False)
        if self._own_index:
            options = {"ignore_index": self.ignore_index}
            return _changed(loss, **options) if isinstance(loss, Cell) else functools.partial(loss, **options)
        return _focal_of_classes(loss) if indices and isinstance(loss, FocalLoss) else loss

    def _class_axis(self, shape: tuple[int, ...], labels: Any) -> tuple[int, bool]:
        """Return the axis of the classes in logits of that shape, and whether the labels are class indices."""
        axis = -1 if self.axis is None else self.axis
        if self._two_classes:
            return axis, False
        if len(shape) and -len(shape) <= axis < len(shape):
            axis %= len(shape)
            if labels.shape == shape[:axis] + shape[axis + 1 :]:
                return axis, are_indices(labels)
        if labels.shape == shape:
            return axis, False
        raise ShapeError(
            f"LabelSmoothing: labels must have the shape {shape} of the logits, or for class indices that shape "
            f"without axis {axis}, but got {labels.shape}."
        )

    def _without_ignored(self, labels: Any, indices: bool) -> tuple[Any, Any]:
        """Return the labels with 0 for ignored ones, and a mask of the others; None if no label can be ignored."""
        if self.ignore_index is None or not (indices or self._two_classes):
            return labels, None
        kept = labels != self.ignore_index
        return (np if isinstance(labels, np.ndarray) else jnp).where(kept, labels, 0), kept

    def construct(self, logits: Tensor, labels: Tensor, *inputs: Any) -> Any:
        """The loss of logits and smoothed labels."""
        if isinstance(_unmasked(self.loss), CrossEntropyLoss):
            return self._inner(False)(logits, labels, *inputs)
        with x64_scope(True):
            given = unwrap(labels)
            axis, indices = self._class_axis(logits.shape, given)
            if self._ignores and not (indices or self._two_classes):
                raise ArgumentError(
                    "LabelSmoothing: `ignore_index` is for class indices, or labels of two classes, but the labels of "
                    f"shape {given.shape} are distributions. Use MaskedLoss to remove samples."
                )
            given, kept = self._without_ignored(given, indices)
            if indices:
                count = logits.shape[axis]
                check_when_known(functools.partial(_check_classes, count=count), given)
                target = losses.smooth_labels(given, self.factor, classes=count, axis=axis)
                target = target.astype(jnp.promote_types(logits.dtype, jnp.float32))
            else:
                # Masked positions may hold anything; the loss inside, which removes them, checks the others.
                if self._label is not None and not isinstance(self.loss, MaskedLoss):
                    enforce_values(self._label, given, where="LabelSmoothing")
                dtype = given.dtype if jnp.issubdtype(given.dtype, jnp.floating) else jnp.float32
                count = 2 if self._two_classes else logits.shape[axis] if logits.ndim else 1
                given = given.astype(jnp.promote_types(dtype, jnp.float32))
                target = (1 - self.factor) * given + self.factor / (self.classes or count)
                if kept is not None and self._own_index:
                    # The loss itself leaves out these labels.
                    target, kept = jnp.where(kept, target, self.ignore_index), None
        inner = self._inner(indices)
        if kept is None:
            return call_loss(inner, logits, wrap(target), *inputs)
        with masking(kept) as mask:
            value = call_loss(inner, logits, wrap(target), *inputs)
        if not mask.used:
            raise ArgumentError(
                "LabelSmoothing: `ignore_index` can remove positions only of a loss that ends with "
                "self.get_loss(values)."
            )
        return value

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host; see `LossBase.check_labels`."""
        shape = input_shapes.get("logits")
        if isinstance(_unmasked(self.loss), CrossEntropyLoss):
            self._inner(False).check_labels(input_shapes, *labels)
        elif shape is not None and labels:
            column = np.asarray(labels[0])
            axis, indices = self._class_axis(shape, column)
            column, _ = self._without_ignored(column, indices)
            if indices:
                _check_classes(column, shape[axis])
            elif isinstance(inner := self._inner(False), LossBase):
                inner.check_labels(input_shapes, column, *labels[1:])


def _changed(loss: Cell, /, **attributes: Any) -> Cell:
    """Return a shallow copy of a loss with other attributes."""
    copied = copy.copy(loss)
    # Not by attribute assignment, which would rename the Parameters of an inner loss.
    copied.__dict__.update(attributes)
    return copied


def _focal_of_classes(loss: FocalLoss) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the focal loss of distributions made from class indices, with the reductions for class indices."""
    base = LossBase(loss.reduction)

    def run(logits: Tensor, labels: Tensor) -> Tensor:
        with x64_scope(True):
            weight = unwrap(loss.weight)
            values = losses.soft_focal_loss(unwrap(logits), unwrap(labels), weight=weight, gamma=loss.gamma)
        return base.get_loss(wrap(values))

    return run


def _unmasked(loss: Any, where: str = "") -> Any:
    """Return the loss inside a `MaskedLoss`, or the loss itself."""
    if not isinstance(loss, MaskedLoss):
        return loss
    if where and loss.ignore_value is not None:
        raise ArgumentError(
            f"{where}: a MaskedLoss with `ignore_value` would look for {loss.ignore_value} among smoothed labels. Use "
            "MaskedLoss(LabelSmoothing(loss), ignore_value=...)."
        )
    return loss.loss


def _label_spec(loss: Any, where: str) -> losses.InputSpec | None:
    """Return the spec of the labels of a built-in loss that can be smoothed; None for a custom loss."""
    name = name_of(loss)
    if isinstance(loss, _ComposedLoss):
        raise ArgumentError(f"{where}: {name} has several losses. Wrap those whose labels are to be smoothed.")
    if isinstance(loss, RegisteredLoss):
        infos = next((found for cls in built_in_bases(type(loss)) if (found := losses.by_cell(cls.__name__))), ())
        functions = [info.function for info in infos]
    else:
        function = contract_loss(loss, reduced=True)
        functions = [] if function is None else [function]
    # A loss may accept labels in several forms; the first label of each entry is the second input of the Cell.
    specs = [function.spec.labels[0] for function in functions if function.spec.labels]
    fit = [item for item in specs if item.two_classes or item.domain == "distribution"]
    if _option(loss, "log_target"):
        raise ArgumentError(f"{where}: the labels of this {name} are logarithms (log_target). Give it probabilities.")
    if functions and not fit:
        if any(item.domain == "class" for item in specs):
            advice = (
                f"Use {name}(label_smoothing=...)."
                if _takes(loss, "label_smoothing")
                else "For class indices use CrossEntropyLoss, on logits."
            )
        elif any(item.domain in ("sign", "sign_or_binary", "binary") for item in specs):
            advice = "It takes only labels of one class or the other. Use BCEWithLogitsLoss, on logits."
        else:
            advice = "Smoothing is for labels that are classes."
        raise ArgumentError(
            f"{where}: the labels of {name} cannot be smoothed: they are not distributions or probabilities of "
            f"classes. {advice}"
        )
    return fit[0] if fit else None


def _takes(loss: Any, name: str) -> bool:
    """Return whether a loss has a hyper-parameter of that name."""
    if contract_loss(loss, reduced=True) is None:
        return hasattr(loss, name)
    return name in inspect.signature(loss).parameters


def _option(loss: Any, name: str) -> Any:
    """Return a hyper-parameter of a Cell, or the bound or default one of a function; None if there is none."""
    if contract_loss(loss, reduced=True) is None:
        return getattr(loss, name, None)
    return inspect.signature(loss).parameters[name].default if _takes(loss, name) else None


def _check_classes(labels: Any, count: int) -> None:
    labels = np.asarray(labels)
    wrong = (labels < 0) | (labels >= count)
    if wrong.any():
        index = _check.first_index(wrong)
        raise LabelError(
            f"LabelSmoothing: `labels` must be class indices in [0, {count}), but got {labels[index].item()} at index "
            f"{index}. For an ignored label set `ignore_index`."
        )
