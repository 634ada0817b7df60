"""The inputs that the checker tries: parsed, classified, and inside their domains."""

from __future__ import annotations

import numpy as np
import pytest

from sporax import losses
from sporax.testing import parse_inputs
from sporax.testing._make_subject import make_subject
from sporax.testing._probes import edge_probes, nothing_left, ties, unmasked
from sporax.testing._shrink import shrink
from sporax.testing._subject import Subject


def one(text):
    return parse_inputs(text)[0]


def subject_of(text):
    return Subject("loss", lambda *arrays: arrays[0], parse_inputs(text))


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("f32[8] in [-1, 1]", (-1.0, 1.0)),
        ("f32[8] >= 0", (0.0,)),
        ("f32[8] <= 3", (3.0,)),
        ("f32[8] < 2", (float(np.nextafter(np.float32(2), np.float32(-np.inf))),)),
        ("f32[8] in (1, 2]", (float(np.nextafter(np.float32(1), np.float32(np.inf))), 2.0)),
        ("f32[8] > 0", (1e-6,)),
        ("f32[8] in [-3, 0)", (-3.0, -1e-6)),
        ("f32[8]", ()),
        ("f32[8] in {-1, 1}", ()),
        ("f32[8, 3] simplex", ()),
        ("i32[8] < 5", ()),
    ],
)
def test_the_ends_of_an_interval(text, ends):
    assert one(text).ends == ends


@pytest.mark.parametrize(
    "text", ["f32[8] in (0, 1]", "f32[8] in [0, 1)", "f32[8] in (-2, 1)", "f32[8] < 2", "f32[8] <= 2", "f32[8] >= 0"]
)
def test_a_domain_is_printed_as_it_is_written(text):
    assert str(one(text)) == f"input0: {text}"


def test_integers_of_an_open_interval():
    drawn = one("i32[200] in (0, 3)").draw(np.random.default_rng(0))
    assert set(drawn.tolist()) == {1, 2}


def test_booleans_are_both():
    assert set(one("bool[50]").draw(np.random.default_rng(0)).tolist()) == {False, True}


@pytest.mark.parametrize(
    ("text", "is_mask", "classes"),
    [
        ("mask: bool[8]", True, None),
        ("input2: bool[8]", True, None),
        ("labels: bool[8]", False, None),
        ("mask: i32[8] < 2", True, None),
        ("attention_mask: i32[8] in {0, 1}", True, None),
        ("sampleWeight: f32[8] >= 0", True, None),
        ("labels: i32[8] < 2", False, 2),
        ("labels: i32[8] < 10", False, 10),
        ("mask: i32[8] < 10", False, 10),
        ("margin: f32[8]", False, None),
    ],
)
def test_masks_and_class_labels_are_distinguished(text, is_mask, classes):
    assert (one(text).is_mask, one(text).classes) == (is_mask, classes)


@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        ("i32[8] in {-100, 0, 1, 2}", -100),
        ("i32[8] in {0, 1, 2, 255}", 255),
        ("i64[8] in {-1, 0, 1}", -1),
        ("i32[8] in {-1, 1}", None),
        ("i32[8] in {0, 1, 2}", None),
        ("i32[8] in {1, 2, 4}", None),
        ("f32[8] in {-1, 0, 1}", None),
    ],
)
def test_the_ignored_label(text, ignored):
    assert one(text).ignored == ignored


DOMAINS = (
    "p: f32[6] in [0, 1], y: f32[6] in [0, 1]",
    "c: f32[4, 3] in [-1, 1], w: f32[4] > 0",
    "p: f32[6, 4] simplex, y: f32[6, 4] simplex",
    "p: f32[6, 4] simplex, labels: i32[6] < 4",
    "x: f32[6, 4], labels: i32[6] in {-100, 0, 1, 2, 3}, mask: bool[6]",
    "x: f32[6] < 2, y: f32[6] in (0, 1], sign: i32[6] in {-1, 1}",
)


@pytest.mark.parametrize("text", DOMAINS)
def test_every_probe_is_valid(text):
    subject = subject_of(text)
    plain = subject.draw(0)
    probes = [*edge_probes(subject, plain), *ties(subject, plain)]
    probes += [emptied.probe for emptied in nothing_left(subject, plain)]
    assert probes
    for probe in probes:
        for item, array, before in zip(subject.inputs, probe.arrays, plain, strict=True):
            assert item.allows(array), f"{probe.where}: {item} holds {array}"
            assert (array.shape, array.dtype) == (before.shape, before.dtype), probe.where
    assert len({probe.where for probe in probes}) == len(probes)


def test_every_combination_of_ends_is_tried():
    subject = subject_of("p: f32[6] in [0, 1], y: f32[6] in [0, 1]")
    tried = {
        (float(p[0]), float(y[0]))
        for _, (p, y) in edge_probes(subject, subject.draw(0))
        if len(set(p)) == len(set(y)) == 1
    }
    assert tried == {(0, 0), (0, 1), (1, 0), (1, 1)}


def test_one_hot_rows_agree_with_the_labels_and_differ_from_them():
    subject = subject_of("p: f32[6, 4] simplex, labels: i32[6] < 4")
    plain = subject.draw(0)
    found = {probe.where: probe.arrays for probe in edge_probes(subject, plain)}
    np.testing.assert_array_equal(found["for one-hot p"][0].argmax(-1), plain[1])
    np.testing.assert_array_equal(found["for one-hot p of other classes"][0].argmax(-1), (plain[1] + 1) % 4)
    np.testing.assert_array_equal(found["for uniform p"][0], np.full((6, 4), 0.25, np.float32))


def test_unmasked_inputs_have_nothing_masked_or_ignored():
    subject = subject_of(
        "x: f32[6, 4], labels: i32[6] in {-100, 0, 1, 2, 3}, mask: bool[6], padding_mask: f32[6] in {0, 1}"
    )
    _, labels, mask, padding = unmasked(subject, subject.draw(0))
    assert -100 not in labels
    assert mask.all()
    assert not padding.any()


def test_small_inputs_stay_inside_their_domains():
    subject = subject_of("p: f32[6, 4] simplex, w: f32[6] > 0, c: f32[6] in [2, 3]")
    small = shrink(subject, subject.draw(0), lambda arrays: True)
    assert small[0].shape == (1, 1)
    assert all(item.allows(array) for item, array in zip(subject.inputs, small, strict=True))
    assert small[1][0] == 1
    assert small[2][0] == np.round(small[2][0])


def test_class_probabilities_are_probed_at_corners_along_the_class_axis():
    tried = 0
    for info in losses.registry().values():
        subject = make_subject(info.name)
        indices = [at for at, item in enumerate(subject.inputs) if item.simplex and item.probed]
        for probe in edge_probes(subject, subject.draw(0)) if indices else ():
            for at in indices:
                axis = subject.inputs[at].class_axis
                np.testing.assert_allclose(probe.arrays[at].sum(axis), 1, rtol=1e-5, err_msg=info.name)
                tried += "one-hot" in probe.where
    assert tried > 20
