"""The loss contract, point by point, for every loss of the registry.

The relations that the loss checker checks too are defined once, in `sporax.testing._definitions`.

A compilation per loss and test would take an hour: each loss is compiled a few times (`oracles/programs.py`), and
most tests use these programs. Therefore the tests of one loss run in one process. With `SPORAX_TESTS=thorough` every
combination of the parameters of a loss is tested, else only the first and the last.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.compare import close, float_gradients
from oracles.losses import ORACLES, reduced
from oracles.programs import (
    COUNT,
    cotangent_of,
    is_float,
    join,
    not_ignored,
    plain,
    samples,
    split,
    spoil,
    take,
    weighted,
    weights_for,
)
from oracles.samples import SIZES, THOROUGH, inputs_of, settings_of, shape_of
from sporax import losses
from sporax._errors import ArgumentError, DtypeError, LabelError, ShapeError
from sporax.testing._definitions import (
    compiled_mismatch,
    difference_mismatch,
    directional_derivatives,
    hides_nan,
    nonzero,
    not_finite_result,
    reaches_removed,
    reduction_mismatch,
    rounding_mismatch,
    vmap_mismatch,
)

INFOS = list(losses.registry().values())
CHECKED = ("class", "sign", "binary", "probability")
CHECKED_LABELS = [info for info in INFOS if any(item.domain in CHECKED for item in info.function.spec.labels)]


@pytest.fixture(autouse=True)
def _no_silent_rank_promotion():
    with jax.numpy_rank_promotion("raise"):
        yield


def names(infos: list[losses.LossInfo]) -> Any:
    return pytest.mark.parametrize(
        "info", [pytest.param(info, id=info.name, marks=pytest.mark.xdist_group(info.name)) for info in infos]
    )


def one_in(count: int, infos: list[losses.LossInfo]) -> list[losses.LossInfo]:
    """Return every `count`-th loss, and every loss in a thorough run: for properties that the shared decorator
    guarantees or that the tests of a family check too.
    """
    return [info for info in infos if THOROUGH or INFOS.index(info) % count == 0]


def oracle_counts(info: losses.LossInfo, inputs: list[np.ndarray], params: dict[str, Any]) -> Any:
    counts = ORACLES[info.oracle].counts
    return 1.0 if counts is None else counts(*inputs, **params)


# 1. Shapes


@names([info for info in INFOS if info.broadcasting])
def test_a_column_against_a_row_is_an_error_with_both_shapes_and_a_fix(info):
    arrays = [np.full(16, 0.5, np.float32) for _ in info.inputs]
    with pytest.raises(ShapeError) as caught:
        info.function(arrays[0][:, None], *arrays[1:], **settings_of(info)[0])
    message = str(caught.value)
    assert message.startswith(f"{info.name}: ")
    assert "(16, 1)" in message
    assert "(16,)" in message
    assert "(16, 16)" in message
    assert f"Use {info.inputs[-1].name}.reshape((16, 1))." in message


@names([info for info in INFOS if info.broadcasting])
def test_broadcasting_gives_the_shape_of_one_side(info):
    params = settings_of(info)[0]
    shapes = [(3,)] + [(2, 3)] * (len(info.inputs) - 1)
    inputs = [np.full(shape, 0.25 + at, np.float32) for at, shape in enumerate(shapes)]

    def shape_with(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
        arrays = [jax.ShapeDtypeStruct(first, np.float32)] + [
            jax.ShapeDtypeStruct(second, np.float32) for _ in info.inputs[1:]
        ]
        return jax.eval_shape(lambda *a: info.function(*a, **params), *arrays).shape

    assert shape_with((3,), (2, 3)) == ((2, 3) if info.output else ())
    assert shape_with((2, 3), (3,)) == ((2, 3) if info.output else ())
    assert shape_with((), (2,)) == ((2,) if info.output else ())
    for first, second in (((2, 1), (3,)), ((1, 3), (2, 1)), ((1, 2, 1), (2, 2))):
        with pytest.raises(ShapeError, match="larger than either"):
            shape_with(first, second)
    with pytest.raises(ShapeError, match="do not broadcast"):
        shape_with((4,), (3,))
    values = jax.jit(lambda *a: info.function(*a, **params))(*inputs)
    close("value", values, ORACLES[info.oracle].value(*inputs, **params))


@names([info for info in INFOS if not info.broadcasting])
def test_a_wrong_rank_or_size_is_an_error_that_names_it(info):
    inputs, params = inputs_of(info), settings_of(info)[0]
    used = Counter(axis.removesuffix("?") for item in info.inputs for axis in set(item.shape))
    checked = 0
    for at, item in enumerate(info.inputs):
        axes = item.axes(inputs[at].ndim) or ()
        for index, axis in enumerate(axes):
            if used[axis] < 2 and not axis.isdigit():
                continue
            wrong = list(inputs)
            wrong[at] = np.concatenate([inputs[at], np.take(inputs[at], [0], axis=index)], axis=index)
            with pytest.raises(ShapeError) as caught:
                info.function(*wrong, **params)
            assert str(caught.value).startswith(f"{info.name}: ")
            assert "must have" in str(caught.value)
            checked += 1
        if "..." not in item.shape and axes:
            wrong = list(inputs)
            wrong[at] = inputs[at][..., None]
            with pytest.raises(ShapeError) as caught:
                info.function(*wrong, **params)
            assert f"`{item.name}` must have shape" in str(caught.value)
            assert str(wrong[at].shape) in str(caught.value)
            checked += 1
    assert checked or len(info.inputs) == 1


# 2. Reductions, 8. interactions, 9. gradients: the oracle


@names(INFOS)
def test_value_gradient_shape_and_dtype_are_the_oracles(info):
    oracle = ORACLES[info.oracle]
    for seed, params in enumerate(settings_of(info)):
        inputs = inputs_of(info, seed)
        expected = np.asarray(oracle.value(*inputs, **params))
        cotangent = cotangent_of(expected.shape)
        values, gradients = plain(info.name, seed)(inputs, cotangent)
        assert values.dtype == np.float32
        close(f"value with {params}", values, expected, 2e-5)
        expected_gradients = float_gradients(oracle, cotangent, inputs, params)
        for at, (got, gradient) in enumerate(zip(gradients, expected_gradients, strict=True)):
            close(f"gradient of float input {at} with {params}", got, gradient, 5e-5)
            assert got.dtype == np.float32
    sizes = {name: (size,) for name, size in SIZES.items()} | {"...": (3, 2)}
    sizes |= {name: (int(name),) for item in info.inputs for name in item.shape if name.isdigit()}
    if info.examples is None:
        assert values.shape == info.function.spec.output_shape(sizes)


@names(INFOS)
def test_reductions_are_those_of_the_oracles_values(info):
    inputs, params = samples(info, 5), settings_of(info)[-1]
    values = np.asarray(ORACLES[info.oracle].value(*inputs, **params))
    weights = np.random.default_rng(5).choice([0.0, 0.5, 2.0], values.shape, p=[0.3, 0.4, 0.3]).astype(np.float32)
    if info.function.spec.mask_parameter is not None:
        weights = np.where(weights == 0, np.float32(1.5), weights)
    counts = oracle_counts(info, inputs, params)
    found = weighted(info.name)(inputs, weights)
    for kind in losses.REDUCTIONS:
        close(kind, found[kind], reduced(values, kind, weights, counts), 2e-5)
    left = (weights != 0) & not_ignored(info, inputs, params)
    samples_left = left.reshape(len(values), -1).any(1).sum() if values.shape else 1
    close("batchmean", found["batchmean"], reduced(values, "sum", weights) / max(samples_left, 1), 2e-5)
    kept = np.broadcast_to(counts, values.shape)[weights != 0].sum()
    close("total", found["total"], reduced(values, "sum", weights), 2e-5)
    close("weight", found["weight"], kept)
    unweighted = weighted(info.name)(inputs, np.ones_like(weights))
    close("mean", unweighted["mean"], reduced(values, "mean", None, counts), 2e-5)
    wrong = reduction_mismatch(unweighted, float(unweighted["weight"]), 1e-5)
    assert wrong is None, wrong


def test_reduction_names_are_checked():
    for info in INFOS:
        assert not info.reductions or info.default_reduction in info.reductions
    info = losses.get("mse_loss")
    with pytest.raises(ArgumentError) as caught:
        losses.evaluate(info.function, *inputs_of(info), reduction="Mean")
    assert str(caught.value) == (
        "mse_loss: `reduction` must be one of 'none', 'mean', 'sum', 'batchmean', but got 'Mean'. Did you mean 'mean'?"
    )


# 3. Weights and masks, 4. nothing left, 5. denominators


@names([info for info in INFOS if info.output])
def test_a_zero_weight_removes_the_sample_even_if_it_is_invalid(info):
    inputs = samples(info, 2)
    every = np.array([1.5, 0.0, 1.0, 0.0, 0.0, 2.0, 0.5], np.float32)
    kept = np.flatnonzero(every)
    values = jax.eval_shape(lambda *a: info.function(*a, **settings_of(info)[-1]), *inputs)
    weights = weights_for(values, list(every))
    spoiled = spoil(info, inputs, every == 0)
    got = weighted(info.name)(spoiled, weights)
    rest = take(info, inputs, kept)
    if not one_in(3, [info]) and info.function.spec.mask_parameter is None:
        # The same program, as compilation is expensive; its mean is compared with the oracle of the remaining samples.
        expected = weighted(info.name)(inputs, weights)
        params = settings_of(info)[-1]
        left = reduced(
            ORACLES[info.oracle].value(*rest, **params), "mean", weights[kept], oracle_counts(info, rest, params)
        )
        close("mean of the remaining samples", got["mean"], left, 2e-5)
        for name, value in got.items():
            for one, other in zip(jax.tree.leaves(value), jax.tree.leaves(expected[name]), strict=True):
                close(name, one, other)
        return
    expected = weighted(info.name, ("none", "sum", "total"))(rest, np.take(weights, kept, axis=0))
    for kind in ("sum", "mean", "total", "weight"):
        close(kind, got[kind], expected[kind])
    close("none", np.take(np.asarray(got["none"]), kept, axis=0), expected["none"])
    assert not np.asarray(got["none"])[every == 0].any()
    floats = [item for item, array in zip(info.inputs, inputs, strict=True) if is_float(array)]
    for item, whole, part in zip(floats, got["gradients"], expected["gradients"], strict=True):
        if info.function.spec.per_sample(item):
            at = 0 if info.broadcasting else (item.axes(whole.ndim) or ()).index(info.output[0])
            assert not reaches_removed(whole, at, every == 0), item.name
            whole, part = (np.moveaxis(np.asarray(each), at, 0) for each in (whole, part))
            whole = whole[kept]
        close(item.name, whole, part)

    # In eager code, samples of weight 0 are removed before labels are checked.
    if info not in CHECKED_LABELS:
        return
    eager = losses.evaluate(info.function, *spoiled, weights=weights, **settings_of(info)[-1])
    close("eager", eager, expected["mean"])


@names(INFOS)
def test_nothing_left_gives_zero_and_zero_gradients(info):
    inputs = samples(info, 1)
    shape = jax.eval_shape(lambda *a: info.function(*a, **settings_of(info)[-1]), *inputs).shape
    everything = np.ones(COUNT, bool)
    gone = (
        spoil(info, inputs, everything)
        if info.output
        else [np.full_like(a, np.nan) if is_float(a) else a for a in inputs]
    )
    cases = [(weighted(info.name), gone, np.zeros(shape, np.float32))]
    if info.output and one_in(2, [info]):
        empty = take(info, inputs, np.arange(0))
        cases.append((weighted(info.name, ("sum",)), empty, np.ones((0, *shape[1:]), np.float32)))
    for program, arrays, weights in cases:
        found = program(arrays, weights)
        for kind in ("mean", "sum"):
            assert nonzero(found[kind], found["gradients"]) is None
        for gradient, array in zip(found["gradients"], split(arrays)[0], strict=True):
            assert gradient.shape == array.shape


@names([info for info in INFOS if info.output and info.function.spec.mask_parameter is None])
def test_one_batch_equals_uneven_parts(info):
    inputs = samples(info, 6)
    values = jax.eval_shape(lambda *a: info.function(*a, **settings_of(info)[-1]), *inputs)
    weights = weights_for(values, [1, 0, 2, 0, 0.5, 1, 0])
    whole = weighted(info.name)(inputs, weights)
    total = count = 0.0
    for part in ([1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1]):
        found = weighted(info.name)(inputs, weights * weights_for(values, part))
        total, count = total + found["total"], count + found["weight"]
    close("mean", losses.divide(total, count), whole["mean"])


@names(INFOS)
def test_weights_never_make_values_larger(info):
    with pytest.raises(ShapeError, match="`weights` must broadcast to the shape of the loss values"):
        losses.evaluate(info.function, *inputs_of(info), weights=np.ones((9, 1, 1, 1, 1)), **settings_of(info)[0])


# 6. Precision


@names(one_in(3, INFOS))
def test_half_precision_is_computed_in_float32_and_rounded_once(info):
    params = settings_of(info)[0]
    # The formats differ only in rounding.
    formats = (jnp.float16, jnp.bfloat16)
    for dtype in formats if THOROUGH else formats[INFOS.index(info) // 3 % 2 :][:1]:
        half = [array.astype(dtype) if is_float(array) else array for array in inputs_of(info)]
        full = [array.astype(np.float32) if is_float(array) else array for array in half]
        shape = np.shape(ORACLES[info.oracle].value(*full, **params))
        exact, exact_gradients = plain(info.name)(full, cotangent_of(shape))

        def run(*arrays: Any) -> tuple[jax.Array, ...]:
            return (
                info.function(*arrays, **params),
                info.function.full_precision(*arrays, **params),
                losses.evaluate(info.function, *arrays, reduction="sum", **params),
            )

        values, raw, total = jax.jit(run)(*half)
        assert values.dtype == dtype
        assert raw.dtype == np.float32
        close("raw", raw, exact, 2e-5)
        step = float(jnp.finfo(dtype).eps)
        sum_of_exact = np.asarray(exact, np.float64).sum()
        for what, got, expected, steps in (("none", values, exact, 1), ("sum", total, sum_of_exact, 1.5)):
            floor = max(1.0, float(np.abs(expected).max(initial=0)))
            wrong = rounding_mismatch(what, got.astype(np.float32), expected, dtype, steps=steps, floor=floor)
            assert wrong is None, wrong
        assert total.dtype == dtype
    gradients = plain(info.name)(half, cotangent_of(exact.shape))[1]
    for array, gradient, expected in zip(split(half)[0], gradients, exact_gradients, strict=True):
        assert gradient.dtype == array.dtype
        close("gradient", gradient.astype(np.float32), expected, 4 * step)


@names(INFOS)
def test_dtypes_survive_and_integers_never_widen(info):
    params = settings_of(info)[0]

    def dtype_of(*arrays: Any, **options: Any) -> Any:
        return jax.eval_shape(lambda *a: losses.evaluate(info.function, *a, **options, **params), *arrays).dtype

    with jax.enable_x64(True):
        assert dtype_of(*inputs_of(info, dtype=np.float64)) == np.float64
        assert dtype_of(*inputs_of(info)) == np.float32
        assert dtype_of(*inputs_of(info), weights=2.0) == np.float32
        whole = [array.astype(np.int32) if is_float(array) else array for array in inputs_of(info)]
        assert dtype_of(*whole) == np.float32


@names(INFOS)
def test_complex_inputs_are_an_error(info):
    inputs = inputs_of(info)
    for at, item in enumerate(info.inputs):
        wrong = list(inputs)
        wrong[at] = inputs[at].astype(np.complex64)
        with pytest.raises(DtypeError, match=f"`{item.name}` must hold .* but got dtype complex64"):
            info.function(*wrong, **settings_of(info)[0])


@names(INFOS)
def test_extreme_inputs_give_finite_values_and_gradients(info):
    """Zeros, probabilities of 0 and 1 and, except for a loss that declares overflow, scores of ±1e4."""
    inputs = inputs_of(info)
    cotangent = np.ones(np.shape(ORACLES[info.oracle].value(*inputs, **settings_of(info)[0])), np.float32)
    rng = np.random.default_rng(3)
    fills: dict[str, dict[str, tuple[float, ...]]] = {
        "zeros": {"real": (0.0,), "probability": (0.0, 1.0)},
        "ties": {"real": (1.0,), "probability": (0.5,)},
    }
    if not info.overflows:
        fills["large"] = {"real": (-1e4, 1e4), "probability": (0.0, 1.0)}
    for name, fill in fills.items():
        arrays = [
            rng.choice(np.float32(fill[item.domain]), array.shape)
            if is_float(array) and item.domain in fill and info.examples is None
            else array
            for item, array in zip(info.inputs, inputs, strict=True)
        ]
        values, gradients = plain(info.name)(arrays, cotangent)
        floats = [item.name for item, array in zip(info.inputs, arrays, strict=True) if is_float(array)]
        wrong = not_finite_result(values, gradients, floats, per_sample=False)
        assert wrong is None, f"{name}: {wrong}"


@names(INFOS)
def test_a_nan_is_not_hidden(info):
    inputs = inputs_of(info)
    at = next(n for n, item in enumerate(info.inputs) if item.role == "prediction" and is_float(inputs[n]))
    inputs[at] = np.full_like(inputs[at], np.nan)
    shape = np.shape(ORACLES[info.oracle].value(*inputs_of(info), **settings_of(info)[0]))
    assert not hides_nan(plain(info.name)(inputs, np.ones(shape, np.float32))[0])


# 7. Labels


BAD = {
    "class": (99, "be class indices in [0, "),
    "sign": (0, "be 1 or -1"),
    "binary": (5, "be 0 or 1"),
    "probability": (1.5, "in [0, 1]"),
}


def with_bad_label(info: losses.LossInfo) -> tuple[list[np.ndarray], int, tuple[int, ...], str]:
    """Return inputs with two labels out of range, the index of the input, that of the first label, and the message."""
    inputs = inputs_of(info)
    at, item = next(
        (at, item) for at, item in enumerate(info.inputs) if item.role == "label" and item.domain in CHECKED
    )
    bad, said = BAD[item.domain]
    index = (1, *(inputs[at].ndim - 1) * (0,))
    inputs[at][index] = bad
    inputs[at][(2, *index[1:])] = bad
    return inputs, at, index, said


@names(CHECKED_LABELS)
def test_labels_out_of_range_are_named_where_values_are_known(info):
    inputs, at, index, said = with_bad_label(info)
    floats, rest = split(inputs)

    def total(floats: Any) -> jax.Array:
        return info.function(*join(floats, rest), **settings_of(info)[0]).sum()

    calls = [
        lambda: info.function(*inputs, **settings_of(info)[0]),
        lambda: losses.evaluate(info.function, *inputs, **settings_of(info)[0]),
    ]
    if not is_float(inputs[at]):
        calls.append(lambda: jax.grad(total)([jnp.asarray(array) for array in floats]))
    for call in calls:
        with pytest.raises(LabelError) as caught:
            call()
        message = str(caught.value)
        assert message.startswith(f"{info.name}: `{info.inputs[at].name}` must ")
        assert said in message
        assert f"at index {index}" in message


@names(
    [
        info
        for info in CHECKED_LABELS
        if info.function.spec.mask_parameter is None
        and info.output
        and any(item.domain in ("class", "sign", "binary") for item in info.function.spec.labels)
    ]
)
def test_compiled_code_gives_nan_for_that_sample_only_and_no_gradient(info):
    inputs, _, index, _ = with_bad_label(info)
    good = inputs_of(info)
    shape = np.shape(ORACLES[info.oracle].value(*good, **settings_of(info)[0]))
    expected = np.array(plain(info.name)(good, np.ones(shape, np.float32))[0])
    # The axis of several true classes is not an axis of the values.
    for sample in (1, 2):
        expected[(sample, *index[1:])[: expected.ndim]] = np.nan
    values, gradients = plain(info.name)(inputs, np.ones(shape, np.float32))
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5)
    if not info.random:
        for gradient in gradients:
            assert np.isfinite(gradient).all()


@names([info for n, info in enumerate(CHECKED_LABELS) if n % 10 == 0])
def test_debug_mode_checks_in_compiled_code(info):
    inputs, _, index, said = with_bad_label(info)

    def run(arrays: list[np.ndarray]) -> None:
        jax.block_until_ready(jax.jit(lambda *a: info.function(*a, **settings_of(info)[0]))(*arrays))
        jax.effects_barrier()

    with losses.debug_checks(True):
        run(inputs_of(info))
        with pytest.raises(Exception, match="must") as caught:
            run(inputs)
    assert said in str(caught.value)
    assert f"at index {index}" in str(caught.value)
    with losses.debug_checks(False):
        info.function(*inputs, **settings_of(info)[0])


@names(CHECKED_LABELS)
def test_labels_are_checked_on_the_host_without_the_loss(info):
    inputs, at, index, said = with_bad_label(info)
    item = info.inputs[at]
    good = inputs_of(info)
    shapes = {other.name: good[n].shape for n, other in enumerate(info.inputs) if other.role != "label"}
    if info.function.spec.labels[0] is item:
        info.check_labels(shapes, good[at])
    info.check_labels(shapes, {item.name: good[at]})
    with pytest.raises(LabelError) as caught:
        info.check_labels(shapes, {item.name: inputs[at]})
    assert str(caught.value).startswith(f"{info.cell or info.name}: ")
    assert said in str(caught.value)
    assert f"at index {index}" in str(caught.value)
    with pytest.raises(ShapeError, match=f"{info.cell or info.name}: `{item.name}` must have shape"):
        info.check_labels(shapes, {item.name: good[at][..., None]})


@names([info for info in INFOS if any(item.kind == "int" for item in info.inputs)])
def test_integer_inputs_must_be_integers_of_any_kind(info):
    inputs, params = inputs_of(info), settings_of(info)[0]
    for at, item in enumerate(info.inputs):
        if item.kind != "int":
            continue
        for dtype in (np.float32, np.bool_):
            wrong = list(inputs)
            wrong[at] = inputs[at].astype(dtype)
            with pytest.raises(DtypeError) as caught:
                info.function(*wrong, **params)
            assert f"got dtype {np.dtype(dtype).name}" in str(caught.value)
            assert f"Use {item.name}.astype(int32)." in str(caught.value)
    if INFOS.index(info) % 3 and not THOROUGH:
        return
    other = [
        array.astype(np.int8) if item.kind == "int" else array for item, array in zip(info.inputs, inputs, strict=True)
    ]
    cotangent = cotangent_of(np.shape(ORACLES[info.oracle].value(*inputs, **params)))
    close("int8", plain(info.name)(other, cotangent)[0], plain(info.name)(inputs, cotangent)[0], 1e-6)


# 9. Derivatives, jit, vmap, shapes


@names(one_in(3, INFOS))
def test_first_and_second_derivatives_match_finite_differences(info):
    """Compare every mode of JAX along random directions with differences of value and gradient, in float64."""
    params = settings_of(info)[-1]
    with jax.enable_x64(True):
        floats, rest = split(inputs_of(info, 3, np.float64, (2,), {"N": 3}))
        rng = np.random.default_rng(8)
        v, u = ([rng.normal(size=array.shape) for array in floats] for _ in range(2))

        def value(floats: list[Any]) -> jax.Array:
            values = info.function(*join(floats, rest), **params)
            return jnp.sum(values * jnp.cos(jnp.arange(values.size)).reshape(values.shape))

        run = jax.jit(directional_derivatives(value, v, u, second=info.second_derivative))
        tolerances = {"value": (1e-5, 1e-6), "gradient": (1e-4, 1e-5)}
        wrong = difference_mismatch(run, floats, v, tolerances=tolerances)
        assert wrong is None, wrong


@names(one_in(3, INFOS))
def test_float64_is_the_oracles(info):
    params, oracle = settings_of(info)[0], ORACLES[info.oracle]
    with jax.enable_x64(True):
        inputs = inputs_of(info, 20, np.float64)
        expected = np.asarray(oracle.value(*inputs, **params))
        cotangent = cotangent_of(expected.shape).astype(np.float64)
        values, gradients = plain(info.name)(inputs, cotangent)
        assert values.dtype == np.float64
        close("value", values, expected, 1e-10)
        exact = 1e-9 if oracle.gradients is not None else 1e-7
        for got, gradient in zip(gradients, float_gradients(oracle, cotangent, inputs, params), strict=True):
            close("gradient", got, gradient, exact)


@names(one_in(3, INFOS))
def test_jit_is_eager_and_vmap_is_a_loop(info):
    params = settings_of(info)[0]
    batches = [inputs_of(info, seed) for seed in (9, 10)]
    eager = info.function(*batches[0], **params)
    cotangent = cotangent_of(eager.shape)

    def compiled(*arrays: np.ndarray) -> jax.Array:
        return plain(info.name)(arrays, cotangent)[0]

    assert compiled(*batches[0]).dtype == np.float32
    wrong = compiled_mismatch(compiled(*batches[0]), eager, 2e-5)
    assert wrong is None, wrong
    mapped = jax.jit(jax.vmap(lambda *arrays: info.function(*arrays, **params)))
    wrong = vmap_mismatch(mapped, compiled, batches, 1e-5)
    assert wrong is None, wrong


@names(
    one_in(3, [info for info in INFOS if any("..." in item.shape for item in info.inputs) and info.examples is None])
)
def test_other_shapes_are_the_oracles(info):
    sizes = SIZES | {"N": 1}
    inputs, params = inputs_of(info, 4, np.float32, (), sizes), settings_of(info, 4, sizes)[0]
    values = jax.jit(lambda *arrays: info.function(*arrays, **params))(*inputs)
    expected = np.asarray(ORACLES[info.oracle].value(*inputs, **params))
    close("no axes", values, expected.reshape(values.shape), 2e-5)
    inputs = inputs_of(info, 4, np.float32, (2, 1, 0), sizes)
    empty = jax.eval_shape(lambda *arrays: info.function(*arrays, **params), *inputs)
    assert empty.size == 0 or "..." not in info.output


def test_every_loss_has_an_oracle_and_every_oracle_a_loss():
    assert {info.oracle for info in INFOS} == set(ORACLES)


def test_shapes_of_examples_are_those_of_the_registry():
    for info in INFOS:
        if info.examples is None:
            assert [array.shape for array in inputs_of(info)] == [shape_of(item) for item in info.inputs]
