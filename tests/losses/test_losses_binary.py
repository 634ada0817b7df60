"""Binary losses: infinite logits, probabilities of 0 and 1, argument grids; compared with torch, Keras and optax."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.compare import check_loss
from oracles.losses import ORACLES
from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError, ShapeError
from sporax.losses.numerics._logistic import sigmoids, softpluses

pytestmark = pytest.mark.slow

INF = math.inf
RNG = np.random.default_rng(3)
LOGITS = RNG.normal(0.2, 2.0, (4, 3)).astype(np.float32)
PROBABILITIES = RNG.uniform(0.02, 0.98, (4, 3)).astype(np.float32)
SOFT = RNG.uniform(0.02, 0.98, (4, 3)).astype(np.float32)
HARD = RNG.integers(0, 2, (4, 3)).astype(np.float32)
WEIGHT = np.array([[0.5, 2.0, 1.5]], np.float32)


def derivatives(name: str, x: Any, y: Any, **params: Any) -> list[np.ndarray]:
    """Return values, gradients and second derivatives of an elementwise loss with respect to the first input."""
    fn = getattr(losses, name)
    x, y = jnp.asarray(x), jnp.asarray(y)

    def gradient(x: jax.Array) -> jax.Array:
        return jax.grad(lambda a: fn(a, y, **params).sum())(x)

    def run(x: jax.Array) -> Any:
        forward = jax.jvp(lambda a: fn(a, y, **params), (x,), (jnp.ones_like(x),))[1]
        return fn(x, y, **params), gradient(x), forward, jax.jvp(gradient, (x,), (jnp.ones_like(x),))[1]

    values, reverse, forward, second = map(np.asarray, jax.jit(run)(x))
    np.testing.assert_allclose(forward, reverse, rtol=1e-6)
    return [values, reverse, second]


# The logistic pieces


def test_softplus_is_exact_in_float32_and_in_float64():
    x = np.concatenate([np.linspace(-100, 100, 4001), np.geomspace(1e-30, 1, 200)])
    for dtype, tolerance in ((np.float32, 4e-7), (np.float64, 1e-15)):
        with jax.enable_x64(dtype == np.float64):
            given = x.astype(dtype)
            (positive, negative), (p, q) = jax.jit(lambda x: (softpluses(x), sigmoids(x)))(given)
        wide = given.astype(np.float64)
        expected = np.maximum(wide, 0) + np.log1p(np.exp(-abs(wide)))
        normal = expected > np.finfo(np.float32).tiny
        np.testing.assert_allclose(positive[normal], expected[normal], rtol=tolerance)
        np.testing.assert_allclose(
            negative, np.maximum(-wide, 0) + np.log1p(np.exp(-abs(wide))), rtol=tolerance, atol=1e-37
        )
        small = np.exp(-abs(wide)) / (1 + np.exp(-abs(wide)))
        np.testing.assert_allclose(np.minimum(p, q), small, rtol=8e-6 if dtype == np.float32 else 1e-14, atol=1e-37)
        np.testing.assert_allclose(p + q, 1, rtol=1e-6)


def test_softplus_has_every_derivative_at_zero():
    f: Callable[[Any], Any] = lambda x: softpluses(x)[0]  # noqa: E731
    found = []
    for _ in range(5):
        found.append(float(f(jnp.float32(0))))
        f = jax.grad(f)
    np.testing.assert_allclose(found, [math.log(2), 1 / 2, 1 / 4, 0, -1 / 8], atol=1e-6)


# Ends


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("binary_cross_entropy_with_logits", {}),
        ("sigmoid_focal_loss", {"gamma": 2.0}),
        ("sigmoid_focal_loss", {"gamma": 0.5}),
        ("sigmoid_focal_loss", {"gamma": 0.0}),
        ("asymmetric_loss", {"gamma_neg": 2.0, "gamma_pos": 0.5, "clip": 0.0}),
        ("asymmetric_loss", {"gamma_neg": 0.5, "gamma_pos": 0.0, "clip": 0.0}),
    ],
)
def test_far_and_infinite_logits_have_their_limits(name, params):
    x = np.array([INF, -INF, INF, -INF, 1e4, -1e4, 1e4, -1e4, 60.0, 60.0], np.float32)
    y = np.array([1, 0, 0, 1, 1, 0, 0, 1, 1, 0], np.float32)
    values, gradients, bends = derivatives(name, x, y, **params)
    np.testing.assert_allclose(values, [0, 0, INF, INF, 0, 0, 1e4, 1e4, 0, 60], atol=1e-5)
    np.testing.assert_allclose(gradients, [0, 0, 1, -1, 0, 0, 1, -1, 0, 1], atol=1e-5)
    np.testing.assert_allclose(bends, 0, atol=1e-5)


def test_a_clipped_negative_has_no_loss_at_the_low_end_and_a_bounded_loss_at_the_high_end():
    values, gradients, bends = derivatives("asymmetric_loss", np.array([INF, -INF, 1e4, -1e4], np.float32), np.zeros(4))
    high = 0.95**4 * -math.log(0.05)
    np.testing.assert_allclose(values, [high, 0, high, 0], rtol=1e-6)
    np.testing.assert_array_equal(gradients, 0)
    np.testing.assert_array_equal(bends, 0)


def test_soft_margin_at_the_ends():
    x = np.array([INF, -INF, INF, -INF, 1e4, 1e4], np.float32)
    y = np.array([1, -1, -1, 1, 1, -1])
    values, gradients, bends = derivatives("soft_margin_loss", x, y)
    np.testing.assert_array_equal(values, [0, 0, INF, INF, 0, 1e4])
    np.testing.assert_array_equal(gradients, [0, 0, 1, -1, 0, 1])
    np.testing.assert_array_equal(bends, 0)


def test_probabilities_of_0_and_1_have_the_bounds_of_the_cross_entropy():
    p, y = np.array([0, 1, 0, 1], np.float32), np.array([0, 1, 1, 0], np.float32)
    for gamma in (0.0, 0.5, 1.0, 2.0):
        values, gradients, _ = derivatives("binary_focal_cross_entropy", p, y, gamma=gamma)
        np.testing.assert_array_equal(values, [0, 0, 100, 100])
        assert np.isfinite(gradients).all()
        np.testing.assert_array_equal(gradients[:2], 0)
    plain = derivatives("binary_cross_entropy", PROBABILITIES, SOFT)
    for ours, theirs in zip(
        derivatives("binary_focal_cross_entropy", PROBABILITIES, SOFT, gamma=0.0), plain, strict=True
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_a_small_probability_of_error_is_accurate():
    _, gradients, _ = derivatives(
        "binary_cross_entropy_with_logits", np.array([30.0, -30.0], np.float32), np.array([1.0, 0.0])
    )
    np.testing.assert_allclose(gradients, [-math.exp(-30), math.exp(-30)], rtol=4e-6)


@pytest.mark.parametrize("gamma", [1.5, 2.0])
def test_the_gradient_with_respect_to_the_label_is_correct_at_hard_labels(gamma):
    with jax.enable_x64(True):
        x, y = np.array([-2.0, 0.5, 3.0, 0.7, -40.0]), np.array([0.0, 1.0, 0.0, 1.0, 1.0])
        for fn, inputs in ((losses.sigmoid_focal_loss, x), (losses.binary_focal_cross_entropy, 1 / (1 + np.exp(-x)))):
            gradient = jax.grad(lambda b, fn=fn, inputs=inputs: fn(inputs, b, gamma=gamma).sum())
            near = np.abs(y - 1e-9)
            np.testing.assert_allclose(gradient(jnp.asarray(y)), gradient(jnp.asarray(near)), rtol=1e-6)


def test_nan_is_propagated():
    nan = np.full(2, np.nan, np.float32)
    for name in ("binary_cross_entropy_with_logits", "sigmoid_focal_loss", "asymmetric_loss"):
        assert np.isnan(getattr(losses, name)(nan, np.array([0.0, 1.0]))).all()
    assert np.isnan(losses.soft_margin_loss(nan, np.array([-1, 1]))).all()


# Arguments


@pytest.mark.parametrize("labels", [SOFT, HARD], ids=["soft", "hard"])
@pytest.mark.parametrize("smoothing", [0.0, 0.3])
def test_cross_entropies_over_the_grid(labels, smoothing):
    for weight, pos_weight in itertools.product(
        (None, WEIGHT, 2.0), (None, np.array([3.0, 0.5, 1.0], np.float32), 0.25)
    ):
        params = {"weight": weight, "pos_weight": pos_weight, "label_smoothing": smoothing}
        name = "binary_cross_entropy_with_logits"
        check_loss(getattr(losses, name), ORACLES[name], [LOGITS, labels], params, tolerance=1e-5)
    for weight in (None, WEIGHT):
        params = {"weight": 1.0 if weight is None else weight, "label_smoothing": smoothing}
        name = "binary_cross_entropy"
        check_loss(getattr(losses, name), ORACLES[name], [PROBABILITIES, labels], params, tolerance=2e-5)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0, 3.0])
def test_focal_losses_over_the_grid(gamma):
    for alpha, smoothing, labels in itertools.product((None, 0.25), (0.0, 0.2), (SOFT, HARD)):
        # Finite differences in the label need values on both sides.
        if labels is HARD and smoothing == 0 and gamma % 1:
            continue
        params = {"gamma": gamma, "label_smoothing": smoothing}
        name = "sigmoid_focal_loss"
        check_loss(getattr(losses, name), ORACLES[name], [LOGITS, labels], {**params, "alpha": alpha}, tolerance=2e-5)
        params |= {"apply_class_balancing": alpha is not None, "alpha": 0.7}
        name = "binary_focal_cross_entropy"
        check_loss(getattr(losses, name), ORACLES[name], [PROBABILITIES, labels], params, tolerance=1e-4)


def test_focal_loss_of_logits_equals_that_of_their_probabilities():
    with jax.enable_x64(True):
        x, y = LOGITS.astype(np.float64), SOFT.astype(np.float64)
        ours = losses.sigmoid_focal_loss(x, y, alpha=0.3, gamma=1.5, label_smoothing=0.1)
        options = {"apply_class_balancing": True, "alpha": 0.3, "gamma": 1.5, "label_smoothing": 0.1}
        theirs = losses.binary_focal_cross_entropy(1 / (1 + np.exp(-x)), y, **options)
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("clip", [0.0, 0.05, 0.3])
def test_asymmetric_loss_over_the_grid(clip):
    for gamma_neg, gamma_pos, labels in itertools.product((0.0, 1.0, 4.0, 2.5), (0.0, 1.0, 0.5), (SOFT, HARD)):
        params = {"gamma_neg": gamma_neg, "gamma_pos": gamma_pos, "clip": clip}
        check_loss(losses.asymmetric_loss, ORACLES["asymmetric_loss"], [LOGITS, labels], params, tolerance=2e-5)


def test_hyper_parameters_may_be_swept_over():
    gammas = jnp.array([0.0, 0.5, 2.0])
    swept = jax.jit(jax.vmap(lambda g: losses.sigmoid_focal_loss(LOGITS, SOFT, gamma=g, alpha=g / 4)))(gammas)
    for gamma, values in zip(gammas, swept, strict=True):
        fixed = losses.sigmoid_focal_loss(LOGITS, SOFT, gamma=float(gamma), alpha=float(gamma) / 4)
        np.testing.assert_allclose(values, fixed, rtol=1e-5)
    clips = jnp.array([0.05, 0.2])
    swept = jax.jit(jax.vmap(lambda c: losses.asymmetric_loss(LOGITS, HARD, clip=c, gamma_neg=4 * c)))(clips)
    fixed = losses.asymmetric_loss(LOGITS, HARD, clip=0.2, gamma_neg=0.8)
    np.testing.assert_allclose(swept[1], fixed, rtol=1e-5, atol=1e-7)


def test_a_class_of_weight_zero_adds_nothing_whatever_its_values():
    x = LOGITS.copy()
    x[:, 1] = np.array([INF, np.nan, -INF, 1e4])
    run = jax.jit(
        jax.value_and_grad(lambda a: losses.multilabel_soft_margin_loss(a, HARD, weight=[1.0, 0.0, 2.0]).sum())
    )
    value, gradient = run(x)
    other, kept = run(LOGITS)
    np.testing.assert_allclose(value, other, rtol=1e-6)
    np.testing.assert_allclose(gradient[:, ::2], kept[:, ::2], rtol=1e-6)


def test_weights_may_have_a_gradient():
    def total(weight: jax.Array, pos_weight: jax.Array) -> jax.Array:
        return losses.binary_cross_entropy_with_logits(LOGITS, HARD, weight=weight, pos_weight=pos_weight).sum()

    of_weight, of_positive = jax.grad(total, (0, 1))(jnp.ones((4, 3)), jnp.ones(3))
    expected = ORACLES["binary_cross_entropy_with_logits"].value(LOGITS, HARD)
    np.testing.assert_allclose(of_weight, expected, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(of_positive, (expected * HARD).sum(0), rtol=1e-5, atol=1e-7)


def test_a_zero_weight_is_not_counted_in_the_denominator():
    weight = np.array([[1.0], [0.0], [2.0], [0.0]], np.float32)
    mean = losses.evaluate(losses.binary_cross_entropy_with_logits, LOGITS, HARD, weight=weight)
    expected = ORACLES["binary_cross_entropy_with_logits"].value(LOGITS, HARD) * weight
    np.testing.assert_allclose(mean, expected.sum() / 6, rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: losses.binary_cross_entropy_with_logits(LOGITS, HARD, pos_weight=np.ones((4, 1, 3))),
            ShapeError,
            "`pos_weight` must broadcast to the shape of the logits, (4, 3), but got shape (4, 1, 3)",
        ),
        (
            lambda: losses.multilabel_soft_margin_loss(LOGITS, HARD, weight=np.ones(4)),
            ShapeError,
            "For one weight per row use weight.reshape((4, 1)).",
        ),
        (lambda: losses.sigmoid_focal_loss(LOGITS, HARD, gamma=-1), ArgumentError, "`gamma` must be in [0, inf)"),
        (lambda: losses.sigmoid_focal_loss(LOGITS, HARD, alpha=1.5), ArgumentError, "`alpha` must be in [0, 1]"),
        (lambda: losses.asymmetric_loss(LOGITS, HARD, clip=1), ArgumentError, "`clip` must be in [0, 1)"),
        (
            lambda: losses.binary_cross_entropy(PROBABILITIES, HARD, label_smoothing=2),
            ArgumentError,
            "`label_smoothing` must be in [0, 1]",
        ),
        (
            lambda: losses.binary_focal_cross_entropy(PROBABILITIES, HARD, gamma="2"),
            ArgumentTypeError,
            "`gamma` must be a number",
        ),
        (
            lambda: losses.binary_focal_cross_entropy(LOGITS, HARD),
            ArgumentError,
            "`inputs` must be probabilities in [0, 1]",
        ),
        (lambda: losses.sigmoid_focal_loss(LOGITS, 2 * HARD), LabelError, "`labels` must be probabilities in [0, 1]"),
        (lambda: losses.soft_margin_loss(LOGITS, HARD), LabelError, "For labels 0 and 1 use 2 * labels - 1."),
        (
            lambda: losses.binary_cross_entropy_with_logits(LOGITS, HARD[0]),
            ShapeError,
            "`labels` must have shape (4, 3), but got (3,)",
        ),
    ],
)
def test_error_messages(call, error, message):
    with pytest.raises(error) as caught:
        call()
    assert message in str(caught.value)


# Peers


def compare(ours: Callable[..., Any], peer: Callable[..., Any], inputs: list[np.ndarray], tolerance: float) -> None:
    """Compare values and gradients, for a cotangent that differs between elements, with those of a JAX function."""
    results = []
    for fn in (ours, peer):

        def run(*arrays: Any, fn: Any = fn) -> Any:
            values, pull = jax.vjp(fn, *arrays)
            return values, pull(jnp.cos(jnp.arange(values.size, dtype=values.dtype)).reshape(values.shape))

        results.append(jax.tree.leaves(jax.jit(run)(*inputs)))
    for got, expected in zip(*results, strict=True):
        np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance)


def compare_with_torch(name: str, peer: Callable[..., Any], inputs: list[np.ndarray], params: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    dtype = inputs[0].dtype
    tensors = [torch.tensor(array, requires_grad=array.dtype == dtype) for array in inputs]
    given = {key: torch.tensor(value) if isinstance(value, np.ndarray) else value for key, value in params.items()}
    expected = peer(*tensors, **given)
    cotangent = np.cos(np.arange(expected.numel())).reshape(tuple(expected.shape)).astype(dtype)
    expected.backward(torch.tensor(cotangent))
    tolerance = 5e-6 if dtype == np.float32 else 1e-11
    with jax.enable_x64(dtype == np.float64):
        floats = [at for at, array in enumerate(inputs) if array.dtype == dtype]

        def run(chosen: list[Any]) -> Any:
            def fn(chosen: list[Any]) -> jax.Array:
                whole: list[Any] = list(inputs)
                for at, array in zip(floats, chosen, strict=True):
                    whole[at] = array
                return getattr(losses, name)(*whole, **params)

            values, pull = jax.vjp(fn, chosen)
            return values, pull(jnp.asarray(cotangent))[0]

        values, gradients = jax.jit(run)([inputs[at] for at in floats])
    np.testing.assert_allclose(values, expected.detach().numpy(), rtol=tolerance, atol=tolerance)
    for at, gradient in zip(floats, gradients, strict=True):
        expected = tensors[at].grad
        np.testing.assert_allclose(gradient, expected.numpy(), rtol=tolerance, atol=tolerance, err_msg=f"{name} {at}")


@pytest.mark.peers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_losses_match_torch(dtype):
    functional = pytest.importorskip("torch").nn.functional
    x, y, hard = LOGITS.astype(dtype), SOFT.astype(dtype), HARD.astype(dtype)
    weight, positive = WEIGHT.astype(dtype), np.array([3.0, 0.5, 1.0], dtype)

    def peer(name: str) -> Callable[..., Any]:
        return lambda x, y, **params: getattr(functional, name)(x, y, reduction="none", **params)

    name = "binary_cross_entropy_with_logits"
    for params in ({}, {"weight": weight}, {"pos_weight": positive}, {"weight": weight, "pos_weight": positive}):
        compare_with_torch(name, peer(name), [x, y], params)
    compare_with_torch(name, peer(name), [x[0, 0], hard[0, 0]], {})
    compare_with_torch(
        name, peer(name), [x.reshape(2, 1, 6), hard.reshape(2, 1, 6)], {"pos_weight": np.arange(6).astype(dtype)}
    )
    compare_with_torch(
        "binary_cross_entropy", peer("binary_cross_entropy"), [PROBABILITIES.astype(dtype), hard], {"weight": weight}
    )
    compare_with_torch("soft_margin_loss", peer("soft_margin_loss"), [x, (2 * HARD - 1).astype(np.int64)], {})
    for params in ({}, {"weight": positive}):
        # torch reduces over the classes also with "none".
        compare_with_torch("multilabel_soft_margin_loss", peer("multilabel_soft_margin_loss"), [x, y], params)
        compare_with_torch(
            "multilabel_soft_margin_loss", peer("multilabel_soft_margin_loss"), [x[None] * 3, hard[None]], params
        )


@pytest.mark.peers
@pytest.mark.parametrize(("gamma_neg", "gamma_pos", "clip"), [(4.0, 1.0, 0.05), (2.5, 0.5, 0.1), (1.0, 0.0, 0.0)])
def test_the_asymmetric_loss_differentiated_by_torch(gamma_neg, gamma_pos, clip):
    torch = pytest.importorskip("torch")

    def peer(x: Any, y: Any) -> Any:
        p = torch.sigmoid(x)
        rest = (1 - p + clip).clamp(max=1)
        focus = torch.where(y == 1, (1 - p) ** gamma_pos, (1 - rest) ** gamma_neg)
        return -focus * torch.where(y == 1, p, rest).log()

    params = {"gamma_neg": gamma_neg, "gamma_pos": gamma_pos, "clip": clip}
    labels = HARD.astype(np.int64)
    compare_with_torch("asymmetric_loss", lambda x, y, **_: peer(x, y), [LOGITS.astype(np.float64), labels], params)


@pytest.mark.peers
def test_losses_match_optax():
    optax = pytest.importorskip("optax")
    # Away from hard labels, optax has finite derivatives with respect to the labels.
    compare(losses.binary_cross_entropy_with_logits, optax.sigmoid_binary_cross_entropy, [10 * LOGITS, SOFT], 5e-6)
    for params in ({"alpha": 0.25}, {"gamma": 0.5, "alpha": 0.9}):
        compare(
            lambda x, y, params=params: losses.sigmoid_focal_loss(x, y, **params),
            lambda x, y, params=params: optax.sigmoid_focal_loss(x, y, **params),
            [LOGITS, SOFT],
            1e-5,
        )
    compare(
        lambda x: losses.sigmoid_focal_loss(x, HARD, gamma=1.5),
        lambda x: optax.sigmoid_focal_loss(x, HARD, gamma=1.5),
        [LOGITS],
        1e-5,
    )


@pytest.mark.peers
def test_losses_match_keras():
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras").losses

    def mean(fn: Any, **params: Any) -> Callable[..., Any]:
        return lambda x, y: fn(x, y, **params).mean(-1)

    def peer(fn: Any, **params: Any) -> Callable[..., Any]:
        return lambda x, y: fn(y, x, **params)

    compare(mean(losses.binary_cross_entropy), peer(keras.binary_crossentropy), [PROBABILITIES, SOFT], 2e-5)
    compare(
        mean(losses.binary_cross_entropy_with_logits, label_smoothing=0.2),
        peer(keras.binary_crossentropy, label_smoothing=0.2, from_logits=True),
        [LOGITS, SOFT],
        1e-5,
    )
    focal = keras.binary_focal_crossentropy
    for balancing, gamma, smoothing in ((False, 2.0, 0.0), (True, 0.5, 0.2)):
        params = {"alpha": 0.3, "gamma": gamma, "label_smoothing": smoothing}
        compare(
            mean(losses.binary_focal_cross_entropy, apply_class_balancing=balancing, **params),
            peer(focal, apply_class_balancing=balancing, **params),
            [PROBABILITIES, SOFT],
            2e-5,
        )
        compare(
            mean(losses.sigmoid_focal_loss, **{**params, "alpha": 0.3 if balancing else None}),
            peer(focal, apply_class_balancing=balancing, from_logits=True, **params),
            [LOGITS, SOFT],
            2e-5,
        )
