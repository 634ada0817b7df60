"""The tutorial: every listing, byte for byte, run with `sporax run`, prints the documented output."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

PAGE = Path("shared") / "seed" / "loss_function_tutorial.txt"
LOSS_LINE = re.compile(r"epoch: 1 step: (\d+), loss is (\d+\.\d+)")
SEEDS = "import sporax\nsporax.set_seed(7)\n"
STATEMENTS = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef, ast.Assign)


def find_page() -> Path | None:
    """Return the page in a `shared` folder next to the repository, or next to a parent folder."""
    for folder in Path(__file__).resolve().parents:
        if (folder / PAGE).is_file():
            return folder / PAGE
    return None


def listings(text: str) -> list[str]:
    """Return the Python listings in a page of prose: from each possible first line, the longest block that parses."""
    lines = text.splitlines()
    found: list[str] = []
    at = 0
    while at < len(lines):
        ends = range(min(len(lines), at + 120), at, -1) if lines[at].strip() else ()
        for end in ends:
            if not lines[end - 1].strip():
                continue
            block = textwrap.dedent("\n".join(lines[at:end]))
            try:
                body = ast.parse(block).body
            except SyntaxError:
                continue
            # A word of prose can be an expression, but it is not a statement.
            if any(isinstance(node, STATEMENTS) for node in body):
                found.append(block + "\n")
                at = end
            break
        at += 1
    return found


def is_complete(listing: str) -> bool:
    return "model.train(" in listing and "class LinearNet" in listing


def run(listing: str, folder: Path, *, seeded: bool = False) -> str:
    """Return the output of `sporax run` for a listing; with `seeded`, the interpreter sets the seed first."""
    script = folder / "listing.py"
    script.write_text(listing, encoding="utf-8")
    command = [sys.executable, "-m", "sporax", "run", str(script)]
    if seeded:
        # The listing is not changed: the seed is set before its first line.
        start = f"{SEEDS}from sporax.cli import main\nimport sys\nsys.exit(main(['run', {str(script)!r}]))"
        command = [sys.executable, "-c", start]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def check_training(printed: str) -> None:
    """Check ten lines in the documented format, and a decreasing loss."""
    lines = printed.splitlines()
    matches = [LOSS_LINE.fullmatch(line) for line in lines]
    assert len(lines) == 10, printed
    assert all(matches), printed
    assert [int(match[1]) for match in matches if match] == list(range(1, 11))
    losses = [float(match[2]) for match in matches if match]
    assert sum(losses[-3:]) < sum(losses[:3]), printed


page = find_page()
needs_page = pytest.mark.skipif(page is None, reason="the tutorial is not next to this checkout")
LISTINGS = listings(page.read_text(encoding="utf-8")) if page else []
COMPLETE = [listing for listing in LISTINGS if is_complete(listing)]
PARTS = [listing for listing in LISTINGS if not is_complete(listing)]


@needs_page
def test_all_listings_are_found():
    assert (len(LISTINGS), len(COMPLETE)) == (17, 2)
    assert all(listing.isascii() for listing in LISTINGS)


@needs_page
@pytest.mark.parametrize("which", range(2), ids=["one label", "two labels"])
def test_a_complete_listing_trains(which, tmp_path):
    check_training(run(COMPLETE[which], tmp_path, seeded=True))


@needs_page
def test_the_first_listing_prints_the_documented_output(tmp_path):
    listing = PARTS[0]
    assert run(listing, tmp_path) == "1.5\n"
    assert run(listing.replace("L1Loss()", "L1Loss(reduction='sum')"), tmp_path) == "9.0\n"
    assert run(listing.replace("L1Loss()", "L1Loss(reduction='none')"), tmp_path) == "[[1. 0. 2.]\n [1. 2. 3.]]\n"


@needs_page
def test_the_small_listings_run_in_order(tmp_path):
    value = next(at for at, listing in enumerate(PARTS) if "output = loss(" in listing)
    steps = [*PARTS[: value + 1], "print(output, output.dtype)\n", *PARTS[value + 1 :]]
    printed = run("\n".join(steps), tmp_path, seeded=True).splitlines(keepends=True)
    mean, dtype = printed[1].split()
    assert (printed[0], dtype) == ("1.5\n", "Float32")
    assert float(mean) == pytest.approx((0 + 0 + 0.1) / 3, rel=1e-6)
    check_training("".join(printed[2:12]))
    check_training("".join(printed[12:]))


def test_listings_are_distinguished_from_prose():
    text = "Words.\n\n    import a\n\n    def f():\n        return a\n\n  1. More words\n\nx = 1\nNote\n"
    assert listings(text) == ["import a\n\ndef f():\n    return a\n", "x = 1\nNote\n"]


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "".join(f"epoch: 1 step: {k}, loss is {k}.5\n" for k in range(1, 11)),
        "".join(f"epoch: 1 step: {k}, loss is {20 - k}\n" for k in range(1, 11)),
        "".join(f"epoch: 1 step: {k}, loss is {20 - k}.5\n" for k in range(1, 10)),
    ],
    ids=["nothing", "a rising loss", "a wrong format", "nine steps"],
)
def test_the_check_can_fail(printed):
    with pytest.raises(AssertionError):
        check_training(printed)
