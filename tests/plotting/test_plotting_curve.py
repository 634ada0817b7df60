"""Lines through the inputs of a loss, curves along them, and alternative names of losses."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from sporax import losses, plotting
from sporax._errors import ArgumentError
from sporax.plotting._lines import _along_gradient

INFOS = list(losses.registry().values())
FIRST_OF_FAMILY = list({info.family: info for info in reversed(INFOS)}.values())


def line_of(name: str, case: str = "") -> plotting.Line:
    return next(line for line in plotting.lines(losses.get(name)) if case in ("", line.case))


def test_a_curve_is_value_and_derivative():
    info = losses.get("mse_loss")
    curve = plotting.trace(info, plotting.lines(info)[0], points=5)
    assert curve.axis == "prediction minus label"
    assert curve.label == "mse_loss"
    np.testing.assert_array_equal(curve.x, [-4, -2, 0, 2, 4])
    np.testing.assert_array_equal(curve.value, [16, 4, 0, 4, 16])
    np.testing.assert_array_equal(curve.derivative, [-8, -4, 0, 4, 8])


@pytest.mark.parametrize("delta", [0.5, 1.0, 2.0])
def test_the_derivative_of_huber_is_delta_far_out(delta):
    info = plotting.find("huber")
    curve = plotting.trace(info, plotting.lines(info)[0], {"delta": delta}, points=9)
    np.testing.assert_array_equal(curve.derivative[[0, -1]], [-delta, delta])
    np.testing.assert_allclose(curve.value[-1], delta * (4 - delta / 2))
    assert plotting.growth(info, plotting.lines(info)[0], {"delta": delta}) == (f"{delta:g}·|x|",) * 2


def test_a_given_span_replaces_that_of_the_line():
    info = losses.get("l1_loss")
    curve = plotting.trace(info, plotting.lines(info)[0], points=3, span=(-1, 3))
    assert curve.x.tolist() == [-1, 1, 3]


def test_labels_of_two_kinds_are_two_lines():
    lines = plotting.lines(losses.get("binary_cross_entropy"))
    assert [line.case for line in lines] == ["positive", "negative"]
    for line, sign in zip(lines, (-1, 1), strict=True):
        value, derivative = plotting.sample(losses.get("binary_cross_entropy"), line, [0.25])
        p = 0.25 if sign == -1 else 0.75
        np.testing.assert_allclose(value, -np.log(p))
        np.testing.assert_allclose(derivative, sign / p)


@pytest.mark.parametrize("name", ["softmax_cross_entropy_with_logits", "sparse_softmax_cross_entropy_with_logits"])
def test_classification_moves_the_true_class(name):
    info = losses.get(name)
    x = np.array([-5.0, 0.0, 3.0])
    value, derivative = plotting.sample(info, line_of(name), x)
    np.testing.assert_allclose(value, np.log(np.exp(x) + 2) - x)
    np.testing.assert_allclose(derivative, np.exp(x) / (np.exp(x) + 2) - 1)
    assert plotting.growth(info, line_of(name)) == ("1·|x|", "→ 0")


def test_losses_of_one_kind_share_their_axis():
    def axis(name: str) -> str:
        return plotting.lines(plotting.find(name))[0].axis

    assert len({axis(name) for name in ("mse", "l1", "huber", "cauchy", "quantile_loss")}) == 1
    assert len({axis(name) for name in ("binary_cross_entropy_with_logits", "hinge_loss", "sigmoid_focal")}) == 1
    assert len({axis(name) for name in ("cross_entropy", "focal_loss", "sparsemax_loss", "sampled_softmax_loss")}) == 1


def test_vectors_turn_by_their_cosine():
    info = losses.get("cosine_embedding_loss")
    value, derivative = plotting.sample(info, line_of(info.name, "similar"), [-0.5, 0.5])
    np.testing.assert_allclose(value, [1.5, 0.5])
    np.testing.assert_allclose(derivative, [-1, -1], rtol=1e-6)
    value, _ = plotting.sample(info, line_of(info.name, "dissimilar"), [-0.5, 0.5], {"margin": 0.25})
    np.testing.assert_allclose(value, [0, 0.25])


def test_a_logarithmic_pole_is_named():
    info = losses.get("binary_cross_entropy")
    assert plotting.growth(info, line_of(info.name, "positive")) == ("1·ln(1/ε)", "→ 0")


def test_required_parameters_come_from_the_registry():
    info = losses.get("sampled_softmax_loss")
    assert plotting.required_parameters(info, {"C": 9, "T": 1})["num_classes"] == 9
    value, _ = plotting.sample(info, line_of(info.name), [-1.0, 1.0])
    assert value[0] > value[1] > 0


@pytest.mark.parametrize("info", INFOS, ids=[info.name for info in INFOS])
def test_every_loss_has_lines_that_stay_in_their_domain(info):
    for line in plotting.lines(info):
        assert line.lowest <= line.start < line.stop <= line.highest
        assert line.axis
        arrays = line.inputs(jnp.asarray(line.start))
        assert len(arrays) == len(info.inputs)


@pytest.mark.parametrize("info", FIRST_OF_FAMILY, ids=[info.name for info in FIRST_OF_FAMILY])
def test_one_of_each_family_has_a_finite_curve_with_a_shape(info):
    for line in plotting.lines(info):
        value, derivative = plotting.sample(info, line, line.points(7))
        assert np.all(np.isfinite(value))
        assert np.all(np.isfinite(derivative))
    assert np.ptp(value) > 0


@pytest.mark.parametrize("info", FIRST_OF_FAMILY, ids=[info.name for info in FIRST_OF_FAMILY])
def test_the_derivative_is_that_of_the_value(info):
    line = plotting.lines(info)[0]
    at, step = line.start + 0.613 * (line.stop - line.start), 1e-5
    value, derivative = plotting.sample(info, line, [at - step, at, at + step])
    np.testing.assert_allclose(derivative[1], (value[2] - value[0]) / (2 * step), rtol=1e-4, atol=1e-6)


def test_the_fallback_line_follows_the_gradient():
    info = losses.get("smooth_l1_loss")
    (line,) = _along_gradient(info)
    _, derivative = plotting.sample(info, line, [0.0])
    assert derivative[0] < 0


def test_settings_are_every_combination():
    found = plotting.settings_of(losses.get("sampled_softmax_loss"), {"num_sampled": (1, 2), "seed": (0, 1)})
    assert [label for label, _ in found] == [
        "num_sampled=1 seed=0",
        "num_sampled=1 seed=1",
        "num_sampled=2 seed=0",
        "num_sampled=2 seed=1",
    ]
    assert plotting.settings_of(losses.get("mse_loss"), {}) == [("", {})]


def test_invalid_settings_are_errors():
    with pytest.raises(ArgumentError, match="no hyper-parameter `gamma`. It has beta"):
        plotting.settings_of(losses.get("smooth_l1_loss"), {"gamma": (1,)})
    with pytest.raises(ArgumentError, match="7 combinations"):
        plotting.settings_of(losses.get("smooth_l1_loss"), {"beta": range(1, 8)})


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("mse_loss", "mse_loss"),
        ("mse", "mse_loss"),
        ("MSELoss", "mse_loss"),
        ("nn.MSELoss", "mse_loss"),
        ("SmoothL1Loss", "smooth_l1_loss"),
        ("smooth-l1", "smooth_l1_loss"),
        ("BCELoss", "binary_cross_entropy"),
        ("bce", "binary_cross_entropy"),
    ],
)
def test_names_are_case_insensitive(name, found):
    assert plotting.find(name).name == found


@pytest.mark.parametrize("info", INFOS, ids=[info.name for info in INFOS])
def test_every_loss_is_found_by_its_name(info):
    assert plotting.find(info.name) is info
    assert info in plotting.like(info.name)


def test_a_name_of_several_names_them():
    with pytest.raises(ArgumentError, match="softmax_cross_entropy_with_logits, sparse_softmax_cross_entropy"):
        plotting.find("SoftmaxCrossEntropyWithLogits")


def test_an_unknown_name_suggests_similar_names():
    with pytest.raises(ArgumentError, match="no loss named 'smoth_l1'. Did you mean smooth_l1_loss"):
        plotting.find("smoth_l1")
    with pytest.raises(ArgumentError, match="`sporax loss list` lists all"):
        plotting.find("zzzzzz")


def test_similar_names_are_sorted_by_similarity():
    assert plotting.like("mse")[0].name == "mse_loss"
    assert "sparse_softmax_cross_entropy_with_logits" in [info.name for info in plotting.like("cross_entropy")]
    assert plotting.like("zzzzzz") == []


def test_a_docstring_is_parsed():
    words = plotting.describe(losses.get("smooth_l1_loss"))
    assert words.summary == "Smooth L1 loss: quadratic below `beta`, linear beyond."
    assert words.formulas[0].startswith("d_i = x_i - y_i")
    assert words.body[1][0] == "text"
    assert words.arguments["beta"].startswith("the bound of the quadratic part")
    assert "Fast R-CNN" in words.source


@pytest.mark.parametrize("info", INFOS, ids=[info.name for info in INFOS])
def test_every_loss_has_a_description(info):
    words = plotting.describe(info)
    assert words.summary
    assert words.formulas, f"{info.name} has no `.. math::` in its docstring"
    assert words.source
    names = {item.name for item in info.inputs} | set(plotting.parameters_of(info)) | set(losses.KEYWORDS)
    assert set(words.arguments) == names
    for formula in words.formulas:
        plain = plotting.plain_formula(formula)
        assert plain
        assert "\\" not in plain
        assert formula.count("{") == formula.count("}")


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\ell_i = |x_i - y_i|", "\u2113_i = |x_i - y_i|"),
        (r"\frac{1}{N} \sum_{i=1}^{N} x_i^2", "1 / N Σ_(i=1)^N x_i²"),
        (r"\sqrt{x^2 + \epsilon^2}", "√(x² + ε²)"),
        (r"\log\left(1 + e^{-x}\right)", "log(1 + e^(-x))"),
        (r"\begin{cases} a & x < 1 \\ b & \text{else} \end{cases}", "{ a if x < 1; b else }"),
        (r"\operatorname{softmax}(x)_{y}", "softmax(x)_y"),
        (r"\hat{y}", "y\u0302"),
        (r"\unknown x", "unknown x"),
    ],
)
def test_formulas_are_readable_in_a_terminal(latex, text):
    assert plotting.plain_formula(latex) == text
