"""A wrapper that leaves positions of a batch out of a loss."""

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
from sporax.nn.loss._base import LossBase, RegisteredLoss, _built_in
from sporax.nn.loss._calls import call_loss
from sporax.nn.loss._capture import Pairs, capturing_too, first_of, removing
from sporax.nn.loss._dependence import UNCHANGED_BY_COPIES, depends_beside
from sporax.nn.loss._terms import check_loss

__all__ = ["MaskedLoss"]


class MaskedLoss(LossBase):
    r"""Apply a loss to the selected positions of a batch only.

    Neither value, gradient nor the denominator of the mean knows of a removed position, whatever it holds (NaN, a label
    of no class). With nothing left the loss is 0.

    Args:
        loss: a loss of `nn`; a custom one whose every reduction is a `get_loss` or a function of `ops` or
            `sporax.losses`, or which returns unreduced values; or a function of that kind. A value of a kept
            position that depends on other positions, as after `x - x.mean(0)`, is taken as it is.
        ignore_value: the label that removes its position; NaN for labels that are missing. Without it the last input is
            the mask.
        reduction: "mean", "sum" or "none", for a function; a Cell has its own.

    Inputs:
        inputs: those of the loss.
        mask: the last one, without `ignore_value`: a Tensor whose axes are the first ones of the unreduced values
            (one number a sample, or one a position); 0 or False removes.

    Returns:
        what the loss returns.

    Raises:
        ArgumentError: an unknown reduction, or one given beside a Cell.
        ArgumentTypeError: `loss` cannot be called.
        ShapeError: a mask that does not fit; or a loss that reduces by itself, so that nothing can be removed, or
            that does so beside a `get_loss`.

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
        self._checked: set[Any] = set()

    def _split(self, inputs: tuple[Any, ...]) -> tuple[tuple[Any, ...], Any]:
        """The loss's inputs, and which positions are kept."""
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
            # A built-in loss keeps what is removed from its formula. One of a user's may divide by what that holds.
            if not (_is_pure(self.loss) or _is_built_in(self.loss)):
                given = tuple(wrap(_refilled(to_array(each), kept)) for each in given)
        with removing(kept) as removal:
            if _is_pure(self.loss):
                return self.evaluate(self.loss, *given)
            with capturing_too() as pairs:
                value = call_loss(self.loss, *given)
            if removal.used and not _is_built_in(self.loss):
                self._check_dependence(value, pairs, given, kept)
            # A function may have removed positions in a Cell that does not reduce; its values are still to be reduced.
            if removal.used and (isinstance(self.loss, Cell) or not isinstance(value, Tensor) or not value.ndim):
                return value
            if not isinstance(value, Tensor) or (value.ndim == 0 and kept.size > 1):
                raise ShapeError(
                    f"MaskedLoss: {name_of(self.loss)} reduces by itself and gave {value!r}, so no place of the mask "
                    f"{kept.shape} can be removed. Have it return unreduced values, or end it with "
                    "self.get_loss(values)."
                )
            return self.get_loss(value)

    def _check_dependence(self, value: Any, pairs: Pairs, given: tuple[Any, ...], kept: Any) -> None:
        """Refuse a value that removed positions reach other than through a reduction that leaves them out.

        Raises:
            ShapeError: there is one, such as the mean that `construct` takes itself.
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
            with removing(kept), capturing_too() as pairs:
                value = call_loss(self.loss, *map(wrap, arrays))
            return _scalars_of(value), [pair.result for pair in pairs]

        changed = [_rank_of_places(each, kept) is not None for each in arrays]
        if any(depends_beside(again, arrays, changed, UNCHANGED_BY_COPIES)):
            raise ShapeError(
                f"MaskedLoss: {name_of(self.loss)} adds up places of its inputs itself, beside what it gives to "
                f"get_loss, so the places that the mask {kept.shape} removes would count in that part. Have every "
                "part end with self.get_loss(values), or return the values unreduced."
            )
        self._checked.add(signature)

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host; see `LossBase.check_labels`. Removed positions are not looked at."""
        if isinstance(self.loss, LossBase) and labels:
            columns, kept = self._split(("output", *map(np.asarray, labels)))
            self.loss.check_labels(input_shapes, *(_refilled(column, kept) for column in columns[1:]))


def _is_pure(loss: Any) -> bool:
    """Whether it is a function of `sporax.losses` that gives unreduced values, or a partial of one."""
    return contract_loss(loss) is not None


def _is_built_in(loss: Any) -> bool:
    """Whether it is a class of the registry, with the `construct` of this package."""
    return isinstance(loss, RegisteredLoss) and type(loss).construct is _built_in(type(loss))[0].construct


def name_of(loss: Any) -> str:
    return getattr(loss, "__name__", type(loss).__name__)


def _scalars_of(value: Any) -> list[Any]:
    """The arrays of the loss, or of each of its terms, that are one number; other outputs do not matter."""
    terms = list(value.values()) if isinstance(value, dict) else [first_of(value)]
    return [term._value for term in terms if isinstance(term, Tensor) and term.size == 1]


def _rank_of_places(array: Any, kept: Any) -> int | None:
    """How many axes of an input are those of the mask: its first ones, or the axes beside that of the classes.

    None where it has no such axes, so that nothing of it can be removed.
    """
    while kept.ndim > array.ndim and kept.shape[-1] == 1:
        kept = kept[..., 0]
    rank = kept.ndim
    if array.ndim == rank + 1 and rank and array.shape[:rank] != kept.shape:
        shape = (array.shape[0], *array.shape[2:])
    else:
        shape = array.shape[:rank]
    return rank if rank and kept.size and shape == kept.shape else None


def _refilled(array: Any, kept: Any) -> Any:
    """The array with copies of the first kept position in the removed ones: there every formula is as good as there."""
    xp: Any = np if isinstance(array, np.ndarray) and isinstance(kept, np.ndarray) else jnp
    while kept.ndim > array.ndim and kept.shape[-1] == 1:
        kept = kept[..., 0]
    rank = kept.ndim
    if array.ndim == rank + 1 and rank and array.shape[:rank] != kept.shape:
        # Scores of classes along axis 1, and a mask of positions: (N, C, ...) and (N, ...).
        return xp.moveaxis(_refilled(xp.moveaxis(array, 1, -1), kept), -1, 1)
    if not rank or not kept.size or array.shape[:rank] != kept.shape:
        return array
    rest = array.shape[rank:]
    first = xp.argmax(kept.reshape(-1))
    row = array.reshape((kept.size, *rest))[first].reshape((1,) * rank + rest)
    row = xp.where(kept.any(), row, xp.asarray(0.5 if jnp.issubdtype(array.dtype, jnp.floating) else 0, array.dtype))
    return xp.where(kept.reshape(kept.shape + (1,) * len(rest)), array, row if xp is np else jax.lax.stop_gradient(row))
