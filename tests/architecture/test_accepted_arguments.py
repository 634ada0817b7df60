"""Every unused argument is listed in docs/differences.md, "Accepted without effect", with the reason.

Unused arguments are found on the AST of every public function, method and constructor: never read, only checked, or
only stored in an attribute that only its property reads.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from sporax.core import context
from sporax.transforms import _jit

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "sporax"
DOCUMENT = ROOT / "docs" / "differences.md"

AREAS = ("common", "core", "dataset", "losses", "mint", "nn", "ops", "train", "transforms")
CHECKERS = {"_workers"}
"""Helpers that only check an argument, in addition to those of `_check`."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _functions(tree: ast.Module) -> Iterator[tuple[str | None, Function]]:
    """Yield (class or None, function) for every public function of a module."""
    for node in tree.body:
        if isinstance(node, Function):
            if not node.name.startswith("_"):
                yield None, node
        elif isinstance(node, ast.ClassDef):
            for each in node.body:
                if isinstance(each, Function) and (not each.name.startswith("_") or each.name == "__init__"):
                    yield node.name, each


def _arguments(function: Function) -> list[str]:
    spec = function.args
    named = [each.arg for each in (*spec.posonlyargs, *spec.args, *spec.kwonlyargs)]
    spread = (["*"] if spec.vararg else []) + (["**"] if spec.kwarg else [])
    return [name for name in named if name not in ("self", "cls")] + spread


def _name_of(function: Function, argument: str) -> str:
    spec = function.args
    starred = {"*": spec.vararg, "**": spec.kwarg}.get(argument)
    return starred.arg if starred else argument


def _is_overload_or_setter(function: Function) -> bool:
    """Also a function with a custom derivative, whose rule may read arguments that the function does not."""
    return any(
        (isinstance(each, ast.Name) and each.id == "overload")
        or (isinstance(each, ast.Attribute) and each.attr in ("setter", "custom_jvp", "custom_vjp"))
        for each in function.decorator_list
    )


def _is_for_subclasses(function: Function) -> bool:
    """Whether the body is only a docstring, `...`, `pass` or an error: a method for subclasses, or a protocol."""
    body = [each for each in function.body if not (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))]
    return all(isinstance(each, (ast.Raise, ast.Pass)) for each in body)


def _is_check(call: ast.AST) -> bool:
    if not isinstance(call, ast.Call):
        return False
    callee = call.func
    if isinstance(callee, ast.Attribute):
        return isinstance(callee.value, ast.Name) and callee.value.id == "_check"
    return isinstance(callee, ast.Name) and callee.id in CHECKERS


class _Uses:
    """How often each name is read in a function: in total, in checks whose result is unused, and to be stored."""

    def __init__(self, function: Function) -> None:
        self.reads: Counter[str] = Counter()
        self.checked: Counter[str] = Counter()
        self.kept: dict[str, tuple[int, str]] = {}
        for node in (each for statement in function.body for each in ast.walk(statement)):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self.reads[node.id] += 1
            elif isinstance(node, ast.Expr) and _is_check(node.value):
                self.checked += _names(node)
            elif isinstance(node, ast.Assign) and (isinstance(node.value, ast.Name) or _is_check(node.value)):
                target = node.targets[0]
                if isinstance(target, ast.Attribute):
                    self.kept |= {name: (n, target.attr) for name, n in _names(node.value).items()}

    def only_kept(self, name: str) -> str | None:
        """Return the attribute in which an argument is stored, if that is its only use; checks are not counted."""
        count, attribute = self.kept.get(name, (0, None))
        return attribute if count and count + self.checked[name] == self.reads[name] else None


def _names(node: ast.AST) -> Counter[str]:
    return Counter(each.id for each in ast.walk(node) if isinstance(each, ast.Name))


def _reads(trees: list[ast.Module]) -> Counter[str]:
    """Count how often an attribute of each name is read, except in its property."""
    reads: Counter[str] = Counter()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                reads[node.attr] += 1
            if isinstance(node, Function) and any(
                isinstance(each, ast.Name) and each.id == "property" for each in node.decorator_list
            ):
                own = f"_{node.name}"
                reads[own] -= sum(isinstance(each, ast.Attribute) and each.attr == own for each in ast.walk(node))
    return reads


def without_effect(sources: list[str]) -> set[tuple[str, str]]:
    """Return (function, argument) pairs of unused arguments."""
    trees = [ast.parse(source) for source in sources]
    reads = _reads(trees)
    read_in: dict[tuple[str, str], int] = defaultdict(int)
    found: list[tuple[str | None, str, str]] = []
    for owner, function in (pair for tree in trees for pair in _functions(tree)):
        if _is_overload_or_setter(function):
            continue
        decorators = {
            node.value
            for each in function.decorator_list
            for node in ast.walk(each)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        uses = _Uses(function)
        for argument in _arguments(function):
            name = _name_of(function, argument)
            if _is_for_subclasses(function):
                read_in[function.name, argument] += 1
                continue
            attribute = uses.only_kept(name)
            kept_in_vain = (
                attribute is not None
                and attribute.startswith("_")
                and reads[attribute] <= 0
                and not reads[attribute.removeprefix("_")]
            )
            # A decorator that names an argument reads it, and `locals()` reads all.
            effective = name in decorators or uses.reads["locals"] > 0
            effective = effective or (uses.reads[name] > uses.checked[name] and not kept_in_vain)
            if effective:
                read_in[function.name, argument] += 1
            else:
                found.append((owner, function.name, argument))
    result = set()
    for owner, name, argument in found:
        # An argument that other methods of the same name read, or that subclasses define, belongs to the interface.
        if owner is not None and name != "__init__" and read_in[name, argument]:
            continue
        shown = owner if name == "__init__" else f"{owner}.{name}" if owner else name
        if owner is None or not owner.startswith("_"):
            result.add((str(shown), argument))
    return result


def documented() -> set[tuple[str, str]]:
    """Return the (function, argument) pairs of the section's table."""
    section = DOCUMENT.read_text(encoding="utf-8").split("\n## Accepted without effect\n", 1)[1].split("\n## ", 1)[0]
    pairs = set()
    for line in section.splitlines():
        for name, arguments in re.findall(
            r"`([\w.]+)\(([^)`]*)\)`", line.split("|")[1] if line.startswith("|") else ""
        ):
            pairs |= {(name, each.strip().split("=")[0]) for each in arguments.split(",")}
    return pairs


def _all_sources() -> list[str]:
    return [path.read_text(encoding="utf-8") for area in AREAS for path in sorted((SOURCE / area).rglob("*.py"))]


def test_every_argument_without_effect_is_listed():
    unlisted = without_effect(_all_sources()) - documented()
    assert not unlisted, (
        f"nothing reads {sorted(unlisted)}. Implement the argument, or raise an error where it requests what is not "
        "supported; only if it cannot change a result, list it in docs/differences.md with the reason."
    )


def test_what_is_listed_exists():
    known: set[tuple[str, str]] = set()
    for source in _all_sources():
        for owner, function in _functions(ast.parse(source)):
            shown = owner if function.name == "__init__" else f"{owner}.{function.name}" if owner else function.name
            known |= {(str(shown), argument) for argument in _arguments(function)}
    # Keywords of **kwargs, results of factories, and settings are checked below or in their tests.
    made = {"jit", "set_context", "TopK", "IndexAdd", "scatter_nd_update", "ScatterUpdate", "Optimizer", "Primitive"}
    missing = {(name, each) for name, each in documented() - known if name not in made}
    assert missing <= {("Adam", "use_lazy"), ("Adam", "use_offload")}, missing


@pytest.mark.parametrize("name", sorted(set(context._STORED) - {"check_bprop"}))
def test_every_setting_that_is_kept_is_listed(name: str):
    text = DOCUMENT.read_text(encoding="utf-8").split("\n## Accepted without effect\n", 1)[1]
    assert f"`{name}`" in text or f"set_context({name}" in text


@pytest.mark.parametrize("name", _jit._OPTIONS)
def test_every_option_of_jit_is_listed(name: str):
    assert ("jit", name) in documented()


FAULTY = '''
class Layer:
    def __init__(self, size, unread, checked, kept, used):
        _check.integer(checked, name="checked")
        self._kept = _check.is_type(kept, bool)
        self.size = size + used

    @property
    def kept(self):
        return self._kept

    def shape(self):
        return self.size

    def run(self, x, ignored, *rest, **options):
        return x

class Base:
    def hook(self, context):
        """For subclasses."""

class Child(Base):
    def hook(self, context):
        return 1

@declared(label="known")
def loss(x, known, forgotten):
    return x

@overload
def loss(x, forgotten): ...
'''


def test_the_check_can_fail():
    assert without_effect([FAULTY]) == {
        ("Layer", "unread"),
        ("Layer", "checked"),
        ("Layer", "kept"),
        ("Layer.run", "ignored"),
        ("Layer.run", "*"),
        ("Layer.run", "**"),
        ("loss", "forgotten"),
    }


def test_a_use_is_found():
    repaired = FAULTY.replace("return x\n\nclass Base", "return x + ignored\n\nclass Base")
    assert ("Layer.run", "ignored") not in without_effect([repaired])
    read_elsewhere = FAULTY + "\ndef look(layer):\n    return layer._kept\n"
    assert ("Layer", "kept") not in without_effect([read_elsewhere])
