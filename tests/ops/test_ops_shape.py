"""Shape, axes, concatenation, diagonals and padding against NumPy."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from oracles.op_checks import check_gradient, check_op
from sporax import ops
from sporax._errors import ArgumentError, ArgumentTypeError, OutOfRangeError, ShapeError
from sporax.core import Tensor
from sporax.core import dtype as dtypes

RNG = np.random.default_rng(23)
X = RNG.normal(0.2, 1.0, (2, 3, 4))
M = RNG.integers(-9, 9, (3, 4))
V = RNG.integers(-9, 9, 5)

# name: (op of Tensors, the same in NumPy, input)
CASES: dict[str, tuple[Any, Any, np.ndarray]] = {
    "reshape": (lambda x: ops.reshape(x, (4, -1)), lambda x: x.reshape(4, -1), X),
    "reshape_int": (lambda x: ops.reshape(x, -1), lambda x: x.reshape(-1), X),
    "transpose": (lambda x: ops.transpose(x, (2, 0, 1)), lambda x: x.transpose(2, 0, 1), X),
    "permute": (lambda x: ops.permute(x, (-1, 0, 1)), lambda x: x.transpose(2, 0, 1), X),
    "swapaxes": (lambda x: ops.swapaxes(x, 0, -1), lambda x: x.swapaxes(0, -1), X),
    "swapdims": (lambda x: ops.swapdims(x, 0, 1), lambda x: x.swapaxes(0, 1), X),
    "movedim": (lambda x: ops.movedim(x, (0, 1), (2, 0)), lambda x: np.moveaxis(x, (0, 1), (2, 0)), X),
    "moveaxis": (lambda x: ops.moveaxis(x, 0, -1), lambda x: np.moveaxis(x, 0, -1), X),
    "t": (ops.t, np.transpose, M),
    "squeeze": (ops.squeeze, np.squeeze, X[:1, :, :1]),
    "squeeze_axis": (lambda x: ops.squeeze(x, (0, -1)), lambda x: np.squeeze(x, (0, -1)), X[:1, :, :1]),
    "expand_dims": (lambda x: ops.expand_dims(x, -1), lambda x: np.expand_dims(x, -1), X),
    "unsqueeze": (lambda x: ops.unsqueeze(x, 1), lambda x: np.expand_dims(x, 1), X),
    "flatten": (ops.flatten, lambda x: x.reshape(2, -1), X),
    "flatten_part": (lambda x: ops.flatten(x, start_dim=0, end_dim=1), lambda x: x.reshape(6, 4), X),
    "flatten_columns": (lambda x: ops.flatten(x, "F", start_dim=0), lambda x: x.flatten("F"), X),
    "ravel": (ops.ravel, np.ravel, X),
    "broadcast_to": (lambda x: ops.broadcast_to(x, (2, 3, -1)), lambda x: np.broadcast_to(x, (2, 3, 4)), M),
    "expand": (lambda x: ops.expand(x, (5, -1, 4)), lambda x: np.broadcast_to(x, (5, 3, 4)), M[:, :1]),
    "tile": (lambda x: ops.tile(x, (2, 1, 3)), lambda x: np.tile(x, (2, 1, 3)), M),
    "repeat_interleave": (lambda x: ops.repeat_interleave(x, 2, 1), lambda x: np.repeat(x, 2, 1), M),
    "repeat_each": (lambda x: ops.repeat_interleave(x, [2, 0, 1], 0), lambda x: np.repeat(x, [2, 0, 1], 0), M),
    "repeat_flat": (lambda x: ops.repeat_interleave(x, 3), lambda x: np.repeat(x, 3), M),
    "repeat_elements": (lambda x: ops.repeat_elements(x, 2, -1), lambda x: np.repeat(x, 2, -1), M),
    "flip": (lambda x: ops.flip(x, (0, 2)), lambda x: np.flip(x, (0, 2)), X),
    "reverse": (lambda x: ops.reverse(x, -1), lambda x: np.flip(x, -1), X),
    "fliplr": (ops.fliplr, np.fliplr, X),
    "flipud": (ops.flipud, np.flipud, X),
    "roll": (lambda x: ops.roll(x, (1, -2), (0, 1)), lambda x: np.roll(x, (1, -2), (0, 1)), M),
    "roll_flat": (lambda x: ops.roll(x, 2), lambda x: np.roll(x, 2), M),
    "rot90": (lambda x: ops.rot90(x, 3, (1, 2)), lambda x: np.rot90(x, 3, (1, 2)), X),
    "narrow": (lambda x: ops.narrow(x, 1, -2, 2), lambda x: x[:, 1:3], X),
    "slice": (lambda x: ops.slice(x, (0, 1, 2), (1, -1, 2)), lambda x: x[:1, 1:, 2:4], X),
    "strided_slice": (
        lambda x: ops.strided_slice(x, (0, 2, 0), (2, 0, 4), (1, -1, 2), begin_mask=1, shrink_axis_mask=0),
        lambda x: x[:2, 2:0:-1, 0:4:2],
        X,
    ),
    "strided_masks": (
        lambda x: ops.strided_slice(
            x, (0, 0, 1), (0, 0, 0), (1, 1, 1), ellipsis_mask=1, new_axis_mask=2, shrink_axis_mask=4
        ),
        lambda x: x[..., None, 1],
        X,
    ),
    "tril": (lambda x: ops.tril(x, 1), lambda x: np.tril(x, 1), X),
    "triu": (lambda x: ops.triu(x, -1), lambda x: np.triu(x, -1), X),
    "diag": (ops.diag, np.diag, V),
    "diagonal": (lambda x: ops.diagonal(x, 1, 0, 2), lambda x: np.diagonal(x, 1, 0, 2), X),
    "diagflat": (lambda x: ops.diagflat(x, -2), lambda x: np.diagflat(x, -2), M),
    "trace": (ops.trace, np.trace, M),
    "pad": (lambda x: ops.pad(x, (1, 2, 0, 3), value=7), lambda x: np.pad(x, ((0, 3), (1, 2)), constant_values=7), M),
    "pad_cut": (lambda x: ops.pad(x, (-1, 2)), lambda x: np.pad(x[:, 1:], ((0, 0), (0, 2))), M),
    "pad_reflect": (lambda x: ops.pad(x, (2, 1), "reflect"), lambda x: np.pad(x, ((0, 0), (2, 1)), mode="reflect"), M),
    "pad_replicate": (lambda x: ops.pad(x, (9, 1), "replicate"), lambda x: np.pad(x, ((0, 0), (9, 1)), mode="edge"), M),
    "pad_circular": (lambda x: ops.pad(x, (2, 4), "circular"), lambda x: np.pad(x, ((0, 0), (2, 4)), mode="wrap"), M),
    "Pad": (ops.Pad(((1, 0), (0, 2))), lambda x: np.pad(x, ((1, 0), (0, 2))), M),
    "MirrorPad": (
        lambda x: ops.MirrorPad("SYMMETRIC")(x, ((1, 0), (0, 2))),
        lambda x: np.pad(x, ((1, 0), (0, 2)), mode="symmetric"),
        M,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_values(name: str):
    call, reference, sample = CASES[name]
    check_op(call, reference, [sample], dtype=sample.dtype, name=name)


@pytest.mark.parametrize(
    "name", ["broadcast_to", "tile", "repeat_each", "roll", "pad_reflect", "diagonal", "narrow", "tril"]
)
def test_gradients(name: str):
    call, _, sample = CASES[name]
    check_gradient(call, [sample.astype(np.float64)], name=name)


def test_methods_accept_numbers_or_a_tuple():
    x = Tensor(X)
    assert x.reshape(4, 6).shape == x.reshape((4, 6)).shape == x.view(4, -1).shape == (4, 6)
    assert x.permute(2, 0, 1).shape == x.permute((2, 0, 1)).shape == x.permute(dims=(2, 0, 1)).shape == (4, 2, 3)
    assert x.transpose().shape == (4, 3, 2)
    assert x.transpose(0, 1).shape == (3, 2, 4)
    assert x.transpose(2, 0, 1).shape == x.transpose((2, 0, 1)).shape == (4, 2, 3)
    assert x.expand(5, -1, -1, -1).shape == x.expand(size=(5, 2, 3, 4)).shape == (5, 2, 3, 4)
    assert x.tile(2, 1, 1).shape == x.tile((2, 1, 1)).shape == x.repeat(2, 1, 1).shape == (4, 3, 4)
    assert x.flatten().shape == (24,)
    assert x.flatten(start_dim=1).shape == (2, 12)
    assert x.squeeze().shape == X.shape
    assert x.swapaxes(0, 1).shape == (3, 2, 4)
    assert x.expand_as(Tensor(np.ones((2, 3, 4)))).shape == x.view_as(x).shape == x.reshape_as(x).shape == X.shape
    assert (x.dim(), x.ndimension(), x.numel(), x.nelement()) == (3, 3, 24, 24)
    assert x.broadcast_to((2, 2, 3, 4)).shape == (2, 2, 3, 4)
    assert x.unsqueeze(dim=0).shape == x.unsqueeze(axis=0).shape == x.expand_dims(0).shape == (1, 2, 3, 4)
    assert x.split(2, dim=1)[1].shape == x.split(split_size=2, axis=1)[1].shape == (2, 1, 4)
    assert x.chunk(2, dim=2)[0].shape == (2, 3, 2)
    assert x.trace(1, 1, 2).shape == (2,)
    assert x.diagonal(axis1=1, axis2=2).shape == (2, 3)


def test_bitcast():
    x = Tensor(np.array([1.0, -2.0], np.float32))
    np.testing.assert_array_equal(x.view(dtypes.int32).asnumpy(), x.asnumpy().view(np.int32))


def test_shape_queries():
    x = Tensor(X)
    assert ops.shape(x) == ops.Shape()(x) == (2, 3, 4)
    assert (ops.rank(x), ops.size(x), ops.numel(x)) == (3, 24, 24)


JOINS: dict[str, tuple[Any, Any]] = {
    "concat": (lambda a, b: ops.concat((a, b), -1), lambda a, b: np.concatenate((a, b), -1)),
    "cat": (lambda a, b: ops.cat([a, b]), lambda a, b: np.concatenate((a, b))),
    "stack": (lambda a, b: ops.stack((a, b), -1), lambda a, b: np.stack((a, b), -1)),
    "hstack": (lambda a, b: ops.hstack((a, b)), lambda a, b: np.hstack((a, b))),
    "vstack": (lambda a, b: ops.vstack((a, b)), lambda a, b: np.vstack((a, b))),
    "dstack": (lambda a, b: ops.dstack((a, b)), lambda a, b: np.dstack((a, b))),
    "column_stack": (lambda a, b: ops.column_stack((a, b)), lambda a, b: np.column_stack((a, b))),
    "meshgrid": (lambda a, b: ops.meshgrid(a[0], b[1]), lambda a, b: np.meshgrid(a[0], b[1])),
    "meshgrid_ij": (
        lambda a, b: ops.meshgrid(a[0], b[1], indexing="ij"),
        lambda a, b: np.meshgrid(a[0], b[1], indexing="ij"),
    ),
    "block_diag": (
        lambda a, b: ops.block_diag(a, b),
        lambda a, b: np.block([[a, np.zeros_like(b)], [np.zeros_like(a), b]]),
    ),
    "cartesian_prod": (
        lambda a, b: ops.cartesian_prod(a[0], b[1]),
        lambda a, b: np.array([[i, j] for i in a[0] for j in b[1]]),
    ),
}


@pytest.mark.parametrize("name", JOINS)
def test_concatenation(name: str):
    call, reference = JOINS[name]
    check_op(call, reference, [M, M[::-1] + 100], dtype=M.dtype, name=name)


def test_concatenated_dtypes_are_promoted():
    """A deliberate difference: MindSpore fails on mixed dtypes."""
    assert ops.concat((Tensor([1]), Tensor([2.5]))).dtype.name == "float32"
    assert ops.stack((Tensor([1], np.int32), Tensor([2]))).dtype.name == "int64"


SPLITS: dict[str, tuple[Any, Any]] = {
    "split": (lambda x: ops.split(x, 3, 1), lambda x: (x[:, :3], x[:, 3:])),
    "split_lengths": (lambda x: ops.split(x, [1, 3], 1), lambda x: np.split(x, [1], 1)),
    "chunk": (lambda x: ops.chunk(x, 2), lambda x: (x[:2], x[2:])),
    "chunk_short": (lambda x: ops.chunk(x, 7), lambda x: (x[:1], x[1:2], x[2:])),
    "unbind": (lambda x: ops.unbind(x, 1), lambda x: tuple(x.T)),
    "unstack": (ops.unstack, tuple),
    "tensor_split": (lambda x: ops.tensor_split(x, 3, 1), lambda x: np.array_split(x, 3, 1)),
    "tensor_split_at": (lambda x: ops.tensor_split(x, (1, 3), 1), lambda x: np.split(x, (1, 3), 1)),
    "hsplit": (lambda x: ops.hsplit(x, 2), lambda x: np.hsplit(x, 2)),
    "vsplit": (lambda x: ops.vsplit(x, 3), lambda x: np.vsplit(x, 3)),
    "Split": (ops.Split(1, 2), lambda x: np.split(x, 2, 1)),
    "Unstack": (ops.Unstack(axis=1, num=4), lambda x: tuple(x.T)),
}


@pytest.mark.parametrize("name", SPLITS)
def test_splitting(name: str):
    call, reference = SPLITS[name]
    check_op(call, reference, [M], dtype=None, name=name)


def test_dsplit_and_at_least():
    assert [each.shape for each in ops.dsplit(Tensor(X), (1,))] == [(2, 3, 1), (2, 3, 3)]
    assert ops.atleast_1d(Tensor(1.0)).shape == (1,)
    assert [each.shape for each in ops.atleast_2d((Tensor(1.0), Tensor([1.0, 2.0])))] == [(1, 1), (1, 2)]
    assert ops.atleast_3d(Tensor(M)).shape == (3, 4, 1)


def test_diag_embed_and_diagonal_scatter():
    check_op(
        ops.diag, lambda x: np.einsum("ij,ik,jl->ijkl", x, np.eye(2, dtype=int), np.eye(2, dtype=int)), [M[:2, :2]]
    )
    check_op(lambda x: ops.diag_embed(x, 1), lambda x: np.stack([np.diag(row, 1) for row in x]), [M])
    check_op(lambda x: ops.diag_embed(x, -1, 0, 2), lambda x: np.stack([np.diag(row, -1) for row in x], 1), [M])

    def scattered(x: Any, src: Any) -> Any:
        result = x.copy()
        result[[0, 1, 2], [1, 2, 3]] = src
        return result

    check_op(lambda x, s: ops.diagonal_scatter(x, s, 1), scattered, [M, V[:3]])


def test_pixel_and_channel_shuffle():
    x = np.arange(2 * 8 * 2 * 3).reshape(2, 8, 2, 3)
    shuffled = x.reshape(2, 2, 2, 2, 2, 3).transpose(0, 1, 4, 2, 5, 3).reshape(2, 2, 4, 6)
    check_op(lambda t: ops.pixel_shuffle(t, 2), lambda _: shuffled, [x])
    check_op(lambda t: ops.pixel_unshuffle(ops.pixel_shuffle(t, 2), 2), lambda a: a, [x])
    check_op(
        lambda t: ops.channel_shuffle(t, 4), lambda a: a.reshape(2, 4, 2, 2, 3).swapaxes(1, 2).reshape(a.shape), [x]
    )


WRONG: list[tuple[Any, type[Exception], str]] = [
    (
        lambda: ops.reshape(Tensor(M), (5, -1)),
        ShapeError,
        "ops.reshape: a Tensor of shape (3, 4) has 12 elements, which do not fit shape (5, -1).",
    ),
    (lambda: Tensor(M).reshape(5), ShapeError, "has 12 elements, which do not fit shape (5,)."),
    (lambda: ops.reshape(Tensor(M), (-1, -1)), ArgumentError, "only one size of `shape` may be -1, but got (-1, -1)."),
    (
        lambda: ops.transpose(Tensor(M), (0, 0)),
        ArgumentError,
        "`dims` must name each of the 2 axes of shape (3, 4) once, but got (0, 0).",
    ),
    (lambda: ops.squeeze(Tensor(M), 0), ShapeError, "ops.squeeze: axis 0 of shape (3, 4) has length 3, not 1."),
    (
        lambda: ops.expand_dims(Tensor(M), 4),
        ArgumentError,
        "`axis` must be in [-3, 2] for a Tensor of shape (3, 4), but got 4.",
    ),
    (
        lambda: ops.broadcast_to(Tensor(M), (3, 5)),
        ShapeError,
        "a Tensor of shape (3, 4) does not broadcast to shape (3, 5).",
    ),
    (
        lambda: ops.concat((Tensor(M), Tensor(V))),
        ShapeError,
        "shapes must agree on every axis but axis 0, but got (3, 4) and (5,).",
    ),
    (
        lambda: ops.stack((Tensor(M), Tensor(V))),
        ShapeError,
        "all Tensors must have one shape, but got (3, 4) and (5,).",
    ),
    (lambda: ops.concat(()), ArgumentError, "`tensors` must hold at least one Tensor, but it is empty."),
    (lambda: ops.concat(Tensor(M)), ArgumentTypeError, "`tensors` must be a tuple or list of Tensors"),
    (
        lambda: ops.split(Tensor(M), [1, 1]),
        ShapeError,
        "the lengths [1, 1] must add up to 3, the length of axis 0 of shape (3, 4).",
    ),
    (lambda: ops.split(Tensor(M), 0), ArgumentError, "`split_size_or_sections` must be at least 1, but got 0."),
    (lambda: ops.Split(1, 3)(Tensor(M)), ArgumentError, "axis 1 of shape (3, 4) does not divide into 3 equal pieces."),
    (lambda: ops.tile(Tensor(M), (-1,)), ArgumentError, "sizes of `dims` must not be negative, but got (-1,)."),
    (lambda: ops.repeat_interleave(Tensor(M), [1, 2], 0), ShapeError, "`repeats` must hold 1 or 3 numbers"),
    (lambda: ops.narrow(Tensor(M), 0, 2, 2), ArgumentError, "`start` 2 and `length` 2 do not lie inside axis 0"),
    (lambda: ops.slice(Tensor(M), (0, 0), (4, 1)), ArgumentError, "do not lie inside shape (3, 4)."),
    (
        lambda: ops.pad(Tensor(M), (1, 1, 1)),
        ArgumentError,
        "`padding` must hold a pair of numbers for each of the last axes",
    ),
    (
        lambda: ops.pad(Tensor(M), (4, 0), "reflect"),
        ArgumentError,
        "mode 'reflect' cannot pad axis 1 of length 4 by (4, 0)",
    ),
    (lambda: ops.pad(Tensor(M), (1, 1), "refect"), ArgumentError, "Did you mean 'reflect'?"),
    (lambda: ops.rot90(Tensor(M), 1, (0, 0)), ArgumentError, "`dims` must name two different axes, but got (0, 0)."),
    (lambda: ops.tril(Tensor(V)), ShapeError, "`input` must have at least 2 axes, but its shape is (5,)."),
    (lambda: ops.pixel_shuffle(Tensor(X), 2), ShapeError, "axis -3 of shape (2, 3, 4), must divide by 4."),
    (
        lambda: ops.flatten(Tensor(X), start_dim=2, end_dim=1),
        ArgumentError,
        "`start_dim` must not be greater than `end_dim`",
    ),
    (lambda: ops.swapaxes(Tensor(M), 0, 2), ArgumentError, "`axis1` must be in [-2, 1]"),
    (lambda: ops.t(Tensor(X)), ShapeError, "takes at most 2 axes, but got shape (2, 3, 4). Use ops.transpose."),
    (lambda: ops.reshape(Tensor(M), (2.5, 4)), ArgumentTypeError, "`shape` must be an int, but got 2.5 of type float."),
    (
        lambda: ops.meshgrid(Tensor(V), indexing="yx"),
        ArgumentError,
        "`indexing` must be one of 'xy', 'ij', but got 'yx'.",
    ),
]


@pytest.mark.parametrize(("call", "kind", "message"), WRONG)
def test_invalid_arguments(call: Any, kind: type[Exception], message: str):
    with pytest.raises(kind, match=re.escape(message)):
        call()


def test_an_index_error_is_that_of_python():
    with pytest.raises(IndexError, match=re.escape("`index` must be in [-3, 2], but got 3.")) as caught:
        ops.select_scatter(Tensor(M), Tensor(M[0]), 0, 3)
    assert isinstance(caught.value, OutOfRangeError)
