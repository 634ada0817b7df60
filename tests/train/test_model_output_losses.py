"""Composed losses in Model: trained, evaluated, reported and saved, with and without sink."""

import numpy as np
import optax
import pytest

from sporax import Model, Tensor, nn
from sporax import dataset as ds
from sporax._errors import ArgumentError, DatasetError, LabelError, TrainError
from sporax.train import load_checkpoint
from sporax.train.callback import Callback, CheckpointConfig, LossMonitor, ModelCheckpoint
from sporax.train.metrics import MAE, Loss

RNG = np.random.default_rng(4)
X = RNG.normal(size=(10, 3)).astype(np.float32)
SIZE = RNG.normal(size=(10, 1)).astype(np.float32)
KIND = RNG.integers(0, 2, 10).astype(np.int32)
RATE = 0.1


class Net(nn.Cell):
    def __init__(self):
        super().__init__()
        self.size = nn.Dense(3, 1, weight_init="zeros", bias_init="zeros")
        self.kind = nn.Dense(3, 2, weight_init="zeros", bias_init="zeros")

    def construct(self, x):
        return {"size": self.size(x), "kind": self.kind(x), "features": x}


def by_hand(steps, factor=0.5):
    """Mean squared error, and cross entropy times `factor`, with gradient descent, in float64."""
    ws, bs, wk, bk = np.zeros((1, 3)), np.zeros(1), np.zeros((2, 3)), np.zeros(2)
    found = []
    for at in steps:
        x, y, onehot = X[at].astype(float), SIZE[at].astype(float), np.eye(2)[KIND[at]]
        error = x @ ws.T + bs - y
        scores = x @ wk.T + bk
        p = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
        found.append((np.mean(error**2), -factor * np.mean(np.log((p * onehot).sum(-1)))))
        of_error, of_scores = 2 * error / len(x), factor * (p - onehot) / len(x)
        ws, bs = ws - RATE * of_error.T @ x, bs - RATE * of_error.sum(0)
        wk, bk = wk - RATE * of_scores.T @ x, bk - RATE * of_scores.sum(0)
    return np.array(found)


EPOCHS = [slice(0, 4), slice(4, 8), slice(8, 10)] * 2


class Keep(Callback):
    def __init__(self):
        self.losses, self.terms = [], []

    def on_train_step_end(self, run_context):
        args = run_context.original_args()
        self.losses.append(float(args.net_outputs.asnumpy()))
        self.terms.append({name: float(np.asarray(each)) for name, each in args.loss_terms.items()})


def data(names=("x", "size", "kind"), columns=(X, SIZE, KIND), batch=4):
    return ds.NumpySlicesDataset(columns, list(names), shuffle=False).batch(batch)


def losses():
    return {"size": nn.MSELoss(), "kind": (nn.CrossEntropyLoss(), 0.5), "features": None}


def model_of(net, loss, **options):
    return Model(net, loss, nn.SGD(net.trainable_params(), RATE), **options)


@pytest.mark.parametrize("sink", [False, True])
@pytest.mark.parametrize(
    ("names", "order"),
    [(("x", "size", "kind"), (0, 1, 2)), (("x", "kind", "size"), (0, 2, 1)), (("x", "label_1", "label_2"), (0, 1, 2))],
    ids=["by name", "by name in another order", "by order"],
)
def test_a_dict_of_losses_trains_every_output_and_reports_its_terms(names, order, sink):
    net, keep = Net(), Keep()
    columns = tuple((X, SIZE, KIND)[position] for position in order)
    model_of(net, losses()).train(2, data(names, columns), callbacks=keep, dataset_sink_mode=sink)
    expected = by_hand(EPOCHS)
    np.testing.assert_allclose(keep.losses, expected.sum(1), rtol=1e-4)
    np.testing.assert_allclose([[each["size"], each["kind"]] for each in keep.terms], expected, rtol=1e-4)


def test_the_monitor_prints_the_total_and_the_terms(capsys):
    texts = []
    for sink in (False, True):
        model_of(Net(), losses()).train(1, data(), callbacks=LossMonitor(), dataset_sink_mode=sink)
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]
    first = texts[0].splitlines()[0]
    total = float(first.split("loss is ")[1].split(",")[0])
    assert total == pytest.approx(by_hand(EPOCHS)[0].sum(), rel=1e-5)
    assert "terms: {" in first
    assert "size: " in first


def test_the_same_cell_works_in_with_loss_cell_and_train_one_step_cell():
    net, keep = Net(), Keep()
    together = nn.WithLossCell(net, nn.OutputLosses(losses()))
    step = nn.TrainOneStepCell(together, nn.SGD(net.trainable_params(), RATE))
    expected = by_hand(EPOCHS)
    for at, terms in zip(EPOCHS, expected, strict=True):
        found = step(Tensor(X[at]), Tensor(SIZE[at]), Tensor(KIND[at]))
        assert [float(found[name].asnumpy()) for name in ("size", "kind")] == pytest.approx(list(terms), rel=1e-4)
    net = Net()
    Model(nn.WithLossCell(net, nn.OutputLosses(losses())), optimizer=nn.SGD(net.trainable_params(), RATE)).train(
        2, data(), callbacks=keep
    )
    np.testing.assert_allclose(keep.losses, expected.sum(1), rtol=1e-4)


def test_eval_divides_each_term_once_over_uneven_batches_and_masks():
    kinds = KIND.copy()
    kinds[[0, 1, 2, 8]] = -100
    loss = {"size": nn.MSELoss(), "kind": (nn.CrossEntropyLoss(), 0.5), "features": None}
    net = Net()
    net.kind.weight.set_data(Tensor(RNG.normal(size=(2, 3)).astype(np.float32)))
    mae = MAE().set_indexes([0, 3])
    model = model_of(net, loss, metrics={"loss": Loss(), "mae": mae})
    result = model.eval(data(columns=(X, SIZE, kinds)))
    scores = X @ net.kind.weight.asnumpy().T
    log_p = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
    kept = kinds >= 0
    cross = -0.5 * log_p[np.arange(10), kinds.clip(0)][kept].mean()
    assert result["loss.size"] == pytest.approx(np.mean(SIZE**2), rel=1e-5)
    assert result["loss.kind"] == pytest.approx(cross, rel=1e-5)
    assert result["loss"] == pytest.approx(cross + np.mean(SIZE**2), rel=1e-5)
    assert result["mae"] == pytest.approx(np.abs(SIZE).mean(), rel=1e-5)


def test_a_metric_must_specify_its_output():
    with pytest.raises(TrainError, match=r"metric 'mae'.*set_indexes.*size, kind, features, size, kind"):
        model_of(Net(), losses(), metrics={"mae"}).eval(data())


def test_mismatches_are_named():
    one = nn.MSELoss()
    with pytest.raises(ArgumentError, match=r"output 'features' of the network has no loss.*\{'features': None\}"):
        model_of(Net(), {"size": one, "kind": nn.CrossEntropyLoss()}).train(1, data())
    colored = data(("x", "size", "kind", "color"), (X, SIZE, KIND, SIZE))
    with pytest.raises(ArgumentError, match=r"loss for 'color'.*no such output. It returned 'size', 'kind'"):
        model_of(Net(), {**losses(), "color": one}).train(1, colored)
    with pytest.raises(DatasetError, match=r"loss of 'kind' has no label column.*dataset are 'size', 'sort'"):
        model_of(Net(), losses()).train(1, data(("x", "size", "sort")))
    with pytest.raises(DatasetError, match=r"no label column has the name of an output.*are 'label'.*'size', 'kind'"):
        model_of(Net(), losses()).train(1, data(("x", "label"), (X, SIZE)))
    with pytest.raises(DatasetError, match=r"label column 'more' belongs to no output.*project"):
        model_of(Net(), losses()).train(1, data(("x", "size", "kind", "more"), (X, SIZE, KIND, KIND)))


@pytest.mark.parametrize("names", [("x", "size", "kind"), ("x", "label_1", "label_2")])
def test_labels_are_checked_on_the_host(names):
    kinds = KIND.copy()
    kinds[5] = 2
    with pytest.raises(LabelError, match=r"\[0, 2\), but got 2 at index \(1,\)"):
        model_of(Net(), losses()).train(1, data(names, (X, SIZE, kinds)))


# --- the other composed losses --------------------------------------------------------------------------------


@pytest.mark.parametrize("library", ["nn", "optax"])
@pytest.mark.parametrize("sink", [False, True])
def test_learned_log_variances_are_trained_saved_and_restored(tmp_path, library, sink):
    net = Net()
    loss = nn.UncertaintyWeightedLoss(nn.OutputLosses(losses()), {"kind": "classification"})
    optimizer = optax.sgd(RATE)
    if library == "nn":
        optimizer = nn.SGD([*net.trainable_params(), *loss.trainable_params()], RATE)
    keep = Keep()
    saver = ModelCheckpoint("run", str(tmp_path), CheckpointConfig(save_checkpoint_steps=3))
    Model(net, loss, optimizer).train(1, data(), callbacks=[keep, saver], dataset_sink_mode=sink)
    mse, cross = by_hand(EPOCHS)[0]
    assert keep.terms[0] == pytest.approx({"size": mse / 2, "kind": cross, "uncertainty": 0.0}, rel=1e-4)
    # One step of gradient descent from 0, and the resulting loss.
    assert keep.terms[1]["uncertainty"] == pytest.approx(-RATE / 2 * (1 - mse / 2 - cross), rel=1e-3)
    (path,) = tmp_path.glob("*_3.ckpt")
    saved = load_checkpoint(str(path))
    for name, parameter in loss.log_variances.items():
        assert float(parameter.asnumpy()) != 0
        assert float(saved[f"log_variance_{name}"].asnumpy()) == float(parameter.asnumpy())


class Head(nn.Cell):
    def __init__(self):
        super().__init__()
        self.fc = nn.Dense(3, 2, weight_init="zeros", bias_init="zeros")

    def construct(self, x):
        return self.fc(x)


class Deep(Head):
    def construct(self, x):
        return self.fc(x), self.fc(x) * 2


MASK = (np.arange(10) % 3 > 0).astype(np.float32)
WRAPPED = {
    "weighted sum": (
        Head,
        lambda: nn.WeightedSumLoss({"ce": nn.CrossEntropyLoss(), "z": (nn.ZLoss(coefficient=1.0), lambda s: 0.1 * s)}),
        (X, KIND),
    ),
    "masked": (Head, lambda: nn.MaskedLoss(nn.CrossEntropyLoss()), (X, np.where(MASK, KIND, 9), MASK)),
    "smoothed": (
        Head,
        lambda: nn.LabelSmoothing(nn.SoftmaxCrossEntropyWithLogits(sparse=True, reduction="mean"), ignore_index=-1),
        (X, np.where(MASK, KIND, -1)),
    ),
    "deep": (Deep, lambda: nn.DeepSupervisionLoss(nn.CrossEntropyLoss(), [1.0, 0.5]), (X, KIND)),
}


@pytest.mark.parametrize("name", WRAPPED)
def test_each_trains_equally_in_both_modes_and_with_a_training_cell(name):
    network, make, columns = WRAPPED[name]
    dataset = data([f"c{i}" for i in range(len(columns))], columns)
    found = []
    for sink in (False, True):
        net, keep = network(), Keep()
        model = model_of(net, make(), metrics={"loss"})
        model.fit(2, dataset, dataset, callbacks=keep, dataset_sink_mode=sink)
        found.append(keep.losses)
        assert np.isfinite(model.eval(dataset)["loss"])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)
    net = network()
    step = nn.TrainOneStepCell(nn.WithLossCell(net, make()), nn.SGD(net.trainable_params(), RATE)).set_train()
    by_step = []
    for at in EPOCHS:
        value = step(*(Tensor(column[at]) for column in columns))
        values = value.values() if isinstance(value, dict) else [value]
        by_step.append(sum(float(each.asnumpy()) for each in values))
    np.testing.assert_allclose(found[0], by_step, rtol=1e-4)
    assert len(set(by_step)) == len(EPOCHS)


def test_removed_labels_are_not_checked_on_the_host_and_kept_ones_are():
    labels = np.where(MASK, KIND, 9)
    labels[4] = 7
    with pytest.raises(LabelError, match="got 7"):
        model_of(Head(), nn.MaskedLoss(nn.CrossEntropyLoss())).train(1, data("abc", (X, labels, MASK)))
