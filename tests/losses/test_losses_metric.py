"""Pair losses: the cosine embedding and margin ranking losses at their kinks, and compared with PyTorch."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sporax import losses
from sporax._errors import ArgumentError, LabelError, ShapeError


def gradients(fn, *arrays):
    """Return the gradients of the sum of the values with respect to every array."""
    found = jax.jit(jax.grad(lambda *a: fn(*a).sum(), argnums=tuple(range(len(arrays)))))(*arrays)
    return [np.asarray(each) for each in found]


def test_the_gradient_at_a_margin_that_is_met_exactly():
    x1, x2, target = (np.array(v, np.float32) for v in ([1.0, 2.0, 1.0], [1.0, 1.5, 3.0], [1, 1, -1]))
    assert losses.margin_ranking_loss(x1, x2, target, margin=0.0).tolist() == [0, 0, 0]
    first, second = gradients(lambda a, b: losses.margin_ranking_loss(a, b, target, margin=0.0), x1, x2)
    assert (first.tolist(), second.tolist()) == ([-1, 0, 0], [1, 0, 0])
    first, _ = gradients(lambda a, b: losses.margin_ranking_loss(a, b, target, margin=0.5), x1, x2)
    assert first.tolist() == [-1, -1, 0]


def test_nan_scores_are_not_hidden():
    assert np.isnan(losses.margin_ranking_loss([np.nan], [0.0], [1]))


def test_targets_of_any_real_dtype():
    for dtype in (np.int8, np.int64, np.float16, np.float32):
        assert losses.margin_ranking_loss([0.0, 0.0], [1.0, 1.0], np.array([1, -1], dtype)).tolist() == [1, 0]
    with pytest.raises(LabelError, match=r"margin_ranking_loss: `target` must be 1 or -1, but got 0 at index \(1,\)"):
        losses.margin_ranking_loss([0.0, 0.0], [1.0, 1.0], [1, 0])
    with pytest.raises(ShapeError, match=r"`target` must have shape \(2,\), but got \(2, 1\)"):
        losses.margin_ranking_loss([0.0, 0.0], [1.0, 1.0], [[1], [1]])


def test_bounded_margins_are_checked():
    with pytest.raises(ArgumentError, match="cosine_embedding_loss: `margin` must be in"):
        losses.cosine_embedding_loss([[1.0]], [[1.0]], [1], margin=1.5)
    swept = jax.vmap(lambda m: losses.margin_ranking_loss(0.0, 1.0, -1, margin=m))(jnp.array([0.5, 2.0]))
    assert swept.tolist() == [0, 1]


@pytest.mark.peers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("margin", [0.0, 0.4, -0.3])
def test_margin_ranking_matches_torch(dtype, margin):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(3)
    x1, x2 = rng.integers(-2, 3, (2, 40, 3)).astype(dtype) / 5
    target = rng.choice([-1, 1], (40, 3)).astype(dtype)
    tensors = [torch.tensor(each, requires_grad=True) for each in (x1, x2)]
    expected = torch.nn.functional.margin_ranking_loss(*tensors, torch.tensor(target), margin=margin, reduction="none")
    expected.sum().backward()
    with jax.enable_x64(dtype == np.float64):

        def fn(a, b):
            return losses.margin_ranking_loss(a, b, target, margin=margin)

        np.testing.assert_allclose(fn(x1, x2), expected.detach().numpy(), rtol=1e-6, atol=1e-7)
        # Some differences of fifths equal the margin exactly.
        for got, tensor in zip(gradients(fn, x1, x2), tensors, strict=True):
            np.testing.assert_array_equal(got, tensor.grad.numpy())


@pytest.mark.peers
def test_the_gradient_of_a_cosine_at_the_margin_matches_torch():
    torch = pytest.importorskip("torch")
    a, b = np.array([[1.0, 0.0], [3.0, 4.0]], np.float32), np.array([[0.0, 2.0], [-4.0, 3.0]], np.float32)
    tensors = [torch.tensor(each, requires_grad=True) for each in (a, b)]
    torch.nn.functional.cosine_embedding_loss(*tensors, -torch.ones(2), reduction="sum").backward()
    found = gradients(lambda x, y: losses.cosine_embedding_loss(x, y, np.array([-1, -1])), a, b)
    for got, tensor in zip(found, tensors, strict=True):
        np.testing.assert_allclose(got, tensor.grad.numpy(), rtol=1e-6, atol=1e-7)
