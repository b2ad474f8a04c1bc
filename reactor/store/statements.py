"""Named SQL statements, read from a `.sql` file.

A statement begins with `-- name:` and a line of purpose, and ends with a semicolon. Where it takes any number
of rows, one row of parameters is written with three dots behind it: `VALUES (?, ?)...`, or `(a = ? AND b = ?) OR...`.
Such a statement exists in a few sizes, padded with rows of NULL, so that few prepared statements serve any number of
rows.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

__all__ = ["MAX_ROWS", "Statement", "load_statements"]

MAX_ROWS = 256
"""Rows in one execution of a statement that takes many: beyond that a bigger one saves nothing more."""

_HEAD = re.compile(r"^-- name: *(\S*) *$", re.MULTILINE)
_REPEATED = re.compile(r"(\([^()]*\?[^()]*\))( OR)?\.\.\.")


class Statement:
    """One statement: its `name`, its `purpose` in words, its `sql`.

    `width` is the number of parameters in the row that repeats, 0 when nothing does.
    """

    __slots__ = ("_sized", "name", "purpose", "sql", "width")

    def __init__(self, name: str, purpose: str, sql: str) -> None:
        repeated = _REPEATED.search(sql)
        self.name = name
        self.purpose = purpose
        self.sql = sql
        self.width = repeated[1].count("?") if repeated else 0
        self._sized: dict[int, str] = {}

    def sized(self, rows: int) -> str:
        """The text for exactly `rows` rows; the same object each time, as the driver's statement cache likes it."""
        text = self._sized.get(rows)
        if text is None:
            text = _REPEATED.sub(lambda found: (f"{found[2]} " if found[2] else ", ").join([found[1]] * rows), self.sql)
            self._sized[rows] = text
        return text

    def portions(self, parameters: list[Any]) -> Iterator[tuple[str, Sequence[Any]]]:
        """Text and parameters of each execution that it takes to bring `parameters`, the rows laid end to end."""
        if self.width == 0:
            yield self.sql, parameters
            return
        width, most = self.width, MAX_ROWS * self.width
        for start in range(0, len(parameters), most):
            portion = parameters[start : start + most] if len(parameters) > most else parameters
            rows = len(portion) // width
            size = _size(rows)
            if size != rows:
                portion = portion + [None] * ((size - rows) * width)
            yield self.sized(size), portion


def load_statements(file: Path) -> dict[str, Statement]:
    """The statements of a file by name. Raises ValueError naming the file and the statement that is malformed."""
    parts = _HEAD.split(file.read_text(encoding="utf-8"))
    statements: dict[str, Statement] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        if not name or name in statements:
            raise ValueError(f"{file}: every statement needs a name of its own, and {name!r} is missing or taken")
        statements[name] = _statement(name, body, file)
    return statements


def _size(rows: int) -> int:
    """The next power of two; finer where it pays, as a row of padding costs a seek and 20 to 60 rows are common."""
    return -(-rows // 8) * 8 if 8 < rows <= 64 else 1 << (rows - 1).bit_length()


def _statement(name: str, body: str, file: Path) -> Statement:
    lines = body.strip().splitlines()
    purpose = [line.removeprefix("--").strip() for line in lines if line.startswith("--")]
    sql = "\n".join(line for line in lines if not line.startswith("--")).strip()
    if not purpose:
        raise ValueError(
            f"{file}: say under `-- name: {name}` what the statement is for, in a line that starts with --"
        )
    if not sql.endswith(";") or sql.count(";") != 1:
        raise ValueError(f"{file}: {name} must be one statement that ends with a semicolon")
    return Statement(name, " ".join(purpose), sql[:-1])
