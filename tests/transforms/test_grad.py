"""grad and value_and_grad: results and errors."""

import numpy as np
import pytest

from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError
from sporax.core import Parameter, ParameterTuple, Tensor
from sporax.transforms import grad, jit, stop_gradient, value_and_grad

pytestmark = pytest.mark.usefixtures("gradient_mode")

W = Parameter(np.float32(2.0), name="w")
B = Parameter(np.float32(1.0), name="b")


def line(x, y):
    return x * W + y * y * B


def arrays(tree):
    if isinstance(tree, tuple):
        return tuple(arrays(each) for each in tree)
    return tree if isinstance(tree, (str, int)) else float(tree)


@pytest.mark.parametrize(
    ("position", "weights", "expected"),
    [
        (0, None, 2.0),
        (1, None, 6.0),
        (-1, None, 6.0),
        ((0, 1), None, (2.0, 6.0)),
        ((0,), None, (2.0,)),
        (None, W, 5.0),
        (None, [W, B], (5.0, 9.0)),
        (None, ParameterTuple([B]), (9.0,)),
        (0, [W], (2.0, (5.0,))),
        ((0, 1), [W, B], ((2.0, 6.0), (5.0, 9.0))),
    ],
)
def test_structure_of_the_gradients(position, weights, expected):
    assert arrays(grad(line, position, weights)(Tensor(5.0), Tensor(3.0))) == expected
    value, gradients = value_and_grad(line, position, weights)(Tensor(5.0), Tensor(3.0))
    assert float(value) == 19.0
    assert arrays(gradients) == expected
    assert arrays(jit(grad(line, position, weights))(Tensor(5.0), Tensor(3.0))) == expected


def test_return_ids_pairs_gradients_with_positions_and_names():
    by_input, by_weight = grad(line, (0,), [W, B], return_ids=True)(Tensor(5.0), Tensor(3.0))
    assert arrays(by_input) == ((0, 2.0),)
    assert arrays(by_weight) == (("w", 5.0), ("b", 9.0))


def test_has_aux_differentiates_the_first_output_only():
    gradients, aux = grad(lambda x: (x * x, x * 100), has_aux=True)(Tensor(3.0))
    assert float(gradients) == 6.0
    assert arrays(aux) == (300.0,)
    (value, extra), gradient = value_and_grad(lambda x: (x * x, x * 100), has_aux=True)(Tensor(3.0))
    assert (float(value), float(extra), float(gradient)) == (9.0, 300.0, 6.0)


def test_an_output_of_many_elements_is_summed_as_in_mindspore():
    np.testing.assert_array_equal(grad(lambda x: (x * x, 3 * x))(Tensor([1.0, 2.0])).asnumpy(), [5.0, 7.0])


def test_second_and_third_derivatives():
    cube = lambda x: x * x * x  # noqa: E731
    assert float(grad(grad(cube))(Tensor(2.0))) == 12.0
    assert float(jit(grad(grad(grad(cube))))(Tensor(2.0))) == 6.0


def test_stop_gradient():
    assert float(grad(lambda x: stop_gradient(x) * x)(Tensor(3.0))) == 3.0


def test_unused_parameter_has_zero_gradient():
    assert arrays(grad(lambda x: x * W, None, [W, B])(Tensor(5.0))) == (5.0, 0.0)


def test_gradients_have_the_dtypes_of_their_inputs():
    x = Tensor(np.float16(3.0))
    assert str(grad(lambda x: x * x)(x).dtype) == "Float16"
    assert str(grad(lambda x: x * x)(Tensor(np.float64(3.0))).dtype) == "Float64"


def test_errors():
    with pytest.raises(ArgumentError, match="pass `grad_position`, `weights`, or both"):
        grad(line, None)
    with pytest.raises(ArgumentTypeError, match=r"must hold Parameters.*trainable_params"):
        grad(line, None, [Tensor(1.0)])
    with pytest.raises(ArgumentTypeError, match="int or a tuple of ints"):
        grad(line, ("a",))
    with pytest.raises(ArgumentError, match="`grad_position` 2 does not exist.*2 positional"):
        grad(line, 2)(Tensor(1.0), Tensor(1.0))
    with pytest.raises(ArgumentTypeError, match="input 0 .* must be a Tensor, but got 1 of type int"):
        grad(line)(1, Tensor(1.0))
    with pytest.raises(ArgumentTypeError, match="input 0 .* of type tuple. Pass its Tensors"):
        grad(line)((Tensor(1.0), Tensor(1.0)), Tensor(1.0))
    with pytest.raises(DtypeError, match="nothing to differentiate"):
        grad(lambda x: x > 1)(Tensor(1.0))


class TestHasAux:
    @pytest.mark.parametrize(
        ("function", "got"),
        [
            (lambda x: x * x, "Tensor"),
            (lambda x: (), "tuple"),
            (lambda x: {"loss": x * x, "other": x}, "dict"),
        ],
    )
    @pytest.mark.parametrize("of", [grad, value_and_grad])
    def test_outputs_other_than_tuples_raise(self, of, function, got):
        # A Tensor would be indexed, which gives the gradient of only its first element.
        with pytest.raises(ArgumentError, match=f"must return a tuple of outputs, .* of type {got}"):
            of(function, has_aux=True)(Tensor([2.0, 3.0]))


def test_empty_weights_give_an_empty_tuple():
    x = Tensor([2.0, 3.0])
    by_input, by_weight = grad(lambda x: x * x, 0, [])(x)
    assert (by_input.tolist(), by_weight) == ([4.0, 6.0], ())
    value, (by_input, by_weight) = value_and_grad(lambda x: x * x, (0,), ParameterTuple(()))(x)
    assert (value.tolist(), by_input[0].tolist(), by_weight) == ([4.0, 9.0], [4.0, 6.0], ())


def test_a_position_may_be_a_numpy_integer():
    x, y = Tensor(2.0), Tensor(5.0)
    assert grad(lambda x, y: x * y, np.int64(1))(x, y).item() == 2.0
    assert [each.item() for each in grad(lambda x, y: x * y, (np.int64(1), 0))(x, y)] == [2.0, 5.0]
