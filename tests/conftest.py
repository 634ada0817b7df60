"""Strict test session: warnings are errors (pyproject), rank promotion raises, every test starts from the same state.

Eight devices are simulated only for tests that request them (`on_eight_devices`), because the flag slows the others.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import hypothesis
import jax
import numpy as np
import pytest

from sporax import _seed, compat
from sporax.core import context, default_generator

SEED = 20_240_607
THOROUGH = os.environ.get("SPORAX_TESTS") == "thorough"

# Most of the time of a test is compilation. With these flags, programs compile in a third of the time, and run slower.
# A thorough run, and the comparisons with peers, use XLA's defaults. XLA does not start with an unknown flag, so the
# flags are set only for the tested versions.
QUICK_TO_COMPILE = (
    "--xla_backend_optimization_level=0 --xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
)

hypothesis.settings.register_profile("sporax", deadline=None)
hypothesis.settings.register_profile(
    "ci", deadline=None, derandomize=True, database=None, print_blob=True, max_examples=50
)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "sporax")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: only in a thorough run, SPORAX_TESTS=thorough pytest")
    config.addinivalue_line("markers", "rank_promotion: the test is about operators that broadcast (1,) with (n, 1)")
    flags = os.environ.get("XLA_FLAGS", "")
    ordinary = THOROUGH or "peers" in config.option.markexpr or not jax.__version__.startswith("0.10.")
    if not ordinary and QUICK_TO_COMPILE not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {QUICK_TO_COMPILE}".strip()


def _is_skipped(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None and item.get_closest_marker("peers") is None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip slow tests, unless the run is thorough: `.ci/run` must end within minutes on two cores.

    Comparisons with peers are a separate run (`-m peers`), in which they are not skipped.
    """
    if THOROUGH:
        return
    config.hook.pytest_deselected(items=[item for item in items if _is_skipped(item)])
    items[:] = [item for item in items if not _is_skipped(item)]


@pytest.fixture(autouse=True)
def _same_state(request: pytest.FixtureRequest) -> Iterator[None]:
    """Start every test from the same seed and the default context; uninstall the alias afterwards."""
    had_alias = compat.installed()
    np.random.seed(SEED)
    default_generator.manual_seed(SEED)
    _seed.set_global_seed(None)
    context.reset_context()
    with jax.numpy_rank_promotion("allow" if request.node.get_closest_marker("rank_promotion") else "raise"):
        yield
    context.reset_context()
    if compat.installed() and not had_alias:
        compat.uninstall()


@pytest.fixture
def on_eight_devices() -> Callable[[str], str]:
    """Function that runs Python source in a separate process with eight host devices, and returns its output."""

    def run(source: str) -> str:
        flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=8".strip()
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", source],
            env={**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
