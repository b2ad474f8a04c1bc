"""Overlays: versions of documents and index entries laid over a snapshot.

The same type carries a transaction's own writes, commits that are decided but not yet durable, and old
versions when the past is read.
"""

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from reactor.database.documents import Document
from reactor.store.seam import Outcome, Snapshot, TableRecord, id_in_key
from reactor.values import successor

if TYPE_CHECKING:
    from reactor.database.catalog import TableInfo

__all__ = ["Overlay", "scan", "scan_ids"]

Key = TypeVar("Key", bytes, str)

_FEW = 8
"""So many keys are put into their places one by one; of more, the whole list is sorted."""


class Overlay:
    """Changes over a snapshot. Later changes to the same document or entry replace earlier ones.

    `documents` are newest versions by id (raw None: deleted), `tables` those that came to exist, by name, and
    `outcomes` those of clients' mutations, by session and request.
    """

    __slots__ = ("_entries", "_ids", "_keys", "documents", "outcomes", "tables")

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.tables: dict[str, TableRecord] = {}
        self.outcomes: dict[tuple[bytes, int], Outcome] = {}
        # By index, changed keys and whether they are there now.
        self._entries: defaultdict[int, dict[bytes, bool]] = defaultdict(dict)
        # Keys by index, and ids, in order; those that came since these were last asked for are missing.
        self._keys: defaultdict[int, list[bytes]] = defaultdict(list)
        self._ids: list[str] = []

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

    def replace(self, table: "TableInfo", old: Document | None, new: Document) -> None:
        """A document of a table is `new` in place of `old` (None: it was not there)."""
        self.documents[new.id] = new
        self.move(table.ordered_ids, old.keys(table) if old else (), new.keys(table))
        if table.derived:
            before = old or Document(new.id, None)
            for index, were, are in zip(
                table.derived, before.derived_keys(table), new.derived_keys(table), strict=True
            ):
                entries = self._entries[index.id]
                entries.update(dict.fromkeys(were - are, False))
                entries.update(dict.fromkeys(are - were, True))

    def set_entry(self, index: int, key: bytes, *, there: bool) -> None:
        """An entry that belongs to no document comes or goes."""
        self._entries[index][key] = there

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
            keys = _all_in_order(self._keys[index], entries)
            for key in keys[bisect_left(keys, lower) : bisect_left(keys, upper)]:
                into[key] = entries[key]

    def concerns(self, index: int) -> bool:
        """Whether it changes anything in an index."""
        return index in self._entries

    def changed_keys(self, index: int) -> list[bytes]:
        """All keys of an index that it changes, in any order."""
        return list(self._entries.get(index, ()))

    def touches(self, index: int, lower: bytes, upper: bytes) -> bool:
        """Whether it changes a key of a range."""
        entries = self._entries.get(index)
        if not entries:
            return False
        keys = _all_in_order(self._keys[index], entries)
        first = bisect_left(keys, lower)
        return first < len(keys) and keys[first] < upper

    def first_changes(
        self, index: int, lower: bytes, upper: bytes, into: dict[bytes, bool], *, reverse: bool, limit: int
    ) -> bytes | None:
        """As `changes`, from one end of the range; gives the last key when there are `limit` and perhaps more."""
        entries = self._entries.get(index)
        if not entries:
            return None
        keys = _all_in_order(self._keys[index], entries)
        first, end = bisect_left(keys, lower), bisect_left(keys, upper)
        some = keys[max(first, end - limit) : end] if reverse else keys[first : min(first + limit, end)]
        for key in some:
            into[key] = entries[key]
        if len(some) < limit:
            return None
        return some[0] if reverse else some[-1]

    def changed_ids(self, lower: str, upper: str, into: dict[str, bool]) -> None:
        """Add the ids of a range to `into`, replacing what lies below: whether the document is there now."""
        ids = _all_in_order(self._ids, self.documents)
        for id in ids[bisect_left(ids, lower) : bisect_left(ids, upper)]:
            into[id] = self.documents[id].raw is not None


def _all_in_order(known: list[Key], entries: dict[Key, Any]) -> list[Key]:
    """The keys of `entries` in order: `known`, to which those that came since are added."""
    # None is ever taken out, and one that is set again keeps its place: so those that came are the youngest.
    missing = len(entries) - len(known)
    if missing > _FEW:
        known += islice(reversed(entries), missing)
        known.sort()
    elif missing:
        for key in islice(reversed(entries), missing):
            insort(known, key)
    return known


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
    if limit <= 0:
        return []
    if not any(layer.concerns(index) for layer in layers):
        return await snapshot.scan(index, lower, upper, reverse=reverse, limit=limit)
    found: list[tuple[bytes, str]] = []
    # Of all that was changed only so much is looked at as is asked for: a mutation may have changed thousands.
    size = limit
    while True:
        part, edge = await _part(snapshot, layers, index, lower, upper, reverse=reverse, size=size)
        found += part
        if edge is None or len(found) >= limit:
            return found[:limit]
        lower, upper = (lower, edge) if reverse else (successor(edge), upper)
        size *= 2


async def _part(
    snapshot: Snapshot, layers: Sequence[Overlay], index: int, lower: bytes, upper: bytes, *, reverse: bool, size: int
) -> tuple[list[tuple[bytes, str]], bytes | None]:
    """The first entries of a range, and the last key that was looked at; None when the range has no more."""
    page = await snapshot.scan(index, lower, upper, reverse=reverse, limit=size)
    edges = [page[-1][0]] if len(page) == size else []
    changes: dict[bytes, bool] = {}
    for layer in layers:
        last = layer.first_changes(index, lower, upper, changes, reverse=reverse, limit=size)
        if last is not None:
            edges.append(last)
    merged = {key: id for key, id in page if changes.get(key, True)}
    for key, present in changes.items():
        if present and key not in merged:
            merged[key] = id_in_key(key)
    entries = sorted(merged.items(), reverse=reverse)
    if not edges:
        return entries, None
    edge = max(edges) if reverse else min(edges)
    return [entry for entry in entries if (entry[0] >= edge if reverse else entry[0] <= edge)], edge


async def scan_ids(
    snapshot: Snapshot, layers: Sequence[Overlay], lower: str, upper: str, *, reverse: bool, limit: int
) -> list[str]:
    """Up to `limit` ids of a range as a snapshot with overlays (lowest first) shows them."""
    changes: dict[str, bool] = {}
    for layer in layers:
        layer.changed_ids(lower, upper, changes)
    page = await snapshot.scan_ids(lower, upper, reverse=reverse, limit=limit + _absent(changes))
    merged = {id for id in page if changes.get(id, True)}
    merged.update(id for id, present in changes.items() if present)
    return sorted(merged, reverse=reverse)[:limit]


def _absent(changes: dict[Any, bool]) -> int:
    # With room for every removed entry, a page still holds as many as were asked for, unless the range ends in it.
    return sum(1 for present in changes.values() if not present)
