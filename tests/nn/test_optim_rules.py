"""Update rules against their formulas in NumPy float64, and against optax and torch."""

import numpy as np
import optax
import pytest

import sporax.nn.optim as optim
from sporax.core import Parameter, Tensor

STEPS = 12
SHAPES = {"fc.weight": (3, 2), "fc.bias": (5,)}
# These rates and momenta are exact in float32, in which sporax stores them.
RATE = 0.0625


def draw(dtype, seed=3):
    rng = np.random.default_rng(seed)
    start = {name: rng.normal(size=shape).astype(dtype) for name, shape in SHAPES.items()}
    gradients = [
        {name: rng.normal(0.2, 1.0, shape).astype(dtype) for name, shape in SHAPES.items()} for _ in range(STEPS)
    ]
    return start, gradients


def run(make, dtype=np.float64):
    """Return the weights after STEPS steps of an optimizer of sporax."""
    start, gradients = draw(dtype)
    params = [Parameter(Tensor(value), name=name) for name, value in start.items()]
    optimizer = make(params)
    for given in gradients:
        optimizer(tuple(Tensor(given[p.name]) for p in params))
    return {p.name: p.asnumpy() for p in params}


def run_oracle(step, slots):
    """Return the weights after STEPS steps of `step(t, g, p, *slots) -> (p, *slots)`, in float64."""
    start, gradients = draw(np.float64)
    result = {}
    for name, weight in start.items():
        held = [np.full_like(weight, first) for first in slots]
        for t, given in enumerate(gradients, 1):
            weight, *held = step(t, given[name], weight, *held)
        result[name] = weight
    return result


def check_same_weights(got, expected, tolerance):
    """Assert that the weights are equal, by name."""
    assert got.keys() == expected.keys()
    for name, value in expected.items():
        assert got[name].dtype == value.dtype, name
        np.testing.assert_allclose(got[name], value, rtol=tolerance, atol=tolerance, err_msg=name)


def heavy_ball(nesterov=False, dampening=0.0, decay=0.0, u=0.875):
    def step(t, g, p, v):
        g = g + decay * p
        v = g if t == 1 else u * v + (1 - dampening) * g
        return p - RATE * (g + u * v if nesterov else v), v

    return step


def adam(b1=0.75, b2=0.875, eps=2.0**-10, nesterov=False, amsgrad=False):
    def step(t, g, p, m, v, largest):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        largest = np.maximum(largest, v)
        rate = RATE * np.sqrt(1 - b2**t) / (1 - b1**t)
        top = b1 * m + (1 - b1) * g if nesterov else m
        return p - rate * top / (np.sqrt(largest if amsgrad else v) + eps), m, v, largest

    return step


def adam_weight_decay(decay, b1=0.75, b2=0.875, eps=2.0**-10):
    def step(t, g, p, m, v):
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g**2
        return p - RATE * (m / (np.sqrt(v) + eps) + decay * p), m, v

    return step


def adagrad(grows=True):
    def step(t, g, p, a):
        a = a + g**2 if grows else a
        return p - RATE * g / np.sqrt(a), a

    return step


def rmsprop(centered=False, d=0.75, u=0.5, eps=2.0**-10):
    def step(t, g, p, s, mean, m):
        s, mean = d * s + (1 - d) * g**2, d * mean + (1 - d) * g
        m = u * m + RATE * g / np.sqrt(s - (mean**2 if centered else 0.0) + eps)
        return p - m, s, mean, m

    return step


BETAS = {"beta1": 0.75, "beta2": 0.875, "eps": 2.0**-10}
CASES = {
    "momentum": (lambda p: optim.Momentum(p, RATE, 0.875), heavy_ball(), [0]),
    "momentum nesterov": (
        lambda p: optim.Momentum(p, RATE, 0.875, use_nesterov=True),
        heavy_ball(nesterov=True),
        [0],
    ),
    "momentum zero": (lambda p: optim.Momentum(p, RATE, 0), heavy_ball(u=0.0), [0]),
    "momentum decay": (
        lambda p: optim.Momentum(p, RATE, 0.875, weight_decay=0.3),
        heavy_ball(decay=0.3),
        [0],
    ),
    "sgd": (lambda p: optim.SGD(p, RATE), heavy_ball(u=0.0), [0]),
    "sgd dampening": (
        lambda p: optim.SGD(p, RATE, momentum=0.875, dampening=0.25),
        heavy_ball(dampening=0.25),
        [0],
    ),
    "sgd nesterov": (
        lambda p: optim.SGD(p, RATE, momentum=0.875, nesterov=True, weight_decay=0.3),
        heavy_ball(nesterov=True, decay=0.3),
        [0],
    ),
    "adam weight decay": (
        lambda p: optim.AdamWeightDecay(p, RATE, **BETAS, weight_decay=0.3),
        adam_weight_decay(0.3),
        [0, 0],
    ),
    "adagrad": (lambda p: optim.Adagrad(p, accum=0.25, learning_rate=RATE), adagrad(), [0.25]),
    "adagrad fixed": (
        lambda p: optim.Adagrad(p, accum=0.25, learning_rate=RATE, update_slots=False),
        adagrad(grows=False),
        [0.25],
    ),
    "rmsprop": (
        lambda p: optim.RMSProp(p, RATE, decay=0.75, momentum=0.5, epsilon=2.0**-10),
        rmsprop(),
        [1, 0, 0],
    ),
    "rmsprop centered": (
        lambda p: optim.RMSProp(p, RATE, decay=0.75, momentum=0.5, epsilon=2.0**-10, centered=True),
        rmsprop(centered=True),
        [1, 0, 0],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_rule_against_its_formula_in_float64(case):
    make, step, slots = CASES[case]
    check_same_weights(run(make), run_oracle(step, slots), 1e-12)


@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("amsgrad", [False, True])
def test_adam_against_its_formula(nesterov, amsgrad):
    # As in MindSpore, the powers of the betas are float32 in the state.
    got = run(lambda p: optim.Adam(p, RATE, **BETAS, use_nesterov=nesterov, use_amsgrad=amsgrad))
    check_same_weights(got, run_oracle(adam(nesterov=nesterov, amsgrad=amsgrad), [0, 0, 0]), 1e-7)


@pytest.mark.parametrize("case", ["sgd", "momentum", "rmsprop centered"])
def test_rule_in_float32(case):
    make, step, slots = CASES[case]
    got = run(make, np.float32)
    check_same_weights({k: v.astype(np.float64) for k, v in got.items()}, run_oracle(step, slots), 3e-6)


def test_the_comparison_can_fail():
    make, step, slots = CASES["momentum"]
    with pytest.raises(AssertionError, match=r"fc\.weight"):
        check_same_weights(run(make), run_oracle(heavy_ball(u=0.75), slots), 1e-6)
    with pytest.raises(AssertionError, match=r"fc\.weight"):
        check_same_weights(run(make, np.float32), run_oracle(step, slots), 1.0)


def run_optax(transformation, dtype=np.float32):
    start, gradients = draw(dtype)
    weights, state = start, transformation.init(start)
    for given in gradients:
        updates, state = transformation.update(given, state, weights)
        weights = optax.apply_updates(weights, updates)
    return {name: np.asarray(value) for name, value in weights.items()}


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_against_optax(nesterov):
    expected = run_optax(optax.chain(optax.trace(0.9, nesterov=nesterov), optax.scale(-0.1)))
    actual = run(lambda p: optim.Momentum(p, 0.1, 0.9, use_nesterov=nesterov), np.float32)
    check_same_weights(actual, expected, 1e-6)


def test_adam_against_optax_with_negligible_epsilon():
    expected = run_optax(optax.adam(0.1, eps=1e-20))
    check_same_weights(run(lambda p: optim.Adam(p, 0.1, eps=1e-20), np.float32), expected, 3e-5)


TORCH = {
    "sgd": (lambda p: optim.SGD(p, 0.1), lambda t, p: t.optim.SGD(p, 0.1)),
    "sgd momentum": (
        lambda p: optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.02),
        lambda t, p: t.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.02),
    ),
    "sgd dampening": (
        lambda p: optim.SGD(p, 0.1, momentum=0.9, dampening=0.2),
        lambda t, p: t.optim.SGD(p, 0.1, momentum=0.9, dampening=0.2),
    ),
    "sgd nesterov": (
        lambda p: optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
        lambda t, p: t.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    ),
    "momentum nesterov": (
        lambda p: optim.Momentum(p, 0.1, 0.9, use_nesterov=True),
        lambda t, p: t.optim.SGD(p, 0.1, momentum=0.9, nesterov=True),
    ),
    "adam": (lambda p: optim.Adam(p, 0.1, eps=1e-20), lambda t, p: t.optim.Adam(p, 0.1, eps=1e-20)),
    "adam amsgrad": (
        lambda p: optim.Adam(p, 0.1, beta2=0.9, eps=1e-20, use_amsgrad=True),
        lambda t, p: t.optim.Adam(p, 0.1, betas=(0.9, 0.9), eps=1e-20, amsgrad=True),
    ),
    "adagrad": (
        lambda p: optim.Adagrad(p, accum=0.1, learning_rate=0.1),
        lambda t, p: t.optim.Adagrad(p, 0.1, initial_accumulator_value=0.1, eps=0.0),
    ),
}


@pytest.mark.peers
@pytest.mark.parametrize("case", TORCH)
def test_rule_against_torch(case):
    torch = pytest.importorskip("torch")
    make, make_reference = TORCH[case]
    start, gradients = draw(np.float32)
    weights = {name: torch.nn.Parameter(torch.from_numpy(value.copy())) for name, value in start.items()}
    optimizer = make_reference(torch, list(weights.values()))
    for given in gradients:
        for name, weight in weights.items():
            weight.grad = torch.from_numpy(given[name].copy())
        optimizer.step()
    expected = {name: weight.detach().numpy() for name, weight in weights.items()}
    check_same_weights(run(make, np.float32), expected, 3e-5)


def test_adagrad_with_zero_accumulator_and_zero_gradient():
    weight = Parameter(Tensor(np.float32([1.0, 2.0])), name="w")
    optim.Adagrad([weight], accum=0.0, learning_rate=0.5)((Tensor(np.float32([0.0, 3.0])),))
    np.testing.assert_array_equal(weight.asnumpy(), np.float32([1.0, 1.5]))
