"""The public names of a package: those that its files list in their `__all__`, so that each stands in one list only."""

from __future__ import annotations

import sys
from collections.abc import Iterable


def exported(package: str, *others: str) -> list[str]:
    """The `__all__` of a package.

    Args:
        package: its `__name__`. Its `__init__` imports the public names of each file with `from ... import *`.
        others: names that come from elsewhere.

    Returns:
        The names that files of the package (and of its folders) list and the package has, sorted.
    """
    namespace = vars(sys.modules[package])
    found = set(others)
    for name, module in list(sys.modules.items()):
        if name.startswith(package + "."):
            names: Iterable[str] = getattr(module, "__all__", ())
            found.update(each for each in names if namespace.get(each) is getattr(module, each))
    return sorted(found)
