"""Pages: `await query.paginate(opts)`, and how pages that are live stay side by side.

The first run of a page decides where it ends. That end goes to the client as the query's journal, and every later run
reads up to it, however many documents that are by then. So pages grow and shrink, but between two of them there is
neither a gap nor an overlap (get-convex/convex-backend, crates/database/src/query).
"""

from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

from reactor.database.catalog import IndexInfo, TableInfo
from reactor.database.cursors import FINGERPRINT, Cursors, Position
from reactor.database.filters import Filter
from reactor.database.page_options import PageRequest, PaginationResult, page_request
from reactor.database.page_read import PageRead, PageStatus
from reactor.database.reading import Reading
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError
from reactor.values import successor

__all__ = ["PageSource", "Pager"]


class PageSource(NamedTuple):
    """What a page is read from: a range of an index of a table, in a direction, through a filter."""

    tx: Transaction
    name: str
    table: TableInfo | None
    range_index: IndexInfo | None
    bounds: tuple[bytes, bytes]
    filter: Filter | None
    reverse: bool

    def fingerprint(self) -> bytes:
        """What tells queries apart whose cursors must not be mixed up (16 bytes)."""
        parts = [self.name.encode(), b"desc" if self.reverse else b"asc", *self.bounds]
        if self.range_index is not None:
            parts += [self.range_index.name.encode(), *(field.encode() for field in self.range_index.fields)]
        if self.filter is not None:
            parts += [b"", self.filter.form]
        whole = blake2b(digest_size=FINGERPRINT)
        for part in parts:
            whole.update(b"%d:%b" % (len(part), part))
        return whole.digest()

    def part(self, start: Position, end: Position) -> tuple[bytes, bytes]:
        """The bounds of what lies behind the key `start` and goes up to `end`; None is the beginning, and the end."""
        lower, upper = self.bounds
        if self.reverse:
            return lower if end is None else end, upper if start is None else start
        return lower if start is None else successor(start), upper if end is None else successor(end)

    def open(self, start: Position, end: Position) -> Reading | None:
        """Begin to read that part; None when there is nothing to read in it."""
        if self.table is None or self.range_index is None:
            return None
        lower, upper = self.part(start, end)
        scan = self.tx.open_scan(self.range_index, lower, upper, reverse=self.reverse, filter=self.filter)
        return None if scan is None else Reading(self.tx, self.table, self.range_index, scan, self.filter)


class Source(Protocol):
    """What pages are read from."""

    @property
    def tx(self) -> Transaction:
        """Whose reads they are."""
        ...

    @property
    def table(self) -> TableInfo | None:
        """Where the documents are; None: nowhere."""
        ...

    def fingerprint(self) -> bytes:
        """What tells queries apart whose cursors must not be mixed up (16 bytes)."""
        ...

    def open(self, start: Position, end: Position) -> Reading | None:
        """Begin to read what lies behind `start` and goes up to `end`; None when there is nothing."""
        ...


class Pager:
    """The one page that a run of a function may read. `journal` fixes its end, None leaves that to this run."""

    __slots__ = ("_cursors", "_ended", "_journal", "_used")

    def __init__(self, cursors: Cursors, journal: str | None = None) -> None:
        self._cursors, self._journal = cursors, journal
        self._ended: str | None = None
        self._used = False

    def next_journal(self, *, failed: bool) -> str | None:
        """The journal for the run that follows this one. A run that failed leaves a page where it was."""
        return self._ended or (self._journal if failed else None)

    def begin(self, options: Any) -> PageRequest:
        """A page is asked for. Raises DeveloperError for the second one, and for options that make no sense."""
        if self._used:
            raise DeveloperError(
                "This function ran multiple paginated queries, and only one paginate() per function is possible, since "
                "there is one place where a page ends. Make it two functions, or read one of them with take().",
                code="MultiplePaginatedQueries",
            )
        self._used = True
        request = page_request(options)
        return request if request.end is not None else request.ending(self._journal)

    async def read(self, source: Source, request: PageRequest) -> PaginationResult:
        """Read the page. Raises DeveloperError and InvalidCursor for cursors that do not fit."""
        if source.table is None:
            return _page([], True, self._cursors.seal(source.fingerprint(), None))
        fingerprint = source.fingerprint()
        start = None if request.cursor is None else self._cursors.open(request.cursor, fingerprint)
        end = None if request.end is None else self._cursors.open(request.end, fingerprint)
        behind_all = request.cursor is not None and start is None
        reading = None if behind_all else source.open(start, end)
        read = PageRead(source.tx, reading, request)
        await read.read()
        position = end if read.fixed or reading is None or reading.scan.exhausted else read.last
        done = position is None
        self._ended = self._cursors.seal(fingerprint, position)
        middle = read.middle()
        split = None if middle is None else self._cursors.seal(fingerprint, middle)
        return _page([found.copy() for found in read.found], done, self._ended, split, read.status())


def _page(
    page: list[dict[str, Any]],
    done: bool,
    cursor: str,
    split: str | None = None,
    status: PageStatus = None,
) -> PaginationResult:
    return {"page": page, "isDone": done, "continueCursor": cursor, "splitCursor": split, "pageStatus": status}
