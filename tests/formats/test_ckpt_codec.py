"""The `.ckpt` codec: round trips, real MindSpore files, and every way a file can be wrong."""

import pathlib
import zlib

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sporax import formats
from sporax._errors import CheckpointError
from sporax.formats import ckpt

DATA = pathlib.Path(__file__).with_name("data")
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
NAMES = "bool int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 float32 float64 complex64 complex128"
DTYPES = [*map(np.dtype, NAMES.split()), BFLOAT16]


def check_same(got, expected):
    """Same names in the same order, dtypes, shapes, bits."""
    assert list(got) == list(expected)
    for name, value in expected.items():
        if isinstance(value, str):
            assert got[name] == value
            continue
        array = np.asarray(value)
        assert isinstance(got[name], np.ndarray)
        assert (got[name].dtype, got[name].shape) == (array.dtype.newbyteorder("<"), array.shape), name
        assert got[name].tobytes() == array.astype(got[name].dtype).tobytes(), name
        assert got[name].flags.writeable


def roundtrip(entries):
    return ckpt.decode(b"".join(ckpt.encode(entries)))


def plain(entries):
    """The same file without header and trailer, as MindSpore writes it by default."""
    return b"".join(ckpt.encode(entries))[11:-17]


def small():
    rng = np.random.default_rng(3)
    return {
        "fc.weight": rng.normal(size=(2, 3)).astype(np.float32),
        "fc.bias": rng.normal(size=2).astype(np.float64),
        "epoch": np.asarray(4),
        "note": "né",
    }


def test_check_same_can_fail():
    expected = small()
    for change in (
        {"epoch": np.asarray(5)},
        {"epoch": np.asarray(4, np.int32)},
        {"epoch": np.asarray([4])},
        {"note": "ne"},
    ):
        with pytest.raises(AssertionError):
            check_same(roundtrip(expected | change), expected)
    with pytest.raises(AssertionError):
        check_same(roundtrip(dict(reversed(expected.items()))), expected)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3, 4), (0,), (3, 0, 2)], ids=str)
def test_roundtrip_of_every_dtype_and_shape(dtype, shape):
    array = np.random.default_rng(7).integers(0, 2, shape).astype(dtype)
    check_same(roundtrip({"a": array, "b": np.float32(1)}), {"a": array, "b": np.float32(1)})


@given(
    st.dictionaries(
        st.text(st.characters(blacklist_categories=("Cs",)), max_size=12),
        st.one_of(
            st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=9),
            st.integers(-(2**63), 2**63 - 1),
            st.booleans(),
            hnp.arrays(
                st.sampled_from([np.float32, np.float16, np.int64, np.uint8, np.bool_]),
                hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4),
            ),
        ),
        max_size=5,
    )
)
def test_roundtrip_of_random_entries(entries):
    check_same(roundtrip(entries), entries)


def test_scalars_strings_and_special_values_are_exact():
    entries = {
        "float": 0.1,
        "int": -(2**63),
        "bool": False,
        "nan": np.float32([np.nan, -0.0, np.inf, 1e-45]),
        "blank": "",
        "astral": "a\U0001f600b",
        "": np.int8(3),
        "crc_num": np.frombuffer(b"crc_num" * 5, np.uint8),
    }
    check_same(roundtrip(entries), entries)
    assert roundtrip({}) == {}


def test_strided_and_big_endian_arrays_are_stored_by_value():
    array = np.arange(12, dtype=">i4").reshape(3, 4)
    check_same(roundtrip({"a": array.T, "b": array[::2, ::-1]}), {"a": array.T, "b": array[::2, ::-1]})


def test_a_large_tensor_is_split_into_slices_and_concatenated(monkeypatch):
    whole = plain({"w": np.arange(100, dtype=np.int16)})
    monkeypatch.setattr(ckpt, "SLICE_BYTES", 7)
    entries = {"w": np.arange(100, dtype=np.int16), "v": np.float64(2), "e": np.zeros((0, 2), np.int8)}
    assert len(plain(entries)) > 3 * len(whole)
    check_same(roundtrip(entries), entries)


@pytest.mark.parametrize("crc", [False, True])
def test_a_file_by_mindspore_is_read(crc):
    entries = ckpt.read(DATA / f"mindspore-2.10-{'crc' if crc else 'plain'}.ckpt")
    for dtype in DTYPES:
        if dtype.kind == "c":
            continue
        array = entries[f"t.{dtype.name.replace('bool', 'bool_')}"]
        assert array.dtype == dtype
        expected = np.array([[1, 0, 3], [7, 2, 5]]).astype(dtype)
        np.testing.assert_array_equal(array.astype(np.float64), expected.astype(np.float64))
    assert entries["scalar"].shape == ()
    assert float(entries["scalar"]) == 2.5
    np.testing.assert_array_equal(entries["deep"], np.arange(24, dtype=np.float32).reshape(2, 3, 4))
    assert (int(entries["epoch_num"]), float(entries["loss"]), bool(entries["flag"])) == (3, 1.5, True)
    assert entries["note"] == "page né"


def test_an_older_scalar_with_one_dim_of_zero_is_read():
    # Value{tag "s", tensor{dims 0, "Float32", 2.0}}: how MindSpore 1.x stored a 0-d tensor.
    data = b"\x0a\x16\x0a\x01s\x12\x11\x08\x00\x12\x07Float32\x1a\x04\x00\x00\x00\x40"
    check_same(ckpt.decode(data), {"s": np.float32(2)})


# --- damage ---


def test_truncation_at_every_byte_raises():
    data = b"".join(ckpt.encode(small()))
    assert ckpt.decode(data)
    for length in range(len(data)):
        with pytest.raises(CheckpointError, match=r"truncated|an empty file|checksum"):
            ckpt.decode(data[:length])


def test_every_flipped_bit_raises():
    data = b"".join(ckpt.encode(small()))
    for position in range(len(data)):
        for bit in range(8):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            with pytest.raises(CheckpointError):
                ckpt.decode(bytes(damaged))


def test_a_file_by_mindspore_with_a_checksum_is_verified():
    data = (DATA / "mindspore-2.10-crc.ckpt").read_bytes()
    assert ckpt.decode(data)
    damaged = bytearray(data)
    damaged[200] ^= 1
    with pytest.raises(CheckpointError, match=r"damaged"):
        ckpt.decode(bytes(damaged))


def test_a_plain_file_truncated_within_a_tensor_raises():
    entries = small()
    data = plain(entries)
    whole = {len(plain(dict(list(entries.items())[:count]))) for count in range(1, len(entries) + 1)}
    accepted = set()
    for length in range(len(data) + 1):
        try:
            ckpt.decode(data[:length])
            accepted.add(length)
        except CheckpointError:
            pass
    assert accepted == whole


def test_truncation_between_the_slices_of_a_plain_file_raises(monkeypatch):
    monkeypatch.setattr(ckpt, "SLICE_BYTES", 8)
    data = plain({"w": np.arange(4, dtype=np.int32)})
    with pytest.raises(CheckpointError, match=r"'w' of shape \(4,\) and type Int32 does not match its 8 bytes"):
        ckpt.decode(data[: len(data) // 2])


def test_garbage_after_the_header_raises_without_a_crash():
    rng = np.random.default_rng(11)
    for _ in range(300):
        noise = rng.integers(0, 256, rng.integers(1, 80), dtype=np.uint8).tobytes()
        for data in (noise, b"\x0a" + noise, b"\x82\x7d\x08sporax 1" + noise):
            with pytest.raises(CheckpointError):
                ckpt.decode(data)


def _value(tag, dims, type_name, content):
    tensor = b"".join(b"\x08" + bytes([d]) for d in dims) + b"\x12" + bytes([len(type_name)]) + type_name
    tensor += b"\x1a" + bytes([len(content)]) + content
    body = b"\x0a" + bytes([len(tag)]) + tag + b"\x12" + bytes([len(tensor)]) + tensor
    return b"\x0a" + bytes([len(body)]) + body


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            _value(b"w", [2], b"Float32", bytes(12)),
            r"'w' of shape \(2,\) and type Float32 does not match its 12",
        ),
        (_value(b"w", [100], b"Float32", bytes(12)), r"'w' of shape \(100,\) and type Float32 does not match"),
        (_value(b"w", [1], b"Qint4", bytes(4)), r"'w' has the type 'Qint4', which sporax does not support"),
        (_value(b"w", [1], b"Int8", b"\1") * 2, r"the name 'w' occurs twice \(byte 18\)"),
        (_value(b"s", [0], b"str", b"\xff\xff\xff\xff"), r"the string 's' is damaged"),
        (_value(b"s", [0], b"str", b"abc"), r"the string 's' is damaged"),
        (b"\x0a\x05\x0a\x01w\x1a\x00", r"'w' is a map parameter, which sporax does not support"),
        (_value(b"w", [1], b"Int8", b"\1") + b"\x12\x00", r"at byte 18 a tensor should begin, but none does"),
        (b"\xd8^:\x7f\xe3\xc1\xc9a", r"begins with d8 5e 3a 7f .*If MindSpore encrypted it"),
    ],
)
def test_the_message_names_the_problem(data, message):
    with pytest.raises(CheckpointError, match=message):
        ckpt.decode(data)


def test_a_dim_of_terabytes_allocates_no_memory():
    tensor = b"\x08" + b"\xff" * 8 + b"\x7f" + b"\x12\x07Float32\x1a\x04" + bytes(4)
    body = b"\x0a\x01w\x12" + bytes([len(tensor)]) + tensor
    with pytest.raises(CheckpointError, match=r"does not match its 4 bytes"):
        ckpt.decode(b"\x0a" + bytes([len(body)]) + body)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, r"'w' must be a numeric .* but got NoneType. Convert it"),
        ([1, [2]], r"'w' must be a numeric .* but got list"),
        ({"a": 1}, r"'w' must be a numeric .* but got dict"),
        (np.array(["a"]), r"'w' must be a numeric .* but got an array of dtype <U1"),
        (np.zeros(2, [("a", int)]), r"'w' must be a numeric .* but got an array of dtype"),
        (np.zeros(2, np.longdouble), r"'w' has dtype (longdouble|float128), which \.ckpt files do not support"),
    ],
)
def test_an_unsupported_entry_raises_before_anything_is_written(tmp_path, value, message):
    path = tmp_path / "a.ckpt"
    with pytest.raises(CheckpointError, match=message):
        ckpt.write(path, {"good": 1, "w": value})
    assert list(tmp_path.iterdir()) == []


def test_a_name_must_be_a_string():
    with pytest.raises(CheckpointError, match=r"a name must be a string, but got 3 of type int"):
        roundtrip({3: np.zeros(2)})


def test_the_trailer_is_that_of_mindspore():
    data = b"".join(ckpt.encode(small()))
    assert data[-17:-10] == b"crc_num"
    assert int.from_bytes(data[-10:], "big") == zlib.crc32(data[:-17])


def test_the_message_class_does_not_conflict_with_others():
    from google.protobuf import descriptor_pb2, descriptor_pool

    roundtrip(small())
    file = descriptor_pb2.FileDescriptorProto(name="checkpoint.proto", syntax="proto2")
    file.message_type.add(name="Checkpoint").nested_type.add(name="Value")
    descriptor_pool.Default().Add(file)
    check_same(roundtrip(small()), small())


def test_read_takes_str_and_path(tmp_path):
    formats.ckpt.write(str(tmp_path / "a.ckpt"), small())
    check_same(ckpt.read(tmp_path / "a.ckpt"), small())
    check_same(ckpt.read(str(tmp_path / "a.ckpt")), small())
