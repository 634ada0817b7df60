"""Training of four networks, compared with hand-written JAX, torch, Keras on JAX and MindSpore, in one run.

    python benchmarks/train.py                                   # linear, MLP, CNN, transformer with 32,768 words
    python benchmarks/train.py --only mlp,cnn --rounds 3 --json train.json
    python benchmarks/train.py --growth --save growth.png         # time against batch, classes and depth
    python benchmarks/train.py --mindspore ~/ms/bin/python        # also MindSpore, with its interpreter

Every candidate trains the same network from the same weights (Keras and MindSpore: from their own) on the same data
with momentum; the last losses are printed, to show that the work is the same. Rounds are interleaved, and a ratio is
the median over the rounds of the ratio to the hand-written loop in that round. The figures of sporax include its data
pipeline and `Model.train`. `first step` is the time from the call to the loss of one step, including tracing and
compilation, in a process that has compiled nothing yet; `compile` is the part that JAX reports: tracing, lowering and
XLA. MindSpore runs separately, after the others.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import numpy as np

from sporax import compat

compat.install()  # before the networks, which import mindspore

import train_hand  # noqa: E402
import train_peers  # noqa: E402
from train_networks import Work, make_data, trainer  # noqa: E402

Run = Callable[[np.ndarray, np.ndarray], float]

WORKS = {
    "linear": Work("linear", batch=16, steps=10_000),
    "mlp": Work("mlp", batch=128, steps=100),
    "cnn": Work("cnn", batch=64, steps=50),
    "lm": Work("lm", batch=4, classes=32_768, depth=4, width=256, steps=4),
}
BASE = Work("mlp", batch=16, classes=10, depth=1, steps=16)
GROWTH = {
    "batch": [2**i for i in range(7)],
    "classes": [2**i for i in range(7)],
    "depth": [2**i for i in range(4)],
}
HAND = "hand-written JAX"
CONTENDERS = (HAND, "sporax", "sporax, sink", "torch eager", "Keras on JAX")


def candidate(name: str, work: Work, start: list[np.ndarray]) -> Run:
    """Return a function that trains on arrays and returns the last loss."""
    if name == HAND:
        return train_hand.trainer(work, start)
    if name == "torch eager":
        return train_peers.torch_trainer(work, start)
    if name == "Keras on JAX":
        return train_peers.keras_trainer(work)
    return trainer(work, sink=name == "sporax, sink")[0]


def measure(work: Work, rounds: int, names: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """Measure milliseconds per step, ratios to the hand-written loop, and the loss after the first round."""
    x, y = make_data(work)
    _, start = trainer(work, sink=False)
    runs: dict[str, Run] = {}
    losses: dict[str, float] = {}
    for name in names:
        try:
            runs[name] = candidate(name, work, start)
            losses[name] = runs[name](x, y)  # compiles
        except ImportError as error:
            runs.pop(name, None)
            print(f"{name}: skipped ({error})")
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            begin = time.perf_counter()
            run(x, y)
            times[name].append((time.perf_counter() - begin) / work.steps * 1e3)
    return {
        name: {
            "ms": statistics.median(each),
            "ratio": statistics.median(mine / hand for mine, hand in zip(each, times[HAND], strict=True)),
            "loss": losses[name],
        }
        for name, each in times.items()
    }


def first_step(work: Work, name: str) -> tuple[float, float]:
    """Return the seconds until the loss of one step, and those of JAX's compilation. For a separate process."""
    compiling = 0.0

    def heard(event: str, seconds: float, **_: Any) -> None:
        nonlocal compiling
        if event.startswith("/jax/core/compile/"):
            compiling += seconds

    x, y = make_data(dataclasses.replace(work, steps=1))
    _, start = trainer(work, sink=False)
    run = candidate(name, work, start)
    jax.block_until_ready(jax.numpy.zeros(1))
    jax.monitoring.register_event_duration_secs_listener(heard)
    begin = time.perf_counter()
    run(x, y)
    return time.perf_counter() - begin, compiling


def first_steps(work: Work, names: tuple[str, ...], rounds: int) -> dict[str, tuple[float, float]]:
    """Return the medians of `first_step` over new processes, candidates interleaved."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            request = json.dumps({"work": dataclasses.asdict(work), "name": name})
            done = subprocess.run([sys.executable, __file__, "--first", request], stdout=subprocess.PIPE, check=True)
            times[name].append(json.loads(done.stdout))
    return {
        name: (statistics.median(whole for whole, _ in each), statistics.median(part for _, part in each))
        for name, each in times.items()
    }


def in_mindspore(python: str, work: Work) -> dict[str, float]:
    """Return the figures of the same network in MindSpore, in its own interpreter."""
    x, y = make_data(work)
    script = Path(__file__).with_name("train_networks.py")
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "data.npz")
        np.savez(file, x=x, y=y)
        command = [python, str(script), json.dumps(dataclasses.asdict(work)), file]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=False, text=True)
    if done.returncode:
        raise SystemExit(f"MindSpore failed on {work.kind}, with exit code {done.returncode}.")
    return json.loads(done.stdout.strip().splitlines()[-1])


def networks(options: argparse.Namespace) -> dict[str, Any]:
    """Train every network and print a table for each."""
    figures: dict[str, Any] = {}
    for kind, work in WORKS.items():
        if options.only and kind not in options.only.split(","):
            continue
        rows = measure(work, options.rounds, CONTENDERS)
        first = first_steps(work, (HAND, "sporax"), options.first_rounds) if options.first_rounds else {}
        for name, seconds in first.items():
            for key, value, hand in zip(("first", "compile"), seconds, first[HAND], strict=True):
                rows[name][f"{key}_s"], rows[name][f"{key}_ratio"] = value, value / hand
        if options.mindspore:
            report = in_mindspore(options.mindspore, work)
            step = report["step"] * 1e3
            ratio = step / rows[HAND]["ms"]
            rows["MindSpore"] = {"ms": step, "ratio": ratio, "loss": report["loss"], "first_s": report["first"]}
            if first:
                rows["MindSpore"]["first_ratio"] = report["first"] / first[HAND][0]
        figures[kind] = {"work": dataclasses.asdict(work), "rows": rows}
        print(f"\n{kind}: batch {work.batch}, {work.steps} steps, medians of {options.rounds} interleaved rounds")
        heads = {"ms a step": 11, "first step, s": 15, "compile, s": 12}
        print(
            " " * 14 + "".join(f"{head:>{width}}{'ratio':>8}" for head, width in heads.items()) + f"{'last loss':>11}"
        )
        for name, row in rows.items():
            keys = {"first_s": 15, "first_ratio": 8, "compile_s": 12, "compile_ratio": 8}
            once = "".join(f"{row[key]:{width}.2f}" if key in row else " " * width for key, width in keys.items())
            print(f"{name:14}{row['ms']:11.3f}{row['ratio']:8.2f}{once}{row['loss']:11.4f}")
    return figures


def growth(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the time of a one-layer network against batch, classes and depth."""
    names = (HAND, "sporax", "sporax, sink", "torch eager")
    figures: dict[str, Any] = {}
    for axis, factors in GROWTH.items():
        print(f"\n{axis}: ms a step" + "".join(f"{name:>14}" for name in names))
        figures[axis] = []
        for factor in factors:
            rows = measure(dataclasses.replace(BASE, **{axis: getattr(BASE, axis) * factor}), options.rounds, names)
            figures[axis].append({"factor": factor, **{name: row["ms"] for name, row in rows.items()}})
            print(f"{f'x{factor}':>{len(axis) + 11}}" + "".join(f"{rows[n]['ms']:14.3f}" for n in names if n in rows))
    return figures


def draw(figures: dict[str, Any], path: str) -> None:
    """Plot one panel for each of batch, classes and depth."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    for panel, (axis, rows) in zip(figure.subplots(1, len(figures), sharey=True), figures.items(), strict=True):
        for name in rows[0]:
            if name != "factor":
                panel.plot([row["factor"] for row in rows], [row[name] for row in rows], marker="o", label=name)
        panel.set_xscale("log", base=2)
        panel.set_yscale("log")
        panel.set_xlabel(f"{axis}, times {getattr(BASE, axis)}")
        panel.grid(alpha=0.3)
    figure.axes[0].set_ylabel("ms a step")
    figure.axes[0].legend()
    figure.savefig(path)
    print(f"wrote {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="networks, by commas: " + ",".join(WORKS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--first-rounds", type=int, default=3, help="processes for the first step; 0 for none")
    parser.add_argument("--mindspore", metavar="PYTHON", help="an interpreter that has MindSpore")
    parser.add_argument("--growth", action="store_true", help="cost against work instead")
    parser.add_argument("--json", help="write the figures to this file too")
    parser.add_argument("--save", help="with --growth: draw a picture, PNG or SVG")
    parser.add_argument("--first", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.first:
        request = json.loads(options.first)
        print(json.dumps(first_step(Work(**request["work"]), request["name"])))
        return
    figures = growth(options) if options.growth else networks(options)
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=1), encoding="utf-8")
    if options.growth and options.save:
        draw(figures, options.save)


if __name__ == "__main__":
    main()
