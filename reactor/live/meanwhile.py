"""What was committed while a query ran, which decides whether its result is still the newest."""

from collections.abc import Iterable

from reactor.database.committed import Committed
from reactor.database.ranges import KeyRange
from reactor.live.range_index import RangeIndex

__all__ = ["Meanwhile", "touch"]

_MOST_TOUCHES = 4096


def touch(commits: Iterable[Committed], ranges: list[KeyRange]) -> bool:
    """Whether one of these commits wrote into one of these ranges."""
    index: RangeIndex[None] = RangeIndex()
    index.add(ranges, None)
    return any(True for commit in commits for touch in commit.touches for _ in index.touched(touch))


class Meanwhile:
    """Commits since the oldest run that is under way began. Of too many it only knows that there were some."""

    __slots__ = ("_commits", "_forgotten", "_runs", "_touches")

    def __init__(self) -> None:
        self._commits: list[Committed] = []
        self._runs = self._touches = 0
        self._forgotten = 0
        """The newest timestamp of a commit that is no longer known."""

    def begin(self) -> None:
        """A run begins on the newest moment."""
        self._runs += 1

    def end(self) -> None:
        """A run has ended."""
        self._runs -= 1
        if not self._runs and self._commits:
            self._forget()

    def news(self, commits: list[Committed]) -> None:
        """Commits became visible."""
        if self._runs:
            self._commits += commits
            self._touches += sum(len(commit.touches) for commit in commits)
            if self._touches > _MOST_TOUCHES:
                self._forget()

    def touched(self, ranges: list[KeyRange], ts: int) -> bool:
        """Whether a commit after `ts`, where a run began that is under way, may have written what it read."""
        if ts < self._forgotten:
            return True
        since = [commit for commit in self._commits if commit.ts > ts]
        return bool(since) and touch(since, ranges)

    def _forget(self) -> None:
        self._forgotten = self._commits[-1].ts
        self._commits = []
        self._touches = 0
