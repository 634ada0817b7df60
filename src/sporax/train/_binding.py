"""Binding of the columns of a dataset to the network and its loss, and extraction of the loss from the result."""

from __future__ import annotations

import functools
import inspect
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from sporax._errors import DatasetError, TrainError
from sporax.core import Cell, Tensor, wrap
from sporax.nn.loss import RegisteredLoss, call_loss, tensors_of


class Signature:
    """The numbers of positional inputs that a Cell or function accepts."""

    def __init__(self, function: Any) -> None:
        target = function.construct if isinstance(function, Cell) else function
        self.text = "(...)"
        self.minimum, self.maximum = 0, float("inf")
        self.positional: list[inspect.Parameter] = []
        try:
            signature = inspect.signature(target)
        except (TypeError, ValueError):
            return
        bare = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
        self.text = str(signature.replace(parameters=bare, return_annotation=signature.empty))
        positional = [p for p in bare if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        # A parameter such as `reduction="mean"` is not for a column.
        options = [isinstance(p.default, str) for p in positional]
        positional = positional[: options.index(True)] if True in options else positional
        self.positional = positional
        self.minimum = sum(p.default is p.empty for p in positional)
        if not any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
            self.maximum = len(positional)

    def takes(self, count: int) -> bool:
        """Whether the function accepts `count` positional inputs."""
        return self.minimum <= count <= self.maximum


class Binding:
    """Assignment of the columns to the network and the loss.

    The network gets the first column, or as many as its `construct` requires. The loss gets the network's output and
    the remaining columns one by one; if its `construct` takes one label and several columns remain, it gets a dict by
    column name. A loss with a loss for each output (`nn.OutputLosses`) chooses the form itself.

    Args:
        network: the network, or the network with its loss if `loss_fn` is None.
        loss_fn: the loss, or None.
        columns: the column names.

    Raises:
        DatasetError: the columns do not match the network and the loss.
    """

    def __init__(self, network: Cell, loss_fn: Callable[..., Any] | None, columns: Sequence[str]) -> None:
        self.network = network
        self.loss_fn = loss_fn
        self.columns = tuple(columns)
        self.labels_by_name = False
        self._output_shapes: dict[Any, dict[str, tuple[int, ...]] | None] = {}
        needs = Signature(network)
        count = len(self.columns)
        if loss_fn is None:
            self.data_columns = count
            if not needs.takes(count):
                self._raise_mismatch(needs, None)
            return
        self.data_columns = max(1, needs.minimum)
        labels = count - self.data_columns
        loss = Signature(loss_fn)
        chooses = getattr(loss_fn, "takes_labels_by_name", None)
        if chooses is not None and labels >= 0 and needs.takes(self.data_columns):
            self.labels_by_name = chooses(self.columns[self.data_columns :])
            return
        # Only custom losses take a dict of labels; built-in losses take arrays.
        by_name = loss.takes(2) and not _is_built_in(loss_fn)
        self.labels_by_name = not loss.takes(1 + labels) and labels > 1 and by_name
        if labels < 0 or not needs.takes(self.data_columns) or not (loss.takes(1 + labels) or self.labels_by_name):
            self._raise_mismatch(needs, loss)
        if not self.labels_by_name:
            self._check_options(loss)

    def _check_options(self, loss: Signature) -> None:
        """Raise an error if a column would be passed as a hyperparameter such as `gamma=2.0`; a name can permit it."""
        for parameter, column in zip(loss.positional[1:], self.columns[self.data_columns :], strict=False):
            names = parameter.name.lower(), column.lower()
            intended = names[0] == names[1] or any(word in name for name in names for word in ("weight", "mask"))
            if type(parameter.default) in (int, float, bool) and not intended:
                name = getattr(self.loss_fn, "__name__", type(self.loss_fn).__name__)
                raise DatasetError(
                    f"Model: the loss {name}{loss.text} would get the column {column!r} as its {parameter.name}. Omit "
                    "the column with dataset.project([...]), or, if it is intended, rename it: "
                    f"dataset.rename({column!r}, {parameter.name!r})."
                )

    def _raise_mismatch(self, network: Signature, loss: Signature | None) -> None:
        names = ", ".join(repr(name) for name in self.columns)
        text = (
            f"Model: the dataset has {len(self.columns)} column(s), {names}, but "
            f"{type(self.network).__name__}.construct{network.text}"
        )
        if loss is None:
            text += (
                " does not accept that number of inputs. No loss_fn was given, so the network gets every column. "
                "Select columns with dataset.project([...]), or give the loss as loss_fn."
            )
        else:
            name = getattr(self.loss_fn, "__name__", type(self.loss_fn).__name__)
            text += (
                f" gets the first {self.data_columns}, and the loss {name}{loss.text} cannot take its output and the "
                f"{self._left()}. Select columns with dataset.project([...]), or write a loss with a parameter for "
                "each label (def construct(self, output, label, other)), which can use one of them as weights or "
                "mask: self.get_loss(values, weights)."
            )
        raise DatasetError(text)

    def _left(self) -> str:
        left = self.columns[self.data_columns :]
        return f"{len(left)} remaining, {', '.join(map(repr, left))}" if left else "0 remaining"

    def split(self, batch: Sequence[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """Return the inputs of the network, and the inputs of the loss after the network's output."""
        data, labels = tuple(batch[: self.data_columns]), tuple(batch[self.data_columns :])
        if self.loss_fn is not None and self.labels_by_name:
            labels = (dict(zip(self.columns[self.data_columns :], labels, strict=True)),)
        return data, labels

    def output_shapes(self, batch: Sequence[Any]) -> dict[str, tuple[int, ...]] | None:
        """Return the shapes of the network's outputs for batches of these shapes, by name ("logits" for one output).

        None if no forward pass of such a batch was traced.
        """
        return self._output_shapes.get(_input_shapes(batch))

    def loss_of(self, output: Any, labels: tuple[Any, ...]) -> Any:
        """Return the result of the loss, as Tensors."""
        assert self.loss_fn is not None
        if isinstance(output, (dict, tuple, list)) and _takes_one_output(self.loss_fn):
            name = getattr(self.loss_fn, "__name__", type(self.loss_fn).__name__)
            kind = "dict" if isinstance(output, dict) else type(output).__name__
            raise TrainError(
                f"Model: the network returns a {kind} of {len(output)} outputs, but the loss {name} takes one Tensor. "
                "Give a loss that selects one (lambda outputs, label: ...), nn.OutputLosses for a dict of outputs with "
                "a loss for each, or nn.DeepSupervisionLoss for the same loss of all."
            )
        try:
            return call_loss(self.loss_fn, output, *labels)
        except (TypeError, ValueError, AttributeError) as error:
            if self.labels_by_name:
                error.add_note(
                    f"The loss takes one label, so it got a dict of {', '.join(map(repr, labels[0]))}. Give it a "
                    "parameter for each label column to get them one by one, or select columns with "
                    "dataset.project([...])."
                )
            raise

    def forward(self, *batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """Return (loss, terms) of one batch; the training step differentiates this function."""
        data, labels = self.split(batch)
        output = tensors_of(self.network(*data))
        if self.loss_fn is not None:
            self._output_shapes[_input_shapes(batch)] = _shapes_of(output)
            output = self.loss_of(output, labels)
        return loss_and_terms(output, self.loss_fn if self.loss_fn is not None else self.network)


def samples_of(batch: Sequence[Any]) -> int:
    """Return the number of samples in a batch: the first axis of the first column that has one."""
    return next((array.shape[0] for array in batch if array.ndim), 1)


def _input_shapes(batch: Sequence[Any]) -> tuple[tuple[int, ...], ...]:
    return tuple([tuple(each.shape) for each in batch])


def _is_built_in(loss_fn: Any) -> bool:
    """Whether a loss is a Cell or function of sporax, without an overridden `construct`."""
    target = type(loss_fn).construct if isinstance(loss_fn, Cell) else loss_fn
    return (getattr(target, "__module__", None) or "").startswith("sporax.")


def _takes_one_output(loss_fn: Any) -> bool:
    """Whether a loss is a built-in loss on arrays, not a combination of losses."""
    return _is_built_in(loss_fn) and (isinstance(loss_fn, RegisteredLoss) or not isinstance(loss_fn, Cell))


def _shapes_of(output: Any) -> dict[str, tuple[int, ...]] | None:
    if isinstance(output, dict):
        return {name: each.shape for name, each in output.items() if isinstance(each, Tensor)}
    return {"logits": output.shape} if isinstance(output, Tensor) else None


def loss_and_terms(output: Any, source: Any) -> tuple[Tensor, dict[str, Tensor]]:
    """Extract the scalar loss and its named terms from the result of a loss.

    A dict of terms is summed unless it has an entry `loss`. The loss of a tuple is its first element, or its field
    `loss`.

    Raises:
        TrainError: the loss is not a Tensor, or not a scalar.
    """
    name = getattr(source, "__name__", type(source).__name__)
    terms: dict[str, Tensor] = {}
    if isinstance(output, dict):
        if not output:
            raise TrainError(f"Model: {name} returned an empty dict; it must contain at least one term of the loss.")
        terms = {key: _scalar(value, f"term {key!r} of {name}") for key, value in output.items()}
        loss = terms["loss"] if "loss" in terms else functools.reduce(operator.add, terms.values())
        return loss, terms
    if "loss" in getattr(output, "_fields", ()):
        output = output.loss
    elif isinstance(output, (tuple, list)) and output:
        output = output[0]
    return _scalar(output, name), terms


def _scalar(value: Any, name: str) -> Tensor:
    if isinstance(value, (np.ndarray, np.generic)):
        raise TrainError(
            f"Model: {name} returned a NumPy array, but the loss must be a Tensor or a JAX array: NumPy is not "
            "differentiable. Compute it with sporax.ops or jax.numpy, without asnumpy()."
        )
    if not isinstance(value, Tensor):
        raise TrainError(
            f"Model: {name} returned {value!r} of type {type(value).__name__}, but the loss must be a Tensor. "
            "Give loss_fn if the network does not return the loss."
        )
    if value.size != 1:
        raise TrainError(
            f"Model: the loss of {name} has shape {value.shape}, but training needs a scalar. Construct it with "
            "reduction='mean' (the default of some losses is 'none', as in MindSpore), or reduce it in construct, for "
            "example with .mean()."
        )
    return wrap(value._value.reshape(())) if value.ndim else value
