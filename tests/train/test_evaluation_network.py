"""The evaluation network: its mode, and the precision of the inputs of the loss."""

from __future__ import annotations

import numpy as np

import sporax
from sporax import Model, Tensor, nn
from sporax import dataset as ds


class _Dropped(nn.Cell):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(p=0.5)

    def construct(self, x, y):
        return self.drop(0 * x + 1), 0 * y + 1


def test_the_evaluation_network_is_put_into_evaluation_mode():
    # As in MindSpore 2.10: dropout of the evaluation network does not affect the metrics.
    network = _Dropped().set_train(True)
    data = ds.NumpySlicesDataset((np.ones((64, 1), np.float32),) * 2, ["x", "y"], shuffle=False).batch(8)
    assert Model(nn.Dense(1, 1), eval_network=network, metrics={"mae"}).eval(data) == {"mae": 0.0}
    assert not network.drop.training


def test_outputs_and_labels_are_cast_to_float32():
    # Recorded with MindSpore 2.10: the loss, the outputs and the label are all Float32.
    seen = []

    def loss_fn(output, label):
        seen.append((str(output.dtype), str(label.dtype)))
        return (output - label).mean()

    cell = nn.WithEvalCell(nn.Dense(1, 1).to_float(sporax.float16), loss_fn, add_cast_fp32=True)
    results = cell(Tensor([[1.0]]), Tensor(np.float16([[5.0]])))
    assert seen == [("Float32", "Float32")]
    assert [str(each.dtype) for each in results] == ["Float32"] * 3


def test_integer_labels_are_preserved_and_several_outputs_are_cast():
    class Two(nn.Cell):
        def construct(self, x):
            return x.astype("float16"), 2 * x

    cell = nn.WithEvalCell(Two(), lambda output, label: output[0].mean(), add_cast_fp32=True)
    _, outputs, label = cell(Tensor([[1.0]]), Tensor([[5]]))
    assert [str(each.dtype) for each in (*outputs, label)] == ["Float32", "Float32", "Int64"]
