"""Cells that combine a network and its loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax

from sporax import _check
from sporax._errors import ArgumentTypeError
from sporax.core import Cell, is_tensor
from sporax.nn.loss import call_loss, tensors_of

__all__ = ["WithEvalCell", "WithLossCell"]


def _as_float32(leaf: Any) -> Any:
    return leaf.astype("float32") if is_tensor(leaf) and leaf.dtype.is_floating_point else leaf


class WithLossCell(Cell):
    """A network followed by its loss, for data and one or more labels.

    Args:
        backbone: the network, a Cell of the first input.
        loss_fn: the loss, a Cell or a function of the network's output and the other inputs.

    Raises:
        ArgumentTypeError: `backbone` is not a Cell, or `loss_fn` is not callable.

    Examples:
        >>> from sporax import nn, Tensor
        >>> net = nn.Dense(2, 1, weight_init="ones", bias_init="zeros")
        >>> print(nn.WithLossCell(net, nn.L1Loss())(Tensor([[1.0, 2.0]]), Tensor([[5.0]])))
        2.0

    Source: the class of the same name in MindSpore, which takes one label.
    """

    def __init__(self, backbone: Cell, loss_fn: Callable[..., Any]) -> None:
        super().__init__(auto_prefix=False)
        self._backbone = _check.is_type(backbone, Cell, name="backbone", where="WithLossCell", expected="a Cell")
        if not callable(loss_fn):
            raise ArgumentTypeError(f"WithLossCell: `loss_fn` must be a Cell or a function, but got {loss_fn!r}.")
        self._loss_fn = loss_fn

    def construct(self, data: Any, *labels: Any) -> Any:
        """Return the loss of a batch."""
        return call_loss(self._loss_fn, tensors_of(self._backbone(data)), *labels)

    @property
    def backbone_network(self) -> Cell:
        """The network without the loss."""
        return self._backbone


class WithEvalCell(Cell):
    """A network for evaluation: the loss, the outputs and the labels.

    Args:
        network: the network.
        loss_fn: a Cell or a function.
        add_cast_fp32: whether floating outputs and labels are cast to float32 before the loss.

    Raises:
        ArgumentTypeError: `network` is not a Cell.

    Examples:
        >>> from sporax import nn, Tensor
        >>> net = nn.Dense(2, 1, weight_init="ones", bias_init="zeros")
        >>> loss, output, label = nn.WithEvalCell(net, nn.L1Loss())(Tensor([[1.0, 2.0]]), Tensor([[5.0]]))
        >>> print(loss, output, label)
        2.0 [[3.]] [[5.]]

    Source: the class of the same name in MindSpore.
    """

    def __init__(self, network: Cell, loss_fn: Callable[..., Any], add_cast_fp32: bool = False) -> None:
        super().__init__(auto_prefix=False)
        self._network = _check.is_type(network, Cell, name="network", where="WithEvalCell", expected="a Cell")
        self._loss_fn = loss_fn
        self.add_cast_fp32 = add_cast_fp32

    def construct(self, data: Any, *labels: Any) -> tuple[Any, ...]:
        """Return (loss, outputs, label, ...) of a batch."""
        outputs = tensors_of(self._network(data))
        if self.add_cast_fp32:
            outputs, labels = jax.tree.map(_as_float32, (outputs, labels), is_leaf=is_tensor)
        return (call_loss(self._loss_fn, outputs, *labels), outputs, *labels)
