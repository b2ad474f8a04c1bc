"""Keeping the write-ahead log (WAL) small when several processes read and write the file.

What `reactor/store/checkpoints.py` says of one process's readers holds for those of all: each process pins the newest
state, and as long as one of them stands in the WAL, it goes on growing. So one process, while nobody writes, has all of
them pin anew: first at the WAL's end, so that all of it can be copied; then once more, when readers need only the file.
Who has a commit on its way meanwhile gives it up, catches up, and begins it again: it could not move its pin otherwise.

A process that is stopped, or whose functions never let go of a snapshot, costs room on the disk and not the commits.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from logging import getLogger
from pathlib import Path

from reactor.errors import StoreError
from reactor.store.checkpoints import Checkpoints, copy_all, warn_not_copied
from reactor.store.sharing.gate import Gate
from reactor.store.sharing.news import News
from reactor.store.snapshots import Snapshots
from reactor.store.writer import ThreadConnection, Writer

__all__ = ["SharedCheckpoints"]

_PATIENCE = 0.25
"""Seconds that the processes have for each of the two renewals. Nobody commits meanwhile."""

_ASK_SECONDS = 0.01
_PAUSE_SECONDS = 0.001

_log = getLogger("reactor.store")


class SharedCheckpoints(Checkpoints):
    """`gate` is this one's own: the turn to begin the WAL anew is not the process's turn to commit."""

    def __init__(self, file: Path, writer: Writer, snapshots: Snapshots, news: News, gate: Gate, *, pages: int) -> None:
        super().__init__(file, writer, snapshots, pages=pages)
        self._news = news
        self._gate = gate
        self._first_try = self._try_at = 2 * pages

    async def open(self) -> None:
        self._gate.open()
        await super().open()

    async def close(self) -> None:
        await super().close()
        self._gate.close()

    async def before_write(self) -> None:
        """No single process can do anything then."""

    def advanced(self) -> None:
        if not self._reaches(self._copy_at):
            self._copy_next, self._try_at = self._copy_at, self._first_try
        elif self._copying is None and self._connection is not None and self._reaches(self._try_at):
            # Each process tries; one that failed does not before its log has doubled.
            self._try_at *= 2
            self._copying = asyncio.get_running_loop().create_task(self._start_over_together(self._connection))
        else:
            super().advanced()

    async def _start_over_together(self, connection: ThreadConnection) -> None:
        try:
            if await connection.run(partial(_start_over, gate=self._gate, news=self._news)):
                self._copy_next, self._try_at = self._copy_at, self._first_try
            else:
                _log.warning("a process holds a snapshot for long, so the write-ahead log grows: look for a slow query")
        except StoreError as error:
            warn_not_copied(error)
        finally:
            self._copying = None


def _start_over(connection: sqlite3.Connection, gate: Gate, news: News) -> bool:
    """Whether the next write begins the WAL anew."""
    entry = gate.enter()
    if not entry:
        return False
    try:
        return _succeeds(copy_all, connection, news) and _succeeds(_nobody_needs_it, connection, news)
    finally:
        gate.leave(entry)


def _succeeds(step: Callable[[sqlite3.Connection], bool], connection: sqlite3.Connection, news: News) -> bool:
    """Ask for renewals until the step succeeds, as long as there is patience."""
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        news.ask_for_renewal()
        again = time.monotonic() + _ASK_SECONDS
        while time.monotonic() < again:
            time.sleep(_PAUSE_SECONDS)
            if step(connection):
                return True
    return False


def _nobody_needs_it(connection: sqlite3.Connection) -> bool:
    """Whether all readers stand in the file, so that SQLite may write over the WAL."""
    before = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        return not connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0]
    finally:
        connection.execute(f"PRAGMA busy_timeout = {before}")
