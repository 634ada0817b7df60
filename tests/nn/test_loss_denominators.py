"""Numerator and denominator of every loss: parts of a batch, divided once, give the mean of the batch."""

import inspect

import jax
import numpy as np
import pytest

from oracles.samples import SIZES, inputs_of, settings_of
from sporax import GRAPH_MODE, Tensor, jit, losses, nn, ops, set_context
from sporax.transforms import value_and_grad

INFOS = list(losses.registry().values())
PARTS = (slice(0, 2), slice(2, 5))
# Two samples of the second part and one of the first are removed.
KEPT = np.array([False, True, True, False, False])

COUNTS = (np.arange(SIZES["C"]) + 1).tolist()
ARGUMENTS = {
    "LDAMLoss": {"cls_num_list": COUNTS},
    "LogitAdjustedLoss": {"priors": (np.array(COUNTS) / sum(COUNTS)).tolist()},
    "ClassBalancedLoss": {"samples_per_cls": COUNTS},
    "AdaptiveLogSoftmaxWithLoss": {
        "in_features": SIZES["D"],
        "n_classes": SIZES["C"],
        "cutoffs": [2, 4],
        "div_value": 1,
    },
} | {
    name: {"num_classes": SIZES["C"], "embedding_size": SIZES["D"]}
    for name in ("ProxyAnchorLoss", "ProxyNCALoss", "ArcFaceLoss", "CosFaceLoss")
}


def is_one_value_for_the_set(info):
    """Whether the loss has a single value for all inputs."""
    return not info.output


def has_interacting_samples(info):
    """Whether the samples of a batch interact, for example as negatives, or are removed by a mask."""
    return info.function.spec.mask_parameter is not None


DECOMPOSABLE = [info for info in INFOS if not is_one_value_for_the_set(info) and not has_interacting_samples(info)]
by_name = {"ids": lambda info: info.name}


def make(info, reduction="mean"):
    arguments = {**info.cell_arguments, **ARGUMENTS.get(info.cell, {})}
    if info.name == "multi_quantile_loss":
        arguments |= settings_of(info)[0]
    if info.random:
        arguments |= settings_of(info)[0]
        arguments["sampled_values"] = tuple(Tensor(each) for each in arguments["sampled_values"])
    if info.reductions:
        arguments["reduction"] = reduction
    return getattr(nn, info.cell)(**arguments)


def take(info, item, array, at):
    """Return the part of an input for the samples at `at`; inputs shared by all samples are unchanged."""
    axes = item.axes(array.ndim) or ()
    if not info.broadcasting and info.output[0] not in axes:
        return array
    axis = 0 if info.broadcasting else axes.index(info.output[0])
    return array[(slice(None),) * axis + (at,)]


def columns(info):
    """Return specs and arrays of the arguments of `construct`, in order; some inputs are Parameters of the Cell."""
    given = dict(zip((item.name for item in info.inputs), inputs_of(info, dtype=np.float64, rest=(5, 2)), strict=True))
    specs = {item.name: item for item in info.inputs}
    accepted = [name for name in inspect.signature(getattr(nn, info.cell).construct).parameters if name != "self"]
    names = [name for name in accepted if name in specs] if set(specs) <= set(accepted) else list(specs)
    if info.cell in ARGUMENTS and "weight" in names:
        names.remove("weight")
    names = [name for name in names if name != "head_weight"]
    return [specs[name] for name in names], [given[name] for name in names]


def tensors(arrays):
    return [Tensor(each) for each in arrays]


@pytest.mark.parametrize("info", DECOMPOSABLE, **by_name)
def test_parts_of_a_batch_divided_once_equal_the_batch_in_value_and_gradient(info):
    specs, arrays = columns(info)
    position = next(i for i, item in enumerate(specs) if item.role == "prediction")
    parts = [[take(info, item, array, at) for item, array in zip(specs, arrays, strict=True)] for at in PARTS]
    loss = make(info)
    masked = None if isinstance(loss, nn.AdaptiveLogSoftmaxWithLoss) else nn.MaskedLoss(loss)

    def value(*inputs):
        found = loss(*inputs)
        return found.loss if isinstance(found, tuple) else found

    @jit
    def everything(whole, first, second, kept):
        results = [value_and_grad(value, position)(*whole)]
        results += [value_and_grad(loss.sum_and_weight, position, has_aux=True)(*part) for part in (first, second)]
        results.append(loss.term_sums(*first)["loss"])
        if masked is None:
            return results, None
        halves = [masked.sum_and_weight(*part, kept[at]) for part, at in zip((first, second), PARTS, strict=True)]
        return results, (masked(*whole, kept), halves)

    results, of_masked = everything(tensors(arrays), *map(tensors, parts), Tensor(KEPT))
    (expected, gradient), *pieces, terms = jax.tree.map(np.asarray, results)
    total, weight = (sum(float(piece[0][i]) for piece in pieces) for i in (0, 1))
    np.testing.assert_allclose(total / weight, expected, rtol=1e-9, atol=1e-12)
    assert weight >= 1
    np.testing.assert_allclose(np.asarray(terms), pieces[0][0], rtol=1e-9, atol=1e-12)
    for at, (_, own) in zip(PARTS, pieces, strict=True):
        wanted = take(info, specs[position], gradient, at)
        np.testing.assert_allclose(own / weight, wanted, rtol=1e-7, atol=1e-10)
    if of_masked is not None:
        expected, halves = jax.tree.map(np.asarray, of_masked)
        total, weight = (sum(float(half[i]) for half in halves) for i in (0, 1))
        np.testing.assert_allclose(total / weight, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("info", [info for info in INFOS if is_one_value_for_the_set(info)], **by_name)
def test_the_loss_of_a_set_is_weighted_by_the_number_of_samples(info):
    _, arrays = columns(info)
    loss = make(info)
    for at in PARTS:
        part = tensors([array[at] for array in arrays])
        total, weight = jit(loss.sum_and_weight)(*part)
        count = at.stop - at.start
        assert float(weight) == count
        np.testing.assert_allclose(float(total), count * float(loss(*part)), rtol=1e-6)


@pytest.mark.parametrize("info", [info for info in INFOS if has_interacting_samples(info)], **by_name)
def test_a_loss_of_interacting_samples_is_weighted_by_its_count(info):
    specs, arrays = columns(info)
    loss = make(info)
    for at in PARTS:
        part = tensors([take(info, item, array, at) for item, array in zip(specs, arrays, strict=True)])
        total, weight = jit(loss.sum_and_weight)(*part)
        assert 0 <= float(weight) <= at.stop - at.start
        value = float(total) / float(weight) if float(weight) else 0.0
        np.testing.assert_allclose(value, float(loss(*part)), rtol=1e-9, atol=1e-12)


def test_the_three_kinds_are_those_of_the_documentation():
    whole = {info.cell for info in INFOS if is_one_value_for_the_set(info)}
    assert {"RMSELoss", "DiceLoss", "LovaszSoftmaxLoss"} <= whole
    batch = {info.cell for info in INFOS if has_interacting_samples(info)}
    assert {"SupConLoss", "BatchHardTripletLoss"} <= batch
    assert len(DECOMPOSABLE) > 90


# --- custom denominators ------------------------------------------------------------------------------------

RNG = np.random.default_rng(2)
X = RNG.normal(size=(24, 4))
CLASSES = RNG.integers(0, 4, 24)
CLASSES[[0, 1, 3]] = -100
Q = np.exp(RNG.normal(size=(24, 4)))
Q /= Q.sum(axis=1, keepdims=True)
LP = X - np.log(np.exp(X).sum(axis=1, keepdims=True))
WEIGHT = Tensor(np.array([0.1, 2.0, 1.0, 0.5]))
SEVENS = [slice(at, at + 7) for at in range(0, 24, 7)]


class TwoMeans(nn.LossBase):
    def construct(self, logits, labels):
        return self.get_loss((logits - labels) ** 2) + 0.5 * self.get_loss(ops.abs(logits - labels))


class OwnMean(nn.LossBase):
    def construct(self, logits, labels):
        return self.get_loss(((logits - labels) ** 2).mean())


class ByWeights(nn.LossBase):
    def construct(self, logits, labels, weights):
        return self.get_loss((logits - labels) ** 2, weights)


class WithAux(nn.LossBase):
    def construct(self, logits, labels):
        values = (logits - labels) ** 2
        return self.get_loss(values), values


CASES = {
    "batchmean": (lambda: nn.KLDivLoss("batchmean"), (LP, Q)),
    "masked batchmean": (lambda: nn.MaskedLoss(nn.KLDivLoss("batchmean")), (LP, Q, CLASSES >= 0)),
    "ignored": (lambda: nn.CrossEntropyLoss(), (X, CLASSES)),
    "class weights": (lambda: nn.CrossEntropyLoss(WEIGHT), (X, CLASSES)),
    "class weights of nll": (lambda: nn.NLLLoss(WEIGHT), (LP, CLASSES)),
    "smoothed": (lambda: nn.LabelSmoothing(nn.CrossEntropyLoss(WEIGHT), 0.2), (X, CLASSES)),
    "smoothed, sparse": (
        lambda: nn.LabelSmoothing(
            nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean"), 0.2, ignore_index=-100
        ),
        (X, CLASSES),
    ),
    "missing labels": (lambda: nn.MaskedLoss(nn.L1Loss(), float("nan")), (X, np.where(Q > 0.2, Q, np.nan))),
    "get_loss with weights": (ByWeights, (X, Q, (Q > 0.2) * 2.0)),
    "two means": (TwoMeans, (X, Q)),
    "its own mean": (OwnMean, (X, Q)),
    "beside other outputs": (WithAux, (X, Q)),
    "focal": (lambda: nn.FocalLoss(gamma=2.0), (X, np.abs(CLASSES) % 4)),
    "per-image dice": (lambda: nn.TverskyLoss(axis=1), (1 / (1 + np.exp(-X)), (Q > 0.2) * 1.0)),
}


@pytest.mark.parametrize("name", CASES)
def test_uneven_batches_of_seven_equal_one_batch(name):
    make_loss, arrays = CASES[name]
    loss = make_loss()
    expected = loss(*tensors(arrays))
    expected = float(expected[0] if isinstance(expected, tuple) else expected)
    compiled = jit(loss.sum_and_weight)
    pairs = [compiled(*tensors([array[at] for array in arrays])) for at in SEVENS]
    total, weight = (sum(float(pair[i]) for pair in pairs) for i in (0, 1))
    np.testing.assert_allclose(total / weight, expected, rtol=1e-9)


COMPOSED = {
    "WeightedSumLoss": lambda: nn.WeightedSumLoss(
        {"ce": (nn.CrossEntropyLoss(WEIGHT), 2.0), "z": (nn.ZLoss(), 0.5, 0), "own": lambda p, y: (p * p).mean()}
    ),
    "UncertaintyWeightedLoss": lambda: nn.UncertaintyWeightedLoss(
        {"ce": nn.CrossEntropyLoss(), "z": (nn.ZLoss(), 0.5, 0)}, {"ce": "classification"}, {"z": 0.3}
    ),
    "DeepSupervisionLoss": lambda: nn.DeepSupervisionLoss(nn.CrossEntropyLoss(WEIGHT), [1.0, 0.4]),
    "OutputLosses": lambda: nn.OutputLosses({"a": nn.CrossEntropyLoss(), "b": (nn.CrossEntropyLoss(WEIGHT), 0.3)}),
    "batchmean": lambda: nn.WeightedSumLoss({"kl": (nn.KLDivLoss("batchmean"), 3.0)}),
}


@pytest.mark.parametrize("name", COMPOSED)
def test_each_term_is_divided_by_its_own_denominator(name):
    loss = COMPOSED[name]()

    def inputs(at):
        x, y = Tensor(X[at]), Tensor(CLASSES[at])
        if name == "batchmean":
            return Tensor(LP[at]), Tensor(Q[at])
        if name == "DeepSupervisionLoss":
            return (x, x * 0.5), y
        return ({"a": x, "b": x * 0.5}, {"a": y, "b": y}) if name == "OutputLosses" else (x, y)

    expected = {key: float(term) for key, term in loss(*inputs(slice(None))).items()}
    sums = [loss.term_sums(*inputs(at)) for at in SEVENS]
    found = {key: sum(float(s[key][0]) for s in sums) / sum(float(s[key][1]) for s in sums) for key in expected}
    assert found == {key: pytest.approx(value, rel=1e-6) for key, value in expected.items()}
    assert set(sums[0]) == set(expected)


def test_an_evaluation_of_a_sum_divides_by_the_number_of_batches():
    loss = nn.MSELoss("sum")
    pairs = [loss.sum_and_weight(Tensor(X[at]), Tensor(Q[at])) for at in SEVENS]
    assert sum(float(total) for total, _ in pairs) == pytest.approx(((X - Q) ** 2).sum())
    assert sum(float(weight) for _, weight in pairs) == X.size
    terms = [loss.term_sums(Tensor(X[at]), Tensor(Q[at]))["loss"] for at in SEVENS]
    assert sum(float(weight) for _, weight in terms) == len(SEVENS)


@pytest.mark.parametrize("loss", [nn.CrossEntropyLoss(WEIGHT), nn.MaskedLoss(nn.CrossEntropyLoss(), -100)])
def test_graph_mode_gives_the_same_pair_at_every_call(loss):
    expected = [float(each) for each in loss.sum_and_weight(Tensor(X), Tensor(CLASSES))]
    set_context(mode=GRAPH_MODE)
    loss(Tensor(X), Tensor(CLASSES))
    for _ in range(2):
        np.testing.assert_allclose([float(e) for e in loss.sum_and_weight(Tensor(X), Tensor(CLASSES))], expected)


def test_samples_are_counted_along_the_axis_that_most_inputs_share():
    class Sequences(nn.LossBase):
        def construct(self, frames, targets, lengths):
            return frames.mean() + 0 * targets.mean() + 0 * lengths.mean()

    frames = Tensor(np.ones((7, 3, 2), np.float32))
    total, weight = Sequences().sum_and_weight(frames, Tensor(np.ones((3, 4))), Tensor(np.ones(3)))
    assert (float(total), float(weight)) == (3.0, 3.0)
    total, weight = OwnMean().sum_and_weight(logits=Tensor(X), labels=Tensor(Q))
    assert float(weight) == 24
