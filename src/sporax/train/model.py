"""Model: training, evaluation and prediction with a network, a loss, an optimizer and metrics."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from sporax import _check
from sporax._docstring import completed_by
from sporax._errors import ArgumentError, ArgumentTypeError, TrainError
from sporax.core import Cell, Parameter, Tensor
from sporax.dataset import Dataset
from sporax.nn import LossBase, OutputLosses, TrainOneStepCell, as_optimizer
from sporax.train import _source
from sporax.train._binding import Binding
from sporax.train._feed import Feed
from sporax.train._loop import TrainLoop
from sporax.train._modes import kept_modes, training
from sporax.train._train_cell import TrainCellStep
from sporax.train.callback import CallbackList, RunContext, RunParams
from sporax.train.evaluate import Evaluation, Totals, results_of
from sporax.train.metrics import Metric, get_metrics
from sporax.train.runner import StepRunner
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
    """Training, evaluation and prediction with a network, a loss and an optimizer.

    Args:
        network: the network. Without `loss_fn`, a network that returns the loss. Without `loss_fn` and `optimizer`, a
            training Cell that updates Parameters itself, such as `nn.TrainOneStepCell`, and returns the loss, or a
            tuple or dict that contains it.
        loss_fn: a loss: a Cell of `nn`, or any function of the network's output and the labels. It may return a dict
            of terms, which are summed and reported separately. For a network that returns a dict of outputs, a dict
            with a loss, `(loss, weight)` or None (no loss) for each output; it is converted to `nn.OutputLosses`,
            which documents how labels are assigned.
        optimizer: an optimizer of `nn`, or a gradient transformation of optax, for the trainable Parameters of the
            network and of the loss, if it has any.
        metrics: names (a set, a list or a tuple), or a dict of name to Metric. A metric is updated
            with the network's output and the first label, or with the outputs and labels that `set_indexes` selects,
            or with the outputs of `eval_network`.
        eval_network: a network for evaluation whose outputs are passed to the metrics.
        eval_indexes: the indices of the loss, the prediction and the label in the outputs of `eval_network`.
        amp_level, boost_level: "O0" only; for half precision use `network.to_float(...)`.

    Raises:
        ArgumentTypeError, ArgumentError: an invalid argument.

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
        _check.is_type(network, Cell, name="network", where="Model", expected="a Cell")
        if isinstance(loss_fn, Mapping):
            loss_fn = OutputLosses(loss_fn)
        if loss_fn is not None and not callable(loss_fn):
            raise ArgumentTypeError(f"Model: `loss_fn` must be a Cell or a function, but got {loss_fn!r}.")
        if amp_level != "O0" or boost_level != "O0":
            raise ArgumentError(
                f"Model: amp_level {amp_level!r} and boost_level {boost_level!r}: only 'O0' is supported. For half "
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
        """Number of active evaluations; more than one if a callback evaluates."""
        self._predict = jit(network)

    def _trainable(self) -> list[Parameter]:
        """Return the trainable Parameters of the network and of the loss, without duplicates."""
        of_loss = self._loss_fn.trainable_params() if isinstance(self._loss_fn, Cell) else []
        return list(dict.fromkeys([*self._network.trainable_params(), *of_loss]))

    @staticmethod
    def _checked_indexes(indexes: Sequence[int] | None, eval_network: Cell | None) -> Sequence[int] | None:
        if indexes is None:
            return None
        if len(indexes) != 3 or not all(isinstance(each, int) and not isinstance(each, bool) for each in indexes):
            raise ArgumentError(
                f"Model: `eval_indexes` must be three ints (loss, prediction, label), but got {indexes!r}."
            )
        # Without `eval_network`, the outputs are the loss, the network's output and the label.
        if eval_network is None and [each % 3 for each in indexes] != [0, 1, 2]:
            raise ArgumentError(
                f"Model: `eval_indexes` {list(indexes)} select outputs of eval_network, but there is none. Give "
                "Model(..., eval_network=...), or omit eval_indexes."
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
        """The network for evaluation."""
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
            epoch: the number of the last epoch, counted from the first epoch ever trained (see `initial_epoch`).
            train_dataset: a dataset of batches.
            callbacks: a Callback, or a list of them.
            dataset_sink_mode: run many steps in one call of the device. Callbacks still see and print every step.
            sink_size: with data sinking, the number of steps in an epoch; -1 for the size of the dataset.
            initial_epoch: number of epochs trained before; training continues after them.

        Raises:
            TrainError: there is no optimizer, and the network updates no Parameter itself; the loss is not
                a scalar; or, in `fit`, a metric does not accept the outputs of the network.
            DatasetError: the dataset is empty, or its columns do not match the network and the loss.
            KeyboardInterrupt: Ctrl-C; the network then holds the state after the last step.
        """
        self._run("train", epoch, train_dataset, callbacks, dataset_sink_mode, sink_size, initial_epoch)

    @completed_by(train)
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
        """Train, and evaluate on `valid_dataset` between epochs.

        Args:
            valid_dataset: the dataset to evaluate on; None for no evaluation.
            valid_frequency: n to evaluate after every n-th epoch, or a list of epochs after which to evaluate.
            valid_dataset_sink_mode: accepted, as in MindSpore; evaluation is compiled either way.

        Raises:
            ArgumentError: there are no metrics, or a wrong `valid_frequency`.
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
            # The same source, so that an iterable is iterated once.
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
                f"{where}: `initial_epoch` {initial_epoch} exceeds `epoch` {epoch}, which includes earlier epochs."
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
            # `batch_num` reads the dataset once if its size is unknown.
            params.cur_step_num = initial_epoch * params.batch_num if initial_epoch else 0

            def validate(number: int) -> None:
                valid, due = validation or (None, lambda _: False)
                if due(number):
                    params.eval_results = params.metrics = self._evaluate(valid, hooks, params)

            def check(batch: Sequence[np.ndarray]) -> None:
                self._check_batch(binding, runner, step, batch)

            loop = TrainLoop(runner, feed, params.valid_dataset, hooks, params, check, validate)
            with training(train_network):
                loop.run()

    def _step_for(self, source: Any, where: str) -> tuple[Binding, StepRunner, Cell, Callable[..., Any]]:
        """Return the binding, the runner, the train network and its step for datasets with these columns."""
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
        # A dict of outputs or of labels can only be checked by a loss that is designed for it.
        if hasattr(loss_fn, "takes_labels_by_name") or (list(shapes) == ["logits"] and not binding.labels_by_name):
            loss_fn.check_labels(shapes, *binding.split(batch)[1])

    def _params(self, mode: str, source: Any, callbacks: Any) -> RunParams:
        params = RunParams()
        params.mode = mode
        params.network = self._network
        params.loss_fn = self._loss_fn
        params.optimizer = self._optimizer
        if self._optimizer is None:
            # A training Cell has its own optimizer.
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
        """Compute the metrics over a dataset, in evaluation mode.

        The metric `Loss` divides once, by the total weight of all batches: with `LossBase.sum_and_weight` for a loss
        with the reduction "mean" or "batchmean", by the number of elements for "none". The same holds if a function,
        another Cell or `eval_network` returns the result of such a loss or of a function of `ops` or `sporax.losses`,
        or a function of one such mean. Any other loss is weighted by the number of samples of the batch; a sum of
        several means whose denominators differ between batches causes a warning. With "sum", the result is the mean
        over the batches. If a callback of a training run calls `eval`, the modes of all Cells are restored afterwards.

        Args:
            valid_dataset: a dataset of batches.
            callbacks: a Callback, or a list of them.
            dataset_sink_mode: accepted, as in MindSpore; evaluation is compiled either way.

        Returns:
            The value of each metric by its name; also of each term if the loss returns a dict and `Loss` is a metric.

        Raises:
            ArgumentError: there are no metrics.
            TrainError: there is neither loss_fn nor eval_network; or a metric does not accept the outputs.
            DatasetError: the dataset is empty, or its columns do not match.
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
        # A callback of an evaluation may evaluate too: their counts must not mix.
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
        # Entries that callbacks add in a validation are visible in training; the fields of `RunParams` are not copied.
        outer.update({name: value for name, value in params.items() if name not in RunParams.__annotations__})
        return results

    def _within(self, outer: RunParams, source: Any) -> RunParams:
        """Return the parameters of a validation in a training run: those of the run, overridden by its own."""
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
        """Check before the first epoch whether the metrics accept the outputs."""
        evaluation = self._evaluation(source)
        # Only if no user code runs: a source may have a position.
        if isinstance(source, Dataset) and source.columnar:
            with kept_modes(self._network, self._loss_fn, self._eval_network):
                self._set_eval_mode()
                evaluation.check(source.output_shapes(), source.output_types(), self._metrics)

    # --- prediction -------------------------------------------------------------------------------------------

    def predict(self, *predict_data: Any) -> Any:
        """Return the network's output, in evaluation mode.

        Args:
            predict_data: the network's inputs.

        Returns:
            The output of the network.

        Raises:
            TrainError: the network is a training Cell.
        """
        if isinstance(self._network, TrainOneStepCell):
            raise TrainError(
                f"Model.predict: the network is the training Cell {type(self._network).__name__}, so a call would "
                "train it. Predict with the network inside it: Model(network).predict(...)."
            )
        with kept_modes(self._network):
            self._network.set_train(False)
            return self._predict(*(self._as_input(each) for each in predict_data))

    @staticmethod
    def _as_input(value: Any) -> Any:
        return Tensor(value) if isinstance(value, (np.ndarray, jax.Array)) else value
