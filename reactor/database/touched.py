"""Keys that commits touched, to be compared with what a transaction read."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from reactor.database.ranges import KeyRange
from reactor.store.seam import CATALOG_INDEX, Commit, LogEntry, Point, Write, points_of
from reactor.values import encode_value

__all__ = ["Touched", "TouchedKey", "keys_of", "keys_of_write"]

TouchedKey = tuple[int, bytes]
"""Index and key."""


class Touched:
    """A growing set of keys."""

    def __init__(self) -> None:
        self._keys: defaultdict[int, set[bytes]] = defaultdict(set)
        self._ordered: dict[int, list[bytes]] = {}
        self.everything = False
        """It is not known what was touched, or tables and indexes are others now."""

    def __bool__(self) -> bool:
        return self.everything or bool(self._keys)

    def add(self, keys: Iterable[TouchedKey]) -> None:
        """These were touched as well. A key of the catalog's touches everything."""
        for index, key in keys:
            if index == CATALOG_INDEX:
                self.everything = True
            self._keys[index].add(key)
        if self._ordered:
            self._ordered.clear()

    def merge(self, other: "Touched") -> None:
        """What another one has as well."""
        self.everything |= other.everything
        for index, keys in other._keys.items():
            self._keys[index] |= keys
        self._ordered.clear()

    def meets(self, ranges: Sequence[KeyRange], written: Iterable[TouchedKey] = ()) -> bool:
        """Whether one of these ranges was read, or one of these keys written, in vain.

        Filters of ranges are not asked: the versions of the documents are not known yet.
        """
        if self.everything:
            return True
        touched = self._keys
        for index, key in written:
            if index in touched and key in touched[index]:
                return True
        return any(index in touched and self._in(index, lower, upper) for index, lower, upper, _ in ranges)

    def _in(self, index: int, lower: bytes, upper: bytes) -> bool:
        ordered = self._ordered.get(index)
        if ordered is None:
            ordered = self._ordered[index] = sorted(self._keys[index])
        place = bisect_left(ordered, lower)
        return place < len(ordered) and ordered[place] < upper


def keys_of(done: Commit | LogEntry, by_id: Mapping[int, int]) -> list[TouchedKey]:
    """The keys that a commit touched. `by_id`: by table number, the index of its documents by id."""
    keys: list[TouchedKey] = []
    for write in done.writes:
        _add_of_write(write, by_id, keys)
    _add(done.points if isinstance(done, LogEntry) else points_of(done), keys)
    return keys


def keys_of_write(write: Write, by_id: Mapping[int, int]) -> list[TouchedKey]:
    """Those that the change of one document touched."""
    keys: list[TouchedKey] = []
    _add_of_write(write, by_id, keys)
    return keys


def _add_of_write(write: Write, by_id: Mapping[int, int], keys: list[TouchedKey]) -> None:
    index = by_id.get(write.table)
    if index is not None:
        keys.append((index, encode_value(write.id)))
    _add(write.points, keys)


def _add(points: Iterable[Point], keys: list[TouchedKey]) -> None:
    for point in points:
        index, old, new = point.index, point.old, point.new
        if old is not None:
            keys.append((index, old))
        if new is not None and new != old:
            keys.append((index, new))
