"""Candidate samplers: drawn classes and their expected counts."""

from __future__ import annotations

import numpy as np
import pytest

from sporax import ops
from sporax._errors import ArgumentError, DtypeError, ShapeError
from sporax.core import Tensor, set_seed

TRUE = Tensor(np.array([[1, 7], [0, 4]], np.int32))
ZIPF = np.diff(np.log(np.arange(1, 10))) / np.log(9)


def test_classes_without_repetition_are_different():
    drawn, of_true, of_drawn = ops.uniform_candidate_sampler(TRUE, 2, 6, True, 8, seed=3)
    assert len(set(drawn.tolist())) == 6
    assert set(drawn.tolist()) <= set(range(8))
    assert drawn.asnumpy().dtype == np.int32
    np.testing.assert_array_equal(of_true, np.full((2, 2), 0.75))
    np.testing.assert_array_equal(of_drawn, np.full(6, 0.75))


def test_a_seed_fixes_the_draw_of_the_function_and_0_draws_a_new_one():
    # As in MindSpore 2.10; the class forms have a stream for each instance (test_ops_random.py).
    drawn = [ops.uniform_candidate_sampler(TRUE, 2, 8, True, 100, seed=5)[0].tolist() for _ in range(2)]
    assert drawn[0] == drawn[1]
    set_seed(4)
    first, second = (ops.uniform_candidate_sampler(TRUE, 2, 8, True, 100)[0].tolist() for _ in range(2))
    set_seed(4)
    assert first != second
    assert ops.uniform_candidate_sampler(TRUE, 2, 8, True, 100)[0].tolist() == first


@pytest.mark.parametrize("unique", [True, False])
def test_true_classes_can_be_excluded(unique: bool):
    drawn, _, of_drawn = ops.uniform_candidate_sampler(TRUE, 2, 4, unique, 8, 2, True)
    assert set(drawn.tolist()) <= {2, 3, 5, 6}
    np.testing.assert_array_equal(of_drawn, np.full(4, 0.5))
    with pytest.raises(ArgumentError, match=r"5 classes that are not true ones are needed, but there are 4"):
        ops.uniform_candidate_sampler(TRUE, 2, 5, True, 8, 2, True)


def test_each_class_is_drawn_as_often_as_expected():
    drawn, of_true, of_drawn = ops.log_uniform_candidate_sampler(TRUE, 2, 4000, False, 8, seed=1)
    share = np.bincount(drawn.asnumpy(), minlength=8) / 4000
    np.testing.assert_allclose(share, ZIPF, atol=0.03)
    np.testing.assert_allclose(of_true.asnumpy(), 4000 * ZIPF[[[1, 7], [0, 4]]], rtol=1e-5)
    np.testing.assert_allclose(of_drawn.asnumpy()[:5], 4000 * ZIPF[drawn.asnumpy()[:5]], rtol=1e-5)


def test_a_sample_without_repetition_contains_each_class_as_often_as_expected():
    each, times = Tensor(np.arange(8)[None]), 200
    found = np.zeros(8)
    for seed in range(1, times + 1):
        drawn, expected, of_drawn = ops.log_uniform_candidate_sampler(each, 8, 3, True, 8, seed)
        assert len(set(drawn.tolist())) == 3
        found[drawn.asnumpy()] += 1
        np.testing.assert_array_equal(of_drawn, expected.asnumpy()[0, drawn.asnumpy()])
    np.testing.assert_allclose(found / times, expected.asnumpy()[0], atol=0.12)


def test_a_sample_of_all_classes_expects_each_once():
    drawn, of_true, of_drawn = ops.LogUniformCandidateSampler(2, 8, True, 8)(TRUE)
    assert sorted(drawn.tolist()) == list(range(8))
    np.testing.assert_array_equal(of_true, np.ones((2, 2)))
    np.testing.assert_array_equal(of_drawn, np.ones(8))


def test_invalid_arguments():
    with pytest.raises(ShapeError, match=r"`true_classes` must have shape \(N, 1\), but got \(2, 2\)"):
        ops.uniform_candidate_sampler(TRUE, 1, 3, True, 8)
    with pytest.raises(DtypeError, match=r"ops\.log_uniform_candidate_sampler: `true_classes` must be"):
        ops.log_uniform_candidate_sampler(Tensor([[0.5]]))
    with pytest.raises(ArgumentError, match=r"`num_sampled` must be at most `range_max` \(5\)"):
        ops.log_uniform_candidate_sampler(Tensor([[0]]), 1, 6)
