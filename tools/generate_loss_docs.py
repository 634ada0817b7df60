"""Write docs/losses/: an index of every loss, a page for each family, and a plot of each loss and its derivative.

python tools/generate_loss_docs.py           writes pages and plots (plots need matplotlib, extra `docs`)
python tools/generate_loss_docs.py --check   exits with 1 if a page is not current, or a plot is missing
python tools/generate_loss_docs.py huber     draws one plot
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
"""Hyper-parameters of plots for which the values of the `LossInfo` are not suitable."""

NOT_SHOWN = {"axis", "blank", "dim", "eps", "ignore_index", "num_classes", "num_sampled", "seed", "smooth"}
"""Hyper-parameters that do not affect the shape of a curve."""


CALLING = """\
## Calling convention

```python
losses.NAME(*inputs, **hyper_parameters, reduction="none", weights=None)
```

- By default a function returns unreduced values. `jax.grad` needs a scalar:
  `jax.grad(functools.partial(losses.huber_loss, reduction="mean"))`. Under `jax.jit` pass the reduction in the same
  way, or as a static argument.
- "mean" divides by the number of values whose weight is not zero (a cross entropy with class weights, by the sum of
  those), "batchmean" by the number of samples. If no sample remains, the result is 0, with zero gradients.
- `weights` broadcasts to the shape of the values. A weight of 0 removes its element from value and gradient, even if
  that is NaN.
- In the shapes below, the axes `...` may be absent. The axis `N` may also be absent, if the samples of a batch do not
  interact (as negatives of each other, for example): `jax.vmap(losses.cross_entropy)` works on single samples.
- Outside of 64-bit mode JAX truncates integers to 32 bits. The losses avoid this for concrete labels (NumPy arrays,
  lists): labels that are only compared may be any integers, and a class index beyond 32 bits is out of range. The
  arguments of a function under `jax.jit` are truncated by JAX before a loss receives them."""


def title(family: str) -> str:
    """The heading of a family's page."""
    return TITLES.get(family, family.replace("_", " ").capitalize())


def families() -> dict[str, list[losses.LossInfo]]:
    """Return the losses by family, in the order of the registry."""
    found: dict[str, list[losses.LossInfo]] = {}
    for info in losses.registry().values():
        found.setdefault(info.family, []).append(info)
    return found


def pages() -> dict[str, str]:
    """Return the file name and text of every page."""
    found = {"README.md": _index()}
    for family, infos in families().items():
        found[f"{family}.md"] = _page(family, infos)
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
    for family, infos in families().items():
        lines += ["", f"## [{title(family)}]({family}.md)", "", "| function | class | description | source |"]
        lines.append("|---|---|---|---|")
        for info in infos:
            cell = f"`nn.{info.cell}`" if info.cell else ""
            link = f"[`{info.name}`]({family}.md#{info.name})"
            lines.append(f"| {link} | {cell} | {_markdown(info.summary)} | {_table_text(info.citation)} |")
    return "\n".join(lines) + "\n"


def _page(family: str, infos: Iterable[losses.LossInfo]) -> str:
    module = sys.modules[next(iter(infos)).function.__module__]
    about = (module.__doc__ or "").strip().partition("\n\n")[0]
    parts = [NOTE, f"# {title(family)}", "", _markdown(" ".join(about.split())), "", "[All losses](README.md)"]
    for info in infos:
        parts += ["", *_entry(info)]
    return "\n".join(parts) + "\n"


def _entry(info: losses.LossInfo) -> list[str]:
    words = plotting.describe(info)
    parts = [
        f"## {info.name}",
        "",
        _markdown(words.summary),
        "",
        "```python",
        f"losses.{_signature(info.name, info.function)}",
    ]
    if cell := getattr(nn, info.cell or "", None):
        parts.append(f"nn.{_signature(info.cell or '', cell)}")
    parts += ["```"]
    for kind, content in words.body:
        parts += ["", *(["```math", _math(content), "```"] if kind == "math" else [_markdown(content)])]
    if words.arguments:
        shapes = {item.name: f", of shape ({', '.join(item.shape)})" for item in info.inputs}
        parts += ["", "Arguments:", ""]
        parts += [f"- `{name}`: {_markdown(text)}" for name, text in words.arguments.items()]
        parts += [f"- `{name}`: an input{shape}." for name, shape in shapes.items() if name not in words.arguments]
    parts += ["", f"Source: {_markdown(words.source or info.citation)}"]
    parts += ["", f"![value and gradient of {info.name}](img/{info.name}.svg)"]
    return parts


def _signature(name: str, called: Any) -> str:
    """Return the signature without annotations."""
    bare = []
    for parameter in inspect.signature(called).parameters.values():
        default = parameter.default
        if callable(default) and default is not parameter.empty:
            default = _Named(getattr(default, "__name__", type(default).__name__))
        bare.append(parameter.replace(annotation=parameter.empty, default=default))
    return f"{name}{inspect.Signature(bare)}"


class _Named:
    """A default value that prints as its name, without a memory address."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


def _math(latex: str) -> str:
    # GitHub's renderer does not support \operatorname.
    return re.sub(r"\\operatorname\*?\{([^{}]*)\}", r"\\mathrm{\1}", latex)


def _markdown(text: str) -> str:
    """Convert a docstring to Markdown: `:math:` becomes $`...`$, and special characters are escaped."""
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


def curves(info: losses.LossInfo) -> list[plotting.Curve]:
    """Return the curves of a plot: the loss for one to three values of a hyper-parameter, or for each kind of label.

    Raises:
        ValueError: a curve is constant, or not finite.
    """
    lines = plotting.lines(info)
    for sweep in _sweeps(info):
        try:
            swept = [
                plotting.trace(info, lines[0], setting, label=label, points=POINTS)
                for label, setting in plotting.settings_of(info, sweep)
            ]
        except (ValueError, TypeError):
            continue
        if len(swept) > 1 and _differ(swept):
            return _checked(info, swept)
    return _checked(
        info, [plotting.trace(info, line, label=line.case or info.name, points=POINTS) for line in lines[:MOST]]
    )


def _sweeps(info: losses.LossInfo) -> Iterable[dict[str, tuple[Any, ...]]]:
    if info.name in SHOWN:
        yield SHOWN[info.name]
    known = plotting.parameters_of(info)
    for name, values in info.parameters.items():
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


def _checked(info: losses.LossInfo, found: list[plotting.Curve]) -> list[plotting.Curve]:
    for curve in found:
        if not (np.all(np.isfinite(curve.value)) and np.all(np.isfinite(curve.derivative))):
            raise ValueError(f"{info.name}: the curve {curve.label!r} over {curve.axis!r} is not finite.")
    if max(float(np.ptp(curve.value)) for curve in found) < 1e-6:
        raise ValueError(f"{info.name}: the loss is constant over {found[0].axis!r}; define another line for it.")
    return found


def missing() -> list[str]:
    """Return a list of problems: pages that are not current, plots without a loss, and losses without a plot."""
    wanted = pages()
    wrong = [
        f"{name} is not current"
        for name, text in wanted.items()
        if not (TARGET / name).is_file() or (TARGET / name).read_text(encoding="utf-8") != text
    ]
    wrong += [f"{path.name} is not a page" for path in TARGET.glob("*.md") if path.name not in wanted]
    plots = {path.stem for path in (TARGET / "img").glob("*.svg")}
    wrong += [f"img/{name}.svg is missing" for name in losses.registry() if name not in plots]
    wrong += [f"img/{name}.svg shows no loss" for name in sorted(plots - set(losses.registry()))]
    return wrong


def write(names: Iterable[str]) -> list[str]:
    """Write every page, and the plots of the named losses; return the errors of plots that could not be drawn."""
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
        info = plotting.find(name)
        try:
            plotting.save_figure([curves(info)], TARGET / "img" / f"{info.name}.svg", small=True)
        except (ValueError, TypeError) as error:
            failed.append(f"{name}: {error}")
    return failed


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="draw the plots of these losses only")
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
