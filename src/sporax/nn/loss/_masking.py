"""Apply a loss to selected positions of a batch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError, ArgumentTypeError, ShapeError
from sporax._jax_compat import x64_scope
from sporax.core import Cell, Tensor, to_array, wrap
from sporax.losses import contract_loss
from sporax.nn.loss._base import LossBase, is_built_in
from sporax.nn.loss._calls import call_loss, name_of
from sporax.nn.loss._capture import Pairs, capturing, first_of, masking, squeezed
from sporax.nn.loss._dependence import UNCHANGED_BY_COPIES, depends_directly
from sporax.nn.loss._terms import check_loss

__all__ = ["MaskedLoss"]


class MaskedLoss(LossBase):
    r"""Apply a loss to the selected positions of a batch only.

    A removed position affects neither the value, nor the gradient, nor the denominator of the mean, even if it is NaN
    or a label out of range. If all positions are removed, the loss is 0.

    Args:
        loss: a loss of `nn`; a custom one whose every reduction is a `get_loss` or a function of `ops` or
            `sporax.losses`, or which returns unreduced values; or a function of that kind. Values of kept positions
            that depend on other positions, as after `x - x.mean(0)`, are not changed.
        ignore_value: the label that removes its position; NaN for missing labels. Without it the last input is the
            mask.
        reduction: "mean", "sum" or "none", for a function; a Cell has its own.

    Inputs:
        inputs: those of the loss.
        mask: the last one, without `ignore_value`: a Tensor whose axes are the first axes of the unreduced values
            (one number per sample, or one per position); 0 or False removes.

    Returns:
        the value of the loss.

    Raises:
        ArgumentError: an unknown reduction, or one given with a Cell.
        ArgumentTypeError: `loss` cannot be called.
        ShapeError: a mask that does not fit; or a loss that computes its mean itself, so that no position can be
            removed from it, alone or in addition to a `get_loss`.

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
            # It may be one that only its class accepts, such as "batchmean".
            self.reduction = loss.reduction
        if ignore_value is not None and not isinstance(ignore_value, (int, float)):
            raise ArgumentTypeError(f"{where}: `ignore_value` must be a number, but got {ignore_value!r}.")
        self.ignore_value = ignore_value
        self._checked: set[Any] = set()

    def _split(self, inputs: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
        """Return the inputs of the loss, and a bool array of the positions that are kept."""
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
        """The loss of the positions that are kept."""
        with x64_scope(True):
            given, kept = self._split(inputs)
            # A built-in loss removes masked samples before its formula. A custom one may divide by their values.
            if not (_is_pure(self.loss) or is_built_in(self.loss)):
                given = tuple(wrap(_filled(to_array(each), kept)) for each in given)
        with masking(kept) as mask:
            if _is_pure(self.loss):
                return self.evaluate(self.loss, *given)
            with capturing(forward=True) as pairs:
                value = call_loss(self.loss, *given)
            if mask.used and not is_built_in(self.loss):
                self._check_dependence(value, pairs, given, kept)
            # A function may call a Cell with the reduction "none", which applies the mask; its values are reduced here.
            if mask.used and (isinstance(self.loss, Cell) or not isinstance(value, Tensor) or not value.ndim):
                return value
            if not isinstance(value, Tensor) or (value.ndim == 0 and kept.size > 1):
                raise ShapeError(
                    f"MaskedLoss: {name_of(self.loss)} reduces by itself and returned {value!r}, so no position of the "
                    f"mask {kept.shape} can be removed. Return unreduced values, or end the loss with "
                    "self.get_loss(values)."
                )
            return self.get_loss(value)

    def _check_dependence(self, value: Any, pairs: Pairs, given: tuple[Any, ...], kept: Any) -> None:
        """Refuse a value that depends on removed positions other than through a masked reduction.

        Raises:
            ShapeError: there is one, such as a mean that `construct` computes itself.
        """
        terms = _scalars_of(value)
        known = {id(pair.result) for pair in pairs}
        if pairs.hidden or all(id(term) in known for term in terms):
            return
        arrays = [to_array(each) for each in given]
        signature = tuple((each.shape, each.dtype) for each in (*arrays, kept))
        if signature in self._checked:
            return

        def again(*arrays: Any) -> tuple[list[Any], list[Any]]:
            with masking(kept), capturing(forward=True) as pairs:
                value = call_loss(self.loss, *map(wrap, arrays))
            return _scalars_of(value), [pair.result for pair in pairs]

        changed = [_fitted(each, kept) is not None for each in arrays]
        if any(depends_directly(again, arrays, changed, UNCHANGED_BY_COPIES)):
            raise ShapeError(
                f"MaskedLoss: {name_of(self.loss)} sums positions of its inputs itself, in addition to what it "
                f"passes to get_loss, so positions that the mask {kept.shape} removes would count. End every part with "
                "self.get_loss(values), or return the values unreduced."
            )
        self._checked.add(signature)

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host; see `LossBase.check_labels`. Removed positions are not checked."""
        if isinstance(self.loss, LossBase) and labels:
            columns, kept = self._split(("output", *map(np.asarray, labels)))
            self.loss.check_labels(input_shapes, *(_filled(column, kept) for column in columns[1:]))


def _is_pure(loss: Any) -> bool:
    """Return whether a loss is a function of `sporax.losses` that returns unreduced values, or a partial of one."""
    return contract_loss(loss) is not None


def _scalars_of(value: Any) -> list[Any]:
    """Return the arrays of the loss, or of each of its terms, that have one element."""
    terms = list(value.values()) if isinstance(value, dict) else [first_of(value)]
    return [term._value for term in terms if isinstance(term, Tensor) and term.size == 1]


def _fitted(array: Any, kept: Any) -> tuple[Any, bool] | None:
    """Return the mask as it applies to an input, and whether the input has a class axis, axis 1, between its axes.

    None where the axes of the mask are not those of the input, so that nothing of it can be removed.
    """
    kept = squeezed(kept, array.ndim)
    if not kept.ndim or not kept.size:
        return None
    if array.shape[: kept.ndim] == kept.shape:
        return kept, False
    # Scores of classes along axis 1, and a mask of positions: (N, C, ...) and (N, ...).
    return (kept, True) if array.shape[:1] + array.shape[2:] == kept.shape else None


def _filled(array: Any, kept: Any) -> Any:
    """Return the array with the first kept position copied to the removed ones, where every formula is then defined."""
    fitted = _fitted(array, kept)
    if fitted is None:
        return array
    kept, has_classes = fitted
    xp: Any = np if isinstance(array, np.ndarray) and isinstance(kept, np.ndarray) else jnp
    values = xp.moveaxis(array, 1, -1) if has_classes else array
    rest = values.shape[kept.ndim :]
    first = values.reshape((kept.size, *rest))[xp.argmax(kept.reshape(-1))].reshape((1,) * kept.ndim + rest)
    default = xp.asarray(0.5 if jnp.issubdtype(array.dtype, jnp.floating) else 0, array.dtype)
    first = xp.where(kept.any(), first, default)
    first = first if xp is np else jax.lax.stop_gradient(first)
    result = xp.where(kept.reshape(kept.shape + (1,) * len(rest)), values, first)
    return xp.moveaxis(result, -1, 1) if has_classes else result
