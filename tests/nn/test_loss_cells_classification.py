"""Classification losses as Cells: signatures, MindSpore's documented examples, arguments and labels of each kind."""

import inspect

import numpy as np
import pytest

from sporax import losses, nn
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError, ShapeError
from sporax.core import Parameter, Tensor
from sporax.transforms import grad, jit

SIGNATURES = {
    # MindSpore 2.10
    "CrossEntropyLoss": "(weight=None, ignore_index=-100, reduction='mean', label_smoothing=0.0)",
    "NLLLoss": "(weight=None, ignore_index=-100, reduction='mean')",
    "FocalLoss": "(weight=None, gamma=2.0, reduction='mean')",
    # Keras, without name and dtype
    "CategoricalFocalLoss": "(alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1, "
    "reduction='mean')",
    "GeneralizedCrossEntropyLoss": "(q=0.5, from_logits=False, reduction='mean')",
    # the papers' code
    "PolyLoss": "(epsilon=2.0, reduction='mean')",
    "SymmetricCrossEntropyLoss": "(alpha=0.1, beta=1.0, A=-4.0, reduction='mean')",
    "BiTemperedLogisticLoss": "(t1=0.8, t2=1.2, label_smoothing=0.0, reduction='mean')",
    "LDAMLoss": "(cls_num_list, max_m=0.5, weight=None, s=30.0, reduction='mean')",
    "LogitAdjustedLoss": "(priors, tau=1.0, reduction='mean')",
    "ClassBalancedLoss": "(samples_per_cls, beta=0.999, reduction='mean')",
    "ZLoss": "(coefficient=0.0001, reduction='mean')",
}
NEEDED = {"LDAMLoss": ([9, 4, 1],), "LogitAdjustedLoss": ([9, 4, 1],), "ClassBalancedLoss": ([9, 4, 1],)}
RNG = np.random.default_rng(4)
X = RNG.normal(size=(5, 3)).astype(np.float32)
INDICES = RNG.integers(0, 3, 5).astype(np.int32)
DENSE = RNG.dirichlet(np.ones(3), 5).astype(np.float32)


def plain_signature(cls):
    parameters = list(inspect.signature(cls).parameters.values())
    return str(inspect.Signature([p.replace(annotation=p.empty) for p in parameters]))


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures(name):
    assert plain_signature(getattr(nn, name)) == SIGNATURES[name]


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_cell_equals_its_function_for_every_reduction(name):
    cls, needed = getattr(nn, name), NEEDED.get(name, ())
    labels = () if name == "ZLoss" else (DENSE if name == "CategoricalFocalLoss" else INDICES,)
    if name in ("CategoricalFocalLoss", "GeneralizedCrossEntropyLoss"):
        x = np.exp(X) / np.exp(X).sum(1, keepdims=True)
    else:
        x = X
    tensors = [Tensor(array) for array in (x, *labels)]
    loss = cls(*needed)
    info = loss.loss_info(*labels)
    assert info.cell == name
    names = set(inspect.signature(info.function).parameters) - set(losses.KEYWORDS)
    params = {key: getattr(loss, key) for key in names if hasattr(loss, key)}
    for reduction in ("none", "mean", "sum"):
        got = cls(*needed, reduction=reduction)(*tensors)
        expected = losses.evaluate(info.function, x, *labels, reduction=reduction, **params)
        np.testing.assert_allclose(got.asnumpy(), expected, rtol=1e-6, err_msg=reduction)
    np.testing.assert_allclose(jit(loss)(*tensors).asnumpy(), loss(*tensors).asnumpy(), rtol=1e-6)
    assert np.isfinite(grad(loss)(*tensors).asnumpy()).all()
    if labels:
        loss.check_labels({"logits": x.shape}, *labels)
    with pytest.raises(ArgumentError, match=f"{name}: `reduction` must be one of"):
        cls(*needed, reduction="average")


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "PolyLoss", "BiTemperedLogisticLoss"])
def test_the_kind_of_labels_selects_the_function(name):
    loss = getattr(nn, name)()
    one_hot = np.eye(3, dtype=np.float32)[INDICES]
    sparse, dense = loss(Tensor(X), Tensor(INDICES)), loss(Tensor(X), Tensor(one_hot))
    np.testing.assert_allclose(sparse.asnumpy(), dense.asnumpy(), rtol=2e-6)
    assert loss.loss_info(INDICES) is not loss.loss_info(one_hot)
    loss.check_labels({"logits": X.shape}, one_hot)
    with pytest.raises(LabelError, match=f"{name}: `labels` must be class indices"):
        loss.check_labels({"logits": X.shape}, INDICES + 3)
    with pytest.raises(LabelError, match=f"{name}: `labels` must be class indices"):
        loss(Tensor(X), Tensor(INDICES + 3))


class TestCrossEntropyLoss:
    def test_mindspores_documented_examples_run(self):
        loss = nn.CrossEntropyLoss()
        inputs = Tensor(np.random.randn(3, 5).astype(np.float32))
        by_index = loss(inputs, Tensor(np.array([1, 0, 4]).astype(np.int32)))
        by_probability = loss(inputs, Tensor(np.random.randn(3, 5).astype(np.float32)))
        assert by_index.shape == by_probability.shape == ()
        log_p = losses.log_softmax(inputs.asnumpy())
        assert float(by_index) == pytest.approx(-float(log_p[[0, 1, 2], [1, 0, 4]].mean()), rel=1e-5)

    def test_arguments_are_passed_to_the_formula(self):
        weight = np.array([0.5, 1.0, 2.0], np.float32)
        options = {"weight": weight, "ignore_index": 1, "label_smoothing": 0.2}
        for given in (Tensor(weight), Parameter(Tensor(weight)), weight, [0.5, 1.0, 2.0]):
            got = nn.CrossEntropyLoss(given, 1, "mean", 0.2)(Tensor(X), Tensor(INDICES))
            expected = losses.evaluate(losses.cross_entropy, X, INDICES, **options)
            np.testing.assert_allclose(got.asnumpy(), expected, rtol=1e-6)
        got = nn.CrossEntropyLoss(Tensor(weight), label_smoothing=0.2)(Tensor(X), Tensor(DENSE))
        expected = losses.evaluate(losses.soft_cross_entropy, X, DENSE, weight=weight, label_smoothing=0.2)
        np.testing.assert_allclose(got.asnumpy(), expected, rtol=1e-6)

    @pytest.mark.parametrize("labels", [np.int32(2), DENSE[0]], ids=["index", "probabilities"])
    def test_one_sample_without_a_batch(self, labels):
        batch = Tensor(X[:1]), Tensor(np.asarray(labels)[None])
        weight = Tensor([0.5, 1.0, 2.0])
        for reduction in ("none", "mean", "sum"):
            loss = nn.CrossEntropyLoss(weight, reduction=reduction)
            got = loss(Tensor(X[0]), Tensor(labels))
            assert got.shape == ()
            np.testing.assert_allclose(got.asnumpy(), loss(*batch).asnumpy().reshape(()), rtol=1e-6)
        loss.check_labels({"logits": (3,)}, np.asarray(labels))

    def test_several_batches_are_divided_once(self):
        loss = nn.CrossEntropyLoss(Tensor([0.5, 1.0, 2.0]), ignore_index=0)
        whole = loss(Tensor(X), Tensor(INDICES))
        pairs = [loss.sum_and_weight(Tensor(X[at]), Tensor(INDICES[at])) for at in (slice(0, 2), slice(2, 5))]
        total = sum(float(pair[0]) for pair in pairs) / sum(float(pair[1]) for pair in pairs)
        assert total == pytest.approx(float(whole), rel=1e-6)

    def test_ignored_labels_pass_the_check_on_the_host(self):
        nn.CrossEntropyLoss().check_labels({"logits": (2, 3)}, np.array([-100, 1]))
        nn.NLLLoss(ignore_index=7).check_labels({"logits": (2, 3)}, np.array([7, 1]))
        with pytest.raises(LabelError):
            nn.NLLLoss(ignore_index=7).check_labels({"logits": (2, 3)}, np.array([-100, 1]))

    def test_arguments_are_checked(self):
        with pytest.raises(ArgumentError, match="CrossEntropyLoss: `label_smoothing` must be in"):
            nn.CrossEntropyLoss(label_smoothing=1.5)
        with pytest.raises(ArgumentTypeError, match="CrossEntropyLoss: `ignore_index` must be an int"):
            nn.CrossEntropyLoss(ignore_index=1.5)
        with pytest.raises(ShapeError, match=r"CrossEntropyLoss: `labels` must have shape \(5,\)"):
            nn.CrossEntropyLoss()(Tensor(X), Tensor(INDICES[:4]))


def test_nll_loss_of_mindspores_documented_example_and_without_a_batch():
    logits, labels = Tensor(np.random.randn(3, 5).astype(np.float32)), Tensor(np.array([1, 0, 4]).astype(np.int32))
    got = nn.NLLLoss()(logits, labels)
    assert float(got) == pytest.approx(-float(logits.asnumpy()[[0, 1, 2], [1, 0, 4]].mean()), rel=1e-6)
    one = nn.NLLLoss(Tensor([1.0, 2.0, 3.0, 4.0, 5.0]), reduction="none")(logits[0], labels[0])
    assert one.shape == ()
    assert float(one) == pytest.approx(-2 * float(logits.asnumpy()[0, 1]), rel=1e-6)


class TestFocalLoss:
    def test_mindspores_documented_example(self):
        logits = Tensor([[0.8, 1.4], [0.5, 0.9], [1.2, 0.9]])
        labels = Tensor(np.array([[1], [1], [0]], np.int32))
        loss = nn.FocalLoss(weight=Tensor([1, 2]), gamma=2.0, reduction="mean")
        assert float(loss(logits, labels)) == pytest.approx(0.12516622, rel=5e-5)

    def test_labels_with_and_without_their_axis_and_dense_ones(self):
        x = RNG.normal(size=(2, 3, 4)).astype(np.float32)
        labels = RNG.integers(0, 3, (2, 4))
        dense = np.moveaxis(np.eye(3, dtype=np.float32)[labels], -1, 1)
        for reduction in ("none", "mean", "sum"):
            loss = nn.FocalLoss(Tensor([0.5, 1.0, 2.0]), 1.5, reduction)
            with_axis, without = (loss(Tensor(x), Tensor(y)).asnumpy() for y in (labels[:, None], labels))
            np.testing.assert_array_equal(with_axis, without)
            by_class = loss(Tensor(x), Tensor(dense)).asnumpy()
            if reduction == "none":
                assert by_class.shape == (2, 3)
                by_class = by_class.sum(1)
            np.testing.assert_allclose(by_class * (3 if reduction == "mean" else 1), without, rtol=2e-6)

    def test_labels_of_each_kind_are_checked_on_the_host(self):
        loss, shapes = nn.FocalLoss(), {"logits": (2, 3, 4)}
        labels = RNG.integers(0, 3, (2, 4))
        loss.check_labels(shapes, labels)
        loss.check_labels(shapes, labels[:, None])
        loss.check_labels(shapes, np.moveaxis(np.eye(3)[labels], -1, 1))
        with pytest.raises(LabelError):
            loss.check_labels(shapes, labels[:, None] + 3)
        with pytest.raises(ShapeError):
            loss.check_labels(shapes, np.zeros((2, 2, 4)))

    def test_arguments_are_checked(self):
        with pytest.raises(ArgumentError, match="FocalLoss: `gamma` must be in"):
            nn.FocalLoss(gamma=-1.0)
        with pytest.raises(ShapeError, match=r"FocalLoss: `weight` must have shape \(C,\), but got shape \(1, 2\)"):
            nn.FocalLoss(weight=Tensor([[1.0, 2.0]]))


def test_categorical_focal_loss_accepts_classes_along_any_axis_and_a_factor_for_each_class():
    p = RNG.dirichlet(np.ones(3), (2, 4)).astype(np.float32)
    y = RNG.dirichlet(np.ones(3), (2, 4)).astype(np.float32)
    alpha = [0.5, 1.0, 2.0]
    expected = losses.categorical_focal_cross_entropy(p, y, alpha=alpha)
    for axis in (1, -2):
        loss = nn.CategoricalFocalLoss(alpha=alpha, axis=axis, reduction="none")
        got = loss(Tensor(np.moveaxis(p, -1, 1)), Tensor(np.moveaxis(y, -1, 1)))
        np.testing.assert_allclose(got.asnumpy(), expected, rtol=1e-6)
    assert float(
        nn.CategoricalFocalLoss()(
            Tensor([[0.05, 0.95, 0.0], [0.1, 0.8, 0.1]]), Tensor([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
        )
    ) == pytest.approx(0.23315276, rel=1e-5)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("GeneralizedCrossEntropyLoss", {"q": 0.0}, "`q` must be in"),
        ("SymmetricCrossEntropyLoss", {"A": 1.0}, "`A` must be in"),
        ("BiTemperedLogisticLoss", {"t1": 1.5}, "`t1` must be in"),
        ("BiTemperedLogisticLoss", {"label_smoothing": 1.0}, "`label_smoothing` must be in"),
        ("LDAMLoss", {"cls_num_list": [1, 0]}, "`cls_num_list` must be above 0 for every class, but got 0 for class 1"),
        ("LDAMLoss", {"cls_num_list": [1, 2], "s": 0}, "`s` must be in"),
        ("LogitAdjustedLoss", {"priors": [0.5, -0.5]}, "`priors` must be above 0 for every class"),
        ("ClassBalancedLoss", {"samples_per_cls": [1, 2], "beta": 1.0}, "`beta` must be in"),
        ("ZLoss", {"coefficient": -1.0}, "`coefficient` must be in"),
        ("CategoricalFocalLoss", {"gamma": -1.0}, "`gamma` must be in"),
    ],
)
def test_arguments_are_checked_in_the_constructor(name, options, said):
    with pytest.raises(ArgumentError, match=f"{name}: {said}"):
        getattr(nn, name)(**options)
