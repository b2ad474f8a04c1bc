"""Making the tables and indexes that a schema declares.

Runs while mutations pause, so that an index is complete when the code that reads it begins to serve.
"""

import asyncio
from collections.abc import Callable, Sequence

from reactor.database.catalog import Numbering, TableInfo
from reactor.database.documents import Document
from reactor.database.system_tables import SYSTEM_TABLES
from reactor.schema import Schema
from reactor.store.seam import Commit, IndexRecord, Snapshot, Store, TableRecord
from reactor.values import successor

__all__ = ["StructurePlan", "fill"]

_PAGE, _PORTION = 1_000, 100

Progress = Callable[[str, int], None]
"""Told the index being filled, as table.index, and how many documents it holds so far."""


class StructurePlan:
    """The difference between what a schema declares and what exists."""

    def __init__(self, numbering: Numbering, schema: Schema) -> None:
        self.tables: list[TableRecord] = []
        self.indexes: list[IndexRecord] = []
        self.dropped: list[int] = []
        self.tables += (numbering.new_system_table(name) for name in SYSTEM_TABLES if name not in numbering.tables)
        for table in schema.tables.values():
            record = numbering.tables.get(table.name)
            if record is None:
                record = numbering.new_table(table.name)
                self.tables.append(record)
            self._plan_indexes(numbering, record, [(index.name, index.fields) for index in table.indexes])
        for name, record in numbering.tables.items():
            if name not in schema.tables:
                # The table stays. Its indexes would not be maintained, and be wrong if they ever came back.
                self._plan_indexes(numbering, record, [])

    def _plan_indexes(
        self, numbering: Numbering, table: TableRecord, declared: list[tuple[str, tuple[str, ...]]]
    ) -> None:
        existing = {(index.name, index.fields): index.id for index in numbering.of_table(table.number)}
        for name, fields in declared:
            if existing.pop((name, fields), None) is None:
                self.indexes.append(numbering.new_index(table, name, fields))
        self.dropped += existing.values()

    def __bool__(self) -> bool:
        return bool(self.tables or self.indexes or self.dropped)

    def commit(self) -> Commit:
        """The commit that makes what is missing and drops what is declared no longer."""
        return Commit(0, [], "schema", None, self.tables, self.indexes, self.dropped)


async def fill(store: Store, snapshot: Snapshot, table: TableRecord, index: IndexRecord, progress: Progress) -> None:
    """Build an index over the documents that exist already, in pages."""
    info = TableInfo(table, [index], None)
    lower, done = b"", 0
    while True:
        page = await snapshot.scan(table.by_creation, lower, b"\xff", reverse=False, limit=_PAGE)
        await store.fill_index(index, await _entries(snapshot, info, [id for _, id in page]), as_of=snapshot.ts)
        done += len(page)
        progress(f"{table.name}.{index.name}", done)
        if len(page) < _PAGE:
            return
        lower = successor(page[-1][0])


async def _entries(snapshot: Snapshot, info: TableInfo, ids: Sequence[str]) -> list[tuple[bytes, str]]:
    """The entries of documents in the index that `info` has beside the built-in ones."""
    entries: list[tuple[bytes, str]] = []
    for start in range(0, len(ids), _PORTION):
        documents = await snapshot.get(ids[start : start + _PORTION])
        entries += ((Document(id, raw).keys(info)[1], id) for id, raw in documents.items())
        await asyncio.sleep(0)  # queries are served meanwhile
    return entries
