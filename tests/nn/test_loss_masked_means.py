"""MaskedLoss removes positions from every part of a custom loss, or refuses the loss."""

import jax
import numpy as np
import pytest

from sporax import Model, Tensor, jit, nn, ops
from sporax import dataset as ds
from sporax._errors import ShapeError

RNG = np.random.default_rng(5)
X, Y = (RNG.normal(size=(10, 3)).astype(np.float32) for _ in range(2))
CLASSES = np.array([0, 1, 2, 1, 1, 0, 1, 0, 2, 1], np.int32)
MASK = np.array([1, 1, 0, 0, 0, 1, 1, 1, 1, 0], np.float32)
KEPT = MASK > 0
SQUARES, ERRORS = ((X.astype(np.float64) - Y)[KEPT] ** 2), np.abs((X.astype(np.float64) - Y)[KEPT])


def custom(construct):
    return type("Custom", (nn.LossBase,), {"construct": construct})()


MIXED = {
    "a sum": custom(lambda self, x, y: self.get_loss((x - y) ** 2) + ops.abs(x - y).mean()),
    "a product": custom(lambda self, x, y: self.get_loss((x - y) ** 2) * ops.abs(x - y).mean()),
    "a compiled part": custom(lambda self, x, y: self.get_loss((x - y) ** 2) + jit(lambda a: (a * a).mean())(x)),
    "a term": custom(lambda self, x, y: {"a": self.get_loss((x - y) ** 2), "b": ops.abs(x - y).mean()}),
    "a function": lambda x, y: nn.MSELoss()(x, y) + ops.abs(x - y).mean(),
    "JAX": lambda x, y: nn.MSELoss()(x, y)._value + jax.numpy.abs(x._value - y._value).mean(),
}


@pytest.mark.parametrize("name", MIXED)
def test_a_mean_beside_get_loss_is_refused(name):
    loss = nn.MaskedLoss(MIXED[name])
    for _ in range(2):
        with pytest.raises(ShapeError, match="sums positions of its inputs itself, in addition to"):
            loss(Tensor(X), Tensor(Y), Tensor(MASK))


def test_model_refuses_it_too():
    net = nn.Dense(3, 3)
    data = ds.NumpySlicesDataset((X, Y, MASK), ["x", "y", "z"], shuffle=False).batch(5)
    model = Model(net, nn.MaskedLoss(MIXED["a sum"]), nn.SGD(net.trainable_params(), 0.1))
    with pytest.raises(ShapeError, match="sums positions"):
        model.train(1, data)


def with_penalty(self, x, y):
    return 2 * self.get_loss((x - y) ** 2) + 0.5 * (self.scale**2).sum()


def test_what_does_not_depend_on_places_is_taken():
    loss = custom(with_penalty)
    loss.scale = nn.PReLU(1).w
    expected = 2 * SQUARES.mean() + 0.5 * 0.25**2
    found = nn.MaskedLoss(loss)(Tensor(X), Tensor(Y), Tensor(MASK))
    assert float(found) == pytest.approx(expected, rel=1e-5)


def test_a_maximum_of_kept_places_is_taken():
    loss = custom(lambda self, x, y: self.get_loss((x - y) ** 2) / ops.abs(y).max())
    expected = SQUARES.mean() / np.abs(Y[KEPT]).max()
    assert float(nn.MaskedLoss(loss)(Tensor(X), Tensor(Y), Tensor(MASK))) == pytest.approx(expected, rel=1e-5)


REDUCED = {
    "ops beside get_loss": (lambda self, x, y: self.get_loss((x - y) ** 2) + ops.l1_loss(x, y), SQUARES + ERRORS),
    "ops alone": (lambda self, x, y: ops.mse_loss(x, y), SQUARES),
    "two of get_loss": (
        lambda self, x, y: self.get_loss((x - y) ** 2) + self.get_loss(ops.abs(x - y)),
        SQUARES + ERRORS,
    ),
}


@pytest.mark.parametrize("name", REDUCED)
def test_the_mask_reaches_functions_and_get_loss(name):
    construct, expected = REDUCED[name]
    loss = nn.MaskedLoss(custom(construct))
    assert float(loss(Tensor(X), Tensor(Y), Tensor(MASK))) == pytest.approx(expected.mean(), rel=1e-5)
    data = ds.NumpySlicesDataset((X, Y, MASK), ["x", "y", "z"], shuffle=False).batch(10)
    found = Model(nn.Identity(), loss, metrics={"loss"}).eval(data)["loss"]
    assert found == pytest.approx(expected.mean(), rel=1e-5)


def test_cross_entropy_of_ops():
    logs = X - np.log(np.exp(X.astype(np.float64)).sum(1, keepdims=True))
    weight = np.array([0.2, 1.5, 1.0], np.float32)
    each = weight[CLASSES[KEPT]].astype(np.float64)
    expected = -(each * logs[KEPT, CLASSES[KEPT]]).sum() / each.sum()
    labels = np.where(KEPT, CLASSES, 7)  # no class, where it is removed
    loss = nn.MaskedLoss(lambda x, y: ops.cross_entropy(x, y, weight=Tensor(weight)))
    assert float(loss(Tensor(X), Tensor(labels), Tensor(MASK))) == pytest.approx(expected, rel=1e-5)


def test_a_penalty_of_another_shape_is_left_alone():
    weight = np.array([[1.0, 2.0], [3.0, 5.0]], np.float32)
    loss = custom(lambda self, x, y: self.get_loss((x - y) ** 2) + ops.mse_loss(Tensor(weight), Tensor(0 * weight)))
    expected = SQUARES.mean() + (weight.astype(np.float64) ** 2).mean()
    assert float(nn.MaskedLoss(loss)(Tensor(X), Tensor(Y), Tensor(MASK))) == pytest.approx(expected, rel=1e-5)


def test_a_mask_that_fits_no_axis_of_the_inputs_is_refused():
    class Squared(nn.LossBase):
        def construct(self, logits, labels):
            return self.get_loss((logits - labels) ** 2)

    x, mask = Tensor(np.ones((2, 3, 4), np.float32)), Tensor(np.ones((5, 6), bool))
    with pytest.raises(ShapeError, match=r"mask of shape \(5, 6\) does not fit loss values of shape \(2, 3, 4\)"):
        nn.MaskedLoss(Squared())(x, x, mask)
