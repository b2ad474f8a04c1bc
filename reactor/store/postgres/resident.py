"""A small table that is kept in memory, so that reading it never waits."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from reactor.store.seam import Commit

__all__ = ["Resident"]


class Resident:
    """The documents of a table, and its entries in one index, at one moment. Never changed: `after` gives the next."""

    __slots__ = ("_entries", "documents", "index", "table")

    def __init__(
        self, table: int, index: int, documents: dict[str, bytes], entries: Iterable[tuple[bytes, str]]
    ) -> None:
        self.table, self.index, self.documents = table, index, documents
        self._entries = sorted(entries)

    def scan(self, lower: bytes, upper: bytes, *, reverse: bool, limit: int) -> list[tuple[bytes, str]]:
        """As `Snapshot.scan`, of its index."""
        first, last = bisect_left(self._entries, (lower, "")), bisect_left(self._entries, (upper, ""))
        found = self._entries[first:last]
        return found[::-1][:limit] if reverse else found[:limit]

    def after(self, batch: Sequence[Commit]) -> "Resident":
        """What it is when a batch was committed; itself when that does not concern it."""
        writes = [write for commit in batch for write in commit.writes if write.table == self.table]
        if not writes:
            return self
        documents, entries = dict(self.documents), dict(self._entries)
        for write in writes:
            if write.new is None:
                documents.pop(write.id, None)
            else:
                documents[write.id] = write.new
            for point in write.points:
                if point.index == self.index:
                    if point.old is not None:
                        entries.pop(point.old, None)
                    if point.new is not None:
                        entries[point.new] = write.id
        return Resident(self.table, self.index, documents, entries.items())
