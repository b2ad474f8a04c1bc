"""The store that keeps everything in a PostgreSQL database, which one server has at a time."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from reactor.errors import StoreError
from reactor.store.alone import Alone
from reactor.store.batch import decode_index
from reactor.store.lock import FolderLock
from reactor.store.postgres.address import Address
from reactor.store.postgres.columns import LONGEST, rows_of
from reactor.store.postgres.driver import Connection
from reactor.store.postgres.resident import Resident
from reactor.store.postgres.snapshots import Snapshots
from reactor.store.postgres.upkeep import Upkeep
from reactor.store.postgres.writer import Writer
from reactor.store.seam import Commit, IndexRecord, Revise, Snapshot, TableRecord
from reactor.store.statements import load_statements
from reactor.values import successor

__all__ = ["STATEMENTS", "PostgresStore"]

STATEMENTS = load_statements(Path(__file__).parent / "sql" / "statements.sql")

_PAGE = 1_000


class _Catalog(NamedTuple):
    tables: list[TableRecord]
    indexes: list[IndexRecord]
    shapes: dict[int, str]
    last_index: int
    unfinished: list[int]
    long: frozenset[int]


class PostgresStore(Alone):
    """A database by its URL, `postgresql://user:password@host:port/name`.

    `folder`, made if missing, has what is not in the database: files, keys. It is locked together with the database.
    `connections`: how many may read at a time; one more writes.
    """

    def __init__(self, url: str, *, folder: Path | None = None, connections: int = 10) -> None:
        address = Address(url)
        self.place = str(address)
        """Where it is, without the password."""
        self._folder, self._lock = folder, None if folder is None else FolderLock(folder)
        self._writer = Writer(address, STATEMENTS)
        self._snapshots = Snapshots(address, STATEMENTS, connections)
        self._upkeep = Upkeep(self._writer, STATEMENTS)
        self._catalog = _Catalog([], [], {}, 0, [], frozenset())

    async def open(self) -> None:
        if self._folder is not None and self._lock is not None:
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"cannot make the folder {self._folder}: {error}; choose another with --data"
                ) from error
            self._lock.acquire()
        try:
            await self._writer.open()
            self._catalog = await self._writer.transaction(_read_catalog, "reading the tables")
            self._upkeep.unfinished = self._catalog.unfinished
            self._snapshots.residents, self._snapshots.long = {}, self._catalog.long
            await self._snapshots.open(self._writer.last_ts)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        try:
            await self._writer.close()
            await self._snapshots.close()
        finally:
            if self._lock is not None:
                self._lock.release()

    @property
    def tables(self) -> list[TableRecord]:
        return self._catalog.tables

    @property
    def indexes(self) -> list[IndexRecord]:
        return self._catalog.indexes

    @property
    def shapes(self) -> dict[int, str]:
        return self._catalog.shapes

    @property
    def last_index(self) -> int:
        return self._catalog.last_index

    def acquire(self) -> Snapshot:
        return self._snapshots.acquire()

    async def commit(
        self,
        batch: Sequence[Commit],
        *,
        on_the_way: Callable[[], None] | None = None,
        revise: Revise | None = None,
    ) -> None:
        # `on_the_way` is not called: what runs then must not wait, and here every reading does.
        if not batch:
            return
        rows = rows_of(batch)
        await self._writer.commit(rows, batch[-1].ts)
        snapshots = self._snapshots
        snapshots.long |= {index for (index, key), there in rows.entries.items() if there and len(key) > LONGEST}
        snapshots.residents = {index: each.after(batch) for index, each in snapshots.residents.items()}
        await asyncio.shield(snapshots.background.begin(snapshots.prepare(batch[-1].ts)))

    def advance(self, ts: int) -> None:
        self._snapshots.advance(ts)

    async def keep_resident(self, table: int, index: int) -> None:
        snapshot = self._snapshots.acquire()
        try:
            entries: list[tuple[bytes, str]] = []
            lower, upper = b"", b"\xff"
            while page := await snapshot.scan(index, lower, upper, reverse=False, limit=_PAGE):
                entries += page
                lower = successor(page[-1][0])
            documents = await snapshot.get([id for _, id in entries])
            snapshot.residents = {**snapshot.residents, index: Resident(table, index, documents, entries)}
            self._snapshots.residents = snapshot.residents
        finally:
            snapshot.release()

    async def fill_index(self, index: IndexRecord, entries: Sequence[tuple[bytes, str]], *, as_of: int) -> None:
        if await self._upkeep.fill(index.id, entries, as_of):
            self._snapshots.long |= {index.id}

    async def prune(self, *, log_before: int, outcomes_before: int, limit: int) -> int:
        return await self._upkeep.prune(log_before=log_before, outcomes_before=outcomes_before, limit=limit)


async def _read_catalog(connection: Connection) -> _Catalog:
    tables = [TableRecord(*row) for row in await connection.fetch(STATEMENTS["tables"].sql)]
    indexes = [decode_index(*row) for row in await connection.fetch(STATEMENTS["indexes"].sql)]
    shapes = {table: shape.decode() for table, shape in await connection.fetch(STATEMENTS["shapes"].sql)}
    last_index: int = await connection.fetchval(STATEMENTS["last_index"].sql)
    unfinished = [row[0] for row in await connection.fetch(STATEMENTS["unfinished_indexes"].sql)]
    long = frozenset(row[0] for row in await connection.fetch(STATEMENTS["long_indexes"].sql))
    # Commits bring entries of an index that is being built before the filling has noted its number.
    return _Catalog(tables, indexes, shapes, max([last_index, *unfinished]), unfinished, long)
