"""Model.eval and fit: one division over uneven batches for every kind of loss, and metrics that do not fit."""

import re

import jax.numpy as jnp
import numpy as np
import optax
import pytest

import sporax
from sporax import Model, Tensor, losses, nn, ops
from sporax import dataset as ds
from sporax._errors import ArgumentTypeError, DatasetError, ShapeError, TrainError
from sporax.train import MAE, Accuracy, ConfusionMatrix, Metric
from sporax.train.callback import Callback, History, LossMonitor, ProgressBar

RNG = np.random.default_rng(5)
X = RNG.uniform(-1, 1, (24, 3)).astype(np.float32)
Y = RNG.uniform(-1, 1, (24, 3)).astype(np.float32)
CLASSES = RNG.integers(0, 3, 24).astype(np.int32)
# Most ignored labels are in the first batch of 7.
CLASSES[[0, 1, 2, 4, 8]] = -1
both_modes = pytest.mark.parametrize("sink", [False, True], ids=["plain", "sink"])


def data(*arrays, batch=7, names=None):
    return ds.NumpySlicesDataset(arrays, names or ["x", "y", "w"][: len(arrays)], shuffle=False).batch(batch)


class Pass(nn.Cell):
    def construct(self, x):
        return x


def in_uneven_batches_and_in_one(loss, *arrays, network=None):
    model = Model(network or Pass(), loss, metrics={"loss"})
    return [model.eval(data(*arrays, batch=batch)) for batch in (7, 24)]


def log_softmax(x):
    x = x.astype(np.float64)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


# --- one division --------------------------------------------------------------------------------------------------


def divergence():
    q, lp = np.exp(log_softmax(Y)), log_softmax(X)
    return lp.astype(np.float32), q.astype(np.float32), (q * (np.log(q) - lp)).sum() / 24


def test_batchmean_over_uneven_batches_equals_that_of_one_batch():
    lp, q, expected = divergence()
    for result in in_uneven_batches_and_in_one(nn.KLDivLoss("batchmean"), lp, q):
        assert result == {"loss": pytest.approx(expected, rel=1e-5)}


def test_batchmean_with_a_mask_divides_by_the_number_of_remaining_samples():
    lp, q, _ = divergence()
    kept = np.array([0, 0, 0, 0, 0, 0, 1] + [1, 0] * 8 + [1], np.float32)
    rows = (q * (np.log(q) - lp)).sum(axis=1)
    for result in in_uneven_batches_and_in_one(nn.MaskedLoss(nn.KLDivLoss("batchmean")), lp, q, kept):
        assert result["loss"] == pytest.approx((rows * kept).sum() / kept.sum(), rel=1e-5)


WEIGHTS = np.float32([0.1, 3.0, 1.0])


@pytest.mark.parametrize("kind", ["class weights", "smoothed", "ignored"])
def test_the_denominator_of_cross_entropy_over_uneven_batches(kind):
    kept = CLASSES >= 0
    lp, at = log_softmax(X), np.where(kept, CLASSES, 0)
    weights = WEIGHTS[at] * kept if kind == "class weights" else kept
    own = -lp[np.arange(24), at]
    loss = nn.CrossEntropyLoss(Tensor(WEIGHTS) if kind == "class weights" else None, ignore_index=-1)
    if kind == "smoothed":
        loss = nn.LabelSmoothing(nn.CrossEntropyLoss(ignore_index=-1), 0.3)
        own = 0.7 * own - 0.1 * lp.sum(axis=1)
    for result in in_uneven_batches_and_in_one(loss, X, CLASSES):
        assert result["loss"] == pytest.approx((weights * own).sum() / weights.sum(), rel=1e-5)


@pytest.mark.parametrize(
    "loss",
    [
        lambda p, y: ((p - y) ** 2).mean(),
        lambda p, y: jnp.mean((p - y) ** 2),
        lambda p, y: losses.evaluate(losses.mse_loss, p, y),
        lambda p, y: 2 * optax.l2_loss(p, y).mean(),
        lambda p, y: (((p - y) ** 2).mean(), p),
    ],
    ids=["Tensors", "jax.numpy", "sporax.losses", "optax", "tuple"],
)
def test_a_function_that_returns_a_mean_is_weighted_by_samples(loss):
    expected = np.mean((X.astype(np.float64) - Y) ** 2)
    for result in in_uneven_batches_and_in_one(loss, X, Y):
        assert result == {"loss": pytest.approx(expected, rel=1e-5)}


class CustomMean(nn.LossBase):
    """A mean in `construct`, as in many custom losses."""

    def construct(self, logits, labels):
        return self.get_loss(ops.mean((logits - labels) ** 2))


class NoLossBase(nn.Cell):
    def construct(self, logits, labels):
        return ops.mean((logits - labels) ** 2)


class Terms(nn.LossBase):
    def construct(self, logits, labels):
        return {"mse": self.get_loss((logits - labels) ** 2), "l1": 0.5 * self.get_loss(ops.abs(logits - labels))}


@pytest.mark.parametrize("make", [CustomMean, NoLossBase, lambda: nn.MSELoss("none"), lambda: nn.RMSELoss()])
def test_a_mean_computed_by_a_cell_is_weighted_by_samples(make):
    squared = np.mean((X.astype(np.float64) - Y) ** 2, axis=1)
    uneven, whole = in_uneven_batches_and_in_one(make(), X, Y)
    if isinstance(make(), nn.RMSELoss):
        # Not a mean over samples: the values of batches are averaged, weighted by their samples.
        parts = np.split(squared, [7, 14, 21])
        assert uneven["loss"] == pytest.approx(sum(len(each) * each.mean() ** 0.5 for each in parts) / 24, rel=1e-5)
        assert whole["loss"] == pytest.approx(squared.mean() ** 0.5, rel=1e-5)
    else:
        assert uneven["loss"] == pytest.approx(squared.mean(), rel=1e-5)
        assert whole["loss"] == pytest.approx(squared.mean(), rel=1e-5)


@pytest.mark.parametrize(
    "loss",
    [
        Terms(),
        lambda p, y: {"mse": ((p - y) ** 2).mean(), "l1": 0.5 * jnp.mean(jnp.abs(jnp.asarray(p - y)))},
        nn.WeightedSumLoss({"mse": nn.MSELoss(), "l1": (lambda p, y: ops.abs(p - y).mean(), 0.5)}),
    ],
    ids=["get_loss", "function", "WeightedSumLoss"],
)
def test_each_term_of_a_dict_is_divided_once(loss):
    error = X.astype(np.float64) - Y
    mse, l1 = np.mean(error**2), 0.5 * np.mean(np.abs(error))
    for result in in_uneven_batches_and_in_one(loss, X, Y):
        assert result == {
            "loss": pytest.approx(mse + l1, rel=1e-5),
            "loss.mse": pytest.approx(mse, rel=1e-5),
            "loss.l1": pytest.approx(l1, rel=1e-5),
        }


def test_a_sum_is_the_mean_of_the_batches_sums_as_in_mindspore():
    error = np.abs(X.astype(np.float64) - Y).sum(axis=1)
    uneven, whole = in_uneven_batches_and_in_one(nn.L1Loss("sum"), X, Y)
    assert uneven["loss"] == pytest.approx(error.sum() / 4, rel=1e-5)
    assert whole["loss"] == pytest.approx(error.sum(), rel=1e-5)


def test_the_loss_of_an_eval_network_is_weighted_by_samples():
    for batch in (7, 24):
        model = Model(
            Pass(), eval_network=nn.WithEvalCell(Pass(), nn.MSELoss()), eval_indexes=[0, 1, 2], metrics={"loss", "mae"}
        )
        result = model.eval(data(X, Y, batch=batch))
        assert result["loss"] == pytest.approx(np.mean((X.astype(np.float64) - Y) ** 2), rel=1e-5)
        assert result["mae"] == pytest.approx(np.abs(X.astype(np.float64) - Y).sum() / 24, rel=1e-5)


# --- losses that return JAX arrays -------------------------------------------------------------------------------


ARRAY_LOSSES = {
    "Tensors": lambda p, y: ((p - y) ** 2).mean(),
    "sporax.losses": lambda p, y: losses.evaluate(losses.mse_loss, p, y),
    "optax": lambda p, y: 2 * optax.l2_loss(p, y).mean(),
    "arrays alone": lambda p, y: optax.huber_loss(p, y, delta=4.0).mean() * 2,
    "tuple": lambda p, y: (jnp.mean((p - y) ** 2), jnp.zeros(3)),
    "terms": lambda p, y: {"a": jnp.mean((p - y) ** 2) / 2, "b": optax.l2_loss(p, y).mean()},
}


@both_modes
def test_a_loss_that_returns_jax_arrays_trains_like_one_of_tensors(sink):
    weights = {}
    for name, loss in ARRAY_LOSSES.items():
        net = nn.Dense(3, 3, weight_init="zeros", bias_init="zeros")
        model = Model(net, loss, nn.SGD(net.trainable_params(), 0.1), metrics={"loss", "mae"})
        model.fit(1, data(X, Y, batch=8), data(X, Y), dataset_sink_mode=sink)
        weights[name] = net.weight.asnumpy()
        assert np.isfinite(model.eval(data(X, Y))["loss"])
    assert np.abs(weights["Tensors"]).max() > 1e-3
    for name, found in weights.items():
        np.testing.assert_allclose(found, weights["Tensors"], rtol=1e-4, atol=1e-6, err_msg=name)


class CustomLoss(nn.Cell):
    def __init__(self):
        super().__init__()
        self.fc = nn.Dense(3, 3, weight_init="zeros", bias_init="zeros")

    def construct(self, x, y):
        return jnp.mean((self.fc(x) - y) ** 2)


class JaxOutput(nn.Cell):
    def __init__(self):
        super().__init__()
        self.fc = nn.Dense(3, 3, weight_init="zeros", bias_init="zeros")

    def construct(self, x):
        return jnp.asarray(self.fc(x))


@both_modes
def test_a_network_may_return_jax_arrays_too(sink):
    own, other = CustomLoss(), JaxOutput()
    Model(own, optimizer=nn.SGD(own.trainable_params(), 0.1)).train(1, data(X, Y, batch=8), dataset_sink_mode=sink)
    model = Model(other, nn.MSELoss(), nn.SGD(other.trainable_params(), 0.1), metrics={"mse"})
    model.fit(1, data(X, Y, batch=8), data(X, Y), dataset_sink_mode=sink)
    np.testing.assert_allclose(own.fc.weight.asnumpy(), other.fc.weight.asnumpy(), rtol=1e-5)
    assert np.abs(own.fc.weight.asnumpy()).max() > 1e-3


WRAPPED = {
    "a Cell with its loss": lambda loss: loss,
    "masked": lambda loss: nn.MaskedLoss(lambda p, y: optax.huber_loss(p, y, delta=4.0) * 2, float("nan")),
    "a sum": lambda loss: nn.WeightedSumLoss({"a": (loss, 0.5), "b": (ARRAY_LOSSES["optax"], 0.5)}),
    "supervision": lambda loss: nn.DeepSupervisionLoss(loss),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_a_loss_of_arrays_is_accepted_everywhere(name):
    loss = WRAPPED[name](ARRAY_LOSSES["arrays alone"])
    results = []
    for each in (loss, nn.MSELoss()):
        net = nn.Dense(3, 3, weight_init="ones", bias_init="zeros")
        if name == "a Cell with its loss":
            step = nn.TrainOneStepCell(nn.WithLossCell(net, each), nn.SGD(net.trainable_params(), 0.1))
            first = step(Tensor(X), Tensor(Y))
            assert isinstance(first, Tensor)
            assert isinstance(nn.WithEvalCell(net, each)(Tensor(X), Tensor(Y))[0], Tensor)
        else:
            model = Model(net, each, nn.SGD(net.trainable_params(), 0.1), metrics={"loss"})
            first = model.eval(data(X, Y))["loss"]
            model.train(1, data(X, Y, batch=24))
        results.append((float(first), net.weight.asnumpy()))
    assert results[0][0] == pytest.approx(results[1][0], rel=1e-5)
    np.testing.assert_allclose(results[0][1], results[1][1], rtol=1e-5, atol=1e-6)


@both_modes
def test_the_loss_of_a_named_tuple_is_its_field_loss(sink):
    net = nn.Dense(3, 4)
    loss = nn.AdaptiveLogSoftmaxWithLoss(4, 3, [1], 1.0)
    labels = np.abs(CLASSES)
    before = loss.head.weight.asnumpy()
    model = Model(net, loss, nn.SGD([*net.trainable_params(), *loss.trainable_params()], 0.1), metrics={"loss"})
    uneven, whole = (model.eval(data(X, labels, batch=batch))["loss"] for batch in (7, 24))
    assert uneven == pytest.approx(whole, rel=1e-5)
    model.train(1, data(X, labels), dataset_sink_mode=sink)
    assert np.abs(loss.head.weight.asnumpy() - before).max() > 1e-3
    assert model.eval(data(X, labels))["loss"] < whole


def test_a_loss_that_returns_numpy_is_rejected_because_it_has_no_gradient():
    net = nn.Dense(3, 3)
    model = Model(net, lambda p, y: np.float32(1.0), nn.SGD(net.trainable_params(), 0.1), metrics={"loss"})
    for call in (lambda: model.train(1, data(X, Y)), lambda: model.eval(data(X, Y))):
        with pytest.raises(TrainError, match=r"<lambda> returned a NumPy array, .*NumPy is not differentiable"):
            call()


# --- outputs that a metric cannot accept -------------------------------------------------------------------------


class Several(nn.Cell):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.fc = nn.Dense(3, 3)

    def construct(self, x):
        first, second = self.fc(x), x
        return {"dict": {"z": first, "a": second}, "tuple": (first, second), "list": [first, second]}[self.kind]


def first_of(outputs, label):
    first = outputs["z"] if isinstance(outputs, dict) else outputs[0]
    return ((first - label) ** 2).mean()


class Steps(Callback):
    def __init__(self):
        self.count = 0

    def on_train_step_begin(self, run_context):
        self.count += 1

    def on_eval_step_end(self, run_context):
        self.count += 1


@both_modes
@pytest.mark.parametrize("kind", ["dict", "tuple", "list"])
def test_several_outputs_with_a_metric_are_rejected_before_the_first_step(kind, sink):
    net, steps = Several(kind), Steps()
    model = Model(net, first_of, nn.SGD(net.trainable_params(), 0.1), metrics={"mae"})
    names = "z, a, y" if kind == "dict" else "output_0, output_1, y"
    message = (
        rf"returns a {kind} of outputs, so the inputs of the metric 'mae' .*"
        rf"set_indexes\(\[output, label\]\).*{names}.*eval_network"
    )
    with pytest.raises(TrainError, match=message):
        model.fit(3, data(X, Y), data(X, Y), callbacks=steps, dataset_sink_mode=sink)
    with pytest.raises(TrainError, match=message):
        model.eval(data(X, Y), callbacks=steps)
    assert steps.count == 0
    assert not net.training


@pytest.mark.parametrize("kind", ["dict", "tuple", "list"])
def test_the_advice_of_the_message_works(kind):
    net = Several(kind)
    expected = np.abs(X.astype(np.float64) - Y).sum() / 24
    chosen = Model(net, first_of, nn.SGD(net.trainable_params(), 0.1), metrics={"mae": MAE().set_indexes([1, 2])})
    chosen.fit(1, data(X, Y), data(X, Y))
    assert chosen.eval(data(X, Y))["mae"] == pytest.approx(expected, rel=1e-5)

    class Second(nn.Cell):
        def __init__(self):
            super().__init__()
            self.net = net

        def construct(self, x, y):
            outputs = self.net(x)
            return (outputs["a"] if kind == "dict" else outputs[1]), y

    model = Model(net, first_of, nn.SGD(net.trainable_params(), 0.1), metrics={"mae"}, eval_network=Second())
    model.fit(1, data(X, Y), data(X, Y))
    assert model.eval(data(X, Y))["mae"] == pytest.approx(expected, rel=1e-5)


def test_an_index_beyond_the_outputs_is_rejected_before_the_first_step():
    net, steps = Several("tuple"), Steps()
    for indexes, wrong in (([0, 3], 3), ([-4, 0], -4)):
        metrics = {"mae": MAE().set_indexes(indexes)}
        model = Model(net, first_of, nn.SGD(net.trainable_params(), 0.1), metrics=metrics)
        with pytest.raises(
            TrainError, match=rf"selected \[.*\], but {wrong} is out of range for 3 values\. .*output_0"
        ):
            model.fit(1, data(X, Y), data(X, Y), callbacks=steps)
    assert steps.count == 0


class Norms(Metric):
    """A custom metric that accepts a tuple."""

    def clear(self):
        self.values = []

    def update(self, *inputs):
        outputs, label = inputs
        self.values.append(sum(float(np.abs(self._convert_data(each)).sum()) for each in (*outputs, label)))

    def eval(self):
        return sum(self.values)


def test_a_custom_metric_may_accept_a_tuple():
    result = Model(Several("tuple"), first_of, metrics={"norms": Norms()}).eval(data(X, Y))
    assert result["norms"] > 0

    class Wrong(Norms):
        def update(self, *inputs):
            self._convert_data(inputs[0])

    with pytest.raises(ArgumentTypeError, match="Wrong: the input is a tuple of 2 outputs.*set_indexes"):
        Model(Several("tuple"), first_of, metrics={"wrong": Wrong()}).eval(data(X, Y))


@pytest.mark.parametrize(
    ("returned", "indexes", "message"),
    [
        (lambda x, y: (x.sum(), x, y), None, r"takes a prediction and a label, but eval_network returns 3 output"),
        (
            lambda x, y: x,
            None,
            r"but eval_network returns 1 output\(s\)\. Select them: .*eval_indexes=",
        ),
        (lambda x, y: (x, y), [0, 1, 2], r"eval_network returns 2 output\(s\), so there is no output 2"),
        (lambda x, y: {"x": x, "y": y}, None, r"returns a dict of outputs, .*counted from 0 in x, y"),
        (
            lambda x, y: {"x": x, "y": y},
            [0, 1, 2],
            r"returns a dict of x, y, so eval_indexes \[0, 1, 2\] cannot be used",
        ),
        (lambda x, y: ((x, x), y), None, r"would get output_0, which is a tuple, but it takes Tensors"),
    ],
)
def test_an_incompatible_eval_network_is_rejected_before_the_first_step(returned, indexes, message):
    class Eval(nn.Cell):
        def construct(self, x, y):
            return returned(x, y)

    net, steps = nn.Dense(3, 3), Steps()
    optimizer = nn.SGD(net.trainable_params(), 0.1)
    model = Model(net, nn.MSELoss(), optimizer, metrics={"mae"}, eval_network=Eval(), eval_indexes=indexes)
    with pytest.raises(TrainError, match=message):
        model.fit(1, data(X, Y), data(X, Y), callbacks=steps)
    assert steps.count == 0


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        ("acc", r"Accuracy\.update: the prediction of shape \(7, 1\)"),
        ("F1", r"F1\.update: the prediction of shape \(7, 1\)"),
        ("top_5_accuracy", r"Top5CategoricalAccuracy\.update: the prediction of shape \(7, 1\)"),
    ],
)
def test_shapes_that_a_metric_cannot_evaluate_are_rejected_before_the_first_step(metric, message):
    net, steps = nn.Dense(3, 1), Steps()
    model = Model(net, nn.BCEWithLogitsLoss(), nn.SGD(net.trainable_params(), 0.1), metrics={metric})
    labels = np.ones((24, 1), np.float32)
    with pytest.raises(ShapeError, match=message):
        model.fit(1, data(X, labels), data(X, labels), callbacks=steps)
    assert steps.count == 0


@pytest.mark.parametrize("kind", ["dict", "tuple", "list"])
def test_a_built_in_loss_with_several_outputs_suggests_how_to_select_one(kind):
    net = Several(kind)
    for loss in (nn.MSELoss(), ops.mse_loss):
        model = Model(net, loss, nn.SGD(net.trainable_params(), 0.1), metrics={"loss"})
        for call in (lambda model=model: model.train(1, data(X, Y)), lambda model=model: model.eval(data(X, Y))):
            with pytest.raises(TrainError, match=rf"returns a {kind} of 2 outputs, but the loss \w+ takes one Tensor"):
                call()
    result = Model(net, nn.DeepSupervisionLoss(nn.MSELoss()), metrics={"loss"}).eval(data(X, Y))
    assert len(result) == 3


def test_the_metric_loss_without_a_loss_is_rejected_before_the_first_step():
    net, steps = nn.Dense(3, 3), Steps()
    model = Model(net, nn.MSELoss(), nn.SGD(net.trainable_params(), 0.1), {"loss"}, eval_network=Pair(net))
    with pytest.raises(TrainError, match="the metric Loss needs a loss"):
        model.fit(1, data(X, Y), data(X, Y), callbacks=steps)
    assert steps.count == 0


class Pair(nn.Cell):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def construct(self, x, y):
        return self.net(x), y


def test_the_check_before_the_first_step_traces_the_evaluation_once_and_draws_nothing():
    class Counted(nn.Cell):
        def __init__(self):
            super().__init__()
            self.fc = nn.Dense(3, 3, weight_init="zeros", bias_init="zeros")
            self.traces = []

        def construct(self, x):
            self.traces.append((x.shape, self.training))
            return self.fc(x)

    net = Counted()
    traces = net.traces
    model = Model(net, nn.MSELoss(), nn.SGD(net.trainable_params(), 0.1), metrics={"mae"})
    model.fit(2, data(X, Y, batch=8), data(X, Y, batch=12))
    assert sorted(traces) == [((8, 3), True), ((12, 3), False)]


def test_outputs_in_eager_mode_are_checked_too():
    sporax.set_context(mode=sporax.PYNATIVE_MODE)
    with pytest.raises(TrainError, match="returns a tuple of outputs"):
        Model(Several("tuple"), first_of, metrics={"mae"}).eval(data(X, Y))
    assert Model(Pass(), nn.MSELoss(), metrics={"loss"}).eval(data(X, Y))["loss"] == pytest.approx(
        np.mean((X.astype(np.float64) - Y) ** 2), rel=1e-5
    )


# --- more columns than a loss accepts, and results that are arrays --------------------------------------------------


@pytest.mark.parametrize("loss", [nn.MSELoss(), ops.mse_loss, losses.mse_loss], ids=["Cell", "ops", "losses"])
def test_a_built_in_loss_with_an_additional_column_names_the_columns_and_its_arguments(loss):
    net = nn.Dense(3, 3)
    model = Model(net, loss, nn.SGD(net.trainable_params(), 0.1), metrics={"loss"})
    weights = np.ones((24, 3), np.float32)
    message = (
        r"has 3 column\(s\), 'x', 'y', 'w', .* the loss \w+\(\w+, \w+.*\) cannot take "
        r".* 2 remaining, 'y', 'w'\. .*project"
    )
    for call in (lambda: model.train(1, data(X, Y, weights)), lambda: model.eval(data(X, Y, weights))):
        with pytest.raises(DatasetError, match=message):
            call()


def test_the_error_of_a_custom_loss_that_receives_a_dict_mentions_it():
    net = nn.Dense(3, 3)
    model = Model(net, lambda p, y: ((p - y) ** 2).mean(), nn.SGD(net.trainable_params(), 0.1))
    with pytest.raises((TypeError, ValueError)) as caught:
        model.train(1, data(X, Y, Y))
    assert any("it got a dict of 'y', 'w'" in note for note in caught.value.__notes__)


def test_a_matrix_metric_is_printed_by_its_shape(capsys):
    net, history = nn.Dense(3, 12), History()
    metrics = {"acc": Accuracy(), "matrix": ConfusionMatrix(12)}
    model = Model(net, nn.CrossEntropyLoss(), nn.SGD(net.trainable_params(), 0.1), metrics=metrics)
    labels = RNG.integers(0, 12, 24).astype(np.int32)
    model.fit(1, data(X, labels), data(X, labels), callbacks=[LossMonitor(100), ProgressBar(), history])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert any(
        re.search(r"^Eval result: epoch 1, metrics: \{'acc': 0\.\d+, 'matrix': array\(shape=\(12, 12\)\)\}$", x)
        for x in lines
    )
    assert any(
        re.search(r"^epoch 1/1: 4 steps, .*, validation acc 0\.\d+, matrix array\(shape=\(12, 12\)\)$", x)
        for x in lines
    )
    assert history.history["matrix"][0].shape == (12, 12)
