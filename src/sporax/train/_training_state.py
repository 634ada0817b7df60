"""The complete state of a run in one file, so that an interrupted run can be resumed.

Entries of the file (`.ckpt` or `.safetensors`): each Parameter under its name, `sporax.random_key`,
`sporax.seeded_random_key`, `sporax.training_state` (epochs, steps), `sporax.run.version`, `sporax.run` (the run's
state, as JSON), and `sporax.run.array.<i>` (the arrays that the JSON text refers to).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from sporax import formats
from sporax._errors import CheckpointError
from sporax.core import default_generator, seeded_generator
from sporax.train._checkpoint_entries import combined_parameters
from sporax.train._checkpoint_fit import Fit
from sporax.train._state_tree import decode, encode

_STATE = "sporax.training_state"
_KEY = "sporax.random_key"
_RUN = "sporax.run"
_VERSION = 2
"""Version 1, of sporax 0.1, had no `sporax.run`."""
_SEEDED_KEY = "sporax.seeded_random_key"


class TrainingState(NamedTuple):
    """The result of `load_training_state`.

    Attributes:
        epoch: number of epochs trained.
        step: number of steps trained.
        run: the state of the run; None if the file was saved without one.
        load: a function that loads the Parameters and the random key again.
    """

    epoch: int
    step: int
    run: dict[str, Any] | None
    load: Callable[[], None]


def save_training_state(
    path: str | os.PathLike[str], *parts: Any, epoch: int, step: int, run: dict[str, Any] | None = None
) -> None:
    """Save the state that a run needs to resume: Parameters, the random key, and the epoch and step.

    Args:
        path: the file, `.ckpt` or `.safetensors`.
        parts: Cells (a network, an optimizer); each Parameter is saved once, and other objects are ignored.
        epoch: number of epochs trained.
        step: number of steps trained.
        run: the state of the run, as `RunContext.run_state` returns it.

    Raises:
        CheckpointError: `run` contains an object that cannot be saved; the message gives its path.

    Examples:
        >>> import tempfile
        >>> from sporax import nn
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_training_state(f"{folder}/run.ckpt", nn.Dense(2, 1), epoch=3, step=30)
        ...     load_training_state(f"{folder}/run.ckpt", nn.Dense(2, 1))[:3]
        (3, 30, None)
    """
    entries: dict[str, Any] = {name: np.asarray(each.value()) for name, each in combined_parameters(parts).items()}
    entries[_KEY] = np.asarray(default_generator.key.value())
    entries[_SEEDED_KEY] = np.asarray(seeded_generator.key.value())
    entries[_STATE] = np.array([epoch, step], np.int64)
    if run is not None:
        entries[f"{_RUN}.version"] = np.int64(_VERSION)
        entries[_RUN], arrays = encode(run, "the state of the run")
        entries |= {f"{_RUN}.array.{i}": array for i, array in enumerate(arrays)}
    formats.write(path, entries)


def load_training_state(path: str | os.PathLike[str], *parts: Any) -> TrainingState:
    """Load the state that `save_training_state` saved.

    Args:
        path: the file.
        parts: Cells, in the same order.

    Returns:
        The epoch, the step and the state of the run.

    Raises:
        CheckpointError: the file contains no training state, or one of a later version or of other Parameters; the
            message lists the names, and nothing is loaded.
    """
    where = f"training state {os.fspath(path)!r}"
    read = formats.read(path)
    done, key = read.pop(_STATE, None), read.pop(_KEY, None)
    seeded = read.pop(_SEEDED_KEY, None)
    if not isinstance(done, np.ndarray) or not isinstance(key, np.ndarray):
        raise CheckpointError(
            f"{where}: it is a checkpoint, but does not contain the state of a run. Use load_checkpoint."
        )
    run = _run_of(read, where)
    fit = Fit(combined_parameters(parts), read, True, where)
    unused = [name for name in read if name not in fit.used]
    if fit.missing or unused:
        raise CheckpointError(
            f"{where}: it belongs to another network or optimizer. Not in the file: "
            f"{', '.join(fit.missing) or 'none'}; only in the file: {', '.join(unused) or 'none'}. "
            "Delete the file to train from the beginning."
        )

    def load() -> None:
        fit.load()
        default_generator.key.set_data(key)
        if isinstance(seeded, np.ndarray):
            seeded_generator.key.set_data(seeded)

    load()
    return TrainingState(int(done[0]), int(done[1]), run, load)


def _run_of(read: dict[str, Any], where: str) -> dict[str, Any] | None:
    """Remove the state of the run from the entries of a file, and return it."""
    text, version = read.pop(_RUN, None), read.pop(f"{_RUN}.version", None)
    if version is not None and int(version) != _VERSION:
        raise CheckpointError(
            f"{where}: it has version {int(version)}, but this sporax reads version {_VERSION}. Resume with the "
            "version that saved it, or delete the file to train from the beginning."
        )
    arrays: list[np.ndarray] = []
    while f"{_RUN}.array.{len(arrays)}" in read:
        arrays.append(read.pop(f"{_RUN}.array.{len(arrays)}"))
    return decode(text, arrays) if isinstance(text, str) else None
