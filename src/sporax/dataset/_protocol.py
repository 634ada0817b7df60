"""What training asks of a dataset. `sporax.dataset.Dataset` meets it; so may anything else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol, runtime_checkable

import numpy as np

__all__ = ["BatchSource"]


@runtime_checkable
class BatchSource(Protocol):
    """The protocol by which `Model` takes a dataset.

    An *epoch* is one pass. Each call of `create_tuple_iterator(num_epochs=1, ...)` or `stacked_batches`
    that is iterated reads the next epoch: under one seed the order is the same from run to run, and another
    one in each epoch. An epoch that gives nothing raises `DatasetError`.

    With `state_dict()` and `load_state_dict(state)`, which are optional, a run that is resumed finds its position:
    `state_dict` describes, in plain values, the epoch that is read next, and `load_state_dict` has it read without its
    first `state["rows"]` batches.
    """

    def get_col_names(self) -> list[str]:
        """The names of the columns, in the order of a batch's arrays."""
        ...

    def get_dataset_size(self) -> int:
        """The number of batches in an epoch; where only a pass can tell, a pass is made, once."""
        ...

    def dataset_size_hint(self) -> int | None:
        """`get_dataset_size` where it is known without a pass; None where it is not, or without end."""
        ...

    def create_tuple_iterator(
        self, columns: Any = None, num_epochs: int = -1, output_numpy: bool = False, do_copy: bool = False
    ) -> Any:
        """With `num_epochs=1, output_numpy=True`: the batches of one epoch, each a tuple of `np.ndarray`.

        The arrays may be read-only views of shared columns.
        """
        ...

    @property
    def columnar(self) -> bool:
        """Whether `stacked_batches` hands out stacks with no Python run for an element; mostly they are views."""
        ...

    def stacked_batches(self, count: int) -> Iterator[tuple[int, tuple[np.ndarray, ...]]]:
        """The batches of one epoch in stacks of up to `count`: (n, arrays of shape (n, batch_size, ...)).

        Consecutive batches of equal shape share a stack; one of another shape, as a shorter last batch,
        starts a stack of its own. In the columnar case the stacks are views.
        """
        ...
