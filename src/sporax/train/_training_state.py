"""The whole state of a run in one file, so that an interrupted run can go on."""

from __future__ import annotations

import os
from typing import Any

import numpy as np

from sporax import formats
from sporax._errors import CheckpointError
from sporax.core import default_generator, seeded_generator
from sporax.train._checkpoint_entries import joined
from sporax.train._checkpoint_fit import Fit

_STATE = "sporax.training_state"
_KEY = "sporax.random_key"
_SEEDED_KEY = "sporax.seeded_random_key"


def save_training_state(path: str | os.PathLike[str], *parts: Any, epoch: int, step: int) -> None:
    """Saves all that a run needs to go on: Parameters, the random key, and how far it is; all or nothing.

    Args:
        path: the file, `.ckpt` or `.safetensors`.
        parts: Cells (a network, an optimizer); each Parameter is saved once, and what is no Cell is passed
            over.
        epoch: how many epochs were trained.
        step: how many steps were trained.

    Examples:
        >>> import tempfile
        >>> from sporax import nn
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_training_state(f"{folder}/run.ckpt", nn.Dense(2, 1), epoch=3, step=30)
        ...     load_training_state(f"{folder}/run.ckpt", nn.Dense(2, 1))
        (3, 30)
    """
    entries: dict[str, Any] = {name: np.asarray(each.value()) for name, each in joined(parts).items()}
    entries[_KEY] = np.asarray(default_generator.key.value())
    entries[_SEEDED_KEY] = np.asarray(seeded_generator.key.value())
    entries[_STATE] = np.array([epoch, step], np.int64)
    formats.write(path, entries)


def load_training_state(path: str | os.PathLike[str], *parts: Any) -> tuple[int, int]:
    """Puts back what `save_training_state` saved.

    Args:
        path: the file.
        parts: Cells, in the same order.

    Returns:
        (epochs, steps) that were trained.

    Raises:
        CheckpointError: the file does not hold a training state, or one of other Parameters; the names are
            listed, and nothing is loaded.
    """
    where = f"training state {os.fspath(path)!r}"
    read = formats.read(path)
    done, key = read.pop(_STATE, None), read.pop(_KEY, None)
    seeded = read.pop(_SEEDED_KEY, None)
    if not isinstance(done, np.ndarray) or not isinstance(key, np.ndarray):
        raise CheckpointError(f"{where}: it is a checkpoint, but not the state of a run. Use load_checkpoint for it.")
    fit = Fit(joined(parts), read, True, where)
    unused = [name for name in read if name not in fit.used]
    if fit.missing or unused:
        raise CheckpointError(
            f"{where}: it belongs to another network or optimizer. Not in the file: "
            f"{', '.join(fit.missing) or 'none'}; only in the file: {', '.join(unused) or 'none'}. "
            "Delete the file to start anew."
        )
    fit.load()
    default_generator.key.set_data(key)
    if isinstance(seeded, np.ndarray):
        seeded_generator.key.set_data(seeded)
    return int(done[0]), int(done[1])
