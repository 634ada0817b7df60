"""A loss by its location: a file, a module, or the name of a built-in loss."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Any

from sporax import losses
from sporax._errors import ArgumentError, SporaxError
from sporax.nn import LossBase


def load_target(text: str) -> Any:
    """Load `path/to/file.py:Name`, `package.module:Name`, or a built-in loss by name.

    Args:
        text: the location. Without `:Name`, the file must define exactly one loss class.

    Returns:
        A class or a function.

    Raises:
        ArgumentError: there is no such object; the message lists what the file defines.

    Example:
        >>> from sporax.testing import load_target
        >>> load_target("sporax.nn:HuberLoss").__name__
        'HuberLoss'

    Source: sporax's own.
    """
    path, _, name = text.rpartition(":") if ":" in text and not text.endswith(":") else (text, "", "")
    if not path.endswith(".py") and not name:
        found = losses.by_cell(path)
        if found:
            return getattr(importlib.import_module("sporax.nn"), path)
        return losses.get(path).function
    module = _load_file(path) if path.endswith(".py") else importlib.import_module(path)
    if name:
        if not hasattr(module, name):
            raise ArgumentError(f"{path} has no {name!r}. It defines {_defined(module)}.")
        return getattr(module, name)
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, LossBase) and value.__module__ == module.__name__
    ]
    if len(classes) != 1:
        raise ArgumentError(
            f"{path} does not define exactly one loss class; name the loss, as {path}:Name. It defines "
            f"{_defined(module)}."
        )
    return classes[0]


def _defined(module: Any) -> str:
    names = [
        name
        for name, value in vars(module).items()
        if callable(value) and getattr(value, "__module__", "") == module.__name__ and not name.startswith("_")
    ]
    return ", ".join(names) or "nothing that can be called"


def _load_file(path: str) -> Any:
    file = Path(path).resolve()
    if not file.is_file():
        raise ArgumentError(f"there is no file {path!r}.")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ArgumentError(f"{path} is not a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(file.parent))
    sys.modules[file.stem] = module
    try:
        spec.loader.exec_module(module)
    except SporaxError:
        raise
    except Exception as error:
        raise ArgumentError(f"{path} cannot be imported: {type(error).__name__}: {error}") from error
    finally:
        sys.path.pop(0)
    return module
