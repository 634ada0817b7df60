"""ProgressBar: show the progress of training without waiting for the device."""

from __future__ import annotations

import sys
import time
from typing import Any

import jax

from sporax import _check
from sporax._errors import TrainError
from sporax.train.callback._base import RunContext, TrainingCallback, step_in_epoch
from sporax.train.callback._reading import in_short, scalar_loss

__all__ = ["ProgressBar"]


class ProgressBar(TrainingCallback):
    """Show a progress bar for each epoch with steps, time and loss; one line per epoch if the output is not a terminal.

    The bar is updated at most a few times a second. Only losses that have been computed are read, so that the device
    never waits.

    Args:
        refresh_per_second: maximum number of updates per second.

    Raises:
        ArgumentTypeError, ArgumentError: `refresh_per_second` is not a number above 0.

    Examples:
        >>> import numpy as np
        >>> from sporax.train import RunContext, RunParams
        >>> bar, params = ProgressBar(), RunParams(epoch_num=3, batch_num=2, cur_epoch_num=1, cur_step_num=2)
        >>> params.net_outputs = np.float32(0.5)
        >>> for hook in (bar.on_train_begin, bar.on_train_epoch_begin, bar.on_train_epoch_end):
        ...     hook(RunContext(params))  # doctest: +ELLIPSIS
        epoch 1/3: 2 steps, ... s, loss 0.5

    Source: sporax.
    """

    def __init__(self, refresh_per_second: float = 4.0) -> None:
        super().__init__()
        rate = _check.number(
            refresh_per_second, name="refresh_per_second", where="ProgressBar", minimum=0.0, open_minimum=True
        )
        self._pause = 1.0 / rate
        self._bar: Any = None
        self._task: Any = None
        self._next_update = 0.0
        self._begun = 0.0
        self._first_step = 0
        self._latest: Any = None
        self._loss_text = ""

    def on_train_begin(self, run_context: RunContext) -> None:
        """Show the bar."""
        self._close()
        params = run_context.original_args()
        self._first_step = params.get("cur_step_num") or 0
        if sys.stdout.isatty():
            # Imported here, since rich would double the import time of sporax.
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self._bar = Progress(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[loss]}"),
                console=Console(),
                auto_refresh=False,
                transient=True,
            )
            self._task = self._bar.add_task("", total=params.get("batch_num"), loss="")
            self._bar.start()

    def on_train_epoch_begin(self, run_context: RunContext) -> None:
        """Reset the bar for an epoch."""
        params = run_context.original_args()
        self._begun = time.perf_counter()
        self._next_update = 0.0
        self._latest, self._loss_text = None, ""
        self._first_step = params.get("cur_step_num") or 0
        if self._bar is not None:
            self._bar.reset(self._task, total=params.get("batch_num"), description=self._title(params), loss="")

    def on_train_step_end(self, run_context: RunContext) -> None:
        """Update the bar if enough time has passed."""
        if self._bar is None:
            return
        now = time.perf_counter()
        if now < self._next_update:
            return
        self._next_update = now + self._pause
        params = run_context.original_args()
        for outputs in (self._latest, params.net_outputs):
            if outputs is not None and _is_ready(outputs):
                self._loss_text = _loss_text(outputs)
        self._latest = params.net_outputs
        self._bar.update(
            self._task, completed=params.cur_step_num - self._first_step, loss=self._loss_text, refresh=True
        )

    def on_train_epoch_end(self, run_context: RunContext) -> None:
        """Print a line for the epoch."""
        params = run_context.original_args()
        steps = step_in_epoch(params)
        metrics = "".join(f", {name} {_short(value)}" for name, value in (params.get("eval_results") or {}).items())
        line = (
            f"{self._title(params)}: {steps} steps, {time.perf_counter() - self._begun:.2f} s"
            f"{', ' if params.get('net_outputs') is not None else ''}{_loss_text(params.get('net_outputs'))}"
            f"{', validation' + metrics[1:] if metrics else ''}"
        )
        if self._bar is None:
            print(line, flush=True)
        else:
            self._bar.console.print(line, markup=False, highlight=False)

    def on_train_end(self, run_context: RunContext) -> None:
        """Remove the bar."""
        self._close()

    def __exit__(self, *err: Any) -> None:
        self._close()

    def _close(self) -> None:
        bar, self._bar, self._latest = self._bar, None, None
        if bar is not None:
            bar.stop()

    @staticmethod
    def _title(params: Any) -> str:
        return f"epoch {params.cur_epoch_num}/{params.get('epoch_num', '?')}"


def _is_ready(outputs: Any) -> bool:
    """Whether the loss can be read without waiting."""
    leaves: list[Any] = jax.tree.leaves(outputs)
    return all(leaf.is_ready() for leaf in leaves if hasattr(leaf, "is_ready"))


def _loss_text(outputs: Any) -> str:
    if outputs is None:
        return ""
    try:
        return f"loss {_short(scalar_loss(outputs))}"
    except TrainError:
        return ""


def _short(value: Any) -> str:
    try:
        return f"{float(value):.6g}"
    except (TypeError, ValueError):
        short = in_short(value)
        return f"[{', '.join(f'{each:.6g}' for each in short)}]" if isinstance(short, list) else str(short)
