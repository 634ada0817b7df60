"""What a check is, what it may use, and how it reports what it found."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from sporax._errors import EagerFallbackWarning
from sporax._jax_compat import CONCRETIZATION_ERRORS, x64_scope
from sporax.testing._advice import advice
from sporax.testing._origin import Origin, first_not_finite, is_user_file, narrows
from sporax.testing._report import Finding
from sporax.testing._shrink import show, shrink
from sporax.testing._subject import Subject, objective

Arrays: TypeAlias = Sequence[np.ndarray]


class Skipped(Exception):
    """Raised by a check that does not apply; the message is the reason."""


class Failed(Exception):
    """Raised by a check that fails.

    Args:
        found: what was found.
        expected: what was expected.
        fix: a suggested fix.
        arrays: inputs that reproduce it.
        place: file and line of the origin.
        status: `fail`, or `warn` if it may be intended.
    """

    def __init__(
        self,
        found: str,
        *,
        expected: str = "",
        fix: str = "",
        arrays: Arrays | None = None,
        place: str = "",
        status: Any = "fail",
    ) -> None:
        super().__init__(found)
        self.found, self.expected, self.fix = found, expected, fix
        self.arrays, self.place, self.status = arrays, place, status


class Evaluator:
    """Evaluates one loss in several forms, each compiled once.

    Args:
        subject: the loss.
        seed: the seed of all random inputs.
    """

    def __init__(self, subject: Subject, seed: int = 0) -> None:
        self.subject, self.seed = subject, seed
        self.fn = subject.loss()
        self.untraceable: Exception | None = None
        self.detached: tuple[int, ...] | None = None
        self._compiled: dict[tuple[str, bool], Callable[..., Any]] = {}
        self._scalar: bool | None = None
        self._wide: bool | None = None
        self._random: bool | None = None
        with x64_scope(False), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                self._scalar = jax.eval_shape(self.fn, *map(jnp.asarray, self.draw())).ndim == 0
            except CONCRETIZATION_ERRORS as error:
                self.untraceable = error
            except Exception:
                # The check "runs" reports it.
                self._scalar = None

    def draw(self, seed: int = 0, dtype: Any = None, scale: float = 1.0) -> list[np.ndarray]:
        """Return random inputs."""
        return self.subject.draw(self.seed + seed, dtype, scale)

    @property
    def is_scalar(self) -> bool:
        """Whether a plain call returns a scalar."""
        if self._scalar is None:
            self._scalar = np.ndim(self.run("loss", self.draw())) == 0
        return self._scalar

    def values_fn(self) -> Callable[..., jax.Array] | None:
        """Return the loss with one value per sample, or None if it has no such form."""
        if not self.is_scalar:
            return self.fn
        try:
            fn = self.subject.loss("none")
            ndim = np.ndim(self.run("values", self.draw(), fn=fn))
        except Exception:
            return None
        return fn if ndim else None

    def run(self, form: str, arrays: Arrays, *, fn: Callable[..., Any] | None = None, jit: bool = True) -> Any:
        """Evaluate a form of the loss; results are NumPy arrays.

        Args:
            form: `loss`, `number` (its values reduced to a scalar), `gradients` of that scalar for the float inputs; or
                a name for `fn`.
            arrays: the inputs; 64-bit mode is on where one is float64.
            fn: another function.
            jit: whether to compile it, if possible.
        """
        wide = any(array.dtype == np.float64 for array in arrays)
        with x64_scope(wide), warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", EagerFallbackWarning)
            warnings.simplefilter("ignore", RuntimeWarning)
            warnings.simplefilter("ignore", UserWarning)
            call = self._form(form, fn, jit and self.untraceable is None)
            return jax.tree.map(np.asarray, call(*map(jnp.asarray, arrays)))

    def _form(self, form: str, fn: Callable[..., Any] | None, jit: bool) -> Callable[..., Any]:
        key = (form, jit)
        if key not in self._compiled:
            forms = {"loss": lambda: self.fn, "number": lambda: objective(self.fn), "gradients": self._gradients}
            made = forms[form]() if fn is None else fn
            self._compiled[key] = jax.jit(made) if jit else made
        return self._compiled[key]

    def _gradients(self) -> Callable[..., Any]:
        return jax.grad(objective(self.fn), tuple(self.subject.floats))

    def keeps_float64(self) -> bool:
        """Whether float64 inputs are never cast to a narrower dtype, as finite differences require."""
        if self._wide is None:
            arrays = self.draw(dtype=np.float64)
            wide = self.run("loss", arrays).dtype == np.float64
            if wide and self.untraceable is None:
                wide = not narrows(self.jaxpr(np.float64))
            self._wide = bool(wide)
        return self._wide

    @property
    def is_random(self) -> bool:
        """Whether a custom loss draws random numbers; those of a sample depend on its position."""
        if self._random is None:
            self._random = False
            if self.subject.info is None and self.untraceable is None:
                text = str(self.jaxpr())
                self._random = "random_bits" in text or "threefry2x32" in text
        return self._random

    def mean(self, arrays: Arrays) -> float:
        """Return the mean of the loss."""
        return float(np.mean(self.run("loss", arrays), dtype=np.float64))

    def total(self, arrays: Arrays) -> float:
        """Return the sum of the loss."""
        return float(np.sum(self.run("loss", arrays), dtype=np.float64))

    def jaxpr(self, dtype: Any = None) -> Any:
        """Return the traced loss, for random inputs with floats of a dtype."""
        with x64_scope(dtype == np.float64), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return jax.make_jaxpr(self.fn)(*map(jnp.asarray, self.draw(dtype=dtype))).jaxpr

    def origin(self, arrays: Arrays, *, gradient: bool) -> Explained:
        """Explain the first non-finite result: the operation, its line and a suggested fix."""
        wide = any(array.dtype == np.float64 for array in arrays)
        found = None
        with x64_scope(wide), np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for fn in (self._gradients(), self.fn) if gradient else (self.fn,):
                try:
                    found = first_not_finite(fn, *map(jnp.asarray, arrays))
                except Exception:
                    continue
                break
        return Explained(found, gradient)


class Explained:
    """The origin of a non-finite number.

    Args:
        origin: the operation; None if it is not known.
        gradient: whether only the gradient is not finite.
    """

    def __init__(self, origin: Origin | None, gradient: bool) -> None:
        self.origin, self.gradient = origin, gradient
        self.text = "" if origin is None else f"; {origin}"
        self.place = "" if origin is None else origin.root.place

    def fix(self, default: str = "") -> str:
        """Return the suggested fix, or `default` if the operation is not known."""
        singular = None if self.origin is None else self.origin.singular
        return advice(singular, finite_value=self.gradient, default=default)


Check: TypeAlias = Callable[[Evaluator], str]

CHECKS: dict[str, tuple[str, Check]] = {}


@dataclass(frozen=True)
class check:
    """Register a function as a check.

    Args:
        name: short name.
        title: a description.
    """

    name: str
    title: str

    def __call__(self, function: Check) -> Check:
        CHECKS[self.name] = (self.title, function)
        return function


def run_check(evaluator: Evaluator, name: str) -> Finding:
    """Run one check and return its finding."""
    title, function = CHECKS[name]
    try:
        return Finding(name, title, "pass", function(evaluator))
    except Skipped as skipped:
        return Finding(name, title, "skip", str(skipped))
    except Failed as failed:
        return Finding(
            name,
            title,
            failed.status,
            failed.found,
            failed.expected,
            failed.fix,
            {} if failed.arrays is None else show(evaluator.subject.inputs, failed.arrays),
            failed.place,
        )
    except Exception as error:
        text = re.sub(r"\s+", " ", str(error)).strip()
        return Finding(
            name,
            title,
            "fail",
            f"the loss raised {type(error).__name__}: {text[:300]}",
            "a value",
            place=_line_of(error),
        )


def _line_of(error: BaseException) -> str:
    """Return the innermost line of the user's code in a traceback."""
    place, traceback = "", error.__traceback__
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if is_user_file(file):
            place = f"{file}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place


def smallest(evaluator: Evaluator, arrays: Arrays, fails: Callable[[list[np.ndarray]], bool]) -> list[np.ndarray]:
    """Return the smallest inputs found that still fail."""
    return shrink(evaluator.subject, arrays, fails)


def number(value: Any) -> str:
    """Format a number or a small array with few digits."""
    array = np.asarray(value, np.float64)
    if array.size == 1:
        return f"{array.reshape(()):.6g}"
    if array.size <= 8:
        return np.array2string(array, precision=5, separator=", ").replace("\n", "")
    return f"an array of shape {array.shape}"
