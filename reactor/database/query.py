"""Queries over a table: `ctx.db.query("messages").with_index(...).order("desc").take(50)`.

A query object is lazy and continued once: each step returns the next one, and the last one reads.
Behaviour matches Convex's query builder (get-convex/convex-backend,
npm-packages/convex/src/server/impl/query_impl.ts).
"""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, Literal

from reactor.database.catalog import IndexInfo, TableInfo, index_of
from reactor.database.derived import DerivedIndex
from reactor.database.documents import Document
from reactor.database.expressions import FilterBuilder
from reactor.database.filters import Filter
from reactor.database.index_range import IndexRange
from reactor.database.page_options import PaginationOptions, PaginationResult
from reactor.database.pages import Pager, PageSource
from reactor.database.reading import FIRST_PAGE, LARGEST_PAGE, Reading
from reactor.database.search_query import Search
from reactor.database.search_reading import SearchReading, SearchSource, search_index_of
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError

__all__ = ["Query"]

_EVERYTHING = (b"", b"\xff")


class Query:
    """A range of an index, in an order. Reads nothing until it is collected, taken from, paged, counted or iterated."""

    __slots__ = (
        "_bounds",
        "_filter",
        "_index",
        "_indexed",
        "_name",
        "_ordered",
        "_pager",
        "_reverse",
        "_search",
        "_spent",
        "_table",
        "_tx",
    )

    def __init__(
        self, tx: Transaction, name: str, table: TableInfo | None, index: str, pager: Pager | None = None
    ) -> None:
        self._tx, self._name, self._table, self._pager = tx, name, table, pager
        self._index = None if table is None else table.indexes[index]
        self._bounds = _EVERYTHING
        self._filter: Filter | None = None
        self._search: tuple[DerivedIndex, Search] | None = None
        self._reverse = self._indexed = self._ordered = self._spent = False

    # Steps

    def with_index(self, name: str, range: Callable[[IndexRange], IndexRange] | None = None, /) -> "Query":
        """Read by a declared index, or by_id, or by_creation_time; `range` narrows it: `lambda q: q.eq("a", 1)`.

        Raises DeveloperError for an unknown index, or a range that the index cannot serve.
        """
        if self._indexed or self._ordered or self._filter is not None:
            raise DeveloperError("with_index() comes once, and before order() and filter().", code="QueryBuilder")
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

    def with_search_index(self, name: str, search: Callable[[Search], Search], /) -> "Query":
        """Search text: `lambda q: q.search("body", text).eq("channel", channel)`, the best documents first.

        A document is found when it has some of the words of `text`; the last one may be the beginning of a word.
        Documents are ordered by BM25, equal ones by their creation, the newest first. At most 1,024 are found: use
        take() or paginate(). Raises DeveloperError for an unknown index, and a search that it cannot serve.
        (get-convex/convex-backend, crates/search/src/query.rs)
        """
        if self._indexed or self._ordered or self._filter is not None:
            raise DeveloperError(
                "with_search_index() comes once, instead of with_index(), and before filter().", code="QueryBuilder"
            )
        query = self._continue()
        query._indexed = True
        if self._table is None:
            raise DeveloperError(
                f"Search index {self._name}.{name} not found: there is no such table yet.", code="IndexNotFound"
            )
        index = search_index_of(self._table, name)
        offered = Search(self._name, index)
        if search(offered) is not offered:
            raise DeveloperError(
                "The function of with_search_index() must return the search it was given, as in "
                f'lambda q: q.search("{index.fields[0]}", text).',
                code="InvalidIndexRange",
            )
        offered.checked()
        query._search = index, offered
        for field, value in offered.others():
            query._filter = Filter.of(lambda q, field=field, value=value: q.eq(q.field(field), value), query._filter)
        return query

    def order(self, order: Literal["asc", "desc"], /) -> "Query":
        """Ascending (the default) or descending order of the whole index key."""
        if order not in ("asc", "desc"):
            raise DeveloperError(f'order() takes "asc" or "desc", not {order!r}.', code="QueryBuilder")
        if self._search is not None:
            raise DeveloperError("Search results are ordered by relevance: leave order() out.", code="QueryBuilder")
        if self._ordered:
            raise DeveloperError("A query can only be ordered once.", code="QueryBuilder")
        query = self._continue()
        query._reverse, query._ordered = order == "desc", True
        return query

    def filter(self, predicate: Callable[[FilterBuilder], Any], /) -> "Query":
        """Only documents for which a condition holds: `lambda q: q.field("age") >= 18`; several calls must all hold.

        What the filter keeps out is read all the same and counts as read, so narrow the range by an index first.
        Raises DeveloperError for a condition that is none; one that fails at a document raises when that is reached.
        """
        query = self._continue()
        query._filter = Filter.of(predicate, self._filter)
        most = self._tx.limits.query_operators
        if query._filter.count > most:
            raise DeveloperError(
                f"Too many operators in one query (limit: {most}): combine conditions with & in one filter().",
                code="TooManyOperators",
            )
        return query

    # Ends

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

    async def count(self) -> int:
        """How many documents the range has. Without a filter no document is loaded or counts as read."""
        if self._filter is not None or self._search is not None:
            return len(await self._read(None))
        self._spend()
        if self._table is None or self._index is None:
            return 0
        return await self._tx.count(self._table, self._index, *self._bounds)

    async def paginate(self, options: PaginationOptions | Mapping[str, Any], /) -> PaginationResult:
        """One page of the range, and where the next one begins. At most one in each run of a function.

        Raises DeveloperError for options that make no sense and for a cursor that is none, InvalidCursor for one of
        another query.
        """
        if self._pager is None:
            raise DeveloperError("paginate() is not possible here.", code="PaginationUnsupported")
        request = self._pager.begin(options)
        self._spend()
        if self._search is not None and self._table is not None:
            found = SearchSource(self._tx, self._name, self._table, *self._search, self._filter)
            return await self._pager.read(found, request)
        source = PageSource(
            self._tx, self._name, self._table, self._index, self._bounds, self._filter, reverse=self._reverse
        )
        return await self._pager.read(source, request)

    def __aiter__(self) -> "AsyncIterator[dict[str, Any]]":
        """Documents one by one; only those that were reached count as read."""
        return _Iteration(self._open(), self._tx)

    # Inside

    def _continue(self) -> "Query":
        self._spend()
        query = Query.__new__(Query)
        query._tx, query._name, query._table, query._pager = self._tx, self._name, self._table, self._pager
        query._index, query._bounds, query._indexed = self._index, self._bounds, self._indexed
        query._filter, query._reverse, query._ordered = self._filter, self._reverse, self._ordered
        query._spent, query._search = False, self._search
        return query

    def _spend(self) -> None:
        if self._spent:
            raise DeveloperError(
                "A query can only be chained once and can't be chained after iteration begins. "
                "Build it anew with ctx.db.query(...).",
                code="QueryBuilder",
            )
        self._spent = True

    def _open(self) -> Reading | None:
        self._spend()
        if self._table is None or self._index is None:
            return None
        if self._search is not None:
            return SearchReading(self._tx, self._table, *self._search, self._filter)
        scan = self._tx.open_scan(self._index, *self._bounds, reverse=self._reverse, filter=self._filter)
        return None if scan is None else Reading(self._tx, self._table, self._index, scan, self._filter)

    async def _read(self, limit: int | None) -> list[Document]:
        reading = self._open()
        return [] if reading is None else await reading.read(limit)


class _Iteration(AsyncIterator[dict[str, Any]]):
    """`async for` over a query. A plain object, since a generator left by `break` would need the loop to close it."""

    __slots__ = ("_last", "_page", "_reading", "_size", "_tx", "_version")

    def __init__(self, reading: Reading | None, tx: Transaction) -> None:
        self._reading, self._tx = reading, tx
        self._page: list[tuple[Document, bytes]] = []
        self._size = FIRST_PAGE
        self._last = False
        self._version = -1

    async def __anext__(self) -> dict[str, Any]:
        reading = self._reading
        while reading is not None and not reading.scan.exhausted:
            # Own writes may have changed what follows, so a page read before them is dropped.
            current = self._tx.version == self._version
            if not current or not (self._page or self._last):
                await self._read_page(reading, current)
            if not self._page:
                reading.scan.exhausted = True
                break
            document, key = self._page.pop()
            if reading.consume(key, document):
                return document.copy()
        raise StopAsyncIteration

    async def _read_page(self, reading: Reading, current: bool) -> None:
        # Pages that are read to their end grow; a loop that writes in each of its turns soon reads one by one.
        if self._version >= 0:
            self._size = min(self._size * 2, LARGEST_PAGE) if current else max(self._size // 4, 1)
        self._version = self._tx.version
        entries = await reading.entries(self._size)
        self._last = len(entries) < self._size
        documents = await reading.load(entries)
        self._page = list(zip(documents, (key for key, _ in entries), strict=True))
        self._page.reverse()


def _kind(value: object) -> str:
    return "another range" if isinstance(value, IndexRange) else type(value).__name__
