"""Convolution and pooling: values against loops, values and gradients against torch, printed forms, messages."""

from __future__ import annotations

import itertools
import re

import jax
import numpy as np
import pytest

import sporax.core.dtype as dt
from sporax import nn, ops, transforms
from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError
from sporax.core import Tensor, set_seed

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(71)


def normal(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def same_pads(length, span, stride):
    total = max((-(-length // stride) - 1) * stride + span - length, 0)
    return total // 2, total - total // 2


def windows(x, kernel, stride, pads, dilation, fill):
    """Yield (i, j) and the elements, of shape (N, C, kh, kw), of each window of (N, C, H, W)."""
    x = np.pad(x.astype(np.float64), ((0, 0), (0, 0), *pads), constant_values=fill)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    counts = [(n - r) // s + 1 for n, r, s in zip(x.shape[2:], spans, stride, strict=True)]
    for i, j in itertools.product(*map(range, counts)):
        top, left = i * stride[0], j * stride[1]
        rows = slice(top, top + spans[0], dilation[0])
        columns = slice(left, left + spans[1], dilation[1])
        yield (i, j), x[:, :, rows, columns]


def conv_by_loop(x, w, stride, pads, dilation, group):
    parts = []
    for xs, ws in zip(np.split(x, group, 1), np.split(w.astype(np.float64), group, 0), strict=True):
        found = dict(windows(xs, w.shape[2:], stride, pads, dilation, 0.0))
        height, width = max(i for i, _ in found) + 1, max(j for _, j in found) + 1
        out = np.zeros((len(x), len(ws), height, width))
        for (i, j), window in found.items():
            for o, kernel in enumerate(ws):
                out[:, o, i, j] = (window * kernel).sum((1, 2, 3))
        parts.append(out)
    return np.concatenate(parts, 1)


MODES = [("valid", 0), ("same", 0), ("pad", 2), ("pad", (1, 0, 2, 3))]
SHAPES = [  # kernel, stride, dilation, group
    ((3, 2), (1, 1), (1, 1), 1),
    ((2, 4), (3, 2), (1, 1), 2),
    ((3, 2), (2, 1), (2, 3), 1),
    ((1, 1), (2, 3), (1, 1), 4),
    ((3, 3), (2, 2), (2, 1), 4),
]


def pads_of(mode, padding, spatial, kernel, stride, dilation):
    if mode == "same":
        spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        return [same_pads(n, r, s) for n, r, s in zip(spatial, spans, stride, strict=True)]
    numbers = (padding,) * 4 if isinstance(padding, int) else padding
    return [numbers[:2], numbers[2:]]


class TestConv:
    @pytest.mark.parametrize(("mode", "padding"), MODES)
    @pytest.mark.parametrize(("kernel", "stride", "dilation", "group"), SHAPES)
    def test_against_a_loop(self, mode, padding, kernel, stride, dilation, group):
        x, w, b = normal(2, 4, 9, 8), normal(8, 4 // group, *kernel), normal(8)
        net = nn.Conv2d(4, 8, kernel, stride, mode, padding, dilation, group, True, Tensor(w), Tensor(b))
        pads = pads_of(mode, padding, x.shape[2:], kernel, stride, dilation)
        expected = conv_by_loop(x, w, stride, pads, dilation, group) + b.reshape(-1, 1, 1)
        np.testing.assert_allclose(net(Tensor(x)).asnumpy(), expected, rtol=1e-4, atol=1e-5)
        found = ops.conv2d(Tensor(x), Tensor(w), Tensor(b), stride, mode, padding, dilation, group)
        np.testing.assert_allclose(found.asnumpy(), expected, rtol=1e-4, atol=1e-5)

    def test_channels_last(self):
        x, w, b = normal(2, 4, 7, 6), normal(6, 2, 3, 2), normal(6)
        first = nn.Conv2d(4, 6, (3, 2), 2, "pad", (1, 0, 2, 1), 1, 2, True, Tensor(w), Tensor(b))
        transposed = Tensor(w.transpose(0, 2, 3, 1).copy())
        last = nn.Conv2d(4, 6, (3, 2), 2, "pad", (1, 0, 2, 1), 1, 2, True, transposed, Tensor(b), "NHWC")
        found = last(Tensor(x.transpose(0, 2, 3, 1).copy())).asnumpy().transpose(0, 3, 1, 2)
        np.testing.assert_allclose(found, first(Tensor(x)).asnumpy(), rtol=1e-5, atol=1e-5)
        assert last.weight.shape == (6, 3, 2, 2)

    @pytest.mark.parametrize(("mode", "padding"), [("valid", 0), ("same", 0), ("pad", 2)])
    def test_conv1d_equals_conv2d_of_height_one(self, mode, padding):
        x, w, b = normal(3, 4, 11), normal(6, 2, 3), normal(6)
        net = nn.Conv1d(4, 6, 3, 2, mode, padding, 2, 2, True, Tensor(w), Tensor(b))
        assert net.weight.shape == (6, 2, 1, 3)
        pads = pads_of(mode, (0, 0, padding, padding), (1, 11), (1, 3), (1, 2), (1, 2))
        expected = conv_by_loop(x[:, :, None], w[:, :, None], (1, 2), pads, (1, 2), 2)[:, :, 0] + b.reshape(-1, 1)
        np.testing.assert_allclose(net(Tensor(x)).asnumpy(), expected, rtol=1e-4, atol=1e-5)
        found = ops.conv1d(Tensor(x), Tensor(w), Tensor(b), 2, mode, padding, 2, 2)
        np.testing.assert_allclose(found.asnumpy(), expected, rtol=1e-4, atol=1e-5)

    def test_conv3d_of_depth_one_equals_conv2d(self):
        x, w, b = normal(2, 3, 6, 7), normal(4, 3, 3, 2), normal(4)
        net = nn.Conv3d(
            3, 4, (1, 3, 2), (1, 2, 1), has_bias=True, weight_init=Tensor(w[:, :, None]), bias_init=Tensor(b)
        )
        flat = nn.Conv2d(3, 4, (3, 2), (2, 1), has_bias=True, weight_init=Tensor(w), bias_init=Tensor(b))
        found = net(Tensor(x[:, :, None])).asnumpy()[:, :, 0]
        np.testing.assert_allclose(found, flat(Tensor(x)).asnumpy(), rtol=1e-5, atol=1e-5)

    @pytest.mark.parametrize(("mode", "padding"), MODES)
    @pytest.mark.parametrize(("kernel", "stride", "dilation", "group"), SHAPES)
    def test_the_transposed_convolution_is_the_adjoint(self, mode, padding, kernel, stride, dilation, group):
        # <conv(y), x> = <y, transpose(x)> for y of the shape of the output.
        x, w = normal(2, 8, 5, 6), normal(8, 4 // group, *kernel)
        net = nn.Conv2dTranspose(8, 4, kernel, stride, mode, padding, 0, dilation, group, weight_init=Tensor(w))
        out = net(Tensor(x)).asnumpy()
        y = normal(*out.shape)
        forward = ops.conv2d(Tensor(y), Tensor(w), None, stride, mode, padding, dilation, group).asnumpy()
        assert forward.shape == x.shape
        np.testing.assert_allclose((forward * x).sum(), (y * out).sum(), rtol=1e-3, atol=1e-2)

    def test_transposed_as_observed_in_mindspore(self):
        x = Tensor(-np.arange(1, 26, dtype=np.float32).reshape(1, 1, 5, 5))
        net = nn.Conv2dTranspose(1, 1, 3, 2, "same", weight_init="ones")
        expected = [[-1, -1, -3, -2], [-1, -1, -3, -2], [-7, -7, -16, -9], [-6, -6, -13, -7]]
        np.testing.assert_array_equal(net(x).asnumpy()[0, 0, :4, :4], expected)
        net = nn.Conv2dTranspose(1, 1, 2, 3, "valid", weight_init="ones")
        assert net(x).shape == (1, 1, 15, 15)
        assert not net(x).asnumpy()[:, :, :, 2::3].any()
        net = nn.Conv2dTranspose(1, 1, 3, 2, "pad", 1, 1, has_bias=True, weight_init="ones", bias_init=5)
        assert net(x).shape == (1, 1, 10, 10)
        assert not net(x).asnumpy()[0, 0, 9].any()

    def test_conv1d_transpose_equals_conv2d_transpose_of_height_one(self):
        x, w = normal(2, 4, 7), normal(4, 3, 5)
        net = nn.Conv1dTranspose(4, 3, 5, 2, "pad", 1, weight_init=Tensor(w))
        wide = nn.Conv2dTranspose(4, 3, (1, 5), (1, 2), "pad", (0, 0, 1, 1), weight_init=Tensor(w[:, :, None]))
        np.testing.assert_allclose(net(Tensor(x)).asnumpy(), wide(Tensor(x[:, :, None])).asnumpy()[:, :, 0], rtol=1e-5)
        assert net.weight.shape == (4, 3, 1, 5)

    @pytest.mark.parametrize(
        ("net", "shape", "expected"),
        [
            (lambda: nn.Conv2d(120, 240, 4, has_bias=False, weight_init="normal"), (1, 120, 16, 32), (1, 240, 16, 32)),
            (lambda: nn.Conv1d(120, 240, 4, has_bias=False, weight_init="normal"), (1, 120, 64), (1, 240, 64)),
            (lambda: nn.Conv3d(3, 4, (4, 3, 3)), (2, 3, 5, 6, 7), (2, 4, 5, 6, 7)),
            (lambda: nn.Conv2dTranspose(3, 64, 4, pad_mode="pad"), (1, 3, 16, 50), (1, 64, 19, 53)),
            (lambda: nn.Conv1dTranspose(3, 64, 4, pad_mode="pad"), (1, 3, 50), (1, 64, 53)),
            (lambda: nn.MaxPool2d(2, 1, "pad", 1), (5, 3, 4, 5), (5, 3, 5, 6)),
            (lambda: nn.AvgPool1d(4, 1, "pad", 2, ceil_mode=True), (6, 6, 8), (6, 6, 9)),
            (lambda: nn.AvgPool2d(3), (1, 2, 4, 4), (1, 2, 2, 2)),
        ],
    )
    def test_documented_shapes(self, net, shape, expected):
        assert net()(Tensor(normal(*shape))).shape == expected

    def test_default_values_as_in_mindspore(self):
        set_seed(1)
        net = nn.Conv2d(16, 300, 5, group=4, has_bias=True)
        bound = 1 / np.sqrt(4 * 25)
        for values in (net.weight.asnumpy(), net.bias.asnumpy()):
            assert 0.98 * bound < abs(values).max() <= bound
            assert values.std() == pytest.approx(bound / np.sqrt(3), rel=0.06)
        assert [p.name for p in net.get_parameters()] == ["weight", "bias"]

    def test_half_precision_is_preserved(self):
        net = nn.Conv2d(3, 4, 3, dtype=dt.bfloat16)
        assert net(Tensor(normal(1, 3, 5, 5)).astype(dt.bfloat16)).dtype is dt.bfloat16


POOLS = [  # kernel, stride, padding
    ((2, 2), (2, 2), (0, 0)),
    ((3, 2), (1, 2), (1, 0)),
    ((2, 3), (3, 1), (1, 1)),
    ((9, 4), (2, 3), (4, 2)),
    ((11, 12), (1, 1), (1, 3)),
]


class TestPooling:
    @pytest.mark.parametrize(("kernel", "stride", "padding"), POOLS)
    def test_against_a_loop(self, kernel, stride, padding):
        x = normal(2, 3, 12, 13)
        pads = [(p, p) for p in padding]
        maximum = nn.MaxPool2d(kernel, stride, "pad", padding)(Tensor(x)).asnumpy()
        mean = nn.AvgPool2d(kernel, stride, "pad", padding)(Tensor(x)).asnumpy()
        inner = nn.AvgPool2d(kernel, stride, "pad", padding, count_include_pad=False)(Tensor(x)).asnumpy()
        ninth = nn.AvgPool2d(kernel, stride, "pad", padding, divisor_override=9)(Tensor(x)).asnumpy()
        for (i, j), window in windows(x, kernel, stride, pads, (1, 1), np.nan):
            filled = np.nan_to_num(window)
            np.testing.assert_array_equal(maximum[:, :, i, j], np.nanmax(window, (2, 3)).astype(np.float32))
            np.testing.assert_allclose(mean[:, :, i, j], filled.mean((2, 3)), rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(inner[:, :, i, j], np.nanmean(window, (2, 3)), rtol=1e-4, atol=1e-6)
            np.testing.assert_allclose(ninth[:, :, i, j], filled.sum((2, 3)) / 9, rtol=1e-4, atol=1e-6)

    @pytest.mark.parametrize(("kernel", "stride"), [((3, 2), (2, 2)), ((4, 9), (3, 1)), ((1, 1), (2, 3))])
    @pytest.mark.parametrize("mode", ["same", "valid"])
    def test_modes(self, kernel, stride, mode):
        x = normal(2, 3, 11, 10)
        pads = pads_of(mode, 0, x.shape[2:], kernel, stride, (1, 1))
        maximum = nn.MaxPool2d(kernel, stride, mode)(Tensor(x)).asnumpy()
        mean = nn.AvgPool2d(kernel, stride, mode)(Tensor(x)).asnumpy()
        last = nn.MaxPool2d(kernel, stride, mode, data_format="NHWC")(Tensor(x.transpose(0, 2, 3, 1).copy()))
        np.testing.assert_array_equal(last.asnumpy().transpose(0, 3, 1, 2), maximum)
        found = dict(windows(x, kernel, stride, pads, (1, 1), np.nan))
        assert maximum.shape[2:] == tuple(np.max(list(found), axis=0) + 1)
        for (i, j), window in found.items():
            np.testing.assert_array_equal(maximum[:, :, i, j], np.nanmax(window, (2, 3)).astype(np.float32))
            np.testing.assert_allclose(mean[:, :, i, j], np.nanmean(window, (2, 3)), rtol=1e-4, atol=1e-6)

    def test_as_observed_in_mindspore(self):
        x = Tensor(-np.arange(1, 26, dtype=np.float32).reshape(1, 1, 5, 5))
        expected = [[-0.25, -1.25, -2.25], [-4.25, -10.0, -12.0], [-9.25, -20.0, -22.0]]
        found = nn.AvgPool2d(2, 2, "pad", 1, ceil_mode=True)(x)
        np.testing.assert_allclose(found.asnumpy()[0, 0], expected)
        found = nn.AvgPool2d(2, 2, ceil_mode=True)(x)
        np.testing.assert_allclose(found.asnumpy()[0, 0], [[-4, -6, -7.5], [-14, -16, -17.5], [-21.5, -23.5, -25]])
        values, indices = nn.MaxPool2d(2, 2, "pad", 1, return_indices=True)(x)
        np.testing.assert_array_equal(values.asnumpy()[0, 0], [[-1, -2, -4], [-6, -7, -9], [-16, -17, -19]])
        np.testing.assert_array_equal(indices.asnumpy()[0, 0], [[0, 1, 3], [5, 6, 8], [15, 16, 18]])
        assert indices.dtype is dt.int64
        line = Tensor(-np.arange(1, 12, dtype=np.float32).reshape(1, 1, 11))
        np.testing.assert_allclose(nn.AvgPool1d(3, 2, "same")(line).asnumpy()[0, 0], [-1.5, -3, -5, -7, -9, -10.5])
        np.testing.assert_allclose(nn.MaxPool1d(3, 2, "pad", 1)(line).asnumpy()[0, 0], [-1, -2, -4, -6, -8, -10])

    def test_without_a_batch_axis(self):
        x, line = normal(3, 6, 7), normal(3, 9)
        for pool in (nn.MaxPool2d(2, 2), nn.AvgPool2d(3, 1, "pad", 1), nn.AdaptiveAvgPool2d((2, 3))):
            np.testing.assert_array_equal(pool(Tensor(x)).asnumpy(), pool(Tensor(x[None])).asnumpy()[0])
        for pool in (nn.MaxPool1d(2, 2), nn.AvgPool1d(3, 1, "pad", 1)):
            np.testing.assert_array_equal(pool(Tensor(line)).asnumpy(), pool(Tensor(line[None])).asnumpy()[0])
        values, indices = nn.MaxPool1d(2, 2, "pad", 1, return_indices=True)(Tensor(line))
        np.testing.assert_array_equal(np.take_along_axis(line, indices.asnumpy(), 1), values.asnumpy())

    @pytest.mark.parametrize("kernel", [3, 10])
    def test_ties_and_nan(self, kernel):
        pool = nn.MaxPool1d(kernel)
        gradient = transforms.grad(lambda x: pool(x).sum())(Tensor(np.zeros((1, 1, kernel), np.float32)))
        np.testing.assert_array_equal(gradient.asnumpy()[0, 0], np.eye(kernel)[0])
        x = np.arange(kernel, dtype=np.float32)
        x[1] = np.nan
        assert np.isnan(pool(Tensor(x[None, None])).asnumpy()).all()

    def test_max_pool_of_integers(self):
        x = Tensor(-np.arange(1, 10, dtype=np.int32).reshape(1, 1, 3, 3))
        np.testing.assert_array_equal(nn.MaxPool2d(2, 2, "pad", 1)(x).asnumpy()[0, 0], [[-1, -2], [-4, -5]])

    def test_adaptive(self):
        x = normal(2, 3, 7, 10)
        found = nn.AdaptiveAvgPool2d((3, 4))(Tensor(x)).asnumpy()
        for i, j in itertools.product(range(3), range(4)):
            part = x[:, :, i * 7 // 3 : -(-(i + 1) * 7 // 3), j * 10 // 4 : -(-(j + 1) * 10 // 4)]
            np.testing.assert_allclose(found[:, :, i, j], part.mean((2, 3)), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(
            nn.AdaptiveAvgPool2d((1, None))(Tensor(x)).asnumpy(), x.mean(2, keepdims=True), rtol=1e-5, atol=1e-6
        )

    def test_half_precision_is_summed_in_float32(self):
        x = Tensor(np.full((1, 1, 64, 64), 100.0, np.float16))
        assert nn.AvgPool2d(64)(x).asnumpy().item() == 100.0
        assert nn.AvgPool2d(64)(x).dtype is dt.float16


@pytest.mark.peers
class TestAgainstTorch:
    def check(self, net, reference, x, weights=()):
        """Compare the value and the gradients of the input and the weights with those of `reference`."""
        torch = pytest.importorskip("torch")
        scale = None

        def loss(x):
            nonlocal scale
            out = net(x)
            scale = np.random.default_rng(3).standard_normal(out.shape).astype(np.float32)
            return (out * Tensor(scale)).sum(), out

        step = transforms.value_and_grad(loss, 0, list(weights) or None, has_aux=True)
        (_, out), gradients = transforms.jit(step)(Tensor(x))
        given = torch.from_numpy(x).requires_grad_()
        leaves = [torch.from_numpy(w.asnumpy().copy()).requires_grad_() for w in weights]
        expected = reference(torch.nn.functional, given, *leaves)
        np.testing.assert_allclose(out.asnumpy(), expected.detach().numpy(), rtol=1e-4, atol=1e-5)
        (expected * torch.from_numpy(scale)).sum().backward()
        found = jax.tree.leaves(gradients, is_leaf=lambda each: isinstance(each, Tensor))
        for actual, leaf in zip(found, [given, *leaves], strict=True):
            np.testing.assert_allclose(actual.asnumpy(), leaf.grad.numpy(), rtol=1e-3, atol=1e-4)

    def test_the_check_can_fail(self):
        net = nn.Conv2d(3, 4, 3)
        with pytest.raises(AssertionError):
            self.check(net, lambda f, x, w: f.conv2d(x, w, padding=1) * 1.01, normal(2, 3, 6, 7), [net.weight])

    @pytest.mark.parametrize(("kernel", "stride", "dilation", "group"), SHAPES)
    def test_conv2d(self, kernel, stride, dilation, group):
        net = nn.Conv2d(4, 8, kernel, stride, "pad", (2, 2, 1, 1), dilation, group, has_bias=True)
        self.check(
            net,
            lambda f, x, w, b: f.conv2d(x, w, b, stride, (2, 1), dilation, group),
            normal(2, 4, 9, 8),
            [net.weight, net.bias],
        )

    def test_conv2d_same(self):
        net = nn.Conv2d(4, 8, (3, 4), dilation=(1, 2), has_bias=True)
        self.check(
            net,
            lambda f, x, w, b: f.conv2d(x, w, b, padding="same", dilation=(1, 2)),
            normal(2, 4, 9, 8),
            [net.weight, net.bias],
        )

    @pytest.mark.parametrize(("kernel", "stride", "dilation", "group"), SHAPES)
    def test_conv2d_transpose(self, kernel, stride, dilation, group):
        net = nn.Conv2dTranspose(8, 4, kernel, stride, "pad", 1, 0, dilation, group, has_bias=True)
        self.check(
            net,
            lambda f, x, w, b: f.conv_transpose2d(x, w, b, stride, 1, 0, group, dilation),
            normal(2, 8, 5, 6),
            [net.weight, net.bias],
        )

    def test_conv3d(self):
        net = nn.Conv3d(4, 6, (2, 3, 1), (1, 2, 1), "pad", (1, 1, 0, 0, 2, 2), (1, 2, 1), 2, has_bias=True)
        self.check(
            net,
            lambda f, x, w, b: f.conv3d(x, w, b, (1, 2, 1), (1, 0, 2), (1, 2, 1), 2),
            normal(2, 4, 4, 6, 5),
            [net.weight, net.bias],
        )

    @pytest.mark.parametrize("ceil", [False, True])
    @pytest.mark.parametrize(("kernel", "stride", "padding"), POOLS)
    def test_pooling(self, kernel, stride, padding, ceil):
        x = normal(2, 3, 12, 13)
        self.check(
            nn.MaxPool2d(kernel, stride, "pad", padding, ceil_mode=ceil),
            lambda f, x: f.max_pool2d(x, kernel, stride, padding, ceil_mode=ceil),
            x,
        )
        for include in (False, True):
            self.check(
                nn.AvgPool2d(kernel, stride, "pad", padding, ceil, include),
                lambda f, x, include=include: f.avg_pool2d(x, kernel, stride, padding, ceil, include),
                x,
            )

    def test_max_pool_with_dilation_and_indices(self):
        torch = pytest.importorskip("torch")
        x = normal(2, 3, 12, 13)
        values, indices = ops.max_pool2d(Tensor(x), (3, 2), (2, 1), (1, 1), (2, 3), True, True)
        expected = torch.nn.functional.max_pool2d(torch.from_numpy(x), (3, 2), (2, 1), (1, 1), (2, 3), True, True)
        np.testing.assert_array_equal(values.asnumpy(), expected[0].numpy())
        np.testing.assert_array_equal(indices.asnumpy(), expected[1].numpy())

    def test_adaptive(self):
        self.check(nn.AdaptiveAvgPool2d((3, 4)), lambda f, x: f.adaptive_avg_pool2d(x, (3, 4)), normal(2, 3, 7, 10))


class TestPrintedFormsAndMessages:
    @pytest.mark.parametrize(
        ("net", "text"),
        [
            (
                nn.Conv2d(3, 4, 3, weight_init="ones", has_bias=True, bias_init="zeros"),
                "Conv2d(input_channels=3, output_channels=4, kernel_size=(3, 3), stride=(1, 1), pad_mode=same, "
                "padding=0, dilation=(1, 1), group=1, has_bias=True, weight_init=ones, bias_init=zeros, format=NCHW)",
            ),
            (
                nn.Conv1d(3, 4, 3, weight_init="normal", pad_mode="pad", padding=2),
                "Conv1d(input_channels=3, output_channels=4, kernel_size=(1, 3), stride=(1, 1), pad_mode=pad, "
                "padding=(0, 0, 2, 2), dilation=(1, 1), group=1, has_bias=False, weight_init=normal, bias_init=None, "
                "format=NCHW)",
            ),
            (nn.MaxPool1d(3, 2, "same"), "MaxPool1d(kernel_size=(1, 3), stride=(1, 2), pad_mode=SAME)"),
            (nn.MaxPool1d(3, 2, "pad", 1), "MaxPool1d(kernel_size=(1, 1, 3), stride=(1, 1, 2), pad_mode=PAD)"),
            (nn.MaxPool2d(3, 2), "MaxPool2d(kernel_size=3, stride=2, pad_mode=VALID)"),
            (nn.AvgPool1d(3, 2), "AvgPool1d(kernel_size=(1, 3), stride=(1, 2), pad_mode=VALID)"),
            (nn.AvgPool1d(3, 2, "pad", 1), "AvgPool1d(kernel_size=3, stride=2, pad_mode=PAD)"),
            (nn.AvgPool2d((3, 2), 2, "same"), "AvgPool2d(kernel_size=(3, 2), stride=2, pad_mode=SAME)"),
            (nn.AdaptiveAvgPool2d(2), "AdaptiveAvgPool2d()"),
        ],
    )
    def test_printed_as_mindspore(self, net, text):
        assert repr(net) == text

    @pytest.mark.parametrize(
        ("call", "error", "message"),
        [
            (lambda: nn.Conv2d(3, 4, 3, pad_mode="sme"), ArgumentError, "Did you mean 'same'?"),
            (lambda: nn.Conv2d(3, 4, 3, padding=1), ArgumentError, "Use pad_mode='pad' to choose the padding"),
            (lambda: nn.Conv2d(3, 4, 3, pad_mode="pad", padding=(1, 2)), ArgumentError, "4 ints, before and after"),
            (lambda: nn.Conv2d(3, 4, 3, pad_mode="pad", padding="1"), ArgumentTypeError, "but got '1' of type str"),
            (lambda: nn.Conv2d(4, 4, 3, group=3), ArgumentError, "in_channels=4 and group=3"),
            (lambda: nn.Conv2d(3, 4, (3, 3, 3)), ArgumentError, "must be an int or 2 ints"),
            (lambda: nn.Conv2d(3, 4, 0), ArgumentError, "`kernel_size` must be at least 1, but got 0"),
            (lambda: nn.Conv2d(3, 4, 3.0), ArgumentTypeError, "but got 3.0 of type float"),
            (lambda: nn.Conv2d(3, 4, 3, weight_init=Tensor(normal(4, 3))), ShapeError, "must have shape (4, 3, 3, 3)"),
            (lambda: nn.Conv1d(3, 4, 3, weight_init=Tensor(normal(4, 3))), ShapeError, "must have 3 dimensions"),
            (lambda: nn.Conv2d(3, 4, 3)(Tensor(normal(3, 5, 5))), ShapeError, "x.expand_dims(0)"),
            (lambda: nn.Conv2d(3, 4, 3)(Tensor(normal(2, 5, 5, 3))), ShapeError, "on another axis; transpose it"),
            (lambda: nn.Conv2d(3, 4, 3)(Tensor(normal(2, 2, 5, 5))), ShapeError, "in_channels=3, but got shape (2, 2"),
            (lambda: nn.Conv2d(3, 4, 3)(Tensor(np.ones((1, 3, 5, 5)))), DtypeError, "x.astype(sporax.float32)"),
            (lambda: nn.Conv2d(3, 4, 3)(Tensor(np.ones((1, 3, 5, 5), int))), DtypeError, "Cast it first"),
            (lambda: nn.Conv2d(3, 4, 7, pad_mode="valid")(Tensor(normal(1, 3, 5, 5))), ShapeError, "a smaller kernel"),
            (lambda: nn.Conv2dTranspose(3, 4, 3, 2, "pad", 1, 2), ArgumentError, "stride and dilation, 2, but got 2"),
            (lambda: nn.Conv2dTranspose(3, 4, 3, 2, "same", 0, 1), ArgumentError, "Use pad_mode='pad'"),
            (
                lambda: nn.Conv2dTranspose(3, 4, 3, 1, "pad", 4)(Tensor(normal(1, 3, 3, 3))),
                ShapeError,
                "would have size (-3, -3). Reduce `padding`",
            ),
            (lambda: nn.MaxPool2d(2, 2, "valid", 1), ArgumentError, "`padding` must be 0 with pad_mode 'valid'"),
            (lambda: nn.MaxPool2d(2, 2, ceil_mode=True), ArgumentError, "require pad_mode 'pad'"),
            (lambda: nn.MaxPool2d(2, 2, "pad", data_format="NHWC"), ArgumentError, "Transpose the input"),
            (lambda: nn.MaxPool2d((2, 2, 2)), ArgumentError, "an int or 2 ints"),
            (lambda: nn.MaxPool2d(3, 1, "pad", 2)(Tensor(normal(1, 1, 5, 5))), ArgumentError, "at most half"),
            (lambda: nn.MaxPool2d(6)(Tensor(normal(1, 1, 5, 5))), ShapeError, "a smaller kernel"),
            (lambda: nn.MaxPool2d(2)(Tensor(normal(5, 5))), ShapeError, "(N, C, H, W) or (C, H, W)"),
            (lambda: nn.AvgPool2d(2)(Tensor(np.ones((1, 1, 5, 5), int))), DtypeError, "Cast it first"),
            (lambda: nn.AvgPool2d(2, divisor_override=0), ArgumentError, "at least 1, but got 0"),
            (lambda: nn.AvgPool1d((2,)), ArgumentTypeError, "must be an int, but got (2,)"),
            (lambda: nn.AdaptiveAvgPool2d((2, 3, 4)), ArgumentError, "an int or (height, width)"),
            (
                lambda: ops.conv2d(Tensor(normal(1, 3, 5, 5)), Tensor(normal(4, 2, 3, 3))),
                ShapeError,
                "is for 2 (1 group",
            ),
            (
                lambda: ops.Conv2D(4, 3)(Tensor(normal(1, 3, 5, 5)), Tensor(normal(5, 3, 3, 3))),
                ShapeError,
                "out_channel=4",
            ),
        ],
    )
    def test_messages(self, call, error, message):
        with pytest.raises(error, match=re.escape(message)):
            call()

    def test_compiled_equals_eager(self):
        net = nn.SequentialCell(nn.Conv2d(3, 4, 3, has_bias=True), nn.ReLU(), nn.MaxPool2d(2, 2))
        x = Tensor(normal(2, 3, 6, 8))
        np.testing.assert_allclose(transforms.jit(net)(x).asnumpy(), net(x).asnumpy(), rtol=1e-4, atol=1e-5)
