"""Losses for networks with several outputs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sporax._errors import ArgumentError, ArgumentTypeError, DatasetError, ShapeError
from sporax.core import is_tensor
from sporax.nn.loss._base import LossBase
from sporax.nn.loss._terms import (
    _Call,
    _ComposedLoss,
    _Term,
    check_loss,
    check_weight,
    entries_of,
    listed,
    most_inputs,
    term_of,
)

__all__ = ["DeepSupervisionLoss", "OutputLosses"]


class OutputLosses(_ComposedLoss):
    r"""A loss for each output of a network that returns a dict: :math:`\ell = \sum_k w_k \ell_k(x_k, y_k)`.

    `Model` makes one of a dict given as `loss_fn`. Labels go by the outputs' names: in `Model` the columns of the
    dataset with these names; or, where no column has any of these names, the label columns in the order of the dict.

    Args:
        losses: by the output's name a loss (a Cell or a function), or `(loss, weight)` with a weight as in
            `WeightedSumLoss`, or None for an output that is not trained on. A loss that takes one input only, such
            as `ZLoss`, needs no label.

    Inputs:
        outputs: dict of the network's outputs.
        labels: a dict of labels by the outputs' names; or the labels one by one, in the order of `losses`.

    Returns:
        dict of Tensors of shape (), one for each output with a loss.

    Raises:
        ArgumentError: there is no loss; a weight that is not finite; an output without an entry in `losses`, a loss
            without its output or without its label.
        ArgumentTypeError: something is no loss, or no weight; the outputs are no dict.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.OutputLosses({"size": nn.MSELoss(), "kind": (nn.CrossEntropyLoss(), 0.5), "features": None})
        >>> outputs = {"size": Tensor([2.0]), "kind": Tensor([[0.0, 0.0]]), "features": Tensor([1.0, 2.0])}
        >>> terms = loss(outputs, {"size": Tensor([1.0]), "kind": Tensor([1])})
        >>> print({name: round(term.item(), 4) for name, term in terms.items()})
        {'size': 1.0, 'kind': 0.3466}

    Source: a dict of losses in Keras' `compile`.
    """

    def __init__(self, losses: Mapping[str, Any]) -> None:
        super().__init__()
        where = "OutputLosses"
        entries = list(entries_of(losses, where))
        self.outputs = tuple(name for name, _ in entries)
        self._terms = tuple(term_of(name, given, where, None) for name, given in entries if given is not None)
        if not self._terms:
            raise ArgumentError(f"{where}: every output is named None, so there is no loss. Give at least one.")
        if chosen := [term.name for term in self._terms if term.inputs is not None]:
            raise ArgumentError(f"{where}: the loss of {chosen[0]!r} gets its output and its label; give no inputs.")
        self.names = tuple(term.name for term in self._terms)
        self.labelled = tuple(term.name for term in self._terms if most_inputs(term.loss) > 1)
        """The outputs whose loss takes a label."""
        self._hold(self._terms)

    def takes_labels_by_name(self, columns: Sequence[str]) -> bool:
        """Whether these label columns go by the outputs' names, and not by their order.

        Args:
            columns: the names of the label columns.

        Returns:
            True where a column has the name of an output.

        Raises:
            DatasetError: they fit neither way; says which there are.
        """
        there = f"The dataset's label columns are {listed(columns)}, and labels are wanted for {listed(self.labelled)}."
        if not set(columns) & set(self.outputs):
            if len(columns) == len(self.labelled):
                return False
            raise DatasetError(
                f"OutputLosses: no label column has the name of an output, and their numbers differ, so they cannot "
                f"be taken in order. {there} Name them with dataset.rename(...)."
            )
        if missing := [name for name in self.labelled if name not in columns]:
            raise DatasetError(f"OutputLosses: the loss of {missing[0]!r} has no label column. {there}")
        if extra := [name for name in columns if name not in self.outputs]:
            raise DatasetError(
                f"OutputLosses: the label column {extra[0]!r} is for no output. {there} Leave it out with "
                "dataset.project([...])."
            )
        return True

    def _labels(self, labels: tuple[Any, ...]) -> Mapping[str, Any]:
        if len(labels) == 1 and isinstance(labels[0], Mapping):
            given = labels[0]
            if missing := [name for name in self.labelled if name not in given]:
                raise ArgumentError(
                    f"OutputLosses: the loss of {missing[0]!r} has no label. There are labels for {listed(given)}."
                )
            return given
        if len(labels) != len(self.labelled):
            raise ArgumentError(
                f"OutputLosses: it got {len(labels)} label(s), but wants one for each of {listed(self.labelled)}, in "
                "this order, or a dict by these names."
            )
        return dict(zip(self.labelled, labels, strict=True))

    def _check_outputs(self, outputs: Any) -> None:
        if not isinstance(outputs, Mapping):
            raise ArgumentTypeError(
                f"OutputLosses: the network must return a dict of outputs, with losses for {listed(self.outputs)}, but "
                f"it returned an object of type {type(outputs).__name__}."
            )
        if missing := [name for name in self.outputs if name not in outputs]:
            raise ArgumentError(
                f"OutputLosses: there is a loss for {missing[0]!r}, but the network has no such output. It returned "
                f"{listed(outputs)}."
            )
        if extra := [name for name in outputs if name not in self.outputs]:
            raise ArgumentError(
                f"OutputLosses: the output {extra[0]!r} of the network has no loss. There are losses for "
                f"{listed(self.outputs)}. For an output that is not trained on write {{{extra[0]!r}: None}}."
            )

    def _calls(self, inputs: tuple[Any, ...]) -> Iterator[_Call]:
        if not inputs:
            raise ArgumentError("OutputLosses: it got no inputs, but takes the network's outputs and the labels.")
        outputs, labels = inputs[0], self._labels(inputs[1:])
        self._check_outputs(outputs)
        for term, weight in zip(self._terms, self._weights_now(self._terms), strict=True):
            label = (labels[term.name],) if term.name in self.labelled else ()
            yield _Call(term.name, term.loss, weight, (outputs[term.name], *label))

    def check_labels(self, input_shapes: Mapping[str, Any], *labels: Any) -> None:
        """Check label columns on the host; see `LossBase.check_labels`.

        Args:
            input_shapes: shapes of the outputs, by name.
            labels: as those of construct.
        """
        given = self._labels(labels)
        for term in self._terms:
            if isinstance(term.loss, LossBase) and term.name in self.labelled:
                shape = input_shapes.get(term.name)
                term.loss.check_labels({} if shape is None else {"logits": shape}, given[term.name])


class DeepSupervisionLoss(_ComposedLoss):
    r"""One loss for several outputs of a network, as of its inner layers: :math:`\ell = \sum_k w_k\, \ell(x_k, y)`.

    Every output meets the same label, so all must have one shape. Where they differ (a pyramid of resolutions), give
    each output a label of its own: a tuple or dict of labels resized to fit.

    Args:
        loss: the loss, a Cell or a function.
        weights: a weight for each output, in order, or a dict by the outputs' names; 1 each unless given. A weight is
            as in `WeightedSumLoss`.

    Inputs:
        outputs: tuple, list or dict of outputs; a single Tensor is the first of them.
        labels: what the loss takes beside the output; each for every output, or a tuple, list or dict with one for
            each output.

    Returns:
        dict of Tensors of shape (): "output_0", "output_1", ..., or by the outputs' names.

    Raises:
        ArgumentError: no outputs, or another number or other names of them than of weights or labels.
        ShapeError: outputs of several shapes for one label.

    Examples:
        >>> from sporax import nn, Tensor
        >>> loss = nn.DeepSupervisionLoss(nn.MSELoss(), [1.0, 0.5])
        >>> terms = loss((Tensor([3.0]), Tensor([2.0])), Tensor([1.0]))
        >>> print({name: term.item() for name, term in terms.items()})
        {'output_0': 4.0, 'output_1': 0.5}

    Source: Lee et al., "Deeply-Supervised Nets", 2015.
    """

    def __init__(self, loss: Callable[..., Any], weights: Sequence[Any] | Mapping[str, Any] | None = None) -> None:
        super().__init__()
        where = "DeepSupervisionLoss"
        self.loss = check_loss(loss, "loss", where)
        if weights is not None and not isinstance(weights, (Sequence, Mapping)):
            raise ArgumentTypeError(f"{where}: `weights` must be a list or a dict of weights, but got {weights!r}.")
        self.by_name = isinstance(weights, Mapping)
        given = [] if weights is None else _named_outputs(weights)
        self._weights = (
            None
            if weights is None
            else tuple(_Term(name, _nothing, check_weight(weight, name, where), None) for name, weight in given)
        )
        if self._weights is not None:
            self.names = tuple(term.name for term in self._weights)
            self._hold(self._weights)

    def _calls(self, inputs: tuple[Any, ...]) -> Iterator[_Call]:
        where = "DeepSupervisionLoss"
        if not inputs:
            raise ArgumentError(f"{where}: it got no inputs, but takes the outputs and the labels.")
        given, *labels = inputs
        single = is_tensor(given)
        outputs = [(self.names[0] if self.names else "output_0", given)] if single else _named_outputs(given)
        names = [name for name, _ in outputs]
        if not outputs:
            raise ArgumentError(f"{where}: there are no outputs.")
        weights: dict[str, Any] = dict.fromkeys(names, 1.0)
        if self._weights is not None:
            if not single and set(names) != set(self.names):
                raise ArgumentError(f"{where}: the outputs are {listed(names)}, but the weights {listed(self.names)}.")
            weights = dict(zip(self.names, self._weights_now(self._weights), strict=True))
        many = (tuple, list, Mapping)
        if shared := [label for label in labels if not isinstance(label, many)]:
            self._check_shapes(outputs, shared)
        columns = []
        for label in labels:
            column = dict(_named_outputs(label)) if isinstance(label, many) else dict.fromkeys(names, label)
            if not set(names) <= set(column) or not (single or len(names) == len(column)):
                raise ArgumentError(f"{where}: the outputs are {listed(names)}, but the labels {listed(column)}.")
            columns.append(column)
        for name, output in outputs:
            yield _Call(name, self.loss, weights[name], (output, *(column[name] for column in columns)))

    @staticmethod
    def _check_shapes(outputs: Sequence[tuple[str, Any]], labels: Sequence[Any]) -> None:
        first = outputs[0][1].shape
        for name, output in outputs[1:]:
            if output.shape != first:
                raise ShapeError(
                    f"DeepSupervisionLoss: outputs {outputs[0][0]!r} of shape {first} and {name!r} of shape "
                    f"{output.shape} cannot both meet labels of shape {', '.join(str(each.shape) for each in labels)}. "
                    "Resize the outputs to the labels in the network (ops.interpolate), or give a tuple (or dict) of "
                    "labels, one resized for each output; which way labels are to be resized is yours to say."
                )

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: Any) -> None:
        """Check label columns on the host; see `LossBase.check_labels`."""
        if isinstance(self.loss, LossBase):
            self.loss.check_labels(input_shapes, *labels)


def _named_outputs(outputs: Any) -> list[tuple[str, Any]]:
    if isinstance(outputs, Mapping):
        return list(outputs.items())
    if isinstance(outputs, (tuple, list)):
        return [(f"output_{i}", each) for i, each in enumerate(outputs)]
    raise ArgumentTypeError(
        f"DeepSupervisionLoss: outputs must be a tuple, a list or a dict, but got {type(outputs).__name__}."
    )


def _nothing(*_: Any) -> None:
    """Stands for the loss of a term that only has a weight."""
