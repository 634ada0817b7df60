"""A wrapper that smooths the labels of a loss."""

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
from sporax.losses import contract_loss
from sporax.nn.loss._base import LossBase, RegisteredLoss, _built_in
from sporax.nn.loss._calls import call_loss
from sporax.nn.loss._capture import removing
from sporax.nn.loss._classification import CrossEntropyLoss, SoftmaxCrossEntropyWithLogits
from sporax.nn.loss._focal import FocalLoss
from sporax.nn.loss._labels import are_indices, value_of
from sporax.nn.loss._masking import MaskedLoss
from sporax.nn.loss._terms import _ComposedLoss, check_loss

__all__ = ["LabelSmoothing"]


class LabelSmoothing(LossBase):
    r"""A loss with its labels moved towards the uniform distribution: :math:`q_c = (1 - s)\, y_c + \frac{s}{C}`.

    Class indices become distributions over the classes of the logits. `CrossEntropyLoss` is given the share as its
    own `label_smoothing`, so that class weights and its mean are as there; with s = 0 every loss is what it is without
    the wrapper. For a built-in loss whose labels are each the probability of one of two classes (`BCELoss`,
    `BCEWithLogitsLoss`, focal losses on them, `MultiLabelSoftMarginLoss`, losses of regions such as `DiceLoss`, and
    the functions of `sporax.losses` behind them, with `functools.partial` too) C is 2, whatever shape the labels have:
    each moves towards 1/2. With half-precision logits, the distributions and the result of other losses are float32.

    Args:
        loss: a loss on distributions or probabilities of two classes, or on class indices if it takes distributions
            too; a `MaskedLoss` of such a loss; or a function of logits and distributions.
        factor: the share s of the uniform distribution, in [0, 1].
        axis: the axis of the classes in the logits; that of the built-in loss, or the last one, unless given.
        classes: C for labels that are no class indices, where it is not the size of that axis: 2 for a function of
            probabilities of two classes.
        ignore_index: a class index, or a label of one of two classes, that stands for no label; its positions are
            removed, as `MaskedLoss` does. The loss's own, if it has one, unless given.

    Inputs:
        logits: Tensor, floating.
        labels: class indices, of the shape of the logits without the axis of the classes; or distributions or
            probabilities of the shape of the logits.
        inputs: what else the loss takes.

    Returns:
        what the loss returns.

    Raises:
        ArgumentError: `factor` outside [0, 1]; a loss that smooths already, or whose labels cannot be smoothed, as
            those of regression, of boxes and of embeddings; `ignore_index` for labels that are distributions.
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
            raise ArgumentError(f"{where}: {_name(inside)} smooths its labels already (label_smoothing).")
        if isinstance(loss, LossBase):
            self.reduction = loss.reduction
        spec = _label_spec(inside, where)
        self._two_classes = spec is not None and spec.two_classes
        self._own_index = self._two_classes and _takes(inside, "ignore_index")
        if axis is None and spec is not None and "C" in spec.shape:
            self.axis = 1 if spec.shape[:2] == ("N", "C") else None

    def _inner(self, indices: bool) -> Any:
        """The loss that takes the smoothed labels, of which `indices` says whether they were class indices."""
        if not isinstance(self.loss, MaskedLoss):
            return self._dense(self.loss, indices)
        inner = copy.copy(self.loss)
        # Not assigned: the parameters of the loss would be renamed.
        inner.__dict__["loss"] = self._dense(self.loss.loss, indices)
        return inner

    def _dense(self, loss: Any, indices: bool) -> Any:
        if isinstance(loss, (CrossEntropyLoss, SoftmaxCrossEntropyWithLogits)):
            inner = copy.copy(loss)
            if isinstance(inner, CrossEntropyLoss):
                inner.__dict__.update(label_smoothing=self.factor, ignore_index=self.ignore_index)
            else:
                inner.__dict__["sparse"] = False
            return inner
        if self._own_index and not isinstance(loss, Cell):
            return functools.partial(loss, ignore_index=self.ignore_index)
        if self._own_index:
            inner = copy.copy(loss)
            inner.__dict__["ignore_index"] = self.ignore_index
            return inner
        return _focal_of_classes(loss) if indices and isinstance(loss, FocalLoss) else loss

    def _place(self, shape: tuple[int, ...], labels: tuple[int, ...]) -> tuple[int, bool]:
        """The axis of the classes, and whether labels of that shape are class indices."""
        axis = -1 if self.axis is None else self.axis
        if self._two_classes:
            return axis, False
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
        if isinstance(_unmasked(self.loss), CrossEntropyLoss):
            return self._inner(False)(logits, labels, *inputs)
        with x64_scope(True):
            given = unwrap(labels)
            axis, indices = self._place(logits.shape, given.shape)
            indices = indices and are_indices(given)
            if self._ignores and not (indices or self._two_classes):
                raise ArgumentError(
                    "LabelSmoothing: `ignore_index` is for class indices, or labels of two classes, but the labels of "
                    f"shape {given.shape} are distributions. Use MaskedLoss to leave rows out."
                )
            kept = None
            if self.ignore_index is not None and (indices or self._two_classes):
                kept = given != self.ignore_index
                given = jnp.where(kept, given, 0)
            if indices:
                count = logits.shape[axis]
                check_when_known(functools.partial(_check_classes, count=count), given)
                target = losses.smooth_labels(given, self.factor, classes=count, axis=axis)
                target = target.astype(jnp.promote_types(logits.dtype, jnp.float32))
            else:
                dtype = given.dtype if jnp.issubdtype(given.dtype, jnp.floating) else jnp.float32
                count = 2 if self._two_classes else logits.shape[axis] if logits.ndim else 1
                given = given.astype(jnp.promote_types(dtype, jnp.float32))
                target = (1 - self.factor) * given + self.factor / (self.classes or count)
                if kept is not None and self.ignore_index is not None and self._own_index:
                    # The loss itself leaves these labels out.
                    target, kept = jnp.where(kept, target, self.ignore_index), None
        inner = self._inner(indices)
        if kept is None:
            return call_loss(inner, logits, wrap(target), *inputs)
        with removing(kept) as removal:
            value = call_loss(inner, logits, wrap(target), *inputs)
        if not removal.used:
            raise ArgumentError(
                "LabelSmoothing: `ignore_index` can remove places only of a loss that ends with self.get_loss(values)."
            )
        return value

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host; see `LossBase.check_labels`."""
        shape = input_shapes.get("logits")
        if isinstance(_unmasked(self.loss), CrossEntropyLoss):
            self._inner(False).check_labels(input_shapes, *labels)
        elif shape is not None and labels:
            column = np.asarray(labels[0])
            axis, indices = self._place(shape, column.shape)
            indices = indices and are_indices(column)
            if self.ignore_index is not None and (indices or self._two_classes):
                column = np.where(column != self.ignore_index, column, 0)
            if indices:
                _check_classes(column, shape[axis])
            elif isinstance(inner := self._inner(False), LossBase):
                inner.check_labels(input_shapes, column, *labels[1:])


def _focal_of_classes(loss: FocalLoss) -> Callable[[Tensor, Tensor], Tensor]:
    """The focal loss of distributions that were class indices, with the reductions of class indices."""
    base = LossBase(loss.reduction)

    def run(logits: Tensor, labels: Tensor) -> Tensor:
        with x64_scope(True):
            values = losses.soft_focal_loss(
                unwrap(logits), unwrap(labels), weight=value_of(loss.weight), gamma=loss.gamma
            )
        return base.get_loss(wrap(values))

    return run


def _unmasked(loss: Any, where: str = "") -> Any:
    """The loss within a `MaskedLoss`."""
    if not isinstance(loss, MaskedLoss):
        return loss
    if where and loss.ignore_value is not None:
        raise ArgumentError(
            f"{where}: a MaskedLoss with `ignore_value` would look for {loss.ignore_value} among smoothed labels. Wrap "
            "them the other way round: MaskedLoss(LabelSmoothing(loss), ignore_value=...)."
        )
    return loss.loss


def _label_spec(loss: Any, where: str) -> losses.InputSpec | None:
    """What labels a built-in loss takes that can be smoothed; None for a loss of a user's."""
    name = _name(loss)
    if isinstance(loss, _ComposedLoss):
        raise ArgumentError(f"{where}: {name} has several losses. Wrap those whose labels are to be smoothed.")
    if isinstance(loss, RegisteredLoss):
        rows = next((rows for cls in _built_in(type(loss)) if (rows := losses.by_cell(cls.__name__))), ())
        functions = [row.function for row in rows]
    else:
        function = contract_loss(loss, reduced=True)
        functions = [] if function is None else [function]
    # A loss may take its labels in several forms; each row's first label is the second input of the Cell.
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
            advice = "It tells two classes apart, and knows nothing between them. Use BCEWithLogitsLoss, on logits."
        else:
            advice = "Smoothing is for labels that are classes."
        raise ArgumentError(
            f"{where}: the labels of {name} cannot be smoothed: they are no distributions or probabilities of classes. "
            f"{advice}"
        )
    return fit[0] if fit else None


def _name(loss: Any) -> str:
    if isinstance(loss, Cell):
        return type(loss).__name__
    function = contract_loss(loss, reduced=True)
    return function.spec.name if function is not None else getattr(loss, "__name__", type(loss).__name__)


def _takes(loss: Any, name: str) -> bool:
    """Whether a loss has a hyper-parameter of that name."""
    function = contract_loss(loss, reduced=True)
    return hasattr(loss, name) if function is None else name in inspect.signature(function).parameters


def _option(loss: Any, name: str) -> Any:
    """A hyper-parameter of a Cell, or of a function of `sporax.losses` as it is bound; None where there is none."""
    function = contract_loss(loss, reduced=True)
    if function is None:
        return getattr(loss, name, None)
    while loss is not function:
        if isinstance(loss, functools.partial) and name in loss.keywords:
            return loss.keywords[name]
        loss = loss.func if isinstance(loss, functools.partial) else loss.__wrapped__
    parameter = inspect.signature(function).parameters.get(name)
    return None if parameter is None else parameter.default


def _check_classes(labels: np.ndarray, count: int) -> None:
    wrong = (labels < 0) | (labels >= count)
    if wrong.any():
        at = tuple(int(place) for place in np.argwhere(wrong)[0])
        raise LabelError(
            f"LabelSmoothing: `labels` must be class indices in [0, {count}), but got {labels[at].item()} at index "
            f"{at}. A label that stands for none is said with `ignore_index`."
        )
