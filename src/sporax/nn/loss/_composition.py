"""Sums of named losses, with weights that are given or learned."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError
from sporax.core import Parameter, Tensor
from sporax.nn.loss._base import LossBase
from sporax.nn.loss._outputs import OutputLosses
from sporax.nn.loss._terms import _Call, _ComposedLoss, _Term, entries_of, listed, most_inputs, term_of

__all__ = ["UncertaintyWeightedLoss", "WeightedSumLoss"]

_SHARED = "uncertainty"


class WeightedSumLoss(_ComposedLoss):
    r"""Weighted sum of named losses, reported separately: :math:`\ell = \sum_k w_k \ell_k`.

    It returns a dict of the terms :math:`w_k \ell_k` by name. Where a dict is trained on (`Model`,
    `TrainOneStepCell`, `value_and_grad`), that is their sum. A loss that itself returns a dict has its terms named
    `<name>.<its term>`.

    Args:
        losses: by name a loss (a Cell or a function), or `(loss, weight)`, or `(loss, weight, inputs)`. A weight is a
            number (1 unless given), a Tensor or Parameter of one element, or a schedule: a function or
            `LearningRateSchedule` of the number of calls in training mode so far, a Tensor. `inputs` says which of
            the inputs the loss takes: a name of `inputs` below, a position, or several of these in a tuple. Without
            it a loss gets the first ones, as many as it takes.
        inputs: names for the inputs of construct, in order, for losses to choose by.

    Inputs:
        inputs: the network's output and the labels, or whatever the losses take; each must reach a loss.

    Returns:
        dict of Tensors of shape (), one for each loss.

    Raises:
        ArgumentError: there is no loss; a weight that is not finite; a name that is reserved ("loss"); an input that
            is not there.
        ArgumentTypeError: something is no loss, or no weight.

    Examples:
        >>> from sporax import nn, Tensor
        >>> # Cross entropy and the z-loss, which keeps the normaliser of the softmax near 1.
        >>> loss = nn.WeightedSumLoss({"ce": nn.CrossEntropyLoss(), "z": (nn.ZLoss(coefficient=1.0), 0.5)})
        >>> terms = loss(Tensor([[0.0, 0.0]]), Tensor([1]))
        >>> print({name: round(term.item(), 4) for name, term in terms.items()})
        {'ce': 0.6931, 'z': 0.2402}
        >>> # Losses that choose their inputs.
        >>> loss = nn.WeightedSumLoss(
        ...     {"mse": (nn.MSELoss(), 1.0, ("x", "y")), "l1": (nn.L1Loss(), 0.1, ("x", "other"))},
        ...     inputs=("x", "y", "other"),
        ... )
        >>> print({name: term.item() for name, term in loss(Tensor([3.0]), Tensor([1.0]), Tensor([3.0])).items()})
        {'mse': 4.0, 'l1': 0.0}

    Source: sporax's own; a dict of losses with `loss_weights` is in Keras' `compile`.
    """

    def __init__(self, losses: Mapping[str, Any], inputs: Sequence[str] | None = None) -> None:
        super().__init__()
        where = "WeightedSumLoss"
        self.inputs = None if inputs is None else tuple(inputs)
        self._terms = tuple(term_of(name, given, where, self.inputs) for name, given in entries_of(losses, where))
        self.names = tuple(term.name for term in self._terms)
        self._hold(self._terms)

    def _places(self, term: _Term, count: int) -> tuple[int, ...]:
        if term.inputs is None:
            return tuple(range(min(count, most_inputs(term.loss))))
        if wrong := [place for place in term.inputs if place >= count]:
            raise ArgumentError(
                f"WeightedSumLoss: the term {term.name!r} takes input {wrong[0]}, counted from 0, but there are "
                f"{count}."
            )
        return term.inputs

    def _calls(self, inputs: tuple[Any, ...]) -> Iterator[_Call]:
        places = [self._places(term, len(inputs)) for term in self._terms]
        if left := sorted(set(range(len(inputs))).difference(*places)):
            names = ", ".join(repr(name) for name in self.names)
            raise ArgumentError(
                f"WeightedSumLoss: it got {len(inputs)} inputs, but input {left[0]}, counted from 0, reaches none of "
                f"the terms {names}. Leave it out, or say which term takes it: (loss, weight, inputs)."
            )
        for term, weight, chosen in zip(self._terms, self._weights_now(self._terms), places, strict=True):
            yield _Call(term.name, term.loss, weight, tuple(inputs[place] for place in chosen))

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: np.ndarray) -> None:
        """Check label columns on the host; see `LossBase.check_labels`."""
        for term in self._terms:
            if isinstance(term.loss, LossBase):
                places = self._places(term, 1 + len(labels))
                shapes = input_shapes if 0 in places else {}
                term.loss.check_labels(shapes, *(labels[place - 1] for place in places if place))


class UncertaintyWeightedLoss(_ComposedLoss):
    r"""Sum of losses with learned weights: the uncertainty of each task.

    .. math:: \ell = \sum_k \left( c_k\, e^{-s_k}\, w_k \ell_k + \tfrac{1}{2} s_k \right), \qquad
        s_k = \log \sigma_k^2, \qquad c_k = \tfrac{1}{2} \text{ (regression) or } 1 \text{ (classification)}

    For a regression with squared error this is the likelihood of a Gaussian with variance :math:`\sigma_k^2`; for a
    classification :math:`1/\sigma_k^2` scales the logits. Each :math:`s_k` is a Parameter, `log_variance_<name>`; the
    optimizer must be given it: `[*net.trainable_params(), *loss.trainable_params()]`, best in a group without weight
    decay. (A transformation of optax in `Model` gets the Parameters of both.)

    Args:
        losses: losses by name as in `WeightedSumLoss`; or a `WeightedSumLoss` or `OutputLosses` whose terms to weigh.
        kinds: "regression" or "classification" for all; or a dict of these by name ("regression" where left out).
        log_variance: what :math:`s_k` starts from, a number or a dict by name (0 where left out).
        inputs: names for the inputs, as in `WeightedSumLoss`.

    Inputs:
        inputs: those of the losses.

    Returns:
        dict of Tensors of shape (): each weighted loss by name, and "uncertainty", the sum of :math:`s_k / 2`.

    Raises:
        ArgumentError: no loss, an unknown kind or name, a number that is not finite.
        ArgumentTypeError: something is no loss.

    Examples:
        >>> from sporax import nn, Tensor
        >>> tasks = nn.OutputLosses({"size": nn.MSELoss(), "kind": nn.CrossEntropyLoss()})
        >>> loss = nn.UncertaintyWeightedLoss(tasks, {"kind": "classification"})
        >>> outputs = {"size": Tensor([3.0]), "kind": Tensor([[0.0, 0.0]])}
        >>> terms = loss(outputs, {"size": Tensor([1.0]), "kind": Tensor([1])})
        >>> print({name: round(term.item(), 4) for name, term in terms.items()})
        {'size': 2.0, 'kind': 0.6931, 'uncertainty': 0.0}
        >>> [parameter.name for parameter in loss.trainable_params()]
        ['log_variance_size', 'log_variance_kind']

    Source: Kendall, Gal and Cipolla, "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and
    Semantics", 2018.
    """

    def __init__(
        self,
        losses: Mapping[str, Any] | LossBase,
        kinds: str | Mapping[str, str] = "regression",
        log_variance: float | Mapping[str, float] = 0.0,
        inputs: Sequence[str] | None = None,
    ) -> None:
        super().__init__()
        where = "UncertaintyWeightedLoss"
        if not isinstance(losses, (Mapping, WeightedSumLoss, OutputLosses)):
            raise ArgumentTypeError(
                f"{where}: `losses` must be a dict of losses, a WeightedSumLoss or an OutputLosses, but got "
                f"{losses!r} of type {type(losses).__name__}."
            )
        tasks = WeightedSumLoss(losses, inputs) if isinstance(losses, Mapping) else losses
        if _SHARED in tasks.names:
            raise ArgumentError(f"{where}: {_SHARED!r} is the name of its own term. Use another for the loss.")
        self.tasks = tasks
        chosen = _by_name(kinds, tasks.names, "regression", "kinds", where)
        start = _by_name(log_variance, tasks.names, 0.0, "log_variance", where)
        self.kinds = {
            name: _check.one_of(kind, ("regression", "classification"), name="kinds", where=where)
            for name, kind in chosen.items()
        }
        self.log_variances: dict[str, Parameter] = {}
        """The learned Parameters, by the names of the losses."""
        for name in tasks.names:
            value = np.float32(_check.number(start[name], name="log_variance", where=where))
            parameter = Parameter(value, name=f"log_variance_{name}")
            self.insert_param_to_cell(f"log_variance_{name}", parameter, check_name_contain_dot=False)
            self.log_variances[name] = parameter

    def takes_labels_by_name(self, columns: Sequence[str]) -> bool:
        """Whether label columns go by name; see `OutputLosses.takes_labels_by_name`."""
        return isinstance(self.tasks, OutputLosses) and self.tasks.takes_labels_by_name(columns)

    def check_labels(self, input_shapes: dict[str, tuple[int, ...]], *labels: Any) -> None:
        """Check label columns on the host; see `LossBase.check_labels`."""
        self.tasks.check_labels(input_shapes, *labels)

    def _calls(self, inputs: tuple[Any, ...]) -> Iterator[_Call]:
        for call in self.tasks._calls(inputs):
            factor = (-self.log_variances[call.name]).exp()
            if self.kinds[call.name] == "regression":
                factor = factor * 0.5
            yield call._replace(weight=factor * call.weight)

    def _uncertainty(self) -> Tensor:
        halves = [each * 0.5 for each in self.log_variances.values()]
        return sum(halves[1:], start=halves[0])

    def construct(self, *inputs: Any) -> dict[str, Tensor]:
        """The weighted losses of one batch by name, and the term of the uncertainties."""
        return {**super().construct(*inputs), _SHARED: self._uncertainty()}


def _by_name(given: Any, names: tuple[str, ...], default: Any, argument: str, where: str) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        return dict.fromkeys(names, given)
    if unknown := [name for name in given if name not in names]:
        raise ArgumentError(f"{where}: `{argument}` names {unknown[0]!r}, but the losses are {listed(names)}.")
    return {name: given.get(name, default) for name in names}
