# ruff: noqa: RUF001, SIM905 - formulas contain ambiguous Unicode letters on purpose; the table is a split string.
"""Parsed docstrings of losses, and LaTeX formulas as plain text."""

from __future__ import annotations

import inspect
import re
import textwrap
from dataclasses import dataclass

from sporax import losses

_SECTION = re.compile(r"^(Args|Inputs|Returns|Raises|Examples?|Notes?|References?|Source):\s*(.*)$")
_MATH = re.compile(r"^\.\. math::\s*(.*)$")
_ARGUMENT = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*):\s*(.*)$")


@dataclass(frozen=True)
class Description:
    """A parsed docstring.

    Args:
        summary: its first line.
        body: the part before the arguments: pairs ("math" or "text", content).
        arguments: the description of each argument.
        source: the reference of the loss.
    """

    summary: str
    body: tuple[tuple[str, str], ...]
    arguments: dict[str, str]
    source: str

    @property
    def formulas(self) -> list[str]:
        """The formulas in LaTeX."""
        return [content for kind, content in self.body if kind == "math"]


def describe(info: losses.LossInfo) -> Description:
    """Parse the docstring of a loss.

    Args:
        info: the loss.

    Returns:
        The parsed docstring.

    Example:
        >>> from sporax import losses
        >>> from sporax import plotting
        >>> plotting.describe(losses.get("mse_loss")).formulas
        ['\\\\ell_i = (x_i - y_i)^2']
    """
    first, _, rest = (inspect.getdoc(info.function) or "").partition("\n")
    sections: dict[str, list[str]] = {"": []}
    current = sections[""]
    for line in rest.splitlines():
        if found := _SECTION.match(line):
            current = sections.setdefault(found[1], [])
            line = found[2]
        current.append(line)
    source = " ".join(" ".join(sections.get("Source", sections.get("References", []))).split())
    return Description(first.strip(), tuple(_body(sections[""])), _arguments(sections.get("Args", [])), source)


def _body(lines: list[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    text: list[str] = []
    at = 0

    def end_paragraph() -> None:
        if text:
            found.append(("text", "\n".join(text)))
            text.clear()

    while at < len(lines):
        line = lines[at]
        at += 1
        if math := _MATH.match(line):
            end_paragraph()
            block: list[str] = []
            while at < len(lines) and (not lines[at].strip() or lines[at].startswith(" ")):
                block.append(lines[at])
                at += 1
            content = f"{math[1]}\n{textwrap.dedent(chr(10).join(block))}"
            found.append(("math", "\n".join(part for part in content.splitlines() if part.strip())))
        elif line.strip():
            text.append(line)
        else:
            end_paragraph()
    end_paragraph()
    return found


def _arguments(lines: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    name = ""
    for line in textwrap.dedent("\n".join(lines)).splitlines():
        if (argument := _ARGUMENT.match(line)) and not line.startswith(" "):
            name = argument[1]
            found[name] = argument[2]
        elif name and line.strip():
            found[name] = f"{found[name]} {line.strip()}".strip()
    return {single.strip("* "): text for names, text in found.items() for single in names.split(",")}


# Formulas as plain text. An unknown command is printed without its backslash.

_TABLE = """
alpha α beta β gamma γ delta δ epsilon ε varepsilon ε zeta ζ eta η theta θ kappa κ lambda λ mu μ nu ν xi ξ pi π rho ρ
sigma σ tau τ phi φ varphi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Pi Π Sigma Σ Phi Φ Psi Ψ Omega Ω
ell ℓ sum Σ prod Π int ∫ infty ∞ cdot · times × pm ± mp ∓ le ≤ leq ≤ ge ≥ geq ≥ ne ≠ neq ≠ in ∈ notin ∉ approx ≈ sim ~
to → rightarrow → mapsto ↦ partial ∂ nabla ∇ lfloor ⌊ rfloor ⌋ lceil ⌈ rceil ⌉ langle ⟨ rangle ⟩ lvert | rvert | vert |
lVert ‖ rVert ‖ Vert ‖ mid | circ ∘ cap ∩ cup ∪ setminus ∖ subset ⊂ forall ∀ exists ∃ ldots … dots … cdots … wedge ∧
vee ∨ neg ¬ odot ⊙ propto ∝ equiv ≡ Leftrightarrow ⇔ iff ⇔ star * ast * ll ≪ gg ≫ top ᵀ emptyset ∅ succ ≻ prec ≺
""".split()
_SYMBOLS = dict(zip(_TABLE[::2], _TABLE[1::2], strict=True)) | {"quad": "\u2003", "qquad": "\u2003\u2003"}
_SUPERSCRIPTS = str.maketrans("0123456789+-nᵀ*", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿᵀ*")
_TRANSPARENT = {"text", "mathrm", "operatorname", "mathbf", "mathcal", "mathbb", "boldsymbol", "textrm", "mathit"}
_TRANSPARENT |= {"operatorname*", "underbrace", "overbrace", "textstyle", "displaystyle", "mathsf"}
_MARKS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303", "overline": "\u0304", "vec": "\u20d7", "dot": "\u0307"}
_DROPPED = {"left", "right", "big", "Big", "bigl", "bigr", "Bigl", "Bigr", "bigg", "Bigg", "limits", "nolimits"}


def plain_formula(latex: str) -> str:
    r"""Return a LaTeX formula as one line of text.

    Args:
        latex: the formula.

    Returns:
        The text.

    Example:
        >>> from sporax import plotting
        >>> plotting.plain_formula(r"\ell_i = \frac{(x - y)^2}{2 \beta} \cdot \begin{cases} 1 & x > 0 \\ 2 \end{cases}")
        'ℓ_i = ((x - y)²) / (2 β) · { 1 if x > 0; 2 }'
    """
    text = re.sub(r"\\(begin|end)\{(cases|aligned|array|pmatrix|split)\}(\{[lcr]+\})?", _environment, latex)
    tokens = [found[0] for found in re.finditer(r"\\[A-Za-z]+\*?|\\.|\s+|.", text, re.DOTALL)]
    out, _ = _group(tokens, 0)
    # The two sides of a case are separated by `if`, which the case may contain already.
    out = re.sub(r"\s*&\s*(?:if|when|for)?\s*(else|otherwise)", r" \1", out)
    out = re.sub(r"\s*&\s*(?:if\s)?", " if ", out) if "{ " in out else out.replace("&", "")
    return re.sub(r"[ \n\t]+([,;)])", r"\1", re.sub(r"[ \n\t]+", " ", out)).strip()


def _environment(found: re.Match[str]) -> str:
    cases = found[2] == "cases"
    return (r"\{ " if cases else " ") if found[1] == "begin" else (r" \}" if cases else " ")


def _group(tokens: list[str], at: int) -> tuple[str, int]:
    """Return the text up to the closing brace, and the index after it."""
    out: list[str] = []
    while at < len(tokens) and tokens[at] != "}":
        piece, at = _piece(tokens, at)
        out.append(piece)
    return "".join(out), at + 1


def _argument(tokens: list[str], at: int) -> tuple[str, int]:
    while at < len(tokens) and tokens[at].isspace():
        at += 1
    if at >= len(tokens):
        return "", at
    return _group(tokens, at + 1) if tokens[at] == "{" else _piece(tokens, at)


def _piece(tokens: list[str], at: int) -> tuple[str, int]:
    token = tokens[at]
    at += 1
    if token == "{":
        return _group(tokens, at)
    if token in "_^":
        content, at = _argument(tokens, at)
        content = content.strip()
        if token == "^" and content and all(ord(each) in _SUPERSCRIPTS for each in content):
            return content.translate(_SUPERSCRIPTS), at
        return f"{token}{content if len(content) == 1 else _enclosed(content, '_^')}", at
    if not token.startswith("\\"):
        return token, at
    name = token[1:]
    if name in ("frac", "tfrac", "dfrac"):
        above, at = _argument(tokens, at)
        below, at = _argument(tokens, at)
        return f"{_enclosed(above.strip())} / {_enclosed(below.strip())}", at
    if name == "sqrt":
        content, at = _argument(tokens, at)
        return f"√{_enclosed(content.strip())}", at
    if name in _TRANSPARENT:
        return _argument(tokens, at)
    if name in _MARKS:
        content, at = _argument(tokens, at)
        return f"{content}{_MARKS[name]}", at
    if name in _DROPPED:
        return "", at + (at < len(tokens) and tokens[at] == ".")
    if name in _SYMBOLS:
        return _SYMBOLS[name], at
    return {"\\": "; ", ",": " ", ";": " ", ":": " ", "!": "", " ": " ", "|": "‖"}.get(name, name), at


def _enclosed(text: str, more: str = "") -> str:
    """Return the text in parentheses unless it is a single word."""
    return f"({text})" if re.search(rf"[\s+\-/*()=,{re.escape(more)}]", text) else text
