"""Losses of every row against every row, a block of rows at a time, and across devices.

`pick_partner` and `tell_partner` hold all scores of a batch. The chunked forms hold those of a block of rows, and
compute them again when they are differentiated. Across devices each holds its own rows; the others' columns come one
device's at a time, and what was summed for a column goes back to its owner. They come straight from their owner and are
not handed on, so that the loop over the devices saves nothing for its derivative but what a device has anyway.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from sporax import _check
from sporax._errors import ArgumentError
from sporax._jax_compat import varying_as
from sporax.losses.numerics._logistic import softpluses
from sporax.losses.numerics._vectors import dot_products, masked_logsumexp

_BLOCK_ELEMENTS = {"cpu": 2**18}
_BLOCK_ELEMENTS_ELSEWHERE = 2**24
_LEAST_ROWS = 128


class Plan(NamedTuple):
    """What the compiled program depends on: rows of a block, and the mesh axis of the batch."""

    chunk: int
    axis_name: str | None = None


def plan_of(count: int, chunk_size: int | None, axis_name: str | None, where: str) -> Plan | None:
    """How to go through (count, count) scores on each of the devices; None: all at once."""
    if axis_name is not None:
        _check.is_type(axis_name, str, name="axis_name", where=where)
        try:
            lax.axis_size(axis_name)
        except NameError as error:
            raise ArgumentError(
                f"{where}: there is no mesh axis {axis_name!r} here. `axis_name` is for use inside jax.shard_map."
            ) from error
    if chunk_size is not None:
        chunk_size = _check.integer(chunk_size, name="chunk_size", where=where, minimum=1)
        return Plan(min(chunk_size, max(count, 1)), axis_name)
    elements = _BLOCK_ELEMENTS.get(jax.default_backend(), _BLOCK_ELEMENTS_ELSEWHERE)
    most = max(_LEAST_ROWS, elements // max(count, 1))
    if axis_name is None and count <= most:
        return None
    # Blocks of one size, so that little is left to fill up.
    return Plan(-(-count // -(-count // most)) if count else 1, axis_name)


class Pairs(NamedTuple):
    """Which rows and columns count in each other's sums, beside a row and its own partner.

    Args:
        negatives: of shape (rows, columns), or None for all.
        labels: of rows, whose equals among the columns do not count; None for no such thing.
    """

    negatives: jax.Array | None = None
    labels: jax.Array | None = None

    def meets(self, column_labels: jax.Array | None) -> jax.Array | None:
        """Which of these rows and those columns count, of shape (rows, columns); None: all."""
        if self.labels is None or column_labels is None:
            return self.negatives
        unlike = self.labels[:, None] != column_labels[None, :]
        return unlike if self.negatives is None else unlike & self.negatives


_ALL = Pairs()


def pick_partner(scores: jax.Array, mask: jax.Array | None, axis: int = 1, pairs: Pairs = _ALL) -> jax.Array:
    """-log softmax of the diagonal along the axis, among the positions that take part."""
    partner = jnp.eye(scores.shape[0], dtype=bool)
    allowed = jnp.ones_like(partner) if mask is None else jnp.expand_dims(mask, 1 - axis) | partner
    meets = pairs.meets(pairs.labels)
    if meets is not None:
        allowed = allowed & (meets | partner)
    return masked_logsumexp(scores, allowed, axis) - jnp.diagonal(scores)


def pick_partner_chunked(
    plan: Plan, x: jax.Array, y: jax.Array, mask: jax.Array | None, symmetric: bool, pairs: Pairs = _ALL
) -> jax.Array:
    """`pick_partner` of the scores x @ y.T; with `symmetric` the mean of that and of the same for the columns."""
    rows, columns = _sides(plan, symmetric, x, y, mask, pairs)
    values = rows.log_total - rows.gap
    return values if columns is None else 0.5 * (values + (columns.log_total - columns.gap))


def tell_partner(scores: jax.Array, mask: jax.Array | None) -> jax.Array:
    """-log sigmoid of the diagonal, and of minus the others, summed over the columns that take part."""
    return _unlike(scores, jnp.eye(scores.shape[0], dtype=bool), mask)


def tell_partner_chunked(plan: Plan, x: jax.Array, y: jax.Array, bias: Any, mask: jax.Array | None) -> jax.Array:
    """`tell_partner` of the scores x @ y.T + bias."""

    def visit(bias: Any, row: tuple[jax.Array], column: Any, place: _Place) -> tuple[jax.Array, None]:
        y, mask = column
        return _unlike(dot_products(row[0], y) + bias, place.partner, mask), None

    start = lambda count: jnp.zeros(count, x.dtype)  # noqa: E731
    rows, _ = _fold(plan, visit, jnp.add, (start, None), bias, (x,), (y, mask))
    return rows


def _unlike(scores: jax.Array, partner: jax.Array, mask: jax.Array | None) -> jax.Array:
    terms = softpluses(jnp.where(partner, -scores, scores))[0]
    return jnp.sum(terms if mask is None else jnp.where(mask[None, :], terms, 0), axis=1)


class _Side(NamedTuple):
    """Of each row (or column): its largest score, log(sum(exp(score - largest))), and its partner's score less it."""

    top: jax.Array
    log_total: jax.Array
    gap: jax.Array


class _Sums(NamedTuple):
    top: jax.Array
    total: jax.Array
    own: jax.Array


class _Place(NamedTuple):
    """Where a block lies."""

    partner: jax.Array
    """Which of its scores are a row's with its partner."""
    real: jax.Array | None
    """Which of its rows are not there to fill it up; None: all."""

    def allowed(self, rows: jax.Array | None, columns: jax.Array | None, meets: jax.Array | None) -> tuple[Any, Any]:
        """Which scores count in the sums of rows, and which in those of columns; None: all."""

        def among(mask: jax.Array | None) -> jax.Array | None:
            if mask is None:
                return None if meets is None else meets | self.partner
            return (mask if meets is None else mask & meets) | self.partner

        by_row = among(None if columns is None else columns[None, :])
        by_column = among(None if rows is None else rows[:, None])
        if self.real is not None:
            real = self.real[:, None]
            by_column = jnp.broadcast_to(real, self.partner.shape) if by_column is None else by_column & real
        return by_row, by_column


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _sides(
    plan: Plan, symmetric: bool, x: jax.Array, y: jax.Array, mask: jax.Array | None, pairs: Pairs
) -> tuple[_Side, _Side | None]:
    """Rows and, if `symmetric`, columns of x @ y.T. The largest scores are constants to a derivative."""

    def visit(_: None, row: Any, column: Any, place: _Place) -> tuple[_Sums, _Sums | None]:
        scores = dot_products(row[0], column[0])
        by_row, by_column = place.allowed(row[1], column[1], row[2].meets(column[2]))
        rows = _block_sums(scores, by_row, place.partner, 1)
        return rows, _block_sums(scores, by_column, place.partner, 0) if symmetric else None

    def start(count: int) -> _Sums:
        return _Sums(jnp.full(count, -jnp.inf, x.dtype), *jnp.zeros((2, count), x.dtype))

    sums = _fold(
        plan, visit, _joined, (start, start if symmetric else None), None, (x, mask, pairs), (y, mask, pairs.labels)
    )
    return tuple(None if each is None else _side(each) for each in sums)  # pyright: ignore[reportReturnType]


@functools.partial(_sides.defjvp, symbolic_zeros=True)
def _sides_jvp(plan: Plan, symmetric: bool, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    x, y, mask, pairs = primals
    moves = tuple(None if _is_still(each) else each for each in tangents[:2])
    sides = _sides(plan, symmetric, *primals)
    if moves == (None, None):
        return sides, jax.tree.map(jnp.zeros_like, sides)

    def visit(_: None, row: Any, column: Any, place: _Place) -> tuple[Any, Any]:
        (x, dx, row_side, row_mask, row_pairs), (y, dy, column_side, column_mask, labels) = row, column
        scores = dot_products(x, y)
        change = sum(dot_products(*pair) for pair in ((dx, y), (x, dy)) if pair[0] is not None and pair[1] is not None)
        assert isinstance(change, jax.Array)
        by_row, by_column = place.allowed(row_mask, column_mask, row_pairs.meets(labels))
        own = jnp.where(place.partner, change, 0)
        rows = _weighted(scores, row_side, by_row, change, 1), jnp.sum(own, axis=1)
        if not symmetric:
            return rows, None
        return rows, (_weighted(scores, column_side, by_column, change, 0), jnp.sum(own, axis=0))

    def start(count: int) -> tuple[jax.Array, jax.Array]:
        return jnp.zeros(count, x.dtype), jnp.zeros(count, x.dtype)

    add = lambda one, other: jax.tree.map(jnp.add, one, other)  # noqa: E731
    starts = start, start if symmetric else None
    rows, columns = (x, moves[0], sides[0], mask, pairs), (y, moves[1], sides[1], mask, pairs.labels)
    slopes = _fold(plan, visit, add, starts, None, rows, columns)
    found = [None if slope is None else _Side(jnp.zeros_like(slope[0]), *slope) for slope in slopes]
    return sides, tuple(found)


def _is_still(tangent: Any) -> bool:
    return isinstance(tangent, jax.custom_derivatives.SymbolicZero)


def _finite(top: jax.Array) -> jax.Array:
    return jnp.where(jnp.isfinite(top), top, 0)


def _block_sums(scores: jax.Array, allowed: jax.Array | None, partner: jax.Array, axis: int) -> _Sums:
    kept = scores if allowed is None else jnp.where(allowed, scores, -jnp.inf)
    top = jnp.max(kept, axis=axis, keepdims=True, initial=-jnp.inf)
    total = jnp.sum(jnp.exp(kept - _finite(top)), axis=axis)
    return _Sums(jnp.squeeze(top, axis), total, jnp.sum(jnp.where(partner, scores, 0), axis=axis))


def _joined(one: _Sums, other: _Sums) -> _Sums:
    top = jnp.maximum(one.top, other.top)

    def total(part: _Sums) -> jax.Array:
        return jnp.where(part.top == -jnp.inf, 0, part.total * jnp.exp(_finite(part.top) - _finite(top)))

    return _Sums(top, total(one) + total(other), one.own + other.own)


def _side(sums: _Sums) -> _Side:
    top = _finite(sums.top)
    return _Side(top, jnp.log(jnp.where(sums.top == -jnp.inf, 1, sums.total)), sums.own - top)


def _weighted(scores: jax.Array, side: _Side, allowed: jax.Array | None, change: jax.Array, axis: int) -> jax.Array:
    """The sum of the changes of the scores, each times its softmax."""
    top, log_total = (jnp.expand_dims(each, axis) for each in (side.top, side.log_total))
    power = scores - top - log_total
    if allowed is None:
        return jnp.sum(jnp.exp(power) * change, axis=axis)
    return jnp.sum(jnp.where(allowed, jnp.exp(jnp.where(allowed, power, 0)) * change, 0), axis=axis)


def _fold(
    plan: Plan,
    visit: Callable[[Any, Any, Any, _Place], tuple[Any, Any]],
    join: Callable[[Any, Any], Any],
    starts: tuple[Callable[[int], Any], Callable[[int], Any] | None],
    shared: Any,
    rows: Any,
    columns: Any,
) -> tuple[Any, Any]:
    """Visit every block of rows and columns, and join what comes of it, by row and by column.

    Args:
        plan: see `Plan`.
        visit: (shared, rows of the block, columns, position) to what is known of the rows, and of the columns or None.
            A derivative calls it again.
        join: puts two such pieces of knowledge of the same rows together.
        starts: (for rows, for columns or None), what is known of so many of them at first.
        shared: arrays that every visit takes.
        rows: arrays with a first axis of N rows, this device's.
        columns: arrays with a first axis of N columns, this device's.

    Returns:
        What is known of this device's rows, from all columns, and of its columns, from all rows.
    """
    count = jax.tree.leaves(rows)[0].shape[0]
    if plan.axis_name is not None:
        # What comes from another device is different on each.
        here = lax.axis_index(plan.axis_name)
        columns = jax.tree.map(lambda each: varying_as(each, here), columns)

    def begin(which: int) -> Any:
        start = starts[which]
        known = None if start is None else start(count)
        return jax.tree.map(lambda each: varying_as(each, (shared, rows, columns)), known)

    chunks = max(-(-count // plan.chunk), 1)
    missing = chunks * plan.chunk - count
    careful = functools.partial(jax.checkpoint, prevent_cse=False)

    def cut(array: jax.Array) -> jax.Array:
        array = jnp.pad(array, ((0, missing),) + ((0, 0),) * (array.ndim - 1)) if missing else array
        return array.reshape(chunks, plan.chunk, *array.shape[1:])

    @careful
    def visit_block(shared: Any, row: Any, number: jax.Array, columns: Any, shift: Any) -> tuple[Any, Any]:
        # Numbers count from 1; rows that fill up a block have 0.
        partner = (number[:, None] == jnp.arange(1, count + 1)[None, :]) & (shift == 0)
        return visit(shared, row, columns, _Place(partner, number > 0 if missing else None))

    def visit_columns(shared: Any, rows: Any, columns: Any, shift: Any) -> tuple[Any, Any]:
        def body(known: Any, block: Any) -> tuple[Any, Any]:
            of_rows, of_columns = visit_block(shared, *block, columns, shift)
            return None if known is None else join(known, of_columns), of_rows

        numbers = cut(jnp.arange(1, count + 1))
        of_columns, of_rows = lax.scan(body, begin(1), (jax.tree.map(cut, rows), numbers))
        return jax.tree.map(lambda each: each.reshape(-1, *each.shape[2:])[:count], of_rows), of_columns

    if plan.axis_name is None:
        return visit_columns(shared, rows, columns, 0)
    axis_name = plan.axis_name

    @careful
    def visit_device(shared: Any, rows: Any, columns: Any, shift: jax.Array) -> tuple[Any, Any]:
        columns = _moved(columns, axis_name, -shift)
        of_rows, of_columns = visit_columns(shared, rows, columns, shift)
        return of_rows, _moved(of_columns, axis_name, shift)

    def body(known: tuple[Any, Any], shift: jax.Array) -> tuple[tuple[Any, Any], None]:
        of_rows, of_columns = visit_device(shared, rows, columns, shift)
        return (join(known[0], of_rows), None if known[1] is None else join(known[1], of_columns)), None

    return lax.scan(body, (begin(0), begin(1)), jnp.arange(lax.axis_size(axis_name)))[0]


def _moved(arrays: Any, axis_name: str, shift: jax.Array) -> Any:
    """Each device's arrays, sent `shift` devices on along the axis."""
    size = lax.axis_size(axis_name)

    def hop(by: int) -> Callable[[Any], Any]:
        ways = [(at, (at + by) % size) for at in range(size)]
        return lambda arrays: lax.ppermute(arrays, axis_name, ways) if by else arrays

    if not jax.tree.leaves(arrays):
        return arrays
    return lax.switch(shift % size, [hop(by) for by in range(size)], arrays)
