"""The registry of losses, and properties that are not specific to a loss."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import threading

import jax.numpy as jnp
import numpy as np
import pytest

from sporax import losses, nn
from sporax._errors import ArgumentError, DtypeError, LabelError, ShapeError

INFOS = list(losses.registry().values())


# The losses of MindSpore 2.10 in nn, except LossBase.
MINDSPORES = [
    "L1Loss", "L1LossExt", "MSELoss", "RMSELoss", "MAELoss", "SmoothL1Loss", "HuberLoss", "SoftMarginLoss",
    "SoftmaxCrossEntropyWithLogits", "CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss",
    "FocalLoss", "DiceLoss", "MultiClassDiceLoss", "CosineEmbeddingLoss", "HingeEmbeddingLoss",
    "MarginRankingLoss", "MultiMarginLoss", "MultilabelMarginLoss", "MultiLabelSoftMarginLoss",
    "TripletMarginLoss", "TripletMarginWithDistanceLoss", "KLDivLoss", "PoissonNLLLoss", "GaussianNLLLoss",
    "CTCLoss", "SampledSoftmaxLoss",
]  # fmt: skip


def test_every_loss_of_mindspore_exists():
    assert len(MINDSPORES) == 29
    for name in MINDSPORES:
        assert issubclass(getattr(nn, name), nn.LossBase), name


def test_there_are_a_hundred_losses_and_each_has_a_class():
    assert len(INFOS) > 100
    for info in INFOS:
        assert info.cell is None or issubclass(getattr(nn, info.cell), nn.LossBase), info.name


@pytest.mark.parametrize("info", INFOS, ids=[info.name for info in INFOS])
def test_the_info_agrees_with_its_function(info):
    assert losses.get(info.name) is info
    assert getattr(losses, info.name) is info.function
    assert info.function.__module__ == f"sporax.losses._{info.family}"
    parameters = inspect.signature(info.function).parameters.values()
    required = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.default is p.empty]
    assert required == [item.name for item in info.inputs]
    keywords = {p.name for p in parameters} - set(required)
    assert set(info.parameters) <= keywords
    assert info.weight_parameter is None or info.weight_parameter in keywords
    assert not info.reductions or info.default_reduction in info.reductions
    assert info.summary.endswith(".")
    assert info.output == info.function.spec.output
    for heading in ("Args:", "Returns:", "Raises:", "Examples?:", "Source:", "math::"):
        assert re.search(heading, info.function.__doc__ or ""), heading


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("l1_los", "Did you mean 'l1_loss'?"),
        ("L1Loss", "`L1Loss` is a class of sporax.nn; its function is 'l1_loss'."),
        ("BCELos", "Did you mean 'binary_cross_entropy'?"),
        (
            "SoftmaxCrossEntropyWithLogits",
            "'softmax_cross_entropy_with_logits' or 'sparse_softmax_cross_entropy_with_logits'.",
        ),
        ("zzz", "There are l1_loss, mse_loss,"),
    ],
)
def test_an_unknown_name_gets_a_suggestion(name, hint):
    with pytest.raises(ArgumentError) as caught:
        losses.get(name)
    assert str(caught.value).startswith(f"losses.get: there is no loss named {name!r}. ")
    assert hint in str(caught.value)


def test_the_registry_is_read_only():
    with pytest.raises(TypeError, match="does not support item assignment"):
        losses.registry()["l1_loss"] = None  # pyright: ignore


def test_inputs_may_be_given_by_name():
    assert losses.l1_loss(logits=[3.0], labels=[1.0]).tolist() == [2]
    assert losses.l1_loss([3.0], labels=[1.0]).tolist() == [2]
    with pytest.raises(TypeError, match="missing a required argument: 'labels'"):
        losses.l1_loss([3.0])
    with pytest.raises(TypeError, match="too many positional arguments"):
        losses.l1_loss([3.0], [1.0], [1.0])
    with pytest.raises(TypeError, match="unexpected keyword argument 'gamma'"):
        losses.l1_loss([3.0], [1.0], gamma=1)


def test_anything_that_jax_accepts_as_an_array_is_accepted():
    class Holder:
        def __jax_array__(self):
            return jnp.array([4.0, 1.0])

    assert losses.mse_loss(Holder(), [1.0, 1.0]).tolist() == [9, 0]
    assert losses.mse_loss(np.float32(3), 1).item() == 4


def test_mixed_dtypes_promote_as_in_jax():
    half, single = np.ones(2, np.float16), np.zeros(2, np.float32)
    assert losses.mse_loss(half, single).dtype == np.float32
    assert losses.mse_loss(half, half.astype(jnp.bfloat16)).dtype == np.float32
    assert losses.mse_loss(half, np.zeros(2, np.int32)).dtype == np.float16


def test_a_custom_loss_satisfies_the_contract():
    @losses.loss_function(
        losses.prediction("scores", "N K"), losses.label("truth", "N", domain="class", kind="int"), output="N"
    )
    def miss(scores, truth, *, scale=1.0):
        return scale * (1 - jnp.take_along_axis(scores, truth[:, None], axis=1)[:, 0])

    scores, truth = np.array([[0.25, 0.75], [0.5, 0.5]], np.float16), np.array([1, 0])
    values = miss(scores, truth, scale=2.0)
    assert (values.dtype, values.tolist()) == (np.float16, [0.5, 1.0])
    assert losses.evaluate(miss, scores, truth, weights=[0.0, 1.0]).item() == 0.5
    with pytest.raises(ShapeError, match=r"miss: `truth` must have shape \(2,\), but got \(3,\)"):
        miss(scores, np.array([1, 0, 1]))
    with pytest.raises(DtypeError, match="miss: `truth` must hold integers"):
        miss(scores, truth * 1.0)


def test_host_checks_use_concrete_values():
    info = losses.get("sparse_softmax_cross_entropy_with_logits")
    info.check_labels({}, np.array([5, 900]))
    with pytest.raises(LabelError, match=r"in \[0, 10\), but got 900 at index \(1,\)"):
        info.check_labels({"logits": (2, 10)}, np.array([5, 900]))
    with pytest.raises(DtypeError, match="SoftmaxCrossEntropyWithLogits: `labels` must hold integers"):
        info.check_labels({}, np.array([5.0]))


def test_debug_mode_is_thread_local_and_ends_with_its_block():
    labels, logits = np.array([9]), np.zeros((1, 3), np.float32)
    seen: list[BaseException] = []

    def other() -> None:
        try:
            losses.sparse_softmax_cross_entropy_with_logits(logits, labels)
        except LabelError as error:
            seen.append(error)

    with losses.debug_checks(False):
        assert np.isnan(losses.sparse_softmax_cross_entropy_with_logits(logits, labels)).all()
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert len(seen) == 1
    with pytest.raises(LabelError):
        losses.sparse_softmax_cross_entropy_with_logits(logits, labels)


def test_the_losses_do_not_import_core():
    script = "import sys, sporax.losses; print([m for m in sys.modules if m.startswith('sporax.core')])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.returncode) == ("[]", 0), done.stderr
