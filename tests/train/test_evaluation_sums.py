"""Model.eval over batches of different sizes: each value equals that of one large batch, from NumPy."""

import math

import jax
import numpy as np
import pytest

import sporax
from sporax import Model, Parameter, Tensor, nn, ops
from sporax import dataset as ds
from sporax._errors import ArgumentTypeError, DatasetError, SporaxWarning, TrainError
from sporax.train import ConfusionMatrix, EarlyStopping, Loss, Precision

RNG = np.random.default_rng(0)
X, Y = (RNG.normal(size=(10, 3)).astype(np.float32) for _ in range(2))
LABELS = np.array([1, 2, 0, -100, 1, 2, -100, -100, -100, 1], np.int32)
MASK = np.array([1, 1, 1, 1, 0, 0, 0, 1, 0, 0], np.float32)
CLASS_WEIGHT = np.array([0.5, 2.0, 0.0], np.float32)


class _Output(nn.Cell):
    def construct(self, x):
        return x * 1.0


class _Half(nn.Cell):
    def construct(self, x):
        return x.astype(sporax.float16)


def _data(*columns, batch=4):
    return ds.NumpySlicesDataset(columns, ["x", "y", "z", "w"][: len(columns)], shuffle=False).batch(batch)


def _loss(loss, *columns, network=None, batch=4):
    return Model(network or _Output(), loss, metrics={"loss"}).eval(_data(*columns, batch=batch))["loss"]


class _Around(nn.LossBase):
    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def construct(self, *inputs):
        return self.loss(*inputs)


class _CellAround(nn.Cell):
    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def construct(self, *inputs):
        return self.loss(*inputs)


AROUND = {
    "as it is": lambda loss: loss,
    "LossBase": _Around,
    "Cell": _CellAround,
    "function": lambda loss: lambda x, y: loss(x, y),
}


@pytest.mark.parametrize("around", AROUND)
def test_a_sum_inside_another_loss_is_the_mean_of_the_batches_sums(around):
    errors = (X.astype(np.float64) - Y) ** 2
    expected = np.mean([errors[:4].sum(), errors[4:8].sum(), errors[8:].sum()])
    assert _loss(AROUND[around](nn.MSELoss("sum")), X, Y) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("around", AROUND)
def test_class_weights_are_divided_once_inside_functions_and_cells_too(around):
    logs = X - np.log(np.exp(X.astype(np.float64)).sum(1, keepdims=True))
    kept = LABELS >= 0
    weights = CLASS_WEIGHT[LABELS[kept]]
    expected = -(weights * logs[kept, LABELS[kept]]).sum() / weights.sum()
    loss = nn.CrossEntropyLoss(weight=Tensor(CLASS_WEIGHT))
    assert _loss(AROUND[around](loss), X, LABELS) == pytest.approx(expected, rel=1e-5)


def test_a_batch_whose_labels_have_no_weight_adds_its_smoothing_term():
    labels = np.array([2, 2, 2, 2, 0, 1, 2, 0, 1, 1], np.int32)
    logs = X - np.log(np.exp(X.astype(np.float64)).sum(1, keepdims=True))
    smooth = 0.7 * np.eye(3)[labels] + 0.1
    expected = -(smooth * CLASS_WEIGHT * logs).sum() / CLASS_WEIGHT[labels].sum()
    loss = nn.CrossEntropyLoss(weight=Tensor(CLASS_WEIGHT), label_smoothing=0.3)
    assert _loss(loss, X, labels) == pytest.approx(expected, rel=1e-5)
    assert _loss(loss, X, labels, batch=10) == pytest.approx(expected, rel=1e-5)


def test_a_masked_sum_of_weighted_losses_divides_each_term_once():
    kept = MASK > 0
    difference = X[kept].astype(np.float64) - Y[kept]
    loss = nn.MaskedLoss(nn.WeightedSumLoss({"mse": (nn.MSELoss(), 0.3), "l1": nn.L1Loss()}))
    found = Model(_Output(), loss, metrics={"loss"}).eval(_data(X, Y, MASK))
    assert found["loss.mse"] == pytest.approx(0.3 * (difference**2).mean(), rel=1e-5)
    assert found["loss.l1"] == pytest.approx(np.abs(difference).mean(), rel=1e-5)


def test_terms_changed_by_a_subclass_are_those_of_its_construct():
    class Halved(nn.WeightedSumLoss):
        def construct(self, *inputs):
            return {name: term * 0.5 for name, term in super().construct(*inputs).items()}

    assert _loss(Halved({"mse": nn.MSELoss()}), X, Y) == pytest.approx(0.5 * ((X - Y) ** 2).mean(), rel=1e-5)


def test_a_sum_of_half_precision_values_does_not_overflow():
    big = np.full((2000, 1), 100, np.float16)
    assert _loss(nn.MSELoss("none"), big, 0 * big, network=_Half(), batch=1500) == pytest.approx(10000, rel=1e-3)


def test_a_loss_is_called_once_for_each_batch():
    class Counting(nn.LossBase):
        def __init__(self):
            super().__init__()
            self.calls = Parameter(np.float32(0), name="calls", requires_grad=False)

        def construct(self, x, y):
            self.calls.set_data(self.calls + 1)
            return self.get_loss((x - y) ** 2)

    loss = Counting()
    _loss(loss, X, Y)
    assert loss.calls.asnumpy() == 3


class _Two(nn.LossBase):
    def construct(self, x, y, z):
        return self.get_loss((x - y) ** 2, z.reshape(-1, 1)) + 0.5 * self.get_loss(ops.abs(x - y))


def test_a_sum_of_means_with_uneven_masks_warns():
    with pytest.warns(SporaxWarning, match="is a sum of several means"):
        _loss(_Two(), X, Y, MASK)


def test_a_sum_of_means_with_even_denominators_is_exact_and_gives_no_warning():
    mask = np.ones(10, np.float32)
    expected = ((X - Y) ** 2).mean() + 0.5 * np.abs(X - Y).mean()
    assert _loss(_Two(), X, Y, mask) == pytest.approx(expected, rel=1e-5)


def test_a_weighted_mean_inside_another_transformation_warns():
    class Compiled(nn.LossBase):
        @sporax.jit
        def construct(self, x, y, z):
            return self.get_loss((x - y) ** 2, z.reshape(-1, 1))

    with pytest.warns(SporaxWarning, match="inside another transformation"):
        _loss(Compiled(), X, Y, MASK)


def test_a_mean_without_weights_inside_vmap_is_exact_and_gives_no_warning():
    one = nn.MSELoss()

    def loss(x, y):
        return jax.vmap(lambda a, b: one(Tensor(a), Tensor(b))._value)(x._value, y._value).mean()

    assert _loss(loss, X, Y) == pytest.approx(((X - Y) ** 2).mean(), rel=1e-5)


# --- custom metrics ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("terms", [False, True])
def test_a_subclass_of_loss_keeps_its_own_eval(terms):
    class RootLoss(Loss):
        def eval(self):
            return math.sqrt(super().eval())

    loss = nn.WeightedSumLoss({"a": nn.MSELoss()}) if terms else nn.MSELoss()
    found = Model(_Output(), loss, metrics={"root": RootLoss()}).eval(_data(X, Y))
    assert found["root"] == pytest.approx(math.sqrt(((X - Y) ** 2).mean()), rel=1e-5)


def test_a_subclass_of_loss_with_its_own_update_gets_the_loss_of_each_batch():
    class Largest(Loss):
        def clear(self):
            self.largest = -math.inf

        def update(self, *inputs):
            (loss,) = inputs
            self.largest = max(self.largest, float(loss.asnumpy()))

        def eval(self):
            return self.largest

    found = Model(_Output(), nn.MSELoss(), metrics={"largest": Largest()}).eval(_data(X, Y))
    errors = (X - Y) ** 2
    assert found["largest"] == pytest.approx(max(errors[:4].mean(), errors[4:8].mean(), errors[8:].mean()), rel=1e-5)


def test_a_metric_under_two_names_is_updated_once_per_batch():
    matrix = ConfusionMatrix(3)
    found = Model(_Output(), nn.CrossEntropyLoss(), metrics={"a": matrix, "b": matrix}).eval(_data(X, LABELS % 3))
    assert found["a"].sum() == found["b"].sum() == 10


def test_masked_arrays_raise():
    metric = Precision()
    with pytest.raises(ArgumentTypeError, match="masked array"):
        metric.update(np.ma.array([[0.1, 0.9], [0.2, 0.8]]), np.ma.array([1, 0], mask=[False, True]))


@pytest.mark.parametrize("metric", [ConfusionMatrix(3), Precision()])
def test_an_array_cannot_be_monitored(metric):
    network = nn.Dense(3, 3)
    model = Model(
        network, nn.CrossEntropyLoss(), nn.Momentum(network.trainable_params(), 0.1, 0.9), metrics={"m": metric}
    )
    data = _data(X, LABELS % 3)
    with pytest.raises(TrainError, match=r"'m' is an array of shape"):
        model.fit(2, data, data, callbacks=[EarlyStopping("m")])


# --- columns ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [lambda x, y, gamma=2.0: (ops.abs(x - y) ** gamma).mean(), ops.smooth_l1_loss])
def test_a_column_is_not_passed_as_a_hyper_parameter(loss):
    with pytest.raises(DatasetError, match="would get the column 'z' as its"):
        _loss(loss, X, Y, np.abs(Y))


def test_a_column_is_passed_as_weights_with_a_default():
    def loss(x, y, weights=1.0):
        return (weights.reshape(-1, 1) * (x - y) ** 2).mean()

    assert _loss(loss, X, Y, MASK, batch=10) == pytest.approx((MASK[:, None] * (X - Y) ** 2).mean(), rel=1e-5)
