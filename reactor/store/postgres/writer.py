"""The connection that writes. It holds the lock that gives a database one server, as long as it lives."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from reactor.errors import StoreError, StoreLocked
from reactor.store.batch import Rows, catalog_rows
from reactor.store.postgres.address import Address
from reactor.store.postgres.columns import columns_of
from reactor.store.postgres.connections import Background, close
from reactor.store.postgres.database_format import prepare
from reactor.store.postgres.driver import Connection
from reactor.store.postgres.failures import is_lost, store_error
from reactor.store.statements import Statement

__all__ = ["Writer"]

T = TypeVar("T")

_LOCK = 0x52454143
"""The letters REAC: the advisory lock of the database."""

_LOCK_SECONDS = 3.0
"""How long a new owner waits: PostgreSQL needs a moment to notice that a server was killed."""

_DURABLE = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"

_SETTLE_SECONDS = 60.0
_PAUSE_SECONDS = 0.1

_log = logging.getLogger(__name__)


class Writer:
    """Makes batches durable, one transaction each, and runs other work in turn with them."""

    def __init__(self, address: Address, statements: dict[str, Statement]) -> None:
        self._address, self._place, self._statements = address, str(address), statements
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()
        self._background = Background()
        self.last_ts = 0
        """The last commit."""

    async def open(self) -> None:
        """Take the database, and make or renew its tables. Raises StoreLocked, StoreVersion, StoreError."""
        connection = await self._connect()
        try:
            await prepare(connection, self._place)
            self.last_ts = await self._found(connection)
        except Exception as error:
            await close(connection)
            raise store_error(error, "opening the database", self._place) from error
        self._connection = connection

    async def close(self) -> None:
        """Let the work under way end, and give up the database. Idempotent."""
        async with self._turn:
            connection, self._connection = self._connection, None
            if connection is not None:
                await close(connection)

    async def commit(self, rows: Rows, ts: int) -> None:
        """Make a batch that ends with commit `ts` durable. Raises StoreFull, StoreError."""
        await asyncio.shield(self._background.begin(self._commit(rows, ts)))

    async def transaction(self, work: Callable[[Connection], Awaitable[T]], doing: str) -> T:
        """Run `work` in a transaction. Raises StoreFull, StoreError."""
        return await asyncio.shield(self._background.begin(self._transaction(work, doing)))

    async def _commit(self, rows: Rows, ts: int) -> None:
        async with self._turn:
            connection = await self._ready()
            try:
                await self._write(connection, rows, ts)
            except Exception as error:
                failure = store_error(error, "the commit", self._place)
                if not is_lost(error, connection):
                    raise failure from error
                connection.terminate()
                if not await self._arrived(ts, failure):
                    raise failure from error
            self.last_ts = ts

    async def _transaction(self, work: Callable[[Connection], Awaitable[T]], doing: str) -> T:
        async with self._turn:
            connection = await self._ready()
            try:
                async with connection.transaction():
                    return await work(connection)
            except Exception as error:
                raise store_error(error, doing, self._place) from error

    async def _write(self, connection: Connection, rows: Rows, ts: int) -> None:
        columns, long_dead, long_live = columns_of(rows)
        if not (rows.catalog or long_dead[0] or long_live[0]):
            await self._move(connection, ts, columns)
            return
        async with connection.transaction():
            for name, parameters in catalog_rows(rows.catalog):
                encoded = [parameters[0], parameters[1].encode()] if name == "put_shape" else parameters
                await connection.execute(self._statements[name].sql, *encoded)
            await self._move(connection, ts, columns)
            await connection.execute(self._statements["delete_long_entries"].sql, *long_dead[:3])
            await connection.execute(self._statements["put_long_entries"].sql, *long_live)

    async def _move(self, connection: Connection, ts: int, columns: list[Any]) -> None:
        """From the last commit to `ts`."""
        if await connection.fetchval(self._statements["commit"].sql, ts, self.last_ts, *columns) != ts:
            raise self._overtaken()

    async def _arrived(self, ts: int, failure: StoreError) -> bool:
        """Whether a commit whose connection was lost is in the database all the same.

        Who has the lock anew knows that the lost connection's transaction has ended, one way or the other.
        """
        until = time.monotonic() + _SETTLE_SECONDS
        _log.warning("%s; connecting anew to find out whether it is there", failure)
        while True:
            try:
                connection = await self._connect()
                try:
                    found = await self._found(connection)
                except Exception as error:
                    connection.terminate()
                    raise store_error(error, "reading the last commit", self._place) from error
            except StoreError:
                if time.monotonic() > until:
                    raise StoreError(
                        f"{failure}; PostgreSQL could not be reached for {_SETTLE_SECONDS:g} s, so whether the commit "
                        "is there shows when the server is started again"
                    ) from None
                await asyncio.sleep(_PAUSE_SECONDS)
            else:
                self._connection = connection
                return found >= ts

    async def _ready(self) -> Connection:
        """The connection, made anew if it was lost. Raises StoreError."""
        connection = self._connection
        if connection is None:
            raise StoreError("the store is closed; open it before writing")
        if connection.is_closed():
            connection = await self._connect()
            try:
                found = await self._found(connection)
            except Exception as error:
                connection.terminate()
                raise store_error(error, "reading the last commit", self._place) from error
            if found != self.last_ts:
                connection.terminate()
                raise self._overtaken()
            self._connection = connection
        return connection

    async def _connect(self) -> Connection:
        """A connection that has the lock, and for which a commit has ended when it is on the disk."""
        connection = await self._address.connect()
        try:
            until = time.monotonic() + _LOCK_SECONDS
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
                if time.monotonic() > until:
                    raise await self._locked(connection)
                await asyncio.sleep(_PAUSE_SECONDS)
            await connection.execute(_DURABLE)
        except Exception as error:
            await close(connection)
            raise store_error(error, "locking the database", self._place) from error
        return connection

    async def _locked(self, connection: Connection) -> StoreLocked:
        owner = await connection.fetchrow(
            "SELECT pid, application_name, client_addr FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE "
            "locktype = 'advisory' AND granted AND objid::bigint = $1 AND pg_locks.database = "
            "(SELECT oid FROM pg_database WHERE datname = current_database())",
            _LOCK,
        )
        who = "another server" if owner is None else f"{owner[1] or 'another server'} (PostgreSQL process {owner[0]})"
        return StoreLocked(f"the database {self._place} is in use by {who}; stop that one, or choose another database")

    async def _found(self, connection: Connection) -> int:
        return await connection.fetchval(self._statements["last_ts"].sql)

    def _overtaken(self) -> StoreError:
        return StoreError(
            f"the database {self._place} no longer stands at commit {self.last_ts}: another server wrote to it; "
            "restart this server"
        )
