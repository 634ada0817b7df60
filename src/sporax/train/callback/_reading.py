"""The loss of a step: its extraction from the outputs, its printed form, and deferred reading."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax._errors import TrainError
from sporax.core import Tensor
from sporax.train.callback._base import RunContext, TrainingCallback, step_in_epoch


def scalar_loss(net_outputs: Any) -> np.floating[Any] | float:
    """Return the loss of a step as a number; the mean of several elements.

    Args:
        net_outputs: a Tensor, an array or a number; a tuple or list whose first element is the loss; a dict
            whose entry "loss", or else the sum of all entries, is the loss.

    Returns:
        A NumPy number of the dtype of the loss (float32 for bfloat16 and integers), or a Python float if it is one.

    Raises:
        TrainError: the outputs contain no loss.

    Examples:
        >>> print(scalar_loss((Tensor(8.328788), None)))
        8.328788
        >>> print(scalar_loss({"a": Tensor([1.0, 2.0])}))
        1.5
    """
    value = net_outputs
    if isinstance(value, Tensor):
        # The common case first, because this runs in each step.
        array: Any = np.asarray(value._value)
        if not array.shape and array.dtype == np.float32:
            return array[()]
    while isinstance(value, (tuple, list, dict)):
        if not value:
            raise TrainError(f"the step returned no loss: its outputs are {net_outputs!r}.")
        if isinstance(value, dict) and "loss" not in value:
            value = sum(scalar_loss(each) for each in value.values())
        elif isinstance(value, dict):
            value = value["loss"]
        else:
            value = value[0]
    if isinstance(value, float) and not isinstance(value, np.floating):
        return value
    if isinstance(value, Tensor):
        value = value._value
    try:
        array = np.asarray(value)
        if array.dtype.name == "bfloat16" or array.dtype.kind in "iub":
            array = array.astype(np.float32)
        if array.dtype.kind != "f" or not array.size:
            raise TypeError
    except (TypeError, ValueError):
        raise TrainError(
            f"the step's loss must be a Tensor or a number, but its outputs are {net_outputs!r}."
        ) from None
    loss: Any = array.reshape(())[()] if array.size == 1 else array.dtype.type(array.mean(dtype=np.float64))
    return loss


def shortest(value: Any) -> float:
    """Return the Python float with the fewest digits that rounds to this number in its dtype: 0.1, not 0.10000000149.

    >>> shortest(np.float32(0.1))
    0.1
    """
    return float(str(value)) if isinstance(value, np.floating) else float(value)


_MAX_PRINTED = 8
"""Maximum size of a vector that is printed in full."""


class _Verbatim:
    """An object whose repr is a given text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def in_short(value: Any) -> Any:
    """Abbreviate a result of a metric for printing: large arrays as their shape.

    >>> in_short(np.zeros((10, 10))), in_short(np.float64([0.5, 1.0])), in_short(0.5)
    (array(shape=(10, 10)), [0.5, 1.0], 0.5)
    """
    if isinstance(value, Tensor) or hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.ndim == 1 and array.size <= _MAX_PRINTED:
            return array.tolist()
        if array.ndim:
            return _Verbatim(f"array(shape={array.shape})")
    return value


def terms_text(terms: dict[str, Any]) -> str:
    """Format the terms of a loss for printing: `, terms: {mse: 1.0, penalty: 0.5}`, or an empty string.

    >>> terms_text({"loss": 1.5, "mse": np.float32(1.0), "penalty": Tensor(0.5)})
    ', terms: {mse: 1.0, penalty: 0.5}'
    """
    shown = ", ".join(f"{name}: {scalar_loss(value)!s}" for name, value in terms.items() if name != "loss")
    return f", terms: {{{shown}}}" if shown else ""


def terms_of(params: Any) -> dict[str, Any]:
    """Return the terms of the loss of this step by name; empty if the loss is a single number."""
    terms = params.get("loss_terms")
    if terms:
        return terms
    outputs = params.get("net_outputs")
    return outputs if isinstance(outputs, dict) else {}


class LossReader(TrainingCallback):
    """Base of callbacks that read the loss of steps.

    Reading the loss immediately makes the host wait for the device. If `deferred` is true, the loss of a step is read
    after the next step has been launched, or by `flush`; the order is the same.
    """

    deferred = False
    """Set by CallbackList during a run."""

    _deferred_step: tuple[Any, dict[str, Any], int, int, RunContext] | None = None

    def read_loss(self, run_context: RunContext, params: Any) -> None:
        """Call `loss_read` for this step, now or one step later."""
        step = (params.net_outputs, terms_of(params), params.cur_epoch_num, step_in_epoch(params), run_context)
        if self.deferred:
            step, self._deferred_step = self._deferred_step, step
        if step is not None:
            self.loss_read(*step)

    def loss_read(self, outputs: Any, terms: dict[str, Any], epoch: int, step: int, run_context: RunContext) -> None:
        """Process the outputs of a step; `step` counts from 1 in its epoch."""
        raise NotImplementedError

    def flush(self) -> None:
        """Read a deferred loss."""
        step, self._deferred_step = self._deferred_step, None
        if step is not None:
            self.loss_read(*step)
