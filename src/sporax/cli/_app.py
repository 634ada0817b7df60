"""The commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from sporax import __version__
from sporax.cli._loss import app as loss

app = typer.Typer(
    help="MindSpore's programming model on JAX.",
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(loss, name="loss")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sporax {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def run(
    target: Annotated[str, typer.Argument(metavar="SCRIPT", help="A Python file; with -m, a module.")],
    arguments: Annotated[list[str] | None, typer.Argument(metavar="[ARGS]...", help="Its own arguments.")] = None,
    module: Annotated[bool, typer.Option("-m", help="SCRIPT is the name of a module.")] = False,
) -> None:
    """Run a script written for MindSpore, unchanged, on sporax."""
    from sporax.cli._run import launch

    raise typer.Exit(launch([*(["-m"] if module else []), target, *(arguments or [])]))


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print versions, devices, memory and the settings that change how sporax runs."""
    from sporax.cli import _doctor

    report = _doctor.examine()
    typer.echo(_doctor.as_json(report) if as_json else _doctor.as_text(report), nl=as_json)
    raise typer.Exit(1 if report["device_error"] else 0)
