"""Labels that mean a share between 0 and 1: masks of 0 and 255, class indices and scores are refused."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sporax import Model, Tensor, losses, nn, ops
from sporax import dataset as ds
from sporax._errors import LabelError
from sporax.losses import LossInfo

# MindSpore documents floats of any size, and rows need not sum to 1.
ONLY_INTEGERS = {
    "binary_cross_entropy_with_logits", "softmax_cross_entropy_with_logits", "soft_cross_entropy", "soft_focal_loss",
    "categorical_focal_cross_entropy", "categorical_hinge_loss", "poly1_cross_entropy", "bi_tempered_logistic_loss",
    "sparsemax_loss", "kl_divergence",
}  # fmt: skip
# Masses, logarithms of probabilities, or targets of any polytope.
ANY_NUMBERS = {
    "generalized_kl_divergence", "convex_kl_divergence", "kl_div", "jensen_shannon_loss", "fenchel_young_loss",
}  # fmt: skip


def label_at(info: LossInfo) -> int | None:
    """The index of the label whose elements are probabilities, or 0 and 1."""
    for at, item in enumerate(info.inputs):
        if item.role == "label" and (item.two_classes or item.domain in ("probability", "binary", "distribution")):
            return at
    return None


INFOS = [info for info in losses.registry().values() if label_at(info) is not None]
CHECKED = [info for info in INFOS if info.name not in ANY_NUMBERS]


def with_label(info: LossInfo, label: np.ndarray | None = None, dtype: type = np.uint8) -> list[np.ndarray]:
    """Example inputs, with a mask of 0 and 255 as the label unless one is given."""
    inputs = losses.example_inputs(info)
    at = label_at(info)
    assert at is not None
    inputs[at] = (255 * (np.arange(inputs[at].size) % 2)).reshape(inputs[at].shape).astype(dtype)
    if label is not None:
        inputs[at] = np.resize(label, inputs[at].shape)
    return inputs


@pytest.mark.parametrize("info", CHECKED, ids=lambda info: info.name)
def test_a_mask_of_an_8_bit_image_is_refused_with_the_fix(info):
    with pytest.raises(LabelError) as caught:
        info.function(*with_label(info))
    message = str(caught.value)
    assert "but got 255 at index" in message
    assert "For a mask of 0 and 255 use " in message
    if info.name not in ONLY_INTEGERS:
        with pytest.raises(LabelError, match=r"but got 255\.0 at index .*For a mask of 0 and 255 use "):
            info.function(*with_label(info, dtype=np.float32))


@pytest.mark.parametrize("info", CHECKED, ids=lambda info: info.name)
def test_integers_of_0_and_1_and_the_suggested_fix_are_taken(info):
    masks = with_label(info), with_label(info, np.array([0, 1], np.uint8)), with_label(info, np.array([False, True]))
    at = label_at(info)
    assert at is not None
    masks[0][at] = masks[0][at] > 0
    first, *others = (np.asarray(info.function(*inputs)) for inputs in masks)
    for values in others:
        np.testing.assert_array_equal(values, first)


@pytest.mark.parametrize("info", [info for info in INFOS if info.name in ONLY_INTEGERS | ANY_NUMBERS])
def test_floats_of_any_size_are_taken_where_they_have_a_use(info):
    inputs = with_label(info, np.array([1.25, 0.5], np.float32))
    assert np.isfinite(np.asarray(info.function(*inputs))).all()
    if info.name in ANY_NUMBERS:
        info.function(*with_label(info, np.array([3, 1])))


def test_the_example_of_mindspore_for_logits_is_taken():
    logits = Tensor(np.array([[-0.8, 1.2, 0.7], [-0.1, -0.4, 0.7]], np.float32))
    labels = Tensor(np.array([[0.3, 0.8, 1.2], [-0.6, 0.1, 2.2]], np.float32))
    assert nn.BCEWithLogitsLoss()(logits, labels).item() == pytest.approx(0.3463612)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (
            [0, 255, 0],
            "but got 255 at index (1,). For a mask of 0 and 255 use labels > 0, for gray levels labels / 255.",
        ),
        ([0, 1, 255], "but got 255 at index (2,). If 255 is no label, give it a weight of 0."),
        ([1, -1, 1], "but got -1 at index (1,). For labels 1 and -1 use (labels + 1) / 2. To leave an element out, "),
        ([0, 4, 2], "but got 4 at index (1,). For class indices use one-hot labels, or a loss of class indices such"),
    ],
)
def test_the_fix_depends_on_the_labels(labels, said):
    with pytest.raises(LabelError) as caught:
        losses.binary_cross_entropy_with_logits(np.zeros(3, np.float32), np.array(labels))
    assert f"binary_cross_entropy_with_logits: `labels` must be probabilities in [0, 1], {said}" in str(caught.value)
    with pytest.raises(LabelError, match="but got 1.5 at index .*Scale or clip them to .0, 1.; for scores use their"):
        losses.dice_loss(np.zeros(2), np.array([0.5, 1.5]))
    with pytest.raises(LabelError, match=r"For labels 0 and 1 use 2 \* labels.astype\(int32\) - 1\."):
        losses.soft_margin_loss(np.zeros(2), np.array([0, 1], np.uint8))


@pytest.mark.parametrize("dtype", [np.float32, np.float16, jnp.bfloat16])
def test_labels_above_1_by_their_rounding_are_taken(dtype):
    label = np.array([1, 0.25], dtype)
    label[0] += jnp.finfo(dtype).eps
    assert label[0] > 1
    for loss in (losses.binary_cross_entropy, losses.dice_loss, losses.tversky_loss, losses.sigmoid_focal_loss):
        assert np.isfinite(np.asarray(loss(np.full(2, 0.5, dtype), label), np.float32)).all()
    with pytest.raises(LabelError):
        losses.dice_loss(np.full(2, 0.5, dtype), np.array([1.125, 0], dtype))


@pytest.mark.parametrize("name", ["multi_class_dice_loss", "generalized_dice_loss", "dice_loss", "tversky_loss"])
def test_pixels_of_weight_0_are_not_checked(name):
    rng = np.random.default_rng(2)
    x, y = rng.uniform(0.1, 0.9, (2, 3, 4)), rng.integers(0, 2, (2, 3, 4)).astype(np.uint8)
    of_classes = "class" in name or "generalized" in name
    weights = np.ones((2, 4) if of_classes else (2, 3, 4))
    weights[1, 2] = 0
    spoiled = y.copy()
    spoiled[1, :, 2] = 255
    if not of_classes:
        spoiled = np.where(weights == 0, 255, y).astype(np.uint8)
    function = getattr(losses, name)
    np.testing.assert_array_equal(function(x, spoiled, pixel_weights=weights), function(x, y, pixel_weights=weights))
    with pytest.raises(LabelError, match="255"):
        function(x, spoiled)


def test_a_removed_sample_and_an_ignored_label_are_not_checked():
    x, y = np.array([0.5, 0.25, 0.75], np.float32), np.array([0, 1, 255], np.uint8)
    kept = losses.evaluate(losses.binary_cross_entropy_with_logits, x, y, weights=[1.0, 1.0, 0.0])
    assert kept.item() == losses.binary_cross_entropy_with_logits(x[:2], y[:2], reduction="mean").item()
    assert losses.dice_loss(x, y, ignore_index=255).item() == losses.dice_loss(x[:2], y[:2]).item()


MASK = np.array([[0, 255], [255, 0]], np.uint8)


@pytest.mark.parametrize(
    "call",
    [
        lambda x, y: nn.BCEWithLogitsLoss()(x, y),
        lambda x, y: nn.DiceLoss()(x, y),
        lambda x, y: nn.MultiClassDiceLoss()(x, y),
        lambda x, y: nn.FocalLoss()(x, y),
        lambda x, y: ops.binary_cross_entropy_with_logits(x, y),
        lambda x, y: ops.SigmoidCrossEntropyWithLogits()(x, y),
        lambda x, y: ops.SoftmaxCrossEntropyWithLogits()(x, y)[0],
        lambda x, y: nn.LabelSmoothing(nn.BCEWithLogitsLoss(), 0.1)(x, y),
        lambda x, y: nn.MaskedLoss(nn.BCEWithLogitsLoss())(x, y, ops.ones_like(x)),
    ],
)
def test_cells_and_ops_refuse_such_masks(call):
    x = Tensor(np.array([[0.5, 0.25], [0.75, 1]], np.float32))
    for mask in (Tensor(MASK), MASK):
        with pytest.raises(LabelError, match="255"):
            call(x, mask)
    call(x, Tensor(MASK > 0))


def test_debug_mode_checks_compiled_code():
    run = jax.jit(functools.partial(losses.dice_loss, smooth=1.0))

    def checked() -> None:
        with losses.debug_checks():
            jax.block_until_ready(run(np.zeros((2, 2), np.float32), MASK))
            jax.effects_barrier()

    with pytest.raises(Exception, match="must be probabilities in"):
        checked()


class Sigmoid(nn.Cell):
    def __init__(self):
        super().__init__()
        self.dense = nn.Dense(2, 2)

    def construct(self, x):
        return ops.sigmoid(self.dense(x))


@pytest.mark.parametrize("loss", [nn.DiceLoss, nn.TverskyLoss])
def test_training_checks_all_but_pixels_of_weight_0(loss):
    def train(weights: np.ndarray) -> None:
        net = Sigmoid()
        columns = {"x": np.ones((2, 2), np.float32), "mask": MASK, "pixel_weights": weights.astype(np.float32)}
        model = Model(net, loss(), nn.SGD(net.trainable_params(), 0.1))
        model.train(1, ds.NumpySlicesDataset(columns, shuffle=False).batch(2))

    train(MASK == 0)
    with pytest.raises(LabelError, match=f"{loss.__name__}: `labels` .* but got 255"):
        train(MASK >= 0)
