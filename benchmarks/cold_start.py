"""Startup time of a process, as ratios to `python -c "import jax"` measured in the same run.

    python benchmarks/cold_start.py
    python benchmarks/cold_start.py --rounds 21 --json out.json
    python benchmarks/cold_start.py --script my_script.py

Every candidate is a separate process; the rounds are interleaved, so that a busy machine slows all of them equally, and
the medians are compared. Wall time is what a user notices; CPU time (user and system) varies less on a busy machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# Like the first complete listing of the tutorial: a network, a custom loss, a dataset, one epoch.
SCRIPT = """
import numpy as np

import mindspore.nn as nn
import mindspore.ops as ops
from mindspore import Model
from mindspore import dataset as ds
from mindspore.common.initializer import Normal
from mindspore.nn import LossBase
from mindspore.train.callback import LossMonitor


class Line(nn.Cell):
    def __init__(self):
        super().__init__()
        self.fc = nn.Dense(1, 1, Normal(0.02), Normal(0.02))

    def construct(self, x):
        return self.fc(x)


class AbsoluteError(LossBase):
    def __init__(self, reduction="mean"):
        super().__init__(reduction)
        self.abs = ops.Abs()

    def construct(self, base, target):
        return self.get_loss(self.abs(base - target))


def points(count):
    for _ in range(count):
        x = np.random.uniform(-10.0, 10.0)
        y = 2.0 * x + 3.0 + np.random.normal(0, 1)
        yield np.array([x]).astype(np.float32), np.array([y]).astype(np.float32)


net = Line()
optimizer = nn.Momentum(net.trainable_params(), learning_rate=0.005, momentum=0.9)
data = ds.GeneratorDataset(list(points(160)), column_names=["data", "label"]).batch(16)
model = Model(net, AbsoluteError(), optimizer)
model.train(epoch=1, train_dataset=data, callbacks=[LossMonitor()], dataset_sink_mode=False)
"""

BASE = "import jax"


def measure(command: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of one process."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with exit code {process.returncode}.")
    return wall, usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=11, help="how often each process is started")
    parser.add_argument("--script", type=Path, help="run this script with `sporax run`, not the built-in one")
    parser.add_argument("--json", type=Path, help="write the figures there too")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        script = options.script or Path(folder, "listing.py")
        if options.script is None:
            script.write_text(SCRIPT, encoding="utf-8")
        candidates = {
            BASE: ["-c", "import jax"],
            "import sporax": ["-c", "import sporax"],
            "from sporax import Tensor, nn, ops": ["-c", "from sporax import Tensor, nn, ops"],
            "all that training needs": ["-c", "from sporax import Model, LossMonitor, dataset, nn, ops"],
            "sporax run listing.py": ["-m", "sporax", "run", str(script)],
        }
        times: dict[str, list[tuple[float, float]]] = {name: [] for name in candidates}
        # The first round is not counted: it fills the caches of the disk and of Python.
        for counted in range(options.rounds + 1):
            for name, arguments in candidates.items():
                taken = measure([sys.executable, *arguments])
                if counted:
                    times[name].append(taken)

    medians = {
        name: [statistics.median(column) for column in zip(*rounds, strict=True)] for name, rounds in times.items()
    }
    report = {
        name: {
            "wall_s": wall,
            "cpu_s": cpu,
            "wall_ratio": wall / medians[BASE][0],
            "cpu_ratio": cpu / medians[BASE][1],
        }
        for name, (wall, cpu) in medians.items()
    }
    print(f"{'medians of ' + str(options.rounds) + ' processes':36} {'wall':>8} {'ratio':>7} {'CPU':>8} {'ratio':>7}")
    for name, row in report.items():
        print(
            f"{name:36} {row['wall_s']:6.2f} s {row['wall_ratio']:6.2f}x {row['cpu_s']:6.2f} s {row['cpu_ratio']:6.2f}x"
        )
    if options.json:
        options.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
