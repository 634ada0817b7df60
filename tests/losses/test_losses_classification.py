"""Cross entropy over the complete grid of its arguments, compared with the oracle and PyTorch; special cases."""

from __future__ import annotations

import itertools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import ORACLES, log_softmax, reduced
from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, LabelError, ShapeError

pytestmark = pytest.mark.slow

INF = np.inf
CLASSES = 4
WEIGHTS = {"plain": None, "weighted": [0.5, 2.0, 0.25, 1.5], "one class of weight 0": [1.0, 0.0, 3.0, 0.5]}
GRID = list(itertools.product((0.0, 0.3, 1.0), (-100, 2), WEIGHTS, (False, True), ((), (2, 3))))
NAMES = ("smoothing", "ignore_index", "weight", "soft", "rest")
grid = pytest.mark.parametrize(NAMES, GRID)


def inputs_for(soft: bool, rest: tuple[int, ...], dtype: Any = np.float32) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([5, len(rest)])
    logits = rng.normal(0, 2, (5, CLASSES, *rest)).astype(dtype)
    if soft:
        labels = rng.dirichlet(np.ones(CLASSES), (5, *rest))
        return logits, np.moveaxis(labels, -1, 1).astype(dtype)
    labels = rng.integers(0, CLASSES, (5, *rest)).astype(np.int32)
    labels[0] = 2  # so that a label is ignored
    labels[1] = 1  # and a label has class weight 0
    return logits, labels


def options_for(smoothing: float, ignore_index: int, weight: str, soft: bool) -> tuple[str, dict[str, Any]]:
    options: dict[str, Any] = {"weight": WEIGHTS[weight], "label_smoothing": smoothing}
    return ("soft_cross_entropy", options) if soft else ("cross_entropy", options | {"ignore_index": ignore_index})


def kept(labels: np.ndarray, ignore_index: int, soft: bool) -> np.ndarray | None:
    return None if soft else (labels != ignore_index).astype(np.float64)


@grid
def test_the_grid_matches_the_oracle(smoothing, ignore_index, weight, soft, rest):
    name, options = options_for(smoothing, ignore_index, weight, soft)
    logits, labels = inputs_for(soft, rest)
    oracle = ORACLES[name]
    expected = oracle.value(logits, labels, **options)
    assert oracle.gradients is not None
    counts = 1.0 if oracle.counts is None else oracle.counts(logits, labels, **options)
    weights = kept(labels, ignore_index, soft)
    total = np.sum(np.broadcast_to(counts, expected.shape) * (1.0 if weights is None else weights))
    cotangents = {"sum": np.ones(expected.shape), "mean": np.full(expected.shape, 1 / total)}

    def both(x: jax.Array) -> tuple[jax.Array, jax.Array]:
        one = lambda reduction: losses.evaluate(getattr(losses, name), x, labels, reduction=reduction, **options)  # noqa: E731
        return one("sum"), one("mean")

    values = losses.evaluate(getattr(losses, name), logits, labels, reduction="none", **options)
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
    got, vjp = jax.vjp(both, jnp.asarray(logits))
    for at, reduction in enumerate(cotangents):
        np.testing.assert_allclose(got[at], reduced(expected, reduction, weights, counts), rtol=1e-5, err_msg=reduction)
        derivative = vjp((1.0 - at, jnp.float32(at)))[0]
        exact = oracle.gradients(cotangents[reduction], logits, labels, **options)[0]
        np.testing.assert_allclose(derivative, exact, rtol=1e-5, atol=1e-6, err_msg=reduction)


@pytest.mark.peers
@grid
def test_the_grid_matches_torch(smoothing, ignore_index, weight, soft, rest):
    torch = pytest.importorskip("torch")
    dtype: Any = np.float64 if rest else np.float32
    name, options = options_for(smoothing, ignore_index, weight, soft)
    logits, labels = inputs_for(soft, rest, dtype)
    tolerance = 5e-6 if dtype == np.float32 else 1e-11
    of_class = None if WEIGHTS[weight] is None else torch.tensor(WEIGHTS[weight], dtype=torch.from_numpy(logits).dtype)
    with jax.enable_x64(dtype == np.float64):
        for reduction in losses.REDUCTIONS:
            x = torch.tensor(logits, requires_grad=True)
            target = torch.tensor(labels, requires_grad=soft) if soft else torch.tensor(labels).long()
            ignored = {} if soft else {"ignore_index": ignore_index}
            expected = torch.nn.functional.cross_entropy(
                x, target, weight=of_class, reduction=reduction, label_smoothing=smoothing, **ignored
            )
            cotangent = np.random.default_rng(3).normal(size=tuple(expected.shape)).astype(dtype)
            expected.backward(torch.tensor(cotangent))

            def fn(*floats: Any, reduction: str = reduction) -> jax.Array:
                arrays = floats if soft else (*floats, labels)
                return losses.evaluate(getattr(losses, name), *arrays, reduction=reduction, **options)

            values, vjp = jax.vjp(fn, *((jnp.asarray(logits), jnp.asarray(labels)) if soft else (jnp.asarray(logits),)))
            np.testing.assert_allclose(values, expected.detach().numpy(), rtol=tolerance, atol=tolerance)
            gradients = vjp(jnp.asarray(cotangent))
            np.testing.assert_allclose(gradients[0], x.grad.numpy(), rtol=tolerance, atol=tolerance)
            if soft:
                np.testing.assert_allclose(gradients[1], target.grad.numpy(), rtol=tolerance, atol=2 * tolerance)


@pytest.mark.peers
@pytest.mark.parametrize(("rest", "dtype"), [((), np.float32), ((2, 3), np.float64)])
def test_nll_matches_torch(rest, dtype):
    torch = pytest.importorskip("torch")
    logits, labels = inputs_for(False, rest, dtype)
    log_p = np.moveaxis(log_softmax(np.moveaxis(logits.astype(np.float64), 1, -1)), -1, 1)
    log_p = np.ascontiguousarray(log_p, dtype)
    with jax.enable_x64(dtype == np.float64):
        for weight, ignored, reduction in itertools.product(WEIGHTS, (-100, 2), losses.REDUCTIONS):
            of_class = WEIGHTS[weight]
            x = torch.tensor(log_p, requires_grad=True)
            expected = torch.nn.functional.nll_loss(
                x,
                torch.tensor(labels).long(),
                weight=None if of_class is None else torch.tensor(of_class, dtype=x.dtype),
                ignore_index=ignored,
                reduction=reduction,
            )
            expected.backward(torch.ones_like(expected))
            got, vjp = jax.vjp(
                lambda a, of_class=of_class, ignored=ignored, reduction=reduction: losses.evaluate(
                    losses.nll_loss, a, labels, reduction=reduction, weight=of_class, ignore_index=ignored
                ),
                jnp.asarray(log_p),
            )
            np.testing.assert_allclose(got, expected.detach().numpy(), rtol=1e-6, atol=1e-7)
            np.testing.assert_allclose(vjp(jnp.ones_like(got))[0], x.grad.numpy(), rtol=1e-6, atol=1e-7)


def test_nll_of_log_softmax_is_cross_entropy():
    logits, labels = inputs_for(False, (3,))
    log_p = jnp.moveaxis(losses.log_softmax(jnp.moveaxis(logits, 1, -1)), -1, 1)
    options: dict[str, Any] = {"weight": WEIGHTS["weighted"], "ignore_index": 2, "label_smoothing": 0.2}
    for reduction in losses.REDUCTIONS:
        got = losses.evaluate(losses.nll_loss, log_p, labels, reduction=reduction, **options)
        expected = losses.evaluate(losses.cross_entropy, logits, labels, reduction=reduction, **options)
        np.testing.assert_allclose(got, expected, rtol=2e-6)


def test_one_hot_labels_have_the_values_of_class_indices():
    logits, labels = inputs_for(False, (3,))
    dense = np.moveaxis(np.eye(CLASSES, dtype=np.float32)[labels], -1, 1)
    options: dict[str, Any] = {"weight": WEIGHTS["weighted"], "label_smoothing": 0.2}
    sparse = losses.cross_entropy(logits, labels, **options)
    np.testing.assert_allclose(losses.soft_cross_entropy(logits, dense, **options), sparse, rtol=2e-6)


# p is the limit of the softmax.
EXTREMES = [
    ([1e4, -1e4, 0.0], [1, 0, 0]),
    ([-INF, 0.0, 0.0], [0, 0.5, 0.5]),
    ([INF, INF, -2.0], [0.5, 0.5, 0]),
    ([-INF, -INF, -INF], [1 / 3, 1 / 3, 1 / 3]),
]


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_infinite_logits_give_the_limit(smoothing):
    for logits, p in EXTREMES:
        check_limit(logits, np.array(p), smoothing)


def check_limit(logits: list[float], p: np.ndarray, smoothing: float) -> None:
    weight = np.array([0.5, 2.0, 1.5])
    for label in range(3):
        target = weight * ((1 - smoothing) * np.eye(3)[label] + smoothing / 3)
        if np.isfinite(logits).all():
            cost = np.sum(target * (max(logits) - np.array(logits)))
        else:
            cost = -np.sum([t * np.log(q) if q else -INF for t, q in zip(target, p, strict=True) if t])
        dense = np.eye(3, dtype=np.float32)[[label]]
        for fn, labels in ((losses.cross_entropy, np.array([label])), (losses.soft_cross_entropy, dense)):
            call = lambda x, fn=fn, labels=labels: fn(x, labels, weight=weight, label_smoothing=smoothing)[0]  # noqa: E731
            value, gradient = jax.value_and_grad(call)(jnp.array([logits], jnp.float32))
            np.testing.assert_allclose(value, cost, rtol=1e-6)
            np.testing.assert_allclose(gradient, [p * target.sum() - target], atol=1e-6)


def test_a_class_of_weight_zero_has_no_loss_even_where_its_probability_is_zero():
    logits = jnp.array([[-INF, 0.0, 0.0]])
    for smoothing in (0.0, 0.3, 1.0):
        options: dict[str, Any] = {"weight": [0.0, 1.0, 1.0], "label_smoothing": smoothing}
        value, gradient = jax.value_and_grad(lambda x, o=options: losses.cross_entropy(x, np.array([0]), **o).sum())(
            logits
        )
        assert value.item() == pytest.approx(smoothing / 3 * 2 * np.log(2), rel=1e-6, abs=1e-7)
        assert np.isfinite(gradient).all()


def test_a_traced_smoothing_may_be_zero():
    logits = jnp.array([[-INF, 0.0, 1.0]])
    swept = jax.vmap(lambda s: losses.cross_entropy(logits, np.array([1]), label_smoothing=s))(jnp.array([0.0, 0.5]))
    assert swept[0, 0].item() == pytest.approx(np.log1p(np.e), rel=1e-6)
    assert np.isposinf(swept[1, 0])


def test_all_ignored_or_of_weight_zero_is_zero_with_no_gradient():
    logits = jnp.array([[1.0, np.nan], [INF, 2.0]])
    for options in ({"ignore_index": 1}, {"ignore_index": 1, "label_smoothing": 0.5}):
        for reduction in ("mean", "sum"):
            value, gradient = jax.value_and_grad(
                lambda x, r=reduction, o=options: losses.evaluate(
                    losses.cross_entropy, x, np.array([1, 1]), reduction=r, **o
                )
            )(logits)
            assert value.item() == 0
            assert not gradient.any()
    weighted = losses.evaluate(losses.cross_entropy, np.zeros((2, 2)), np.array([1, 1]), weight=[1.0, 0.0])
    assert weighted.item() == 0


@pytest.mark.parametrize("smoothing", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("name", ["cross_entropy", "nll_loss"])
def test_a_label_that_is_not_a_class_gives_nan_without_gradient_in_compiled_code(name, smoothing):
    logits, labels = np.zeros((3, 4), np.float32) - 1, np.array([1, 4, -1])
    options: dict[str, Any] = {"label_smoothing": smoothing, "weight": WEIGHTS["weighted"]}
    call = jax.jit(lambda x, y: getattr(losses, name)(x, y, **options))
    values, vjp = jax.vjp(lambda x: call(x, labels), jnp.asarray(logits))
    assert np.isnan(values).tolist() == [False, True, True]
    gradient = np.asarray(vjp(jnp.ones(3))[0])
    assert gradient[0].any()
    assert not gradient[1:].any()


def test_an_ignored_label_is_ignored_in_compiled_code_too():
    logits, labels = inputs_for(False, ())
    labels = np.where(labels == 2, -100, labels)
    call = lambda x, y: losses.evaluate(losses.cross_entropy, x, y, weight=WEIGHTS["weighted"])  # noqa: E731
    assert jax.jit(call)(logits, labels).item() == pytest.approx(call(logits, labels).item(), rel=1e-6)


def test_invalid_arguments_raise():
    x, y = np.zeros((3, 4), np.float32), np.array([0, 1, 2])
    with pytest.raises(ShapeError, match=r"`weight` must have shape \(4,\), one number per class, but got .*\(3,\)"):
        losses.cross_entropy(x, y, weight=[1.0, 2.0, 3.0])
    with pytest.raises(DtypeError, match="`weight` must hold real numbers, but got dtype complex64"):
        losses.nll_loss(x, y, weight=np.ones(4, np.complex64))
    for smoothing in (-0.1, 1.5):
        with pytest.raises(ArgumentError, match=r"cross_entropy: `label_smoothing` must be in \[0, 1\], but got"):
            losses.cross_entropy(x, y, label_smoothing=smoothing)
    with pytest.raises(ArgumentTypeError, match="cross_entropy: `ignore_index` must be an int"):
        losses.cross_entropy(x, y, ignore_index=1.5)
    with pytest.raises(LabelError, match=r"class indices in \[0, 4\), but got -100 at index \(1,\)"):
        losses.cross_entropy(x, np.array([0, -100, 1]), ignore_index=2)


def test_a_class_weight_of_another_dtype_does_not_widen():
    x, y = jnp.ones((3, 4), jnp.float16), np.array([0, 1, 2])
    with jax.enable_x64(True):
        assert losses.cross_entropy(x, y, weight=np.ones(4)).dtype == np.float16
        assert losses.evaluate(losses.cross_entropy, x, y, weight=np.arange(4)).dtype == np.float16


class TestSmoothLabels:
    def test_probabilities_are_mixed_with_the_uniform_ones(self):
        labels = np.array([[1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]], np.float32)
        got = losses.smooth_labels(labels, 0.2)
        np.testing.assert_allclose(got, 0.8 * labels + 0.05, rtol=1e-6)
        np.testing.assert_allclose(losses.smooth_labels(labels.T, 0.2, axis=0), got.T, rtol=1e-6)

    def test_indices_become_rows_and_invalid_ones_nan(self):
        got = np.asarray(losses.smooth_labels(np.array([[1, 3]], np.uint8), 0.5, classes=3))
        np.testing.assert_allclose(got[0, 0], [1 / 6, 4 / 6, 1 / 6], rtol=1e-6)
        assert np.isnan(got[0, 1]).all()
        assert losses.smooth_labels(np.array([[1, 2]]), 0.5, classes=3, axis=1).shape == (1, 3, 2)

    def test_cross_entropy_of_smooth_labels(self):
        logits, labels = inputs_for(False, ())
        target = losses.smooth_labels(labels, 0.3, classes=CLASSES)
        expected = losses.cross_entropy(logits, labels, label_smoothing=0.3)
        np.testing.assert_allclose(losses.softmax_cross_entropy_with_logits(logits, target), expected, rtol=2e-6)

    def test_dtypes_and_errors(self):
        assert losses.smooth_labels(jnp.ones((2, 2), jnp.bfloat16), 0.1).dtype == jnp.bfloat16
        with pytest.raises(ArgumentError, match="smooth_labels: `label_smoothing` must be in"):
            losses.smooth_labels([[1.0]], 2.0)
        with pytest.raises(DtypeError, match="smooth_labels: `labels` must hold integers"):
            losses.smooth_labels([1.0], 0.1, classes=3)
