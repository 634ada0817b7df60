"""SequentialCell, CellList, CellDict: list and dict behavior, Parameter names, messages."""

from __future__ import annotations

import re
from collections import OrderedDict

import numpy as np
import pytest

from sporax import nn, transforms
from sporax._errors import ArgumentError, ArgumentTypeError, CellError
from sporax.core import Tensor


def dense(size=1):
    return nn.Dense(size, size, has_bias=False)


def names(cell):
    return [(path, parameter.name) for path, parameter in cell.parameters_and_names()]


def kinds(cells):
    return [cell.cls_name for cell in cells]


@pytest.fixture
def net():
    return nn.SequentialCell(nn.ReLU(), dense(2), nn.Tanh())


class TestSequentialCell:
    def test_construct(self):
        w = np.array([[1.0, -2.0], [0.5, 1.0]], np.float32)
        net = nn.SequentialCell(nn.Dense(2, 2, Tensor(w), has_bias=False), nn.ReLU())
        x = np.array([[1.0, 2.0]], np.float32)
        np.testing.assert_allclose(net(Tensor(x)).asnumpy(), np.maximum(x @ w.T, 0))

    @pytest.mark.parametrize(
        "net",
        [
            nn.SequentialCell(nn.ReLU(), nn.Tanh()),
            nn.SequentialCell([nn.ReLU(), nn.Tanh()]),
            nn.SequentialCell((nn.ReLU(), nn.Tanh())),
            nn.SequentialCell(nn.CellList([nn.ReLU(), nn.Tanh()])),
        ],
    )
    def test_forms_of_the_arguments(self, net):
        assert repr(net) == "SequentialCell(\n  (0): ReLU()\n  (1): Tanh()\n)"
        assert kinds(net.cell_list) == ["ReLU", "Tanh"]

    def test_empty(self):
        x = Tensor([1.0])
        for net in (nn.SequentialCell(), nn.SequentialCell([])):
            assert net(x) is x
            assert (len(net), bool(net), repr(net)) == (0, False, "SequentialCell()")

    def test_one_cell_is_not_a_list(self):
        assert kinds(nn.SequentialCell(nn.SequentialCell(nn.ReLU()))) == ["SequentialCell"]

    def test_named(self):
        net = nn.SequentialCell(OrderedDict([("x", dense()), ("y", nn.ReLU())]))
        assert names(net) == [("x.weight", "x.weight")]
        net.append(dense(2))
        assert repr(net) == (
            "SequentialCell(\n  (x): Dense(input_channels=1, output_channels=1)\n  (y): ReLU()\n"
            "  (2): Dense(input_channels=2, output_channels=2)\n)"
        )
        assert net.x is net[0]
        del net[0]
        assert names(net) == [("1.weight", "1.weight")]
        assert not hasattr(net, "x")

    def test_a_name_that_looks_like_a_position(self):
        net = nn.SequentialCell(OrderedDict([("1", nn.ReLU()), ("b", nn.Tanh())]))
        net.append(nn.Sigmoid())
        assert kinds(net) == ["ReLU", "Tanh", "Sigmoid"]

    def test_reading(self, net):
        assert kinds(net) == ["ReLU", "Dense", "Tanh"]
        assert (net[0].cls_name, net[-1].cls_name, net[np.int64(1)].cls_name) == ("ReLU", "Tanh", "Dense")
        assert len(net) == 3
        assert net[1] in list(net)

    def test_slices_share_cells_and_names(self, net):
        part = net[1:]
        assert repr(net[::2]) == "SequentialCell(\n  (0): ReLU()\n  (2): Tanh()\n)"
        assert part[0] is net[1]
        assert names(part) == names(net) == [("1.weight", "1.weight")]
        assert part(Tensor([[1.0, 2.0]])).shape == (1, 2)

    def test_append_insert_extend(self, net):
        assert net.append(dense(2)) is None
        net.insert(0, dense(2))
        net.extend([nn.ReLU(), nn.Sigmoid()])
        assert kinds(net) == ["Dense", "ReLU", "Dense", "Tanh", "Dense", "ReLU", "Sigmoid"]
        assert names(net) == [(f"{i}.weight", f"{i}.weight") for i in (0, 2, 4)]
        net.insert(len(net), nn.ReLU())
        net.insert(-1, nn.Mish())
        assert kinds(net)[-2:] == ["Mish", "ReLU"]

    def test_assignment_and_deletion(self, net):
        net[0] = dense(2)
        net[-1] = nn.Sigmoid()
        assert kinds(net) == ["Dense", "Dense", "Sigmoid"]
        del net[0]
        assert names(net) == [("0.weight", "0.weight")]
        del net[0:1]
        assert kinds(net) == ["Sigmoid"]

    def test_modes_apply_to_the_cells(self, net):
        assert all(cell.training for cell in net.set_train())
        assert all(cell.requires_grad for cell in net.set_grad())

    def test_gradients_and_compiling(self):
        net = nn.SequentialCell(dense(2), nn.Tanh(), dense(2))
        x = Tensor([[0.5, -0.25]])
        eager = transforms.grad(lambda x: net(x).sum())(x).asnumpy()
        compiled = transforms.jit(transforms.grad(lambda x: net(x).sum()))(x).asnumpy()
        np.testing.assert_allclose(compiled, eager, rtol=1e-5, atol=1e-7)

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (
                lambda s: nn.SequentialCell(nn.ReLU(), 3),
                ArgumentTypeError,
                "every element must be a Cell, but got 3 of type int",
            ),
            (lambda s: nn.SequentialCell(nn.ReLU), ArgumentTypeError, "but got the class ReLU; pass an instance"),
            (lambda s: nn.SequentialCell("a"), ArgumentTypeError, "but got 'a' of type str"),
            (lambda s: nn.SequentialCell([nn.ReLU()], nn.ReLU()), ArgumentTypeError, "of type list"),
            (lambda s: s.append(3), ArgumentTypeError, "SequentialCell: every element must be a Cell"),
            (lambda s: s.extend(nn.ReLU()), ArgumentTypeError, "but got the Cell ReLU. Use append for a single one."),
            (lambda s: s[3], IndexError, "SequentialCell: index 3 is out of range [-3, 2]; it holds 3 Cells"),
            (lambda s: s.insert(5, nn.ReLU()), IndexError, "index 5 is out of range [-3, 3]"),
            (lambda s: s.__setitem__(9, nn.ReLU()), IndexError, "index 9 is out of range"),
            (lambda s: s.__delitem__(-4), IndexError, "index -4 is out of range"),
            (lambda s: s["a"], ArgumentTypeError, "the index must be an int, but got 'a' of type str"),
            (lambda s: s(Tensor([1.0]), Tensor([1.0])), CellError, "construct(input_data) was called with 2 input(s)"),
            (
                lambda s: nn.SequentialCell(OrderedDict([("a.b", nn.ReLU())])),
                ArgumentError,
                "must be non-empty, without dots and spaces, but got 'a.b'",
            ),
            (
                lambda s: nn.SequentialCell(OrderedDict([("append", nn.ReLU())])),
                ArgumentError,
                "the key 'append' is the name of an attribute",
            ),
        ],
    )
    def test_errors(self, net, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call(net)
        assert kinds(net) == ["ReLU", "Dense", "Tanh"]


class TestCellList:
    def test_as_a_list(self):
        cells = nn.CellList([nn.Tanh()])
        assert cells.append(nn.ReLU()) is None
        assert cells.extend([nn.Mish()]) is cells
        cells.insert(0, nn.Sigmoid())
        assert kinds(cells) == ["Sigmoid", "Tanh", "ReLU", "Mish"]
        cells[1] = nn.ReLU6()
        del cells[0]
        assert kinds(cells) == ["ReLU6", "ReLU", "Mish"]
        assert (cells[-1].cls_name, len(cells)) == ("Mish", 3)
        assert repr(nn.CellList()) == "CellList()"

    def test_slices_are_renumbered_and_keep_parameter_names(self):
        cells = nn.CellList([dense(), dense(2)])
        part = cells[1:]
        assert repr(part) == "CellList(\n  (0): Dense(input_channels=2, output_channels=2)\n)"
        assert part[0] is cells[1]
        assert names(cells) == [("0.weight", "0.weight"), ("1.weight", "1.weight")]

    def test_names_follow_the_positions(self):
        cells = nn.CellList([dense()])
        cells.insert(0, dense())
        assert names(cells) == [("0.weight", "0.weight"), ("1.weight", "1.weight")]

    def test_without_prefix(self):
        cells = nn.CellList([dense()], auto_prefix=False)
        assert names(cells) == [("0.weight", "weight")]

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (
                lambda: nn.CellList([1]),
                ArgumentTypeError,
                "CellList: every element must be a Cell, but got 1 of type int",
            ),
            (lambda: nn.CellList(nn.ReLU()), ArgumentTypeError, "must be a list of Cells, but got the Cell ReLU"),
            (lambda: nn.CellList(nn.ReLU(), nn.ReLU()), ArgumentTypeError, "Pass a list: CellList([...])"),
            (lambda: nn.CellList([], prefix=1), ArgumentTypeError, "unknown argument(s) 'prefix'"),
            (lambda: nn.CellList([nn.ReLU()])[2], IndexError, "CellList: index 2 is out of range [-1, 0]; it holds 1"),
            (lambda: nn.CellList()[0], IndexError, "it holds 0 Cells"),
            (lambda: nn.CellList([nn.ReLU()]).insert("a", nn.ReLU()), ArgumentTypeError, "but got 'a' of type str"),
            (lambda: nn.CellList([nn.ReLU()])(Tensor(1)), CellError, "cannot be called. Call its Cells in your own"),
        ],
    )
    def test_errors(self, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call()


class TestCellDict:
    def test_as_a_dict(self):
        cells = nn.CellDict({"a": nn.ReLU()})
        cells["b"] = dense()
        cells.update([["c", nn.Tanh()]])
        cells.update(nn.CellDict({"d": nn.Mish()}))
        assert list(cells) == list(cells.keys()) == ["a", "b", "c", "d"]
        assert kinds(cells.values()) == ["ReLU", "Dense", "Tanh", "Mish"]
        assert next(iter(cells.items()))[0] == "a"
        assert (len(cells), "a" in cells, "z" in cells) == (4, True, False)
        assert names(cells) == [("b.weight", "b.weight")]
        cells["a"] = nn.Sigmoid()
        assert cells["a"].cls_name == "Sigmoid"
        assert cells.pop("c").cls_name == "Tanh"
        del cells["d"]
        assert list(cells) == ["a", "b"]
        cells.clear()
        assert (len(cells), repr(cells), names(cells)) == (0, "CellDict()", [])
        cells["a"] = nn.ReLU()
        assert repr(cells) == "CellDict(\n  (a): ReLU()\n)"

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (lambda d: d["b"], KeyError, "there is no key 'b'; it has ['a']"),
            (lambda d: d.pop("b"), KeyError, "there is no key 'b'"),
            (lambda d: d.__delitem__("b"), KeyError, "there is no key 'b'"),
            (lambda d: nn.CellDict({"a b": nn.ReLU()}), ArgumentError, "without dots and spaces, but got 'a b'"),
            (lambda d: nn.CellDict({"a.b": nn.ReLU()}), ArgumentError, "but got 'a.b'"),
            (lambda d: nn.CellDict({"": nn.ReLU()}), ArgumentError, "must be non-empty"),
            (lambda d: nn.CellDict({1: nn.ReLU()}), ArgumentTypeError, "a key must be a str, but got 1 of type int"),
            (lambda d: nn.CellDict({"a": 1}), ArgumentTypeError, "CellDict: every element must be a Cell, but got 1"),
            (lambda d: nn.CellDict({"keys": nn.ReLU()}), ArgumentError, "'keys' is the name of an attribute of"),
            (lambda d: nn.CellDict(3), ArgumentTypeError, "a mapping or a list of (name, Cell) pairs, but got 3"),
            (lambda d: nn.CellDict(["ab"]), ArgumentTypeError, "expected a (name, Cell) pair, but got 'ab'"),
            (lambda d: nn.CellDict({}, {}), ArgumentTypeError, "takes one mapping and `auto_prefix`, but got 2"),
            (lambda d: d(Tensor(1)), CellError, "CellDict: it only holds Cells"),
        ],
    )
    def test_errors(self, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call(nn.CellDict({"a": nn.ReLU()}))
