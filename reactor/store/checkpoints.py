"""Keeping the write-ahead log (WAL) small under endless load.

SQLite starts the WAL over from its beginning when a write finds that all of it has been copied into the file and
that no reader needs it. One of our readers always stands at its end, so that never happens by itself. It takes,
with no write in between: a checkpoint that copies everything, which it can when no snapshot is older than the
newest; then the newest state pinned anew, whose reader now needs only the file; and nobody left on the pin before.

Most of the copying runs in a thread of its own beside the commits, as soon as the WAL has grown enough. The next
commit before which no snapshot is held copies the pages that came meanwhile: none when commits are rare, few under
load (a millisecond or two in about thirty batches), and the pins are renewed. When the WAL has grown fourfold
without such a moment, a commit makes one. It waits for the copying as long as the disk takes, and for readers not long:
a function that never returns costs room on the disk, not the commits.
"""

import asyncio
import os
import sqlite3
from functools import partial
from logging import getLogger
from pathlib import Path

from reactor.errors import StoreError
from reactor.store.snapshots import Snapshots
from reactor.store.writer import ThreadConnection, Writer

__all__ = ["WAL_PAGES", "Checkpoints", "WalGauge", "copy_all", "warn_not_copied"]

WAL_PAGES = 4096
"""Pages in the WAL (16 MiB) from which on it is copied: few enough to recover in a moment, enough that pages written
again and again are copied once."""

_PATIENCE = 0.1
"""Seconds that a commit waits for readers to let go of their snapshots."""

_WAL_HEADER = 32
_FRAME_HEADER = 24
_PAGE = 4096

_log = getLogger("reactor.store")


class WalGauge:
    """Tells how full the WAL is; its size does not, for it stays as large as it once was.

    The format is documented: every frame repeats the two salts of the header, which change when the WAL starts over.
    Only this file may be opened beside SQLite: closing another of its files would end SQLite's locks on it.
    """

    def __init__(self, wal: Path) -> None:
        self._file = os.open(wal, os.O_RDONLY)

    def close(self) -> None:
        os.close(self._file)

    def reaches(self, pages: int) -> bool:
        """Whether the WAL holds at least so many pages (two small reads)."""
        header = os.pread(self._file, _WAL_HEADER, 0)
        frame = os.pread(self._file, _FRAME_HEADER, _WAL_HEADER + (pages - 1) * (_FRAME_HEADER + _PAGE))
        return len(frame) == _FRAME_HEADER and frame[8:16] == header[16:24]


class Checkpoints:
    """Decides when to copy the WAL into the file, and does it.

    Told by `before_write`, then by `written` or (when the write was a commit) `advanced`. `pages`: see WAL_PAGES.
    """

    def __init__(self, file: Path, writer: Writer, snapshots: Snapshots, *, pages: int = WAL_PAGES) -> None:
        self._file = file
        self._writer = writer
        self._snapshots = snapshots
        self._copy_at = pages
        self._most = 4 * pages
        self._copy_next = pages
        self._wait_at = self._most
        self._copied = False
        self._copying: asyncio.Task[None] | None = None
        self._connection: ThreadConnection | None = None
        self._gauge: WalGauge | None = None

    async def open(self) -> None:
        """Called when the writer has opened the file, so that the WAL exists. Raises StoreError."""
        self._connection = ThreadConnection(self._file)
        await self._connection.start()
        await self._writer.run(partial(_limit_file, pages=self._most))
        self._gauge = WalGauge(self._file.with_name(self._file.name + "-wal"))

    async def close(self) -> None:
        """Wait for the copying under way. Idempotent."""
        connection, self._connection = self._connection, None
        gauge, self._gauge = self._gauge, None
        if self._copying is not None:
            await self._copying
        if connection is not None:
            await connection.close()
        if gauge is not None:
            gauge.close()

    async def before_write(self) -> None:
        """Let the coming write start the WAL over, if it is time for that."""
        if not self._reaches(self._copy_at):
            self._copy_next = self._copy_at
            return
        if self._copied and self._copying is None and not self._snapshots.held:
            await self._start_over(patient=False)
        elif self._reaches(self._wait_at):
            # Whoever holds a snapshot for ever delays no more than one commit each time the WAL has doubled.
            self._wait_at *= 2
            await self._start_over(patient=True)

    def written(self) -> None:
        """Something was written that is no commit."""
        if self._reaches(self._copy_at):
            # The newest commit is still the same, but its reader must stand at the WAL's new end.
            self._snapshots.renew()
            self.advanced()

    def advanced(self) -> None:
        """The newest state has been pinned: what is in the WAL can be copied."""
        if self._copying is None and self._connection is not None and self._reaches(self._copy_next):
            # As long as snapshots are always held, another copy is due when as much has been written again.
            self._copy_next += self._copy_at
            self._copying = asyncio.get_running_loop().create_task(self._copy(self._connection))

    def _reaches(self, pages: int) -> bool:
        return self._gauge is not None and self._gauge.reaches(pages)

    async def _copy(self, connection: ThreadConnection) -> None:
        try:
            await connection.run(copy_all)
            self._copied = True
        except StoreError as error:
            warn_not_copied(error)
        finally:
            self._copying = None

    async def _start_over(self, *, patient: bool) -> None:
        """Copy the rest and pin anew, so that no reader needs the WAL. Copying takes what the disk takes: a commit that
        did not wait for it would only make more of it."""
        if self._copying is not None:
            await asyncio.shield(self._copying)
        self._copied = False
        try:
            self._snapshots.renew()
            if not await self._only_newest(patient) or not await self._writer.run(copy_all):
                return
            self._snapshots.renew()
            if not patient or await self._only_newest(patient):
                self._wait_at, self._copy_next = self._most, self._copy_at
        except StoreError as error:
            warn_not_copied(error)

    async def _only_newest(self, patient: bool) -> bool:
        """Wait until nobody reads an older state; whether that came to be."""
        if not patient or not self._snapshots.older:
            await self._snapshots.only_newest()
            return True
        # A task of its own: the commit may be driven by hand, where asyncio's timeouts do not work.
        task = asyncio.get_running_loop().create_task(self._snapshots.only_newest())
        await asyncio.wait({task}, timeout=_PATIENCE)
        if task.done():
            task.result()
            return True
        task.cancel()
        await asyncio.wait({task})
        _log.warning("a function holds a snapshot for long, so the write-ahead log grows: look for a slow query")
        return False


def copy_all(connection: sqlite3.Connection) -> bool:
    """Copy what no reader keeps from being copied; returns whether that was all."""
    busy, frames, copied = connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return not busy and frames == copied


def warn_not_copied(error: StoreError) -> None:
    """Say that the WAL goes on growing."""
    # No reason to fail a commit: the WAL itself may have room.
    _log.warning("the write-ahead log could not be copied into the database and goes on growing: %s", error)


def _limit_file(connection: sqlite3.Connection, pages: int) -> None:
    """Have SQLite cut the WAL to this size when it starts over after a burst. Room once taken is kept up to there,
    for writing over it is faster than growing the file.
    """
    connection.execute(f"PRAGMA journal_size_limit = {pages * (_PAGE + _FRAME_HEADER)}")
