"""Parameter groups, weight decay, loss scale, centralization, frozen Parameters, and errors."""

import numpy as np
import pytest

import sporax.nn.optim as optim
from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError
from sporax.core import Cell, Parameter, ParameterTuple, Tensor


def parameters(**shapes):
    rng = np.random.default_rng(5)
    shapes = shapes or {"fc.weight": (2, 3), "fc.bias": (2,), "bn.gamma": (2,)}
    return [Parameter(Tensor(rng.normal(size=s).astype(np.float32)), name=n) for n, s in shapes.items()]


def gradients(params, seed=6):
    rng = np.random.default_rng(seed)
    return tuple(Tensor(rng.normal(size=p.shape).astype(np.float32)) for p in params)


def moved(optimizer, given=None):
    """Return the change of each Parameter in one step, and the gradients."""
    given = given or gradients(optimizer.parameters)
    before = [p.asnumpy().copy() for p in optimizer.parameters]
    optimizer(given)
    steps = [p.asnumpy() - b for p, b in zip(optimizer.parameters, before, strict=True)]
    return steps, [g.asnumpy() for g in given], before


class Halving(Cell):
    """A weight decay that depends on the step."""

    def construct(self, global_step):
        return 0.5 / (1.0 + global_step)


class TestGroups:
    def test_each_group_has_its_rate_and_decay(self):
        weight, bias, gamma = parameters()
        groups = [
            {"params": [weight], "lr": 0.5, "weight_decay": 0.25},
            {"params": [gamma], "weight_decay": 0.125},
            {"params": (bias,)},
        ]
        optimizer = optim.SGD(groups, 0.1, weight_decay=0.75)
        assert [p.name for p in optimizer.parameters] == ["fc.weight", "bn.gamma", "fc.bias"]
        steps, g, before = moved(optimizer)
        np.testing.assert_allclose(steps[0], -0.5 * (g[0] + 0.25 * before[0]), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(steps[1], -0.1 * (g[1] + 0.125 * before[1]), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(steps[2], -0.1 * (g[2] + 0.75 * before[2]), rtol=1e-5, atol=1e-6)

    def test_order_params_gives_the_order_of_the_gradients(self):
        weight, bias, gamma = parameters()
        groups = [
            {"params": [gamma], "lr": 0.5},
            {"params": [weight, bias]},
            {"order_params": [weight, bias, gamma]},
        ]
        optimizer = optim.SGD(groups, 0.1)
        assert [p.name for p in optimizer.parameters] == ["fc.weight", "fc.bias", "bn.gamma"]
        steps, g, _ = moved(optimizer)
        np.testing.assert_allclose(steps[2], -0.5 * g[2], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(steps[0], -0.1 * g[0], rtol=1e-5, atol=1e-6)

    def test_names_of_the_rates(self):
        weight, bias, gamma = parameters()
        optimizer = optim.Momentum([{"params": [weight], "lr": 0.01}, {"params": [bias, gamma]}], 0.1, 0.9)
        names = [p.name for p in optimizer.get_parameters()]
        assert names[:3] == ["global_step", "learning_rate_group_0", "learning_rate"]
        assert [rate.name for rate in optimizer.get_lr()] == [
            "learning_rate_group_0",
            "learning_rate",
            "learning_rate",
        ]
        assert optimizer.get_lr_parameter(bias) is optimizer.get_lr_parameter([weight, gamma])[1]
        assert optimizer.is_group
        assert optimizer.is_group_lr

    def test_schedules_and_fixed_rates_together(self):
        weight, bias, gamma = parameters()
        groups = [
            {"params": [weight], "lr": [0.5, 0.25]},
            {"params": [bias], "lr": optim.WarmUpLR(1.0, 2)},
            {"params": [gamma]},
        ]
        optimizer = optim.SGD(groups, 0.125)
        assert [float(rate) for rate in optimizer.get_lr()] == [0.5, 0.0, 0.125]
        optimizer(gradients(optimizer.parameters))
        assert [float(rate) for rate in optimizer.get_lr()] == [0.25, 0.5, 0.125]
        assert optimizer.get_lr_parameter(weight).name == "learning_rate_group_0"
        assert [(n, p.name) for n, p in optimizer.parameters_and_names() if "learning_rate" in n] == [
            ("learning_rate.0.learning_rate", "learning_rate_group_0"),
            ("learning_rate.2.learning_rate", "learning_rate"),
        ]
        assert len(optimizer.learning_rate) == 3

    def test_centralization(self):
        weight, bias, gamma = parameters()
        optimizer = optim.SGD([{"params": [weight, bias], "grad_centralization": True}, {"params": [gamma]}], 1.0)
        steps, g, _ = moved(optimizer)
        np.testing.assert_allclose(steps[0], -(g[0] - g[0].mean(axis=1, keepdims=True)), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(steps[1], -g[1], rtol=1e-5, atol=1e-6)

    @pytest.mark.parametrize(
        ("groups", "message"),
        [
            (
                [{"params": parameters(), "foo": 1}],
                r"group 0 has the unknown key 'foo'; the keys are 'params', 'lr'",
            ),
            (
                [{"params": parameters(), "learning_rate": 1}],
                r"unknown key 'learning_rate'.*Did you mean 'lr'\?",
            ),
            ([{"params": parameters(), "weight_decy": 1}], r"Did you mean 'weight_decay'\?"),
            ([{"lr": 0.1}], r"group 0 must have the key 'params', but has 'lr'"),
            ([{"params": []}], r"`params of group 0` is empty"),
            (
                [{"params": parameters(), "lr": -1.0}],
                r"`lr of group 0` must be in \[0.0, inf\), but got -1.0",
            ),
            (
                [{"params": parameters(), "weight_decay": -1}],
                r"`weight_decay of group 0` must be in \[0.0, inf\)",
            ),
            ([{"order_params": parameters(), "lr": 1}], r"must have no other key, but group 0 has 'lr' too"),
            ([{"order_params": parameters()}], r"no group has the key 'params'"),
            (
                [{"params": parameters()}, {"order_params": parameters(a=(1,))}],
                r"found 'a' in no group; 'fc.weight', 'fc.bias', 'bn.gamma' of the groups not in it",
            ),
        ],
    )
    def test_invalid_groups(self, groups, message):
        with pytest.raises(ArgumentError, match=message):
            optim.SGD(groups, 0.1)

    def test_invalid_types_in_groups(self):
        with pytest.raises(ArgumentTypeError, match="`grad_centralization of group 0` must be bool"):
            optim.SGD([{"params": parameters(), "grad_centralization": 1}], 0.1)
        with pytest.raises(ArgumentTypeError, match="group 1 must be a dict, but got Parameter"):
            optim.SGD([{"params": parameters()}, parameters()[0]], 0.1)
        with pytest.raises(ArgumentTypeError, match=r"element 3 is of type dict. Groups and single"):
            optim.SGD([*parameters(), {"params": parameters(a=(1,))}], 0.1)
        with pytest.raises(ArgumentTypeError, match="element 0 is of type Tensor"):
            optim.SGD([{"params": [Tensor(1.0)]}], 0.1)

    def test_the_same_parameter_in_two_groups(self):
        weight, bias, _ = parameters()
        with pytest.raises(ArgumentError, match=r"SGD: given more than once: 'fc.weight'\. Give each"):
            optim.SGD([{"params": [weight, bias]}, {"params": [weight]}], 0.1)


class TestWeightDecay:
    def test_beta_and_gamma_do_not_decay_without_groups(self):
        optimizer = optim.SGD(parameters(), 1.0, weight_decay=0.5)
        steps, g, before = moved(optimizer)
        np.testing.assert_allclose(steps[0], -(g[0] + 0.5 * before[0]), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(steps[2], -g[2], rtol=1e-5, atol=1e-6)
        assert optimizer.decay_flags == (True, True, False)

    def test_the_value_includes_the_loss_scale(self):
        weight, bias, gamma = parameters()
        assert float(optim.SGD([gamma, weight], 0.1, weight_decay=0.5, loss_scale=4).get_weight_decay()) == 2.0
        grouped = optim.SGD([{"params": [weight], "weight_decay": 0.5}, {"params": [bias]}], 0.1)
        assert [float(each) for each in grouped.get_weight_decay()] == [0.5, 0.0]
        assert [float(each) for each in grouped.weight_decay] == [0.5, 0.0]

    @pytest.mark.parametrize("kind", ["gradient", "decoupled"])
    def test_a_decay_that_depends_on_the_step(self, kind):
        params = parameters()
        if kind == "gradient":
            optimizer = optim.SGD(params, 1.0, weight_decay=Halving())
            assert optimizer.dynamic_weight_decay
            for expected in (0.5, 0.25):
                assert float(optimizer.get_weight_decay()) == expected
                steps, g, before = moved(optimizer)
                np.testing.assert_allclose(steps[0], -(g[0] + expected * before[0]), rtol=1e-5, atol=1e-6)
        else:
            optimizer = optim.AdamWeightDecay(params, 1.0, weight_decay=Halving())
            zero = tuple(Tensor(np.zeros(p.shape, np.float32)) for p in params)
            for expected in (0.5, 0.25):
                steps, _, before = moved(optimizer, zero)
                np.testing.assert_allclose(steps[0], -expected * before[0], rtol=1e-5)
                np.testing.assert_array_equal(steps[2], 0.0)

    def test_loss_scale_divides_the_gradient_but_not_the_decay(self):
        steps, g, before = moved(optim.SGD(parameters(), 1.0, weight_decay=0.5, loss_scale=8.0))
        np.testing.assert_allclose(steps[0], -(g[0] / 8 + 0.5 * before[0]), rtol=1e-5, atol=1e-6)

    def test_a_decay_of_the_wrong_shape(self):
        class Wrong(Cell):
            def construct(self, global_step):
                return Tensor([0.1, 0.2])

        with pytest.raises(ShapeError, match=r"Wrong must return one number for the weight decay, but returned shape"):
            moved(optim.SGD(parameters(), 1.0, weight_decay=Wrong()))


class TestErrors:
    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (
                lambda p: optim.Momentum(p, -0.1, 0.9),
                r"Momentum: `learning_rate` must be in \[0.0, inf\), but got -0.1",
            ),
            (lambda p: optim.Momentum(p, float("nan"), 0.9), r"`learning_rate` must be in .* but got nan"),
            (
                lambda p: optim.Momentum(p, [0.1, -0.2], 0.9),
                r"must not be negative, but learning_rate\[1\] is -0.2",
            ),
            (
                lambda p: optim.Momentum(p, Tensor(-0.5), 0.9),
                r"must not be negative, but learning_rate is -0.5",
            ),
            (
                lambda p: optim.Momentum(p, [], 0.9),
                r"must be one number or a list of at least one, but got shape \(0,\)",
            ),
            (lambda p: optim.Momentum(p, Tensor([[0.1]]), 0.9), r"but got shape \(1, 1\)"),
            (
                lambda p: optim.Momentum(p, 0.1, -0.9),
                r"Momentum: `momentum` must be in \[0.0, inf\), but got -0.9",
            ),
            (
                lambda p: optim.Momentum(p, 0.1, 0.9, weight_decay=-1),
                r"`weight_decay` must be in \[0.0, inf\)",
            ),
            (
                lambda p: optim.Momentum(p, 0.1, 0.9, loss_scale=0.0),
                r"`loss_scale` must be in \(0.0, inf\), but got 0.0",
            ),
            (
                lambda p: optim.SGD(p, nesterov=True),
                r"`nesterov` requires `momentum` above 0 and `dampening` 0, but got mom",
            ),
            (
                lambda p: optim.SGD(p, momentum=0.9, dampening=0.1, nesterov=True),
                r"momentum=0.9 and dampening=0.1",
            ),
            (lambda p: optim.Adam(p, beta1=1.5), r"Adam: `beta1` must be in \[0.0, 1.0\), but got 1.5"),
            (lambda p: optim.AdamWeightDecay(p, eps=0), r"`eps` must be in \(0.0, inf\), but got 0"),
            (lambda p: optim.Adam(p, use_lazy=True, use_offload=True), r"cannot both be True"),
            (lambda p: optim.RMSProp(p, epsilon=0.0), r"RMSProp: `epsilon` must be in \(0.0, inf\)"),
            (lambda p: optim.Adagrad(p, accum=-1.0), r"Adagrad: `accum` must be in \[0.0, inf\)"),
            (
                lambda p: optim.Momentum([], 0.1, 0.9),
                r"Momentum: `params` is empty, so there is nothing to train",
            ),
            (lambda p: optim.Momentum(p + p[:1], 0.1, 0.9), r"given more than once: 'fc.weight'"),
            (
                lambda p: optim.Momentum(p + parameters()[:2], 0.1, 0.9),
                r"the same name: 'fc.weight', 'fc.bias'\. Slots",
            ),
        ],
    )
    def test_values(self, make, message):
        with pytest.raises(ArgumentError, match=message):
            make(parameters())

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda p: optim.Momentum(p, "a", 0.9), r"`learning_rate` must be a number, .* but got 'a'"),
            (lambda p: optim.Momentum(p, None, 0.9), r"`learning_rate` must be a number, .* but got None"),
            (
                lambda p: optim.Momentum(p, True, 0.9),
                r"`learning_rate` must be a number, but got True of type bool",
            ),
            (
                lambda p: optim.Momentum(p, ["a"], 0.9),
                r"`learning_rate` must be a number, .* but got \['a'\]",
            ),
            (lambda p: optim.Momentum(p, 0.1, "b"), r"`momentum` must be a number, but got 'b'"),
            (
                lambda p: optim.Momentum(p, 0.1, 0.9, weight_decay="c"),
                r"`weight_decay` must be a number, but got 'c'",
            ),
            (
                lambda p: optim.Momentum(p, 0.1, 0.9, use_nesterov=1),
                r"`use_nesterov` must be bool, but got 1",
            ),
            (lambda p: optim.Adam(p, use_lazy=3), r"Adam: `use_lazy` must be bool, but got 3"),
            (lambda p: optim.Momentum([Tensor(1.0)], 0.1, 0.9), r"element 0 is of type Tensor"),
            (lambda p: optim.Momentum(p[0], 0.1, 0.9), r"an object of type Parameter\. Put it in a list"),
            (lambda p: optim.Momentum({"params": p}, 0.1, 0.9), r"an object of type dict\. Put it in a list"),
            (
                lambda p: optim.Momentum(Cell(), 0.1, 0.9),
                r"an object of type Cell\. Use net.trainable_params\(\)",
            ),
        ],
    )
    def test_types(self, make, message):
        with pytest.raises(ArgumentTypeError, match=message):
            make(parameters())

    def test_integer_parameter(self):
        with pytest.raises(DtypeError, match="Parameter 'count' has dtype Int64, and only floating"):
            optim.SGD([Parameter(Tensor([1, 2]), name="count")])

    def test_a_parameter_with_the_name_of_a_slot(self):
        with pytest.raises(ArgumentError, match=r"two Parameters of its state have the name 'momentum'.*Rename"):
            optim.Momentum(parameters(momentum=(2,)), 0.1, 0.9)

    @pytest.mark.parametrize(
        ("wrong", "error", "message"),
        [
            (lambda g: g[:2], ArgumentError, r"SGD: got 2 gradient\(s\) for 3 Parameter\(s\)\. Differentiate"),
            (lambda g: (*g, g[0]), ArgumentError, r"got 4 gradient\(s\) for 3"),
            (
                lambda g: g[0],
                ArgumentTypeError,
                r"must be a tuple of Tensors, one for each of its 3 .* but got Tensor",
            ),
            (lambda g: (g[0], None, g[2]), ArgumentTypeError, r"the gradient of Parameter 'fc.bias' is None"),
            (
                lambda g: (g[1], g[1], g[2]),
                ShapeError,
                r"'fc.weight' has shape \(2, 3\), but .* shape \(2,\)",
            ),
        ],
    )
    def test_gradients(self, wrong, error, message):
        params = parameters()
        optimizer = optim.SGD(params, 0.1)
        before = params[0].asnumpy().copy()
        with pytest.raises(error, match=message):
            optimizer(wrong(gradients(params)))
        np.testing.assert_array_equal(params[0].asnumpy(), before)
        assert int(optimizer.global_step.asnumpy()[0]) == 0

    def test_the_learning_rate_of_an_unknown_parameter(self):
        optimizer = optim.SGD(parameters(), 0.1)
        with pytest.raises(ArgumentError, match="Parameter 'a' is not trained by this optimizer"):
            optimizer.get_lr_parameter(parameters(a=(1,))[0])
        with pytest.raises(ArgumentTypeError, match="`param` must be Parameter"):
            optimizer.get_lr_parameter("fc.weight")

    def test_target_and_unique(self):
        optimizer = optim.SGD(parameters(), 0.1)
        optimizer.target, optimizer.unique = "GPU", False
        assert (optimizer.target, optimizer.unique) == ("GPU", False)
        with pytest.raises(ArgumentError, match="`target` must be one of 'CPU'"):
            optimizer.target = "Abacus"


class TestParameters:
    @pytest.mark.parametrize("kind", [list, tuple, ParameterTuple, iter])
    def test_any_iterable(self, kind):
        params = parameters()
        assert list(optim.SGD(kind(params)).parameters) == params

    def test_one_gradient_without_a_tuple(self):
        weight = parameters(w=(2,))
        assert optim.SGD(weight, 1.0)(Tensor([1.0, 2.0])) == (True,)

    def test_a_list_of_numpy_gradients(self):
        params = parameters()
        given = [g.asnumpy().astype(np.float64) for g in gradients(params)]
        before = params[0].asnumpy().copy()
        optim.SGD(params, 1.0)(given)
        np.testing.assert_allclose(params[0].asnumpy() - before, -given[0], rtol=1e-5, atol=1e-6)
        assert params[0].asnumpy().dtype == np.float32

    @pytest.mark.parametrize("decay", [0.0, 0.5])
    def test_frozen_parameters_do_not_change(self, decay):
        params = parameters()
        params[1].requires_grad = False
        optimizer = optim.Momentum(params, 0.5, 0.9, weight_decay=decay)
        steps, _, _ = moved(optimizer)
        assert [bool(np.any(step)) for step in steps] == [True, False, True]
        params[0].requires_grad, params[1].requires_grad = False, True
        steps, _, _ = moved(optimizer)
        assert [bool(np.any(step)) for step in steps] == [False, True, True]
