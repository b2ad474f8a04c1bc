"""Reading a range in pages: entries, their documents, and what of them counts as read."""

from reactor.database.catalog import IndexInfo, TableInfo
from reactor.database.documents import Document
from reactor.database.filters import Filter
from reactor.database.ranges import OpenScan
from reactor.database.transaction import Transaction

__all__ = ["FIRST_PAGE", "LARGEST_PAGE", "Entry", "Reading"]

FIRST_PAGE, LARGEST_PAGE = 16, 512
PORTION = 64
"""So many documents are loaded at once: each may have a megabyte, and only what was loaded is counted."""

Entry = tuple[bytes, str]
"""A key of an index, and the id of the document that stands there."""


class Reading:
    """A scan under way over an index of a table, in one direction, through a filter if there is one."""

    __slots__ = ("_index", "_reverse", "_table", "_tx", "filter", "scan")

    def __init__(
        self, tx: Transaction, table: TableInfo, index: IndexInfo, scan: OpenScan, filter: Filter | None
    ) -> None:
        self._tx, self._table, self._index = tx, table, index
        self.scan, self.filter, self._reverse = scan, filter, scan.reverse

    async def entries(self, size: int) -> list[Entry]:
        """The next entries; fewer than `size` means that the range ends there."""
        lower, upper = self.scan.rest()
        return await self._tx.entries(self._table, self._index, lower, upper, reverse=self._reverse, limit=size)

    async def load(self, entries: list[Entry]) -> list[Document]:
        """The documents of entries, in their order."""
        return await self._tx.load([id for _, id in entries])

    def consume(self, key: bytes, document: Document) -> bool:
        """The document at `key` is read; whether it passes the filter. Raises DeveloperError for one too many."""
        self.scan.consume(key)
        self._tx.consumed(document)
        return self.filter is None or self.filter.passes(document)

    async def read(self, limit: int | None) -> list[Document]:
        """The documents that pass, up to `limit`."""
        found: list[Document] = []
        scan, growing = self.scan, FIRST_PAGE
        while not scan.exhausted and (limit is None or len(found) < limit):
            size = LARGEST_PAGE if limit is None else min(limit - len(found), LARGEST_PAGE)
            if self.filter is not None:
                # Nobody knows how many must be read until enough pass.
                size, growing = max(size, growing), min(growing * 2, LARGEST_PAGE)
            page = await self.entries(size)
            if await self._read_page(page, limit, found):
                scan.exhausted = len(page) < size
        return found

    async def _read_page(self, page: list[Entry], limit: int | None, found: list[Document]) -> bool:
        """Add the documents of a page that pass to `found`; False when these are enough, so that nothing is known of
        what comes behind the last one."""
        for start in range(0, len(page), PORTION):
            portion = page[start : start + PORTION]
            documents = await self.load(portion)
            if self.filter is None:
                # All pass, and a page has no more entries than there is room for.
                self.scan.consume(portion[-1][0])
                self._tx.consumed(*documents)
                found += documents
                continue
            for (key, _), document in zip(portion, documents, strict=True):
                if len(found) == limit:
                    return False
                if self.consume(key, document):
                    found.append(document)
        return len(found) != limit
