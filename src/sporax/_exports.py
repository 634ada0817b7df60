"""`__all__` of a package from the `__all__` of its files, so that each public name is listed once."""

from __future__ import annotations

import sys
from collections.abc import Iterable


def exported(package: str, *others: str) -> list[str]:
    """Return the `__all__` of a package.

    Args:
        package: the `__name__` of the package, whose `__init__` imports the public names of its files with
            `from ... import *`.
        others: names that are defined outside of the package.

    Returns:
        The names in the `__all__` of the files of the package and its folders that the package has, sorted.
    """
    namespace = vars(sys.modules[package])
    found = set(others)
    for name, module in list(sys.modules.items()):
        if name.startswith(package + "."):
            names: Iterable[str] = getattr(module, "__all__", ())
            found.update(each for each in names if namespace.get(each) is getattr(module, each))
    return sorted(found)
