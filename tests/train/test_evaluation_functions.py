"""Model.eval divides once for functions, for expressions of one mean, and for an eval_network."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from sporax import Model, Parameter, Tensor, losses, nn, ops, value_and_grad
from sporax import dataset as ds
from sporax._errors import SporaxWarning

RNG = np.random.default_rng(4)
X, Y = (RNG.normal(size=(10, 3)).astype(np.float32) for _ in range(2))
LABELS = np.array([0, 1, 2, -100, -100, -100, 1, -100, 0, 2], np.int32)
CLASSES = np.abs(LABELS) % 3
MASK = np.array([1, 1, 0, 0, 0, 1, 1, 1, 1, 0], np.float32)
W = np.array([0.5, 2.0, 0.1], np.float32)
LOGS = X - np.log(np.exp(X.astype(np.float64)).sum(1, keepdims=True))
CLASS_WEIGHT = Tensor(W)


class _Output(nn.Cell):
    def construct(self, x):
        return x * 1.0


def _eval(loss, *columns, batch=4, **arguments):
    data = ds.NumpySlicesDataset(columns, ["x", "y", "z"][: len(columns)], shuffle=False).batch(batch)
    return Model(_Output(), loss, metrics={"loss"}, **arguments).eval(data)["loss"]


def _weighted_nll(labels, weight=W):
    kept = labels >= 0
    each = weight[labels[kept]].astype(np.float64)
    return -(each * LOGS[kept, labels[kept]]).sum() / each.sum()


def _squares(weights=None):
    squares = (X.astype(np.float64) - Y) ** 2
    if weights is None:
        return squares.mean()
    return (weights[:, None] * squares).sum() / (3 * np.count_nonzero(weights))


ONES = np.ones(3, np.float32)
FUNCTIONS = {
    "ops, class weights": (lambda x, y: ops.cross_entropy(x, y, weight=CLASS_WEIGHT), (X, CLASSES), W),
    "ops, partial": (functools.partial(ops.cross_entropy, weight=CLASS_WEIGHT), (X, CLASSES), W),
    "ops, ignored labels": (ops.cross_entropy, (X, LABELS), ONES),
    "ops.nll_loss": (lambda x, y: ops.nll_loss(ops.log_softmax(x), y, CLASS_WEIGHT), (X, LABELS), W),
    "a loss of the package": (
        lambda x, y: losses.cross_entropy(x._value, y._value, weight=jnp.asarray(W), reduction="mean"),
        (X, LABELS),
        W,
    ),
    "a partial of it": (functools.partial(losses.cross_entropy, reduction="mean"), (X, LABELS), ONES),
    "evaluate": (functools.partial(losses.evaluate, losses.cross_entropy, weight=jnp.asarray(W)), (X, LABELS), W),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_has_the_denominator_of_its_mean(name):
    loss, columns, weight = FUNCTIONS[name]
    for batch in (3, 4, 10):
        assert _eval(loss, *columns, batch=batch) == pytest.approx(_weighted_nll(columns[1], weight), rel=1e-5)


@pytest.mark.parametrize(
    "loss",
    [
        lambda x, y, z: losses.mse_loss(x, y, reduction="mean", weights=z._value.reshape(-1, 1)),
        lambda x, y, z: losses.reduce_loss((x - y)._value ** 2, "mean", z._value.reshape(-1, 1)),
        lambda x, y, z: losses.evaluate(lambda a, b: (a - b) ** 2, x._value, y._value, weights=z._value.reshape(-1, 1)),
    ],
    ids=["weights=", "reduce_loss", "evaluate of a function"],
)
def test_weights_of_a_function_are_included_in_its_denominator(loss):
    assert _eval(loss, X, Y, MASK) == pytest.approx(_squares(MASK), rel=1e-5)


def test_batchmean_of_a_function_counts_samples():
    q = np.exp(LOGS[::-1])
    expected = (q * (np.log(q) - LOGS)).sum() / 10
    loss = functools.partial(ops.kl_div, reduction="batchmean")
    assert _eval(loss, LOGS.astype(np.float32), q.astype(np.float32)) == pytest.approx(expected, rel=1e-5)


def test_a_sum_of_a_function_is_the_mean_of_the_batches_sums():
    loss = functools.partial(ops.mse_loss, reduction="sum")
    assert _eval(loss, X, Y) == pytest.approx(_squares() * 30 / 3, rel=1e-5)


class _Scaled(nn.LossBase):
    def __init__(self):
        super().__init__()
        self.factor = Parameter(np.float32(2.0), name="factor")

    def construct(self, x, y, z):
        return self.factor * self.get_loss((x - y) ** 2, z.reshape(-1, 1)) + 0.25


class _Doubled(nn.CrossEntropyLoss):
    def construct(self, x, y):
        return 2 * super().construct(x, y)


class _BesideAux(nn.LossBase):
    def construct(self, x, y, z):
        return 2 * self.get_loss((x - y) ** 2, z.reshape(-1, 1)), self.get_loss(ops.abs(x - y))


EXPRESSIONS_OF_ONE_MEAN = {
    "scaled, with a penalty": (_Scaled, (X, Y, MASK), lambda: 2 * _squares(MASK) + 0.25),
    "a subclass": (lambda: _Doubled(CLASS_WEIGHT), (X, LABELS), lambda: 2 * _weighted_nll(LABELS)),
    "beside another output": (_BesideAux, (X, Y, MASK), lambda: 2 * _squares(MASK)),
}


@pytest.mark.parametrize("name", EXPRESSIONS_OF_ONE_MEAN)
def test_an_expression_of_one_mean_has_its_denominator(name):
    make, columns, expected = EXPRESSIONS_OF_ONE_MEAN[name]
    assert _eval(make(), *columns) == pytest.approx(expected(), rel=1e-5)


@pytest.mark.parametrize("name", ["scaled, with a penalty", "a subclass"])
def test_gradients_are_accumulated_with_one_division_too(name):
    make, columns, expected = EXPRESSIONS_OF_ONE_MEAN[name]
    loss, rows = make(), [slice(0, 4), slice(4, 8), slice(8, 10)]
    step = value_and_grad(loss.sum_and_weight, 0, has_aux=True)
    total, weight, pieces = 0.0, 0.0, []
    for at in rows:
        (part, count), gradient = step(*(Tensor(column[at]) for column in columns))
        total, weight = total + float(part), weight + float(count)
        pieces.append(gradient.asnumpy())
    assert total / weight == pytest.approx(expected(), rel=1e-5)
    whole = value_and_grad(loss, 0)(*map(Tensor, columns))[1].asnumpy()
    np.testing.assert_allclose(np.concatenate(pieces) / weight, whole, rtol=1e-4, atol=1e-6)


def test_float64_values_are_accurate():
    class Penalised(nn.LossBase):
        def construct(self, x, y):
            return self.get_loss((x - y) ** 2) + 1e-12

    total, weight = Penalised().sum_and_weight(Tensor(np.ones(3)), Tensor(np.ones(3)))
    assert float(total) / float(weight) == pytest.approx(1e-12, rel=1e-9)


def test_terms_of_a_dict_have_separate_denominators():
    def loss(x, y, z):
        return {"masked": nn.MaskedLoss(nn.MSELoss())(x, y, z), "own": ops.abs(x - y).mean()}

    expected = _squares(MASK) + np.abs(X.astype(np.float64) - Y).mean()
    assert _eval(loss, X, Y, MASK) == pytest.approx(expected, rel=1e-5)


def test_terms_of_a_weighted_sum_have_separate_denominators():
    loss = nn.WeightedSumLoss({"ce": nn.CrossEntropyLoss(CLASS_WEIGHT), "own": lambda x, y: (x * x).mean()})
    expected = _weighted_nll(CLASSES) + (X.astype(np.float64) ** 2).mean()
    assert _eval(loss, X, CLASSES) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("around", [lambda loss: loss, lambda loss: _Cell(loss)], ids=["function", "Cell"])
def test_a_mean_and_another_term_of_the_batch_warn(around):
    def loss(x, y):
        p = ops.softmax(x, axis=1)
        return ops.cross_entropy(x, y, weight=CLASS_WEIGHT) + 1 - 2 * p.max() / (p * p).sum()

    with pytest.warns(SporaxWarning, match="is a sum of several means"):
        _eval(around(loss), X, LABELS)


class _Cell(nn.LossBase):
    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def construct(self, x, y):
        return self.loss(x, y)


def test_two_functions_of_different_denominators_warn():
    def loss(x, y):
        return ops.cross_entropy(x, y) + ops.cross_entropy(x, y, weight=CLASS_WEIGHT)

    with pytest.warns(SporaxWarning, match="is a sum of several means"):
        _eval(loss, X, LABELS)


@pytest.mark.parametrize("indexes", [[0, 1, 2], [-3, -2, -1]])
def test_the_loss_of_an_evaluation_network_is_divided_once(indexes):
    loss = nn.CrossEntropyLoss(CLASS_WEIGHT)
    network = nn.WithEvalCell(_Output(), loss)
    found = _eval(loss, X, LABELS, eval_network=network, eval_indexes=indexes)
    assert found == pytest.approx(_weighted_nll(LABELS), rel=1e-5)
