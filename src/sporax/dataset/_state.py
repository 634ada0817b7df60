"""The reading position of a pipeline as a tree of plain values, and how to continue from it."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from typing import Any

from sporax._describe import changed, describe, describe_code
from sporax._errors import DatasetError, ResumeWarning
from sporax.dataset.plan._node import Node
from sporax.dataset.plan._sampler import BuiltinSampler, Sampler
from sporax.dataset.plan._values import Row

_VERSION = 1


def state_of(dataset: Node, rows: int) -> dict[str, Any]:
    """Implementation of `Dataset.state_dict`."""
    run = dataset._peek_pass()
    nodes = list(_nodes(dataset))
    return {
        "version": _VERSION,
        "seed": run.seed,
        "drawn_seed": None if run.seed is not None else run.drawn,
        "epoch": run.epoch - (rows > 0),
        "rows": rows,
        "split_seeds": [seed.value for node in nodes if (seed := node._split_seed) is not None],
        "objects": [[type(each).__name__, each.state_dict()] for each in _stateful(nodes)],
        "pipeline": _properties(dataset, nodes),
        "settings": [_settings(node) for node in nodes],
    }


def load_state(dataset: Node, state: dict[str, Any]) -> None:
    """Implementation of `Dataset.load_state_dict`."""
    where = "Dataset.load_state_dict"
    if not isinstance(state, dict) or state.get("version") != _VERSION:
        found = state.get("version") if isinstance(state, dict) else type(state).__name__
        raise DatasetError(
            f"{where}: `state` must be a result of `state_dict()` of version {_VERSION}, but got {found!r}."
        )
    nodes = list(_nodes(dataset))
    _compare(state["pipeline"], _properties(dataset, nodes), where)
    split = [seed for node in nodes if (seed := node._split_seed) is not None]
    objects = list(_stateful(nodes))
    names = [type(each).__name__ for each in objects]
    if len(split) != len(state["split_seeds"]) or names != [name for name, _ in state["objects"]]:
        raise DatasetError(
            f"{where}: the state belongs to another pipeline. It has {len(state['split_seeds'])} split parts and "
            f"objects with their own state {[name for name, _ in state['objects']]}; this pipeline has "
            f"{len(split)} and {names}."
        )
    _compare_settings(state.get("settings", []), [_settings(node) for node in nodes])
    for shared, seed in zip(split, state["split_seeds"], strict=True):
        shared.value = seed
    for each, (_, object_state) in zip(objects, state["objects"], strict=True):
        each.load_state_dict(object_state)
    dataset._continue(state["seed"], state["drawn_seed"], state["epoch"], state["rows"])
    if state["epoch"] or state["rows"]:
        _warn_about_iterators(nodes)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node._children:
        yield from _nodes(child)


def _stateful(nodes: list[Node]) -> Iterator[Any]:
    """Yield the user's objects that have a state, which have both methods, each once."""
    seen: set[int] = set()
    for node in nodes:
        for each in node._user_objects():
            if id(each) not in seen and _has_state(each):
                seen.add(id(each))
                yield each


def _has_state(value: Any) -> bool:
    return not isinstance(value, type) and all(
        callable(getattr(value, name, None)) for name in ("state_dict", "load_state_dict")
    )


def _properties(dataset: Node, nodes: list[Node]) -> dict[str, Any]:
    """Return the properties that must be equal for a position to be valid."""
    return {
        "columns": dataset.get_col_names(),
        "batches": dataset.dataset_size_hint() if dataset.size_is_fixed else None,
        "batch_size": dataset.get_batch_size(),
        "repeat_count": dataset.get_repeat_count(),
        "elements": [node.dataset_size_hint() if node.size_is_fixed else None for node in nodes if not node._children],
        "operations": [type(node).__name__.removesuffix("Dataset").lower() for node in nodes],
    }


def _compare(saved: dict[str, Any], current: dict[str, Any], where: str) -> None:
    different = [
        f"{name} was {saved.get(name)!r} and is now {value!r}"
        for name, value in current.items()
        if saved.get(name) != value
    ]
    if different:
        raise DatasetError(
            f"{where}: the state belongs to another dataset: {'; '.join(different)}. Build the dataset as before, or "
            "start from its beginning."
        )


_SETTINGS = {
    "_size": "size",
    "_count": "count",
    "_drop": "drop_remainder",
    "_limit": "num_samples",
    "_padding": "pad_info",
    "_inputs": "input_columns",
    "_operations": "operations",
    "_map": "per_batch_map",
    "_predicate": "predicate",
    "_sampler": "sampler",
}
"""Attributes of operations that determine their elements, and the names of the corresponding arguments."""
_SAMPLE_SIZE = 8
"""Number of elements of a source in memory whose checksums are compared."""
_LARGE_SAMPLE_SIZE = 1000
"""The number at the beginning of a run."""


def _settings(node: Node) -> dict[str, Any]:
    """Return the arguments of an operation as strings."""
    settings = {"operation": type(node).__name__.removesuffix("Dataset").lower()}
    for attribute, name in _SETTINGS.items():
        if attribute in vars(node):
            settings[name] = _described(vars(node)[attribute])
    settings |= _code(node)
    if sample := node._sample(_SAMPLE_SIZE):
        settings["elements"] = _checksum(sample)
    return settings


def _checksum(rows: list[Row]) -> str:
    return f"{zlib.crc32(repr([_checksums(row) for row in rows]).encode()):08x}"


def note_code(dataset: Node) -> None:
    """Record the code and elements as they are now: the variables that functions read may change later."""
    for node in _nodes(dataset):
        _code(node)


def _code(node: Node) -> dict[str, str]:
    """Return texts for the code of the user's functions and objects, and for elements, as of the first call."""
    if node._code_of_arguments is None:
        arguments = {**_SETTINGS, "_given": "source"}
        values = ((name, vars(node).get(attribute)) for attribute, name in arguments.items())
        texts = ((name, describe_code(_user_object(value))) for name, value in values)
        node._code_of_arguments = {f"code of {name}": text for name, text in texts if text is not None}
        if sample := node._sample(_LARGE_SAMPLE_SIZE):
            node._code_of_arguments["order or content of elements"] = _checksum(sample)
    return node._code_of_arguments


def _user_object(value: Any) -> Any:
    if isinstance(value, BuiltinSampler):
        return None
    # The attributes of a custom sampler may change from epoch to epoch.
    return type(value.user_object) if isinstance(value, Sampler) else value


def _checksums(row: Row) -> list[Any]:
    return [column.tolist() if column.dtype.kind in "USO" else zlib.crc32(column.tobytes()) for column in row]


def _described(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_described, value))}]"
    if isinstance(value, Sampler):
        # The attributes of a custom sampler may change from epoch to epoch.
        attributes = vars(value) if isinstance(value, BuiltinSampler) else {"num_samples": value.num_samples}
        texts = {
            name: _described(each) for name, each in attributes.items() if each is not None and name != "dataset_size"
        }
        return f"{type(value.user_object).__name__}({', '.join(f'{name}={text}' for name, text in texts.items())})"
    return describe(value) or type(value).__name__


def _compare_settings(saved: list[dict[str, str]], current: list[dict[str, str]]) -> None:
    different = [
        f"the {name} of {now['operation']!r} was {then[name]} and is now {now[name]}"
        for then, now in zip(saved, current, strict=False)
        for name in changed(then, now)
    ]
    if different:
        warnings.warn(
            f"the dataset differs from that of the state: {'; '.join(different)}. Reading continues with the current "
            "dataset. For the order and the data of the uninterrupted run build it as before, or start from its "
            "beginning.",
            ResumeWarning,
            stacklevel=4,
        )


def _warn_about_iterators(nodes: list[Node]) -> None:
    for node in nodes:
        for each in node._user_objects():
            is_iterator = hasattr(each, "__next__") and not _has_state(each)
            if is_iterator and getattr(node, "_one_shot", None) is None:
                warnings.warn(
                    f"the source {type(each).__name__} is an iterator, whose position cannot be restored. Resuming "
                    "is exact only if its `__iter__` starts from the first element each time. Make `__iter__` a "
                    "generator function (yield), or give the source `state_dict()` and `load_state_dict(state)`.",
                    ResumeWarning,
                    stacklevel=4,
                )
