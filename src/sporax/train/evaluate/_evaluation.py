"""Evaluation of a batch: the loss, its weight and the predictions, and the update of the metrics."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from sporax._errors import SporaxWarning, TrainError
from sporax._jax_compat import CONCRETIZATION_ERRORS
from sporax.core import Cell, Parameter, Tensor, to_array, wrap
from sporax.nn import LossBase
from sporax.nn.loss import capturing, parts_of_total, sums_of, tensors_of, through_means
from sporax.train._binding import Binding, loss_and_terms
from sporax.train.evaluate._metric_classes import check_shapes, is_built_in, uses_indexes
from sporax.train.evaluate._results import Totals, accepts_sums
from sporax.train.metrics import Loss, Metric
from sporax.transforms import CompiledFunction


class Evaluation:
    """The compiled evaluation of batches with the same columns.

    Args:
        network, loss_fn, eval_network, eval_indexes: the arguments of `Model`.
        columns: the names of the dataset's columns.

    Raises:
        TrainError: there is neither loss_fn nor eval_network.
        DatasetError: the columns do not match.
    """

    def __init__(
        self,
        network: Cell,
        loss_fn: Callable[..., Any] | None,
        eval_network: Cell | None,
        eval_indexes: Sequence[int] | None,
        columns: tuple[str, ...],
    ) -> None:
        self._network, self._loss_fn = network, loss_fn
        self._eval_network, self._eval_indexes = eval_network, eval_indexes
        self._names: tuple[str, ...] = ()
        """Names of the values that `set_indexes` counts."""
        self._kind = ""
        """The type of the network's output if it is a dict, tuple or list; else empty."""
        self._checked = False
        self._parts: dict[str, float] | None = {}
        """For a loss that sums several means, their denominators per sample; None after a warning."""
        if eval_network is not None:
            self._step = CompiledFunction(self._of_eval_network, self._owned)
        elif loss_fn is not None:
            self._binding = Binding(network, loss_fn, columns)
            self._step = CompiledFunction(self._of_loss, self._owned)
        else:
            raise TrainError(
                "Model.eval: the network returns its own loss, so its predictions are unknown. Give Model an "
                "eval_network that returns predictions and labels, or a loss_fn."
            )

    def run(self, batch: Sequence[np.ndarray], metrics: Mapping[str, Metric], totals: Totals) -> Any:
        """Evaluate a batch, and update the metrics and totals.

        Returns:
            The outputs of the step that callbacks see: the loss if there is one, the network's output, and the labels.
        """
        inputs = [wrap(to_array(array)) for array in batch]
        if not self._checked:
            self._check(inputs, metrics)
        loss, sums, outputs, parts = self._step(*inputs)
        # If tracing failed, the outputs are known only now.
        self._check_outputs(loss, outputs, metrics)
        added = {name: (float(np.asarray(total)), float(np.asarray(weight))) for name, (total, weight) in sums.items()}
        for name, (total, weight) in added.items():
            before = totals.get(name, (0.0, 0.0))
            totals[name] = (before[0] + total, before[1] + weight)
        if self._parts is not None and parts != {}:
            self._compare_parts(parts)
        # A metric may have two names.
        for metric in {id(each): each for each in metrics.values()}.values():
            if not isinstance(metric, Loss):
                metric.update(*self._inputs_of(metric, outputs))
            elif "loss" in added and accepts_sums(metric):
                metric.add(*added["loss"])
            else:
                metric.update(loss)
        return outputs if loss is None else (loss, *outputs)

    def check(self, shapes: Sequence[Any], types: Sequence[Any], metrics: Mapping[str, Metric]) -> None:
        """Raise `TrainError` before the first step if a metric does not accept the outputs for these shapes."""
        if any(size is None for shape in shapes for size in shape):
            return
        examples = [
            np.broadcast_to(np.zeros((), np.dtype(kind)), tuple(shape))
            for shape, kind in zip(shapes, types, strict=True)
        ]
        self._check([wrap(each) for each in examples], metrics)

    def _check(self, inputs: list[Tensor], metrics: Mapping[str, Metric]) -> None:
        try:
            found = self._step.abstract(*inputs)
        except CONCRETIZATION_ERRORS:
            found = None
        if found is not None:
            loss, _, outputs, _ = found
            self._check_outputs(loss, outputs, metrics)

    def _check_outputs(self, loss: Any, outputs: tuple[Any, ...], metrics: Mapping[str, Metric]) -> None:
        if self._checked:
            return
        for name, metric in metrics.items():
            if isinstance(metric, Loss):
                if loss is None:
                    raise TrainError(
                        "Model.eval: the metric Loss needs a loss. Give Model a loss_fn, or eval_indexes with the "
                        "index of the loss in the outputs of eval_network."
                    )
            else:
                self._check_metric(name, metric, outputs)
        self._checked = True

    def _check_metric(self, name: str, metric: Metric, outputs: tuple[Any, ...]) -> None:
        choices = self._choices(outputs)
        names = self._names or tuple(f"output_{i}" for i in range(len(choices)))
        how = f"metric.set_indexes([output, label]), counted from 0 in {', '.join(names)}"
        indexes = metric.indexes
        if indexes is not None:
            if wrong := [each for each in indexes if not -len(choices) <= each < len(choices)]:
                raise TrainError(
                    f"Model.eval: set_indexes of the metric {name!r} selected {indexes}, but {wrong[0]} is out of "
                    f"range for {len(choices)} values. Use {how}."
                )
            chosen = [(names[each], choices[each]) for each in indexes]
            if not uses_indexes(metric):
                warnings.warn(
                    f"Model.eval: set_indexes of the metric {name!r} has no effect, because its update is not "
                    f"decorated and gets all of {', '.join(names)}. Decorate the update of {type(metric).__name__} "
                    "with @rearrange_inputs.",
                    SporaxWarning,
                    stacklevel=2,
                )
        else:
            # A custom metric may accept a tuple. A dict has no order in which to pass it.
            if self._kind == "dict" or (self._kind and is_built_in(metric)):
                raise TrainError(
                    f"Model.eval: the network returns a {self._kind} of outputs, so the inputs of the metric {name!r} "
                    f"must be selected: {how}. Or give Model an eval_network that returns the prediction and the label."
                )
            given = self._inputs_of(metric, outputs)
            if is_built_in(metric) and len(given) != 2:
                raise TrainError(
                    f"Model.eval: the metric {name!r} takes a prediction and a label, but eval_network returns "
                    f"{len(given)} output(s). Select them: Model(..., eval_indexes=[loss, prediction, label]), or "
                    f"{how}."
                )
            chosen = list(zip(names, given, strict=False))
        if not is_built_in(metric):
            return
        for label, value in chosen:
            if not hasattr(value, "shape"):
                raise TrainError(
                    f"Model.eval: the metric {name!r} would get {label}, which is a {type(value).__name__}, but it "
                    "takes Tensors. Give Model an eval_network that returns the prediction and the label."
                )
        check_shapes(metric, [value for _, value in chosen])

    def _compare_parts(self, parts: Mapping[str, Any] | None) -> None:
        """Warn, once, if a loss of several means has no common denominator over all batches."""
        current = None if parts is None else {name: float(np.asarray(each)) for name, each in parts.items()}
        before = self._parts or current
        if current is not None and before is not None and current.keys() == before.keys():
            self._parts = before
            if all(np.isclose(each, before[name], rtol=1e-5, atol=0) for name, each in current.items()):
                return
        self._parts = None
        source = self._loss_fn if self._eval_network is None else self._eval_network
        name = getattr(source, "__name__", type(source).__name__)
        how = (
            "takes its mean inside another transformation (jit, vmap, scan), so the denominator is not seen"
            if current is None
            else "is a sum of several means, whose denominators differ between batches (masks, ignored labels)"
        )
        warnings.warn(
            f"Model.eval: the loss {name} {how}. Each batch is weighted by its number of samples, so the result "
            "differs from that of one large batch. "
            + (
                "Remove jit from its construct if it has one: Model compiles it anyway."
                if current is None
                else "For that, return the means as a dict of terms, or use nn.WeightedSumLoss."
            ),
            SporaxWarning,
            stacklevel=2,
        )

    def _choices(self, outputs: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the values that `set_indexes` counts: the outputs one by one, and the labels."""
        first = outputs[0]
        # Decided for each batch: a network may return one output for some batches, and several for others.
        if isinstance(first, Mapping):
            return (*first.values(), *outputs[1:])
        if self._eval_network is None and isinstance(first, (tuple, list)):
            return (*first, *outputs[1:])
        return outputs

    def _inputs_of(self, metric: Metric, outputs: tuple[Any, ...]) -> tuple[Any, ...]:
        if metric.indexes is not None:
            return self._choices(outputs)
        return outputs[:2] if self._eval_network is None or self._eval_indexes is not None else outputs

    def _owned(self) -> tuple[Parameter, ...]:
        """Return the Parameters that the evaluation is known to read; others would cost a second trace."""
        cells = [each for each in (self._eval_network or self._network, self._loss_fn) if isinstance(each, Cell)]
        return tuple(dict.fromkeys(parameter for cell in cells for parameter in cell.get_parameters()))

    # --- compiled functions ------------------------------------------------------------------------------------

    def _of_eval_network(self, *batch: Any) -> Any:
        assert self._eval_network is not None
        indexes = self._eval_indexes
        with capturing() as pairs:
            outputs = tensors_of(self._eval_network(*batch))
        network = self._eval_network
        if isinstance(outputs, dict):
            self._kind, self._names = "dict", tuple(outputs)
            if indexes is not None:
                raise TrainError(
                    f"Model.eval: eval_network returns a dict of {', '.join(outputs)}, so eval_indexes {list(indexes)} "
                    "cannot be used. Return a tuple (loss, prediction, label)."
                )
            return None, {}, (_Ordered(outputs),), {}
        outputs = tuple(outputs) if isinstance(outputs, (tuple, list)) else (outputs,)
        if indexes is None:
            return None, {}, outputs, {}
        if wrong := [each for each in indexes if not -len(outputs) <= each < len(outputs)]:
            raise TrainError(
                f"Model.eval: eval_indexes are {list(indexes)}, but eval_network returns {len(outputs)} output(s), so "
                f"there is no output {wrong[0]}."
            )
        loss, _ = loss_and_terms(_mean(outputs[indexes[0]]), self._eval_network)
        # The loss of a loss Cell in the network, or a function of it.
        pairs.through = through_means(lambda *batch: network(*batch)[indexes[0]], batch, {})
        value = (outputs[indexes[0]], *(each for each in outputs if each is not outputs[indexes[0]]))
        sums, parts = sums_of(value, pairs, batch, {}), parts_of_total(value, pairs, batch)
        return loss, sums, (outputs[indexes[1]], outputs[indexes[2]]), parts

    def _of_loss(self, *batch: Any) -> Any:
        binding, loss_fn = self._binding, self._loss_fn
        assert loss_fn is not None
        data, labels = binding.split(batch)
        output = tensors_of(self._network(*data))
        # Called only once: a loss may draw random numbers or write Parameters.
        with capturing() as pairs:
            value = binding.loss_of(output, labels)
        pairs.through = through_means(binding.loss_of, (output, labels), {})
        # Only training requires one number.
        loss, _ = loss_and_terms(_mean(value), loss_fn)
        reduction = loss_fn.reduction if isinstance(loss_fn, LossBase) else "mean"
        sums = sums_of(value, pairs, (output, *labels), {}, reduction)
        if isinstance(output, (dict, tuple, list)):
            self._kind = "dict" if isinstance(output, dict) else "list" if isinstance(output, list) else "tuple"
            names = output if isinstance(output, dict) else [f"output_{i}" for i in range(len(output))]
            self._names = (*names, *binding.columns[binding.data_columns :])
        else:
            self._kind, self._names = "", ("output", *binding.columns[binding.data_columns :])
        shown = _Ordered(output) if isinstance(output, dict) else output
        parts = {} if reduction in ("sum", "none") else parts_of_total(value, pairs, (output, *labels))
        return loss, sums, (shown, *batch[binding.data_columns :]), parts


class _Ordered(dict[str, Any]):
    """A dict of outputs whose order compiled code preserves."""


jax.tree_util.register_pytree_node(
    _Ordered,
    lambda outputs: (tuple(outputs.values()), tuple(outputs)),
    lambda names, values: _Ordered(zip(names, values, strict=True)),
)


def _mean(value: Any) -> Any:
    return value.mean() if isinstance(value, Tensor) and value.size != 1 else value
