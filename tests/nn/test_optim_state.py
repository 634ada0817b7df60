"""The state of optimizers: names, dtypes, eager and compiled, inside transforms; a custom optimizer."""

import copy

import jax
import numpy as np
import pytest

import sporax.nn.optim as optim
from sporax._errors import StateError
from sporax.core import Cell, Parameter, ParameterTuple, Tensor, context
from sporax.core.dtype import float16
from sporax.transforms import functionalize, jit, value_and_grad

SHAPES = {"0.weight": (2, 2), "0.bias": (2,), "1.weight": (1, 2)}


def parameters(dtype=np.float32):
    rng = np.random.default_rng(8)
    return [Parameter(Tensor(rng.normal(size=s).astype(dtype)), name=n) for n, s in SHAPES.items()]


def gradients(step, dtype=np.float32):
    rng = np.random.default_rng(100 + step)
    return tuple(Tensor(rng.normal(0.3, 1.0, s).astype(dtype)) for s in SHAPES.values())


MAKERS = {
    "momentum": lambda p: optim.Momentum(p, 0.1, 0.9, weight_decay=0.01),
    "momentum nesterov": lambda p: optim.Momentum(p, optim.WarmUpLR(0.1, 3), 0.9, use_nesterov=True),
    "sgd": lambda p: optim.SGD(p, 0.1, momentum=0.9, dampening=0.1),
    "adam": lambda p: optim.Adam(p, [0.1, 0.05], use_amsgrad=True),
    "adam weight decay": lambda p: optim.AdamWeightDecay(p, 0.1, weight_decay=0.1),
    "adagrad": lambda p: optim.Adagrad(p, learning_rate=0.1),
    "rmsprop": lambda p: optim.RMSProp(p, 0.1, momentum=0.5, centered=True),
    "groups": lambda p: optim.Adam([{"params": p[:1], "lr": 0.3}, {"params": p[1:], "weight_decay": 0.1}], 0.1),
}


def slots(*prefixes):
    return [f"{prefix}.{name}" for prefix in prefixes for name in SHAPES]


# The names that MindSpore 2.10 lists, in its order.
NAMES = {
    "momentum": ["learning_rate", *SHAPES, "momentum", *slots("moments")],
    "momentum nesterov": [*SHAPES, "momentum", *slots("moments")],
    "sgd": ["learning_rate", *SHAPES, "momentum", *slots("accum", "stat")],
    "adam": [*SHAPES, "beta1_power", "beta2_power", *slots("moment1", "moment2", "vhat"), "learning_rate"],
    "adam weight decay": ["learning_rate", *SHAPES, *slots("adam_m", "adam_v")],
    "adagrad": ["learning_rate", *SHAPES, *slots("accum")],
    "rmsprop": ["learning_rate", *SHAPES, *slots("mean_grad", "mean_square", "moment")],
    "groups": [
        "learning_rate_group_0",
        "learning_rate",
        *SHAPES,
        "beta1_power",
        "beta2_power",
        *slots("moment1", "moment2"),
    ],
}


@pytest.mark.parametrize("name", MAKERS)
def test_names_are_those_of_mindspore(name):
    optimizer = MAKERS[name](parameters())
    assert [p.name for p in optimizer.get_parameters()] == ["global_step", *NAMES[name]]
    assert len(optimizer.parameters_dict()) == len(list(optimizer.get_parameters()))
    step = optimizer.global_step
    assert (step.shape, str(step.dtype)) == ((1,), "Int32")


def test_attributes_of_the_slots():
    p = parameters()
    assert [s.name for s in optim.Momentum(p, 0.1, 0.9).moments] == slots("moments")
    assert [s.name for s in optim.Adam(p).moment2] == slots("moment2")
    assert [s.name for s in optim.AdamWeightDecay(p).moments1] == slots("adam_m")
    assert [s.name for s in optim.RMSProp(p).ms] == slots("mean_square")
    assert repr(optim.Momentum(p, 0.1, 0.9)) == "Momentum()"


def run(name, step_of, steps=4):
    """Return the weights and the state after some steps; `step_of(optimizer)` returns the step function."""
    optimizer = MAKERS[name](parameters())
    step = step_of(optimizer)
    for at in range(steps):
        step(gradients(at))
    return {p.name: p.asnumpy() for p in optimizer.get_parameters()}


def check_same_state(got, expected):
    """Assert that two states have the same names, shapes, dtypes and, up to float32 rounding, values."""
    assert list(got) == list(expected)
    for name, value in expected.items():
        assert (got[name].shape, got[name].dtype) == (value.shape, value.dtype), name
        np.testing.assert_allclose(got[name], value, rtol=2e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("name", MAKERS)
def test_eager_compiled_and_functional_give_the_same_state(name):
    def by_functionalize(optimizer):
        pure, state = functionalize(optimizer, gradients(0))
        compiled = jax.jit(pure)

        def step(given):
            nonlocal state
            with jax.enable_x64(True):
                _, state = compiled(state, given)
            for parameter in optimizer.get_parameters():
                parameter.set_data(Tensor(state[parameter.name]))

        return step

    eager = run(name, lambda optimizer: optimizer._step)
    check_same_state(run(name, lambda optimizer: optimizer), eager)
    check_same_state(run(name, lambda optimizer: jit(lambda g: optimizer(g))), eager)
    check_same_state(run(name, by_functionalize), eager)


def test_the_comparison_of_states_can_fail():
    state = run("adam", lambda optimizer: optimizer, 1)
    for wrong in (
        {**state, "beta1_power": state["beta1_power"] * 1.001},
        {**state, "beta1_power": state["beta1_power"].astype(np.float64)},
        {k: v for k, v in state.items() if k != "beta1_power"},
    ):
        with pytest.raises(AssertionError):
            check_same_state(wrong, state)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_training_loop(compiled):
    rng = np.random.default_rng(2)
    x = Tensor(rng.normal(size=(16, 3)).astype(np.float32))
    truth = np.float32([[1.0], [-2.0], [0.5]])
    y = Tensor(x.asnumpy() @ truth)
    weight = Parameter(Tensor(np.zeros((3, 1), np.float32)), name="w")
    optimizer = optim.Momentum([weight], 0.1, 0.9)
    forward = value_and_grad(lambda: (x @ weight - y) ** 2 / 16, None, optimizer.parameters)

    def step():
        loss, grads = forward()
        optimizer(grads)
        return loss

    train = jit(step) if compiled else step
    losses = [train().asnumpy().sum() for _ in range(120)]
    assert losses[-1] < 1e-3 * losses[0]
    np.testing.assert_allclose(weight.asnumpy(), truth, atol=0.05)
    assert int(optimizer.global_step.asnumpy()[0]) == 120


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_weights_have_float32_slots(dtype):
    half = jax.numpy.dtype(dtype)
    weight = Parameter(Tensor(np.float32([1.0, 2.0]).astype(half)), name="w")
    optimizer = optim.Adam([weight], 0.125, beta2=0.999)
    # The square of this gradient is zero in float16.
    small = Tensor(np.float32([1e-5, 2.0]).astype(half))
    optimizer((small,))
    assert str(weight.dtype).lower() == dtype
    assert [str(s[0].dtype) for s in (optimizer.moment1, optimizer.moment2)] == ["Float32", "Float32"]
    assert (optimizer.moment2[0].asnumpy() > 0).all()
    np.testing.assert_allclose(weight.asnumpy().astype(np.float32), [0.875, 1.875], atol=1e-2)


def test_float64_weights_stay_float64():
    weight = Parameter(Tensor(np.array([1.0, 2.0])), name="w")
    optimizer = optim.Momentum([weight], 0.5, 0.5)
    optimizer((Tensor(np.array([1e-12, 1.0])),))
    assert str(optimizer.moments[0].dtype) == "Float64"
    assert weight.asnumpy()[0] == 1.0 - 0.5e-12


@pytest.mark.parametrize(("name", "most"), [("momentum", 6), ("sgd", 9), ("adam", 13), ("adam weight decay", 14)])
def test_number_of_operations_of_each_parameter(name, most):
    def count(number):
        params = [Parameter(Tensor(np.ones((2, at + 1), np.float32)), name=f"w{at}") for at in range(number)]
        optimizer = MAKERS[name](params)
        given = tuple(Tensor(np.ones(p.shape, np.float32)) for p in params)
        pure, state = functionalize(optimizer, given)
        with jax.enable_x64(True):
            return len(jax.make_jaxpr(pure)(state, given).eqns)

    assert (count(6) - count(2)) / 4 <= most


def test_a_step_that_fails_changes_nothing():
    optimizer = optim.Adam(parameters())
    before = {p.name: p.asnumpy().copy() for p in optimizer.get_parameters()}
    with pytest.raises(ValueError, match="its gradient has shape"):
        optimizer(tuple(reversed(gradients(0))))
    check_same_state({p.name: p.asnumpy() for p in optimizer.get_parameters()}, before)
    optimizer(gradients(0))
    assert int(optimizer.global_step.asnumpy()[0]) == 1


def test_a_copy_is_independent():
    optimizer = optim.Momentum(parameters(), 0.1, 0.9)
    optimizer(gradients(0))
    clone = copy.deepcopy(optimizer)
    clone(gradients(1))
    assert int(optimizer.global_step.asnumpy()[0]) == 1
    assert int(clone.global_step.asnumpy()[0]) == 2
    optimizer(gradients(1))
    check_same_state(
        {p.name: p.asnumpy() for p in clone.get_parameters()},
        {p.name: p.asnumpy() for p in optimizer.get_parameters()},
    )


def test_a_cell_that_computes_in_half_precision_does_not_round_the_weights():
    class Step(Cell):
        def __init__(self, optimizer):
            super().__init__(auto_prefix=False)
            self.optimizer = optimizer

        def construct(self, gradients):
            return self.optimizer(gradients)

    weight = Parameter(Tensor(np.float32([1.0001, 2.0])), name="w")
    Step(optim.SGD([weight], 0.0)).to_float(float16)((Tensor([1.0, 1.0]),))
    np.testing.assert_array_equal(weight.asnumpy(), np.float32([1.0001, 2.0]))


class MyMomentum(optim.Optimizer):
    """A custom optimizer as in MindSpore's documentation."""

    def __init__(self, params, learning_rate, momentum=0.9, weight_decay=0.0, loss_scale=1.0):
        super().__init__(learning_rate, params, weight_decay, loss_scale)
        self.moments = self.parameters.clone(prefix="moments", init="zeros")
        self.momentum = momentum

    def construct(self, gradients):
        gradients = self.decay_weight(gradients)
        gradients = self.gradients_centralization(gradients)
        gradients = self.scale_grad(gradients)
        rate = self.get_lr()
        self.global_step.set_data(self.global_step + 1)
        for weight, moment, gradient in zip(self.parameters, self.moments, gradients, strict=True):
            moment.set_data(moment * self.momentum + gradient)
            weight.set_data(weight - rate * moment)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("rate", [0.1, [0.3, 0.2, 0.1]])
def test_a_custom_optimizer_against_the_built_in_one(compiled, rate):
    built_in = optim.Momentum(parameters(), rate, 0.9, weight_decay=0.1, loss_scale=4.0)
    custom = MyMomentum(parameters(), rate, 0.9, weight_decay=0.1, loss_scale=4.0)
    assert isinstance(custom.moments, ParameterTuple)
    assert "moments.0.bias" in custom.parameters_dict()
    step = jit(lambda g: custom(g)) if compiled else custom
    for at in range(4):
        step(gradients(at))
        built_in(gradients(at))
    for actual, expected in zip(custom.parameters, built_in.parameters, strict=True):
        np.testing.assert_allclose(actual.asnumpy(), expected.asnumpy(), rtol=1e-5, atol=1e-6)


def test_an_optimizer_of_optax_without_a_rate():
    import optax

    optimizer = optim.OptaxOptimizer(optax.sgd(0.1), parameters())
    with pytest.raises(StateError, match="OptaxOptimizer: the optimizer has no learning rate"):
        optimizer.get_lr()


@pytest.mark.parametrize("mode", [context.GRAPH_MODE, context.PYNATIVE_MODE])
def test_the_state_is_the_same_in_both_modes(mode):
    expected = run("groups", lambda optimizer: optimizer)
    context.set_context(mode=mode)
    check_same_state(run("groups", lambda optimizer: optimizer), expected)
