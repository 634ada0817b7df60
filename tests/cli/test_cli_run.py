"""`sporax run`: runs the script as Python would, with `mindspore` installed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest


def sporax(*arguments: str, cwd: Path, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sporax", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        **options,  # pyright: ignore
    )


def script(folder: Path, text: str, name: str = "script.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def test_a_script_runs_in_the_environment_that_python_gives_it(tmp_path):
    folder = tmp_path / "job"
    folder.mkdir()
    script(folder, "VALUE = 42\n", "beside.py")
    script(
        folder,
        """
        import sys
        import beside
        print(__name__, sys.argv, beside.VALUE, __file__)
        print(sys.path[0])
        """,
    )
    done = sporax("run", "job/script.py", "--lr", "0.1", "-x", cwd=tmp_path)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "__main__ ['job/script.py', '--lr', '0.1', '-x'] 42 job/script.py",
        str(folder),
    ]


def test_the_alias_is_installed(tmp_path):
    script(tmp_path, "import mindspore as ms\nprint(ms.Tensor([1, 2]).dtype, ms.__name__)\n")
    assert sporax("run", "script.py", cwd=tmp_path).stdout == "Int64 mindspore\n"


def test_an_error_shows_the_traceback_of_the_script(tmp_path):
    script(tmp_path, "def f():\n    return 1 / 0\n\nf()\n")
    done = sporax("run", "script.py", cwd=tmp_path)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert 'script.py", line 4, in <module>' in lines[1]
    assert lines[-1] == "ZeroDivisionError: division by zero"
    assert "runpy" not in done.stderr
    assert "sporax" not in done.stderr


def test_an_error_of_syntax_shows_the_line(tmp_path):
    script(tmp_path, "x = = 1\n")
    done = sporax("run", "script.py", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "SyntaxError: invalid syntax"
    assert 'script.py", line 1' in done.stderr
    assert "runpy" not in done.stderr


def test_an_unsupported_import_is_an_error(tmp_path):
    script(tmp_path, "from mindspore.nn import L1Los\n")
    done = sporax("run", "script.py", cwd=tmp_path)
    assert done.returncode == 1
    assert "sporax does not provide mindspore.nn.L1Los. Did you mean L1Loss?" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize(("statement", "code"), [("sys.exit()", 0), ("sys.exit(3)", 3), ("sys.exit('no')", 1)])
def test_the_exit_code_is_the_scripts(tmp_path, statement, code):
    script(tmp_path, f"import sys\n{statement}\n")
    assert sporax("run", "script.py", cwd=tmp_path).returncode == code


def test_ctrl_c_ends_with_130(tmp_path):
    script(tmp_path, "import time\nprint('ready', flush=True)\ntime.sleep(60)\n")
    command = [sys.executable, "-m", "sporax", "run", "script.py"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert (ready, process.returncode) == ("ready\n", 130)
    assert errors.splitlines()[-1] == "KeyboardInterrupt"
    assert "runpy" not in errors


def test_a_missing_script_is_named(tmp_path):
    done = sporax("run", "nosuch.py", cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"sporax run: there is no file 'nosuch.py' in {tmp_path}.\n"


def test_a_module_runs_from_the_current_folder(tmp_path):
    package = tmp_path / "job"
    package.mkdir()
    script(package, "", "__init__.py")
    script(package, "import sys, mindspore\nprint(__name__, __package__, sys.argv[1:])\n", "main.py")
    done = sporax("run", "-m", "job.main", "--lr", "1", cwd=tmp_path)
    assert done.stdout == "__main__ job ['--lr', '1']\n", done.stderr
    assert sporax("run", "-m", "job.nosuch", cwd=tmp_path).returncode == 1
    assert "give the name of a module" in sporax("run", "-m", cwd=tmp_path).stderr


def test_a_hook_of_the_script_gets_the_error(tmp_path):
    script(
        tmp_path,
        """
        import sys
        sys.excepthook = lambda kind, error, traceback: print("hook", kind.__name__, traceback.tb_lineno)
        raise ValueError("x")
        """,
    )
    done = sporax("run", "script.py", cwd=tmp_path)
    assert (done.stdout, done.stderr, done.returncode) == ("hook ValueError 4\n", "", 1)


def test_a_script_starts_without_the_command_line_library(tmp_path):
    script(tmp_path, "import sys\nprint({'click', 'rich', 'jax', 'numpy'} & set(sys.modules) or 'none')\n")
    assert sporax("run", "script.py", cwd=tmp_path).stdout == "none\n"
