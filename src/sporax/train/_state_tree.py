"""Conversion of trees of plain values, arrays and Tensors to JSON and a list of arrays, and back."""

from __future__ import annotations

import json
from typing import Any

import jax
import numpy as np

from sporax._errors import CheckpointError
from sporax.core import Tensor

_MARK = "__sporax__"
_SCALARS = (bool, int, float, str, type(None))


def encode(tree: Any, what: str) -> tuple[str, list[np.ndarray]]:
    """Return the JSON text of a tree, which refers to arrays by index, and the list of arrays.

    Args:
        tree: numbers, strings, None, arrays, Tensors; lists, tuples and dicts of them.
        what: the name of the tree in messages.

    Raises:
        CheckpointError: the tree contains another object; the message gives its path.
    """
    arrays: list[np.ndarray] = []

    def stored(array: np.ndarray, kind: str, path: str) -> dict[str, Any]:
        if array.dtype.kind in "OUSMm":
            raise _unsupported(array, path)
        arrays.append(array)
        return {_MARK: [kind, len(arrays) - 1]}

    def node(value: Any, path: str) -> Any:
        if type(value) in _SCALARS:
            return value
        if isinstance(value, dict):
            if all(type(key) is str for key in value) and _MARK not in value:
                return {key: node(each, f"{path}[{key!r}]") for key, each in value.items()}
            items = [[node(key, f"{path}: a key"), node(each, f"{path}[{key!r}]")] for key, each in value.items()]
            return {_MARK: ["dict", items]}
        if isinstance(value, (list, tuple)):
            listed = [node(each, f"{path}[{i}]") for i, each in enumerate(value)]
            return listed if isinstance(value, list) else {_MARK: ["tuple", listed]}
        if isinstance(value, Tensor):
            return stored(value.asnumpy(), "tensor", path)
        if isinstance(value, np.generic):
            return stored(np.asarray(value), "scalar", path)
        if isinstance(value, (np.ndarray, jax.Array)):
            return stored(np.array(value), "array", path)
        raise _unsupported(value, path)

    return json.dumps(node(tree, what)), arrays


def decode(text: str, arrays: list[np.ndarray]) -> Any:
    """Return the tree from the result of `encode`."""

    def node(value: Any) -> Any:
        if isinstance(value, list):
            return [node(each) for each in value]
        if not isinstance(value, dict):
            return value
        if _MARK not in value:
            return {key: node(each) for key, each in value.items()}
        kind, content = value[_MARK]
        if kind == "dict":
            return {node(key): node(each) for key, each in content}
        if kind == "tuple":
            return tuple(node(each) for each in content)
        array = arrays[content]
        return Tensor(array) if kind == "tensor" else array[()] if kind == "scalar" else array

    return node(json.loads(text))


def _unsupported(value: Any, path: str) -> CheckpointError:
    kind = f"an array of dtype {value.dtype}" if isinstance(value, np.ndarray) else type(value).__name__
    return CheckpointError(
        f"{path} is {kind}, which cannot be saved. A state may contain numbers, strings, None, numeric arrays, "
        "Tensors, and lists, tuples and dicts of them."
    )
