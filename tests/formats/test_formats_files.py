"""Files: safetensors, the choice of format, foreign files, atomic writing."""

import json
import os
import pathlib
import stat
import subprocess
import sys
import threading
import zipfile

import ml_dtypes
import numpy as np
import pytest

from sporax import formats
from sporax._errors import ArgumentError, CheckpointError

DATA = pathlib.Path(__file__).with_name("data")
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def entries():
    rng = np.random.default_rng(9)
    return {
        "fc.weight": rng.normal(size=(3, 2)).astype(np.float32),
        "half": rng.normal(size=4).astype(np.float16),
        "brain": rng.normal(size=(2, 2)).astype(BFLOAT16),
        "mask": rng.integers(0, 2, 5).astype(bool),
        "steps": np.asarray(12),
        "empty": np.zeros((0, 3), np.float64),
        "strided": np.arange(6, dtype=np.int32).reshape(2, 3).T,
        "note": "né",
        "blank": "",
    }


def check_equal(got, expected):
    assert set(got) == set(expected)
    for name, value in expected.items():
        if isinstance(value, str):
            assert got[name] == value
        else:
            assert (got[name].dtype, got[name].shape) == (value.dtype, value.shape), name
            assert got[name].tobytes() == value.tobytes(), name
            got[name][...] = 0


def test_check_equal_can_fail():
    with pytest.raises(AssertionError):
        check_equal({"a": np.zeros(2)}, {"a": np.ones(2)})
    with pytest.raises(AssertionError):
        check_equal({"a": np.zeros(2)}, {"a": np.zeros(2, np.float32)})


@pytest.mark.parametrize("suffix", ["ckpt", "safetensors", "CKPT"])
def test_write_then_read(tmp_path, suffix):
    path = tmp_path / f"net.{suffix}"
    formats.write(path, entries())
    check_equal(formats.read(path), entries())
    assert os.listdir(tmp_path) == [f"net.{suffix}"]


@pytest.mark.parametrize("format", ["ckpt", "safetensors"])
def test_the_format_is_detected_from_the_content(tmp_path, format):
    for name in ("net.bin", "net.ckpt", "net.safetensors", "net"):
        formats.write(tmp_path / name, entries(), format=format)
        check_equal(formats.read(tmp_path / name), entries())


def test_write_needs_a_format():
    with pytest.raises(ArgumentError, match=r"suffix '\.pt' of 'a\.pt' names no format. End the name in \.ckpt"):
        formats.write("a.pt", {})
    with pytest.raises(ArgumentError, match=r"`format` must be one of 'ckpt', 'safetensors', but got 'npz'"):
        formats.write("a.ckpt", {}, format="npz")


def test_the_codecs_name_each_other(tmp_path):
    formats.write(tmp_path / "a", {"w": 1}, format="safetensors")
    with pytest.raises(CheckpointError, match=r"truncated|begins with|looks like"):
        formats.ckpt.read(tmp_path / "a")
    formats.write(tmp_path / "b", {"w": 1}, format="ckpt")
    with pytest.raises(CheckpointError, match=r"looks like a MindSpore checkpoint, but a safetensors file was"):
        formats.safetensors.read(tmp_path / "b")


def test_safetensors_by_mindspore_is_read():
    got = formats.read(DATA / "mindspore-2.10-plain.safetensors")
    assert got["t.bfloat16"].dtype == BFLOAT16
    np.testing.assert_array_equal(got["t.bfloat16"].astype(np.float32), [[1, 0, 3], [7, 2, 5]])
    np.testing.assert_array_equal(got["deep"], np.arange(24, dtype=np.float32).reshape(2, 3, 4))


def test_the_safetensors_header_is_standard(tmp_path):
    path = tmp_path / "a.safetensors"
    formats.write(path, {"w": np.ones((2, 3), np.float32), "note": "x"})
    data = path.read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert header["w"] == {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}
    assert header["__metadata__"]["format"] == "sporax"


def test_safetensors_truncated_at_every_byte_raises(tmp_path):
    path = tmp_path / "a.safetensors"
    formats.write(path, entries())
    data = path.read_bytes()
    for length in range(len(data)):
        path.write_bytes(data[:length])
        with pytest.raises(CheckpointError):
            formats.read(path)


def test_safetensors_changed_content_raises(tmp_path):
    path = tmp_path / "a.safetensors"
    formats.write(path, entries())
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    for position in range(start, len(data)):
        damaged = bytearray(data)
        damaged[position] ^= 2
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match=r"damaged"):
            formats.read(path)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ({"z": np.complex128(1)}, r"'z' has dtype complex128, which safetensors does not support"),
        ({"__metadata__": np.ones(2)}, r"'__metadata__' is reserved by the safetensors format"),
        ({"o": object()}, r"'o' must be a numeric or bool array"),
    ],
)
def test_unsupported_safetensors_entries_raise(tmp_path, bad, message):
    with pytest.raises(CheckpointError, match=message):
        formats.write(tmp_path / "a.safetensors", bad)
    assert os.listdir(tmp_path) == []


# --- foreign files ---


def _zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"x")


FOREIGN = {
    "zip": (_zip, r"looks like a zip archive \(a PyTorch"),
    "npy": (lambda p: p.write_bytes(b"\x93NUMPY\1\0"), r"looks like a NumPy \.npy file"),
    "png": (lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(30)), r"looks like a PNG image"),
    "jpeg": (lambda p: p.write_bytes(b"\xff\xd8\xff\xe0" + bytes(9)), r"looks like a JPEG image"),
    "hdf5": (lambda p: p.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(9)), r"looks like an HDF5 file"),
    "pickle": (lambda p: p.write_bytes(b"\x80\x04\x95" + bytes(9)), r"looks like a Python pickle"),
    "empty": (lambda p: p.write_bytes(b""), r"looks like an empty file"),
    "zeros": (lambda p: p.write_bytes(bytes(2000)), r"zero bytes only"),
    "text": (lambda p: p.write_text("epoch: 1 step: 1\n"), r"plain text, beginning 'epoch: 1 step: 1"),
    "newlines": (lambda p: p.write_text("\n\n\n\n text"), r"plain text"),
    "long text": (lambda p: p.write_text("né " * 999), r"plain text"),
    "html": (lambda p: p.write_text("\n<!DOCTYPE html><html>404"), r"a web page"),
    "lfs": (lambda p: p.write_text("version https://git-lfs.github.com/spec/v1\n"), r"git lfs pull"),
}


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("suffix", ["ckpt", "safetensors"])
@pytest.mark.parametrize("direct", [False, True], ids=["chosen", "codec"])
def test_a_foreign_file_is_named(tmp_path, kind, suffix, direct):
    make, message = FOREIGN[kind]
    path = tmp_path / f"net.{suffix}"
    make(path)
    reader = getattr(formats, suffix).read if direct else formats.read
    with pytest.raises(CheckpointError, match=message) as caught:
        reader(path)
    assert f"checkpoint file {str(path)!r}" in str(caught.value)
    assert "was expected. Check the file name, or fetch the file again." in str(caught.value)


def test_a_missing_file_suggests_similar_names(tmp_path):
    formats.write(tmp_path / "net-2_10.ckpt", {"w": 1})
    with pytest.raises(CheckpointError, match=r"there is no such file. Did you mean 'net-2_10\.ckpt'\?"):
        formats.read(tmp_path / "net-2_1.ckpt")
    with pytest.raises(CheckpointError, match=r"Check the name and the working directory"):
        formats.read(tmp_path / "quite_other")
    with pytest.raises(CheckpointError, match=r"Its folder .* does not exist either"):
        formats.read(tmp_path / "no" / "net.ckpt")
    with pytest.raises(CheckpointError, match=r"it is a folder. Name one of its files: net-2_10\.ckpt"):
        formats.read(tmp_path)


# --- atomic writing ---


def test_a_failure_keeps_only_the_old_file(tmp_path):
    path = tmp_path / "net.ckpt"
    formats.write(path, {"w": 1})
    before = path.read_bytes()

    def write_half(failure):
        with formats.atomic_write(path) as file:
            file.write(b"half of it")
            raise failure

    for failure in (KeyboardInterrupt, OSError, SystemExit):
        with pytest.raises(failure):
            write_half(failure)
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["net.ckpt"]


def test_the_file_appears_only_at_the_end(tmp_path):
    path = tmp_path / "new"
    with formats.atomic_write(path) as file:
        file.write(b"abc")
        file.flush()
        assert not path.exists()
        assert [p.parent for p in tmp_path.iterdir()] == [tmp_path]
    assert path.read_bytes() == b"abc"


def test_the_file_is_flushed_before_the_rename(tmp_path, monkeypatch):
    events = []
    real_fsync, real_replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda fd: (events.append("fsync"), real_fsync(fd))[1])
    monkeypatch.setattr(os, "replace", lambda a, b: (events.append("replace"), real_replace(a, b))[1])
    formats.write(tmp_path / "a.ckpt", {"w": 1})
    formats.write(tmp_path / "a.safetensors", {"w": 1})
    assert events == ["fsync", "replace", "fsync"] * 2


def test_a_full_disk_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "net.ckpt"
    formats.write(path, {"w": 1})
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for name in ("net.ckpt", "other.safetensors"):
        with pytest.raises(OSError, match="No space left"):
            formats.write(tmp_path / name, {"w": np.zeros(100)})
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["net.ckpt"]


def test_a_killed_process_keeps_the_old_file(tmp_path):
    path = tmp_path / "net.ckpt"
    formats.write(path, {"w": 1})
    before = path.read_bytes()
    script = (
        "import os, sys\nfrom sporax import formats\n"
        "with formats.atomic_write(sys.argv[1]) as file:\n"
        "    file.write(b'x' * 9999); file.flush(); os._exit(9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)])
    assert done.returncode == 9
    assert path.read_bytes() == before


def test_mode_links_and_names(tmp_path):
    path = tmp_path / "net.ckpt"
    mask = os.umask(0o027)
    try:
        formats.write(path, {"w": 1})
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        path.chmod(0o600)
        formats.write(path, {"w": 2})
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        path.chmod(0o400)
        formats.write(path, {"w": 3})
    finally:
        os.umask(mask)
    link = tmp_path / "latest.ckpt"
    link.symlink_to("net.ckpt")
    formats.write(link, {"w": 4})
    assert link.is_symlink()
    assert int(formats.read(path)["w"]) == 4
    formats.write(tmp_path / ("n" * 200 + ".ckpt"), {"w": 5})
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the folder .*no' does not exist. Create it first: os\.makedirs"):
        formats.write(tmp_path / "no" / "a.ckpt", {"w": 1})
    with pytest.raises(IsADirectoryError, match=r"it is a folder. Give a file name inside it"):
        formats.write(tmp_path, {"w": 1}, format="ckpt")


def test_concurrent_writers_leave_one_complete_file(tmp_path):
    path = tmp_path / "net.ckpt"
    threads = [threading.Thread(target=formats.write, args=(path, {"w": np.full(1000, number)})) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    got = formats.read(path)["w"]
    assert (got == got[0]).all()
    assert os.listdir(tmp_path) == ["net.ckpt"]


def test_heavy_libraries_are_imported_lazily():
    script = (
        "import sys\nimport sporax._errors\nimport sporax.formats\n"
        "print([m for m in ('google.protobuf', 'ml_dtypes', 'jax', 'safetensors') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(eval(done.stdout))
    # `import sporax` itself may load jax and with it ml_dtypes; this package imports neither.
    assert not loaded & {"google.protobuf", "safetensors"}
