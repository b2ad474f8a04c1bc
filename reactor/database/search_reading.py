"""Reading what a text search found as if it were a range: in pages, through a filter, up to an end."""

from bisect import bisect_left
from hashlib import blake2b

from reactor.database.catalog import TableInfo
from reactor.database.cursors import FINGERPRINT, Position
from reactor.database.derived import DerivedIndex
from reactor.database.documents import Document
from reactor.database.filters import Filter
from reactor.database.ranges import OpenScan
from reactor.database.reading import Entry, Reading
from reactor.database.search_query import Search
from reactor.database.search_ranking import CANDIDATES, Ranking
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError
from reactor.search.declaration import companion
from reactor.search.postings import KIND
from reactor.values import encode_value, successor

__all__ = ["SearchReading", "SearchSource", "search_index_of"]


class SearchReading(Reading):
    """The documents that a search found, by places in its results. Nothing of the places is in the read set: what was
    read are postings, and the documents."""

    __slots__ = ("_lengths", "_of", "_places", "_search", "_text_index", "_version")

    def __init__(
        self,
        tx: Transaction,
        table: TableInfo,
        index: DerivedIndex,
        search: Search,
        filter: Filter | None,
        bounds: tuple[bytes, bytes] = (b"", b"\xff"),
    ) -> None:
        super().__init__(tx, table, table.by_id, OpenScan(index.id, *bounds, reverse=False), filter)
        self._text_index, self._lengths, self._search = index, table.searches[companion(index.name)], search
        self._places: list[Entry] = []
        self._of: Ranking | None = None
        self._version = -1

    async def entries(self, size: int) -> list[Entry]:
        """See `Reading.entries`. Raises DeveloperError behind the last candidate, if there may be more documents."""
        if self._version != self._tx.version:  # own writes may change what is found
            self._of = Ranking(self._tx, self._table, self._text_index, self._lengths, self._search)
            self._version = self._tx.version
            await self._rank(self._of, size)
        lower, upper = self.scan.rest()
        while True:
            first, end = bisect_left(self._places, (lower, "")), bisect_left(self._places, (upper, ""))
            last = min(first + size, end)
            if self._of is None or last <= self._of.sure or self._of.sure >= CANDIDATES:
                break
            await self._rank(self._of, 2 * (first + size))
        page = self._places[first:last]
        if self._of is not None and self._of.cut and len(page) < size and end == len(self._places):
            raise _too_many()
        return page

    async def _rank(self, ranking: Ranking, count: int) -> None:
        self._places = [(ranked.order, ranked.id) for ranked in await ranking.best(count)]

    async def load(self, entries: list[Entry]) -> list[Document]:
        """See `Reading.load`."""
        for _, id in entries:
            self._tx.reads.look_up(self._table.by_id.id, encode_value(id), successor(encode_value(id)))
        return await super().load(entries)


class SearchSource:
    """What pages of a search are read from; see `PageSource`."""

    __slots__ = ("_filter", "_index", "_search", "name", "table", "tx")

    def __init__(
        self, tx: Transaction, name: str, table: TableInfo, index: DerivedIndex, search: Search, filter: Filter | None
    ) -> None:
        self.tx, self.name, self.table = tx, name, table
        self._index, self._search, self._filter = index, search, filter

    def fingerprint(self) -> bytes:
        """See `PageSource.fingerprint`."""
        parts = [b"search", self.name.encode(), self._index.name.encode(), *self._search.parts()]
        if self._filter is not None:
            parts += [b"", self._filter.form]
        whole = blake2b(digest_size=FINGERPRINT)
        for part in parts:
            whole.update(b"%d:%b" % (len(part), part))
        return whole.digest()

    def open(self, start: Position, end: Position) -> Reading | None:
        """See `PageSource.open`."""
        lower = b"" if start is None else successor(start)
        upper = b"\xff" if end is None else successor(end)
        return SearchReading(self.tx, self.table, self._index, self._search, self._filter, (lower, upper))


def search_index_of(table: TableInfo, name: str) -> DerivedIndex:
    """A table's text index by name. Raises DeveloperError when there is none, or none that can be read yet."""
    index = table.searches.get(name)
    if index is not None and index.kind == KIND:
        return index
    known = ", ".join(sorted(each.name for each in table.searches.values() if each.kind == KIND)) or "none"
    if any(each.name == name and each.kind == KIND for each in table.derived):
        raise DeveloperError(
            f"Search index {table.name}.{name} is being built. It can be read when it is complete, and declared "
            "without staged=True.",
            code="IndexBackfillingError",
        )
    raise DeveloperError(
        f"Search index {table.name}.{name} not found. Search indexes of this table: {known}. Declare it in schema.py: "
        f'.search_index("{name}", search_field="...").',
        code="IndexNotFound",
    )


def _too_many() -> DeveloperError:
    return DeveloperError(
        f"The search scanned too many documents (fetched {CANDIDATES}): ask for fewer by take() or paginate(), for "
        "more words, or by a filter field.",
        code="TooManySearchResults",
    )
