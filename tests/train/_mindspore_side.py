"""Run by an interpreter with MindSpore 2.10: trains the two models of the tutorial and writes their losses.

    MINDSPORE_PYTHON tests/train/_mindspore_side.py tests/train/data/mindspore_losses.json

The weights and the data are fixed, so that sporax uses the same. tests/train/test_mindspore_parity.py reads the file.
"""

import json
import sys

import numpy as np

STEPS = 100
BATCH = 16


def make_data(labels: int, steps: int = STEPS) -> list[np.ndarray]:
    """data, label1, ... as float32 columns of shape (steps * BATCH, 1)."""
    rng = np.random.default_rng(20)
    x = rng.uniform(-10.0, 10.0, (steps * BATCH, 1))
    columns = [x] + [x * 2.0 + 3.0 + rng.normal(-i, 1, x.shape) for i in range(labels)]
    return [column.astype(np.float32) for column in columns]


OPTIMIZERS = {
    "Momentum": {"learning_rate": 0.005, "momentum": 0.9},
    "Momentum decay": {"learning_rate": 0.003, "momentum": 0.8, "weight_decay": 0.01},
    "SGD": {"learning_rate": 0.01},
    "SGD momentum": {"learning_rate": 0.005, "momentum": 0.9, "dampening": 0.1, "weight_decay": 0.01},
    "Adam": {"learning_rate": 0.05},
    "AdamWeightDecay": {"learning_rate": 0.05, "weight_decay": 0.01},
}
WEIGHT, BIAS = 0.0125, -0.031


def train(nn, ops, ds, Model, Callback, Tensor, optimizer: str, labels: int) -> list[float]:
    """Return the losses of a run; every name is that of the framework, so the same code trains with both."""

    class LinearNet(nn.Cell):
        def __init__(self):
            super().__init__()
            self.fc = nn.Dense(1, 1, Tensor(np.full((1, 1), WEIGHT, np.float32)), Tensor(np.full(1, BIAS, np.float32)))

        def construct(self, x):
            return self.fc(x)

    class L1Loss(nn.LossBase):
        def __init__(self, reduction="mean"):
            super().__init__(reduction)
            self.abs = ops.Abs()

        def construct(self, base, target):
            return self.get_loss(self.abs(base - target))

    class L1LossForMultiLabel(nn.LossBase):
        def __init__(self, reduction="mean"):
            super().__init__(reduction)
            self.abs = ops.Abs()

        def construct(self, base, target1, target2):
            return self.get_loss(self.abs(base - target1)) / 2 + self.get_loss(self.abs(base - target2)) / 2

    class CustomWithLossCell(nn.Cell):
        def __init__(self, backbone, loss_fn):
            super().__init__(auto_prefix=False)
            self._backbone = backbone
            self._loss_fn = loss_fn

        def construct(self, data, label1, label2):
            return self._loss_fn(self._backbone(data), label1, label2)

    class Keep(Callback):
        def __init__(self):
            super().__init__()
            self.losses = []

        def step_end(self, run_context):
            self.losses.append(float(run_context.original_args().net_outputs.asnumpy()))

    net = LinearNet()
    make = getattr(nn, optimizer.split()[0])
    opt = make(net.trainable_params(), **OPTIMIZERS[optimizer])
    columns = make_data(labels)
    names = ["data", "label1", "label2"][: len(columns)]
    data = ds.NumpySlicesDataset(tuple(columns), names, shuffle=False).batch(BATCH)
    keep = Keep()
    if labels == 1:
        model = Model(net, L1Loss(), opt)
    else:
        model = Model(network=CustomWithLossCell(net, L1LossForMultiLabel()), optimizer=opt)
    model.train(1, data, callbacks=[keep], dataset_sink_mode=False)
    return keep.losses


if __name__ == "__main__":
    import mindspore
    from mindspore import Model, Tensor, nn, ops
    from mindspore import dataset as ds
    from mindspore.train.callback import Callback

    mindspore.set_context(mode=mindspore.GRAPH_MODE)
    runs = {
        f"{name} | {labels}": train(nn, ops, ds, Model, Callback, Tensor, name, labels)
        for name in OPTIMIZERS
        for labels in (1, 2)
    }
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump({"mindspore": mindspore.__version__, "losses": runs}, file, indent=0)
