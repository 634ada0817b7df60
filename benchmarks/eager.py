"""Eager code beside torch eager: a loss with its gradient, an unjitted training loop, a loss called by hand.

    python benchmarks/eager.py                        # about two minutes
    python benchmarks/eager.py --only loss,forward --rounds 9 --json eager.json
    python benchmarks/eager.py --only resnet          # the first step of ResNet-50, compilation included

sporax and torch run alternately in one process; the figures are medians of the rounds, and ratios to torch. On a busy
machine only the ratios mean something.
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from sporax import Tensor, nn, ops, value_and_grad

Pair = tuple[Callable[[], Any], Callable[[], Any]]


def losses() -> dict[str, Pair]:
    """A loss and its gradient with respect to the predictions, 64 × 10."""
    import torch

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 64, 10)).astype(np.float32)
    labels, soft = rng.integers(0, 10, 64), rng.uniform(0.05, 0.95, (64, 10)).astype(np.float32)
    logs = np.log(soft)
    rows = {
        "L1": (nn.L1Loss(), torch.nn.L1Loss(), x, y),
        "smooth L1": (nn.SmoothL1Loss(), torch.nn.SmoothL1Loss(), x, y),
        "cross entropy": (nn.CrossEntropyLoss(), torch.nn.CrossEntropyLoss(), x, labels),
        "BCE with logits": (nn.BCEWithLogitsLoss(), torch.nn.BCEWithLogitsLoss(), x, soft),
        "KL divergence": (nn.KLDivLoss(), torch.nn.KLDivLoss(), logs, soft),
    }

    def pair(ours: Any, theirs: Any, x: np.ndarray, y: np.ndarray) -> Pair:
        differentiate, a, b = value_and_grad(ours), Tensor(x), Tensor(y)
        p, q = torch.tensor(x), torch.tensor(y)

        def torch_step() -> float:
            p.grad = None
            p.requires_grad_()
            theirs(p, q).backward()
            return p.grad[0, 0].item()

        return lambda: differentiate(a, b)[1].jax().block_until_ready(), torch_step

    return {f"value_and_grad, {name}": pair(*row) for name, row in rows.items()}


def forward() -> dict[str, Pair]:
    """A loss called by hand, beside `ops.abs`."""
    import torch

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 64, 10)).astype(np.float32)
    labels = rng.integers(0, 10, 64)
    a, b, c = Tensor(x), Tensor(y), Tensor(labels)
    p, q, r = torch.tensor(x), torch.tensor(y), torch.tensor(labels)
    l1, ce = nn.L1Loss(), nn.CrossEntropyLoss()
    torch_l1, torch_ce = torch.nn.L1Loss(), torch.nn.CrossEntropyLoss()
    return {
        "forward, ops.abs": (lambda: ops.abs(a).jax().block_until_ready(), lambda: torch.abs(p)),
        "forward, nn.L1Loss": (lambda: l1(a, b).jax().block_until_ready(), lambda: torch_l1(p, q)),
        "forward, nn.CrossEntropyLoss": (lambda: ce(a, c).jax().block_until_ready(), lambda: torch_ce(p, r)),
    }


def _loop(net: Any, torch_net: Any, x: np.ndarray, y: np.ndarray) -> Pair:
    import torch

    loss, optimizer = nn.CrossEntropyLoss(), nn.Adam(net.trainable_params(), 1e-3)
    a, b = Tensor(x), Tensor(y)

    def compute(data: Any, label: Any) -> tuple[Any, Any]:
        logits = net(data)
        return loss(logits, label), logits

    differentiate = value_and_grad(compute, None, optimizer.parameters, has_aux=True)

    def step() -> float:
        (value, _), gradients = differentiate(a, b)
        optimizer(gradients)
        return float(value)

    torch_loss, torch_optimizer = torch.nn.CrossEntropyLoss(), torch.optim.Adam(torch_net.parameters(), 1e-3)
    p, q = torch.tensor(x), torch.tensor(y)

    def torch_step() -> float:
        torch_optimizer.zero_grad()
        value = torch_loss(torch_net(p), q)
        value.backward()
        torch_optimizer.step()
        return value.item()

    return step, torch_step


def loops() -> dict[str, Pair]:
    """A functional training loop without `jit`: Adam, batch 128, and LeNet with batch 32."""
    import torch

    rng = np.random.default_rng(0)
    pairs = {}
    for sizes in ((784, 32, 10), (784, 512, 512, 10)):
        layers, torch_layers = [], []
        for a, b in itertools.pairwise(sizes):
            layers += [nn.Dense(a, b), nn.ReLU()]
            torch_layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
        x, y = rng.normal(size=(128, 784)).astype(np.float32), rng.integers(0, 10, 128)
        net, torch_net = nn.SequentialCell(*layers[:-1]), torch.nn.Sequential(*torch_layers[:-1])
        pairs[f"loop, {'-'.join(map(str, sizes))}"] = _loop(net, torch_net, x, y)
    net = nn.SequentialCell(
        nn.Conv2d(1, 6, 5, pad_mode="valid"), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Conv2d(6, 16, 5, pad_mode="valid"), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Flatten(), nn.Dense(256, 120), nn.ReLU(), nn.Dense(120, 84), nn.ReLU(), nn.Dense(84, 10),
    )  # fmt: skip
    torch_net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 6, 5), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Conv2d(6, 16, 5), torch.nn.ReLU(), torch.nn.MaxPool2d(2),
        torch.nn.Flatten(), torch.nn.Linear(256, 120), torch.nn.ReLU(), torch.nn.Linear(120, 84), torch.nn.ReLU(),
        torch.nn.Linear(84, 10),
    )  # fmt: skip
    x, y = rng.normal(size=(32, 1, 28, 28)).astype(np.float32), rng.integers(0, 10, 32)
    pairs["loop, LeNet"] = _loop(net, torch_net, x, y)
    return pairs


def measure(pairs: dict[str, Pair], rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """Return the medians in µs, and their ratio."""
    figures = {}
    for name, pair in pairs.items():
        counts = []
        for run in pair:
            for _ in range(5):
                run()
            start = time.perf_counter()
            for _ in range(5):
                run()
            counts.append(max(3, int(seconds / max((time.perf_counter() - start) / 5, 1e-6))))
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            for run, count, found in zip(pair, counts, times, strict=True):
                for _ in range(count):
                    start = time.perf_counter()
                    run()
                    found.append((time.perf_counter() - start) * 1e6)
        ours, theirs = map(statistics.median, times)
        figures[name] = {"sporax": ours, "torch": theirs, "ratio": ours / theirs}
        print(f"{name:34}{ours:12.1f}{theirs:12.1f}{ours / theirs:8.2f}", flush=True)
    return figures


class Bottleneck(nn.Cell):
    """The block of ResNet-50."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        out = 4 * width
        self.body = nn.SequentialCell(
            nn.Conv2d(channels, width, 1), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, width, 3, stride), nn.BatchNorm2d(width), nn.ReLU(),
            nn.Conv2d(width, out, 1), nn.BatchNorm2d(out),
        )  # fmt: skip
        same = stride == 1 and channels == out
        self.skip = None if same else nn.SequentialCell(nn.Conv2d(channels, out, 1, stride), nn.BatchNorm2d(out))
        self.relu = nn.ReLU()

    def construct(self, x: Any) -> Any:
        return self.relu(self.body(x) + (x if self.skip is None else self.skip(x)))


def resnet50() -> Any:
    """ResNet-50 with ten classes."""
    stem = [nn.Conv2d(3, 64, 7, 2), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, pad_mode="same")]
    blocks, channels = [], 64
    for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for index in range(count):
            blocks.append(Bottleneck(channels, width, stride if index == 0 else 1))
            channels = 4 * width
    return nn.SequentialCell(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dense(2048, 10))


def first_step() -> dict[str, dict[str, float]]:
    """Print the seconds of the first and the second unjitted `value_and_grad` of ResNet-50."""
    net, loss = resnet50(), nn.CrossEntropyLoss()
    net.set_train()
    rng = np.random.default_rng(0)
    x, y = Tensor(rng.normal(size=(2, 3, 64, 64)).astype(np.float32)), Tensor(np.array([1, 2]))
    differentiate = value_and_grad(lambda x, y: loss(net(x), y), None, net.trainable_params())
    seconds = []
    for _ in range(2):
        start = time.perf_counter()
        float(differentiate(x, y)[0])
        seconds.append(time.perf_counter() - start)
    print(f"ResNet-50, value_and_grad without jit: first step {seconds[0]:.1f} s, second {seconds[1]:.2f} s")
    return {"ResNet-50": {"first_step_s": seconds[0], "second_step_s": seconds[1]}}


GROUPS: dict[str, Callable[[], dict[str, Pair]]] = {"loss": losses, "forward": forward, "loop": loops}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(GROUPS), help=f"of {', '.join(GROUPS)}, resnet")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.2, help="the time of each contender in a round")
    parser.add_argument("--json", help="write the figures to this file too")
    options = parser.parse_args()
    figures = {}
    print(f"{'µs, medians':34}{'sporax':>12}{'torch':>12}{'ratio':>8}")
    for name in options.only.split(","):
        if name == "resnet":
            figures |= first_step()
        else:
            figures |= measure(GROUPS[name](), options.rounds, options.seconds)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
