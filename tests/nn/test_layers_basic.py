"""Dense, Dropout, Flatten, Unflatten, Identity, Embedding: values, gradients, printed forms, messages."""

from __future__ import annotations

import re

import jax
import numpy as np
import pytest

import sporax.core.dtype as dt
from sporax import nn, ops, transforms
from sporax._errors import ArgumentError, ArgumentTypeError, CellError, DtypeError, OutOfRangeError, ShapeError
from sporax.core import Cell, Parameter, Tensor, set_seed
from sporax.core.initializer import Normal

RNG = np.random.default_rng(17)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


class TestDense:
    @pytest.mark.parametrize("shape", [(3,), (5, 3), (2, 5, 3), (2, 1, 4, 3)])
    def test_values(self, shape):
        w, b, x = normal(4, 3), normal(4), normal(*shape)
        out = nn.Dense(3, 4, Tensor(w), Tensor(b))(Tensor(x))
        np.testing.assert_allclose(out.asnumpy(), x @ w.T + b, rtol=1e-5, atol=1e-6)
        assert out.dtype is dt.float32

    def test_without_a_bias(self):
        w, x = normal(4, 3), normal(5, 3)
        fc = nn.Dense(3, 4, Tensor(w), has_bias=False)
        assert fc.bias is None
        np.testing.assert_allclose(fc(Tensor(x)).asnumpy(), x @ w.T, rtol=1e-5, atol=1e-6)

    def test_as_in_the_tutorial(self):
        fc = nn.Dense(1, 1, Normal(0.02), Normal(0.02))
        assert abs(fc.weight.asnumpy()).max() < 0.2
        assert fc(Tensor([[1.0]])).shape == (1, 1)

    def test_default_values_as_in_mindspore(self):
        set_seed(1)
        fc = nn.Dense(400, 3000)
        for values in (fc.weight.asnumpy(), fc.bias.asnumpy()):
            assert abs(values).max() <= 0.05
            assert abs(values).max() > 0.0499
            assert values.std() == pytest.approx(0.05 / np.sqrt(3), rel=0.05)

    @pytest.mark.parametrize("activation", ["relu", nn.ReLU(), ops.ReLU(), ops.relu, lambda x: ops.relu(x)])
    def test_activations(self, activation):
        w, x = normal(4, 3), normal(5, 3)
        out = nn.Dense(3, 4, Tensor(w), "zeros", activation=activation)(Tensor(x))
        np.testing.assert_allclose(out.asnumpy(), np.maximum(x @ w.T, 0), rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize(
        ("fc", "text"),
        [
            (nn.Dense(3, 4), "Dense(input_channels=3, output_channels=4, has_bias=True)"),
            (nn.Dense(3, 4, has_bias=False), "Dense(input_channels=3, output_channels=4)"),
            (
                nn.Dense(3, 4, activation="relu"),
                "Dense(\n  input_channels=3, output_channels=4, has_bias=True, activation=ReLU()\n"
                "  (activation): ReLU()\n)",
            ),
            (
                nn.Dense(2, 1, activation=ops.ReLU()),
                "Dense(input_channels=2, output_channels=1, has_bias=True, activation=Prim[ReLU])",
            ),
            (
                nn.Dense(2, 1, activation=ops.relu),
                "Dense(input_channels=2, output_channels=1, has_bias=True, activation=relu)",
            ),
        ],
    )
    def test_printed_as_mindspore(self, fc, text):
        assert repr(fc) == text

    def test_attributes(self):
        fc = nn.Dense(2, 3, activation="tanh")
        assert (fc.in_channels, fc.out_channels, fc.has_bias, fc.activation_flag) == (2, 3, True, True)
        assert (fc.weight.name, fc.bias.name) == ("weight", "bias")
        assert nn.Dense(2, 3).activation is None

    @pytest.mark.parametrize("kind", [dt.float16, dt.bfloat16, dt.float64], ids=str)
    def test_dtypes(self, kind):
        fc = nn.Dense(2, 1, dtype=kind)
        assert fc.weight.dtype is fc.bias.dtype is kind
        assert fc(Tensor([[1.0, 2.0]], kind)).dtype is kind

    def test_jax_and_numpy_arrays_are_accepted(self):
        fc = nn.Dense(2, 1, "ones", "zeros")
        for x in (np.ones((1, 2), np.float32), jax.numpy.ones((1, 2))):
            assert type(fc(x)) is Tensor

    def test_gradients(self):
        w, b, x, up = normal(4, 3), normal(4), normal(5, 3), normal(5, 4)
        fc = nn.Dense(3, 4, Tensor(w), Tensor(b))
        dx, (dw, db) = transforms.grad(lambda x: (fc(x) * Tensor(up)).sum(), 0, fc.trainable_params())(Tensor(x))
        for got, expected in ((dx, up @ w), (dw, up.T @ x), (db, up.sum(0))):
            np.testing.assert_allclose(got.asnumpy(), expected, rtol=1e-5, atol=1e-5)

    def test_compiled_and_mapped(self):
        fc, x = nn.Dense(3, 4), Tensor(normal(5, 3))
        eager = fc(x).asnumpy()
        np.testing.assert_allclose(transforms.jit(fc)(x).asnumpy(), eager, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(transforms.vmap(fc)(x).asnumpy(), eager, rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (lambda: nn.Dense(0, 1), ArgumentError, "Dense: `in_channels` must be at least 1, but got 0"),
            (lambda: nn.Dense(2, "a"), ArgumentTypeError, "Dense: `out_channels` must be an int, but got 'a'"),
            (lambda: nn.Dense(2, 1, has_bias=1), ArgumentTypeError, "Dense: `has_bias` must be bool, but got 1"),
            (
                lambda: nn.Dense(2, 1, Tensor([1.0])),
                ShapeError,
                "`weight_init` must have shape (out_channels, in_channels) = (1, 2), but its shape is (1,)",
            ),
            (
                lambda: nn.Dense(2, 1, bias_init=Tensor([1.0, 2.0])),
                ShapeError,
                "`bias_init` must have shape (out_channels,) = (1,), but its shape is (2,)",
            ),
            (lambda: nn.Dense(2, 1, "normall"), ArgumentError, "Did you mean 'normal'?"),
            (lambda: nn.Dense(2, 1, activation="rleu"), ArgumentError, "Dense: `activation` must be one of"),
            (lambda: nn.Dense(2, 1, activation="rleu"), ArgumentError, "but got 'rleu'. Did you mean 'relu'?"),
            (lambda: nn.Dense(2, 1, activation=nn.ReLU), ArgumentTypeError, "the class ReLU; pass an instance"),
            (
                lambda: nn.Dense(2, 1, activation=3),
                ArgumentTypeError,
                "must be a name, a Cell, a primitive or a function",
            ),
            (
                lambda: nn.Dense(2, 1)(Tensor([[1.0, 2, 3]])),
                ShapeError,
                "Dense: the input's last axis must have size in_channels=2, but got shape (1, 3). Reshape the "
                "input, or use Dense(3, 1).",
            ),
            (lambda: nn.Dense(12, 1)(Tensor(normal(5, 3, 4))), ShapeError, "Add nn.Flatten() before the layer."),
            (lambda: nn.Dense(5, 1)(Tensor(normal(5, 3))), ShapeError, "but got shape (5, 3). The axis before it"),
            (lambda: nn.Dense(1, 1)(Tensor(3.0)), ShapeError, "but got shape ()"),
            (
                lambda: nn.Dense(2, 1)(Tensor([[1, 2]])),
                DtypeError,
                "Dense: the input must be of a floating dtype, but got Int64. Cast it first: x.astype(sporax.float32)",
            ),
            (
                lambda: nn.Dense(2, 1)(Tensor(np.ones((1, 2)))),
                DtypeError,
                "the input's dtype is Float64, but the weight's is Float32. Cast the input, x.astype(sporax.float32)",
            ),
            (
                lambda: nn.Dense(2, 1)([[1.0, 2.0]]),
                ArgumentTypeError,
                "must be a Tensor, but got [[1.0, 2.0]] of type list",
            ),
            (lambda: nn.Dense(2, 1)(), CellError, "Dense.construct(x) was called with 0 input(s)"),
        ],
    )
    def test_errors(self, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call()


class TestDropout:
    def test_in_evaluation_mode(self):
        x = Tensor([1.0, 2.0])
        assert nn.Dropout(p=0.5)(x).tolist() == [1.0, 2.0]
        assert nn.Dropout(p=0.5)(Tensor([1, 2])).tolist() == [1, 2]

    @pytest.mark.parametrize("cell", [nn.Dropout(p=0.25), nn.Dropout(0.75), nn.Dropout(keep_prob=0.75)])
    def test_in_training(self, cell):
        set_seed(3)
        out = cell.set_train()(Tensor(np.full(40_000, 3.0, np.float32))).asnumpy()
        assert set(np.unique(out)) == {0.0, 4.0}
        assert abs((out == 0).mean() - 0.25) < 5 * np.sqrt(0.25 * 0.75 / out.size)

    def test_calls_differ_and_a_seed_reproduces_them(self):
        cell, x = nn.Dropout(p=0.5).set_train(), Tensor(np.ones(64, np.float32))
        set_seed(1)
        first, second = cell(x).tolist(), cell(x).tolist()
        assert first != second
        set_seed(1)
        assert [cell(x).tolist(), cell(x).tolist()] == [first, second]

    def test_compiled_and_eager_calls_draw_the_same_masks(self):
        cell, x = nn.Dropout(p=0.5).set_train(), Tensor(np.ones(64, np.float32))
        set_seed(1)
        eager = [cell(x).tolist() for _ in range(3)]
        run = transforms.jit(cell)
        set_seed(1)
        assert [run(x).tolist() for _ in range(3)] == eager

    def test_lanes_of_vmap_differ(self):
        cell, x = nn.Dropout(p=0.5).set_train(), Tensor(np.ones((4, 64), np.float32))
        rows = transforms.vmap(cell)(x).tolist()
        assert len({tuple(row) for row in rows}) == 4

    def test_the_gradient_uses_the_mask_of_the_forward_pass(self):
        cell = nn.Dropout(p=0.5).set_train()

        def loss(x):
            out = cell(x)
            return out.sum(), out

        x = Tensor(np.ones(64, np.float32))
        gradient, (out,) = transforms.grad(loss, has_aux=True)(x)
        assert gradient.tolist() == out.tolist()

    def test_zero_probability(self):
        for cell in (nn.Dropout(p=0), nn.Dropout(p=0.0), nn.Dropout(keep_prob=1.0)):
            assert cell.set_train()(Tensor([1.0, 2.0])).tolist() == [1.0, 2.0]

    def test_half_precision_is_preserved(self):
        assert nn.Dropout(p=0.3).set_train()(Tensor([1.0], dt.bfloat16)).dtype is dt.bfloat16

    def test_printed_as_mindspore(self):
        assert repr(nn.Dropout(p=0.3)) == "Dropout(p=0.3)"
        assert repr(nn.Dropout()) == "Dropout(keep_prob=0.5)"
        assert repr(nn.Dropout(0.5, 0.5)) == "Dropout(p=0.5)"
        assert (nn.Dropout(p=0.3).p, nn.Dropout(0.5).keep_prob, nn.Dropout(0.5).p) == (0.3, 0.5, None)

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (lambda: nn.Dropout(p=1.5), ArgumentError, "Dropout: `p` must be in [0.0, 1.0), but got 1.5"),
            (lambda: nn.Dropout(p=1.0), ArgumentError, "`p` must be in [0.0, 1.0), but got 1.0"),
            (lambda: nn.Dropout(p=-0.1), ArgumentError, "but got -0.1"),
            (lambda: nn.Dropout(keep_prob=0.0), ArgumentError, "`keep_prob` must be in (0.0, 1.0], but got 0.0"),
            (lambda: nn.Dropout(p="a"), ArgumentTypeError, "`p` must be a number, but got 'a'"),
            (lambda: nn.Dropout(p=True), ArgumentTypeError, "`p` must be a number, but got True"),
            (
                lambda: nn.Dropout(p=0.5).set_train()(Tensor([1, 2])),
                DtypeError,
                "Dropout: the input must be of a floating dtype, but got Int64",
            ),
        ],
    )
    def test_errors(self, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call()


class TestShapes:
    @pytest.mark.parametrize(
        ("cell", "shape", "result"),
        [
            (nn.Flatten(), (2, 3, 4), (2, 12)),
            (nn.Flatten(), (2, 3), (2, 3)),
            (nn.Flatten(0), (2, 3), (6,)),
            (nn.Flatten(0, 1), (2, 3, 4), (6, 4)),
            (nn.Flatten(-2, -1), (2, 3, 4), (2, 12)),
            (nn.Flatten(1, 1), (2, 3), (2, 3)),
            (nn.Flatten(0), (), (1,)),
            (nn.Flatten(), (0, 3, 4), (0, 12)),
            (nn.Unflatten(1, (3, 1)), (2, 3), (2, 3, 1)),
            (nn.Unflatten(-1, [2, -1]), (5, 6), (5, 2, 3)),
        ],
    )
    def test_flatten_and_unflatten(self, cell, shape, result):
        x = np.arange(np.prod(shape, dtype=int)).reshape(shape)
        out = cell(Tensor(x))
        assert out.shape == result
        assert out.asnumpy().ravel().tolist() == x.ravel().tolist()

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (lambda: nn.Flatten("a"), ArgumentTypeError, "Flatten: `start_dim` must be an int, but got 'a'"),
            (
                lambda: nn.Flatten()(Tensor([1.0, 2.0])),
                ShapeError,
                "Flatten: `start_dim`=1 is not an axis of an input of shape (2,). Add a batch axis.",
            ),
            (lambda: nn.Flatten(1, 7)(Tensor(normal(2, 3, 4))), ShapeError, "`end_dim`=7 is not an axis"),
            (lambda: nn.Flatten(2, 1)(Tensor(normal(2, 3, 4))), ShapeError, "`start_dim`=2 comes after `end_dim`=1"),
            (lambda: nn.Unflatten(1, 3), ArgumentTypeError, "`unflattened_size` must be tuple or list"),
            (lambda: nn.Unflatten(1, (-1, -1)), ArgumentError, "positive sizes and at most one -1"),
            (lambda: nn.Unflatten(1, (2, 2))(Tensor(normal(2, 3))), ShapeError, "has size 3, which cannot be split"),
            (lambda: nn.Unflatten(1, (2, -1))(Tensor(normal(2, 3))), ShapeError, "has size 3, which cannot be split"),
            (lambda: nn.Unflatten(2, (3,))(Tensor(normal(2, 3))), ShapeError, "`axis`=2 is not an axis"),
        ],
    )
    def test_errors(self, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call()

    def test_identity(self):
        x = Tensor([1.0])
        assert nn.Identity(3, any=1)(x) is x
        assert repr(nn.Identity()) == "Identity()"
        assert repr(nn.Flatten()) == "Flatten()"


class TestEmbedding:
    @pytest.mark.parametrize("one_hot", [False, True])
    @pytest.mark.parametrize("kind", [dt.int32, dt.int64, dt.uint8], ids=str)
    def test_values(self, one_hot, kind):
        table = normal(5, 3)
        cell = nn.Embedding(5, 3, one_hot, Tensor(table))
        ids = np.array([[0, 4, 4], [2, 1, 0]])
        np.testing.assert_allclose(cell(Tensor(ids, kind)).asnumpy(), table[ids], rtol=1e-6)
        assert cell(Tensor(1, kind)).shape == (3,)
        assert cell(Tensor(np.zeros((2, 0)), kind)).shape == (2, 0, 3)

    @pytest.mark.parametrize("one_hot", [False, True])
    def test_gradients_of_repeated_indices_are_summed(self, one_hot):
        cell = nn.Embedding(4, 2, one_hot, "zeros")
        up = Tensor([[1.0, 2.0], [10.0, 20.0], [100.0, 200.0]])
        ids = Tensor([3, 0, 3])
        (gradient,) = transforms.grad(lambda: (cell(ids) * up).sum(), None, cell.trainable_params())()
        assert gradient.tolist() == [[10, 20], [0, 0], [0, 0], [101, 202]]

    @pytest.mark.parametrize("one_hot", [False, True])
    def test_an_index_out_of_range_gives_nan_in_compiled_code(self, one_hot):
        cell = nn.Embedding(3, 2, one_hot, "ones")
        out = transforms.jit(cell)(Tensor([0, 3, -1 if one_hot else -4, 2])).asnumpy()
        assert np.isnan(out).all(axis=1).tolist() == [False, True, True, False]

    @pytest.mark.parametrize("run", [lambda cell: cell, transforms.jit], ids=["eager", "compiled"])
    def test_a_negative_index_counts_from_the_end(self, run):
        # As in MindSpore 2.10 on the CPU, except that its gradient of a row with a negative index is zero.
        table = normal(4, 2)
        cell = nn.Embedding(4, 2, embedding_table=Tensor(table))
        ids = Tensor([-1, 0, -4])
        np.testing.assert_array_equal(run(cell)(ids).asnumpy(), table[[3, 0, 0]])
        (gradient,) = run(transforms.grad(lambda ids: cell(ids).sum(), None, cell.trainable_params()))(ids)
        assert gradient.tolist() == [[2, 2], [0, 0], [0, 0], [1, 1]]

    def test_padding_row(self):
        set_seed(1)
        table = nn.Embedding(5, 3, padding_idx=1).embedding_table.asnumpy()
        assert (table[1] == 0).all()
        assert (table[[0, 2, 3, 4]] != 0).all()
        given = Tensor(np.ones((5, 3), np.float32))
        assert nn.Embedding(5, 3, embedding_table=given, padding_idx=2).embedding_table.asnumpy().sum() == 12
        assert given.asnumpy().sum() == 15

    def test_default_table(self):
        set_seed(1)
        table = nn.Embedding(300, 100).embedding_table.asnumpy()
        assert table.std() == pytest.approx(0.01, rel=0.02)

    def test_dtype(self):
        cell = nn.Embedding(3, 2, dtype=dt.float16)
        assert cell.embedding_table.dtype is dt.float16
        assert cell(Tensor([1])).dtype is dt.float16

    def test_printed_as_mindspore(self):
        assert repr(nn.Embedding(5, 3, padding_idx=0)) == (
            "Embedding(vocab_size=5, embedding_size=3, use_one_hot=False, embedding_table=Parameter "
            "(name=embedding_table, shape=(5, 3), dtype=Float32, requires_grad=True), dtype=Float32, padding_idx=0)"
        )

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (
                lambda: nn.Embedding(5, 3)(Tensor([1, 7])),
                OutOfRangeError,
                "Embedding: the input holds 7, but the table has the rows 0 to 4 (vocab_size=5)",
            ),
            (lambda: nn.Embedding(5, 3)(Tensor([-6])), OutOfRangeError, "the input holds -6"),
            (lambda: nn.Embedding(5, 3, True)(Tensor([-1])), OutOfRangeError, r"so it must be in [0, 4]"),
            (
                lambda: nn.Embedding(5, 3)(Tensor([1.0])),
                DtypeError,
                "must hold integers, the indices of rows, but its dtype is Float32. Cast it first",
            ),
            (lambda: nn.Embedding(5, 3)(Tensor([True])), DtypeError, "its dtype is Bool"),
            (lambda: nn.Embedding(0, 3), ArgumentError, "Embedding: `vocab_size` must be at least 1"),
            (lambda: nn.Embedding(5, 3, padding_idx=7), ArgumentError, "`padding_idx` must be in [0, 4]"),
            (lambda: nn.Embedding(5, 3, padding_idx=-1), ArgumentError, "but got -1"),
            (lambda: nn.Embedding(5, 3, "x"), ArgumentTypeError, "`use_one_hot` must be bool, but got 'x'"),
            (
                lambda: nn.Embedding(5, 3, embedding_table=Tensor(np.ones((5, 2)))),
                ShapeError,
                "`embedding_table` must have shape (vocab_size, embedding_size) = (5, 3), but its shape is (5, 2)",
            ),
        ],
    )
    def test_errors(self, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call()


def test_building_a_network_compiles_nothing():
    class Net(Cell):
        def __init__(self):
            super().__init__()
            self.fc = nn.Dense(31, 17)
            self.bn = nn.BatchNorm1d(17)
            self.emb = nn.Embedding(13, 7, padding_idx=3)
            self.scale = Parameter(Tensor(1.0))

    compiled = []

    def count(name, *args, **kwargs):
        if "compile" in name:
            compiled.append(name)

    jax.monitoring.register_event_duration_secs_listener(count)
    try:
        Net()
        assert compiled == []
        jax.jit(lambda x: x * 1.2345)(np.ones(3, np.float32))
        assert compiled
    finally:
        jax.monitoring.unregister_event_duration_listener(count)
