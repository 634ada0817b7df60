"""The base of every dataset: MindSpore's methods."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from sporax import _check
from sporax._errors import ArgumentTypeError
from sporax.dataset import _iterator
from sporax.dataset._node import Node

__all__ = ["Dataset"]


class Dataset(Node):
    """A pipeline: a source and the operations on it, read from the end.

    A dataset meets the protocol of `sporax.dataset.BatchSource`, by which `Model` takes it.
    """

    _children: tuple[Dataset, ...] = ()

    @property
    def _before(self) -> tuple[Dataset, ...]:
        return self._children

    def create_tuple_iterator(
        self,
        columns: str | Sequence[str] | None = None,
        num_epochs: int = -1,
        output_numpy: bool = False,
        do_copy: bool = False,
    ) -> _iterator.EpochIterator:
        """An iterator over rows: lists of Tensors, or tuples of arrays.

        Args:
            columns: the columns to give, in this order; None for all.
            num_epochs: how many times the iterator can be iterated; -1 for any number.
            output_numpy: give `np.ndarray` instead of Tensor.
            do_copy: give each row its own memory. Without it arrays may be read-only views of shared columns.

        Raises:
            DatasetError: an unknown column; or, while iterating, an epoch that gives nothing, a failing user
                function, or more epochs than `num_epochs`.

        Example:
            >>> from sporax import dataset as ds
            >>> data = ds.NumpySlicesDataset({"x": [1, 2], "y": [3, 4]}, shuffle=False)
            >>> [(int(x), int(y)) for x, y in data.create_tuple_iterator(num_epochs=1, output_numpy=True)]
            [(1, 3), (2, 4)]
        """
        chosen = None if columns is None else self.project(columns)
        return _iterator.tuple_iterator(self, num_epochs, output_numpy, do_copy, chosen)

    def create_dict_iterator(
        self, num_epochs: int = -1, output_numpy: bool = False, do_copy: bool = False
    ) -> _iterator.EpochIterator:
        """An iterator over rows as dicts from column names to Tensors or arrays.

        The arguments and errors are those of `create_tuple_iterator`.

        Example:
            >>> from sporax import dataset as ds
            >>> data = ds.NumpySlicesDataset({"x": [1, 2]}, shuffle=False)
            >>> next(data.create_dict_iterator(output_numpy=True))
            {'x': array(1)}
        """
        return _iterator.dict_iterator(self, num_epochs, output_numpy, do_copy)

    # Position.

    def state_dict(self, rows: int = 0) -> dict[str, Any]:
        """Where the reading of this dataset is, as a dict of plain values.

        It holds the seed of the random orders (that of `set_seed`, or where none was set the one that the dataset
        drew), the number of epochs begun, `rows`, and facts of the pipeline by which `load_state_dict` recognises it.
        The user's objects in the pipeline (a source, a sampler, a function of `map`) that have `state_dict()` and
        `load_state_dict(state)` themselves are asked for theirs. NumPy's and Python's global generators are no part
        of it; `train.BackupAndRestore` saves them.

        Args:
            rows: how many rows (batches, after `batch`) of the epoch that is being read were used. 0: the next epoch,
                from its beginning.

        Returns:
            What `load_state_dict` takes.

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
        from sporax.dataset._state import state_of

        return state_of(self, _check.integer(rows, name="rows", where="state_dict", minimum=0))

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Have the next epoch that is read be the one of `state`, without the rows that were used.

        Rows are passed over by index where the elements are in memory. Otherwise they are read, `__getitem__` of a
        source and Python functions of `map` included, and dropped. A later `set_seed` begins again with epoch 0.

        Args:
            state: what `state_dict` of a dataset that was built in the same way returned.

        Raises:
            DatasetError: the state belongs to another dataset; the differences are named.

        Warns:
            ResumeWarning: an operation has other arguments, or a source in memory other elements; or a source is an
                iterator, whose own position cannot be restored.
        """
        from sporax.dataset._state import load_state

        load_state(self, state)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.create_tuple_iterator(num_epochs=1))

    def __len__(self) -> int:
        return self.get_dataset_size()

    def __add__(self, datasets: Dataset) -> Dataset:
        return self.concat(datasets)

    # Operations. Each gives a new dataset and leaves this one as it is.

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
            batch_size: rows in a batch, or a function of `BatchInfo` that gives it for each batch.
            drop_remainder: leave out a last batch that is not full.
            num_parallel_workers: accepted; Python functions run in the calling thread.
            per_batch_map: `f(columns..., info)`, run on each batch before it is stacked: a list of arrays for
                each input column, and a `BatchInfo`. It gives as many lists or arrays as there are output
                columns.
            input_columns: the columns it gets; None for all.
            output_columns: the names of what it gives; None for the names of its inputs.
            python_multiprocessing: accepted, without effect.
            max_rowsize: accepted, without effect.
            pad_info: as in `padded_batch`; None for no padding.

        Raises:
            DatasetError: an unknown column; or, while reading, elements that do not fit together.

        Example:
            >>> from sporax import dataset as ds
            >>> data = ds.NumpySlicesDataset([1, 2, 3, 4, 5], ["x"], shuffle=False).batch(2)
            >>> [x.tolist() for (x,) in data.create_tuple_iterator(num_epochs=1, output_numpy=True)]
            [[1, 2], [3, 4], [5]]
        """
        from sporax.dataset._batch import BatchDataset

        _workers(num_parallel_workers, "batch")
        return BatchDataset(self, batch_size, drop_remainder, per_batch_map, input_columns, output_columns, pad_info)

    def padded_batch(
        self,
        batch_size: int | Callable[..., int],
        drop_remainder: bool = False,
        num_parallel_workers: int | None = None,
        pad_info: dict[Any, Any] | None = None,
    ) -> Dataset:
        """Stack consecutive rows, filled up to one shape.

        Args:
            batch_size: as in `batch`.
            drop_remainder: as in `batch`.
            num_parallel_workers: accepted; see `batch`.
            pad_info: `{column: (shape, value)}`: the shape to fill up to, None in it (or for it) for the
                largest in the batch, and the value to fill with (None for 0, or ""). Elements are cut where
                they are larger than the shape. Columns that are not named are not padded; None or {} pads
                every column.

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
        """Put the rows in random order through a buffer, in another order each epoch.

        The buffer is filled; each further row takes the place of one drawn at random, which comes out. A
        buffer as large as the dataset gives a uniformly random order. The order comes from `config.set_seed`.

        Args:
            buffer_size: rows in the buffer, at least 2. Where the rows can be read at any index, no row is
                held.
        """
        from sporax.dataset._transforms import ShuffleDataset

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
        """Run Python functions on each row, one after the other.

        The first gets the input columns as arrays that it may write to; each further one gets what the one
        before gave. A tuple is several columns, anything else is one.

        Args:
            operations: a callable, or a list of them.
            input_columns: the columns the first gets; None for the first column.
            output_columns: names of what the last gives; None for the names of the inputs. Where their
                number is not that of the inputs, the output columns come first, and the columns that were
                not used after.
            num_parallel_workers: accepted; the functions run in the calling thread.
            column_order: the columns to keep, in this order; None for all.
            python_multiprocessing: accepted, without effect.
            cache: must be None.
            callbacks: must be None.
            max_rowsize: accepted, without effect.
            offload: accepted, without effect.

        Raises:
            DatasetError: an unknown column; or, while reading, a function that fails (its own exception is
                the cause, and the message names its file and line).

        Example:
            >>> from sporax import dataset as ds
            >>> data = ds.NumpySlicesDataset({"x": [1, 2], "y": [3, 4]}, shuffle=False)
            >>> data = data.map(lambda x, y: x + y, ["x", "y"], ["total"])
            >>> [int(total) for (total,) in data.create_tuple_iterator(num_epochs=1, output_numpy=True)]
            [4, 6]
        """
        from sporax.dataset._map import MapDataset

        for name, value in (("cache", cache), ("callbacks", callbacks)):
            if value is not None:
                raise ArgumentTypeError(f"map: `{name}` is not supported, but got {value!r}. Leave it out.")
        _workers(num_parallel_workers, "map")
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
            predicate: a function of the input columns that gives one bool.
            input_columns: the columns it gets; None for all.
            num_parallel_workers: accepted; the function runs in the calling thread.
        """
        from sporax.dataset._map import FilterDataset

        _workers(num_parallel_workers, "filter")
        return FilterDataset(self, predicate, input_columns)

    def repeat(self, count: int | None = None) -> Dataset:
        """The rows `count` times over, each time in a new order where the order is random.

        Args:
            count: at least 1; None or -1 for without end.
        """
        from sporax.dataset._transforms import RepeatDataset

        return RepeatDataset(self, count)

    def take(self, count: int = -1) -> Dataset:
        """The first `count` rows; -1 for all."""
        from sporax.dataset._transforms import TakeDataset

        return TakeDataset(self, count)

    def skip(self, count: int) -> Dataset:
        """All but the first `count` rows."""
        from sporax.dataset._transforms import SkipDataset

        return SkipDataset(self, count)

    def zip(self, datasets: Dataset | Sequence[Dataset]) -> Dataset:
        """The columns of this dataset and of `datasets` side by side, as long as the shortest."""
        from sporax.dataset._joins import ZipDataset

        return ZipDataset((self, *_listed(datasets, "zip")))

    def concat(self, datasets: Dataset | Sequence[Dataset]) -> Dataset:
        """The rows of this dataset, then those of `datasets`, of the same columns. Also as `a + b`."""
        from sporax.dataset._joins import ConcatDataset

        return ConcatDataset((self, *_listed(datasets, "concat")))

    def project(self, columns: str | Sequence[str]) -> Dataset:
        """Only these columns, in this order."""
        from sporax.dataset._transforms import ProjectDataset

        return ProjectDataset(self, columns)

    def rename(self, input_columns: str | Sequence[str], output_columns: str | Sequence[str]) -> Dataset:
        """Other names for some columns."""
        from sporax.dataset._transforms import RenameDataset

        return RenameDataset(self, input_columns, output_columns)

    def split(self, sizes: Sequence[int | float], randomize: bool = True) -> list[Dataset]:
        """Divide the rows among several datasets.

        The parts never share a row: the order of this dataset, where it is random, is fixed at this moment,
        and is the same for all parts and epochs. Call `shuffle` on a part to have its order differ from
        epoch to epoch. A generator function, or a predicate of `filter`, that draws random numbers of its own
        must give the same rows each time.

        Args:
            sizes: a number of rows for each part, which sum to the size of the dataset; or a fraction for
                each part, which sum to 1 and are rounded (the first parts take up the difference, one row
                each).
            randomize: whether the rows are put in random order first.

        Raises:
            ArgumentError: sizes that do not fit the dataset.
            DatasetError: a sampler of your own gives another order each time that it is iterated.

        Example:
            >>> from sporax import dataset as ds
            >>> train, test = ds.NumpySlicesDataset(list(range(10)), shuffle=False).split([0.7, 0.3])
            >>> len(train), len(test)
            (7, 3)
        """
        from sporax.dataset._transforms import split

        return split(self, sizes, randomize)

    def apply(self, apply_func: Callable[[Dataset], Dataset]) -> Dataset:
        """`apply_func(self)`, which must be a dataset."""
        if not callable(apply_func):
            raise ArgumentTypeError(f"apply: `apply_func` must be callable, but got {type(apply_func).__name__}.")
        result = apply_func(self)
        if not isinstance(result, Dataset):
            raise ArgumentTypeError(
                f"apply: `apply_func` must return a dataset, but it returned {type(result).__name__}."
            )
        return result


def _workers(count: int | None, where: str) -> None:
    if count is not None:
        _check.integer(count, name="num_parallel_workers", where=where, minimum=1)


def _listed(datasets: Any, where: str) -> list[Dataset]:
    listed = [datasets] if isinstance(datasets, Dataset) else datasets
    if not isinstance(listed, Iterable):
        raise ArgumentTypeError(
            f"{where}: `datasets` must be a dataset or a tuple of datasets, but got {type(datasets).__name__}."
        )
    return list(listed)
