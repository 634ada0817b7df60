"""The public top level: the names at run time are those of the stub, which editors read."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import sporax
from sporax import _errors

STUB = Path(sporax.__file__).with_suffix(".pyi")


def declared() -> dict[str, str]:
    """Return the module of each name, from the stub."""
    found: dict[str, str] = {}
    for node in ast.parse(STUB.read_text("utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                assert alias.asname == alias.name, "only `X as X` is a public name of a typed package"
                found[alias.name] = node.module or ""
    return found


def test_every_line_of_the_stub_is_read():
    assert declared() == sporax._HOME
    assert len(sporax._HOME) > 100


@pytest.mark.parametrize("name", sorted(sporax._HOME))
def test_every_public_name_exists(name):
    value = getattr(sporax, name)
    assert getattr(sporax, name) is value
    assert name in dir(sporax)


def test_every_error_is_public():
    classes = {n for n, v in vars(_errors).items() if isinstance(v, type) and issubclass(v, Exception)}
    classes |= {n for n, v in vars(_errors).items() if isinstance(v, type) and issubclass(v, Warning)}
    public = {name for name, home in sporax._HOME.items() if home == "sporax._errors"}
    assert classes - {"ModuleNotServedError"} == public


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(AttributeError, match=r"module 'sporax' has no attribute 'Tensr'. Did you mean Tensor\?"):
        sporax.Tensr
    with pytest.raises(AttributeError, match=r"^module 'sporax' has no attribute 'zzzz'$"):
        sporax.zzzz
    with pytest.raises(ImportError, match="cannot import name 'Tensr' from 'sporax'"):
        from sporax import Tensr  # noqa: F401


def test_tensor_has_its_op_methods_wherever_it_is_imported_from():
    code = "from sporax import Tensor\nprint(Tensor([1.0, 2.0]).sum())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "3.0\n", done.stderr


def test_dir_lists_no_helper():
    assert not {"Any", "Path", "re", "sys"} & set(dir(sporax))
    assert "__version__" in dir(sporax)
