"""The networks of `benchmarks/train.py`, written once for sporax and MindSpore.

    python benchmarks/train_networks.py '{"kind": "mlp", ...}' data.npz    # in an interpreter with MindSpore

The script form trains on the arrays of the file and prints its figures as one line of JSON. `benchmarks/train.py`
starts it in the interpreter that is given by `--mindspore`; in its own process it imports this file, with sporax
imported as `mindspore`.
"""

from __future__ import annotations

import dataclasses
import json
import math
import sys
import time
from collections.abc import Callable
from typing import Any

import mindspore as ms
import mindspore.dataset as ds
import numpy as np
from mindspore import Model, Tensor, nn, ops

RATE, MOMENTUM = 0.01, 0.9


@dataclasses.dataclass(frozen=True)
class Work:
    """Network, sizes and number of steps of a run."""

    kind: str  # linear, mlp, cnn or lm
    batch: int
    classes: int = 10
    depth: int = 2
    steps: int = 100
    width: int = 512
    heads: int = 4
    length: int = 128


def mlp(work: Work) -> Any:
    layers: list[Any] = []
    size = 784
    for _ in range(work.depth):
        layers += [nn.Dense(size, work.width), nn.ReLU()]
        size = work.width
    return nn.SequentialCell([*layers, nn.Dense(size, work.classes)])


def cnn(work: Work) -> Any:
    convolution = {"kernel_size": 3, "pad_mode": "pad", "padding": 1, "has_bias": True}
    return nn.SequentialCell(
        [
            nn.Conv2d(1, 16, **convolution),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Conv2d(16, 32, **convolution),
            nn.ReLU(),
            nn.MaxPool2d(2, 2),
            nn.Flatten(),
            nn.Dense(32 * 7 * 7, work.classes),
        ]
    )


class Block(nn.Cell):
    """A causal transformer layer."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        size = work.width
        self.heads, self.length = work.heads, work.length
        self.before_attention = nn.LayerNorm((size,), epsilon=1e-5)
        self.mixed = nn.Dense(size, 3 * size)
        self.out = nn.Dense(size, size)
        self.before_feed = nn.LayerNorm((size,), epsilon=1e-5)
        self.up = nn.Dense(size, 4 * size)
        self.down = nn.Dense(4 * size, size)
        self.hidden_ahead = Tensor(np.triu(np.full((work.length, work.length), -1e9, np.float32), 1))

    def construct(self, x: Any) -> Any:
        batch, length, size = x.shape
        mixed = self.mixed(self.before_attention(x)).reshape(batch, length, 3, self.heads, size // self.heads)
        q, k, v = (mixed[:, :, i].transpose(0, 2, 1, 3) for i in range(3))
        scores = ops.matmul(q, k.transpose(0, 1, 3, 2)) / math.sqrt(size // self.heads) + self.hidden_ahead
        seen = ops.matmul(ops.softmax(scores, -1), v).transpose(0, 2, 1, 3).reshape(batch, length, size)
        x = x + self.out(seen)
        return x + self.down(ops.relu(self.up(self.before_feed(x))))


class LanguageModel(nn.Cell):
    """Embeddings, `depth` layers and a final norm; the product with the embeddings is in the loss."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self.words = nn.Embedding(work.classes, work.width)
        self.positions = nn.Embedding(work.length, work.width)
        self.order = Tensor(np.arange(work.length, dtype=np.int32))
        self.layers = nn.SequentialCell([Block(work) for _ in range(work.depth)])
        self.last = nn.LayerNorm((work.width,), epsilon=1e-5)

    def construct(self, words: Any) -> Any:
        return self.last(self.layers(self.words(words) + self.positions(self.order)))


class MaterializedLoss(nn.Cell):
    """The same value as `nn.LinearCrossEntropyLoss`, with all logits in memory."""

    def __init__(self, size: int, classes: int) -> None:
        super().__init__()
        self.head = nn.Dense(size, classes, has_bias=False)
        self.loss = nn.CrossEntropyLoss()

    def construct(self, hidden: Any, labels: Any) -> Any:
        return self.loss(self.head(hidden.reshape(-1, hidden.shape[-1])), labels.reshape(-1))


def network_and_loss(work: Work) -> tuple[Any, Any]:
    """Return the network and its loss."""
    if work.kind == "linear":
        return nn.Dense(1, 1), nn.L1Loss()
    if work.kind == "mlp":
        return mlp(work), nn.CrossEntropyLoss()
    if work.kind == "cnn":
        return cnn(work), nn.CrossEntropyLoss()
    fused = getattr(nn, "LinearCrossEntropyLoss", MaterializedLoss)
    return LanguageModel(work), fused(work.width, work.classes)


def make_data(work: Work) -> tuple[np.ndarray, np.ndarray]:
    """Return inputs and labels of all steps."""
    rng = np.random.default_rng(0)
    count = work.steps * work.batch
    if work.kind == "linear":
        x = rng.uniform(-10, 10, (count, 1)).astype(np.float32)
        return x, (2 * x + 3 + rng.normal(0, 1, x.shape)).astype(np.float32)
    if work.kind == "lm":
        words = rng.integers(0, work.classes, (count, work.length + 1)).astype(np.int32)
        return words[:, :-1].copy(), words[:, 1:].copy()
    shape = (784,) if work.kind == "mlp" else (1, 28, 28)
    return rng.normal(size=(count, *shape)).astype(np.float32), rng.integers(0, work.classes, count).astype(np.int32)


class LastLoss(ms.Callback):
    """Callback that waits for the loss of the last step and stores it."""

    def __init__(self) -> None:
        super().__init__()
        self.loss = math.nan

    def on_train_end(self, run_context: Any) -> None:
        outputs = np.asarray(run_context.original_args().net_outputs.asnumpy())
        self.loss = float(outputs.reshape(-1)[-1])


def trainer(work: Work, *, sink: bool) -> tuple[Callable[[np.ndarray, np.ndarray], float], list[np.ndarray]]:
    """Return a function that trains on arrays and returns the last loss, and its initial weights."""
    ms.set_seed(1)
    net, loss = network_and_loss(work)
    weights = [*net.trainable_params(), *loss.trainable_params()]
    start = [each.asnumpy().copy() for each in weights]
    model = Model(net, loss, nn.Momentum(weights, learning_rate=RATE, momentum=MOMENTUM))

    def run(x: np.ndarray, y: np.ndarray) -> float:
        data = ds.NumpySlicesDataset((x, y), ["data", "label"], shuffle=False).batch(work.batch, drop_remainder=True)
        last = LastLoss()
        model.train(1, data, callbacks=[last], dataset_sink_mode=sink)
        return last.loss

    return run, start


def main() -> None:
    work = Work(**json.loads(sys.argv[1]))
    with np.load(sys.argv[2]) as file:
        x, y = file["x"], file["y"]
    ms.set_context(mode=ms.GRAPH_MODE)
    run, _ = trainer(work, sink=False)
    start = time.perf_counter()
    run(x[: work.batch], y[: work.batch])
    first = time.perf_counter() - start
    start = time.perf_counter()
    loss = run(x, y)
    print(json.dumps({"first": first, "step": (time.perf_counter() - start) / work.steps, "loss": loss}))


if __name__ == "__main__":
    main()
