"""`sporax run`: run a script that imports `mindspore`, as Python would run it, on sporax."""

from __future__ import annotations

import os
import runpy
import sys
from types import TracebackType

from sporax import compat
from sporax.cli._compile_cache import enable_cache

_LAUNCHERS = {"runpy", "importlib._bootstrap", "importlib._bootstrap_external", __name__}
_INTERRUPTED = 130


def launch(arguments: list[str]) -> int:
    """Run `script.py args...`, or `-m module args...`, with the alias `mindspore` in place.

    Returns:
        The exit code: 0, 1 after an exception, 2 if the script does not exist, 130 after Ctrl-C. A
        SystemExit raised by the script propagates.
    """
    as_module = arguments[0] == "-m"
    rest = arguments[1:] if as_module else arguments
    if not rest:
        return _usage_error("give the name of a module after -m.")
    target = rest[0]
    if not as_module and not os.path.exists(target):
        return _usage_error(f"there is no file {target!r} in {os.getcwd()}.")
    sys.argv = list(rest)
    if not sys.flags.safe_path:
        sys.path[0] = os.getcwd() if as_module else os.path.dirname(os.path.abspath(target))
    enable_cache(os.environ)
    compat.install()
    try:
        if as_module:
            runpy.run_module(target, run_name="__main__", alter_sys=True)
        else:
            runpy.run_path(target, run_name="__main__")
    except KeyboardInterrupt as error:
        _show(error)
        return _INTERRUPTED
    except Exception as error:
        _show(error)
        return 1
    return 0


def _usage_error(message: str) -> int:
    print(f"sporax run: {message}", file=sys.stderr)
    return 2


def _show(error: BaseException) -> None:
    """Print the traceback from the script's first line on with `sys.excepthook`, which the script may have set."""
    error.__traceback__ = _below_launcher(error.__traceback__)
    sys.stdout.flush()
    sys.excepthook(type(error), error, error.__traceback__)


def _below_launcher(traceback: TracebackType | None) -> TracebackType | None:
    while traceback is not None and traceback.tb_frame.f_globals.get("__name__") in _LAUNCHERS:
        traceback = traceback.tb_next
    return traceback
