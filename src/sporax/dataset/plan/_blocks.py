"""Blocks: consecutive elements of equal shape, stacked. Batching operates on blocks.

A block is a tuple of arrays, one for each column, whose leading axis counts elements. If an element is a row, the
arrays have the shape (n, ...); if it is a batch, (n, batch_size, ...). So batching a block is a reshape, iterating
over one is `zip`, and stacking batches for several steps is a slice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from sporax._errors import DatasetError
from sporax.dataset.plan._values import Row

Block: TypeAlias = tuple[np.ndarray, ...]


def block_rows(block: Block) -> Iterator[Row]:
    """Iterate over the elements of a block, as views. A scalar element is an array of shape (), not a NumPy scalar."""
    return zip(*[column if column.ndim > 1 else _scalars(column) for column in block], strict=True)


def _scalars(column: np.ndarray) -> Iterator[np.ndarray]:
    for single in column[:, None]:
        yield single.reshape(())


def row_block(row: Row) -> Block:
    """Return a block of one element."""
    return tuple([column[None] for column in row])


def cut(block: Block, start: int, stop: int) -> Block:
    """Return the elements [start, stop) of a block, as views."""
    return tuple([column[start:stop] for column in block])


def taken(blocks: Iterable[Block], count: int) -> Iterator[Block]:
    """Yield the first `count` elements; no block after them is read."""
    if count == 0:
        return
    for block in blocks:
        size = len(block[0])
        yield block if size <= count else cut(block, 0, count)
        count -= size
        if count <= 0:
            return


def skipped(blocks: Iterable[Block], count: int) -> Iterator[Block]:
    """Yield all but the first `count` elements."""
    for block in blocks:
        size = len(block[0])
        if count >= size:
            count -= size
            continue
        yield cut(block, count, size) if count else block
        count = 0


def grouped(
    blocks: Iterable[Block],
    size: int,
    *,
    drop: bool = False,
    differ: Callable[[Block, Block, int], None] | None = None,
) -> Iterator[Block]:
    """Group the elements: blocks whose elements are groups, of shape (n, size, ...).

    Each block is reshaped; only groups that span two blocks are copied. The last, shorter group is a separate block,
    or dropped.

    Args:
        differ: called with two adjacent blocks whose elements differ in shape or dtype, and the number of elements
            before the second. It raises an error, or returns to end the group there.
    """
    pending: list[Block] = []
    pending_size = 0
    seen = 0
    for block in blocks:
        total = len(block[0])
        start = 0
        if pending and not _stackable(pending[-1], block):
            if differ is not None:
                differ(pending[-1], block, seen)
            yield row_block(_concatenated(pending))
            pending, pending_size = [], 0
        if pending:
            start = min(size - pending_size, total)
            pending.append(cut(block, 0, start))
            pending_size += start
            if pending_size == size:
                yield row_block(_concatenated(pending))
                pending, pending_size = [], 0
        groups = (total - start) // size
        if groups:
            stop = start + groups * size
            yield tuple([column[start:stop].reshape(groups, size, *column.shape[1:]) for column in block])
            start = stop
        if start < total:
            pending.append(cut(block, start, total))
            pending_size += total - start
        seen += total
    if pending and not drop:
        yield row_block(_concatenated(pending))


def stack_column(values: Sequence[np.ndarray]) -> np.ndarray:
    """Stack arrays of equal shape: (n, *shape)."""
    shape = values[0].shape
    if not shape:
        return np.array(values)
    return np.concatenate(values).reshape(len(values), *shape)


def same_kind(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two elements can be stacked without changing either; strings may differ in length."""
    if first.shape != second.shape:
        return False
    return first.dtype == second.dtype or (first.dtype.kind in "US" and first.dtype.kind == second.dtype.kind)


def mismatch(where: str, column: str, first: np.ndarray, second: np.ndarray, indices: tuple[int, int]) -> DatasetError:
    """Return the error for two elements of one batch that cannot be stacked."""
    a, b = indices
    if first.shape != second.shape:
        return DatasetError(
            f"{where}: column {column!r} has elements of different shapes: {first.shape} at element {a} and "
            f"{second.shape} at element {b}. Use padded_batch(..., pad_info={{}}) to pad each batch to its "
            "largest element, or convert them to one shape with map."
        )
    return DatasetError(
        f"{where}: column {column!r} has elements of different dtypes: {first.dtype} at element {a} and "
        f"{second.dtype} at element {b}. Convert them to one dtype in the source or with map."
    )


def _stackable(first: Block, second: Block) -> bool:
    return all(same_kind(a[0], b[0]) for a, b in zip(first, second, strict=True))


def _concatenated(blocks: list[Block]) -> Block:
    if len(blocks) == 1:
        return blocks[0]
    return tuple([np.concatenate(columns) for columns in zip(*blocks, strict=True)])
