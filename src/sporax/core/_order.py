"""The order of dicts: JAX sorts the keys of a dict when it flattens it, but Python code may depend on their order."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import jax

_CONTAINERS = frozenset((dict, defaultdict, tuple, list))


def in_order_of(tree: Any, example: Any) -> Any:
    """Return `tree` with the keys of its dicts in the order of `example`, a tree of the same structure."""
    kind = type(tree)
    if kind is dict or kind is defaultdict:
        if not isinstance(example, dict) or tree.keys() != example.keys():
            return tree
        ordered = {key: in_order_of(tree[key], example[key]) for key in example}
        return ordered if kind is dict else defaultdict(tree.default_factory, ordered)
    if isinstance(tree, (tuple, list)) and isinstance(example, (tuple, list)) and len(tree) == len(example):
        parts = [in_order_of(each, other) for each, other in zip(tree, example, strict=True)]
        if all(part is each for part, each in zip(parts, tree, strict=True)):
            return tree
        if kind is list or kind is tuple:
            return kind(parts)
        # The constructor of a namedtuple takes its fields as arguments.
        return kind(*parts) if hasattr(kind, "_fields") else tree
    return tree


def leaves_in_order(tree: Any) -> list[Any]:
    """Return the leaves of a tree, those of a dict in its order."""
    return jax.tree.leaves(ordered(tree))


class Ordered:
    """A pytree node for a dict that keeps its order."""

    __slots__ = ("factory", "keys", "values")

    def __init__(self, keys: tuple[Any, ...], values: tuple[Any, ...], factory: Any = None) -> None:
        self.keys = keys
        self.values = values
        self.factory = factory


jax.tree_util.register_pytree_node(
    Ordered,
    lambda each: (each.values, (each.keys, each.factory)),
    lambda static, values: Ordered(static[0], tuple(values), static[1]),
)


def ordered(tree: Any) -> Any:
    """Return `tree` with an `Ordered` for each dict in tuples, lists and dicts; `tree` itself if there is none."""
    kind = type(tree)
    if kind is dict or kind is defaultdict:
        factory = None if kind is dict else tree.default_factory or _no_factory
        return Ordered(tuple(tree), tuple(ordered(each) for each in tree.values()), factory)
    if kind is tuple or kind is list:
        for each in tree:
            if type(each) in _CONTAINERS:
                break
        else:
            return tree
        parts = [ordered(each) for each in tree]
        return tree if all(part is each for part, each in zip(parts, tree, strict=True)) else kind(parts)
    return tree


def restored(tree: Any) -> Any:
    """Invert `ordered`."""
    kind = type(tree)
    if kind is Ordered:
        fields = dict(zip(tree.keys, map(restored, tree.values), strict=True))
        if tree.factory is None:
            return fields
        return defaultdict(None if tree.factory is _no_factory else tree.factory, fields)
    if kind is tuple or kind is list:
        parts = [restored(each) for each in tree]
        return tree if all(part is each for part, each in zip(parts, tree, strict=True)) else kind(parts)
    return tree


def _no_factory() -> None:
    """Marker of a defaultdict without a factory."""
