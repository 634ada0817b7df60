"""Calling convention of every loss function: `fn(*inputs, **hyper_parameters, reduction="none", weights=None)`.

The contract tests compare each reduction, zero weights and the gradient of the mean with the oracles, for every loss.
"""

from __future__ import annotations

import functools
import inspect
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from oracles.programs import samples
from oracles.samples import THOROUGH, settings_of
from sporax import losses
from sporax._errors import ArgumentError, ArgumentTypeError, DtypeError, ShapeError

INFOS = list(losses.registry().values())
FUNCTIONS = [each for name in losses.__all__ if hasattr(each := getattr(losses, name), "spec")]
REDUCTIONS = ("none", "mean", "sum", "batchmean")

X = np.array([0.5, -1.5, 3.0, 2.0], np.float32)
Y = np.array([0.0, 1.0, 1.0, -1.0], np.float32)
"""The differences are 0.5, -2.5, 2 and 3."""


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.__name__)
def test_the_signature_and_the_docstring_contain_both_keywords(function):
    parameters = inspect.signature(function).parameters
    assert list(parameters)[: len(function.spec.inputs)] == [item.name for item in function.spec.inputs]
    assert list(parameters)[-2:] == list(losses.KEYWORDS)
    for name, default in (("reduction", "none"), ("weights", None)):
        assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert parameters[name].default == default
        assert len(re.findall(rf"^    {name}: ", function.__doc__, re.MULTILINE)) == 1
    arguments = function.__doc__.partition("\nArgs:")[2].partition("\nReturns:")[0]
    assert "    reduction: " in arguments
    assert "    weights: " in arguments


def test_every_public_loss_has_the_keywords():
    """Every function whose name is that of a loss satisfies the contract."""
    named = {name for name in losses.__all__ if name.endswith(("_loss", "_cross_entropy", "_divergence", "_crps"))}
    without = {name for name in named if not hasattr(getattr(losses, name), "spec")}
    assert without == {"make_fenchel_young_loss", "reduce_loss"}
    made = losses.make_fenchel_young_loss(lambda x: jax.scipy.special.logsumexp(x))
    assert set(losses.KEYWORDS) <= set(inspect.signature(made).parameters)
    assert set(losses.registry()) <= {each.__name__ for each in FUNCTIONS}


@pytest.mark.parametrize("info", INFOS, ids=[info.name for info in INFOS])
def test_the_keywords_equal_evaluate(info):
    """One program, so the results are equal bit for bit, for every weight and label."""
    inputs, params = samples(info, 3), settings_of(info)[-1]
    shape = jax.eval_shape(lambda *arrays: info.function(*arrays, **params), *inputs).shape
    weights = np.linspace(0, 1, int(np.prod(shape)), dtype=np.float32).reshape(shape)
    # The four share one code path: two of them for each loss, alternating.
    kinds = REDUCTIONS if THOROUGH else REDUCTIONS[INFOS.index(info) % 2 :: 2]

    def program(call: Any) -> str:
        def run(*arrays: Any) -> list[jax.Array]:
            return [call(*arrays, reduction=kind, weights=weights, **params) for kind in kinds]

        return re.sub(r"0x[0-9a-f]+", "", str(jax.make_jaxpr(run)(*inputs)))

    assert program(info.function) == program(functools.partial(losses.evaluate, info.function))


def test_each_reduction():
    values = np.array([0.125, 2.0, 1.5, 2.5])
    loss = losses.huber_loss
    np.testing.assert_allclose(loss(X, Y), values)
    np.testing.assert_allclose(loss(X, Y, reduction="sum"), 6.125)
    np.testing.assert_allclose(loss(X, Y, reduction="mean"), 6.125 / 4)
    np.testing.assert_allclose(loss(X.reshape(2, 2), Y.reshape(2, 2), reduction="batchmean"), 6.125 / 2)
    np.testing.assert_allclose(loss(X, Y, weights=[2, 0, 1, 0]), [0.25, 0, 1.5, 0])
    np.testing.assert_allclose(loss(X, Y, reduction="mean", weights=[2, 0, 1, 0]), 1.75 / 2)
    np.testing.assert_allclose(loss(X, Y, delta=2.0, reduction="sum", weights=0.5), (0.125 + 3 + 2 + 4) / 2)


def test_a_loss_of_a_set_accepts_the_keywords_too():
    value = np.sqrt(np.mean(np.square(X - Y)))
    for kind in REDUCTIONS:
        np.testing.assert_allclose(losses.rmse_loss(X, Y, reduction=kind), value, rtol=1e-6)
    np.testing.assert_allclose(losses.rmse_loss(X, Y, reduction="sum", weights=2.0), 2 * value, rtol=1e-6)
    with pytest.raises(ShapeError, match=r"`weights` must broadcast to the shape of the loss values, \(\)"):
        losses.rmse_loss(X, Y, weights=np.ones(4))


def test_the_gradient_needs_a_scalar():
    with pytest.raises(TypeError, match="scalar-output functions"):
        jax.grad(losses.huber_loss)(X, Y)
    gradient = np.array([0.5, -1.0, 1.0, 1.0])
    mean = functools.partial(losses.huber_loss, reduction="mean")
    np.testing.assert_allclose(jax.grad(mean)(X, Y), gradient / 4)
    np.testing.assert_allclose(jax.jit(jax.grad(mean))(X, Y), gradient / 4)
    np.testing.assert_allclose(jax.vmap(jax.grad(mean))(X[:, None], Y[:, None])[:, 0], gradient)
    static = jax.jit(losses.huber_loss, static_argnames="reduction")
    np.testing.assert_allclose(static(X, Y, reduction="mean"), 6.125 / 4)
    np.testing.assert_allclose(static(X, Y, reduction="sum", weights=jnp.ones(4)), 6.125)


def test_a_removed_element_affects_neither_value_nor_gradient():
    x, y = np.array([[1.0, 2.0], [np.nan, np.inf]], np.float32), np.array([0, 7])
    mean = functools.partial(losses.cross_entropy, reduction="mean", weights=np.array([1.0, 0.0]))
    value, gradient = jax.value_and_grad(mean)(x, y)
    p = np.exp(1) / (1 + np.exp(1))
    np.testing.assert_allclose(value, -np.log(1 - p), rtol=1e-6)
    np.testing.assert_allclose(gradient, [[-p, p], [0, 0]], rtol=1e-6)


def test_half_precision_is_rounded_once():
    x = np.full(4096, 1.0, np.float16)
    assert losses.mse_loss(x, np.zeros_like(x), reduction="sum") == 4096
    assert losses.mse_loss(x, np.zeros_like(x), reduction="sum").dtype == np.float16
    assert losses.mse_loss(x * 300, np.zeros_like(x), reduction="mean", weights=0.5) == 45000


def test_invalid_calls_raise():
    with pytest.raises(ArgumentError) as caught:
        losses.huber_loss(X, Y, reduction="average")
    assert str(caught.value) == (
        "huber_loss: `reduction` must be one of 'none', 'mean', 'sum', 'batchmean', but got 'average'."
    )
    with pytest.raises(ArgumentError, match="linear_cross_entropy: `reduction` must be one of 'none'"):
        losses.linear_cross_entropy(np.ones((2, 3)), np.ones((4, 3)), np.array([0, 1]), reduction="average")
    with pytest.raises(TypeError, match="too many positional"):
        losses.huber_loss(X, Y, 1.0)
    for name in losses.KEYWORDS:
        source = {"loss_function": losses.loss_function, "prediction": losses.prediction}
        code = f"@loss_function(prediction('x', '...'), output='...')\ndef own(x, *, {name}=1): return x"
        with pytest.raises(ArgumentError, match=f"own must not have an argument named `{name}`"):
            exec(code, source)


def test_a_custom_loss_has_the_keywords():
    @losses.loss_function(losses.prediction("x", "..."), losses.label("y", "..."), output="...")
    def quartic(x, y, **options):
        return (x - y) ** options.get("power", 4)

    assert list(inspect.signature(quartic).parameters) == ["x", "y", "reduction", "weights", "options"]
    assert quartic.__doc__ is None
    np.testing.assert_allclose(quartic(X, Y, reduction="sum", weights=[1, 0, 1, 0]), 0.5**4 + 2**4)
    np.testing.assert_allclose(quartic(x=X, y=Y, power=2, reduction="mean"), (0.25 + 6.25 + 4 + 9) / 4)


@pytest.mark.parametrize("text", ["One line.", "One line.\n\n    More.", "One.\n\n    Returns:\n        Values.\n"])
def test_a_docstring_without_the_sections_is_completed(text):
    def square(x):
        return x**2

    square.__doc__ = text
    made = losses.loss_function(losses.prediction("x", "..."), output="...")(square)
    assert re.match(r"One( line)?\.\n\n(More\.\n\n)?Args:\n    reduction: ", made.__doc__)
    assert made.__doc__.count("Returns:") == 1
    assert "A scalar where `reduction` is not" in made.__doc__.partition("Returns:")[2]


def test_linear_cross_entropy_reduces_as_cross_entropy_of_the_logits():
    rng = np.random.default_rng(2)
    x, w = rng.normal(size=(3, 4, 5)).astype(np.float32), rng.normal(size=(6, 5)).astype(np.float32)
    y, weights = rng.integers(0, 6, (3, 4)), np.array([[1, 0, 2, 1], [0, 0, 0, 0], [1, 1, 0.5, 0]], np.float32)
    logits = np.moveaxis(x @ w.T, -1, 1)
    for kind in REDUCTIONS:
        expected = losses.cross_entropy(logits, y, reduction=kind, weights=weights)
        options: dict[str, Any] = {"reduction": kind, "weights": weights, "chunk_size": 5}
        np.testing.assert_allclose(losses.linear_cross_entropy(x, w, y, **options), expected, rtol=1e-5)
        result, _ = losses.linear_cross_entropy(x, w, y, return_stats=True, **options)
        np.testing.assert_allclose(result, expected, rtol=1e-5)
        found = losses.evaluate(losses.linear_cross_entropy, x, w, y, **options)
        np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_evaluate_unwraps_a_partial():
    sharp = functools.partial(losses.huber_loss, delta=0.5)
    half = X.astype(np.float16) * 100
    np.testing.assert_array_equal(
        losses.evaluate(sharp, half, Y, reduction="sum"), losses.huber_loss(half, Y, delta=0.5, reduction="sum")
    )
    spoiled = np.array([1, np.nan, 0, 0], np.float32)
    gradient = jax.grad(lambda x: losses.evaluate(functools.partial(sharp, x), Y, weights=[1, 0, 1, 1]))(spoiled)
    assert np.isfinite(gradient).all()
    total, count = losses.evaluate_sum_and_weight(sharp, X, Y, weights=[1, 0, 0, 1])
    np.testing.assert_allclose([total, count], [0.125 + 0.5 * 2.75, 2])
    scalar = functools.partial(losses.huber_loss, reduction="sum")
    np.testing.assert_allclose(losses.evaluate(scalar, X, Y, reduction="none"), 6.125)


FLAGS = [
    (info, name)
    for info in INFOS
    for name, parameter in inspect.signature(info.function).parameters.items()
    if isinstance(parameter.default, bool)
]


@pytest.mark.parametrize(("info", "flag"), FLAGS, ids=[f"{info.name}-{flag}" for info, flag in FLAGS])
def test_a_flag_is_a_bool(info, flag):
    """`binary_focal_cross_entropy(..., apply_class_balancing=0.25)` is a mistake for `alpha`."""
    for value in (0.25, "none"):
        with pytest.raises(ArgumentTypeError, match=f"{info.name}: `{flag}` must be bool, but got {value!r}"):
            info.function(*losses.example_inputs(info), **(settings_of(info)[0] | {flag: value}))


def test_an_axis_is_an_integer():
    with pytest.raises(ArgumentTypeError, match="dice_loss: `axis` must be an int, but got 0.5 of type float"):
        losses.dice_loss([[0.5]], [[1.0]], axis=0.5)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("weights", ["2", np.array(["1", "2"]), 1 + 2j, np.array([1j, 1])])
def test_weights_are_real_numbers(weights):
    x = np.ones(2, np.float32)
    with pytest.raises(DtypeError, match="mse_loss: `weights` must hold real numbers"):
        losses.mse_loss(x, x, weights=weights)
    with pytest.raises(DtypeError, match="binary_cross_entropy: `weight` must hold real numbers"):
        losses.binary_cross_entropy(x, x, weight=weights)
