"""Metric-learning losses as Cells: signatures, documented examples, arguments, masks, trained Parameters."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from oracles.losses import ORACLES
from sporax import _docstring, losses, nn, ops
from sporax._errors import ArgumentError, ArgumentTypeError, LabelError, ShapeError
from sporax.core import Parameter, Tensor, set_seed
from sporax.core.dtype import float32
from sporax.transforms import jit, value_and_grad

SIGNATURES = {
    "MarginRankingLoss": "(margin=0.0, reduction='mean')",
    "TripletMarginLoss": "(p=2, swap=False, eps=1e-06, reduction='mean', margin=1.0)",
    "TripletMarginWithDistanceLoss": "(distance_function=None, swap=False, reduction='mean', margin=1.0)",
}
X, Y = np.random.default_rng(3).normal(size=(2, 6, 4)).astype(np.float32)
LABELS = np.array([0, 1, 0, 2, 1, 0])
MASK = np.array([True, True, False, True, True, True])


def plain_signature(cls):
    parameters = list(inspect.signature(cls).parameters.values())
    return str(inspect.Signature([p.replace(annotation=p.empty) for p in parameters]))


@pytest.mark.parametrize("name", SIGNATURES)
def test_signature_is_that_of_mindspore_2_10(name):
    assert plain_signature(getattr(nn, name)) == SIGNATURES[name]


def test_mindspores_example_of_margin_ranking():
    input1 = Tensor(np.array([0.3864, -2.4093, -1.4076]), float32)
    input2 = Tensor(np.array([-0.6012, -1.6681, 1.2928]), float32)
    target = ops.Sign()(Tensor(np.array([-2, -2, 3]), float32))
    printed = {r: str(nn.MarginRankingLoss(reduction=r)(input1, input2, target)) for r in ("none", "mean", "sum")}
    assert printed["none"] == "[0.98759997 0.         2.7003999 ]"
    assert float(printed["mean"]) == pytest.approx(1.2293333, rel=2e-7)
    assert float(printed["sum"]) == pytest.approx(3.6879997, rel=2e-7)


@pytest.mark.parametrize("name", ["TripletMarginLoss", "TripletMarginWithDistanceLoss"])
def test_mindspores_example_of_triplets(name):
    x = Tensor(np.array([[0.3, 0.7], [0.5, 0.5]]), float32)
    positive = Tensor(np.array([[0.4, 0.6], [0.4, 0.6]]), float32)
    negative = Tensor(np.array([[0.2, 0.9], [0.3, 0.7]]), float32)
    assert float(getattr(nn, name)()(x, positive, negative)) == pytest.approx(0.8881968, rel=2e-7)


def test_a_margin_of_the_call_is_used_if_the_constructor_has_none():
    a, b = Tensor([[0.0, 0.0]]), Tensor([[0.0, 1.0]])
    assert float(nn.TripletMarginLoss(eps=0.0)(a, b, b, 3.0)) == 3
    assert float(nn.TripletMarginLoss(eps=0.0)(a, b, b, margin=Tensor(0.5))) == 0.5
    assert float(nn.TripletMarginLoss(eps=0.0, margin=2.0)(a, b, b, 3.0)) == 2
    assert float(nn.TripletMarginLoss(eps=0.0, margin=Tensor(4.0))(a, b, b)) == 4


def test_a_distance_may_be_a_cell_with_parameters():
    class Stretched(nn.Cell):
        def __init__(self):
            super().__init__()
            self.scale = Parameter(Tensor([[1.0, 2.0]]), name="scale")

        def construct(self, a, b):
            return ops.abs((a - b) * self.scale).sum(axis=-1)

    loss = nn.TripletMarginWithDistanceLoss(Stretched(), swap=True, margin=0.5)
    x, p, n = Tensor([[0.0, 0.0]]), Tensor([[1.0, 1.0]]), Tensor([[0.5, 0.0]])
    assert float(loss(x, p, n)) == 3.0
    (parameter,) = loss.trainable_params()
    _, (gradient,) = jit(value_and_grad(loss, None, loss.trainable_params()))(x, p, n)
    assert parameter.shape == gradient.shape
    assert gradient.asnumpy().tolist() == [[0.5, 1.0]]
    with pytest.raises(ArgumentTypeError, match="`distance_function` must be None or take two Tensors"):
        nn.TripletMarginWithDistanceLoss(3)


CASES = {
    "ContrastiveLoss": ((), {"margin": 2.0}, losses.contrastive_loss, (X, Y, LABELS % 2)),
    "NPairLoss": ((), {"l2_weight": 0.1}, losses.n_pair_loss, (X, Y)),
    "MultiSimilarityLoss": ((), {"beta": 9.0, "epsilon": None}, losses.multi_similarity_loss, (X, LABELS)),
    "CircleLoss": ((), {"gamma": 9.0}, losses.circle_loss, (X, LABELS)),
    "InfoNCELoss": ((), {"temperature": 0.3, "symmetric": True}, losses.info_nce_loss, (X, Y)),
    "NTXentLoss": ((), {"temperature": 0.3}, losses.nt_xent_loss, (X, LABELS)),
    "SupConLoss": ((), {"temperature": 0.3}, losses.sup_con_loss, (X, LABELS)),
    "SigLIPLoss": ((), {"temperature": 3.0, "bias": -1.0}, losses.siglip_loss, (X, Y)),
    "BatchHardTripletLoss": ((), {"margin": 0.4, "normalize": True}, losses.batch_hard_triplet_loss, (X, LABELS)),
    "SemiHardTripletLoss": ((), {"fallback": "hardest"}, losses.semi_hard_triplet_loss, (X, LABELS)),
    "ProxyAnchorLoss": ((3, 4), {"alpha": 5.0}, losses.proxy_anchor_loss, (X, LABELS)),
    "ProxyNCALoss": ((3, 4), {"include_positive": True}, losses.proxy_nca_loss, (X, LABELS)),
    "ArcFaceLoss": ((3, 4), {"scale": 7.0, "easy_margin": True}, losses.arcface_loss, (X, LABELS)),
    "CosFaceLoss": ((3, 4), {"margin": 0.2}, losses.cosface_loss, (X, LABELS)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_cell_equals_its_function_with_and_without_a_mask(name):
    sizes, options, function, inputs = CASES[name]
    set_seed(1)
    cell = getattr(nn, name)(*sizes, **options, reduction="sum")
    arrays = [inputs[0], *([cell.weight.asnumpy()] if sizes else []), *inputs[1:]]
    tensors = [Tensor(each) for each in inputs]
    oracle = ORACLES[losses.by_cell(name)[0].oracle]
    assert losses.by_cell(name)[0].function is function
    expected = oracle.value(*arrays, **options).sum()
    np.testing.assert_allclose(float(jit(cell)(*tensors)), expected, rtol=1e-5)
    if function.spec.mask_parameter:
        expected = oracle.value(*arrays, mask=MASK, **options).sum()
        np.testing.assert_allclose(float(jit(cell)(*tensors, Tensor(MASK))), expected, rtol=1e-5)
    with pytest.raises(ArgumentError, match=f"{name}: `reduction` must be one of"):
        getattr(nn, name)(*sizes, reduction="means")


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[0]])
def test_class_vectors_are_documented_as_arguments_and_not_as_an_input(name):
    sections = _docstring.split(getattr(nn, name).__doc__)
    arguments, inputs = (_docstring.entries(sections[each]) for each in ("Args", "Inputs"))
    assert {"num_classes", "embedding_size", "weight_init"} <= set(arguments)
    expected = ["embeddings", "labels", "mask"] if name == "ProxyAnchorLoss" else ["embeddings", "labels"]
    assert list(inputs) == list(inspect.signature(getattr(nn, name).construct).parameters)[1:] == expected


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case[0]])
def test_class_vectors_are_trained_parameters(name):
    set_seed(2)
    cell = getattr(nn, name)(3, 4)
    assert [(each.name, each.shape) for each in cell.trainable_params()] == [("weight", (3, 4))]
    optimizer = nn.SGD(cell.trainable_params(), learning_rate=0.001)
    step = jit(value_and_grad(cell, None, cell.trainable_params()))
    arguments = Tensor(X), Tensor(LABELS)
    first, gradients = step(*arguments)
    for _ in range(3):
        optimizer(step(*arguments)[1])
    assert np.abs(gradients[0].asnumpy()).sum() > 0
    assert float(cell(*arguments)) < float(first)
    with pytest.raises(LabelError, match=rf"{name}: `labels` must be class indices in \[0, 3\)"):
        cell.check_labels({}, np.array([0, 3]))
    with pytest.raises(ShapeError, match=f"{name}: "):
        cell(Tensor(X[:, :3]), Tensor(LABELS))
    with pytest.raises(ArgumentError, match=f"{name}: `num_classes` must be at least 1"):
        getattr(nn, name)(0, 4)


@pytest.mark.parametrize("name", ["InfoNCELoss", "NTXentLoss", "SupConLoss", "SigLIPLoss"])
def test_a_temperature_can_be_trained(name):
    cell = getattr(nn, name)(temperature=Parameter(Tensor(0.5), name="temperature"))
    second = LABELS if CASES[name][3][1] is LABELS else Y
    _, (gradient,) = value_and_grad(cell, None, cell.trainable_params())(Tensor(X), Tensor(second))
    assert gradient.shape == ()
    assert float(gradient) != 0
    with pytest.raises(ArgumentError, match=rf"{name}: `temperature` must be in \(0, inf\)"):
        getattr(nn, name)(temperature=0.0)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("TripletMarginLoss", {"p": 0}),
        ("TripletMarginLoss", {"margin": -1.0}),
        ("ContrastiveLoss", {"margin": -1.0}),
        ("NPairLoss", {"l2_weight": -1.0}),
        ("MultiSimilarityLoss", {"beta": 0.0}),
        ("CircleLoss", {"gamma": 0.0}),
        ("BatchHardTripletLoss", {"margin": -1.0}),
        ("SemiHardTripletLoss", {"fallback": "nearest"}),
        ("ArcFaceLoss", {"num_classes": 3, "embedding_size": 4, "margin": 1.6}),
        ("CosFaceLoss", {"num_classes": 3, "embedding_size": 4, "scale": 0.0}),
        ("ProxyAnchorLoss", {"num_classes": 3, "embedding_size": 4, "alpha": 0.0}),
        ("ProxyNCALoss", {"num_classes": 1, "embedding_size": 4}),
    ],
)
def test_arguments_are_checked_in_the_constructor(name, arguments):
    wrong = next((key for key in arguments if key not in ("num_classes", "embedding_size")), "num_classes")
    with pytest.raises(ArgumentError, match=f"{name}: `{wrong}` must"):
        getattr(nn, name)(**arguments)
