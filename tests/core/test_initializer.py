"""Initializers: their distributions, shapes, dtypes and errors.

The statistical checks draw N values from a fixed seed. The tolerance of the mean is 5 σ/√N, and the relative tolerance
of the variance 5 √(2/N); bounds are exact.
"""

from __future__ import annotations

import copy
import math
import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError
from sporax.core import Parameter, Tensor, set_seed
from sporax.core.dtype import bfloat16, bool_, complex64, float16, float32, float64, int32
from sporax.core.initializer import (
    Constant,
    Dirac,
    HeNormal,
    HeUniform,
    Identity,
    Initializer,
    Normal,
    One,
    Ones,
    Orthogonal,
    Sparse,
    TruncatedNormal,
    Uniform,
    VarianceScaling,
    XavierNormal,
    XavierUniform,
    Zero,
    Zeros,
    calculate_fan_in_and_fan_out,
    calculate_gain,
    initializer,
)

RANDOM = [
    Normal(0.5, 1.0),
    TruncatedNormal(0.5, 0.25, -1.0, 1.0),
    Uniform(0.5),
    XavierUniform(2.0),
    XavierNormal(),
    HeUniform(math.sqrt(5)),
    HeNormal(0.1, "fan_out"),
    VarianceScaling(2.0, "fan_avg"),
    Orthogonal(2.0),
    Sparse(0.3, 0.5),
]
ids = pytest.mark.parametrize("init", RANDOM, ids=[type(each).__name__ for each in RANDOM])


def check_moments(x: np.ndarray, mean: float, sigma: float, name: str = "") -> None:
    """Assert that the sample's mean and variance agree with the given mean and standard deviation."""
    x = np.asarray(x).astype(np.float64)
    tolerance = 5 / math.sqrt(x.size)
    assert abs(x.mean() - mean) <= tolerance * sigma, f"{name}: mean {x.mean()}, expected {mean}"
    assert abs(x.var() / sigma**2 - 1) <= tolerance * math.sqrt(2), f"{name}: sigma {x.std()}, expected {sigma}"


def check_normal(x: np.ndarray, mean: float, sigma: float) -> None:
    """Assert that the sample is normal: its moments, and the mass below some quantiles."""
    check_moments(x, mean, sigma)
    z = (np.asarray(x).astype(np.float64).ravel() - mean) / sigma
    for at in (-2.0, -1.0, 0.5, 1.5):
        expected = 0.5 * (1 + math.erf(at / math.sqrt(2)))
        assert abs((z <= at).mean() - expected) < 2.5 / math.sqrt(z.size), f"mass below {at} sigma"


def check_uniform(x: np.ndarray, limit: float) -> None:
    """Assert that the sample is uniform on [-limit, limit], with values close to both ends."""
    x = np.asarray(x).astype(np.float64).ravel()
    assert abs(x).max() <= limit
    assert min(x.max(), -x.min()) > limit * (1 - 20 / x.size)
    check_moments(x, 0.0, limit / math.sqrt(3))
    for part in (0.25, 0.6):
        assert abs((x <= (2 * part - 1) * limit).mean() - part) < 2.5 / math.sqrt(x.size)


@pytest.mark.parametrize(
    ("check", "sample", "args"),
    [
        (check_moments, np.random.default_rng(1).normal(0.2, 1, 4000), (0.0, 1.0)),
        (check_moments, np.random.default_rng(1).normal(0, 1.2, 4000), (0.0, 1.0)),
        (check_normal, np.random.default_rng(1).uniform(-math.sqrt(3), math.sqrt(3), 4000), (0.0, 1.0)),
        (check_uniform, np.random.default_rng(1).normal(0, 1 / math.sqrt(3), 4000).clip(-1, 1), (1.0,)),
        (check_uniform, np.random.default_rng(1).uniform(-1.01, 1, 4000), (1.0,)),
    ],
)
def test_the_checks_can_fail(check, sample, args):
    with pytest.raises(AssertionError):
        check(sample, *args)


class TestDistributions:
    def test_normal(self):
        check_normal(Normal(0.02, 0.5)((200, 300)), 0.5, 0.02)

    def test_default_sigma_of_normal_is_one_hundredth(self):
        check_normal(initializer("normal", (200, 300)).asnumpy(), 0.0, 0.01)

    def test_uniform(self):
        check_uniform(Uniform(0.3)((200, 300)), 0.3)
        check_uniform(initializer("uniform", (200, 300)).asnumpy(), 0.07)

    @pytest.mark.parametrize("shape", [(60, 90), (12, 7, 3, 5), (9, 21, 4)])
    def test_xavier(self, shape):
        fans = (shape[0] + shape[1]) * math.prod(shape[2:])
        check_uniform(XavierUniform(gain=3.0)(shape), 3 * math.sqrt(6 / fans))
        check_normal(XavierNormal(gain=3.0)(shape), 0.0, 3 * math.sqrt(2 / fans))

    @pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
    @pytest.mark.parametrize(
        ("nonlinearity", "negative_slope", "gain"),
        [
            ("leaky_relu", 0, math.sqrt(2)),
            ("leaky_relu", 1.0, 1.0),
            ("relu", 0, math.sqrt(2)),
            ("tanh", 0, 5 / 3),
            ("sigmoid", 0, 1.0),
        ],
    )
    def test_he(self, mode, nonlinearity, negative_slope, gain):
        shape = (40, 70, 3)
        fan = 210 if mode == "fan_in" else 120
        check_uniform(HeUniform(negative_slope, mode, nonlinearity)(shape), gain * math.sqrt(3 / fan))
        check_normal(HeNormal(negative_slope, mode, nonlinearity)(shape), 0.0, gain / math.sqrt(fan))

    @pytest.mark.parametrize(("mode", "fan"), [("fan_in", 300), ("fan_out", 60), ("fan_avg", 180)])
    def test_variance_scaling(self, mode, fan):
        shape, sigma = (20, 100, 3), math.sqrt(2.0 / fan)
        check_uniform(VarianceScaling(2.0, mode, "uniform")(shape), math.sqrt(3) * sigma)
        check_normal(VarianceScaling(2.0, mode, "untruncated_normal")(shape), 0.0, sigma)
        truncated = VarianceScaling(2.0, mode, "truncated_normal")(shape)
        check_moments(truncated, 0.0, sigma)
        bound = 2 * sigma / 0.8796256610342398
        assert 0.99 * bound < abs(truncated).max() <= bound
        with pytest.raises(AssertionError):
            check_uniform(truncated, math.sqrt(3) * sigma)

    @pytest.mark.parametrize(
        ("a", "b"),
        [(-2.0, 2.0), (-0.1, 0.2), (0.5, 0.6), (1.5, 9.0), (4.0, math.inf), (-9.0, -8.0), (30.0, 40.0)],
    )
    def test_truncated_normal(self, a, b):
        # Mean and variance of the standard normal on [a, b], by fine quadrature around the mode.
        low, high = max(a, -12.0), min(b, max(a, 0.0) + 12.0)
        grid = np.linspace(low, high, 400_001)
        grid = (grid[:-1] + grid[1:]) / 2
        weight = np.exp(-0.5 * (grid**2 - np.min(grid**2)))
        mean = (grid * weight).sum() / weight.sum()
        sigma = math.sqrt(((grid - mean) ** 2 * weight).sum() / weight.sum())
        x = TruncatedNormal(2.0, 1.0, 1 + 2 * a, 1 + 2 * b)((300, 200), float64)
        assert x.min() >= 1 + 2 * a
        assert x.max() <= 1 + 2 * b
        # The variance of the sample variance depends on the kurtosis, which is at most 9, that of the exponential.
        z = (x - 1) / 2
        assert abs(z.mean() - mean) < 5 * sigma / math.sqrt(z.size)
        assert abs(z.var() / sigma**2 - 1) < 5 * math.sqrt(8 / z.size)

    def test_truncated_normal_with_wide_bounds_is_normal(self):
        check_normal(initializer("truncatedNormal", (200, 300)).asnumpy(), 0.0, 0.01)

    @pytest.mark.parametrize("shape", [(4, 9), (9, 4), (5, 5), (2, 3, 2), (12, 1, 3)])
    def test_orthogonal(self, shape):
        w = Orthogonal(2.0)(shape, float64).reshape(shape[0], -1)
        product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
        np.testing.assert_allclose(product, 4 * np.eye(min(w.shape)), atol=1e-12)

    def test_orthogonal_gives_rotations_and_reflections_equally_often(self):
        signs = [np.linalg.det(Orthogonal()((3, 3), float64)) for _ in range(400)]
        assert abs(np.mean(signs)) < 0.2
        corner = [Orthogonal()((2, 2), float64)[0, 0] for _ in range(400)]
        assert abs(np.mean(corner)) < 0.2

    @pytest.mark.parametrize(
        ("sparsity", "rows", "zeros"),
        [(0.4, 5, 2), (0.3, 10, 3), (0.25, 10, 3), (0.1, 30, 3), (0, 4, 0), (1, 4, 4)],
    )
    def test_sparse(self, sparsity, rows, zeros):
        x = Sparse(sparsity, 0.5)((rows, 2000))
        assert ((x == 0).sum(axis=0) == zeros).all()
        if zeros < rows:
            check_normal(x[x != 0], 0.0, 0.5)
            assert abs((x == 0).mean(axis=1) - zeros / rows).max() < 5 / math.sqrt(2000)


class TestPatterns:
    def test_constants(self):
        assert (Zero()((2, 3)) == 0).all()
        assert (One()((2, 3)) == 1).all()
        assert Zeros is Zero
        assert Ones is One
        assert initializer(Constant(2**53 + 1), (2,), "int64").asnumpy().tolist() == [2**53 + 1] * 2
        assert initializer(Constant(Tensor([3.5])), 2).asnumpy().tolist() == [3.5, 3.5]
        assert initializer(True, 2, bool_).asnumpy().tolist() == [True, True]
        assert initializer(1 + 2j, 1, complex64).asnumpy().tolist() == [1 + 2j]

    def test_identity(self):
        assert Identity()((2, 3)).tolist() == [[1, 0, 0], [0, 1, 0]]

    def test_dirac_is_the_identity_convolution(self):
        kernel = Dirac()((3, 2, 5))
        expected = np.zeros((3, 2, 5))
        expected[0, 0, 2] = expected[1, 1, 2] = 1
        np.testing.assert_array_equal(kernel, expected)

    def test_dirac_in_groups(self):
        kernel = Dirac(groups=2)((4, 2, 3))
        expected = np.zeros((4, 2, 3))
        expected[[0, 1, 2, 3], [0, 1, 0, 1], 1] = 1
        np.testing.assert_array_equal(kernel, expected)
        assert Dirac()((2, 2, 3, 4, 5))[1, 1, 1, 2, 2] == 1


class TestDtypes:
    @ids
    @pytest.mark.parametrize("dtype", [float16, bfloat16, float32, float64], ids=str)
    def test_floating_dtypes_are_kept(self, init, dtype):
        x = init((7, 5), dtype)
        assert x.dtype == dtype.dtype
        assert x.shape == (7, 5)
        drawn = initializer(init, (7, 5), dtype)
        assert isinstance(drawn, Tensor)
        assert drawn.dtype is dtype

    @ids
    def test_float64_is_drawn_in_float64(self, init):
        x = init((7, 5), float64)
        assert (x.astype(np.float32).astype(np.float64) != x).any()

    @pytest.mark.parametrize("dtype", [float16, bfloat16, float32, float64], ids=str)
    def test_bounds_hold_after_rounding(self, dtype):
        # None of these bounds is representable in half precision.
        for bound in (0.07, 1 / 3, 1e-7):
            assert abs(Uniform(bound)((20_000,), dtype).astype(np.float64)).max() <= bound
        x = TruncatedNormal(1.0, 0.0, 0.07, 1 / 3)((20_000,), dtype).astype(np.float64)
        assert x.min() >= 0.07
        assert x.max() <= 1 / 3

    @ids
    @pytest.mark.parametrize("dtype", [int32, bool_, complex64], ids=str)
    def test_random_initializers_reject_other_dtypes(self, init, dtype):
        message = f"{type(init).__name__}: the values are fractions, but the requested dtype is {dtype}. Use float16"
        with pytest.raises(DtypeError, match=re.escape(message)):
            init((4, 4), dtype)

    @pytest.mark.parametrize("name", ["zeros", "ones", "identity"])
    def test_patterns_accept_every_dtype(self, name):
        for dtype in (int32, bool_, complex64, bfloat16):
            assert initializer(name, (2, 2), dtype).dtype is dtype


class TestSeeds:
    @ids
    def test_the_same_seed_gives_the_same_values(self, init):
        set_seed(7)
        first, second = init((6, 4)), init((6, 4))
        set_seed(7)
        np.testing.assert_array_equal(first, init((6, 4)))
        np.testing.assert_array_equal(second, init((6, 4)))
        assert (first != second).any()

    def test_the_global_generator_of_numpy_is_not_used(self):
        np.random.seed(3)
        expected = np.random.rand()
        np.random.seed(3)
        Normal()((5, 5))
        assert np.random.rand() == expected


class TestFunction:
    @pytest.mark.parametrize(
        ("names", "kind"),
        [
            ("zero zeros Zeros ZERO", Zero),
            ("one ones", One),
            ("normal Normal", Normal),
            ("uniform", Uniform),
            ("truncatedNormal truncated_normal truncatednormal", TruncatedNormal),
            ("xavier_uniform XavierUniform xavieruniform", XavierUniform),
            ("xavier_normal XavierNormal", XavierNormal),
            ("he_uniform HeUniform heuniform", HeUniform),
            ("he_normal HeNormal", HeNormal),
            ("orthogonal", Orthogonal),
            ("variance_scaling variancescaling", VarianceScaling),
            ("identity", Identity),
        ],
    )
    def test_names(self, names, kind):
        for name in names.split():
            set_seed(1)
            expected = kind()((3, 4))
            set_seed(1)
            np.testing.assert_array_equal(initializer(name, (3, 4)).asnumpy(), expected)

    def test_a_number_is_a_constant(self):
        x = initializer(7, [2, 1])
        assert x.asnumpy().tolist() == [[7.0], [7.0]]
        assert x.dtype is float32

    def test_a_tensor_is_returned(self):
        given = Tensor([1.0, 2.0])
        kept = initializer(given, 2, float16)
        assert kept.dtype is float32
        kept[0] = 5.0
        assert given.asnumpy().tolist() == [1.0, 2.0]
        assert initializer(given).shape == (2,)

    def test_a_parameter_is_returned_as_a_tensor(self):
        weight = Parameter([1.0, 2.0], name="w")
        assert type(initializer(weight, (2,))) is Tensor

    @pytest.mark.parametrize("shape", [3, (3,), [3], (np.int64(3),)])
    def test_shapes(self, shape):
        assert initializer("ones", shape).shape == (3,)

    def test_a_scalar(self):
        assert initializer(2.5, ()).item() == 2.5

    def test_tensor_accepts_an_initializer(self):
        x = Tensor(shape=(2, 3), dtype=float16, init=One())
        assert x.dtype is float16
        assert x.asnumpy().tolist() == [[1, 1, 1], [1, 1, 1]]
        assert Tensor(shape=(0, 3), dtype=float32, init=Zero()).shape == (0, 3)

    def test_a_custom_initializer(self):
        class Ramp(Initializer):
            def __init__(self, step):
                super().__init__(step=step)

            def _initialize(self, arr):
                arr[...] = self.step * np.arange(arr.size).reshape(arr.shape)

        assert repr(Ramp(2)) == "Ramp(step=2)"
        assert initializer(Ramp(2), (2, 2), float64).asnumpy().tolist() == [[0, 2], [4, 6]]

    def test_a_custom_initializer_must_define_initialize(self):
        with pytest.raises(NotImplementedError, match="Initializer: define `_initialize"):
            Initializer()((2,))

    @ids
    def test_copies_and_pickles(self, init):
        for clone in (copy.deepcopy(init), pickle.loads(pickle.dumps(init))):
            assert repr(clone) == repr(init)
            set_seed(2)
            expected = init((4, 4))
            set_seed(2)
            np.testing.assert_array_equal(clone((4, 4)), expected)

    @given(st.lists(st.integers(2, 5), min_size=2, max_size=4), st.sampled_from(range(len(RANDOM))))
    def test_shapes_of_two_dimensions_or_more(self, shape, index):
        init = RANDOM[index]
        if isinstance(init, Sparse):
            shape = shape[:2]
        x = init(shape)
        assert x.shape == tuple(shape)
        assert np.isfinite(x).all()


class TestErrors:
    @pytest.mark.parametrize(
        ("call", "kind", "message"),
        [
            (
                lambda: initializer("normall", 2),
                ArgumentError,
                "no initializer 'normall'. Did you mean 'normal'?",
            ),
            (lambda: initializer("xavier", 2), ArgumentError, "Did you mean 'xavier_"),
            (lambda: initializer("foo", 2), ArgumentError, "The names are: 'zero', 'zeros'"),
            (
                lambda: initializer("sparse", 2),
                ArgumentError,
                "'sparse' requires an argument; pass an instance, such as S",
            ),
            (lambda: initializer("Constant", 2), ArgumentError, "such as Constant(0.5)"),
            (lambda: initializer("ones"), ArgumentError, "`shape` is required when `init` is 'ones'"),
            (
                lambda: initializer("ones", (2, -1)),
                ArgumentError,
                "int ≥ 1 or a tuple or list of them, but got (2, -1)",
            ),
            (lambda: initializer("ones", (0, 3)), ArgumentError, "but got (0, 3)"),
            (lambda: initializer("ones", (2, "a")), ArgumentError, "but got (2, 'a')"),
            (lambda: initializer("ones", (2.0,)), ArgumentError, "but got (2.0,)"),
            (
                lambda: initializer([1, 2], 2),
                ArgumentTypeError,
                "but got [1, 2] of type list. Wrap data in a Tensor.",
            ),
            (lambda: initializer(Normal, 2), ArgumentTypeError, "Instantiate the initializer class."),
            (
                lambda: initializer(Tensor([1.0, 2.0]), (3,)),
                ShapeError,
                "has shape (2,), but `shape` is (3,)",
            ),
            (
                lambda: Constant([1, 2]),
                ArgumentTypeError,
                "Constant: `value` must be a number or a Tensor of one",
            ),
            (
                lambda: Constant(Tensor([1.0, 2.0])),
                ArgumentTypeError,
                "pass the Tensor to `initializer`",
            ),
            (lambda: Normal(-1), ArgumentError, "Normal: `sigma` must be in [0, inf), but got -1"),
            (lambda: Normal("a"), ArgumentTypeError, "Normal: `sigma` must be a number, but got 'a'"),
            (
                lambda: TruncatedNormal(0),
                ArgumentError,
                "TruncatedNormal: `sigma` must be in (0, inf), but got 0",
            ),
            (lambda: TruncatedNormal(1, 0, 2, -2), ArgumentError, "`a` must be below `b`, but got a=2, b=-2"),
            (lambda: Uniform(-0.1), ArgumentError, "Uniform: `scale`"),
            (lambda: XavierUniform(0), ArgumentError, "XavierUniform: `gain`"),
            (
                lambda: HeUniform(mode="fan_avg"),
                ArgumentError,
                "HeUniform: `mode` must be one of 'fan_in', 'fan_out'",
            ),
            (lambda: HeNormal(nonlinearity="rleu"), ArgumentError, "but got 'rleu'. Did you mean 'relu'?"),
            (lambda: VarianceScaling(-1), ArgumentError, "VarianceScaling: `scale` must be in (0, inf)"),
            (
                lambda: VarianceScaling(mode="x"),
                ArgumentError,
                "must be one of 'fan_in', 'fan_out', 'fan_avg'",
            ),
            (
                lambda: VarianceScaling(distribution="x"),
                ArgumentError,
                "`distribution` must be one of 'uniform'",
            ),
            (lambda: Sparse(1.4), ArgumentError, "Sparse: `sparsity` must be in [0, 1], but got 1.4"),
            (lambda: Sparse(0.5)((4,)), ShapeError, "Sparse: the shape must have 2 dimensions, but got (4,)"),
            (
                lambda: Identity()((2, 3, 3)),
                ShapeError,
                "Identity: the shape must have 2 dimensions, but got (2, 3, 3)",
            ),
            (
                lambda: Dirac()((2, 2)),
                ShapeError,
                "Dirac: the shape must have 3 to 5 dimensions, but got (2, 2)",
            ),
            (lambda: Dirac(3)((4, 2, 3)), ShapeError, "the first dimension must be a multiple of `groups`=3"),
            (lambda: Dirac(0), ArgumentError, "Dirac: `groups` must be at least 1, but got 0"),
            (lambda: Orthogonal()((3,)), ShapeError, "Orthogonal: the shape must have 2 or more dimensions"),
            (
                lambda: XavierNormal()((3,)),
                ShapeError,
                "fan_in and fan_out need a weight of 2 or more dimensions",
            ),
            (
                lambda: HeNormal()((3,)),
                ShapeError,
                "For a bias or a scale use 'zeros', 'ones', Normal or Uniform.",
            ),
            (
                lambda: calculate_gain("gelu"),
                ArgumentError,
                "calculate_gain: `nonlinearity` must be one of 'linear'",
            ),
        ],
    )
    def test_messages(self, call, kind, message):
        with pytest.raises(kind, match=re.escape(message)):
            call()


def test_fans():
    assert calculate_fan_in_and_fan_out((8, 4)) == (4, 8)
    assert calculate_fan_in_and_fan_out([8, 4, 3, 5]) == (60, 120)


def test_gains():
    assert [calculate_gain(name) for name in ("linear", "sigmoid", "selu")] == [1, 1, 0.75]
    assert calculate_gain("tanh") == pytest.approx(5 / 3)
    assert calculate_gain("leaky_relu") == pytest.approx(math.sqrt(2 / 1.0001))


def test_printed_forms():
    assert repr(Normal(0.3)) == "Normal(sigma=0.3, mean=0.0)"
    assert repr(Zero()) == "Zero()"
    assert Normal(0.3).sigma == 0.3
