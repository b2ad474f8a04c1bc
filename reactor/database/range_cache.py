"""What ranges of an index came to when they were read lately, kept up with what changes in them.

A chart of thirty days reads thirty ranges, and an order changes one of them. Which keys came and went is noted by
index as commits become visible, and looked at when a range is read again, so that writing costs nothing for ranges that
nobody asks for. What a range came to is then changed as its keys did, or read anew where that cannot be told.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from reactor.store.seam import Commit, LogEntry

if TYPE_CHECKING:
    from reactor.database.overlay import Overlay

__all__ = ["Change", "RangeCache"]

T = TypeVar("T")

_MOST = 10_000
"""So many ranges are known at most: 12 MB of totals."""

_NOTED = 1_000
"""So many changes of an index are noted; ranges that have not been looked at for longer are read anew."""

_Range = tuple[int, bytes, bytes, object]


class Change(NamedTuple):
    """A key that a document lost, or got (`came`), in a batch that became visible at `ts`."""

    ts: int
    key: bytes
    came: bool


Adjust = Callable[[T, Sequence[Change]], T | None]


class _Known(Generic[T]):
    __slots__ = ("found", "seen", "since")

    def __init__(self, found: T, since: int, seen: int) -> None:
        self.found, self.since, self.seen = found, since, seen


class _Changes:
    """What changed in one index, in the order of time; changes before `first` are not known any more."""

    __slots__ = ("first", "noted")

    def __init__(self) -> None:
        self.first, self.noted = 0, list[Change]()

    @property
    def end(self) -> int:
        return self.first + len(self.noted)

    def after(self, seen: int, lower: bytes, upper: bytes) -> list[Change] | None:
        """Those of a range since it was looked at; None when they are not known any more."""
        if seen < self.first:
            return None
        since = islice(self.noted, seen - self.first, None)
        return [change for change in since if lower <= change[1] < upper]

    def add(self, changes: Iterable[Change]) -> None:
        self.noted += changes
        if len(self.noted) > 2 * _NOTED:
            gone = len(self.noted) - _NOTED
            del self.noted[:gone]
            self.first += gone


class RangeCache(Generic[T]):
    """What was found in the newest visible state, by index, range of keys and what was asked of it: `most` at most.

    `adjust` makes what is found now from what was found before and the changes since, in the order of time; None where
    it cannot. It leaves what it is given as it is. Without it, a range that has changed is not known.
    """

    def __init__(self, adjust: Adjust[T] | None = None, *, most: int = _MOST) -> None:
        self._adjust, self._most, self._newest = adjust, most, 0
        self._known: dict[_Range, _Known[T]] = {}
        self._changes: dict[int, _Changes] = {}

    def find(self, index: int, lower: bytes, upper: bytes, ts: int, asked: object = None) -> T | None:
        """What a snapshot at `ts` finds in a range, if known."""
        place = index, lower, upper, asked
        known = self._known.get(place)
        if known is None or known.since > ts:
            return None
        noted = self._changes[index]
        changes = noted.after(known.seen, lower, upper)
        if changes:
            if changes[-1].ts > ts:
                return None  # for an older snapshot only
            found = None if self._adjust is None else self._adjust(known.found, changes)
        else:
            found = None if changes is None else known.found
        if found is None:
            del self._known[place]
            return None
        known.found, known.seen = found, noted.end
        if changes:
            known.since = changes[-1].ts
        return found

    def add(self, index: int, lower: bytes, upper: bytes, ts: int, found: T, asked: object = None) -> None:
        """This was found in a snapshot at `ts`. If that is not the newest, it says nothing of today."""
        if ts < self._newest:
            return
        noted = self._changes.setdefault(index, _Changes())
        self._known[index, lower, upper, asked] = _Known(found, ts, noted.end)
        if len(self._known) > self._most:
            # Many at once: a dict's first entry is slow to find when those before it were taken out one by one.
            for oldest in list(islice(self._known, 1 + self._most // 64)):
                del self._known[oldest]

    def apply(self, overlay: "Overlay", commits: Sequence[Commit | LogEntry], ts: int) -> None:
        """A batch of commits, which leaves `overlay`, became visible at `ts`."""
        self._newest = ts
        for index, noted in self._changes.items():
            if overlay.concerns(index):
                noted.add(_changes_of(index, commits, ts))


def _changes_of(index: int, commits: Sequence[Commit | LogEntry], ts: int) -> Iterable[Change]:
    for commit in commits:
        for write in commit.writes:
            for point in write.points:
                if point.index == index and point.old != point.new:
                    if point.old is not None:
                        yield Change(ts, point.old, False)
                    if point.new is not None:
                        yield Change(ts, point.new, True)
