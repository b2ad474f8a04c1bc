"""Consistent moments of the database: transactions that only read, with the isolation level REPEATABLE READ.

All who read at the same moment share a snapshot. It has one connection, and while that is busy takes more of them
into the same moment. The moment itself is taken right after the commit that it shows, by the one server that writes;
so a snapshot whose connection was lost can be had again as long as no commit has followed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from reactor.errors import StoreError
from reactor.store.postgres.address import Address
from reactor.store.postgres.connections import Background, Connections
from reactor.store.postgres.driver import Connection
from reactor.store.postgres.failures import is_lost, store_error
from reactor.store.postgres.resident import Resident
from reactor.store.postgres.snapshot import PostgresSnapshot
from reactor.store.statements import Statement

__all__ = ["Snapshots"]

T = TypeVar("T")

_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"


class Snapshots:
    """The newest snapshot, the one that is to follow it, and what all of them need."""

    def __init__(self, address: Address, statements: dict[str, Statement], most: int) -> None:
        self._place = str(address)
        self.statements = statements
        self.connections = Connections(address, most)
        self.background = Background()
        self._current: PostgresSnapshot | None = None
        self._coming: PostgresSnapshot | None = None
        self.closed = True
        self.residents: dict[int, Resident] = {}
        self.long: frozenset[int] = frozenset()
        """Indexes that have long entries."""

    async def open(self, ts: int) -> None:
        """Pin the state of commit `ts`, the last one. Raises StoreError."""
        self.connections.open()
        self.closed = False
        self._current = await self._pinned(ts)

    async def close(self) -> None:
        """Close every connection, also of snapshots that somebody still holds."""
        self._current = self._coming = None
        self.closed = True
        await self.background.close()
        await self.connections.close()

    def acquire(self) -> PostgresSnapshot:
        snapshot = self._current
        if snapshot is None:
            raise StoreError("the database is not open for reading; open the store first")
        snapshot.holders += 1
        return snapshot

    async def prepare(self, ts: int) -> None:
        """Pin the state of commit `ts`, the last one, to be the next snapshot."""
        unused, self._coming = self._coming, None
        try:
            self._coming = await self._pinned(ts)
        except Exception:
            # The commit stands. Who reads at its moment will try to get there, and hears why if that is not possible.
            self._coming = self._new(ts)
        if unused is not None:
            unused.retire()

    def advance(self, ts: int) -> None:
        """Let the snapshot of commit `ts` be the newest."""
        if self._current is None:
            raise StoreError("the database is not open for reading; open the store first")
        if self._coming is None or self._coming.ts != ts:
            raise StoreError(f"commit {ts} is not the last one that this server has made")
        old, self._current, self._coming = self._current, self._coming, None
        if not old.holders:
            old.retire()

    def is_newest(self, snapshot: PostgresSnapshot) -> bool:
        """Whether it is given to whoever asks."""
        return snapshot is self._current or snapshot is self._coming

    async def pin(self, ts: int) -> Connection:
        """A connection that stands at commit `ts`. Raises StoreError when that is not the last one any more."""
        return await self._begun(self._pin, ts)

    async def join(self, exported: str) -> Connection:
        """A connection that stands at a moment which another one has exported. Raises StoreError."""
        return await self._begun(self._join, exported)

    async def put_back(self, connection: Connection) -> None:
        """End the transaction of a connection and keep it for another."""
        try:
            await connection.execute("ROLLBACK")
        except Exception:
            self.connections.drop(connection)
        else:
            self.connections.give(connection)

    def failure(self, error: Exception) -> StoreError:
        return store_error(error, "reading", self._place)

    async def _pinned(self, ts: int) -> PostgresSnapshot:
        snapshot = self._new(ts)
        snapshot.add(await self.pin(ts))
        return snapshot

    def _new(self, ts: int) -> PostgresSnapshot:
        return PostgresSnapshot(self, ts, self.residents, self.long)

    async def _begun(self, begin: Callable[[Connection, T], Awaitable[None]], argument: T) -> Connection:
        """A connection with which `begin` did its work. One that has died since it was last used is left for another.

        The reason for trying so often as there may be dead ones: PostgreSQL was started anew meanwhile."""
        while True:
            connection = await self.connections.take()
            try:
                await begin(connection, argument)
            except asyncio.CancelledError:
                self.connections.drop(connection)
                raise
            except Exception as error:
                lost = is_lost(error, connection) and not isinstance(error, TimeoutError)
                self.connections.drop(connection)
                if lost:
                    continue  # a connection that cannot be made anew raises StoreError
                raise self.failure(error) from error
            return connection

    async def _pin(self, connection: Connection, ts: int) -> None:
        await connection.execute(_BEGIN)
        found = await connection.fetchval(self.statements["last_ts"].sql)
        if found != ts:
            raise StoreError(
                f"the state of commit {ts} cannot be read any more: the connection that stood there was lost, and the "
                f"database is at commit {found}; ask again"
            )

    async def _join(self, connection: Connection, exported: str) -> None:
        # What pg_export_snapshot gives has letters, digits and hyphens only.
        await connection.execute(f"{_BEGIN}; SET TRANSACTION SNAPSHOT '{exported}'")
