"""Metrics compared with explicit loops, and with the results of MindSpore 2.10 for the same inputs."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sporax._errors import (
    ArgumentError,
    ArgumentTypeError,
    DtypeError,
    LabelError,
    ShapeError,
    TrainError,
)
from sporax.core import Tensor
from sporax.train.metrics import (
    F1,
    MAE,
    MSE,
    Accuracy,
    ConfusionMatrix,
    Fbeta,
    Loss,
    Metric,
    Precision,
    Recall,
    Top1CategoricalAccuracy,
    Top5CategoricalAccuracy,
    TopKCategoricalAccuracy,
    get_metric_fn,
    get_metrics,
    names,
    rearrange_inputs,
)

SCORES = np.float32([[0.2, 0.5], [0.3, 0.1], [0.9, 0.6]])
LABELS = np.int32([1, 0, 1])
MULTI = (np.float32([[0, 1], [1, 1], [0, 0]]), np.float32([[0, 1], [1, 0], [0, 0]]))
ONE_EACH = (np.float32([[1, 0, 0], [0, 1, 0], [0, 1, 0]]), np.int32([0, 1, 0]))


def result(metric, *batches, **arguments):
    for batch in batches:
        metric.update(*batch)
    return metric.eval(**arguments)


@pytest.mark.parametrize(
    ("metric", "batch", "expected"),
    [
        (Accuracy(), (SCORES, LABELS), 2 / 3),
        (Accuracy(), (SCORES, np.float32([[0, 1], [1, 0], [0, 1]])), 2 / 3),
        (Accuracy("multilabel"), MULTI, 2 / 3),
        (Accuracy(), (np.float32([[0.5] * 3] * 3), np.int32([0, 1, 2])), 1 / 3),
        (Precision(), (SCORES, LABELS), [0.5, 1.0]),
        (Precision("multilabel"), MULTI, [1.0, 0.5, 0.0]),
        (Precision(), ONE_EACH, [1.0, 0.5, 0.0]),
        (Recall(), (SCORES, LABELS), [1.0, 0.5]),
        (Recall("multilabel"), MULTI, [1.0, 1.0, 0.0]),
        (Recall(), ONE_EACH, [0.5, 1.0, 0.0]),
        (F1(), (SCORES, LABELS), [0.66666667, 0.66666667]),
        (F1(), ONE_EACH, [0.66666667, 0.66666667, 0.0]),
        (Fbeta(0.5), (SCORES, LABELS), [0.55555556, 0.83333333]),
        (ConfusionMatrix(2), (np.int32([1, 0, 1, 0]), np.int32([1, 0, 0, 1])), [[1, 1], [1, 1]]),
        (
            ConfusionMatrix(2),
            (np.float32([[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]), np.int32([1, 0, 0])),
            [[1, 1], [0, 1]],
        ),
        (ConfusionMatrix(2), (np.float32([0.1, 0.6, 0.5, 1]), np.int32([1, 0, 0, 1])), [[0, 2], [1, 1]]),
        (
            ConfusionMatrix(2, "target"),
            (np.int32([1, 0, 1, 1]), np.int32([1, 0, 0, 1])),
            [[0.5, 0.5], [0, 1]],
        ),
        (
            ConfusionMatrix(2, "prediction"),
            (np.int32([1, 0, 1, 1]), np.int32([1, 0, 0, 1])),
            [[1, 1 / 3], [0, 2 / 3]],
        ),
        (
            ConfusionMatrix(2, "all"),
            (np.int32([1, 0, 1, 1]), np.int32([1, 0, 0, 1])),
            [[0.25, 0.25], [0, 0.5]],
        ),
        (Loss(), (np.float32([0.2, 0.3]),), 0.25),
        (Loss(), (np.float32(0.2),), 0.2),
        (MAE(), (np.float32([0.1, 0.2, 0.6, 0.9]), np.float32([0.1, 0.2, 0.7, 0.8])), 0.05),
        (MSE(), (np.float32([0.1, 0.2, 0.6, 0.9]), np.float32([0.1, 0.2, 0.7, 0.8])), 0.005),
        (MAE(), (np.float32([1, 2]), np.float32([[1], [2]])), 0.0),
        (Top1CategoricalAccuracy(), (SCORES, LABELS), 2 / 3),
        (
            TopKCategoricalAccuracy(2),
            (np.float32([[0.2, 0.5, 0.1], [0.3, 0.1, 0.2], [0.9, 0.6, 0.3]]), np.int32([0, 1, 2])),
            1 / 3,
        ),
        (
            TopKCategoricalAccuracy(2),
            (np.float32([[0.2, 0.5, 0.1], [0.3, 0.1, 0.2], [0.9, 0.6, 0.3]]), np.float32(np.eye(3))),
            1 / 3,
        ),
        (TopKCategoricalAccuracy(1), (np.float32([[0.5] * 3] * 3), np.int32([0, 1, 2])), 1 / 3),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Metric) else None,
)
def test_values_match_mindspore(metric, batch, expected):
    metric.clear()
    np.testing.assert_allclose(result(metric, batch), expected, rtol=0, atol=1e-7)
    metric.clear()
    np.testing.assert_allclose(result(metric, [Tensor(each) for each in batch]), expected, rtol=0, atol=1e-7)


def test_uneven_batches_as_in_mindspore():
    batches = [
        (np.float32([[0.1, 0.2], [0.6, 0.9]]), np.float32([[0.1, 0.3], [0.7, 0.8]])),
        (np.float32([[1, 2]]), np.float32([[0, 1]])),
    ]
    assert result(MAE(), *batches) == pytest.approx(0.7666666507720947, abs=1e-6)
    assert result(MSE(), *batches) == pytest.approx(0.6766666620969772, abs=1e-6)


MAKERS = {each.__name__: each for each in (Accuracy, MAE, MSE, Loss, Top1CategoricalAccuracy)} | {
    "Fbeta": lambda: Fbeta(2.0)
}


@pytest.mark.parametrize("make", MAKERS.values(), ids=MAKERS)
def test_results_are_python_floats_and_print_as_such(make):
    metric = make()
    batch = (np.float32(0.5),) if isinstance(metric, Loss) else (SCORES, LABELS)
    if isinstance(metric, (MAE, MSE)):
        batch = (SCORES, SCORES + 1)
    value = result(metric, batch, **({"average": True} if isinstance(metric, Fbeta) else {}))
    assert type(value) is float


# --- oracles ------------------------------------------------------------------------------------------------


def oracle(scores, labels, classes):
    """Return tp, predicted, positive for each class, and the number of samples with rank < k for each k."""
    tp, predicted, positive = np.zeros((3, classes))
    within = np.zeros(classes + 1)
    for row, label in zip(scores, labels, strict=True):
        order = sorted(range(classes), key=lambda c, row=row: (-row[c], c))
        predicted[order[0]] += 1
        positive[label] += 1
        tp[label] += order[0] == label
        for k in range(1, classes + 1):
            within[k] += label in order[:k]
    return tp, predicted, positive, within


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_classification_against_an_oracle_in_uneven_batches(data):
    classes = data.draw(st.integers(2, 6))
    count = data.draw(st.integers(1, 17))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    # Few distinct scores, so that there are ties.
    scores = rng.integers(0, 4, (count, classes)).astype(np.float32)
    labels = rng.integers(0, classes, count)
    cuts = sorted(data.draw(st.lists(st.integers(0, count), max_size=3)))
    parts = list(zip(np.split(scores, cuts), np.split(labels, cuts), strict=True))
    tp, predicted, positive, within = oracle(scores, labels, classes)
    k = data.draw(st.integers(1, classes))
    with np.errstate(divide="ignore", invalid="ignore"):
        precision, recall = np.nan_to_num(tp / predicted), np.nan_to_num(tp / positive)
        f2 = np.nan_to_num(5 * precision * recall / (4 * precision + recall))
    np.testing.assert_allclose(result(Accuracy(), *parts), tp.sum() / count)
    np.testing.assert_allclose(result(TopKCategoricalAccuracy(k), *parts), within[k] / count)
    np.testing.assert_allclose(result(Precision(), *parts), precision)
    np.testing.assert_allclose(result(Recall(), *parts), recall)
    np.testing.assert_allclose(result(Fbeta(2), *parts), f2)
    matrix = result(ConfusionMatrix(classes), *parts)
    np.testing.assert_array_equal(np.diag(matrix), tp)
    np.testing.assert_array_equal(matrix.sum(axis=0), predicted)
    np.testing.assert_array_equal(matrix.sum(axis=1), positive)


def test_scores_with_more_axes():
    rng = np.random.default_rng(1)
    scores, labels = rng.normal(size=(4, 3, 5)), rng.integers(0, 3, (4, 5))
    flat = (np.moveaxis(scores, 1, -1).reshape(-1, 3), labels.ravel())
    for make in (
        Accuracy,
        Precision,
        Recall,
        F1,
        lambda: TopKCategoricalAccuracy(2),
        lambda: ConfusionMatrix(3),
    ):
        np.testing.assert_allclose(result(make(), (scores, labels)), result(make(), flat))


def test_multilabel_with_more_axes():
    rng = np.random.default_rng(2)
    y, t = rng.integers(0, 2, (2, 4, 3, 5))
    flat = [np.moveaxis(each, 1, -1).reshape(-1, 3) for each in (y, t)]
    expected = (flat[0] == flat[1]).all(axis=1).mean()
    assert result(Accuracy("multilabel"), (y, t)) == expected
    assert result(Precision("multilabel"), (y, t)).shape == (20,)


def test_mean_loss_is_exact_over_uneven_batches():
    rng = np.random.default_rng(3)
    values, keep = rng.random(11), rng.integers(0, 2, 11)
    loss = Loss()
    for part in (slice(0, 4), slice(4, 9), slice(9, 11)):
        weight = keep[part].sum()
        mean = (values[part] * keep[part]).sum() / max(weight, 1)
        loss.update(Tensor(mean), Tensor(np.float32(weight)))
    assert loss.eval() == pytest.approx((values * keep).sum() / keep.sum(), rel=1e-6)


def test_a_batch_without_weight_is_not_counted():
    assert result(Loss(), (0.5, 2), (float("nan"), 0)) == 0.5
    assert result(Loss(), (0.5, 0)) == 0.0
    assert result(Loss(), (0.5, None), (1.5,)) == 1.0


def test_clear():
    for metric, batch in ((Accuracy(), (SCORES, LABELS)), (MAE(), ([1.0], [2.0])), (Loss(), (1.0,))):
        metric.update(*batch)
        metric.clear()
        with pytest.raises(TrainError, match=f"{type(metric).__name__}.eval: there are no samples yet"):
            metric.eval()
    accuracy = Accuracy()
    accuracy.update(SCORES, LABELS)
    accuracy.clear()
    accuracy.update([[1, 2, 3]], [2])
    assert accuracy.eval() == 1.0


@pytest.mark.parametrize("dtype", [np.float16, jnp.bfloat16, np.float64, np.int32])
def test_other_dtypes(dtype):
    y, t = np.array([1, 2, 3.0]).astype(dtype), np.array([2, 2, 5.0]).astype(dtype)
    assert result(MAE(), (Tensor(y), Tensor(t))) == 1.0


def test_differences_do_not_overflow():
    assert result(MAE(), (np.uint8([1]), np.uint8([3]))) == 2.0
    assert result(MSE(), (np.float16([300]), np.float16([-300]))) == 360000.0


# --- errors -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metric", "batch", "error", "message"),
    [
        (Accuracy(), (SCORES,), ArgumentError, r"Accuracy\.update: it needs 2 input\(s\), .* but got 1"),
        (
            Accuracy(),
            (SCORES, LABELS[:2]),
            ShapeError,
            r"must have shape \(3,\), or \(3, 2\) one-hot, but they have shape \(2,\)",
        ),
        (Accuracy(), (SCORES, LABELS[:, None]), ShapeError, r"they have shape \(3, 1\)"),
        (Accuracy(), (LABELS, LABELS), ShapeError, r"a score for each class, .* but its shape is \(3,\)"),
        (
            Accuracy(),
            (SCORES, [1, 0, 5]),
            LabelError,
            "a label is 5, but there are 2 classes, 0 to 1. Labels count",
        ),
        (Accuracy(), (SCORES, [1, -1, 0]), LabelError, "a label is -1, but there are 2 classes"),
        (Accuracy(), (SCORES, [0.5, 1, 0]), DtypeError, "labels must be integers, but got float64"),
        (
            Accuracy(),
            ("a", [1]),
            ArgumentTypeError,
            "the prediction must be a Tensor, an array or a list of numbers",
        ),
        (Accuracy(), (SCORES, None), ArgumentTypeError, "the true value must be .* but got None"),
        (Accuracy("multilabel"), (SCORES, MULTI[1]), LabelError, r"must be 0 or 1\. Compare probabilities"),
        (
            Accuracy("multilabel"),
            (MULTI[0], LABELS),
            ShapeError,
            r"the prediction \(3, 2\) and the true value \(3,\)",
        ),
        (MAE(), ([1.0],), ArgumentError, r"MAE\.update: it needs 2 input\(s\)"),
        (
            MAE(),
            (np.ones(2), np.ones((2, 3))),
            ShapeError,
            r"has shape \(2,\), but the true value has shape \(2, 3\)",
        ),
        (
            MSE(),
            (np.ones((2, 3)), np.ones((3, 2))),
            ShapeError,
            r"MSE\.update: the prediction has shape \(2, 3\)",
        ),
        (
            Loss(),
            (1.0, 2.0, 3.0),
            ArgumentError,
            "it needs the loss, and optionally its weight, but got 3 inputs",
        ),
        (Loss(), (1.0, -1.0), ArgumentError, "the weight must be one number ≥ 0, but got -1.0"),
        (Loss(), ([],), ArgumentError, "the loss has no elements"),
        (
            Top5CategoricalAccuracy(),
            (SCORES, LABELS),
            ShapeError,
            r"k is 5, but .* \(3, 2\) has only 2 classes",
        ),
        (TopKCategoricalAccuracy(2), (SCORES, [0, 1, 7]), LabelError, "a label is 7"),
        (ConfusionMatrix(2), ([1, 0, 3], [1, 0, 0]), LabelError, "a predicted class is 3, but there are 2 classes"),
        (
            ConfusionMatrix(2),
            ([1, 0], [1, 0, 0]),
            ShapeError,
            r"has shape \(2,\), but the labels have shape \(3,\)",
        ),
    ],
)
def test_invalid_batches(metric, batch, error, message):
    metric.clear()
    with pytest.raises(error, match=message):
        metric.update(*batch)


def test_the_number_of_classes_must_not_change():
    accuracy = Accuracy()
    accuracy.update(SCORES, LABELS)
    with pytest.raises(ShapeError, match=r"this batch has 3 classes, but the previous ones had 2\. Call clear"):
        accuracy.update([[1, 2, 3]], [1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Accuracy("x"), "`eval_type` must be one of 'classification', 'multilabel', but got 'x'"),
        (lambda: Fbeta(0), r"Fbeta: `beta` must be in \(0.0, inf\), but got 0"),
        (lambda: TopKCategoricalAccuracy(0), "`k` must be at least 1, but got 0"),
        (lambda: TopKCategoricalAccuracy("a"), "`k` must be an int, but got 'a'"),
        (lambda: ConfusionMatrix(2, "x"), "`normalize` must be one of .* but got 'x'"),
        (lambda: ConfusionMatrix(0), "`num_classes` must be at least 2"),
        (
            lambda: result(Precision(), (SCORES, LABELS), average=1),
            "Precision.eval: `average` must be bool, but got 1",
        ),
    ],
)
def test_invalid_arguments(make, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        make()


# --- Metric, indexes, names ---------------------------------------------------------------------------------


def test_metric_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Metric()


def test_indexes():
    metric = MAE().set_indexes([2, 0])
    assert metric.indexes == [2, 0]
    metric.update([1.0], [55.0], [3.0])
    assert metric.eval() == 2.0
    assert MAE().indexes is None
    with pytest.raises(ArgumentError, match=r"MAE\.update: set_indexes selected \[2, 0\], but there are only 1 input"):
        metric.update([1.0])
    for wrong in (3, ["a"], [True]):
        with pytest.raises(ArgumentTypeError, match="`indexes` must be a list of ints"):
            metric.set_indexes(wrong)


def test_rearrange_inputs_on_a_custom_metric():
    class Last(Metric):
        def clear(self):
            self.value = None

        @rearrange_inputs
        def update(self, *inputs):
            self.value = inputs

        def eval(self):
            return self.value

    last = Last().set_indexes([1, -1])
    last.clear()
    last.update("a", "b", "c")
    assert last.eval() == ("b", "c")


def test_names_and_get_metric_fn():
    assert {"accuracy", "acc", "loss", "mae", "mse", "top_1_accuracy", "F1", "precision"} <= set(names())
    assert isinstance(get_metric_fn("accuracy", eval_type="multilabel"), Accuracy)
    assert get_metric_fn("topk", 3).k == 3
    with pytest.raises(
        ArgumentError, match=r"get_metric_fn: `name` must be one of .* but got 'acuracy'. Did you mean 'acc"
    ):
        get_metric_fn("acuracy")


def test_get_metrics():
    own = MAE()
    assert get_metrics(None) == {}
    assert list(get_metrics({"mae", "mse", "loss"})) == ["loss", "mae", "mse"]
    assert list(get_metrics(["mse", "mae", "loss"])) == ["loss", "mse", "mae"]
    assert type(get_metrics("acc")["acc"]) is Accuracy
    assert get_metrics({"m": own}) == {"m": own}
    assert get_metrics(own) == {"mae": own}
    assert list(get_metrics([own, Accuracy(), "loss"])) == ["loss", "mae", "accuracy"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "give names .* but got 3 of type int"),
        ({"a": 3}, "a dict must map names to Metrics, but got 'a': 3"),
        ({"a": MAE}, r"Write MAE\(\)\."),
        ([3], "an element must be a name or a Metric, but got 3 of type int"),
        ([MAE], r"Write MAE\(\)\."),
        ({"foo"}, "`name` must be one of .* but got 'foo'"),
        ([MAE(), "mae"], "'mae' occurs twice"),
    ],
)
def test_invalid_metrics(given, message):
    with pytest.raises((ArgumentError, ArgumentTypeError), match=message):
        get_metrics(given)
