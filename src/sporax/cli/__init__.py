"""The command `sporax`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: the command-line arguments after `sporax`; default `sys.argv[1:]`.

    Returns:
        The exit code.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    # `run` does not import the command-line library: the import takes longer than the rest of the startup.
    if given[:1] == ["run"] and len(given) > 1 and (given[1] == "-m" or not given[1].startswith("-")):
        from sporax.cli._run import launch

        return launch(given[1:])
    from sporax.cli._app import app

    app(args=given, prog_name="sporax")
    return 0
