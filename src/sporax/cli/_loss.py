"""`sporax loss`: the losses there are, what they look like, and how they compare."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Look at losses, and check your own.", no_args_is_help=True)

_NAME = typer.Argument(metavar="NAME", help="Function, class or a peer's name: huber, huber_loss, HuberLoss.")
_SAVE = typer.Option("--save", metavar="FILE", help="Draw it with matplotlib too, as .png or .svg.")
_PARAM = typer.Option("--param", metavar="NAME=V[,V]", help="Values of a hyper-parameter, a curve each.")


@contextlib.contextmanager
def _said() -> Iterator[None]:
    """An error that a person can fix is a line on standard error and the exit status 2."""
    from sporax.cli import _loss_show

    try:
        yield
    except _loss_show.MENDABLE as error:
        typer.echo(f"sporax loss: {error}", err=True)
        raise typer.Exit(2) from None


@app.command("list")
def list_losses(
    family: Annotated[str | None, typer.Option(help="Only this family.")] = None,
    like: Annotated[str | None, typer.Option(help="Only what has a name like this, nearest first.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Every loss: function, class, family, what it is, and where it comes from."""
    from sporax.cli import _loss_show

    with _said():
        rows = _loss_show.select(family, like)
        typer.echo(_loss_show.rows_as_json(rows) if as_json else _loss_show.rows_as_text(rows), nl=as_json)


@app.command()
def show(
    name: Annotated[str, _NAME],
    param: Annotated[list[str] | None, _PARAM] = None,
    save: Annotated[Path | None, _SAVE] = None,
) -> None:
    """A loss: its formula, inputs, hyper-parameters, and a plot of value and slope."""
    from sporax.cli import _loss_show

    with _said():
        typer.echo(_loss_show.show(name, param or [], save), nl=False)


@app.command()
def compare(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Two losses or more.")],
    save: Annotated[Path | None, _SAVE] = None,
) -> None:
    """Several losses over one axis: plots, values and slopes at some points, growth far out."""
    from sporax.cli import _loss_show

    with _said():
        typer.echo(_loss_show.compare(names, save), nl=False)


@app.command()
def check(
    target: Annotated[
        str | None,
        typer.Argument(metavar="TARGET", help="path/to/file.py:MyLoss, package.module:name, or a built-in loss."),
    ] = None,
    inputs: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What it is called with: 'f32[8, 10], i32[8] < 10'.")
    ] = None,
    arg: Annotated[list[str] | None, typer.Option(metavar="NAME=VALUE", help="An argument of its constructor.")] = None,
    only: Annotated[list[str] | None, typer.Option(metavar="LAW", help="Run this law; may be repeated.")] = None,
    skip: Annotated[list[str] | None, typer.Option(metavar="LAW", help="Leave this law out; may be repeated.")] = None,
    coupled: Annotated[bool, typer.Option(help="Samples of a batch are meant to meet (contrastive losses).")] = False,
    strict: Annotated[bool, typer.Option(help="What is only worth a look fails too.")] = False,
    seed: Annotated[int, typer.Option(help="Of the random inputs.")] = 0,
    every: Annotated[bool, typer.Option("--all", help="Check every built-in loss.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as a page.")] = None,
) -> None:
    """Check a loss: gradients, reductions, weights, shapes, precision, tracing, cost. Exit status 1 if it fails."""
    from sporax.cli import _loss_check

    try:
        reports = _loss_check.run(
            target, inputs, arg or [], every=every, quiet=as_json, only=only or (), skip=skip or (), coupled=coupled,
            seed=seed,
        )  # fmt: skip
        reports = list(reports) if as_json else _loss_check.printed(reports, several=every)
        if html is not None:
            _loss_check.write_html(reports, html)
    except _loss_check.MENDABLE as error:
        typer.echo(f"sporax loss check: {error}", err=True)
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(_loss_check.as_json(reports))
    bad = any(not report.ok or (strict and report.warnings) for report in reports)
    raise typer.Exit(1 if bad else 0)
