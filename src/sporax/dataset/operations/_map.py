"""`map` and `filter`: Python functions of each row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from sporax import _check
from sporax._errors import ArgumentError, DatasetError
from sporax.dataset.operations._base import OneChild
from sporax.dataset.plan._columns import Replacement, indices_of, names_of
from sporax.dataset.plan._node import Node
from sporax.dataset.plan._pass import Pass
from sporax.dataset.plan._values import Row, as_array, columns_text, function_name, user_copy, user_error, writable_copy


class _Python(OneChild):
    """An operation that runs Python code for each row, in reading order."""

    @property
    def _indexable(self) -> bool:
        return False

    @property
    def _columnar(self) -> bool:
        return False


class Map(_Python):
    """`map`."""

    def __init__(
        self,
        child: Node,
        operations: Any,
        input_columns: str | Sequence[str] | None,
        output_columns: str | Sequence[str] | None,
    ) -> None:
        super().__init__(child)
        self._operations = list(operations) if isinstance(operations, (list, tuple)) else [operations]
        if not self._operations:
            raise ArgumentError("map: `operations` must hold at least one callable, but it is empty.")
        for operation in self._operations:
            if not callable(operation):
                raise _check.wrong_type(
                    operation,
                    "callables",
                    name="operations",
                    where="map",
                    fix="Give the function itself, without calling it.",
                )
        first = child._names[:1]
        inputs = first if input_columns is None else names_of(input_columns, "input_columns", "map")
        outputs = inputs if output_columns is None else names_of(output_columns, "output_columns", "map")
        self._inputs = inputs
        self._replacement = Replacement(child._names, inputs, outputs, "map")
        self._names = self._replacement.names

    def _rows(self, run: Pass) -> Iterator[Row]:
        replacement, operations = self._replacement, self._operations
        inputs, outputs = replacement.inputs, replacement.outputs
        last = self._what(operations[-1])
        operation = operations[0]
        for number, row in enumerate(self._child._rows(run)):
            values: tuple[Any, ...] = tuple([user_copy(row[index]) for index in inputs])
            try:
                for operation in operations:
                    result = operation(*values)
                    values = result if type(result) is tuple else (result,)
            except Exception as error:
                raise user_error(f"{self._what(operation)} {number}", error, operation) from error
            if len(values) != len(outputs):
                raise DatasetError(
                    f"{last} {number} returned {len(values)} columns, but there are {len(outputs)} output columns: "
                    f"{', '.join(map(repr, outputs))}. Name each of them in `output_columns`."
                )
            arrays = [as_array(value, last, number, name) for value, name in zip(values, outputs, strict=True)]
            yield replacement.row(row, arrays)

    def _user_objects(self) -> list[object]:
        return list(self._operations)

    def _what(self, operation: Any) -> str:
        return f"map: the operation {function_name(operation)} on {columns_text(self._inputs)} at element"


class Filter(_Python):
    """`filter`."""

    def __init__(self, child: Node, predicate: Callable[..., Any], input_columns: str | Sequence[str] | None) -> None:
        super().__init__(child)
        if not callable(predicate):
            raise _check.wrong_type(predicate, "callable", name="predicate", where="filter")
        self._predicate = predicate
        self._none_passed = False
        self._inputs = child._names if input_columns is None else names_of(input_columns, "input_columns", "filter")
        self._input_indices = indices_of(self._inputs, child._names, "filter")

    def _user_objects(self) -> list[object]:
        return [self._predicate]

    def _length(self, endless: float = math.inf) -> float | None:
        return None

    def _rows(self, run: Pass) -> Iterator[Row]:
        self._none_passed = True
        for index, row in enumerate(self._child._rows(run)):
            if self._passes(row, index):
                self._none_passed = False
                yield row

    def _passes(self, row: Row, index: int) -> bool:
        name = function_name(self._predicate)
        what = f"filter: the predicate {name} on {columns_text(self._inputs)} at element {index}"
        try:
            # The predicate gets copies, so that it cannot change the row.
            answer = self._predicate(*[writable_copy(row[index]) for index in self._input_indices])
        except Exception as error:
            raise user_error(what, error, self._predicate) from error
        flag = np.asarray(answer)
        if flag.size != 1 or flag.dtype.kind not in "biuf":
            raise DatasetError(
                f"{what} must return one bool, but returned {answer!r}. Reduce an array with .all() or .any()."
            )
        return bool(flag.reshape(())[()])

    def _why_empty(self) -> str:
        reason = super()._why_empty()
        if reason or not self._none_passed:
            return reason
        return f"no element passed the filter {function_name(self._predicate)}. Check what it returns"
