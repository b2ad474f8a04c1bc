"""One pass over the documents of a table: to see whether they match a declaration, to fill indexes, or both."""

import asyncio
from collections.abc import Iterable

from reactor.database.catalog import TableInfo
from reactor.database.total_pass import TotalPass
from reactor.schema import AGGREGATE, SchemaMismatch, Table
from reactor.store.seam import IndexRecord, Snapshot, Store, TableRecord
from reactor.values import TableNames, ValidationFailure, decode_trusted, successor

__all__ = ["DocumentPass", "aggregates_of"]

_PAGE, _PORTION = 512, 64


class DocumentPass:
    """Goes through a table in the order of creation, a page at a time; between pages it can rest for any time.

    Each page is read from a snapshot of its own: one that is held for long would keep the write-ahead log from
    starting over. What is written meanwhile is not the pass's business, but for this: from the first page on, every
    commit has to bring its documents' entries in `indexes`, and whoever wants all documents checked checks those
    commits. Then the pass may leave out of an index what was written since its page was read.
    """

    def __init__(self, table: TableRecord, indexes: list[IndexRecord], check: Table | None = None) -> None:
        self.table, self.indexes, self.check = table, indexes, check
        self.documents = 0
        """How many have been seen."""
        self.complete = False
        self._lower = b""
        self._info = TableInfo(table, indexes, None)
        self.totals = aggregates_of(table, indexes)
        """Passes to be made when this one is complete."""

    async def page(self, store: Store, names: TableNames) -> None:
        """See the next documents. Raises SchemaMismatch naming the first that does not match, StoreError."""
        snapshot = store.acquire()
        ts = snapshot.ts
        try:
            page = await snapshot.scan(self.table.by_creation, self._lower, b"\xff", reverse=False, limit=_PAGE)
            entries = await self._entries(snapshot, [id for _, id in page], names)
        finally:
            snapshot.release()
        for index, found in zip(self.indexes, entries, strict=True):
            await store.fill_index(index, found, as_of=ts)
        self.documents += len(page)
        if len(page) < _PAGE:
            self.complete = True
        else:
            self._lower = successor(page[-1][0])

    async def _entries(self, snapshot: Snapshot, ids: list[str], names: TableNames) -> list[list[tuple[bytes, str]]]:
        """The entries of documents in each of `indexes`."""
        found: dict[int, list[tuple[bytes, str]]] = {index.id: [] for index in self.indexes}
        for start in range(0, len(ids), _PORTION):
            for id, raw in (await snapshot.get(ids[start : start + _PORTION])).items():
                document = decode_trusted(raw)
                if self.check is not None:
                    check_stored(self.check, id, document, names)
                for number, key in zip(self._info.ordered_ids[1:], self._info.keys_of(document)[1:], strict=True):
                    found[number].append((key, id))
                for index in self._info.derived:
                    found[index.id] += ((key, id) for key in index.keys_of(document))
            await asyncio.sleep(0)  # others are served meanwhile
        return list(found.values())


def aggregates_of(table: TableRecord, indexes: Iterable[IndexRecord]) -> list[TotalPass]:
    """Passes over those of some new indexes that are aggregates."""
    return [TotalPass(table, index) for index in indexes if index.kind.startswith(AGGREGATE)]


def check_stored(table: Table, id: str, document: dict[str, object], names: TableNames) -> None:
    """Raises SchemaMismatch when a stored document does not match the declaration of its table."""
    try:
        table.check(document, names)
    except ValidationFailure as failure:
        raise SchemaMismatch.of_stored(table.name, id, failure) from None
