"""The protocol of datasets for training, which `sporax.dataset.Dataset` and other classes can implement."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np

__all__ = ["BatchSource"]


@runtime_checkable
class BatchSource(Protocol):
    """Protocol of the datasets that `Model` accepts.

    An *epoch* is one pass. Each iterator from `create_tuple_iterator(num_epochs=1, ...)` or `stacked_batches` reads
    the next epoch. With the same seed, the orders are the same in each run, and differ from epoch to epoch. An empty
    epoch raises `DatasetError`.

    The optional methods `state_dict()` and `load_state_dict(state)` let a resumed run continue at its position:
    `state_dict` describes the next epoch in plain values, and after `load_state_dict` that epoch is read without its
    first `state["rows"]` batches.
    """

    def get_col_names(self) -> list[str]:
        """Return the names of the columns, in the order of the arrays of a batch."""
        ...

    def get_dataset_size(self) -> int:
        """Return the number of batches in an epoch; if only a pass can tell, one pass is made, once."""
        ...

    def dataset_size_hint(self) -> int | None:
        """Return `get_dataset_size()` if it is known without a pass; None if it is not, or the dataset is endless."""
        ...

    def create_tuple_iterator(
        self, columns: Any = None, num_epochs: int = -1, output_numpy: bool = False, do_copy: bool = False
    ) -> Any:
        """With `num_epochs=1, output_numpy=True`: return the batches of one epoch, each a tuple of `np.ndarray`.

        The arrays may be read-only views of shared columns.
        """
        ...

    @property
    def columnar(self) -> bool:
        """Whether `stacked_batches` runs no Python code per element; most stacks are then views."""
        ...

    def stacked_batches(self, count: int) -> Iterator[tuple[int, tuple[np.ndarray, ...]]]:
        """Iterate over the batches of one epoch in stacks of up to `count`: (n, arrays of shape (n, batch_size, ...)).

        Consecutive batches of equal shape share a stack; a batch of another shape, such as a shorter last batch,
        starts a new stack. Stacks of a columnar dataset are views.
        """
        ...
