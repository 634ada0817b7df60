"""Gradients with respect to integer and bool inputs: values and dtypes of MindSpore 2.10."""

from __future__ import annotations

import numpy as np
import pytest

from sporax import GradientWarning, nn, ops
from sporax.core import Parameter, Tensor
from sporax.core.dtype import float32, int32, int64
from sporax.transforms import grad, jit, recompute, scan, stop_gradient, value_and_grad, vmap

X = Tensor(np.array([1.0, 2.0], np.float32))
N = Tensor([3, 4])
LOGITS = Tensor(np.array([[1.0, 2.0], [0.5, -1.0]], np.float32))


def rounded(array):
    return (array.round(5) if array.dtype.kind == "f" else array).tolist()


def checked(function, position, *args):
    """Return (value, dtype) of each gradient, after a check that jit gives the same."""
    results = []
    for transform in (grad(function, position), jit(grad(function, position))):
        gradients = transform(*args)
        gradients = gradients if isinstance(gradients, tuple) else (gradients,)
        results.append([(rounded(np.asarray(each)), str(each.dtype)) for each in gradients])
    assert results[0] == results[1]
    return results[0] if isinstance(position, tuple) else results[0][0]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda n: n * n, [6, 8]),
        (lambda n: n * n * n, [27, 48]),
        (lambda n: n**3, [27, 48]),
        (lambda n: (n * n).sum(), [6, 8]),
        (lambda n: (n * n).max(), [0, 8]),
        (lambda n: n // 2, [0, 0]),
        (lambda n: ops.abs(-n) * 2, [2, 2]),
        (lambda n: ops.where(n > 3, n * 5, n), [1, 5]),
        (lambda n: ops.concat((n, n * 2)), [3, 3]),
        (lambda n: n[1] * 7, [0, 7]),
        (lambda n: n.astype(float32) * 2, [2, 2]),
        (lambda n: n.astype(int32).astype(float32) * 2, [2, 2]),
        (lambda n: n.reshape((2, 1)).transpose((1, 0)) * 2, [2, 2]),
        (lambda n: stop_gradient(n) * n, [3, 4]),
        (lambda n: jit(lambda m: m * m)(n), [6, 8]),
        (lambda n: recompute(lambda m: m * m, n), [6, 8]),
    ],
)
def test_integer_inputs(function, expected):
    assert checked(function, 0, N) == (expected, "Int64")


@pytest.mark.parametrize("dtype", [np.int32, np.uint8, np.int64])
def test_the_dtype_is_that_of_the_input(dtype):
    assert checked(lambda n: n * n, 0, Tensor(np.array(3, dtype))) == (6, dtype.__name__.title().replace("Ui", "UI"))


def test_integer_matrices():
    m = np.array([[3, 4], [1, 2]])
    expected = np.ones((2, 2)) @ m.T + m.T @ np.ones((2, 2))
    assert checked(lambda m: ops.matmul(m, m), 0, Tensor(m)) == (expected.tolist(), "Int64")


def test_mixed_with_floating_inputs():
    assert checked(lambda x, n: x * n, (0, 1), X, N) == [([3.0, 4.0], "Float32"), ([1, 2], "Int64")]
    assert checked(lambda x, n: x * n, 1, X, N) == ([1, 2], "Int64")
    assert checked(lambda x, n: (x * 2, n * n), (0, 1), X, N) == [([2.0, 2.0], "Float32"), ([6, 8], "Int64")]
    assert checked(lambda x, n: x, (0, 1), X, N) == [([1.0, 1.0], "Float32"), ([0, 0], "Int64")]


@pytest.mark.parametrize(
    ("function", "other"),
    [
        (lambda x, n: x[n], Tensor([1, 0])),
        (lambda x, n: ops.one_hot(n, 2) * x, Tensor([1, 0])),
        (lambda x, n: ops.where(n, x, x * 2), Tensor([[True, False], [False, True]])),
        (lambda x, n: scan(lambda c, i: (c + x[i], c), x[0], n)[0], Tensor([1, 0])),
    ],
    ids=["index", "one hot", "condition", "scan"],
)
def test_labels_indices_and_conditions_get_zeros(function, other):
    (by_x, _), (by_other, dtype) = checked(function, (0, 1), LOGITS, other)
    np.testing.assert_allclose(by_x, grad(function)(LOGITS, other), atol=1e-5)
    assert not np.any(by_other)
    assert dtype == str(other.dtype)


@pytest.mark.parametrize("loss", [ops.cross_entropy, nn.CrossEntropyLoss(label_smoothing=0.1)], ids=["op", "Cell"])
def test_labels_of_a_loss_get_zeros(loss):
    labels = Tensor(np.array([1, 0], np.int32))
    by_logits, by_labels = jit(ops.GradOperation(get_all=True)(loss))(LOGITS, labels)
    np.testing.assert_allclose(by_logits, jit(grad(loss))(LOGITS, labels), atol=1e-6)
    assert (by_labels.tolist(), by_labels.dtype) == ([0, 0], int32)


def test_bool_inputs():
    for function, expected in ((lambda b: b, True), (lambda b: b * 2.5, True), (ops.logical_not, False)):
        assert checked(function, 0, Tensor([True])) == ([expected], "Bool")


def test_grad_operation_with_all_inputs():
    everything = ops.GradOperation(get_all=True)
    by_x, by_n = everything(lambda x, n: x * n)(X, N)
    assert (by_x.tolist(), by_n.tolist(), by_n.dtype) == ([3.0, 4.0], [1, 2], int64)
    # The tuple has no element for inputs other than Tensors.
    (by_x,) = everything(lambda name, x, k, none: x * k)("a", X, 3, None)
    assert by_x.tolist() == [3.0, 3.0]
    weighed = ops.GradOperation(sens_param=True)(lambda n: n * n)(N, Tensor([10, 1]))
    assert (weighed.tolist(), weighed.dtype) == ([60, 8], int64)


def test_integer_parameters_and_values():
    count = Parameter(np.int64(3), name="n")
    value, (by_x, (by_count,)) = value_and_grad(lambda x: x * count, 0, [count])(X)
    assert (value.tolist(), by_x.tolist(), by_count.item(), by_count.dtype) == ([3.0, 6.0], [3.0, 3.0], 3, int64)
    value, gradient = value_and_grad(lambda n: n * n)(N)
    assert (value.tolist(), value.dtype, gradient.tolist()) == ([9, 16], int64, [6, 8])


def test_vmap_and_second_derivatives():
    assert vmap(grad(lambda n: n * n))(N).tolist() == [6, 8]
    assert checked(grad(lambda n: n * n * n), 0, N) == ([18, 24], "Int64")


def test_fractions_are_truncated_with_a_warning():
    with pytest.warns(GradientWarning, match=r"has fractions, which are truncated.*dtype int64.*astype") as caught:
        gradient = grad(lambda n: (n.astype(float32) * 1.7) ** 2)(Tensor([3]))
    assert caught[0].filename == __file__
    assert (gradient.tolist(), gradient.dtype) == ([17], int64)


def test_operators_without_a_derivative_raise():
    def summed(n):
        return scan(lambda total, each: (total + each * each, total), n[0] * 0, n)[0]

    with pytest.raises(
        TypeError, match="through the operator 'scan', which has no derivative with respect to integers"
    ):
        grad(summed)(N)
    with pytest.raises(TypeError, match="the function needs the value of a Tensor in Python.*Cast the input"):
        grad(lambda n: n * 2 if n[0] > 1 else n)(N)


def test_a_cast_to_integers_is_a_step_function():
    # MindSpore propagates the gradient through such a cast, whose derivative is 0 except at the steps.
    assert checked(lambda x: x.astype(int32).astype(float32) * x, 0, X) == ([1.0, 2.0], "Float32")
