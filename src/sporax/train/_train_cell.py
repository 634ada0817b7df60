"""A training Cell, such as `nn.TrainOneStepCell`, as the network of `Model`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from sporax._errors import SporaxWarning, TrainError
from sporax.core import Cell, Parameter, Tensor, default_generator, tracing, wrap
from sporax.nn.loss import tensors_of
from sporax.train._binding import loss_and_terms


class TrainCellStep:
    """The training step of a Cell that updates Parameters itself.

    Its output is the loss, or a tuple or dict that contains it, such as (loss, overflow, loss scale) of a
    `TrainOneStepWithLossScaleCell`.
    """

    def __init__(self, network: Cell) -> None:
        self._network = network
        self._checked = False

    def __call__(self, *batch: Any) -> tuple[Tensor, dict[str, Tensor], Any]:
        """Return (loss, its terms, all outputs) of one batch."""
        eager = not self._checked and not tracing()
        before = [(parameter, parameter._value) for parameter in self._network.get_parameters()] if eager else []
        output = tensors_of(self._network(*batch))
        if eager:
            self.check([parameter for parameter, value in before if parameter._value is not value])
        loss, terms = loss_and_terms(_scalar_loss(output), self._network)
        return loss, terms, output

    def check(self, written: Sequence[Parameter] | None) -> None:
        """Raise `TrainError` if no Parameter is written; `written` is None if the Parameters are not known yet."""
        if self._checked or written is None:
            return
        self._checked = True
        name = type(self._network).__name__
        left = [parameter for parameter in written if parameter is not default_generator.key]
        if not left:
            raise TrainError(_nothing_trained(name))
        if not any(parameter.requires_grad for parameter in left):
            names = ", ".join(parameter.name for parameter in left[:3])
            warnings.warn(
                f"Model.train: there is no optimizer, and a step of {name} writes no trainable Parameter, only {names}"
                f"{', ...' if len(left) > 3 else ''}. Unless those are accumulated gradients, nothing is trained: "
                "give Model(network, loss_fn, optimizer), or a training Cell such as nn.TrainOneStepCell.",
                SporaxWarning,
                stacklevel=2,
            )


def _nothing_trained(name: str) -> str:
    return (
        f"Model.train: there is no optimizer, and a step of {name} writes no Parameter, so nothing would be trained. "
        "Give Model(network, loss_fn, optimizer), or a network that updates its Parameters itself, such as "
        "nn.TrainOneStepCell(nn.WithLossCell(network, loss_fn), optimizer)."
    )


def _scalar_loss(output: Any) -> Any:
    """Replace a loss of several elements by its mean, since the Cell has already updated the Parameters."""
    if isinstance(output, (tuple, list)) and output:
        output = output[0]
    if isinstance(output, Tensor) and output.size > 1:
        return wrap(output._value.mean())
    return output
