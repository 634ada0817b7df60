"""Linear cross entropy: the grid of arguments, chunks and blocks that do not divide, modes, statistics, memory."""

from __future__ import annotations

import functools
import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import reduced
from oracles.losses._linear import bias_gradient, counts, gradients, value
from sporax import losses
from sporax._errors import ArgumentError, DtypeError, LabelError, ShapeError

pytestmark = pytest.mark.slow

lce: Any = losses.linear_cross_entropy


def example(rows: int, classes: int, width: int = 3, dtype: Any = np.float32) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng([rows, classes])
    labels = rng.integers(0, classes, rows)
    labels[0], labels[-1] = classes - 1, 0
    bias = rng.normal(size=classes)
    return (
        rng.normal(0, 1.5, (rows, width)).astype(dtype),
        rng.normal(0, 1.0, (classes, width)).astype(dtype),
        labels.astype(np.int32),
        bias.astype(dtype),
    )


def check(got: Any, expected: Any, tolerance: float, name: str) -> None:
    expected = np.asarray(expected, np.float64)
    atol = tolerance * max(np.abs(expected).max(initial=0), 1e-3)
    np.testing.assert_allclose(np.asarray(got, np.float64), expected, rtol=tolerance, atol=atol, err_msg=name)


def against_oracle(
    inputs: tuple[np.ndarray, ...], weights: Any, reduction: str, tolerance: float, **params: Any
) -> None:
    """Compare the value and the gradients of hidden, weight and bias with the oracle."""
    x, w, labels, bias = inputs
    values = value(x, w, labels, bias=bias, **params)
    ones = np.ones(values.shape) if weights is None else np.asarray(weights, np.float64)
    each = counts(x, w, labels, **params)
    derivative = ones * (np.arange(len(x)) % 3 - 0.5) if reduction == "none" else ones
    if reduction == "mean":
        derivative = derivative / (each * (ones != 0)).sum()

    def run(x: Any, w: Any, bias: Any) -> Any:
        out = lce(x, w, labels, bias, weights=weights, reduction=reduction, **params)
        return jnp.sum(out * (np.arange(len(labels)) % 3 - 0.5)) if reduction == "none" else out, out

    (_, out), got = jax.jit(jax.value_and_grad(run, (0, 1, 2), has_aux=True))(x, w, bias)
    check(out, reduced(values, reduction, ones, each), tolerance, "value")
    dx, dw, _ = gradients(derivative, x, w, labels, bias=bias, **params)
    db = bias_gradient(derivative, x, w, labels, bias=bias, **params)
    for name, one, other in zip(("hidden", "weight", "bias"), got, (dx, dw, db), strict=True):
        check(one, other, 5 * tolerance, name)


GRID = list(itertools.product(("none", "mean"), (False, True), (0.0, 0.2), (None, 2.5), (0.0, 0.03)))
GRID += [("sum", True, 0.2, 2.5, 0.03)]


@pytest.mark.parametrize(("reduction", "classed", "smoothing", "softcap", "z_loss"), GRID)
def test_every_combination_matches_the_oracle(reduction, classed, smoothing, softcap, z_loss):
    inputs = example(7, 11)
    inputs[2][3] = -100
    class_weight = np.linspace(0.0, 2.0, 11, dtype=np.float32) if classed else None
    # Half of them with row weights.
    weights = np.array([1, 2, 0, 1, 0.5, 1, 3], np.float32) if classed != bool(z_loss) else None
    params = {"label_smoothing": smoothing, "softcap": softcap, "z_loss": z_loss, "chunk_size": 3}
    against_oracle(inputs, weights, reduction, 3e-6, class_weight=class_weight, **params)


@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_numbers_of_classes_and_rows_that_are_not_multiples_of_the_chunk(reduction):
    """2,049 classes are two blocks and a block of one class; 13 rows are four chunks of 4, with 3 rows of padding."""
    against_oracle(example(13, 2049, 5), None, reduction, 3e-6, chunk_size=4, label_smoothing=0.1, softcap=4.0)
    against_oracle(example(5, 1024, 2), None, reduction, 3e-6, class_weight=np.linspace(0.1, 1, 1024, dtype=np.float32))


def test_the_vocabulary_of_gpt_2():
    against_oracle(example(6, 50_257, 4), None, "mean", 3e-6, z_loss=1e-3)


def test_float64_is_exact():
    with jax.enable_x64(True):
        inputs = example(9, 2049, 4, np.float64)
        against_oracle(inputs, None, "mean", 1e-12, chunk_size=4, label_smoothing=0.1, z_loss=0.1, softcap=3.0)


def test_evaluate_uses_the_fused_mean_and_gives_the_same():
    x, w, labels, bias = example(7, 11)
    weights = np.array([1, 0, 2, 1, 1, 0, 1], np.float32)
    params = {"class_weight": np.linspace(0.5, 2, 11, dtype=np.float32), "chunk_size": 2}
    for reduction in ("sum", "mean"):
        one = losses.evaluate(lce, x, w, labels, bias=bias, weights=weights, reduction=reduction, **params)
        other = lce(x, w, labels, bias, weights=weights, reduction=reduction, **params)
        np.testing.assert_array_equal(one, other)
    total, weight = losses.evaluate_sum_and_weight(lce, x, w, labels, bias=bias, weights=weights, **params)
    np.testing.assert_allclose(losses.divide(total, weight), other, rtol=1e-6)

    def products(reduction: str) -> int:
        """Return the number of matrix products in the program of the gradients, counting those of a chunk once."""
        gradient = jax.grad(lambda x, w: jnp.sum(lce(x, w, labels, chunk_size=2, reduction=reduction)), (0, 1))
        return str(jax.make_jaxpr(gradient)(x, w)).count("dot_general")

    assert products("mean") == 3
    assert products("none") == 4


def test_hidden_of_any_rank_and_leading_axes():
    x, w, labels, _ = example(12, 11)
    flat = lce(x, w, labels)
    np.testing.assert_allclose(lce(x.reshape(3, 4, 3), w, labels.reshape(3, 4)), flat.reshape(3, 4), rtol=1e-6)
    mean, stats = lce(x.reshape(3, 4, 3), w, labels.reshape(3, 4), reduction="mean", return_stats=True)
    assert mean.shape == ()
    assert stats.log_sum_exp.shape == stats.argmax.shape == (3, 4)


@pytest.mark.parametrize("reduction", losses.REDUCTIONS)
def test_statistics(reduction):
    x, w, labels, bias = example(9, 2049)
    z = x.astype(np.float64) @ w.T.astype(np.float64) + bias
    labels = np.where(np.arange(9) % 3 == 0, z.argmax(1), labels).astype(np.int32)
    labels[4] = -100
    result, stats = lce(x, w, labels, bias, reduction=reduction, return_stats=True, chunk_size=4)
    np.testing.assert_allclose(result, lce(x, w, labels, bias, reduction=reduction), rtol=1e-6, atol=1e-7)
    kept = labels >= 0
    np.testing.assert_allclose(stats.log_sum_exp[kept], np.log(np.exp(z).sum(1))[kept], rtol=1e-5)
    np.testing.assert_array_equal(stats.argmax, np.where(kept, z.argmax(1), -1))
    np.testing.assert_allclose(stats.accuracy, (z.argmax(1) == labels).sum() / 8)
    assert stats.argmax[4] == -1
    assert stats.log_sum_exp[4] == 0
    gradient = jax.grad(lambda x: lce(x, w, labels, reduction="mean", return_stats=True)[1].log_sum_exp.sum())(x)
    assert not np.asarray(gradient).any()


def test_every_mode_of_differentiation_agrees_for_the_fused_mean():
    with jax.enable_x64(True):
        x, w, labels, bias = example(5, 7, 3, np.float64)
        class_weight, weights = np.linspace(0.5, 2, 7), np.array([1.0, 0.5, 2.0, 1.0, 1.0])
        start = (x, w, bias, class_weight, weights, np.float64(0.2), np.float64(3.0), np.float64(0.1))
        rng = np.random.default_rng(0)
        v, u = ([rng.normal(size=np.shape(each)) for each in start] for _ in range(2))

        def total(reduction: str, *args: Any) -> jax.Array:
            x, w, bias, class_weight, weights, smoothing, softcap, z_loss = args
            out = lce(
                x, w, labels, bias, class_weight=class_weight, weights=weights, label_smoothing=smoothing,
                softcap=softcap, z_loss=z_loss, chunk_size=2, reduction=reduction,
            )  # fmt: skip
            return jnp.sum(out)

        def everything(reduction: str) -> list[Any]:
            f = functools.partial(total, reduction)
            reverse = lambda *a: jax.grad(f, tuple(range(8)))(*a)  # noqa: E731
            along = lambda *a: sum(jnp.sum(s * d) for s, d in zip(reverse(*a), u, strict=True))  # noqa: E731
            return [
                reverse(*start),
                jax.jvp(f, start, tuple(v))[1],
                jax.jvp(reverse, start, tuple(v))[1],
                jax.grad(along, tuple(range(8)))(*start),
            ]

        quick, plain = (jax.jit(functools.partial(everything, kind))() for kind in ("sum", "none"))
        for one, other in zip(jax.tree.leaves(quick), jax.tree.leaves(plain), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-10)


def test_only_requested_gradients_are_computed():
    x, w, labels, _ = example(4, 6)

    def products(argnum: int) -> int:
        gradient = jax.grad(lambda *a: lce(*a, labels, reduction="mean", chunk_size=2), argnum)
        return str(jax.make_jaxpr(gradient)(x, w)).count("dot_general")

    assert products(0) == products(1) == 2
    assert str(jax.make_jaxpr(lambda x: lce(x, w, labels, reduction="mean"))(x)).count("dot_general") == 1


def test_half_precision_is_accumulated_in_float32():
    """4,096 rows of equal gradient: a sum in bfloat16 would stop at 256 rows."""
    rows = 4096
    x, w, labels = jnp.ones((rows, 1), jnp.bfloat16), jnp.zeros((2, 1), jnp.bfloat16), np.zeros(rows, np.int32)
    for reduction in losses.REDUCTIONS:

        def total(w: Any, reduction: str = reduction) -> jax.Array:
            return jnp.sum(lce(x, w, labels, reduction=reduction, chunk_size=8).astype(jnp.float32))

        gradient = jax.jit(jax.grad(total))(w)
        assert gradient.dtype == jnp.bfloat16
        expected = 0.5 if reduction == "mean" else 2048
        np.testing.assert_array_equal(gradient.astype(np.float32), [[-expected], [expected]])
    assert lce(x, w, labels, reduction="mean").dtype == jnp.bfloat16
    assert lce(x, w.astype(np.float32), labels, reduction="mean").dtype == np.float32


def test_a_class_with_bias_minus_infinity_is_excluded():
    x, w, labels, bias = example(6, 11)
    labels = labels % 8
    bias[8:] = -np.inf
    for reduction in ("none", "mean"):

        @jax.jit
        @jax.value_and_grad
        def run(w: Any, b: Any, reduction: str = reduction) -> jax.Array:
            return jnp.sum(lce(x, w, labels, b, reduction=reduction, z_loss=0.1))

        part, gradient_of_part = run(w[:8], bias[:8])
        whole, gradient = run(w, bias)
        np.testing.assert_allclose(whole, part, rtol=1e-6)
        np.testing.assert_allclose(gradient[:8], gradient_of_part, rtol=1e-5, atol=1e-7)
        assert not np.asarray(gradient[8:]).any()


def test_no_program_stores_all_logits():
    rows, classes = 512, 4096
    shapes = [jax.ShapeDtypeStruct(shape, np.float32) for shape in ((rows, 8), (classes, 8))]
    for reduction in ("mean", "none"):
        labels = np.zeros(rows, np.int32)

        def total(x: Any, w: Any, reduction: str = reduction, labels: Any = labels) -> jax.Array:
            return jnp.sum(lce(x, w, labels, reduction=reduction, chunk_size=16))

        compiled = jax.jit(jax.value_and_grad(total, (0, 1))).lower(*shapes).compile()
        assert compiled.memory_analysis().temp_size_in_bytes < rows * classes * 4 / 8


def test_errors_name_the_argument():
    x, w, labels, _ = example(4, 6)
    with pytest.raises(ArgumentError, match="`softcap` must be"):
        lce(x, w, labels, softcap=0.0)
    with pytest.raises(ArgumentError, match="`reduction` must be one of"):
        lce(x, w, labels, reduction="average")
    with pytest.raises(ArgumentError, match="`chunk_size` must be"):
        lce(x, w, labels, chunk_size=0)
    with pytest.raises(ShapeError, match=r"`bias` must have shape \(6,\)"):
        lce(x, w, labels, np.zeros(4, np.float32))
    with pytest.raises(ShapeError, match="`class_weight` must have shape"):
        lce(x, w, labels, class_weight=np.zeros(4, np.float32))
    with pytest.raises(DtypeError, match="`labels` must hold integers"):
        lce(x, w, labels.astype(np.float32), reduction="mean")
    with pytest.raises(LabelError, match=r"class indices in \[0, 6\)"):
        lce(x, w, labels + 9, reduction="mean")
    with pytest.raises(ArgumentError, match="there is no mesh axis 'model' here"):
        lce(x, w, labels, axis_name="model")


def test_a_label_out_of_range_is_nan_in_compiled_code_and_has_no_gradient():
    x, w, labels, _ = example(4, 6)
    bad = labels.copy()
    bad[1] = 6
    run = jax.jit(jax.value_and_grad(lambda x, y: lce(x, w, y, reduction="sum"), 0))
    total, gradient = run(x, bad)
    assert np.isnan(total)
    expected = np.array(run(x, labels)[1])
    expected[1] = 0
    np.testing.assert_allclose(gradient, expected, rtol=1e-6)


@pytest.mark.peers
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_values_and_gradients_match_torch(smoothing):
    torch = pytest.importorskip("torch")
    if not hasattr(torch.nn.functional, "linear_cross_entropy"):
        pytest.skip("this version of torch has no linear_cross_entropy")
    x, w, labels, bias = example(9, 33, 4)
    labels[2] = -100
    class_weight = np.linspace(0.5, 2, 33, dtype=np.float32)
    tensors = [torch.tensor(each, requires_grad=True) for each in (x, w, bias)]
    there = torch.nn.functional.linear_cross_entropy(
        tensors[0], tensors[1], torch.tensor(labels.astype(np.int64)), linear_bias=tensors[2],
        weight=torch.tensor(class_weight), label_smoothing=smoothing,
    )  # fmt: skip
    there.backward()
    here, gradients = jax.value_and_grad(
        lambda x, w, b: lce(x, w, labels, b, class_weight=class_weight, label_smoothing=smoothing, reduction="mean"),
        (0, 1, 2),
    )(x, w, bias)
    np.testing.assert_allclose(here, there.item(), rtol=1e-5)
    for one, other in zip(gradients, tensors, strict=True):
        np.testing.assert_allclose(one, other.grad.numpy(), rtol=1e-4, atol=1e-6)


PARALLEL = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import PartitionSpec as P
from sporax import losses

jax.config.update("jax_numpy_rank_promotion", "raise")
lce = losses.linear_cross_entropy
rng = np.random.default_rng(0)
rows, classes, width = 13, 40, 5
x = rng.normal(0, 1.5, (rows, width)).astype(np.float32)
w, b = rng.normal(size=(classes, width)).astype(np.float32), rng.normal(size=classes).astype(np.float32)
y = rng.integers(0, classes, rows).astype(np.int32)
y[:3] = 0, classes - 1, -100
of_class = np.linspace(0.0, 2.0, classes, dtype=np.float32)
weights = rng.choice(np.float32([0, 1, 2]), rows)
auto = jax.sharding.AxisType.Auto
mesh = jax.make_mesh((8,), ("classes",), axis_types=(auto,))

def compare(reduction, params, check_vma, inside):
    def one(x, w, b, c, axis_name=None):
        out, stats = lce(x, w, y, b, class_weight=c, weights=weights, reduction=reduction, return_stats=True,
                         axis_name=axis_name, chunk_size=5, **params)
        return jnp.sum(out * (jnp.cos(jnp.arange(rows)) if reduction == "none" else 1.0)), stats
    c = of_class if params.pop("classed", False) else None
    s, r = P("classes"), P()
    grad = lambda f: jax.value_and_grad(f, (0, 1, 2), has_aux=True)
    spread = lambda *a: one(*a, axis_name="classes")
    outs = ((r, losses.LinearCrossEntropyStats(r, r, r)), (r, s, s)) if inside else (
        r, losses.LinearCrossEntropyStats(r, r, r))
    mapped = jax.shard_map(grad(spread) if inside else spread, mesh=mesh, in_specs=(r, s, s, s), out_specs=outs,
                           check_vma=check_vma)
    found = jax.jit(mapped if inside else grad(mapped))(x, w, b, c)
    for got, expected in zip(jax.tree.leaves(found), jax.tree.leaves(jax.jit(grad(one))(x, w, b, c)), strict=True):
        np.testing.assert_allclose(got, expected, rtol=3e-5, atol=1e-5, err_msg=f"{reduction} {params}")

full = {"label_smoothing": 0.2, "softcap": 3.0, "z_loss": 0.05, "classed": True}
compare("mean", {}, True, True)
compare("mean", dict(full), True, True)
compare("sum", dict(full), True, False)
compare("mean", dict(full), False, False)
compare("none", dict(full), True, True)

# Padding: a shard with no class at all.
padded = np.concatenate([b[:33], np.full(7, -np.inf, np.float32)])
small = np.minimum(y, 32)
def padded_loss(w, b, axis_name=None):
    return lce(x, w, small, b, reduction="mean", axis_name=axis_name)
got = jax.jit(jax.shard_map(jax.value_and_grad(lambda w, b: padded_loss(w, b, "classes")), mesh=mesh,
                            in_specs=(P("classes"), P("classes")), out_specs=(P(), P("classes"))))(w, padded)
expected = jax.value_and_grad(padded_loss)(w[:33], b[:33])
np.testing.assert_allclose(got[0], expected[0], rtol=1e-5)
np.testing.assert_allclose(got[1][:33], expected[1], rtol=1e-4, atol=1e-6)
assert not np.asarray(got[1][33:]).any()

# Collectives and shapes: one all-reduce in the loop over the chunks, one for the gradient of the hidden states, and
# nothing as wide as all classes.
def gradients(x, w):
    return jax.value_and_grad(lambda x, w: lce(x, w, y, reduction="mean", axis_name="classes", chunk_size=5),
                              (0, 1))(x, w)
specs = {"in_specs": (P(), P("classes")), "out_specs": (P(), (P(), P("classes")))}
program = jax.jit(jax.shard_map(gradients, mesh=mesh, **specs))
text = program.lower(x, w).compile().as_text()
print(sum(" all-reduce(" in line or " all-reduce-start(" in line for line in text.splitlines()),
      sum(" all-gather" in line or " all-to-all" in line for line in text.splitlines()),
      "f32[5,40]" in text, "f32[40," in text)

# Rows over one axis of the mesh, classes over the other; and labels checked in debug mode.
two = jax.make_mesh((2, 4), ("rows", "classes"), axis_types=(auto, auto))
def rows_too(x, w, y):
    total = lce(x, w, y, reduction="sum", axis_name="classes", chunk_size=2)
    return jax.lax.psum(total, "rows")
both = jax.shard_map(rows_too, mesh=two, in_specs=(P("rows"), P("classes"), P("rows")), out_specs=P())
got = jax.jit(jax.value_and_grad(both, (0, 1)))(x[:12], w, y[:12])
expected = jax.value_and_grad(lambda x, w: lce(x, w, y[:12], reduction="sum"), (0, 1))(x[:12], w)
for one, other in zip(jax.tree.leaves(got), jax.tree.leaves(expected), strict=True):
    np.testing.assert_allclose(one, other, rtol=3e-5, atol=1e-5)
"""


def test_classes_over_eight_devices(on_eight_devices):
    assert on_eight_devices(PARALLEL).split() == ["2", "0", "False", "False"]
