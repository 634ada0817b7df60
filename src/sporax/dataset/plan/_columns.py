"""Column names: checks of the user's arguments, and the names after an operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sporax._errors import ArgumentError, ArgumentTypeError, DatasetError
from sporax._suggest import hint


def names_of(given: Any, name: str, where: str) -> tuple[str, ...]:
    """Return column names from a string or a list of strings; not empty, without duplicates."""
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, (list, tuple)) or not all(isinstance(item, str) for item in listed):
        raise ArgumentTypeError(f"{where}: `{name}` must be a string or a list of strings, but got {given!r}.")
    if not listed:
        raise ArgumentError(f"{where}: `{name}` must name at least one column, but got {given!r}.")
    _check_unique(listed, name, where)
    return tuple(listed)


def indices_of(names: Sequence[str], columns: Sequence[str], where: str) -> tuple[int, ...]:
    """Return the index of each of `names` in `columns`."""
    for name in names:
        if name not in columns:
            raise DatasetError(
                f"{where}: there is no column {name!r}. The columns are {', '.join(map(repr, columns))}."
                f"{hint(name, columns)}"
            )
    return tuple([columns.index(name) for name in names])


class Replacement:
    """Replacement of input columns by the output columns of a user's function.

    If there are as many outputs as inputs, each output replaces an input; otherwise the outputs come first, followed
    by the columns that were not used.
    """

    def __init__(self, columns: Sequence[str], inputs: Sequence[str], outputs: Sequence[str], where: str) -> None:
        self.columns = tuple(columns)
        self.inputs = indices_of(inputs, columns, where)
        self.outputs = tuple(outputs)
        if len(inputs) == len(outputs):
            renamed = dict(zip(inputs, outputs, strict=True))
            self.names = tuple([renamed.get(name, name) for name in columns])
            self._rest: tuple[int, ...] | None = None
        else:
            rest = [name for name in columns if name not in inputs]
            self._rest = indices_of(rest, columns, where)
            self.names = (*outputs, *rest)
        _check_unique(self.names, "output_columns", where)

    def row(self, row: Sequence[Any], results: Sequence[Any]) -> tuple[Any, ...]:
        """Return a row with its inputs replaced by `results`."""
        if self._rest is not None:
            return (*results, *[row[index] for index in self._rest])
        changed = list(row)
        for index, result in zip(self.inputs, results, strict=True):
            changed[index] = result
        return tuple(changed)


def _check_unique(names: Sequence[str], name: str, where: str) -> None:
    duplicates = sorted({item for item in names if list(names).count(item) > 1})
    if duplicates:
        raise ArgumentError(f"{where}: column names must be unique, but `{name}` would give {duplicates[0]!r} twice.")
