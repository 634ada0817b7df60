"""Exchange of files with a real MindSpore; skipped unless SPORAX_MINDSPORE_PYTHON is its interpreter."""

import json
import os
import pathlib
import subprocess

import ml_dtypes
import numpy as np
import pytest

from sporax import formats

INTERPRETER = os.environ.get("SPORAX_MINDSPORE_PYTHON")
pytestmark = pytest.mark.skipif(not INTERPRETER, reason="SPORAX_MINDSPORE_PYTHON is not set")
SIDE = pathlib.Path(__file__).with_name("_mindspore_side.py")
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]
FLOATS = ["float16", "float32", "float64"]
DTYPES = [*map(np.dtype, ["bool", *INTEGERS, *FLOATS]), np.dtype(ml_dtypes.bfloat16)]
MINDSPORE_NAMES = {np.dtype(bool): "Bool", np.dtype(ml_dtypes.bfloat16): "BFloat16"}


def _run(action, folder):
    # A separate environment: the PYTHONPATH of this process belongs to another Python.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(INTERPRETER), str(SIDE), action, str(folder)],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def _mindspore_name(dtype):
    if dtype in MINDSPORE_NAMES:
        return MINDSPORE_NAMES[dtype]
    return dtype.name.capitalize().replace("Uint", "UInt")


def test_mindspore_reads_what_sporax_writes(tmp_path, monkeypatch):
    values = np.random.default_rng(5).integers(0, 9, (2, 3))
    entries = {f"t.{dtype.name}": values.astype(dtype) for dtype in DTYPES}
    entries |= {"scalar": np.float32(2.5), "count": 7, "flag": True, "rate": 0.1}
    entries |= {"empty": np.zeros((0, 3), np.float32), "strided": values.astype(np.float32).T}
    strings = {"note": "né \U0001f600", "blank": ""}
    formats.write(tmp_path / "all.ckpt", entries | strings)
    formats.write(tmp_path / "all.safetensors", entries)
    # A tensor in many slices: 24 bytes in pieces of 5.
    monkeypatch.setattr(formats.ckpt, "SLICE_BYTES", 5)
    formats.write(tmp_path / "sliced.ckpt", entries)
    weight = [[1.5, 2, 3], [4, 5, 6.5]]
    net = {"fc.weight": np.float32(weight), "fc.bias": np.float32([1, 2]), "scale": np.float32(3)}
    net |= {f"bn.{name}": np.float32([1, 2]) for name in ("moving_mean", "moving_variance", "gamma", "beta")}
    formats.write(tmp_path / "net.ckpt", net)

    report = json.loads(_run("check", tmp_path).split("REPORT")[1])
    for file in ("all.ckpt", "all.ckpt checked", "sliced.ckpt", "sliced.ckpt checked", "all.safetensors"):
        read = report[file]
        expected = entries | (strings if file.startswith("all.ckpt") else {})
        assert set(read) == set(expected), file
        for name, value in expected.items():
            if isinstance(value, str):
                assert read[name] == ["str", None, value], file
            else:
                array = np.asarray(value)
                wanted = [_mindspore_name(array.dtype), list(array.shape)]
                assert read[name][:2] == wanted, (file, name)
                np.testing.assert_array_equal(
                    np.float32(read[name][2]).reshape(array.shape), array.astype(np.float32), err_msg=name
                )
    assert report["net"] == {"missing": [], "unused": [], "weight": weight}


def test_sporax_reads_what_mindspore_writes(tmp_path):
    _run("make", tmp_path)
    expected = np.array([[1, 0, 3], [7, 2, 5]])
    for file in ("plain.ckpt", "crc.ckpt", "plain.safetensors"):
        entries = formats.read(tmp_path / file)
        for dtype in DTYPES:
            array = entries[f"t.{dtype.name.replace('bool', 'bool_')}"]
            assert array.dtype == dtype, file
            np.testing.assert_array_equal(array.astype(np.float64), expected.astype(dtype).astype(np.float64))
    assert list(formats.read(tmp_path / "net.ckpt")) == [
        "scale",
        "fc.weight",
        "fc.bias",
        "bn.moving_mean",
        "bn.moving_variance",
        "bn.gamma",
        "bn.beta",
    ]
