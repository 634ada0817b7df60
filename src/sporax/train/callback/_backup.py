"""BackupAndRestore: resume an interrupted run."""

from __future__ import annotations

import contextlib
import os
import warnings

from sporax import _check
from sporax._errors import ArgumentTypeError, CheckpointError, ResumeWarning
from sporax.train.callback._base import RunContext, TrainingCallback, run_parts
from sporax.train.checkpoint import load_training_state, save_training_state

__all__ = ["BackupAndRestore"]


class BackupAndRestore(TrainingCallback):
    """Save the complete state of training to a file, and resume an interrupted run from it.

    Run the same script again: it continues after the last epoch or step saved, and on a CPU its results are bitwise
    equal to those of the uninterrupted run. The following are restored: the Parameters of the network, of the loss and
    of the optimizer (slots, step, loss scale), the random key, the states of NumPy's and Python's global random
    generators, the position in the dataset with its seed, the results of the callbacks' `state_dict`, and the numbers
    of the epoch and step. docs/checkpoints.md lists what cannot be restored.

    Its hooks run after those of the other callbacks, whatever its position in the list.

    Args:
        backup_dir: the folder of the file `backup.ckpt`, created if it does not exist.
        save_freq: "epoch" to save after each epoch, or n to save after every n-th epoch.
        delete_checkpoint: whether to delete the file when training is finished.
        save_steps: save also after every `save_steps` steps, counted over all epochs; None to disable. The file is
            replaced atomically, so that an interruption of the save loses nothing.

    Raises:
        ArgumentTypeError, ArgumentError: an argument is of the wrong type or out of range.
        CheckpointError: the file belongs to another network, optimizer or dataset, to a longer run, or it is damaged;
            or the state of a callback cannot be saved.

    Warns:
        ResumeWarning: the run is resumed, but not exactly: the file has an older version, callbacks are missing or new,
            or the position in the dataset cannot be restored. The message gives the reason.

    Examples:
        >>> import tempfile
        >>> from sporax import nn
        >>> from sporax.train import RunContext, RunParams
        >>> folder = tempfile.TemporaryDirectory()
        >>> params = RunParams(network=nn.Dense(2, 1), batch_num=10, cur_epoch_num=3, cur_step_num=30)
        >>> BackupAndRestore(folder.name).on_train_epoch_end(RunContext(params))
        >>> params = RunParams(network=nn.Dense(2, 1), batch_num=10, cur_epoch_num=0, cur_step_num=0)
        >>> BackupAndRestore(folder.name).on_train_begin(RunContext(params))
        >>> params.initial_epoch, params.cur_step_num
        (3, 30)
        >>> folder.cleanup()

    Source: the class of the same name in MindSpore, which restores only the Parameters, and restarts at epoch 1.
    """

    saves_run = True

    def __init__(
        self,
        backup_dir: str | os.PathLike[str],
        save_freq: str | int = "epoch",
        delete_checkpoint: bool = True,
        *,
        save_steps: int | None = None,
    ) -> None:
        super().__init__()
        where = "BackupAndRestore"
        _check.is_type(backup_dir, (str, os.PathLike), name="backup_dir", where=where, expected="a str")
        if save_freq == "epoch":
            save_freq = 1
        elif isinstance(save_freq, str):
            raise ArgumentTypeError(
                f"{where}: `save_freq` must be 'epoch' or a number of epochs, but got {save_freq!r}."
            )
        self._every = _check.integer(save_freq, name="save_freq", where=where, minimum=1)
        if save_steps is not None:
            self.reads_state_every = _check.integer(save_steps, name="save_steps", where=where, minimum=1)
            # The hook exists only if it is needed, because a hook costs time in each step.
            self.on_train_step_end = self._step_ended
        self._delete = _check.is_type(delete_checkpoint, bool, name="delete_checkpoint", where=where)
        self._folder = os.path.abspath(os.fspath(backup_dir))
        os.makedirs(self._folder, exist_ok=True)
        self.backup_file = os.path.join(self._folder, "backup.ckpt")

    def on_train_begin(self, run_context: RunContext) -> None:
        """Resume from the file if it exists."""
        params = run_context.original_args()
        if not os.path.exists(self.backup_file):
            return
        state = load_training_state(self.backup_file, *run_parts(params))
        params["initial_epoch"] = params["cur_epoch_num"] = state.epoch
        params["cur_step_num"] = state.step
        if state.run is not None:
            try:
                run_context.resume_run(state.run, state.load)
            except CheckpointError as error:
                raise CheckpointError(f"BackupAndRestore: {self.backup_file!r}: {error}") from error
        elif run_context.run is not None:
            warnings.warn(
                f"BackupAndRestore: {self.backup_file!r} was saved by an older version. It contains Parameters and "
                "the number of the epoch; the order of the data and the states of callbacks start again.",
                ResumeWarning,
                stacklevel=5,
            )

    def on_train_epoch_end(self, run_context: RunContext) -> None:
        """Save after every `save_freq` epochs."""
        if run_context.original_args().cur_epoch_num % self._every == 0:
            self._save(run_context)

    def _step_ended(self, run_context: RunContext) -> None:
        params = run_context.original_args()
        assert self.reads_state_every is not None
        # Within a call of several steps, the Parameters are those after its last step.
        if params.cur_step_num % self.reads_state_every == 0 and params.get("state_is_current", True):
            self._save(run_context)

    def _save(self, run_context: RunContext) -> None:
        params, run = run_context.original_args(), run_context.run_state()
        epoch = params.cur_epoch_num if run is None else run["epoch"]
        save_training_state(self.backup_file, *run_parts(params), epoch=epoch, step=params.cur_step_num, run=run)

    def on_train_end(self, run_context: RunContext) -> None:
        """Delete the file."""
        if self._delete:
            with contextlib.suppress(FileNotFoundError):
                os.remove(self.backup_file)
