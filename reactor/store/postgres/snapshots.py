"""Consistent moments of the database: transactions that only read, with the isolation level REPEATABLE READ.

All who read at the same moment share a snapshot. It has one connection, and while that is busy takes more of them
into the same moment. A snapshot whose connection was lost can be had again as long as nobody has committed since.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from reactor.errors import StoreError
from reactor.store.postgres.address import Address
from reactor.store.postgres.bring_up import bring_up
from reactor.store.postgres.connections import BEGIN, Background, Connections
from reactor.store.postgres.driver import Connection
from reactor.store.postgres.failures import is_lost, store_error
from reactor.store.postgres.log import Log
from reactor.store.postgres.resident import Resident
from reactor.store.postgres.snapshot import PostgresSnapshot
from reactor.store.seam import CaughtUp
from reactor.store.statements import Statement

__all__ = ["Snapshots"]

T = TypeVar("T")


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
        """Indexes that have long entries, and perhaps some that had."""
        self.on_passed: Callable[[], None] = _nothing
        """Called when the newest snapshot cannot be read any more, since others have committed."""

    async def open(self) -> None:
        """Pin the newest state. Raises StoreError."""
        self.connections.open()
        self.closed = False
        connection, ts = await self._begun(self._last_ts)
        self._current = self._new(ts)
        self._current.add(connection)

    async def close(self) -> None:
        """Close every connection, also of snapshots that somebody still holds."""
        self._current = self._coming = None
        self.closed = True
        # Connections first. A statement that is cancelled while it has one lets asyncpg ask PostgreSQL to end it, in a
        # task that nobody can wait for.
        await self.connections.close()
        await self.background.close()

    def acquire(self) -> PostgresSnapshot:
        snapshot = self._current
        if snapshot is None:
            raise StoreError("the database is not open for reading; open the store first")
        snapshot.holders += 1
        return snapshot

    @property
    def visible(self) -> int:
        """The commit that the newest snapshot shows."""
        return 0 if self._current is None else self._current.ts

    async def catch_up(self, log: Log) -> CaughtUp:
        """Pin the newest state, to be the next snapshot; and what led to it. Raises StoreError."""
        unused, self._coming = self._coming, None
        if unused is not None and not unused.holders:
            unused.retire()
        connection, news = await self._begun(partial(log.after, ts=self.visible))
        snapshot = self._new(news.ts)
        snapshot.holders += 1
        snapshot.add(connection)
        try:
            await bring_up(snapshot, self.residents, news.entries)
        except BaseException:
            snapshot.release()
            raise
        self.residents = snapshot.residents
        self.long |= snapshot.long
        self._coming = snapshot
        return CaughtUp(snapshot, news.entries)

    def advance(self, ts: int) -> None:
        """Let the snapshot of commit `ts` be the newest."""
        if self._current is None:
            raise StoreError("the database is not open for reading; open the store first")
        if self._coming is None or self._coming.ts != ts:
            raise StoreError(f"the state of commit {ts} is not ready to be shown; catch up first")
        old, self._current, self._coming = self._current, self._coming, None
        if not old.holders:
            old.retire()

    def is_newest(self, snapshot: PostgresSnapshot) -> bool:
        """Whether it is given to whoever asks."""
        return snapshot is self._current or snapshot is self._coming

    async def pin(self, ts: int) -> Connection:
        """A connection that stands at commit `ts`. Raises StoreError when that is not the last one any more."""
        connection, found = await self._begun(self._last_ts)
        if found == ts:
            return connection
        self.background.begin(self.put_back(connection))
        self.on_passed()
        raise StoreError(
            f"the state of commit {ts} cannot be read any more: the connection that stood there was lost, and the "
            f"database is at commit {found}; ask again"
        )

    async def join(self, exported: str) -> Connection:
        """A connection that stands at a moment which another one has exported. Raises StoreError."""
        return (await self._begun(partial(_join, exported=exported)))[0]

    async def put_back(self, connection: Connection) -> None:
        """Let a connection leave its moment, and keep it for another."""
        try:
            await connection.execute(f"ROLLBACK; {BEGIN}")
        except Exception:
            self.connections.drop(connection)
        else:
            self.connections.give(connection)

    def failure(self, error: Exception) -> StoreError:
        return store_error(error, "reading", self._place)

    def _new(self, ts: int) -> PostgresSnapshot:
        return PostgresSnapshot(self, ts, self.residents, self.long)

    async def _begun(self, begin: Callable[[Connection], Awaitable[T]]) -> tuple[Connection, T]:
        """A connection with which `begin` did its work, and what that gave. One that has died since it was last used is
        left for another.

        The reason for trying so often as there may be dead ones: PostgreSQL was started anew meanwhile."""
        while True:
            connection = await self.connections.take()
            try:
                return connection, await begin(connection)
            except asyncio.CancelledError:
                self.connections.drop(connection)
                raise
            except Exception as error:
                lost = is_lost(error, connection) and not isinstance(error, TimeoutError)
                self.connections.drop(connection)
                if not lost:  # one that cannot be made anew raises StoreError
                    raise self.failure(error) from error

    async def _last_ts(self, connection: Connection) -> int:
        return await connection.fetchval(self.statements["last_ts"].sql)


def _nothing() -> None:
    """Nobody is to be told."""


async def _join(connection: Connection, exported: str) -> None:
    # What pg_export_snapshot gives has letters, digits and hyphens only.
    await connection.execute(f"SET TRANSACTION SNAPSHOT '{exported}'")
