"""Losses as Cells: MindSpore's signatures and defaults, the contract of LossBase, custom losses."""

import inspect

import numpy as np
import pytest

from sporax import losses, nn, ops
from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, LabelError, ShapeError
from sporax.core import Parameter, Tensor, set_seed
from sporax.transforms import grad, jit, value_and_grad

SIGNATURES = {
    "L1Loss": "(reduction='mean')",
    "MSELoss": "(reduction='mean')",
    "SmoothL1Loss": "(beta=1.0, reduction='none')",
    "SoftmaxCrossEntropyWithLogits": "(sparse=False, reduction='none')",
    "SampledSoftmaxLoss": "(num_sampled, num_classes, num_true=1, sampled_values=None, remove_accidental_hits=True, "
    "seed=0, reduction='none', *, sampler='uniform', unique=True)",
    "BCELoss": "(weight=None, reduction='mean')",
    "CosineEmbeddingLoss": "(margin=0.0, reduction='mean')",
}


def plain_signature(cls):
    parameters = list(inspect.signature(cls).parameters.values())
    return str(inspect.Signature([p.replace(annotation=p.empty) for p in parameters]))


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature_is_that_of_mindspore_2_10(name):
    assert plain_signature(getattr(nn, name)) == SIGNATURES[name]


def test_every_loss_info_has_its_cell_and_default():
    for info in losses.registry().values():
        if info.cell is None:
            continue
        parameters = inspect.signature(getattr(nn, info.cell)).parameters
        assert ("reduction" in parameters) == bool(info.reductions), info.name
        if info.reductions:
            assert parameters["reduction"].default == info.default_reduction, info.name


def make(name, reduction):
    options = {"SampledSoftmaxLoss": {"num_sampled": 3, "num_classes": 6, "seed": 4}}.get(name, {})
    return getattr(nn, name)(**options, reduction=reduction)


def inputs(name):
    rng = np.random.default_rng(11)
    a, b = rng.normal(size=(2, 5, 6)).astype(np.float32)
    if name == "BCELoss":
        return Tensor(1 / (1 + np.exp(-a))), Tensor((b > 0).astype(np.float32))
    if name == "SoftmaxCrossEntropyWithLogits":
        return Tensor(a), Tensor(np.exp(b) / np.exp(b).sum(1, keepdims=True))
    if name == "CosineEmbeddingLoss":
        return Tensor(a), Tensor(b), Tensor(np.array([1, -1, -1, 1, 1]))
    if name == "SampledSoftmaxLoss":
        weights = Tensor(rng.normal(size=(6, 6)).astype(np.float32))
        return weights, Tensor(np.arange(6, dtype=np.float32)), Tensor(np.array([0, 5, 1, 2, 2])), Tensor(a)
    return Tensor(a), Tensor(b)


@pytest.mark.parametrize("name", SIGNATURES)
def test_reductions_agree_with_each_other(name):
    values = {r: make(name, r)(*inputs(name)).asnumpy() for r in ("none", "mean", "sum")}
    assert values["none"].size > 1
    np.testing.assert_allclose(values["sum"], values["none"].sum(), rtol=2e-6)
    np.testing.assert_allclose(values["mean"], values["none"].mean(), rtol=2e-6)


@pytest.mark.parametrize("name", SIGNATURES)
def test_compiled_equals_eager_and_gradients_are_nonzero(name):
    arguments = inputs(name)
    position = 3 if name == "SampledSoftmaxLoss" else 0
    eager = value_and_grad(make(name, "mean"), position)(*arguments)
    compiled = jit(value_and_grad(make(name, "mean"), position))(*arguments)
    for one, other in zip(eager, compiled, strict=True):
        np.testing.assert_allclose(one.asnumpy(), other.asnumpy(), rtol=1e-5, atol=1e-7)
    assert np.abs(eager[1].asnumpy()).sum() > 0


@pytest.mark.parametrize("name", SIGNATURES)
def test_an_unknown_reduction_is_rejected_with_a_suggestion(name):
    with pytest.raises(ArgumentError, match=rf"{name}: `reduction` must be one of .*'sum', but got 'means'.*'mean'"):
        make(name, "means")


@pytest.mark.parametrize("name", SIGNATURES)
def test_sum_and_weight_divide_to_the_mean_over_uneven_parts(name):
    if name == "SampledSoftmaxLoss":
        pytest.skip("two calls draw different candidates")
    loss, arguments = make(name, "mean"), inputs(name)
    parts = [tuple(a[:2] for a in arguments), tuple(a[2:] for a in arguments)]
    pairs = [loss.sum_and_weight(*part) for part in parts]
    total, weight = (sum(float(pair[i]) for pair in pairs) for i in (0, 1))
    np.testing.assert_allclose(total / weight, float(loss(*arguments)), rtol=2e-6)


def test_printed_form_matches_mindspore():
    assert repr(nn.L1Loss()) == "L1Loss()"
    assert repr(nn.SoftmaxCrossEntropyWithLogits(sparse=True)) == "SoftmaxCrossEntropyWithLogits()"


def test_the_values_of_the_tutorial():
    x = Tensor(np.array([[1, 2, 3], [2, 3, 4]]).astype(np.float32))
    y = Tensor(np.array([[0, 2, 5], [3, 1, 1]]).astype(np.float32))
    assert str(nn.L1Loss()(x, y)) == "1.5"
    assert str(nn.L1Loss(reduction="sum")(x, y)) == "9.0"
    assert str(nn.L1Loss(reduction="none")(x, y)) == "[[1. 0. 2.]\n [1. 2. 3.]]"


# --- LossBase -------------------------------------------------------------------------------------------------


class Relative(nn.LossBase):
    def construct(self, logits, labels, weights=1.0):
        return self.get_loss(ops.abs(logits - labels) / labels, weights)


X, Y = np.array([2.0, 3.0, 8.0], np.float32), np.array([1.0, 4.0, 2.0], np.float32)
VALUES = np.abs(X - Y) / Y


@pytest.mark.parametrize(("reduction", "expected"), [("mean", VALUES.mean()), ("sum", VALUES.sum()), ("none", VALUES)])
def test_get_loss_reduces(reduction, expected):
    np.testing.assert_allclose(Relative(reduction)(Tensor(X), Tensor(Y)).asnumpy(), expected, rtol=1e-6)


def test_weights_match_mindspore_if_none_is_zero():
    w = np.array([0.5, 2.0, 3.0], np.float32)
    result = Relative()(Tensor(X), Tensor(Y), Tensor(w))
    np.testing.assert_allclose(float(result), (w * VALUES).mean(), rtol=1e-6)
    np.testing.assert_allclose(float(Relative()(Tensor(X), Tensor(Y), 0.5)), 0.5 * VALUES.mean(), rtol=1e-6)


@pytest.mark.parametrize("poison", [np.nan, np.inf, 5.0])
def test_a_zero_weight_equals_removing_the_sample(poison):
    x = X.copy()
    x[1] = poison
    value, gradient = value_and_grad(Relative())(Tensor(x), Tensor(Y), Tensor([1.0, 0.0, 2.0]))
    kept = value_and_grad(Relative())(Tensor(X[[0, 2]]), Tensor(Y[[0, 2]]), Tensor([1.0, 2.0]))
    np.testing.assert_allclose(float(value), float(kept[0]), rtol=1e-6)
    np.testing.assert_allclose(gradient.asnumpy()[[0, 2]], kept[1].asnumpy(), rtol=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_nothing_left_gives_zero(reduction):
    value, gradient = value_and_grad(Relative(reduction))(Tensor(X), Tensor(Y), Tensor([0.0, 0.0, 0.0]))
    assert float(value) == 0.0
    np.testing.assert_array_equal(gradient.asnumpy(), 0)
    assert float(Relative(reduction)(Tensor(X[:0]), Tensor(Y[:0]))) == 0.0


def test_half_precision_is_reduced_in_float32_and_keeps_its_dtype():
    ones = Tensor(np.ones(5000, np.float16))
    result = Relative()(ones * 2, ones)
    assert str(result.dtype) == "Float16"
    assert float(result) == 1.0


def test_get_axis_matches_mindspore():
    assert Relative().get_axis(Tensor(np.ones((3, 3)))) == (0, 1)
    assert Relative().get_axis(Tensor(1.0)) == ()


def test_get_loss_rejects_other_types_and_weights_that_enlarge_the_result():
    with pytest.raises(ArgumentTypeError, match=r"Relative.get_loss: `x` must be the Tensor.*str"):
        Relative().get_loss("a")
    with pytest.raises(ShapeError, match=r"\(3,\), but got shape \(3, 3\)"):
        Relative()(Tensor(X), Tensor(Y), Tensor(np.ones((3, 3), np.float32)))


def test_sum_and_weight_of_a_custom_loss_counts_samples():
    class Two(nn.LossBase):
        def construct(self, logits, labels):
            return self.get_loss(ops.abs(logits - labels)) + 3 * self.get_loss(ops.square(logits - labels))

    total, weight = Two().sum_and_weight(Tensor(X), Tensor(Y))
    assert float(weight) == 3.0
    np.testing.assert_allclose(float(total), 3 * float(Two()(Tensor(X), Tensor(Y))), rtol=1e-6)


# --- single losses --------------------------------------------------------------------------------------------


def test_errors_of_shapes_and_labels_name_the_argument():
    with pytest.raises(ShapeError, match=r"MSELoss.*\(4, 1\).*\(4,\)"):
        nn.MSELoss()(Tensor(np.ones((4, 1), np.float32)), Tensor(np.ones(4, np.float32)))
    sparse = nn.SoftmaxCrossEntropyWithLogits(sparse=True)
    logits = Tensor(np.zeros((2, 3), np.float32))
    with pytest.raises(LabelError, match=r"SoftmaxCrossEntropyWithLogits.*\[0, 3\), but got 3 at index \(1,\)"):
        sparse(logits, Tensor([0, 3]))
    with pytest.raises(DtypeError, match="must hold integers"):
        sparse(logits, Tensor([0.0, 1.0]))
    with pytest.raises(ArgumentError, match=r"`beta` must be in \(0, inf\), but got -1"):
        nn.SmoothL1Loss(beta=-1)
    with pytest.raises(ArgumentError, match=r"`margin` must be in \[-1, 1\]"):
        nn.CosineEmbeddingLoss(margin=2.0)


def test_labels_out_of_range_give_nan_in_compiled_code_as_documented():
    loss = jit(nn.SoftmaxCrossEntropyWithLogits(sparse=True))
    values = loss(Tensor(np.zeros((4, 3), np.float32)), Tensor([0, 3, -1, 2])).asnumpy()
    np.testing.assert_array_equal(np.isnan(values), [False, True, True, False])


def test_int64_labels_and_float64_logits_keep_their_dtype():
    loss = nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")
    result = loss(Tensor(np.array([[1e-9, 0.0]])), Tensor(np.array([0])))
    assert str(result.dtype) == "Float64"
    assert float(result) == pytest.approx(np.log(2) - 0.5e-9, abs=1e-13)


def test_bce_weight_may_be_a_parameter_and_is_differentiated():
    weight = Parameter(np.array([1.0, 2.0], np.float32), name="w")
    loss = nn.BCELoss(weight)
    assert [p.name for p in loss.get_parameters()] == ["w"]
    x, y = Tensor([0.25, 0.5]), Tensor([1.0, 0.0])
    gradient = grad(loss, None, weight)(x, y)
    np.testing.assert_allclose(gradient.asnumpy(), [np.log(4) / 2, np.log(2) / 2], rtol=1e-6)


class TestSampledSoftmax:
    ARGUMENTS = inputs("SampledSoftmaxLoss")

    def test_draws_differ_from_call_to_call_and_a_seed_repeats_them(self):
        def run(seed):
            loss = nn.SampledSoftmaxLoss(2, 6, seed=seed)
            return [loss(*self.ARGUMENTS).asnumpy().tolist() for _ in range(6)]

        assert run(3) == run(3)
        assert run(3) != run(4)
        assert len({tuple(values) for values in run(3)}) > 1

    def test_seed_zero_follows_set_seed(self):
        loss = nn.SampledSoftmaxLoss(2, 6)
        runs = []
        for _ in range(2):
            set_seed(9)
            runs.append([loss(*self.ARGUMENTS).asnumpy().tolist() for _ in range(4)])
        assert runs[0] == runs[1]

    def test_a_compiled_loss_draws_at_each_call(self):
        loss = jit(nn.SampledSoftmaxLoss(2, 6, seed=3))
        assert len({tuple(loss(*self.ARGUMENTS).asnumpy().tolist()) for _ in range(6)}) > 1

    def test_given_values_are_used(self):
        given = (Tensor([1, 4]), Tensor(np.ones((5, 1), np.float32)), Tensor(np.ones(2, np.float32)))
        loss = nn.SampledSoftmaxLoss(2, 6, sampled_values=given, remove_accidental_hits=False)
        weights, biases, labels, x = (a.asnumpy().astype(np.float64) for a in self.ARGUMENTS)
        logits = x @ weights.T + biases
        labels = labels.astype(int)
        parts = np.concatenate([logits[np.arange(5), labels][:, None], logits[:, [1, 4]]], 1)
        expected = np.log(np.exp(parts).sum(1)) - parts[:, 0]
        np.testing.assert_allclose(loss(*self.ARGUMENTS).asnumpy(), expected, rtol=1e-5)

    def test_reduction_is_applied(self):
        assert nn.SampledSoftmaxLoss(2, 6, reduction="mean")(*self.ARGUMENTS).shape == ()


def test_a_custom_loss_on_abs_has_derivative_zero_at_a_tie_like_the_built_in_loss():
    x, y = Tensor([1.0, 2.0, 3.0]), Tensor([1.0, 1.0, 5.0])

    class TutorialL1Loss(nn.LossBase):
        def __init__(self):
            super().__init__()
            self.abs = ops.Abs()

        def construct(self, base, target):
            return self.get_loss(self.abs(base - target))

    for loss in (TutorialL1Loss(), nn.L1Loss(), lambda a, b: abs(a - b).mean()):
        np.testing.assert_allclose(grad(loss)(x, y).asnumpy(), [0, 1 / 3, -1 / 3], rtol=1e-6)
