"""A changing set of half-open key intervals that answers: which of them contain this key?"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from typing import Generic, TypeVar

from reactor.database.filters import Filter

__all__ = ["Intervals"]

T = TypeVar("T")

_Entry = tuple[bytes, bytes, int, T, Filter | None]

_BLOCK = 64
_GROUP = 32


class Intervals(Generic[T]):
    """Intervals of owners, which are told apart by identity.

    They are sorted by lower end, in blocks; blocks and groups of blocks know their greatest upper end.
    A look-up skips every group, and in a group every block, that ends before the key. So it costs the number of
    groups (one for two thousand intervals) plus what it finds; adding and removing move at most one block.
    """

    __slots__ = ("_blocks", "_ends", "_starts", "_tops")

    def __init__(self) -> None:
        # The owner's id stands before the owner, so that owners themselves are never asked which is less.
        self._blocks: list[list[_Entry[T]]] = []
        self._starts: list[bytes] = []
        self._ends: list[bytes] = []
        self._tops: list[bytes] = []

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def add(self, lower: bytes, upper: bytes, owner: T, filter: Filter | None = None) -> None:
        """Add an interval of `owner`, who has none with the same ends; the filter is only kept for it."""
        entry = (lower, upper, id(owner), owner, filter)
        if not self._blocks:
            self._blocks.append([entry])
            self._starts.append(lower)
            self._ends.append(upper)
            self._tops.append(upper)
            return
        at = max(0, bisect_right(self._starts, lower) - 1)
        block = self._blocks[at]
        insort(block, entry)
        self._starts[at] = block[0][0]
        if len(block) > _BLOCK:
            self._split(at)
        elif upper > self._ends[at]:
            self._ends[at] = upper
            if upper > self._tops[at // _GROUP]:
                self._tops[at // _GROUP] = upper

    def remove(self, lower: bytes, upper: bytes, owner: T) -> None:
        """Take back one `add`. Raises KeyError when there is none."""
        entry = (lower, upper, id(owner))
        # Equal lower ends may fill several blocks, and the first of them may stand inside the block before.
        first = max(0, bisect_left(self._starts, lower) - 1)
        for at in range(first, bisect_right(self._starts, lower)):
            block = self._blocks[at]
            place = bisect_left(block, entry)
            if place < len(block) and block[place][:3] == entry:
                del block[place]
                self._shrunk(at)
                return
        raise KeyError((lower, upper))

    def containing(self, key: bytes) -> Iterator[tuple[T, bytes, bytes, Filter | None]]:
        """Owners whose interval contains `key`, with the interval and its filter."""
        begun = bisect_right(self._starts, key)
        for group in range((begun + _GROUP - 1) // _GROUP):
            if self._tops[group] > key:
                first = group * _GROUP
                for at in range(first, min(first + _GROUP, begun)):
                    if self._ends[at] > key:
                        yield from _containing(self._blocks[at], key)

    def _split(self, at: int) -> None:
        block = self._blocks[at]
        upper_half = block[_BLOCK // 2 :]
        del block[_BLOCK // 2 :]
        self._ends[at] = _end(block)
        self._blocks.insert(at + 1, upper_half)
        self._starts.insert(at + 1, upper_half[0][0])
        self._ends.insert(at + 1, _end(upper_half))
        self._group_again()

    def _shrunk(self, at: int) -> None:
        block = self._blocks[at]
        if not block:
            del self._blocks[at], self._starts[at], self._ends[at]
            self._group_again()
            return
        self._starts[at] = block[0][0]
        end = _end(block)
        if end != self._ends[at]:
            self._ends[at] = end
            group = at // _GROUP
            self._tops[group] = max(self._ends[group * _GROUP : (group + 1) * _GROUP])

    def _group_again(self) -> None:
        ends = self._ends
        self._tops = [max(ends[first : first + _GROUP]) for first in range(0, len(ends), _GROUP)]


def _end(block: list[_Entry[T]]) -> bytes:
    return max(entry[1] for entry in block)


def _containing(block: list[_Entry[T]], key: bytes) -> Iterator[tuple[T, bytes, bytes, Filter | None]]:
    for lower, upper, _, owner, filter in block:
        if lower > key:
            return
        if upper > key:
            yield owner, lower, upper, filter
