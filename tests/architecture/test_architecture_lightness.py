"""Libraries that an import must not load, each in a separate process."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "optax", "rich", "click", "google.protobuf", "safetensors", "matplotlib", "tensorboardX",
    "torch", "keras", "tensorflow", "mindspore", "scipy", "pandas", "hypothesis", "pytest",
)  # fmt: skip


def loaded(statement: str, *names: str) -> list[str]:
    """Return which of `names`, or of their submodules, are imported after `statement` in a new process."""
    code = (
        f"{statement}\nimport sys\n"
        f"print(*[n for n in {names!r} if any(m == n or m.startswith(n + '.') for m in sys.modules)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("import sporax", (*HEAVY, "jax", "numpy", "sporax.core", "sporax.cli", "sporax.compat")),
        ("import sporax; dir(sporax); sporax.__version__", (*HEAVY, "jax", "numpy")),
        ("import sporax.losses", (*HEAVY, "sporax.core", "sporax.nn", "sporax.ops", "sporax.dataset")),
        ("import sporax.dataset", (*HEAVY, "jax", "sporax.core")),
        ("import sporax.formats", (*HEAVY, "jax", "sporax.core")),
        ("import sporax.cli, sporax.cli._run", (*HEAVY, "jax", "numpy", "sporax.core")),
        (
            "from sporax import Tensor, jit, nn, ops",
            (*HEAVY, "sporax.dataset", "sporax.train", "sporax.compat"),
        ),
        (
            "from sporax import Model, LossMonitor, dataset, nn, ops, train",
            (*HEAVY, "sporax.cli", "sporax.compat"),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_import_loads_no_heavy_library(statement, names):
    assert loaded(statement, *names) == []


def test_the_check_can_fail():
    assert loaded("import sporax, json", "json", "jax") == ["json"]
    assert loaded("import sporax.losses", "jax", "sporax.core") == ["jax"]
    assert loaded("import xml.dom", "xml") == ["xml"]
