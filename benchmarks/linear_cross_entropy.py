"""Value and gradients of a linear layer and its cross entropy, with and without the logits in memory, in one run.

    python benchmarks/linear_cross_entropy.py                        # N=2048, D=256, V=32,768, float32
    python benchmarks/linear_cross_entropy.py --classes 151936 --rows 1024 --rounds 3 --json out.json

All candidates use the same inputs in one process; figures are medians over interleaved rounds. Ratios are to a
hand-written JAX version that materializes the logits. CPU time (of all threads) is also printed, because it is more
reliable than wall time on a shared machine. Memory is the temporary memory of the compiled program; torch does not
report it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from sporax import losses

Run = Callable[[], Any]


def make_data(rows: int, width: int, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, width)).astype(np.float32)
    w = (rng.normal(size=(classes, width)) / np.sqrt(width)).astype(np.float32)
    return x, w, rng.integers(0, classes, rows)


def by_hand(x: jax.Array, w: jax.Array, y: jax.Array) -> jax.Array:
    logits = x @ w.T
    own = jnp.take_along_axis(logits, y[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=1) - own)


def two_steps(x: jax.Array, w: jax.Array, y: jax.Array) -> jax.Array:
    return losses.evaluate(losses.cross_entropy, x @ w.T, y)


def fused(reduction: str, chunk_size: int | None) -> Callable[..., jax.Array]:
    def run(x: jax.Array, w: jax.Array, y: jax.Array) -> jax.Array:
        values = losses.linear_cross_entropy(x, w, y, reduction=reduction, chunk_size=chunk_size)
        return jnp.mean(values)

    return run


def jax_run(loss: Callable[..., jax.Array], data: tuple[np.ndarray, ...]) -> tuple[Run, float]:
    arrays = [jnp.asarray(each) for each in data]
    compiled = jax.jit(jax.value_and_grad(loss, (0, 1))).lower(*arrays).compile()
    memory = compiled.memory_analysis().temp_size_in_bytes / 1e6
    return lambda: jax.block_until_ready(compiled(*arrays)), memory


def torch_run(data: tuple[np.ndarray, ...], kind: str) -> tuple[Run, None]:
    import torch

    x, w, y = (torch.tensor(each) for each in data)
    x.requires_grad_()
    w.requires_grad_()
    functional: Any = torch.nn.functional
    if kind == "chunked":
        options = torch.nn.LinearCrossEntropyOptions()
        loss = lambda: functional.linear_cross_entropy(x, w, y, options=options)  # noqa: E731
    elif kind == "default":
        loss = lambda: functional.linear_cross_entropy(x, w, y)  # noqa: E731
    else:
        loss = lambda: functional.cross_entropy(functional.linear(x, w), y)  # noqa: E731

    def run() -> float:
        x.grad = w.grad = None
        out = loss()
        out.backward()
        return out.item()

    return run, None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2048)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--classes", type=int, default=32_768)
    parser.add_argument("--chunk-size", type=int)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--torch-chunked", action="store_true", help="torch's memory-saving form too; it is slow")
    parser.add_argument("--json", help="write the figures to this file too")
    options = parser.parse_args()

    data = make_data(options.rows, options.width, options.classes)
    makers: dict[str, Callable[[], tuple[Run, float | None]]] = {
        "hand-written, materialized": lambda: jax_run(by_hand, data),
        "materialized, cross_entropy": lambda: jax_run(two_steps, data),
        "sporax, mean": lambda: jax_run(fused("mean", options.chunk_size), data),
        "sporax, none": lambda: jax_run(fused("none", options.chunk_size), data),
        "torch linear + cross_entropy": lambda: torch_run(data, "two"),
        "torch linear_cross_entropy": lambda: torch_run(data, "default"),
    }
    if options.torch_chunked:
        makers["torch the same, chunked"] = lambda: torch_run(data, "chunked")
    runs: dict[str, Run] = {}
    memory: dict[str, float | None] = {}
    for name, make in makers.items():
        try:
            runs[name], memory[name] = make()
            runs[name]()
        except (ImportError, AttributeError) as error:
            runs.pop(name, None)
            print(f"{name}: skipped ({error})")

    clock: dict[str, list[float]] = {name: [] for name in runs}
    work: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.rounds):
        for name, run in runs.items():
            start, busy = time.perf_counter(), time.process_time()
            run()
            clock[name].append(time.perf_counter() - start)
            work[name].append(time.process_time() - busy)

    base = "hand-written, materialized"
    figures = {
        name: {
            "ms": statistics.median(clock[name]) * 1e3,
            "ratio": statistics.median(clock[name]) / statistics.median(clock[base]),
            "cpu_ms": statistics.median(work[name]) * 1e3,
            "cpu_ratio": statistics.median(work[name]) / statistics.median(work[base]),
            "temporary_mb": memory[name],
        }
        for name in runs
    }
    print(
        f"N={options.rows} D={options.width} V={options.classes} float32, value and gradients for both, "
        f"medians of {options.rounds} interleaved rounds"
    )
    print(f"{'':30}{'ms':>8}{'ratio':>8}{'CPU ms':>9}{'ratio':>8}{'temporary MB':>14}")
    for name, row in figures.items():
        size = "" if row["temporary_mb"] is None else f"{row['temporary_mb']:.1f}"
        print(f"{name:30}{row['ms']:8.0f}{row['ratio']:8.2f}{row['cpu_ms']:9.0f}{row['cpu_ratio']:8.2f}{size:>14}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
