"""A loss with two label columns that reports its terms: `python examples/custom_loss.py`.

The network predicts a value and its uncertainty. `construct` receives one label for each column of the dataset
after the first, in their order, and returns a dict of terms: the one named "loss" is trained, all of them are
logged. No wrapper cell is needed.
"""

import numpy as np

import sporax
from sporax import LossMonitor, Model, dataset, nn, ops


class ValueAndUncertainty(nn.LossBase):
    """Gaussian negative log-likelihood of the value, and a penalty that fits the spread to the measured one."""

    def __init__(self, tie=0.1, reduction="mean"):
        super().__init__(reduction)
        self.tie = tie

    def construct(self, outputs, value, spread):
        mean, log_spread = outputs[:, :1], outputs[:, 1:]
        fit = self.get_loss(0.5 * ops.square((mean - value) * ops.exp(-log_spread)) + log_spread)
        tie = self.get_loss(ops.square(log_spread - ops.log(spread)))
        return {"loss": fit + self.tie * tie, "fit": fit, "tie": tie}


def measurements(count):
    """y = sin(x), measured with a spread that grows with |x|."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-2, 2, (count, 1)).astype(np.float32)
    spread = (0.05 + 0.2 * np.abs(x)).astype(np.float32)
    return x, (np.sin(x) + spread * rng.normal(0, 1, x.shape)).astype(np.float32), spread


sporax.set_seed(1)
net = nn.SequentialCell(nn.Dense(1, 32, activation="tanh"), nn.Dense(32, 2))
model = Model(net, ValueAndUncertainty(), nn.Adam(net.trainable_params(), learning_rate=0.01))
data = dataset.NumpySlicesDataset(measurements(2048), ["x", "value", "spread"]).batch(64)
model.train(epoch=20, train_dataset=data, callbacks=[LossMonitor(160)])

for x in (0.0, 1.0, 2.0):
    mean, log_spread = model.predict(sporax.Tensor([[x]])).asnumpy()[0]
    print(f"x = {x}: {mean:.2f} +- {np.exp(log_spread):.2f}  (true: {np.sin(x):.2f} +- {0.05 + 0.2 * x:.2f})")
