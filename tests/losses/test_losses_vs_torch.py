"""Values, first and second derivatives compared with PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.samples import inputs_of
from sporax import losses

torch = pytest.importorskip("torch")
F = torch.nn.functional
pytestmark = pytest.mark.peers

PEERS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "l1_loss": (lambda x, y: F.l1_loss(x, y, reduction="none"), {}),
    "mse_loss": (lambda x, y: F.mse_loss(x, y, reduction="none"), {}),
    "smooth_l1_loss": (lambda x, y, beta: F.smooth_l1_loss(x, y, beta=beta, reduction="none"), {"beta": 0.7}),
    "softmax_cross_entropy_with_logits": (lambda x, y: -(y * F.log_softmax(x, -1)).sum(-1), {}),
    "sparse_softmax_cross_entropy_with_logits": (
        lambda x, y: F.cross_entropy(x.movedim(-1, 1), y.long(), reduction="none"),
        {},
    ),
    "binary_cross_entropy": (lambda x, y: F.binary_cross_entropy(x, y, reduction="none"), {}),
    "cosine_embedding_loss": (
        lambda a, b, y, margin: F.cosine_embedding_loss(a, b, y, margin=margin, reduction="none"),
        {"margin": 0.2},
    ),
}


def arrays_for(name: str, dtype: Any) -> list[np.ndarray]:
    # torch's cosine loss does not accept axes after that of the vectors.
    rest = () if name == "cosine_embedding_loss" else (3, 2)
    return inputs_of(losses.get(name), 31, dtype, rest)


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_value_and_gradients_match_torch(name, dtype):
    peer, params = PEERS[name]
    inputs = arrays_for(name, dtype)
    tensors = [torch.tensor(array, requires_grad=array.dtype == dtype) for array in inputs]
    expected = peer(*tensors, **params)
    cotangent = np.random.default_rng(2).normal(size=tuple(expected.shape)).astype(dtype)
    expected.backward(torch.tensor(cotangent))
    tolerance = 5e-6 if dtype == np.float32 else 1e-11
    with jax.enable_x64(dtype == np.float64):
        floats = [at for at, array in enumerate(inputs) if array.dtype == dtype]

        def fn(*chosen: Any) -> jax.Array:
            whole: list[Any] = list(inputs)
            for at, array in zip(floats, chosen, strict=True):
                whole[at] = array
            return getattr(losses, name)(*whole, **params)

        values, vjp = jax.vjp(fn, *(jnp.asarray(inputs[at]) for at in floats))
        gradients = vjp(jnp.asarray(cotangent))
    np.testing.assert_allclose(values, expected.detach().numpy(), rtol=tolerance, atol=tolerance)
    for at, gradient in zip(floats, gradients, strict=True):
        np.testing.assert_allclose(gradient, tensors[at].grad.numpy(), rtol=tolerance, atol=tolerance, err_msg=str(at))


@pytest.mark.parametrize("name", PEERS)
def test_second_derivatives_match_torch(name):
    peer, params = PEERS[name]
    inputs = arrays_for(name, np.float64)
    rest = [torch.tensor(array) for array in inputs[1:]]
    direction = np.random.default_rng(4).normal(size=inputs[0].shape)
    x = torch.tensor(inputs[0], requires_grad=True)
    (gradient,) = torch.autograd.grad(peer(x, *rest, **params).sum(), x, create_graph=True)
    if gradient.requires_grad:
        (expected,) = torch.autograd.grad((gradient * torch.tensor(direction)).sum(), x, allow_unused=True)
        expected = np.zeros_like(inputs[0]) if expected is None else expected.numpy(force=True)
    else:
        expected = np.zeros_like(inputs[0])
    with jax.enable_x64(True):
        total = lambda a: getattr(losses, name)(a, *inputs[1:], **params).sum()  # noqa: E731
        got = jax.jvp(jax.grad(total), (jnp.asarray(inputs[0]),), (jnp.asarray(direction),))[1]
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


def test_binary_cross_entropy_matches_torch_at_probabilities_of_0_and_1():
    p, y = (np.array(v, np.float32) for v in ([0, 0, 1, 1, 1e-30, 0.5], [0, 1, 0, 1, 1, 0.25]))
    x = torch.tensor(p, requires_grad=True)
    expected = F.binary_cross_entropy(x, torch.tensor(y), reduction="none")
    expected.sum().backward()
    values, vjp = jax.vjp(lambda a: losses.binary_cross_entropy(a, y), jnp.asarray(p))
    np.testing.assert_allclose(values, expected.detach().numpy(), rtol=1e-6)
    np.testing.assert_allclose(vjp(jnp.ones(6))[0], x.grad.numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", ["l1_loss", "smooth_l1_loss"])
def test_gradients_at_kinks_match_torch(name):
    x, y = np.array([0.0, 1.0, -1.0, 2.0], np.float32), np.zeros(4, np.float32)
    tensor = torch.tensor(x, requires_grad=True)
    getattr(F, name)(tensor, torch.tensor(y), reduction="sum").backward()
    gradient = jax.grad(lambda a: getattr(losses, name)(a, y).sum())(jnp.asarray(x))
    np.testing.assert_array_equal(gradient, tensor.grad.numpy())
