"""Value and gradient of every loss, compared with PyTorch, optax, Keras and the memory bandwidth, in one run.

    python benchmarks/losses.py                                  # every loss, two sizes, float32 and bfloat16
    python benchmarks/losses.py --only l1_loss,cross_entropy --size large --dtype float32
    python benchmarks/losses.py --quick --json losses.json --save losses.png

Every candidate computes the mean loss and its gradient with respect to each predicted input. Figures are medians over
interleaved rounds. `stream` is the time to read the inputs and write the gradients without computing anything. Ratios
below 1 mean that sporax is faster. `--clock cpu` measures the CPU time of all cores, which is more reliable on a shared
machine, although it includes the time in which the threads of a peer wait by spinning. `temp` is XLA's temporary
memory, in units of the largest input.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np
from loss_peers import COMPOSED, keras_peers, optax_peers, torch_peers

from sporax import losses

Run = Callable[[], Any]

SMALL = {"N": 64, "C": 128, "D": 128, "L": 20, "S": 8, "K": 9, "T": 1, "A": 4, "B": 4, "...": (64,)}
LARGE = {"N": 4096, "C": 1000, "D": 1000, "L": 200, "S": 16, "K": 100, "T": 1, "A": 8, "B": 8, "...": (4096,)}
# Sizes that differ from the above: losses that compare all pairs, decode sequences or have another natural size.
NATURAL: Mapping[str, Mapping[str, Any]] = {
    "contrastive": {"N": 2048, "D": 128},
    "mining": {"N": 1024, "D": 128},
    "triplet": {"N": 1024, "D": 128},
    "proxy": {"N": 2048, "D": 128},
    "boxes": {"...": (1_000_000,)},
    "ranking": {"...": (512,)},
    "ctc": {"L": 200, "N": 16, "C": 40, "S": 30},
    "rnnt": {"L": 100, "N": 8, "C": 40, "S": 20, "K": 21},
    "lovasz": {"N": 16, "C": 8, "...": (128, 128)},
    "scoring": {"...": (16384,), "D": 8, "L": 19},
    "sampled": {"N": 1024, "C": 32768, "D": 128},
    "adaptive": {"N": 1024, "D": 128},
    "linear": {"N": 1024, "C": 8192, "D": 256, "...": (1024,)},
    "ordinal": {"C": 101},
    "triplet_margin_loss": {"...": (4096,), "D": 1000},
    "triplet_margin_with_distance_loss": {"...": (4096,), "D": 1000},
    "contrastive_loss": {"...": (4096,), "D": 1000},
    "multilabel_margin_loss": {"...": (64,), "C": 250},
    "dice_cross_entropy_loss": {"N": 16, "C": 8, "...": (128, 128)},
}
SMALLER: Mapping[str, Mapping[str, Any]] = {
    "boxes": {"...": (2048,)},
    "ctc": {"L": 20, "N": 8, "C": 20, "S": 6},
    "rnnt": {"L": 10, "N": 4, "C": 20, "S": 5, "K": 6},
    "ordinal": {"C": 10},
    "multilabel_margin_loss": {"...": (64,), "C": 16},
}


def sizes_of(info: losses.LossInfo, size: str) -> tuple[dict[str, int], tuple[int, ...]]:
    """Return the sizes of the named axes and of `...`."""
    base, special = (SMALL, SMALLER) if size == "small" else (LARGE, NATURAL)
    sizes = {**base, **special.get(info.family, {}), **special.get(info.name, {})}
    rest = sizes.pop("...")
    axes = {axis for item in info.inputs for axis in item.shape}
    if axes == {"..."}:
        rest = (*rest, sizes["D"])
    elif "N" in axes and rest == base["..."]:
        rest = ()
    return sizes, rest


def block(result: Any) -> None:
    jax.block_until_ready(result)


class Case:
    """A loss at one size and dtype: its inputs, and methods that run every candidate."""

    def __init__(self, info: losses.LossInfo, size: str, dtype: str) -> None:
        sizes, rest = sizes_of(info, size)
        self.info, self.dtype = info, dtype
        self.arrays = losses.example_inputs(info, seed=1, rest=rest, sizes=sizes)
        self.params = next(info.settings({**losses.EXAMPLE_SIZES, **sizes}))
        self.chosen = tuple(at for at, item in enumerate(info.inputs) if item.role != "label" and item.kind == "float")
        self.inputs = [
            jnp.asarray(array, dtype if item.kind == "float" else None)
            for array, item in zip(self.arrays, info.inputs, strict=True)
        ]
        self.written = sum(self.inputs[at].nbytes for at in self.chosen)
        self.read = sum(array.nbytes for array in self.inputs)
        self.largest = max(array.nbytes for array in self.inputs)

    def ours(self) -> tuple[Run, float]:
        def mean(*inputs: jax.Array) -> jax.Array:
            return losses.evaluate(self.info.function, *inputs, reduction="mean", **self.params)

        compiled = jax.jit(jax.value_and_grad(mean, self.chosen)).lower(*self.inputs).compile()
        memory = compiled.memory_analysis()
        return lambda: block(compiled(*self.inputs)), memory.temp_size_in_bytes / self.largest

    def jax_peer(self, mean: Callable[..., Any]) -> Run:
        compiled = jax.jit(jax.value_and_grad(mean, self.chosen)).lower(*self.inputs).compile()
        return lambda: block(compiled(*self.inputs))

    def torch_peer(self, mean: Callable[..., Any], *, compiled: bool) -> Run:
        import torch

        tensors = []
        for at, (array, item) in enumerate(zip(self.arrays, self.info.inputs, strict=True)):
            tensor = torch.from_numpy(np.array(array))
            if tensor.is_floating_point():
                tensor = tensor.to(getattr(torch, self.dtype))
            # A class index is a long in torch; the conversion is not part of the measured time.
            tensor = tensor.long() if item.domain in ("class", "class_or_none") else tensor
            tensors.append(tensor.requires_grad_() if at in self.chosen else tensor)
        leaves = [tensors[at] for at in self.chosen]
        fn = torch.compile(mean) if compiled else mean

        def run() -> None:
            torch.autograd.grad(fn(*tensors), leaves)

        return run

    def stream(self) -> Run:
        """Read and write as many bytes as the loss must, without computing anything."""
        count, more = self.written // 4, (self.read - self.written) // 4
        whole, part = divmod(more, max(count, 1))
        source = jnp.ones(count, jnp.float32)
        others = [jnp.ones(count, jnp.float32) for _ in range(whole)]
        last = jnp.ones(part, jnp.float32)

        def copy(source: jax.Array, others: list[jax.Array], last: jax.Array) -> tuple[jax.Array, jax.Array]:
            total = source
            for other in others:
                total = total + other
            return total[:part] + last, total[part:] + 1

        compiled = jax.jit(copy).lower(source, others, last).compile()
        return lambda: block(compiled(source, others, last))


def measure(runs: Mapping[str, Run], rounds: int, target: float, clock: Callable[[], float]) -> dict[str, float]:
    """Return the seconds of one call of each, medians over interleaved rounds."""
    repeats = {}
    for name, run in runs.items():
        run()
        start = time.perf_counter()
        run()
        repeats[name] = max(1, min(500, int(target / max(time.perf_counter() - start, 1e-9))))
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = clock()
            for _ in range(repeats[name]):
                run()
            times[name].append((clock() - start) / repeats[name])
    return {name: statistics.median(each) for name, each in times.items()}


def candidates(case: Case, peers: Mapping[str, Mapping[str, Any]], compile_torch: bool) -> tuple[dict[str, Run], float]:
    ours, temporary = case.ours()
    runs = {"sporax": ours, "stream": case.stream()}
    for library, table in peers.items():
        if case.info.name not in table:
            continue
        mean = table[case.info.name]
        try:
            if library == "torch":
                runs["torch"] = case.torch_peer(mean, compiled=False)
                runs["torch"]()
                if compile_torch:
                    runs["torch compiled"] = case.torch_peer(mean, compiled=True)
                    runs["torch compiled"]()
            else:
                runs[library] = case.jax_peer(mean)
        except Exception as error:  # a peer may not support the dtype; the table shows which are skipped
            for name in (library, f"{library} compiled"):
                runs.pop(name, None)
            print(f"{case.info.name}: {library} skipped ({str(error).splitlines()[0][:100]})")
    return runs, temporary


def load(makers: Mapping[str, Callable[[], Mapping[str, Any]]]) -> dict[str, Mapping[str, Any]]:
    peers = {}
    for library, make in makers.items():
        try:
            peers[library] = make()
        except ImportError as error:
            print(f"{library}: skipped ({error})")
    return peers


def line(record: Mapping[str, Any]) -> str:
    times = record["us"]

    def ratio(name: str) -> str:
        return f"{times['sporax'] / times[name]:.2f}" if name in times else ""

    starred = "*" if record["loss"] in COMPOSED and "torch" in times else " "
    return (
        f"{record['loss']:36}{record['size']:6}{record['dtype']:9}{times['sporax']:11.1f}{times['stream']:11.1f}"
        f"{times['stream'] / times['sporax']:8.2f}{ratio('torch'):>8}{starred}{ratio('torch compiled'):>7}"
        f"{ratio('optax'):>7}{ratio('keras'):>7}{record['temporary']:7.2f}"
    )


def summary(records: list[dict[str, Any]]) -> None:
    for library in ("torch", "torch compiled", "optax", "keras"):
        for size in ("small", "large"):
            for dtype in ("float32", "bfloat16"):
                ratios = {
                    each["loss"]: each["us"]["sporax"] / each["us"][library]
                    for each in records
                    if library in each["us"] and each["size"] == size and each["dtype"] == dtype
                }
                if ratios:
                    mean = math.exp(statistics.fmean(map(math.log, ratios.values())))
                    slower = [name for name, ratio in ratios.items() if ratio > 1]
                    print(
                        f"{library}, {size}, {dtype}: geometric mean {mean:.2f} over {len(ratios)} losses; "
                        f"above 1: {', '.join(slower) or 'none'}"
                    )


def picture(records: list[dict[str, Any]], path: str) -> None:
    import matplotlib

    matplotlib.use("agg")
    import matplotlib.pyplot as plt

    shown = [each for each in records if each["dtype"] == records[0]["dtype"] and each["size"] == records[-1]["size"]]
    figure, axes = plt.subplots(figsize=(9, 1.5 + 0.22 * len(shown)))
    styles = {"sporax": "o", "torch": "s", "torch compiled": "D", "optax": "^", "keras": "v"}
    for library, marker in styles.items():
        points = [
            (each["us"][library] / each["us"]["stream"], at) for at, each in enumerate(shown) if library in each["us"]
        ]
        if points:
            axes.plot(*zip(*points, strict=True), marker, label=library, markersize=8 if library == "sporax" else 5)
    axes.axvline(1, color="grey", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks(range(len(shown)), [each["loss"] for each in shown], fontsize=8)
    axes.invert_yaxis()
    axes.margins(y=0.01)
    axes.grid(axis="x", alpha=0.3)
    axes.set_xlabel("time of value and gradient / time to stream the same bytes")
    axes.set_title(f"{shown[0]['size']} size, {shown[0]['dtype']}, {os.cpu_count()} CPU cores")
    axes.legend(loc="lower right")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="names of losses, with commas")
    parser.add_argument("--size", choices=("small", "large"), help="both unless given")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), help="both unless given")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall", help="elapsed time, or time on all cores")
    parser.add_argument("--quick", action="store_true", help="three rounds of one short measurement each")
    parser.add_argument("--compile", action="store_true", help="torch.compile beside eager torch")
    parser.add_argument("--peers", default="torch,optax,keras", help="which to run beside")
    parser.add_argument("--json", help="write the figures to this file too")
    parser.add_argument("--save", help="draw a picture into this file")
    options = parser.parse_args()

    wanted = options.only.split(",") if options.only else list(losses.registry())
    infos = [losses.get(name) for name in wanted]
    makers = {"torch": torch_peers, "optax": optax_peers, "keras": keras_peers}
    peers = load({name: makers[name] for name in options.peers.split(",") if name in makers})
    clock = time.process_time if options.clock == "cpu" else time.perf_counter
    rounds, target = (3, 0.01) if options.quick else (options.rounds, 0.03)

    print(f"{'':51}{'sporax us':>11}{'stream us':>11}{'limit':>8}   ratio to{'torch':>8}")
    print(
        f"{'loss':36}{'size':6}{'dtype':9}{'':11}{'':11}{'share':>8}{'torch':>8}{'comp.':>8}"
        f"{'optax':>7}{'keras':>7}{'temp':>7}"
    )
    records: list[dict[str, Any]] = []
    for size in [options.size] if options.size else ["small", "large"]:
        for dtype in [options.dtype] if options.dtype else ["float32", "bfloat16"]:
            for info in infos:
                try:
                    runs, temporary = candidates(Case(info, size, dtype), peers, options.compile)
                    times = measure(runs, rounds, target, clock)
                except Exception as error:  # one failing loss must not end a run of an hour
                    print(f"{info.name} {size} {dtype}: failed ({type(error).__name__}: {str(error)[:120]})")
                    continue
                records.append(
                    {
                        "loss": info.name,
                        "size": size,
                        "dtype": dtype,
                        "us": {name: seconds * 1e6 for name, seconds in times.items()},
                        "temporary": temporary,
                    }
                )
                print(line(records[-1]), flush=True)
    summary(records)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(records, file, indent=1)
    if options.save and records:
        picture(records, options.save)


if __name__ == "__main__":
    main()
