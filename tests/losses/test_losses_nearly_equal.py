"""Losses of nearly equal inputs, including tiny boxes: accurate values and derivatives."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import jax
import numpy as np
import pytest

from oracles.losses._boxes import ciou, diou, giou, iou
from sporax import losses

RNG = np.random.default_rng(6)


@pytest.fixture(autouse=True)
def _same_numbers_in_each_order(monkeypatch: pytest.MonkeyPatch):
    """Draw the same numbers in each test, independently of the tests that ran before it in this process."""
    monkeypatch.setitem(globals(), "RNG", np.random.default_rng(6))


def f32(values: Any) -> np.ndarray:
    return np.asarray(values, np.float32)


def softmax(x: np.ndarray, t: float) -> list[Decimal]:
    powers = [(Decimal(float(each)) / Decimal(t)).exp() for each in x]
    return [power / sum(powers) for power in powers]


def distillation(student: np.ndarray, teacher: np.ndarray, t: float) -> tuple[float, np.ndarray, np.ndarray]:
    """Return the value and its derivatives with respect to student and teacher, to 50 digits."""
    with localcontext() as context:
        context.prec = 50
        p, q = softmax(student, t), softmax(teacher, t)
        logs = [(a / b).ln() for a, b in zip(q, p, strict=True)]
        value = sum(a * each for a, each in zip(q, logs, strict=True))
        factor = Decimal(t)
        by_student = [factor * (b - a) for a, b in zip(q, p, strict=True)]
        by_teacher = [factor * a * (each - value) for a, each in zip(q, logs, strict=True)]
        return float(factor**2 * value), np.array(by_student, float), np.array(by_teacher, float)


def test_the_cases_of_the_report():
    student, teacher = f32([-1.6027874, -7.1213403]), f32([-1.6027089, -7.1212606])
    value = losses.distillation_loss(student, teacher, temperature=10.0)
    np.testing.assert_allclose(value, distillation(student, teacher, 10.0)[0], rtol=1e-4)
    np.testing.assert_allclose(value, 1.6e-13, rtol=0.05)
    t = np.exp(RNG.normal(size=(50, 20))).astype(np.float32)
    t /= t.sum(-1, keepdims=True)
    for name in ("generalized_kl_divergence", "convex_kl_divergence", "jensen_shannon_loss", "kl_divergence"):
        values = np.asarray(getattr(losses, name)(np.log(t), t))
        assert (values >= 0).all()
        assert (values < 1e-12).all()
        assert np.isfinite(np.sqrt(losses.evaluate(getattr(losses, name), np.log(t), t)))


@pytest.mark.parametrize("temperature", [0.5, 1.0, 10.0, 100.0])
def test_values_and_derivatives_of_distillation_are_accurate(temperature):
    teacher = np.concatenate([scale * RNG.normal(size=(5, 6)) for scale in (0.1, 3.0, 30.0)]).astype(np.float32)
    apart = np.array([1e-6, 1e-4, 1e-2, 1.0, 10.0] * 3)[:, None]
    student = (teacher + apart * RNG.normal(size=teacher.shape)).astype(np.float32)

    @jax.jit
    def run(student: Any, teacher: Any) -> Any:
        total = lambda s, t: losses.distillation_loss(s, t, temperature=temperature).sum()  # noqa: E731
        return losses.distillation_loss(student, teacher, temperature=temperature), jax.grad(total, (0, 1))(
            student, teacher
        )

    values, gradients = run(student, teacher)
    for row in range(len(teacher)):
        value, *expected = distillation(student[row], teacher[row], temperature)
        np.testing.assert_allclose(values[row], value, rtol=3e-5, atol=1e-30)
        for found, right in zip(gradients, expected, strict=True):
            # Relative to the maximum of the row, as its sum cancels. Where one probability is near 1, its derivative is
            # the difference of two such numbers, of which float32 has seven digits.
            dominated = float(max(softmax(teacher[row], temperature))) > 0.99
            limit = 2e-5 * np.abs(right).max() + (3e-6 * temperature if dominated else 1e-25)
            np.testing.assert_allclose(found[row], right, rtol=2e-4, atol=limit)


def test_the_plain_formula_in_float32_would_fail_these_tests():
    x = RNG.normal(size=(200, 6)).astype(np.float32)
    y = x + np.float32(1e-6) * RNG.normal(size=x.shape).astype(np.float32)
    log_p, log_q = jax.nn.log_softmax(x), jax.nn.log_softmax(y)
    assert np.asarray((np.exp(log_q) * (log_q - log_p)).sum(-1)).min() < 0
    assert np.asarray(losses.distillation_loss(x, y)).min() >= 0


def test_second_derivatives_of_divergences_at_equality():
    x = RNG.normal(size=5).astype(np.float32)
    p = np.exp(x.astype(np.float64)) / np.exp(x.astype(np.float64)).sum()
    fisher = np.diag(p) - np.outer(p, p)
    for temperature in (1.0, 4.0):
        q = np.exp(x / temperature) / np.exp(x / temperature).sum()
        found = jax.jit(jax.hessian(lambda s, t=temperature: losses.distillation_loss(s, x, temperature=t)))(x)
        np.testing.assert_allclose(found, np.diag(q) - np.outer(q, q), rtol=1e-4, atol=1e-6)
    t = p.astype(np.float32)
    found = jax.jit(jax.hessian(lambda x: losses.generalized_kl_divergence(x, t)))(np.log(t))
    np.testing.assert_allclose(found, np.diag(p), rtol=1e-4, atol=1e-6)
    found = jax.jit(jax.hessian(lambda s: losses.fenchel_young_loss(s, t)))(x)
    np.testing.assert_allclose(found, fisher, rtol=1e-4, atol=1e-6)
    # Half of KL's, of m = (p + t) / 2: p / 4.
    found = jax.jit(jax.hessian(lambda x: losses.jensen_shannon_loss(x, t)))(np.log(t))
    np.testing.assert_allclose(found, np.diag(p / 4), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("apart", [1e-4, 1e-2, 1.0])
def test_divergences_of_close_rows(apart):
    t = RNG.dirichlet(np.ones(6), 40).astype(np.float32)
    x = (np.log(t.astype(np.float64)) + apart * RNG.normal(size=t.shape)).astype(np.float32)
    # The accuracy of a difference of logarithms that the rounding of x permits.
    rtol = 1e-5 + 4e-6 / apart
    with localcontext() as context:
        context.prec = 40
        for row in range(0, 40, 8):
            masses = [(Decimal(float(a)).exp(), Decimal(float(b))) for a, b in zip(x[row], t[row], strict=True)]
            kl = sum(b * (b / a).ln() - b + a for a, b in masses)
            js = sum(a * (2 * a / (a + b)).ln() + b * (2 * b / (a + b)).ln() for a, b in masses) / 2
            np.testing.assert_allclose(losses.generalized_kl_divergence(x[row], t[row]), float(kl), rtol=rtol)
            np.testing.assert_allclose(losses.jensen_shannon_loss(x[row], t[row]), float(js), rtol=rtol)


def test_rows_that_are_not_distributions_have_the_plain_divergence():
    x, t = np.log(f32([[0.5, 0.3, 0.4]])), f32([[0.2, 0.3, 0.4]])
    expected = (t * (np.log(t) - x)).sum(-1)
    assert expected < 0
    np.testing.assert_allclose(losses.kl_divergence(x, t), expected, rtol=1e-6)
    np.testing.assert_allclose(losses.kl_divergence_with_log_targets(x, np.log(t)), expected, rtol=1e-6)


def test_losses_that_are_one_minus_a_value_near_one():
    a = RNG.normal(size=(4, 50)).astype(np.float32)
    b = (3 * a + f32([1e-5, 1e-3, 1e-1, 10])[:, None] * RNG.normal(size=a.shape)).astype(np.float32)
    u, v = (each.astype(np.float64) / np.linalg.norm(each.astype(np.float64), axis=1)[:, None] for each in (a, b))
    expected = 0.5 * ((u - v) ** 2).sum(1)
    # A distance of 3e-6 has two significant digits in float32.
    found = losses.cosine_embedding_loss(a, b, np.ones(4))
    assert (np.abs(found - expected) <= np.array([3e-2, 3e-4, 1e-5, 1e-5]) * expected).all()
    x = f32([1 - 1e-6, 1 - 1e-4, 1 - 1e-2])
    y = np.ones(3, np.float32)
    wrong = (x.astype(np.float64) - 1) ** 2
    found = [losses.dice_loss(x[n : n + 1], y[n : n + 1], smooth=0.0) for n in range(3)]
    np.testing.assert_allclose(found, wrong / (x.astype(np.float64) ** 2 + 1), rtol=1e-5)
    # -log p - (1 - p), of two logits.
    z = f32([12.0, 6.0, 1.0])
    cost = np.log1p(np.exp(-z.astype(np.float64)))
    found = losses.sparse_poly1_cross_entropy(np.stack([z, 0 * z], -1), np.zeros(3, int), epsilon=-1.0)
    right = np.where(cost < 1e-2, cost**2 / 2 - cost**3 / 6 + cost**4 / 24, cost + np.expm1(-cost))
    assert (np.abs(found - right) <= np.array([2e-2, 1e-4, 1e-5]) * right).all()
    p = f32([1 - 1e-6, 1 - 1e-3, 0.5])
    found = losses.generalized_cross_entropy(np.stack([p, 1 - p], -1), np.zeros(3, int), q=0.7)
    np.testing.assert_allclose(found, -np.expm1(0.7 * np.log(p.astype(np.float64))) / 0.7, rtol=1e-5)
    big = f32([1000.0, 1e5])
    found = losses.mean_squared_logarithmic_error(big * np.float32(1.0001), big)
    right = np.log1p((big * np.float32(1.0001)).astype(np.float64)) - np.log1p(big.astype(np.float64))
    np.testing.assert_allclose(found, right**2, rtol=1e-5)


# Boxes

BOXES = {"iou_loss": iou, "giou_loss": giou, "diou_loss": diou, "ciou_loss": ciou}
SIDES = [1 / 4096, 1e-15, 1e-25, 1e10]


@pytest.mark.parametrize("name", BOXES)
def test_boxes_of_any_size_have_the_loss_of_their_shape(name):
    shape = np.array([[0, 0, 1, 1], [0, 0, 2, 1], [0.125, 0.25, 0.75, 0.5]])
    moved = shape + np.array([[0.0625, 0, 0.125, 0.03125], [0, 0.5, 0.5, 1], [3, 0, 3, 0]])
    expected = [BOXES[name](a, b) for a, b in zip(shape, moved, strict=True)]
    run = jax.jit(jax.value_and_grad(lambda a, b: (lambda v: (v.sum(), v))(getattr(losses, name)(a, b)), has_aux=True))
    unit = run(f32(shape), f32(moved))[1]
    for side in SIDES:
        one, other = f32(side * shape), f32(side * moved)
        (_, same), _ = run(one, one)
        assert not np.asarray(same).any()
        (_, values), gradient = run(one, other)
        np.testing.assert_allclose(values, expected, rtol=1e-5)
        np.testing.assert_allclose(gradient * np.float32(side), unit, rtol=1e-4, atol=1e-5)
    for dtype in (np.float16, jax.numpy.bfloat16):
        half = (shape / 1024).astype(dtype)
        assert not np.asarray(getattr(losses, name)(half, half), np.float32).any()


@pytest.mark.parametrize("name", BOXES)
def test_a_nearly_correct_box_is_accurate(name):
    a = f32([[0.25, 0.5, 0.75, 1.0]])
    b = a + f32([[0, 2**-22, 2**-21, 0]])
    np.testing.assert_allclose(
        getattr(losses, name)(a, b), [BOXES[name](*a.astype(float), *b.astype(float))], rtol=1e-5
    )


@pytest.mark.parametrize("name", BOXES)
def test_boxes_without_area_have_finite_derivatives(name):
    boxes = f32([[0, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [1, 1, 1, 1], [0, 0, 1, 1], [0, 0, 1e-38, 1]])
    a, b = np.repeat(boxes, 6, 0), np.tile(boxes, (6, 1))
    for eps in (0.0, 1e-7):
        run = jax.jit(jax.value_and_grad(lambda a, b, e=eps: getattr(losses, name)(a, b, eps=e).sum(), (0, 1)))
        value, gradients = run(a, b)
        assert np.isfinite(value)
        assert all(np.isfinite(each).all() for each in gradients)
