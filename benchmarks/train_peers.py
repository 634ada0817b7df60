"""The networks of `benchmarks/train.py` in torch (eager) and in Keras on JAX."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from train_networks import MOMENTUM, RATE, Work

Run = Callable[[np.ndarray, np.ndarray], float]


def torch_network(work: Work) -> tuple[Any, Any]:
    """Return the network, whose outputs are the inputs of the loss, and the loss of a batch."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            size = work.width
            self.before_attention = nn.LayerNorm(size)
            self.mixed, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
            self.before_feed = nn.LayerNorm(size)
            self.up, self.down = nn.Linear(size, 4 * size), nn.Linear(4 * size, size)
            ahead = torch.triu(torch.full((work.length, work.length), -1e9), 1)
            self.register_buffer("hidden_ahead", ahead, persistent=False)

        def forward(self, x: Any) -> Any:
            batch, length, size = x.shape
            mixed = self.mixed(self.before_attention(x)).reshape(batch, length, 3, work.heads, size // work.heads)
            q, k, v = (mixed[:, :, i].transpose(1, 2) for i in range(3))
            scores = q @ k.transpose(2, 3) / math.sqrt(size // work.heads) + self.hidden_ahead
            seen = (torch.softmax(scores, -1) @ v).transpose(1, 2).reshape(batch, length, size)
            x = x + self.out(seen)
            return x + self.down(torch.relu(self.up(self.before_feed(x))))

    class LanguageModel(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.words = nn.Embedding(work.classes, work.width)
            self.positions = nn.Embedding(work.length, work.width)
            self.layers = nn.Sequential(*(Block() for _ in range(work.depth)))
            self.last = nn.LayerNorm(work.width)
            self.head = nn.Linear(work.width, work.classes, bias=False)

        def forward(self, words: Any) -> Any:
            positions = self.positions(torch.arange(words.shape[1]))
            return self.head(self.last(self.layers(self.words(words) + positions))).flatten(0, 1)

    if work.kind == "linear":
        return nn.Linear(1, 1), functional.l1_loss
    if work.kind == "mlp":
        layers: list[Any] = []
        size = 784
        for _ in range(work.depth):
            layers += [nn.Linear(size, work.width), nn.ReLU()]
            size = work.width
        return nn.Sequential(*layers, nn.Linear(size, work.classes)), functional.cross_entropy
    if work.kind == "cnn":
        parts = [nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        parts += [nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
        return nn.Sequential(*parts, nn.Flatten(), nn.Linear(32 * 7 * 7, work.classes)), functional.cross_entropy
    return LanguageModel(), lambda logits, labels: functional.cross_entropy(logits, labels.flatten())


def torch_trainer(work: Work, start: Sequence[np.ndarray]) -> Run:
    """Return a function that trains on arrays from the weights `start`, and returns the last loss."""
    import torch

    net, loss_of = torch_network(work)
    with torch.no_grad():
        for parameter, value in zip(net.parameters(), start, strict=True):
            parameter.copy_(torch.from_numpy(np.array(value)))
    optimizer = torch.optim.SGD(net.parameters(), lr=RATE, momentum=MOMENTUM)

    def run(x: np.ndarray, y: np.ndarray) -> float:
        inputs = torch.from_numpy(x)
        labels = torch.from_numpy(y)
        labels = labels if labels.is_floating_point() else labels.long()
        for at in range(0, len(x), work.batch):
            optimizer.zero_grad()
            loss = loss_of(net(inputs[at : at + work.batch]), labels[at : at + work.batch])
            loss.backward()
            optimizer.step()
        return loss.item()

    return run


def keras_network(work: Work) -> tuple[Any, Any]:
    """Return the network and its loss."""
    import keras
    from keras import layers, ops

    logits = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    if work.kind == "linear":
        return keras.Sequential([keras.Input((1,)), layers.Dense(1)]), "mae"
    if work.kind == "mlp":
        hidden = [layers.Dense(work.width, activation="relu") for _ in range(work.depth)]
        return keras.Sequential([keras.Input((784,)), *hidden, layers.Dense(work.classes)]), logits
    if work.kind == "cnn":
        # Keras on JAX has kernels for channels last.
        parts = [layers.Conv2D(16, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)]
        parts += [layers.Conv2D(32, 3, padding="same", activation="relu"), layers.MaxPooling2D(2)]
        parts += [layers.Flatten(), layers.Dense(work.classes)]
        return keras.Sequential([keras.Input((28, 28, 1)), *parts]), logits

    words = keras.Input((work.length,), dtype="int32")
    x = layers.Embedding(work.classes, work.width)(words)
    x = x + layers.Embedding(work.length, work.width)(ops.arange(work.length))
    for _ in range(work.depth):
        normed = layers.LayerNormalization(epsilon=1e-5)(x)
        x = x + layers.MultiHeadAttention(work.heads, work.width // work.heads)(normed, normed, use_causal_mask=True)
        normed = layers.LayerNormalization(epsilon=1e-5)(x)
        x = x + layers.Dense(work.width)(layers.Dense(4 * work.width, activation="relu")(normed))
    x = layers.LayerNormalization(epsilon=1e-5)(x)
    return keras.Model(words, layers.Dense(work.classes, use_bias=False)(x)), logits


def keras_trainer(work: Work) -> Run:
    """Return a function that trains on arrays from Keras' initial weights, and returns the mean loss of `fit`."""
    import keras

    net, loss = keras_network(work)
    net.compile(keras.optimizers.SGD(RATE, momentum=MOMENTUM), loss=loss)

    def run(x: np.ndarray, y: np.ndarray) -> float:
        x = x.reshape(-1, 28, 28, 1) if work.kind == "cnn" else x
        history = net.fit(x, y, batch_size=work.batch, epochs=1, shuffle=False, verbose=0)
        return float(history.history["loss"][-1])

    return run
