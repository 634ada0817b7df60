"""Allowed imports: an AST scan of every file of the package, including function-level imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "sporax"

LEAVES = frozenset(
    {
        "_check",
        "_code",
        "_declared",
        "_deprecation",
        "_describe",
        "_docstring",
        "_errors",
        "_exports",
        "_jax_compat",
        "_schema",
        "_seed",
        "_signature",
        "_suggest",
        "_typing",
        "_value_checks",
    }
)

# The table of the design. `_seed` is an additional leaf: `set_seed` (core) shares it with `dataset`, which must
# not import JAX.
# `common` is MindSpore's path of that name, and only re-exports names.
_BELOW_TRAIN = {"core", "losses", "formats", "transforms", "parallel", "ops", "nn", "dataset"}
ALLOWED: dict[str, set[str]] = {
    **{leaf: {"_errors"} for leaf in LEAVES},
    "_check": {"_errors", "_suggest"},
    "_declared": {"_schema", "_signature"},
    "_describe": {"_code"},
    "_schema": {"_check"},
    "_value_checks": {"_jax_compat"},
    "core": set(),
    "losses": set(),
    "formats": set(),
    "transforms": {"core"},
    "parallel": {"core"},
    "ops": {"core", "losses", "transforms", "parallel"},
    "nn": {"core", "losses", "ops", "transforms"},
    "dataset": set(),
    "train": _BELOW_TRAIN,
    "testing": {"core", "losses", "nn", "transforms"},
    "plotting": {"losses"},
    "common": {"core", "transforms", "ops"},
    # MindSpore's path of that name; it also re-exports names.
    "mint": {"core", "losses", "ops", "nn"},
    # MindSpore's paths of these names; they enter functions in the table of ops.
    "numpy": {"core", "ops"},
    "scipy": {"core", "ops", "transforms"},
    "compat": _BELOW_TRAIN | {"train", "testing", "plotting", "common", "mint", "numpy", "scipy"},
    "cli": _BELOW_TRAIN | {"train", "testing", "plotting", "common", "compat", "sporax"},
    "sporax": _BELOW_TRAIN | {"train", "common", "mint", "numpy", "scipy", "compat"},
    "__main__": {"cli"},
}
SAME_LAYER = {"numpy": "ops", "scipy": "ops"}
"""Packages that are part of the layer of another one, whose private files they may import."""

LEAVES_OF = {
    "formats": {"_errors"},
    "dataset": {"_check", "_code", "_describe", "_docstring", "_errors", "_exports", "_seed", "_suggest"},
    "compat": {"_errors", "_suggest"},
}
"""Which leaves a package may import; all of them for packages that are not listed here."""

FILE_ALLOWED = {"dataset/_iterator.py": {"sporax"}}
"""Files with additional permissions."""

# The roots that a package may import in addition to the standard library and sporax; None: anything but FOREIGN.
THIRD_PARTY: dict[str, set[str]] = {
    "formats": {"numpy", "ml_dtypes", "google", "safetensors"},
    "dataset": {"numpy"},
    "losses": {"numpy", "jax"},
    "core": {"numpy", "jax", "ml_dtypes"},
    "transforms": {"numpy", "jax"},
    "compat": set(),
    "sporax": set(),
}
FOREIGN = {"torch", "keras", "tensorflow", "mindspore", "flax", "equinox"}


def package_of(path: Path, source: Path = SOURCE) -> str:
    """Return the entry of the table for a file."""
    parts = path.relative_to(source).parts
    if len(parts) > 1:
        return parts[0]
    return "sporax" if parts[0] == "__init__.py" else path.stem


def imports(tree: ast.AST) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield (line, module, names) of every import at any level, including `import_module("...")`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, ()
        elif isinstance(node, ast.ImportFrom):
            yield node.lineno, "." * node.level + (node.module or ""), tuple(a.name for a in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield node.lineno, node.args[0].value, ()


def targets(module: str, names: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Yield (entry of the table, dotted path) for each object of sporax that an import statement imports."""
    if module == "sporax":
        for name in names or ("",):
            inside = name in ALLOWED and name not in ("sporax", "__main__")
            yield (name if inside else "sporax"), f"sporax.{name}"
    else:
        for name in names or ("",):
            yield module.split(".")[1], f"{module}.{name}"


def violations(path: Path, text: str, source: Path = SOURCE) -> list[str]:
    """Return the forbidden imports of a file."""
    package = package_of(path, source)
    relative = path.relative_to(source).as_posix()
    may = (
        ALLOWED.get(package, set())
        | LEAVES_OF.get(package, set(LEAVES))
        | FILE_ALLOWED.get(relative, set())
        | ({package} if package != "sporax" else set())
    )
    found = []
    for line, module, names in imports(ast.parse(text)):
        where = f"{relative}:{line}"
        if module.startswith("."):
            found.append(f"{where}: a relative import; write the whole path")
            continue
        root = module.split(".")[0]
        if module.startswith("jax._src") or (module == "jax" and "_src" in names):
            found.append(f"{where}: jax._src is JAX's own")
        if root in FOREIGN:
            found.append(f"{where}: {root} is a peer, never a dependency")
        if root != "sporax":
            if package in THIRD_PARTY and root not in THIRD_PARTY[package] and not _is_standard(root):
                found.append(f"{where}: {package} must not import {root}")
            continue
        for row, dotted in targets(module, names):
            if row not in may:
                found.append(f"{where}: {package} must not import {dotted.rstrip('.')}")
            private = [part for part in dotted.split(".")[2:] if part.startswith("_")]
            if private and row not in (package, SAME_LAYER.get(package)):
                found.append(f"{where}: {dotted.rstrip('.')} is private to {row}")
    return found


def _is_standard(root: str) -> bool:
    import sys

    return root in sys.stdlib_module_names


def files() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


@pytest.mark.parametrize("path", files(), ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_a_file_imports_only_allowed_packages(path: Path):
    assert violations(path, path.read_text(encoding="utf-8")) == []


def test_every_folder_and_file_is_in_the_table():
    present = {p.name for p in SOURCE.iterdir() if p.is_dir() and any(p.glob("*.py"))}
    present |= {"sporax" if p.name == "__init__.py" else p.stem for p in SOURCE.glob("*.py")}
    assert present <= set(ALLOWED), f"not in the table: {present - set(ALLOWED)}"
    assert not list(SOURCE.rglob("util*")), "no folder or file is called utils"


def test_the_table_has_no_cycle():
    done: set[str] = set()
    while len(done) < len(ALLOWED):
        ready = {row for row, may in ALLOWED.items() if row not in done and may - {row} <= done | LEAVES}
        assert ready, f"these packages form an import cycle: {set(ALLOWED) - done}"
        done |= ready


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        (
            "losses/_x.py",
            "def f():\n    from sporax.core import Tensor\n",
            "losses must not import sporax.core",
        ),
        ("losses/_x.py", "from sporax import Tensor\n", "losses must not import sporax.Tensor"),
        ("losses/_x.py", "import sporax\n", "losses must not import sporax"),
        ("core/x.py", "from sporax import nn\n", "core must not import sporax.nn"),
        (
            "core/x.py",
            "from importlib import import_module\nimport_module('sporax.ops')\n",
            "import sporax.ops",
        ),
        ("nn/x.py", "from sporax.core._frames import read\n", "sporax.core._frames.read is private to core"),
        ("nn/x.py", "from sporax.core import _frames\n", "sporax.core._frames is private to core"),
        ("nn/x.py", "from sporax.ops._op import op\n", "sporax.ops._op.op is private to ops"),
        ("nn/x.py", "from sporax import dataset as ds\n", "nn must not import sporax.dataset"),
        ("dataset/x.py", "import jax\n", "dataset must not import jax"),
        ("dataset/x.py", "from sporax.core import Tensor\n", "dataset must not import sporax.core"),
        ("formats/x.py", "from sporax import _check\n", "formats must not import sporax._check"),
        ("core/x.py", "from . import tensor\n", "a relative import"),
        ("core/x.py", "from jax._src import core\n", "jax._src"),
        ("train/x.py", "def f():\n    import torch\n", "torch is a peer"),
    ],
)
def test_the_scan_can_fail(file, text, message):
    found = violations(SOURCE / file, text)
    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("nn/x.py", "from sporax import _check, losses, ops\nfrom sporax.core import Tensor\n"),
        ("core/x.py", "from sporax.core import _frames\nimport jax.numpy as jnp\n"),
        ("dataset/_iterator.py", "def f():\n    from sporax import Tensor\n"),
        ("cli/x.py", "from sporax import __version__, compat\n"),
        ("numpy/x.py", "from sporax.ops._op import op\n"),
    ],
)
def test_the_scan_accepts_allowed_imports(file, text):
    assert violations(SOURCE / file, text) == []
