"""No import cycle between the files of the package; imports in functions and under TYPE_CHECKING count."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2] / "src" / "sporax"


def module_name(path: Path, root: Path) -> str:
    """Return the dotted name of a file in `root`, the directory of the package."""
    parts = (root.name, *path.relative_to(root).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(tree: ast.AST, modules: set[str]) -> Iterator[str]:
    """The modules that a file imports by name. `from package import name` counts as `package.name` where that exists.

    An import of a submodule also runs the `__init__` of its packages. That edge is omitted: every file of a package
    would otherwise form a cycle with an `__init__` that imports it.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                dotted = f"{node.module}.{alias.name}"
                yield from (each for each in (dotted if dotted in modules else node.module,) if each in modules)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and node.args[0].value in modules:
                yield str(node.args[0].value)


def import_graph(root: Path) -> dict[str, set[str]]:
    """Module -> the modules of the same package that it imports."""
    files = {module_name(path, root): path for path in sorted(root.rglob("*.py"))}
    modules = set(files)
    return {
        name: set(imported(ast.parse(path.read_text(encoding="utf-8")), modules)) - {name}
        for name, path in files.items()
    }


def cycles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components with more than one module (Tarjan's algorithm), sorted."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        index[module] = low[module] = len(index)
        stack.append(module)
        for target in sorted(graph[module]):
            if target not in index:
                visit(target)
                low[module] = min(low[module], low[target])
            elif target in stack:
                low[module] = min(low[module], index[target])
        if low[module] == index[module]:
            component = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(component) > 1:
                found.append(sorted(component))

    for module in sorted(graph):
        if module not in index:
            visit(module)
    return sorted(found)


def test_no_import_cycle_between_files():
    found = cycles(import_graph(SOURCE))
    assert found == [], f"these files import each other: {found}"


def test_the_cycle_check_can_fail(tmp_path: Path):
    root = tmp_path / "package"
    (root / "part").mkdir(parents=True)
    for name, text in {
        "__init__.py": "",
        "leaf.py": "import os\n",
        "part/__init__.py": "from package.part.a import x\n",
        "part/a.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from package.part.b import B\n",
        "part/b.py": "def f():\n    from package.part import c\n",
        "part/c.py": "from importlib import import_module\nimport_module('package.part.a')\nimport package.leaf\n",
    }.items():
        (root / name).write_text(text)
    graph = import_graph(root)
    assert graph["package.part.b"] == {"package.part.c"}
    assert cycles(graph) == [["package.part.a", "package.part.b", "package.part.c"]]
    (root / "part" / "b.py").write_text("from package import leaf\n")
    assert cycles(import_graph(root)) == []


def test_an_import_of_the_own_package_is_a_cycle(tmp_path: Path):
    root = tmp_path / "package"
    root.mkdir()
    (root / "__init__.py").write_text("from package.a import x\n")
    (root / "a.py").write_text("from package import y\n")
    assert cycles(import_graph(root)) == [["package", "package.a"]]
