"""State that is changed inside transforms is correct afterwards, for every nesting of transforms."""

import itertools
import random
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sporax import nn
from sporax._errors import ArgumentTypeError, EagerFallbackWarning, StateError
from sporax.core import Cell, Parameter, Tensor, default_generator, next_key
from sporax.transforms import (
    cond,
    fori_loop,
    functionalize,
    grad,
    jit,
    recompute,
    scan,
    value_and_grad,
    vmap,
    while_loop,
)


class Counter(Cell):
    """Multiplies by its weight and counts its calls."""

    def __init__(self):
        super().__init__()
        self.weight = Parameter(np.float32(2.0))
        self.calls = Parameter(np.int32(0), requires_grad=False)

    def construct(self, x):
        self.calls = self.calls + 1
        return x * self.weight * self.weight


def scale(cell, x):
    return cell(x) + 1


WRAPPERS = {
    "plain": lambda f: f,
    "jit": jit,
    "value": lambda f: lambda x: value_and_grad(f)(x)[0],
    "recompute": lambda f: lambda x: recompute(f, x),
    "cond": lambda f: lambda x: cond(Tensor(True), f, lambda y: y, x),
    "scan": lambda f: lambda x: scan(lambda carry, row: (carry, f(row)), Tensor(0.0), Tensor([0.0]) + x)[1][0],
    "fori": lambda f: lambda x: fori_loop(0, 1, lambda i, y: f(y), x),
}
PAIRS = [(outer, middle, "plain") for outer, middle in itertools.product(WRAPPERS, repeat=2)]
TRIPLES = random.Random(7).sample([t for t in itertools.product(WRAPPERS, repeat=3) if "plain" not in t], 24)


@pytest.mark.parametrize(("outer", "middle", "inner"), PAIRS + TRIPLES)
def test_every_nesting_gives_the_state_and_result_of_plain_python(outer, middle, inner):
    cell = Counter()
    function = WRAPPERS[outer](WRAPPERS[middle](WRAPPERS[inner](cell)))
    for expected in (1, 2):
        assert float(function(Tensor(3.0))) == 12.0
        assert int(cell.calls) == expected
    assert not isinstance(cell.calls._held, jax.core.Tracer)


@pytest.mark.parametrize("wrapper", ["jit", "value", "cond", "scan", "recompute"])
def test_gradients_of_weights_through_wrappers(wrapper):
    cell = Counter()
    gradient = grad(WRAPPERS[wrapper](cell), None, cell.weight)(Tensor(3.0))
    assert float(gradient) == pytest.approx(12.0)
    assert int(cell.calls) == 1


def test_a_parameter_in_a_closure_is_not_a_constant():
    weight = Parameter(np.float32(2.0), name="w")
    compiled = jit(lambda x: x * weight)
    assert float(compiled(Tensor(3.0))) == 6.0
    weight.set_data(Tensor(5.0))
    assert float(compiled(Tensor(3.0))) == 15.0


def test_a_write_seen_by_a_later_read_in_the_same_trace():
    state = Parameter(np.float32(1.0), name="s")

    @jit
    def twice(x):
        state.set_data(state + x)
        state.set_data(state + x)
        return state * 1

    assert float(twice(Tensor(2.0))) == 5.0
    assert float(state) == 5.0


def test_a_failed_trace_has_no_effect():
    state = Parameter(np.float32(1.0), name="s")

    @jit
    def fails(x):
        state.set_data(state + x)
        raise ValueError("on purpose")

    with pytest.raises(ValueError, match="on purpose"):
        fails(Tensor(2.0))
    assert float(state) == 1.0
    assert float(jit(lambda x: x + state)(Tensor(1.0))) == 2.0


def test_compiled_once_for_each_shape_and_each_static_argument():
    traces = []

    @jit
    def function(x, power):
        traces.append((x.shape, power))
        return x**power

    for _ in range(3):
        function(Tensor([1.0, 2.0]), 2)
        function(Tensor([1.0, 2.0]), 3)
        function(Tensor([1.0]), 2)
    assert traces == [((2,), 2), ((2,), 3), ((1,), 2)]


def test_training_flag_selects_its_own_program():
    class Flagged(Cell):
        def construct(self, x):
            return x * 2 if self.training else x

    cell = Flagged()
    compiled = jit(cell)
    assert float(compiled(Tensor(1.0))) == 1.0
    cell.set_train()
    assert float(compiled(Tensor(1.0))) == 2.0
    cell.set_train(False)
    assert float(compiled(Tensor(1.0))) == 1.0


def test_value_dependent_control_flow_runs_eagerly_with_one_warning_that_names_the_line():
    def branch(x):
        if x > 1:
            return x * 2
        return x

    compiled = jit(branch)
    with pytest.warns(EagerFallbackWarning) as caught:
        assert float(compiled(Tensor(3.0))) == 6.0
    text = str(caught[0].message)
    assert "test_state_through_transforms.py" in text
    assert f"line {branch.__code__.co_firstlineno + 1}" in text
    assert "ops.where" in text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert float(compiled(Tensor(0.5))) == 0.5
        assert float(grad(compiled)(Tensor(3.0))) == 2.0


def test_random_draws_advance_the_key_and_differ_between_lanes():
    default_generator.manual_seed(3)

    def draw(x):
        return x * jax.random.uniform(next_key(), (), "float32")

    first = vmap(draw)(Tensor(np.ones(4, np.float32))).asnumpy()
    second = jit(vmap(draw))(Tensor(np.ones(4, np.float32))).asnumpy()
    assert len(np.unique(np.concatenate([first, second]))) == 8
    default_generator.manual_seed(3)
    np.testing.assert_array_equal(vmap(draw)(Tensor(np.ones(4, np.float32))).asnumpy(), first)


def test_vmap_raises_for_a_parameter_that_differs_between_lanes():
    state = Parameter(np.float32(0.0), name="s")
    with pytest.raises(StateError, match="differs between lanes"):
        vmap(lambda x: state.set_data(x) * 1)(Tensor([1.0, 2.0]))
    assert float(state) == 0.0


def test_vmap_writes_a_shared_value_once():
    cell = Counter()
    out = vmap(cell)(Tensor([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(out.asnumpy(), [4.0, 8.0, 12.0])
    assert int(cell.calls) == 1


def test_while_loop_carries_state():
    cell = Counter()
    cell.weight.set_data(Tensor(1.5))
    out = jit(lambda x: while_loop(lambda y: y < 10, cell, x))(Tensor(1.0))
    assert float(out) == pytest.approx(1.0 * 2.25**3)
    assert int(cell.calls) == 3


def test_functionalize_is_pure_and_follows_jax():
    cell = Counter()
    pure, state = functionalize(cell)
    out, new = jax.jit(pure)(state, Tensor(3.0))
    assert float(out) == 12.0
    assert int(cell.calls) == 0
    assert int(new["calls"]) == 1
    assert set(new) == {"weight", "calls", "random_key"}
    gradient = jax.grad(lambda s: pure(s, jnp.float32(3.0))[0], allow_int=True)(state)
    assert float(gradient["weight"]) == 12.0


def test_functionalize_finds_the_state_of_a_function_with_example_inputs():
    hidden = {"cell": Counter()}

    def function(x):
        return hidden["cell"](x)

    pure, state = functionalize(function, Tensor(1.0))
    assert set(state) == {"weight", "calls"}
    assert float(pure(state, Tensor(1.0))[0]) == 4.0


def test_functionalize_with_an_unknown_parameter():
    strange = Parameter(np.float32(1.0), name="strange")

    box = type("Box", (), {"get": staticmethod(lambda: strange)})
    pure, state = functionalize(lambda x: x * box.get())
    with pytest.raises(StateError, match="'strange'.*example inputs"):
        pure(state, Tensor(1.0))


def test_functionalize_with_a_state_of_other_names():
    pure, _ = functionalize(Counter())
    with pytest.raises(StateError, match="must have"):
        pure({"weight": 1.0}, Tensor(1.0))


def test_a_write_under_jax_transforms_raises():
    state = Parameter(np.float32(1.0), name="s")
    with pytest.raises(StateError, match=r"outside the transforms of.*sporax.jit"):
        jax.jit(lambda x: state.set_data(x) * 1)(np.float32(2.0))
    assert float(state) == 1.0


def test_a_tensor_rebound_in_a_trace_is_restored():
    outside = Tensor([1.0, 2.0])

    @jit
    def function(x):
        outside[0] = x
        return outside * 1

    np.testing.assert_array_equal(function(Tensor(7.0)).asnumpy(), [7.0, 2.0])
    np.testing.assert_array_equal(outside.asnumpy(), [1.0, 2.0])


def test_an_enclosing_jax_program_keeps_its_dtypes():
    before = jnp.asarray(1.0).dtype
    jit(lambda x: x * 2)(Tensor(np.float64(1.0)))
    assert jnp.asarray(1.0).dtype == before == jnp.float32
    assert not jax.config.jax_enable_x64


def test_a_changed_attribute_of_a_cell_is_traced_again_and_an_unrelated_one_is_not():
    traces = []

    class Scaled(Cell):
        def __init__(self):
            super().__init__()
            self.factor = 2.0
            self.offset = Tensor([1.0])

        def construct(self, x):
            traces.append(self.factor)
            return x * self.factor + self.offset

    cell, other = Scaled(), Scaled()
    compiled = jit(cell)
    assert float(compiled(Tensor(3.0))) == 7.0
    other.factor = 9.0
    assert float(compiled(Tensor(3.0))) == 7.0
    assert traces == [2.0]
    cell.factor = 5.0
    assert float(compiled(Tensor(3.0))) == 16.0
    cell.offset = Tensor([100.0])
    assert float(compiled(Tensor(3.0))) == 115.0
    assert traces == [2.0, 5.0, 5.0]


def test_a_state_of_arrays_is_read_on_the_device_and_may_be_indexed_by_a_traced_array():
    table = Parameter(Tensor(np.arange(6, dtype=np.float32).reshape(3, 2)), name="table")

    class Rows(Cell):
        def __init__(self):
            super().__init__()
            self.table = table

        def construct(self, rows):
            return self.table[rows]

    pure, state = functionalize(Rows())
    rows = Tensor(np.array([2, 0, 2]))
    # Here the state is a constant of the program, not an argument.
    found = jax.jit(lambda r: pure(state, r)[0])(rows)
    np.testing.assert_array_equal(found.asnumpy(), [[4, 5], [0, 1], [4, 5]])


class TestOutputsOfVmap:
    def test_numbers_get_the_axis(self):
        # As in MindSpore 2.10.
        x = Tensor([1.0, 2.0])
        assert vmap(lambda v: 3)(x).tolist() == [3, 3]
        doubled, (number, flag) = vmap(lambda v: (v * 2, (0.5, True)))(x)
        assert [each.tolist() for each in (doubled, number, flag)] == [[2.0, 4.0], [0.5, 0.5], [True, True]]
        assert [str(each.dtype) for each in (number, flag)] == ["Float32", "Bool"]

    @pytest.mark.parametrize("other", ["name", object()])
    def test_other_values_raise(self, other):
        with pytest.raises(ArgumentTypeError, match="vmap: the function must return Tensors, arrays or numbers"):
            vmap(lambda v: (v, other))(Tensor([1.0, 2.0]))


class TestRecompute:
    def test_numbers_strings_and_flags_are_preserved(self):
        def block(x, power, kind, scale=1.0, square=False):
            y = sum([x] * power) if kind == "sum" else x
            return y * y * scale if square else y * scale

        def function(x):
            return recompute(block, x, 3, "sum", scale=0.5, square=True)

        # (3 x)^2 / 2
        for transformed in (grad(function), jit(grad(function))):
            assert transformed(Tensor([1.0, 2.0])).tolist() == [9.0, 18.0]

    def test_a_cell_and_a_dict_among_the_inputs(self):
        def block(layer, inputs):
            first, second = inputs.values()
            return layer(first) * second

        gradient = grad(lambda x: recompute(block, nn.ReLU(), {"b": x, "a": Tensor([5.0, 7.0])}))
        assert gradient(Tensor([1.0, -2.0])).tolist() == [5.0, 0.0]
