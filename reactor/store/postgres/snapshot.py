"""The committed state at one moment, read through connections that stand there."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from reactor.errors import StoreError
from reactor.store.batch import decode_entry, decode_index, decode_outcome
from reactor.store.postgres.columns import head
from reactor.store.postgres.driver import Connection
from reactor.store.postgres.failures import is_lost
from reactor.store.seam import LogEntry, Outcome, Records, TableRecord, id_in_key

if TYPE_CHECKING:
    from reactor.store.postgres.resident import Resident
    from reactor.store.postgres.snapshots import Snapshots

__all__ = ["PostgresSnapshot"]

_MOST_CONNECTIONS = 4
"""So many work for one snapshot; with more of them PostgreSQL's own processors are what is short."""

_SPARED = 2
"""So many are left to those who need a first connection for another moment."""

_MOST_IDS = 4_096

_SHORT = 64
"""Scans with up to so many entries are remembered."""

_MOST_KNOWN = 4_096
"""So many entries are, in all, each scan counted as one more."""

_MOST_BYTES = 1_024
"""Bounds that are longer together are not remembered, or clients could fill the memory with what they look for."""


_Scan = tuple[int, bytes, bytes, bool, int]


class PostgresSnapshot:
    """The state at commit `ts`. Its coroutines wait for PostgreSQL, unless they read what is resident, or scan what was
    scanned before: the mutations of a group often look up the same few documents.

    `long`: indexes that may have entries whose keys are long.
    """

    def __init__(self, owner: Snapshots, ts: int, residents: dict[int, Resident], long: frozenset[int]) -> None:
        self.ts, self.residents, self.long = ts, residents, long
        self.holders = 0
        self._owner, self._statements = owner, owner.statements
        self._all: set[Connection] = set()
        self._free: list[Connection] = []
        self._waiting: deque[asyncio.Future[Connection]] = deque()
        self._pinning = self._joining = False
        self._exported: str | None = None
        self._known: dict[_Scan, list[tuple[bytes, str]]] = {}
        self._size = 0

    # Reading

    async def get(self, ids: Sequence[str]) -> dict[str, bytes]:
        found: dict[str, bytes] = {}
        for resident in self.residents.values():
            found.update((id, resident.documents[id]) for id in ids if id in resident.documents)
        wanted = [id for id in ids if id not in found and "\0" not in id]
        for start in range(0, len(wanted), _MOST_IDS):
            found.update(await self._rows("get", wanted[start : start + _MOST_IDS]))
        return found

    async def scan(
        self, index: int, lower: bytes, upper: bytes, *, reverse: bool, limit: int
    ) -> list[tuple[bytes, str]]:
        if index in self.residents:
            return self.residents[index].scan(lower, upper, reverse=reverse, limit=limit)
        self._check()
        asked = index, lower, upper, reverse, limit
        found = self._known.get(asked)
        if found is None:
            keys = await self._keys(index, lower, upper, reverse=reverse, limit=limit)
            found = [(key, id_in_key(key)) for key in keys]
            self._remember(asked, found)
        return found.copy()

    async def count(self, index: int, lower: bytes, upper: bytes, *, limit: int) -> tuple[int, bytes | None]:
        if index in self.residents or index in self.long:
            found = await self.scan(index, lower, upper, reverse=False, limit=limit)
            return len(found), found[-1][0] if found else None
        number, last = (await self._rows("count", index, lower, upper, limit))[0]
        return number, last

    async def scan_ids(self, lower: str, upper: str, *, reverse: bool, limit: int) -> list[str]:
        name = "scan_ids_reverse" if reverse else "scan_ids"
        rows = await self._rows(name, _bound(lower), _bound(upper), limit)
        return [row[0] for row in rows]

    async def outcome(self, session: bytes, request: int) -> Outcome | None:
        rows = await self._rows("outcome", session, request)
        return decode_outcome(session, request, rows[0]) if rows else None

    async def last_request(self, session: bytes) -> int:
        highest = (await self._rows("last_request", session))[0][0]
        return -1 if highest is None else highest

    async def log(self, after: int, *, limit: int) -> list[LogEntry]:
        return [decode_entry(*row) for row in await self._rows("log", after, limit)]

    async def history_start(self) -> int:
        return (await self._rows("history_start"))[0][0]

    async def records(self) -> Records:
        tables = [TableRecord(*row) for row in await self._rows("tables")]
        indexes = [decode_index(*row) for row in await self._rows("indexes")]
        shapes = {table: shape.decode() for table, shape in await self._rows("shapes")}
        return Records(tables, indexes, shapes, (await self._rows("last_index"))[0][0])

    async def indexes_with_long(self) -> frozenset[int]:
        """Indexes that have entries whose keys are long."""
        return frozenset(row[0] for row in await self._rows("long_indexes"))

    async def unfinished_indexes(self) -> list[int]:
        """Indexes that have entries and no record."""
        return [row[0] for row in await self._rows("unfinished_indexes")]

    def release(self) -> None:
        self.holders -= 1
        if self.holders <= 0 and not self._owner.is_newest(self):
            self.retire()

    async def _keys(self, index: int, lower: bytes, upper: bytes, *, reverse: bool, limit: int) -> list[bytes]:
        direction = "_reverse" if reverse else ""
        keys = [row[0] for row in await self._rows(f"scan{direction}", index, lower, upper, limit)]
        if index in self.long:
            bounds = index, lower, upper, limit, head(lower), head(upper)
            keys += [row[0] for row in await self._rows(f"scan_long{direction}", *bounds)]
            keys.sort(reverse=reverse)
        return keys[:limit]

    def _remember(self, asked: _Scan, found: list[tuple[bytes, str]]) -> None:
        index, lower, upper = asked[:3]
        if len(found) > _SHORT or len(lower) + len(upper) > _MOST_BYTES or index in self.long or asked in self._known:
            return
        self._size += 1 + len(found)
        if self._size > _MOST_KNOWN:
            self._known, self._size = {}, 1 + len(found)
        self._known[asked] = found

    def _check(self) -> None:
        if self.holders <= 0:
            raise StoreError("a snapshot was read after its release; acquire a new one")
        if self._owner.closed:
            raise StoreError("the store is closed; open it before reading")

    async def _rows(self, name: str, *args: Any) -> list[Any]:
        self._check()
        self.holders += 1
        return await asyncio.shield(self._owner.background.begin(self._read(self._statements[name].sql, args)))

    async def _read(self, sql: str, args: Sequence[Any]) -> list[Any]:
        try:
            while True:
                connection = await self._borrow()
                try:
                    return await connection.fetch(sql, *args)
                except Exception as error:
                    if isinstance(error, TimeoutError):
                        connection.terminate()
                    elif is_lost(error, connection):
                        connection.terminate()
                        continue  # on another connection; where there is none to be had, that raises
                    raise self._owner.failure(error) from error
                finally:
                    self._lay_back(connection)
        finally:
            self.release()

    # Connections

    def add(self, connection: Connection) -> None:
        """Read through one more connection, which stands at this moment."""
        self._all.add(connection)
        self._lay_back(connection)

    def retire(self) -> None:
        """Nobody will read it any more: give its connections back."""
        connections, self._all, self._free = self._all, set[Connection](), []
        if self._owner.closed:
            return
        for connection in connections:
            self._owner.background.begin(self._owner.put_back(connection))

    async def _borrow(self, *, first: bool = False) -> Connection:
        while self._free:
            connection = self._free.pop()
            if not connection.is_closed():
                return connection
            self._forget(connection)
        waiter: asyncio.Future[Connection] = asyncio.get_running_loop().create_future()
        if first:
            self._waiting.appendleft(waiter)
        else:
            self._waiting.append(waiter)
        self._widen()
        return await waiter

    def _lay_back(self, connection: Connection) -> None:
        if connection.is_closed():
            self._forget(connection)
            if self._waiting:
                self._widen()
            return
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        self._free.append(connection)

    def _forget(self, connection: Connection) -> None:
        self._all.discard(connection)
        self._exported = None  # it may have been the one that holds the moment for others
        self._owner.connections.drop(connection)

    def _widen(self) -> None:
        """Get a connection if there is none, and one more if that may help."""
        if not self._all:
            if not self._pinning:
                self._pinning = True
                self._begin(self._pinned())
        elif len(self._all) < _MOST_CONNECTIONS and self._owner.connections.room > _SPARED and not self._joining:
            self._joining = True
            self._begin(self._joined())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self.holders += 1
        self._owner.background.begin(work)

    async def _pinned(self) -> None:
        try:
            self.add(await self._owner.pin(self.ts))
        except StoreError as error:
            self._fail(error)
        finally:
            self._pinning = False
            self.release()

    async def _joined(self) -> None:
        try:
            if self._exported is None:
                self._exported = await self._export()
            self.add(await self._owner.join(self._exported))
        except StoreError:
            self._exported = None  # those that are there go on alone
        finally:
            self._joining = False
            self.release()

    async def _export(self) -> str:
        connection = await self._borrow(first=True)
        try:
            return str(await connection.fetchval(self._statements["export_snapshot"].sql))
        except Exception as error:
            raise self._owner.failure(error) from error
        finally:
            self._lay_back(connection)

    def _fail(self, error: StoreError) -> None:
        waiting, self._waiting = self._waiting, deque[asyncio.Future[Connection]]()
        for waiter in waiting:
            if not waiter.done():
                waiter.set_exception(error)


def _bound(id: str) -> str:
    """A bound of ids as text that PostgreSQL takes, which knows no U+0000: no id has a character below "0"."""
    before, null, _ = id.partition("\0")
    return f"{before}\x01" if null else id
