"""Write docs/losses/: an index of every loss, a page for each family, and a picture of each loss and its gradient.

python tools/generate_loss_docs.py           writes pages and pictures (pictures need matplotlib, extra `docs`)
python tools/generate_loss_docs.py --check   exits with 1 where a page is not current, or a picture is missing
python tools/generate_loss_docs.py huber     draws one picture
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from sporax import losses, nn, plotting

TARGET = Path(__file__).resolve().parent.parent / "docs" / "losses"
NOTE = "<!-- Written by tools/generate_loss_docs.py from the docstrings. Do not edit. -->"
MOST = 3
POINTS = 401

TITLES = {
    "binary": "Two classes",
    "classification": "Many classes",
    "balanced": "Unbalanced classes",
    "noisy": "Noisy labels",
    "boxes": "Boxes",
    "nce": "Noise-contrastive estimation",
    "linear": "Very many classes: linear cross entropy",
    "ctc": "Sequences: CTC",
    "rnnt": "Sequences: RNN-T",
    "fenchel_young": "Fenchel-Young losses",
    "metric": "Distances and angles",
    "proxy": "Metric learning by class vectors",
    "scoring": "Scoring rules",
    "adaptive": "Adaptive softmax",
    "sampled": "Sampled softmax",
}

SHOWN: dict[str, dict[str, tuple[Any, ...]]] = {
    "arcface_loss": {"margin": (0.0, 0.25, 0.5)},
    "circle_loss": {"margin": (0.0, 0.25, 0.5)},
    "cosface_loss": {"margin": (0.0, 0.2, 0.35)},
    "focal_loss": {"gamma": (0.0, 2.0, 5.0)},
    "huber_loss": {"delta": (0.5, 1.0, 2.0)},
    "sigmoid_focal_loss": {"gamma": (0.0, 2.0, 5.0)},
    "smooth_l1_loss": {"beta": (0.5, 1.0, 2.0)},
    "tukey_biweight_loss": {"scale": (1.0, 2.0, 4.685)},
}
"""Which hyper-parameters a picture shows, where the row's own values would not do."""

NOT_SHOWN = {"axis", "blank", "dim", "eps", "ignore_index", "num_classes", "num_sampled", "seed", "smooth"}
"""Hyper-parameters whose value says nothing of the shape of a loss."""


CALLING = """\
## How a function is called

```python
losses.NAME(*inputs, **hyper_parameters, reduction="none", weights=None)
```

- By default a function gives unreduced values. `jax.grad` needs a scalar:
  `jax.grad(functools.partial(losses.huber_loss, reduction="mean"))`. Under `jax.jit` give the reduction in the same
  way, or as a static argument.
- "mean" divides by the number of values whose weight is not zero (a cross entropy with class weights, by the sum of
  those), "batchmean" by the number of samples. With nothing left the result is 0, with zero gradients.
- `weights` broadcasts to the shape of the values. A weight of 0 removes what it stands for, NaN included, from value
  and gradient.
- In the shapes below, the axes `...` may be absent. So may the axis `N`, where the samples of a batch do not meet each
  other (as negatives of one another): `jax.vmap(losses.cross_entropy)` works on single samples.
- Outside of 64-bit mode JAX cuts integers to 32 bits. The losses keep the labels they know (NumPy arrays, lists) from
  that: labels that are only compared may be any integers, and a class index beyond 32 bits is out of range. The
  arguments of a function under `jax.jit` are cut by JAX before a loss sees them."""


def title(family: str) -> str:
    """The heading of a family's page."""
    return TITLES.get(family, family.replace("_", " ").capitalize())


def families() -> dict[str, list[losses.LossInfo]]:
    """The rows by family, in the order of the registry."""
    found: dict[str, list[losses.LossInfo]] = {}
    for row in losses.registry().values():
        found.setdefault(row.family, []).append(row)
    return found


def pages() -> dict[str, str]:
    """File name and text of every page."""
    found = {"README.md": _index()}
    for family, rows in families().items():
        found[f"{family}.md"] = _page(family, rows)
    return found


def _index() -> str:
    lines = [
        NOTE,
        "# Losses",
        "",
        f"{len(losses.registry())} losses. Each is a pure function of `sporax.losses`; most are classes of `sporax.nn` "
        "too.",
        "`sporax loss list`, `sporax loss show NAME` and `sporax loss compare NAME NAME` show the same in a terminal.",
        "",
        CALLING,
    ]
    for family, rows in families().items():
        lines += ["", f"## [{title(family)}]({family}.md)", "", "| function | class | what it is | source |"]
        lines.append("|---|---|---|---|")
        for row in rows:
            cell = f"`nn.{row.cell}`" if row.cell else ""
            link = f"[`{row.name}`]({family}.md#{row.name})"
            lines.append(f"| {link} | {cell} | {_markdown(row.summary)} | {_table_text(row.citation)} |")
    return "\n".join(lines) + "\n"


def _page(family: str, rows: Iterable[losses.LossInfo]) -> str:
    module = sys.modules[next(iter(rows)).function.__module__]
    about = (module.__doc__ or "").strip().partition("\n\n")[0]
    parts = [NOTE, f"# {title(family)}", "", _markdown(" ".join(about.split())), "", "[All losses](README.md)"]
    for row in rows:
        parts += ["", *_entry(row)]
    return "\n".join(parts) + "\n"


def _entry(row: losses.LossInfo) -> list[str]:
    words = plotting.describe(row)
    parts = [
        f"## {row.name}",
        "",
        _markdown(words.summary),
        "",
        "```python",
        f"losses.{_signature(row.name, row.function)}",
    ]
    if cell := getattr(nn, row.cell or "", None):
        parts.append(f"nn.{_signature(row.cell or '', cell)}")
    parts += ["```"]
    for kind, content in words.body:
        parts += ["", *(["```math", _math(content), "```"] if kind == "math" else [_markdown(content)])]
    if words.arguments:
        shapes = {item.name: f", of shape ({', '.join(item.shape)})" for item in row.inputs}
        parts += ["", "Arguments:", ""]
        parts += [f"- `{name}`: {_markdown(text)}" for name, text in words.arguments.items()]
        parts += [f"- `{name}`: an input{shape}." for name, shape in shapes.items() if name not in words.arguments]
    parts += ["", f"Source: {_markdown(words.source or row.citation)}"]
    parts += ["", f"![value and gradient of {row.name}](img/{row.name}.svg)"]
    return parts


def _signature(name: str, called: Any) -> str:
    """The call without annotations."""
    bare = []
    for parameter in inspect.signature(called).parameters.values():
        default = parameter.default
        if callable(default) and default is not parameter.empty:
            default = _Named(getattr(default, "__name__", type(default).__name__))
        bare.append(parameter.replace(annotation=parameter.empty, default=default))
    return f"{name}{inspect.Signature(bare)}"


class _Named:
    """A default that prints as its name, and not with an address in memory."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def _math(latex: str) -> str:
    # GitHub's renderer knows no \operatorname of its own.
    return re.sub(r"\\operatorname\*?\{([^{}]*)\}", r"\\mathrm{\1}", latex)


def _markdown(text: str) -> str:
    """A docstring's text: `:math:` becomes $`...`$, and what Markdown would take for markup is escaped."""
    found = re.sub(r":math:`([^`]*)`", lambda math: f"\x00{_math(math[1])}\x01", text)
    pieces = re.split(r"(\x00[^\x01]*\x01|``[^`]+``|`[^`]*`)", found)
    return (
        "".join(piece if piece[:1] in ("\x00", "`") else _escaped(piece) for piece in pieces)
        .replace("\x00", "$`")
        .replace("\x01", "`$")
    )


def _escaped(text: str) -> str:
    return re.sub(r"(?<!\\)([*_<>|\[\]])", r"\\\1", text)


def _table_text(text: str) -> str:
    return _markdown(text).replace("\n", " ")


def curves(row: losses.LossInfo) -> list[plotting.Curve]:
    """What a picture shows: the loss for one to three values of a hyper-parameter, or for each kind of label.

    Raises:
        ValueError: a curve has no shape, or is not finite.
    """
    lines = plotting.lines(row)
    for sweep in _sweeps(row):
        try:
            swept = [
                plotting.trace(row, lines[0], setting, label=label, points=POINTS)
                for label, setting in plotting.settings_of(row, sweep)
            ]
        except (ValueError, TypeError):
            continue
        if len(swept) > 1 and _differ(swept):
            return _checked(row, swept)
    return _checked(
        row, [plotting.trace(row, line, label=line.case or row.name, points=POINTS) for line in lines[:MOST]]
    )


def _sweeps(row: losses.LossInfo) -> Iterable[dict[str, tuple[Any, ...]]]:
    if row.name in SHOWN:
        yield SHOWN[row.name]
    known = plotting.parameters_of(row)
    for name, values in row.parameters.items():
        if name in NOT_SHOWN:
            continue
        default = known[name].default
        numbers = [default, *values] if isinstance(default, int | float) else list(values)
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in numbers):
            different = list(dict.fromkeys(numbers))[:MOST]
            if len(different) > 1:
                yield {name: tuple(sorted(different))}


def _differ(found: list[plotting.Curve]) -> bool:
    span = max(float(np.ptp(curve.value)) for curve in found)
    return all(
        float(np.max(np.abs(one.value - other.value))) > 0.02 * span
        for at, one in enumerate(found)
        for other in found[:at]
    )


def _checked(row: losses.LossInfo, found: list[plotting.Curve]) -> list[plotting.Curve]:
    for curve in found:
        if not (np.all(np.isfinite(curve.value)) and np.all(np.isfinite(curve.derivative))):
            raise ValueError(f"{row.name}: the curve {curve.label!r} over {curve.axis!r} is not finite.")
    if max(float(np.ptp(curve.value)) for curve in found) < 1e-6:
        raise ValueError(f"{row.name}: the loss is constant over {found[0].axis!r}; give it a line of its own.")
    return found


def missing() -> list[str]:
    """What is not as it should be: pages that are not current, pictures without a loss, and losses without one."""
    wanted = pages()
    wrong = [
        f"{name} is not current"
        for name, text in wanted.items()
        if not (TARGET / name).is_file() or (TARGET / name).read_text(encoding="utf-8") != text
    ]
    wrong += [f"{path.name} is no page" for path in TARGET.glob("*.md") if path.name not in wanted]
    pictures = {path.stem for path in (TARGET / "img").glob("*.svg")}
    wrong += [f"img/{name}.svg is missing" for name in losses.registry() if name not in pictures]
    wrong += [f"img/{name}.svg shows no loss" for name in sorted(pictures - set(losses.registry()))]
    return wrong


def write(names: Iterable[str]) -> list[str]:
    """Write every page, and the pictures of those losses; gives what could not be drawn."""
    (TARGET / "img").mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for path in TARGET.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for path in (TARGET / "img").glob("*.svg"):
        if path.stem not in losses.registry():
            path.unlink()
    for name, text in wanted.items():
        (TARGET / name).write_text(text, encoding="utf-8")
    failed = []
    for name in names:
        row = plotting.find(name)
        try:
            plotting.save_figure([curves(row)], TARGET / "img" / f"{row.name}.svg", small=True)
        except (ValueError, TypeError) as error:
            failed.append(f"{name}: {error}")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="draw the pictures of these losses only")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if something is not current")
    given = parser.parse_args()
    wrong = missing() if given.check else write(given.names or losses.registry())
    for line in wrong:
        print(line, file=sys.stderr)
    if wrong and given.check:
        print("run: python tools/generate_loss_docs.py", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
