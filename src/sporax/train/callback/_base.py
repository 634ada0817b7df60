"""The base class of callbacks, and the context that they receive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sporax import _check

__all__ = ["Callback", "RunContext", "RunParams"]


class RunParams(dict[str, Any]):
    """Parameters of a run, passed to its callbacks: a dict whose entries are also attributes.

    Attributes:
        mode: "train" or "eval".
        train_network, network, eval_network, loss_fn, optimizer: the objects of the model.
        metrics: the Metrics of the model, by name; at the end of an evaluation, its results.
        train_dataset, valid_dataset: the datasets.
        epoch_num, initial_epoch: the number of the last epoch, and the number of epochs trained before the run.
        batch_num: steps in an epoch. If the size of the dataset is unknown (a generator function, `filter`), the first
            epoch counts them. Before its end, `get("batch_num")` is None, and the attribute reads the data once more.
        cur_epoch_num, cur_step_num: the current epoch and step, from 1; steps are counted over all epochs.
        steps_before_epoch: number of steps in all previous epochs.
        net_outputs: the loss of this step, or the outputs of a network without a loss; in an evaluation, a tuple of the
            loss, the network's output and the labels, or the outputs of `eval_network`.
        loss_terms: the terms by name, if the loss returns a dict.
        eval_results: metrics of the validation of this epoch, by name; empty without a validation.
        state_is_current: whether the Parameters have the state after this step; false within a call of several
            steps. If it is absent, it is true.
        list_callback, parallel_mode, device_number, dataset_sink_mode: as in MindSpore.

    Examples:
        >>> params = RunParams(cur_epoch_num=1)
        >>> params.cur_step_num = 3
        >>> params.cur_epoch_num, params["cur_step_num"], params.get("mode")
        (1, 3, None)

    Source: MindSpore, where `run_context.original_args()` returns it.
    """

    mode: str
    train_network: Any
    network: Any
    eval_network: Any
    loss_fn: Any
    optimizer: Any
    metrics: Any
    train_dataset: Any
    valid_dataset: Any
    list_callback: Any
    parallel_mode: Any
    device_number: int
    dataset_sink_mode: bool
    epoch_num: int
    initial_epoch: int
    batch_num: int
    cur_epoch_num: int
    cur_step_num: int
    steps_before_epoch: int
    net_outputs: Any
    loss_terms: dict[str, Any]
    eval_results: dict[str, Any]
    state_is_current: bool

    # A slot, so that it is not an entry.
    __slots__ = ("__dict__", "count_batches")
    count_batches: Callable[[], int] | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.count_batches = None
        # Entries and attributes share one dict, so that setting an attribute is as fast as on any object.
        self.__dict__ = self

    def __getattr__(self, name: str) -> Any:
        # Called only if there is no such entry. AttributeError makes hasattr and the default of getattr work.
        if name == "batch_num" and self.count_batches is not None:
            self[name] = self.count_batches()
            return self[name]
        known = ", ".join(sorted(map(str, self)))
        raise AttributeError(f"RunParams has no {name!r} in this run. It has: {known or 'nothing'}.")

    def __missing__(self, name: str) -> Any:
        if name == "batch_num" and self.count_batches is not None:
            return self.batch_num
        raise KeyError(name)

    def __reduce__(self) -> tuple[Any, ...]:
        return (RunParams, (dict(self),))

    def copy(self) -> RunParams:
        """Return a copy with the same entries."""
        return RunParams(self)


def step_in_epoch(params: Any) -> int:
    """Return the number of the current step in its epoch, from 1."""
    before = params.get("steps_before_epoch")
    if before is not None:
        return params.cur_step_num - before
    return (params.cur_step_num - 1) % params.batch_num + 1


def run_parts(params: Any) -> list[Any]:
    """Return the trained objects: the train network, and objects it may not contain; elements can be None."""
    return [params.get(name) for name in ("train_network", "network", "loss_fn", "optimizer")]


class RunContext:
    """The context of a run, by which a callback reads its parameters and requests a stop.

    Args:
        original_args: the parameters of the run.
        run: in `Model`, the state of the run, which can be saved and restored.

    Raises:
        ArgumentTypeError: `original_args` is not a dict.

    Examples:
        >>> context = RunContext({"cur_step_num": 1})
        >>> context.request_stop()
        >>> context.original_args(), context.get_stop_requested()
        ({'cur_step_num': 1}, True)

    Source: the class of the same name in MindSpore.
    """

    __slots__ = ("_original_args", "_stop_requested", "run")

    def __init__(self, original_args: dict[str, Any], run: Any = None) -> None:
        _check.is_type(original_args, dict, name="original_args", where="RunContext", expected="a dict")
        self._original_args: Any = original_args
        self.run = run
        self._stop_requested = False

    def original_args(self) -> Any:
        """Return the parameters of the run; in `Model`, a RunParams."""
        return self._original_args

    def request_stop(self) -> None:
        """Request the end of the run after this step (or epoch)."""
        self._stop_requested = True

    def get_stop_requested(self) -> bool:
        """Whether a callback requested the end of the run."""
        return self._stop_requested

    def run_state(self) -> dict[str, Any] | None:
        """Return the state besides the Parameters: the position in the data, random states and states of callbacks.

        Returns:
            A tree of plain values and arrays for `resume_run`; None outside of `Model`.
        """
        return None if self.run is None else self.run.state()

    def resume_run(self, state: dict[str, Any], load_parameters: Callable[[], None]) -> None:
        """Resume the run from a state. Called in `on_train_begin`.

        Args:
            state: the result of `run_state`.
            load_parameters: a function that loads the Parameters; called after the begin hooks of all callbacks.

        Raises:
            CheckpointError: the state belongs to another run; the message gives the difference.
        """
        if self.run is not None:
            self.run.resume(state, load_parameters)


class Callback:
    """Base class of callbacks, whose hooks a run calls. Override the hooks that you need.

    The hooks of training are `on_train_begin`, `on_train_epoch_begin`, `on_train_step_begin`,
    `on_train_step_end`, `on_train_epoch_end`, `on_train_end`; those of evaluation are named on_eval_... .
    The older hooks `begin`, `epoch_begin`, `step_begin`, `step_end`, `epoch_end`, `end` are called for both. A hook
    that no callback defines has no cost.

    Attributes:
        reads_state_every: with `dataset_sink_mode`, the device runs many steps in one call, and the Parameters change
            once per call. Set this to n if the hooks read Parameters after every n-th step; None for never.
        saves_run: whether the hooks save the run. At the beginning of training they are called before those of other
            callbacks, and otherwise after them.

    Examples:
        >>> class StopAt(Callback):
        ...     def __init__(self, loss):
        ...         super().__init__()
        ...         self.loss = loss
        ...
        ...     def on_train_epoch_end(self, run_context):
        ...         if float(run_context.original_args().net_outputs) < self.loss:
        ...             run_context.request_stop()
        >>> context = RunContext(RunParams(net_outputs=0.1))
        >>> StopAt(0.5).on_train_epoch_end(context)
        >>> context.get_stop_requested()
        True

    Source: the class of the same name in MindSpore.
    """

    reads_state_every: int | None = None
    saves_run: bool = False

    def state_dict(self) -> dict[str, Any]:
        """Return the state that the callback needs when an interrupted run is resumed.

        Override it if there is a state. `BackupAndRestore` saves it after the hooks of a step or an epoch.

        Returns:
            A dict of numbers, strings, None, arrays, Tensors, and lists, tuples and dicts of them.

        Examples:
            >>> class MeanLoss(Callback):
            ...     def __init__(self):
            ...         self.total = self.count = 0
            ...
            ...     def on_train_step_end(self, run_context):
            ...         self.total += float(run_context.original_args().net_outputs)
            ...         self.count += 1
            ...
            ...     def state_dict(self):
            ...         return {"total": self.total, "count": self.count}
            ...
            ...     def load_state_dict(self, state):
            ...         self.total, self.count = state["total"], state["count"]
        """
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state. Called after the hooks of the beginning of training.

        If a run is resumed within an epoch, it is called after `on_train_epoch_begin` of that epoch.

        Args:
            state: the result of `state_dict`.
        """

    def __enter__(self) -> Any:
        """Called when a run begins."""
        return self

    def __exit__(self, *err: Any) -> Any:
        """Called when a run ends, also after an exception."""

    def begin(self, run_context: RunContext) -> None:
        """Called once, before a run."""

    def epoch_begin(self, run_context: RunContext) -> None:
        """Called before each epoch."""

    def step_begin(self, run_context: RunContext) -> None:
        """Called before each step."""

    def step_end(self, run_context: RunContext) -> None:
        """Called after each step."""

    def epoch_end(self, run_context: RunContext) -> None:
        """Called after each epoch."""

    def end(self, run_context: RunContext) -> None:
        """Called once, after a run."""

    def on_train_begin(self, run_context: RunContext) -> None:
        """Called once, before training."""
        self.begin(run_context)

    def on_train_epoch_begin(self, run_context: RunContext) -> None:
        """Called before each epoch of training."""
        self.epoch_begin(run_context)

    def on_train_step_begin(self, run_context: RunContext) -> None:
        """Called before each step of training."""
        self.step_begin(run_context)

    def on_train_step_end(self, run_context: RunContext) -> None:
        """Called after each step of training."""
        self.step_end(run_context)

    def on_train_epoch_end(self, run_context: RunContext) -> None:
        """Called after each epoch of training, and after its validation."""
        self.epoch_end(run_context)

    def on_train_end(self, run_context: RunContext) -> None:
        """Called once, after training."""
        self.end(run_context)

    def on_eval_begin(self, run_context: RunContext) -> None:
        """Called once, before an evaluation."""
        self.begin(run_context)

    def on_eval_epoch_begin(self, run_context: RunContext) -> None:
        """Called before the pass over the evaluation's data."""
        self.epoch_begin(run_context)

    def on_eval_step_begin(self, run_context: RunContext) -> None:
        """Called before each step of an evaluation."""
        self.step_begin(run_context)

    def on_eval_step_end(self, run_context: RunContext) -> None:
        """Called after each step of an evaluation."""
        self.step_end(run_context)

    def on_eval_epoch_end(self, run_context: RunContext) -> None:
        """Called after the pass over the evaluation's data."""
        self.epoch_end(run_context)

    def on_eval_end(self, run_context: RunContext) -> None:
        """Called once, after an evaluation."""
        self.end(run_context)


class TrainingCallback(Callback):
    """A Callback whose older hooks are called only in training."""

    def on_eval_begin(self, run_context: RunContext) -> None:
        """Does nothing."""

    on_eval_epoch_begin = on_eval_step_begin = on_eval_step_end = on_eval_epoch_end = on_eval_end = on_eval_begin
