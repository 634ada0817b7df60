"""Embeddings."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, DtypeError, OutOfRangeError, ShapeError
from sporax._jax_compat import x64_scope
from sporax._value_checks import check_when_known
from sporax.core import Parameter, Tensor, summed_wide, wrap
from sporax.core.dtype import DType, as_dtype, float32
from sporax.core.initializer import Initializer, initializer
from sporax.nn.layer._inputs import Array, array_of
from sporax.nn.layer._typed import Layer

__all__ = ["Embedding"]


class Embedding(Layer):
    r"""Look-up table of vectors.

    Args:
        vocab_size: the number of rows of the table.
        embedding_size: the size of a row.
        use_one_hot: whether to compute a product with one-hot vectors; the result is the same.
        embedding_table: the initial value of the table, of shape (vocab_size, embedding_size); see `initializer`.
        dtype: the dtype of the table.
        padding_idx: the index of a row whose initial value is zero.

    Inputs:
        - **ids** (Tensor) - any shape, integer dtype, values in [-vocab_size, vocab_size); negative values count
          from the end of the table, as in `ops.gather`. With `use_one_hot`, values in [0, vocab_size).

    Returns:
        Tensor of shape (\*ids.shape, embedding_size). In compiled code a value out of range gives a row of NaN.

    Raises:
        ArgumentError: a size is below 1, or `padding_idx` is not a row of the table.
        ShapeError: `embedding_table` is a Tensor of another shape.
        DtypeError: when called: the dtype of the input is not an integer dtype.
        OutOfRangeError: when called outside compiled code: a value is out of range.

    Examples:
        >>> from sporax import nn, Tensor
        >>> table = nn.Embedding(4, 2, embedding_table="ones", padding_idx=0)
        >>> print(table(Tensor([3, 0])))
        [[1. 1.]
         [0. 0.]]

    Source: the class of the same name in MindSpore.
    """

    embedding_table: Parameter

    def __init__(
        self,
        vocab_size: int,
        embedding_size: int,
        use_one_hot: bool = False,
        embedding_table: str | float | Tensor | Initializer = "normal",
        dtype: DType = float32,
        padding_idx: int | None = None,
    ) -> None:
        super().__init__()
        where = "Embedding"
        self.vocab_size = _check.integer(vocab_size, name="vocab_size", where=where, minimum=1)
        self.embedding_size = _check.integer(embedding_size, name="embedding_size", where=where, minimum=1)
        self.use_one_hot = _check.is_type(use_one_hot, bool, name="use_one_hot", where=where)
        self.dtype = as_dtype(dtype)
        shape = (self.vocab_size, self.embedding_size)
        if isinstance(embedding_table, Tensor) and embedding_table.shape != shape:
            raise ShapeError(
                f"Embedding: `embedding_table` must have shape (vocab_size, embedding_size) = {shape}, but "
                f"its shape is {embedding_table.shape}."
            )
        table = initializer(embedding_table, shape, self.dtype)
        self.padding_idx = padding_idx
        if padding_idx is not None:
            row = _check.integer(padding_idx, name="padding_idx", where=where)
            if not 0 <= row < self.vocab_size:
                raise ArgumentError(
                    f"Embedding: `padding_idx` must be in [0, {self.vocab_size - 1}], a row of the table, "
                    f"but got {row}."
                )
            values = table.asnumpy()
            values[row] = 0
            table = Tensor(values)
        self.embedding_table = Parameter(table, name="embedding_table")

    def construct(self, ids: Tensor) -> Tensor:
        index = array_of(ids, "Embedding")
        if index.dtype.kind not in "iu":
            raise DtypeError(
                f"Embedding: the input must hold integers, the indices of rows, but its dtype is "
                f"{as_dtype(index.dtype)}. Cast it first: ids.astype(sporax.int32)."
            )
        if index.size:
            lowest = 0 if self.use_one_hot else -self.vocab_size
            check_when_known(functools.partial(_check_range, lowest=lowest, size=self.vocab_size), index)
        table = self.embedding_table._value
        with x64_scope(True):
            if self.use_one_hot:
                rows = jax.nn.one_hot(index, self.vocab_size, dtype=table.dtype) @ table
                known = (index >= 0) & (index < self.vocab_size)
                return wrap(jnp.where(known[..., None], rows, jnp.asarray(jnp.nan, table.dtype)))
            return wrap(summed_wide(table, lambda rows: rows.at[index].get(mode="fill", fill_value=jnp.nan)))

    def extend_repr(self) -> str:
        return (
            f"vocab_size={self.vocab_size}, embedding_size={self.embedding_size}, "
            f"use_one_hot={self.use_one_hot}, embedding_table={self.embedding_table}, dtype={self.dtype}, "
            f"padding_idx={self.padding_idx}"
        )


def _check_range(index: Array, *, lowest: int, size: int) -> None:
    values = np.asarray(index).reshape(-1)
    wrong = (values < lowest) | (values >= size)
    if wrong.any():
        raise OutOfRangeError(
            f"Embedding: the input holds {values[wrong.argmax()]}, but the table has the rows 0 to {size - 1} "
            f"(vocab_size={size}), so it must be in [{lowest}, {size - 1}]."
        )
