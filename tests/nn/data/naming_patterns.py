"""Networks constructed in every way that affects the name of a Parameter.

Each pattern runs on either framework. With an interpreter that has MindSpore 2.10,

    MINDSPORE_PYTHON tests/nn/data/naming_patterns.py tests/nn/data/parameter_names.json

records the names that MindSpore gives; tests/nn/test_parameter_names.py compares them with ours. A pattern that
MindSpore rejects is recorded as the type of its error.
"""

from __future__ import annotations

import json
import sys
from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import numpy as np

PATTERNS: dict[str, Any] = {}


def pattern(function: Any) -> Any:
    PATTERNS[function.__name__] = function
    return function


def contents(function: Any) -> Any:
    """Decorator of a pattern that adds attributes to a Cell, given as `self`, in its `__init__`."""
    PATTERNS[function.__name__] = lambda ms, t: t.Holder(lambda self: function(self, ms, t))
    return function


def patterns() -> list[str]:
    """Return the names of all patterns."""
    return [*CONTENTS, *EXPRESSIONS, *PATTERNS]


def names(pattern_name: str, ms: Any) -> list[list[str]]:
    """Return (path, name) of every Parameter of the pattern's Cell."""
    t = tools(ms)
    scope = {"ms": ms, "nn": ms.nn, "OrderedDict": OrderedDict, "ParameterTuple": ms.ParameterTuple, **vars(t)}
    if pattern_name in CONTENTS:
        cell = t.Holder(lambda self: exec(CONTENTS[pattern_name], {**scope, "self": self}))
    elif pattern_name in EXPRESSIONS:
        cell = eval(EXPRESSIONS[pattern_name], scope)
    else:
        cell = PATTERNS[pattern_name](ms, t)
    return [[path, parameter.name] for path, parameter in cell.parameters_and_names()]


def tools(ms: Any) -> SimpleNamespace:
    """Return small building blocks of the framework's classes."""
    nn = ms.nn

    def dense() -> Any:
        return nn.Dense(1, 1)

    def weight(name: str | None = None, value: float = 1.0) -> Any:
        data = ms.Tensor(np.full(2, value, np.float32))
        return ms.Parameter(data) if name is None else ms.Parameter(data, name=name)

    class Block(nn.Cell):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.fc = nn.Dense(1, 1)
            self.w = weight()

        def construct(self, x: Any) -> Any:
            return self.fc(x)

    class Holder(nn.Cell):
        """A Cell whose contents are created by a function."""

        def __init__(self, fill: Any, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            fill(self)

        def construct(self, x: Any) -> Any:
            return x

    return SimpleNamespace(dense=dense, weight=weight, Block=Block, Holder=Holder)


CONTENTS = {
    # plain attributes
    "attribute": "self.fc = dense()",
    "attribute_of_an_attribute": "self.outer = Holder(lambda s: (setattr(s, 'a', Block()), setattr(s, 'b', Block())))",
    "assigned_twice": "shared = dense(); self.a = shared; self.b = shared",
    "shared_below_two_cells": (
        "shared = dense(); self.a = Holder(lambda s: setattr(s, 'fc', shared)); "
        "self.b = Holder(lambda s: setattr(s, 'fc', shared))"
    ),
    "shared_parameter": (
        "shared = weight(); self.a = Holder(lambda s: setattr(s, 'w', shared)); "
        "self.b = Holder(lambda s: setattr(s, 'w', shared))"
    ),
    "tied_weight": "self.a = dense(); self.b = dense(); self.b.weight = self.a.weight",
    "own_attribute_of_a_lower_parameter": "self.fc = dense(); self.weight = self.fc.weight",
    "cell_replaced": "self.fc = dense(); self.act = dense(); self.fc = Block()",
    "cell_moved_to_another_attribute": "self.fc = dense(); self.head = self.fc; del self.fc",
    "parameter_replaced": "self.w = weight(); self.w = weight('second')",
    # CellList
    "list_appended_after_assignment": "self.l = nn.CellList(); self.l.append(dense()); self.l.append(Block())",
    "list_appended_before_assignment": (
        "cells = nn.CellList(); cells.append(dense()); cells.append(dense()); self.l = cells"
    ),
    "list_built_then_appended": "self.l = nn.CellList([dense()]); self.l.append(dense())",
    "list_extended_after_assignment": "self.l = nn.CellList(); self.l.extend([dense(), dense()])",
    "list_extended_before_assignment": "cells = nn.CellList([dense()]); cells.extend([dense()]); self.l = cells",
    "list_extended_by_a_list": "self.l = nn.CellList([dense()]); self.l.extend(nn.CellList([dense(), dense()]))",
    "list_added_in_place": "self.l = nn.CellList([dense()]); self.l += [dense()]",
    "list_inserted_after_assignment": "self.l = nn.CellList([dense(), dense()]); self.l.insert(1, Block())",
    "list_inserted_at_the_front": "self.l = nn.CellList([dense()]); self.l.insert(0, Block())",
    "list_inserted_at_the_end": "self.l = nn.CellList([dense()]); self.l.insert(1, Block())",
    "list_inserted_before_assignment": "cells = nn.CellList([dense()]); cells.insert(0, Block()); self.l = cells",
    "list_set_after_assignment": "self.l = nn.CellList([dense(), dense()]); self.l[1] = Block()",
    "list_set_by_a_negative_index": "self.l = nn.CellList([dense(), dense()]); self.l[-1] = Block()",
    "list_set_before_assignment": "cells = nn.CellList([dense(), dense()]); cells[0] = Block(); self.l = cells",
    "list_item_deleted_after_assignment": "self.l = nn.CellList([dense(), dense(), dense()]); del self.l[0]",
    "list_item_deleted_before_assignment": (
        "cells = nn.CellList([dense(), dense(), dense()]); del cells[1]; self.l = cells"
    ),
    "list_slice_deleted": "self.l = nn.CellList([dense(), dense(), dense()]); del self.l[0:2]",
    "list_of_lists": "self.l = nn.CellList([nn.CellList([dense()]), nn.CellList([dense(), dense()])])",
    "list_of_lists_appended_late": "self.l = nn.CellList([nn.CellList([dense()])]); self.l[0].append(dense())",
    "list_filled_by_a_comprehension_of_sequences": (
        "self.stages = nn.CellList([nn.SequentialCell([Block() for _ in range(2)]) for _ in range(2)])"
    ),
    "two_lists_appended": (
        "self.a = nn.CellList(); self.b = nn.CellList(); self.a.append(dense()); self.b.append(dense())"
    ),
    "list_slice_assigned": "self.l = nn.CellList([dense(), dense(), dense()]); self.tail = self.l[1:]",
    "list_item_assigned_as_an_attribute": "self.l = nn.CellList([dense(), dense()]); self.last = self.l[-1]",
    "list_made_of_attributes": "self.a = dense(); self.b = dense(); self.l = nn.CellList([self.a, self.b])",
    # SequentialCell
    "sequence_of_a_cell_list": "cells = nn.CellList([dense(), dense()]); self.s = nn.SequentialCell(cells)",
    "sequence_of_names_appended": (
        "self.s = nn.SequentialCell(OrderedDict([('a', dense()), ('b', dense())])); self.s.append(dense())"
    ),
    "sequence_appended_after_assignment": "self.s = nn.SequentialCell([dense()]); self.s.append(Block())",
    "sequence_appended_from_empty": "self.s = nn.SequentialCell(); self.s.append(dense()); self.s.append(dense())",
    "sequence_appended_before_assignment": (
        "cells = nn.SequentialCell([dense()]); cells.append(dense()); self.s = cells"
    ),
    "sequence_inserted_after_assignment": "self.s = nn.SequentialCell([dense(), dense()]); self.s.insert(0, Block())",
    "sequence_inserted_in_the_middle": "self.s = nn.SequentialCell([dense(), dense()]); self.s.insert(1, Block())",
    "sequence_set_after_assignment": "self.s = nn.SequentialCell([dense(), dense()]); self.s[1] = Block()",
    "sequence_of_names_set": (
        "self.s = nn.SequentialCell(OrderedDict([('a', dense()), ('b', dense())])); self.s[1] = Block()"
    ),
    "sequence_item_deleted": "self.s = nn.SequentialCell([dense(), dense(), dense()]); del self.s[0]",
    "sequence_of_sequences": "self.s = nn.SequentialCell([nn.SequentialCell([dense()]), nn.SequentialCell([dense()])])",
    "sequence_slice_assigned": "self.s = nn.SequentialCell([dense(), dense(), dense()]); self.head = self.s[:2]",
    # CellDict
    "dict_set_after_assignment": "self.d = nn.CellDict(); self.d['a'] = dense(); self.d['b'] = Block()",
    "dict_set_before_assignment": "cells = nn.CellDict(); cells['a'] = dense(); self.d = cells",
    "dict_updated_after_assignment": (
        "self.d = nn.CellDict({'a': dense()}); self.d.update({'b': dense(), 'a': Block()})"
    ),
    "dict_replaced_item": "self.d = nn.CellDict({'a': dense(), 'b': dense()}); self.d['a'] = Block()",
    "dict_of_lists": (
        "self.d = nn.CellDict({'a': nn.CellList([dense(), dense()])}); self.d['b'] = nn.SequentialCell([dense()])"
    ),
    # ParameterTuple and Python containers
    "parameter_tuple_at_the_top": "self.ws = ParameterTuple([weight('a'), weight('b')]); self.fc = dense()",
    "parameter_tuple_of_a_network": "self.net = Block(); self.weights = ParameterTuple(self.net.trainable_params())",
    "parameter_tuple_of_a_network_and_its_clones": (
        "self.net = Block(); self.weights = ParameterTuple(self.net.trainable_params()); "
        "self.ema = self.weights.clone(prefix='ema', init='zeros')"
    ),
    # renaming
    "names_updated_before_assignment": "block = Block(); block.update_parameters_name('pre_'); self.block = block",
    "name_equal_to_the_default": "self.inner = Holder(lambda s: setattr(s, 'w', weight('Parameter')))",
    "inner_without_auto_prefix": "self.net = Block(auto_prefix=False)",
    "list_of_cells": "self.l = nn.CellList([dense(), Block()])",
    "list_without_auto_prefix": "self.l = nn.CellList([Holder(lambda s: setattr(s, 'a', dense()))], auto_prefix=False)",
    "sequence_of_a_list": "self.s = nn.SequentialCell([dense(), nn.ReLU(), dense()])",
    "sequence_of_arguments": "self.s = nn.SequentialCell(dense(), nn.ReLU(), dense())",
    "sequence_of_names": "self.s = nn.SequentialCell(OrderedDict([('a', dense()), ('b', Block())]))",
    "dict_of_cells": "self.d = nn.CellDict({'a': dense(), 'b': Block()})",
    "dict_without_auto_prefix": "self.d = nn.CellDict({'a': Block()}, auto_prefix=False)",
    "parameter_tuple_without_names_of_two": "self.ws = ParameterTuple([weight(), weight()])",
    "cells_in_a_python_list": "self.blocks = [dense(), Block()]",
    "cells_in_a_python_tuple": "self.blocks = (dense(), Block())",
    "cells_in_a_python_dict": "self.blocks = {'a': dense(), 'b': Block()}",
    "cells_mixed_in_a_python_list": "self.blocks = [dense(), None, 3]",
    "list_of_none_and_cells_in_a_tuple": "self.blocks = (None, dense())",
    "parameters_in_a_python_list": "self.ws = [weight(), weight()]",
    "named_parameters_in_a_python_list": "self.ws = [weight('a'), weight('b')]",
    "parameters_in_a_python_tuple": "self.ws = (weight('a'), weight('b'))",
    "parameters_in_a_python_dict": "self.ws = {'a': weight('a'), 'b': weight('b')}",
    "with_loss_cell_as_an_attribute": "self.net = nn.WithLossCell(Block(), nn.MSELoss())",
}
"""Statements that add attributes to a Cell, `self`, in its `__init__`; they run with the names of `tools`."""


EXPRESSIONS = {
    "outer_without_auto_prefix": "Holder(lambda self: setattr(self, 'net', Block()), auto_prefix=False)",
    "list_alone": "nn.CellList([dense(), dense()])",
    "sequence_alone": "nn.SequentialCell([dense(), dense()])",
    "dict_alone": "nn.CellDict([('a', dense()), ('b', dense())])",
    "child_inserted": "Holder(lambda self: self.insert_child_to_cell('child', dense()))",
    "with_loss_cell": "nn.WithLossCell(Block(), nn.MSELoss())",
    "with_eval_cell": "nn.WithEvalCell(Block(), nn.MSELoss())",
    "optimizer_adam_weight_decay": "nn.AdamWeightDecay(Block().trainable_params(), 0.1)",
    "optimizer_rmsprop": "nn.RMSProp(Block().trainable_params(), 0.1)",
    "optimizer_of_a_list_of_rates": "nn.Momentum(Block().trainable_params(), [0.1, 0.2], 0.9)",
    "optimizer_of_a_schedule": "nn.Momentum(Block().trainable_params(), nn.ExponentialDecayLR(0.1, 0.9, 4), 0.9)",
}
"""The Cell itself."""


@pattern
def parameters_of_the_cell(ms, t):
    def fill(self):
        self.w = t.weight()
        self.v = t.weight("custom")

    return t.Holder(lambda self: (setattr(self, "w", t.weight()), setattr(self, "inner", t.Holder(fill))))


@pattern
def parameter_after_the_cell_was_assigned(ms, t):
    inner = t.Holder(lambda self: None)
    outer = t.Holder(lambda self: setattr(self, "inner", inner))
    inner.w = t.weight()
    inner.v = t.weight("v_own")
    inner.fc = t.dense()
    return outer


@pattern
def a_cell_added_two_levels_down(ms, t):
    deep = t.Holder(lambda self: None)
    middle = t.Holder(lambda self: setattr(self, "deep", deep))
    outer = t.Holder(lambda self: setattr(self, "middle", middle))
    deep.fc = t.dense()
    deep.w = t.weight()
    return outer


@pattern
def lower_cell_replaced_from_outside(ms, t):
    net = t.Holder(lambda self: setattr(self, "backbone", t.Block()))
    net.backbone.fc = t.dense()
    return net


@pattern
def head_replaced_from_outside(ms, t):
    net = t.Holder(lambda self: setattr(self, "fc", t.dense()))
    net.fc = ms.nn.SequentialCell([t.dense(), t.dense()])
    return net


@pattern
def two_wrappers_without_auto_prefix(ms, t):
    inner = t.Holder(lambda self: setattr(self, "net", t.Block()), auto_prefix=False)
    return t.Holder(lambda self: setattr(self, "wrapped", inner), auto_prefix=False)


@pattern
def wrapper_without_auto_prefix_inside_one_with(ms, t):
    inner = t.Holder(lambda self: setattr(self, "net", t.Block()), auto_prefix=False)
    return t.Holder(lambda self: setattr(self, "wrapped", inner))


@pattern
def parameter_of_a_cell_without_auto_prefix(ms, t):
    def fill(self):
        self.w = t.weight()
        self.net = t.Block()

    return t.Holder(lambda self: setattr(self, "head", t.Holder(fill, auto_prefix=False)))


@contents
def list_of_lists_appended(self, ms, t):
    self.l = ms.nn.CellList()
    for _ in range(2):
        inner = ms.nn.CellList()
        inner.append(t.dense())
        inner.append(t.dense())
        self.l.append(inner)


@pattern
def list_appended_two_levels_down(ms, t):
    def inner(self):
        self.layers = ms.nn.CellList()
        for _ in range(2):
            self.layers.append(t.Block())

    return t.Holder(lambda self: setattr(self, "encoder", t.Holder(inner)))


@pattern
def list_the_same_cell_twice(ms, t):
    shared = t.dense()
    return t.Holder(lambda self: setattr(self, "l", ms.nn.CellList([shared, shared])))


@pattern
def sequence_appended_alone(ms, t):
    cells = ms.nn.SequentialCell()
    cells.append(t.dense())
    cells.append(t.dense())
    return cells


@pattern
def sequence_slice_of_another_network(ms, t):
    other = t.Holder(lambda self: setattr(self, "s", ms.nn.SequentialCell([t.dense(), t.dense(), t.dense()])))
    return t.Holder(lambda self: setattr(self, "backbone", other.s[:2]))


@pattern
def sequence_built_from_a_loop_of_attributes(ms, t):
    class Stage(ms.nn.Cell):
        def __init__(self):
            super().__init__()
            layers = []
            for i in range(2):
                layer = t.Block()
                self.insert_child_to_cell(f"layer{i}", layer)
                layers.append(layer)
            self.run = ms.nn.SequentialCell(layers)

    return t.Holder(lambda self: setattr(self, "stage", Stage()))


@pattern
def subclass_of_the_sequence(ms, t):
    class ConvBN(ms.nn.SequentialCell):
        def __init__(self):
            super().__init__([t.dense(), ms.nn.BatchNorm1d(1)])

    return t.Holder(lambda self: setattr(self, "features", ms.nn.SequentialCell([ConvBN(), ConvBN()])))


@pattern
def subclass_of_the_list(ms, t):
    class Blocks(ms.nn.CellList):
        def __init__(self):
            super().__init__()
            for _ in range(2):
                self.append(t.Block())

    return t.Holder(lambda self: setattr(self, "blocks", Blocks()))


@pattern
def child_inserted_and_nested(ms, t):
    def fill(self):
        self.insert_child_to_cell("a", t.Block())

    return t.Holder(lambda self: setattr(self, "inner", t.Holder(fill)))


@pattern
def parameter_inserted(ms, t):
    def fill(self):
        self.insert_param_to_cell("w", t.weight())
        self.insert_param_to_cell("v", t.weight("own"))

    return t.Holder(lambda self: setattr(self, "inner", t.Holder(fill)))


@pattern
def parameter_inserted_after_assignment(ms, t):
    net = t.Holder(lambda self: setattr(self, "inner", t.Holder(lambda s: None)))
    net.inner.insert_param_to_cell("w", t.weight())
    return net


@contents
def setattr_in_a_loop(self, ms, t):
    for i in range(3):
        setattr(self, f"fc_{i}", t.dense())


@pattern
def parameter_tuple(ms, t):
    def fill(self):
        self.ws = ms.ParameterTuple([t.weight("a"), t.weight("b")])

    return t.Holder(lambda self: setattr(self, "inner", t.Holder(fill)))


@pattern
def parameter_tuple_without_names(ms, t):
    def fill(self):
        self.ws = ms.ParameterTuple([t.weight()])

    return t.Holder(lambda self: setattr(self, "inner", t.Holder(fill)))


@pattern
def cells_in_a_python_list_nested(ms, t):
    inner = t.Holder(lambda self: setattr(self, "blocks", [t.dense(), t.dense()]))
    return t.Holder(lambda self: setattr(self, "inner", inner))


@pattern
def cells_in_a_python_tuple_nested(ms, t):
    inner = t.Holder(lambda self: setattr(self, "blocks", (t.dense(), t.dense())))
    return t.Holder(lambda self: setattr(self, "inner", inner))


@contents
def cells_in_a_python_list_appended_later(self, ms, t):
    self.blocks = []
    for _ in range(2):
        self.blocks.append(t.dense())


@pattern
def names_updated(ms, t):
    net = t.Holder(lambda self: setattr(self, "net", t.Block()))
    net.update_parameters_name("ema.")
    return net


@pattern
def names_updated_twice(ms, t):
    net = t.Holder(lambda self: setattr(self, "net", t.Block()))
    net.update_parameters_name("a.")
    net.update_parameters_name("b.")
    return net


@pattern
def names_updated_of_a_part(ms, t):
    net = t.Holder(lambda self: (setattr(self, "a", t.Block()), setattr(self, "b", t.Block())))
    net.a.update_parameters_name("x.")
    return net


@pattern
def names_updated_and_a_cell_added(ms, t):
    net = t.Holder(lambda self: setattr(self, "a", t.Block()))
    net.update_parameters_name("x.")
    net.b = t.Block()
    net.a.fc2 = t.dense()
    net.w = t.weight()
    return net


@pattern
def names_updated_without_recursion(ms, t):
    net = t.Holder(lambda self: (setattr(self, "w", t.weight()), setattr(self, "net", t.Block())))
    net.update_parameters_name("x.", False)
    return net


@pattern
def names_set_explicitly(ms, t):
    net = t.Holder(lambda self: setattr(self, "net", t.Block()))
    for parameter in net.get_parameters():
        parameter.name = "model." + parameter.name
    return t.Holder(lambda self: setattr(self, "outer", net))


@pattern
def explicit_names_kept_through_two_levels(ms, t):
    deep = t.Holder(lambda self: setattr(self, "w", t.weight("embedding_table")))
    return t.Holder(lambda self: setattr(self, "a", t.Holder(lambda s: setattr(s, "b", deep))))


@pattern
def cell_prefix_updated(ms, t):
    net = t.Holder(lambda self: setattr(self, "net", t.Block()))
    net.update_cell_prefix()
    net.net.extra = t.dense()
    return net


@pattern
def built_inside_then_used_twice(ms, t):
    block = t.Block()
    first = t.Holder(lambda self: setattr(self, "a", block))
    t.Holder(lambda self: setattr(self, "b", block))
    return first


@pattern
def custom_loss_wrapper(ms, t):
    class Wrapper(ms.nn.Cell):
        def __init__(self, backbone, loss):
            super().__init__(auto_prefix=False)
            self._backbone = backbone
            self._loss_fn = loss

    return Wrapper(t.Block(), ms.nn.MSELoss())


@pattern
def custom_loss_wrapper_with_prefix(ms, t):
    class Wrapper(ms.nn.Cell):
        def __init__(self, backbone, loss):
            super().__init__()
            self._backbone = backbone
            self._loss_fn = loss

    return Wrapper(t.Block(), ms.nn.MSELoss())


def _train_cell(ms, t, optimizer):
    net = t.Block()
    return ms.nn.TrainOneStepCell(ms.nn.WithLossCell(net, ms.nn.MSELoss()), optimizer(net))


@pattern
def train_cell_momentum(ms, t):
    return _train_cell(ms, t, lambda net: ms.nn.Momentum(net.trainable_params(), 0.1, 0.9))


@pattern
def train_cell_sgd(ms, t):
    return _train_cell(ms, t, lambda net: ms.nn.SGD(net.trainable_params(), 0.1))


@pattern
def train_cell_adam(ms, t):
    return _train_cell(ms, t, lambda net: ms.nn.Adam(net.trainable_params(), 0.1))


@pattern
def optimizer_of_groups(ms, t):
    net = t.Block()
    groups = [{"params": [net.w], "lr": 0.2}, {"params": list(net.fc.trainable_params())}]
    return ms.nn.Momentum(groups, 0.1, 0.9)


@pattern
def optimizer_as_an_attribute(ms, t):
    net = t.Block()

    def fill(self):
        self.net = net
        self.optimizer = ms.nn.Momentum(net.trainable_params(), 0.1, 0.9)

    return t.Holder(fill)


@pattern
def optimizer_as_an_attribute_without_auto_prefix(ms, t):
    net = t.Block()

    def fill(self):
        self.net = net
        self.optimizer = ms.nn.Adam(net.trainable_params(), 0.1)

    return t.Holder(fill, auto_prefix=False)


@pattern
def layers_of_every_kind(ms, t):
    nn = ms.nn

    def fill(self):
        self.conv = nn.Conv2d(1, 1, 3, has_bias=True)
        self.bn = nn.BatchNorm2d(1)
        self.ln = nn.LayerNorm((4,))
        self.gn = nn.GroupNorm(1, 1)
        self.emb = nn.Embedding(3, 2)
        self.prelu = nn.PReLU()
        self.up = nn.Conv2dTranspose(1, 1, 2)
        self.conv1 = nn.Conv1d(1, 1, 3)
        self.conv3 = nn.Conv3d(1, 1, 1)
        self.bn1 = nn.BatchNorm1d(1)
        self.bn3 = nn.BatchNorm3d(1)
        self.up1 = nn.Conv1dTranspose(1, 1, 2)
        self.dense = nn.Dense(1, 1, activation="relu")

    return t.Holder(fill)


if __name__ == "__main__":
    import mindspore

    mindspore.set_context(mode=mindspore.PYNATIVE_MODE, device_target="CPU")
    recorded: dict[str, Any] = {}
    for each in patterns():
        try:
            recorded[each] = names(each, mindspore)
        except Exception as error:
            recorded[each] = type(error).__name__
    with open(sys.argv[1], "w") as file:
        lines = ",\n".join(f'"{name}": {json.dumps(value)}' for name, value in recorded.items())
        file.write('{"mindspore": "' + mindspore.__version__ + '", "patterns": {\n' + lines + "\n}}\n")
