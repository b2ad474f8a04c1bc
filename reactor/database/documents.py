"""A stored document in memory, and a bounded cache of them.

One immutable object serves the cache, overlays and commits: its stored bytes, and, made when first needed, its
decoded value and its key in every ordered index of its table.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from reactor.database.range_cache import RangeCache
from reactor.database.range_totals import RangeGroups, RangeTotals
from reactor.values import decode_trusted

if TYPE_CHECKING:
    from reactor.database.catalog import TableInfo
    from reactor.database.overlay import Overlay
    from reactor.database.vector_spaces import VectorSpaces
    from reactor.store.seam import Commit, LogEntry

__all__ = ["Document", "DocumentCache"]

_CONTAINERS = frozenset({list, dict})
_NO_KEYS: frozenset[bytes] = frozenset()


class Document:
    """One version of a document. `raw` None means that it does not exist (a deletion)."""

    __slots__ = ("_derived", "_flat", "_keys", "_keys_of", "_value", "id", "raw", "since")

    def __init__(self, id: str, raw: bytes | None) -> None:
        self.id = id
        self.raw = raw
        self.since = 0
        """For a cached version: a moment, nanoseconds, from which on it is known to be the newest."""
        self._value: dict[str, Any] | None = None
        self._keys: tuple[bytes, ...] = ()
        self._keys_of: TableInfo | None = None
        self._derived: tuple[frozenset[bytes], ...] | None = None
        self._flat = False

    def value(self) -> dict[str, Any]:
        """The decoded document. Shared: callers must not change it; users get `copy`."""
        value = self._value
        if value is None:
            assert self.raw is not None
            value = self._value = decode_trusted(self.raw)
            self._flat = _CONTAINERS.isdisjoint(map(type, value.values()))
        return value

    def copy(self) -> dict[str, Any]:
        """A decoded document that the caller may change."""
        value = self._value or self.value()
        if self._flat:
            return value.copy()
        assert self.raw is not None
        return decode_trusted(self.raw)

    def keys(self, table: TableInfo) -> tuple[bytes, ...]:
        """Its key in each of `table.ordered`, in that order; empty when it does not exist.

        Remembered for the table as it was last asked for, since a table's indexes change with the schema.
        """
        if self._keys_of is not table:
            self.set_keys(table, () if self.raw is None else table.keys_of(self.value()))
        return self._keys

    def set_keys(self, table: TableInfo, keys: tuple[bytes, ...]) -> None:
        """Remember keys that were computed where the value was at hand."""
        self._keys, self._keys_of, self._derived = keys, table, None

    def derived_keys(self, table: TableInfo) -> tuple[frozenset[bytes], ...]:
        """Its keys in each of `table.derived`, in that order; empty ones when it does not exist."""
        self.keys(table)
        if self._derived is None:
            none = self.raw is None
            self._derived = tuple(_NO_KEYS if none else index.keys_of(self.value()) for index in table.derived)
        return self._derived

    def forget_derived(self) -> None:
        """Give back the memory of keys in derived indexes, which can be many."""
        self._derived = None


class DocumentCache:
    """Decoded documents of the newest visible state, at most about `max_bytes` of memory.

    A version is known to hold from the moment `since` on, so an older snapshot that is still being read
    does not use it. `vectors` are kept up together with it, and what ranges come to: `totals`, `groups` in them, and
    `counts` of entries.
    """

    def __init__(self, max_bytes: int, vectors: VectorSpaces | None = None) -> None:
        self._max_bytes, self.vectors = max_bytes, vectors
        self._make_ranges()
        self._bytes = 0
        self._newest = 0
        self._documents: dict[str, Document] = {}

    def _make_ranges(self) -> None:
        self.totals = RangeCache[RangeTotals](RangeTotals.adjusted)
        self.groups = RangeCache[RangeGroups](RangeGroups.adjusted)
        self.counts: RangeCache[int] = RangeCache()

    def get(self, id: str, ts: int) -> Document | None:
        """The document as a snapshot at `ts` sees it, if known."""
        document = self._documents.get(id)
        return document if document is not None and document.since <= ts else None

    def get_all(self, ids: Iterable[str], ts: int) -> list[Document | None]:
        """The same for several."""
        known = self._documents.get
        return [doc if (doc := known(id)) is not None and doc.since <= ts else None for id in ids]

    def add_all(self, documents: Iterable[Document], ts: int) -> None:
        """Documents that were read from a snapshot at `ts`. If it is not the newest, they say nothing of today."""
        if ts < self._newest or not self._max_bytes:
            return
        for document in documents:
            if document.id not in self._documents:
                self._put(document, ts)

    def knows(self, id: str) -> bool:
        """Whether a version of a document is here."""
        return id in self._documents

    def apply(
        self, overlay: Overlay, commits: Sequence[Commit | LogEntry], ts: int, unread: Iterable[str] = ()
    ) -> None:
        """A batch of commits became visible at `ts`: the versions that it leaves, `overlay`, replace what was known.

        Of what it wrote and is `unread` nothing is known any more.
        """
        self._newest, documents = ts, overlay.documents
        for known in (self.totals, self.groups, self.counts):
            known.apply(overlay, commits, ts)
        if self.vectors is not None:
            self.vectors.apply(documents, ts)
        for id in unread:
            self._forget(id)
        for id, document in documents.items():
            self._forget(id)
            document.forget_derived()
            if document.raw is not None:
                self._put(document, ts)

    def clear(self) -> None:
        """Nothing is known any more."""
        self._make_ranges()
        self._documents.clear()
        self._bytes = 0
        if self.vectors is not None:
            self.vectors.clear()

    def _put(self, document: Document, ts: int) -> None:
        size = _memory(document)
        if size > self._max_bytes:
            return
        document.since = ts
        self._documents[document.id] = document
        self._bytes += size
        while self._bytes > self._max_bytes:
            # Many at once: a dict's first entry is slow to find when those before it were taken out one by one.
            for oldest in list(islice(self._documents, 1 + len(self._documents) // 64)):
                self._forget(oldest)

    def _forget(self, id: str) -> None:
        gone = self._documents.pop(id, None)
        if gone is not None:
            self._bytes -= _memory(gone)


def _memory(document: Document) -> int:
    """About what a version takes in memory: stored bytes, decoded text of the same length, and Python's objects.

    Measured: 1.4 kB for 200 stored bytes in five fields, 6 kB for 2,100 in three.
    """
    assert document.raw is not None
    return 1_000 + 2 * len(document.raw)
