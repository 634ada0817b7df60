"""Custom optimizers in the style of public MindSpore projects, against results of MindSpore 2.10."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import sporax
from sporax import Parameter, Tensor, jit, nn
from sporax._errors import ArgumentError, StateError

DATA = Path(__file__).parent / "data"
REFERENCE = json.loads((DATA / "custom_optimizers.json").read_text())["runs"]


def _load():
    spec = importlib.util.spec_from_file_location("custom_optimizers", DATA / "custom_optimizers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


custom = _load()


def test_every_scenario_has_a_reference():
    assert list(REFERENCE) == list(custom.SCENARIOS)


@pytest.mark.rank_promotion
@pytest.mark.parametrize("name", REFERENCE)
def test_values_and_attributes_as_in_mindspore(name):
    got, expected = custom.run(sporax, name), REFERENCE[name]
    assert got["facts"] == expected["facts"]
    assert list(got["values"]) == list(expected["values"])
    for parameter, value in expected["values"].items():
        np.testing.assert_allclose(got["values"][parameter], value, rtol=2e-5, atol=2e-6, err_msg=parameter)


def weight(value=1.0, name="w"):
    return Parameter(Tensor(np.full(2, value, np.float32)), name=name)


@pytest.mark.parametrize("kind", ["CorrectedAdamW", "ScheduledNAdam", "DecayChangingLion", "Belief"])
def test_compiled_equals_eager(kind):
    gradients = [(Tensor([0.5, -1.0]), Tensor([0.25, 2.0])), (Tensor([-0.5, 1.5]), Tensor([1.0, 0.0]))]
    results = []
    for run in (lambda optimizer: optimizer, lambda optimizer: jit(lambda g: optimizer(g))):
        params = [weight(1.0), weight(-2.0, "v.gamma")]
        optimizer = getattr(custom.optimizers(sporax), kind)(params, 0.1, 0.05)
        step = run(optimizer)
        for each in gradients:
            step(each)
        results.append({p.name: p.asnumpy() for p in optimizer.get_parameters()})
    eager, compiled = results
    assert list(eager) == list(compiled)
    for name, value in eager.items():
        np.testing.assert_allclose(compiled[name], value, rtol=1e-5, atol=1e-7, err_msg=name)


class TestSettingTheDecay:
    """`self.weight_decay = ...` in a subclass."""

    def test_the_base_class_uses_it(self):
        optimizer = nn.Momentum([weight()], 0.5, 0.0, weight_decay=0.1)
        optimizer((Tensor([0.0, 0.0]),))
        assert optimizer.weight_decay.item() == pytest.approx(0.1)
        optimizer.weight_decay = Tensor(0.2)
        assert optimizer.get_weight_decay().item() == pytest.approx(0.2)
        optimizer((Tensor([0.0, 0.0]),))
        np.testing.assert_allclose(optimizer.parameters[0].asnumpy(), 0.95 * 0.9, rtol=1e-6)

    def test_a_decoupled_decay(self):
        optimizer = nn.AdamWeightDecay([weight()], 0.5)
        optimizer((Tensor([0.0, 0.0]),))
        optimizer.weight_decay = 0.2
        optimizer((Tensor([0.0, 0.0]),))
        np.testing.assert_allclose(optimizer.parameters[0].asnumpy(), 0.9, rtol=1e-6)

    def test_it_includes_the_loss_scale(self):
        # As in MindSpore, where it applies to scaled gradients.
        optimizer = nn.Momentum([weight()], 0.5, 0.0, weight_decay=0.1, loss_scale=4.0)
        assert optimizer.weight_decay.item() == pytest.approx(0.4)
        optimizer.weight_decay = 0.8
        optimizer((Tensor([0.0, 0.0]),))
        np.testing.assert_allclose(optimizer.parameters[0].asnumpy(), 0.9, rtol=1e-6)

    def test_one_for_each_parameter(self):
        params = [weight(), weight(1.0, "v")]
        optimizer = nn.Momentum(params, 0.5, 0.0, weight_decay=0.1)
        optimizer.weight_decay = (Tensor(0.2), 0.0)
        optimizer((Tensor([0.0, 0.0]), Tensor([0.0, 0.0])))
        assert [p.asnumpy()[0] for p in params] == pytest.approx([0.9, 1.0])
        with pytest.raises(ArgumentError, match="one for each of the 2 Parameters, but got 3"):
            optimizer.weight_decay = (0.1, 0.2, 0.3)

    def test_a_schedule(self):
        optimizer = nn.Momentum([weight()], 0.5, 0.0, weight_decay=0.1)
        optimizer.weight_decay = nn.ExponentialDecayLR(0.4, 0.5, 1)
        optimizer((Tensor([0.0, 0.0]),))
        np.testing.assert_allclose(optimizer.parameters[0].asnumpy(), 0.8, rtol=1e-6)
        optimizer((Tensor([0.0, 0.0]),))
        np.testing.assert_allclose(optimizer.parameters[0].asnumpy(), 0.8 * 0.9, rtol=1e-6)

    def test_a_parameter(self):
        optimizer = nn.Momentum([weight()], 0.5, 0.0, weight_decay=0.1)
        optimizer.weight_decay = Parameter(np.float32(0.2), name="decay")
        assert "decay" in [parameter.name for parameter in optimizer.get_parameters()]
        for expected in (0.9, 0.45):
            optimizer((Tensor([0.0, 0.0]),))
            np.testing.assert_allclose(optimizer.parameters[0].asnumpy(), expected, rtol=1e-6)
            optimizer.weight_decay.set_data(Tensor(1.0))

    def test_a_decay_that_would_be_ignored_raises(self):
        optimizer = nn.Momentum([weight()], 0.5, 0.9)
        optimizer.weight_decay = 0.1
        with pytest.raises(StateError, match="Momentum: `weight_decay` was set, but .* created without weight decay"):
            optimizer((Tensor([0.0, 0.0]),))
        optimizer.exec_weight_decay = True
        optimizer((Tensor([0.0, 0.0]),))
        np.testing.assert_allclose(optimizer.parameters[0].asnumpy(), 0.95, rtol=1e-6)


class TestAttributesForSubclasses:
    def test_decay_flags_without_groups_depend_on_the_name(self):
        params = [weight(name=name) for name in ("conv.weight", "bn.gamma", "bn.beta", "fc.bias")]
        for decay in (0.0, 0.1):
            assert nn.Momentum(params, 0.1, 0.9, weight_decay=decay).decay_flags == (True, False, False, True)

    def test_broadcast(self):
        optimizer = nn.Momentum([weight()], 0.1, 0.9)
        assert optimizer.use_parallel is False
        with pytest.raises(StateError, match="nothing to broadcast"):
            optimizer.broadcast_params(())

    def test_registered_arguments(self):
        class Own(nn.Optimizer):
            @nn.optim.opt_init_args_register
            def __init__(self, params, learning_rate=0.1, factor=2, weight_decay=0.0):
                super().__init__(learning_rate, params, weight_decay)

        params = [weight()]
        optimizer = Own(params, factor=3)
        assert optimizer.init_params["params"] is params
        assert (optimizer.init_learning_rate, optimizer.init_args) == (0.1, {"factor": 3, "weight_decay": 0.0})
        assert Own(params, nn.WarmUpLR(0.1, 2)).init_learning_rate is None
        assert Own(params, Tensor(0.5)).init_learning_rate == 0.5
