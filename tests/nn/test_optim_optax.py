"""Optax transformations as optimizers: compared with a loop of optax, and the state as Parameters."""

import jax
import numpy as np
import optax
import pytest

import sporax.nn.optim as optim
from sporax._errors import ArgumentError, ArgumentTypeError
from sporax.core import Parameter, Tensor
from sporax.transforms import jit

SHAPES = {"fc.weight": (3, 2), "fc.bias": (2,)}


def parameters(dtype=np.float32):
    rng = np.random.default_rng(4)
    return [Parameter(Tensor(rng.normal(size=s).astype(dtype)), name=n) for n, s in SHAPES.items()]


def gradients(step, dtype=np.float32):
    rng = np.random.default_rng(50 + step)
    return {n: rng.normal(0.2, 1.0, s).astype(dtype) for n, s in SHAPES.items()}


def no_bias(tree):
    return {name: "bias" not in name for name in tree}


TRANSFORMATIONS = {
    "sgd": optax.sgd(0.1),
    "momentum": optax.sgd(0.1, momentum=0.9, nesterov=True),
    "adam": optax.adam(0.1),
    "adamw with mask": optax.adamw(0.1, weight_decay=0.1, mask=no_bias),
    "schedule": optax.adam(optax.cosine_decay_schedule(0.1, 5)),
    "clipped": optax.chain(optax.clip_by_global_norm(0.5), optax.sgd(0.1)),
    "lamb": optax.lamb(0.1),
    "lion": optax.lion(0.01),
    "adafactor": optax.adafactor(0.1, min_dim_size_to_factor=2),
    "injected": optax.inject_hyperparams(optax.adam)(learning_rate=0.1),
    "noisy": optax.noisy_sgd(0.1, key=jax.random.key(3)),
    "labelled": optax.multi_transform(
        {"a": optax.sgd(0.1), "b": optax.adam(0.1)},
        lambda tree: {name: "b" if "bias" in name else "a" for name in tree},
    ),
    "frozen": optax.masked(optax.set_to_zero(), lambda tree: {name: "bias" in name for name in tree}),
    "schedule free": optax.contrib.schedule_free_sgd(0.1),
    "every second": optax.MultiSteps(optax.adam(0.1), 2),
    "accumulated": optax.MultiSteps(optax.sgd(0.1, momentum=0.9), 3).gradient_transformation(),
}


def run_optax(transformation, steps=5, dtype=np.float32):
    weights = {p.name: jax.numpy.asarray(p.asnumpy()) for p in parameters(dtype)}
    state = transformation.init(weights)
    for at in range(steps):
        updates, state = transformation.update(gradients(at, dtype), state, weights)
        weights = optax.apply_updates(weights, updates)
    return weights, state


def check_same_as_optax(optimizer, step, transformation, steps=5):
    """Assert that `step`, which calls `optimizer`, gives the weights and state of a loop of optax."""
    for at in range(steps):
        given = gradients(at)
        step(tuple(Tensor(given[p.name]) for p in optimizer.parameters))
    weights, state = run_optax(transformation, steps)
    for parameter in optimizer.parameters:
        np.testing.assert_allclose(
            parameter.asnumpy(), weights[parameter.name], rtol=1e-5, atol=1e-6, err_msg=parameter.name
        )
    leaves = jax.tree.leaves(state)
    held = [p for p in optimizer.get_parameters() if p.name.startswith("optax")]
    assert len(leaves) == len(held)
    for parameter, leaf in zip(held, leaves, strict=True):
        if jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        np.testing.assert_allclose(parameter.asnumpy(), leaf, rtol=1e-5, atol=1e-6, err_msg=parameter.name)
        assert parameter.asnumpy().dtype == leaf.dtype, parameter.name


@pytest.mark.parametrize("name", TRANSFORMATIONS)
def test_same_as_a_loop_of_optax(name):
    optimizer = optim.as_optimizer(TRANSFORMATIONS[name], parameters())
    check_same_as_optax(optimizer, optimizer, TRANSFORMATIONS[name])


@pytest.mark.parametrize("name", ["adam", "injected", "noisy"])
def test_inside_a_compiled_function(name):
    optimizer = optim.as_optimizer(TRANSFORMATIONS[name], parameters())
    check_same_as_optax(optimizer, jit(lambda g: optimizer(g)), TRANSFORMATIONS[name])


def test_the_comparison_can_fail():
    optimizer = optim.OptaxOptimizer(optax.sgd(0.1, momentum=0.9), parameters())
    with pytest.raises(AssertionError, match=r"fc\.weight"):
        check_same_as_optax(optimizer, optimizer, optax.sgd(0.1, momentum=0.8))


def test_names_of_the_state():
    names = [p.name for p in optim.OptaxOptimizer(optax.adam(0.1), parameters()).get_parameters()]
    assert names == [
        "global_step",
        "fc.weight",
        "fc.bias",
        "optax.0.count",
        "optax.0.mu.fc.bias",
        "optax.0.mu.fc.weight",
        "optax.0.nu.fc.bias",
        "optax.0.nu.fc.weight",
    ]
    assert repr(optim.OptaxOptimizer(optax.adam(0.1), parameters())).startswith("OptaxOptimizer(GradientTransf")


def test_the_state_shares_no_array_with_the_weights():
    optimizer = optim.OptaxOptimizer(optax.contrib.schedule_free_sgd(0.1), parameters())
    held = [p._value for p in optimizer.get_parameters()]
    assert len({array.unsafe_buffer_pointer() for array in held}) == len(held)


def test_loss_scale_and_the_step_counter():
    params = parameters()
    before = params[0].asnumpy().copy()
    optimizer = optim.OptaxOptimizer(optax.sgd(1.0), params, loss_scale=4.0)
    given = gradients(0)
    optimizer(tuple(Tensor(given[p.name]) for p in params))
    np.testing.assert_allclose(params[0].asnumpy(), before - given["fc.weight"] / 4, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(optimizer.global_step.asnumpy(), np.int32([1]))


def test_an_injected_rate_can_be_changed():
    params = parameters()
    optimizer = optim.OptaxOptimizer(optax.inject_hyperparams(optax.sgd)(learning_rate=0.5), params)
    given = tuple(Tensor(g) for g in gradients(0).values())
    optimizer(given)
    assert float(optimizer.get_lr()) == 0.5
    assert optimizer.get_lr_parameter(params[0]) is optimizer.learning_rate
    optimizer.learning_rate.set_data(Tensor(0.0))
    before = params[0].asnumpy().copy()
    optimizer(given)
    np.testing.assert_array_equal(params[0].asnumpy(), before)


def test_extra_arguments():
    params = parameters()
    transformation = optax.chain(optax.sgd(1.0), optax.contrib.reduce_on_plateau(patience=1, factor=0.5))
    optimizer = optim.OptaxOptimizer(transformation, params)
    given = tuple(Tensor(g) for g in gradients(0).values())
    weights = {p.name: jax.numpy.asarray(p.asnumpy()) for p in params}
    state = transformation.init(weights)
    for value in (1.0, 2.0, 2.0, 2.0):
        optimizer(given, value=Tensor(value))
        _, state = transformation.update(gradients(0), state, weights, value=value)
    assert float(optimizer.parameters_dict()["optax.1.scale"]) == float(state[1].scale) < 1.0
    before = params[0].asnumpy().copy()
    with pytest.raises(ArgumentError, match=r"requires the argument\(s\) 'value'\. Pass them by keyword"):
        optimizer(given)
    np.testing.assert_array_equal(params[0].asnumpy(), before)


@pytest.mark.parametrize("dtype", [np.float16, np.float64])
def test_weights_keep_their_dtype(dtype):
    params = parameters(dtype)
    optimizer = optim.OptaxOptimizer(optax.adam(0.1), params)
    given = gradients(0, dtype)
    optimizer(tuple(Tensor(given[p.name]) for p in params))
    for parameter in params:
        slot = next(p for p in optimizer.get_parameters() if p.name == f"optax.0.mu.{parameter.name}")
        assert parameter.asnumpy().dtype == slot.asnumpy().dtype == dtype


def test_a_frozen_parameter_does_not_change():
    params = parameters()
    params[1].requires_grad = False
    before = params[1].asnumpy().copy()
    optimizer = optim.OptaxOptimizer(optax.adam(0.1), params)
    optimizer(tuple(Tensor(g) for g in gradients(0).values()))
    np.testing.assert_array_equal(params[1].asnumpy(), before)


def test_any_object_with_init_and_update():
    class Plain:
        def init(self, params):
            return {"calls": np.int32(0), "nothing": None}

        def update(self, updates, state, params=None):
            return jax.tree.map(lambda g: -g, updates), {"calls": state["calls"] + 1, "nothing": None}

    optimizer = optim.as_optimizer(Plain(), parameters())
    optimizer(tuple(Tensor(g) for g in gradients(0).values()))
    assert int(optimizer.parameters_dict()["optax.calls"]) == 1


def test_objects_that_are_not_optimizers():
    ready = optim.SGD(parameters(), 0.1)
    assert optim.as_optimizer(ready, []) is ready
    for wrong, message in [
        (
            optim.Momentum,
            r"but got <class .*Momentum'>\. It is a class: pass an instance, Momentum\(\.\.\.\)",
        ),
        (optax.adam, r"It is a function: call it, adam\(\.\.\.\)"),
        ("adam", r"must be one of sporax\.nn, such as .* but got 'adam'\.$"),
        (None, r"but got None"),
    ]:
        with pytest.raises(ArgumentTypeError, match=message):
            optim.as_optimizer(wrong, parameters())
    with pytest.raises(ArgumentTypeError, match="OptaxOptimizer: `transformation` must be one of optax"):
        optim.OptaxOptimizer(0.1, parameters())
    with pytest.raises(ArgumentError, match=r"but got groups\. Use optax\.multi_transform"):
        optim.OptaxOptimizer(optax.sgd(0.1), [{"params": parameters()}])


def test_a_state_that_changes_its_structure():
    class Growing:
        def init(self, params):
            return ()

        def update(self, updates, state, params=None):
            return updates, (*state, 1.0)

    optimizer = optim.as_optimizer(Growing(), parameters())
    with pytest.raises(ArgumentError, match="returned a state of another structure than `init`"):
        optimizer(tuple(Tensor(g) for g in gradients(0).values()))
