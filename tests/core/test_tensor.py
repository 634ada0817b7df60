"""Tensor: printed forms, construction, indexing, exchange with NumPy and JAX."""

from __future__ import annotations

import copy
import os
import pickle
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import sporax.core.dtype as dt
from sporax._errors import ArgumentError, ArgumentTypeError, ShapeError, StateError
from sporax.core import Parameter, Tensor, is_tensor, to_array

f32 = np.float32

# (value, print, repr) as in MindSpore 2.10; None if not compared.
PRINTED = [
    (
        Tensor(np.array([[1, 2.5], [3, -4]], f32)),
        "[[ 1.   2.5]\n [ 3.  -4. ]]",
        "Tensor(shape=[2, 2], dtype=Float32, value=\n[[ 1.00000000e+00,  2.50000000e+00],\n"
        " [ 3.00000000e+00, -4.00000000e+00]])",
    ),
    (Tensor([1, 2, 3]), "[1 2 3]", "Tensor(shape=[3], dtype=Int64, value= [1, 2, 3])"),
    (
        Tensor([1.0, 2.0]),
        "[1. 2.]",
        "Tensor(shape=[2], dtype=Float32, value= [ 1.00000000e+00,  2.00000000e+00])",
    ),
    (Tensor([True, False]), "[ True False]", "Tensor(shape=[2], dtype=Bool, value= [ True, False])"),
    (Tensor(3.5), "3.5", "Tensor(shape=[], dtype=Float32, value= 3.5)"),
    (Tensor(1.0), "1.0", "Tensor(shape=[], dtype=Float32, value= 1)"),
    (Tensor(7), "7", "Tensor(shape=[], dtype=Int64, value= 7)"),
    (Tensor(True), "True", "Tensor(shape=[], dtype=Bool, value= True)"),
    (Tensor(np.zeros((0, 3), f32)), "[]", "Tensor(shape=[0, 3], dtype=Float32, value=\n)"),
    (Tensor(np.zeros((0,), np.int64)), "[]", "Tensor(shape=[0], dtype=Int64, value= )"),
    (
        Tensor(np.arange(2000).astype(f32)),
        "[0.000e+00 1.000e+00 2.000e+00 ... 1.997e+03 1.998e+03 1.999e+03]",
        "Tensor(shape=[2000], dtype=Float32, value= [ 0.00000000e+00,  1.00000000e+00,  2.00000000e+00 ... "
        " 1.99700000e+03,  1.99800000e+03,  1.99900000e+03])",
    ),
    (
        Tensor(np.arange(2000).reshape(40, 50)),
        None,
        "Tensor(shape=[40, 50], dtype=Int64, value=\n[[   0,    1,    2 ...   47,   48,   49],\n"
        " [  50,   51,   52 ...   97,   98,   99],\n [ 100,  101,  102 ...  147,  148,  149],\n ...\n"
        " [1850, 1851, 1852 ... 1897, 1898, 1899],\n [1900, 1901, 1902 ... 1947, 1948, 1949],\n"
        " [1950, 1951, 1952 ... 1997, 1998, 1999]])",
    ),
    (
        Tensor(np.array([-1.5, 2.25e-9, 1e10], f32)),
        "[-1.50e+00  2.25e-09  1.00e+10]",
        "Tensor(shape=[3], dtype=Float32, value= [-1.50000000e+00,  2.24999996e-09,  1.00000000e+10])",
    ),
    (Tensor(np.array([0.1, 0.33333334], f32)), "[0.1        0.33333334]", None),
    (Tensor(np.array([1e-5, 1.0], f32)), "[1.e-05 1.e+00]", None),
    (Tensor(1e-12, dt.float32), "1e-12", "Tensor(shape=[], dtype=Float32, value= 1e-12)"),
    (
        Tensor(1.23456789e10, dt.float32),
        "12345679000.0",
        "Tensor(shape=[], dtype=Float32, value= 1.23457e+10)",
    ),
    (Tensor(np.array(1e8, f32)), "100000000.0", "Tensor(shape=[], dtype=Float32, value= 1e+08)"),
    (Tensor(0.0001), "1e-04", "Tensor(shape=[], dtype=Float32, value= 0.0001)"),
    (Tensor(1e16), "1e+16", "Tensor(shape=[], dtype=Float32, value= 1e+16)"),
    (Tensor(-0.0), "-0.0", "Tensor(shape=[], dtype=Float32, value= -0)"),
    (Tensor(float("nan")), "nan", "Tensor(shape=[], dtype=Float32, value= nan)"),
    (Tensor(float("-inf")), "-inf", "Tensor(shape=[], dtype=Float32, value= -inf)"),
    (
        Tensor(np.float64(1.23456789012345)),
        "1.23456789012345",
        "Tensor(shape=[], dtype=Float64, value= 1.23457)",
    ),
    (
        Tensor(np.array([1.5, 2.25], np.float16)),
        "[1.5  2.25]",
        "Tensor(shape=[2], dtype=Float16, value= [ 1.5000e+00,  2.2500e+00])",
    ),
    (Tensor(65504.0, dt.float16), "65500.0", "Tensor(shape=[], dtype=Float16, value= 65504)"),
    (
        Tensor(np.array([1.5, np.nan, -np.inf]), dt.bfloat16),
        "[ 1.5  nan -inf]",
        "Tensor(shape=[3], dtype=BFloat16, value= [ 1.5000e+00,         nan,        -inf])",
    ),
    (Tensor(1.5, dt.bfloat16), "1.5", "Tensor(shape=[], dtype=BFloat16, value= 1.5)"),
    (
        Tensor(np.array([np.nan, np.inf, -np.inf, 1], f32)),
        "[ nan  inf -inf   1.]",
        "Tensor(shape=[4], dtype=Float32, value= [            nan,             inf,            -inf,  1.00000000e+00])",
    ),
    (
        Tensor(np.array([1 + 2j, -3.5 - 0.25j], np.complex64)),
        "[ 1. +2.j   -3.5-0.25j]",
        "Tensor(shape=[2], dtype=Complex64, value= [1+2j, -3.5-0.25j])",
    ),
    (Tensor(1 + 2j, dt.complex64), "(1+2j)", "Tensor(shape=[], dtype=Complex64, value= 1+2j)"),
    (
        Tensor(np.arange(8).reshape(2, 2, 2).astype(f32)),
        "[[[0. 1.]\n  [2. 3.]]\n\n [[4. 5.]\n  [6. 7.]]]",
        "Tensor(shape=[2, 2, 2], dtype=Float32, value=\n[[[ 0.00000000e+00,  1.00000000e+00],\n"
        "  [ 2.00000000e+00,  3.00000000e+00]],\n [[ 4.00000000e+00,  5.00000000e+00],\n"
        "  [ 6.00000000e+00,  7.00000000e+00]]])",
    ),
]


class TestPrinting:
    @pytest.mark.parametrize(("tensor", "printed", "shown"), PRINTED)
    def test_as_mindspore(self, tensor, printed, shown):
        if printed is not None:
            assert str(tensor) == printed
        if shown is not None:
            assert repr(tensor) == shown

    def test_in_containers_and_formats(self):
        assert f"{[Tensor(1.0), Tensor([2])]}" == (
            "[Tensor(shape=[], dtype=Float32, value= 1), Tensor(shape=[1], dtype=Int64, value= [2])]"
        )
        assert f"{Tensor([1.5])}" == "[1.5]"
        assert f"{Tensor(1.23456):.3f}" == "1.235"
        assert "%.3f" % Tensor(1.5) == "1.500"  # noqa: UP031

    def test_the_printed_form_of_a_traced_tensor(self):
        seen = []
        jax.jit(lambda x: seen.append((str(Tensor(x)), repr(Tensor(x)))) or x)(jnp.ones((2, 3), jnp.float32))
        text = "Tensor(shape=[2, 3], dtype=Float32, value=<traced>)"
        assert seen == [(text, text)]

    def test_print_options_of_numpy_do_not_change_repr(self):
        with np.printoptions(precision=2, suppress=True, linewidth=20):
            assert repr(PRINTED[0][0]) == PRINTED[0][2]


class TestConstruction:
    @pytest.mark.parametrize(
        ("data", "dtype", "shape"),
        [
            (1, dt.int64, ()),
            (1.0, dt.float32, ()),
            ([1, 2], dt.int64, (2,)),
            ([1.0, 2], dt.float32, (2,)),
            (True, dt.bool_, ()),
            ([True, 2], dt.int64, (2,)),
            (np.array([1.0]), dt.float64, (1,)),
            (np.array([1]), dt.int64, (1,)),
            (np.float64(1), dt.float64, ()),
            (np.int32(1), dt.int32, ()),
            (1j, dt.complex128, ()),
            ((1, 2.5), dt.float32, (2,)),
            ([[1], [2]], dt.int64, (2, 1)),
            ([], dt.float32, (0,)),
            (Tensor([1.0]), dt.float32, (1,)),
            ([Tensor(1), Tensor(2)], dt.int64, (2,)),
            (2**40, dt.int64, ()),
            (np.uint8(3), dt.uint8, ()),
            (jnp.ones(2, jnp.float16), dt.float16, (2,)),
        ],
    )
    def test_dtypes_as_mindspore(self, data, dtype, shape):
        made = Tensor(data)
        assert made.dtype is dtype
        assert made.shape == shape

    def test_given_dtypes(self):
        assert Tensor([1.7], dt.int32).tolist() == [1]
        assert Tensor([0.0, 2.0], dt.bool_).tolist() == [False, True]
        assert Tensor(Tensor([1]), dt.float32).dtype is dt.float32
        assert Tensor([1, 2], np.float16).dtype is dt.float16
        assert Tensor(1, "bfloat16").dtype is dt.bfloat16

    def test_64_bit_dtypes_are_preserved(self):
        assert Tensor(2**62 + 1).item() == 2**62 + 1
        assert Tensor(np.float64(1) + 1e-12).item() == 1 + 1e-12
        assert (Tensor(np.array([2**40])) + 1).item() == 2**40 + 1

    def test_shape_and_dtype_alone_give_zeros(self):
        assert Tensor(shape=(2, 3), dtype=dt.float32).tolist() == [[0.0] * 3] * 2

    @pytest.mark.parametrize("size", [1, 3, 100_000])
    @pytest.mark.parametrize(
        "make",
        [Tensor, Tensor.from_numpy, Parameter, lambda n: Tensor(n) + 0],
        ids=["Tensor", "from_numpy", "Parameter", "a sum"],
    )
    def test_no_memory_is_shared_with_numpy(self, make, size):
        # MindSpore's from_numpy and asnumpy share memory; JAX arrays are immutable and must not be modified.
        array = np.arange(size, dtype=np.float32)
        tensor = make(array)
        np.add(array, 1, out=array)
        assert tensor[0].item() == 0
        out = tensor.asnumpy()
        out += 5
        assert tensor[0].item() == 0
        assert tensor.asnumpy()[-1] == size - 1

    @pytest.mark.parametrize(
        "index",
        [Tensor(1), Tensor([1]), Tensor([[1]]), Tensor([True]), Tensor([1], np.uint8), Parameter(np.array([1]))],
    )
    def test_one_element_is_an_index(self, index):
        assert [[1, 2], [3, 4]][0][index] == 2
        assert list(range(index)) == [0]

    def test_from_numpy(self):
        assert Tensor.from_numpy(np.arange(3)).tolist() == [0, 1, 2]
        with pytest.raises(ArgumentTypeError, match=r"must be a numpy\.ndarray, but got list"):
            Tensor.from_numpy([1, 2])

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (
                lambda: Tensor("abc"),
                ArgumentTypeError,
                "(nested) sequences of numbers, but got 'abc' of type str",
            ),
            (lambda: Tensor({"a": 1}), ArgumentTypeError, "of type dict"),
            (lambda: Tensor(np.array([object()])), ArgumentTypeError, "`input_data` must be a Tensor"),
            (lambda: Tensor([1, [2, 3]]), ArgumentTypeError, "All rows must have the same length"),
            (lambda: Tensor(), ArgumentError, "pass `input_data`, or `shape`, `dtype` and `init`"),
            (lambda: Tensor([1], 3), ArgumentTypeError, "3 is not a dtype that sporax has. It has: bool_"),
            (lambda: Tensor([1], "float33"), ArgumentTypeError, "'float33' is not a dtype"),
            (
                lambda: Tensor(dtype=dt.float32, init=lambda s, d: 1),
                ArgumentError,
                "`init` requires `shape` and `dtype`",
            ),
            (
                lambda: Tensor([1.0], shape=(1,), dtype=dt.float32, init=lambda s, d: np.ones(s)),
                ArgumentError,
                "pass `input_data` or `init`, not both",
            ),
        ],
    )
    def test_errors(self, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call()


class TestConversion:
    def test_attributes(self):
        x = Tensor(np.arange(6).reshape(2, 3))
        assert (x.shape, x.ndim, x.size, x.itemsize, x.nbytes, x.strides) == ((2, 3), 2, 6, 8, 48, (24, 8))
        assert x.T.shape == (3, 2)
        assert x.has_init is False
        assert x.init_data() is x

    def test_numbers(self):
        assert (float(Tensor([1.5])), int(Tensor(1.7)), complex(Tensor(2.0))) == (1.5, 1, 2)
        assert bool(Tensor([1])) is True
        assert [10, 20][Tensor(1)] == 20
        assert list(range(Tensor(3))) == [0, 1, 2]
        assert type(Tensor([1]).item()) is int
        assert Tensor([[1, 2]]).item((0, 1)) == 2

    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (
                lambda: bool(Tensor([1, 2])),
                ValueError,
                "truth value of a Tensor with shape (2,) is ambiguous",
            ),
            (lambda: bool(Tensor(np.zeros(0))), ValueError, "with shape (0,)"),
            (
                lambda: float(Tensor([1.5, 2])),
                ValueError,
                "but its shape is (2,). Pass an index, or reduce it",
            ),
            (lambda: Tensor([1, 2]).item(), ValueError, "only a Tensor with one element can be converted to a number"),
            (lambda: len(Tensor(1)), TypeError, "len() of a 0-d Tensor"),
            (lambda: list(Tensor(1)), TypeError, "a 0-d Tensor is not iterable"),
            (lambda: [1, 2][Tensor(1.0)], ArgumentTypeError, "one of shape () and dtype Float32"),
            (lambda: [1, 2][Tensor([0, 1])], ArgumentTypeError, "only a Tensor with one integer or bool can be used"),
            (lambda: range(Tensor(np.zeros((0,), np.int32))), ArgumentTypeError, "one of shape (0,) and dtype Int32"),
        ],
    )
    def test_not_numbers(self, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call()

    def test_iteration_and_membership(self):
        assert [t.item() for t in Tensor([3, 5])] == [3, 5]
        assert 5 in Tensor([3, 5])
        assert 4 not in Tensor([3, 5])

    @pytest.mark.parametrize("each", list(dt.ALL_DTYPES), ids=str)
    def test_copies_and_pickles(self, each):
        x = Tensor(np.arange(6).reshape(2, 3) % 2, each)
        for clone in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x)), x.copy()):
            assert clone is not x
            assert clone.dtype is each
            np.testing.assert_array_equal(clone.asnumpy(), x.asnumpy())

    def test_a_copy_is_independent_of_its_source(self):
        x = Tensor([1.0, 2.0])
        clones = [copy.copy(x), copy.deepcopy(x), x.copy(), Tensor(x)]
        x[0] = 9.0
        assert all(clone[0].item() == 1.0 for clone in clones)

    def test_numpy(self):
        x = Tensor([1.0, 2.0])
        assert np.asarray(x).dtype == np.float32
        assert np.asarray(x, np.float64).dtype == np.float64
        assert np.add(x, 1).tolist() == [2.0, 3.0]
        np.testing.assert_array_equal(np.stack([x, x]), [[1, 2], [1, 2]])

    def test_jax(self):
        x = Tensor([1.0, 2.0])
        assert isinstance(x.jax(), jax.Array)
        assert jnp.sin(x).dtype == jnp.float32
        assert jax.jit(lambda t: t * 2)(x).tolist() == [2.0, 4.0]
        assert jax.grad(lambda t: (t * t).jax().sum())(x).tolist() == [2.0, 4.0]

    def test_dlpack(self):
        x = Tensor(np.arange(6, dtype=f32).reshape(2, 3))
        np.testing.assert_array_equal(np.from_dlpack(x), x.asnumpy())
        assert jnp.from_dlpack(x).tolist() == x.tolist()

    @pytest.mark.peers
    def test_torch(self):
        torch = pytest.importorskip("torch")
        x = Tensor(np.arange(6, dtype=f32).reshape(2, 3))
        there = torch.from_dlpack(x)
        assert there.tolist() == x.tolist()
        assert torch.as_tensor(x.asnumpy()).dtype == torch.float32
        back = Tensor(np.from_dlpack(torch.ones(3)))
        assert back.dtype is dt.float32

    def test_is_tensor(self):
        assert is_tensor(Parameter(1.0))
        assert not is_tensor(jnp.ones(1))

    def test_one_tensor_in_a_trace_does_not_leak(self):
        x = Tensor([1.0, 2.0])
        kept = x.jax()

        def change(value):
            x[0] = value
            return x.jax().sum()

        from sporax import transforms

        assert transforms.jit(change)(Tensor(5.0)).item() == 7.0
        assert x.jax() is kept


# Result dtypes of `row op column` in MindSpore 2.10.
def basic_and_advanced(shape):
    return st.one_of(
        hnp.basic_indices(shape, allow_newaxis=True, allow_ellipsis=True),
        hnp.integer_array_indices(shape, result_shape=hnp.array_shapes(max_dims=2, max_side=3)),
        hnp.arrays(np.bool_, shape),
    )


class TestIndexing:
    @settings(max_examples=25)
    @given(st.data())
    def test_reading_follows_numpy(self, data):
        array = data.draw(hnp.arrays(np.int32, hnp.array_shapes(max_dims=3, max_side=4), unique=True))
        index = data.draw(basic_and_advanced(array.shape))
        got = Tensor(array)[index].asnumpy()
        np.testing.assert_array_equal(got, array[index])
        assert got.dtype == array.dtype

    @settings(max_examples=25)
    @given(st.data())
    def test_writing_follows_numpy(self, data):
        array = data.draw(hnp.arrays(np.int32, hnp.array_shapes(max_dims=3, max_side=4)))
        index = data.draw(
            st.one_of(hnp.basic_indices(array.shape, allow_newaxis=False), hnp.arrays(np.bool_, array.shape))
        )
        tensor, expected = Tensor(array), array.copy()
        expected[index] = 99
        tensor[index] = 99
        np.testing.assert_array_equal(tensor.asnumpy(), expected)

    @settings(max_examples=25)
    @given(st.data())
    def test_writing_broadcasts_as_numpy(self, data):
        array = data.draw(hnp.arrays(np.float32, (3, 4), elements=st.floats(-9, 9, width=32)))
        tensor, expected = Tensor(array), array.copy()
        row = data.draw(st.integers(-3, 2))
        values = data.draw(hnp.arrays(np.float32, st.sampled_from([(), (4,), (1,)]), elements=st.just(f32(7.5))))
        expected[row] = values
        tensor[row] = Tensor(values)
        np.testing.assert_array_equal(tensor.asnumpy(), expected)

    def test_tensors_and_lists_as_indices(self):
        x = Tensor(np.arange(12, dtype=f32).reshape(3, 4))
        assert x[Tensor([0, 2])].tolist() == x.asnumpy()[[0, 2]].tolist()
        assert x[[0, 2]].tolist() == x[Tensor([0, 2])].tolist()
        assert x[x > 5].tolist() == [6, 7, 8, 9, 10, 11]
        assert x[[True, False, True]].shape == (2, 4)
        assert x[Tensor(1)].tolist() == [4, 5, 6, 7]
        assert x[(0, 1), (1, 2)].tolist() == [1, 6]
        assert x[Tensor(1) : Tensor(3), 0].tolist() == [4, 8]
        assert x[[]].shape == (0, 4)
        assert x[True].shape == (1, 3, 4)

    def test_writing_keeps_the_dtype(self):
        x = Tensor([1, 2])
        x[0] = 1.7
        assert (x.tolist(), x.dtype) == ([1, 2], dt.int64)

    def test_writing_does_not_change_other_tensors(self):
        x = Tensor([1.0, 2.0])
        view, held = x[:1], x.jax()
        x[:] = 5.0
        assert view.tolist() == [1.0]
        assert held.tolist() == [1.0, 2.0]

    @pytest.mark.parametrize(
        ("index", "message"),
        [
            (5, "index 5 is out of range for axis 0 of a Tensor of shape (3, 4): it must be in [-3, 2]"),
            (-4, "index -4 is out of range for axis 0"),
            ((0, 9), "index 9 is out of range for axis 1 of a Tensor of shape (3, 4): it must be in [-4, 3]"),
            ((0, 0, 0), "has 2 dimensions, but the index has 3"),
            (Tensor([0, 9]), "index 9 is out of range for axis 0"),
            ((slice(None), [0, -5]), "index -5 is out of range for axis 1"),
            ((Ellipsis, 4), "index 4 is out of range for axis 1"),
            ("a", "a Tensor is indexed by ints, slices, `...`, None, bools"),
            (1.0, "but got 1.0 of type float"),
        ],
    )
    def test_errors_in_reading_and_writing(self, index, message):
        x = Tensor(np.zeros((3, 4), f32))
        with pytest.raises(IndexError, match=re.escape(message)):
            x[index]
        with pytest.raises(IndexError, match=re.escape(message)):
            x[index] = 1.0

    def test_values_of_the_wrong_shape(self):
        x = Tensor([1.0, 2.0])
        message = re.escape(
            "values of shape (3,) cannot be assigned to the elements, of shape (2,), that the index selects"
        )
        with pytest.raises(ShapeError, match=message):
            x[:] = Tensor([7.0, 8.0, 9.0])
        with pytest.raises(ArgumentTypeError, match="but got None"):
            x[0] = None


class TestOtherJaxCode:
    def test_the_x64_setting_of_other_jax_code_is_unchanged(self):
        before = jax.config.jax_enable_x64
        Tensor(np.ones(2)) + 1
        Tensor([1, 2])[0]
        assert jax.config.jax_enable_x64 is before
        assert jnp.asarray(np.ones(2)).dtype == (jnp.float64 if before else jnp.float32)

    def test_the_setting_is_restored_after_an_error(self):
        before = jax.config.jax_enable_x64
        with pytest.raises(ShapeError):
            Tensor([1.0, 2.0]) + Tensor([1.0, 2.0, 3.0])
        assert jax.config.jax_enable_x64 is before

    def test_importing_starts_no_device(self):
        # JAX cannot start on this platform, so the first computation would fail.
        done, control = (
            subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, "JAX_PLATFORMS": "none_such"},
                capture_output=True,
                text=True,
                check=False,
            )
            for code in (
                "import sporax.core, sporax.nn, sporax.ops, sporax.transforms",
                "from sporax.core import Tensor; Tensor(1.0)",
            )
        )
        assert done.returncode == 0, done.stderr
        assert "none_such" in control.stderr

    def test_a_parameter_from_a_traced_value_raises(self):
        with pytest.raises(StateError, match="Create Parameters in __init__, not in construct"):
            jax.jit(lambda x: Parameter(x))(1.0)

    def test_to_array_returns_arrays_unchanged(self):
        array = jnp.ones(3)
        assert to_array(array) is array
        assert to_array(Tensor(array)) is array
