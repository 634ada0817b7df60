"""Print the lines of each package of src/sporax: code, docstrings and comments, and lists of names.

python tools/count_lines.py [folder]
"""

from __future__ import annotations

import ast
import io
import sys
import tokenize
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / "src" / "sporax"


def count(path: Path) -> Counter[str]:
    """Count the lines of a file by kind; blank lines inside docstrings count as docstrings."""
    text = path.read_text("utf-8")
    lines = text.splitlines()
    kinds = ["blank" if not line.strip() else "code" for line in lines]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        row = token.start[0] - 1
        if token.type == tokenize.COMMENT and lines[row].strip().startswith("#"):
            kinds[row] = "comments"
    for node in ast.walk(ast.parse(text)):
        first, last = getattr(node, "lineno", 1) - 1, getattr(node, "end_lineno", 1)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            kinds[first:last] = ["docstrings"] * (last - first)
        elif isinstance(node, (ast.Import, ast.ImportFrom)) or (
            isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
        ):
            kinds[first:last] = ["names"] * (last - first)
    return Counter(kinds)


def main() -> int:
    """Print the table."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    packages: dict[str, Counter[str]] = {}
    for path in sorted(root.rglob("*.py")):
        relative = path.relative_to(root)
        package = relative.parts[0] if len(relative.parts) > 1 else "(top level)"
        packages.setdefault(package, Counter()).update(count(path))
    columns = ("code", "docstrings", "comments", "names", "blank")
    print(f"{'package':14}" + "".join(f"{each:>12}" for each in (*columns, "total")))
    packages["total"] = sum(packages.values(), Counter())
    for package, found in packages.items():
        figures = [found[each] for each in columns]
        print(f"{package:14}" + "".join(f"{each:>12}" for each in (*figures, sum(figures))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
