"""Consistent moments of the database, read in the event loop's thread.

A snapshot is a connection with an open read transaction. All who read at the same moment share one, so there
are as many connections as there are moments somebody still looks at: mostly one.
"""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reactor.errors import StoreError
from reactor.store.batch import decode_entry, decode_index, decode_outcome
from reactor.store.failures import store_error
from reactor.store.file_format import PAGE_CACHE, connect
from reactor.store.seam import LogEntry, Outcome, Records, TableRecord
from reactor.store.statements import Statement

__all__ = ["Snapshots", "SqliteSnapshot"]

_SPARE = 4
"""Idle connections that are kept; more than that were a burst."""

_ID_TAG = 0x10
"""What an encoded string begins with. Every key ends with an id as a string, and no character of an id is below 0x30,
so the last such byte of a key is where its id begins."""


class SqliteSnapshot:
    """The state at commit `ts`. Its coroutines never suspend."""

    __slots__ = ("_connection", "_owner", "_statements", "holders", "ts")

    def __init__(
        self, owner: "Snapshots", connection: sqlite3.Connection, statements: dict[str, Statement], ts: int
    ) -> None:
        self.ts = ts
        self.holders = 0
        self._owner = owner
        self._connection: sqlite3.Connection | None = connection
        self._statements = statements

    async def get(self, ids: Sequence[str]) -> dict[str, bytes]:
        if len(ids) == 1:
            rows = self._rows(self._statements["get_one"].sql, ids)
            return {ids[0]: rows[0][0]} if rows else {}
        found: dict[str, bytes] = {}
        for sql, portion in self._statements["get_many"].portions(list(ids)):
            found.update(self._rows(sql, portion))
        return found

    async def scan(
        self, index: int, lower: bytes, upper: bytes, *, reverse: bool, limit: int
    ) -> list[tuple[bytes, str]]:
        statement = self._statements["scan_reverse" if reverse else "scan"]
        rows = self._rows(statement.sql, (index, lower, upper, limit))
        return [(key, key[key.rindex(_ID_TAG) + 1 : -1].decode("ascii")) for (key,) in rows]

    async def count(self, index: int, lower: bytes, upper: bytes, *, limit: int) -> tuple[int, bytes | None]:
        return self._rows(self._statements["count"].sql, (index, lower, upper, limit))[0]

    async def scan_ids(self, lower: str, upper: str, *, reverse: bool, limit: int) -> list[str]:
        statement = self._statements["scan_ids_reverse" if reverse else "scan_ids"]
        return [row[0] for row in self._rows(statement.sql, (lower, upper, limit))]

    async def outcome(self, session: bytes, request: int) -> Outcome | None:
        rows = self._rows(self._statements["outcome"].sql, (session, request))
        return decode_outcome(session, request, rows[0]) if rows else None

    async def last_request(self, session: bytes) -> int:
        highest = self._rows(self._statements["last_request"].sql, (session,))[0][0]
        return -1 if highest is None else highest

    async def log(self, after: int, *, limit: int) -> list[LogEntry]:
        return [decode_entry(*row) for row in self._rows(self._statements["log"].sql, (after, limit))]

    async def history_start(self) -> int:
        return self._rows(self._statements["history_start"].sql, ())[0][0]

    async def records(self) -> Records:
        rows = self._rows
        tables = [TableRecord(*row) for row in rows(self._statements["tables"].sql, ())]
        indexes = [decode_index(*row) for row in rows(self._statements["indexes"].sql, ())]
        shapes = dict(rows(self._statements["shapes"].sql, ()))
        return Records(tables, indexes, shapes, rows(self._statements["last_index"].sql, ())[0][0])

    def release(self) -> None:
        self.holders -= 1
        if self.holders <= 0:
            self._owner.released(self)

    def take_connection(self) -> sqlite3.Connection | None:
        """The connection, which the snapshot loses: reading it from now on is an error."""
        connection, self._connection = self._connection, None
        return connection

    def _rows(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        connection = self._connection
        if connection is None:
            raise StoreError("a snapshot was read after its release; acquire a new one")
        try:
            return connection.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            raise store_error(error, "reading") from error


class Snapshots:
    """The newest snapshot, and the connections for it and for older ones that are still read.

    All methods are called in the event loop's thread.
    """

    def __init__(self, file: Path, statements: dict[str, Statement], *, cache: int = PAGE_CACHE) -> None:
        self._file, self._cache = file, cache
        self._statements = statements
        self._current: SqliteSnapshot | None = None
        self._ahead: SqliteSnapshot | None = None
        """A newer state that only who looked ahead reads yet."""
        self._spare: list[sqlite3.Connection] = []
        self._older: set[SqliteSnapshot] = set()
        self._waiting: asyncio.Future[None] | None = None

    def open(self) -> None:
        """Pin the newest state. Raises StoreError."""
        connection = self._connect()
        self._current = SqliteSnapshot(self, connection, self._statements, self._pin(connection))

    def close(self) -> None:
        """Close every connection, also of snapshots that somebody still holds."""
        snapshots = [*self._older, *(each for each in (self._current, self._ahead) if each is not None)]
        for connection in [*self._spare, *(snapshot.take_connection() for snapshot in snapshots)]:
            if connection is not None:
                connection.close()
        self._spare.clear()
        self._older.clear()
        self._current = self._ahead = None

    @property
    def visible(self) -> int:
        """At which commit the newest snapshot stands. Raises StoreError."""
        if self._current is None:
            raise _not_open()
        return self._current.ts

    def acquire(self) -> SqliteSnapshot:
        snapshot = self._current
        if snapshot is None:
            raise _not_open()
        snapshot.holders += 1
        return snapshot

    def advance(self, ts: int) -> None:
        """Pin the newest state, which must be that of commit `ts`."""
        old = self._current
        if old is None:
            raise _not_open()
        if old.holders:
            connection = self._spare.pop() if self._spare else self._connect()
            self._older.add(old)
        else:
            connection = old.take_connection() or self._connect()
        self._current = None
        found = self._pin(connection)
        if found != ts:
            connection.close()
            raise StoreError(
                f"the database stands at commit {found} and not at {ts}: another program wrote to it; "
                "stop that program and restart the server"
            )
        self._current = SqliteSnapshot(self, connection, self._statements, ts)

    def look_ahead(self) -> SqliteSnapshot:
        """The newest state, which others have changed, acquired for the caller; everybody sees it after `show`."""
        if self._current is None:
            raise _not_open()
        connection = self._spare.pop() if self._spare else self._connect()
        snapshot = SqliteSnapshot(self, connection, self._statements, self._pin(connection))
        snapshot.holders = 1
        passed, self._ahead = self._ahead, snapshot
        if passed is not None:
            self._retire(passed)
        return snapshot

    def show(self, ts: int) -> None:
        """Make the state that was last looked ahead at, that of commit `ts`, the newest snapshot."""
        ahead, old = self._ahead, self._current
        if ahead is None or old is None or ahead.ts != ts:
            raise StoreError(f"commit {ts} is not what this store has caught up with; catch up first")
        self._current, self._ahead = ahead, None
        self._retire(old)

    def renew(self) -> None:
        """Pin the state of the newest snapshot once more, if it is still the newest state."""
        old = self._current
        if old is None:
            return
        connection = self._spare.pop() if self._spare else self._connect()
        if self._pin(connection) != old.ts:
            self._put_back(connection)
            return
        self._current = SqliteSnapshot(self, connection, self._statements, old.ts)
        self._retire(old)

    @property
    def held(self) -> bool:
        """Whether anybody holds a snapshot."""
        return bool(self._older) or (self._current is not None and self._current.holders > 0)

    @property
    def older(self) -> bool:
        """Whether anybody holds a snapshot other than the newest."""
        return bool(self._older)

    async def only_newest(self) -> None:
        """Wait until nobody holds a snapshot other than the newest."""
        while self._older:
            if self._waiting is None or self._waiting.done():
                self._waiting = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._waiting)

    def released(self, snapshot: SqliteSnapshot) -> None:
        """The last holder of a snapshot let it go."""
        if snapshot not in self._older:
            return
        self._older.discard(snapshot)
        connection = snapshot.take_connection()
        if connection is not None:
            self._put_back(connection)
        if not self._older and self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _retire(self, snapshot: SqliteSnapshot) -> None:
        self._older.add(snapshot)
        if not snapshot.holders:
            self.released(snapshot)

    def _put_back(self, connection: sqlite3.Connection) -> None:
        connection.execute("ROLLBACK")
        if len(self._spare) < _SPARE:
            self._spare.append(connection)
        else:
            connection.close()

    def _connect(self) -> sqlite3.Connection:
        try:
            return connect(self._file, reader=True, cache=self._cache)
        except sqlite3.Error as error:
            raise store_error(error, f"opening {self._file} for reading") from error

    def _pin(self, connection: sqlite3.Connection) -> int:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            connection.execute("BEGIN")
            return connection.execute(self._statements["pin"].sql).fetchone()[0]
        except sqlite3.Error as error:
            connection.close()
            raise store_error(error, "reading the newest commit") from error


def _not_open() -> StoreError:
    return StoreError("the database is not open for reading; restart the server")
