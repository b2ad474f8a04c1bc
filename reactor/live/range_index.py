"""From keys that a commit wrote to the live queries that read them.

Three kinds of ranges are kept apart by how they are found: single keys and whole prefixes (equality on leading
fields, a whole table) in dictionaries, everything else as intervals. So the cost of a commit is the number of
its keys plus the queries it touches, not the number that exist.
"""

from bisect import insort
from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

from reactor.database.filters import Filter
from reactor.database.ranges import KeyRange, Touch
from reactor.live.intervals import Intervals

__all__ = ["RangeIndex"]

T = TypeVar("T")

_NOBODY: dict[Any, Any] = {}


class _OneIndex(Generic[T]):
    """The ranges within one index."""

    __slots__ = ("_counts", "_intervals", "_lengths", "_points", "_prefixes")

    def __init__(self) -> None:
        self._points: dict[bytes, dict[T, Filter | None]] = {}
        self._prefixes: dict[bytes, dict[T, Filter | None]] = {}
        self._counts: dict[int, int] = {}  # of the prefixes, by length
        self._lengths: list[int] = []  # those that occur, sorted
        self._intervals: Intervals[T] = Intervals()

    def __bool__(self) -> bool:
        return bool(self._points or self._prefixes or self._intervals)

    def add(self, lower: bytes, upper: bytes, owner: T, filter: Filter | None) -> None:
        if upper == lower + b"\x00":
            self._points.setdefault(lower, {})[owner] = filter
        elif upper == lower + b"\xff":
            self._add_prefix(lower, owner, filter)
        else:
            self._intervals.add(lower, upper, owner, filter)

    def remove(self, lower: bytes, upper: bytes, owner: T) -> None:
        if upper == lower + b"\x00":
            _take_out(self._points, lower, owner)
        elif upper == lower + b"\xff":
            self._remove_prefix(lower, owner)
        else:
            self._intervals.remove(lower, upper, owner)

    def find(self, key: bytes) -> Iterator[tuple[T, bytes, bytes, Filter | None]]:
        for owner, filter in self._points.get(key, _NOBODY).items():
            yield owner, key, key + b"\x00", filter
        for length in self._lengths:
            if length > len(key):
                break
            # In text, 00 ff stands for a NUL that goes on: such a key lies behind the prefix's range.
            if key[length : length + 1] == b"\xff":
                continue
            prefix = key[:length]
            for owner, filter in self._prefixes.get(prefix, _NOBODY).items():
                yield owner, prefix, prefix + b"\xff", filter
        if self._intervals:
            yield from self._intervals.containing(key)

    def _add_prefix(self, prefix: bytes, owner: T, filter: Filter | None) -> None:
        owners = self._prefixes.get(prefix)
        if owners is not None:
            owners[owner] = filter
            return
        self._prefixes[prefix] = {owner: filter}
        length = len(prefix)
        self._counts[length] = self._counts.get(length, 0) + 1
        if self._counts[length] == 1:
            insort(self._lengths, length)

    def _remove_prefix(self, prefix: bytes, owner: T) -> None:
        _take_out(self._prefixes, prefix, owner)
        if prefix in self._prefixes:
            return
        length = len(prefix)
        self._counts[length] -= 1
        if not self._counts[length]:
            del self._counts[length]
            self._lengths.remove(length)


class RangeIndex(Generic[T]):
    """Ranges of many owners, which are told apart by identity. No two ranges of an owner in one index are equal."""

    __slots__ = ("_indexes",)

    def __init__(self) -> None:
        self._indexes: dict[int, _OneIndex[T]] = {}

    def __bool__(self) -> bool:
        return bool(self._indexes)

    def add(self, ranges: Iterable[KeyRange], owner: T) -> None:
        """The owner reads these ranges."""
        for index, lower, upper, filter in ranges:
            found = self._indexes.get(index)
            if found is None:
                found = self._indexes[index] = _OneIndex()
            found.add(lower, upper, owner, filter)

    def remove(self, ranges: Iterable[KeyRange], owner: T) -> None:
        """The owner reads these ranges no longer. Raises KeyError for one that was not added."""
        for index, lower, upper, _ in ranges:
            found = self._indexes[index]
            found.remove(lower, upper, owner)
            if not found:
                del self._indexes[index]

    def reads(self, index: int) -> bool:
        """Whether anybody reads anything of an index."""
        return index in self._indexes

    def touched(self, touch: Touch) -> Iterator[tuple[T, KeyRange]]:
        """Owners that read the written key and whose filter does not keep its document out, each with the range."""
        index, key, versions = touch
        found = self._indexes.get(index)
        if found is not None:
            for owner, lower, upper, filter in found.find(key):
                if filter is None or versions is None or filter.concerns(versions):
                    yield owner, KeyRange(index, lower, upper, filter)


def _take_out(owners_by_key: dict[bytes, dict[T, Filter | None]], key: bytes, owner: T) -> None:
    owners = owners_by_key[key]
    del owners[owner]
    if not owners:
        del owners_by_key[key]
