"""The connection that writes, in a thread of its own."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite

from reactor.errors import StoreError
from reactor.store.batch import Step
from reactor.store.failures import store_error
from reactor.store.file_format import PAGE_CACHE, connect, prepare
from reactor.store.statements import Statement

__all__ = ["ThreadConnection", "Writer", "in_transaction"]

Result = TypeVar("Result")


class ThreadConnection(aiosqlite.Connection):
    """A connection for writing with its thread, to which whole pieces of work can be sent.

    aiosqlite's own methods go to the thread and back (25 microseconds) for every statement; a batch has about
    seven. So one function runs them all there.
    """

    def __init__(self, file: Path, *, cache: int = PAGE_CACHE) -> None:
        super().__init__(partial(connect, file, reader=False, cache=cache), iter_chunk_size=64)
        self._path = file
        self._stopping: asyncio.Future[Any] | None = None
        # What was not committed is nobody's: a server that ends by an exception must not hang on this thread.
        self._thread.daemon = True

    async def start(self) -> None:
        """Connect. Raises StoreError."""
        try:
            await self
        except sqlite3.Error as error:
            # aiosqlite has told its thread to end without waiting for it: the thread still tells the loop, which could
            # be closed by then if the caller gives up.
            if self._stopping is not None:
                await self._stopping
                self._thread.join()
            raise store_error(error, f"opening {self._path}") from error

    def stop(self) -> asyncio.Future[Any] | None:
        """Let the thread end when its queue is empty; the future is done then."""
        self._stopping = super().stop()  # pyright: ignore[reportUnknownMemberType]
        return self._stopping

    async def close(self) -> None:
        """Do what is queued, and end the thread. Idempotent."""
        await super().close()
        # It has said that it ends, and does nothing else any more; who looks for threads now shall not find it.
        self._thread.join()

    async def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `work` with the connection in its thread. Raises StoreFull or StoreError for SQLite's errors in it."""
        try:
            result: Result = await self._execute(lambda: work(self._conn))  # pyright: ignore[reportUnknownMemberType]
        except sqlite3.Error as error:
            raise store_error(error, f"writing to {self._path}") from error
        return result

    def post(self, work: Callable[[], object]) -> None:
        """Run `work` in the thread, after what it has to do already, for nobody to wait for."""
        self._tx.put_nowait((None, work))  # pyright: ignore[reportUnknownMemberType]


class Writer:
    """Makes batches durable, one transaction each."""

    def __init__(self, file: Path, statements: dict[str, Statement], *, cache: int = PAGE_CACHE) -> None:
        self._file, self._cache = file, cache
        self._statements = statements
        self._connection: ThreadConnection | None = None
        # Touched by the thread alone: it knows how a commit ended even when nobody waits for it any more.
        self._last_ts = 0

    async def open(self) -> None:
        """Open or create the file and bring it to the current format. Raises StoreVersion, StoreError."""
        connection = ThreadConnection(self._file, cache=self._cache)
        await connection.start()
        try:
            await connection.run(self._prepare)
        except BaseException:
            await connection.close()
            raise
        self._connection = connection

    async def close(self) -> None:
        """Wait for work under way, fold the WAL into the file if no other connection is open, and close. Idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def commit(self, steps: Sequence[Step], ts: int, on_the_way: Callable[[], None] | None = None) -> None:
        """Run the steps of a batch that ends with commit `ts`; `on_the_way` is called when only the disk is missing."""
        tell = None
        if on_the_way is not None:
            tell = partial(asyncio.get_running_loop().call_soon_threadsafe, on_the_way)
        await self.run(partial(self._commit, steps=steps, ts=ts, tell=tell))

    async def transaction(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `work` in a transaction."""
        return await self.run(partial(in_transaction, work=work))

    async def run(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `work` in the writer's thread. Raises StoreFull or StoreError for SQLite's errors in it."""
        if self._connection is None:
            raise StoreError("the store is closed; open it before writing")
        return await self._connection.run(work)

    def post(self, work: Callable[[], object]) -> None:
        """Have the thread run this after what it has to do already. Nothing waits for it."""
        if self._connection is not None:
            self._connection.post(work)

    def _prepare(self, connection: sqlite3.Connection) -> None:
        prepare(connection, self._file)
        self._last_ts = self._found(connection)

    def _commit(
        self, connection: sqlite3.Connection, *, steps: Sequence[Step], ts: int, tell: Callable[[], object] | None
    ) -> None:
        try:
            in_transaction(connection, partial(self._write, steps=steps, ts=ts, tell=tell))
        except sqlite3.Error:
            if not self._arrived(connection, ts):
                raise
        self._last_ts = ts

    def _write(
        self, connection: sqlite3.Connection, *, steps: Sequence[Step], ts: int, tell: Callable[[], object] | None
    ) -> None:
        for sql, parameters in steps:
            connection.execute(sql, parameters)
        if connection.execute(self._statements["move_last_ts"].sql, (ts, self._last_ts)).rowcount != 1:
            raise StoreError(
                f"the database no longer stands at commit {self._last_ts}: another program wrote to it; "
                "stop that program and restart the server"
            )
        if tell is not None:
            tell()

    def _arrived(self, connection: sqlite3.Connection, ts: int) -> bool:
        """Whether a commit that failed is in the file all the same; if not, see to it that it never will be.

        When the last fsync fails, all pages of the commit stand in the WAL, unseen by anybody but valid: the next
        one who opens the file after a crash would find the commit there. A smallest change overwrites the first.
        """
        if self._is_there(connection, ts):
            return True
        # If this fails as well, the pages could not be written either, and the caller hears of the first failure.
        with suppress(sqlite3.Error):
            in_transaction(connection, lambda same: same.execute(self._statements["overwrite_failed_commit"].sql))
        return False

    def _is_there(self, connection: sqlite3.Connection, ts: int) -> bool:
        return self._found(connection) >= ts

    def _found(self, connection: sqlite3.Connection) -> int:
        """The last commit in the file."""
        return connection.execute(self._statements["pin"].sql).fetchone()[0]


def in_transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], Result]) -> Result:
    """Run `work`, and keep what it has written if it ends well."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        # SQLite itself has rolled back after some errors, such as a full disk.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return result
