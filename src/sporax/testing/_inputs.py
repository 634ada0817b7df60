"""The inputs of a loss: a small language for shapes and domains, and random arrays of them.

    f32[8, 10]                      real numbers
    f32[8, 10] in [0, 1]            numbers of an interval; (0, 1], [0, 1) and (0, 1) exclude ends
    f32[8] > 0                      positive numbers
    f32[8, 10] simplex              rows that sum to 1
    i32[8] < 10                     integers from 0 to 9
    i32[8] in {-1, 1}               one of several numbers

Inputs are separated by commas; each may begin with a name, as in `logits: f32[8, 10], labels: i32[8] < 10`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from sporax._errors import ArgumentError
from sporax.losses import InputSpec

_DTYPES = {
    "f16": "float16", "bf16": "bfloat16", "f32": "float32", "f64": "float64", "i8": "int8", "i16": "int16",
    "i32": "int32", "i64": "int64", "u8": "uint8", "bool": "bool",
}  # fmt: skip
_INPUT = re.compile(r"^(?:(?P<name>\w+)\s*:)?\s*(?P<dtype>\w+)\s*\[(?P<shape>[\d\s,]*)\]\s*(?P<domain>.*)$", re.S)
_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_INTERVAL = re.compile(rf"^in\s*([\[(])\s*({_NUMBER})\s*,\s*({_NUMBER})\s*([\])])$")
_COMPARED = re.compile(rf"^(<=|>=|<|>)\s*({_NUMBER})$")
_CHOICES = re.compile(rf"^in\s*\{{\s*({_NUMBER}(?:\s*,\s*{_NUMBER})*)\s*\}}$")
_MASK_WORDS = {
    "mask", "masks", "masked", "weight", "weights", "where", "valid", "keep", "kept", "active", "present", "pad",
    "padding", "ignore", "ignored", "m", "w",
}  # fmt: skip
_INVERTED_WORDS = {"pad", "padding", "ignore", "ignored", "masked"}
_LABEL_WORDS = {"label", "labels", "target", "targets", "y", "class", "classes", "truth", "true", "t", "gt"}
_LENGTH_WORDS = {"length", "lengths", "len", "lens", "seqlen", "seqlens"}
_NUMBER_WORDS = _LENGTH_WORDS | {"count", "counts", "num", "number", "size", "sizes", "rank", "ranks", "step", "epoch"}
_HELP = "Write it as f32[8, 10], f32[8] in [0, 1], f32[8] > 0, f32[8, 10] simplex, i32[8] < 10 or i32[8] in {-1, 1}."


@dataclass(frozen=True)
class Input:
    """One array input: dtype, shape, and the values it takes.

    Args:
        name: the parameter's name.
        dtype: its dtype.
        shape: its shape.
        low, high: the ends of its interval; None for no end.
        open_low, open_high: whether `low` or `high` itself is excluded.
        choices: the only values it takes, if they are few.
        simplex: whether rows are probabilities that sum to 1.
        given: an example of its values, where independent random values would not be valid.
        counts: whether it holds integers in a floating dtype, so that it is not differentiated.
        class_axis: for a simplex, the axis along which values sum to 1.
        probed: whether values at the ends of the domain may be tried; False where only `given` is known.
    """

    name: str
    dtype: Any
    shape: tuple[int, ...]
    low: float | None = None
    high: float | None = None
    open_low: bool = False
    open_high: bool = False
    choices: tuple[float, ...] | None = None
    simplex: bool = False
    given: np.ndarray | None = None
    counts: bool = False
    class_axis: int = -1
    probed: bool = True

    @property
    def is_float(self) -> bool:
        """Whether it is differentiated."""
        return bool(jnp.issubdtype(self.dtype, jnp.floating))

    @property
    def is_free(self) -> bool:
        """Whether it takes any number."""
        return self.is_float and self.low is None and self.high is None and not self.simplex and self.choices is None

    @property
    def is_probability(self) -> bool:
        """Whether its values lie in [0, 1], ends included."""
        return self.is_float and self.low == 0 and self.high == 1 and not self.simplex

    @property
    def classes(self) -> int | None:
        """The number of classes, for class indices from 0."""
        bounded = not self.is_float and self.choices is None and self.high is not None and not self.is_mask
        bounded = bounded and self.low == 0 and np.dtype(self.dtype) != np.bool_ and not self._words & _NUMBER_WORDS
        return int(self.high) + 1 if bounded and self.high is not None else None

    @property
    def _words(self) -> set[str]:
        return set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", self.name).lower()))

    @property
    def is_mask(self) -> bool:
        """Whether it selects samples or elements: by its name, or as a bool that is not named as a label."""
        if self.classes_are_many:
            return False
        boolean = np.dtype(self.dtype) == np.bool_
        return bool(self._words & _MASK_WORDS) or (boolean and not self._words & _LABEL_WORDS)

    @property
    def is_length(self) -> bool:
        """Whether, by its name, it holds the lengths of the samples."""
        return not self.is_float and bool(self._words & _LENGTH_WORDS)

    @property
    def is_label(self) -> bool:
        """Whether, by its name, it holds labels."""
        return bool(self._words & (_LABEL_WORDS | {"teacher", "reference", "ref", "goal"}))

    @property
    def is_inverted_mask(self) -> bool:
        """Whether, by its name, 1 removes an element, as in a padding mask."""
        return self.is_mask and bool(self._words & _INVERTED_WORDS)

    @property
    def may_be_mask(self) -> bool:
        """Whether it takes only the values 0 and 1 and is not named as a label."""
        two = self.choices is not None and set(self.choices) == {0.0, 1.0}
        integer = not self.is_float and self.choices is None and (self.low, self.high) == (0.0, 1.0)
        return (two or integer or np.dtype(self.dtype) == np.bool_) and not self._words & _LABEL_WORDS

    @property
    def classes_are_many(self) -> bool:
        """Whether it is an integer that takes other values than 0 and 1."""
        if self.is_float or np.dtype(self.dtype) == np.bool_:
            return False
        if self.choices is not None:
            return not set(self.choices) <= {0.0, 1.0}
        return self.high is None or self.high > 1

    @property
    def ignored(self) -> float | None:
        """The ignored label of class labels written as choices, such as -100 of {-100, 0, 1, 2}."""
        if self.choices is None or self.is_float or len(self.choices) < 3:
            return None
        rest = sorted(self.choices)
        for value in (rest[0], rest[-1]):
            others = [each for each in rest if each != value]
            if others == [float(n) for n in range(len(others))] and value != len(others):
                return value
        return None

    @property
    def ends(self) -> tuple[float, ...]:
        """The values at the ends of its interval; the nearest inner value for an excluded end."""
        if not self.is_float or self.simplex or self.choices is not None or not self.probed:
            return ()
        found = []
        for end, open_end, towards in ((self.low, self.open_low, np.inf), (self.high, self.open_high, -np.inf)):
            if end is not None and open_end:
                # Next to 0 a number so small that its reciprocal still has a square in float32.
                inside = np.nextafter(np.float32(end), np.float32(towards)) if end else np.sign(towards) * 1e-6
                found.append(float(inside))
            elif end is not None:
                found.append(end)
        return tuple(found)

    def allows(self, array: np.ndarray) -> bool:
        """Whether all values lie in the domain."""
        values = np.asarray(array, np.float64)
        if self.given is not None or not values.size:
            return True
        if self.choices is not None:
            return bool(np.isin(values, self.choices).all())
        if self.simplex and not np.allclose(values.sum(self.class_axis), 1, atol=1e-3):
            return False
        if not self.is_float:
            return True
        low = self.low is None or (values > self.low if self.open_low else values >= self.low).all()
        high = self.high is None or (values < self.high if self.open_high else values <= self.high).all()
        return bool(low and high)

    def __str__(self) -> str:
        short = {value: key for key, value in _DTYPES.items()}.get(jnp.dtype(self.dtype).name, str(self.dtype))
        text = f"{self.name}: {short}[{', '.join(map(str, self.shape))}]"
        if self.simplex:
            return f"{text} simplex"
        if self.choices is not None:
            return f"{text} in {{{', '.join(f'{value:g}' for value in self.choices)}}}"
        if self.classes is not None and self.low == 0:
            return f"{text} < {self.classes}"
        if self.low is not None and self.high is not None:
            return f"{text} in {'[('[self.open_low]}{self.low:g}, {self.high:g}{'])'[self.open_high]}"
        if self.low is not None:
            return f"{text} {'>' if self.open_low else '>='} {self.low:g}"
        if self.high is not None:
            return f"{text} {'<' if self.open_high else '<='} {self.high:g}"
        return text

    def draw(self, rng: np.random.Generator, scale: float = 1.0) -> np.ndarray:
        """Return random values of the domain, away from its ends."""
        if self.given is not None:
            return self.given.copy()
        if self.choices is not None:
            values = rng.choice(np.asarray(self.choices), self.shape)
        elif np.dtype(self.dtype) == np.bool_:
            values = rng.integers(0, 2, self.shape)
        elif not self.is_float:
            low = 0 if self.low is None else int(self.low)
            high = low + 10 if self.high is None else int(self.high) + 1
            values = rng.integers(low, high, self.shape)
        elif self.simplex:
            raw = rng.uniform(0.1, 1.0, self.shape)
            values = raw / raw.sum(-1, keepdims=True)
        elif self.low is not None and self.high is not None:
            width = self.high - self.low
            values = rng.uniform(self.low + 0.05 * width, self.high - 0.05 * width, self.shape)
        elif self.low is not None:
            values = self.low + rng.uniform(0.2, 3.0, self.shape)
        elif self.high is not None:
            values = self.high - rng.uniform(0.2, 3.0, self.shape)
        else:
            values = scale * rng.normal(0.3, 1.5, self.shape)
        return np.asarray(values).astype(self.dtype)

    def of_samples(self, indices: Any, count: int) -> Input:
        """Return the same input for other samples along the first axis."""
        given = None if self.given is None else np.take(self.given, indices, axis=0)
        return replace(self, shape=(count, *self.shape[1:]), given=given)


def parse_inputs(text: str, names: Sequence[str] = ()) -> tuple[Input, ...]:
    """Parse a description of inputs.

    Args:
        text: inputs as `'f32[8, 10], i32[8] < 10'`; see above for the domains.
        names: names of the inputs that are described without one.

    Returns:
        One `Input` for each.

    Raises:
        ArgumentError: a part cannot be parsed.

    Example:
        >>> from sporax.testing import parse_inputs
        >>> print(*parse_inputs("logits: f32[8, 10], i32[8] < 10"), sep="; ")
        logits: f32[8, 10]; input1: i32[8] < 10

    Source: sporax's own.
    """
    parts = _split(text)
    if not parts:
        raise ArgumentError(f"inputs: there is none in {text!r}. {_HELP}")
    result = []
    for at, part in enumerate(parts):
        found = _INPUT.match(part.strip())
        if found is None or found["dtype"] not in _DTYPES:
            raise ArgumentError(f"inputs: cannot read {part.strip()!r}. {_HELP}")
        shape = tuple(int(size) for size in found["shape"].split(",") if size.strip())
        if 0 in shape:
            raise ArgumentError(f"inputs: {part.strip()!r} has no elements; an empty batch is tried in any case.")
        name = found["name"] or (names[at] if at < len(names) else f"input{at}")
        result.append(_with_domain(Input(name, jnp.dtype(_DTYPES[found["dtype"]]), shape), found["domain"].strip()))
    return tuple(result)


def _split(text: str) -> list[str]:
    """Split at commas outside brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "[{(") - (letter in "]})")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part.strip()]


def _with_domain(item: Input, text: str) -> Input:
    integer = not item.is_float
    if not text:
        return item
    if text == "simplex" and not integer:
        return replace(item, low=0.0, high=1.0, simplex=True)
    if found := _INTERVAL.match(text):
        open_low, open_high = found[1] == "(", found[4] == ")"
        low, high = float(found[2]), float(found[3])
        if integer:
            return replace(item, low=low + open_low, high=high - open_high)
        return replace(item, low=low, high=high, open_low=open_low, open_high=open_high)
    if found := _CHOICES.match(text):
        return replace(item, choices=tuple(float(value) for value in found[1].split(",")))
    if found := _COMPARED.match(text):
        sign, bound = found[1], float(found[2])
        if sign in ("<", "<="):
            high = bound - 1 if integer and sign == "<" else bound
            return replace(item, low=0.0 if integer else None, high=high, open_high=sign == "<" and not integer)
        return replace(item, low=bound + 1 if integer and sign == ">" else bound, open_low=sign == ">" and not integer)
    raise ArgumentError(f"inputs: cannot read the domain {text!r} of {item.name}. {_HELP}")


def from_spec(spec: InputSpec, example: np.ndarray, classes: int | None, custom: bool) -> Input:
    """Return the input of a built-in loss from its specification and an example of its values."""
    names = list(spec.shape)
    at = names.index("C") if "C" in names else -1
    axis = at - len(names) if "..." in names[:at] else at
    item = Input(
        spec.name, example.dtype, example.shape, given=example if custom else None, class_axis=axis, probed=not custom
    )
    domains: dict[str, Callable[[], Input]] = {
        "probability": lambda: replace(item, low=0.0, high=1.0),
        "distribution": lambda: replace(item, low=0.0, high=1.0, simplex=True, given=example),
        "log_probability": lambda: replace(item, high=0.0, given=example),
        "positive": lambda: replace(item, low=0.0, open_low=True),
        "nonnegative": lambda: replace(item, low=0.0, given=example, counts=spec.role == "label"),
        "class": lambda: replace(item, low=0.0, high=float((classes or int(example.max(initial=0)) + 1) - 1)),
        "sign": lambda: replace(item, choices=(-1.0, 1.0)),
        "sign_or_binary": lambda: replace(item, choices=(-1.0, 1.0)),
        "binary": lambda: replace(item, choices=(0.0, 1.0)),
    }
    return domains.get(spec.domain, lambda: item if spec.domain == "real" else replace(item, given=example))()
