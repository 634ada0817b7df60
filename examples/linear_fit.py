"""Fit a line with a custom loss, in MindSpore's style: `sporax run examples/linear_fit.py`.

The points lie on y = 2 x + 3 with noise, and one in ten is an outlier. The loss is quadratic for small errors and
logarithmic for large ones, so the outliers hardly affect the fit.
"""

import mindspore as ms
import mindspore.dataset as ds
import mindspore.nn as nn
import mindspore.ops as ops
import numpy as np
from mindspore.common.initializer import Normal
from mindspore.train.callback import LossMonitor


class RobustLoss(nn.LossBase):
    """log(1 + e²), the logarithm of a Cauchy density."""

    def construct(self, base, target):
        return self.get_loss(ops.log1p(ops.square(base - target)))


def points(count):
    rng = np.random.default_rng(5)
    x = rng.uniform(-3, 3, (count, 1)).astype(np.float32)
    y = 2 * x + 3 + rng.normal(0, 0.1, x.shape)
    y[::10] -= 20
    return x, y.astype(np.float32)


ms.set_seed(1)
net = nn.Dense(1, 1, Normal(0.02), Normal(0.02))
optimizer = nn.Momentum(net.trainable_params(), learning_rate=0.03, momentum=0.9)
model = ms.Model(net, RobustLoss(), optimizer)

data = ds.NumpySlicesDataset(points(1600), ["x", "y"], shuffle=True).batch(32)
model.train(epoch=12, train_dataset=data, callbacks=[LossMonitor(100)])

print(f"w = {net.weight.asnumpy().item():.2f}, b = {net.bias.asnumpy().item():.2f}")
