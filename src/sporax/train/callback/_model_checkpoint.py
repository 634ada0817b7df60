"""ModelCheckpoint: save the network and its optimizer during training."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from typing import Any

from sporax import _check
from sporax._errors import ArgumentError, ArgumentTypeError, TrainError
from sporax.core import Cell
from sporax.train.callback._base import RunContext, TrainingCallback, step_in_epoch
from sporax.train.callback._checkpoint_config import CheckpointConfig
from sporax.train.checkpoint import remove_checkpoint, save_checkpoint, wait_for_checkpoints

__all__ = ["ModelCheckpoint"]

Namer = Callable[[Any], str]


class ModelCheckpoint(TrainingCallback):
    """Save the network, its loss and its optimizer during training and at its end.

    The Parameters of the train network are saved: those of the network, of the loss (such as the proxies of
    `nn.ProxyAnchorLoss`), and the optimizer's slots and step. The position in the data, random states and the states
    of callbacks are not saved; `BackupAndRestore` saves them.

    A file is named `<prefix>-<epoch>_<step in the epoch>.ckpt`. If the folder contains files with this prefix, the
    prefix becomes `<prefix>_1`, and so on, so that no run overwrites files of another.

    Args:
        prefix: the first part of the names; or a function of `RunParams` that returns the name without suffix.
        directory: the folder, created if it does not exist; or a function of `RunParams` that returns it. Default:
            the working directory.
        config: the settings. Default: `CheckpointConfig()`, which saves after each step and keeps five files.

    Raises:
        ArgumentError, ArgumentTypeError: an argument is of the wrong type, or `prefix` contains a slash.

    Examples:
        >>> import tempfile, os
        >>> from sporax import nn
        >>> from sporax.train import RunContext, RunParams
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     keeper = ModelCheckpoint("net", folder, CheckpointConfig(save_checkpoint_steps=2))
        ...     params = RunParams(network=nn.Dense(2, 1), batch_num=4, cur_epoch_num=1, cur_step_num=0)
        ...     keeper.begin(RunContext(params))
        ...     for params.cur_step_num in (1, 2, 3):
        ...         keeper.step_end(RunContext(params))
        ...     os.listdir(folder)
        ['net-1_2.ckpt']

    Source: the class of the same name in MindSpore; the graph's `.meta` file is not written.
    """

    def __init__(
        self,
        prefix: str | Namer = "CKP",
        directory: str | os.PathLike[str] | Namer | None = None,
        config: CheckpointConfig | None = None,
    ) -> None:
        super().__init__()
        if not callable(prefix) and (not isinstance(prefix, str) or "/" in prefix or os.sep in prefix):
            raise ArgumentError(
                "ModelCheckpoint: `prefix` must be a function, or a str without a slash, but got "
                f"{prefix!r}. Give folders as `directory`."
            )
        if not (directory is None or callable(directory) or isinstance(directory, (str, os.PathLike))):
            raise ArgumentTypeError(
                f"ModelCheckpoint: `directory` must be a str, a function or None, but got {directory!r}."
            )
        if config is not None and not isinstance(config, CheckpointConfig):
            raise _check.wrong_type(config, "a CheckpointConfig", name="config", where="ModelCheckpoint")
        self._prefix, self._directory = prefix, directory
        self._config = config if config is not None else CheckpointConfig()
        self._suffix = f".{self._config.format}"
        self.reads_state_every = self._config.save_checkpoint_steps or None
        self.calls_user_code = callable(prefix) or callable(directory)
        self._run_prefix = prefix if isinstance(prefix, str) else ""
        self._latest = ""
        self._params: Any = None
        self._restart(0)

    def _restart(self, step: int) -> None:
        self._last_step = step
        self._due = False
        self._kept: list[str] = []
        self._last_time = time.monotonic()
        self._kept_time: float | None = None

    @property
    def latest_ckpt_file_name(self) -> str:
        """The path of the last file saved; empty if there is none."""
        return self._latest

    def state_dict(self) -> dict[str, Any]:
        """Return the prefix and the files of the run, which a resumed run continues."""
        return {
            "prefix": self._run_prefix,
            "last_step": self._last_step,
            "due": self._due,
            "kept": list(self._kept),
            "latest": self._latest,
            "seconds_since_kept": None if self._kept_time is None else time.monotonic() - self._kept_time,
            "seconds_since_save": time.monotonic() - self._last_time,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the result of `state_dict`."""
        now, kept = time.monotonic(), state["seconds_since_kept"]
        if isinstance(self._prefix, str):
            self._run_prefix = state["prefix"]
        self._last_step, self._due, self._latest = state["last_step"], state["due"], state["latest"]
        self._kept = list(state["kept"])
        self._last_time = now - state["seconds_since_save"]
        self._kept_time = None if kept is None else now - kept

    # --- hooks ----------------------------------------------------------------------------------------------

    def begin(self, run_context: RunContext) -> None:
        """Create the folder, and choose a prefix that no file in it has."""
        self._params = params = run_context.original_args()
        self._restart(params.get("cur_step_num") or 0)
        if isinstance(self._prefix, str):
            folder = self._folder(params)
            self._run_prefix = _free_prefix(folder, self._prefix)

    def step_end(self, run_context: RunContext) -> None:
        """Save if it is due."""
        params = run_context.original_args()
        step = params.cur_step_num
        if self._config.save_checkpoint_steps:
            self._due = self._due or step % self._config.save_checkpoint_steps == 0
        elif self._config.save_checkpoint_seconds:
            self._due = time.monotonic() - self._last_time >= self._config.save_checkpoint_seconds
        # Within a call of several steps, the Parameters are those after its last step.
        if self._due and params.get("state_is_current", True):
            self._save(params)

    def end(self, run_context: RunContext) -> None:
        """Save the last state if that was not done yet, and wait for pending files."""
        params = run_context.original_args()
        if params.get("cur_step_num") and params.cur_step_num != self._last_step:
            self._save(params)
        self._params = None
        wait_for_checkpoints()

    def __exit__(self, *err: Any) -> None:
        params, self._params = self._params, None
        if err and err[0] is not None and params is not None and self._config.exception_save:
            self._save(params, "_breakpoint")

    # --- files ----------------------------------------------------------------------------------------------

    def _folder(self, params: Any) -> str:
        chosen = self._directory(params) if callable(self._directory) else self._directory
        folder = os.path.abspath(os.fspath(chosen)) if chosen is not None else os.getcwd()
        os.makedirs(folder, exist_ok=True)
        return folder

    def _save(self, params: Any, mark: str = "") -> None:
        step = step_in_epoch(params)
        if callable(self._prefix):
            name = f"{self._prefix(params)}{mark}"
        else:
            name = f"{self._run_prefix}-{params.cur_epoch_num}_{step}{mark}"
        path = os.path.join(self._folder(params), name + self._suffix)
        save_checkpoint(
            self._saved(params),
            path,
            self._config.integrated_save,
            self._config.async_save,
            self._config.appended(params.cur_epoch_num, params.cur_step_num),
            crc_check=self._config.crc_check,
            format=self._config.format,
        )
        self._due = False
        self._last_step = params.cur_step_num
        self._last_time = time.monotonic()
        self._latest = path
        params["last_save_ckpt_step"], params["latest_ckpt_file"] = self._last_step, path
        self._remove_old(path)

    def _saved(self, params: Any) -> Cell:
        candidates = (self._config.saved_network, params.get("train_network"), params.get("network"))
        for each in candidates:
            if isinstance(each, Cell):
                return each
        raise TrainError("ModelCheckpoint: this run has no network to save.")

    def _remove_old(self, path: str) -> None:
        """Remove files that exceed the limits after `path` was saved."""
        if path in self._kept:
            self._kept.remove(path)
        maximum, minutes = self._config.keep_checkpoint_max, self._config.keep_checkpoint_per_n_minutes
        if maximum:
            self._kept.append(path)
            while len(self._kept) > maximum:
                remove_checkpoint(self._kept.pop(0))
        elif minutes:
            for older in self._kept:
                remove_checkpoint(older)
            self._kept.clear()
            if self._kept_time is None or self._last_time - self._kept_time >= 60 * minutes:
                self._kept_time = self._last_time
            else:
                self._kept.append(path)


def _free_prefix(folder: str, prefix: str) -> str:
    pattern = re.compile(rf"{re.escape(prefix)}(?:_(\d+))?-\d+_\d+(?:_breakpoint)?\.(?:ckpt|safetensors)")
    taken = [int(found[1] or 0) for found in map(pattern.fullmatch, os.listdir(folder)) if found]
    return f"{prefix}_{max(taken) + 1}" if taken else prefix
