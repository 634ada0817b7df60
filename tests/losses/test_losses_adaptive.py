"""The adaptive softmax compared with torch, as a function and as a Cell with the weights."""

from __future__ import annotations

import inspect
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sporax import losses, nn
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError, ShapeError
from sporax.core import Tensor
from sporax.transforms import jit, value_and_grad

RNG = np.random.default_rng(12)
WIDTH, CLASSES, CUTOFFS = 8, 20, [4, 10, 13]


def make(**options: Any) -> nn.AdaptiveLogSoftmaxWithLoss:
    return nn.AdaptiveLogSoftmaxWithLoss(WIDTH, CLASSES, CUTOFFS, div_value=2.0, **options)


def batch(count: int = 9) -> tuple[np.ndarray, np.ndarray]:
    return RNG.normal(size=(count, WIDTH)).astype(np.float32), np.linspace(0, CLASSES - 1, count).astype(np.int32)


def weights(dtype: Any = np.float32) -> dict[str, Any]:
    rng = np.random.default_rng(1)
    tails = [(rng.normal(size=(d, WIDTH)), rng.normal(size=(c, d))) for d, c in ((4, 6), (2, 3), (1, 7))]
    return {
        "head_weight": rng.normal(size=(7, WIDTH)).astype(dtype),
        "tails": [(project.astype(dtype), expand.astype(dtype)) for project, expand in tails],
        "head_bias": rng.normal(size=7).astype(dtype),
    }


def test_log_probabilities_sum_to_one_and_are_the_negative_losses():
    x, _ = batch(4)
    log_p = jax.jit(lambda x: losses.adaptive_log_softmax(x, **weights()))(x)
    assert log_p.shape == (4, CLASSES)
    np.testing.assert_allclose(np.exp(log_p).sum(1), 1, rtol=1e-6)
    run = jax.jit(lambda y: losses.adaptive_log_softmax_loss(x, y, **weights()))
    for y in range(CLASSES):
        np.testing.assert_allclose(run(np.full(4, y)), -log_p[:, y], rtol=1e-5)


def test_targets_that_are_not_classes():
    x, _ = batch(4)
    for y, at in ((20, 2), (-1, 0)):
        wrong = np.array([0, 5, 11, 19])
        wrong[at] = y
        with pytest.raises(LabelError, match=rf"`target` must be .* in \[0, 20\), but got {y} at index \({at},"):
            losses.adaptive_log_softmax_loss(x, wrong, **weights())

        def total(x: Any, wrong: Any = wrong) -> Any:
            values = losses.adaptive_log_softmax_loss(x, jnp.asarray(wrong), **weights())
            return values.sum(), values

        (_, values), gradient = jax.jit(jax.value_and_grad(lambda x, y: total(x, y), has_aux=True))(x, wrong)
        assert np.isnan(values).tolist() == [n == at for n in range(4)]
        assert not np.asarray(gradient)[at].any()
        assert np.isfinite(gradient).all()


def test_extreme_activations_have_finite_values_and_gradients():
    x = np.full((3, WIDTH), 1e4, np.float32)
    values, gradient = jax.jit(
        jax.value_and_grad(lambda x: losses.adaptive_log_softmax_loss(x, np.array([0, 5, 19]), **weights()).sum())
    )(x)
    assert np.isfinite(values)
    assert np.isfinite(gradient).all()


def test_weights_are_checked():
    x, y = batch(3)
    given = weights()
    with pytest.raises(ShapeError, match=r"`tails\[0\]` have \(6, 4\) and \(4, 8\)"):
        losses.adaptive_log_softmax_loss(x, y, given["head_weight"], tails=[given["tails"][0][::-1]])
    with pytest.raises(ShapeError, match=r"`head_bias` must have shape \(7,\), but got \(3,\)"):
        losses.adaptive_log_softmax_loss(x, y, given["head_weight"], tails=given["tails"], head_bias=np.ones(3))
    with pytest.raises(ArgumentTypeError, match="two weights for each cluster, but cluster 0 is a tuple of length 1"):
        losses.adaptive_log_softmax(x, given["head_weight"], tails=[(np.ones((2, 8)),)])
    with pytest.raises(ArgumentError, match="a row for each of the 3 clusters and at least one class"):
        losses.adaptive_log_softmax(x, given["head_weight"][:3], tails=given["tails"])
    with pytest.raises(ShapeError, match=r"got \(3, 8\) and \(7, 5\)"):
        losses.adaptive_log_softmax(x, given["head_weight"][:, :5], tails=given["tails"])


def test_half_precision_is_computed_in_float32():
    x, _ = batch(3)
    log_p = losses.adaptive_log_softmax(
        x.astype(np.float16), **jax.tree.map(lambda a: jnp.asarray(a, jnp.float16), weights())
    )
    assert log_p.dtype == np.float16
    np.testing.assert_allclose(np.exp(log_p.astype(np.float32)).sum(1), 1, rtol=1e-2)


# The Cell


def test_signature_names_of_parameters_and_shapes():
    parameters = inspect.signature(nn.AdaptiveLogSoftmaxWithLoss).parameters.values()
    assert [(p.name, p.default) for p in parameters] == [
        ("in_features", inspect.Parameter.empty),
        ("n_classes", inspect.Parameter.empty),
        ("cutoffs", inspect.Parameter.empty),
        ("div_value", 4.0),
        ("head_bias", False),
    ]
    found = {p.name: p.shape for p in make(head_bias=True).trainable_params()}
    assert found == {
        "head.weight": (7, 8),
        "head.bias": (7,),
        "tail.0.0.weight": (4, 8),
        "tail.0.1.weight": (6, 4),
        "tail.1.0.weight": (2, 8),
        "tail.1.1.weight": (3, 2),
        "tail.2.0.weight": (1, 8),
        "tail.2.1.weight": (7, 1),
    }
    assert "head.bias" not in {p.name for p in make().trainable_params()}


def test_cell_errors():
    for cutoffs in ([], [4, 4], [5, 3], [0, 4], [20]):
        with pytest.raises(ArgumentError, match="`cutoffs` must be different integers in increasing order"):
            nn.AdaptiveLogSoftmaxWithLoss(8, 20, cutoffs)
    with pytest.raises(ArgumentError, match=r"cluster 2 would have .* = 0 dimensions. Lower div_value=4.0"):
        nn.AdaptiveLogSoftmaxWithLoss(8, 20, [4, 10])
    net, (x, y) = make(), batch()
    with pytest.raises(LabelError, match=r"\[0, 20\), but got 20"):
        net(Tensor(x), Tensor(np.where(y == 19, 20, y)))
    with pytest.raises(ShapeError, match=r"must have shapes \(N, 8\) and \(N,\)"):
        net(Tensor(x), Tensor(y[:, None]))
    net.check_labels({"input": x.shape}, y)
    with pytest.raises(LabelError, match=r"AdaptiveLogSoftmaxWithLoss: .* but got 20 at index \(0,\)"):
        net.check_labels({"input": x.shape}, y + 20)


def test_the_cell_compiles_and_divides_once():
    net, (x, y) = make(), batch()
    whole = jit(net)(Tensor(x), Tensor(y))
    np.testing.assert_allclose(whole[1].asnumpy(), -whole[0].asnumpy().mean(), rtol=1e-5)
    pairs = [net.sum_and_weight(Tensor(x[part]), Tensor(y[part])) for part in (slice(4), slice(4, None))]
    total, count = (sum(float(pair[n]) for pair in pairs) for n in (0, 1))
    np.testing.assert_allclose(total / count, float(whole[1]), rtol=1e-5)


@pytest.mark.peers
def test_the_cell_matches_torch_in_value_and_every_gradient():
    torch = pytest.importorskip("torch")
    net, (x, y) = make(head_bias=True), batch()
    peer = torch.nn.AdaptiveLogSoftmaxWithLoss(WIDTH, CLASSES, CUTOFFS, div_value=2.0, head_bias=True)
    params = {p.name: p for p in net.trainable_params()}
    assert set(params) == set(peer.state_dict())
    for name, value in peer.state_dict().items():
        params[name].set_data(Tensor(value.numpy()))
    tensor = torch.tensor(x, requires_grad=True)
    expected = peer(tensor, torch.tensor(y).long())
    expected.loss.backward()

    order = list(params.values())
    run = jit(value_and_grad(lambda a, b: net(a, b).loss, grad_position=0, weights=order))
    got, gradients = run(Tensor(x), Tensor(y))
    output = jit(net)(Tensor(x), Tensor(y)).output
    close = lambda a, b: np.testing.assert_allclose(a, b.detach().numpy(), rtol=2e-5, atol=2e-6)  # noqa: E731
    close(got.asnumpy(), expected.loss)
    close(output.asnumpy(), expected.output)
    close(gradients[0].asnumpy(), tensor.grad)
    for parameter, gradient in zip(order, gradients[1], strict=True):
        close(gradient.asnumpy(), peer.get_parameter(parameter.name).grad)
    close(net.log_prob(Tensor(x)).asnumpy(), peer.log_prob(torch.tensor(x)))
    np.testing.assert_array_equal(net.predict(Tensor(x)).asnumpy(), peer.predict(torch.tensor(x)).numpy())
    one = peer(torch.tensor(x[3]), torch.tensor(y[3]).long())
    mine = jit(net)(Tensor(x[3]), Tensor(y[3]))
    assert mine.output.shape == ()
    close(mine.output.asnumpy(), one.output)
