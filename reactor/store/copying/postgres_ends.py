"""PostgreSQL as source and target of a copy."""

from collections.abc import Awaitable, Sequence
from typing import TypeVar

import msgspec

from reactor.errors import StoreError, StoreVersion
from reactor.store.copying.ends import PAGE_ROWS, Change, Progress, Reader
from reactor.store.copying.postgres_rows import PostgresReader, within, write_catalog, write_change
from reactor.store.copying.refusals import has_data, other_source
from reactor.store.copying.tables import Catalog
from reactor.store.postgres.address import Address
from reactor.store.postgres.connections import close
from reactor.store.postgres.database_format import FORMAT, check_server, format_of, is_unfinished, prepare
from reactor.store.postgres.driver import Connection
from reactor.store.postgres.locks import keep_alone, serve_alone
from reactor.store.postgres.store import STATEMENTS
from reactor.store.unfinished_copy import MARK

__all__ = ["PostgresSource", "PostgresTarget"]

T = TypeVar("T")

_MOMENT = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_PURPOSE = "copies"
_CONTENT = "documents, index_entries, long_entries, commit_log, outcomes, tables, indexes, shapes"
_DROPPED = 100_000
_DROP = (
    "DELETE FROM index_entries WHERE index_id = $1 AND key IN "
    "(SELECT key FROM index_entries WHERE index_id = $1 ORDER BY key LIMIT $2)",
    "DELETE FROM long_entries WHERE index_id = $1 AND (head, digest) IN "
    "(SELECT head, digest FROM long_entries WHERE index_id = $1 ORDER BY head, digest LIMIT $2)",
)


class PostgresSource:
    """A database. It is read beside the server that has it."""

    def __init__(self, url: str, *, page_rows: int = PAGE_ROWS) -> None:
        self._page_rows = page_rows
        self._address = Address(url)
        self.place = str(self._address)
        self._reading: Connection | None = None
        self._locking: Connection | None = None
        self._taken = False

    async def open(self) -> None:
        self._reading = await self._address.connect(_PURPOSE)
        await within(self._check(self._reading), "opening the database", self.place)

    async def close(self) -> None:
        for connection in (self._reading, self._locking):
            if connection is not None:
                await close(connection)
        self._reading = self._locking = None

    async def moment(self) -> Reader:
        assert self._reading is not None, "opened before it is used"
        await within(_begin_moment(self._reading), "reading", self.place)
        return PostgresReader(self._reading, self.place, self._page_rows)

    async def take(self) -> bool:
        if self._locking is None:
            self._locking = await self._address.connect(_PURPOSE)
        if not self._taken:
            self._taken = await within(keep_alone(self._locking, _PURPOSE), "locking the database", self.place)
        return self._taken

    async def still_taken(self) -> bool:
        # The lock is as old as its connection.
        if self._locking is None or not self._taken:
            return False
        try:
            return await self._locking.fetchval("SELECT true")
        except Exception:
            return False

    async def _check(self, connection: Connection) -> None:
        await check_server(connection, self.place)
        found = await format_of(connection, self.place)
        if found == 0:
            raise StoreError(f"{self.place} has no data of Reactor: name the database of the server to be copied")
        if await is_unfinished(connection):
            raise StoreError(f"{self.place} is itself a copy that is not complete: copy from where that came from")
        if found != FORMAT:
            raise StoreVersion(
                f"{self.place} has format {found}, and {FORMAT} is needed to copy it: start a server of this version "
                "on it once, which brings it up to date"
            )


class PostgresTarget:
    """A database, in which our tables are made."""

    def __init__(self, url: str, *, page_rows: int = PAGE_ROWS) -> None:
        self._page_rows = page_rows
        self._address = Address(url)
        self.place = str(self._address)
        self._connection: Connection | None = None

    async def open(self, source: str, *, again: bool) -> Progress:
        self._connection = await self._address.connect(_PURPOSE)
        return await self._within(self._open(self._connection, source, again), "opening the database")

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await close(connection)

    def reader(self) -> Reader:
        return PostgresReader(self._opened, self.place, self._page_rows)

    async def write(self, change: Change, progress: Progress) -> None:
        await self._within(self._write(change, progress), "the copy")

    async def drop(self, indexes: Sequence[int]) -> None:
        for index in indexes:
            for sql in _DROP:
                while await self._within(self._opened.execute(sql, index, _DROPPED), "the copy") != "DELETE 0":
                    pass

    async def settle(self, catalog: Catalog, *, first_outcome: int) -> None:
        async def work() -> None:
            async with self._opened.transaction():
                await write_catalog(self._opened, catalog, first_outcome)

        await self._within(work(), "the copy")

    async def complete(self) -> None:
        # What this transaction makes durable, it makes durable with all that came before.
        await self._within(self._opened.execute("SET synchronous_commit = on"), "the copy")
        await self._within(self._opened.execute(f"DROP TABLE {MARK}"), "the copy")
        for table in _CONTENT.split(", "):
            await self._within(self._opened.execute(f"ANALYZE {table}"), "the copy")

    @property
    def _opened(self) -> Connection:
        assert self._connection is not None, "opened before it is used"
        return self._connection

    async def _within(self, work: Awaitable[T], doing: str) -> T:
        return await within(work, doing, self.place)

    async def _open(self, connection: Connection, source: str, again: bool) -> Progress:
        await check_server(connection, self.place)
        await serve_alone(connection, self.place)
        found = await self._unfinished(connection)
        if found is not None and not again and found.source != source:
            raise other_source(self.place, found.source)
        await connection.execute("SET synchronous_commit = off")
        if found is None or again:
            found = Progress(source)
            await self._begin(connection, found)
        return found

    async def _unfinished(self, connection: Connection) -> Progress | None:
        """How far the copy is that is there; None when there is nothing. Raises StoreError when there are data."""
        if await format_of(connection, self.place) == 0:
            return None
        if await is_unfinished(connection):
            encoded = await connection.fetchval(f"SELECT progress FROM {MARK}")
            return msgspec.msgpack.decode(encoded, type=Progress)
        catalog = await PostgresReader(connection, self.place).catalog()
        if catalog.ts or catalog.tables:
            raise has_data(self.place, "database")
        return None

    async def _begin(self, connection: Connection, progress: Progress) -> None:
        await prepare(connection, self.place, copying=True)
        async with connection.transaction():
            await connection.execute(f"TRUNCATE {_CONTENT}")
            await connection.execute(f"DROP TABLE IF EXISTS {MARK}")
            await connection.execute(f"CREATE TABLE {MARK} (progress bytea NOT NULL)")
            await connection.execute(f"INSERT INTO {MARK} VALUES ($1)", msgspec.msgpack.encode(progress))

    async def _write(self, change: Change, progress: Progress) -> None:
        async with self._opened.transaction():
            await write_change(self._opened, change)
            await self._opened.execute(f"UPDATE {MARK} SET progress = $1", msgspec.msgpack.encode(progress))


async def _begin_moment(connection: Connection) -> None:
    if connection.is_in_transaction():
        await connection.execute("ROLLBACK")
    await connection.execute(_MOMENT)
    await connection.fetchval(STATEMENTS["last_ts"].sql)
