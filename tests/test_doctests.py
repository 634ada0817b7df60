"""Every docstring example of the package runs and prints exactly the documented output. One test for each module."""

from __future__ import annotations

import doctest
import importlib
import inspect
import types
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"


def module_names() -> list[str]:
    paths = (path.relative_to(SOURCE).with_suffix("") for path in sorted((SOURCE / "sporax").rglob("*.py")))
    return [".".join(path.parts).removesuffix(".__init__") for path in paths if path.stem != "__main__"]


class Finder(doctest.DocTestFinder):
    """Also finds the examples of decorated functions, which doctest would silently skip.

    doctest tests whether the globals of a function are those of the module; those of a wrapper are its decorator's.
    """

    def _from_module(self, module: types.ModuleType | None, object: Any) -> bool:
        if module is None or inspect.ismodule(object):
            return False
        if module.__name__ == "sporax.ops":
            # Class forms copy the examples of their functions, which are run there.
            return False
        own = getattr(object, "__module__", None)
        if own is None and isinstance(object, property):
            return True
        return own == module.__name__


def examples(module: types.ModuleType) -> list[doctest.DocTest]:
    """Return the doctests of the module, each example once."""
    found = [test for test in Finder(exclude_empty=True).find(module) if test.examples]
    return list({(test.docstring, test.lineno): test for test in found}.values())


def failures(module: types.ModuleType) -> list[str]:
    """Return the report of every failing example."""
    runner = doctest.DocTestRunner(optionflags=0, verbose=False)
    reports: list[str] = []
    for test in examples(module):
        runner.run(test, out=reports.append)
    return reports


@pytest.mark.rank_promotion
@pytest.mark.parametrize("name", module_names())
def test_the_examples_of(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    module = importlib.import_module(name)
    # An example that writes a file must not leave it in the repository.
    monkeypatch.chdir(tmp_path)
    assert not (reports := failures(module)), "\n".join(reports)


def _module_with(docstring: str) -> types.ModuleType:
    module = types.ModuleType("with_examples")

    def decorate(function: Any) -> Any:
        import functools

        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        return wrapper

    def example() -> None: ...

    example.__doc__ = docstring
    example.__module__ = module.__name__
    module.__dict__["example"] = decorate(example)
    return module


def test_an_example_of_a_decorated_function_is_run_and_can_fail():
    assert failures(_module_with("\n>>> 1 + 1\n2\n")) == []
    assert "Expected:\n    3\nGot:\n    2" in "".join(failures(_module_with("\n>>> 1 + 1\n3\n")))


def test_dots_match_only_themselves():
    assert failures(_module_with("\n>>> print('long text')\nlong ...\n"))


def test_there_are_examples_to_run():
    assert sum(bool(examples(importlib.import_module(name))) for name in module_names()) > 20
