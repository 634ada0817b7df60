"""Column names: checks of what the user gives, and the names that an operation leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sporax._errors import ArgumentError, ArgumentTypeError, DatasetError
from sporax._suggest import hint


def names_of(given: Any, name: str, where: str) -> tuple[str, ...]:
    """Column names from a string or a list of strings: not empty, none twice."""
    listed = [given] if isinstance(given, str) else given
    if not isinstance(listed, (list, tuple)) or not all(isinstance(item, str) for item in listed):
        raise ArgumentTypeError(f"{where}: `{name}` must be a string or a list of strings, but got {given!r}.")
    if not listed:
        raise ArgumentError(f"{where}: `{name}` must name at least one column, but got {given!r}.")
    _once(listed, name, where)
    return tuple(listed)


def places_of(names: Sequence[str], columns: Sequence[str], where: str) -> tuple[int, ...]:
    """Where each of `names` stands among `columns`."""
    for name in names:
        if name not in columns:
            raise DatasetError(
                f"{where}: there is no column {name!r}. The columns are {', '.join(map(repr, columns))}."
                f"{hint(name, columns)}"
            )
    return tuple([columns.index(name) for name in names])


class Replacement:
    """Input columns that a user's function replaces by output columns.

    As many outputs as inputs take the inputs' places; otherwise the outputs come first and the columns that
    were not used after them.
    """

    def __init__(self, columns: Sequence[str], inputs: Sequence[str], outputs: Sequence[str], where: str) -> None:
        self.columns = tuple(columns)
        self.inputs = places_of(inputs, columns, where)
        self.outputs = tuple(outputs)
        if len(inputs) == len(outputs):
            renamed = dict(zip(inputs, outputs, strict=True))
            self.names = tuple([renamed.get(name, name) for name in columns])
            self._rest: tuple[int, ...] | None = None
        else:
            rest = [name for name in columns if name not in inputs]
            self._rest = places_of(rest, columns, where)
            self.names = (*outputs, *rest)
        _once(self.names, "output_columns", where)

    def row(self, row: Sequence[Any], results: Sequence[Any]) -> tuple[Any, ...]:
        """A row with its inputs replaced by `results`."""
        if self._rest is not None:
            return (*results, *[row[place] for place in self._rest])
        changed = list(row)
        for place, result in zip(self.inputs, results, strict=True):
            changed[place] = result
        return tuple(changed)


def _once(names: Sequence[str], name: str, where: str) -> None:
    twice = sorted({item for item in names if list(names).count(item) > 1})
    if twice:
        raise ArgumentError(f"{where}: a column name may be used once, but `{name}` would give {twice[0]!r} twice.")
