"""Write tests/api.txt: every public name with its signature, so that a change of the public interface is visible.

python tools/public_api.py           writes the file
python tools/public_api.py --check   exits with 1 if the file is not current, and prints the difference
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "tests" / "api.txt"

MODULES = (
    "sporax",
    "sporax.nn",
    "sporax.ops",
    "sporax.mint",
    "sporax.mint.nn",
    "sporax.mint.nn.functional",
    "sporax.numpy",
    "sporax.scipy.fft",
    "sporax.scipy.linalg",
    "sporax.scipy.optimize",
    "sporax.losses",
    "sporax.dataset",
    "sporax.dataset.config",
    "sporax.train",
    "sporax.train.callback",
    "sporax.train.metrics",
    "sporax.train.checkpoint",
    "sporax.transforms",
    "sporax.common.initializer",
    "sporax.testing",
    "sporax.plotting",
    "sporax.compat",
    "sporax.formats",
)
CLASSES = ("sporax.Tensor", "sporax.Parameter", "sporax.nn.Cell", "sporax.train.Model", "sporax.dataset.Dataset")
"""Classes whose methods are listed too."""


def _signature(value: Any) -> str:
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    bare = [each.replace(annotation=inspect.Parameter.empty) for each in signature.parameters.values()]
    text = str(signature.replace(parameters=bare, return_annotation=inspect.Signature.empty))
    # The default repr of an object contains its address.
    return re.sub(r" at 0x[0-9a-f]+", "", text)


def _line(name: str, value: Any) -> str:
    if inspect.ismodule(value):
        return f"{name}: module"
    if isinstance(value, type) or callable(value):
        return f"{name}{_signature(value)}"
    return f"{name}: {type(value).__name__}"


def lines() -> Iterator[str]:
    """Yield the lines of the file."""
    for path in MODULES:
        module = importlib.import_module(path)
        # The lazy top level has a table; other modules have `__all__`, or their definitions.
        names = getattr(module, "__all__", None) or getattr(module, "_HOME", None) or vars(module)
        names = [each for each in names if not each.startswith("_")]
        yield f"# {path}"
        for name in sorted(set(names)):
            yield _line(name, getattr(module, name))
        yield ""
    for path in CLASSES:
        home, _, name = path.rpartition(".")
        kind = getattr(importlib.import_module(home), name)
        yield f"# {path}"
        inherited = set(dir(kind.__mro__[1]))
        for attribute in sorted(each for each in dir(kind) if not each.startswith("_")):
            value = inspect.getattr_static(kind, attribute)
            if attribute not in inherited or value is not inspect.getattr_static(kind.__mro__[1], attribute):
                yield _line(attribute, value)
        yield ""


def text() -> str:
    """Return the text of the file."""
    return "\n".join(lines())


def main() -> int:
    """Write or check the file."""
    parser = argparse.ArgumentParser(description="Write tests/api.txt, the public names and signatures.")
    parser.add_argument("--check", action="store_true", help="only compare, and print the difference")
    options = parser.parse_args()
    expected = text()
    if not options.check:
        TARGET.write_text(expected)
        print(f"wrote {TARGET}: {expected.count(chr(10))} lines")
        return 0
    difference = list(difflib.unified_diff(TARGET.read_text().splitlines(), expected.splitlines(), lineterm="", n=0))
    print("\n".join(difference) or f"{TARGET.name} is current")
    return bool(difference)


if __name__ == "__main__":
    sys.exit(main())
