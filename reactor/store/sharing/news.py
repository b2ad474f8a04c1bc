"""Hearing of others' commits: at once by the doorbell, and by looking now and then, should a ring be lost."""

import asyncio
import sqlite3
from collections.abc import Callable
from logging import getLogger
from pathlib import Path

from reactor.errors import StoreError
from reactor.store.failures import store_error
from reactor.store.file_format import connect
from reactor.store.sharing.doorbell import Doorbell
from reactor.store.snapshots import Snapshots
from reactor.store.statements import Statement

__all__ = ["News"]

_LOOK_SECONDS = 0.25

_COMMITTED = b"committed"
_RENEW = b"renew"

_log = getLogger("reactor.store")


class News:
    """`on_news` is called on the event loop when others have committed, or may have; `on_stale`, when all processes
    wait for this one to catch up.
    """

    def __init__(
        self,
        folder: Path,
        file: Path,
        statements: dict[str, Statement],
        snapshots: Snapshots,
        on_stale: Callable[[], None],
    ) -> None:
        self._file = file
        self._pin = statements["pin"].sql
        self._snapshots = snapshots
        self._on_stale = on_stale
        self._doorbell = Doorbell(folder, self._heard)
        self._connection: sqlite3.Connection | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.on_news: Callable[[], None] | None = None

    def open(self) -> None:
        """To be called by one process at a time. Raises StoreError."""
        self._loop = asyncio.get_running_loop()
        self._doorbell.open()
        try:
            self._connection = connect(self._file, reader=True)
        except sqlite3.Error as error:
            raise store_error(error, f"opening {self._file} for reading") from error
        self._look_later()

    def stop(self) -> None:
        """Hear of nothing any more; `committed` goes on to work. Idempotent."""
        self.on_news = None
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def close(self) -> None:
        """Idempotent."""
        self.stop()
        self._doorbell.close()

    def committed(self) -> None:
        """Tell all others that there is something new. From any thread."""
        self._doorbell.ring(_COMMITTED)

    def ask_for_renewal(self) -> None:
        """Have all processes, this one too, pin the newest state anew. From any thread; they do it when they can."""
        self._doorbell.ring(_RENEW)
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._renew)

    def _heard(self, rung: set[bytes]) -> None:
        if _RENEW in rung:
            self._renew()
        if _COMMITTED in rung:
            self._tell()

    def _renew(self) -> None:
        try:
            self._snapshots.renew()
        except StoreError as error:
            _log.warning("the newest state could not be pinned anew: %s", error)
        if self._is_stale():
            self._on_stale()
            self._tell()

    def _look_later(self) -> None:
        if self._loop is not None:
            self._timer = self._loop.call_later(_LOOK_SECONDS, self._look_again)

    def _look_again(self) -> None:
        self._look_later()
        if self._is_stale():
            self._tell()

    def _is_stale(self) -> bool:
        if self._connection is None:
            return False
        try:
            return self._connection.execute(self._pin).fetchone()[0] > self._snapshots.visible
        except (sqlite3.Error, StoreError) as error:
            _log.warning("the database could not be asked for what is new: %s", error)
            return False

    def _tell(self) -> None:
        if self.on_news is not None:
            self.on_news()
