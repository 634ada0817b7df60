"""A linear layer and its cross entropy at the sizes of a language model, on one GPU, in bfloat16.

    python benchmarks/gpu_linear_ce.py                       # N = 4096 and 32,768, H = 4096, V = 128,256
    python benchmarks/gpu_linear_ce.py --chunk-size 4096 --json out.json
    python benchmarks/gpu_linear_ce.py --small               # float32 on any device, to test that it runs

Value and gradients with respect to hidden and weight: sporax, XLA with the logits in memory, and torch's compiled
linear layer and cross entropy (if torch has CUDA). One process, medians over interleaved rounds. MB is the memory of
the program without inputs and outputs, and in total (for torch: the peak of its allocator). TFLOP/s are those of three
matrix products, 6 N H V. Published on an H100 at N = 32,768: 57.4 + 156.1 ms and 20.8 GB (materialized), 110.8 +
284.5 ms and 6.4 GB (tokamax).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

# Leave GPU memory for torch.
os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")

import jax
import jax.numpy as jnp

from sporax import losses


def materialized(x: jax.Array, w: jax.Array, y: jax.Array) -> jax.Array:
    logits = jax.lax.dot_general(x, w, (((1,), (1,)), ((), ())), preferred_element_type=jnp.float32)
    own = jnp.take_along_axis(logits, y[:, None], axis=1)[:, 0]
    return jnp.mean(jax.nn.logsumexp(logits, axis=1) - own)


def fused(chunk_size: int | None) -> Callable[..., jax.Array]:
    return lambda x, w, y: losses.linear_cross_entropy(x, w, y, reduction="mean", chunk_size=chunk_size)


def jax_run(loss: Callable[..., jax.Array], rows: int, width: int, classes: int, dtype: Any) -> tuple[Any, Any]:
    keys = jax.random.split(jax.random.key(0), 3)
    x = jax.random.normal(keys[0], (rows, width), dtype)
    w = jax.random.normal(keys[1], (classes, width), dtype) * width**-0.5
    y = jax.random.randint(keys[2], (rows,), 0, classes)
    compiled = jax.jit(jax.value_and_grad(loss, (0, 1))).lower(x, w, y).compile()
    sizes = compiled.memory_analysis()
    beside = sizes.temp_size_in_bytes
    every = beside + sizes.argument_size_in_bytes + sizes.output_size_in_bytes - sizes.alias_size_in_bytes
    return lambda: jax.block_until_ready(compiled(x, w, y)), lambda: (beside / 1e6, every / 1e6)


def torch_run(rows: int, width: int, classes: int, name: str) -> tuple[Any, Any]:
    import torch

    if not torch.cuda.is_available():
        raise ImportError("this torch has no CUDA")
    torch.manual_seed(0)
    given = {"device": "cuda", "dtype": torch.bfloat16}
    x = torch.randn(rows, width, **given).requires_grad_()
    w = (torch.randn(classes, width, **given) * width**-0.5).requires_grad_()
    y = torch.randint(0, classes, (rows,), device="cuda")
    functional: Any = torch.nn.functional
    if name == "compiled":
        loss = torch.compile(lambda: functional.cross_entropy(functional.linear(x, w).float(), y))
    else:
        loss = lambda: functional.linear_cross_entropy(  # noqa: E731
            x, w, y, options=torch.nn.LinearCrossEntropyOptions()
        )
    inputs = torch.cuda.memory_allocated()

    def run() -> None:
        x.grad = w.grad = None
        loss().backward()
        torch.cuda.synchronize()

    def memory() -> tuple[float, float]:
        torch.cuda.reset_peak_memory_stats()
        run()
        peak = torch.cuda.max_memory_allocated()
        return (peak - inputs - (x.numel() + w.numel()) * 2) / 1e6, peak / 1e6

    return run, memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[4096, 32_768])
    parser.add_argument("--width", type=int, default=4096)
    parser.add_argument("--classes", type=int, default=128_256)
    parser.add_argument("--chunk-size", type=int)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--small", action="store_true", help="N = 64 and 100, H = 32, V = 2,049, float32, two rounds")
    parser.add_argument("--json", help="write the figures to this file too")
    options = parser.parse_args()
    dtype = jnp.bfloat16
    if options.small:
        options.rows, options.width, options.classes, options.rounds = [64, 100], 32, 2049, 2
        dtype = jnp.float32

    figures: dict[str, Any] = {}
    for rows in options.rows:
        shape = rows, options.width, options.classes
        makers: dict[str, Callable[[], tuple[Any, Any]]] = {
            "sporax": lambda shape=shape: jax_run(fused(options.chunk_size), *shape, dtype),
            "XLA, materialized": lambda shape=shape: jax_run(materialized, *shape, dtype),
            "torch, compiled": lambda shape=shape: torch_run(*shape, "compiled"),
            "torch, chunked": lambda shape=shape: torch_run(*shape, "chunked"),
        }
        runs: dict[str, Any] = {}
        memory: dict[str, tuple[float, float]] = {}
        for name, make in makers.items():
            try:
                run, measure = make()
                run()
                runs[name], memory[name] = run, measure()
            except (ImportError, AttributeError, RuntimeError) as error:  # RuntimeError: out of memory
                print(f"{name}, N = {rows}: skipped ({str(error).splitlines()[0][:100]})")
        times: dict[str, list[float]] = {name: [] for name in runs}
        for _ in range(options.rounds):
            for name, run in runs.items():
                start = time.perf_counter()
                run()
                times[name].append(time.perf_counter() - start)
        kind = jax.devices()[0].device_kind
        print(
            f"N={rows} H={options.width} V={options.classes} {jnp.dtype(dtype).name} on {kind}, "
            f"medians of {options.rounds} interleaved rounds"
        )
        print(f"{'':20}{'ms':>10}{'MB beside':>12}{'MB in all':>12}{'TFLOP/s':>10}")
        for name, each in times.items():
            seconds = statistics.median(each)
            speed = 6 * rows * options.width * options.classes / seconds / 1e12
            print(f"{name:20}{seconds * 1e3:10.2f}{memory[name][0]:12.0f}{memory[name][1]:12.0f}{speed:10.2f}")
            figures[f"{name}, N = {rows}"] = {
                "ms": seconds * 1e3,
                "mb_beside": memory[name][0],
                "mb": memory[name][1],
                "tflops": speed,
                "device": kind,
            }
        # Free the arrays of this size before the next are created.
        runs.clear()
        makers.clear()
        run = measure = None
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
