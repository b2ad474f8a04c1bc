"""A small table that is kept in memory, so that reading it never waits."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence

from reactor.store.seam import LogEntry, Write

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

    def touched(self, entries: Iterable[LogEntry]) -> list[str]:
        """Ids of its documents that some commits wrote."""
        return list({write.id: None for entry in entries for write in entry.writes if write.table == self.table})

    def after(self, entries: Iterable[LogEntry], written: Sequence[str], found: dict[str, bytes]) -> "Resident":
        """What it is after some commits: `written` are the documents that they `touched`, `found` those that are there
        now."""
        documents = {id: value for id, value in self.documents.items() if id not in set(written)} | found
        keys = dict(self._entries)
        for entry in entries:
            for write in entry.writes:
                if write.table == self.table:
                    self._move(keys, write)
        return Resident(self.table, self.index, documents, keys.items())

    def _move(self, keys: dict[bytes, str], write: Write) -> None:
        for point in write.points:
            if point.index == self.index:
                if point.old is not None:
                    keys.pop(point.old, None)
                if point.new is not None:
                    keys[point.new] = write.id
