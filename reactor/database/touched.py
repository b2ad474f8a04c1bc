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
            self._ordered.pop(index, None)

    def merge(self, other: "Touched") -> None:
        """What another one has as well."""
        self.everything |= other.everything
        for index, keys in other._keys.items():
            self._keys[index] |= keys
            self._ordered.pop(index, None)

    def meets(self, ranges: Sequence[KeyRange], written: Iterable[TouchedKey] = ()) -> bool:
        """Whether one of these ranges was read, or one of these keys written, in vain.

        Filters of ranges are not asked: the versions of the documents are not known yet.
        """
        if self.everything:
            return True
        return any(map(self._in, ranges)) or any(key in self._keys.get(index, ()) for index, key in written)

    def _in(self, item: KeyRange) -> bool:
        index, lower, upper, _ = item
        keys = self._keys.get(index)
        if keys is None:
            return False
        ordered = self._ordered.get(index)
        if ordered is None:
            ordered = self._ordered[index] = sorted(keys)
        place = bisect_left(ordered, lower)
        return place < len(ordered) and ordered[place] < upper


def keys_of(done: Commit | LogEntry, by_id: Mapping[int, int]) -> list[TouchedKey]:
    """The keys that a commit touched. `by_id`: by table number, the index of its documents by id."""
    keys: list[TouchedKey] = []
    for write in done.writes:
        keys += keys_of_write(write, by_id)
    return keys + _keys(done.points if isinstance(done, LogEntry) else points_of(done))


def keys_of_write(write: Write, by_id: Mapping[int, int]) -> list[TouchedKey]:
    """Those that the change of one document touched."""
    keys = [(by_id[write.table], encode_value(write.id))] if write.table in by_id else []
    return keys + _keys(write.points)


def _keys(points: Iterable[Point]) -> list[TouchedKey]:
    found = [(point.index, point.old) for point in points if point.old is not None]
    return found + [(point.index, point.new) for point in points if point.new is not None and point.new != point.old]
