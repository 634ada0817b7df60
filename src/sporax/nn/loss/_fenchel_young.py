"""Fenchel-Young losses; the formulas are in `sporax.losses`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from sporax import _check, losses
from sporax._errors import ArgumentTypeError
from sporax._schema import Checked, Integer
from sporax.nn.loss._function_loss import FunctionLoss

__all__ = ["BinarySparsemaxLoss", "FenchelYoungLoss", "SparsemaxLoss"]


def _max_fun(value: Any, *, name: str, where: str) -> Any:
    if isinstance(value, str):
        return _check.one_of(value, ("logistic", "sparsemax", "entmax15"), name=name, where=where)
    if not callable(value):
        raise ArgumentTypeError(f"{where}: `{name}` must be a name or a function, but got {value!r}.")
    return value


class SparsemaxLoss(FunctionLoss, function=losses.multiclass_sparsemax_loss, distributions=losses.sparsemax_loss):
    """Fenchel-Young loss of sparsemax, whose probabilities may be exactly 0.

    Inputs:
        logits: scores x, Tensor of shape (..., C), floating.
        labels: class indices in [0, C) of an integer dtype, of shape (...); or class probabilities y, floating, of
            shape (..., C).

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.SparsemaxLoss(reduction="none")
        >>> print(loss(Tensor([[1.0, 0.5, -2.0], [3.0, 2.0, 0.0]]), Tensor([1, 0])))
        [0.5625 0.    ]
    """

    ignore_index: Integer | None = None
    reduction: str = "mean"


class BinarySparsemaxLoss(FunctionLoss, function=losses.binary_sparsemax_loss):
    """`SparsemaxLoss` for binary logits.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.BinarySparsemaxLoss(reduction="none")(Tensor([-3.0, 0.0, 2.0]), Tensor([0, 1, 0])))
        [0.   0.25 2.  ]
    """

    reduction: str = "mean"


class FenchelYoungLoss(FunctionLoss, function=losses.fenchel_young_loss):
    """Fenchel-Young loss of a regularized maximum.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.FenchelYoungLoss("sparsemax")(Tensor([[1.0, 0.5, -2.0]]), Tensor([[0.0, 1.0, 0.0]])))
        0.5625
    """

    max_fun: Annotated[str | Callable[[Any], Any], Checked(_max_fun)] = "logistic"
    reduction: str = "mean"
