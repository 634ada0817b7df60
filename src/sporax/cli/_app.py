"""The commands and their options."""

from __future__ import annotations

import sys

import click

from sporax import __version__
from sporax.cli._loss import group as loss


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="sporax %(version)s")
def app() -> None:
    """MindSpore's programming model on JAX."""


app.add_command(loss)


@app.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    short_help="Run a script written for MindSpore, unchanged, on sporax.",
)
@click.option("-m", "module", is_flag=True, help="SCRIPT is the name of a module.")
@click.argument("target", metavar="SCRIPT")
@click.argument("arguments", metavar="[ARGS]...", nargs=-1, type=click.UNPROCESSED)
def run(target: str, arguments: tuple[str, ...], module: bool) -> None:
    """Run a script written for MindSpore, unchanged, on sporax.

    SCRIPT is a Python file, or with -m a module; ARGS are its arguments.
    """
    from sporax.cli._run import launch

    sys.exit(launch([*(["-m"] if module else []), target, *arguments]))


@app.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--modes", is_flag=True, help="Run SCRIPT, then print which functions were recorded, traced or compiled.")
@click.argument("script", metavar="[SCRIPT [ARGS]...]", nargs=-1, type=click.UNPROCESSED)
def doctor(as_json: bool, modes: bool, script: tuple[str, ...]) -> None:
    """Print versions, devices, memory and the settings that change how sporax runs.

    With --modes, run a script as `sporax run` does, and print how its functions ran.
    """
    from sporax.cli import _doctor

    if modes != bool(script):
        raise click.UsageError("give a script with --modes, as in: sporax doctor --modes train.py")
    if modes:
        from sporax.cli._modes import report_modes

        sys.exit(report_modes(list(script), as_json=as_json))
    report = _doctor.examine()
    click.echo(_doctor.as_json(report) if as_json else _doctor.as_text(report), nl=as_json)
    sys.exit(1 if report["device_error"] else 0)
