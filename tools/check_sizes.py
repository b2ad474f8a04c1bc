"""Holds the sizes of the house: a file of reactor/ over 500 lines fails, a function over 50 lines is named.

A long function may tell one story in order; a long file is always two files.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

__all__ = ["long_files", "long_functions"]

LONGEST_FILE = 500
LONGEST_FUNCTION = 50

ROOT = Path(__file__).resolve().parents[1]


def long_files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Python files below `folder` that are too long, with their number of lines."""
    for path in sorted(folder.rglob("*.py")):
        lines = path.read_text().count("\n")
        if lines > LONGEST_FILE:
            yield path, lines


def long_functions(folder: Path) -> Iterator[tuple[Path, int, str, int]]:
    """Functions below `folder` that are long: file, first line, name, number of lines."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(), str(path))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    yield path, node.lineno, node.name, lines


def main() -> int:
    for path, line, name, lines in long_functions(ROOT / "reactor"):
        print(f"warning: {path.relative_to(ROOT)}:{line} {name} has {lines} lines (over {LONGEST_FUNCTION})")
    too_long = list(long_files(ROOT / "reactor"))
    for path, lines in too_long:
        print(f"error: {path.relative_to(ROOT)} has {lines} lines (over {LONGEST_FILE}): divide it by ideas")
    return 1 if too_long else 0


if __name__ == "__main__":
    sys.exit(main())
