"""Optimizer runs; MindSpore 2.10 and sporax both execute this file, because the API is the same.

`python optim_scenarios.py OUT.json` under MindSpore's own Python writes the reference trajectories, which
lie in optim_trajectories.json beside this file (made with MindSpore 2.10.0, CPU, Python 3.11).
tests/nn/test_optim_mindspore.py runs the same scenarios with sporax and compares; it makes the file again
where SPORAX_MINDSPORE_PYTHON is set.
"""

import json
import sys

import numpy as np

STEPS = 100
SNAPSHOTS = (1, 2, 3, 10, 50, 100)
SHAPES = {"fc.weight": (3, 2), "fc.bias": (2,), "bn.gamma": (2,), "bn.beta": (2,)}
DECAY_RATE = 0.9


def _grouped(params):
    by_name = {p.name: p for p in params}
    return [
        {"params": [by_name["fc.weight"]], "lr": 0.02, "weight_decay": 0.1},
        {"params": [by_name["bn.gamma"], by_name["bn.beta"]], "weight_decay": 0.05},
        {"params": [by_name["fc.bias"]]},
        {"order_params": params},
    ]


def _grouped_dynamic(params, nn):
    return [
        {"params": params[:1], "lr": nn.ExponentialDecayLR(0.05, DECAY_RATE, 10)},
        {"params": params[1:], "lr": 0.01},
    ]


def scenarios(nn):
    """Return name -> a function of the parameters that creates the optimizer."""
    return {
        "momentum": lambda p: nn.Momentum(p, 0.1, 0.9),
        "momentum_nesterov": lambda p: nn.Momentum(p, 0.05, 0.8, use_nesterov=True),
        "momentum_decay": lambda p: nn.Momentum(p, 0.05, 0.9, weight_decay=0.02),
        "momentum_scaled": lambda p: nn.Momentum(p, 0.5, 0.5, weight_decay=0.02, loss_scale=128.0),
        "momentum_list": lambda p: nn.Momentum(p, [0.1 / (i + 1) for i in range(STEPS)], 0.9),
        "momentum_exponential": lambda p: nn.Momentum(p, nn.ExponentialDecayLR(0.1, DECAY_RATE, 7), 0.9),
        "momentum_warmup": lambda p: nn.Momentum(p, nn.WarmUpLR(0.1, 20), 0.9),
        "momentum_inverse": lambda p: nn.Momentum(p, nn.InverseDecayLR(0.1, 0.5, 7, True), 0.9),
        "momentum_groups": lambda p: nn.Momentum(_grouped(p), 0.05, 0.9, weight_decay=0.01),
        "momentum_groups_dynamic": lambda p: nn.Momentum(_grouped_dynamic(p, nn), 0.05, 0.9),
        "sgd": lambda p: nn.SGD(p, 0.1),
        "sgd_momentum": lambda p: nn.SGD(p, 0.05, momentum=0.9, weight_decay=0.02),
        "sgd_dampening": lambda p: nn.SGD(p, 0.05, momentum=0.9, dampening=0.3),
        "sgd_nesterov": lambda p: nn.SGD(p, 0.05, momentum=0.9, nesterov=True),
        "sgd_groups": lambda p: nn.SGD(_grouped(p), 0.05, momentum=0.7),
        "adam": lambda p: nn.Adam(p, 0.01),
        "adam_nesterov": lambda p: nn.Adam(p, 0.01, use_nesterov=True),
        "adam_amsgrad": lambda p: nn.Adam(p, 0.01, beta2=0.9, use_amsgrad=True),
        "adam_betas": lambda p: nn.Adam(p, 0.02, beta1=0.8, beta2=0.99, eps=1e-3),
        "adam_decay": lambda p: nn.Adam(p, 0.01, weight_decay=0.1),
        "adam_scaled": lambda p: nn.Adam(p, 0.01, weight_decay=0.1, loss_scale=64.0),
        "adam_groups": lambda p: nn.Adam(_grouped(p), 0.01),
        "adam_weight_decay": lambda p: nn.AdamWeightDecay(p, 0.01),
        "adam_weight_decay_decay": lambda p: nn.AdamWeightDecay(p, 0.01, beta1=0.8, eps=1e-3, weight_decay=0.1),
        "adam_weight_decay_groups": lambda p: nn.AdamWeightDecay(_grouped(p), 0.01, weight_decay=0.02),
        "adagrad": lambda p: nn.Adagrad(p, accum=0.2, learning_rate=0.05, weight_decay=0.02),
        "adagrad_fixed": lambda p: nn.Adagrad(p, accum=0.5, learning_rate=0.05, update_slots=False),
        "rmsprop": lambda p: nn.RMSProp(p, 0.01, decay=0.9),
        "rmsprop_momentum": lambda p: nn.RMSProp(p, 0.01, decay=0.8, momentum=0.5, epsilon=1e-3),
        "rmsprop_centered": lambda p: nn.RMSProp(p, 0.01, decay=0.9, momentum=0.3, epsilon=1e-2, centered=True),
    }


def start_and_gradients():
    """Return the initial values, and a dict of gradients for each step."""
    draw = np.random.RandomState(7)
    start = {name: draw.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
    gradients = [
        {name: (draw.normal(size=shape) + 0.3).astype(np.float32) for name, shape in SHAPES.items()}
        for _ in range(STEPS)
    ]
    return start, gradients


def run(framework, name):
    """Return the values of the parameters at the snapshots, and every Parameter of the optimizer at the end."""
    start, gradients = start_and_gradients()
    params = [framework.Parameter(framework.Tensor(value), name=key) for key, value in start.items()]
    optimizer = scenarios(framework.nn)[name](params)
    weights = {}
    for step in range(1, STEPS + 1):
        given = gradients[step - 1]
        optimizer(tuple(framework.Tensor(given[p.name]) for p in optimizer.parameters))
        if step in SNAPSHOTS:
            weights[str(step)] = {p.name: p.asnumpy().tolist() for p in params}
    final = {p.name: p.asnumpy().tolist() for p in optimizer.get_parameters() if p.name not in start}
    return {"weights": weights, "state": final}


if __name__ == "__main__":
    import mindspore

    results = {}
    for each in scenarios(mindspore.nn):
        try:
            results[each] = run(mindspore, each)
        except Exception as error:  # MindSpore has no kernel for this on the CPU: no reference
            print(each, "failed:", type(error).__name__, str(error)[:300], file=sys.stderr)
    with open(sys.argv[1], "w") as file:
        json.dump({"mindspore": mindspore.__version__, "runs": results}, file, separators=(",", ":"))
        file.write("\n")
