"""The docstring of a loss is complete at run time; its source holds only what does not follow from its contract."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any, cast

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from sporax import _docstring, losses
from sporax._errors import ArgumentError, ArgumentTypeError
from sporax._typing import ArrayLike
from sporax.losses.contract import Flag, LossInfo, NonNegative, Positive, UnitInterval
from sporax.losses.contract._doc_sections import completed
from sporax.losses.contract._parameters import number, one_of, parameters_of

INFOS = list(losses.registry().values())
ELEMENTWISE = (losses.prediction("logits", "..."), losses.label("labels", "..."))


def source_docstring(row: LossInfo) -> str:
    path = Path(inspect.getfile(inspect.unwrap(row.function)))
    functions = [each for each in ast.parse(path.read_text(encoding="utf-8")).body if isinstance(each, ast.FunctionDef)]
    return next(ast.get_docstring(each) or "" for each in functions if each.name == row.name)


def repeated(row: LossInfo, text: str) -> list[str]:
    """What the docstring of the source says although it follows from the contract."""
    own = _docstring.split(text)
    derived = _docstring.split(
        completed("One line.", row.function.spec, inspect.signature(row.function).parameters, {})
    )
    found = [f"Args: {name}" for name, entry in _docstring.entries(own.get("Args", "")).items()
             if _docstring.entries(derived["Args"]).get(name) == entry]  # fmt: skip
    found += ["Returns"] * (own.get("Returns") == derived["Returns"])
    errors, known = (_docstring.entries(each.get("Raises", "")) for each in (own, derived))
    found += [f"Raises: {name}" for name, entry in errors.items() if known.get(name) == entry]
    return found + ["import"] * (">>> from sporax import losses" in text)


@pytest.mark.parametrize("row", INFOS, ids=[row.name for row in INFOS])
def test_a_docstring_has_every_argument_and_error(row):
    sections = _docstring.split(row.function.__doc__)
    arguments = [name for key in _docstring.entries(sections["Args"]) for name in key.split(", ")]
    assert arguments == list(inspect.signature(row.function).parameters)
    raised = ", ".join(_docstring.entries(sections["Raises"]))
    assert "DtypeError" in raised
    assert "ShapeError" in raised
    assert sections["Returns"]


@pytest.mark.parametrize("row", [row for row in INFOS if row.name != "linear_cross_entropy"], ids=lambda row: row.name)
def test_the_source_does_not_repeat_the_contract(row):
    assert repeated(row, source_docstring(row)) == []


def test_a_repetition_is_found():
    row = losses.get("l1_loss")
    text = (
        "Error.\n\nArgs:\n    logits: predictions x of any shape.\n\nReturns:\n    Values of the shape of the larger "
        "input.\n\nRaises:\n    DtypeError: complex inputs.\n\nExamples:\n    >>> from sporax import losses\n"
    )
    assert repeated(row, text) == ["Args: logits", "Returns", "Raises: DtypeError", "import"]


def test_a_completed_docstring():
    @losses.loss_function(
        losses.prediction("logits", "... C"),
        losses.label("labels", "...", domain="class", kind="int"),
        output="...",
        ignore_parameter="ignore_index",
        info=LossInfo(),
    )
    def own_loss(
        logits: ArrayLike,
        labels: ArrayLike,
        *,
        ignore_index: int | None = None,
        a: Positive = 1.0,
        b: Positive | None = None,
        c: NonNegative = 0.0,
        d: Flag = False,
    ) -> jax.Array:
        """Own loss.

        Args:
            a, b: two scales.
            c: an offset.
            d: a flag.

        Raises:
            ArgumentError: something else.

        Example:
            >>> losses.own_loss(np.ones(3), np.array(1))
            1.0

        Source: none.
        """
        raise NotImplementedError

    assert (inspect.unwrap(own_loss).__doc__ or "").splitlines() == [
        "Own loss.",
        "",
        "Args:",
        "    logits: unnormalized scores x of shape (..., C).",
        "    labels: class indices y of an integer dtype, of shape (...). In compiled code, an invalid label makes its "
        "loss",
        "        value NaN, with no gradient.",
        "    ignore_index: an ignored label; None for none.",
        "    a, b: two scales.",
        "    c: an offset.",
        "    d: a flag.",
        "",
        "Returns:",
        "    Values of shape (...).",
        "",
        "Raises:",
        "    ArgumentError: something else; `a` or `b` is not above 0; `c` is below 0.",
        "    ArgumentTypeError: `d` is not a bool.",
        "    DtypeError: labels that are not integers, or complex inputs.",
        "    ShapeError: shapes that do not match.",
        "    LabelError: labels outside [0, C), where their values are known.",
        "",
        "Examples:",
        "    >>> import numpy as np",
        "    >>> from sporax import losses",
        "    >>> losses.own_loss(np.ones(3), np.array(1))",
        "    1.0",
        "",
        "Source: none.",
    ]


def test_a_kind_checks_an_argument_and_leaves_its_static_type():
    @losses.loss_function(*ELEMENTWISE, output="...")
    def scaled_loss(
        logits: ArrayLike,
        labels: ArrayLike,
        *,
        scale: Positive = 1.0,
        share: UnitInterval | None = None,
        sign: Flag = True,
    ) -> jax.Array:
        assert type(scale) in (float, jax.Array) or isinstance(scale, jax.Array)
        return scale * jnp.asarray(logits) - jnp.asarray(labels)

    annotations = {name: each.annotation for name, each in inspect.signature(scaled_loss).parameters.items()}
    assert (annotations["scale"], annotations["share"], annotations["sign"]) == ("Any", "Any", "bool")
    x = np.ones(2, np.float32)
    assert scaled_loss(x, x, scale=3).tolist() == [2, 2]
    assert scaled_loss(x, x, share=None).tolist() == [0, 0]
    assert jax.grad(lambda scale: scaled_loss(x, x, scale=scale, reduction="sum"))(2.0) == 2
    with pytest.raises(ArgumentError, match=r"^scaled_loss: `scale` must be in \(0, inf\), but got 0\.$"):
        scaled_loss(x, x, scale=0)
    with pytest.raises(ArgumentError, match=r"^scaled_loss: `share` must be in \[0, 1\], but got 2\.$"):
        scaled_loss(x, x, share=2)
    with pytest.raises(ArgumentTypeError, match=r"^scaled_loss: `sign` must be bool, but got 1 of type int\.$"):
        scaled_loss(x, x, sign=cast("Any", 1))


@pytest.mark.parametrize(
    ("bounds", "fault"),
    [
        ({}, ""),
        ({"minimum": 0}, "below 0"),
        ({"minimum": 1, "open_minimum": True}, "not above 1"),
        ({"maximum": 2}, "above 2"),
        ({"maximum": 0, "open_maximum": True}, "not below 0"),
        ({"minimum": 0, "maximum": 1}, "outside [0, 1]"),
        ({"minimum": 0, "maximum": 0.5, "open_minimum": True, "open_maximum": True}, "outside (0, 0.5)"),
    ],
)
def test_the_description_of_an_interval(bounds, fault):
    assert number(**bounds).fault == fault


def test_the_description_of_names():
    assert one_of("a", "b", "c").fault == 'not "a", "b" or "c"'


def test_annotations_that_are_no_kinds_are_left_alone():
    def formula(x: OnlyForATypeChecker | None, y: int, *, z: dict[str, int]): ...  # noqa: F821  # pyright: ignore

    before = dict(formula.__annotations__)
    assert parameters_of(formula) == {}
    assert formula.__annotations__ == before
