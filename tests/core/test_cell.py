"""Cell: registration, naming, modes, hooks, casts, copies, and the messages of its errors."""

from __future__ import annotations

import copy
import pickle
import re
from collections import OrderedDict

import numpy as np
import pytest

import sporax.core.dtype as dt
from sporax import nn, transforms
from sporax._errors import ArgumentError, ArgumentTypeError, CellError, UninitializedCellError
from sporax.core import Cell, Parameter, ParameterTuple, Tensor, context


class Bare(Cell):
    def __init__(self, auto_prefix=True):
        super().__init__(auto_prefix)
        self.w = Parameter(Tensor([1.0]), name="my_name")

    def construct(self, x):
        return x * self.w


class Nest(Cell):
    def __init__(self, auto_prefix=True):
        super().__init__(auto_prefix=auto_prefix)
        self.a = Bare()
        self.b = nn.CellList([Bare(), Bare()])
        self.c = nn.SequentialCell(Bare())


class Net(Cell):
    def __init__(self):
        super().__init__()
        self.alpha = Parameter(Tensor(1.0))
        self.beta = Parameter(Tensor(1.0))
        self.fc = nn.Dense(3, 4, activation="relu")
        self.bn = nn.BatchNorm1d(4)
        self.seq = nn.SequentialCell(nn.Dense(4, 2, has_bias=False), nn.ReLU(), nn.Flatten())
        self.lst = nn.CellList([nn.Dense(2, 2), nn.Dropout(p=0.3)])
        self.emb = nn.Embedding(5, 3)
        self.shared = self.fc


def names(cell):
    return [(path, parameter.name) for path, parameter in cell.parameters_and_names()]


# The printed form of Net in MindSpore 2.10.
NET = """Net(
  (fc): Dense(
    input_channels=3, output_channels=4, has_bias=True, activation=ReLU()
    (activation): ReLU()
  )
  (bn): BatchNorm1d(num_features=4, eps=1e-05, momentum=0.9, gamma=Parameter (name=bn.gamma, shape=(4,), \
dtype=Float32, requires_grad=True), beta=Parameter (name=bn.beta, shape=(4,), dtype=Float32, \
requires_grad=True), moving_mean=Parameter (name=bn.moving_mean, shape=(4,), dtype=Float32, requires_grad=False), \
moving_variance=Parameter (name=bn.moving_variance, shape=(4,), dtype=Float32, requires_grad=False))
  (seq): SequentialCell(
    (0): Dense(input_channels=4, output_channels=2)
    (1): ReLU()
    (2): Flatten()
  )
  (lst): CellList(
    (0): Dense(input_channels=2, output_channels=2, has_bias=True)
    (1): Dropout(p=0.3)
  )
  (emb): Embedding(vocab_size=5, embedding_size=3, use_one_hot=False, embedding_table=Parameter \
(name=emb.embedding_table, shape=(5, 3), dtype=Float32, requires_grad=True), dtype=Float32, padding_idx=None)
  (shared): Dense(
    input_channels=3, output_channels=4, has_bias=True, activation=ReLU()
    (activation): ReLU()
  )
)"""


class TestAsMindSpore:
    """The expected values are those of MindSpore 2.10."""

    def test_printed_form(self):
        assert repr(Net()) == NET
        assert repr(Nest()) == (
            "Nest(\n  (a): Bare()\n  (b): CellList(\n    (0): Bare()\n    (1): Bare()\n  )\n"
            "  (c): SequentialCell(\n    (0): Bare()\n  )\n)"
        )
        assert repr(Cell()) == "Cell()"

    def test_parameters_and_names(self):
        net = Net()
        expected = [
            ("alpha", "alpha"),
            ("beta", "beta"),
            ("fc.weight", "shared.weight"),
            ("fc.bias", "shared.bias"),
            ("bn.moving_mean", "bn.moving_mean"),
            ("bn.moving_variance", "bn.moving_variance"),
            ("bn.gamma", "bn.gamma"),
            ("bn.beta", "bn.beta"),
            ("seq.0.weight", "seq.0.weight"),
            ("lst.0.weight", "lst.0.weight"),
            ("lst.0.bias", "lst.0.bias"),
            ("emb.embedding_table", "emb.embedding_table"),
        ]
        assert names(net) == expected
        assert [p.name for p in net.get_parameters()] == [name for _, name in expected]
        assert list(net.parameters_dict()) == [name for _, name in expected]
        assert isinstance(net.parameters_dict(), OrderedDict)
        assert [p.name for p in net.trainable_params()] == [n for _, n in expected if "moving" not in n]
        assert [p.name for p in net.untrainable_params()] == ["bn.moving_mean", "bn.moving_variance"]
        assert [p.name for p in net.get_parameters(expand=False)] == ["alpha", "beta"]
        prefixed = net.parameters_and_names(name_prefix="pre")
        assert [path for path, _ in prefixed] == [f"pre.{path}" for path, _ in expected]

    def test_cells_and_names(self):
        net = Net()
        assert [(path, cell.cls_name) for path, cell in net.cells_and_names()] == [
            ("", "Net"),
            ("fc", "Dense"),
            ("fc.activation", "ReLU"),
            ("bn", "BatchNorm1d"),
            ("seq", "SequentialCell"),
            ("seq.0", "Dense"),
            ("seq.1", "ReLU"),
            ("seq.2", "Flatten"),
            ("lst", "CellList"),
            ("lst.0", "Dense"),
            ("lst.1", "Dropout"),
            ("emb", "Embedding"),
        ]
        assert list(net.name_cells()) == ["fc", "bn", "seq", "lst", "emb"]
        assert [cell.cls_name for cell in net.cells()][:2] == ["Dense", "BatchNorm1d"]

    def test_auto_prefix(self):
        assert names(Nest()) == [("a.w", "a.w"), ("b.0.w", "b.0.w"), ("b.1.w", "b.1.w"), ("c.0.w", "c.0.w")]
        assert names(Nest(False)) == [
            ("a.w", "my_name"),
            ("b.0.w", "0.w"),
            ("b.1.w", "1.w"),
            ("c.0.w", "0.w"),
        ]
        assert names(Bare()) == [("w", "my_name")]

    def test_a_shared_cell_is_named_by_its_last_attribute(self):
        fc = nn.Dense(2, 2)
        assert names(nn.SequentialCell(fc, fc)) == [("0.weight", "1.weight"), ("0.bias", "1.bias")]

    def test_a_tuple_of_parameters_belongs_to_its_cell(self):
        class Pair(Cell):
            def __init__(self):
                super().__init__()
                self.w = Parameter(Tensor(1.0), name="foo")
                self.t = ParameterTuple([Parameter(1.0, name="a"), Parameter(2.0, name="b")])

        pair = Pair()
        assert names(pair) == [("w", "foo"), ("a", "a"), ("b", "b")]
        assert names(nn.SequentialCell(pair)) == [("0.w", "0.w"), ("0.a", "0.a"), ("0.b", "0.b")]
        assert [p.name for p in pair.t] == ["0.a", "0.b"]

    def test_a_list_of_parameters_is_not_registered(self):
        cell = Cell()
        cell.t = [Parameter(1.0, name="a")]
        cell.c = [nn.Dense(1, 1)]
        assert names(cell) == []

    def test_modes(self):
        net = Net()
        assert (net.training, net.fc.training) == (False, False)
        assert net.set_train() is net
        assert (net.training, net.fc.training, net.fc.activation.training) == (True, True, True)
        assert not net.set_train(False).fc.training


class TestNaming:
    def test_parameters_added_later_are_named_by_their_attribute(self):
        # As in MindSpore; tests/nn/test_parameter_names.py compares the names in many more networks.
        net = Cell()
        net.block = Cell()
        net.block.layers = nn.CellList()
        net.block.layers.append(nn.Dense(1, 1, has_bias=False))
        net.block.extra = Bare()
        net.block.scale = Parameter(1.0)
        assert names(net) == [
            ("block.scale", "scale"),
            ("block.layers.0.weight", "0.weight"),
            ("block.extra.w", "extra.w"),
        ]

    def test_prefixes_do_not_accumulate(self):
        inner = Bare()
        for _ in range(2):
            outer = Cell()
            outer.net = inner
        assert names(outer) == [("net.w", "net.w")]

    def test_update_parameters_name(self):
        net = Nest()
        net.update_parameters_name("x.")
        assert names(net)[0] == ("a.w", "x.a.w")

    def test_unnamed_members_of_a_tuple(self):
        cell = Cell()
        cell.t = ParameterTuple([Parameter(1.0), Parameter(2.0)])
        assert names(cell) == [("Parameter$1", "Parameter$1"), ("Parameter$2", "Parameter$2")]
        cell.t = None
        assert names(cell) == []

    def test_tuple_elements_with_equal_names_are_kept(self):
        cell = Cell()
        cell.a = ParameterTuple([Parameter(1.0, name="w")])
        cell.b = ParameterTuple([Parameter(2.0, name="w")])
        cell.w = Parameter(3.0)
        assert [p.item() for p in cell.get_parameters()] == [1.0, 2.0, 3.0]

    def test_param_prefix(self):
        net = Net()
        net.update_cell_prefix()
        assert net.seq[0].param_prefix == "seq.0"


class TestAttributes:
    def test_a_tensor_given_to_a_parameter_changes_its_value(self):
        cell = Bare()
        kept = cell.w
        cell.w = Tensor([5.0])
        assert cell.w is kept
        assert kept.tolist() == [5.0]

    def test_a_parameter_replaces_a_parameter(self):
        cell = Bare()
        cell.w = Parameter(Tensor([1.0, 2.0]), name="other")
        assert names(cell) == [("w", "other")]

    def test_a_parameter_replaces_a_cell_and_back(self):
        cell = Cell()
        cell.x = nn.ReLU()
        cell.x = Parameter(1.0)
        assert (len(list(cell.cells())), names(cell)) == (0, [("x", "x")])
        cell.x = nn.Dense(1, 1, has_bias=False)
        assert names(cell) == [("x.weight", "x.weight")]

    def test_none_and_del_remove_an_attribute(self):
        net = Net()
        net.seq = None
        net.alpha = None
        del net.emb
        assert net.seq is None
        assert not any(path.startswith(("seq", "alpha", "emb")) for path, _ in names(net))
        assert "(emb)" not in repr(net)
        with pytest.raises(AttributeError, match="has no attribute 'emb'"):
            net.emb

    def test_plain_attributes(self):
        cell = Cell()
        cell.k = 3
        cell.t = Tensor([1.0])
        cell.k, cell.t = "x", Tensor([2.0, 3.0])
        assert (cell.k, cell.t.shape) == ("x", (2,))

    def test_insert(self):
        cell = Cell()
        cell.insert_param_to_cell("p", Parameter(1.0))
        cell.insert_child_to_cell("act", nn.ReLU())
        assert names(cell) == [("p", "p")]
        assert repr(cell.act) == "ReLU()"

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (
                lambda n: setattr(n.fc, "weight", 3),
                CellError,
                "Dense: `self.weight` is a Parameter, so it cannot be set to 3",
            ),
            (
                lambda n: setattr(n, "fc", 3),
                CellError,
                "Net: `self.fc` is a Cell, so it cannot be set to 3 of type int",
            ),
            (lambda n: n.nope, AttributeError, "The 'Net' object has no attribute 'nope'"),
            (
                lambda n: n.insert_param_to_cell("p.q", Parameter(1.0)),
                ArgumentError,
                "must not contain a dot, but got 'p.q'",
            ),
            (
                lambda n: n.insert_param_to_cell("fc", Parameter(1.0)),
                ArgumentError,
                "Net already has a Cell 'fc'; use another",
            ),
            (
                lambda n: n.insert_param_to_cell("p", 3),
                ArgumentTypeError,
                "`param` must be a Parameter, but got int",
            ),
            (
                lambda n: n.insert_child_to_cell("p", 3),
                ArgumentTypeError,
                "`child_cell` must be a Cell, but got 3",
            ),
            (
                lambda n: n.insert_child_to_cell("p.q", nn.ReLU()),
                ArgumentError,
                "`child_name` must not be empty or contain a dot, but got 'p.q'",
            ),
            (
                lambda n: n.insert_child_to_cell("construct", nn.ReLU()),
                ArgumentError,
                "already has an attribute 'construct'",
            ),
        ],
    )
    def test_errors(self, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call(Net())


class TestMissingSuper:
    def test_before_a_parameter_or_a_cell(self):
        for value in (Parameter(1.0), nn.ReLU(), ParameterTuple([Parameter(1.0)])):

            class NoSuper(Cell):
                def __init__(self, value=value):
                    self.a = 3
                    self.fc = value

            with pytest.raises(
                UninitializedCellError,
                match=r"NoSuper: call super\(\).__init__\(\) before assigning `self.fc`",
            ):
                NoSuper()

    def test_at_the_call(self):
        class NoSuper(Cell):
            def __init__(self):
                self.k = 2

            def construct(self, x):
                return x * self.k

        cell = NoSuper()
        with pytest.raises(UninitializedCellError, match=r"call super\(\).__init__\(\) first in __init__"):
            cell.parameters_dict()


class TestCalling:
    @pytest.mark.parametrize(
        ("args", "message"),
        [
            ((), "Dense.construct(x) was called with 0 input(s): none. Missing a required argument: 'x'."),
            (
                (Tensor([[1.0, 2]]), Tensor([1])),
                "construct(x) was called with 2 input(s): Tensor[1, 2] Float32, Tensor[1] Int64. Too many",
            ),
        ],
    )
    def test_wrong_number_of_inputs(self, args, message):
        with pytest.raises(CellError, match=re.escape(message)):
            nn.Dense(2, 1)(*args)

    def test_a_type_error_of_user_code_is_not_changed(self):
        class Own(Cell):
            def construct(self, x):
                return len(3)

        with pytest.raises(TypeError, match=r"object of type 'int' has no len\(\)") as caught:
            Own()(1)
        assert not isinstance(caught.value, CellError)

    def test_no_construct(self):
        class Empty(Cell):
            pass

        with pytest.raises(CellError, match=r"Empty: `construct` is not defined\. Write `def construct"):
            Empty()(Tensor(1))

    def test_any_inputs_and_outputs(self):
        class Many(Cell):
            def construct(self, x, *rest, scale=1, **named):
                return {"sum": x * scale + sum(rest), "named": named}

        out = Many()(Tensor([1.0]), Tensor([2.0]), scale=3, extra="e")
        assert out["sum"].tolist() == [5.0]
        assert out["named"] == {"extra": "e"}

    def test_graph_mode_gives_the_same_result(self):
        net, x = nn.Dense(2, 1), Tensor([[1.0, 2.0]])
        eager = net(x)
        context.set_context(mode=context.GRAPH_MODE)
        np.testing.assert_allclose(net(x).asnumpy(), eager.asnumpy(), rtol=1e-6)


class TestHooks:
    def test_forward_hooks(self):
        fc, seen = nn.Dense(2, 1, "ones", "zeros"), []
        first = fc.register_forward_pre_hook(lambda cell, inputs: seen.append(("pre", cell, inputs)))
        second = fc.register_forward_pre_hook(lambda cell, inputs: (inputs[0] * 2,))
        third = fc.register_forward_hook(lambda cell, inputs, output: output + 1)
        x = Tensor([[1.0, 2.0]])
        assert fc(x).tolist() == [[7.0]]
        assert seen[0][:2] == ("pre", fc)
        assert isinstance(seen[0][2], tuple)
        for handle in (first, second, third, third):
            handle.remove()
        assert fc(x).tolist() == [[3.0]]
        assert len(seen) == 1

    def test_backward_hook(self):
        fc, seen = nn.Dense(2, 1, "ones", "zeros"), []
        handle = fc.register_backward_hook(
            lambda cell, grad_input, grad_output: seen.append((grad_input[0].tolist(), grad_output[0].tolist()))
        )
        x = Tensor([[1.0, 2.0]])
        assert transforms.grad(lambda x: (fc(x) * 3).sum())(x).tolist() == [[3.0, 3.0]]
        assert seen == [([[3.0, 3.0]], [[3.0]])]
        handle.remove()
        fc.register_backward_hook(lambda cell, grad_input, grad_output: (grad_input[0] * 10,))
        assert transforms.grad(lambda x: fc(x).sum())(x).tolist() == [[10.0, 10.0]]


class TestToFloat:
    @pytest.mark.parametrize("kind", [dt.float16, dt.bfloat16], ids=str)
    def test_inputs_and_parameters_are_cast(self, kind):
        fc = nn.Dense(2, 1, 0.1, "zeros")
        assert fc.to_float(kind) is fc
        out = fc(Tensor([[1.0, 2.0]]))
        assert out.dtype is kind
        assert fc.weight.dtype is dt.float32
        assert out.item() == pytest.approx(0.3, rel=1e-2)

    def test_back_to_float32(self):
        fc = nn.Dense(2, 1).to_float(dt.float16).to_float(dt.float32)
        assert fc(Tensor([[1.0, 2.0]])).dtype is dt.float32
        assert fc(Tensor([[1.0, 2.0]], dt.bfloat16)).dtype is dt.float32
        half = nn.Dense(2, 1, dtype=dt.bfloat16).to_float(dt.float32)
        assert half(Tensor([[1.0, 2.0]])).dtype is dt.float32

    def test_integers_are_not_cast(self):
        table = nn.Embedding(3, 2).to_float(dt.float16)
        assert table(Tensor([1])).dtype is dt.float16

    def test_the_cast_applies_only_inside_the_cell(self):
        fc = nn.Dense(2, 1).to_float(dt.float16)

        class Two(Cell):
            def __init__(self):
                super().__init__()
                self.fc = fc
                self.w = Parameter(Tensor([[1.0]]))

            def construct(self, x):
                return self.fc(x), self.w * 2

        half, full = Two()(Tensor([[1.0, 2.0]]))
        assert (half.dtype, full.dtype) == (dt.float16, dt.float32)

    def test_gradients_have_the_dtype_of_the_parameters(self):
        fc = nn.Dense(2, 1).to_float(dt.float16)
        grads = transforms.grad(lambda x: fc(x).sum(), None, fc.trainable_params())(Tensor([[1.0, 2.0]]))
        assert [g.dtype for g in grads] == [dt.float32, dt.float32]
        np.testing.assert_allclose(grads[0].asnumpy(), [[1.0, 2.0]])

    def test_other_dtypes_raise(self):
        message = "to_float: `dst_type` must be float16, bfloat16 or float32, but got Int8"
        with pytest.raises(ArgumentError, match=message):
            nn.Dense(2, 1).to_float(dt.int8)


class TestCopies:
    @pytest.mark.parametrize("copier", [copy.deepcopy, lambda cell: pickle.loads(pickle.dumps(cell))])
    def test_a_copy_is_independent(self, copier):
        net = Net().set_train()
        clone = copier(net)
        assert repr(clone) == repr(net)
        assert names(clone) == names(net)
        assert clone.training
        assert clone.shared is clone.fc
        # Also in the copy, the attribute and the registered Parameter are the same object.
        assert clone.fc.weight is dict(clone.parameters_and_names())["fc.weight"]
        before = net.fc.weight.asnumpy()
        clone.fc.weight.set_data(Tensor(np.zeros((4, 3), np.float32)))
        np.testing.assert_array_equal(net.fc.weight.asnumpy(), before)

    def test_apply(self):
        seen = []
        net = Nest()
        assert net.apply(lambda cell: seen.append(cell.cls_name)) is net
        assert seen[-1] == "Nest"
        assert seen.count("Bare") == 4

    def test_flags(self):
        cell = Cell(flags={"fp16": True}).add_flags(k=2)
        assert cell.get_flags() == {"fp16": True, "k": 2}
        assert cell.k == 2

    def test_cells_are_compared_by_identity(self):
        assert nn.ReLU() != nn.ReLU()
        assert len({nn.ReLU(), nn.ReLU()}) == 2


def test_training_is_part_of_a_compiled_program():
    class Mode(Cell):
        def construct(self, x):
            return x * 2 if self.training else x

    cell = Mode()
    run = transforms.jit(lambda x: cell(x))
    assert run(Tensor(1.0)).item() == 1.0
    cell.set_train()
    assert run(Tensor(1.0)).item() == 2.0
    cell.set_train(False)
    assert run(Tensor(1.0)).item() == 1.0


class _Headed(nn.Cell):
    def __init__(self):
        super().__init__()
        self.head = nn.Dense(2, 1, "ones", "zeros")
        self.scale = Parameter(np.float32(1.0), name="scale")
        self.rest = nn.CellList([nn.ReLU()])
        self.seq = nn.SequentialCell(nn.ReLU())

    def construct(self, x):
        x = self.head(x) * self.scale
        for cell in self.rest:
            x = cell(x)
        return self.seq(x)


class _Negated(nn.Cell):
    def construct(self, x):
        return -x


class TestChangesAfterCompilation:
    """A compiled program must not use Cells, Parameters or flags that were replaced."""

    @pytest.mark.parametrize(
        ("change", "expected"),
        [
            (lambda net: setattr(net, "head", nn.Dense(2, 1, "ones", "ones")), 4.0),
            (lambda net: net.insert_child_to_cell("head", nn.Dense(2, 1, "ones", "ones")), 4.0),
            (lambda net: setattr(net, "scale", Parameter(np.float32(2.0), name="scale")), 6.0),
            (lambda net: net.insert_param_to_cell("scale", Parameter(np.float32(2.0), name="scale")), 6.0),
            (lambda net: net.seq.append(_Negated()), -3.0),
            (lambda net: net.seq.__setitem__(0, _Negated()), -3.0),
            (lambda net: net.rest.insert(1, _Negated()), 0.0),
            (lambda net: net.rest.__setitem__(0, _Negated()), 0.0),
            (lambda net: (net.rest.append(_Negated()), net.rest.__delitem__(1), net.seq.append(_Negated())), -3.0),
            (lambda net: setattr(net, "scale", None) or setattr(net, "scale", 5.0), 15.0),
        ],
    )
    def test_structure(self, change, expected):
        net, x = _Headed(), Tensor([[1.0, 2.0]])
        compiled = transforms.jit(net)
        for _ in range(3):
            assert compiled(x).item() == 3.0
        change(net)
        assert net(x).item() == expected
        assert compiled(x).item() == expected

    def test_flags(self):
        class Marked(nn.Cell):
            def construct(self, x):
                return x * 2 if self.twice else x

        cell, x = Marked().add_flags(twice=False), Tensor([3.0])
        compiled = transforms.jit(cell)
        for _ in range(3):
            assert compiled(x).item() == 3.0
        cell.add_flags(twice=True)
        assert compiled(x).item() == 6.0

    @pytest.mark.parametrize(("mark", "kind"), [("fp16", dt.float16), ("bf16", dt.bfloat16), ("fp32", dt.float32)])
    def test_precision_flags_compute_in_their_dtype(self, mark, kind):
        net = _Headed().add_flags_recursive(**{mark: True})
        assert net(Tensor(np.array([[1.0, 2.0]], np.float32))).dtype is kind
        assert net.head.weight.dtype is dt.float32
