"""Metrics reject inputs that they cannot evaluate, and a NaN is never correct."""

import jax.numpy as jnp
import numpy as np
import pytest

import sporax
from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, LabelError, ShapeError, TrainError
from sporax.core import Tensor
from sporax.train.metrics import (
    F1,
    MAE,
    MSE,
    Accuracy,
    ConfusionMatrix,
    Fbeta,
    Loss,
    Precision,
    Recall,
    Top1CategoricalAccuracy,
    TopKCategoricalAccuracy,
)

SCORES = np.float32([[0.2, 0.5], [0.3, 0.1], [0.9, 0.6]])
LABELS = np.int32([1, 0, 1])
MULTI = (np.float32([[0, 1], [1, 1], [0, 0]]), np.float32([[0, 1], [1, 0], [0, 0]]))


def result(metric, *batches, **arguments):
    for batch in batches:
        metric.update(*batch)
    return metric.eval(**arguments)


# --- rejected inputs ----------------------------------------------------------------------------------------

CLASS_METRICS = {
    "Accuracy": Accuracy,
    "Precision": Precision,
    "Recall": Recall,
    "F1": F1,
    "Fbeta": lambda: Fbeta(2.0),
    "Top1": Top1CategoricalAccuracy,
    "TopK": lambda: TopKCategoricalAccuracy(1),
}
class_metrics = pytest.mark.parametrize("make", CLASS_METRICS.values(), ids=CLASS_METRICS)
ONE_COLUMN = np.float32([[0.9], [0.2], [0.7]])
NAN = float("nan")


@class_metrics
@pytest.mark.parametrize("labels", [[[1], [0], [0]], [1, 0, 0]], ids=["column", "flat"])
def test_scores_of_one_class_raise(make, labels):
    with pytest.raises(ShapeError, match=r"\(3, 1\) .*predicted as class 0.*np\.stack\(\[1 - p, p\], 1\)"):
        make().update(ONE_COLUMN, np.int32(labels))
    with pytest.raises(ShapeError, match=r"shape is \(3,\).*give a score for each:"):
        make().update(ONE_COLUMN[:, 0], np.int32([1, 0, 0]))


def test_the_advice_of_the_message_about_one_column_gives_the_correct_result():
    p, labels = ONE_COLUMN[:, 0], np.int32([1, 0, 0])
    both = np.stack([1 - p, p], 1)
    assert result(Accuracy(), (both, labels)) == 2 / 3
    assert result(Accuracy("multilabel"), (ONE_COLUMN > 0.5, labels[:, None])) == 2 / 3
    np.testing.assert_allclose(result(Precision(), (both, labels)), [1.0, 0.5])
    np.testing.assert_allclose(result(Recall(), (both, labels)), [0.5, 1.0])
    np.testing.assert_allclose(result(F1(), (both, labels)), [2 / 3, 2 / 3])
    logits = np.log(p / (1 - p))
    assert result(Top1CategoricalAccuracy(), (np.stack([np.zeros_like(logits), logits], 1), labels)) == 2 / 3


@class_metrics
@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([[0, 1], [0, 0], [1, 0]], r"row 1 is \[0. 0.\]\. Remove samples without a label"),
        ([[0, 1], [1, 0], [1, 1]], r"row 2 is \[1. 1.\]\. For several labels per sample use .*multilabel"),
        ([[0.3, 0.7], [1, 0], [1, 0]], r"row 0 is \[0.3 0.7\]\. For soft labels .*labels\.argmax\(1\)"),
        ([[NAN, 1], [1, 0], [1, 0]], "row 0 is"),
        ([[2, 0], [1, 0], [1, 0]], "row 0 is"),
    ],
    ids=["nothing", "several", "soft", "nan", "two"],
)
def test_rows_that_are_not_one_hot_raise(make, rows, message):
    with pytest.raises(LabelError, match="must be one-hot .a single 1 among zeros., but " + message):
        make().update(SCORES, np.float32(rows))


def test_the_row_that_is_not_one_hot_is_named_on_further_axes():
    scores, labels = np.zeros((2, 3, 4)), np.zeros((2, 3, 4), int)
    labels[:, 1] = 1
    labels[1, 1, 2] = 0
    with pytest.raises(LabelError, match=r"row \(1, 2\) is \[0 0 0\]"):
        Accuracy().update(scores, labels)


@class_metrics
def test_a_prediction_with_a_nan_belongs_to_no_class_and_is_wrong(make):
    scores = np.float32([[NAN, 0.1, 0.0], [NAN, NAN, NAN], [0.1, NAN, 0.9], [0.0, 0.0, 1.0], [2.0, 1.0, 0.0]])
    labels = [0, 0, 2, 2, 0]
    # Correct predictions: class 2 once (of two samples), class 0 once (of three).
    expected = {
        "Accuracy": 2 / 5,
        "Top1": 2 / 5,
        "TopK": 2 / 5,
        "Precision": [1.0, 0.0, 1.0],
        "Recall": [1 / 3, 0.0, 1 / 2],
        "F1": [1 / 2, 0.0, 2 / 3],
        "Fbeta": [5 / 13, 0.0, 5 / 9],
    }
    name = next(name for name, each in CLASS_METRICS.items() if each is make)
    np.testing.assert_allclose(result(make(), (scores, labels)), expected[name])
    np.testing.assert_allclose(result(make(), (Tensor(scores), np.eye(3)[labels])), expected[name])


def test_a_prediction_with_a_nan_is_wrong_on_further_axes_and_in_each_k():
    scores = np.zeros((1, 3, 2))
    scores[0, :, 0] = [NAN, 2, 1]
    scores[0, :, 1] = [0, 2, 1]
    assert result(Accuracy(), (scores, [[1, 1]])) == 1 / 2
    for k in (1, 2, 3):
        assert result(TopKCategoricalAccuracy(k), (scores, [[1, 1]])) == 1 / 2


def test_a_nan_among_several_labels_agrees_with_none():
    y = np.float32([[1, NAN, 0], [0, 1, NAN], [1, 0, 1]])
    t = np.float32([[1, 0, 0], [0, 1, 1], [1, 0, 1]])
    assert result(Accuracy("multilabel"), (y, t)) == 1 / 3
    np.testing.assert_allclose(result(Precision("multilabel"), (y, t)), [1, 1, 1])
    np.testing.assert_allclose(result(Recall("multilabel"), (y, t)), [1, 1 / 2, 1])
    with pytest.raises(LabelError, match="must be 0 or 1"):
        Accuracy("multilabel").update(t, y)


def test_infinite_scores_are_the_maximum():
    scores = np.float32([[np.inf, 0], [-np.inf, 0], [np.inf, np.inf]])
    assert result(Accuracy(), (scores, [0, 1, 0])) == 1.0


@pytest.mark.parametrize("metric", [MAE(), MSE(), Loss()], ids=["MAE", "MSE", "Loss"])
def test_a_nan_is_propagated_in_a_mean(metric):
    batches = [([NAN],), ([1.0],)] if isinstance(metric, Loss) else [([NAN, 1.0], [0.0, 1.0]), ([1.0], [1.0])]
    assert np.isnan(result(metric, *batches))
    metric.clear()
    if not isinstance(metric, Loss):
        assert np.isnan(result(metric, ([np.inf], [np.inf])))
        metric.clear()
        assert np.isnan(result(metric, ([1.0, 2.0], [1.0, NAN])))


def test_the_weight_of_a_loss_is_a_finite_number():
    for weight in (NAN, np.inf, -1):
        with pytest.raises(ArgumentError, match="the weight must be one number"):
            Loss().update(1.0, weight)


@class_metrics
@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([1, -1, 0], LabelError, "a label is -1, but there are 2 classes"),
        ([1, 2, 0], LabelError, "a label is 2, but there are 2 classes"),
        (np.float32([1, NAN, 0]), DtypeError, "integers, but got float32 with fractions or NaN: nan"),
        (np.float32([1, np.inf, 0]), DtypeError, "with fractions or NaN: inf"),
        (np.float32([1, 0.5, 0]), DtypeError, "with fractions or NaN: 0.5"),
        (np.int32([[1], [0], [0]]), ShapeError, r"they have shape \(3, 1\)\. Remove axis 1 of the labels"),
        (np.uint64([1, 2**63, 0]), LabelError, "a label is 9223372036854775808"),
    ],
)
def test_labels_that_are_not_classes_raise(make, labels, error, message):
    with pytest.raises(error, match=message):
        make().update(SCORES, labels)


@class_metrics
@pytest.mark.parametrize("kind", [np.int8, np.uint64, np.float32, np.float16, bool, jnp.bfloat16])
def test_labels_and_scores_of_every_dtype_give_one_result(make, kind):
    expected = result(make(), (SCORES, LABELS))
    np.testing.assert_allclose(result(make(), (SCORES, LABELS.astype(kind))), expected)
    np.testing.assert_allclose(result(make(), (SCORES, np.eye(2)[LABELS].astype(kind))), expected)
    whole = np.int32([[0, 1], [1, 0], [1, 0]])
    np.testing.assert_allclose(result(make(), (whole.astype(kind), LABELS)), expected)


@class_metrics
def test_an_empty_batch_adds_nothing(make):
    empty = (np.zeros((0, 2), np.float32), np.zeros((0,), np.int32))
    np.testing.assert_allclose(result(make(), empty, (SCORES, LABELS), empty), result(make(), (SCORES, LABELS)))
    metric = make()
    metric.update(*empty)
    with pytest.raises(TrainError, match="there are no samples yet"):
        metric.eval()


def test_multilabel_metrics_reject_probabilities_at_any_position():
    for make in (Accuracy, Precision, Recall):
        for batch in ((MULTI[0] * 0.9, MULTI[1]), (MULTI[0], MULTI[1] * 0.9), (MULTI[0] + 1, MULTI[1])):
            with pytest.raises(LabelError, match=r"Compare probabilities with a threshold first: \(y > 0\.5\)"):
                make("multilabel").update(*batch)
    assert result(Accuracy("multilabel"), (MULTI[0] > 0.5, MULTI[1] == 1)) == 2 / 3


# --- the confusion matrix -----------------------------------------------------------------------------------


def test_a_binary_confusion_matrix_applies_its_threshold_to_probabilities_and_logits():
    p = ONE_COLUMN[:, 0]
    expected = [[1, 1], [0, 1]]
    np.testing.assert_array_equal(result(ConfusionMatrix(2), (p, [1, 0, 0])), expected)
    np.testing.assert_array_equal(result(ConfusionMatrix(2), (ONE_COLUMN, [[1], [0], [0]])), expected)
    logits = np.log(p / (1 - p))
    np.testing.assert_array_equal(result(ConfusionMatrix(2, threshold=0.0), (logits, [1, 0, 0])), expected)
    with pytest.raises(ArgumentError, match=r"a prediction is 2.19.*not probabilities.*threshold=0\.0"):
        ConfusionMatrix(2).update(logits, [1, 0, 0])
    with pytest.raises(ShapeError, match=r"scores must have shape \(3, 2\).*has shape \(3, 1\)\. .*y\.squeeze\(1\)"):
        ConfusionMatrix(2).update(ONE_COLUMN, [1, 0, 0])


def test_a_threshold_does_not_turn_three_classes_into_two():
    np.testing.assert_array_equal(
        result(ConfusionMatrix(3), (np.float32([0, 2, 1]), [0, 2, 0])), [[1, 1, 0], [0, 0, 0], [0, 0, 1]]
    )
    with pytest.raises(DtypeError, match=r"a prediction is 0.6.*Give scores of shape \(N, 3, \.\.\.\)"):
        ConfusionMatrix(3).update(np.float32([0, 0.6, 1]), [0, 2, 0])
    with pytest.raises(ShapeError, match=r"for 4 classes .* scores must have shape \(2, 4\), but .* \(2, 3\)"):
        ConfusionMatrix(4).update(np.zeros((2, 3)), [0, 1])


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        (([1, 0], [1, 2]), LabelError, "a label is 2, but there are 2 classes"),
        (([1, 0], [-1, 0]), LabelError, "a label is -1"),
        (([1, -1], [1, 0]), LabelError, "a predicted class is -1"),
        (([1, 0], [1.0, 0.5]), DtypeError, "labels must be integers, but got float64 with fractions or NaN: 0.5"),
        (([[0.1, 0.9], [0.8, 0.2]], [[0, 1], [1, 0]]), LabelError, r"look one-hot .*labels\.argmax\(1\)"),
        (([[0, 1], [1, 0]], [[0, 1], [1, 0]]), LabelError, "look one-hot"),
    ],
)
def test_errors_of_a_confusion_matrix(batch, error, message):
    with pytest.raises(error, match=message):
        ConfusionMatrix(2).update(*batch)


def test_labels_of_a_confusion_matrix_may_be_integral_floats_or_bools():
    for labels in (np.float32([1, 0, 0]), np.array([True, False, False])):
        np.testing.assert_array_equal(result(ConfusionMatrix(2), ([1, 0, 1], labels)), [[1, 1], [0, 1]])


@pytest.mark.parametrize(
    ("normalize", "expected"),
    [
        ("no_norm", [[1, 0], [0, 1]]),
        ("target", [[1 / 2, 0], [0, 1 / 2]]),
        ("prediction", [[1, 0], [0, 1]]),
        ("all", [[1 / 4, 0], [0, 1 / 4]]),
    ],
)
def test_a_nan_is_in_no_column_of_a_confusion_matrix_but_in_its_normalization(normalize, expected):
    scores = np.float32([[1, 0], [NAN, 1], [0, 1], [NAN, NAN]])
    for batch in ((scores, [0, 0, 1, 1]), (np.float32([0.1, NAN, 0.9, NAN]), [0, 0, 1, 1])):
        matrix = ConfusionMatrix(2, normalize)
        with pytest.warns(sporax.SporaxWarning, match=r"ConfusionMatrix: 2 prediction\(s\) of a batch are NaN"):
            matrix.update(*batch)
        np.testing.assert_allclose(matrix.eval(), expected)
        np.testing.assert_array_equal(matrix.undefined, [1, 1])
        matrix.update(*batch)  # one warning is enough
        matrix.clear()
        np.testing.assert_array_equal(matrix.undefined, [0, 0])


# --- inputs -------------------------------------------------------------------------------------------------


def test_convert_data_matches_mindspore():
    convert = MAE()._convert_data
    for value in (Tensor([1.0, 2.0]), np.float32([1, 2]), jnp.asarray([1.0, 2.0], jnp.float32)):
        array = convert(value)
        assert type(array) is np.ndarray
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, [1, 2])
    assert convert([1, 2]).dtype == np.int64
    assert convert(Tensor([1.0], sporax.bfloat16)).dtype == jnp.bfloat16
    np.testing.assert_array_equal(convert([Tensor([1.0])]), [[1.0]])
    for value in ((1, 2), 3, "a", None, {"a": 1}, {1, 2}, np.float32(1)):
        with pytest.raises(ArgumentTypeError, match=r"MAE: the input "):
            convert(value)
    with pytest.raises(ShapeError, match="the input is a list whose elements differ in shape"):
        convert([[1, 2], [3]])


def test_several_outputs_are_rejected_with_a_list_of_options():
    outputs = (SCORES, SCORES[:, :1])
    for metric in (Accuracy(), MAE(), TopKCategoricalAccuracy(1), ConfusionMatrix(2)):
        for given in (outputs, {"a": SCORES, "b": SCORES}):
            with pytest.raises(ArgumentTypeError, match=r"a (tuple|dict) of 2 outputs.*set_indexes.*eval_network"):
                metric.update(given, LABELS)
    with pytest.raises(ArgumentTypeError, match="of 2 outputs"):
        Loss().update(outputs)
