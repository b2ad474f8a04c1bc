"""Results of queries that were asked once, kept until a commit touches what they read.

Every result lies in a range index by its read set, as live queries do. So whatever is in here is what a run at the
newest visible moment would give, and nobody has to check it again.
"""

from collections import OrderedDict
from collections.abc import Iterable

from reactor.database.committed import Committed
from reactor.database.ranges import KeyRange
from reactor.live.admission import Admission
from reactor.live.live_query import QueryKey, Reason
from reactor.live.range_index import RangeIndex
from reactor.live.reruns import LONGEST_ARGS, Reruns

__all__ = ["CachedResult", "ResultCache"]

_LARGEST_SHARE = 16
"""No result takes more than this part of the room: one that did would push out all that many others have use for."""

_RESULT_BYTES = 500
_RANGE_BYTES = 420
"""What the bookkeeping of a result, and of each range that it read, takes beside their own bytes."""


class CachedResult:
    """What a query gave at `ts`, and everything that is needed to give it to somebody else.

    `lines` are all log lines, whoever may see them; `time` is the time that the function looked at, in milliseconds
    since 1970 (None: it did not look); `journal` fixes the end of its page, should it become live; `args` is the
    beginning of the arguments' text. `served`: somebody was given it.
    """

    __slots__ = ("args", "journal", "key", "lines", "ranges", "served", "size", "time", "ts", "value")

    def __init__(
        self,
        key: QueryKey,
        args: bytes,
        value: bytes,
        lines: list[str],
        ranges: list[KeyRange],
        ts: int,
        time: float | None = None,
        journal: str | None = None,
    ) -> None:
        self.key, self.args, self.value, self.lines = key, args[:LONGEST_ARGS], value, lines
        self.ranges, self.ts, self.time, self.journal = ranges, ts, time, journal
        self.served = False
        self.size = (
            _RESULT_BYTES
            + len(value)
            + len(key[1])
            + len(self.args)
            + sum(len(line) + 80 for line in lines)
            + len(journal or "")
            + sum(map(_range_size, ranges))
        )

    @property
    def path(self) -> str:
        """The function's path."""
        return self.key[0]


class ResultCache:
    """At most `max_bytes` of results, bookkeeping included; those go first that were asked for longest ago.

    `dropped` counts those that went, by why: "commit" (it wrote what they had read), "room", "clock" (too old for a
    function that looks at it), "live" (a live query has the result now), "code". `drops` says which commits it were.
    `generation` counts how often everything was forgotten.

    A result is kept when its query was asked for before, not long ago.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.bytes = self.generation = 0
        self.dropped: dict[str, int] = dict.fromkeys(("commit", "room", "clock", "live", "code"), 0)
        self.drops = Reruns()
        # Not a plain dict: finding the first key of one becomes slow when many were taken out before it.
        self._results: OrderedDict[QueryKey, CachedResult] = OrderedDict()
        self._index: RangeIndex[CachedResult] = RangeIndex()
        self._admission = Admission()

    def __len__(self) -> int:
        return len(self._results)

    def find(self, path: str, args_key: bytes, identity_key: str) -> CachedResult | None:
        """The result for this identity, or the one for all."""
        results = self._results
        key: QueryKey = (path, args_key, None, None)
        found = results.get(key)
        if found is None:
            key = (path, args_key, None, identity_key)
            found = results.get(key)
            if found is None:
                return None
        results.move_to_end(key)
        found.served = True
        return found

    def wants(self, path: str, args_key: bytes, size: int) -> bool:
        """Whether a result of `size` bytes for these arguments is worth keeping. To be asked for each that there is."""
        return size * _LARGEST_SHARE <= self.max_bytes and self._admission.asked((path, args_key))

    def put(self, result: CachedResult) -> None:
        """Keep a result, which must be that of the newest visible moment, unless it is too large."""
        if result.size * _LARGEST_SHARE > self.max_bytes:
            return
        before = self._results.get(result.key)
        if before is not None:
            self._take_out(before)
        self._results[result.key] = result
        self._index.add(result.ranges, result)
        self.bytes += result.size
        while self.bytes > self.max_bytes:
            self.drop(next(iter(self._results.values())), "room")

    def drop(self, result: CachedResult, why: str) -> None:
        """Forget a result that is in here."""
        self._take_out(result)
        self.dropped[why] += 1
        if not result.served:
            self._admission.useless(result.key[:2])

    def superseded(self, key: QueryKey) -> None:
        """A live query has this result from now on; it need not be in memory twice."""
        result = self._results.get(key)
        if result is not None:
            self.drop(result, "live")

    def news(self, commits: Iterable[Committed]) -> None:
        """Commits became visible: results that they touch are no longer so."""
        if not self._index:
            return
        touched = self._index.touched
        for commit in commits:
            for touch in commit.touches:
                for result, range in list(touched(touch)):
                    if self._results.get(result.key) is result:
                        self.drop(result, "commit")
                        self.drops.add(result, Reason("commit", commit.ts, commit.source, touch[1], range))

    def reads(self, index: int) -> bool:
        """Whether a result depends on an index."""
        return self._index.reads(index)

    def clear(self) -> None:
        """Forget everything: other code serves now."""
        self.generation += 1
        self.dropped["code"] += len(self._results)
        self._results.clear()
        self._index = RangeIndex()
        self.bytes = 0

    def _take_out(self, result: CachedResult) -> None:
        del self._results[result.key]
        self._index.remove(result.ranges, result)
        self.bytes -= result.size


def _range_size(range: KeyRange) -> int:
    # Beside the range itself, the index has keys made of its bounds.
    size = _RANGE_BYTES + 2 * (len(range.lower) + len(range.upper))
    return size if range.filter is None else size + _RANGE_BYTES + 4 * len(range.filter.form)
