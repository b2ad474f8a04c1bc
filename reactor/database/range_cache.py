"""What ranges of an index came to when they were read lately, as long as nothing in them has changed.

A chart of thirty days reads thirty ranges, and an order changes one of them. Which keys changed is noted by index as
commits become visible, and looked at when a range is read again, so that writing costs nothing for ranges that nobody
asks for.
"""

from itertools import islice
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from reactor.database.overlay import Overlay

__all__ = ["RangeCache"]

T = TypeVar("T")

_MOST = 10_000
"""So many ranges are known at most: 6 MB."""

_NOTED = 1_000
"""So many changes of an index are noted; ranges that have not been looked at for longer are read anew."""

_Range = tuple[int, bytes, bytes]


class _Known(Generic[T]):
    __slots__ = ("found", "seen", "since")

    def __init__(self, found: T, since: int, seen: int) -> None:
        self.found, self.since, self.seen = found, since, seen


class _Changes:
    """Keys of one index that changed, in the order of time; those before `first` are not known any more."""

    __slots__ = ("first", "keys")

    def __init__(self) -> None:
        self.first, self.keys = 0, list[bytes]()

    @property
    def end(self) -> int:
        return self.first + len(self.keys)

    def add(self, keys: list[bytes]) -> None:
        self.keys += keys
        if len(self.keys) > 2 * _NOTED:
            gone = len(self.keys) - _NOTED
            del self.keys[:gone]
            self.first += gone


class RangeCache(Generic[T]):
    """What was found in the newest visible state, by index and range of keys, for at most `most` ranges."""

    def __init__(self, most: int = _MOST) -> None:
        self._most, self._newest = most, 0
        self._known: dict[_Range, _Known[T]] = {}
        self._changes: dict[int, _Changes] = {}

    def find(self, index: int, lower: bytes, upper: bytes, ts: int) -> T | None:
        """What a snapshot at `ts` finds in a range, if known."""
        known = self._known.get((index, lower, upper))
        if known is None or known.since > ts:
            return None
        changes = self._changes[index]
        since = islice(changes.keys, known.seen - changes.first, None) if known.seen >= changes.first else None
        if since is None or any(lower <= key < upper for key in since):
            del self._known[index, lower, upper]
            return None
        known.seen = changes.end
        return known.found

    def add(self, index: int, lower: bytes, upper: bytes, ts: int, found: T) -> None:
        """This was found in a snapshot at `ts`. If that is not the newest, it says nothing of today."""
        if ts < self._newest:
            return
        changes = self._changes.setdefault(index, _Changes())
        self._known[index, lower, upper] = _Known(found, ts, changes.end)
        if len(self._known) > self._most:
            # Many at once: a dict's first entry is slow to find when those before it were taken out one by one.
            for oldest in list(islice(self._known, 1 + self._most // 64)):
                del self._known[oldest]

    def apply(self, overlay: "Overlay", ts: int) -> None:
        """A batch became visible at `ts`."""
        self._newest = ts
        for index, changes in self._changes.items():
            if overlay.concerns(index):
                changes.add(overlay.changed_keys(index))
