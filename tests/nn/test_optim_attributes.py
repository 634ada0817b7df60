"""Setting an attribute of an optimizer takes effect at the next step, or raises an error."""

import numpy as np
import optax
import pytest

from sporax import Model, Parameter, Tensor, nn
from sporax import dataset as ds
from sporax._errors import CellError, ShapeError, SporaxError, SporaxWarning, StateError

GRADIENTS = [np.array([3.0, -1.0], np.float32), np.array([0.5, 2.0], np.float32), np.array([-1.0, 4.0], np.float32)]


def steps(make, change=None):
    weight = Parameter(np.array([1.0, 2.0], np.float32), name="w")
    optimizer = make([weight])
    for at, gradient in enumerate(GRADIENTS):
        if at == 1 and change:
            change(optimizer)
        optimizer((Tensor(gradient),))
    return weight.asnumpy().astype(np.float64)


def adam(step, *, b1=0.9, b2=0.999, eps=1e-8, nesterov=False, changed=None):
    """Adam's formula in float64, with arguments that change before the second step."""
    w, m, v, power1, power2 = np.array([1.0, 2.0], np.float64), np.zeros(2), np.zeros(2), 1.0, 1.0
    for at, g in enumerate(GRADIENTS):
        if at == 1:
            given = {"b1": b1, "b2": b2, "eps": eps, "nesterov": nesterov} | (changed or {})
            b1, b2, eps, nesterov = given["b1"], given["b2"], given["eps"], given["nesterov"]
        power1, power2 = power1 * b1, power2 * b2
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g.astype(np.float64) ** 2
        top = b1 * m + (1 - b1) * g if nesterov else m
        w = w - step * np.sqrt(1 - power2) / (1 - power1) * top / (np.sqrt(v) + eps)
    return w


@pytest.mark.parametrize(
    ("name", "value", "short"),
    [("beta1", 0.5, "b1"), ("beta2", 0.75, "b2"), ("eps", 1.0, "eps"), ("use_nesterov", True, "nesterov")],
)
def test_adam(name, value, short):
    found = steps(lambda w: nn.Adam(w, 0.1), lambda optimizer: setattr(optimizer, name, value))
    np.testing.assert_allclose(found, adam(0.1, changed={short: value}), rtol=1e-5)


CHANGES = {
    # w after two further steps, from the formulas.
    "SGD.dampening": (lambda w: nn.SGD(w, 0.1, momentum=0.5), ("dampening", 0.5)),
    "SGD.nesterov": (lambda w: nn.SGD(w, 0.1, momentum=0.5), ("nesterov", True)),
    "Momentum.use_nesterov": (lambda w: nn.Momentum(w, 0.1, 0.5), ("use_nesterov", True)),
    "RMSProp.decay": (lambda w: nn.RMSProp(w, 0.1), ("decay", 0.5)),
    "RMSProp.momentum": (lambda w: nn.RMSProp(w, 0.1), ("momentum", 0.5)),
    "RMSProp.epsilon": (lambda w: nn.RMSProp(w, 0.1), ("epsilon", 1.0)),
    "Adagrad.update_slots": (lambda w: nn.Adagrad(w, learning_rate=0.1), ("update_slots", False)),
    "AdamWeightDecay.beta1": (lambda w: nn.AdamWeightDecay(w, 0.1), ("beta1", 0.5)),
    "AdamWeightDecay.eps": (lambda w: nn.AdamWeightDecay(w, 0.1), ("eps", 1.0)),
}


def formula(name, g, w, state, value):
    """One step in float64 with the new value of the attribute."""
    kind, _, attribute = name.partition(".")
    of = {attribute: value}
    if kind in ("SGD", "Momentum"):
        v = state.get("v")
        v = g if v is None else 0.5 * v + (1 - of.get("dampening", 0.0)) * g
        nesterov = of.get("nesterov", of.get("use_nesterov", False))
        return w - 0.1 * (g + 0.5 * v if nesterov else v), {"v": v}
    if kind == "RMSProp":
        decay, momentum, eps = of.get("decay", 0.9), of.get("momentum", 0.0), of.get("epsilon", 1e-10)
        s = decay * state.get("s", 1.0) + (1 - decay) * g * g
        m = momentum * state.get("m", 0.0) + 0.1 * g / np.sqrt(s + eps)
        return w - m, {"s": s, "m": m}
    if kind == "Adagrad":
        a = state.get("a", 0.1) + (g * g if of["update_slots"] else 0.0)
        return w - 0.1 * g / np.sqrt(a), {"a": a}
    b1, eps = of.get("beta1", 0.9), of.get("eps", 1e-6)
    m, v = b1 * state.get("m", 0.0) + (1 - b1) * g, 0.999 * state.get("v", 0.0) + 0.001 * g * g
    return w - 0.1 * m / (np.sqrt(v) + eps), {"m": m, "v": v}


DEFAULTS = {"dampening": 0.0, "nesterov": False, "use_nesterov": False, "decay": 0.9, "momentum": 0.0, "epsilon": 1e-10,
            "update_slots": True, "beta1": 0.9, "eps": 1e-6}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_the_other_optimizers(name):
    make, (attribute, value) = CHANGES[name]
    w, state = np.array([1.0, 2.0], np.float64), {}
    for at, gradient in enumerate(GRADIENTS):
        now = DEFAULTS[attribute] if at == 0 else value
        w, state = formula(name, gradient.astype(np.float64), w, state, now)
    found = steps(make, lambda optimizer: setattr(optimizer, attribute, value))
    # 1 - beta2 is computed in float32.
    np.testing.assert_allclose(found, w, rtol=2e-4)


@pytest.mark.parametrize(
    ("make", "attribute", "value", "text"),
    [
        (lambda w: nn.Adam(w, 0.1), "use_amsgrad", True, "needs the slots moment1, moment2, vhat"),
        (lambda w: nn.RMSProp(w, 0.1), "centered", True, "needs the slots mean_grad"),
        (lambda w: nn.Adam(w, 0.1), "beta1", 1.5, "beta1"),
        (lambda w: nn.SGD(w, 0.1), "nesterov", True, "requires `momentum` above 0"),
    ],
)
def test_attributes_that_cannot_be_changed(make, attribute, value, text):
    with pytest.raises(SporaxError, match=text):
        steps(make, lambda optimizer: setattr(optimizer, attribute, value))


@pytest.mark.parametrize("kind", [nn.Momentum, nn.AdamWeightDecay])
def test_weight_decay_can_be_disabled_for_all_and_for_single_parameters(kind):
    def step(change=None, **how):
        weights = [Parameter(np.array([1.0, 2.0], np.float32), name=name) for name in "ab"]
        rest = {"momentum": 0.9} if kind is nn.Momentum else {}
        optimizer = kind(weights, learning_rate=0.1, **rest, **how)
        for at in range(2):
            if at == 1 and change:
                change(optimizer)
            optimizer([Tensor(GRADIENTS[0])] * 2)
        return [each.asnumpy().tolist() for each in weights]

    class Scheduled(nn.Cell):
        def construct(self, step):
            return Tensor(0.5) * (step < 1).astype("float32")[0]

    decayed, disabled = step(weight_decay=0.5), step(weight_decay=Scheduled())
    assert decayed[0] != disabled[0]
    found = step(lambda optimizer: setattr(optimizer, "decay_flags", (True, False)), weight_decay=0.5)
    np.testing.assert_allclose(found, [decayed[0], disabled[1]], rtol=1e-6)
    if kind is nn.Momentum:
        # As in MindSpore, AdamWeightDecay does not read `exec_weight_decay`.
        found = step(lambda optimizer: setattr(optimizer, "exec_weight_decay", False), weight_decay=0.5)
        np.testing.assert_allclose(found, disabled, rtol=1e-6)


def test_centralization_can_be_disabled():
    def step(**changes):
        weight = Parameter(np.zeros((1, 2), np.float32), name="w")
        optimizer = nn.SGD([{"params": [weight], "grad_centralization": True}], 1.0)
        for name, value in changes.items():
            setattr(optimizer, name, value)
        optimizer((Tensor([[1.0, 5.0]]),))
        return weight.asnumpy().tolist()

    assert step() == [[2, -2]]
    assert step(grad_centralization=False) == [[-1, -5]]
    assert step(grad_centralization_flags=(False,)) == [[-1, -5]]


def plain(rates):
    return np.array([1.0, 2.0], np.float64) - sum(
        rate * g.astype(np.float64) for rate, g in zip(rates, GRADIENTS, strict=True)
    )


@pytest.mark.parametrize(
    ("rate", "rates"),
    [
        (lambda: Parameter(np.float32(0.5), name="rate"), [0.1, 0.5, 0.5]),
        (lambda: Tensor(np.float32(0.5)), [0.1, 0.5, 0.5]),
        (lambda: nn.ExponentialDecayLR(0.8, 0.5, 1), [0.1, 0.4, 0.2]),
    ],
    ids=["Parameter", "Tensor", "schedule"],
)
@pytest.mark.parametrize("first", [0.1, [0.1, 0.3, 0.3]], ids=["number", "list"])
def test_another_learning_rate(first, rate, rates):
    def change(optimizer):
        new = rate()
        if isinstance(first, list) and not isinstance(new, Parameter) and isinstance(new, Tensor):
            optimizer.learning_rate.learning_rate = Tensor(np.full(3, 0.5, np.float32))
        else:
            optimizer.learning_rate = new
            if isinstance(new, Parameter):
                assert optimizer.get_lr() is new

    found = steps(lambda w: nn.SGD(w, first), change)
    np.testing.assert_allclose(found, plain(rates), rtol=1e-5)


def test_another_learning_rate_takes_effect_in_model_train_and_is_part_of_the_state():
    x, y = np.ones((4, 1), np.float32), np.zeros((4, 1), np.float32)
    net = nn.Dense(1, 1, weight_init="ones", has_bias=False)
    optimizer = nn.SGD(net.trainable_params(), 0.0)
    model = Model(net, nn.MSELoss(), optimizer)
    data = ds.NumpySlicesDataset((x, y), ["x", "y"], shuffle=False).batch(4)
    model.train(1, data)
    optimizer.learning_rate = Parameter(np.float32(0.25), name="rate")
    model.train(1, data)
    np.testing.assert_allclose(net.weight.asnumpy(), [[0.5]], rtol=1e-6)
    assert any(each is optimizer.learning_rate for each in optimizer.get_parameters())
    assert len(list(optimizer.get_parameters())) == len({each.name for each in optimizer.get_parameters()})


def test_learning_rates_that_cannot_be_set():
    weights = [Parameter(np.array([1.0], np.float32), name=name) for name in "ab"]
    rate = Parameter(np.float32(0.5), name="rate")
    grouped = nn.SGD([{"params": weights[:1], "lr": 0.1}, {"params": weights[1:]}], 0.2)
    with pytest.raises(StateError, match="the groups have their own learning rates"):
        grouped.learning_rate = rate
    with pytest.raises(ShapeError, match=r"must have shape \(\)"):
        nn.SGD(weights, 0.1).learning_rate = Parameter(np.array([0.5, 0.2], np.float32), name="rate")
    with pytest.raises(CellError):
        nn.SGD(weights, 0.1).learning_rate = 0.5
    for made, value in ((optax.sgd(0.1), 0.5), (optax.inject_hyperparams(optax.sgd)(0.1), rate)):
        optimizer = nn.OptaxOptimizer(made, weights)
        with pytest.raises(StateError, match="the transformation holds the learning rate"):
            optimizer.learning_rate = value


def test_the_value_of_an_injected_rate_can_be_set():
    weight = Parameter(np.array([1.0], np.float32), name="w")
    optimizer = nn.OptaxOptimizer(optax.inject_hyperparams(optax.sgd)(learning_rate=0.1), [weight])
    optimizer.learning_rate = Tensor(np.float32(0.5))
    optimizer((Tensor(np.array([1.0], np.float32)),))
    np.testing.assert_allclose(weight.asnumpy(), [0.5], rtol=1e-6)


# --- Parameters without an optimizer --------------------------------------------------------------------------------


def cell(network, loss, optimizer):
    return nn.TrainOneStepCell(nn.WithLossCell(network, loss), optimizer)


def test_an_optimizer_of_another_network_warns():
    network, other = nn.Dense(3, 2), nn.Dense(3, 2)
    with pytest.warns(SporaxWarning, match="another Parameter of the name 'weight' than the network"):
        cell(network, nn.MSELoss(), nn.SGD(other.trainable_params(), 0.1))
    unlike = nn.SequentialCell(nn.Dense(3, 2))
    with pytest.warns(SporaxWarning, match="holds none of the 2 trainable Parameters"):
        cell(network, nn.MSELoss(), nn.SGD(unlike.trainable_params(), 0.1))


def test_a_parameter_replaced_after_the_optimizer_was_created_warns():
    network = nn.Dense(3, 2)
    optimizer = nn.SGD(network.trainable_params(), 0.1)
    network.weight = Parameter(np.ones((2, 3), np.float32), name="weight")
    with pytest.warns(SporaxWarning, match="after all its Parameters"):
        cell(network, nn.MSELoss(), optimizer)


@pytest.mark.parametrize("through", ["Model", "Cell"])
def test_a_loss_with_parameters_that_are_not_trained_warns(through):
    network, loss = nn.Dense(3, 2), nn.ProxyAnchorLoss(2, 2)
    optimizer = nn.SGD(network.trainable_params(), 0.1)
    x, y = np.ones((4, 3), np.float32), np.array([0, 1, 0, 1], np.int32)
    data = ds.NumpySlicesDataset((x, y), ["x", "y"]).batch(4)
    make = {
        "Model": lambda: Model(network, loss, optimizer).train(1, data),
        "Cell": lambda: cell(network, loss, optimizer),
    }
    with pytest.warns(SporaxWarning, match="holds no Parameter of the loss ProxyAnchorLoss"):
        make[through]()


def test_no_warning_for_part_of_a_network_or_a_frozen_loss():
    network, loss = nn.SequentialCell(nn.Dense(3, 3), nn.Dense(3, 2)), nn.ProxyAnchorLoss(2, 2)
    for parameter in loss.trainable_params():
        parameter.requires_grad = False
    step = cell(network, loss, nn.SGD(network[1].trainable_params(), 0.1))
    assert np.isfinite(float(step(Tensor(np.ones((4, 3), np.float32)), Tensor(np.array([0, 1, 0, 1], np.int32)))))
    trained = nn.ProxyAnchorLoss(2, 2)
    both = [*network.trainable_params(), *trained.trainable_params()]
    assert len(cell(network, trained, nn.SGD(both, 0.1)).weights) == 5
