"""Losses in NumPy float64, written from the formulas of papers and other libraries, one file for each family.

`ORACLES` contains them by the name of the loss, merged from the `ORACLES` of every file in this package.
"""

from __future__ import annotations

import importlib
from pathlib import Path

from oracles.losses._base import Oracle, elementwise, f64, log_softmax, numeric_gradients, one_hot, reduced, unbroadcast

__all__ = [
    "ORACLES", "Oracle", "elementwise", "f64", "log_softmax", "numeric_gradients", "one_hot", "reduced", "unbroadcast",
]  # fmt: skip


class _Oracles(dict[str, Oracle]):
    def __missing__(self, name: str) -> Oracle:
        raise KeyError(f"the loss {name} has no oracle: add one to the file of its family in tests/oracles/losses")


ORACLES: dict[str, Oracle] = _Oracles()
for _file in sorted(Path(__file__).parent.glob("_*.py")):
    if _file.stem not in ("__init__", "_base"):
        for _name, _oracle in importlib.import_module(f"oracles.losses.{_file.stem}").ORACLES.items():
            if _name in ORACLES:
                raise ValueError(f"two oracles are named {_name}")
            ORACLES[_name] = _oracle
