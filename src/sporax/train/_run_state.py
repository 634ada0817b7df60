"""The state of a run besides its Parameters, and how another run resumes from it."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import numpy as np

from sporax._errors import CheckpointError, DatasetError, ResumeWarning
from sporax.core import Cell, Generator, Parameter, default_generator
from sporax.ops import Primitive
from sporax.train import _settings, _source
from sporax.train._checkpoint_entries import combined_parameters
from sporax.train._feed import Feed, Stack
from sporax.train.callback import Callback, CallbackList, RunContext, RunParams
from sporax.train.callback._base import run_parts
from sporax.train.runner import StepRunner


class Loop(Protocol):
    """The attributes of a `TrainLoop` that are part of the state of a run."""

    runner: StepRunner
    feed: Feed
    valid: Any
    callbacks: CallbackList
    params: RunParams
    context: RunContext
    stack: Stack | None

    @property
    def steps_of_stack(self) -> int:
        """Number of batches of `stack` that were used."""
        ...


class RunState:
    """The state of a `TrainLoop`, for `RunContext.run_state` and `RunContext.resume_run`.

    Attributes:
        steps_of_epoch: number of steps of the first epoch that were done before the interruption.
    """

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._resumed: dict[str, Any] | None = None
        self._load_parameters: Callable[[], None] | None = None
        self._parameters_of_step: list[list[Any]] = []
        self.steps_of_epoch = 0
        saves = loop.callbacks.saves_run()
        optimizer = loop.params.get("optimizer")
        self._begun_with = _values_of(optimizer) if saves else {}
        self._begun_at = _steps_of(optimizer) if saves else 0
        self._settings = _settings.settings_of(loop.params) if saves else "{}"
        if saves:
            for source in (loop.feed.source, loop.valid):
                _source.note_settings(source)
        self._trains = {name: each.requires_grad for name, each in self._parameters().items()} if saves else {}

    def _parameters(self) -> dict[str, Parameter]:
        return combined_parameters(run_parts(self._loop.params))

    def state(self) -> dict[str, Any]:
        """Return the state to save, after the hooks of a step or of an epoch."""
        loop = self._loop
        params, inside = loop.params, loop.stack is not None
        position = loop.feed.position(loop.stack, loop.steps_of_stack) if inside else loop.feed.position(None, 0)
        return {
            "epoch": params.cur_epoch_num - int(inside),
            "step": params.cur_step_num,
            "steps_of_epoch": params.cur_step_num - params.steps_before_epoch if inside else 0,
            "stop_requested": loop.context.get_stop_requested(),
            "batch_num": params.get("batch_num"),
            "sink": params.dataset_sink_mode,
            # For the epoch_end hooks, if the last step of the epoch was done before.
            "outputs": [params.net_outputs, params.loss_terms] if inside else None,
            "begun_with": self._begun_with,
            "begun_at": self._begun_at,
            "settings": self._settings,
            # For the Parameters that a callback froze or unfroze.
            "requires_grad": {
                name: each.requires_grad
                for name, each in self._parameters().items()
                if each.requires_grad != self._trains.get(name, each.requires_grad)
            },
            "data": position,
            "valid_data": self._valid_state(),
            # Includes empty states, so that callbacks of one class keep their order.
            "callbacks": [[type(each).__name__, each.state_dict()] for each in loop.callbacks],
            # Parameters of the step that belong to no Cell, such as the random key of a loss that samples.
            "parameters_of_step": [[each.name, np.asarray(each.value())] for each in self._parameters_without_cell()],
        }

    def _valid_state(self) -> Any:
        valid = self._loop.valid
        return None if valid is None or valid is self._loop.feed.source else _source.state_of(valid)

    def resume(self, state: dict[str, Any], load_parameters: Callable[[], None]) -> None:
        """Store the state to resume from, which `apply` restores; raise `CheckpointError` for that of another run."""
        loop, params = self._loop, self._loop.params
        size = loop.feed.steps or loop.feed.size
        if size is not None and state["batch_num"] not in (None, size):
            raise CheckpointError(
                f"the interrupted run had {state['batch_num']} steps in an epoch, and this one has {size}. Build the "
                "dataset as before, or delete the file to train from the beginning."
            )
        if state["epoch"] + bool(state["steps_of_epoch"]) > params.epoch_num:
            done = f"{state['epoch']} epochs" + (
                f" and {state['steps_of_epoch']} steps" * bool(state["steps_of_epoch"])
            )
            raise CheckpointError(
                f"the interrupted run had trained {done}, more than the {params.epoch_num} epochs requested now. Give "
                "a larger `epoch` (it counts from the beginning), or delete the file to train from the beginning."
            )
        if state["sink"] != params.dataset_sink_mode:
            warnings.warn(
                f"the interrupted run had dataset_sink_mode={state['sink']}, and this one has "
                f"{params.dataset_sink_mode}: the last digits of results can differ.",
                ResumeWarning,
                stacklevel=4,
            )
        self._compare_values(state.get("begun_with", {}))
        self._compare_settings(state)
        if state["data"]["source"] is None:
            _source.warn_about_missing_state(loop.feed.source)
        self._resumed, self._load_parameters = state, load_parameters
        self._parameters_of_step = state["parameters_of_step"]
        self.steps_of_epoch = state["steps_of_epoch"]
        if state["batch_num"] is not None and params.get("batch_num") is None:
            params["batch_num"] = state["batch_num"]

    def _compare_settings(self, state: dict[str, Any]) -> None:
        different = _settings.differences(state.get("settings", self._settings), self._settings)
        if different:
            warnings.warn(
                f"the settings of this run differ from those of the interrupted one: {different}. Training continues "
                "with the current settings, because a backup does not restore them. For the result of the "
                "uninterrupted run restore them, or delete the file to train from the beginning.",
                ResumeWarning,
                stacklevel=4,
            )
        begun_at, self._begun_at = self._begun_at, state.get("begun_at", self._begun_at)
        if self._begun_at and not begun_at:
            warnings.warn(
                f"the interrupted run began with an optimizer that had done {self._begun_at} steps, but the optimizer "
                "of this run has done none. The backup may belong to a later call of Model.train in the script: give "
                "each call a separate folder.",
                ResumeWarning,
                stacklevel=4,
            )

    def _compare_values(self, saved: dict[str, Any]) -> None:
        current = self._begun_with
        changed = [name for name in current if name in saved and not np.array_equal(current[name], saved[name])]
        if changed:
            warnings.warn(
                "the values of the optimizer differ from those of the interrupted run: "
                + "; ".join(f"{name} was {_text(saved[name])} and is now {_text(current[name])}" for name in changed)
                + ". Training continues with the values of the backup. To use another value, set the "
                "Parameter in a callback's on_train_epoch_begin; or delete the file to train from the beginning.",
                ResumeWarning,
                stacklevel=4,
            )
        self._begun_with = saved

    def apply(self) -> None:
        """Restore the state at the interruption."""
        state = self._resumed
        if state is None:
            return
        if not self.steps_of_epoch or self._loop.params.cur_epoch_num > state["epoch"]:
            self._resumed = None
        else:
            # It is applied once more, and the objects that receive a part of it may modify it before that.
            state = copy.deepcopy(state)
        assert self._load_parameters is not None
        self._load_parameters()
        changed, parameters = state.get("requires_grad", {}), self._parameters()
        for name in changed.keys() & parameters.keys():
            if parameters[name].requires_grad != changed[name]:
                parameters[name].requires_grad = changed[name]
        try:
            # First the validation: for an object that both datasets read from, the position in training applies.
            if state["valid_data"] is not None and self._loop.valid is not None:
                _source.batches_from(self._loop.valid, state["valid_data"], 0)
            self._loop.feed.go_to(state["data"])
        except DatasetError as error:
            raise CheckpointError(f"the interrupted run cannot be resumed: {error}") from error
        _load_callbacks(list(self._loop.callbacks), state["callbacks"])
        if state["outputs"] is not None:
            self._loop.params.net_outputs, self._loop.params.loss_terms = state["outputs"]
        if state["stop_requested"]:
            self._loop.context.request_stop()

    def _parameters_without_cell(self) -> list[Parameter]:
        """Return the Parameters of the step that belong to no Cell."""
        runner = self._loop.runner
        return _keys_of_generators(run_parts(self._loop.params)) if runner.eager else runner.discovered()

    def step_is_traced(self) -> None:
        """Restore the Parameters that belong to no Cell, after the trace of the step has found them."""
        saved, self._parameters_of_step = self._parameters_of_step, []
        if not saved:
            return
        found = self._parameters_without_cell()
        if [(each.name, each.shape) for each in found] != [(name, value.shape) for name, value in saved]:
            warnings.warn(
                f"the step of the interrupted run also wrote the Parameters {[name for name, _ in saved]}, which "
                f"belong to no Cell, and this one writes {[each.name for each in found]}: they are not restored.",
                ResumeWarning,
                stacklevel=4,
            )
            return
        for parameter, (_, value) in zip(found, saved, strict=True):
            parameter.set_data(value)


def _steps_of(optimizer: Any) -> int:
    """Return the number of steps that an optimizer has done."""
    step = getattr(optimizer, "global_step", None)
    return 0 if step is None else int(step.asnumpy().max())


def _values_of(optimizer: Any) -> dict[str, Any]:
    """Return the scalar Parameters of an optimizer and tables of learning rates.

    Empty for an optimizer that has done steps, since callbacks may have changed its learning rate.
    """
    if getattr(optimizer, "global_step", None) is None or _steps_of(optimizer):
        return {}
    weights = {id(each) for each in getattr(optimizer, "parameters", ())}
    scalars = [each for each in optimizer.get_parameters() if not each.ndim and id(each) not in weights]
    values: dict[str, Any] = {each.name: float(each.asnumpy()) for each in scalars}
    rates = getattr(optimizer, "learning_rate", None)
    tables = rates.get_parameters() if isinstance(rates, Cell) else ()
    return values | {each.name: each.asnumpy() for each in tables if each.ndim}


def _text(value: Any) -> str:
    if np.ndim(value):
        first = ", ".join(f"{each:g}" for each in np.ravel(value)[:4])
        return f"[{first}{', ...' * (np.size(value) > 4)}]"
    return f"{value:g}"


def _keys_of_generators(parts: list[Any]) -> list[Parameter]:
    """Return the keys of generators that are attributes of Cells; needed if steps are not traced."""
    cells = [cell for part in parts if isinstance(part, Cell) for _, cell in part.cells_and_names()]
    generators = [each for cell in cells for value in vars(cell).values() for each in _generators_in(value)]
    keys = {id(each.key): each.key for each in generators if each is not default_generator}
    return list(keys.values())


def _generators_in(value: Any) -> Iterator[Generator]:
    if isinstance(value, Generator):
        yield value
    elif isinstance(value, Primitive):
        # A Primitive with a seed has its own generator.
        yield from _generators_in(list(vars(value).values()))
    elif isinstance(value, (list, tuple, dict)) and not isinstance(value, type):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _generators_in(each)


def _load_callbacks(callbacks: list[Callback], saved: list[list[Any]]) -> None:
    """Restore the states of callbacks, by class and, within a class, in order."""
    left = list(saved)
    without_state = []
    for callback in callbacks:
        name = type(callback).__name__
        at = next((i for i, (kind, _) in enumerate(left) if kind == name), None)
        if at is not None:
            state = left.pop(at)[1]
            if state is not None:
                callback.load_state_dict(state)
        elif callback.state_dict():
            without_state.append(name)
    left = [each for each in left if each[1]]
    if left or without_state:
        warnings.warn(
            "the callbacks differ from those of the interrupted run. "
            f"The state of these callbacks is lost: {', '.join(name for name, _ in left) or 'none'}; "
            f"these start without a state: {', '.join(without_state) or 'none'}.",
            ResumeWarning,
            stacklevel=5,
        )
