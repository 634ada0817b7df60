"""Ties, infinities, exact zeros and ones: the result of each loss at the ends of its domain."""

from __future__ import annotations

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sporax import losses
from sporax._errors import ArgumentError, LabelError, ShapeError

INF = np.inf
DTYPES = [np.float32, np.float16, jnp.bfloat16]


def value_and_grad(fn, x, *rest, **params):
    x = jnp.asarray(x, jnp.float32)
    values, vjp = jax.vjp(lambda a: fn(a, *rest, **params), x)
    return np.asarray(values), np.asarray(vjp(jnp.ones_like(values))[0])


def test_l1_has_derivative_zero_at_a_tie():
    values, gradient = value_and_grad(losses.l1_loss, [1.0, 5.0, 0.0], np.array([1.0, 0.0, 2.0], np.float32))
    assert values.tolist() == [0, 5, 2]
    assert gradient.tolist() == [0, 1, -1]


def test_smooth_l1_is_continuous_at_beta_and_finite_for_large_errors():
    x = [0.5, -0.5, 0.49, 0.0, 1e30, -INF]
    values, gradient = value_and_grad(losses.smooth_l1_loss, x, np.zeros(6, np.float32), beta=0.5)
    np.testing.assert_allclose(values, [0.25, 0.25, 0.2401, 0, 1e30, INF], rtol=1e-6)
    np.testing.assert_allclose(gradient, [1, -1, 0.98, 0, 1, -1], rtol=1e-6)


def test_the_second_derivative_of_smooth_l1_at_zero():
    second = jax.grad(jax.grad(lambda x: losses.smooth_l1_loss(x, 0.0, beta=0.25)))
    assert [second(x).item() for x in (0.0, 0.1, 1.0)] == [4, 4, 0]


@pytest.mark.parametrize("beta", [0, -1.0, float("nan")])
def test_beta_must_be_above_zero(beta):
    with pytest.raises(ArgumentError, match=r"smooth_l1_loss: `beta` must be in \(0, inf\), but got"):
        losses.smooth_l1_loss([1.0], [2.0], beta=beta)


def test_a_hyper_parameter_may_be_traced():
    betas = jnp.array([0.5, 1.0, 2.0])
    swept = jax.vmap(lambda beta: losses.smooth_l1_loss(1.0, 0.0, beta=beta))(betas)
    assert swept.tolist() == [0.75, 0.5, 0.25]


# Softmax cross entropy. p is the limit of the probability of each class.
ROWS = [
    ("huge", [1e4, -1e4, 0.0], [1, 0, 0]),
    ("masked class", [-INF, 0.0, 0.0], [0, 0.5, 0.5]),
    ("one certain", [INF, 3.0, -2.0], [1, 0, 0]),
    ("two certain", [INF, INF, -2.0], [0.5, 0.5, 0]),
    ("all masked", [-INF, -INF, -INF], [1 / 3, 1 / 3, 1 / 3]),
    ("both ends", [INF, -INF, 0.0], [1, 0, 0]),
]


@functools.cache
def of_one_sample(fn):
    return jax.jit(jax.value_and_grad(fn))


@functools.cache
def hessian_of(fn):
    return jax.jit(jax.hessian(fn))


@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "jit"])
@pytest.mark.parametrize(("logits", "p"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
@pytest.mark.parametrize("label", [0, 1, 2])
def test_cross_entropy_of_extreme_logits_is_the_limit(logits, p, label, compiled):
    one_hot = np.eye(3, dtype=np.float32)[label]
    x = np.asarray(logits, np.float32)
    finite = np.isfinite(logits).all()
    expected = max(logits) - logits[label] if finite else INF if p[label] == 0 else -np.log(p[label])
    for fn, target in (
        (losses.softmax_cross_entropy_with_logits, one_hot),
        (losses.sparse_softmax_cross_entropy_with_logits, np.int32(label)),
    ):
        values, gradient = of_one_sample(fn)(x, target) if compiled else value_and_grad(fn, x, target)
        np.testing.assert_allclose(values, expected, rtol=1e-6, err_msg=fn.__name__)
        assert not np.signbit(values)
        np.testing.assert_allclose(gradient, p - one_hot, atol=1e-7, err_msg=fn.__name__)
        np.testing.assert_allclose(hessian_of(fn)(x, target), np.diag(p) - np.outer(p, p), atol=1e-7)


def test_a_nan_logit_is_not_hidden():
    assert np.isnan(losses.softmax_cross_entropy_with_logits([np.nan, 1.0], [0.0, 1.0]))
    assert np.isnan(losses.sparse_softmax_cross_entropy_with_logits(np.array([np.nan, 1.0]), 1))


def test_dense_labels_have_their_gradient_and_a_row_of_zeros_has_none():
    logits = jnp.array([[1.0, 2.0, -INF]])
    gradient = jax.grad(lambda y: losses.softmax_cross_entropy_with_logits(logits, y).sum())(jnp.zeros((1, 3)))
    np.testing.assert_allclose(gradient, [[np.log1p(np.e), np.log1p(1 / np.e), 0]], rtol=1e-6)
    values, gradient = value_and_grad(losses.softmax_cross_entropy_with_logits, logits, np.zeros((1, 3), np.float32))
    assert values.tolist() == [0]
    assert not gradient.any()


@pytest.mark.parametrize("dtype", DTYPES)
def test_half_logits_of_ten_thousand_are_finite(dtype):
    logits = jnp.array([[1e4, -1e4, 5.0], [-1e4, 1e4, 1e4]], dtype)
    total, gradient = jax.value_and_grad(
        lambda x: losses.evaluate(losses.sparse_softmax_cross_entropy_with_logits, x, np.array([1, 0]))
    )(logits)
    assert total.dtype == gradient.dtype == dtype
    assert np.isfinite(total)
    assert jnp.isfinite(gradient).all()


def test_mixed_up_one_hot_and_index_labels_are_distinguished():
    logits = np.zeros((4, 3), np.float32)
    with pytest.raises(ShapeError, match=r"look like one-hot labels: use the loss for dense labels, or labels.argmax"):
        losses.sparse_softmax_cross_entropy_with_logits(logits, np.eye(3, dtype=np.int32)[[0, 1, 2, 0]])
    with pytest.raises(ShapeError, match=r"look like class indices: use the loss for sparse labels, or one-hot"):
        losses.softmax_cross_entropy_with_logits(logits, np.array([0, 1, 2, 0]))
    with pytest.raises(ShapeError, match=r"must have shape \(4,\), but got \(4, 1\).*Use labels.reshape\(\(4,\)\)"):
        losses.sparse_softmax_cross_entropy_with_logits(logits, np.zeros((4, 1), np.int32))
    with pytest.raises(ShapeError, match="there must be at least one class"):
        losses.sparse_softmax_cross_entropy_with_logits(np.zeros((4, 0)), np.zeros(4, np.int32))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (
            [0, -1, 2],
            "but got -1 at index (1,). To ignore a sample, give it a valid label and a weight of 0.",
        ),
        ([1, 3, 2], "but got 3 at index (1,). They seem to start at 1: use labels - 1."),
        ([0, 1, 7], "but got 7 at index (2,). Check the number of classes of the model."),
    ],
)
def test_the_suggested_fix_matches_the_label(labels, message):
    with pytest.raises(LabelError) as caught:
        losses.sparse_softmax_cross_entropy_with_logits(np.zeros((3, 3), np.float32), np.array(labels))
    assert str(caught.value) == (
        "sparse_softmax_cross_entropy_with_logits: `labels` must be class indices in [0, 3), " + message
    )


def test_64_bit_labels_are_checked_before_jax_narrows_them():
    with pytest.raises(LabelError, match="but got 4294967297 at index"):
        losses.sparse_softmax_cross_entropy_with_logits(np.zeros((1, 3)), np.array([2**32 + 1]))


def test_a_compiled_64_bit_label_does_not_wrap():
    with jax.enable_x64(True):
        call = jax.jit(losses.sparse_softmax_cross_entropy_with_logits)
        values = call(np.zeros((3, 4)), np.array([2**32 + 1, -1, 2]))
    assert np.isnan(values).tolist() == [True, True, False]


def test_more_classes_than_the_label_dtype_can_represent():
    logits = np.random.default_rng(0).normal(size=(2, 300)).astype(np.float32)
    values = [
        losses.sparse_softmax_cross_entropy_with_logits(logits, np.array([200, 255], dtype))
        for dtype in (np.uint8, np.int32)
    ]
    np.testing.assert_array_equal(*values)


# Binary cross entropy


def test_probabilities_of_0_and_1_have_bounded_loss_and_gradient():
    corners = np.array(list(itertools.product([0.0, 1.0], [0.0, 1.0])), np.float32)
    p, y = corners.T
    values, gradient = value_and_grad(losses.binary_cross_entropy, p, y)
    assert values.tolist() == [0, 100, 100, 0]
    assert not np.signbit(values).any()
    np.testing.assert_allclose(gradient, [0, -1e12, 1e12, 0], rtol=1e-6)
    second = jax.hessian(lambda x: losses.binary_cross_entropy(x, y).sum())(jnp.asarray(p))
    assert np.isfinite(second).all()
    label_gradient = jax.grad(lambda t: losses.binary_cross_entropy(p, t).sum())(jnp.asarray(y))
    assert label_gradient.tolist() == [100, 100, -100, -100]


def test_probabilities_outside_their_interval():
    with pytest.raises(ArgumentError) as caught:
        losses.binary_cross_entropy(np.array([0.5, 1.5, -0.1]), np.array([0.0, 1.0, 1.0]))
    assert str(caught.value) == (
        "binary_cross_entropy: `inputs` must be probabilities in [0, 1], but got 1.5 at index (1,). "
        "Use the output of a sigmoid."
    )
    with pytest.raises(LabelError, match=r"`labels` must be probabilities in \[0, 1\], but got -1.0 at index \(0,\)"):
        losses.binary_cross_entropy(np.array([0.5]), np.array([-1.0]))
    compiled = jax.jit(losses.binary_cross_entropy)(np.array([0.5, 1.5, -0.1]), np.array([0.0, 1.0, 1.0]))
    assert np.isnan(compiled).tolist() == [False, True, True]


def test_bce_weight_is_a_sample_weight():
    p = np.array([[0.1, 0.2, np.nan], [0.5, 0.7, 0.9]], np.float32)
    y = np.array([[0, 1, 0], [0, 0, 1]], np.float32)
    weight = np.array([[1.0, 2.0, 0.0], [4.0, 3.0, 2.0]], np.float32)
    values = losses.binary_cross_entropy(p, y, weight=weight)
    assert values[0, 2] == 0
    got = losses.evaluate(losses.binary_cross_entropy, p, y, weight=weight)
    assert got.item() == pytest.approx(float(np.sum(values)) / 5, rel=1e-6)
    twice = losses.evaluate(losses.binary_cross_entropy, p, y, weight=weight, weights=[[1.0], [0.0]])
    assert twice.item() == pytest.approx(float(np.sum(values[0])) / 2, rel=1e-6)
    gradient = jax.grad(lambda x: losses.binary_cross_entropy(x, y, weight=weight).sum())(jnp.asarray(p))
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("weight", [2.0, [1.0, 2.0, 3.0], [[1.0], [2.0]]])
def test_bce_weight_broadcasts(weight):
    p, y = np.full((2, 3), 0.25, np.float32), np.ones((2, 3), np.float32)
    values = losses.binary_cross_entropy(p, y, weight=weight)
    np.testing.assert_allclose(values, -np.log(0.25) * np.broadcast_to(np.array(weight), (2, 3)), rtol=1e-6)


def test_bce_weight_never_makes_the_loss_larger():
    with pytest.raises(ShapeError, match=r"binary_cross_entropy: `weight` must broadcast to .* \(3,\), but got shape"):
        losses.binary_cross_entropy(np.full(3, 0.5), np.ones(3), weight=np.ones((2, 3)))


# Cosine embedding


@pytest.mark.parametrize("label", [1, -1])
def test_zero_vectors_have_cosine_zero_and_no_gradient(label):
    x1 = jnp.array([[0.0, 0.0], [0.0, 0.0], [3.0, 4.0]])
    x2 = jnp.array([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]])
    labels = np.full(3, label)

    def total(a: jax.Array, b: jax.Array) -> jax.Array:
        return losses.cosine_embedding_loss(a, b, labels, margin=-0.5).sum()

    value, gradients = jax.jit(jax.value_and_grad(total, (0, 1)))(x1, x2)
    assert value.item() == (3 if label == 1 else 1.5)
    assert not any(gradient.any() for gradient in gradients)
    assert np.isfinite(jax.jit(jax.hessian(total))(x1, x2)).all()


@pytest.mark.parametrize("scale", [1e-30, 1e-12, 1e18, 1e30])
def test_the_norm_of_a_vector_does_not_matter(scale):
    x1, x2 = np.array([[1.0, 2.0, -1.0]], np.float32), np.array([[0.5, 3.0, 2.0]], np.float32)
    expected, expected_gradient = value_and_grad(losses.cosine_embedding_loss, x1, x2, np.array([1]))
    values, gradient = value_and_grad(losses.cosine_embedding_loss, x1 * np.float32(scale), x2, np.array([1]))
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    np.testing.assert_allclose(gradient * np.float32(scale), expected_gradient, rtol=2e-6)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int64, np.float32, np.float16])
def test_labels_of_any_real_dtype_do_not_change_the_result_dtype(dtype):
    x = np.array([[1.0, 2.0]], np.float16)
    assert losses.cosine_embedding_loss(x, x, np.array([1], dtype)).dtype == np.float16


def test_labels_zero_and_one_get_a_suggested_fix():
    with pytest.raises(LabelError, match=r"must be 1 or -1, but got 0 at index \(1,\). For labels 0 and 1 use 2 \* l"):
        losses.cosine_embedding_loss(np.ones((2, 3)), np.ones((2, 3)), np.array([1, 0]))


@pytest.mark.parametrize("margin", [1.5, -1.01])
def test_margin_is_a_cosine(margin):
    with pytest.raises(ArgumentError, match=r"cosine_embedding_loss: `margin` must be in \[-1, 1\], but got"):
        losses.cosine_embedding_loss(np.ones((1, 2)), np.ones((1, 2)), np.array([1]), margin=margin)


def test_mindspores_documented_examples():
    cosine = losses.evaluate(
        losses.cosine_embedding_loss,
        np.array([[0.3, 0.8], [0.4, 0.3]], np.float32),
        np.array([[0.4, 1.2], [-0.4, -0.9]], np.float32),
        np.array([1, -1], np.int32),
    )
    # Exactly 0.00034258312; MindSpore prints 0.0003425479, within the rounding of float32.
    assert cosine.item() == pytest.approx(0.00034258312, rel=1e-4)
    bce = losses.evaluate(
        losses.binary_cross_entropy,
        np.array([[0.1, 0.2, 0.3], [0.5, 0.7, 0.9]], np.float32),
        np.array([[0, 1, 0], [0, 0, 1]], np.float32),
        weight=np.array([[1.0, 2.0, 3.0], [4.0, 3.3, 2.2]], np.float32),
    )
    assert bce.item() == pytest.approx(1.8952923, rel=1e-6)
