"""The public top level: what the interpreter serves is what editors are told."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sporax
from sporax import _errors

INIT = Path(sporax.__file__)


def declared() -> dict[str, set[str]]:
    """Module -> names, from the TYPE_CHECKING block."""
    [block] = [node for node in ast.parse(INIT.read_text("utf-8")).body if isinstance(node, ast.If)]
    found: dict[str, set[str]] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname == alias.name, "only `X as X` is a public name of a typed package"
            found.setdefault(node.module or "", set()).add(alias.name)
    return found


def test_the_two_lists_of_names_agree():
    assert declared() == {home: set(names.split()) for home, names in sporax._NAMES.items()}


@pytest.mark.parametrize("name", sorted(sporax._HOME))
def test_every_public_name_is_there(name):
    value = getattr(sporax, name)
    assert getattr(sporax, name) is value
    assert name in dir(sporax)


def test_every_error_is_public():
    classes = {n for n, v in vars(_errors).items() if isinstance(v, type) and issubclass(v, Exception)}
    classes |= {n for n, v in vars(_errors).items() if isinstance(v, type) and issubclass(v, Warning)}
    assert classes - {"ModuleNotServedError"} == set(sporax._NAMES["sporax._errors"].split())


def test_an_unknown_name_is_said_with_its_near_miss():
    with pytest.raises(AttributeError, match=r"module 'sporax' has no attribute 'Tensr'. Did you mean Tensor\?"):
        sporax.Tensr
    with pytest.raises(AttributeError, match=r"^module 'sporax' has no attribute 'zzzz'$"):
        sporax.zzzz
    with pytest.raises(ImportError, match="cannot import name 'Tensr' from 'sporax'"):
        from sporax import Tensr  # noqa: F401


def test_tensor_has_its_op_methods_wherever_it_is_taken_from():
    code = "from sporax import Tensor\nprint(Tensor([1.0, 2.0]).sum())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "3.0\n", done.stderr


def test_dir_lists_no_helper():
    assert not {"TYPE_CHECKING", "Any", "sys"} & set(dir(sporax))
    assert "__version__" in dir(sporax)
