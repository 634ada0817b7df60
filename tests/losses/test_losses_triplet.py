"""Triplet losses: compared with PyTorch over every argument, at ties, and for equal points."""

from __future__ import annotations

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import ORACLES
from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError, ShapeError

pytestmark = pytest.mark.slow

INF = math.inf
LOSS = losses.triplet_margin_loss


def value_and_gradients(fn, *arrays):
    @jax.jit
    def run(*arrays):
        values, pull = jax.vjp(fn, *arrays)
        return values, pull(jnp.ones_like(values))

    values, gradients = run(*arrays)
    return np.asarray(values), [np.asarray(each) for each in gradients]


def torch_value_and_gradients(fn, *arrays):
    torch = pytest.importorskip("torch")
    tensors = [torch.tensor(each, requires_grad=True) for each in arrays]
    values = fn(*tensors)
    values.sum().backward()
    return values.detach().numpy(), [tensor.grad.numpy() for tensor in tensors]


@pytest.mark.peers
@pytest.mark.parametrize(("p", "swap"), list(itertools.product([1, 1.5, 2, 3, INF], [False, True])))
def test_triplet_margin_matches_torch(p, swap):
    torch = pytest.importorskip("torch")
    for dtype, shape, margin, eps in (
        (np.float64, (6, 4), 1.0, 1e-6),
        (np.float64, (2, 3, 4), 0.3, 0.0),
        (np.float32, (6, 4), 2.0, 1e-3),
    ):
        arrays = np.random.default_rng(1).normal(size=(3, *shape)).astype(dtype)
        options = {"margin": margin, "p": p, "eps": eps, "swap": swap}

        def peer(*tensors, options=options):
            return torch.nn.functional.triplet_margin_loss(*tensors, **options, reduction="none")

        expected, expected_gradients = torch_value_and_gradients(peer, *arrays)
        with jax.enable_x64(dtype == np.float64):
            got, got_gradients = value_and_gradients(lambda *a, o=options: LOSS(*a, **o), *arrays)
        tolerance = 1e-10 if dtype == np.float64 else 2e-5
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)
        for one, other in zip(got_gradients, expected_gradients, strict=True):
            np.testing.assert_allclose(one, other, rtol=tolerance, atol=tolerance)


@pytest.mark.peers
@pytest.mark.parametrize("p", [1, 1.5, 2, 3, INF])
@pytest.mark.parametrize("eps", [0.0, 1e-6])
def test_ties_and_equal_points_match_torch(p, eps):
    torch = pytest.importorskip("torch")
    a = np.array([[0, 0, 0], [1, 2, 3], [0, 0, 0], [1, 1, 1]], np.float64)
    positive = np.array([[0, 0, 0], [1, 2, 3], [2, 2, 0], [1, 1, 2]], np.float64)
    negative = np.array([[1, 0, 0], [1, 2, 3], [2, 0, 2], [1, 1, 0]], np.float64)
    for margin, swap in ((1.0, False), (1.0, True), (0.25, True)):

        def peer(*tensors, margin=margin, swap=swap):
            return torch.nn.functional.triplet_margin_loss(
                *tensors, margin=margin, p=p, eps=eps, swap=swap, reduction="none"
            )

        expected, expected_gradients = torch_value_and_gradients(peer, a, positive, negative)
        with jax.enable_x64(True):
            fn = lambda *x, m=margin, s=swap: LOSS(*x, margin=m, p=p, eps=eps, swap=s)  # noqa: E731
            got, got_gradients = value_and_gradients(fn, a, positive, negative)
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)
        for one, other in zip(got_gradients, expected_gradients, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-12)


@pytest.mark.peers
@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("swap", [False, True])
def test_triplet_with_distance_matches_torch(own, swap):
    torch = pytest.importorskip("torch")
    arrays = np.random.default_rng(2).normal(size=(3, 7, 5))
    ours = (lambda x, y: jnp.abs(x - y).sum(-1)) if own else None
    theirs = (lambda x, y: (x - y).abs().sum(-1)) if own else None

    def peer(*tensors):
        return torch.nn.functional.triplet_margin_with_distance_loss(
            *tensors, distance_function=theirs, margin=0.7, swap=swap, reduction="none"
        )

    expected, expected_gradients = torch_value_and_gradients(peer, *arrays)
    with jax.enable_x64(True):
        fn = lambda *x: losses.triplet_margin_with_distance_loss(  # noqa: E731
            *x, distance_function=ours, margin=0.7, swap=swap
        )
        got, got_gradients = value_and_gradients(fn, *arrays)
    np.testing.assert_allclose(got, expected, rtol=1e-11, atol=1e-11)
    for one, other in zip(got_gradients, expected_gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("p", [0.5, 1, 2, 7, INF])
def test_small_and_large_vectors_neither_vanish_nor_overflow(p):
    sizes = np.repeat([1e-30, 1e10, 1e18], 3)
    arrays = (np.random.default_rng(4).normal(size=(3, 9, 4)) * sizes[:, None]).astype(np.float32)
    expected = ORACLES["triplet_margin_loss"].value(*arrays, margin=0.0, p=p, eps=0.0)
    got, got_gradients = value_and_gradients(lambda *a: LOSS(*a, margin=0.0, p=p, eps=0.0), *arrays)
    np.testing.assert_allclose(got / sizes, expected / sizes, rtol=1e-5, atol=1e-5)
    assert all(np.isfinite(gradient).all() for gradient in got_gradients)
    for gradient in got_gradients[1:]:
        assert gradient[expected > 0].any(axis=1).all()


def test_second_derivatives_are_finite_where_points_are_equal():
    x = jnp.ones((3, 2))
    for p in (1, 1.5, 2, 3, INF):
        hessian = jax.jit(jax.hessian(lambda a, p=p: LOSS(a, x, x, p=p, eps=0.0).sum()))(x)
        assert np.isfinite(hessian).all()


def test_arguments_are_checked():
    x = np.ones((2, 3), np.float32)
    with pytest.raises(ArgumentError, match=r"triplet_margin_loss: `margin` must be in \[0, inf\)"):
        LOSS(x, x, x, margin=-1)
    with pytest.raises(ArgumentError, match=r"triplet_margin_loss: `p` must be in \(0, inf\)"):
        LOSS(x, x, x, p=0)
    with pytest.raises(ArgumentTypeError, match="triplet_margin_loss: `swap` must be bool"):
        LOSS(x, x, x, swap=1)
    with pytest.raises(ShapeError, match=r"must give one distance for each pair .* \(2,\) .* gave shape \(3,\)"):
        losses.triplet_margin_with_distance_loss(x, x, x, distance_function=lambda a, b: (a - b).sum(0))
    assert jax.jit(lambda m: LOSS(x, x, x, margin=m))(jnp.float32(0.25)).tolist() == [0.25, 0.25]
