"""InfoNCE (both directions) and SigLIP over a large batch: dense and in chunks.

    python benchmarks/contrastive.py                       # N = 16,384, D = 256, float32
    python benchmarks/contrastive.py --compile-only        # temporary memory alone, in seconds
    python benchmarks/contrastive.py --size 4096 --chunks 64 256 1024 --json out.json

Value of the mean, and its gradient with respect to both inputs, the temperature and (SigLIP) the bias. "dense" is a
plain JAX implementation with an (N, N) array; the others are the losses of this package. Temporary memory is what XLA
reports for the compiled program; times are medians over interleaved rounds in one process. Ratios are to "dense".
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


def unit(x: jax.Array) -> jax.Array:
    return x / jnp.linalg.norm(x, axis=-1, keepdims=True)


def dense_info_nce(x: jax.Array, y: jax.Array, scale: jax.Array, _: jax.Array) -> jax.Array:
    scores = jnp.matmul(unit(x), unit(y).T, precision="highest") / scale
    own = jnp.diagonal(scores)
    rows, columns = (jax.nn.logsumexp(scores, axis=axis) for axis in (1, 0))
    return jnp.mean(0.5 * (rows + columns) - own)


def dense_siglip(x: jax.Array, y: jax.Array, scale: jax.Array, bias: jax.Array) -> jax.Array:
    scores = jnp.matmul(unit(x), unit(y).T, precision="highest") / scale + bias
    signed = jnp.where(jnp.eye(x.shape[0], dtype=bool), -scores, scores)
    return jnp.sum(jax.nn.softplus(signed)) / x.shape[0]


def candidates(chunks: list[int | None]) -> dict[str, dict[str, Callable[..., jax.Array]]]:
    found: dict[str, dict[str, Any]] = {"InfoNCE": {"dense": dense_info_nce}, "SigLIP": {"dense": dense_siglip}}
    for chunk in chunks:
        label = "sporax" if chunk is None else f"sporax, {chunk} rows"

        def info_nce(x: Any, y: Any, scale: Any, bias: Any, chunk: int | None = chunk) -> jax.Array:
            del bias
            return losses.evaluate(losses.info_nce_loss, x, y, temperature=scale, symmetric=True, chunk_size=chunk)

        def siglip(x: Any, y: Any, scale: Any, bias: Any, chunk: int | None = chunk) -> jax.Array:
            return losses.evaluate(losses.siglip_loss, x, y, temperature=1 / scale, bias=bias, chunk_size=chunk)

        found["InfoNCE"][label], found["SigLIP"][label] = info_nce, siglip
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=16_384, help="N, pairs of the batch")
    parser.add_argument("--dim", type=int, default=256, help="D, length of a vector")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chunks", type=int, nargs="*", default=[], help="chunk sizes to try beside the default")
    parser.add_argument("--compile-only", action="store_true", help="memory, no times")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()

    rng = np.random.default_rng(0)
    x = jnp.asarray(rng.normal(size=(options.size, options.dim)), jnp.float32)
    y = x + jnp.asarray(rng.normal(size=x.shape), jnp.float32)
    arguments = x, y, jnp.float32(0.1), jnp.float32(-10.0)
    device = jax.devices()[0]
    print(
        f"N = {options.size}, D = {options.dim}, float32, {device.platform} {device.device_kind}, jax {jax.__version__}"
    )
    report = []
    for loss, runs in candidates([None, *options.chunks]).items():
        programs, times = {}, {}
        for name, fn in runs.items():
            programs[name] = jax.jit(jax.value_and_grad(fn, argnums=(0, 1, 2, 3))).lower(*arguments).compile()
            times[name] = []
        values = {}
        for each in range(0 if options.compile_only else options.rounds + 1):
            for name, program in programs.items():
                begin = time.perf_counter()
                values[name] = jax.block_until_ready(program(*arguments))
                if each:
                    times[name].append(time.perf_counter() - begin)
        memory = {name: program.memory_analysis().temp_size_in_bytes / 2**20 for name, program in programs.items()}
        for name in runs:
            row = {
                "loss": loss,
                "variant": name,
                "mib": memory[name],
                "memory_ratio": memory[name] / memory["dense"],
            }
            line = f"{loss:8} {name:20} {memory[name]:9.1f} MiB {row['memory_ratio']:6.3f}x"
            if times[name]:
                row["seconds"] = statistics.median(times[name])
                row["time_ratio"] = row["seconds"] / statistics.median(times["dense"])
                pairs = zip(*(jax.tree.leaves(values[each]) for each in (name, "dense")), strict=True)
                row["error"] = max(float(jnp.linalg.norm(a - b) / (1e-12 + jnp.linalg.norm(b))) for a, b in pairs)
                line += f" {row['seconds']:8.2f} s {row['time_ratio']:6.2f}x   off by {row['error']:.1e}"
            print(line, flush=True)
            report.append(row)
    if options.json:
        with open(options.json, "w") as file:
            json.dump(report, file, indent=1)


if __name__ == "__main__":
    main()
