"""Matching of the values of a checkpoint with Parameters, and errors for mismatches."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from sporax._errors import CheckpointMismatchError, SporaxWarning
from sporax.core import Parameter

_MAX_LISTED = 20


class Fit:
    """Values matched with Parameters by name, and checked.

    Args:
        parameters: the Parameters by name.
        values: arrays by name.
        strict: whether dtypes and names must match exactly.
        where: the operation, for messages.

    Attributes:
        missing: names of Parameters without a value.
        used: names of values with a Parameter.

    Raises:
        CheckpointMismatchError: shapes or dtypes differ; the message lists the names.
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
            more = f"; and {len(problems) - _MAX_LISTED} more" if len(problems) > _MAX_LISTED else ""
            raise CheckpointMismatchError(
                f"{where}: {len(problems)} Parameter(s) do not match, and nothing was loaded: "
                f"{'; '.join(problems[:_MAX_LISTED])}{more}. Build the network as when the checkpoint was "
                "saved, or omit these with load_checkpoint(..., choice_func=...)."
            )

    def check_coverage(self) -> None:
        """Check that at least half of the Parameters have a value; otherwise the values belong to another network.

        Raises:
            CheckpointMismatchError: the message lists names of both sides, and suggests a fix if there is one.
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
            "only these, such as a backbone into a larger network, use strict_load=False."
        )

    def load(self) -> None:
        """Set the values of the Parameters."""
        for parameter, value in self._pairs:
            kind = parameter.dtype.dtype
            parameter.set_data(value if value.dtype == kind else value.astype(kind))
        if self._prefix and self._pairs:
            warnings.warn(
                f"{self._where}: the names in the checkpoint begin with {self._prefix!r}, unlike those "
                "of the network; they were loaded without it.",
                SporaxWarning,
                stacklevel=3,
            )

    def warn_about_missing(self) -> None:
        """Warn about Parameters without a value."""
        if not self.missing:
            return
        names = ", ".join(self.missing[:_MAX_LISTED])
        more = f" and {len(self.missing) - _MAX_LISTED} more" if len(self.missing) > _MAX_LISTED else ""
        text = (
            f"{self._where}: {len(self.missing)} of {len(self._parameters)} Parameters are not in the "
            f"checkpoint and keep their values: {names}{more}."
        )
        prefix = _lacking_prefix(self.missing, self._values)
        if prefix:
            text += (
                f" They are in the checkpoint without {prefix!r}: load into that part of the network, or rename them."
            )
        elif not self._pairs:
            text += f" The checkpoint has: {', '.join(list(self._values)[:5]) or 'nothing'}."
        warnings.warn(text, SporaxWarning, stacklevel=3)


def _listed(names: list[str], shown: int = 5) -> str:
    more = f", and {len(names) - shown} more" if len(names) > shown else ""
    return (", ".join(names[:shown]) or "none") + more


def _likely_fix(missing: list[str], unused: list[str]) -> str:
    """Suggest a fix for names that do not match: another prefix, or MindSpore's names instead of PyTorch's."""
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
    """Return (prefix in the network, prefix in the checkpoint) whose replacement finds most of the missing names."""
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
            pairs.update((here, there) for there in by_suffix[".".join(parts[at:])][:_MAX_LISTED])
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
    # NumPy reports the kind of bfloat16 as void.
    return str({"u": "i", "V": "f"}.get(dtype.kind, dtype.kind))


def _extra_prefix(parameters: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """Return the prefix of the names in the values if all missing names are found with it, else an empty string."""
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
    """Return the prefix of the missing names if all are in the values without it, else an empty string."""
    parts = missing[0].split(".")
    for count in range(1, len(parts)):
        prefix = ".".join(parts[:count]) + "."
        if all(name.startswith(prefix) and name.removeprefix(prefix) in values for name in missing):
            return prefix
    return ""
