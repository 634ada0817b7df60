"""`sporax run` caches compiled programs between runs, and `sporax doctor` prints the directory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sporax.cli import _compile_cache, _doctor
from sporax.cli._compile_cache import cache_folder, enable_cache

SCRIPT = """
import os
import numpy as np
import mindspore as ms
from mindspore import nn
import mindspore.dataset as ds
ms.set_seed(1)
net = nn.SequentialCell([nn.Dense(4, 8), nn.GELU(), nn.LayerNorm((8,)), nn.Dense(8, 1)])
model = ms.Model(net, nn.MSELoss(), nn.Adam(net.trainable_params(), 0.01))
x = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
data = ds.NumpySlicesDataset((x, x[:, :1]), ["x", "y"], shuffle=False).batch(16)
model.train(2, data)
print(net[0].weight.asnumpy().tolist())
"""

WITHOUT = {name: value for name, value in os.environ.items() if not name.startswith("JAX_")}


@pytest.fixture
def ordinary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a processor whose programs XLA can load."""
    monkeypatch.setattr(_compile_cache, "_processor", lambda: "model name: ordinary")


def run(folder: Path, **more: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "sporax", "run", "script.py"],
        cwd=folder,
        env={**WITHOUT, "XDG_CACHE_HOME": str(folder / "cache"), **more},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def cached(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "cache").rglob("*-cache"))


@pytest.mark.skipif(sys.platform != "linux", reason="XDG_CACHE_HOME exists on Linux only")
def test_a_second_run_adds_no_program_and_gives_the_same_weights(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT, encoding="utf-8")
    # An unsupported processor has no cache; explicit settings of JAX are kept.
    explicit = {"JAX_COMPILATION_CACHE_DIR": str(tmp_path / "cache"), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    more = {} if cache_folder(WITHOUT) else explicit
    first = run(tmp_path, **more)
    programs = cached(tmp_path)
    assert programs
    assert run(tmp_path, **more) == first
    assert cached(tmp_path) == programs


def test_jax_variables_determine_the_folder_first(ordinary):
    assert cache_folder({"JAX_COMPILATION_CACHE_DIR": "/somewhere"}) == "/somewhere"
    assert cache_folder({"JAX_COMPILATION_CACHE_DIR": ""}) is None
    assert cache_folder({"JAX_ENABLE_COMPILATION_CACHE": "0"}) is None
    assert cache_folder({"JAX_ENABLE_COMPILATION_CACHE": "False"}) is None
    assert "sporax" in str(cache_folder({}))


def test_a_folder_set_by_the_user_is_kept():
    environment = {"JAX_COMPILATION_CACHE_DIR": "/somewhere"}
    enable_cache(environment)
    assert environment == {"JAX_COMPILATION_CACHE_DIR": "/somewhere"}


def test_machines_that_share_a_home_have_separate_folders(monkeypatch):
    folders = set()
    for processor in ("model name: A\nflags: avx", "model name: A\nflags: avx avx512f", ""):
        monkeypatch.setattr(_compile_cache, "_processor", lambda processor=processor: processor)
        folders.add(cache_folder({}))
    assert len(folders) == 3


def test_the_cache_is_disabled_where_xla_cannot_load_its_programs(monkeypatch):
    monkeypatch.setattr(_compile_cache.os.path, "exists", lambda path: False)
    monkeypatch.setattr(_compile_cache, "_processor", lambda: "model name: A\nbugs: spectre_v1 gds")
    assert cache_folder({}) is None
    monkeypatch.setattr(_compile_cache, "_processor", lambda: "model name: gds\nbugs: spectre_v1")
    assert cache_folder({}) is not None


def test_the_cache_is_disabled_where_its_folder_cannot_be_created(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(_compile_cache, "cache_folder", lambda environment: str(tmp_path / "file" / "programs"))
    environment: dict[str, str] = {}
    enable_cache(environment)
    assert environment == {}


def test_the_oldest_programs_are_removed(monkeypatch, tmp_path):
    monkeypatch.setattr(_compile_cache, "cache_folder", lambda environment: str(tmp_path))
    monkeypatch.setattr(_compile_cache, "_MAX_BYTES", 250)
    for age, name in enumerate("cab"):
        (tmp_path / name).write_bytes(bytes(100))
        os.utime(tmp_path / name, (1000 + age, 1000 + age))
    enable_cache({})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_the_doctor_reports_the_cache_folder_and_its_size(monkeypatch, tmp_path):
    (tmp_path / "one-cache").write_bytes(bytes(2**20))
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    report = _doctor.examine()
    assert json.loads(_doctor.as_json(report))["compiled_programs"] == str(tmp_path)
    assert "1 by `sporax run`, 1.0 MiB" in _doctor.as_text(report)
    monkeypatch.setenv("JAX_ENABLE_COMPILATION_CACHE", "0")
    assert "not kept between runs" in _doctor.as_text(_doctor.examine())
