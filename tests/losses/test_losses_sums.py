"""Sums of many elements, which use other code than the small arrays of the contract tests."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sporax import losses
from sporax.losses.numerics._sums import largest, spread, sum_all, sum_rows

# Even, odd and prime numbers of rows and columns; one axis, three axes; narrow rows.
SHAPES = [(512, 100), (33, 1001), (37, 1009), (1, 40_000), (40_001,), (8, 4, 1100), (20_000, 3), (7, 11, 500)]


def random(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(len(shape) + shape[-1]).normal(1.0, 1.0, shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_sums_match_numpy(shape):
    x = random(shape)
    single = jnp.asarray(x, jnp.float32)
    np.testing.assert_allclose(sum_all(single), x.sum(), rtol=1e-6)
    np.testing.assert_allclose(sum_rows(single), x.sum(-1, keepdims=True), rtol=1e-5, atol=1e-4)
    with jax.enable_x64(True):
        np.testing.assert_allclose(sum_all(jnp.asarray(x)), x.sum(), rtol=1e-14)
        np.testing.assert_allclose(sum_rows(jnp.asarray(x)), x.sum(-1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if len(shape) > 1])
def test_a_broadcast_and_its_transpose(shape):
    x, weights = jnp.asarray(random((*shape[:-1], 1)), jnp.float32), jnp.asarray(random(shape), jnp.float32)
    out, back = jax.vjp(lambda x: spread(x, shape[-1]), x)
    np.testing.assert_array_equal(out, np.broadcast_to(x, shape))
    np.testing.assert_allclose(back(weights)[0], sum_rows(weights), rtol=1e-5, atol=1e-4)
    np.testing.assert_array_equal(jax.jvp(lambda x: spread(x, shape[-1]), (x,), (2 * x,))[1], 2 * out)


@pytest.mark.parametrize("shape", [(2, 5), (64, 1000), (64, 1009)])
def test_the_maximum_divides_its_gradient_among_ties_and_propagates_nan(shape):
    x = np.asarray(random(shape), np.float32)
    x[0, [1, -1]] = 50
    x[1, 2] = np.nan
    value, back = jax.vjp(jax.jit(largest), jnp.asarray(x))
    np.testing.assert_array_equal(value, x.max(-1, keepdims=True))
    gradient = np.asarray(back(jnp.ones_like(value))[0])
    np.testing.assert_array_equal(np.flatnonzero(gradient[0]), [1, shape[-1] - 1])
    np.testing.assert_array_equal(gradient[0, [1, -1]], 0.5)
    rest = np.delete(gradient, 1, axis=0)
    np.testing.assert_allclose(rest.sum(-1), 1)


def test_integers_are_counted_exactly():
    assert sum_all(jnp.ones((512, 100), jnp.int32)).item() == 51_200
    assert sum_all(jnp.ones(40_000, jnp.int32)).item() == 40_000


def test_empty_arrays_and_scalars():
    assert sum_all(jnp.zeros((0, 5))).item() == 0
    assert sum_all(jnp.asarray(2.0)).item() == 2


def test_derivatives_of_every_kind():
    x = random((64, 1000))

    def scalar(scale: jax.Array) -> jax.Array:
        return sum_all(jnp.square(sum_rows(scale * x)) + jnp.sin(scale * x))

    def plain(scale: jax.Array) -> jax.Array:
        return jnp.sum(jnp.square(jnp.sum(scale * x, -1, keepdims=True)) + jnp.sin(scale * x))

    with jax.enable_x64(True):
        at = jnp.asarray(0.7)
        for derive in (jax.grad, jax.jacfwd, jax.hessian, lambda fn: jax.jacfwd(jax.jacfwd(fn))):
            np.testing.assert_allclose(jax.jit(derive(scalar))(at), jax.jit(derive(plain))(at), rtol=1e-11)


def test_vmap_equals_a_loop():
    x = jnp.asarray(random((3, 64, 600)), jnp.float32)
    np.testing.assert_allclose(jax.vmap(sum_all)(x), jnp.stack([sum_all(each) for each in x]), rtol=1e-6)
    np.testing.assert_allclose(jax.vmap(sum_rows)(x), sum_rows(x), rtol=1e-6)


# An elementwise loss, cross entropies of indices and of distributions, and a loss of cosines.
LARGE = ["smooth_l1_loss", "cross_entropy", "soft_cross_entropy", "kl_divergence", "cosine_similarity_loss"]
LARGE += [
    "focal_loss",
    "soft_focal_loss",
    "categorical_focal_cross_entropy",
    "poly1_cross_entropy",
    "distillation_loss",
]
LARGE += ["categorical_hinge_loss", "multiclass_hinge_loss", "fenchel_young_loss", "generalized_cross_entropy"]


@pytest.mark.parametrize("name", LARGE)
def test_large_losses_equal_the_sum_of_their_parts(name):
    info = losses.get(name)
    sizes = {"N": 96, "C": 700, "D": 700}
    rest = (96, 700) if name == "smooth_l1_loss" else (96,) if "..." in info.output and name != "cross_entropy" else ()
    rest = () if "N" in info.output else rest
    inputs = [jnp.asarray(array) for array in losses.example_inputs(info, rest=rest, sizes=sizes)]

    def total(x: jax.Array, *labels: jax.Array) -> jax.Array:
        return losses.evaluate(info.function, x, *labels, reduction="sum")

    whole = jax.jit(jax.value_and_grad(total))
    value, gradient = whole(*inputs)
    # Parts of 8 rows use the plain reductions.
    parts = [whole(*(array[at : at + 8] for array in inputs)) for at in range(0, 96, 8)]
    np.testing.assert_allclose(value, sum(part[0] for part in parts), rtol=2e-6)
    np.testing.assert_allclose(gradient, jnp.concatenate([part[1] for part in parts]), rtol=2e-5, atol=1e-7)


def test_an_ignored_row_of_nan_has_no_effect_in_a_large_batch():
    logits = np.array(random((64, 700)), np.float32)
    labels = np.arange(64)
    labels[3] = -100
    logits[3] = np.nan
    fn = jax.jit(jax.value_and_grad(lambda x, y: losses.evaluate(losses.cross_entropy, x, y)))
    value, gradient = fn(jnp.asarray(logits), jnp.asarray(labels))
    rest = np.delete(np.arange(64), 3)
    expected, others = fn(jnp.asarray(logits[rest]), jnp.asarray(labels[rest]))
    np.testing.assert_allclose(value, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient[rest], others, rtol=1e-5, atol=1e-9)
    np.testing.assert_array_equal(gradient[3], 0)
