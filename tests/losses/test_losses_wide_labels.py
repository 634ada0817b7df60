"""Labels of 64 bits outside of JAX's 64-bit mode: none is silently truncated to 32 bits."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sporax import losses, nn
from sporax._errors import DtypeError, LabelError
from sporax.core import Tensor

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)
SMALL = np.array([5, 0, 5, 1])

BIG = [
    pytest.param(np.array([2**32, 0, 2**32, 1]), id="int64"),
    pytest.param(np.array([2**63, 0, 2**63, 1], np.uint64), id="uint64"),
    pytest.param(np.array([-(2**40), 0, -(2**40), 1]), id="negative"),
    pytest.param(np.array([2**32 + 7, 7, 2**32 + 7, 2**33 + 7]), id="equal in the lower bits"),
    pytest.param([2**32, 0, 2**32, 1], id="list"),
    pytest.param(np.array([2**32 - 1, 0, 2**32 - 1, 1], np.uint32), id="uint32"),
]
"""Labels of different kinds, all of which assign the samples to the same classes."""

IDENTITY = [
    info.name for info in losses.registry().values() if any(item.domain == "identity" for item in info.inputs)
]  # fmt: skip
CLASSES = [
    info
    for info in losses.registry().values()
    if [item.domain for item in info.inputs][:2] in (["real", "class"], ["distribution", "class"])
]


def test_the_list_of_losses_that_compare_labels_is_complete():
    assert sorted(IDENTITY) == [
        "batch_hard_triplet_loss",
        "circle_loss",
        "multi_similarity_loss",
        "nt_xent_loss",
        "semi_hard_triplet_loss",
        "sup_con_loss",
    ]
    assert len(CLASSES) > 10


@pytest.mark.parametrize("name", IDENTITY)
def test_labels_that_are_compared_may_be_any_integers(name):
    loss = getattr(losses, name)
    expected = np.asarray(loss(X, SMALL))
    assert expected.any()
    assert not np.array_equal(expected, np.asarray(loss(X, np.array([0, 0, 0, 1]))))
    for param in BIG:
        np.testing.assert_array_equal(loss(X, *param.values), expected, err_msg=param.id)


@pytest.mark.parametrize("labels", BIG)
def test_such_labels_are_accepted_in_every_context(labels):
    expected = np.asarray(losses.sup_con_loss(X, SMALL))
    assert losses.evaluate(losses.sup_con_loss, X, labels) == losses.evaluate(losses.sup_con_loss, X, SMALL)
    # A constant of a compiled function.
    np.testing.assert_allclose(jax.jit(lambda x: losses.sup_con_loss(x, labels))(X), expected, rtol=2e-5)
    # Weights on the host, on the device, and traced.
    weights = np.array([1.0, 1.0, 1.0, 0.0], np.float32)
    without = np.asarray(losses.sup_con_loss(X, SMALL, weights=weights))
    for given in (weights, jnp.asarray(weights)):
        np.testing.assert_allclose(losses.sup_con_loss(X, labels, weights=given), without, rtol=2e-5)
    traced = jax.jit(lambda w: losses.sup_con_loss(X, labels, weights=w))(weights)
    np.testing.assert_allclose(traced, without, rtol=2e-5)
    # An array that was created in 64-bit mode.
    with jax.enable_x64(True):
        wide = jnp.asarray(labels)
        inside = np.asarray(losses.sup_con_loss(X, wide))
    assert wide.dtype.itemsize == 8 or wide.dtype == np.uint32
    np.testing.assert_allclose(losses.sup_con_loss(X, wide), expected, rtol=2e-5)
    np.testing.assert_allclose(inside, expected, rtol=2e-5)


@pytest.mark.parametrize("labels", BIG)
def test_miners_and_cells(labels):
    for miner in (losses.batch_hard_triplets, losses.semi_hard_triplets):
        for got, expected in zip(miner(X, labels), miner(X, SMALL), strict=True):
            np.testing.assert_array_equal(got, expected)
    tensor = Tensor(np.asarray(labels))
    for cell in (nn.SupConLoss(), nn.NTXentLoss(), nn.BatchHardTripletLoss(), nn.MultiSimilarityLoss()):
        expected = cell(Tensor(X), Tensor(SMALL)).asnumpy()
        np.testing.assert_allclose(cell(Tensor(X), tensor).asnumpy(), expected, rtol=2e-5)
    # A Tensor has 64 bits, and the pure function accepts it.
    np.testing.assert_allclose(losses.sup_con_loss(Tensor(X), tensor), losses.sup_con_loss(X, SMALL), rtol=2e-5)


@pytest.mark.parametrize("info", CLASSES, ids=[info.name for info in CLASSES])
def test_a_class_index_beyond_32_bits_is_out_of_range(info):
    loss, params = info.function, next(info.settings({**losses.EXAMPLE_SIZES, "C": 3}))
    x = np.full((2, 3), 1 / 3, np.float32)
    for value in (2**32, -(2**32), 2**32 + 1):
        with pytest.raises(LabelError, match=f"got {value} at index"):
            loss(x, np.array([value, 0]), **params)
    with pytest.raises(LabelError, match=f"got {2**63} at index"):
        loss(x, np.array([2**63, 0], np.uint64), **params)


def test_weights_do_not_hide_an_invalid_index():
    labels = np.array([2**32, 0, 1, 2])
    for weights in (np.ones(4), jnp.ones(4)):
        with pytest.raises(LabelError, match=f"got {2**32} at index"):
            losses.cross_entropy(X, labels, weights=weights)
    for weights in (np.array([0, 1, 1, 1]), jnp.array([0, 1, 1, 1])):
        value = losses.cross_entropy(X, labels, weights=weights, reduction="sum")
        np.testing.assert_allclose(value, losses.cross_entropy(X, np.array([1, 0, 1, 2]))[1:].sum(), rtol=2e-5)
    with pytest.raises(LabelError, match=f"got {2**32} at index"):
        losses.cross_entropy(X[0], 2**32)


def test_the_index_is_invalid_where_values_are_not_checked():
    labels = np.array([2**32, -(2**32), 1, 2])
    with losses.debug_checks(False):
        values = losses.cross_entropy(X, labels)
    np.testing.assert_array_equal(np.isnan(values), [True, True, False, False])
    traced = jax.jit(lambda x, w: losses.cross_entropy(x, labels, weights=w))(X, np.ones(4, np.float32))
    np.testing.assert_array_equal(np.isnan(traced), [True, True, False, False])
    # -100 in the lower 32 bits is not the ignored label.
    with pytest.raises(LabelError):
        losses.cross_entropy(X, np.array([2**32 - 100, 0, 1, 2]))


def test_labels_that_a_loss_checks_itself():
    log_probs = np.log(np.full((3, 1, 4), 0.25, np.float32))
    with pytest.raises(LabelError, match="must be class indices"):
        losses.ctc_loss(log_probs, np.array([[2**32 + 1]]), np.array([3]), np.array([1]))
    with pytest.raises(LabelError, match="must be class indices"):
        losses.ctc_loss(log_probs, np.array([2**32 + 1], np.uint64), np.array([3]), np.array([1]))
    with pytest.raises(LabelError, match="`input_lengths` must be in"):
        losses.ctc_loss(log_probs, np.array([[1]]), np.array([2**32 + 3]), np.array([1]))
    with pytest.raises(LabelError, match="must be class indices"):
        losses.ctc_log_alpha(log_probs, np.array([[2**32 + 1]]), np.array([3]), np.array([1]))
    tails = [(np.ones((1, 3), np.float32), np.ones((2, 1), np.float32))]
    with pytest.raises(LabelError, match="must be class indices"):
        losses.adaptive_log_softmax_loss(X[:1], np.array([2**32]), np.ones((3, 3), np.float32), tails=tails)
    with pytest.raises(LabelError, match="must be class indices"):
        losses.linear_cross_entropy(X, np.ones((5, 3), np.float32), np.array([2**32, 0, 1, 2]))
    assert np.isnan(losses.smooth_labels(np.array([2**32]), 0.1, classes=3)).all()
    np.testing.assert_array_equal(losses.ordinal_levels(np.array([2**32, 0]), 3), [[1, 1], [0, 0]])


def test_numbers_of_64_bits_become_floats():
    """Targets of arithmetic, and grades, of which only the order matters."""
    far = np.array([2**32, 0, 1, -(2**40)])
    np.testing.assert_allclose(losses.l1_loss(np.zeros(4, np.float32), far), np.abs(far.astype(np.float64)))
    np.testing.assert_allclose(losses.l1_loss(far, np.zeros(4, np.float32)), np.abs(far.astype(np.float64)))
    with pytest.raises(LabelError, match=f"got {2**32}"):
        losses.hinge_embedding_loss(np.zeros(2, np.float32), np.array([2**32 + 1, 1]) - 1)
    scores = np.array([0.5, 2.0, 1.0], np.float32)
    for name in ("rank_net_loss", "list_mle_loss"):
        loss: Any = getattr(losses, name)
        np.testing.assert_allclose(loss(scores, np.array([2**33, 0, 2**32])), loss(scores, np.array([2, 0, 1])))


@pytest.mark.parametrize("name", ["sup_con_loss", "batch_hard_triplets", "cross_entropy"])
def test_strings_are_not_labels(name):
    with pytest.raises(DtypeError) as caught:
        getattr(losses, name)(X, np.array(["cat", "dog", "cat", "cow"]))
    assert str(caught.value) == (
        f"{name}: `labels` must hold integers (class indices), but got dtype str96. To number the classes use "
        "np.unique(labels, return_inverse=True)[1]."
    )
    with pytest.raises(DtypeError, match=r"got dtype float64\. Use labels\.astype\(int32\)"):
        getattr(losses, name)(X, np.array([2.0, 0.0, 1.0, 0.0]))
