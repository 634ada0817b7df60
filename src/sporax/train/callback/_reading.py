"""The loss of a step: what of the outputs it is, how it is printed, and how not to wait for the device."""

from __future__ import annotations

from typing import Any

import numpy as np

from sporax._errors import TrainError
from sporax.core import Tensor
from sporax.train.callback._base import RunContext, TrainingCallback, step_in_epoch


def scalar_loss(net_outputs: Any) -> np.floating[Any] | float:
    """The loss in what a step returned, as one number; several elements give their mean.

    Args:
        net_outputs: a Tensor, an array or a number; a tuple or list whose first element is the loss; a dict
            whose entry "loss", or else the sum of all, is the loss, as `Model` takes it.

    Returns:
        A NumPy number of the loss's dtype (float32 for bfloat16 and integers), or the Python float that was
        given.

    Raises:
        TrainError: there is no loss in it.

    Examples:
        >>> print(scalar_loss((Tensor(8.328788), None)))
        8.328788
        >>> print(scalar_loss({"a": Tensor([1.0, 2.0])}))
        1.5
    """
    value = net_outputs
    if isinstance(value, Tensor):
        # What nearly every step has. This runs once a step, so it asks as little as it can.
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
    one: Any = array.reshape(())[()] if array.size == 1 else array.dtype.type(array.mean(dtype=np.float64))
    return one


def shortest(value: Any) -> float:
    """The Python float with the fewest digits that is this number in its own dtype: 0.1, not 0.10000000149.

    >>> shortest(np.float32(0.1))
    0.1
    """
    return float(str(value)) if isinstance(value, np.floating) else float(value)


_FEW = 8
"""How many numbers of a vector are shown in a line."""


class _Form:
    """Prints as its text."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def in_short(value: Any) -> Any:
    """A result of a metric for a printed line: of an array with many elements or axes, only its shape.

    >>> in_short(np.zeros((10, 10))), in_short(np.float64([0.5, 1.0])), in_short(0.5)
    (array(shape=(10, 10)), [0.5, 1.0], 0.5)
    """
    if isinstance(value, Tensor) or hasattr(value, "__array__"):
        array = np.asarray(value)
        if array.ndim == 1 and array.size <= _FEW:
            return array.tolist()
        if array.ndim:
            return _Form(f"array(shape={array.shape})")
    return value


def terms_text(terms: dict[str, Any]) -> str:
    """The terms of a loss for a printed line: `, terms: {mse: 1.0, penalty: 0.5}`, or nothing.

    >>> terms_text({"loss": 1.5, "mse": np.float32(1.0), "penalty": Tensor(0.5)})
    ', terms: {mse: 1.0, penalty: 0.5}'
    """
    shown = ", ".join(f"{name}: {scalar_loss(value)!s}" for name, value in terms.items() if name != "loss")
    return f", terms: {{{shown}}}" if shown else ""


def terms_of(params: Any) -> dict[str, Any]:
    """The terms of the loss of this step, by name; empty for a loss that is one number."""
    terms = params.get("loss_terms")
    if terms:
        return terms
    outputs = params.get("net_outputs")
    return outputs if isinstance(outputs, dict) else {}


class LossReader(TrainingCallback):
    """A Callback that reads the loss of steps.

    Reading it at once makes the host wait for the device. With `deferred` on, the loss of a step is read
    when the step after it has been launched, or at `flush`: same order, same text.
    """

    deferred = False
    """Set by CallbackList for the time of a run."""

    _held: tuple[Any, dict[str, Any], int, int, RunContext] | None = None

    def read_loss(self, run_context: RunContext, params: Any) -> None:
        """Have `loss_read` called for this step, now or one step later."""
        held = (params.net_outputs, terms_of(params), params.cur_epoch_num, step_in_epoch(params), run_context)
        if self.deferred:
            held, self._held = self._held, held
        if held is not None:
            self.loss_read(*held)

    def loss_read(self, outputs: Any, terms: dict[str, Any], epoch: int, step: int, run_context: RunContext) -> None:
        """What to do with the outputs of a step; `step` counts from 1 in its epoch."""
        raise NotImplementedError

    def flush(self) -> None:
        """Read what is held back."""
        held, self._held = self._held, None
        if held is not None:
            self.loss_read(*held)
