"""The generated stubs, which editors and type checkers read, are current."""

from __future__ import annotations

import ast
import importlib.util
import inspect
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

import sporax.ops  # noqa: F401  (attaches the methods)
from sporax.core import Tensor

ROOT = Path(__file__).resolve().parents[2]
GENERATOR = ROOT / "tools" / "generate_stubs.py"
STUBS = (
    "core/tensor.pyi",
    "losses/__init__.pyi",
    "mint/__init__.pyi",
    "mint/nn/functional.pyi",
    "numpy/__init__.pyi",
    "ops/__init__.pyi",
    "scipy/fft.pyi",
    "scipy/linalg.pyi",
)


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_stubs", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def names_of(text: str) -> set[str]:
    """Return the names in the class Tensor of the stub."""
    tensor = next(each for each in ast.parse(text).body if isinstance(each, ast.ClassDef))
    names = {each.name for each in tensor.body if isinstance(each, ast.FunctionDef)}
    for each in tensor.body:
        if isinstance(each, ast.Assign):
            names |= {target.id for target in each.targets if isinstance(target, ast.Name)}
        elif isinstance(each, ast.AnnAssign) and isinstance(each.target, ast.Name):
            names.add(each.target.id)
    return names


def test_every_stub_but_that_of_the_top_level_is_generated(generator: ModuleType):
    found = {path.relative_to(generator.ROOT).as_posix() for path in generator.ROOT.rglob("*.pyi")}
    assert found - {"__init__.pyi"} == set(STUBS)
    assert set(generator.STUBS) == set(STUBS)


@pytest.mark.parametrize("name", STUBS)
def test_a_stub_is_current(generator: ModuleType, name: str):
    text = generator.STUBS[name]()
    assert text == (generator.ROOT / name).read_text(), "run: python tools/generate_stubs.py"


def test_the_stub_has_every_attribute_of_tensor(generator: ModuleType):
    inherited = set(dir(object)) | {"__module__", "__slots__", "__weakref__", "__dict__", "__annotations__"}
    real = {name for name in Tensor.__dict__ if name not in inherited}
    stated = names_of(generator.tensor_stub())
    assert real <= stated, sorted(real - stated)
    assert {name for name in stated if not name.startswith("__")} <= set(dir(Tensor))


def test_signatures_are_those_of_the_methods(generator: ModuleType):
    text = generator.tensor_stub()
    assert "def reshape(self, *shape: builtins.int | Sequence[builtins.int] | Tensor) -> Tensor:" in text
    assert "def dim(self) -> builtins.int:" in text
    assert "def __add__(self, other: Any) -> Tensor: ..." in text
    lines = text.splitlines()
    for before, line in pairwise(lines):
        if line.startswith("    def ") and "(self" not in line:
            assert before.strip() in ("@staticmethod", "@classmethod"), line
    signature = inspect.signature(Tensor.mean)
    assert {"axis", "keep_dims", "dim", "keepdim", "keepdims"} <= set(signature.parameters)


def test_losses_have_their_keywords(generator: ModuleType):
    text = generator.losses_stub()
    keywords = "reduction: str = 'none', weights: ArrayLike | None = None) -> jax.Array:"
    assert f"def huber_loss(logits: ArrayLike, labels: ArrayLike, *, delta: Any = 1.0, {keywords}" in text
    assert f"def l1_loss(logits: ArrayLike, labels: ArrayLike, *, {keywords}" in text
    assert "from sporax.losses.contract._evaluate import evaluate as evaluate" in text


def test_a_stale_stub_is_detected(generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys):
    monkeypatch.setattr(generator, "ROOT", tmp_path)
    monkeypatch.setattr(generator, "STUBS", {"core/tensor.pyi": generator.tensor_stub})
    stale = tmp_path / "core" / "tensor.pyi"
    stale.parent.mkdir()
    stale.write_text(generator.tensor_stub().replace("def mean(", "def main("))
    monkeypatch.setattr("sys.argv", ["generate_stubs.py", "--check"])
    assert generator.main() == 1
    assert "tensor.pyi is not current: run python tools/generate_stubs.py" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["generate_stubs.py"])
    assert generator.main() == 0
    monkeypatch.setattr("sys.argv", ["generate_stubs.py", "--check"])
    assert generator.main() == 0
