"""What a copy of a database is made of: the one place that names columns.

Documents, log and outcomes are tables with a key of one column, which comes first. Entries of indexes are kept
otherwise in each kind of store. The catalog is small, and is read and written as a whole.
"""

from collections.abc import Sequence
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from reactor.schema import AGGREGATE

__all__ = [
    "DOCUMENTS",
    "INDEXES",
    "LOG",
    "META",
    "OUTCOMES",
    "SHAPES",
    "TABLES",
    "Catalog",
    "Key",
    "Row",
    "Table",
    "in_bytes",
]

Row: TypeAlias = tuple[Any, ...]

Key = TypeVar("Key", str, int)


class Table(NamedTuple, Generic[Key]):
    """A table whose rows are copied.

    `weight`: the place of the column that makes rows long. `first` is below all keys, and `last` above.
    """

    name: str
    columns: tuple[str, ...]
    weight: int
    first: Key
    last: Key

    @property
    def key(self) -> str:
        """The column that orders rows, no two of which have the same."""
        return self.columns[0]


_LAST_TS = 2**63 - 1

DOCUMENTS = Table("documents", ("id", "table_number", "ts", "value"), 3, "", "\U0010ffff")
LOG = Table("commit_log", ("ts", "source", "writes", "points", "node"), 2, 0, _LAST_TS)
OUTCOMES = Table("outcomes", ("ts", "session", "request", "result", "logs"), 3, 0, _LAST_TS)

TABLES = ("number", "name", "by_id", "by_creation")
INDEXES = ("id", "table_number", "name", "fields", "is_unique", "kind")
SHAPES = ("table_number", "shape")
META = ("last_ts", "history_start", "last_index")


class Catalog(NamedTuple):
    """What there is at one moment: rows of tables, of indexes that are complete, of shapes, and the numbers of META."""

    tables: list[Row]
    indexes: list[Row]
    shapes: list[Row]
    meta: dict[str, int]

    @property
    def ts(self) -> int:
        """The last commit."""
        return self.meta["last_ts"]

    @property
    def history_start(self) -> int:
        """From where on the log is complete."""
        return self.meta["history_start"]

    def live(self) -> list[int]:
        """Numbers of all indexes that have entries of use, in order. Those of others are not copied."""
        return sorted([*(row[3] for row in self.tables), *(row[0] for row in self.indexes)])

    def unlogged(self) -> list[int]:
        """Numbers of indexes that have entries of which the log does not tell, in order: nodes of aggregates."""
        return sorted(row[0] for row in self.indexes if row[5].partition(" ")[0] == AGGREGATE)

    def names(self) -> dict[int, str]:
        """How a person calls each index."""
        tables = {row[0]: row[1] for row in self.tables}
        built_in = {row[3]: f"{row[1]}.by_creation_time" for row in self.tables}
        return built_in | {row[0]: f"{tables.get(row[1], row[1])}.{row[2]}" for row in self.indexes}


def in_bytes(table: Table[Any], rows: Sequence[Row]) -> int:
    """About how many bytes rows have."""
    weight = table.weight
    return sum(len(row[weight]) for row in rows) + 32 * len(rows)
