"""Flags, settings and arguments of MindSpore: each takes effect, or raises an error with a suggested fix."""

from __future__ import annotations

import re

import jax
import numpy as np
import pytest

import sporax
from sporax import Parameter, Tensor, context, jit, nn, value_and_grad
from sporax._errors import ArgumentError, ArgumentTypeError
from sporax.core import Cell


class _Net(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Dense(3, 2, weight_init="ones", bias_init="zeros")
        self.second = nn.Dense(2, 1, weight_init="ones", bias_init="zeros")

    def construct(self, x):
        hidden = self.first(x)
        return hidden, self.second(hidden.astype("float32")), x


def _dtypes(net: Cell, x: Tensor) -> list[str]:
    return [str(each.dtype) for each in net(x)]


X = Tensor(np.float32([[1.0009, 2.003, 3.3333]]))


class TestPrecisionFlags:
    """Results of MindSpore 2.10, except where an input is returned unchanged (see docs/differences.md)."""

    @pytest.mark.parametrize(("flag", "dtype"), [("fp16", "Float16"), ("bf16", "BFloat16"), ("fp32", "Float32")])
    def test_recursive(self, flag: str, dtype: str):
        net = _Net().add_flags_recursive(**{flag: True})
        assert _dtypes(net, X)[:2] == [dtype, dtype]
        assert net.get_flags()[flag] is True
        assert net.second.get_flags()[flag] is True

    def test_of_one_cell(self):
        net = _Net()
        net.first.add_flags(fp16=True)
        assert _dtypes(net, X) == ["Float16", "Float32", "Float32"]

    def test_a_cell_without_a_flag_has_that_of_the_enclosing_cell(self):
        net = _Net().add_flags(fp16=True)
        assert _dtypes(net, X)[:2] == ["Float16", "Float16"]

    def test_the_inner_flag_has_precedence(self):
        net = _Net().to_float(sporax.float16)
        net.second.add_flags(fp32=True)
        assert _dtypes(net, X)[:2] == ["Float16", "Float32"]

    def test_false_changes_nothing(self):
        net = _Net().to_float(sporax.float16)
        net.second.add_flags(fp16=False)
        assert _dtypes(net, X)[:2] == ["Float16", "Float16"]

    def test_at_construction(self):
        class Half(nn.Cell):
            def construct(self, x):
                return x / 3

        assert str(Half(flags={"fp16": True})(X).dtype) == "Float16"

    def test_values_and_gradients(self):
        net = nn.Dense(3, 1, weight_init="ones", bias_init="zeros").add_flags(fp16=True)
        halves = np.float16(X.asnumpy())
        np.testing.assert_allclose(net(X).asnumpy(), [[np.float16(np.float64(halves).sum())]], atol=4e-3)
        _, (gradient,) = value_and_grad(lambda x: net(x).sum(), None, [net.weight])(X)
        assert str(gradient.dtype) == "Float32"
        np.testing.assert_array_equal(gradient.asnumpy(), np.float32(halves))

    def test_a_compiled_program_is_updated(self):
        net = _Net()
        compiled = jit(net)
        assert str(compiled(X)[0].dtype) == "Float32"
        net.add_flags_recursive(fp16=True)
        assert str(compiled(X)[0].dtype) == "Float16"

    def test_two_precisions(self):
        with pytest.raises(ArgumentError, match="only one of fp16, fp32 and bf16 may be True, but got fp16, bf16"):
            _Net().add_flags(fp16=True, bf16=True)

    def test_other_flags_are_attributes(self):
        net = _Net().add_flags(sink_mode=True)
        assert net.sink_mode is True
        assert net.get_flags() == {"sink_mode": True}

    def test_to_float_sets_the_flags(self):
        assert _Net().to_float(sporax.float16).get_flags() == {"fp16": True, "fp32": False, "bf16": False}


class TestSettings:
    @pytest.fixture(autouse=True)
    def _restore(self):
        yield
        context.reset_context()

    def test_device_id_without_device_target(self, on_eight_devices):
        source = """
import sporax
for number in (3, 0):
    sporax.set_context(device_id=number)
    (device,) = sporax.Tensor([1.0]).jax().devices()
    print(device.id)
"""
        assert on_eight_devices(source) == "3\n0\n"

    def test_device_id_is_ignored_on_a_cpu(self):
        # As in MindSpore: scripts for several accelerators pass DEVICE_ID also when they run on a CPU.
        context.set_context(device_id=99)
        assert context.get_context("device_id") == 99
        assert len(Tensor([1.0]).jax().devices()) == 1

    @pytest.mark.parametrize("wrong", [-1, 1.5])
    def test_an_invalid_device_id(self, wrong):
        with pytest.raises((ArgumentError, ArgumentTypeError), match="set_context: `device_id` must be"):
            context.set_context(device_id=wrong)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"precompile_only": True}, "`precompile_only` must be False, but got True: sporax compiles a network"),
            ({"deterministic": "MAYBE"}, "`deterministic` must be one of 'ON', 'OFF', but got 'MAYBE'"),
            ({"gpu_config": {"conv_tf32": True}}, "`key of gpu_config` must be one of 'conv_fprop_algo'"),
        ],
    )
    def test_unsupported_values(self, settings, message):
        before = context.get_context(next(iter(settings)))
        with pytest.raises(ArgumentError, match=re.escape(message)):
            context.set_context(**settings)
        assert context.get_context(next(iter(settings))) == before

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"deterministic": "ON"}, "XLA_FLAGS=--xla_gpu_deterministic_ops=true before starting Python"),
            ({"gpu_config": {"matmul_allow_tf32": True}}, "jax.config.update('jax_default_matmul_precision'"),
        ],
    )
    def test_on_a_gpu(self, settings, message, monkeypatch):
        monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
        monkeypatch.delenv("XLA_FLAGS", raising=False)
        with pytest.raises(ArgumentError, match=re.escape(message)):
            context.set_context(**settings)
        if "deterministic" in settings:
            monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_deterministic_ops=true")
            context.set_context(**settings)

    def test_accepted(self):
        context.set_context(precompile_only=False, deterministic="ON", gpu_config={"conv_allow_tf32": True})
        assert context.get_context("deterministic") == "ON"


class TestJit:
    @pytest.mark.parametrize("name", ["capture_mode", "jit_level", "fullgraph", "input_signature", "hash_args"])
    def test_arguments_of_mindspore_are_accepted(self, name: str):
        assert jit(lambda x: x * 2, **{name: None})(Tensor([1.0])).tolist() == [2.0]
        assert jit(**{name: None})(lambda x: x * 2)(Tensor([1.0])).tolist() == [2.0]

    def test_an_unknown_argument_raises(self):
        with pytest.raises(ArgumentTypeError, match="there is no argument 'static_argnums'; the arguments are func"):
            jit(lambda x: x, static_argnums=0)
        with pytest.raises(ArgumentTypeError, match="Did you mean 'fullgraph'"):
            jit(full_graph=True)


class TestTensorArguments:
    def test_shape_with_data_raises(self):
        with pytest.raises(ArgumentError, match=re.escape("but got shape=(4,). Omit it, or use .reshape((4,))")):
            Tensor(np.ones((2, 2), np.float32), shape=(4,))

    def test_without_copy(self):
        # As in MindSpore, a write to the result of astype(copy=False) or to() changes the original.
        x = Tensor([1.0, 2.0])
        assert x.astype(sporax.float32, copy=False) is x
        assert x.to(sporax.float32) is x
        for other in (x.astype(sporax.float32), x.to(sporax.float32, copy=True), x.to(sporax.float16)):
            other[0] = 5
        assert x.tolist() == [1.0, 2.0]

    def test_a_parameter_becomes_a_tensor(self):
        w = Parameter(Tensor([1.0]), name="w")
        assert type(w.to(sporax.float32)) is Tensor
        assert type(w.astype(sporax.float32, copy=False)) is Tensor
