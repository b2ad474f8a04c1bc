"""Keeping the write-ahead log (WAL) small when several processes read and write the file.

What `reactor/store/checkpoints.py` says of one process's readers holds for those of all: each process pins the newest
state, and as long as one of them stands in the WAL, it goes on growing. So one process, while nobody writes, has all of
them pin anew: first at the WAL's end, so that all of it can be copied; then once more, when readers need only the file.
A process that is stopped, or whose functions never let go of a snapshot, costs room on the disk and not the commits.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from logging import getLogger
from pathlib import Path
from typing import Protocol

from reactor.errors import StoreError
from reactor.store.checkpoints import Checkpoints, copy_all, warn_not_copied
from reactor.store.sharing.shared_writer import SharedWriter
from reactor.store.snapshots import Snapshots

__all__ = ["SharedCheckpoints"]

_PATIENCE = 0.1
"""Seconds that a commit waits for each of the two renewals."""

_ASK_SECONDS = 0.01
_PAUSE_SECONDS = 0.001

_log = getLogger("reactor.store")


class _Renewing(Protocol):
    def ask_for_renewal(self) -> None: ...


class SharedCheckpoints(Checkpoints):
    """`news` reaches all processes."""

    def __init__(self, file: Path, writer: SharedWriter, snapshots: Snapshots, news: _Renewing, *, pages: int) -> None:
        super().__init__(file, writer, snapshots, pages=pages)
        self._shared_writer = writer
        self._news = news
        self._first_wait = self._wait_at = 2 * pages

    async def before_write(self) -> None:
        if not self._reaches(self._copy_at):
            self._copy_next, self._wait_at = self._copy_at, self._first_wait
        elif self._reaches(self._wait_at):
            # Each process tries, but after a failure not before its log has doubled.
            self._wait_at *= 2
            if self._copying is not None:
                await asyncio.shield(self._copying)
            await self._start_over_together()

    async def _start_over_together(self) -> None:
        try:
            if await self._shared_writer.in_turn(partial(_start_over, news=self._news)):
                self._copy_next, self._wait_at = self._copy_at, self._first_wait
            else:
                _log.warning("a process holds a snapshot for long, so the write-ahead log grows: look for a slow query")
        except StoreError as error:
            warn_not_copied(error)


def _start_over(connection: sqlite3.Connection, news: _Renewing) -> bool:
    """Whether the next write begins the WAL anew."""
    return _succeeds(copy_all, connection, news) and _succeeds(_nobody_needs_it, connection, news)


def _succeeds(step: Callable[[sqlite3.Connection], bool], connection: sqlite3.Connection, news: _Renewing) -> bool:
    """Ask for renewals until the step succeeds, as long as there is patience."""
    until = time.monotonic() + _PATIENCE
    while True:
        news.ask_for_renewal()
        again = time.monotonic() + _ASK_SECONDS
        while time.monotonic() < again:
            time.sleep(_PAUSE_SECONDS)
            if step(connection):
                return True
        if time.monotonic() > until:
            return False


def _nobody_needs_it(connection: sqlite3.Connection) -> bool:
    """Whether all readers stand in the file, so that SQLite may write over the WAL."""
    before = connection.execute("PRAGMA busy_timeout").fetchone()[0]
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        return not connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchone()[0]
    finally:
        connection.execute(f"PRAGMA busy_timeout = {before}")
