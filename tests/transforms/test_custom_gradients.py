"""Cell.bprop: custom gradients. Expected values are those of MindSpore 2.10, or computed manually."""

from __future__ import annotations

import jax
import numpy as np
import pytest

import sporax.dataset as ds
from sporax import GradientWarning, Model, nn, ops
from sporax._errors import StateError
from sporax.core import Parameter, Tensor, context
from sporax.core.dtype import float16
from sporax.transforms import grad, jit, recompute, scan, value_and_grad, vmap

pytestmark = pytest.mark.usefixtures("gradient_mode")

X = Tensor(np.array([0.3, 1.7], np.float32))
Y = Tensor(np.array([2.0, 3.0], np.float32))
ROWS = Tensor(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], np.float32))


class Rounded(nn.Cell):
    """Straight-through estimator: the derivative of round is 0 almost everywhere."""

    def construct(self, x):
        return ops.round(x)

    def bprop(self, x, out, dout):
        return (dout,)


class Clipped(nn.Cell):
    """The identity, with a gradient of 0.1 at most."""

    def construct(self, x):
        return x

    def bprop(self, x, out, dout):
        return (ops.clamp(dout, -0.1, 0.1),)


class Scaled(nn.Cell):
    """round, whose gradient is k x: it reads an input and a Parameter."""

    def __init__(self):
        super().__init__()
        self.k = Parameter(np.float32(7.0), name="k", requires_grad=False)

    def construct(self, x):
        return ops.round(x)

    def bprop(self, x, out, dout):
        return (dout * self.k * x,)


def arrays(tree):
    if isinstance(tree, (tuple, list)):
        return tuple(arrays(each) for each in tree)
    return np.asarray(tree).tolist()


def eager_and_jitted(function, *args):
    """Return `function(*args)`, after a check that jit gives the same result."""
    eager, jitted = function(*args), jit(function)(*args)
    for left, right in zip(jax.tree.leaves(eager), jax.tree.leaves(jitted), strict=True):
        assert left.dtype == right.dtype
        np.testing.assert_allclose(left, right, rtol=1e-6)
    return eager


# --- transforms -----------------------------------------------------------------------------------------------------


def test_straight_through():
    assert arrays(Rounded()(X)) == [0.0, 2.0]
    assert arrays(eager_and_jitted(grad(Rounded()), X)) == [1.0, 1.0]
    np.testing.assert_allclose(eager_and_jitted(grad(lambda x: Clipped()(x).sum() * 100), X), [0.1, 0.1])


@pytest.mark.parametrize(
    ("name", "transformed"),
    [
        ("grad of jit", lambda cell: grad(jit(cell))),
        ("recompute", lambda cell: grad(lambda x: recompute(cell, x))),
        ("jit of recompute", lambda cell: jit(grad(lambda x: recompute(cell, x)))),
        ("in a plain Cell", lambda cell: grad(nn.SequentialCell(cell))),
        ("weights too", lambda cell: lambda x: grad(cell, 0, [cell.k])(x)[0]),
        ("JAX", lambda cell: jax.grad(lambda x: cell(Tensor(x))._value.sum())),
    ],
)
def test_under_every_transform(name, transformed):
    argument = X._value if name == "JAX" else X
    np.testing.assert_allclose(transformed(Scaled())(argument), 7 * X.asnumpy(), rtol=1e-6)


def test_under_vmap_inside_and_outside_the_gradient():
    cell = Scaled()
    expected = 7 * ROWS.asnumpy()
    np.testing.assert_allclose(eager_and_jitted(vmap(grad(cell)), ROWS), expected)
    np.testing.assert_allclose(eager_and_jitted(grad(vmap(cell)), ROWS), expected)
    # The gradient of an input shared by all lanes is the sum over the lanes.
    shared = grad(lambda x: vmap(lambda row, x: cell(x) * row, in_axes=(0, None))(ROWS, x))
    np.testing.assert_allclose(eager_and_jitted(shared, Y), 7 * Y.asnumpy() * ROWS.asnumpy().sum(0))


def test_in_a_scan():
    cell = Scaled()
    # The carries are 1, 2, 5 and 2, 4, 8; each step multiplies the gradient by 7 carry.
    start = Tensor(np.array([1.0, 2.0], np.float32))
    function = grad(lambda x: scan(lambda carry, row: (cell(carry) + row, carry), x, ROWS)[0])
    assert arrays(eager_and_jitted(function, start)) == [343.0 * 10, 343.0 * 64]


@pytest.mark.parametrize("mode", [None, context.GRAPH_MODE, context.PYNATIVE_MODE])
def test_in_both_modes(mode):
    if mode is not None:
        context.set_context(mode=mode)
    try:
        assert arrays(grad(Rounded())(X)) == [1.0, 1.0]
        assert arrays(grad(lambda x: Rounded()(x * 2))(X)) == [2.0, 2.0]
    finally:
        context.reset_context()


class Halved(nn.Cell):
    def construct(self, x):
        return x

    def bprop(self, x, out, dout):
        return (dout * 0.5,)


def trained(mode, sink, wrapper):
    """Return the weight after two SGD steps on one batch with the mean squared error."""
    if mode is not None:
        context.set_context(mode=mode)
    try:
        dense = nn.Dense(2, 1, weight_init="ones", bias_init="zeros")
        net = nn.SequentialCell(dense, wrapper) if wrapper else dense
        optimizer = nn.SGD([dense.weight], 0.01)
        data = ds.NumpySlicesDataset((ROWS.asnumpy(), np.ones((3, 1), np.float32)), shuffle=False).batch(3)
        Model(net, nn.MSELoss(), optimizer).train(2, data, dataset_sink_mode=sink)
        return dense.weight.asnumpy()
    finally:
        context.reset_context()


@pytest.mark.parametrize("sink", [False, True])
@pytest.mark.parametrize("mode", [None, context.GRAPH_MODE, context.PYNATIVE_MODE])
def test_in_model_train(mode, sink):
    rows, weight = ROWS.asnumpy().astype(np.float64), np.ones(2)
    for _ in range(2):
        weight -= 0.01 * 0.5 * 2 / 3 * rows.T @ (rows @ weight - 1)
    np.testing.assert_allclose(trained(mode, sink, Halved())[0], weight, rtol=1e-5)


def test_on_a_loss_cell():
    class Loss(nn.LossBase):
        def construct(self, logits, labels):
            return self.get_loss((logits - labels) ** 2)

        def bprop(self, logits, labels, out, dout):
            return dout * ops.ones_like(logits) * 4, ops.zeros_like(labels)

    assert arrays(eager_and_jitted(grad(Loss(), (0, 1)), X, Y)) == ([4.0, 4.0], [0.0, 0.0])
    net = nn.Dense(2, 1, weight_init="ones", bias_init="zeros")
    step = nn.TrainOneStepCell(nn.WithLossCell(net, Loss()), nn.SGD([net.weight], 1.0))
    step(Tensor([[1.0, 2.0]]), Tensor([[0.0]]))
    assert arrays(net.weight.value()) == [[-3.0, -7.0]]


def test_nested_cells_use_the_outermost():
    class Square(nn.Cell):
        def construct(self, x):
            return x * x

        def bprop(self, x, out, dout):
            return (dout * x * x,)

    class Plain(nn.Cell):
        def __init__(self):
            super().__init__()
            self.inner = Square()

        def construct(self, x):
            return self.inner(x) * 3

    class Own(Plain):
        def bprop(self, x, out, dout):
            return (dout * 1000,)

    np.testing.assert_allclose(eager_and_jitted(grad(Plain()), X), 3 * X.asnumpy() ** 2, rtol=1e-6)
    assert arrays(eager_and_jitted(grad(Own()), X)) == [1000.0, 1000.0]


def test_construct_need_not_be_differentiable():
    class Callback(nn.Cell):
        def __init__(self):
            super().__init__()
            self.w = Parameter(np.float32(3.0), name="w", requires_grad=False)

        def construct(self, x):
            shape = jax.ShapeDtypeStruct(x.shape, np.float32)
            return Tensor(jax.pure_callback(lambda x, w: np.round(x) * w, shape, x._value, self.w._value))

        def bprop(self, x, out, dout):
            return (dout * self.w,)

    assert arrays(grad(Callback())(X)) == [3.0, 3.0]


# --- inputs, outputs, state -----------------------------------------------------------------------------------------


def test_several_inputs_and_outputs():
    seen = []

    class Two(nn.Cell):
        def construct(self, x, y):
            return x * y, x + y

        def bprop(self, x, y, out, dout):
            seen.append((type(out), type(dout), len(out), len(dout)))
            return dout[0] * 10, dout[1] * 100

    assert arrays(eager_and_jitted(grad(Two(), (0, 1)), X, Y)) == ([10.0, 10.0], [100.0, 100.0])
    # The gradient of an output that is not used is zero.
    assert arrays(eager_and_jitted(grad(lambda x, y: Two()(x, y)[0], (0, 1)), X, Y)) == ([10.0, 10.0], [0.0, 0.0])
    assert set(seen) == {(tuple, tuple, 2, 2)}


def test_inputs_without_gradient():
    class Mixed(nn.Cell):
        def construct(self, x, indices, k, pair):
            return x[indices] * k * pair[0] * pair[1]

        def bprop(self, x, indices, k, pair, out, dout):
            return dout * 7, ops.zeros_like(indices), 0, (dout * 3, None)

    indices = Tensor([1, 0])
    function = grad(lambda x, a, b: Mixed()(x, indices, 3, (a, b)), (0, 1, 2))
    assert arrays(eager_and_jitted(function, X, Y, Y)) == ([7.0, 7.0], [3.0, 3.0], [0.0, 0.0])


def test_keyword_and_default_inputs_reach_bprop_by_position():
    class Times(nn.Cell):
        def construct(self, x, k=2):
            return x * k

        def bprop(self, x, k, out, dout):
            return dout * k * 10, None

    assert arrays(eager_and_jitted(grad(lambda x: Times()(x, k=5)), X)) == [50.0, 50.0]
    assert arrays(eager_and_jitted(grad(lambda x: Times()(x)), X)) == [20.0, 20.0]

    class Any(nn.Cell):
        def construct(self, *tensors):
            return tensors[0] * tensors[1]

        def bprop(self, *tensors):
            dout = tensors[-1]
            return dout * 3, dout * 4

    assert arrays(eager_and_jitted(grad(Any(), (0, 1)), X, Y)) == ([3.0, 3.0], [4.0, 4.0])

    class Keyword(nn.Cell):
        def construct(self, x, *, k):
            return x * k

        def bprop(self, x, out, dout):
            return dout

    with pytest.raises(TypeError, match=r"Keyword: a Cell with `bprop`.*keyword-only input\(s\) k"):
        grad(lambda x: Keyword()(x, k=2))(X)


def test_jax_arrays_tensors_and_lists_are_accepted():
    class Arrays(nn.Cell):
        def construct(self, x):
            return jax.numpy.round(x.jax())

        def bprop(self, x, out, dout):
            return [dout * 2]

    class Bare(Rounded):
        def bprop(self, x, out, dout):
            return dout

    assert arrays(eager_and_jitted(grad(Arrays()), X)) == [2.0, 2.0]
    assert arrays(eager_and_jitted(grad(Bare()), X)) == [1.0, 1.0]


def test_parameters_get_no_gradient_and_a_warning():
    class Reads(nn.Cell):
        def __init__(self):
            super().__init__()
            self.w = Parameter(np.array([2.0, 2.0], np.float32), name="w")

        def construct(self, x):
            return x * self.w

        def bprop(self, x, out, dout):
            return (dout * 5,)

    cell = Reads()
    with pytest.warns(GradientWarning, match=r"Reads defines `bprop`.*Parameter\(s\) 'w'.*as inputs") as caught:
        result = grad(cell, 0, [cell.w])(X)
    assert caught[0].filename == __file__
    assert arrays(result) == ([5.0, 5.0], ([0.0, 0.0],))
    assert arrays(grad(Reads())(X)) == [5.0, 5.0]


def test_a_parameter_that_is_an_input_gets_a_gradient():
    class Product(nn.Cell):
        def construct(self, x, w):
            return x * w

        def bprop(self, x, w, out, dout):
            return dout * 5, dout * 77

    class Net(nn.Cell):
        def __init__(self):
            super().__init__()
            self.w = Parameter(np.array([2.0, 2.0], np.float32), name="w")
            self.product = Product()

        def construct(self, x):
            return self.product(x, self.w)

    net = Net()
    assert arrays(eager_and_jitted(grad(net, 0, [net.w]), X)) == ([5.0, 5.0], ([77.0, 77.0],))


def test_parameters_written_in_construct_and_in_bprop():
    class Counting(nn.Cell):
        def __init__(self):
            super().__init__()
            self.calls = Parameter(np.float32(0), name="calls", requires_grad=False)
            self.backward = Parameter(np.float32(0), name="backward", requires_grad=False)

        def construct(self, x):
            self.calls += 1
            return x * 2

        def bprop(self, x, out, dout):
            self.backward += 10
            return (dout * self.calls,)

    cell = Counting()
    function = jit(grad(cell))
    for calls in (1, 2):
        assert arrays(grad(cell)(X)) == [2 * calls - 1.0] * 2
        assert arrays(function(X)) == [2.0 * calls] * 2
    assert (float(cell.calls), float(cell.backward)) == (4.0, 40.0)


class Counter(nn.Cell):
    """Counts in construct by ten and in `bprop` by one; the gradient is the count."""

    def __init__(self):
        super().__init__()
        self.count = Parameter(np.float32(0), name="count", requires_grad=False)

    def construct(self, x):
        self.count += 10
        return x * 2

    def bprop(self, x, out, dout):
        self.count += 1
        return (dout * self.count,)


@pytest.mark.parametrize("compiled", [False, True])
def test_a_cell_called_twice_counts_both_backward_passes(compiled):
    # The values of MindSpore 2.10: 20 after construct, then 21 and 22 in the two calls of bprop.
    cell = Counter()
    function = grad(lambda x: cell(cell(x)))
    assert arrays((jit(function) if compiled else function)(X)) == [21.0 * 22.0] * 2
    assert float(cell.count) == 22.0


@pytest.mark.parametrize(
    "part",
    [
        lambda cell, x: recompute(cell, x),
        lambda cell, x: scan(lambda c, y: (c, cell(y)), Tensor(0.0), x)[1],
        lambda cell, x: ops.cond(x[0] > 0, cell, lambda y: y, x),
    ],
)
@pytest.mark.parametrize("by", ["bprop", "hook"])
def test_a_write_in_the_backward_pass_inside_a_loop_raises(by, part):
    if by == "bprop":
        cell = Counter()
        count = cell.count
    else:
        cell, count = nn.Identity(), Parameter(np.float32(0), name="count", requires_grad=False)

        def counting(cell, grad_input, grad_output):
            count.set_data(count + 1)

        cell.register_backward_hook(counting)
    with pytest.raises(StateError, match="Parameter 'count' is written by `bprop` or a hook in the backward"):
        grad(lambda x: part(cell, x))(X)
    with pytest.raises(jax.errors.UnexpectedTracerError):
        jit(grad(lambda x: part(cell, x)))(X)


def test_to_float_casts_the_inputs_of_bprop():
    seen = []

    class Twice(nn.Cell):
        def construct(self, x):
            return x * 2

        def bprop(self, x, out, dout):
            seen.append((x.dtype, out.dtype, dout.dtype))
            return (dout * 5,)

    gradient = grad(Twice().to_float(float16))(X)
    assert seen == [(float16,) * 3]
    assert str(gradient.dtype) == "Float32"
    assert arrays(gradient) == [5.0, 5.0]


def test_values_are_concrete_in_plain_calls():
    cell, seen = Rounded(), []
    cell.bprop = lambda x, out, dout: seen.append(out.asnumpy().tolist()) or (dout * 3,)
    assert arrays(grad(cell)(X)) == [3.0, 3.0]
    assert seen == [[0.0, 2.0]]


# --- higher derivatives ---------------------------------------------------------------------------------------------


def test_second_derivatives_differentiate_bprop():
    class Square(nn.Cell):
        def construct(self, x):
            return x * x

        def bprop(self, x, out, dout):
            return (dout * x * x,)

    class Exp(nn.Cell):
        def construct(self, x):
            return ops.exp(x)

        def bprop(self, x, out, dout):
            return (dout * out * 3,)

    x = Tensor(np.array([1.0, 2.0], np.float32))
    assert arrays(eager_and_jitted(grad(grad(Square())), x)) == [2.0, 4.0]
    # `out` has the derivative of bprop, 3 out, also inside bprop: as in MindSpore, the result is 9 exp(x).
    np.testing.assert_allclose(eager_and_jitted(grad(grad(Exp())), x), 9 * np.exp(x.asnumpy()), rtol=1e-4)
    np.testing.assert_allclose(jit(grad(grad(grad(Exp()))))(x), 27 * np.exp(x.asnumpy()), rtol=1e-4)


def test_a_parameter_read_in_bprop_gets_second_derivatives():
    cell = Scaled()
    cell.k.requires_grad = True
    function = grad(lambda x: (grad(cell)(x) ** 2).sum(), 0, [cell.k])
    by_x, (by_k,) = eager_and_jitted(function, X)
    x = X.asnumpy().astype(np.float64)
    np.testing.assert_allclose(by_x, 2 * 49 * x, rtol=1e-5)
    np.testing.assert_allclose(by_k, 2 * 7 * (x**2).sum(), rtol=1e-5)


def test_forward_mode_raises():
    with pytest.raises(TypeError, match="custom_vjp"):
        jax.jvp(lambda x: Rounded()(Tensor(x))._value, (X._value,), (X._value,))


# --- errors ---------------------------------------------------------------------------------------------------------


def cell_returning(gradients):
    class Wrong(nn.Cell):
        def construct(self, x):
            return x * 1

        def bprop(self, x, out, dout):
            return gradients(dout)

    return Wrong()


@pytest.mark.parametrize("transform", [lambda f: f, jit], ids=["eager", "jit"])
@pytest.mark.parametrize(
    ("gradients", "message"),
    [
        (lambda d: (), r"Wrong.bprop returned 0 gradient\(s\), but construct has 1 input\(s\): x\."),
        (lambda d: (d, d), r"Wrong.bprop returned 2 gradient\(s\), but construct has 1 input\(s\): x\."),
        (lambda d: d.sum(), r"gradient of `x` must be a Tensor of shape \(2,\) .* got shape \(\)"),
        (lambda d: d.astype(float16), r"dtype float32, as the input is, but got shape \(2,\) and dtype float16"),
        (lambda d: 0, r"but got 0 of type int.*zeros_like"),
        (lambda d: ((d, d),), r"gradient of `x` must hold 1 Tensor\(s\).*got 2"),
    ],
)
def test_wrong_gradients_raise(gradients, message, transform):
    with pytest.raises(TypeError, match=message):
        transform(grad(cell_returning(gradients)))(X)


def test_a_wrong_signature_raises():
    class Wrong(nn.Cell):
        def construct(self, x, k=2):
            return x * k

        def bprop(self, x, out, dout):
            return dout

    with pytest.raises(TypeError, match=r"Wrong.bprop\(x, out, dout\).*def bprop\(self, x, k, out, dout\)"):
        grad(Wrong())(X)


def test_check_bprop_rejects_none():
    cell = cell_returning(lambda dout: None)
    assert arrays(grad(lambda x: cell(x) + x)(X)) == [1.0, 1.0]
    context.set_context(check_bprop=True)
    try:
        with pytest.raises(TypeError, match="got None .check_bprop is on"):
            grad(lambda x: cell(x) + x)(X)
    finally:
        context.reset_context()


def test_bprop_debug_is_stored_and_checked():
    cell = Rounded()
    assert cell.bprop_debug is False
    cell.bprop_debug = True
    assert cell.bprop_debug is True
    assert arrays(grad(cell)(X)) == [1.0, 1.0]
    with pytest.raises(TypeError, match="bprop_debug must be a bool"):
        cell.bprop_debug = 1


# --- losses that return JAX arrays ----------------------------------------------------------------------------------


def test_functions_of_jax_arrays_are_differentiated():
    def loss(x, y):
        return ((x.jax() - y.jax()) ** 2).mean()

    value, gradients = value_and_grad(loss, (0, 1))(X, Y)
    jitted_value, jitted = jit(value_and_grad(loss, (0, 1)))(X, Y)
    difference = X.asnumpy().astype(np.float64) - Y.asnumpy()
    for each in (value, jitted_value, jit(loss)(X, Y)):
        assert isinstance(each, jax.Array)
        np.testing.assert_allclose(each, (difference**2).mean(), rtol=1e-6)
    for by_x, by_y in (gradients, jitted):
        assert isinstance(by_x, Tensor)
        np.testing.assert_allclose(by_x, difference, rtol=1e-6)
        np.testing.assert_allclose(by_y, -difference, rtol=1e-6)
    np.testing.assert_allclose(vmap(loss)(X, Y), difference**2, rtol=1e-6)
    with pytest.raises(TypeError, match="no floating Tensor or JAX array"):
        grad(lambda x: np.float32(3.0))(X)
