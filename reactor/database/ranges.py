"""Read sets: what a function read, as ranges of keys.

A range is half open, `lower <= key < upper`, in the key space of one index. A scan's range ends at the last
key that was consumed, so what lies behind it does not touch the reader. Nor does a document that the scan's filter
keeps out, before a change and after it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from reactor.database.documents import Document
from reactor.database.filters import Filter
from reactor.database.limits import TransactionLimits
from reactor.values import successor

__all__ = ["KeyRange", "OpenScan", "ReadSet", "Touch"]


class KeyRange(NamedTuple):
    """Keys of one index with lower <= key < upper; with a filter, those of documents that pass it."""

    index: int  # pyright: ignore[reportIncompatibleMethodOverride] - hides tuple.index, which nobody wants here
    lower: bytes
    upper: bytes
    filter: Filter | None = None

    def touched(self, touch: "Touch") -> bool:
        """Whether who read this range must hear of a write."""
        index, key, versions = touch
        if index != self.index or not self.lower <= key < self.upper:
            return False
        return self.filter is None or versions is None or self.filter.concerns(versions)


Touch = tuple[int, bytes, tuple[Document, ...] | None]
"""A key that a commit wrote: index, key, and the versions of the document, before and after, that have this key there;
None where they were not read, as nobody here seemed to need them. A plain tuple, since every write makes several."""


class OpenScan:
    """A scan under way: how far it has been consumed. Read sets ask it for its range when they are closed."""

    __slots__ = ("_consumed", "exhausted", "filter", "index", "lower", "reverse", "upper")

    def __init__(self, index: int, lower: bytes, upper: bytes, *, reverse: bool, filter: Filter | None = None) -> None:
        self.index, self.lower, self.upper, self.reverse = index, lower, upper, reverse
        self.filter = filter
        self.exhausted = False
        """Nothing of the range is left: all of it was read, also where no entry is."""
        self._consumed: bytes | None = None

    def consume(self, key: bytes) -> None:
        """The caller was given the entry at `key`."""
        self._consumed = key

    def rest(self) -> tuple[bytes, bytes]:
        """Bounds of what has not been consumed yet."""
        if self._consumed is None:
            return self.lower, self.upper
        if self.reverse:
            return self.lower, self._consumed
        return successor(self._consumed), self.upper

    def read(self) -> KeyRange | None:
        """The range read so far, None when nothing was asked for yet."""
        if self.exhausted:
            return KeyRange(self.index, self.lower, self.upper, self.filter)
        if self._consumed is None:
            return None
        if self.reverse:
            return KeyRange(self.index, self._consumed, self.upper, self.filter)
        return KeyRange(self.index, self.lower, successor(self._consumed), self.filter)


class ReadSet:
    """Everything one transaction read, in at most `limits.read_ranges` ranges. Also counts documents and their stored
    size in bytes, which whoever reads them holds to the limits."""

    __slots__ = ("_limits", "_looked_up", "_points", "_room", "_scans", "documents", "size")

    def __init__(self, limits: TransactionLimits) -> None:
        self._limits, self._room = limits, limits.read_ranges
        self._points: set[KeyRange] = set()
        self._scans: list[OpenScan] = []
        self._looked_up: list[KeyRange] = []
        self.documents = 0
        self.size = 0

    def add_point(self, index: int, key: bytes) -> None:
        """One key is looked up, present or not. Raises DeveloperError when the ranges are more than the limit."""
        self._points.add(KeyRange(index, key, successor(key)))
        if len(self._points) + len(self._scans) > self._room:
            self._count()

    def open_scan(
        self, index: int, lower: bytes, upper: bytes, *, reverse: bool, filter: Filter | None = None
    ) -> OpenScan:
        """A scan begins; what it consumes is read. Raises DeveloperError as `add_point` does."""
        scan = OpenScan(index, lower, upper, reverse=reverse, filter=filter)
        self._scans.append(scan)
        if len(self._points) + len(self._scans) > self._room:
            self._count()
        return scan

    def look_up(self, index: int, lower: bytes, upper: bytes) -> None:
        """A range that a write had to look into. These do not count to the limit: that of writes holds them down."""
        self._looked_up.append(KeyRange(index, lower, upper))

    def limit_to(self, limits: TransactionLimits) -> None:
        """From here on these limits hold."""
        self._limits, self._room = limits, limits.read_ranges

    def count(self) -> int:
        """How many ranges there are before merging: no fewer than `ranges` has."""
        return len(self._points) + len(self._scans)

    def ranges(self) -> list[KeyRange]:
        """The ranges read, sorted, no two equal; overlapping and adjacent ones without a filter are merged."""
        found = self._asked_for() + self._looked_up
        return found if len(found) < 2 else _merged(found)

    def counted(self) -> int:
        """How many ranges there are for the limit: after merging, and without those of writes."""
        return len(_merged(self._asked_for()))

    def _asked_for(self) -> list[KeyRange]:
        found = list(self._points)
        found += (part for scan in self._scans if (part := scan.read()) is not None)
        return found

    def _count(self) -> None:
        # Merging takes time, and each further read adds one range at most: so it is not done again for each of them.
        unread = sum(1 for scan in self._scans if scan.read() is None)
        spare = self._limits.read_ranges - self.counted() - unread
        if spare < 0:
            raise self._limits.too_many_ranges()
        self._room = len(self._points) + len(self._scans) + spare


def _merged(ranges: Iterable[KeyRange]) -> list[KeyRange]:
    plain: list[KeyRange] = []
    filtered: dict[tuple[int, bytes, bytes], KeyRange] = {}
    for item in ranges:
        if item.filter is None:
            plain.append(item)
        else:
            other = filtered.setdefault(item[:3], item)
            if other.filter != item.filter:
                plain.append(KeyRange(*item[:3]))  # read by two filters: together they keep little out
    merged = list(_joined(plain))
    if filtered:
        merged += [item for item in filtered.values() if not _covered(item, merged)]
        merged.sort(key=_bounds)
    return merged


def _joined(ranges: Iterable[KeyRange]) -> Iterator[KeyRange]:
    current: KeyRange | None = None
    for item in sorted(ranges, key=_bounds):
        if current is None:
            current = item
        elif item.index == current.index and item.lower <= current.upper:
            if item.upper > current.upper:
                current = KeyRange(current.index, current.lower, item.upper)
        else:
            yield current
            current = item
    if current is not None:
        yield current


def _covered(item: KeyRange, joined: list[KeyRange]) -> bool:
    """Whether the range lies in one of those that were read without a filter; these are sorted and do not overlap."""
    place = bisect_right(joined, (item.index, item.lower), key=lambda other: other[:2]) - 1
    return place >= 0 and joined[place].index == item.index and item.upper <= joined[place].upper


def _bounds(item: KeyRange) -> tuple[int, bytes, bytes]:
    return item[:3]
