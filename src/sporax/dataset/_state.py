"""Where the reading of a pipeline is, as a tree of plain values, and how to go on from there."""

from __future__ import annotations

import warnings
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from sporax._describe import describe
from sporax._errors import DatasetError, ResumeWarning
from sporax.dataset._access import ReadOnce
from sporax.dataset._node import Node
from sporax.dataset._sampling import BuiltinSampler, Sampler
from sporax.dataset._sources import SourceDataset
from sporax.dataset._user import Row

if TYPE_CHECKING:
    from sporax.dataset._dataset import Dataset

_VERSION = 1


def state_of(dataset: Dataset, rows: int) -> dict[str, Any]:
    """What `Dataset.state_dict` returns."""
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
        "pipeline": _facts(dataset, nodes),
        "settings": [_settings(node) for node in nodes],
    }


def load_state(dataset: Dataset, state: dict[str, Any]) -> None:
    """What `Dataset.load_state_dict` does."""
    where = "Dataset.load_state_dict"
    if not isinstance(state, dict) or state.get("version") != _VERSION:
        found = state.get("version") if isinstance(state, dict) else type(state).__name__
        raise DatasetError(
            f"{where}: expected what `state_dict()` of this version returns (version {_VERSION}), but got {found!r}."
        )
    nodes = list(_nodes(dataset))
    _compare(state["pipeline"], _facts(dataset, nodes), where)
    split = [seed for node in nodes if (seed := node._split_seed) is not None]
    objects = list(_stateful(nodes))
    names = [type(each).__name__ for each in objects]
    if len(split) != len(state["split_seeds"]) or names != [name for name, _ in state["objects"]]:
        raise DatasetError(
            f"{where}: the state belongs to another pipeline. It has {len(state['split_seeds'])} split parts and "
            f"objects with a state of their own {[name for name, _ in state['objects']]}; this pipeline has "
            f"{len(split)} and {names}."
        )
    _compare_settings(state.get("settings", []), [_settings(node) for node in nodes])
    for own_seed, seed in zip(split, state["split_seeds"], strict=True):
        own_seed.value = seed
    for each, (_, own) in zip(objects, state["objects"], strict=True):
        each.load_state_dict(own)
    dataset._continue(state["seed"], state["drawn_seed"], state["epoch"], state["rows"])
    if state["epoch"] or state["rows"]:
        _warn_of_iterators(nodes)


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in node._before:
        yield from _nodes(child)


def _stateful(nodes: list[Node]) -> Iterator[Any]:
    """The user's objects that keep a state: those with both methods, each once."""
    seen: set[int] = set()
    for node in nodes:
        for each in node._user_objects():
            if id(each) not in seen and _keeps_state(each):
                seen.add(id(each))
                yield each


def _keeps_state(value: Any) -> bool:
    return not isinstance(value, type) and all(
        callable(getattr(value, name, None)) for name in ("state_dict", "load_state_dict")
    )


def _facts(dataset: Dataset, nodes: list[Node]) -> dict[str, Any]:
    """What must be the same for a position to mean the same."""
    return {
        "columns": dataset.get_col_names(),
        "batches": dataset.dataset_size_hint() if dataset.size_is_fixed else None,
        "batch_size": dataset.get_batch_size(),
        "repeat_count": dataset.get_repeat_count(),
        "elements": [node.dataset_size_hint() if node.size_is_fixed else None for node in nodes if not node._before],
        "operations": [type(node).__name__.removesuffix("Dataset").lower() for node in nodes],
    }


def _compare(saved: dict[str, Any], present: dict[str, Any], where: str) -> None:
    different = [
        f"{name} {saved.get(name)!r} then, {value!r} now" for name, value in present.items() if saved.get(name) != value
    ]
    if different:
        raise DatasetError(
            f"{where}: the state belongs to another dataset: {'; '.join(different)}. Build the dataset as it was, or "
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
"""Attributes of operations that decide what they give, and what the user calls them."""
_LOOKED_AT = 8


def _settings(node: Node) -> dict[str, Any]:
    """What an operation was built with, as texts."""
    settings = {"operation": type(node).__name__.removesuffix("Dataset").lower()}
    for attribute, name in _SETTINGS.items():
        if attribute in vars(node):
            settings[name] = _described(vars(node)[attribute])
    if isinstance(node, SourceDataset) and node._columnar and node._source().length:
        source = node._source()
        places = sorted({int(place) for place in np.linspace(0, source.length - 1, _LOOKED_AT)})
        settings["elements"] = f"{zlib.crc32(repr([_checksums(source.fetch(place)) for place in places]).encode()):08x}"
    return settings


def _checksums(row: Row) -> list[Any]:
    return [column.tolist() if column.dtype.kind in "USO" else zlib.crc32(column.tobytes()) for column in row]


def _described(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_described, value))}]"
    if isinstance(value, Sampler):
        # What a user's object keeps may change from epoch to epoch.
        own = vars(value) if isinstance(value, BuiltinSampler) else {"num_samples": value.num_samples}
        texts = {name: _described(each) for name, each in own.items() if each is not None and name != "dataset_size"}
        return f"{type(value.user_object).__name__}({', '.join(f'{name}={text}' for name, text in texts.items())})"
    return describe(value) or type(value).__name__


def _compare_settings(saved: list[dict[str, str]], present: list[dict[str, str]]) -> None:
    different = [
        f"the {name} of {now['operation']!r} {then[name]} then, {now[name]} now"
        for then, now in zip(saved, present, strict=False)
        for name in now
        if name in then and then[name] != now[name]
    ]
    if different:
        warnings.warn(
            f"the dataset is not built as that of the state: {'; '.join(different)}. Reading goes on with the dataset "
            "of now. For the order and the data of the uninterrupted run build it as it was, or start from its "
            "beginning.",
            ResumeWarning,
            stacklevel=4,
        )


def _warn_of_iterators(nodes: list[Node]) -> None:
    for node in nodes:
        for each in node._user_objects():
            own_position = hasattr(each, "__next__") and not _keeps_state(each)
            if own_position and not isinstance(getattr(node, "_read_once", None), ReadOnce):
                warnings.warn(
                    f"the source {type(each).__name__} is an iterator, whose own position cannot be restored. Resuming "
                    "is exact only if its `__iter__` starts from the first element each time. Make `__iter__` a "
                    "generator function (yield), or give the source `state_dict()` and `load_state_dict(state)`.",
                    ResumeWarning,
                    stacklevel=4,
                )
