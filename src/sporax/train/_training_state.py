"""The whole state of a run in one file, so that an interrupted run can go on.

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
from sporax.train._checkpoint_entries import joined
from sporax.train._checkpoint_fit import Fit
from sporax.train._state_tree import decode, encode

_STATE = "sporax.training_state"
_KEY = "sporax.random_key"
_RUN = "sporax.run"
_VERSION = 2
"""1, of sporax 0.1, had no `sporax.run`."""
_SEEDED_KEY = "sporax.seeded_random_key"


class TrainingState(NamedTuple):
    """What `load_training_state` found.

    Attributes:
        epoch: how many epochs were trained.
        step: how many steps were trained.
        run: the run's state; None in a file that was saved without one.
        load: gives the Parameters and the random key their values once more.
    """

    epoch: int
    step: int
    run: dict[str, Any] | None
    load: Callable[[], None]


def save_training_state(
    path: str | os.PathLike[str], *parts: Any, epoch: int, step: int, run: dict[str, Any] | None = None
) -> None:
    """Saves all that a run needs to go on: Parameters, the random key, and how far it is; all or nothing.

    Args:
        path: the file, `.ckpt` or `.safetensors`.
        parts: Cells (a network, an optimizer); each Parameter is saved once, and what is no Cell is passed
            over.
        epoch: how many epochs were trained.
        step: how many steps were trained.
        run: the run's state, as `RunContext.run_state` returns it.

    Raises:
        CheckpointError: `run` holds what cannot be saved; the path to it is named.

    Examples:
        >>> import tempfile
        >>> from sporax import nn
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_training_state(f"{folder}/run.ckpt", nn.Dense(2, 1), epoch=3, step=30)
        ...     load_training_state(f"{folder}/run.ckpt", nn.Dense(2, 1))[:3]
        (3, 30, None)
    """
    entries: dict[str, Any] = {name: np.asarray(each.value()) for name, each in joined(parts).items()}
    entries[_KEY] = np.asarray(default_generator.key.value())
    entries[_SEEDED_KEY] = np.asarray(seeded_generator.key.value())
    entries[_STATE] = np.array([epoch, step], np.int64)
    if run is not None:
        entries[f"{_RUN}.version"] = np.int64(_VERSION)
        entries[_RUN], arrays = encode(run, "the state of the run")
        entries |= {f"{_RUN}.array.{i}": array for i, array in enumerate(arrays)}
    formats.write(path, entries)


def load_training_state(path: str | os.PathLike[str], *parts: Any) -> TrainingState:
    """Puts back what `save_training_state` saved.

    Args:
        path: the file.
        parts: Cells, in the same order.

    Returns:
        how far the run was, and its state.

    Raises:
        CheckpointError: the file does not hold a training state, or one of a later version or of other Parameters;
            the names are listed, and nothing is loaded.
    """
    where = f"training state {os.fspath(path)!r}"
    read = formats.read(path)
    done, key = read.pop(_STATE, None), read.pop(_KEY, None)
    seeded = read.pop(_SEEDED_KEY, None)
    if not isinstance(done, np.ndarray) or not isinstance(key, np.ndarray):
        raise CheckpointError(f"{where}: it is a checkpoint, but not the state of a run. Use load_checkpoint for it.")
    run = _run_of(read, where)
    fit = Fit(joined(parts), read, True, where)
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
    """Takes the run's state out of the entries of a file."""
    text, version = read.pop(_RUN, None), read.pop(f"{_RUN}.version", None)
    if version is not None and int(version) != _VERSION:
        raise CheckpointError(
            f"{where}: it is of version {int(version)}, and this sporax reads version {_VERSION}. Resume with the "
            "version that saved it, or delete the file to train from the beginning."
        )
    arrays: list[np.ndarray] = []
    while f"{_RUN}.array.{len(arrays)}" in read:
        arrays.append(read.pop(f"{_RUN}.array.{len(arrays)}"))
    return decode(text, arrays) if isinstance(text, str) else None
