"""The loss contract (DESIGN section 5), point by point, for every row of the registry.

A hundred losses times a compilation for each law would take an hour: each loss is compiled a few times
(`oracles/programs.py`), and most laws are run on those. Tests of one loss stay in one process for that. With
`SPORAX_TESTS=thorough` every combination of a loss's parameters is gone through, and not the first and last alone.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.compare import assert_same, close, float_gradients
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

ROWS = list(losses.registry().values())
CHECKED = ("class", "sign", "binary", "probability")
CHECKED_LABELS = [row for row in ROWS if any(item.domain in CHECKED for item in row.function.spec.labels)]


@pytest.fixture(autouse=True)
def _no_silent_rank_promotion():
    with jax.numpy_rank_promotion("raise"):
        yield


def names(rows: list[losses.LossInfo]) -> Any:
    return pytest.mark.parametrize(
        "row", [pytest.param(row, id=row.name, marks=pytest.mark.xdist_group(row.name)) for row in rows]
    )


def one_in(count: int, rows: list[losses.LossInfo]) -> list[losses.LossInfo]:
    """One row in so many, and every row in a thorough run: for laws that the shared decorator keeps, or that a family's
    own tests look at again.
    """
    return [row for row in rows if THOROUGH or ROWS.index(row) % count == 0]


def oracle_counts(row: losses.LossInfo, inputs: list[np.ndarray], params: dict[str, Any]) -> Any:
    counts = ORACLES[row.oracle].counts
    return 1.0 if counts is None else counts(*inputs, **params)


# 1. Shapes


@names([row for row in ROWS if row.broadcasting])
def test_a_column_against_a_row_is_an_error_with_both_shapes_and_the_mend(row):
    arrays = [np.full(16, 0.5, np.float32) for _ in row.inputs]
    with pytest.raises(ShapeError) as caught:
        row.function(arrays[0][:, None], *arrays[1:], **settings_of(row)[0])
    message = str(caught.value)
    assert message.startswith(f"{row.name}: ")
    assert "(16, 1)" in message
    assert "(16,)" in message
    assert "(16, 16)" in message
    assert f"Use {row.inputs[-1].name}.reshape((16, 1))." in message


@names([row for row in ROWS if row.broadcasting])
def test_broadcasting_keeps_to_one_sides_shape(row):
    params = settings_of(row)[0]
    shapes = [(3,)] + [(2, 3)] * (len(row.inputs) - 1)
    inputs = [np.full(shape, 0.25 + at, np.float32) for at, shape in enumerate(shapes)]

    def shape_with(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
        arrays = [jax.ShapeDtypeStruct(first, np.float32)] + [
            jax.ShapeDtypeStruct(second, np.float32) for _ in row.inputs[1:]
        ]
        return jax.eval_shape(lambda *a: row.function(*a, **params), *arrays).shape

    assert shape_with((3,), (2, 3)) == ((2, 3) if row.output else ())
    assert shape_with((2, 3), (3,)) == ((2, 3) if row.output else ())
    assert shape_with((), (2,)) == ((2,) if row.output else ())
    for first, second in (((2, 1), (3,)), ((1, 3), (2, 1)), ((1, 2, 1), (2, 2))):
        with pytest.raises(ShapeError, match="larger than either"):
            shape_with(first, second)
    with pytest.raises(ShapeError, match="do not broadcast"):
        shape_with((4,), (3,))
    values = jax.jit(lambda *a: row.function(*a, **params))(*inputs)
    close("value", values, ORACLES[row.oracle].value(*inputs, **params))


@names([row for row in ROWS if not row.broadcasting])
def test_every_wrong_rank_or_size_is_an_error_that_names_it(row):
    inputs, params = inputs_of(row), settings_of(row)[0]
    used = Counter(axis.removesuffix("?") for item in row.inputs for axis in set(item.shape))
    checked = 0
    for at, item in enumerate(row.inputs):
        axes = item.axes(inputs[at].ndim) or ()
        for place, axis in enumerate(axes):
            if used[axis] < 2 and not axis.isdigit():
                continue
            wrong = list(inputs)
            wrong[at] = np.concatenate([inputs[at], np.take(inputs[at], [0], axis=place)], axis=place)
            with pytest.raises(ShapeError) as caught:
                row.function(*wrong, **params)
            assert str(caught.value).startswith(f"{row.name}: ")
            assert "must have" in str(caught.value)
            checked += 1
        if "..." not in item.shape and axes:
            wrong = list(inputs)
            wrong[at] = inputs[at][..., None]
            with pytest.raises(ShapeError) as caught:
                row.function(*wrong, **params)
            assert f"`{item.name}` must have shape" in str(caught.value)
            assert str(wrong[at].shape) in str(caught.value)
            checked += 1
    assert checked or len(row.inputs) == 1


# 2. Reductions, 8. interactions, 9. gradients: the oracle


@names(ROWS)
def test_value_gradient_shape_and_dtype_are_the_oracles(row):
    oracle = ORACLES[row.oracle]
    for seed, params in enumerate(settings_of(row)):
        inputs = inputs_of(row, seed)
        expected = np.asarray(oracle.value(*inputs, **params))
        cotangent = cotangent_of(expected.shape)
        values, gradients = plain(row.name, seed)(inputs, cotangent)
        assert values.dtype == np.float32
        close(f"value with {params}", values, expected, 2e-5)
        slopes = float_gradients(oracle, cotangent, inputs, params)
        for at, (got, slope) in enumerate(zip(gradients, slopes, strict=True)):
            close(f"gradient of float input {at} with {params}", got, slope, 5e-5)
            assert got.dtype == np.float32
    sizes = {name: (size,) for name, size in SIZES.items()} | {"...": (3, 2)}
    sizes |= {name: (int(name),) for item in row.inputs for name in item.shape if name.isdigit()}
    if row.examples is None:
        assert values.shape == row.function.spec.output_shape(sizes)


@names(ROWS)
def test_reductions_are_those_of_the_oracles_values(row):
    inputs, params = samples(row, 5), settings_of(row)[-1]
    values = np.asarray(ORACLES[row.oracle].value(*inputs, **params))
    weights = np.random.default_rng(5).choice([0.0, 0.5, 2.0], values.shape, p=[0.3, 0.4, 0.3]).astype(np.float32)
    if row.function.spec.mask_parameter is not None:
        weights = np.where(weights == 0, np.float32(1.5), weights)
    counts = oracle_counts(row, inputs, params)
    found = weighted(row.name)(inputs, weights)
    for kind in losses.REDUCTIONS:
        close(kind, found[kind], reduced(values, kind, weights, counts), 2e-5)
    left = (weights != 0) & not_ignored(row, inputs, params)
    samples_left = left.reshape(len(values), -1).any(1).sum() if values.shape else 1
    close("batchmean", found["batchmean"], reduced(values, "sum", weights) / max(samples_left, 1), 2e-5)
    kept = np.broadcast_to(counts, values.shape)[weights != 0].sum()
    close("total", found["total"], reduced(values, "sum", weights), 2e-5)
    close("weight", found["weight"], kept)
    unweighted = weighted(row.name)(inputs, np.ones_like(weights))
    close("mean", unweighted["mean"], reduced(values, "mean", None, counts), 2e-5)


def test_reduction_names_are_checked():
    for row in ROWS:
        assert not row.reductions or row.default_reduction in row.reductions
    row = losses.get("mse_loss")
    with pytest.raises(ArgumentError) as caught:
        losses.evaluate(row.function, *inputs_of(row), reduction="Mean")
    assert str(caught.value) == (
        "mse_loss: `reduction` must be one of 'none', 'mean', 'sum', 'batchmean', but got 'Mean'. Did you mean 'mean'?"
    )


# 3. Weights and masks, 4. nothing left, 5. denominators


@names([row for row in ROWS if row.output])
def test_a_zero_weight_is_the_samples_removal_whatever_it_held(row):
    inputs = samples(row, 2)
    every = np.array([1.5, 0.0, 1.0, 0.0, 0.0, 2.0, 0.5], np.float32)
    kept = np.flatnonzero(every)
    values = jax.eval_shape(lambda *a: row.function(*a, **settings_of(row)[-1]), *inputs)
    weights = weights_for(values, list(every))
    spoiled = spoil(row, inputs, every == 0)
    got = weighted(row.name)(spoiled, weights)
    rest = take(row, inputs, kept)
    if not one_in(3, [row]) and row.function.spec.mask_parameter is None:
        # The same program, as each compilation costs; what it gives is compared with the oracle of what is left.
        expected = weighted(row.name)(inputs, weights)
        params = settings_of(row)[-1]
        left = reduced(
            ORACLES[row.oracle].value(*rest, **params), "mean", weights[kept], oracle_counts(row, rest, params)
        )
        close("mean of what is left", got["mean"], left, 2e-5)
        for name, value in got.items():
            for one, other in zip(jax.tree.leaves(value), jax.tree.leaves(expected[name]), strict=True):
                close(name, one, other)
        return
    expected = weighted(row.name)(rest, np.take(weights, kept, axis=0))
    for kind in ("sum", "mean", "total", "weight"):
        close(kind, got[kind], expected[kind])
    close("none", np.take(np.asarray(got["none"]), kept, axis=0), expected["none"])
    assert not np.asarray(got["none"])[every == 0].any()
    floats = [item for item, array in zip(row.inputs, inputs, strict=True) if is_float(array)]
    for item, whole, part in zip(floats, got["gradients"], expected["gradients"], strict=True):
        if row.function.spec.per_sample(item):
            at = 0 if row.broadcasting else (item.axes(whole.ndim) or ()).index(row.output[0])
            whole = np.moveaxis(np.asarray(whole), at, 0)
            assert not whole[every == 0].any(), item.name
            whole, part = whole[kept], np.moveaxis(np.asarray(part), at, 0)
        close(item.name, whole, part)

    # In eager code known weights are removed before labels are checked.
    if row not in CHECKED_LABELS:
        return
    eager = losses.evaluate(row.function, *spoiled, weights=weights, **settings_of(row)[-1])
    close("eager", eager, expected["mean"])


@names(ROWS)
def test_nothing_left_gives_zero_and_zero_gradients(row):
    inputs = samples(row, 1)
    shape = jax.eval_shape(lambda *a: row.function(*a, **settings_of(row)[-1]), *inputs).shape
    everything = np.ones(COUNT, bool)
    gone = (
        spoil(row, inputs, everything)
        if row.output
        else [np.full_like(a, np.nan) if is_float(a) else a for a in inputs]
    )
    cases = [(gone, np.zeros(shape, np.float32))]
    if row.output and one_in(2, [row]):
        empty = take(row, inputs, np.arange(0))
        cases.append((empty, np.ones((0, *shape[1:]), np.float32)))
    for arrays, weights in cases:
        found = weighted(row.name)(arrays, weights)
        assert found["mean"] == 0
        assert found["sum"] == 0
        for gradient, array in zip(found["gradients"], split(arrays)[0], strict=True):
            assert gradient.shape == array.shape
            assert not np.asarray(gradient).any()


@names([row for row in ROWS if row.output and row.function.spec.mask_parameter is None])
def test_one_batch_equals_uneven_parts(row):
    inputs = samples(row, 6)
    values = jax.eval_shape(lambda *a: row.function(*a, **settings_of(row)[-1]), *inputs)
    weights = weights_for(values, [1, 0, 2, 0, 0.5, 1, 0])
    whole = weighted(row.name)(inputs, weights)
    total = count = 0.0
    for part in ([1, 1, 1, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0, 0], [0, 0, 0, 0, 1, 1, 1]):
        found = weighted(row.name)(inputs, weights * weights_for(values, part))
        total, count = total + found["total"], count + found["weight"]
    close("mean", losses.divide(total, count), whole["mean"])


@names(ROWS)
def test_weights_never_make_values_larger(row):
    with pytest.raises(ShapeError, match="`weights` must broadcast to the shape of the loss values"):
        losses.evaluate(row.function, *inputs_of(row), weights=np.ones((9, 1, 1, 1, 1)), **settings_of(row)[0])


# 6. Precision


@names(one_in(3, ROWS))
def test_half_precision_is_computed_in_float32_and_rounded_once(row):
    params = settings_of(row)[0]
    # They differ in nothing but their rounding.
    formats = (jnp.float16, jnp.bfloat16)
    for dtype in formats if THOROUGH else formats[ROWS.index(row) // 3 % 2 :][:1]:
        half = [array.astype(dtype) if is_float(array) else array for array in inputs_of(row)]
        full = [array.astype(np.float32) if is_float(array) else array for array in half]
        exact, slopes = plain(row.name)(full, cotangent_of(np.shape(ORACLES[row.oracle].value(*full, **params))))

        def run(*arrays: Any) -> tuple[jax.Array, ...]:
            return (
                row.function(*arrays, **params),
                row.function.full_precision(*arrays, **params),
                losses.evaluate(row.function, *arrays, reduction="sum", **params),
            )

        values, raw, total = jax.jit(run)(*half)
        assert values.dtype == dtype
        assert raw.dtype == np.float32
        close("raw", raw, exact, 2e-5)
        step = float(jnp.finfo(dtype).eps)
        close("none", values.astype(np.float32), exact, step)
        close("sum", total.astype(np.float32), np.asarray(exact, np.float64).sum(), 1.5 * step)
        assert total.dtype == dtype
    gradients = plain(row.name)(half, cotangent_of(exact.shape))[1]
    for array, gradient, slope in zip(split(half)[0], gradients, slopes, strict=True):
        assert gradient.dtype == array.dtype
        close("gradient", gradient.astype(np.float32), slope, 4 * step)


@names(ROWS)
def test_dtypes_survive_and_integers_never_widen(row):
    params = settings_of(row)[0]

    def dtype_of(*arrays: Any, **options: Any) -> Any:
        return jax.eval_shape(lambda *a: losses.evaluate(row.function, *a, **options, **params), *arrays).dtype

    with jax.enable_x64(True):
        assert dtype_of(*inputs_of(row, dtype=np.float64)) == np.float64
        assert dtype_of(*inputs_of(row)) == np.float32
        assert dtype_of(*inputs_of(row), weights=2.0) == np.float32
        whole = [array.astype(np.int32) if is_float(array) else array for array in inputs_of(row)]
        assert dtype_of(*whole) == np.float32


@names(ROWS)
def test_complex_inputs_are_an_error(row):
    inputs = inputs_of(row)
    for at, item in enumerate(row.inputs):
        wrong = list(inputs)
        wrong[at] = inputs[at].astype(np.complex64)
        with pytest.raises(DtypeError, match=f"`{item.name}` must hold .* but got dtype complex64"):
            row.function(*wrong, **settings_of(row)[0])


@names(ROWS)
def test_extreme_inputs_give_finite_values_and_gradients(row):
    """Zeros, certain probabilities and, but for a loss that says it overflows, scores of ±1e4."""
    inputs = inputs_of(row)
    cotangent = np.ones(np.shape(ORACLES[row.oracle].value(*inputs, **settings_of(row)[0])), np.float32)
    rng = np.random.default_rng(3)
    fills: dict[str, dict[str, tuple[float, ...]]] = {
        "zeros": {"real": (0.0,), "probability": (0.0, 1.0)},
        "ties": {"real": (1.0,), "probability": (0.5,)},
    }
    if not row.overflows:
        fills["large"] = {"real": (-1e4, 1e4), "probability": (0.0, 1.0)}
    for name, fill in fills.items():
        arrays = [
            rng.choice(np.float32(fill[item.domain]), array.shape)
            if is_float(array) and item.domain in fill and row.examples is None
            else array
            for item, array in zip(row.inputs, inputs, strict=True)
        ]
        values, gradients = plain(row.name)(arrays, cotangent)
        assert np.isfinite(values).all(), f"{name}: {values}"
        for at, gradient in enumerate(gradients):
            assert np.isfinite(gradient).all(), f"{name}: gradient of float input {at}"


@names(ROWS)
def test_a_nan_is_not_hidden(row):
    inputs = inputs_of(row)
    at = next(n for n, item in enumerate(row.inputs) if item.role == "prediction" and is_float(inputs[n]))
    inputs[at] = np.full_like(inputs[at], np.nan)
    shape = np.shape(ORACLES[row.oracle].value(*inputs_of(row), **settings_of(row)[0]))
    assert np.isnan(plain(row.name)(inputs, np.ones(shape, np.float32))[0]).any()


# 7. Labels


BAD = {
    "class": (99, "be class indices in [0, "),
    "sign": (0, "be 1 or -1"),
    "binary": (5, "be 0 or 1"),
    "probability": (1.5, "in [0, 1]"),
}


def with_bad_label(row: losses.LossInfo) -> tuple[list[np.ndarray], int, tuple[int, ...], str]:
    """Inputs with two labels out of range; which input, where the first one is, and what is said of it."""
    inputs = inputs_of(row)
    at, item = next((at, item) for at, item in enumerate(row.inputs) if item.role == "label" and item.domain in CHECKED)
    bad, said = BAD[item.domain]
    place = (1, *(inputs[at].ndim - 1) * (0,))
    inputs[at][place] = bad
    inputs[at][(2, *place[1:])] = bad
    return inputs, at, place, said


@names(CHECKED_LABELS)
def test_labels_out_of_range_are_named_where_values_are_known(row):
    inputs, at, place, said = with_bad_label(row)
    floats, rest = split(inputs)

    def total(floats: Any) -> jax.Array:
        return row.function(*join(floats, rest), **settings_of(row)[0]).sum()

    calls = [
        lambda: row.function(*inputs, **settings_of(row)[0]),
        lambda: losses.evaluate(row.function, *inputs, **settings_of(row)[0]),
    ]
    if not is_float(inputs[at]):
        calls.append(lambda: jax.grad(total)([jnp.asarray(array) for array in floats]))
    for call in calls:
        with pytest.raises(LabelError) as caught:
            call()
        message = str(caught.value)
        assert message.startswith(f"{row.name}: `{row.inputs[at].name}` must ")
        assert said in message
        assert f"at index {place}" in message


@names(
    [
        row
        for row in CHECKED_LABELS
        if row.function.spec.mask_parameter is None
        and row.output
        and any(item.domain in ("class", "sign", "binary") for item in row.function.spec.labels)
    ]
)
def test_compiled_code_gives_nan_for_that_row_alone_and_no_gradient(row):
    inputs, _, place, _ = with_bad_label(row)
    good = inputs_of(row)
    shape = np.shape(ORACLES[row.oracle].value(*good, **settings_of(row)[0]))
    expected = np.array(plain(row.name)(good, np.ones(shape, np.float32))[0])
    # The axis of several true classes is not one of the values'.
    for index in ((1, *place[1:]), (2, *place[1:])):
        expected[index[: expected.ndim]] = np.nan
    values, gradients = plain(row.name)(inputs, np.ones(shape, np.float32))
    np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-5)
    if not row.random:
        for gradient in gradients:
            assert np.isfinite(gradient).all()


@names([row for n, row in enumerate(CHECKED_LABELS) if n % 10 == 0])
def test_debug_mode_checks_in_compiled_code(row):
    inputs, _, place, said = with_bad_label(row)

    def run(arrays: list[np.ndarray]) -> None:
        jax.block_until_ready(jax.jit(lambda *a: row.function(*a, **settings_of(row)[0]))(*arrays))
        jax.effects_barrier()

    with losses.debug_checks(True):
        run(inputs_of(row))
        with pytest.raises(Exception, match="must") as caught:
            run(inputs)
    assert said in str(caught.value)
    assert f"at index {place}" in str(caught.value)
    with losses.debug_checks(False):
        row.function(*inputs, **settings_of(row)[0])


@names(CHECKED_LABELS)
def test_labels_are_checked_on_the_host_without_the_loss(row):
    inputs, at, place, said = with_bad_label(row)
    item = row.inputs[at]
    good = inputs_of(row)
    shapes = {other.name: good[n].shape for n, other in enumerate(row.inputs) if other.role != "label"}
    if row.function.spec.labels[0] is item:
        row.check_labels(shapes, good[at])
    row.check_labels(shapes, {item.name: good[at]})
    with pytest.raises(LabelError) as caught:
        row.check_labels(shapes, {item.name: inputs[at]})
    assert str(caught.value).startswith(f"{row.cell or row.name}: ")
    assert said in str(caught.value)
    assert f"at index {place}" in str(caught.value)
    with pytest.raises(ShapeError, match=f"{row.cell or row.name}: `{item.name}` must have shape"):
        row.check_labels(shapes, {item.name: good[at][..., None]})


@names([row for row in ROWS if any(item.kind == "int" for item in row.inputs)])
def test_integer_inputs_must_be_integers_of_any_kind(row):
    inputs, params = inputs_of(row), settings_of(row)[0]
    for at, item in enumerate(row.inputs):
        if item.kind != "int":
            continue
        for dtype in (np.float32, np.bool_):
            wrong = list(inputs)
            wrong[at] = inputs[at].astype(dtype)
            with pytest.raises(DtypeError) as caught:
                row.function(*wrong, **params)
            assert f"got dtype {np.dtype(dtype).name}" in str(caught.value)
            assert f"Use {item.name}.astype(int32)." in str(caught.value)
    if ROWS.index(row) % 3 and not THOROUGH:
        return
    other = [
        array.astype(np.int8) if item.kind == "int" else array for item, array in zip(row.inputs, inputs, strict=True)
    ]
    cotangent = cotangent_of(np.shape(ORACLES[row.oracle].value(*inputs, **params)))
    close("int8", plain(row.name)(other, cotangent)[0], plain(row.name)(inputs, cotangent)[0], 1e-6)


# 9. Derivatives, jit, vmap, shapes


@names(one_in(3, ROWS))
def test_first_and_second_derivatives_match_finite_differences(row):
    """Along random directions, in float64: every mode of JAX against differences of the value and of the gradient."""
    params = settings_of(row)[-1]
    with jax.enable_x64(True):
        floats, rest = split(inputs_of(row, 3, np.float64, (2,), {"N": 3}))
        rng = np.random.default_rng(8)
        v, u = ([rng.normal(size=array.shape) for array in floats] for _ in range(2))

        def value(floats: list[Any]) -> jax.Array:
            values = row.function(*join(floats, rest), **params)
            return jnp.sum(values * jnp.cos(jnp.arange(values.size)).reshape(values.shape))

        def along(floats: list[Any], direction: list[Any]) -> jax.Array:
            return sum((jnp.sum(g * d) for g, d in zip(jax.grad(value)(floats), direction, strict=True)), jnp.zeros(()))

        @jax.jit
        def run(floats: list[Any]) -> tuple[jax.Array, ...]:
            reverse = along(floats, v)
            forward = jax.jvp(value, (floats,), (v,))[1]
            if not row.second_derivative:
                return value(floats), reverse, forward
            twice_forward = jax.jvp(lambda x: along(x, u), (floats,), (v,))[1]
            slopes = jax.grad(lambda x: along(x, u))(floats)
            twice_reverse = sum((jnp.sum(g * d) for g, d in zip(slopes, v, strict=True)), jnp.zeros(()))
            return value(floats), reverse, forward, along(floats, u), twice_forward, twice_reverse

        def moved(step: float) -> tuple[jax.Array, ...]:
            return run([array + step * d for array, d in zip(floats, v, strict=True)])

        here, h = run(floats), 1e-5
        ahead, behind = moved(h), moved(-h)
        slope = (ahead[0] - behind[0]) / (2 * h)
        np.testing.assert_allclose(here[1], slope, rtol=1e-5, atol=1e-6, err_msg="reverse")
        np.testing.assert_allclose(here[2], slope, rtol=1e-5, atol=1e-6, err_msg="forward")
        if row.second_derivative:
            bend = (ahead[3] - behind[3]) / (2 * h)
            np.testing.assert_allclose(here[4], bend, rtol=1e-4, atol=1e-5, err_msg="forward over reverse")
            np.testing.assert_allclose(here[5], bend, rtol=1e-4, atol=1e-5, err_msg="reverse over reverse")


@names(one_in(3, ROWS))
def test_float64_is_the_oracles(row):
    params, oracle = settings_of(row)[0], ORACLES[row.oracle]
    with jax.enable_x64(True):
        inputs = inputs_of(row, 20, np.float64)
        expected = np.asarray(oracle.value(*inputs, **params))
        cotangent = cotangent_of(expected.shape).astype(np.float64)
        values, gradients = plain(row.name)(inputs, cotangent)
        assert values.dtype == np.float64
        close("value", values, expected, 1e-10)
        exact = 1e-9 if oracle.gradients is not None else 1e-7
        for got, slope in zip(gradients, float_gradients(oracle, cotangent, inputs, params), strict=True):
            close("gradient", got, slope, exact)


@names(one_in(3, ROWS))
def test_jit_is_eager_and_vmap_is_a_loop(row):
    params = settings_of(row)[0]
    batches = [inputs_of(row, seed) for seed in (9, 10)]
    eager = row.function(*batches[0], **params)
    cotangent = cotangent_of(eager.shape)
    loop = [plain(row.name)(arrays, cotangent)[0] for arrays in batches]
    assert_same("jit", loop[0], eager, np.float32, 2e-5)
    stacked = [np.stack(arrays) for arrays in zip(*batches, strict=True)]
    together = jax.jit(jax.vmap(lambda *arrays: row.function(*arrays, **params)))(*stacked)
    close("vmap", together, np.stack(loop), 1e-5)


@names(one_in(3, [row for row in ROWS if any("..." in item.shape for item in row.inputs) and row.examples is None]))
def test_other_shapes_are_the_oracles(row):
    sizes = SIZES | {"N": 1}
    inputs, params = inputs_of(row, 4, np.float32, (), sizes), settings_of(row, 4, sizes)[0]
    values = jax.jit(lambda *arrays: row.function(*arrays, **params))(*inputs)
    expected = np.asarray(ORACLES[row.oracle].value(*inputs, **params))
    close("no axes", values, expected.reshape(values.shape), 2e-5)
    inputs = inputs_of(row, 4, np.float32, (2, 1, 0), sizes)
    empty = jax.eval_shape(lambda *arrays: row.function(*arrays, **params), *inputs)
    assert empty.size == 0 or "..." not in row.output


def test_every_row_has_an_oracle_and_every_oracle_a_row():
    assert {row.oracle for row in ROWS} == set(ORACLES)


def test_shapes_of_examples_are_the_rows():
    for row in ROWS:
        if row.examples is None:
            assert [array.shape for array in inputs_of(row)] == [shape_of(item) for item in row.inputs]
