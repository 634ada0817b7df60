"""Composed losses: values and gradients against explicit formulas, and errors."""

import numpy as np
import pytest

from sporax import Tensor, jit, nn, ops, value_and_grad
from sporax._errors import ArgumentError, ArgumentTypeError, DatasetError, LabelError, ShapeError
from sporax.core import Parameter
from sporax.train import load_checkpoint, load_param_into_net, save_checkpoint

RNG = np.random.default_rng(11)
X = RNG.normal(size=(5, 4)).astype(np.float32)
Y = RNG.normal(size=(5, 4)).astype(np.float32)
CLASSES = np.array([1, 3, 0, 2, 3])
NAN = float("nan")


def parts(terms):
    return {name: float(term.asnumpy()) for name, term in terms.items()}


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def value_and_gradient(loss, x, *rest):
    value, gradient = value_and_grad(loss)(Tensor(x), *rest)
    return value, gradient.asnumpy()


# --- WeightedSumLoss ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("compiled", [False, True])
def test_value_and_gradient_of_a_weighted_sum(compiled):
    loss = nn.WeightedSumLoss({"mse": (nn.MSELoss(), 2.0), "l1": (nn.L1Loss("sum"), Parameter(Tensor(0.5)))})
    run = value_and_grad(loss)
    terms, gradient = (jit(run) if compiled else run)(Tensor(X), Tensor(Y))
    assert parts(terms) == pytest.approx(
        {"mse": 2 * np.mean((X - Y) ** 2.0), "l1": 0.5 * np.abs(X - Y).sum()}, rel=1e-5
    )
    np.testing.assert_allclose(gradient.asnumpy(), 4 * (X - Y) / X.size + 0.5 * np.sign(X - Y), rtol=1e-5, atol=1e-6)


def test_cross_entropy_with_the_z_loss_as_a_term():
    loss = nn.WeightedSumLoss({"ce": nn.CrossEntropyLoss(), "z": (nn.ZLoss(coefficient=1.0), 0.1)})
    terms, gradient = value_and_gradient(loss, X, Tensor(CLASSES))
    z, p = np.log(np.exp(X).sum(-1)), softmax(X)
    expected = {"ce": np.mean(z - X[np.arange(5), CLASSES]), "z": 0.1 * np.mean(z**2)}
    assert parts(terms) == pytest.approx(expected, rel=1e-5)
    onehot = np.eye(4)[CLASSES]
    np.testing.assert_allclose(gradient, (p - onehot + 0.2 * z[:, None] * p) / 5, rtol=1e-4, atol=1e-6)


def test_terms_select_their_inputs_by_name_or_position():
    terms = {"a": (nn.MSELoss(), 1.0, ("x", "y")), "b": (nn.MSELoss(), 1, (0, 2)), "c": (ops.abs, 1.0, "z")}
    loss = nn.WeightedSumLoss(terms, inputs=("x", "y", "z"))
    found = parts(loss(Tensor(2.0), Tensor(1.0), Tensor(-3.0)))
    assert found == {"a": 1.0, "b": 25.0, "c": 3.0}


def test_names_of_nested_terms_are_joined_and_totals_are_used():
    inner = nn.WeightedSumLoss({"mse": nn.MSELoss(), "l1": nn.L1Loss()})

    def with_total(x, y):
        return {"loss": (x - y).sum(), "shown": x.sum() * 1000}

    loss = nn.WeightedSumLoss({"in": (inner, 2.0), "own": with_total})
    assert parts(loss(Tensor([3.0]), Tensor([1.0]))) == {"in.mse": 8.0, "in.l1": 4.0, "own": 2.0}
    assert parts({k: a / b for k, (a, b) in loss.term_sums(Tensor([3.0]), Tensor([1.0])).items()}) == {
        "in.mse": 8.0,
        "in.l1": 4.0,
        "own": 2.0,
    }


def test_the_sums_of_each_term_give_the_mean_over_uneven_batches():
    loss = nn.WeightedSumLoss({"ce": (nn.CrossEntropyLoss(ignore_index=3), 2.0), "z": nn.ZLoss(coefficient=1.0)})
    halves = [loss.term_sums(Tensor(X[at]), Tensor(CLASSES[at])) for at in (slice(0, 1), slice(1, 5))]
    whole = parts(loss(Tensor(X), Tensor(CLASSES)))
    for name, value in whole.items():
        total, weight = (sum(float(half[name][i].asnumpy()) for half in halves) for i in (0, 1))
        assert total / weight == pytest.approx(value, rel=1e-5)
    assert float(halves[1]["ce"][1].asnumpy()) == 2


@pytest.mark.parametrize("compiled", [False, True])
def test_a_schedule_advances_in_training_mode_only(compiled):
    loss = nn.WeightedSumLoss({"l1": (nn.L1Loss(), lambda step: 1.0 / (step + 1)), "mse": nn.MSELoss()})
    run = jit(loss) if compiled else loss
    x, y = Tensor([3.0]), Tensor([1.0])
    assert [parts(run(x, y))["l1"] for _ in range(2)] == [2.0, 2.0]
    loss.set_train()
    assert [round(parts(run(x, y))["l1"], 5) for _ in range(3)] == [2.0, 1.0, 0.66667]
    loss.set_train(False)
    assert parts(run(x, y))["l1"] == 0.5
    assert loss.trainable_params() == []


def test_a_schedule_may_be_a_cell_of_nn():
    loss = nn.WeightedSumLoss({"l1": (nn.L1Loss(), nn.ExponentialDecayLR(0.5, 0.5, 1))}).set_train()
    assert [parts(loss(Tensor([3.0]), Tensor([1.0])))["l1"] for _ in range(2)] == [1.0, 0.5]


def test_a_weight_does_not_widen_the_dtype():
    loss = nn.WeightedSumLoss({"l1": (nn.L1Loss(), Parameter(Tensor(np.float64(0.5))))})
    assert loss(Tensor(X.astype(np.float16)), Tensor(Y.astype(np.float16)))["l1"].asnumpy().dtype == np.float16


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: nn.WeightedSumLoss({}), ArgumentError, "is empty"),
        (lambda: nn.WeightedSumLoss([nn.MSELoss()]), ArgumentTypeError, "must be a dict"),
        (lambda: nn.WeightedSumLoss({"a": nn.MSELoss}), ArgumentTypeError, r"Create an instance: MSELoss\(\.\.\.\)"),
        (lambda: nn.WeightedSumLoss({"loss": nn.MSELoss()}), ArgumentError, "name of the total"),
        (lambda: nn.WeightedSumLoss({"a": (nn.MSELoss(), NAN)}), ArgumentError, "weight of 'a'"),
        (lambda: nn.WeightedSumLoss({"a": (nn.MSELoss(), "1")}), ArgumentTypeError, "weight of 'a'"),
        (lambda: nn.WeightedSumLoss({"a": (nn.MSELoss(), Tensor([1.0, 2.0]))}), ArgumentError, r"shape \(2,\)"),
        (lambda: nn.WeightedSumLoss({"a": (nn.MSELoss(), 1, "x")}), ArgumentError, "has not been named.*inputs="),
        (
            lambda: nn.WeightedSumLoss({"a": nn.MSELoss()})(Tensor(1.0), Tensor(1.0), Tensor(1.0)),
            ArgumentError,
            "input 2, counted from 0, is used by none of the terms 'a'",
        ),
        (
            lambda: nn.WeightedSumLoss({"a": (nn.MSELoss(), 1, (0, 4))})(Tensor(1.0), Tensor(1.0)),
            ArgumentError,
            "takes input 4",
        ),
    ],
)
def test_errors_of_a_weighted_sum(make, error, text):
    with pytest.raises(error, match=text):
        make()


# --- UncertaintyWeightedLoss ----------------------------------------------------------------------------------


def uncertain(**options):
    return nn.UncertaintyWeightedLoss(
        {"mse": nn.MSELoss(), "l1": (nn.L1Loss(), 3.0)}, {"l1": "classification"}, {"mse": 0.4, "l1": -0.2}, **options
    )


@pytest.mark.parametrize("compiled", [False, True])
def test_value_and_gradient_of_uncertainty_weighting(compiled):
    loss = uncertain()
    run = value_and_grad(loss, 0, loss.trainable_params())
    terms, (gradient, (of_mse, of_l1)) = (jit(run) if compiled else run)(Tensor(X), Tensor(Y))
    mse, l1 = np.mean((X - Y) ** 2.0), 3 * np.abs(X - Y).mean()
    expected = {"mse": 0.5 * np.exp(-0.4) * mse, "l1": np.exp(0.2) * l1, "uncertainty": 0.1}
    assert parts(terms) == pytest.approx(expected, rel=1e-5)
    assert float(of_mse.asnumpy()) == pytest.approx(-expected["mse"] + 0.5, rel=1e-5)
    assert float(of_l1.asnumpy()) == pytest.approx(-expected["l1"] + 0.5, rel=1e-5)
    by_hand = (np.exp(-0.4) * (X - Y) + 3 * np.exp(0.2) * np.sign(X - Y)) / X.size
    np.testing.assert_allclose(gradient.asnumpy(), by_hand, rtol=1e-5, atol=1e-6)


def test_the_log_variances_converge_to_the_logarithm_of_the_loss():
    loss = uncertain()
    optimizer = nn.SGD(loss.trainable_params(), 0.5)
    step = nn.TrainOneStepCell(loss, optimizer)
    for _ in range(60):
        step(Tensor(X), Tensor(Y))
    found = {name: float(each.asnumpy()) for name, each in loss.log_variances.items()}
    # The derivative with respect to s is zero where exp(s) = 2 c l.
    mse, l1 = np.mean((X - Y) ** 2.0), 3 * np.abs(X - Y).mean()
    assert found == pytest.approx({"mse": np.log(mse), "l1": np.log(2 * l1)}, abs=1e-3)


def test_the_log_variances_are_saved_and_loaded(tmp_path):
    loss, fresh = uncertain(), uncertain()
    loss.log_variances["mse"].set_data(Tensor(1.25))
    save_checkpoint(loss, str(tmp_path / "loss.ckpt"))
    load_param_into_net(fresh, load_checkpoint(str(tmp_path / "loss.ckpt")))
    assert float(fresh.log_variances["mse"].asnumpy()) == 1.25
    assert [each.name for each in fresh.trainable_params()] == ["log_variance_mse", "log_variance_l1"]


def test_the_sums_of_uncertain_terms_give_the_mean():
    loss = uncertain()
    halves = [loss.term_sums(Tensor(X[at]), Tensor(Y[at])) for at in (slice(0, 1), slice(1, 5))]
    for name, value in parts(loss(Tensor(X), Tensor(Y))).items():
        total, weight = (sum(float(half[name][i].asnumpy()) for half in halves) for i in (0, 1))
        assert total / weight == pytest.approx(value, rel=1e-5)


def test_errors_of_uncertainty_weighting():
    with pytest.raises(ArgumentError, match="kinds"):
        nn.UncertaintyWeightedLoss({"a": nn.MSELoss()}, "ranking")
    with pytest.raises(ArgumentError, match=r"`kinds` names 'b', but the losses are 'a'"):
        nn.UncertaintyWeightedLoss({"a": nn.MSELoss()}, {"b": "regression"})
    with pytest.raises(ArgumentError, match="name of the term of the uncertainties"):
        nn.UncertaintyWeightedLoss({"uncertainty": nn.MSELoss()})
    with pytest.raises(ArgumentTypeError, match="^UncertaintyWeightedLoss: `losses` must be a dict of losses, a Weigh"):
        nn.UncertaintyWeightedLoss([nn.MSELoss(), nn.L1Loss()])  # pyright: ignore[reportArgumentType]
    with pytest.raises(ArgumentTypeError, match="got MSELoss"):
        nn.UncertaintyWeightedLoss(nn.MSELoss())


# --- MaskedLoss -----------------------------------------------------------------------------------------------


class Ratio(nn.LossBase):
    """Divides by its input, so that a zero or NaN in a masked element would affect the gradient."""

    def construct(self, x, y):
        return self.get_loss(ops.log(x / y) ** 2)


class Unreduced(nn.LossBase):
    def construct(self, x, y):
        return ops.square(x - y)


def ratio(x, y):
    return ops.log(x / y) ** 2


POSITIVE, OTHER = np.abs(X[:, 0]) + 0.5, np.abs(Y[:, 0]) + 0.5
KEPT = np.array([True, False, True, True, False])
MASKED = {
    "built-in": (nn.MSELoss(), X, Y),
    "built-in, sum": (nn.MSELoss("sum"), X, Y),
    "class weights": (nn.CrossEntropyLoss(weight=Tensor([1.0, 2.0, 3.0, 4.0])), X, CLASSES),
    "custom": (Ratio(), POSITIVE, OTHER),
    "custom, sum": (Ratio("sum"), POSITIVE, OTHER),
    "unreduced": (Unreduced(), X, Y),
    "terms": (nn.WeightedSumLoss({"ce": nn.CrossEntropyLoss(), "z": nn.ZLoss(coefficient=1.0)}), X, CLASSES),
    "function": (ratio, POSITIVE, OTHER),
}


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("name", MASKED)
def test_a_masked_element_equals_its_removal_whatever_its_value(name, compiled):
    loss, x, y = MASKED[name]
    spoiled, labels = x.copy(), y.copy()
    spoiled[~KEPT] = np.nan
    labels[~KEPT] = 77 if labels.dtype.kind == "i" else 0
    run = value_and_grad(nn.MaskedLoss(loss))
    value, gradient = (jit(run) if compiled else run)(Tensor(spoiled), Tensor(labels), Tensor(KEPT))
    reduced = loss if not callable(loss) or name not in ("function", "unreduced") else lambda *a: loss(*a).mean()
    expected, of_kept = value_and_grad(reduced)(Tensor(x[KEPT]), Tensor(y[KEPT]))
    by_hand = np.zeros_like(x)
    by_hand[KEPT] = of_kept.asnumpy()
    if isinstance(value, dict):
        assert parts(value) == pytest.approx(parts(expected), rel=1e-5)
    else:
        np.testing.assert_allclose(value.asnumpy(), expected.asnumpy(), rtol=1e-5)
    np.testing.assert_allclose(gradient.asnumpy(), by_hand, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", ["built-in", "class weights", "custom", "unreduced"])
def test_masked_sums_give_the_mean_over_uneven_batches(name):
    given, x, y = MASKED[name]
    loss = nn.MaskedLoss(given)
    parts = (slice(0, 1), slice(1, 2), slice(2, 5))
    pairs = [loss.sum_and_weight(Tensor(x[at]), Tensor(y[at]), Tensor(KEPT[at])) for at in parts]
    total, weight = (sum(float(pair[i].asnumpy()) for pair in pairs) for i in (0, 1))
    whole = float(loss(Tensor(x), Tensor(y), Tensor(KEPT)).asnumpy())
    assert total / weight == pytest.approx(whole, rel=1e-5)
    assert float(pairs[1][1].asnumpy()) == 0


@pytest.mark.parametrize("name", MASKED)
def test_with_nothing_left_a_masked_loss_and_its_gradient_are_zero(name):
    loss, x, y = MASKED[name]
    value, gradient = value_and_gradient(nn.MaskedLoss(loss), np.full_like(x, np.nan), Tensor(y), Tensor(np.zeros(5)))
    assert all(each == 0 for each in (parts(value) if isinstance(value, dict) else {"": value.asnumpy()}).values())
    np.testing.assert_array_equal(gradient, 0)


def test_missing_and_ignored_labels_mask_their_elements():
    y = np.array([0.0, NAN, 2.0, NAN], np.float32)
    value, gradient = value_and_gradient(nn.MaskedLoss(nn.MSELoss(), NAN), np.ones(4, np.float32), Tensor(y))
    assert float(value.asnumpy()) == 1.0
    np.testing.assert_allclose(gradient, [1, 0, -1, 0])
    masked = nn.MaskedLoss(nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean"), -1)
    labels = np.where(KEPT, CLASSES, -1)
    expected = nn.CrossEntropyLoss(ignore_index=-1)(Tensor(X), Tensor(labels))
    np.testing.assert_allclose(masked(Tensor(X), Tensor(labels)).asnumpy(), expected.asnumpy(), rtol=1e-6)


@pytest.mark.parametrize("shape", [(5,), (5, 1), (5, 4)])
def test_a_mask_has_the_leading_axes_of_the_values(shape):
    mask = np.broadcast_to(KEPT.reshape((5,) + (1,) * (len(shape) - 1)), shape)
    value = nn.MaskedLoss(nn.MSELoss())(Tensor(X), Tensor(Y), Tensor(mask))
    np.testing.assert_allclose(value.asnumpy(), np.mean((X - Y)[KEPT] ** 2), rtol=1e-6)


def test_a_pixel_mask_applies_to_scores_with_classes_along_axis_1():
    class Squares(nn.LossBase):
        def construct(self, x, y):
            return self.get_loss(ops.log(x).sum(1) * y)

    x = np.abs(RNG.normal(size=(2, 3, 4))) + 0.5
    y, mask = RNG.normal(size=(2, 4)), RNG.random((2, 4)) < 0.5
    mask[0, 1] = True
    spoiled = np.where(mask[:, None], x, 0)
    value, gradient = value_and_gradient(nn.MaskedLoss(Squares()), spoiled, Tensor(y), Tensor(mask))
    assert float(value.asnumpy()) == pytest.approx((np.log(x).sum(1) * y)[mask].mean())
    np.testing.assert_allclose(gradient, np.where(mask, y, 0)[:, None] / spoiled.clip(0.1) / mask.sum(), rtol=1e-6)


def test_nested_masks_are_combined():
    loss = nn.MaskedLoss(nn.MaskedLoss(nn.MSELoss(), NAN))
    labels = np.array([0.0, NAN, 2.0], np.float32)
    value = loss(Tensor(np.float32([3, 3, 3])), Tensor(labels), Tensor([True, True, False]))
    assert float(value.asnumpy()) == 9.0


def test_a_mask_and_the_weights_of_get_loss_multiply():
    class Weighted(nn.LossBase):
        def construct(self, x, weights):
            return self.get_loss(x, weights)

    value = nn.MaskedLoss(Weighted())(Tensor([1.0, 2.0, 3.0]), Tensor([2.0, 3.0, 4.0]), Tensor([1, 0, 1]))
    assert float(value.asnumpy()) == 7.0


def test_errors_of_a_masked_loss():
    x, y = Tensor(X), Tensor(Y)
    with pytest.raises(ShapeError, match=r"mask of shape \(3,\) does not fit loss values of shape \(5, 4\)"):
        nn.MaskedLoss(nn.MSELoss())(x, y, Tensor([1, 0, 1]))
    with pytest.raises(ShapeError, match="one value for all of its input"):
        nn.MaskedLoss(nn.RMSELoss())(x, y, Tensor(KEPT))
    with pytest.raises(ShapeError, match=r"reduces by itself.*self\.get_loss"):
        nn.MaskedLoss(lambda x, y: (x - y).mean())(x, y, Tensor(KEPT))
    with pytest.raises(ArgumentError, match="has its own"):
        nn.MaskedLoss(nn.MSELoss(), reduction="sum")
    with pytest.raises(ArgumentError, match="and the mask, but got 1"):
        nn.MaskedLoss(nn.MSELoss())(x)
    with pytest.raises(LabelError, match="77"):
        nn.MaskedLoss(nn.CrossEntropyLoss())(x, Tensor([1, 2, 77, 0, 0]), Tensor(KEPT))


# --- LabelSmoothing -------------------------------------------------------------------------------------------


def smoothed_reference(x, labels, s, kept=...):
    q = (1 - s) * np.eye(x.shape[-1])[labels] + s / x.shape[-1]
    p = softmax(x.astype(np.float64))
    return -(q * np.log(p)).sum(-1)[kept].mean(), (p - q)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    "loss",
    [
        nn.CrossEntropyLoss(),
        nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean"),
        nn.SoftmaxCrossEntropyWithLogits(sparse=False, reduction="mean"),
        lambda x, q: -(q * ops.log_softmax(x, -1)).sum(-1).mean(),
    ],
    ids=["ce", "sparse", "dense", "function"],
)
def test_value_and_gradient_of_smoothed_labels(loss, compiled):
    run = value_and_grad(nn.LabelSmoothing(loss, 0.3))
    value, gradient = (jit(run) if compiled else run)(Tensor(X), Tensor(CLASSES))
    expected, by_hand = smoothed_reference(X, CLASSES, 0.3)
    assert float(value.asnumpy()) == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient.asnumpy(), by_hand / 5, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    "loss",
    [nn.CrossEntropyLoss(), nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean")],
    ids=["ce", "sparse"],
)
def test_ignored_labels_are_not_smoothed(loss):
    labels = np.where(KEPT, CLASSES, 255)
    smoothing = nn.LabelSmoothing(loss, 0.3, ignore_index=255)
    value, gradient = value_and_gradient(smoothing, X, Tensor(labels))
    expected, by_hand = smoothed_reference(X, CLASSES, 0.3, KEPT)
    assert float(value.asnumpy()) == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(gradient, by_hand * KEPT[:, None] / 3, rtol=1e-4, atol=1e-6)
    total, weight = smoothing.sum_and_weight(Tensor(X), Tensor(labels))
    assert float(weight.asnumpy()) == 3
    assert float(total.asnumpy()) == pytest.approx(3 * expected, rel=1e-5)


def test_cross_entropy_keeps_its_class_weights_and_weighted_mean():
    weight = Tensor([1.0, 2.0, 3.0, 4.0])
    wrapped = nn.LabelSmoothing(nn.CrossEntropyLoss(weight, ignore_index=3), 0.2)
    own = nn.CrossEntropyLoss(weight, ignore_index=3, label_smoothing=0.2)
    np.testing.assert_array_equal(
        wrapped(Tensor(X), Tensor(CLASSES)).asnumpy(), own(Tensor(X), Tensor(CLASSES)).asnumpy()
    )
    assert wrapped.loss.label_smoothing == 0


def test_smoothing_of_distributions_of_probabilities_and_of_classes_along_axis_1():
    q = softmax(Y).astype(np.float32)
    dense = nn.SoftmaxCrossEntropyWithLogits(sparse=False, reduction="mean")
    np.testing.assert_allclose(
        nn.LabelSmoothing(dense, 0.4)(Tensor(X), Tensor(q)).asnumpy(),
        dense(Tensor(X), Tensor(0.6 * q + 0.1)).asnumpy(),
        rtol=1e-6,
    )
    bits = (Y > 0).astype(np.int32)
    np.testing.assert_allclose(
        nn.LabelSmoothing(nn.BCELoss(), 0.4)(Tensor(q), Tensor(bits)).asnumpy(),
        nn.BCELoss()(Tensor(q), Tensor(np.float32(0.6 * bits + 0.2))).asnumpy(),
        rtol=1e-6,
    )
    x, labels = RNG.normal(size=(2, 3, 4)).astype(np.float32), RNG.integers(0, 3, (2, 4))
    target = (0.6 * np.eye(3)[labels] + 0.4 / 3).transpose(0, 2, 1).astype(np.float32)
    np.testing.assert_allclose(
        nn.LabelSmoothing(nn.FocalLoss(), 0.4)(Tensor(x), Tensor(labels)).asnumpy(),
        # For distributions FocalLoss also divides by the number of classes; for class indices it does not.
        3 * nn.FocalLoss()(Tensor(x), Tensor(target)).asnumpy(),
        rtol=1e-5,
    )


def test_errors_of_label_smoothing():
    with pytest.raises(ArgumentError, match="already smooths its labels"):
        nn.LabelSmoothing(nn.CrossEntropyLoss(label_smoothing=0.1))
    with pytest.raises(ArgumentError, match=r"NLLLoss cannot be smoothed.*CrossEntropyLoss"):
        nn.LabelSmoothing(nn.NLLLoss())
    with pytest.raises(ArgumentError, match="factor"):
        nn.LabelSmoothing(nn.CrossEntropyLoss(), 1.5)
    smoothing = nn.LabelSmoothing(nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean"))
    with pytest.raises(LabelError, match=r"class indices in \[0, 4\), but got 4 at index \(2,\)"):
        smoothing(Tensor(X), Tensor([0, 1, 4, 0, 0]))
    with pytest.raises(ShapeError, match=r"shape \(5, 4\).*got \(3,\)"):
        smoothing(Tensor(X), Tensor([0, 1, 2]))
    assert np.isnan(jit(smoothing)(Tensor(X), Tensor([0, 1, 4, 0, 0])).asnumpy())


# --- DeepSupervisionLoss --------------------------------------------------------------------------------------


def test_value_and_gradient_of_deep_supervision():
    loss = nn.DeepSupervisionLoss(nn.MSELoss(), [1.0, 0.25])
    (terms, (one, two)) = value_and_grad(lambda a, b: loss((a, b), Tensor(Y)), (0, 1))(Tensor(X), Tensor(2 * X))
    expected = {"output_0": np.mean((X - Y) ** 2), "output_1": 0.25 * np.mean((2 * X - Y) ** 2)}
    assert parts(terms) == pytest.approx(expected, rel=1e-5)
    np.testing.assert_allclose(one.asnumpy(), 2 * (X - Y) / X.size, rtol=1e-5)
    np.testing.assert_allclose(two.asnumpy(), 0.5 * (2 * X - Y) / X.size, rtol=1e-5)


def test_deep_supervision_accepts_lists_dicts_and_a_single_output():
    by_name = nn.DeepSupervisionLoss(nn.L1Loss(), {"main": 1.0, "aux": 0.5})
    outputs = {"aux": Tensor([3.0]), "main": Tensor([2.0])}
    assert parts(by_name(outputs, Tensor([1.0]))) == {"aux": 1.0, "main": 1.0}
    assert parts(by_name(Tensor([2.0]), Tensor([1.0]))) == {"main": 1.0}
    plain = nn.DeepSupervisionLoss(nn.L1Loss())
    assert parts(plain([Tensor([3.0]), Tensor([2.0])], Tensor([1.0]))) == {"output_0": 2.0, "output_1": 1.0}
    sized = plain((Tensor([3.0]), Tensor([2.0, 2.0])), (Tensor([1.0]), Tensor([0.0, 0.0])))
    assert parts(sized) == {"output_0": 2.0, "output_1": 2.0}


def test_errors_of_deep_supervision():
    loss = nn.DeepSupervisionLoss(nn.L1Loss(), [1.0, 0.5])
    one = Tensor([1.0])
    with pytest.raises(ShapeError, match=r"'output_0' of shape \(1,\) and 'output_1' of shape \(2,\).*one resized"):
        loss((one, Tensor([1.0, 2.0])), one)
    with pytest.raises(ArgumentError, match=r"outputs are 'output_0', but the weights 'output_0', 'output_1'"):
        loss((one,), one)
    with pytest.raises(ArgumentError, match="but the labels 'output_0'"):
        loss((one, one), (one,))


# --- OutputLosses ---------------------------------------------------------------------------------------------


def test_output_losses_by_name_and_by_order():
    loss = nn.OutputLosses({"b": (nn.MSELoss(), 0.5), "a": nn.L1Loss(), "z": nn.ZLoss(coefficient=1.0), "rest": None})
    outputs = {"a": Tensor([3.0]), "b": Tensor([3.0]), "z": Tensor([[0.0]]), "rest": Tensor([NAN])}
    expected = {"b": 2.0, "a": 3.0, "z": 0.0}
    assert parts(loss(outputs, {"a": Tensor([0.0]), "b": Tensor([1.0])})) == expected
    assert parts(loss(outputs, Tensor([1.0]), Tensor([0.0]))) == expected


def test_errors_of_output_losses():
    loss = nn.OutputLosses({"a": nn.L1Loss(), "b": nn.MSELoss(), "rest": None})
    one = Tensor([1.0])
    full = {"a": one, "b": one, "rest": one}
    with pytest.raises(ArgumentError, match=r"loss for 'b', but the network has no such output.*'a', 'rest'"):
        loss({"a": one, "rest": one}, one, one)
    with pytest.raises(ArgumentError, match=r"output 'more' of the network has no loss.*\{'more': None\}"):
        loss({**full, "more": one}, one, one)
    with pytest.raises(ArgumentTypeError, match="must return a dict of outputs.*of type tuple"):
        loss((one, one), one, one)
    with pytest.raises(ArgumentError, match="loss of 'b' has no label. There are labels for 'a'"):
        loss(full, {"a": one})
    with pytest.raises(ArgumentError, match=r"got 3 label\(s\).*'a', 'b', in this order"):
        loss(full, one, one, one)
    with pytest.raises(ArgumentError, match="all outputs have the loss None"):
        nn.OutputLosses({"a": None})
    with pytest.raises(ArgumentError, match="give no inputs"):
        nn.OutputLosses({"a": (nn.L1Loss(), 1.0, 0)})
    with pytest.raises(DatasetError, match=r"loss of 'b' has no label column.*columns of the dataset are 'a', 'c'"):
        loss.takes_labels_by_name(["a", "c"])


# --- custom subclasses of a built-in loss ---------------------------------------------------------------------


def test_a_subclass_of_a_built_in_loss_has_its_info_and_checks():
    class Mine(nn.SoftmaxCrossEntropyWithLogits):
        def __init__(self):
            super().__init__(sparse=True, reduction="mean")

    class MSELoss(nn.L1Loss):
        """Has the name of another built-in loss."""

    class Shifted(nn.CrossEntropyLoss):
        def construct(self, logits, labels):
            return super().construct(logits, labels - 1)

    assert Mine().loss_info().name == "sparse_softmax_cross_entropy_with_logits"
    assert MSELoss().loss_info().name == "l1_loss"
    with pytest.raises(LabelError):
        Mine().check_labels({"logits": (1, 3)}, np.array([3]))
    Shifted().check_labels({"logits": (1, 3)}, np.array([3]))
