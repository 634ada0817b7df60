"""Model: training, evaluation and prediction with a network, a loss, an optimizer and metrics."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError, TrainError
from sporax.core import Cell, Parameter, Tensor
from sporax.dataset import Dataset
from sporax.nn import LossBase, OutputLosses, TrainOneStepCell, as_optimizer
from sporax.train import _source
from sporax.train._binding import Binding
from sporax.train._evaluate import Evaluation, Totals, results_of
from sporax.train._feed import Feed
from sporax.train._loop import TrainLoop
from sporax.train._modes import kept_modes, training
from sporax.train._train_cell import TrainCellStep
from sporax.train.callback import CallbackList, RunContext, RunParams
from sporax.train.metrics import Metric, get_metrics
from sporax.train.step import StepRunner
from sporax.transforms import jit

__all__ = ["Model"]


class _Forward(Cell):
    """The network with its loss, as a Cell whose output is (loss, terms)."""

    def __init__(self, binding: Binding) -> None:
        super().__init__(auto_prefix=False)
        self._network = binding.network
        self._loss_fn = binding.loss_fn
        self._binding = binding

    def construct(self, *batch: Any) -> Any:
        return self._binding.forward(*batch)


class Model:
    """A network, its loss and its optimizer, joined for training, evaluation and prediction.

    Args:
        network: the network; or, without `loss_fn`, a network whose output is the loss; or, without `loss_fn` and
            `optimizer`, a training Cell that updates Parameters itself, such as `nn.TrainOneStepCell`, and whose
            output is the loss, or a tuple or dict with it.
        loss_fn: a loss: a Cell of `nn`, or any function of the network's output and the labels. It may return a dict
            of terms, which are summed and reported one by one. For a network that returns a dict of outputs, a dict
            by their names of a loss, `(loss, weight)`, or None for an output that is not trained on; it becomes an
            `nn.OutputLosses`, which says how labels are found.
        optimizer: an optimizer of `nn`, or a gradient transformation of optax, for the trainable Parameters of the
            network and of the loss, if it has any.
        metrics: names (a set, a list or a tuple), or a dict of name to Metric. A metric gets the network's output and
            the first label, or what its `set_indexes` chooses of the outputs and labels, or what `eval_network`
            returns.
        eval_network: a network for evaluation whose outputs go to the metrics.
        eval_indexes: which outputs of `eval_network` are the loss, the prediction and the label.
        amp_level: "O0" only; for half precision use `network.to_float(...)`.

    Raises:
        ArgumentTypeError, ArgumentError: an argument of the wrong kind.

    Examples:
        >>> import numpy as np
        >>> from sporax import Model, nn, dataset as ds
        >>> x = np.linspace(-1, 1, 32, dtype=np.float32).reshape(32, 1)
        >>> data = ds.NumpySlicesDataset((x, 2 * x), ["data", "label"], shuffle=False).batch(8)
        >>> net = nn.Dense(1, 1, weight_init="zeros", bias_init="zeros")
        >>> model = Model(net, nn.MSELoss(), nn.Momentum(net.trainable_params(), 0.1, 0.9), metrics={"mse"})
        >>> model.train(20, data)
        >>> model.eval(data)["mse"] < 0.01
        True

    Source: the class of the same name in MindSpore.
    """

    def __init__(
        self,
        network: Cell,
        loss_fn: Callable[..., Any] | Mapping[str, Any] | None = None,
        optimizer: Any = None,
        metrics: Any = None,
        eval_network: Cell | None = None,
        eval_indexes: Sequence[int] | None = None,
        amp_level: str = "O0",
        boost_level: str = "O0",
    ) -> None:
        if not isinstance(network, Cell):
            raise ArgumentTypeError(
                f"Model: `network` must be a Cell, but got {network!r} of type {type(network).__name__}."
            )
        if isinstance(loss_fn, Mapping):
            loss_fn = OutputLosses(loss_fn)
        if loss_fn is not None and not callable(loss_fn):
            raise ArgumentTypeError(f"Model: `loss_fn` must be a Cell or a function, but got {loss_fn!r}.")
        if amp_level != "O0" or boost_level != "O0":
            raise ArgumentError(
                f"Model: amp_level {amp_level!r} and boost_level {boost_level!r}: only 'O0' is built. For half "
                "precision use network.to_float(sporax.bfloat16) and leave both at 'O0'."
            )
        self._network = network
        self._loss_fn = loss_fn
        self._metrics: dict[str, Metric] = get_metrics(metrics) if metrics is not None else {}
        self._eval_network = eval_network
        self._eval_indexes = self._checked_indexes(eval_indexes, eval_network)
        self._optimizer = None if optimizer is None else as_optimizer(optimizer, self._trainable())
        self._runners: dict[tuple[str, ...], tuple[Binding, StepRunner, Cell, Callable[..., Any]]] = {}
        self._evaluations: dict[tuple[str, ...], Evaluation] = {}
        self._evaluating = 0
        """Evaluations that run; one inside another was called by a callback."""
        self._predict = jit(network)

    def _trainable(self) -> list[Parameter]:
        """The trainable Parameters of the network and of the loss, each once."""
        own = self._loss_fn.trainable_params() if isinstance(self._loss_fn, Cell) else []
        return list(dict.fromkeys([*self._network.trainable_params(), *own]))

    @staticmethod
    def _checked_indexes(indexes: Sequence[int] | None, eval_network: Cell | None) -> Sequence[int] | None:
        if indexes is None:
            return None
        if len(indexes) != 3 or not all(isinstance(each, int) and not isinstance(each, bool) for each in indexes):
            raise ArgumentError(
                f"Model: `eval_indexes` must be three ints (loss, prediction, label), but got {indexes!r}."
            )
        # Without one, these are the loss, the network's output and the label.
        if eval_network is None and [each % 3 for each in indexes] != [0, 1, 2]:
            raise ArgumentError(
                f"Model: `eval_indexes` {list(indexes)} choose from what eval_network returns, but there is none. Give "
                "Model(..., eval_network=...), or leave eval_indexes out."
            )
        return indexes

    @property
    def network(self) -> Cell:
        """The network."""
        return self._network

    @property
    def predict_network(self) -> Cell:
        """The network, as `predict` calls it."""
        return self._network

    @property
    def eval_network(self) -> Cell | None:
        """The network given for evaluation."""
        return self._eval_network

    # --- training ---------------------------------------------------------------------------------------------

    def train(
        self,
        epoch: int,
        train_dataset: Any,
        callbacks: Any = None,
        dataset_sink_mode: bool = False,
        sink_size: int = -1,
        initial_epoch: int = 0,
    ) -> None:
        """Train for `epoch` epochs.

        Args:
            epoch: the number of the last epoch; with `initial_epoch` 0, how many there are.
            train_dataset: a dataset that gives batches.
            callbacks: one Callback, or a list of them.
            dataset_sink_mode: run many steps in one call of the device. Callbacks see every step, and print the same.
            sink_size: with sinking, how many steps make an epoch; -1 for the whole dataset.
            initial_epoch: how many epochs were trained before; training goes on from there.

        Raises:
            TrainError: there is no optimizer, and the network updates no Parameter itself; the loss is not one
                number; or, in `fit`, a metric cannot judge what the network returns.
            DatasetError: the dataset is empty, or its columns fit neither network nor loss.
            KeyboardInterrupt: Ctrl-C; the network then holds the state after the last step.
        """
        self._run("train", epoch, train_dataset, callbacks, dataset_sink_mode, sink_size, initial_epoch)

    def fit(
        self,
        epoch: int,
        train_dataset: Any,
        valid_dataset: Any = None,
        valid_frequency: int | Sequence[int] = 1,
        callbacks: Any = None,
        dataset_sink_mode: bool = False,
        valid_dataset_sink_mode: bool = False,
        sink_size: int = -1,
        initial_epoch: int = 0,
    ) -> None:
        """Train, and evaluate on `valid_dataset` after epochs.

        Args:
            epoch, train_dataset, callbacks, dataset_sink_mode, sink_size, initial_epoch: as in `train`.
            valid_dataset: what to evaluate on; None for none.
            valid_frequency: evaluate after every so many epochs, or after the epochs listed.
            valid_dataset_sink_mode: accepted, as in MindSpore; evaluation is compiled either way.

        Raises:
            ArgumentError: there are no metrics, or a wrong `valid_frequency`.
            TrainError, DatasetError: as `train`.
        """
        if valid_dataset is None:
            return self.train(epoch, train_dataset, callbacks, dataset_sink_mode, sink_size, initial_epoch)
        if not self._metrics:
            raise ArgumentError("Model.fit: a valid_dataset needs metrics; give them to Model(..., metrics={'loss'}).")
        if isinstance(valid_frequency, int):
            _check.integer(valid_frequency, name="valid_frequency", where="Model.fit", minimum=1)
        elif not all(isinstance(each, int) for each in valid_frequency):
            raise ArgumentTypeError(
                f"Model.fit: `valid_frequency` must be an int or a list of ints, but got {valid_frequency!r}."
            )
        valid = _source.as_source(valid_dataset, "Model.fit")
        if valid_dataset is train_dataset:
            # One source, so that an iterable is opened once.
            train_dataset = valid

        def due(number: int) -> bool:
            if isinstance(valid_frequency, int):
                return number % valid_frequency == 0
            return number in valid_frequency

        self._run("fit", epoch, train_dataset, callbacks, dataset_sink_mode, sink_size, initial_epoch, (valid, due))

    def _run(
        self,
        where: str,
        epoch: int,
        dataset: Any,
        callbacks: Any,
        sink: bool,
        sink_size: int,
        initial_epoch: int,
        validation: tuple[Any, Callable[[int], bool]] | None = None,
    ) -> None:
        where = f"Model.{where}"
        _check.integer(epoch, name="epoch", where=where, minimum=1)
        _check.integer(initial_epoch, name="initial_epoch", where=where, minimum=0)
        _check.is_type(sink, bool, name="dataset_sink_mode", where=where)
        if sink_size != -1:
            _check.integer(sink_size, name="sink_size", where=where, minimum=1)
        if initial_epoch > epoch:
            raise ArgumentError(
                f"{where}: `initial_epoch` {initial_epoch} is beyond `epoch` {epoch}. `epoch` counts from the start."
            )
        source = _source.as_source(dataset, where)
        binding, runner, train_network, step = self._step_for(source, where)
        if validation is not None:
            self._check_validation(validation[0])
        params = self._params("train", source, callbacks)
        params.train_network = train_network
        params.epoch_num = epoch
        params.initial_epoch = initial_epoch
        params.dataset_sink_mode = sink
        params.valid_dataset = validation[0] if validation else None
        with CallbackList(callbacks) as hooks:
            feed = Feed(source, where, sink_size if sink and sink_size > 0 else 0, hooks.saves_run())
            feed.set_sizes(params)
            # Where the dataset cannot say its size, this reads it once.
            params.cur_step_num = initial_epoch * params.batch_num if initial_epoch else 0

            def validate(number: int) -> None:
                valid, due = validation or (None, lambda _: False)
                if due(number):
                    params.eval_results = params.metrics = self._evaluate(valid, hooks, params)

            def check(batch: Sequence[np.ndarray]) -> None:
                self._check_batch(binding, runner, step, batch)

            runner.check_again()
            loop = TrainLoop(runner, feed, params.valid_dataset, hooks, params, check, validate)
            with training(train_network):
                loop.run()

    def _step_for(self, source: Any, where: str) -> tuple[Binding, StepRunner, Cell, Callable[..., Any]]:
        """The binding, the runner, the train network and its step for datasets with these columns."""
        if self._optimizer is None and self._loss_fn is not None:
            raise TrainError(
                f"{where}: the model has a loss but no optimizer, so nothing would be trained. Give one: "
                "Model(network, loss_fn, optimizer)."
            )
        columns = tuple(source.get_col_names())
        if columns not in self._runners:
            binding = Binding(self._network, self._loss_fn, columns)
            if self._optimizer is None:
                cell, step = self._network, TrainCellStep(self._network)
            else:
                cell = TrainOneStepCell(_Forward(binding), self._optimizer)
                step = cell.construct
            runner = StepRunner(step, list(cell.get_parameters()), type(self._network).__name__)
            self._runners[columns] = (binding, runner, cell, step)
        return self._runners[columns]

    @staticmethod
    def _check_batch(binding: Binding, runner: StepRunner, step: Any, batch: Sequence[np.ndarray]) -> None:
        if isinstance(step, TrainCellStep):
            step.check(runner.written(batch))
            return
        loss_fn, shapes = binding.loss_fn, binding.output_shapes(batch)
        if not isinstance(loss_fn, LossBase) or shapes is None:
            return
        # Of a dict of outputs, or of labels, only a loss that is made for it knows what to check.
        if hasattr(loss_fn, "takes_labels_by_name") or (list(shapes) == ["logits"] and not binding.labels_by_name):
            loss_fn.check_labels(shapes, *binding.split(batch)[1])

    def _params(self, mode: str, source: Any, callbacks: Any) -> RunParams:
        params = RunParams()
        params.mode = mode
        params.network = self._network
        params.loss_fn = self._loss_fn
        params.optimizer = self._optimizer
        if self._optimizer is None:
            # A training Cell has one of its own.
            params.optimizer = getattr(self._network, "optimizer", None)
        params.metrics = self._metrics
        params.eval_network = self._eval_network
        params.list_callback = callbacks
        params.parallel_mode = "stand_alone"
        params.device_number = 1
        params.train_dataset = source if mode == "train" else None
        params.valid_dataset = source if mode == "eval" else None
        params.cur_epoch_num = 0
        params.cur_step_num = 0
        params.net_outputs = None
        params.loss_terms = {}
        params.eval_results = {}
        return params

    # --- evaluation -------------------------------------------------------------------------------------------

    def eval(self, valid_dataset: Any, callbacks: Any = None, dataset_sink_mode: bool = False) -> dict[str, Any]:
        """The metrics over a dataset, in evaluation mode.

        The metric `Loss` divides once over all batches: what `LossBase.sum_and_weight` gives for a loss with the
        reduction "mean" or "batchmean", each element for "none"; also where a function, another Cell or `eval_network`
        returns what such a loss or a function of `ops` or `sporax.losses` gave, or what is made of one such mean. What
        is no such mean counts as its value times the number of samples; a sum of several means whose denominators
        differ between batches gives a warning. With "sum", the result is the mean of the batches' sums. Within a
        callback of a training run, every Cell has its mode back afterwards.

        Args:
            valid_dataset: a dataset that gives batches.
            callbacks: one Callback, or a list of them.
            dataset_sink_mode: accepted, as in MindSpore; evaluation is compiled either way.

        Returns:
            value by metric name. Where the loss returns a dict of terms and `Loss` is a metric, each term too.

        Raises:
            ArgumentError: there are no metrics.
            TrainError: there is neither loss_fn nor eval_network; or a metric cannot judge what the network returns.
            DatasetError: the dataset is empty, or its columns do not fit.
        """
        if not self._metrics:
            raise ArgumentError("Model.eval: there are no metrics; give them to Model(..., metrics={'loss'}).")
        source = _source.as_source(valid_dataset, "Model.eval")
        with CallbackList(callbacks) as hooks:
            return self._evaluate(source, hooks, self._params("eval", source, callbacks))

    def _evaluate(self, source: Any, hooks: CallbackList, outer: RunParams) -> dict[str, Any]:
        params = outer if outer.mode == "eval" else self._within(outer, source)
        feed = Feed(source, "Model.eval", 0, False)
        feed.set_sizes(params)
        params.steps_before_epoch = 0
        params.cur_epoch_num = max(1, outer.cur_epoch_num)
        context = RunContext(params)
        evaluation = self._evaluation(source)
        # A callback of an evaluation may evaluate too: what was counted so far must not mix with that.
        metrics = copy.deepcopy(self._metrics) if self._evaluating else self._metrics
        for metric in metrics.values():
            metric.clear()
        totals: Totals = {}
        with self._one_evaluation(), kept_modes(self._network, self._loss_fn, self._eval_network):
            self._set_eval_mode()
            for hook in (*hooks.eval_begin, *hooks.eval_epoch_begin):
                hook(context)
            for batch in feed.batches(params.cur_epoch_num):
                params.cur_step_num += 1
                for hook in hooks.eval_step_begin:
                    hook(context)
                params.net_outputs = evaluation.run(batch, metrics, totals)
                for hook in hooks.eval_step_end:
                    hook(context)
                if context.get_stop_requested():
                    break
            params.eval_results = params.metrics = results = results_of(metrics, totals)
            for hook in (*hooks.eval_epoch_end, *hooks.eval_end):
                hook(context)
        hooks.flush()
        # What callbacks note in a validation, those of the training see; the fields of a run are its own.
        outer.update({name: value for name, value in params.items() if name not in RunParams.__annotations__})
        return results

    def _within(self, outer: RunParams, source: Any) -> RunParams:
        """What the validation of a training run shows: the entries of the run, with its own in their place."""
        params = RunParams({**outer, **self._params("eval", source, outer.list_callback)})
        params.train_dataset, params.dataset_sink_mode = outer.get("train_dataset"), False
        params.pop("batch_num", None)
        return params

    @contextmanager
    def _one_evaluation(self) -> Iterator[None]:
        self._evaluating += 1
        try:
            yield
        finally:
            self._evaluating -= 1

    def _set_eval_mode(self) -> None:
        for cell in (self._network, self._loss_fn, self._eval_network):
            if isinstance(cell, Cell):
                cell.set_train(False)

    def _evaluation(self, source: Any) -> Evaluation:
        columns = tuple(source.get_col_names())
        if columns not in self._evaluations:
            self._evaluations[columns] = Evaluation(
                self._network, self._loss_fn, self._eval_network, self._eval_indexes, columns
            )
        return self._evaluations[columns]

    def _check_validation(self, source: Any) -> None:
        """Find out before the first epoch whether the metrics can judge the outputs."""
        evaluation = self._evaluation(source)
        # Only where that runs nothing of the user's: a source may have a position of its own.
        if isinstance(source, Dataset) and source.columnar:
            with kept_modes(self._network, self._loss_fn, self._eval_network):
                self._set_eval_mode()
                evaluation.check(source.output_shapes(), source.output_types(), self._metrics)

    # --- prediction -------------------------------------------------------------------------------------------

    def predict(self, *predict_data: Any) -> Any:
        """The network's output, in evaluation mode.

        Args:
            predict_data: the network's inputs.

        Returns:
            what the network returns.

        Raises:
            TrainError: the network is a training Cell.
        """
        if isinstance(self._network, TrainOneStepCell):
            raise TrainError(
                f"Model.predict: the network is the training Cell {type(self._network).__name__}, so to call it would "
                "train it. Predict with the network inside it: Model(network).predict(...)."
            )
        with kept_modes(self._network):
            self._network.set_train(False)
            return self._predict(*(self._as_input(each) for each in predict_data))

    @staticmethod
    def _as_input(value: Any) -> Any:
        return Tensor(value) if isinstance(value, (np.ndarray, jax.Array)) else value
