"""Names of Parameters compared with MindSpore 2.10, because checkpoints depend on them."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import sporax
from sporax import Parameter, Tensor, jit, nn
from sporax._errors import ArgumentError, SporaxWarning

DATA = Path(__file__).parent / "data"
RECORDED = json.loads((DATA / "parameter_names.json").read_text())["patterns"]


def _load_patterns():
    spec = importlib.util.spec_from_file_location("naming_patterns", DATA / "naming_patterns.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


naming_patterns = _load_patterns()

# A CellList as the only argument is unpacked; in MindSpore it becomes one Cell, which cannot be called.
OURS = {"sequence_of_a_cell_list"}


def test_every_pattern_is_recorded():
    assert list(RECORDED) == naming_patterns.patterns()
    assert len(RECORDED) > 120


@pytest.mark.parametrize("pattern", [name for name, value in RECORDED.items() if isinstance(value, list)])
def test_names_are_those_of_mindspore(pattern):
    got = naming_patterns.names(pattern, sporax)
    if pattern in OURS:
        assert got != RECORDED[pattern]
        assert all(path == name for path, name in got)
    elif pattern.startswith("train_cell"):
        # MindSpore lists the trained Parameters first as members of TrainOneStepCell.weights.
        assert [name for _, name in got] == [name for _, name in RECORDED[pattern]]
    else:
        assert got == RECORDED[pattern]


@pytest.mark.parametrize("pattern", [name for name, value in RECORDED.items() if isinstance(value, str)])
def test_parameters_that_mindspore_rejects_are_named_by_their_paths(pattern):
    got = naming_patterns.names(pattern, sporax)
    assert got
    assert all(path == name for path, name in got)


class TwoLists(nn.Cell):
    """Both lists are filled after their assignment, so that both begin with `0.weight`."""

    def __init__(self):
        super().__init__()
        self.a = nn.CellList()
        self.b = nn.CellList()
        self.a.append(nn.Dense(1, 1, has_bias=False))
        self.b.append(nn.Dense(1, 1, has_bias=False))

    def construct(self, x):
        return self.b[0](self.a[0](x))


class TestRepeatedNames:
    # MindSpore names by paths at the first call of the network, where two Parameters have one name.

    @pytest.mark.parametrize(
        "ask",
        [
            lambda net: net.trainable_params(),
            lambda net: net.parameters_dict(),
            lambda net: net.check_names_and_refresh_name(),
        ],
    )
    def test_paths_where_names_repeat(self, ask):
        net = TwoLists()
        assert [parameter.name for parameter in net.get_parameters()] == ["0.weight", "0.weight"]
        ask(net)
        assert [parameter.name for parameter in net.get_parameters()] == ["a.0.weight", "b.0.weight"]

    def test_no_weight_is_lost_in_a_checkpoint(self, tmp_path):
        net, other = TwoLists(), TwoLists()
        sporax.save_checkpoint(net, str(tmp_path / "net.ckpt"))
        values = sporax.load_checkpoint(str(tmp_path / "net.ckpt"))
        assert list(values) == ["a.0.weight", "b.0.weight"]
        assert sporax.load_param_into_net(other, values) == ([], [])
        for mine, theirs in zip(net.get_parameters(), other.get_parameters(), strict=True):
            np.testing.assert_array_equal(mine.asnumpy(), theirs.asnumpy())

    def test_other_names_do_not_change(self):
        net = nn.CellList()
        holder = nn.Cell()
        holder.l = net
        net.append(nn.Dense(1, 1, has_bias=False))
        assert [parameter.name for parameter in holder.trainable_params()] == ["0.weight"]

    def test_check_names(self):
        with pytest.raises(ArgumentError, match=r"TwoLists: several of its Parameters have the name '0\.weight'"):
            TwoLists().check_names()


class TestPlainContainers:
    """A list registers nothing, as in MindSpore; `trainable_params` warns about it."""

    @pytest.mark.parametrize(
        ("make", "kind", "instead"),
        [
            (lambda: [nn.Dense(1, 1)], "list", r"nn\.CellList"),
            (lambda: (nn.ReLU(), nn.Dense(1, 1)), "tuple", r"nn\.CellList"),
            (lambda: {"x": nn.Dense(1, 1)}, "dict", r"nn\.CellDict"),
            (lambda: [[nn.Dense(1, 1)]], "list", r"nn\.CellList"),
            (lambda: [Parameter(1.0), Parameter(2.0)], "list", "ParameterTuple"),
        ],
    )
    def test_a_warning_names_the_attribute(self, make, kind, instead):
        net = nn.SequentialCell(nn.Dense(1, 1))
        net.append(nn.Cell())
        net[1].blocks = make()
        with pytest.warns(SporaxWarning, match=rf"Cell: 2 Parameter\(s\) in `self.blocks` .* plain {kind} .*{instead}"):
            assert len(net.trainable_params()) == 2

    def test_no_warning_where_the_members_are_registered_too(self):
        net = nn.Cell()
        net.blocks = [nn.Dense(1, 1), nn.ReLU(), None, 3]
        net.run = nn.SequentialCell([nn.Dense(1, 1)])
        net.insert_child_to_cell("first", net.blocks[0])
        assert len(net.trainable_params()) == 4

    def test_no_warning_for_what_is_not_trained(self):
        net = nn.Cell()
        net.acts = [nn.ReLU(), nn.Tanh()]
        net.frozen = [Parameter(1.0, requires_grad=False)]
        assert net.trainable_params() == []


class TestChangedContainers:
    """A compiled program notices a replaced Cell in a container."""

    x = np.array([[-1.0, 2.0]], np.float32)

    @pytest.mark.parametrize(
        "change",
        [
            lambda net: net.__setitem__(0, nn.Tanh()),
            lambda net: net.append(nn.Tanh()),
            lambda net: net.insert(0, nn.Tanh()),
            lambda net: net.__delitem__(0),
            lambda net: net.extend([nn.Tanh()]),
        ],
    )
    @pytest.mark.parametrize("kind", [nn.SequentialCell, nn.CellList])
    def test_lists(self, kind, change):
        net = kind([nn.ReLU(), nn.Sigmoid()])

        def run(x):
            for cell in net:
                x = cell(x)
            return x

        compiled = jit(run)
        compiled(Tensor(self.x))
        change(net)
        np.testing.assert_allclose(compiled(Tensor(self.x)).asnumpy(), run(Tensor(self.x)).asnumpy(), rtol=1e-6)

    def test_dict(self):
        cells = nn.CellDict({"a": nn.ReLU()})
        compiled = jit(lambda x: cells["a"](x))
        compiled(Tensor(self.x))
        cells["a"] = nn.Tanh()
        np.testing.assert_allclose(compiled(Tensor(self.x)).asnumpy(), np.tanh(self.x), rtol=1e-6)

    def test_an_attribute(self):
        class Net(nn.Cell):
            def __init__(self):
                super().__init__()
                self.act = nn.ReLU()

            def construct(self, x):
                return self.act(x)

        net = Net()
        compiled = jit(lambda x: net(x))
        compiled(Tensor(self.x))
        net.act = nn.Tanh()
        np.testing.assert_allclose(compiled(Tensor(self.x)).asnumpy(), np.tanh(self.x), rtol=1e-6)
