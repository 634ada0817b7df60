"""Where the reading of a pipeline is, as a tree of plain values, and how to go on from there."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sporax._errors import DatasetError, ResumeWarning
from sporax.dataset._access import ReadOnce
from sporax.dataset._node import Node

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
