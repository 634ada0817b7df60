"""CTC: enumeration of alignments, impossible targets, padding, both layouts, comparisons with PyTorch and optax."""

from __future__ import annotations

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.losses import ORACLES
from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, LabelError, ShapeError

pytestmark = pytest.mark.slow

FRAMES, CLASSES, LONGEST = 4, 3, 3
SEQUENCES = [
    (frames, list(target))
    for frames in range(FRAMES + 1)
    for size in range(LONGEST + 1)
    for target in itertools.product((1, 2), repeat=size)
]
"""Every input length with every target of up to three labels, including empty, repeated and impossible ones."""


def log_softmax(x: np.ndarray) -> np.ndarray:
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


def batch(sequences: list[tuple[int, list[int]]], frames: int, longest: int, seed: int = 0) -> list[np.ndarray]:
    """Log probabilities with NaN in padding frames, and targets padded with an invalid class."""
    rng = np.random.default_rng(seed)
    log_probs = log_softmax(rng.normal(size=(frames, len(sequences), CLASSES))).astype(np.float32)
    targets = rng.choice([-5, 99, 1], (len(sequences), longest)).astype(np.int32)
    for n, (count, target) in enumerate(sequences):
        log_probs[count:, n] = np.nan
        targets[n, : len(target)] = target
    lengths = np.array([count for count, _ in sequences]), np.array([len(target) for _, target in sequences])
    return [log_probs, targets, lengths[0].astype(np.int32), lengths[1].astype(np.int32)]


def read(path: tuple[int, ...]) -> list[int]:
    return [each for each, _ in itertools.groupby(path) if each != 0]


def by_enumeration(log_p: np.ndarray, target: list[int]) -> float:
    paths = itertools.product(range(CLASSES), repeat=len(log_p))
    found = [math.exp(sum(log_p[t, c] for t, c in enumerate(path))) for path in paths if read(path) == target]
    return 0 - math.log(math.fsum(found)) if found else math.inf


@jax.jit
def value_and_gradient(log_probs: Any, *rest: Any) -> Any:
    def total(log_probs: Any) -> Any:
        values = losses.ctc_loss(log_probs, *rest)
        return jnp.sum(values * (1 + jnp.arange(values.size, dtype=values.dtype))), values

    return jax.value_and_grad(total, has_aux=True)(log_probs)


def test_every_alignment_is_counted_exactly_once():
    inputs = batch(SEQUENCES, FRAMES, LONGEST)
    (_, values), gradient = value_and_gradient(*inputs)
    expected = [by_enumeration(inputs[0][:count, n].astype(float), t) for n, (count, t) in enumerate(SEQUENCES)]
    assert sum(map(math.isinf, expected)) > 10
    assert expected[0] == 0
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-6)
    oracle = ORACLES["ctc_loss"]
    np.testing.assert_allclose(oracle.value(*inputs), expected, rtol=1e-12, atol=1e-12)
    # Padding, although it is NaN, and sequences without an alignment have gradient 0.
    derivatives = oracle.gradients(1 + np.arange(len(values)), *inputs)[0]
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(gradient, derivatives, rtol=1e-5, atol=1e-5)
    assert not np.asarray(gradient)[:, np.isinf(expected)].any()


@pytest.mark.parametrize("blank", [0, 2])
def test_arguments_match_the_oracle(blank):
    rng = np.random.default_rng(4)
    log_probs = log_softmax(rng.normal(size=(6, 4, CLASSES))).astype(np.float32)
    other = 1 + (blank == 0)
    targets = np.array([[1, 1, 1, 1], [other, 1, -1, -1], [1, other, 1, -1], [-1] * 4], np.int32)
    inputs = log_probs, targets, np.array([6, 6, 3, 2], np.int32), np.array([4, 2, 3, 0], np.int32)

    @jax.jit
    def run(*arrays: Any) -> Any:
        grid = itertools.product((False, True), (False, True))
        return [
            losses.ctc_loss(*arrays, blank=blank, zero_infinity=zero, length_normalized=normal) for zero, normal in grid
        ]

    for values, (zero, normal) in zip(run(*inputs), itertools.product((False, True), (False, True)), strict=True):
        options = {"blank": blank, "zero_infinity": zero, "length_normalized": normal}
        expected = ORACLES["ctc_loss"].value(*inputs, **options)
        assert np.isinf(expected[0]) != zero
        np.testing.assert_allclose(values, expected, rtol=1e-5, err_msg=str(options))


def test_concatenated_targets_give_the_same():
    inputs = batch([(4, [1, 2]), (3, []), (4, [2, 2, 1]), (2, [1])], FRAMES, LONGEST, 1)
    inputs[0] = np.nan_to_num(inputs[0])
    row = np.array([1, 2, 2, 2, 1, 1], np.int32)
    expected = losses.ctc_loss(*inputs)
    np.testing.assert_array_equal(losses.ctc_loss(inputs[0], row, *inputs[2:]), expected)
    # Also for traced lengths.
    compiled = jax.jit(losses.ctc_loss)(inputs[0], row, *inputs[2:])
    np.testing.assert_allclose(compiled, expected, rtol=1e-6)
    with pytest.raises(ShapeError, match=r"pad_targets: targets of shape \(5,\) must hold .* 6 in all"):
        losses.ctc_loss(inputs[0], row[:5], *inputs[2:])
    # Too few targets, in compiled code: the incomplete sequence gives NaN.
    short = jax.jit(losses.ctc_loss)(inputs[0], row[:5], *inputs[2:])
    np.testing.assert_array_equal(np.isnan(short), [False, False, False, True])
    assert losses.pad_targets(np.zeros(0, np.int32), np.zeros(3, np.int32)).shape == (3, 0)
    assert losses.pad_targets(np.array([7, 200], np.uint8), np.array([0, 2])).tolist() == [[-1, -1], [7, 200]]


def test_a_batch_without_labels_or_frames():
    log_probs = np.log(np.full((2, 3, 4), 0.25, np.float32))
    empty, none = np.zeros((3, 0), np.int32), np.zeros(3, np.int32)
    np.testing.assert_allclose(losses.ctc_loss(log_probs, empty, none + 2, none), [4 * np.log(2)] * 3, rtol=1e-6)
    np.testing.assert_array_equal(losses.ctc_loss(log_probs[:0], empty, none, none), [0, 0, 0])


def test_classes_of_probability_zero_and_large_scores():
    log_probs = np.full((3, 3, 3), -np.inf, np.float32)
    log_probs[:, :, 1] = 0
    log_probs[:, 2] = [1e4, -1e4, -1e4]
    inputs = log_probs, np.array([[1], [2], [1]], np.int32), np.array([3] * 3), np.array([1] * 3)
    (_, values), gradient = value_and_gradient(*inputs)
    np.testing.assert_allclose(values, [0, np.inf, -1e4 - np.log(3)], rtol=1e-7)
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(gradient[:, 0], [[0, -1, 0]] * 3, rtol=1e-6)
    assert not np.asarray(gradient)[:, 1].any()


def test_a_long_sequence_is_accurate_in_float32():
    rng = np.random.default_rng(3)
    log_probs = log_softmax(2 * rng.normal(size=(400, 1, CLASSES)))
    inputs = np.tile([1, 2, 2], 30)[None].astype(np.int32), np.array([400]), np.array([90])
    (_, values), gradient = value_and_gradient(log_probs.astype(np.float32), *inputs)
    expected = ORACLES["ctc_loss"].value(log_probs, *inputs)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    derivatives = ORACLES["ctc_loss"].gradients(np.ones(1), log_probs, *inputs)[0]
    np.testing.assert_allclose(gradient, derivatives, rtol=2e-4, atol=2e-6)


def test_forward_variables_match_mindspore():
    # Provenance: the second result of ops.ctc_loss of MindSpore 2.10 on its CPU backend, for its documented example
    # (whose label is the blank) with one additional padding label.
    log_probs = np.array([[[0.3, 0.6, 0.6]], [[0.9, 0.4, 0.2]]], np.float32)
    lengths = np.array([2]), np.array([1])
    got = losses.ctc_log_alpha(log_probs, np.array([[0, 1]]), *lengths)
    inf = np.inf
    np.testing.assert_allclose(got, [[[0.3, 0.3, -inf, -inf, -inf], [1.2, 1.8931472, 1.2, -inf, -inf]]], rtol=1e-6)
    (value,) = losses.ctc_loss(log_probs, np.array([[0, 1]]), *lengths)
    np.testing.assert_allclose(value, -2.2986124, rtol=1e-6)


def test_invalid_inputs_are_named():
    good = batch([(4, [1, 2]), (3, [1])], FRAMES, 2)
    wrong = [np.array(each) for each in good]
    wrong[2][1] = 5
    with pytest.raises(LabelError, match=r"`input_lengths` must be in \[0, 4\], .* but got 5 at index \(1,\)"):
        losses.ctc_loss(*wrong)
    wrong[2][1], wrong[3][0] = 3, -1
    with pytest.raises(LabelError, match=r"`target_lengths` must be in \[0, 2\], .* but got -1 at index \(0,\)"):
        losses.ctc_loss(*wrong)
    wrong[3][0], wrong[1][0, 1] = 2, 3
    with pytest.raises(LabelError, match=r"`targets` must be class indices in \[0, 3\), but got 3 at index \(0, 1\)"):
        losses.ctc_loss(*wrong)
    # A removed sequence may have any contents.
    kept = losses.evaluate(losses.ctc_loss, *wrong, weights=np.array([0.0, 1.0]), reduction="sum")
    np.testing.assert_allclose(kept, losses.ctc_loss(*good)[1], rtol=1e-6)
    with pytest.raises(ArgumentError, match="`blank` must be one of the 3 classes, 0 to 2, got 3"):
        losses.ctc_loss(*good, blank=3)
    with pytest.raises(ArgumentTypeError, match="`blank` must be an int"):
        losses.ctc_loss(*good, blank=1.0)  # pyright: ignore[reportArgumentType]
    with pytest.raises(DtypeError, match="`input_lengths` must hold integers"):
        losses.ctc_loss(*good[:2], good[2].astype(np.float32), good[3])


def test_compiled_code_gives_nan_for_that_sequence_only():
    inputs = batch([(4, [1, 2])] * 5, FRAMES, 2)
    (_, expected), _ = value_and_gradient(*inputs)
    inputs[2][0], inputs[2][1], inputs[3][2], inputs[1][3, 0] = 5, -1, 3, 7
    (_, values), gradient = value_and_gradient(*inputs)
    assert np.isnan(values[:4]).all()
    np.testing.assert_array_equal(values[4], expected[4])
    assert not np.asarray(gradient)[:, :4].any()
    assert np.asarray(gradient)[:, 4].any()


def torch_ctc(logits: np.ndarray, *rest: np.ndarray, **options: Any) -> tuple[np.ndarray, np.ndarray]:
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(logits, requires_grad=True)
    tensors = [torch.tensor(each).long() for each in rest]
    result = torch.nn.functional.ctc_loss(tensor.log_softmax(-1), *tensors, **options)
    result.sum().backward()
    return result.detach().numpy(), tensor.grad.numpy()


@pytest.mark.peers
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_value_and_gradient_match_torch(dtype):
    rng = np.random.default_rng(8)
    sizes = np.array([3, 0, 2, 1, 3], np.int32)
    targets = rng.integers(1, 5, (5, 3)).astype(np.int32)
    targets[0, 1] = targets[0, 0]
    counts = np.array([7, 3, 5, 1, 2], np.int32)
    logits = rng.normal(size=(7, 5, 6)).astype(dtype)
    row = np.concatenate([targets[n, :size] for n, size in enumerate(sizes)])
    tolerance = 1e-5 if dtype == np.float32 else 1e-11
    # The last sequence has no alignment. torch gives it a NaN gradient unless zero_infinity is set.
    settings = [(targets, 0, "mean"), (row, 0, "sum"), (targets, 5, "none"), (row, 5, "mean")]
    with jax.enable_x64(dtype == np.float64):

        @jax.jit
        def run(logits: Any) -> Any:
            results = []
            for layout, blank, reduction in settings:

                def total(logits: Any, given: Any = layout, blank: int = blank, kind: str = reduction) -> Any:
                    value = losses.evaluate(
                        losses.ctc_loss,
                        jax.nn.log_softmax(logits),
                        given,
                        counts,
                        sizes,
                        reduction=kind,
                        blank=blank,
                        zero_infinity=True,
                        length_normalized=kind == "mean",
                    )
                    return value.sum(), value

                results.append(jax.value_and_grad(total, has_aux=True)(logits))
            return results

        for (layout, blank, reduction), ((_, value), gradient) in zip(settings, run(logits), strict=True):
            options: dict[str, Any] = {"blank": blank, "reduction": reduction, "zero_infinity": True}
            expected = torch_ctc(logits, layout, counts, sizes, **options)
            np.testing.assert_allclose(value, expected[0], rtol=tolerance, atol=tolerance, err_msg=str(options))
            np.testing.assert_allclose(gradient, expected[1], rtol=tolerance, atol=tolerance, err_msg=str(options))


@pytest.mark.peers
def test_infinite_values_match_torch():
    logits = np.random.default_rng(0).normal(size=(2, 2, 3)).astype(np.float32)
    rest = np.array([[1, 1], [1, 2]], np.int32), np.array([2, 2]), np.array([2, 2])
    expected = torch_ctc(logits, *rest, reduction="none")[0]
    assert np.isinf(expected[0])
    np.testing.assert_allclose(losses.ctc_loss(log_softmax(logits), *rest), expected, rtol=1e-5)


@pytest.mark.peers
def test_value_and_gradient_match_optax():
    optax = pytest.importorskip("optax")
    rng = np.random.default_rng(9)
    logits = rng.normal(size=(3, 6, 5)).astype(np.float32)
    targets = rng.integers(1, 5, (3, 2)).astype(np.int32)
    counts, sizes = np.array([6, 4, 5]), np.array([2, 1, 0])
    frames_off = (np.arange(6) >= counts[:, None]).astype(np.float32)
    labels_off = (np.arange(2) >= sizes[:, None]).astype(np.float32)

    @jax.jit
    def run(logits: Any) -> Any:
        peer = lambda x: optax.ctc_loss(x, frames_off, targets, labels_off)  # noqa: E731
        ours = lambda x: losses.ctc_loss(jnp.swapaxes(jax.nn.log_softmax(x), 0, 1), targets, counts, sizes)  # noqa: E731
        return [(fn(logits), jax.grad(lambda x, fn=fn: fn(x).sum())(logits)) for fn in (ours, peer)]

    ours, peer = run(logits)
    np.testing.assert_allclose(ours[0], peer[0], rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(ours[1], peer[1], rtol=1e-4, atol=1e-5)
