"""The arithmetic of `linear_cross_entropy`, one chunk of rows at a time.

Two ways to the same values. `values_of` is plain JAX: every mode and order of differentiation, and a chunk's logits
are computed again when it is differentiated. `total_of` is a weighted sum of the values; its derivative rule makes
the gradients in the very pass over the chunks that computes the values, so that nothing is computed twice. The rule
is a `custom_jvp`: reverse mode keeps the gradients, forward mode takes their product with the tangents, and the rule's
own derivative comes from `values_of`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from sporax._jax_compat import varying_as
from sporax.losses.contract._class_weights import cross, scaled
from sporax.losses.contract._indexing import valid_indices
from sporax.losses.contract._loss_function import compute_dtype
from sporax.losses.numerics._softmax import log_softmax


class Plan(NamedTuple):
    """What the compiled program depends on.

    Args:
        chunk: rows at a time.
        block: classes at a time, where the gradients of a chunk are made; 0 for all at once.
        axis_name: the mesh axis of the classes.
        argmax: whether it is asked for.
    """

    chunk: int
    block: int = 0
    axis_name: str | None = None
    argmax: bool = False


class Terms(NamedTuple):
    """The numbers of a loss; None for one that is not used."""

    class_weight: jax.Array | None = None
    smoothing: jax.Array | None = None
    softcap: jax.Array | None = None
    z_loss: jax.Array | None = None


class Rows(NamedTuple):
    """What is known of each row afterwards. `argmax` is None unless asked for."""

    values: jax.Array
    log_sum_exp: jax.Array
    argmax: jax.Array | None


def values_of(plan: Plan, x: jax.Array, w: jax.Array, b: jax.Array | None, terms: Terms, labels: jax.Array) -> Rows:
    """Values of each row; differentiable as any JAX code, the logits of a chunk at a time."""
    acc = compute_dtype(x.dtype)
    # Kept wide here, so that the gradient of the weight is added up wide.
    wide = w.astype(acc)

    @functools.partial(jax.checkpoint, prevent_cse=False)
    def chunk(x: jax.Array, labels: jax.Array, wide: jax.Array, b: jax.Array | None, terms: Terms) -> Rows:
        return _plain_chunk(plan, x, wide.astype(w.dtype), b, terms, labels)

    return _map_rows(plan, lambda x, labels: chunk(x, labels, wide, b, terms), x, labels)


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def total_of(
    plan: Plan,
    x: jax.Array,
    w: jax.Array,
    b: jax.Array | None,
    factor: jax.Array,
    terms: Terms,
    labels: jax.Array,
) -> tuple[jax.Array, Rows]:
    """(sum of factor * values, rows). The rows have no gradient."""

    def chunk(x: jax.Array, labels: jax.Array) -> Rows:
        return _measure(plan, x, w, b, terms, labels).rows

    rows = _map_rows(plan, chunk, x, labels)
    return _weighted_sum(factor, rows.values), rows


@functools.partial(total_of.defjvp, symbolic_zeros=True)
def _total_jvp(plan: Plan, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    x, w, b, factor, terms, labels = primals
    moves = [_is_moving(each) for each in tangents[:3]]
    rows, gradients = _formed(plan, tuple(moves), x, w, b, factor, terms, labels)
    total = _weighted_sum(factor, rows.values)
    tangent = jnp.zeros_like(total)
    for at, (slope, moved) in enumerate(zip(gradients, tangents[:3], strict=True)):
        if slope is None:
            continue
        part = jnp.sum(slope.astype(total.dtype) * moved.astype(total.dtype))
        # The hidden states are the same along the axis, and so is their gradient; of the classes each has a part.
        tangent = tangent + (part if at == 0 or plan.axis_name is None else lax.psum(part, plan.axis_name))
    if _is_moving(tangents[3]):
        tangent = tangent + jnp.sum(tangents[3] * jnp.where(factor != 0, rows.values, 0))
    if any(_is_moving(each) for each in tangents[4]):
        moved = jax.tree.map(_instantiated, tangents[4], terms, is_leaf=_is_symbolic)
        tangent = (
            tangent
            + jax.jvp(
                lambda terms: _weighted_sum(factor, values_of(plan, x, w, b, terms, labels).values), (terms,), (moved,)
            )[1]
        )
    return (total, rows), (tangent, jax.tree.map(_no_tangent, rows))


@functools.partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _formed(
    plan: Plan,
    wanted: tuple[bool, ...],
    x: jax.Array,
    w: jax.Array,
    b: jax.Array | None,
    factor: jax.Array,
    terms: Terms,
    labels: jax.Array,
) -> tuple[Rows, list[jax.Array | None]]:
    """The rows, and the gradients of `total_of` for x, w and b: three products of matrices and no more."""
    acc = compute_dtype(x.dtype)
    zeros = lambda like: varying_as(jnp.zeros(like.shape, acc), (x, w, b, factor, terms, labels))  # noqa: E731
    begin = [zeros(array) if want else None for array, want in zip((w, b), wanted[1:], strict=True)]

    def step(sums: list[Any], given: tuple[jax.Array, ...]) -> tuple[list[Any], tuple[Rows, Any]]:
        x, labels, factor = given
        found = _measure(plan, x, w, b, terms, labels)
        dx = zeros(x) if wanted[0] else None
        dx, *sums = _gradients_of_chunk(plan, found, terms, factor, x, w, [dx, *sums])
        if dx is not None and plan.axis_name is None:
            dx = dx.astype(x.dtype)
        return sums, (found.rows, dx)

    count = x.shape[0]
    blocks = _blocks(plan, (x, labels, factor))
    if blocks[0].shape[0] == 1:
        sums, (rows, dx) = step(begin, jax.tree.map(lambda each: each[0], blocks))
    else:
        sums, (rows, dx) = lax.scan(step, begin, blocks)
        rows, dx = jax.tree.map(lambda each: each.reshape(-1, *each.shape[2:]), (rows, dx))
    rows, dx = jax.tree.map(lambda each: each[:count], (rows, dx))
    if dx is not None:
        dx = (dx if plan.axis_name is None else lax.psum(dx, plan.axis_name)).astype(x.dtype)
    dw, db = sums  # the bias came wide
    return rows, [dx, None if dw is None else dw.astype(w.dtype), db]


def _gradients_of_chunk(
    plan: Plan, found: _Measured, terms: Terms, factor: jax.Array, x: jax.Array, w: jax.Array, sums: list[Any]
) -> list[Any]:
    """Add a chunk's gradients to the sums for x, w and b, of which any may be None."""
    classes, block = w.shape[0], plan.block
    if not 0 < block < classes:
        return _add_slopes(_slopes(found, terms, factor, 0, classes), x, w, sums, 0)

    def add(at: jax.Array, sums: list[Any]) -> list[Any]:
        # The last block begins earlier, so that it is as long as the others; what it has again counts as zero.
        begin = jnp.minimum(at * block, classes - block)
        slopes = _slopes(found, terms, factor, begin, block)
        if classes % block:
            again = lax.broadcasted_iota(jnp.int32, (1, block), 1) < at * block - begin
            slopes = jnp.where(again, 0, slopes)
        return _add_slopes(slopes, x, lax.dynamic_slice_in_dim(w, begin, block), sums, begin)

    return lax.fori_loop(0, -(-classes // block), add, sums)


def _add_slopes(slopes: jax.Array, x: jax.Array, w: jax.Array, sums: list[Any], begin: Any) -> list[Any]:
    dx, dw, db = sums
    narrow = slopes.astype(x.dtype)
    if dx is not None:
        dx = dx + _product(narrow, w, ((1,), (0,)), dx.dtype)
    if dw is not None:
        dw = _add_at(dw, _product(narrow, x, ((0,), (0,)), dw.dtype), begin)
    if db is not None:
        db = _add_at(db, jnp.sum(slopes, axis=0), begin)
    return [dx, dw, db]


def _add_at(total: jax.Array, part: jax.Array, begin: Any) -> jax.Array:
    if part.shape == total.shape:
        return total + part
    here = lax.dynamic_slice_in_dim(total, begin, part.shape[0])
    return lax.dynamic_update_slice_in_dim(total, here + part, begin, 0)


@_formed.defjvp
def _formed_jvp(
    plan: Plan, wanted: tuple[bool, ...], primals: tuple[Any, ...], tangents: tuple[Any, ...]
) -> tuple[Any, Any]:
    labels = primals[-1]

    def plainly(x: Any, w: Any, b: Any, factor: Any, terms: Any) -> tuple[Any, Any]:
        values, pull = jax.vjp(lambda x, w, b: values_of(plan, x, w, b, terms, labels).values, x, w, b)
        return values, [slope if want else None for slope, want in zip(pull(factor), wanted, strict=True)]

    result = _formed(plan, wanted, *primals)
    _, (values, slopes) = jax.jvp(plainly, primals[:-1], tangents[:-1])
    return result, (jax.tree.map(_no_tangent, result[0])._replace(values=values), slopes)


def _weighted_sum(factor: jax.Array, values: jax.Array) -> jax.Array:
    # A row that is ignored adds nothing, whatever its value.
    return jnp.sum(factor * jnp.where(factor != 0, values, 0))


def _is_symbolic(tangent: Any) -> bool:
    return isinstance(tangent, jax.custom_derivatives.SymbolicZero)


def _is_moving(tangent: Any) -> bool:
    return tangent is not None and not _is_symbolic(tangent)


def _instantiated(tangent: Any, primal: Any) -> Any:
    return jnp.zeros_like(primal) if _is_symbolic(tangent) else tangent


def _no_tangent(array: jax.Array) -> Any:
    if jnp.issubdtype(array.dtype, jnp.floating):
        return jnp.zeros_like(array)
    return np.zeros(array.shape, jax.dtypes.float0)


def _blocks(plan: Plan, arrays: tuple[jax.Array, ...]) -> tuple[jax.Array, ...]:
    """Each array as (chunks, rows, ...), the last rows filled up with zeros: rows of factor 0."""
    count = arrays[0].shape[0]
    chunks = max(-(-count // plan.chunk), 1)
    missing = chunks * plan.chunk - count

    def cut(array: jax.Array) -> jax.Array:
        if missing:
            array = jnp.pad(array, ((0, missing),) + ((0, 0),) * (array.ndim - 1))
        return array.reshape(chunks, plan.chunk, *array.shape[1:])

    return tuple(cut(array) for array in arrays)


def _map_rows(plan: Plan, fn: Callable[..., Rows], *arrays: jax.Array) -> Rows:
    count, blocks = arrays[0].shape[0], _blocks(plan, arrays)
    if blocks[0].shape[0] == 1:
        found = fn(*(each[0] for each in blocks))
    else:
        found = lax.map(lambda given: fn(*given), blocks)
        found = jax.tree.map(lambda each: each.reshape(-1, *each.shape[2:]), found)
    return jax.tree.map(lambda each: each[:count], found)


def _product(a: jax.Array, b: jax.Array, contract: Any, acc: Any) -> jax.Array:
    dtype = jnp.result_type(a, b)
    return lax.dot_general(a.astype(dtype), b.astype(dtype), (contract, ((), ())), preferred_element_type=acc)


def _logits(x: jax.Array, w: jax.Array, b: jax.Array | None, softcap: Any) -> jax.Array:
    acc = compute_dtype(x.dtype)
    z = _product(x, w, ((1,), (1,)), acc)
    if b is not None:
        z = z + b.astype(acc)[None, :]
    return z if softcap is None else softcap * jnp.tanh(z / softcap)


class _Place(NamedTuple):
    valid: jax.Array
    """Whether the label names a class."""
    here: jax.Array
    """Whether it names one of this device's."""
    index: jax.Array
    """Which of them; 0 where it does not."""


def _place(plan: Plan, labels: jax.Array, classes: int) -> tuple[_Place, int, Any]:
    """Where the labels are, number of classes on all devices, and the number of the first one here."""
    if plan.axis_name is None:
        valid, index = valid_indices(labels, classes)
        return _Place(valid, valid, index), classes, 0
    every = classes * lax.axis_size(plan.axis_name)
    first = lax.axis_index(plan.axis_name) * classes
    valid, index = valid_indices(labels, every)
    here, index = valid_indices(jnp.where(valid, index - first, -1), classes)
    return _Place(valid, here, index), every, first


def _shared(plan: Plan, parts: jax.Array) -> jax.Array:
    """This device's numbers of each row beside those of the others, along a new first axis; one all-reduce."""
    if plan.axis_name is None:
        return parts[None]
    slot = jnp.arange(lax.axis_size(plan.axis_name)) == lax.axis_index(plan.axis_name)
    slots = jnp.where(slot.reshape(-1, *(1,) * parts.ndim), parts[None], jnp.zeros((), parts.dtype))
    return lax.psum(slots, plan.axis_name)


def _best(plan: Plan, first: Any, z: jax.Array, tops: jax.Array) -> jax.Array:
    mine = _shared(plan, first + jnp.argmax(z, axis=-1).astype(jnp.int32))
    return _at(mine.T, jnp.argmax(tops, axis=0))


def _at(z: jax.Array, index: jax.Array) -> jax.Array:
    return jnp.take_along_axis(z, index[:, None], axis=-1, mode="clip")[:, 0]


def _shares(terms: Terms, here: int, every: int) -> jax.Array:
    """What label smoothing gives to each class, times its weight."""
    assert terms.smoothing is not None
    weight = jnp.ones(here, terms.smoothing.dtype) if terms.class_weight is None else terms.class_weight
    return terms.smoothing / every * weight


def _plain_chunk(plan: Plan, x: jax.Array, w: jax.Array, b: jax.Array | None, terms: Terms, labels: jax.Array) -> Rows:
    z = _logits(x, w, b, terms.softcap)
    place, every, first = _place(plan, labels, z.shape[1])
    near = jax.nn.logsumexp(z, axis=-1)
    if plan.axis_name is None:
        lse, log_p = near, log_softmax(z)
    else:
        lse = jax.nn.logsumexp(_shared(plan, near), axis=0)
        log_p = z - lse[:, None]
    parts = [jnp.where(place.here, 0 - _at(log_p, place.index), 0)]
    if terms.class_weight is not None:
        parts.append(jnp.where(place.here, jnp.take(terms.class_weight, place.index, mode="clip"), 0))
    if terms.smoothing is not None:
        parts.append(cross(jnp.broadcast_to(_shares(terms, z.shape[1], every), z.shape), log_p))
    shared = jnp.sum(_shared(plan, jnp.stack(parts)), axis=0)
    cost = shared[0]
    if terms.class_weight is not None:
        cost = scaled(shared[1], cost)
    if terms.smoothing is not None:
        cost = scaled(1 - terms.smoothing, cost) + shared[-1]
    if terms.z_loss is not None:
        cost = cost + terms.z_loss * jnp.square(lse)
    argmax = None
    if plan.argmax:
        argmax = _best(plan, first, lax.stop_gradient(z), _shared(plan, lax.stop_gradient(jnp.max(z, axis=-1))))
    return Rows(jnp.where(place.valid, cost, jnp.nan), lax.stop_gradient(lse), argmax)


class _Measured(NamedTuple):
    """A chunk of logits and what its derivatives are made of.

    Args:
        logits: after their cap.
        lse: the largest logit of each row, and the logarithm of the sum relative to it, over all devices.
        own: class weight of the label.
        of_class: share of label smoothing of each class here, and `share` their sum over all devices.
    """

    logits: jax.Array
    lse: jax.Array
    own: jax.Array | None
    of_class: jax.Array | None
    share: jax.Array | None
    place: _Place
    rows: Rows


def _measure(plan: Plan, x: jax.Array, w: jax.Array, b: jax.Array | None, terms: Terms, labels: jax.Array) -> _Measured:
    """The rows of a chunk. Not to be differentiated.

    The sums over a row are kept plain: XLA:CPU then reads the logits once for each, and writes nothing between.
    """
    z = _logits(x, w, b, terms.softcap)
    place, every, first = _place(plan, labels, z.shape[1])
    own = of_class = share = None
    # A shard of nothing but -inf adds exp(-inf) to the others.
    top = jnp.maximum(jnp.max(z, axis=-1), jnp.finfo(z.dtype).min)
    parts = [
        top,
        jnp.sum(jnp.exp(z - top[:, None]), axis=-1),
        jnp.where(place.here, _at(z, place.index) - top, -jnp.inf),
    ]
    if terms.class_weight is not None:
        own = jnp.where(place.here, jnp.take(terms.class_weight, place.index, mode="clip"), 0)
        parts.append(own)
    if terms.smoothing is not None:
        of_class = _shares(terms, z.shape[1], every)
        if terms.class_weight is None:
            spread = 0 - of_class[0] * jnp.sum(z - top[:, None], axis=-1)
        else:
            spread = cross(jnp.broadcast_to(of_class, z.shape), z - top[:, None])
        parts += [spread, jnp.broadcast_to(jnp.sum(of_class), top.shape)]
    shared = _shared(plan, jnp.stack(parts))
    tops = shared[:, 0]
    top = jnp.max(tops, axis=0)
    gap = tops - top[None]
    log_sum = jnp.log(jnp.sum(shared[:, 1] * jnp.exp(gap), axis=0))
    cost = log_sum - jnp.max(shared[:, 2] + gap, axis=0)
    if own is not None:
        own = jnp.sum(shared[:, 3], axis=0)
        cost = scaled(own, cost)
    if terms.smoothing is not None:
        shares = shared[:, -1]
        share = jnp.sum(shares, axis=0)
        spread = shared[:, -2] - jnp.where(shares == 0, 0, shares * gap)
        cost = scaled(1 - terms.smoothing, cost) + jnp.sum(spread, axis=0) + share * log_sum
    lse = top + log_sum
    if terms.z_loss is not None:
        cost = cost + terms.z_loss * jnp.square(lse)
    argmax = _best(plan, first, z, tops) if plan.argmax else None
    rows = Rows(jnp.where(place.valid, cost, jnp.nan), lse, argmax)
    # Two subtractions and not one: the sum of both is rounded to the size of the logits.
    return _Measured(z, jnp.stack([top, log_sum]), own, of_class, share, place, rows)


def _slopes(found: _Measured, terms: Terms, factor: jax.Array, begin: Any, count: int) -> jax.Array:
    """The gradient of sum(factor * values) for some classes' logits of a chunk, before their cap."""

    def here(array: jax.Array) -> jax.Array:
        return array if array.shape[-1] == count else lax.dynamic_slice_in_dim(array, begin, count, axis=-1)

    z, (top, log_sum) = here(found.logits), found.lse
    factor = jnp.where(found.place.valid, factor, 0)
    one = factor if found.own is None else factor * found.own
    one = one if terms.smoothing is None else one * (1 - terms.smoothing)
    pull = one
    if found.share is not None:
        pull = pull + factor * found.share
    if terms.z_loss is not None:
        pull = pull + 2 * terms.z_loss * factor * found.rows.log_sum_exp
    p = jnp.exp(z - top[:, None] - log_sum[:, None])
    index = jnp.where(found.place.here, found.place.index - begin, -1)
    hit = lax.broadcasted_iota(jnp.int32, (1, count), 1) == index[:, None]
    slopes = pull[:, None] * p - jnp.where(hit, one[:, None], 0)
    if found.of_class is not None:
        slopes = slopes - factor[:, None] * here(found.of_class)[None, :]
    return slopes if terms.softcap is None else slopes * (1 - jnp.square(z / terms.softcap))
