"""Queries over a table: `ctx.db.query("messages").with_index(...).order("desc").take(50)`.

A query object is lazy and continued once: each step returns the next one, and the last one reads.
Behaviour matches Convex's query builder (get-convex/convex-backend,
npm-packages/convex/src/server/impl/query_impl.ts).
"""

from collections.abc import AsyncIterator, Callable
from typing import Any, Literal

from reactor.database.catalog import IndexInfo, TableInfo, index_of
from reactor.database.documents import Document
from reactor.database.index_range import IndexRange
from reactor.database.ranges import OpenScan
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError

__all__ = ["Query"]

_FIRST_PAGE, _LARGEST_PAGE = 16, 512
_PORTION = 64
"""So many documents are loaded at once: each may have a megabyte, and only what was loaded is counted."""
_EVERYTHING = (b"", b"\xff")


class Query:
    """A range of an index, in an order. Reads nothing until a terminal: collect, take, first, unique, `async for`."""

    __slots__ = ("_bounds", "_index", "_indexed", "_name", "_ordered", "_reverse", "_spent", "_table", "_tx")

    def __init__(self, tx: Transaction, name: str, table: TableInfo | None, index: str) -> None:
        self._tx, self._name, self._table = tx, name, table
        self._index = None if table is None else table.indexes[index]
        self._bounds = _EVERYTHING
        self._reverse = self._indexed = self._ordered = self._spent = False

    def with_index(self, name: str, range: Callable[[IndexRange], IndexRange] | None = None, /) -> "Query":
        """Read by a declared index, or by_id, or by_creation_time; `range` narrows it: `lambda q: q.eq("a", 1)`.

        Raises DeveloperError for an unknown index, or a range that the index cannot serve.
        """
        if self._indexed or self._ordered:
            raise DeveloperError("with_index() comes once, and before order().", code="QueryBuilder")
        query = self._continue()
        query._indexed = True
        if self._table is None:
            return query
        query._index = index_of(self._table, name)
        if range is not None:
            query._bounds = self._range_of(query._index, range)
        return query

    def _range_of(self, index: IndexInfo, range: Callable[[IndexRange], IndexRange]) -> tuple[bytes, bytes]:
        offered = IndexRange(self._name, index)
        returned = range(offered)
        if returned is not offered:
            raise DeveloperError(
                "The range function of with_index() must return the range it was given, as in "
                f'lambda q: q.eq("field", value); it returned {_kind(returned)}.',
                code="InvalidIndexRange",
            )
        return offered.bounds()

    def order(self, order: Literal["asc", "desc"], /) -> "Query":
        """Ascending (the default) or descending order of the whole index key."""
        if order not in ("asc", "desc"):
            raise DeveloperError(f'order() takes "asc" or "desc", not {order!r}.', code="QueryBuilder")
        if self._ordered:
            raise DeveloperError("A query can only be ordered once.", code="QueryBuilder")
        query = self._continue()
        query._reverse, query._ordered = order == "desc", True
        return query

    async def collect(self) -> list[dict[str, Any]]:
        """All documents of the range."""
        return [document.copy() for document in await self._read(None)]

    async def take(self, n: float, /) -> list[dict[str, Any]]:
        """The first `n` documents of the range."""
        # Numbers from clients are floats as often as not.
        whole = n.is_integer() if isinstance(n, float) else type(n) is int
        if not whole or n < 0:
            raise DeveloperError(f"take() needs a whole number of at least 0, not {n!r}.", code="QueryBuilder")
        return [document.copy() for document in await self._read(int(n))]

    async def first(self) -> dict[str, Any] | None:
        """The first document of the range, None when it is empty."""
        found = await self._read(1)
        return found[0].copy() if found else None

    async def unique(self) -> dict[str, Any] | None:
        """The only document of the range, None when it is empty. Raises DeveloperError when there are several."""
        found = await self._read(2)
        if len(found) > 1:
            ids = ", ".join(document.id for document in found)
            raise DeveloperError(
                f"unique() query returned more than one result from table {self._name}: [{ids}, ...]. "
                "Use first() if any of them will do.",
                code="NotUnique",
            )
        return found[0].copy() if found else None

    def __aiter__(self) -> "AsyncIterator[dict[str, Any]]":
        """Documents one by one; only those that were reached count as read."""
        return _Iteration(self, self._tx, self._open())

    def _continue(self) -> "Query":
        self._spend()
        query = Query.__new__(Query)
        query._tx, query._name, query._table = self._tx, self._name, self._table
        query._index, query._bounds, query._indexed = self._index, self._bounds, self._indexed
        query._reverse, query._ordered, query._spent = self._reverse, self._ordered, False
        return query

    def _spend(self) -> None:
        if self._spent:
            raise DeveloperError(
                "A query can only be chained once and can't be chained after iteration begins. "
                "Build it anew with ctx.db.query(...).",
                code="QueryBuilder",
            )
        self._spent = True

    def _open(self) -> OpenScan | None:
        self._spend()
        if self._index is None:
            return None
        lower, upper = self._bounds
        return self._tx.open_scan(self._index, lower, upper, reverse=self._reverse)

    async def _read(self, limit: int | None) -> list[Document]:
        scan = self._open()
        found: list[Document] = []
        while scan is not None and not scan.exhausted and (limit is None or len(found) < limit):
            size = _LARGEST_PAGE if limit is None else min(limit - len(found), _LARGEST_PAGE)
            page = await self.entries(scan, size)
            for start in range(0, len(page), _PORTION):
                portion = page[start : start + _PORTION]
                for (key, _), document in zip(portion, await self.load(portion), strict=True):
                    scan.consume(key)
                    self._tx.consumed(document)
                    found.append(document)
            scan.exhausted = len(page) < size
        return found

    async def entries(self, scan: OpenScan, size: int) -> list[tuple[bytes, str]]:
        """The next entries of a scan; fewer than `size` means that the range ends there."""
        assert self._table is not None and self._index is not None
        lower, upper = scan.rest()
        return await self._tx.entries(self._table, self._index, lower, upper, reverse=self._reverse, limit=size)

    async def load(self, entries: list[tuple[bytes, str]]) -> list[Document]:
        """The documents of entries, in their order."""
        return await self._tx.load([id for _, id in entries])


class _Iteration(AsyncIterator[dict[str, Any]]):
    """`async for` over a query. A plain object, since a generator left by `break` would need the loop to close it."""

    __slots__ = ("_last", "_page", "_query", "_scan", "_size", "_tx", "_version")

    def __init__(self, query: Query, tx: Transaction, scan: OpenScan | None) -> None:
        self._query, self._tx, self._scan = query, tx, scan
        self._page: list[tuple[Document, bytes]] = []
        self._size = _FIRST_PAGE
        self._last = False
        self._version = -1

    async def __anext__(self) -> dict[str, Any]:
        scan = self._scan
        if scan is None or scan.exhausted:
            raise StopAsyncIteration
        # Own writes may have changed what follows, so a page read before them is dropped.
        current = self._tx.version == self._version
        if not current or not (self._page or self._last):
            await self._read_page(scan, current)
        if not self._page:
            scan.exhausted = True
            raise StopAsyncIteration
        document, key = self._page.pop()
        scan.consume(key)
        self._tx.consumed(document)
        return document.copy()

    async def _read_page(self, scan: OpenScan, current: bool) -> None:
        # Pages that are read to their end grow; a loop that writes in each of its turns soon reads one by one.
        if self._version >= 0:
            self._size = min(self._size * 2, _LARGEST_PAGE) if current else max(self._size // 4, 1)
        self._version = self._tx.version
        entries = await self._query.entries(scan, self._size)
        self._last = len(entries) < self._size
        documents = await self._query.load(entries)
        self._page = list(zip(documents, (key for key, _ in entries), strict=True))
        self._page.reverse()


def _kind(value: object) -> str:
    return "another range" if isinstance(value, IndexRange) else type(value).__name__
