"""What the servers of a database have committed, as its log tells it."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from reactor.store.batch import decode_entry
from reactor.store.postgres.driver import Connection
from reactor.store.seam import Commit, LogEntry, Write, points_of
from reactor.store.statements import Statement

__all__ = ["Log", "News"]

_PAGE = 256
_MOST_BYTES = 64 << 20
"""Who is behind by more does better to forget what it knows than to bring it up to date."""

_MOST_OWN = 10_000


class News(NamedTuple):
    """The last commit, and all `entries` from another one on, oldest first; None when they cannot be had."""

    ts: int
    entries: list[LogEntry] | None


class Log:
    """Reads the log, and remembers what `node`, this server, has committed: that need not come back to it."""

    def __init__(self, statements: dict[str, Statement], node: str) -> None:
        self._sql, self._node = statements["news"].sql, node
        self._own: list[Commit] = []
        self._forgot = False
        self._since = self._until = 0
        """Between these there are no commits but own ones."""
        self.doubted = False
        """Whether there may be an own commit that is not known to be there."""

    def remember(self, batch: Sequence[Commit], base: int) -> None:
        """A batch of this server has become durable, right after commit `base`."""
        if len(self._own) > _MOST_OWN:
            self._own, self._forgot = [], True
        self._own += batch
        self._since = self._since if base == self._until else base
        self._until = batch[-1].ts

    def forget(self, ts: int) -> None:
        """Nobody will ask for commits up to `ts` any more."""
        if self._own and self._own[-1].ts <= ts:
            self._own, self._forgot = [], False

    async def after(self, connection: Connection, ts: int) -> News:
        """What has been committed after `ts`, as the connection sees it."""
        remembered = not (self._forgot or self.doubted)
        entries = [self._entry(commit) for commit in self._own if commit.ts > ts] if remembered else []
        node = self._node if remembered else ""
        from_there = self._until if remembered and self._since <= ts < self._until else ts
        last, start, rows = await self._page(connection, from_there, node)
        if start > ts:
            return News(last, None)
        size = 0
        mixed = bool(rows and entries)
        while rows:
            entries += [decode_entry(*row[2:]) for row in rows]
            size += sum(len(row[4]) for row in rows)
            if size > _MOST_BYTES:
                return News(last, None)
            rows = (await self._page(connection, rows[-1][2], node))[2] if len(rows) == _PAGE else []
        if mixed:
            entries.sort(key=_ts)
        return News(last, entries)

    async def _page(self, connection: Connection, ts: int, node: str) -> tuple[int, int, list[Any]]:
        rows = await connection.fetch(self._sql, ts, node, _PAGE)
        last, start, first = rows[0][:3]
        # There is one row also when there are no commits; and what is joined comes in no order that SQL promises.
        return last, start, sorted(rows, key=itemgetter(2)) if first is not None else []

    def _entry(self, commit: Commit) -> LogEntry:
        writes = [Write(write.id, write.table, write.old, None, write.points) for write in commit.writes]
        return LogEntry(commit.ts, commit.source, writes, points_of(commit), self._node)


def _ts(entry: LogEntry) -> int:
    return entry.ts
