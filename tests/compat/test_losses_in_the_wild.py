"""Losses in the style of model libraries (mindcv), trained under the alias.

The code is original; it uses the same API as such libraries.
"""

from __future__ import annotations

import numpy as np
import pytest

from sporax import compat

SCRIPT = """
import numpy as np
import mindspore as ms
import mindspore.dataset as ds
import mindspore.nn as nn
from mindspore import Tensor, ops
from mindspore.ops import functional as F
from mindspore.ops import operations as P


class Asymmetric(nn.LossBase):
    def __init__(self, gamma_neg=4, gamma_pos=1, clip=0.05, eps=1e-8):
        super(Asymmetric, self).__init__()
        self.gammas, self.clip, self.eps = (gamma_pos, gamma_neg), clip, eps

    def construct(self, logits, labels):
        yes = ops.Sigmoid()(logits)
        no = ops.clip_by_value(1 - yes + self.clip, clip_value_max=Tensor(1.0))
        loss = labels * ops.log(ops.clip_by_value(yes, clip_value_min=Tensor(self.eps)))
        loss += (1 - labels) * ops.log(ops.clip_by_value(no, clip_value_min=Tensor(self.eps)))
        right = yes * labels + no * (1 - labels)
        loss *= ops.pow(1 - right, self.gammas[0] * labels + self.gammas[1] * (1 - labels))
        return -loss.sum()


class OneOfMany(nn.LossBase):
    def __init__(self, smoothing=0.1, reduction="mean"):
        super().__init__()
        self.log_softmax = nn.LogSoftmax(axis=-1)
        self.reduction = reduction
        self.smoothing = smoothing
        self.unused = []

    def construct(self, logits, labels):
        index = ops.ExpandDims()(labels, 1)
        ones = Tensor(np.ones(index.shape, dtype=np.float32))
        target = ops.tensor_scatter_elements(ops.ZerosLike()(logits), index, ones, 1)
        target = target * (1 - self.smoothing) + self.smoothing / logits.shape[-1]
        loss = ops.ReduceSum()(-target * self.log_softmax(logits), -1)
        return loss.mean() if self.reduction == "mean" else loss


class Smooth(nn.LossBase):
    def __init__(self, smoothing=0.1):
        super(Smooth, self).__init__()
        self.smoothing = smoothing
        self.log_softmax = ops.LogSoftmax()
        self.expand = ops.ExpandDims()

    def construct(self, logit, label):
        log_p = self.log_softmax(logit)
        nll = ops.gather_d((-1 * log_p), 1, self.expand(label, -1)).squeeze(1)
        return ((1.0 - self.smoothing) * nll + self.smoothing * -log_p.mean(axis=-1)).mean()


class Binary(nn.LossBase):
    def __init__(self, smoothing=0.1, reduction="mean"):
        super().__init__()
        self.smoothing = smoothing
        self.reduction = reduction
        self.ones = P.OnesLike()

    def construct(self, logits, labels):
        extra = 0
        ones = self.ones(logits)
        labels = labels * (1 - self.smoothing) + self.smoothing / logits.shape[-1]
        loss = F.binary_cross_entropy_with_logits(
            logits, labels, weight=ones, pos_weight=ones, reduction=self.reduction
        )
        return loss + 0.4 * extra


class Divergent(nn.LossBase):
    def __init__(self, splits=3, alpha=12, smoothing=0.1):
        super().__init__()
        self.splits, self.alpha, self.smoothing = splits, alpha, smoothing
        self.kldiv = ops.KLDivLoss(reduction="batchmean")
        self.map = ops.Map()
        self.softmax = ops.Softmax(axis=1)

    def construct(self, logits, labels):
        if not self.training:
            return Smooth(self.smoothing)(logits, labels)
        size = logits.shape[0] // self.splits
        parts = ops.split(logits, 0, self.splits)
        loss = ops.cross_entropy(parts[0], labels[:size], weight=None, reduction="mean", label_smoothing=self.smoothing)
        shares = self.map(self.softmax, parts)
        mixed = ops.log(ops.clip_by_value(ops.stack(shares).mean(axis=0), 1e-7, 1))
        for share in shares:
            loss += self.alpha * self.kldiv(mixed, share) / self.splits
        return loss


rng = np.random.default_rng(0)
x = rng.normal(size=(12, 5)).astype(np.float32)
sparse = rng.integers(0, 5, 12).astype(np.int32)
multi = (rng.uniform(size=(12, 5)) > 0.6).astype(np.float32)
found = {}
cases = ((Asymmetric(), multi), (OneOfMany(), sparse), (Smooth(), sparse), (Binary(), multi), (Divergent(), sparse))
for loss, y in cases:
    loss.set_train(True)
    value = float(loss(Tensor(x), Tensor(y)).asnumpy())
    net = nn.Dense(5, 5)
    optimizer = nn.Momentum(net.trainable_params(), learning_rate=0.05, momentum=0.9)
    data = ds.NumpySlicesDataset((x, y), shuffle=False).batch(12)
    before = float(loss(net(Tensor(x)), Tensor(y)).asnumpy())
    ms.train.Model(net, loss, optimizer).train(30, data, dataset_sink_mode=False)
    after = float(loss(net(Tensor(x)), Tensor(y)).asnumpy())
    found[type(loss).__name__] = (value, before, after)
"""


@pytest.fixture(scope="module")
def found():
    compat.install()
    try:
        names: dict = {}
        exec(compile(SCRIPT, "in_the_wild.py", "exec"), names)
        return names
    finally:
        compat.uninstall()


@pytest.mark.parametrize("name", ["Asymmetric", "OneOfMany", "Smooth", "Binary", "Divergent"])
def test_it_trains(found, name):
    _, before, after = found["found"][name]
    assert np.isfinite(after)
    assert after < 0.9 * before


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_values_are_those_of_numpy(found):
    x, sparse, multi = (found[name].astype(np.float64) for name in ("x", "sparse", "multi"))
    log_p = np.log(softmax(x))
    nll = -log_p[np.arange(12), sparse.astype(int)]
    smooth = (0.9 * nll + 0.1 * -log_p.mean(-1)).mean()
    assert found["found"]["Smooth"][0] == pytest.approx(smooth, rel=1e-5)
    assert found["found"]["OneOfMany"][0] == pytest.approx(smooth, rel=1e-5)
    target, p = multi * 0.9 + 0.02, 1 / (1 + np.exp(-x))
    binary = -(target * np.log(p) + (1 - target) * np.log(1 - p)).mean()
    assert found["found"]["Binary"][0] == pytest.approx(binary, rel=1e-5)
    no = np.minimum(1 - p + 0.05, 1)
    right = p * multi + no * (1 - multi)
    each = (multi * np.log(p) + (1 - multi) * np.log(no)) * (1 - right) ** (multi + 4 * (1 - multi))
    assert found["found"]["Asymmetric"][0] == pytest.approx(-each.sum(), rel=1e-4)
    parts = [softmax(part) for part in np.split(x, 3)]
    mixed = np.log(np.mean(parts, axis=0))
    kl = sum((part * (np.log(part) - mixed)).sum() / 4 for part in parts)
    first = 0.9 * nll[:4].mean() + 0.1 * -log_p[:4].mean()
    assert found["found"]["Divergent"][0] == pytest.approx(first + 12 * kl / 3, rel=1e-4)
