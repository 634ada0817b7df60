"""`sporax loss`: list, show, compare and check losses."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path

import click

_SAVE = click.option(
    "--save",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also draw the curves with matplotlib, as .png or .svg.",
)


@click.group(name="loss")
def group() -> None:
    """List, show and compare losses, and check a custom one."""


@contextlib.contextmanager
def _reported() -> Iterator[None]:
    """Print an error that the user can fix as one line on standard error; the exit status is then 2."""
    from sporax.cli import _loss_show

    try:
        yield
    except _loss_show.USER_ERRORS as error:
        click.echo(f"sporax loss: {error}", err=True)
        sys.exit(2)


@group.command("list")
@click.option("--family", metavar="NAME", help="Only this family.")
@click.option("--like", metavar="NAME", help="Only losses with a similar name, the most similar first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_losses(family: str | None, like: str | None, as_json: bool) -> None:
    """List every loss: function, class, family, summary and source."""
    from sporax.cli import _loss_show

    with _reported():
        infos = _loss_show.select(family, like)
        click.echo(_loss_show.as_json(infos) if as_json else _loss_show.as_text(infos), nl=as_json)


@group.command()
@click.argument("name")
@click.option(
    "--param", multiple=True, metavar="NAME=V[,V]", help="Values of a hyper-parameter; one curve for each. Repeatable."
)
@_SAVE
def show(name: str, param: tuple[str, ...], save: Path | None) -> None:
    """Show one loss: formula, inputs, hyper-parameters, and a plot of its value and derivative.

    NAME is a function, a class, or the name that another framework uses: huber, huber_loss, HuberLoss.
    """
    from sporax.cli import _loss_show

    with _reported():
        click.echo(_loss_show.show(name, param, save), nl=False)


@group.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
@_SAVE
def compare(names: tuple[str, ...], save: Path | None) -> None:
    """Compare two or more losses over one axis: plots, values, derivatives, and growth at large arguments."""
    from sporax.cli import _loss_show

    with _reported():
        click.echo(_loss_show.compare(names, save), nl=False)


@group.command()
@click.argument("target", metavar="[TARGET]", required=False)
@click.option("--inputs", metavar="TEXT", help="The inputs of the loss: 'f32[8, 10], i32[8] < 10'.")
@click.option("--arg", multiple=True, metavar="NAME=VALUE", help="A constructor argument. Repeatable.")
@click.option("--only", multiple=True, metavar="CHECK", help="Run only this check. Repeatable.")
@click.option("--skip", multiple=True, metavar="CHECK", help="Leave this check out. Repeatable.")
@click.option("--coupled/--no-coupled", default=False, help="The samples of a batch interact (contrastive losses).")
@click.option("--strict/--no-strict", default=False, help="Warnings fail too.")
@click.option("--seed", default=0, show_default=True, help="The seed of the random inputs.")
@click.option("--all", "every", is_flag=True, help="Check every built-in loss.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE", help="Write the report as an HTML page.")
def check(
    target: str | None,
    inputs: str | None,
    arg: tuple[str, ...],
    only: tuple[str, ...],
    skip: tuple[str, ...],
    coupled: bool,
    strict: bool,
    seed: int,
    every: bool,
    as_json: bool,
    html: Path | None,
) -> None:
    """Check a loss: gradients, reductions, weights, shapes, precision, tracing, cost.

    TARGET is path/to/file.py:MyLoss, package.module:name, or a built-in loss. The exit status is 1 if a check fails.
    """
    from sporax.cli import _loss_check

    try:
        reports = _loss_check.run(
            target, inputs, arg, every=every, quiet=as_json, only=only, skip=skip, coupled=coupled, seed=seed
        )
        reports = list(reports) if as_json else _loss_check.printed(reports, several=every)
        if html is not None:
            _loss_check.write_html(reports, html)
    except _loss_check.USER_ERRORS as error:
        click.echo(f"sporax loss check: {error}", err=True)
        sys.exit(2)
    if as_json:
        click.echo(_loss_check.as_json(reports))
    failed = any(not report.ok or (strict and report.warnings) for report in reports)
    sys.exit(1 if failed else 0)
