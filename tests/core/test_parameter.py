"""Parameter and ParameterTuple: printed forms, values, clones, names, errors."""

from __future__ import annotations

import copy
import pickle
import re

import jax
import numpy as np
import pytest

import sporax.core.dtype as dt
from sporax import transforms
from sporax._errors import ArgumentTypeError, DtypeError, ShapeError, StateError
from sporax.core import Cell, Parameter, ParameterTuple, Tensor
from sporax.core.initializer import initializer


class TestPrinting:
    @pytest.mark.parametrize(
        ("parameter", "text"),
        [
            (
                Parameter(Tensor([1.0, 2.0]), name="w"),
                "Parameter (name=w, shape=(2,), dtype=Float32, requires_grad=True)",
            ),
            (
                Parameter(Tensor(np.ones((2, 3), np.float32)), name="w", requires_grad=False),
                "Parameter (name=w, shape=(2, 3), dtype=Float32, requires_grad=False)",
            ),
            (
                Parameter(Tensor(1.0), name="s"),
                "Parameter (name=s, shape=(), dtype=Float32, requires_grad=True)",
            ),
            (
                Parameter(np.ones(2), name="d"),
                "Parameter (name=d, shape=(2,), dtype=Float64, requires_grad=True)",
            ),
            (
                Parameter(initializer("ones", [2, 2]), name="w"),
                "Parameter (name=w, shape=(2, 2), dtype=Float32, requires_grad=True)",
            ),
        ],
    )
    def test_as_mindspore(self, parameter, text):
        assert str(parameter) == text
        assert repr(parameter) == text
        assert str(parameter.value()) == str(parameter.asnumpy())

    def test_a_tuple(self):
        pair = ParameterTuple([Parameter(Tensor([1.0]), name="w"), Parameter(Tensor(1.0), name="b")])
        assert str(pair) == (
            "(Parameter (name=w, shape=(1,), dtype=Float32, requires_grad=True), "
            "Parameter (name=b, shape=(), dtype=Float32, requires_grad=True))"
        )


class TestValues:
    def test_arithmetic_gives_tensors(self):
        w = Parameter(Tensor([1.0, 2.0]), name="w")
        assert type(w + 1) is Tensor
        assert type(w.value()) is Tensor
        assert type(w[0]) is Tensor
        assert (Tensor([1.0], dt.float16) + w).dtype is dt.float32

    def test_augmented_assignment_makes_a_tensor(self):
        # In MindSpore 2.10, `w *= 3` on a local variable does not change the Parameter; `self.w *= 3` in a Cell does.
        w = Parameter(Tensor([4.0, 2.0]), name="w")
        local = w
        local *= 3
        assert type(local) is Tensor
        assert (local.tolist(), w.tolist()) == ([12.0, 6.0], [4.0, 2.0])

    def test_augmented_assignment_to_an_attribute_changes_the_parameter(self):
        class Scaled(Cell):
            def __init__(self):
                super().__init__()
                self.w = Parameter(Tensor([4.0, 2.0]), name="w")

            def construct(self, x):
                self.w *= 3
                return x * self.w

        net = Scaled()
        kept = net.w
        assert net(Tensor([1.0, 1.0])).tolist() == [12.0, 6.0]
        assert net.w is kept
        assert kept.tolist() == [12.0, 6.0]

    def test_assignment_to_an_element(self):
        w = Parameter(Tensor([4.0, 2.0]), name="w")
        kept = w
        w[0] = 9
        assert w is kept
        assert w.tolist() == [9.0, 2.0]

    def test_a_python_int_is_int32_as_in_mindspore(self):
        assert Parameter(3, name="n").dtype is dt.int32
        assert Parameter(3.0, name="x").dtype is dt.float32
        assert Parameter([3], name="l").dtype is dt.int64
        assert Parameter(2**40, name="long").dtype is dt.int64

    def test_set_data(self):
        w = Parameter(Tensor([1.0, 2.0]), name="w")
        assert w.set_data(Tensor([3, 4])) is w
        assert (w.tolist(), w.dtype) == ([3.0, 4.0], dt.float32)
        assert w.set_data(np.array([5.0, 6.0])).dtype is dt.float32
        assert w.set_data(Tensor([1.0, 2.0, 3.0]), slice_shape=True).shape == (3,)

    def test_value_is_not_updated(self):
        w = Parameter(Tensor([1.0]), name="w")
        before = w.value()
        w.set_data(Tensor([2.0]))
        assert before.tolist() == [1.0]

    def test_a_parameter_does_not_change_its_initial_value(self):
        source = Tensor([1.0])
        w, other = Parameter(source), Parameter(source)
        w += 1
        assert (source.tolist(), other.tolist()) == ([1.0], [1.0])

    def test_jax_functions_accept_parameters(self):
        w = Parameter(Tensor([1.0, 2.0]), name="w")
        assert jax.tree.leaves(w)[0].tolist() == [1.0, 2.0]
        assert type(jax.tree.map(lambda x: x, w)) is Tensor
        leaves, structure = jax.tree.flatten(ParameterTuple([w]))
        assert type(jax.tree.unflatten(structure, leaves)) is tuple


class TestClones:
    def test_clone(self):
        w = Parameter(Tensor([1.0, 2.0]), name="w", requires_grad=False)
        clone = w.clone()
        assert (clone.name, clone.requires_grad, clone.tolist()) == ("w", False, [1.0, 2.0])
        w.set_data(Tensor([5.0, 5.0]))
        assert clone.tolist() == [1.0, 2.0]

    @pytest.mark.parametrize(
        ("init", "values"), [("ones", [1.0, 1.0]), (3, [3.0, 3.0]), (Tensor([7.0, 8.0]), [7.0, 8.0])]
    )
    def test_clone_with_new_values(self, init, values):
        assert Parameter(Tensor([1.0, 2.0]), name="w").clone(init).tolist() == values

    def test_clone_of_half_precision(self):
        assert Parameter(Tensor([1.0], dt.bfloat16)).clone("zeros").dtype is dt.bfloat16

    def test_tuple_clone(self):
        pair = ParameterTuple([Parameter(Tensor([1.0]), name="w")])
        clones = pair.clone("adam", "zeros")
        assert isinstance(clones, ParameterTuple)
        assert (clones[0].name, clones[0].tolist()) == ("adam.w", [0.0])
        assert pair[0].name == "w"

    @pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
    def test_copies_and_pickles(self, copier):
        w = Parameter(Tensor([1.0], dt.bfloat16), name="w", requires_grad=False)
        clone = copier(w)
        assert repr(clone) == repr(w)
        clone.set_data(Tensor([2.0]))
        assert w.tolist() == [1.0]

    def test_deepcopy_keeps_sharing(self):
        w = Parameter(1.0)
        first, second = copy.deepcopy([w, w])
        assert first is second


class TestErrors:
    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (lambda w: Parameter("x"), ArgumentTypeError, "`input_data` must be a Tensor"),
            (
                lambda w: Parameter(1.0, name=3),
                ArgumentTypeError,
                "Parameter: `name` must be a str, but got 3",
            ),
            (lambda w: Parameter(1.0, requires_grad=1), ArgumentTypeError, "`requires_grad` must be a bool"),
            (
                lambda w: ParameterTuple([1]),
                ArgumentTypeError,
                "every element must be a Parameter, but got 1",
            ),
            (
                lambda w: w.set_data(Tensor([1.0, 2, 3])),
                ShapeError,
                "Parameter 'w': its shape is (2,), but the new value has shape (3,). A Parameter keeps",
            ),
            (
                lambda w: Parameter(Tensor([1, 2]), name="k").set_data(Tensor([1.5, 2])),
                DtypeError,
                "Parameter 'k': its dtype is Int64, and values of dtype float32 would lose their fraction",
            ),
        ],
    )
    def test_messages(self, call, kind, message):
        w = Parameter(Tensor([1.0, 2.0]), name="w")
        with pytest.raises(kind, match=re.escape(message)):
            call(w)
        assert w.tolist() == [1.0, 2.0]

    def test_bfloat16_into_integers(self):
        with pytest.raises(DtypeError, match="would lose their fraction"):
            Parameter(Tensor([1, 2])).set_data(Tensor([1.5, 2.0], dt.bfloat16))

    def test_a_write_inside_jax_jit_raises(self):
        w = Parameter(Tensor([1.0]), name="w")

        def step(x):
            w.set_data(Tensor(x))
            return x

        with pytest.raises(StateError, match=r"Parameter 'w' was given a value that is being traced by JAX"):
            jax.jit(step)(np.ones(1, np.float32))
        assert w.tolist() == [1.0]

    def test_a_write_inside_sporax_jit_takes_effect(self):
        w = Parameter(Tensor([1.0]), name="w")

        @transforms.jit
        def step(x):
            w.set_data(w * x)
            return w.sum()

        assert step(Tensor([3.0])).item() == 3.0
        assert step(Tensor([3.0])).item() == 9.0
        assert w.tolist() == [9.0]
