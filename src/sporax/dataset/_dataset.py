"""`Dataset`: the methods of MindSpore's datasets, and the datasets that they return."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sporax import _check
from sporax._docstring import completed_by
from sporax._errors import ArgumentTypeError
from sporax.dataset import _iterator
from sporax.dataset._state import load_state, note_code, state_of
from sporax.dataset.operations._batch import Batch
from sporax.dataset.operations._map import Filter, Map
from sporax.dataset.operations._project import Project, Rename
from sporax.dataset.operations._rows import Repeat, Shuffle, Skip, Take
from sporax.dataset.operations._split import Frozen, split_parts
from sporax.dataset.operations._zip_concat import Concat, Zip
from sporax.dataset.plan._node import Node

__all__ = ["Dataset"]


class Dataset(Node):
    """A pipeline: a source and the operations on it.

    A dataset implements the protocol `sporax.dataset.BatchSource`, which `Model` accepts.
    """

    def create_tuple_iterator(
        self,
        columns: str | Sequence[str] | None = None,
        num_epochs: int = -1,
        output_numpy: bool = False,
        do_copy: bool = False,
    ) -> _iterator.EpochIterator:
        """Return an iterator over rows: lists of Tensors, or tuples of arrays.

        Args:
            columns: the columns to return, in this order; None for all.
            num_epochs: how many times the iterator can be iterated; -1 for any number.
            output_numpy: return `np.ndarray` instead of Tensor.
            do_copy: copy each row. Otherwise arrays may be read-only views of shared columns.

        Raises:
            DatasetError: an unknown column; or, while iterating, an empty epoch, a user function that raises an
                exception, or more epochs than `num_epochs`.

        Example:
            >>> from sporax import dataset as ds
            >>> data = ds.NumpySlicesDataset({"x": [1, 2], "y": [3, 4]}, shuffle=False)
            >>> [(int(x), int(y)) for x, y in data.create_tuple_iterator(num_epochs=1, output_numpy=True)]
            [(1, 3), (2, 4)]
        """
        reader = None if columns is None else self.project(columns)
        return _iterator.tuple_iterator(self, num_epochs, output_numpy, do_copy, reader)

    @completed_by(create_tuple_iterator)
    def create_dict_iterator(
        self, num_epochs: int = -1, output_numpy: bool = False, do_copy: bool = False
    ) -> _iterator.EpochIterator:
        """Return an iterator over rows as dicts from column names to Tensors or arrays.

        Example:
            >>> from sporax import dataset as ds
            >>> data = ds.NumpySlicesDataset({"x": [1, 2]}, shuffle=False)
            >>> next(data.create_dict_iterator(output_numpy=True))
            {'x': array(1)}
        """
        return _iterator.dict_iterator(self, num_epochs, output_numpy, do_copy)

    # --- position ---------------------------------------------------------------------------------------------

    def state_dict(self, rows: int = 0) -> dict[str, Any]:
        """Return the reading position of this dataset as a dict of plain values.

        It contains the seed of the random orders (that of `set_seed`, or else the one that the dataset drew), the
        number of epochs begun, `rows`, and the properties of the pipeline by which `load_state_dict` recognises it.
        The states of the user's objects in the pipeline (a source, a sampler, a function of `map`) are included if
        they have `state_dict()` and `load_state_dict(state)`. The global generators of NumPy and Python are not
        included; `train.BackupAndRestore` saves them.

        Args:
            rows: number of rows (batches, after `batch`) of the current epoch that were used. With 0, the position is
                the beginning of the next epoch.

        Returns:
            The argument of `load_state_dict`.

        Example:
            >>> from sporax import dataset as ds
            >>> def make():
            ...     return ds.NumpySlicesDataset(list(range(100)), ["x"], shuffle=True)
            >>> data = make()
            >>> rows = data.create_tuple_iterator(num_epochs=1, output_numpy=True)
            >>> used, rest = [next(rows) for _ in range(90)], list(rows)
            >>> again = make()
            >>> again.load_state_dict(data.state_dict(rows=90))
            >>> list(again.create_tuple_iterator(num_epochs=1, output_numpy=True)) == rest
            True
        """
        return state_of(self, _check.integer(rows, name="rows", where="state_dict", minimum=0))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue at the position of `state`: the next epoch is that of the state, without the rows that were used.

        Rows are skipped by index if the elements are in memory. Otherwise they are read and dropped, including calls
        of the source's `__getitem__` and of Python functions of `map`. A later `set_seed` restarts at epoch 0.

        Args:
            state: the result of `state_dict` of a dataset that was built in the same way.

        Raises:
            DatasetError: the state belongs to a different dataset; the message lists the differences.

        Warns:
            ResumeWarning: the arguments of an operation, the code of their functions, or the elements of a source in
                memory differ; or a source is an iterator, whose position cannot be restored.
        """
        load_state(self, state)

    def _note_code(self) -> None:
        """Record the code of the user's functions in the pipeline, which `state_dict` contains."""
        note_code(self)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.create_tuple_iterator(num_epochs=1))

    def __len__(self) -> int:
        return self.get_dataset_size()

    def __add__(self, datasets: Dataset) -> Dataset:
        return self.concat(datasets)

    # --- operations: each returns a new dataset and does not change this one ----------------------------------

    def batch(
        self,
        batch_size: int | Callable[..., int],
        drop_remainder: bool = False,
        num_parallel_workers: int | None = None,
        *,
        per_batch_map: Callable[..., Any] | None = None,
        input_columns: str | Sequence[str] | None = None,
        output_columns: str | Sequence[str] | None = None,
        python_multiprocessing: bool = False,
        max_rowsize: Any = None,
        pad_info: dict[Any, Any] | None = None,
    ) -> Dataset:
        """Stack consecutive rows: a column of shape s becomes (batch_size, *s).

        Args:
            batch_size: number of rows in a batch, or a function of `BatchInfo` that returns it for each batch.
            drop_remainder: drop the last batch if it is smaller.
            num_parallel_workers: accepted; Python functions run in the calling thread.
            per_batch_map: a function `f(columns..., info)` that is called for each batch before it is stacked, with a
                list of arrays for each input column and a `BatchInfo`. It returns a list or an array for each output
                column.
            input_columns: the columns passed to it; None for all.
            output_columns: the names of the columns it returns; None for the names of the input columns.
            python_multiprocessing: accepted, without effect.
            max_rowsize: accepted, without effect.
            pad_info: as in `padded_batch`; None for no padding.

        Raises:
            DatasetError: an unknown column; or, while reading, elements that cannot be stacked.

        Example:
            >>> from sporax import dataset as ds
            >>> data = ds.NumpySlicesDataset([1, 2, 3, 4, 5], ["x"], shuffle=False).batch(2)
            >>> [x.tolist() for (x,) in data.create_tuple_iterator(num_epochs=1, output_numpy=True)]
            [[1, 2], [3, 4], [5]]
        """
        _check_workers(num_parallel_workers, "batch")
        return BatchDataset(self, batch_size, drop_remainder, per_batch_map, input_columns, output_columns, pad_info)

    @completed_by(batch)
    def padded_batch(
        self,
        batch_size: int | Callable[..., int],
        drop_remainder: bool = False,
        num_parallel_workers: int | None = None,
        pad_info: dict[Any, Any] | None = None,
    ) -> Dataset:
        """Stack consecutive rows, padded to one shape.

        Args:
            pad_info: `{column: (shape, value)}`: the shape to pad to, where None (for a size or the whole shape)
                means the maximum in the batch, and the padding value (None for 0, or ""). Elements larger than the
                shape are truncated. Other columns are not padded; None or {} pads every column.

        Example:
            >>> from sporax import dataset as ds
            >>> data = ds.NumpySlicesDataset([[1], [2, 3]], ["x"], shuffle=False)
            >>> for (x,) in data.padded_batch(2, pad_info={"x": (None, -1)}).create_tuple_iterator(
            ...     num_epochs=1, output_numpy=True):
            ...     print(x.tolist())
            [[1, -1], [2, 3]]
        """
        info = {} if pad_info is None else pad_info
        return self.batch(batch_size, drop_remainder, num_parallel_workers, pad_info=info)

    def shuffle(self, buffer_size: int) -> Dataset:
        """Shuffle the rows through a buffer, differently in each epoch.

        The buffer is filled first. Each further row replaces a row drawn at random, which is returned. A buffer as
        large as the dataset gives a uniformly random order. The order depends on `config.set_seed`.

        Args:
            buffer_size: number of rows in the buffer, at least 2. If the rows can be read at any index, only indices
                are buffered.
        """
        return ShuffleDataset(self, buffer_size)

    def map(
        self,
        operations: Any,
        input_columns: str | Sequence[str] | None = None,
        output_columns: str | Sequence[str] | None = None,
        num_parallel_workers: int | None = None,
        *,
        column_order: Sequence[str] | None = None,
        python_multiprocessing: bool = False,
        cache: Any = None,
        callbacks: Any = None,
        max_rowsize: Any = None,
        offload: Any = None,
    ) -> Dataset:
        """Apply Python functions to each row, in sequence.

        The first function receives the input columns as writable arrays; each further one receives the result of the
        one before. A tuple is several columns, any other value is one.

        Args:
            operations: a callable, or a list of callables.
            input_columns: the columns passed to the first function; None for the first column.
            output_columns: names of the columns that the last function returns; None for the names of the inputs. If
                their number differs from that of the inputs, the output columns come first, followed by the columns
                that were not used.
            num_parallel_workers: accepted; the functions run in the calling thread.
            column_order: the columns to keep, in this order; None for all.
            python_multiprocessing: accepted, without effect.
            cache: must be None.
            callbacks: must be None.
            max_rowsize: accepted, without effect.
            offload: accepted, without effect.

        Raises:
            DatasetError: an unknown column; or, while reading, a function that raises an exception (which is the
                cause; the message names its file and line).

        Example:
            >>> from sporax import dataset as ds
            >>> data = ds.NumpySlicesDataset({"x": [1, 2], "y": [3, 4]}, shuffle=False)
            >>> data = data.map(lambda x, y: x + y, ["x", "y"], ["total"])
            >>> [int(total) for (total,) in data.create_tuple_iterator(num_epochs=1, output_numpy=True)]
            [4, 6]
        """
        for name, value in (("cache", cache), ("callbacks", callbacks)):
            if value is not None:
                raise ArgumentTypeError(f"map: `{name}` is not supported, but got {value!r}. Omit it.")
        _check_workers(num_parallel_workers, "map")
        mapped = MapDataset(self, operations, input_columns, output_columns)
        return mapped if column_order is None else mapped.project(column_order)

    def filter(
        self,
        predicate: Callable[..., Any],
        input_columns: str | Sequence[str] | None = None,
        num_parallel_workers: int | None = None,
    ) -> Dataset:
        """Keep the rows for which `predicate` is true.

        Args:
            predicate: a function of the input columns that returns one bool.
            input_columns: the columns passed to it; None for all.
            num_parallel_workers: accepted; the function runs in the calling thread.
        """
        _check_workers(num_parallel_workers, "filter")
        return FilterDataset(self, predicate, input_columns)

    def repeat(self, count: int | None = None) -> Dataset:
        """Repeat the rows `count` times; a random order differs in each repetition.

        Args:
            count: at least 1; None or -1 for endless repetition.
        """
        return RepeatDataset(self, count)

    def take(self, count: int = -1) -> Dataset:
        """Keep the first `count` rows; -1 for all."""
        return TakeDataset(self, count)

    def skip(self, count: int) -> Dataset:
        """Skip the first `count` rows."""
        return SkipDataset(self, count)

    def zip(self, datasets: Dataset | Sequence[Dataset]) -> Dataset:
        """Combine the columns of this dataset and of `datasets`; the result is as long as the shortest."""
        return ZipDataset((self, *_as_list(datasets, "zip")))

    def concat(self, datasets: Dataset | Sequence[Dataset]) -> Dataset:
        """Append the rows of `datasets`, which must have the same columns. Equivalent to `a + b`."""
        return ConcatDataset((self, *_as_list(datasets, "concat")))

    def project(self, columns: str | Sequence[str]) -> Dataset:
        """Keep these columns, in this order."""
        return ProjectDataset(self, columns)

    def rename(self, input_columns: str | Sequence[str], output_columns: str | Sequence[str]) -> Dataset:
        """Rename columns."""
        return RenameDataset(self, input_columns, output_columns)

    def split(self, sizes: Sequence[int | float], randomize: bool = True) -> list[Dataset]:
        """Split the rows into several datasets.

        The parts never share a row: if the order of this dataset is random, it is fixed by this call, for all parts
        and epochs. Call `shuffle` on a part to change its order from epoch to epoch. A generator function or a
        predicate of `filter` that draws its own random numbers must yield the same rows each time.

        Args:
            sizes: a number of rows for each part, which sum to the size of the dataset; or a fraction for each part,
                which sum to 1 and are rounded (the first parts absorb the difference, one row each).
            randomize: whether the rows are shuffled first.

        Raises:
            ArgumentError: the sizes do not match the dataset.
            DatasetError: a custom sampler returns a different order each time it is iterated.

        Example:
            >>> from sporax import dataset as ds
            >>> train, test = ds.NumpySlicesDataset(list(range(10)), shuffle=False).split([0.7, 0.3])
            >>> len(train), len(test)
            (7, 3)
        """
        parts, seed = split_parts(self, sizes, randomize)
        return [FrozenDataset(part, seed) for part in parts]

    def apply(self, apply_func: Callable[[Dataset], Dataset]) -> Dataset:
        """Return `apply_func(self)`, which must be a dataset."""
        if not callable(apply_func):
            raise ArgumentTypeError(f"apply: `apply_func` must be callable, but got {type(apply_func).__name__}.")
        result = apply_func(self)
        if not isinstance(result, Dataset):
            raise ArgumentTypeError(
                f"apply: `apply_func` must return a dataset, but it returned {type(result).__name__}."
            )
        return result


class BatchDataset(Batch, Dataset):
    """The dataset that `batch` returns."""


class ShuffleDataset(Shuffle, Dataset):
    """The dataset that `shuffle` returns."""


class MapDataset(Map, Dataset):
    """The dataset that `map` returns."""


class FilterDataset(Filter, Dataset):
    """The dataset that `filter` returns."""


class RepeatDataset(Repeat, Dataset):
    """The dataset that `repeat` returns."""


class TakeDataset(Take, Dataset):
    """The dataset that `take` returns."""


class SkipDataset(Skip, Dataset):
    """The dataset that `skip` returns."""


class ZipDataset(Zip, Dataset):
    """The dataset that `zip` returns."""


class ConcatDataset(Concat, Dataset):
    """The dataset that `concat` returns."""


class ProjectDataset(Project, Dataset):
    """The dataset that `project` returns."""


class RenameDataset(Rename, Dataset):
    """The dataset that `rename` returns."""


class FrozenDataset(Frozen, Dataset):
    """The dataset that `split` returns."""


def _check_workers(count: int | None, where: str) -> None:
    if count is not None:
        _check.integer(count, name="num_parallel_workers", where=where, minimum=1)


def _as_list(datasets: Any, where: str) -> list[Dataset]:
    listed = [datasets] if isinstance(datasets, Dataset) else datasets
    if not isinstance(listed, Iterable):
        raise ArgumentTypeError(
            f"{where}: `datasets` must be a dataset or a tuple of datasets, but got {type(datasets).__name__}."
        )
    return list(listed)


def zip_datasets(datasets: Sequence[Dataset]) -> Dataset:
    """Combine the columns of several datasets; the result is as long as the shortest. Equivalent to `a.zip(b)`.

    Args:
        datasets: a tuple of at least two datasets, whose column names are all different.

    Raises:
        DatasetError: a column name occurs in more than one of them.

    Example:
        >>> from sporax import dataset as ds
        >>> a = ds.NumpySlicesDataset([1, 2], ["a"], shuffle=False)
        >>> b = ds.NumpySlicesDataset([3, 4, 5], ["b"], shuffle=False)
        >>> ds.zip((a, b)).get_col_names(), len(ds.zip((a, b)))
        (['a', 'b'], 2)
    """
    if not isinstance(datasets, (tuple, list)):
        raise ArgumentTypeError(f"zip: `datasets` must be a tuple of datasets, but got {type(datasets).__name__}.")
    return ZipDataset(datasets)
