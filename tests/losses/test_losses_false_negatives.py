"""InfoNCE where some of the other keys are not negatives."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sporax import Tensor, losses, nn
from sporax._errors import DtypeError, ShapeError

RNG = np.random.default_rng(2)
Q, K = (RNG.normal(size=(7, 4)).astype(np.float32) for _ in range(2))
NEGATIVES = RNG.uniform(size=(7, 7)) > 0.4
LABELS = np.array([0, 1, 0, 2, 1, 2, 3])
MASK = np.array([1, 1, 1, 0, 1, 1, 1], bool)


def expected(q: Any, k: Any, negatives: Any, mask: Any = None, symmetric: bool = False) -> np.ndarray:
    q, k = (np.asarray(each, np.float64) for each in (q, k))
    scores = q @ k.T / 0.5
    values = np.zeros(len(q))
    for i in range(len(q)):
        if mask is not None and not mask[i]:
            continue
        others = [j for j in range(len(q)) if j != i and (mask is None or mask[j])]
        row = [scores[i, i], *(scores[i, j] for j in others if negatives[i, j])]
        column = [scores[i, i], *(scores[j, i] for j in others if negatives[j, i])]
        values[i] = np.log(np.exp(row).sum()) - scores[i, i]
        if symmetric:
            values[i] = (values[i] + np.log(np.exp(column).sum()) - scores[i, i]) / 2
    return values


FORMS = {
    "mask": ({"negatives": NEGATIVES}, NEGATIVES),
    "labels": ({"labels": LABELS}, LABELS[:, None] != LABELS[None, :]),
    "both": ({"negatives": NEGATIVES, "labels": LABELS}, NEGATIVES & (LABELS[:, None] != LABELS[None, :])),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("symmetric", [False, True])
@pytest.mark.parametrize("chunk_size", [None, 3])
def test_excluded_keys_are_not_negatives(form, symmetric, chunk_size):
    given, negatives = FORMS[form]
    params = {"temperature": 0.5, "normalize": False, "symmetric": symmetric, "chunk_size": chunk_size}

    @jax.jit
    def run(q: Any, k: Any) -> Any:
        values, pull = jax.vjp(lambda q, k: losses.info_nce_loss(q, k, mask=MASK, **given, **params), q, k)
        return values, pull(jnp.ones_like(values))

    values, gradients = run(Q, K)
    np.testing.assert_allclose(values, expected(Q, K, negatives, MASK, symmetric), rtol=2e-5, atol=1e-6)
    for at, gradient in enumerate(gradients):
        for n, d in ((0, 1), (2, 3), (6, 0)):
            moved = [[each.astype(np.float64) for each in (Q, K)] for _ in range(2)]
            moved[0][at][n, d] += 1e-5
            moved[1][at][n, d] -= 1e-5
            totals = [expected(pair[0], pair[1], negatives, MASK, symmetric).sum() for pair in moved]
            np.testing.assert_allclose(gradient[n, d], (totals[0] - totals[1]) / 2e-5, rtol=2e-4, atol=2e-5)


def test_an_excluded_key_affects_neither_value_nor_gradient():
    negatives = np.ones((7, 7), bool)
    negatives[:, 3] = False
    # Query 3 keeps its own key; no other query sees it.
    gradient = jax.grad(lambda k: losses.info_nce_loss(Q, k, negatives=negatives)[jnp.arange(7) != 3].sum())(K)
    assert not np.asarray(gradient)[3].any()
    assert np.asarray(gradient)[[0, 1, 2, 4, 5, 6]].all(1).all()


def test_all_64_bits_of_labels_are_compared():
    wide = np.array([2**32, 0, 2**32, 1, 5, 6, 7])
    small = np.array([9, 0, 9, 1, 5, 6, 7])
    np.testing.assert_array_equal(losses.info_nce_loss(Q, K, labels=wide), losses.info_nce_loss(Q, K, labels=small))


def test_the_cell_accepts_both_and_rejects_invalid_ones():
    loss = nn.InfoNCELoss(temperature=0.5, normalize=False, reduction="none")
    for given, negatives in FORMS.values():
        tensors = {name: Tensor(each) for name, each in given.items()}
        values = loss(Tensor(Q), Tensor(K), **tensors).asnumpy()
        np.testing.assert_allclose(values, expected(Q, K, negatives), rtol=2e-5, atol=1e-6)
    with pytest.raises(ShapeError, match=r"`negatives`.*\(7, 7\).*\(7,\)"):
        losses.info_nce_loss(Q, K, negatives=np.ones(7))
    with pytest.raises(ShapeError, match=r"`labels`.*\(7,\).*\(3,\)"):
        losses.info_nce_loss(Q, K, labels=np.arange(3))
    with pytest.raises(DtypeError, match="`labels` must hold integers"):
        losses.info_nce_loss(Q, K, labels=np.ones(7))


DEVICES = """
import jax, numpy as np
from sporax import losses
rng = np.random.default_rng(2)
q, k = (rng.normal(size=(8, 4)).astype(np.float32) for _ in range(2))
labels = np.array([0, 1, 0, 2, 1, 2, 3, 0], np.int32)
mesh, spec = jax.sharding.Mesh(np.array(jax.devices()[:4]), ("batch",)), jax.sharding.PartitionSpec("batch")
params = {"temperature": 0.5, "symmetric": True}
run = lambda q, k, labels: losses.info_nce_loss(q, k, axis_name="batch", labels=labels, **params)
values = jax.jit(jax.shard_map(run, mesh=mesh, in_specs=(spec,) * 3, out_specs=spec))(q, k, labels)
np.testing.assert_allclose(values, losses.info_nce_loss(q, k, labels=labels, **params), rtol=1e-5)
try:
    refused = lambda q, k: losses.info_nce_loss(q, k, axis_name="batch", negatives=np.ones((2, 8)))
    jax.shard_map(refused, mesh=mesh, in_specs=(spec,) * 2, out_specs=spec)(q, k)
except Exception as error:
    print("`labels`" in str(error))
"""


def test_across_devices_labels_are_gathered_and_masks_are_rejected(on_eight_devices):
    assert on_eight_devices(DEVICES) == "True\n"
