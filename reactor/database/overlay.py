"""Overlays: versions of documents and index entries laid over a snapshot.

The same type carries a transaction's own writes, commits that are decided but not yet durable, and old
versions when the past is read.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice

from reactor.database.documents import Document
from reactor.store.seam import Outcome, Snapshot, TableRecord

__all__ = ["Overlay", "id_in_key", "scan"]

_FEW = 8
"""So many keys are put into their places one by one; of more, the whole list is sorted."""


class Overlay:
    """Changes over a snapshot. Later changes to the same document or entry replace earlier ones.

    `documents` are newest versions by id (raw None: deleted), `tables` those that came to exist, by name, and
    `outcomes` those of clients' mutations, by session and request.
    """

    __slots__ = ("_entries", "_ordered", "documents", "outcomes", "tables")

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.tables: dict[str, TableRecord] = {}
        self.outcomes: dict[tuple[bytes, int], Outcome] = {}
        # By index, changed keys and whether they are there now. Of a key that changed twice, the place is the first.
        self._entries: defaultdict[int, dict[bytes, bool]] = defaultdict(dict)
        # By index, the keys in order; those that came since it was last asked for are missing.
        self._ordered: dict[int, list[bytes]] = {}

    def __bool__(self) -> bool:
        return bool(self.documents or self.tables or self.outcomes)

    def move(self, indexes: Iterable[int], old: Sequence[bytes], new: Sequence[bytes]) -> None:
        """A document's entries change from `old` to `new`; each is empty or holds a key for each of `indexes`."""
        entries = self._entries
        if old and new:
            for index, before, after in zip(indexes, old, new, strict=True):
                if before != after:
                    entries[index][before] = False
                    entries[index][after] = True
        elif new:
            for index, key in zip(indexes, new, strict=True):
                entries[index][key] = True
        elif old:
            for index, key in zip(indexes, old, strict=True):
                entries[index][key] = False

    def absorb(self, other: "Overlay") -> None:
        """Lay the changes of another overlay, which is not used any more, over this one's."""
        self.documents.update(other.documents)
        self.tables.update(other.tables)
        self.outcomes.update(other.outcomes)
        for index, entries in other._entries.items():
            self._entries[index].update(entries)

    def changes(self, index: int, lower: bytes, upper: bytes, into: dict[bytes, bool]) -> None:
        """Add this overlay's changed keys of a range to `into`, replacing what lies below."""
        entries = self._entries.get(index)
        if entries:
            keys = self._in_order(index, entries)
            for key in keys[bisect_left(keys, lower) : bisect_left(keys, upper)]:
                into[key] = entries[key]

    def _in_order(self, index: int, entries: dict[bytes, bool]) -> list[bytes]:
        keys = self._ordered.setdefault(index, [])
        # Keys are never taken out of `entries`, so those that are missing here are its youngest.
        missing = len(entries) - len(keys)
        if missing > _FEW:
            keys += islice(reversed(entries), missing)
            keys.sort()
        elif missing:
            for key in islice(reversed(entries), missing):
                insort(keys, key)
        return keys


async def scan(
    snapshot: Snapshot,
    layers: Sequence[Overlay],
    index: int,
    lower: bytes,
    upper: bytes,
    *,
    reverse: bool,
    limit: int,
) -> list[tuple[bytes, str]]:
    """Up to `limit` entries of a range as a snapshot with overlays (lowest first) shows them."""
    changes: dict[bytes, bool] = {}
    for layer in layers:
        layer.changes(index, lower, upper, changes)
    if not changes:
        return await snapshot.scan(index, lower, upper, reverse=reverse, limit=limit)
    # With room for every removed entry, the page still holds `limit` entries unless the range ends in it.
    asked = limit + sum(1 for present in changes.values() if not present)
    page = await snapshot.scan(index, lower, upper, reverse=reverse, limit=asked)
    merged = {key: id for key, id in page if changes.get(key, True)}
    for key, present in changes.items():
        if present and key not in merged:
            merged[key] = id_in_key(key)
    return sorted(merged.items(), reverse=reverse)[:limit]


def id_in_key(key: bytes) -> str:
    """The document id that ends an index key (tag 0x10, ASCII text, 0x00; no id contains the tag)."""
    return key[key.rindex(b"\x10") + 1 : -1].decode("ascii")
