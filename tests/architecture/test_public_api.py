"""The public names and signatures are those recorded in tests/api.txt, so that every change is deliberate."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("public_api", ROOT / "tools" / "public_api.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_record_is_current(tool: ModuleType):
    recorded, found = (ROOT / "tests" / "api.txt").read_text().splitlines(), tool.text().splitlines()
    gone, new = sorted(set(recorded) - set(found)), sorted(set(found) - set(recorded))
    assert recorded == found, (
        f"The public interface changed: gone {gone[:10]}, new {new[:10]}. If that is meant, run python "
        "tools/public_api.py, and keep what is gone for a release with sporax._deprecation."
    )


def test_a_changed_default_is_noticed(tool: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys, tmp_path: Path):
    stale = tmp_path / "api.txt"
    stale.write_text(tool.text().replace("HuberLoss(reduction='mean', delta=1.0)", "HuberLoss(reduction='sum')"))
    monkeypatch.setattr(tool, "TARGET", stale)
    monkeypatch.setattr("sys.argv", ["public_api.py", "--check"])
    assert tool.main() == 1
    assert "+HuberLoss(reduction='mean', delta=1.0)" in capsys.readouterr().out
