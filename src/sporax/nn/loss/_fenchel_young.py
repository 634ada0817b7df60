"""Fenchel-Young losses; the formulas are in `sporax.losses`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax import _check, losses
from sporax._errors import ArgumentTypeError
from sporax.core import Tensor, unwrap
from sporax.nn.loss._base import RegisteredLoss


class SparsemaxLoss(RegisteredLoss):
    r"""What sparsemax probabilities, which are 0 for unlikely classes, are trained with.

    .. math:: p = \operatorname{sparsemax}(x), \quad \ell = \langle p - y, x \rangle + \tfrac{1}{2} (\|y\|^2 - \|p\|^2)

    Args:
        ignore_index: a class index that removes its row; None for none.
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: scores x, Tensor of shape (..., C), floating.
        labels: class indices in [0, C) of an integer dtype, of shape (...); or class probabilities y, floating, of
            shape (..., C).

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: labels that do not fit.
        LabelError: an index outside [0, C), where the values are known; in compiled code that row is NaN.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.SparsemaxLoss(reduction="none")
        >>> print(loss(Tensor([[1.0, 0.5, -2.0], [3.0, 2.0, 0.0]]), Tensor([1, 0])))
        [0.5625 0.    ]

    Source: Martins and Astudillo, "From Softmax to Sparsemax", 2016.
    """

    def __init__(self, ignore_index: int | None = None, reduction: str = "mean") -> None:
        super().__init__(reduction)
        if ignore_index is not None:
            _check.integer(ignore_index, name="ignore_index", where="SparsemaxLoss")
        self.ignore_index = ignore_index

    def row(self, *labels: np.ndarray) -> losses.LossRow:
        """The registry's row for these labels."""
        indices = not labels or jnp.issubdtype(labels[0].dtype, jnp.integer)
        return losses.get("multiclass_sparsemax_loss" if indices else "sparsemax_loss")

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of scores and labels."""
        if jnp.issubdtype(unwrap(labels).dtype, jnp.integer):
            return self.evaluate(losses.multiclass_sparsemax_loss, logits, labels, ignore_index=self.ignore_index)
        return self.evaluate(losses.sparsemax_loss, logits, labels)


class BinarySparsemaxLoss(RegisteredLoss):
    r"""`SparsemaxLoss` of single outputs: 0 beyond a margin, a parabola, then a line.

    Args:
        reduction: "mean", "sum" or "none".

    Inputs:
        logits: Tensor of any shape, floating.
        labels: 0 or 1, of the same shape.

    Returns:
        Tensor of shape (), or of the inputs' shape for "none".

    Raises:
        ArgumentError: an unknown reduction.
        ShapeError: the shapes differ.
        LabelError: a label that is neither 0 nor 1, where the values are known.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.BinarySparsemaxLoss(reduction="none")(Tensor([-3.0, 0.0, 2.0]), Tensor([0, 1, 0])))
        [0.   0.25 2.  ]

    Source: optax `losses.sparsemax_loss`.
    """

    def construct(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The loss of logits and labels."""
        return self.evaluate(losses.binary_sparsemax_loss, logits, labels)


class FenchelYoungLoss(RegisteredLoss):
    r"""The loss of a regularised maximum: :math:`\ell = \Omega^*(x) + \Omega(y) - \langle y, x \rangle`.

    Args:
        max_fun: "logistic" (softmax), "sparsemax", "entmax15", or a function of a `jax.Array` (C,) to a number,
            which stands for :math:`\Omega^*`; see `losses.fenchel_young_loss`.
        reduction: "mean", "sum" or "none".

    Inputs:
        scores: x, Tensor of shape (..., C), floating.
        targets: y, of the same shape; one-hot rows for classes.

    Returns:
        Tensor of shape (), or (...) for "none".

    Raises:
        ArgumentError, ArgumentTypeError: an unknown reduction, or a `max_fun` that is neither a name nor a function.
        ShapeError: the shapes differ.

    Examples:
        >>> from sporax import nn, Tensor
        >>> print(nn.FenchelYoungLoss("sparsemax")(Tensor([[1.0, 0.5, -2.0]]), Tensor([[0.0, 1.0, 0.0]])))
        0.5625

    Source: Blondel, Martins and Niculae, "Learning with Fenchel-Young Losses", 2020; optax
    `losses.make_fenchel_young_loss`.
    """

    def __init__(self, max_fun: str | Callable[[Any], Any] = "logistic", reduction: str = "mean") -> None:
        super().__init__(reduction)
        if isinstance(max_fun, str):
            _check.one_of(max_fun, ("logistic", "sparsemax", "entmax15"), name="max_fun", where="FenchelYoungLoss")
        elif not callable(max_fun):
            raise ArgumentTypeError(f"FenchelYoungLoss: `max_fun` must be a name or a function, but got {max_fun!r}.")
        self.max_fun = max_fun

    def construct(self, scores: Tensor, targets: Tensor) -> Tensor:
        """The loss of scores and targets."""
        return self.evaluate(losses.fenchel_young_loss, scores, targets, max_fun=self.max_fun)
