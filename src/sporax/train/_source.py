"""Datasets for training: the protocol `BatchSource`, and an adapter for iterables of batches."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any

import numpy as np

from sporax._code import is_installed
from sporax._describe import changed, describe_batches, describe_code
from sporax._errors import ArgumentTypeError, DatasetError, ResumeWarning
from sporax._seed import host_random_kept, host_random_state
from sporax.dataset import Dataset

Batch = tuple[np.ndarray, ...]


class _IterableSource:
    """A source over any iterable of batches (tuples, lists or dicts of arrays), iterated again for each epoch."""

    def __init__(self, batches: Iterable[Any], where: str) -> None:
        self._batches = batches
        self.begin_random: Any = host_random_state()
        """The state of the host's random generators at the beginning of the first iteration, until that is read."""
        self._begin_state = batches.state_dict() if self._has_state else None  # pyright: ignore
        """The state of the batches at the beginning of the first iteration, until that is read."""
        self._opened: Iterator[Any] | None = iter(batches)
        first = next(self._opened, None)
        if first is None:
            raise DatasetError(f"{where}: the dataset gave no batches.")
        self._by_name = isinstance(first, dict)
        self._names = list(first) if self._by_name else [f"column_{i}" for i in range(len(_columns(first)))]
        self._where = where
        # A copy, since another iteration (of a validation, for example) may reuse its arrays before it is used.
        self._first = _copied(self._row(first))
        self._passes = self._rows_used = 0
        self._content: str | None = None

    def note_settings(self) -> None:
        """Record the order and content of a list, or the code of another iterable, as it is now.

        A callback may change it later.
        """
        if self._content is not None:
            return
        if isinstance(self._batches, (list, tuple)):
            self._content = describe_batches(self._batches)
        elif not is_installed(type(self._batches).__module__):
            self._content = describe_code(self._batches)

    def get_col_names(self) -> list[str]:
        return self._names

    @property
    def size_is_fixed(self) -> bool:
        return hasattr(self._batches, "__len__")

    def dataset_size_hint(self) -> int | None:
        return len(self._batches) if self.size_is_fixed else None  # pyright: ignore[reportArgumentType]

    def get_dataset_size(self) -> int:
        size = self.dataset_size_hint()
        if size is None:
            with host_random_kept():
                size = sum(1 for _ in self._batches)
        return size

    def create_tuple_iterator(self, *_: Any, **__: Any) -> Iterator[Batch]:
        self._passes += 1
        used, self._rows_used = self._rows_used, 0
        opened, self._opened, self.begin_random, self._begin_state = self._opened, None, None, None
        # The first batch was read for the names of the columns; the first epoch continues that iteration.
        batches = map(self._row, iter(self._batches) if opened is None else opened)
        return islice(batches if opened is None else chain((self._first,), batches), used, None)

    def _row(self, batch: Any) -> Batch:
        if not self._by_name and not isinstance(batch, dict):
            return tuple(np.asarray(value) for value in _columns(batch))
        # By name, because the entries of another batch may have another order.
        if not isinstance(batch, dict) or not self._by_name or batch.keys() != set(self._names):
            received = f"a dict of {list(batch)}" if isinstance(batch, dict) else f"a {type(batch).__name__}"
            raise DatasetError(
                f"{self._where}: the first batch was {f'a dict of {self._names}' if self._by_name else 'not a dict'}, "
                f"but a later one is {received}. Use the same form and the same keys for every batch."
            )
        return tuple([np.asarray(batch[name]) for name in self._names])

    def state_dict(self) -> dict[str, Any]:
        self.note_settings()
        return {
            "epoch": self._passes,
            "rows": 0,
            "objects": [self._batches_state()] if self._has_state else [],
            "pipeline": {"columns": self._names, "batches": self.dataset_size_hint()},
            "content": self._content,
        }

    def _batches_state(self) -> Any:
        # The first iteration may have drawn random numbers already.
        return self._batches.state_dict() if self._begin_state is None else self._begin_state  # pyright: ignore

    @property
    def _has_state(self) -> bool:
        return hasattr(self._batches, "state_dict") and hasattr(self._batches, "load_state_dict")

    def load_state_dict(self, state: dict[str, Any]) -> None:
        now = self.state_dict()
        current = now["pipeline"]
        if state.get("pipeline") != current:
            raise DatasetError(
                f"the state belongs to another dataset: it was {state.get('pipeline')} and is now {current}."
            )
        if changed({"content": state.get("content") or ""}, {"content": now["content"] or ""}):
            what = "their order" if isinstance(self._batches, (list, tuple)) else "the code that reads them"
            warnings.warn(
                f"the batches of the {type(self._batches).__name__}, or {what}, differ from those of the interrupted "
                "run. Training continues with the current ones. For the result of the uninterrupted run build the "
                "dataset as before, or delete the file to train from the beginning.",
                ResumeWarning,
                stacklevel=4,
            )
        if self._has_state and state["objects"]:
            self._batches.load_state_dict(state["objects"][0])  # pyright: ignore
        # An iteration that has begun may have drawn random numbers already.
        self._opened = self.begin_random = self._begin_state = None
        self._passes, self._rows_used = state["epoch"], state["rows"]


def _columns(batch: Any) -> tuple[Any, ...] | list[Any]:
    return batch if isinstance(batch, (tuple, list)) else (batch,)


def as_source(dataset: Any, where: str) -> Any:
    """Return the dataset itself if it implements the protocol, or an adapter for an iterable of batches."""
    if hasattr(dataset, "create_tuple_iterator") and hasattr(dataset, "get_col_names"):
        return dataset
    kind = type(dataset).__name__
    if _is_array(dataset) or (isinstance(dataset, tuple) and dataset and all(map(_is_array, dataset))):
        given = f"a tuple of {len(dataset)} arrays" if isinstance(dataset, tuple) else f"an array ({kind})"
        raise ArgumentTypeError(
            f"{where}: the dataset must give batches, but got {given}. Cut arrays into batches with "
            'dataset.NumpySlicesDataset((x, y), ["data", "label"]).batch(32); a list of batches works too.'
        )
    if isinstance(dataset, Iterator) or (hasattr(dataset, "__next__") and not isinstance(dataset, Iterable)):
        raise ArgumentTypeError(
            f"{where}: the dataset must be one of sporax.dataset, or an iterable of batches that can be iterated in "
            f"each epoch, but got {kind}, an iterator, which can be iterated only once. Give a list, an object whose "
            "`__iter__` is a generator function, or dataset.GeneratorDataset(the generator function, column_names)."
        )
    if isinstance(dataset, (str, bytes, dict)) or not isinstance(dataset, Iterable):
        raise ArgumentTypeError(
            f"{where}: the dataset must be one of sporax.dataset, or an iterable of batches (an object whose "
            f"`__iter__` starts again in each epoch), but got {kind}. Wrap arrays with "
            "dataset.NumpySlicesDataset(...).batch(...)."
        )
    return _IterableSource(dataset, where)


def _is_array(value: Any) -> bool:
    return hasattr(value, "__array__") and hasattr(value, "shape") and not isinstance(value, np.generic)


def batches(source: Any) -> Iterator[Batch]:
    """Return an iterator over the batches of one epoch, as NumPy arrays."""
    rows = iter(source.create_tuple_iterator(num_epochs=1, output_numpy=True))
    first = next(rows, None)
    if first is None:
        return iter(())
    dicts = [name for name, column in zip(source.get_col_names(), first, strict=False) if isinstance(column, dict)]
    if dicts:
        raise DatasetError(
            f"the column {dicts[0]!r} of the dataset contains dicts, which Model does not support. Convert their "
            f"entries to columns before batch: dataset.map(lambda d: (d['x'], d['y']), [{dicts[0]!r}], ['x', 'y'])."
        )
    rows = chain((first,), rows)
    # Copies, because a step may still read a batch when the next one is requested, and a user's iterable may reuse
    # its arrays.
    return rows if isinstance(source, Dataset) else map(_copied, rows)


def _copied(batch: Batch) -> Batch:
    return tuple([np.array(column) for column in batch])


def note_settings(source: Any) -> None:
    """Record the settings of a source, which a backup contains, at the beginning of a run."""
    if isinstance(source, Dataset):
        source._note_code()
    elif isinstance(source, _IterableSource):
        source.note_settings()


def batches_from(source: Any, state: dict[str, Any] | None, rows: int) -> None:
    """Set the next epoch of a source to that of `state`, without its first `rows` batches."""
    if state is not None and hasattr(source, "load_state_dict"):
        source.load_state_dict(state | {"rows": rows})


def state_of(source: Any) -> dict[str, Any] | None:
    """Return the position of a source; None if it has none."""
    return source.state_dict() if hasattr(source, "state_dict") and hasattr(source, "load_state_dict") else None


def warn_about_missing_state(source: Any) -> None:
    """Warn that the position of a source cannot be restored."""
    warnings.warn(
        f"the dataset {type(source).__name__} has no `state_dict()` and `load_state_dict(state)`, so its position is "
        "not restored: its next epoch is read from its beginning, and used batches are skipped. If its order differs "
        "from epoch to epoch, the results will differ from those of the uninterrupted run.",
        ResumeWarning,
        stacklevel=3,
    )


def expected_size(source: Any, *, cut: bool) -> tuple[int | None, bool]:
    """Return the number of batches of every epoch.

    Args:
        source: the dataset.
        cut: whether to end an epoch of an endless dataset after one repetition.

    Returns:
        (the number, or None if it is unknown before reading; whether an epoch is ended there).
    """
    if not isinstance(source, (Dataset, _IterableSource)):
        return source.get_dataset_size(), False
    if cut and isinstance(source, Dataset) and source.endless:
        return source.get_dataset_size(), True
    return (source.dataset_size_hint() if source.size_is_fixed else None), False
