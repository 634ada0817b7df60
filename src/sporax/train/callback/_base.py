"""What a callback is, and what it sees of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sporax._errors import ArgumentTypeError

__all__ = ["Callback", "RunContext", "RunParams"]


class RunParams(dict[str, Any]):
    """What a run shows its callbacks: a dict whose entries are attributes too.

    Attributes:
        mode: "train" or "eval".
        train_network, network, eval_network, loss_fn, optimizer: what runs.
        metrics: the Metrics of the model, by name; at the end of an evaluation its results.
        train_dataset, valid_dataset: what it runs on.
        epoch_num, initial_epoch: the last epoch's number, and how many epochs were trained before the run.
        batch_num: steps in an epoch. Where the dataset cannot say how many (a generator function, `filter`), the
            first epoch counts them; asking before its end reads the data once more. `get("batch_num")` is None then.
        cur_epoch_num, cur_step_num: from 1; steps count on over epochs.
        steps_before_epoch: the steps of all epochs before the present one.
        net_outputs: the loss of this step, or what else the network returned; in an evaluation a tuple of the loss,
            the network's output and the labels, or what `eval_network` returned.
        loss_terms: the terms of a loss that returned a dict, by name.
        eval_results: metrics of the validation of this epoch, by name; empty without one.
        state_is_current: whether the Parameters hold the state right after this step; false inside a call of
            the device that runs several steps. Absent, it counts as true.
        list_callback, parallel_mode, device_number, dataset_sink_mode: as in MindSpore.

    Examples:
        >>> params = RunParams(cur_epoch_num=1)
        >>> params.cur_step_num = 3
        >>> params.cur_epoch_num, params["cur_step_num"], params.get("mode")
        (1, 3, None)

    Source: MindSpore, where `run_context.original_args()` gives it.
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

    # A slot, so that it is no entry.
    __slots__ = ("__dict__", "count_batches")
    count_batches: Callable[[], int] | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.count_batches = None
        # One table for entries and attributes: setting an attribute costs what it costs on any object.
        self.__dict__ = self

    def __getattr__(self, name: str) -> Any:
        # Reached only when there is no such entry. AttributeError, so that hasattr and getattr's default
        # work.
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
        """A second RunParams with the same entries."""
        return RunParams(self)


def step_in_epoch(params: Any) -> int:
    """The number of the present step in its epoch, from 1."""
    before = params.get("steps_before_epoch")
    if before is not None:
        return params.cur_step_num - before
    return (params.cur_step_num - 1) % params.batch_num + 1


def run_parts(params: Any) -> list[Any]:
    """What a run trains: the train network, and what it may not contain; elements can be None."""
    return [params.get(name) for name in ("train_network", "network", "loss_fn", "optimizer")]


class RunContext:
    """How a callback looks at a run and asks it to stop.

    Args:
        original_args: what the run shows, by name.
        run: in `Model`, the run, which can say and restore its state.

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
        if not isinstance(original_args, dict):
            raise ArgumentTypeError(
                f"RunContext: `original_args` must be a dict, but got {original_args!r} of type "
                f"{type(original_args).__name__}."
            )
        self._original_args: Any = original_args
        self.run = run
        self._stop_requested = False

    def original_args(self) -> Any:
        """What the run shows: in `Model`, a RunParams."""
        return self._original_args

    def request_stop(self) -> None:
        """Ask the run to end after this step (or epoch)."""
        self._stop_requested = True

    def get_stop_requested(self) -> bool:
        """Whether a callback asked the run to end."""
        return self._stop_requested

    def run_state(self) -> dict[str, Any] | None:
        """What a run has to keep besides its Parameters: the position in its data, random states, callbacks' states.

        Returns:
            a tree of plain values and arrays for `resume_run`; None outside of `Model`.
        """
        return None if self.run is None else self.run.state()

    def resume_run(self, state: dict[str, Any], load_parameters: Callable[[], None]) -> None:
        """Have the run go on from a state that `run_state` returned. Called in `on_train_begin`.

        Args:
            state: what `run_state` returned.
            load_parameters: gives Parameters their values; called once all callbacks have begun.

        Raises:
            CheckpointError: the state is that of another run; the message names the difference.
        """
        if self.run is not None:
            self.run.resume(state, load_parameters)


class Callback:
    """Something that is told what happens in a run. Subclass it, and write the hooks you need.

    The hooks of training are `on_train_begin`, `on_train_epoch_begin`, `on_train_step_begin`,
    `on_train_step_end`, `on_train_epoch_end`, `on_train_end`; those of evaluation are named on_eval_... .
    The older hooks `begin`, `epoch_begin`, `step_begin`, `step_end`, `epoch_end`, `end` are called for both.
    A hook that no callback defines costs nothing.

    Attributes:
        reads_state_every: with `dataset_sink_mode` the device runs many steps in one call, and the
            Parameters change once a call. Set this to n where your hooks look at Parameters after every n
            steps; None for never.
        saves_run: whether its hooks save the run. At the begin of training they are called before those of other
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
        """What this callback has to remember so that an interrupted run can go on.

        Override it where there is something. `BackupAndRestore` saves it after the hooks of a step or an epoch.

        Returns:
            a dict of numbers, strings, None, arrays, Tensors, and lists, tuples and dicts of them.

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
        """Take back what `state_dict` returned. Called when the hooks of the begin of training have run.

        Where a run goes on inside an epoch, it is called after `on_train_epoch_begin` of that epoch.

        Args:
            state: what `state_dict` of this callback returned.
        """

    def __enter__(self) -> Any:
        """Entered when a run begins."""
        return self

    def __exit__(self, *err: Any) -> Any:
        """Left when a run is over, also by an error."""

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
    """A Callback whose older hooks are for training alone."""

    def on_eval_begin(self, run_context: RunContext) -> None:
        """Nothing."""

    def on_eval_epoch_begin(self, run_context: RunContext) -> None:
        """Nothing."""

    def on_eval_step_begin(self, run_context: RunContext) -> None:
        """Nothing."""

    def on_eval_step_end(self, run_context: RunContext) -> None:
        """Nothing."""

    def on_eval_epoch_end(self, run_context: RunContext) -> None:
        """Nothing."""

    def on_eval_end(self, run_context: RunContext) -> None:
        """Nothing."""
