"""The reader of named statements, and the file that the store keeps."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.store.sqlite import STATEMENTS
from reactor.store.statements import MAX_ROWS, Statement, load_statements

TWO = """
-- A file may begin with remarks.

-- name: one
-- What it is for,
-- in two lines.
SELECT 1
FROM here;

-- name: many
-- Any number.
INSERT INTO t SELECT * FROM (VALUES (?, ?)...) WHERE column1 IS NOT NULL;
"""


def _load(tmp_path: Path, text: str) -> dict[str, Statement]:
    file = tmp_path / "statements.sql"
    file.write_text(text)
    return load_statements(file)


def test_statements_have_name_purpose_and_sql(tmp_path: Path) -> None:
    found = _load(tmp_path, TWO)
    assert [(one.name, one.purpose, one.sql, one.width) for one in found.values()] == [
        ("one", "What it is for, in two lines.", "SELECT 1\nFROM here", 0),
        ("many", "Any number.", "INSERT INTO t SELECT * FROM (VALUES (?, ?)...) WHERE column1 IS NOT NULL", 2),
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("-- name: a\n-- For.\nSELECT 1;\n-- name: a\n-- For.\nSELECT 2;", "a name of its own, and 'a'"),
        ("-- name:\n-- For.\nSELECT 1;", "missing or taken"),
        ("-- name: a\nSELECT 1;", "what the statement is for"),
        ("-- name: a\n-- For.\nSELECT 1", "ends with a semicolon"),
        ("-- name: a\n-- For.\nSELECT 1; SELECT 2;", "one statement"),
    ],
)
def test_a_malformed_file_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ValueError, match=rf"statements\.sql: .*{told}"):
        _load(tmp_path, text)


def test_a_statement_for_many_rows_is_made_to_size(tmp_path: Path) -> None:
    many = _load(tmp_path, TWO)["many"]
    assert many.sized(3) == "INSERT INTO t SELECT * FROM (VALUES (?, ?), (?, ?), (?, ?)) WHERE column1 IS NOT NULL"
    assert many.sized(3) is many.sized(3)


def test_rows_may_be_conditions(tmp_path: Path) -> None:
    text = "-- name: gone\n-- Rows that go.\nDELETE FROM t WHERE (a = ? AND b = ?) OR...;\n"
    gone = _load(tmp_path, text)["gone"]
    assert gone.sized(2) == "DELETE FROM t WHERE (a = ? AND b = ?) OR (a = ? AND b = ?)"
    assert list(gone.portions([1, 2, 3, 4, 5, 6])) == [(gone.sized(4), [1, 2, 3, 4, 5, 6, None, None])]


def test_a_statement_without_rows_takes_its_parameters_as_they_are(tmp_path: Path) -> None:
    assert list(_load(tmp_path, TWO)["one"].portions([1, 2])) == [("SELECT 1\nFROM here", [1, 2])]


@given(st.integers(0, 3 * MAX_ROWS + 5), st.integers(1, 5))
def test_portions_bring_every_row_once_in_few_sizes(rows: int, width: int) -> None:
    statement = Statement("s", "p", f"VALUES ({', '.join('?' * width)})...")
    parameters: list[Any] = list(range(rows * width))
    portions = list(statement.portions(parameters))
    brought = [value for _, portion in portions for value in portion if value is not None]
    assert brought == parameters
    for sql, portion in portions:
        size = sql.count("(")
        assert size * width == len(portion)
        assert size <= MAX_ROWS
        assert size in (1, 2, 4, 8, 16, 24, 32, 40, 48, 56, 64, 128, 256)
        assert portion[-width * (size - 1) - width :][0] is not None


def test_parameters_are_not_changed_by_padding() -> None:
    parameters = [1, 2, 3]
    assert list(Statement("s", "p", "VALUES (?)...").portions(parameters)) == [
        ("VALUES (?), (?), (?), (?)", [1, 2, 3, None])
    ]
    assert parameters == [1, 2, 3]


def test_the_stores_statements_are_used_and_known() -> None:
    store = Path(load_statements.__code__.co_filename).parent
    sources = [*store.glob("*.py"), *store.glob("sharing/*.py")]
    code = "".join(source.read_text(encoding="utf-8") for source in sources)
    assert [name for name in STATEMENTS if f'"{name}"' not in code] == []
