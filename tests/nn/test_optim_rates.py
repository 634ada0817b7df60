"""Learning rates: schedules and lists against their formulas, and their use in optimizers."""

import math

import numpy as np
import optax
import pytest

import sporax.nn.optim as optim
from sporax._errors import ArgumentError, ArgumentTypeError, ShapeError
from sporax.core import Cell, Parameter, Tensor
from sporax.transforms import jit

STEPS = range(13)
SCHEDULES = {
    "exponential": (optim.ExponentialDecayLR(0.1, 0.9, 4), lambda t: 0.1 * 0.9 ** (t / 4)),
    "exponential stair": (optim.ExponentialDecayLR(0.1, 0.9, 4, True), lambda t: 0.1 * 0.9 ** (t // 4)),
    "natural": (optim.NaturalExpDecayLR(0.1, 0.3, 4), lambda t: 0.1 * math.exp(-0.3 * t)),
    "natural stair": (
        optim.NaturalExpDecayLR(0.1, 0.3, 4, True),
        lambda t: 0.1 * math.exp(-0.3 * (t // 4 * 4)),
    ),
    "inverse": (optim.InverseDecayLR(0.1, 0.3, 4), lambda t: 0.1 / (1 + 0.3 * t / 4)),
    "inverse stair": (optim.InverseDecayLR(0.1, 0.3, 4, is_stair=True), lambda t: 0.1 / (1 + 0.3 * (t // 4))),
    "cosine": (
        optim.CosineDecayLR(0.01, 0.1, 7),
        lambda t: 0.01 + 0.5 * 0.09 * (1 + math.cos(math.pi * min(t, 7) / 7)),
    ),
    "polynomial": (
        optim.PolynomialDecayLR(0.1, 0.01, 7, 0.5),
        lambda t: 0.09 * (1 - min(t, 7) / 7) ** 0.5 + 0.01,
    ),
    "polynomial renewed": (
        optim.PolynomialDecayLR(0.1, 0.01, 4, 2.0, True),
        lambda t: 0.09 * (1 - t / (4 * max(math.ceil(t / 4), 1))) ** 2 + 0.01,
    ),
    "warm-up": (optim.WarmUpLR(0.1, 5), lambda t: 0.1 * min(t, 5) / 5),
}


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedule_against_its_formula(name):
    schedule, formula = SCHEDULES[name]
    assert repr(schedule) == f"{type(schedule).__name__}()"
    for step in STEPS:
        rate = schedule(Tensor(step))
        assert (rate.shape, str(rate.dtype)) == ((), "Float32")
        np.testing.assert_allclose(float(rate), formula(step), rtol=2e-6, atol=1e-9)
    rates = schedule(Tensor(np.arange(13, dtype=np.int32)))
    np.testing.assert_allclose(rates.asnumpy(), [formula(t) for t in STEPS], rtol=2e-6, atol=1e-9)


# The values MindSpore 2.10 prints for steps 0 to 9.
@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (optim.CosineDecayLR(0.01, 0.1, 4), [0.1, 0.086819805, 0.055, 0.02318019, 0.01, 0.01]),
        (
            optim.PolynomialDecayLR(0.1, 0.01, 4, 0.5, True),
            [0.1, 0.08794229, 0.07363961, 0.055, 0.01, 0.06511352],
        ),
        (
            optim.NaturalExpDecayLR(0.1, 0.9, 4),
            [0.1, 0.04065697, 0.01652989, 0.00672055, 0.00273237, 0.0011109],
        ),
        (optim.NaturalExpDecayLR(0.1, 0.9, 4, True), [0.1, 0.1, 0.1, 0.1, 0.00273237, 0.00273237]),
    ],
)
def test_schedule_against_mindspore(schedule, expected):
    got = [float(schedule(Tensor(step))) for step in range(6)]
    np.testing.assert_allclose(got, expected, rtol=2e-6)


EPOCHS = [step // 3 for step in range(14)]
LISTS = {
    "exponential": (optim.exponential_decay_lr(0.1, 0.9, 14, 3, 2), lambda e: 0.1 * 0.9 ** (e / 2)),
    "exponential stair": (
        optim.exponential_decay_lr(0.1, 0.9, 14, 3, 2, True),
        lambda e: 0.1 * 0.9 ** (e // 2),
    ),
    "natural": (optim.natural_exp_decay_lr(0.1, 0.9, 14, 3, 2), lambda e: 0.1 * math.exp(-0.9 * e)),
    "natural stair": (
        optim.natural_exp_decay_lr(0.1, 0.9, 14, 3, 2, True),
        lambda e: 0.1 * math.exp(-0.9 * (e // 2 * 2)),
    ),
    "inverse": (optim.inverse_decay_lr(0.1, 0.9, 14, 3, 2), lambda e: 0.1 / (1 + 0.9 * e / 2)),
    "inverse stair": (optim.inverse_decay_lr(0.1, 0.9, 14, 3, 2, True), lambda e: 0.1 / (1 + 0.9 * (e // 2))),
    "cosine": (
        optim.cosine_decay_lr(0.01, 0.1, 14, 3, 3),
        lambda e: 0.01 + 0.045 * (1 + math.cos(math.pi * min(e, 3) / 3)),
    ),
    "polynomial": (
        optim.polynomial_decay_lr(0.1, 0.01, 14, 3, 2, 0.5),
        lambda e: 0.09 * (1 - min(e, 2) / 2) ** 0.5 + 0.01,
    ),
    "polynomial renewed": (
        optim.polynomial_decay_lr(0.1, 0.01, 14, 3, 2, 0.5, True),
        lambda e: 0.09 * (1 - e / (2 * max(math.ceil(e / 2), 1))) ** 0.5 + 0.01,
    ),
    "warm-up": (optim.warmup_lr(0.1, 14, 3, 2), lambda e: 0.1 * min(e, 2) / 2),
}


@pytest.mark.parametrize("name", LISTS)
def test_list_against_its_formula(name):
    rates, formula = LISTS[name]
    assert all(type(rate) is float for rate in rates)
    np.testing.assert_allclose(rates, [formula(epoch) for epoch in EPOCHS], rtol=1e-12, atol=1e-15)


def test_piecewise_list():
    assert optim.piecewise_constant_lr((2, 5, 6), [0.1, 0.05, 0.01]) == [0.1, 0.1, 0.05, 0.05, 0.05, 0.01]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: optim.ExponentialDecayLR(0.0, 0.9, 4),
            r"ExponentialDecayLR: `learning_rate` must be in \(0, inf\)",
        ),
        (
            lambda: optim.ExponentialDecayLR(0.1, -0.9, 4),
            r"`decay_rate` must be in \(0, inf\), but got -0.9",
        ),
        (
            lambda: optim.InverseDecayLR(0.1, 0.9, 0),
            r"InverseDecayLR: `decay_steps` must be at least 1, but got 0",
        ),
        (
            lambda: optim.CosineDecayLR(0.1, 0.1, 4),
            r"`max_lr` must be larger than `min_lr`, but got 0.1 and 0.1",
        ),
        (lambda: optim.CosineDecayLR(-0.1, 0.1, 4), r"`min_lr` must be in \[0, inf\), but got -0.1"),
        (lambda: optim.PolynomialDecayLR(0.1, 0.01, 4, 0.0), r"`power` must be in \(0, inf\), but got 0.0"),
        (lambda: optim.WarmUpLR(-0.1, 4), r"WarmUpLR: `learning_rate` must be in \[0, inf\)"),
        (lambda: optim.piecewise_constant_lr([2, 5], [0.1]), r"must have the same length, but got 2 and 1"),
        (
            lambda: optim.piecewise_constant_lr([5, 2], [0.1, 0.2]),
            r"must be ascending, but milestone\[1\] is 2, after 5",
        ),
        (
            lambda: optim.exponential_decay_lr(0.1, 0.9, 0, 2, 1),
            r"`total_step` must be at least 1, but got 0",
        ),
        (lambda: optim.cosine_decay_lr(0.2, 0.1, 6, 2, 2), r"cosine_decay_lr: `max_lr` must be larger"),
        (lambda: optim.warmup_lr(-0.1, 6, 2, 2), r"warmup_lr: `learning_rate` must be in \[0, inf\)"),
    ],
)
def test_invalid_values(make, message):
    with pytest.raises(ArgumentError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optim.ExponentialDecayLR("a", 0.9, 4), r"`learning_rate` must be a number, but got 'a'"),
        (lambda: optim.ExponentialDecayLR(0.1, 0.9, 4.0), r"`decay_steps` must be an int, but got 4.0"),
        (lambda: optim.ExponentialDecayLR(0.1, 0.9, 4, 1), r"`is_stair` must be bool, but got 1"),
        (lambda: optim.piecewise_constant_lr(5, [0.1]), r"`milestone` must be tuple or list, but got 5"),
        (lambda: optim.polynomial_decay_lr(0.1, 0.01, 6, 2, 2, 0.5, 1), r"`update_decay_epoch` must be bool"),
    ],
)
def test_invalid_types(make, message):
    with pytest.raises(ArgumentTypeError, match=message):
        make()


def weight():
    return Parameter(Tensor(np.float32([1.0, -2.0])), name="w")


def travelled(rate, steps):
    """Return the rates of gradient descent: the change of a weight in each step for a gradient of -1."""
    w = weight()
    optimizer = optim.SGD([w], rate)
    used = []
    for _ in range(steps):
        before = float(w.asnumpy()[0])
        optimizer((Tensor([-1.0, -1.0]),))
        used.append(round(float(w.asnumpy()[0]) - before, 5))
    return used


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (0.5, [0.5] * 4),
        (1, [1.0] * 4),
        (np.float32(0.25), [0.25] * 4),
        (Tensor(0.5), [0.5] * 4),
        ([0.5, 0.25], [0.5, 0.25, 0.25, 0.25]),
        (iter([0.5, 0.25, 0.125]), [0.5, 0.25, 0.125, 0.125]),
        (np.array([0.5, 0.25]), [0.5, 0.25, 0.25, 0.25]),
        (Tensor([0.5, 0.25, 0.75, 0.125]), [0.5, 0.25, 0.75, 0.125]),
        ([Tensor(0.5), 0.25], [0.5, 0.25, 0.25, 0.25]),
        (optim.WarmUpLR(0.5, 2), [0.0, 0.25, 0.5, 0.5]),
        (lambda step: 0.5 / (step + 1), [0.5, 0.25, 0.16667, 0.125]),
        (optax.piecewise_constant_schedule(0.5, {2: 0.5}), [0.5, 0.5, 0.25, 0.25]),
    ],
)
def test_every_kind_of_rate(rate, expected):
    assert travelled(rate, 4) == expected


def test_a_schedule_written_as_in_mindspore():
    class Custom(optim.LearningRateSchedule):
        def __init__(self):
            super().__init__()
            self.base = Parameter(Tensor(0.5), name="base")

        def construct(self, global_step):
            return self.base / (1 + global_step)

    schedule = Custom()
    assert travelled(schedule, 3) == [0.5, 0.25, 0.16667]
    optimizer = optim.SGD([weight()], schedule)
    assert "base" in optimizer.parameters_dict()
    assert repr(optimizer) == "SGD(\n  (learning_rate): Custom()\n)"


def test_a_schedule_that_returns_two_rates():
    class Two(optim.LearningRateSchedule):
        def construct(self, global_step):
            return Tensor([0.1, 0.2])

    with pytest.raises(ShapeError, match=r"SGD: Two must return one number for the learning rate, but returned shape"):
        travelled(Two(), 1)


def test_get_lr_returns_the_parameter_or_the_rate_of_the_step():
    fixed = optim.SGD([weight()], 0.5)
    assert fixed.get_lr() is fixed.learning_rate
    assert repr(fixed.learning_rate) == ("Parameter (name=learning_rate, shape=(), dtype=Float32, requires_grad=True)")
    listed = optim.SGD([weight()], [0.5, 0.25])
    assert (listed.get_lr().shape, float(listed.get_lr())) == ((), 0.5)
    listed((Tensor([1.0, 1.0]),))
    assert float(listed.get_lr()) == 0.25
    assert listed.get_lr_parameter(listed.parameters[0]).shape == (2,)


class Counted(Cell):
    """A weight decay of zero that counts how often it is traced."""

    def __init__(self):
        super().__init__()
        self.traces = 0

    def construct(self, global_step):
        self.traces += 1
        return Tensor(0.0)


@pytest.mark.parametrize("where", ["direct", "jit"])
def test_changing_the_rate_compiles_nothing(where):
    w, counted = weight(), Counted()
    optimizer = optim.SGD([w], 0.5, weight_decay=counted)
    step = optimizer if where == "direct" else jit(lambda g: optimizer(g))
    for _ in range(3):
        step((Tensor([1.0, 0.0]),))
    traces = counted.traces
    assert traces >= 1
    optimizer.learning_rate.set_data(Tensor(0.125))
    before = float(w.asnumpy()[0])
    for _ in range(3):
        step((Tensor([1.0, 0.0]),))
    assert counted.traces == traces
    assert before - float(w.asnumpy()[0]) == 3 * 0.125


def test_the_step_counter_stays_an_integer():
    optimizer = optim.Momentum([weight()], optim.CosineDecayLR(0.01, 0.1, 4), 0.9)
    for _ in range(3):
        optimizer((Tensor([1.0, 0.0]),))
    np.testing.assert_array_equal(optimizer.global_step.asnumpy(), np.int32([3]))
    assert optimizer.global_step.asnumpy().dtype == np.int32
