"""The part of a table that a migration goes through: a range of one index, in its order."""

from typing import TYPE_CHECKING

from reactor.database.catalog import BY_CREATION, TableInfo, index_of
from reactor.database.index_range import IndexRange
from reactor.database.ranges import OpenScan
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError
from reactor.values import successor

if TYPE_CHECKING:
    from reactor.runtime.migrations import Migration

__all__ = ["Span"]


class Span:
    """Raises DeveloperError when there is no such table or index, and when the index cannot serve the range."""

    __slots__ = ("_lower", "_upper", "by_creation", "index", "table")

    def __init__(self, tx: Transaction, migration: "Migration") -> None:
        self.table = _table(tx, migration)
        self.index = index_of(self.table, migration.index or BY_CREATION)
        self._lower, self._upper = b"", b"\xff"
        self.by_creation = self.index is self.table.ordered[0]
        if migration.range is not None:
            offered = IndexRange(migration.table, self.index)
            if migration.range(offered) is not offered:
                raise DeveloperError(
                    f"`range` of migration `{migration.name}` must return the range that it was given, as in "
                    'lambda q: q.eq("field", value).',
                    code="InvalidIndexRange",
                )
            self._lower, self._upper = offered.bounds()

    def open(self, tx: Transaction, cursor: bytes | None) -> OpenScan | None:
        """Begin to read behind a key; None when nothing can be there."""
        return tx.open_scan(self.index, self._behind(cursor), self._upper, reverse=False)

    async def entries(self, tx: Transaction, cursor: bytes | None, limit: int) -> list[tuple[bytes, str]]:
        """Keys and ids behind a key; fewer than `limit` are all. They count as read."""
        scan = self.open(tx, cursor)
        if scan is None:
            return []
        entries = await tx.entries(self.table, self.index, scan.lower, scan.upper, reverse=False, limit=limit)
        if len(entries) < limit:
            scan.exhausted = True
        else:
            scan.consume(entries[-1][0])
        return entries

    async def count(self, tx: Transaction, cursor: bytes | None) -> int:
        """How many documents lie behind a key. None of them is loaded."""
        return await tx.count(self.table, self.index, self._behind(cursor), self._upper)

    def _behind(self, cursor: bytes | None) -> bytes:
        return self._lower if cursor is None else max(self._lower, successor(cursor))


def _table(tx: Transaction, migration: "Migration") -> TableInfo:
    table = tx.table(migration.table)
    if table is None:
        raise DeveloperError(
            f"Migration `{migration.name}` is for the table `{migration.table}`, and there is none. Is its name right?",
            code="TableNotFound",
        )
    return table
