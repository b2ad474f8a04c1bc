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

_MOST_KNOWN = 10_000


class News(NamedTuple):
    """The last commit, and all `entries` from another one on, oldest first; None when they cannot be had."""

    ts: int
    entries: list[LogEntry] | None


class Log:
    """Reads the log, and remembers its end until that is visible here: what `node`, this server, has committed need not
    come back to it, and what others have is read once, also where it was looked at before a commit."""

    def __init__(self, statements: dict[str, Statement], node: str) -> None:
        self._sql, self._node = statements["news"].sql, node
        self._known: list[LogEntry] = []
        self._since = self._until = 0
        """All that was committed after the one and not after the other is known."""
        self.told = 0
        """The last commit of another server that this one has heard of."""

    def remember(self, batch: Sequence[Commit], base: int) -> None:
        """A batch of this server has become durable, right after commit `base`."""
        self._add(base, [self._entry(commit) for commit in batch], batch[-1].ts)

    def forget(self, ts: int) -> None:
        """Nobody will ask for commits up to `ts` any more."""
        if ts >= self._until:
            self._known, self._since, self._until = [], ts, ts
        elif ts > self._since:
            self._known, self._since = _after(self._known, ts), ts

    async def after(self, connection: Connection, ts: int) -> News:
        """What has been committed after `ts`, as the connection sees it."""
        known, unread = [], ts
        if self._since <= ts <= self._until:
            known, unread = _after(self._known, ts), self._until
        last, start, rows = await self._page(connection, unread)
        if start > ts:
            return News(last, None)
        size, entries = 0, list[LogEntry]()
        while rows:
            entries += [decode_entry(*row[2:]) for row in rows]
            size += sum(len(row[4]) for row in rows)
            if size > _MOST_BYTES:
                return News(last, None)
            rows = (await self._page(connection, entries[-1].ts))[2] if len(rows) == _PAGE else []
        while entries and entries[-1].ts > last:
            entries.pop()  # committed while one page after another was read
        self._add(unread, entries, last)
        return News(last, known + entries)

    def _add(self, since: int, entries: list[LogEntry], until: int) -> None:
        """These are all from `since` to `until`."""
        if until <= self._until:
            return
        if since != self._until or len(self._known) > _MOST_KNOWN:
            self._known, self._since = [], since
        self._known += entries
        self._until = until

    async def _page(self, connection: Connection, ts: int) -> tuple[int, int, list[Any]]:
        rows = await connection.fetch(self._sql, ts, _PAGE)
        last, start, first = rows[0][:3]
        # There is one row also when there are no commits; and what is joined comes in no order that SQL promises.
        return last, start, sorted(rows, key=itemgetter(2)) if first is not None else []

    def _entry(self, commit: Commit) -> LogEntry:
        writes = [Write(write.id, write.table, write.old, None, write.points) for write in commit.writes]
        return LogEntry(commit.ts, commit.source, writes, points_of(commit), self._node)


def _after(entries: list[LogEntry], ts: int) -> list[LogEntry]:
    return [entry for entry in entries if entry.ts > ts]
