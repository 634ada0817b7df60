"""Losses as ops compared with PyTorch: values of the mean and gradients with respect to the first input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sporax import ops
from sporax.core import Tensor
from sporax.transforms import jit, value_and_grad

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = pytest.mark.peers

RNG = np.random.default_rng(72)
SHAPE = (5, 4)
X, Y, Z = (RNG.normal(0.2, 1.1, SHAPE) for _ in range(3))
P, Q = (RNG.uniform(0.1, 0.9, SHAPE) for _ in range(2))
LOGP = np.log(P / P.sum(1, keepdims=True))
SIGNS = np.where(RNG.random(SHAPE) > 0.5, 1.0, -1.0)
W = np.array([0.5, 2.0, 1.25, 0.75])
CLASSES = np.array([2, 0, 3, 1, 0])
LISTS = np.array([[1, 3, -1, 0], [0, -1, 2, 2], [-1, 1, 1, 1], [3, 2, 1, 0], [2, 1, 3, -1]])

CASES: dict[str, tuple[Any, ...]] = {
    "l1_loss": ((X, Y), {}),
    "mse_loss": ((X, Y), {}),
    "smooth_l1_loss": ((X, Y), {"beta": 0.7}),
    "huber_loss": ((X, Y), {"delta": 0.7}),
    "gaussian_nll_loss": ((X, Y, P[:, :1]), {"full": True}),
    "kl_div": ((LOGP, Q), {}),
    "kl_div_ext": ((LOGP, np.log(Q)), {"log_target": True}, "kl_div"),
    "binary_cross_entropy": ((P, Q), {"weight": W}),
    "binary_cross_entropy_with_logits": ((X, Q), {"weight": W, "pos_weight": W[::-1].copy()}),
    "soft_margin_loss": ((X, SIGNS), {}),
    "multilabel_soft_margin_loss": ((X, (SIGNS + 1) / 2), {"weight": W}),
    "hinge_embedding_loss": ((X, SIGNS), {"margin": 0.6}),
    "cross_entropy": ((X, CLASSES), {"weight": W, "ignore_index": 0, "label_smoothing": 0.2}),
    "nll_loss": ((LOGP, CLASSES), {"weight": W, "ignore_index": 0}),
    "multi_margin_loss": ((X, CLASSES), {"p": 2, "margin": 0.8, "weight": W}),
    "multilabel_margin_loss": ((X, LISTS), {}),
    "cosine_embedding_loss": ((X, Y, SIGNS[:, 0]), {"margin": 0.1}),
    "margin_ranking_loss": ((X, Y, SIGNS), {"margin": 0.3}),
    "triplet_margin_loss": ((X, Y, Z), {"margin": 0.4, "swap": True}),
}


# torch warns at each call that the mean will change in a later release.
@pytest.mark.filterwarnings("ignore:reduction. 'mean' divides the total loss:UserWarning")
@pytest.mark.parametrize("name", CASES)
def test_the_op_matches_torch(name: str):
    inputs, options, *peer = CASES[name]
    function = getattr(F, peer[0] if peer else name)
    arrays = [torch.tensor(each) for each in inputs]
    arrays[0].requires_grad_()
    own = {key: torch.tensor(value) if isinstance(value, np.ndarray) else value for key, value in options.items()}
    given = {key: Tensor(value) if isinstance(value, np.ndarray) else value for key, value in options.items()}
    first, *rest = (Tensor(each) for each in inputs)

    def loss(x: Tensor, reduction: str = "mean") -> Tensor:
        return getattr(ops, name)(x, *rest, reduction=reduction, **given)

    for reduction in ("none", "sum"):
        expected = function(*arrays, reduction=reduction, **own).detach().numpy()
        np.testing.assert_allclose(loss(first, reduction).asnumpy(), expected, rtol=1e-7, atol=1e-12)
    expected = function(*arrays, reduction="mean", **own)
    expected.backward()
    value, gradient = jit(value_and_grad(loss))(first)
    np.testing.assert_allclose(value.asnumpy(), expected.detach().numpy(), rtol=1e-7, atol=1e-12)
    np.testing.assert_allclose(gradient.asnumpy(), arrays[0].grad.numpy(), rtol=1e-6, atol=1e-9)
