"""BatchNorm, LayerNorm, GroupNorm: values, moving statistics, gradients, state under transforms, messages."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sporax.core.dtype as dt
from sporax import nn, transforms
from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError
from sporax.core import Cell, Tensor
from sporax.nn.layer.normalization import _standardized

RNG = np.random.default_rng(23)


def normal(*shape):
    return (RNG.standard_normal(shape) * 3 + 1.5).astype(np.float32)


def normalized(x, axes, eps, gamma=1.0, beta=0.0):
    x = x.astype(np.float64)
    mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    return (x - mean) / np.sqrt(var + eps) * gamma + beta


BATCHES = [
    (nn.BatchNorm1d, (5, 3), (0,), {}),
    (nn.BatchNorm1d, (4, 3, 6), (0, 2), {}),
    (nn.BatchNorm2d, (4, 3, 5, 2), (0, 2, 3), {}),
    (nn.BatchNorm2d, (4, 5, 2, 3), (0, 1, 2), {"data_format": "NHWC"}),
    (nn.BatchNorm3d, (2, 3, 4, 2, 3), (0, 2, 3, 4), {}),
]


class TestBatchNorm:
    def test_as_observed_in_mindspore(self):
        x = Tensor([[1.0, 2.0], [3.0, 8.0]])
        bn = nn.BatchNorm1d(2).set_train()
        expected = [[-0.9999949932098389, -0.9999994039535522], [0.9999949932098389, 0.9999994039535522]]
        np.testing.assert_allclose(bn(x).asnumpy(), expected, rtol=1e-6)
        np.testing.assert_allclose(bn.moving_mean.asnumpy(), [0.2, 0.5], rtol=1e-6)
        np.testing.assert_allclose(bn.moving_variance.asnumpy(), [1.1, 2.7], rtol=1e-6)
        out = bn.set_train(False)(x).asnumpy()
        np.testing.assert_allclose(
            out, [[0.7627666592597961, 0.9128692746162415], [2.6696832180023193, 4.5643463134765625]], rtol=1e-6
        )

    @pytest.mark.parametrize(("kind", "shape", "axes", "options"), BATCHES)
    def test_training(self, kind, shape, axes, options):
        x = normal(*shape)
        bn = kind(3, momentum=0.8, **options).set_train()
        np.testing.assert_allclose(bn(Tensor(x)).asnumpy(), normalized(x, axes, 1e-5), rtol=2e-5, atol=2e-5)
        inner = getattr(bn, "bn2d", bn)
        np.testing.assert_allclose(inner.moving_mean.asnumpy(), 0.2 * x.mean(axes), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(inner.moving_variance.asnumpy(), 0.8 + 0.2 * x.var(axes, ddof=1), rtol=1e-5)

    @pytest.mark.parametrize(("kind", "shape", "axes", "options"), BATCHES)
    def test_in_evaluation_mode(self, kind, shape, axes, options):
        x, mean, var, gamma, beta = normal(*shape), normal(3), normal(3) ** 2, normal(3), normal(3)
        bn = kind(
            3,
            gamma_init=Tensor(gamma),
            beta_init=Tensor(beta),
            moving_mean_init=Tensor(mean),
            moving_var_init=Tensor(var),
            **options,
        )
        mean_, var_, gamma_, beta_ = (
            each.reshape([1 if axis in axes else 3 for axis in range(len(shape))]) for each in (mean, var, gamma, beta)
        )
        expected = (x - mean_) / np.sqrt(var_ + 1e-5) * gamma_ + beta_
        np.testing.assert_allclose(bn(Tensor(x)).asnumpy(), expected, rtol=2e-4, atol=2e-4)
        np.testing.assert_array_equal(getattr(bn, "bn2d", bn).moving_mean.asnumpy(), mean)

    def test_use_batch_statistics(self):
        x = Tensor([[1.0, 2.0], [3.0, 8.0]])
        always = nn.BatchNorm1d(2, use_batch_statistics=True)
        assert abs(always(x).asnumpy()).max() < 1.0001
        np.testing.assert_allclose(always.moving_mean.asnumpy(), [0.2, 0.5], rtol=1e-6)
        never = nn.BatchNorm1d(2, use_batch_statistics=False).set_train()
        np.testing.assert_allclose(never(x).asnumpy(), x.asnumpy() / np.sqrt(1 + 1e-5), rtol=1e-6)
        assert never.moving_mean.tolist() == [0.0, 0.0]

    def test_large_means_do_not_cancel(self):
        x = (RNG.standard_normal((64, 1)) + 1e4).astype(np.float32)
        out = nn.BatchNorm1d(1).set_train()(Tensor(x)).asnumpy()
        np.testing.assert_allclose(out, normalized(x, (0,), 1e-5), atol=2e-3)

    @pytest.mark.parametrize("kind", [dt.float16, dt.bfloat16, dt.float64], ids=str)
    def test_dtypes(self, kind):
        bn = nn.BatchNorm1d(2).set_train()
        # In float16 these squares would overflow.
        x = Tensor([[1000.0, 2.0], [3000.0, 8.0]], kind)
        out = bn(x)
        assert out.dtype is kind
        assert bn.moving_mean.dtype is dt.float32
        np.testing.assert_allclose(np.asarray(out).astype(np.float64), [[-1, -1], [1, 1]], rtol=1e-2)
        np.testing.assert_allclose(bn.moving_variance.asnumpy()[0], 0.9 + 0.1 * 2e6, rtol=1e-2)

    def test_to_float_keeps_the_moving_statistics_in_float32(self):
        bn = nn.BatchNorm1d(1, moving_var_init=1e6).to_float(dt.float16).set_train()
        bn(Tensor([[1.0], [3.0]]))
        np.testing.assert_allclose(bn.moving_variance.asnumpy(), [0.9e6 + 0.2], rtol=1e-6)

    def test_compiled_gradient_steps_update_the_statistics(self):
        x = normal(6, 2)
        expected = nn.BatchNorm1d(2).set_train()
        for _ in range(3):
            expected(Tensor(x))
        bn = nn.BatchNorm1d(2).set_train()
        step = transforms.jit(transforms.grad(lambda x: (bn(x) ** 2).sum(), None, bn.trainable_params()))
        for _ in range(3):
            step(Tensor(x))
        for name in ("moving_mean", "moving_variance"):
            np.testing.assert_allclose(
                getattr(bn, name).asnumpy(), getattr(expected, name).asnumpy(), rtol=1e-5, atol=1e-6
            )

    def test_gradients(self):
        x, up = normal(6, 2).astype(np.float64), RNG.normal(size=(6, 2))
        bn = nn.BatchNorm1d(2, gamma_init=Tensor(np.array([1.5, -0.5])), dtype=dt.float64).set_train()
        dx, (dgamma, dbeta) = transforms.grad(lambda x: (bn(x) * Tensor(up)).sum(), 0, bn.trainable_params())(Tensor(x))
        xhat, gamma = normalized(x, (0,), 1e-5), np.array([1.5, -0.5])
        inner = up * gamma
        expected = (inner - inner.mean(0) - xhat * (inner * xhat).mean(0)) / np.sqrt(x.var(0) + 1e-5)
        np.testing.assert_allclose(dx.asnumpy(), expected, rtol=1e-5, atol=1e-8)
        np.testing.assert_allclose(dgamma.asnumpy(), (up * xhat).sum(0), rtol=1e-6)
        np.testing.assert_allclose(dbeta.asnumpy(), up.sum(0), rtol=1e-6)

    @pytest.mark.peers
    def test_ten_steps_against_torch(self):
        torch = pytest.importorskip("torch")
        reference, bn = torch.nn.BatchNorm2d(3), nn.BatchNorm2d(3).set_train()
        for seed in range(10):
            x = np.random.default_rng(seed).normal(seed, 2, (4, 3, 2, 5)).astype(np.float32)
            np.testing.assert_allclose(
                bn(Tensor(x)).asnumpy(), reference(torch.tensor(x)).detach().numpy(), rtol=1e-4, atol=1e-5
            )
        np.testing.assert_allclose(bn.moving_mean.asnumpy(), reference.running_mean.numpy(), rtol=1e-5)
        np.testing.assert_allclose(bn.moving_variance.asnumpy(), reference.running_var.numpy(), rtol=1e-5)

    def test_parameters(self):
        names = [(p.name, p.requires_grad) for p in nn.BatchNorm1d(2).get_parameters()]
        assert names == [("mean", False), ("variance", False), ("gamma", True), ("beta", True)]
        assert nn.BatchNorm1d(2, affine=False).trainable_params() == []
        assert nn.BatchNorm1d(2).momentum == 1 - 0.9
        assert nn.BatchNorm1d(2, gamma_init=2).gamma.tolist() == [2.0, 2.0]

        class Net(Cell):
            def __init__(self):
                super().__init__()
                self.bn = nn.BatchNorm3d(2)

        # As in MindSpore's checkpoints.
        assert [p.name for p in Net().get_parameters()] == [
            "bn.bn2d.moving_mean",
            "bn.bn2d.moving_variance",
            "bn.bn2d.gamma",
            "bn.bn2d.beta",
        ]

    def test_printed_as_mindspore(self):
        assert repr(nn.BatchNorm2d(4)) == (
            "BatchNorm2d(num_features=4, eps=1e-05, momentum=0.9, gamma=Parameter (name=gamma, shape=(4,), "
            "dtype=Float32, requires_grad=True), beta=Parameter (name=beta, shape=(4,), dtype=Float32, "
            "requires_grad=True), moving_mean=Parameter (name=mean, shape=(4,), dtype=Float32, "
            "requires_grad=False), moving_variance=Parameter (name=variance, shape=(4,), dtype=Float32, "
            "requires_grad=False))"
        )

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (lambda: nn.BatchNorm1d(0), ArgumentError, "BatchNorm1d: `num_features` must be at least 1, but got 0"),
            (lambda: nn.BatchNorm1d(2, momentum=1.5), ArgumentError, "`momentum` must be in [0.0, 1.0], but got 1.5"),
            (lambda: nn.BatchNorm1d(2, eps=-1), ArgumentError, "`eps` must be in [0.0, inf)"),
            (lambda: nn.BatchNorm2d(2, data_format="X"), ArgumentError, "`data_format` must be one of 'NCHW', 'NHWC'"),
            (
                lambda: nn.BatchNorm1d(2, use_batch_statistics=1),
                ArgumentTypeError,
                "`use_batch_statistics` must be bool, but got 1",
            ),
            (
                lambda: nn.BatchNorm1d(2)(Tensor(normal(2, 3))),
                ShapeError,
                "BatchNorm1d: axis 1 of the input must have size num_features=2, but got shape (2, 3)",
            ),
            (
                lambda: nn.BatchNorm1d(2)(Tensor(normal(2, 2, 2, 2))),
                ShapeError,
                "the input must have 2 or 3 dimensions, (N, C) or (N, C, L), but got shape (2, 2, 2, 2)",
            ),
            (lambda: nn.BatchNorm2d(3)(Tensor(normal(2, 3))), ShapeError, "must have 4 dimensions, (N, C, H, W)"),
            (lambda: nn.BatchNorm3d(3)(Tensor(normal(2, 3))), ShapeError, "BatchNorm3d: the input must have 5"),
            (lambda: nn.BatchNorm1d(2)(Tensor([[1, 2]])), DtypeError, "BatchNorm1d: the input must be of a floating"),
            (
                lambda: nn.BatchNorm1d(2).set_train()(Tensor([[1.0, 2.0]])),
                ShapeError,
                "the variance of a single value for each feature is not defined, but got an input of shape (1, 2) in "
                "training. Use batches of 2 or more (drop_remainder=True drops a smaller last one)",
            ),
        ],
    )
    def test_errors(self, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call()

    def test_a_batch_of_one_in_evaluation_mode(self):
        assert nn.BatchNorm1d(2)(Tensor([[1.0, 2.0]])).shape == (1, 2)
        assert nn.BatchNorm2d(1).set_train()(Tensor(normal(1, 1, 2, 2))).shape == (1, 1, 2, 2)


class TestLayerNorm:
    @pytest.mark.parametrize(
        ("shape", "params", "begin_norm", "begin_params", "axes"),
        [
            ((4, 5), (5,), -1, -1, (1,)),
            ((2, 3, 5), (3, 5), 1, 1, (1, 2)),
            ((2, 3, 5), (5,), 1, -1, (1, 2)),
            ((2, 3, 5), (2, 3, 5), 2, 0, (2,)),
        ],
    )
    def test_values(self, shape, params, begin_norm, begin_params, axes):
        x, gamma, beta = normal(*shape), normal(*params), normal(*params)
        cell = nn.LayerNorm(params, begin_norm, begin_params, Tensor(gamma), Tensor(beta))
        expected = normalized(x, axes, 1e-7, gamma, beta)
        np.testing.assert_allclose(cell(Tensor(x)).asnumpy(), expected, rtol=1e-4, atol=1e-4)

    @pytest.mark.peers
    def test_against_torch(self):
        torch = pytest.importorskip("torch")
        x = normal(4, 5)
        given = torch.tensor(x, requires_grad=True)
        out = torch.nn.functional.layer_norm(given, (5,), eps=1e-3)
        (out**3).sum().backward()
        cell = nn.LayerNorm(5, epsilon=1e-3)
        gradient = transforms.grad(lambda x: (cell(x) ** 3).sum())(Tensor(x))
        np.testing.assert_allclose(cell(Tensor(x)).asnumpy(), out.detach().numpy(), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(gradient.asnumpy(), given.grad.numpy(), rtol=1e-4, atol=1e-5)

    def test_half_precision_is_computed_in_float32(self):
        out = nn.LayerNorm(2)(Tensor([[1000.0, 3000.0]], dt.float16))
        assert out.dtype is dt.float16
        assert out.tolist() == [[-1.0, 1.0]]

    def test_printed_form(self):
        assert repr(nn.LayerNorm((3,))) == (
            "LayerNorm(normalized_shape=(3,), begin_norm_axis=-1, begin_params_axis=-1, gamma=Parameter "
            "(name=gamma, shape=(3,), dtype=Float32, requires_grad=True), beta=Parameter (name=beta, shape=(3,), "
            "dtype=Float32, requires_grad=True))"
        )

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (lambda: nn.LayerNorm("a"), ArgumentTypeError, "`normalized_shape` must be an int, or a tuple or list"),
            (lambda: nn.LayerNorm(()), ArgumentTypeError, "but got ()"),
            (lambda: nn.LayerNorm((0,)), ArgumentError, "`normalized_shape` must be at least 1"),
            (lambda: nn.LayerNorm(3, epsilon=0), ArgumentError, "`epsilon` must be in (0.0, inf)"),
            (
                lambda: nn.LayerNorm((4,))(Tensor(normal(2, 3))),
                ShapeError,
                "from begin_params_axis=-1 on must have the sizes normalized_shape=(4,), but got shape (2, 3)",
            ),
            (lambda: nn.LayerNorm((3,), 5)(Tensor(normal(2, 3))), ShapeError, "`begin_norm_axis`=5 is not an axis"),
            (lambda: nn.LayerNorm((2,))(Tensor([[1, 2]])), DtypeError, "LayerNorm: the input must be of a floating"),
        ],
    )
    def test_errors(self, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call()


class TestGroupNorm:
    @pytest.mark.parametrize("shape", [(3, 4), (2, 4, 5), (2, 4, 3, 2)])
    @pytest.mark.parametrize("groups", [1, 2, 4])
    def test_values(self, shape, groups):
        x, gamma, beta = normal(*shape), normal(4), normal(4)
        cell = nn.GroupNorm(groups, 4, gamma_init=Tensor(gamma), beta_init=Tensor(beta))
        grouped = normalized(x.reshape(shape[0], groups, -1), (2,), 1e-5).reshape(shape)
        channels = (1, 4) + (1,) * (len(shape) - 2)
        expected = grouped * gamma.reshape(channels) + beta.reshape(channels)
        np.testing.assert_allclose(cell(Tensor(x)).asnumpy(), expected, rtol=1e-4, atol=1e-4)

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (
                lambda: nn.GroupNorm(2, 5),
                ShapeError,
                "must be a multiple of `num_groups`, but got 5 channels and 2 groups",
            ),
            (lambda: nn.GroupNorm(0, 5), ArgumentError, "GroupNorm: `num_groups` must be at least 1"),
            (
                lambda: nn.GroupNorm(1, 3)(Tensor(normal(2, 4))),
                ShapeError,
                "must have size num_channels=3, but got shape",
            ),
            (lambda: nn.GroupNorm(1, 3)(Tensor(normal(3))), ShapeError, "but got shape (3,)"),
        ],
    )
    def test_errors(self, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call()

    def test_parameters(self):
        assert nn.GroupNorm(2, 4, affine=False).trainable_params() == []
        assert repr(nn.GroupNorm(2, 4)) == "GroupNorm(num_groups=2, num_channels=4)"


class TestCustomDerivative:
    """The derivative rule of normalization against automatic differentiation of the formula."""

    @pytest.mark.parametrize("axes", [(1,), (0, 2), (0, 1, 2)])
    def test_every_mode_and_order(self, axes):
        rng = np.random.default_rng(3)
        with jax.enable_x64(True):
            x, t, up = (jnp.asarray(rng.normal(2, 3, (3, 4, 5))) for _ in range(3))

            def plain(x):
                centered = x - x.mean(axes, keepdims=True)
                return centered / jnp.sqrt((centered**2).mean(axes, keepdims=True) + 1e-3)

            def custom(x):
                return _standardized(x, axes, 1e-3)[0]

            def derivatives(fn, x):
                def gradient(x):
                    return jax.grad(lambda x: (up * fn(x)).sum())(x)

                return [
                    fn(x),
                    jax.jvp(fn, (x,), (t,))[1],
                    gradient(x),
                    jax.jvp(gradient, (x,), (t,))[1],
                    jax.grad(lambda x: (t * gradient(x)).sum())(x),
                ]

            run = jax.jit(lambda x: (derivatives(plain, x), derivatives(custom, x)))
            for expected, actual in zip(*run(x), strict=True):
                np.testing.assert_allclose(actual, expected, rtol=1e-10, atol=1e-12)
