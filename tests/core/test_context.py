"""Context, seeds and dtypes."""

from __future__ import annotations

import pickle
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import sporax.core.dtype as dt
from sporax._errors import ArgumentError, ArgumentTypeError, DeviceError
from sporax.core import Generator, context, default_generator, get_seed, next_key, set_seed


class TestContext:
    def test_defaults(self):
        assert context.get_context("mode") == context.PYNATIVE_MODE == 1
        assert context.explicit_mode() is None
        assert not context.runs_eagerly()
        assert context.get_context("device_id") == 0
        assert context.get_context("max_call_depth") == 1000

    def test_modes(self):
        context.set_context(mode=context.GRAPH_MODE)
        assert context.get_context("mode") == context.GRAPH_MODE == 0
        context.set_context(mode=context.PYNATIVE_MODE)
        assert context.runs_eagerly()
        context.reset_context()
        assert context.explicit_mode() is None

    def test_other_settings_are_stored(self):
        context.set_context(save_graphs=True, max_call_depth=7)
        assert context.get_context("save_graphs") is True
        assert context.get_context("max_call_depth") == 7
        context.reset_context()
        assert context.get_context("max_call_depth") == 1000

    def test_device(self):
        context.set_context(device_target="CPU")
        assert context.get_context("device_target") == "CPU"
        context.set_device("cpu", 0)
        assert context.get_context("device_target") == "CPU"

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (
                lambda: context.set_context(mode=5),
                ArgumentError,
                "GRAPH_MODE (0) or PYNATIVE_MODE (1), but got 5",
            ),
            (lambda: context.set_context(mode="graph"), ArgumentError, "but got 'graph'"),
            (lambda: context.set_context(mode=True), ArgumentError, "but got True"),
            (lambda: context.set_context(nope=1), ArgumentError, "set_context: `setting` must be one of"),
            (lambda: context.set_context(save_graph=1), ArgumentError, "Did you mean 'save_graphs'?"),
            (lambda: context.get_context("nope"), ArgumentError, "get_context: `attr_key` must be one of"),
            (lambda: context.get_context("devise_id"), ArgumentError, "Did you mean 'device_id'?"),
            (
                lambda: context.set_context(device_target="Ascend"),
                DeviceError,
                "device_target 'Ascend': sporax compiles through XLA, which has no Ascend backend. Use 'CPU'",
            ),
            (
                lambda: context.set_device("NPU"),
                DeviceError,
                "device_target 'NPU' is unknown. Use 'CPU', 'GPU' or 'TPU'",
            ),
            (lambda: context.set_device("CPU", 99), DeviceError, "device_id 99: this machine has"),
            (
                lambda: context.set_device("CPU", -1),
                ArgumentError,
                "set_device: `device_id` must be at least 0",
            ),
        ],
    )
    def test_errors(self, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call()

    def test_a_device_that_does_not_exist(self):
        if any(device.platform == "tpu" for device in jax.devices()):
            pytest.skip("this machine has a TPU")
        with pytest.raises(DeviceError, match="JAX finds no such device on this machine; it has "):
            context.set_device("TPU")


class TestSeeds:
    def test_the_same_seed_gives_the_same_stream(self):
        set_seed(5)
        first = [jax.random.key_data(next_key()).tolist() for _ in range(3)]
        numbers = np.random.rand(2).tolist()
        set_seed(5)
        assert [jax.random.key_data(next_key()).tolist() for _ in range(3)] == first
        assert np.random.rand(2).tolist() == numbers
        assert len({tuple(key) for key in first}) == 3
        assert get_seed() == 5

    def test_generators_are_independent(self):
        a, b = Generator(1), Generator(2)
        before = jax.random.key_data(default_generator.key._value).tolist()
        assert jax.random.key_data(a.next_key()).tolist() != jax.random.key_data(b.next_key()).tolist()
        assert jax.random.key_data(default_generator.key._value).tolist() == before
        assert a.initial_seed() == 1

    def test_large_seeds(self):
        set_seed(2**40 + 3)
        assert get_seed() == 2**40 + 3
        one = jax.random.key_data(next_key()).tolist()
        set_seed(3)
        assert jax.random.key_data(next_key()).tolist() != one

    @pytest.mark.parametrize(
        ("seed", "kind", "message"),
        [
            (-1, ArgumentError, "set_seed: `seed` must be at least 0, but got -1"),
            (1.5, ArgumentTypeError, "set_seed: `seed` must be an int, but got 1.5 of type float"),
            (True, ArgumentTypeError, "`seed` must be an int, but got True"),
        ],
    )
    def test_errors(self, seed, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            set_seed(seed)


class TestDtypes:
    @pytest.mark.parametrize(
        ("each", "printed"),
        [
            (dt.float16, "Float16"), (dt.float32, "Float32"), (dt.float64, "Float64"),
            (dt.bfloat16, "BFloat16"),
            (dt.int8, "Int8"), (dt.int16, "Int16"), (dt.int32, "Int32"), (dt.int64, "Int64"),
            (dt.uint8, "UInt8"), (dt.uint16, "UInt16"), (dt.uint32, "UInt32"), (dt.uint64, "UInt64"),
            (dt.bool_, "Bool"), (dt.complex64, "Complex64"), (dt.complex128, "Complex128"),
        ],
    )  # fmt: skip
    def test_printed_as_mindspore(self, each, printed):
        assert str(each) == printed
        assert repr(each) == f"sporax.{each.name}"
        assert pickle.loads(pickle.dumps(each)) is each
        assert np.dtype(each) == each.dtype
        assert dt.from_numpy_dtype(each.dtype) is each

    def test_as_dtype(self):
        for given in (dt.int32, np.int32, np.dtype("int32"), "int32", "Int32", jnp.int32):
            assert dt.as_dtype(given) is dt.int32
        assert [dt.as_dtype(kind) for kind in (bool, int, float)] == [dt.bool_, dt.int64, dt.float32]
        assert dt.as_dtype(jnp.bfloat16) is dt.bfloat16
        with pytest.raises(ArgumentTypeError, match=r"'foo' is not a dtype that sporax has\. It has: bool_, int8"):
            dt.as_dtype("foo")
        with pytest.raises(ArgumentTypeError, match="is not a dtype"):
            dt.as_dtype(np.dtype("datetime64[s]"))

    def test_properties(self):
        assert (dt.bfloat16.is_floating_point, dt.int8.is_floating_point) == (True, False)
        assert (dt.complex64.is_complex, dt.float64.is_complex) == (True, False)
        assert (dt.uint8.is_signed, dt.bool_.is_signed, dt.int8.is_signed) == (False, False, True)
        assert (dt.bfloat16.itemsize, dt.complex128.itemsize) == (2, 16)

    def test_python_types(self):
        assert [dt.dtype_to_pytype(each) for each in (dt.bool_, dt.int8, dt.bfloat16, dt.complex64)] == [
            bool, int, float, complex,
        ]  # fmt: skip
        assert dt.dtype_to_nptype(dt.float16) is np.float16
        assert dt.pytype_to_dtype(np.int32) is dt.int32

    def test_as_keys(self):
        assert {dt.float32: 1}[dt.float32] == 1
        assert dt.float32 in (dt.float16, dt.float32)
        assert dt.float32 != dt.float64


@pytest.fixture
def reset():
    yield
    context.reset_context()


@pytest.mark.parametrize("level", [context.STRICT, context.LAX])
def test_the_syntax_level_is_stored(level, reset):
    assert context.get_context("jit_syntax_level") == context.LAX == 2
    context.set_context(jit_syntax_level=level)
    assert context.get_context("jit_syntax_level") == level
    with pytest.raises(ArgumentError, match=r"`jit_syntax_level` must be STRICT \(0\) or LAX \(2\), but got 5"):
        context.set_context(jit_syntax_level=5)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enable_auto_mixed_precision", False),
        ("aoe_tune_mode", "online"),
        ("aoe_config", {"job_type": "2"}),
        ("disable_format_transform", True),
        ("jit_enable_inplace_ops", False),
        ("enable_profiling", True),
    ],
)
def test_settings_of_other_hardware_are_stored(name, value, reset):
    context.set_context(**{name: value})
    assert context.get_context(name) == value
