"""Cost of a training step of the tutorial's linear model, compared with hand-written JAX, torch and Keras, in one run.

    python benchmarks/step_overhead.py            # 10,000 steps of 16 samples, every loss read
    python benchmarks/step_overhead.py --steps 2000 --rounds 3 --json out.json

Every candidate trains the same linear model (L1 loss, momentum) on the same data in one process; figures are medians
over interleaved rounds. The figures of sporax include its data pipeline and a callback that reads every loss. Ratios
are to the hand-written `jax.jit` loop.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable

os.environ.setdefault("KERAS_BACKEND", "jax")

import jax
import jax.numpy as jnp
import numpy as np

BATCH = 16


def make_data(steps: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.uniform(-10, 10, (steps * BATCH, 1)).astype(np.float32)
    return x, (2 * x + 3 + rng.normal(0, 1, x.shape)).astype(np.float32)


def sporax_run(x: np.ndarray, y: np.ndarray, *, sink: bool) -> Callable[[], None]:
    import sporax
    from sporax import Model, nn, ops
    from sporax import dataset as ds
    from sporax.train.callback import Callback

    class L1Loss(nn.LossBase):
        def construct(self, base, target):
            return self.get_loss(ops.abs(base - target))

    class ReadEveryLoss(Callback):
        def __init__(self) -> None:
            self.total = 0.0

        def step_end(self, run_context) -> None:
            self.total += float(run_context.original_args().net_outputs)

    sporax.set_seed(1)
    net = nn.Dense(1, 1)
    model = Model(net, L1Loss(), nn.Momentum(net.trainable_params(), learning_rate=0.005, momentum=0.9))
    data = ds.NumpySlicesDataset((x, y), ["data", "label"], shuffle=False).batch(BATCH)
    return lambda: model.train(1, data, callbacks=[ReadEveryLoss()], dataset_sink_mode=sink)


def _hand_step(state, x, y):
    weights, moments = state

    def loss_of(weights):
        w, b = weights
        return jnp.mean(jnp.abs(x @ w + b - y))

    loss, gradients = jax.value_and_grad(loss_of)(weights)
    moments = [0.9 * m + g for m, g in zip(moments, gradients, strict=True)]
    return ([w - 0.005 * m for w, m in zip(weights, moments, strict=True)], moments), loss


def _hand_state():
    make = lambda: [jnp.zeros((1, 1)), jnp.zeros(1)]  # noqa: E731
    return make(), make()


def hand_jit(x: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    xs, ys = x.reshape(-1, BATCH, 1), y.reshape(-1, BATCH, 1)
    step = jax.jit(_hand_step)

    def run() -> None:
        state = _hand_state()
        for i in range(len(xs)):
            state, loss = step(state, xs[i], ys[i])
            float(loss)

    return run


def hand_scan(x: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    xs, ys = x.reshape(-1, BATCH, 1), y.reshape(-1, BATCH, 1)
    many = jax.jit(lambda state, xs, ys: jax.lax.scan(lambda s, batch: _hand_step(s, *batch), state, (xs, ys)))

    def run() -> None:
        _, losses = many(_hand_state(), xs, ys)
        for loss in np.asarray(losses):
            float(loss)

    return run


def torch_eager(x: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    import torch

    xs, ys = (torch.from_numpy(a.reshape(-1, BATCH, 1)) for a in (x, y))
    net, loss_fn = torch.nn.Linear(1, 1), torch.nn.L1Loss()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.005, momentum=0.9)

    def run() -> None:
        for i in range(len(xs)):
            optimizer.zero_grad()
            loss = loss_fn(net(xs[i]), ys[i])
            loss.backward()
            optimizer.step()
            loss.item()

    return run


def keras_fit(x: np.ndarray, y: np.ndarray) -> Callable[[], None]:
    import keras

    class ReadEveryLoss(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None) -> None:
            float((logs or {})["loss"])

    net = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    net.compile(keras.optimizers.SGD(0.005, momentum=0.9), loss="mae")
    return lambda: net.fit(x, y, batch_size=BATCH, epochs=1, shuffle=False, verbose=0, callbacks=[ReadEveryLoss()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", help="write the figures to this file too")
    options = parser.parse_args()

    x, y = make_data(options.steps)
    makers: dict[str, Callable[[], Callable[[], None]]] = {
        "hand-written jax.jit": lambda: hand_jit(x, y),
        "hand-written lax.scan": lambda: hand_scan(x, y),
        "sporax": lambda: sporax_run(x, y, sink=False),
        "sporax, sink": lambda: sporax_run(x, y, sink=True),
        "torch eager": lambda: torch_eager(x, y),
        "Keras fit on JAX": lambda: keras_fit(x, y),
    }
    runs: dict[str, Callable[[], None]] = {}
    for name, make in makers.items():
        try:
            runs[name] = make()
        except ImportError as error:
            print(f"{name}: skipped ({error})")
            continue
        runs[name]()  # compiles

    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) / options.steps * 1e6)

    base = statistics.median(times["hand-written jax.jit"])
    medians = {name: statistics.median(each) for name, each in times.items()}
    figures = {name: {"us_per_step": time, "ratio": time / base} for name, time in medians.items()}
    print(f"{options.steps} steps of {BATCH} samples, medians of {options.rounds} interleaved rounds")
    print(f"{'':20}{'us a step':>12}{'ratio to hand-written jax.jit':>32}")
    for name, row in figures.items():
        print(f"{name:20}{row['us_per_step']:12.2f}{row['ratio']:32.2f}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)


if __name__ == "__main__":
    main()
