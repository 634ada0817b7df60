"""Cost of losses over a sample of the classes compared with the full softmax, in one run.

    python benchmarks/sampled_softmax.py            # 1,000,000 classes, 512 rows of 128 numbers, 8,192 candidates
    python benchmarks/sampled_softmax.py --classes 100000 --rounds 5 --json out.json

Every candidate uses the same float32 activations, labels and class embeddings, and computes the mean over the rows and
its gradient with respect to activations, embeddings and biases; a sampled loss draws its candidates in each call, which
is included in the time. One process, medians over interleaved rounds. Temporary memory is XLA's figure for the compiled
program (`memory_analysis`) and does not include the gradients. Ratios are to the full softmax with
`jax.nn.log_softmax`.

The last columns show the error of sampling: the value, and the correlation of the gradient with respect to the
activations with that of the full softmax. Labels follow a Zipf distribution.
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

FULL = "full softmax, jax"


def make_inputs(classes: int, width: int, rows: int) -> tuple[jax.Array, ...]:
    rng = np.random.default_rng(0)
    labels = np.exp(rng.uniform(0, np.log(classes + 1), rows)).astype(np.int32) - 1
    weights = rng.normal(0, 1, (classes, width)).astype(np.float32)
    biases = -np.log(np.arange(classes) + 1.0).astype(np.float32)
    return tuple(
        jnp.asarray(array)
        for array in (
            weights,
            biases,
            np.clip(labels, 0, classes - 1),
            rng.normal(0, width**-0.5, (rows, width)).astype(np.float32) + weights[labels] / width,
        )
    )


def make_losses(classes: int, sampled: int) -> dict[str, Callable[..., jax.Array]]:
    """Functions of (weights, biases, labels, inputs, key)."""

    def full(w: Any, b: Any, labels: Any, x: Any, key: Any) -> jax.Array:
        log_p = jax.nn.log_softmax(x @ w.T + b)
        return -jnp.mean(jnp.take_along_axis(log_p, labels[:, None], axis=1))

    def chunked(w: Any, b: Any, labels: Any, x: Any, key: Any) -> jax.Array:
        return losses.linear_cross_entropy(x, w, labels, b, reduction="mean")

    def drawn(function: Any, sampler: str) -> Callable[..., jax.Array]:
        def loss(w: Any, b: Any, labels: Any, x: Any, key: Any) -> jax.Array:
            options = {"num_sampled": sampled, "num_classes": classes, "sampler": sampler, "key": key}
            return losses.evaluate(function, w, b, labels, x, reduction="mean", **options)

        return loss

    return {
        FULL: full,
        "linear_cross_entropy": chunked,
        "sampled softmax, uniform": drawn(losses.sampled_softmax_loss, "uniform"),
        "sampled softmax, log-uniform": drawn(losses.sampled_softmax_loss, "log_uniform"),
        "NCE, log-uniform": drawn(losses.nce_loss, "log_uniform"),
    }


def seconds(run: Callable[..., Any], *args: Any) -> float:
    start = time.perf_counter()
    jax.block_until_ready(run(*args))
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", type=int, default=1_000_000)
    parser.add_argument("--width", type=int, default=128)
    parser.add_argument("--rows", type=int, default=512)
    parser.add_argument("--sampled", type=int, default=8192)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", help="only candidates whose names hold this, and the full softmax")
    parser.add_argument("--json", help="write the figures to this file too")
    options = parser.parse_args()

    inputs = make_inputs(options.classes, options.width, options.rows)
    keys = jax.random.split(jax.random.key(0), options.rounds + 1)
    values: dict[str, Any] = {}
    both: dict[str, Any] = {}
    figures: dict[str, dict[str, float]] = {}
    gradient = None
    for name, loss in make_losses(options.classes, options.sampled).items():
        if name != FULL and (options.only or "") not in name:
            continue
        values[name] = jax.jit(loss).lower(*inputs, keys[0]).compile()
        both[name] = jax.jit(jax.value_and_grad(loss, (0, 1, 3))).lower(*inputs, keys[0]).compile()
        value, gradients = both[name](*inputs, keys[0])
        mine = np.asarray(gradients[2]).ravel()
        gradient = mine if gradient is None else gradient
        figures[name] = {
            "temporary_mb": both[name].memory_analysis().temp_size_in_bytes / 2**20,
            "value": float(value),
            "correlation": float(np.corrcoef(gradient, mine)[0, 1]),
        }
        del gradients
        jax.block_until_ready(values[name](*inputs, keys[0]))

    times: dict[str, list[tuple[float, float]]] = {name: [] for name in both}
    for key in keys[1:]:
        for name in both:
            times[name].append((seconds(values[name], *inputs, key), seconds(both[name], *inputs, key)))
    for name, each in times.items():
        for column, at in (("value_ms", 0), ("gradient_ms", 1)):
            figures[name][column] = 1e3 * statistics.median(pair[at] for pair in each)
    base = figures[FULL]

    print(
        f"{options.classes} classes, {options.rows} rows of {options.width}, {options.sampled} candidates, "
        f"{jax.devices()[0].device_kind}, medians of {options.rounds} interleaved rounds"
    )
    heads = ("value ms", "+ gradient ms", "ratio", "temporary MB", "ratio", "value", "correlation")
    print(" " * 30 + "".join(f"{head:>15}" for head in heads))
    for name, row in figures.items():
        cells = (
            f"{row['value_ms']:.1f}",
            f"{row['gradient_ms']:.1f}",
            f"{row['gradient_ms'] / base['gradient_ms']:.4f}",
            f"{row['temporary_mb']:.1f}",
            f"{row['temporary_mb'] / base['temporary_mb']:.4f}",
            f"{row['value']:.4f}",
            f"{row['correlation']:.4f}",
        )
        print(f"{name:30}" + "".join(f"{cell:>15}" for cell in cells))
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
