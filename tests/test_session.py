"""The strict settings of the test session."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sporax
from process_memory import ProgramMemory, resident


def test_a_warning_is_an_error():
    with pytest.raises(UserWarning, match="look here"):
        warnings.warn("look here", stacklevel=1)


def test_ranks_do_not_promote():
    with pytest.raises(ValueError, match="rank"):
        jnp.ones((2, 3)) + jnp.ones(3)


@pytest.mark.rank_promotion
def test_ranks_promote_in_a_marked_test():
    assert (jnp.ones((2, 3)) + jnp.ones(3)).shape == (2, 3)


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_starts_from_the_same_state(turn):
    assert sporax.get_seed() is None
    assert sporax.default_generator.initial_seed() == 20_240_607
    assert np.random.random() == np.random.RandomState(20_240_607).random()
    assert sporax.get_context("mode") == sporax.PYNATIVE_MODE
    sporax.set_seed(turn)
    sporax.set_context(mode=sporax.GRAPH_MODE)


def test_a_test_of_devices_has_eight_devices(on_eight_devices):
    assert on_eight_devices("import jax\nprint(len(jax.devices()))") == "8\n"
    assert len(jax.devices()) < 8


def test_a_failure_on_eight_devices_is_reported(on_eight_devices):
    with pytest.raises(AssertionError, match="ZeroDivisionError"):
        on_eight_devices("1 / 0")


@pytest.mark.skipif(not resident(), reason="the system does not tell the memory of a process")
def test_programs_are_released_above_the_limit_only():
    traces = []

    @jax.jit
    def double(x):
        traces.append(x)
        return 2 * x

    for limit, released in ((1 << 60, False), (0, True)):
        double(np.ones(3))
        assert ProgramMemory(limit).release() == released
    assert double(np.ones(3)).tolist() == [2, 2, 2]
    assert len(traces) == 2


def test_the_smoke_tests_use_every_package():
    packages = {path.parent.name for path in Path(sporax.__file__).parent.glob("*/__init__.py")}
    assert len(packages) > 10
    assert packages <= set(re.findall(r"\w+", Path(__file__).with_name("test_smoke.py").read_text("utf-8")))
