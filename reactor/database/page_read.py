"""Reading one page: as many documents as were asked for, or all up to a fixed end, and never more than may be read."""

from typing import Literal

from reactor.database.documents import Document
from reactor.database.page_options import PageRequest
from reactor.database.reading import FIRST_PAGE, LARGEST_PAGE, PORTION, Entry, Reading
from reactor.database.transaction import Transaction

__all__ = ["PageRead", "PageStatus"]

PageStatus = Literal["SplitRecommended", "SplitRequired"] | None

_MANY = 6_144
"""A page of more documents should be split."""

_CROWDED = 0.75
"""A page that took more of what it may read than this part should be split."""


class PageRead:
    """One page being read, from a reading that may be None: then there is nothing.

    `found` are its documents. `cut`: it had to end before its range did, and before it had what was asked for.
    """

    __slots__ = (
        "_keys",
        "_keys_found",
        "_most_rows",
        "_most_size",
        "_reading",
        "_request",
        "_size",
        "_tx",
        "cut",
        "found",
    )

    def __init__(self, tx: Transaction, reading: Reading | None, request: PageRequest) -> None:
        self._tx, self._reading, self._request = tx, reading, request
        self.found: list[Document] = []
        self.cut = False
        self._keys: list[bytes] = []  # of all rows that were read
        self._keys_found: list[bytes] = []
        self._size = 0
        # Only a new page may end where it likes; one with an end has what the whole function may read.
        self._most_rows = tx.limits.documents_read if self.fixed else request.rows
        self._most_size = tx.limits.bytes_read if self.fixed else request.size

    @property
    def fixed(self) -> bool:
        """Whether it goes up to a given end, and not to a number of documents."""
        return self._request.end is not None

    @property
    def last(self) -> bytes | None:
        """The key of the last row that was read."""
        return self._keys[-1] if self._keys else None

    async def read(self) -> None:
        """Read until the page ends. Raises DeveloperError when not even one row may be read."""
        reading, size = self._reading, FIRST_PAGE
        while reading is not None and not (reading.scan.exhausted or self._over()):
            if not self.fixed and reading.filter is None:
                size = min(self._request.items - len(self.found), LARGEST_PAGE)
            page = await reading.entries(size)
            if await self._read_entries(reading, page):
                reading.scan.exhausted = len(page) < size
            size = min(size * 2, LARGEST_PAGE)

    async def _read_entries(self, reading: Reading, page: list[Entry]) -> bool:
        """False when the page has ended, so that nothing is known of what comes behind its last row."""
        for start in range(0, len(page), PORTION):
            portion = page[start : start + PORTION]
            for (key, _), document in zip(portion, await reading.load(portion), strict=True):
                if self._over() or self._no_room(document):
                    return False
                self._take(reading, key, document)
        return self.fixed or len(self.found) < self._request.items

    def _take(self, reading: Reading, key: bytes, document: Document) -> None:
        passes = reading.consume(key, document)
        self._keys.append(key)
        self._size += len(document.raw or b"")
        if passes:
            self.found.append(document)
            self._keys_found.append(key)

    def _over(self) -> bool:
        if self.fixed or self.cut:
            return self.cut
        if len(self.found) >= self._request.items:
            return True
        self.cut = len(self._keys) >= self._most_rows or self._size >= self._most_size
        return self.cut

    def _no_room(self, document: Document) -> bool:
        # What the whole function may read ends the page instead of failing the function.
        self.cut = bool(self._keys) and not self._tx.room_for(document)
        return self.cut

    def middle(self) -> bytes | None:
        """The key at which to split the page; None when it has not more than two rows."""
        keys = self._keys if self.cut else self._keys_found
        return keys[(len(keys) - 1) // 2] if len(keys) > 2 else None

    def status(self) -> PageStatus:
        """Whether the page should be two."""
        if self.cut:
            return "SplitRequired"
        rows, size = _CROWDED * self._most_rows, _CROWDED * self._most_size
        crowded = len(self._keys) > rows or self._size > size or len(self.found) > _MANY
        return "SplitRecommended" if crowded else None
