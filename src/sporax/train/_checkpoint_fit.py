"""Which values go into which Parameters, and what does not fit."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from sporax._errors import CheckpointMismatchError, SporaxWarning
from sporax.core import Parameter

_SHOWN = 20


class Fit:
    """Values matched with Parameters by name, and checked.

    Args:
        parameters: where values go, by name.
        values: arrays by name.
        strict: whether dtypes must be the same, and names match as they are.
        where: what a message calls it.

    Attributes:
        missing: names of Parameters that have no value.
        used: names of values that have a Parameter.

    Raises:
        CheckpointMismatchError: shapes or dtypes that do not fit, by name.
    """

    def __init__(
        self, parameters: Mapping[str, Parameter], values: Mapping[str, Any], strict: bool, where: str
    ) -> None:
        self._where = where
        self._values = values
        self._parameters = parameters
        self._prefix = "" if strict else _extra_prefix(parameters, values)
        self.missing: list[str] = []
        self.used: set[str] = set()
        self._pairs: list[tuple[Parameter, np.ndarray]] = []
        problems = []
        for name, parameter in parameters.items():
            source = name if name in values else self._prefix + name
            if source not in values:
                self.missing.append(name)
                continue
            self.used.add(source)
            value = values[source]
            problem = _problem(name, parameter, value, strict)
            if problem:
                problems.append(problem)
            else:
                self._pairs.append((parameter, value.reshape(parameter.shape)))
        if problems:
            more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
            raise CheckpointMismatchError(
                f"{where}: {len(problems)} Parameter(s) do not fit, and nothing was loaded: "
                f"{'; '.join(problems[:_SHOWN])}{more}. Build the network as it was when the checkpoint was "
                "saved, or leave these out with load_checkpoint(..., choice_func=...)."
            )

    def refuse_strangers(self) -> None:
        """Refuse values of which less than half of the Parameters have one: they are of another network.

        Raises:
            CheckpointMismatchError: with names of both sides, and a fix where one shows.
        """
        count = len(self._parameters)
        matched = count - len(self.missing)
        if 2 * matched >= count:
            return
        unused = [name for name in self._values if name not in self.used]
        raise CheckpointMismatchError(
            f"{self._where}: only {matched} of {count} Parameters of the network are in the checkpoint, and nothing "
            f"was loaded. Names of the network that are not in the checkpoint: {_listed(self.missing)}. Names of the "
            f"checkpoint that are not in the network: {_listed(unused)}.{_likely_fix(self.missing, unused)} To load "
            "only these, as a backbone into a larger network, give strict_load=False."
        )

    def load(self) -> None:
        """Give the Parameters their values."""
        for parameter, value in self._pairs:
            kind = parameter.dtype.dtype
            parameter.set_data(value if value.dtype == kind else value.astype(kind))
        if self._prefix and self._pairs:
            warnings.warn(
                f"{self._where}: the names in the checkpoint begin with {self._prefix!r}, which the "
                "network's do not; they were loaded without it.",
                SporaxWarning,
                stacklevel=3,
            )

    def warn_of_missing(self) -> None:
        """Name the Parameters that got no value."""
        if not self.missing:
            return
        names = ", ".join(self.missing[:_SHOWN])
        more = f" and {len(self.missing) - _SHOWN} more" if len(self.missing) > _SHOWN else ""
        text = (
            f"{self._where}: {len(self.missing)} of {len(self._parameters)} Parameters are not in the "
            f"checkpoint and keep their values: {names}{more}."
        )
        prefix = _lacking_prefix(self.missing, self._values)
        if prefix:
            text += f" They are there without {prefix!r}: load into that part of the network, or rename them."
        elif not self._pairs:
            text += f" The checkpoint has: {', '.join(list(self._values)[:5]) or 'nothing'}."
        warnings.warn(text, SporaxWarning, stacklevel=3)


def _listed(names: list[str], shown: int = 5) -> str:
    more = f", and {len(names) - shown} more" if len(names) > shown else ""
    return (", ".join(names[:shown]) or "none") + more


def _likely_fix(missing: list[str], unused: list[str]) -> str:
    """What would make the names meet: another prefix, or MindSpore's names for PyTorch's."""
    pair = _swapped_prefix(missing, unused)
    if pair is not None:
        here, there = pair
        if here and there:
            how = f"those of the network begin with {here!r} where those of the checkpoint begin with {there!r}"
            key = f"{here!r} + name.removeprefix({there!r})"
        elif there:
            how = f"those of the checkpoint begin with {there!r}, which those of the network do not"
            key = f"name.removeprefix({there!r})"
        else:
            how = f"those of the network begin with {here!r}, which those of the checkpoint do not"
            key = f"{here!r} + name"
        return f" The names differ in their prefix: {how}. Rename them: {{{key}: value for name, value in ...}}."
    if any(name.endswith("running_mean") for name in unused):
        return (
            " The checkpoint has PyTorch's names: running_mean, running_var, weight and bias of a normalization are "
            "moving_mean, moving_variance, gamma and beta here."
        )
    return ""


def _swapped_prefix(missing: list[str], unused: list[str]) -> tuple[str, str] | None:
    """(prefix in the network, prefix in the checkpoint) by which most of the missing names would be found."""
    by_suffix: dict[str, list[str]] = {}
    for name in unused:
        parts = name.split(".")
        for at in range(len(parts)):
            by_suffix.setdefault(".".join(parts[at:]), []).append("".join(f"{part}." for part in parts[:at]))
    pairs: Counter[tuple[str, str]] = Counter()
    for name in missing:
        parts = name.split(".")
        at = next((at for at in range(len(parts)) if ".".join(parts[at:]) in by_suffix), None)
        if at is not None:
            here = "".join(f"{part}." for part in parts[:at])
            pairs.update((here, there) for there in by_suffix[".".join(parts[at:])][:_SHOWN])
    if not pairs:
        return None
    pair, found = pairs.most_common(1)[0]
    return pair if 2 * found >= len(missing) else None


def _problem(name: str, parameter: Parameter, value: np.ndarray, strict: bool) -> str | None:
    here, there = parameter.shape, value.shape
    if here != there and not {here, there} <= {(), (1,)}:
        return f"{name!r} has shape {here} in the network, but {there} in the checkpoint"
    kind = parameter.dtype.dtype
    if value.dtype == kind:
        return None
    if strict or _family(value.dtype) != _family(kind) or _family(kind) == "b":
        return f"{name!r} is {kind.name} in the network, but {value.dtype.name} in the checkpoint"
    if kind.kind in "iu" and value.size:
        bounds = np.iinfo(kind)
        if int(value.min()) < bounds.min or int(value.max()) > bounds.max:
            return f"{name!r} is {kind.name} in the network, too narrow for the values in the checkpoint"
    return None


def _family(dtype: Any) -> str:
    # NumPy knows bfloat16 as a kind of void.
    return str({"u": "i", "V": "f"}.get(dtype.kind, dtype.kind))


def _extra_prefix(parameters: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """What stands before the network's names in the values, where that holds for all that are missing."""
    missing = [name for name in parameters if name not in values]
    if not missing:
        return ""
    for candidate in values:
        prefix = candidate.removesuffix(missing[0])
        if (
            prefix.endswith(".")
            and prefix != candidate
            and all(prefix + name in values and prefix + name not in parameters for name in missing)
        ):
            return prefix
    return ""


def _lacking_prefix(missing: list[str], values: Mapping[str, Any]) -> str:
    """What stands before the missing names of the network, and not in the values."""
    parts = missing[0].split(".")
    for count in range(1, len(parts)):
        prefix = ".".join(parts[:count]) + "."
        if all(name.startswith(prefix) and name.removeprefix(prefix) in values for name in missing):
            return prefix
    return ""
