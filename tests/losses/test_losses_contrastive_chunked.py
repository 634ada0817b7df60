"""Contrastive losses in chunks and across devices: as accurate as the dense loss, without an (N, N) array."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import ORACLES
from sporax import losses, nn
from sporax._errors import ArgumentError, ArgumentTypeError
from sporax.core import Tensor

pytestmark = pytest.mark.slow

RNG = np.random.default_rng(11)
COUNT = 13
X, Y = RNG.normal(size=(2, COUNT, 5)).astype(np.float32)
WEIGHTS = RNG.uniform(0.5, 2.0, COUNT).astype(np.float32)
MASK = np.arange(COUNT) % 4 != 1
VARIANTS = {
    "info_nce": (losses.info_nce_loss, {}),
    "info_nce, both directions": (losses.info_nce_loss, {"symmetric": True}),
    "siglip": (losses.siglip_loss, {}),
}


def total(variant, chunk_size, mask, **options):
    """The weighted sum of the values, as a function of both inputs, temperature and bias."""
    fn, given = VARIANTS[variant]

    def run(x, y, temperature, bias):
        extra = {"bias": bias} if fn is losses.siglip_loss else {}
        values = fn(x, y, temperature=temperature, chunk_size=chunk_size, mask=mask, **given, **extra, **options)
        return jnp.sum(WEIGHTS.astype(values.dtype) * values)

    return run


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("variant", VARIANTS)
def test_chunks_give_the_values_and_gradients_of_the_dense_loss(variant, masked):
    """Chunk sizes that divide N and that do not; with the gradients of temperature and bias."""
    mask = MASK if masked else None
    arguments = X, Y, np.float32(0.4), np.float32(-0.3)
    run = lambda size: jax.value_and_grad(total(variant, size, mask), argnums=(0, 1, 2, 3))  # noqa: E731
    expected, *found = jax.jit(lambda *given: [run(size)(*given) for size in (None, 1, 5, 99)])(*arguments)
    fn, given = VARIANTS[variant]
    extra = {"bias": -0.3} if fn is losses.siglip_loss else {}
    values = ORACLES[fn.__name__].value(X, Y, temperature=0.4, mask=mask, **given, **extra)
    np.testing.assert_allclose(expected[0], (WEIGHTS * values).sum(), rtol=1e-5)
    for each in found:
        for got, wanted in zip(jax.tree.leaves(each), jax.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-5)
    if masked:
        assert not np.asarray(found[1][1][0])[~MASK].any()


@pytest.mark.parametrize("variant", VARIANTS)
def test_forward_mode_and_second_derivatives(variant):
    directions = tuple(RNG.normal(size=np.shape(each)) for each in (X, Y, 0.0, 0.0))

    def all_of(size):
        fn = total(variant, size, MASK, normalize=False)
        gradient = jax.grad(fn, argnums=(0, 1, 2, 3))

        def run(*given):
            pushed = lambda *given: jax.jvp(fn, given, directions)[1]  # noqa: E731
            return (
                jax.jvp(gradient, given, directions),
                jax.grad(pushed, argnums=(0, 1, 2, 3))(*given),
                jax.jvp(pushed, given, directions),
            )

        return run

    with jax.enable_x64(True):
        arguments = X.astype(np.float64), Y.astype(np.float64), 0.9, -0.3
        expected, found = jax.jit(lambda *given: [all_of(size)(*given) for size in (None, 4)])(*arguments)
    for got, wanted in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert got.dtype == np.float64
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("variant", VARIANTS)
def test_half_precision_is_computed_in_float32(variant):
    x, y = (jnp.asarray(each, jnp.bfloat16) for each in (X, Y))
    fn, given = VARIANTS[variant]

    @jax.jit
    def run(x, y):
        evaluate = lambda x, size: losses.evaluate(fn, x, y, chunk_size=size, temperature=0.5, **given)  # noqa: E731
        return [jax.value_and_grad(evaluate)(x, size) for size in (None, 5)], fn(x, y, chunk_size=5, **given)

    (dense, chunked), values = run(x, y)
    assert chunked[0].dtype == chunked[1].dtype == values.dtype == jnp.bfloat16
    for got, wanted in zip(chunked, dense, strict=True):
        np.testing.assert_allclose(got.astype(np.float32), wanted.astype(np.float32), rtol=8e-3, atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_large_scores_are_accurate(variant):
    """Scores of ±1e4: a row whose partner has the maximum score has loss 0, and all values are finite."""
    fn, given = VARIANTS[variant]
    x = np.float32(100) * np.eye(COUNT, dtype=np.float32)[::-1].copy()
    x[0], x[1] = 0, -x[2]
    run = jax.jit(
        jax.vmap(
            lambda x, t: jax.value_and_grad(
                lambda x: fn(x, x, temperature=t, normalize=False, chunk_size=4, **given).sum()
            )(x),
            in_axes=(None, 0),
        )
    )
    values, gradients = run(x, np.array([1.0, 0.5], np.float32))
    assert np.isfinite(values).all()
    assert np.isfinite(gradients).all()
    alone = fn(x[5:6], x[5:6], normalize=False, temperature=1.0, chunk_size=1, **given)
    np.testing.assert_array_equal(alone, 0)


@pytest.mark.parametrize("variant", VARIANTS)
def test_memory_is_that_of_a_chunk(variant):
    """Compiled only. Without a chunk size a large batch is computed in chunks."""
    fn, given = VARIANTS[variant]
    count, dim = 4096, 32
    shape = jax.ShapeDtypeStruct((count, dim), np.float32)

    def plain(x, y):
        scores = x @ y.T
        if fn is losses.siglip_loss:
            return jax.nn.softplus(scores - 2 * jnp.diag(jnp.diagonal(scores))).sum()
        return sum(jax.nn.logsumexp(scores, axis=axis).sum() for axis in ((0, 1) if given else (1,)))

    def memory(run):
        program = jax.jit(jax.value_and_grad(run, argnums=(0, 1))).lower(shape, shape).compile()
        return program.memory_analysis().temp_size_in_bytes

    dense = memory(plain)
    assert dense >= 4 * count * count
    for size in (None, 64):
        assert memory(lambda x, y, size=size: losses.evaluate(fn, x, y, chunk_size=size, **given)) <= dense / 10


def test_cells_accept_a_chunk_size():
    x, y = Tensor(X), Tensor(Y)
    for cell, options in ((nn.InfoNCELoss, {"symmetric": True}), (nn.SigLIPLoss, {})):
        np.testing.assert_allclose(
            float(cell(**options, chunk_size=3)(x, y, Tensor(MASK))),
            float(cell(**options)(x, y, Tensor(MASK))),
            rtol=1e-5,
        )
        with pytest.raises(ArgumentError, match=f"{cell.__name__}: `chunk_size` must be at least 1, but got 0"):
            cell(chunk_size=0)


@pytest.mark.parametrize("fn", [losses.info_nce_loss, losses.siglip_loss])
def test_invalid_arguments_are_named(fn):
    with pytest.raises(ArgumentError, match=rf"{fn.__name__}: `chunk_size` must be at least 1, but got 0"):
        fn(X, Y, chunk_size=0)
    with pytest.raises(ArgumentTypeError, match=rf"{fn.__name__}: `axis_name` must be str"):
        fn(X, Y, axis_name=3)
    with pytest.raises(ArgumentError, match=rf"{fn.__name__}: there is no mesh axis 'data' here"):
        fn(X, Y, axis_name="data")


DEVICES = """
import re
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, PartitionSpec as P
from sporax import losses

jax.config.update("jax_numpy_rank_promotion", "raise")
rng = np.random.default_rng(3)
mesh, across, every = Mesh(np.array(jax.devices()), ("data",)), P("data"), P()
x, y = rng.normal(size=(2, 40, 6)).astype(np.float32)
mask, weights = rng.random(40) > 0.3, rng.uniform(1, 2, 40).astype(np.float32)
arguments = x, y, np.float32(0.4), np.float32(-0.3)
directions = tuple(jnp.float32(rng.normal(size=np.shape(each))) for each in arguments)
VARIANTS = (losses.info_nce_loss, {}), (losses.info_nce_loss, {"symmetric": True}), (losses.siglip_loss, {})


def close(found, expected):
    for got, wanted in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=3e-5, atol=3e-5)


def call(variant, evaluate, x, y, temperature, bias, **options):
    fn, given = VARIANTS[variant]
    extra = {"bias": bias} if fn is losses.siglip_loss else {}
    return evaluate(fn, x, y, temperature=temperature, **given, **extra, **options)


def apply(fn, *args, **options):
    return fn(*args, **options)


def spread(body, out, check=True):
    specs = across, across, every, every, across
    return jax.shard_map(body, mesh=mesh, in_specs=specs, out_specs=out, check_vma=check)
"""

OUTSIDE = """
for variant in range(3):
    def dense(*given):
        return jnp.sum(weights * call(variant, apply, *given, mask=mask))

    def whole(*given):
        body = lambda x, y, t, b, mask: call(variant, apply, x, y, t, b, mask=mask, axis_name="data", chunk_size=3)
        return jnp.sum(weights * spread(body, across, check=variant != 1)(*given, mask))

    every_gradient = lambda fn: jax.value_and_grad(fn, argnums=(0, 1, 2, 3))
    close(jax.jit(every_gradient(whole))(*arguments), jax.jit(every_gradient(dense))(*arguments))
print("same")
"""

INSIDE = """
for variant in (1, 2):
    def body(x, y, t, b, mask):
        def mean(x, y, t, b):
            parts = call(variant, losses.evaluate_sum_and_weight, x, y, t, b, mask=mask, axis_name="data")
            value, weight = (jax.lax.psum(part, "data") for part in parts)
            return value / weight

        return jax.value_and_grad(mean, argnums=(0, 1, 2, 3))(x, y, t, b)

    dense = lambda *given: call(variant, losses.evaluate, *given, mask=mask)
    found = jax.jit(spread(body, (every, (across, across, every, every))))(*arguments, mask)
    close(found, jax.jit(jax.value_and_grad(dense, argnums=(0, 1, 2, 3)))(*arguments))

whole = lambda *given: spread(lambda x, y, t, b, _: call(1, apply, x, y, t, b, axis_name="data"), across)(*given, mask)
pushed = lambda fn: jax.jit(lambda *given: jax.jvp(fn, given, directions))
close(pushed(whole)(*arguments), pushed(lambda *given: call(1, apply, *given))(*arguments))
print("same")
"""

SMALL = """
count, dim = 8192, 32
for variant in (1, 2):
    def total(x, y, t, b):
        body = lambda x, y, t, b, _: call(variant, apply, x, y, t, b, axis_name="data", chunk_size=64)
        return jnp.sum(spread(body, across)(x, y, t, b, jnp.ones(count)))

    inputs = [jax.ShapeDtypeStruct((count, dim), np.float32, sharding=jax.NamedSharding(mesh, across))] * 2
    inputs += [jax.ShapeDtypeStruct((), np.float32)] * 2
    program = jax.jit(jax.grad(total, argnums=(0, 1, 2, 3))).lower(*inputs).compile()
    text = program.as_text()
    assert "collective-permute" in text and "all-gather" not in text and "all-to-all" not in text
    sizes = [np.prod([int(n) for n in found.split(",")]) for found in re.findall(r"f32\\[([\\d,]+)\\]", text)]
    # No array holds the rows of all devices, nor the scores of more than a chunk.
    assert max(sizes) == max(64 * count // 8, dim * count // 8), max(sizes)
    # The scores of one device's rows would be 8 times as many bytes.
    assert program.memory_analysis().temp_size_in_bytes < 4 * count * count // 64, program.memory_analysis()
print("small")
"""


@pytest.mark.parametrize(
    ("source", "says"), [(OUTSIDE, "same"), (INSIDE, "same"), (SMALL, "small")], ids=["outside", "inside", "memory"]
)
def test_across_devices(on_eight_devices, source, says):
    """Compared with one device; with derivatives outside and inside `shard_map`, and in forward mode."""
    assert on_eight_devices(DEVICES + source) == f"{says}\n"
