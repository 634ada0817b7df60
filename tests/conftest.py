"""The session is strict: warnings are errors (pyproject), ranks do not promote, every test starts anew.

Eight devices are simulated only where a test asks for them (`on_eight_devices`): the flag slows the rest.
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

# Compilation is most of what a test costs. These programs compile in a third of the time, and compute the same slower.
# A thorough run, and the comparisons with peers, have XLA's ordinary ones. XLA refuses to start with a flag that it
# does not know, so they are for the versions that were tried.
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


def _left_out(item: pytest.Item) -> bool:
    return item.get_closest_marker("slow") is not None and item.get_closest_marker("peers") is None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is slow, unless the run is thorough: the gate must end within minutes on two cores.

    Comparisons with peers have a run of their own (`-m peers`), and stay in it.
    """
    if THOROUGH:
        return
    config.hook.pytest_deselected(items=[item for item in items if _left_out(item)])
    items[:] = [item for item in items if not _left_out(item)]


@pytest.fixture(params=["recorded", "traced"])
def gradient_mode(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test of gradients twice: eager derivatives are recorded, and traced as in compiled code."""
    if request.param == "traced":
        monkeypatch.setattr("sporax.transforms._grad.can_record", lambda: False)
    return request.param


@pytest.fixture(autouse=True)
def _anew(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test starts from one seed and the default context, and leaves neither changed, nor the alias installed."""
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
    """Runs Python source in a process of its own that has eight host devices; gives what it printed."""

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
