"""One short test of each package: `pytest -m smoke` tells within seconds whether anything is broken at large."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import sporax
from oracles.compare import close, float_gradients
from oracles.losses import ORACLES
from oracles.programs import cotangent_of, plain
from oracles.samples import inputs_of, settings_of
from sporax import Model, compat, dataset, formats, losses, mint, nn, ops, plotting, scipy
from sporax.cli import main
from sporax.core import Tensor
from sporax.testing import check_loss
from sporax.train.callback import History
from sporax.transforms import grad, jit, value_and_grad, vmap

pytestmark = pytest.mark.smoke

ONE_OF_EACH_FAMILY = list({info.family: info for info in losses.registry().values()}.values())


def line(count: int = 64) -> tuple[np.ndarray, np.ndarray]:
    x = np.random.default_rng(3).uniform(-1, 1, (count, 1)).astype(np.float32)
    return x, 2 * x + 1


@pytest.mark.parametrize("info", ONE_OF_EACH_FAMILY, ids=[info.family for info in ONE_OF_EACH_FAMILY])
def test_a_loss_of_each_family_has_the_value_and_gradient_of_its_oracle(info):
    oracle, inputs, params = ORACLES[info.oracle], inputs_of(info), settings_of(info)[0]
    expected = np.asarray(oracle.value(*inputs, **params))
    cotangent = cotangent_of(expected.shape)
    values, gradients = plain(info.name)(inputs, cotangent)
    close("value", values, expected, 2e-5)
    for got, gradient in zip(gradients, float_gradients(oracle, cotangent, inputs, params), strict=True):
        close("gradient", got, gradient, 5e-5)


def test_an_op_a_method_a_class_and_mint_agree():
    x = Tensor([[1.0, 5.0], [4.0, 2.0]])
    for value in (ops.sum(x, 1), x.sum(1), ops.ReduceSum()(x, 1), mint.sum(x, 1)):
        assert value.asnumpy().tolist() == [6, 6]


def test_gradients_of_a_cell_are_those_of_its_formula_in_every_transformation():
    net = nn.Dense(3, 2)
    x = Tensor(np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32))
    expected = np.tile(net.weight.asnumpy().sum(0), (4, 1))

    def total(x: Tensor) -> Tensor:
        return net(x).sum()

    for gradient in (grad(total)(x), jit(grad(total))(x), value_and_grad(total)(x)[1], vmap(grad(total))(x)):
        np.testing.assert_allclose(gradient.asnumpy(), expected, rtol=1e-6)


def test_training_learns_and_its_checkpoint_restores_it(tmp_path):
    net = nn.Dense(1, 1)
    data = dataset.NumpySlicesDataset(line(), ["x", "y"], shuffle=True).batch(8)
    model = Model(net, nn.MSELoss(), nn.Adam(net.trainable_params(), learning_rate=0.1), metrics={"mae"})
    history = History()
    model.train(12, data, callbacks=[history])
    assert net.weight.asnumpy().item() == pytest.approx(2, abs=0.1)
    assert model.eval(data)["mae"] < 0.1

    path = str(tmp_path / "net.ckpt")
    sporax.save_checkpoint(net, path)
    restored = nn.Dense(1, 1)
    sporax.load_checkpoint(path, restored)
    np.testing.assert_array_equal(restored.weight.asnumpy(), net.weight.asnumpy())
    assert list(formats.ckpt.read(path)) == ["weight", "bias"]


def test_a_dataset_maps_shuffles_and_batches():
    data = dataset.NumpySlicesDataset(np.arange(10), ["n"], shuffle=True).map(lambda n: n + 1, ["n"]).batch(4)
    batches = [batch["n"].asnumpy() for batch in data.create_dict_iterator()]
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert sorted(np.concatenate(batches)) == list(range(1, 11))


def test_the_checker_passes_a_loss_and_finds_a_fault():
    class Root(nn.LossBase):
        def construct(self, logits, labels):
            return self.get_loss(ops.sqrt((logits - labels) ** 2))

    assert check_loss("mse_loss", only=["runs", "gradient"]).ok
    assert not check_loss(Root(), "f32[6, 2], f32[6, 2]", only=["gradient-ties"]).ok


def test_the_command_line_and_plots(capsys):
    with pytest.raises(SystemExit) as ended:
        raise SystemExit(main(["loss", "show", "huber_loss"]))
    assert not ended.value.code
    assert "huber_loss" in capsys.readouterr().out
    info = losses.get("mse_loss")
    assert plotting.trace(info, plotting.lines(info)[0], points=3).value.tolist() == [16, 0, 16]


def test_mindspores_modules_are_served():
    compat.install()
    assert importlib.import_module("mindspore").Tensor is Tensor
    assert importlib.import_module("mindspore.common.initializer").Normal is sporax.common.initializer.Normal


def test_scipy_solves_a_system():
    a, b = np.array([[3.0, 1.0], [1.0, 2.0]], np.float32), np.array([9.0, 8.0], np.float32)
    np.testing.assert_allclose(scipy.linalg.solve_triangular(Tensor(np.tril(a)), Tensor(b), lower=True), [3, 2.5])
