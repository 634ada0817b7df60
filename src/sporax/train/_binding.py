"""How the columns of a dataset reach the network and its loss, and what of the result is the loss."""

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
    """How many positional inputs a Cell or function takes."""

    def __init__(self, function: Any) -> None:
        target = function.construct if isinstance(function, Cell) else function
        self.text = "(...)"
        self.least, self.most = 0, float("inf")
        self.positional: list[inspect.Parameter] = []
        try:
            signature = inspect.signature(target)
        except (TypeError, ValueError):
            return
        bare = [each.replace(annotation=each.empty) for each in signature.parameters.values()]
        self.text = str(signature.replace(parameters=bare, return_annotation=signature.empty))
        positional = [p for p in bare if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        # No column is meant for `reduction="mean"`.
        options = [isinstance(p.default, str) for p in positional]
        positional = positional[: options.index(True)] if True in options else positional
        self.positional = positional
        self.least = sum(p.default is p.empty for p in positional)
        if not any(p.kind is p.VAR_POSITIONAL for p in signature.parameters.values()):
            self.most = len(positional)

    def takes(self, count: int) -> bool:
        """Whether so many positional inputs fit."""
        return self.least <= count <= self.most


class Binding:
    """Which columns the network gets, and how the loss gets the others.

    The network gets the first column, or as many as its `construct` needs. The loss gets the network's output and
    the remaining columns one by one; where its `construct` takes one label and several columns remain, it gets them
    as a dict by column name. A loss with a loss for each output (`nn.OutputLosses`) says itself how it wants them.

    Args:
        network: the network, or the network with its loss where `loss_fn` is None.
        loss_fn: the loss, or None.
        columns: the column names.

    Raises:
        DatasetError: the columns fit neither.
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
                self._refuse(needs, None)
            return
        self.data_columns = max(1, needs.least)
        labels = count - self.data_columns
        loss = Signature(loss_fn)
        chooses = getattr(loss_fn, "takes_labels_by_name", None)
        if chooses is not None and labels >= 0 and needs.takes(self.data_columns):
            self.labels_by_name = chooses(self.columns[self.data_columns :])
            return
        # A dict of labels is for losses of users; ours take arrays.
        by_name = loss.takes(2) and not _is_built_in(loss_fn)
        self.labels_by_name = not loss.takes(1 + labels) and labels > 1 and by_name
        if labels < 0 or not needs.takes(self.data_columns) or not (loss.takes(1 + labels) or self.labels_by_name):
            self._refuse(needs, loss)
        if not self.labels_by_name:
            self._check_options(loss)

    def _check_options(self, loss: Signature) -> None:
        """No column is meant for a hyper-parameter, such as `gamma=2.0`, unless a name says so."""
        for parameter, column in zip(loss.positional[1:], self.columns[self.data_columns :], strict=False):
            names = parameter.name.lower(), column.lower()
            meant = names[0] == names[1] or any(word in name for name in names for word in ("weight", "mask"))
            if type(parameter.default) in (int, float, bool) and not meant:
                name = getattr(self.loss_fn, "__name__", type(self.loss_fn).__name__)
                raise DatasetError(
                    f"Model: the loss {name}{loss.text} would get the column {column!r} as its {parameter.name}. Leave "
                    "the column out with dataset.project([...]), or, where it is meant, rename it: "
                    f"dataset.rename({column!r}, {parameter.name!r})."
                )

    def _refuse(self, network: Signature, loss: Signature | None) -> None:
        names = ", ".join(repr(name) for name in self.columns)
        text = (
            f"Model: the dataset has {len(self.columns)} column(s), {names}, but "
            f"{type(self.network).__name__}.construct{network.text}"
        )
        if loss is None:
            text += (
                " does not take that many inputs. No loss_fn was given, so the network gets every column. "
                "Choose columns with dataset.project([...]), or give the loss as loss_fn."
            )
        else:
            name = getattr(self.loss_fn, "__name__", type(self.loss_fn).__name__)
            text += (
                f" gets the first {self.data_columns}, and the loss {name}{loss.text} cannot take its output and the "
                f"{self._left()}. Choose columns with dataset.project([...]), or write a loss with a parameter for "
                "each label (def construct(self, output, label, other)), which may use one of them as weights or "
                "mask: self.get_loss(values, weights)."
            )
        raise DatasetError(text)

    def _left(self) -> str:
        left = self.columns[self.data_columns :]
        return f"{len(left)} left, {', '.join(map(repr, left))}" if left else "0 left"

    def split(self, batch: Sequence[Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        """The network's inputs, and the loss's inputs after the network's output."""
        data, labels = tuple(batch[: self.data_columns]), tuple(batch[self.data_columns :])
        if self.loss_fn is not None and self.labels_by_name:
            labels = (dict(zip(self.columns[self.data_columns :], labels, strict=True)),)
        return data, labels

    def output_shapes(self, batch: Sequence[Any]) -> dict[str, tuple[int, ...]] | None:
        """The shapes of the network's output for a batch of such shapes, as "logits", or of a dict of outputs.

        None where no forward pass of such a batch was traced.
        """
        return self._output_shapes.get(_input_shapes(batch))

    def loss_of(self, output: Any, labels: tuple[Any, ...]) -> Any:
        """What the loss returns, as Tensors."""
        assert self.loss_fn is not None
        if isinstance(output, (dict, tuple, list)) and _takes_one_output(self.loss_fn):
            name = getattr(self.loss_fn, "__name__", type(self.loss_fn).__name__)
            kind = "dict" if isinstance(output, dict) else type(output).__name__
            raise TrainError(
                f"Model: the network returns a {kind} of {len(output)} outputs, but the loss {name} takes one Tensor. "
                "Give a loss that chooses (lambda outputs, label: ...), nn.OutputLosses for a dict of outputs with a "
                "loss for each, or nn.DeepSupervisionLoss for one loss of all."
            )
        try:
            return call_loss(self.loss_fn, output, *labels)
        except (TypeError, ValueError, AttributeError) as error:
            if self.labels_by_name:
                error.add_note(
                    f"The loss takes one label, so it got a dict of {', '.join(map(repr, labels[0]))}. Give it a "
                    "parameter for each label column to get them one by one, or choose columns with "
                    "dataset.project([...])."
                )
            raise

    def forward(self, *batch: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """(loss, terms) of one batch; this is what a training step differentiates."""
        data, labels = self.split(batch)
        output = tensors_of(self.network(*data))
        if self.loss_fn is not None:
            self._output_shapes[_input_shapes(batch)] = _shapes_of(output)
            output = self.loss_of(output, labels)
        return loss_and_terms(output, self.loss_fn if self.loss_fn is not None else self.network)


def samples_of(batch: Sequence[Any]) -> int:
    """The number of samples in a batch: the size of the first axis of its first column that has one."""
    return next((array.shape[0] for array in batch if array.ndim), 1)


def _input_shapes(batch: Sequence[Any]) -> tuple[tuple[int, ...], ...]:
    return tuple([tuple(each.shape) for each in batch])


def _is_built_in(loss_fn: Any) -> bool:
    """Whether it is a loss or function of sporax, called as it was written here."""
    target = type(loss_fn).construct if isinstance(loss_fn, Cell) else loss_fn
    return (getattr(target, "__module__", None) or "").startswith("sporax.")


def _takes_one_output(loss_fn: Any) -> bool:
    """Whether it is a loss of ours on arrays, and not one made of losses."""
    return _is_built_in(loss_fn) and (isinstance(loss_fn, RegisteredLoss) or not isinstance(loss_fn, Cell))


def _shapes_of(output: Any) -> dict[str, tuple[int, ...]] | None:
    if isinstance(output, dict):
        return {name: each.shape for name, each in output.items() if isinstance(each, Tensor)}
    return {"logits": output.shape} if isinstance(output, Tensor) else None


def loss_and_terms(output: Any, source: Any) -> tuple[Tensor, dict[str, Tensor]]:
    """The number to minimise, and the named terms, of what a loss returned.

    A dict of terms is summed, unless it has a `loss` itself. Of a tuple the first is the loss, or what is named so.

    Raises:
        TrainError: there is no Tensor, or the loss is not one number.
    """
    name = getattr(source, "__name__", type(source).__name__)
    terms: dict[str, Tensor] = {}
    if isinstance(output, dict):
        if not output:
            raise TrainError(f"Model: {name} returned an empty dict; it must hold at least one term of the loss.")
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
            f"Model: {name} returned a NumPy array, but the loss must be a Tensor or an array of JAX: no gradient goes "
            "through NumPy. Compute it with sporax.ops or jax.numpy, from the inputs as they are (no asnumpy())."
        )
    if not isinstance(value, Tensor):
        raise TrainError(
            f"Model: {name} returned {value!r} of type {type(value).__name__}, but the loss must be a Tensor. "
            "Where the network is not its own loss, give loss_fn."
        )
    if value.size != 1:
        raise TrainError(
            f"Model: the loss of {name} has shape {value.shape}, but training needs one number. Construct it with "
            "reduction='mean' (some losses, as in MindSpore, have 'none' by default), or reduce it in construct, for "
            "example with .mean()."
        )
    return wrap(value._value.reshape(())) if value.ndim else value
