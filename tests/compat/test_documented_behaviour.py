"""Behaviour that MindSpore documents with an example."""

import itertools

import numpy as np
import pytest

import sporax.dataset as ds
from sporax import Model, Parameter, Tensor, grad, jit, nn, ops, value_and_grad
from sporax._errors import ArgumentError, ShapeError


def _matrix(*values):
    return Parameter(Tensor(np.array(values, np.float32)), name="matrix")


# --- sens_param -----------------------------------------------------------------------------------------------


def test_a_sensitivity_replaces_ones():
    x, y = Tensor([2.0, -1.0, 0.5]), Tensor([4.0, 3.0, -2.0])
    value, gradient = value_and_grad(lambda a, b: a * b, 1, sens_param=True)(x, y, Tensor([10.0, 0.0, -3.0]))
    np.testing.assert_array_equal(value.asnumpy(), [8.0, -3.0, -1.0])
    np.testing.assert_array_equal(gradient.asnumpy(), [20.0, 0.0, -1.5])


def test_several_outputs_have_a_tuple_of_sensitivities():
    def product_and_difference(a, b):
        return a * b, a - b

    x, y = Tensor([2.0, -1.0]), Tensor([4.0, 3.0])
    senses = (Tensor([1.0, 2.0]), Tensor([0.5, 7.0]))
    by_x, by_y = grad(product_and_difference, (0, 1), sens_param=True)(x, y, senses)
    np.testing.assert_array_equal(by_x.asnumpy(), [4.5, 13.0])
    np.testing.assert_array_equal(by_y.asnumpy(), [1.5, -9.0])


def test_with_aux_only_the_first_output_has_a_sensitivity():
    gradient, aux = grad(lambda a: (a * a, a + 1), has_aux=True, sens_param=True)(
        Tensor([3.0, 4.0]), Tensor([1.0, 0.25])
    )
    np.testing.assert_array_equal(gradient.asnumpy(), [6.0, 2.0])
    np.testing.assert_array_equal(aux[0].asnumpy(), [4.0, 5.0])


def test_a_sensitivity_with_weights():
    weight = _matrix(1.0, 5.0)
    gradient = grad(lambda x: x * weight, None, weight, sens_param=True)(Tensor([2.0, 3.0]), Tensor([4.0, -1.0]))
    np.testing.assert_array_equal(gradient.asnumpy(), [8.0, -3.0])


def test_a_sensitivity_of_the_wrong_shape_or_number_raises():
    x = Tensor([2.0, 3.0])
    with pytest.raises(ShapeError, match=r"sensitivity of output 0 must have its shape \(2,\), but got \(\)"):
        grad(lambda a: a * a, sens_param=True)(x, Tensor(1.0))
    with pytest.raises(ArgumentError, match="the function returned 2, but got 1"):
        grad(lambda a: (a, a * a), sens_param=True)(x, x)
    with pytest.raises(ArgumentError, match="the last input must be the sensitivity; got no input"):
        grad(lambda: x, sens_param=True)()


# --- jit, Cell ------------------------------------------------------------------------------------------------


def test_jit_takes_its_function_by_keyword():
    doubled = jit(function=lambda a: a * 2)
    np.testing.assert_array_equal(doubled(Tensor([1.5, -2.0])).asnumpy(), [3.0, -4.0])


class _Tripled(nn.Cell):
    def __init__(self):
        super().__init__()
        self.inner = nn.Identity()

    def construct(self, x):
        return self.inner(x * 3)


def test_a_backward_pre_hook_replaces_the_output_gradient():
    net, seen, later = _Tripled(), [], []

    def halve(cell, grad_output):
        seen.append((cell, grad_output[0].asnumpy()))
        return grad_output[0] * 0.5

    handle = net.inner.register_backward_pre_hook(halve)
    net.inner.register_backward_hook(lambda cell, grad_input, grad_output: later.append(grad_output[0].asnumpy()))
    np.testing.assert_array_equal(grad(net)(Tensor([1.0, 2.0])).asnumpy(), [1.5, 1.5])
    assert seen[0][0] is net.inner
    np.testing.assert_array_equal(seen[0][1], [1.0, 1.0])
    np.testing.assert_array_equal(later[0], [0.5, 0.5])
    handle.remove()
    np.testing.assert_array_equal(grad(net)(Tensor([1.0, 2.0])).asnumpy(), [3.0, 3.0])


def test_flags_apply_to_descendants():
    net = _Tripled()
    assert net.add_flags_recursive(frozen_part=True) is net
    assert net.frozen_part
    assert net.inner.frozen_part


@pytest.mark.parametrize("container", [nn.SequentialCell, nn.CellList])
def test_append_returns_nothing_and_extend_the_container(container):
    cells = container([nn.ReLU()])
    assert cells.append(nn.Tanh()) is None
    assert cells.extend([nn.Identity(), nn.Sigmoid()]) is cells
    assert [type(each).__name__ for each in cells] == ["ReLU", "Tanh", "Identity", "Sigmoid"]


# --- ops that write a Parameter return its new value ------------------------------------------------------------


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (lambda p: ops.assign(p, Tensor([[7.0, 8.0], [9.0, 6.0]])), [[7.0, 8.0], [9.0, 6.0]]),
        (lambda p: ops.assign_add(p, Tensor([[1.0, 0.0], [0.0, 1.0]])), [[2.0, 2.0], [3.0, 5.0]]),
        (lambda p: ops.AssignSub()(p, Tensor([[1.0, 0.0], [0.0, 1.0]])), [[0.0, 2.0], [3.0, 3.0]]),
        (lambda p: ops.ScatterUpdate()(p, Tensor([1]), Tensor([[5.0, 6.0]])), [[1.0, 2.0], [5.0, 6.0]]),
        (lambda p: ops.scatter_nd_add(p, Tensor([[0, 1]]), Tensor([10.0])), [[1.0, 12.0], [3.0, 4.0]]),
    ],
)
def test_a_write_returns_a_tensor_of_the_new_value(write, expected):
    parameter = _matrix([1.0, 2.0], [3.0, 4.0])
    result = write(parameter)
    assert type(result) is Tensor
    np.testing.assert_array_equal(result.asnumpy(), expected)
    np.testing.assert_array_equal(parameter.asnumpy(), expected)
    parameter.set_data(Tensor(np.zeros((2, 2), np.float32)))
    np.testing.assert_array_equal(result.asnumpy(), expected)


def test_a_write_in_compiled_code_takes_effect():
    parameter = _matrix([1.0, 2.0])
    result = jit(lambda x: ops.assign_add(parameter, x) * 2)(Tensor(np.array([[4.0, -3.0]], np.float32)))
    np.testing.assert_array_equal(result.asnumpy(), [[10.0, -2.0]])
    np.testing.assert_array_equal(parameter.asnumpy(), [[5.0, -1.0]])


# --- shapes and printed numbers -----------------------------------------------------------------------------------


def test_tensor_shape_is_a_tensor_and_shape_is_a_tuple():
    x = Tensor(np.zeros((4, 1, 5), np.float32))
    assert str(ops.TensorShape()(x)) == "[4 1 5]"
    assert ops.Shape()(x) == (4, 1, 5)


def test_flatten_takes_its_axes_by_position():
    x = Tensor(np.zeros((2, 3, 4, 5), np.float32))
    assert x.flatten(0, 1).shape == (6, 4, 5)
    assert x.flatten(2).shape == (2, 3, 20)
    assert x.flatten(start_dim=1, end_dim=2).shape == (2, 12, 5)
    assert x.flatten("F").shape == (120,)
    with pytest.raises(TypeError, match="a first and a last axis"):
        x.flatten(0, 1, 2)
    with pytest.raises(TypeError, match="name the axes"):
        x.flatten("C", 1)


def test_repeat_interleave_with_output_size():
    x = Tensor([[3, 1], [2, 7]])
    assert x.repeat_interleave(2, dim=0, output_size=4).shape == (4, 2)
    assert x.repeat_interleave(Tensor([2, 1]), dim=1, output_size=3).shape == (2, 3)
    with pytest.raises(ShapeError, match="`output_size` must be 4, the sum of `repeats`, but got 5"):
        x.repeat_interleave(2, dim=0, output_size=5)


@pytest.mark.parametrize(
    ("cuts", "lengths"), [([2, 9], [2, 3, 0]), ([7, 8], [5, 0, 0]), ([4, 1], [4, 0, 4]), ([-2], [3, 2])]
)
def test_splits_after_the_end_give_empty_pieces(cuts, lengths):
    x = np.arange(15.0, dtype=np.float32).reshape(5, 3)
    bounds = [None, *cuts, None]
    expected = [x[a:b] for a, b in itertools.pairwise(bounds)]
    for pieces in (ops.vsplit(Tensor(x), cuts), ops.tensor_split(Tensor(x), cuts), Tensor(x).tensor_split(cuts)):
        assert [len(piece) for piece in pieces] == lengths
        for piece, wanted in zip(pieces, expected, strict=True):
            np.testing.assert_array_equal(piece.asnumpy(), wanted)
    along_columns = ops.hsplit(Tensor(x), [1, 8])
    assert [piece.shape for piece in along_columns] == [(5, 1), (5, 2), (5, 0)]


def test_subtract_with_alpha():
    x, y = Tensor([4.0, 5.0]), Tensor([1.0, -2.0])
    np.testing.assert_array_equal(ops.subtract(x, y).asnumpy(), [3.0, 7.0])
    np.testing.assert_array_equal(ops.subtract(x, y, alpha=0.5).asnumpy(), [3.5, 6.0])
    np.testing.assert_array_equal(ops.subtract(x, 2, alpha=3).asnumpy(), [-2.0, -1.0])
    result = ops.subtract(Tensor([9, 7]), Tensor([1, 2]), alpha=2)
    assert result.dtype == Tensor([1]).dtype
    assert result.tolist() == [7, 3]


@pytest.mark.parametrize(("layer", "formula"), [(nn.HSigmoid, lambda x, g: g), (nn.HSwish, lambda x, g: x * g)])
def test_hard_gates_in_half_precision_round_once(layer, formula):
    x = np.linspace(-4, 4, 257).astype(np.float16)
    wide = x.astype(np.float64)
    expected = formula(wide, np.clip(wide / 6 + 0.5, 0, 1)).astype(np.float16)
    result = layer()(Tensor(x)).asnumpy()
    assert result.dtype == np.float16
    # Rarely, a tie of the float32 intermediate value is rounded to the other neighbor.
    assert np.mean(result == expected) > 0.99


# --- evaluation ---------------------------------------------------------------------------------------------------


def test_evaluation_accepts_a_loss_of_one_number_per_sample():
    """Training requires one number; evaluation averages over all samples, so a smaller last batch has less weight."""
    rng = np.random.default_rng(3)
    features, labels = rng.normal(size=(7, 3)).astype(np.float32), np.array([0, 1, 1, 0, 1, 0, 0], np.int32)
    data = ds.NumpySlicesDataset({"x": features, "y": labels}, shuffle=False).batch(4)
    net, loss = nn.Dense(3, 2), nn.SoftmaxCrossEntropyWithLogits(sparse=True)
    result = Model(net, loss, metrics={"loss", "accuracy"}).eval(data)
    expected = loss(net(Tensor(features)), Tensor(labels)).asnumpy().mean()
    assert result["loss"] == pytest.approx(float(expected), rel=1e-6)
    assert 0.0 <= result["accuracy"] <= 1.0
