"""The networks of `benchmarks/train.py` in plain JAX: a pure step under `jax.jit`, and a Python loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from train_networks import MOMENTUM, RATE, Work

Weights = list[jax.Array]


def dense(x: jax.Array, weight: jax.Array, bias: jax.Array) -> jax.Array:
    return x @ weight.T + bias


def cross_entropy(logits: jax.Array, labels: jax.Array) -> jax.Array:
    own = jnp.take_along_axis(logits, labels[..., None], axis=-1)[..., 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=-1) - own)


def linear(work: Work, weights: Weights, x: jax.Array, y: jax.Array) -> jax.Array:
    return jnp.mean(jnp.abs(dense(x, *weights) - y))


def mlp(work: Work, weights: Weights, x: jax.Array, y: jax.Array) -> jax.Array:
    for i in range(work.depth):
        x = jax.nn.relu(dense(x, *weights[2 * i : 2 * i + 2]))
    return cross_entropy(dense(x, *weights[-2:]), y)


def cnn(work: Work, weights: Weights, x: jax.Array, y: jax.Array) -> jax.Array:
    for i in range(2):
        kernel, bias = weights[2 * i : 2 * i + 2]
        x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NCHW", "OIHW", "NCHW"))
        x = jax.nn.relu(x + bias[:, None, None])
        x = jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 1, 2, 2), (1, 1, 2, 2), "VALID")
    return cross_entropy(dense(x.reshape(len(x), -1), *weights[-2:]), y)


def layer_norm(x: jax.Array, scale: jax.Array, shift: jax.Array) -> jax.Array:
    centered = x - jnp.mean(x, axis=-1, keepdims=True)
    return centered * jax.lax.rsqrt(jnp.mean(centered**2, axis=-1, keepdims=True) + 1e-5) * scale + shift


def block(work: Work, weights: Weights, x: jax.Array) -> jax.Array:
    batch, length, size = x.shape
    mixed = dense(layer_norm(x, *weights[:2]), *weights[2:4]).reshape(batch, length, 3, work.heads, -1)
    q, k, v = (mixed[:, :, i].transpose(0, 2, 1, 3) for i in range(3))
    scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(size // work.heads)
    scores = jnp.where(jnp.tril(jnp.ones((length, length), bool)), scores, -1e9)
    seen = (jax.nn.softmax(scores, axis=-1) @ v).transpose(0, 2, 1, 3).reshape(batch, length, size)
    x = x + dense(seen, *weights[4:6])
    return x + dense(jax.nn.relu(dense(layer_norm(x, *weights[6:8]), *weights[8:10])), *weights[10:12])


def lm(work: Work, weights: Weights, x: jax.Array, y: jax.Array) -> jax.Array:
    words, positions, *layers, scale, shift, head = weights
    x = words[x] + positions[jnp.arange(x.shape[1])]
    for i in range(work.depth):
        x = block(work, layers[12 * i : 12 * i + 12], x)
    return cross_entropy(layer_norm(x, scale, shift) @ head.T, y)


def trainer(work: Work, start: Sequence[np.ndarray]) -> Callable[[np.ndarray, np.ndarray], float]:
    """Return a function that trains on arrays from the weights `start`, and returns the last loss."""
    loss_of: Any = {"linear": linear, "mlp": mlp, "cnn": cnn, "lm": lm}[work.kind]
    weights = [jnp.asarray(each) for each in start]
    moments = [jnp.zeros_like(each) for each in weights]

    def step(weights: Weights, moments: Weights, x: jax.Array, y: jax.Array) -> Any:
        loss, gradients = jax.value_and_grad(lambda weights: loss_of(work, weights, x, y))(weights)
        moments = [MOMENTUM * m + g for m, g in zip(moments, gradients, strict=True)]
        return [w - RATE * m for w, m in zip(weights, moments, strict=True)], moments, loss

    compiled = jax.jit(step, donate_argnums=(0, 1))

    def run(x: np.ndarray, y: np.ndarray) -> float:
        nonlocal weights, moments
        for at in range(0, len(x), work.batch):
            weights, moments, loss = compiled(weights, moments, x[at : at + work.batch], y[at : at + work.batch])
        return float(loss)

    return run
