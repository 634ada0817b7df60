"""Strict test session: warnings are errors (pyproject), rank promotion raises, every test starts from the same state.

Eight devices are simulated only for tests that request them (`on_eight_devices`), because the flag slows the others.
"""

from __future__ import annotations

import functools
import gc
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import jax
import numpy as np
import pytest

from process_memory import ProgramMemory
from sporax import _seed, compat
from sporax.core import context, default_generator

SEED = 20_240_607
SMOKE = "test_smoke.py"
PROGRAMS = ProgramMemory()
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
    config.addinivalue_line("markers", "smoke: one short test of each package, all in test_smoke.py")
    config.addinivalue_line("markers", "rank_promotion: the test is about operators that broadcast (1,) with (n, 1)")
    flags = os.environ.get("XLA_FLAGS", "")
    with_peers = "peers" in config.option.markexpr.replace("not peers", "")
    ordinary = THOROUGH or with_peers or not jax.__version__.startswith("0.10.")
    if not ordinary and QUICK_TO_COMPILE not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {QUICK_TO_COMPILE}".strip()
    if not ordinary:
        _lower_quickly()
    # The default of 700 objects costs 5 % of the session: tracing allocates many objects and few cycles.
    gc.set_threshold(50_000, 20, 20)


def _lower_quickly() -> None:
    """Lower all programs in one MLIR context, without the positions of their operations in the source.

    JAX makes a context for each program. That takes 3 of the 5 ms in which a small program is lowered, and 1.2 of the
    1.4 MB that it occupies until it is released.
    """
    from jax._src.interpreters import mlir

    mlir.make_ir_context = functools.cache(mlir.make_ir_context)
    jax.config.update("jax_traceback_in_locations_limit", 0)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import only the file of the smoke tests for `-m smoke`: importing all takes longer than they do."""
    if config.option.markexpr == "smoke" and collection_path.suffix == ".py" and collection_path.name != SMOKE:
        return True
    return None


def pytest_collection_finish() -> None:
    """Keep the garbage collector from going through modules and tests again and again."""
    gc.collect()
    gc.freeze()


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


@pytest.fixture(params=["recorded", "traced"])
def gradient_mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test of gradients twice: eager derivatives are recorded, and traced as in compiled code."""
    if request.param == "traced":
        monkeypatch.setattr("sporax.transforms._grad.can_record", lambda: False)
    return request.param


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
    PROGRAMS.release()


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
