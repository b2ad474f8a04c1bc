"""The store that keeps everything in one SQLite file."""

import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from reactor.errors import StoreError
from reactor.store.alone import Alone
from reactor.store.batch import decode_index, steps_of
from reactor.store.checkpoints import WAL_PAGES, Checkpoints
from reactor.store.file_format import PAGE_CACHE
from reactor.store.lock import FolderLock
from reactor.store.recorded import Recorded
from reactor.store.seam import Commit, IndexRecord, Records, Revise, Snapshot, TableRecord
from reactor.store.snapshots import Snapshots
from reactor.store.statements import load_statements
from reactor.store.upkeep import Upkeep
from reactor.store.writer import Writer

__all__ = ["STATEMENTS", "Catalog", "SqliteStore", "read_catalog"]

STATEMENTS = load_statements(Path(__file__).parent / "sql" / "statements.sql")


class Catalog(NamedTuple):
    """What is recorded when a store is opened. `unfinished`: indexes with entries and without a record."""

    records: Records
    unfinished: list[int]


class SqliteStore(Recorded, Alone):
    """`FOLDER/reactor.db`, read in the event loop's thread and written in another. The folder is made if missing.

    `wal_pages`: how many pages of 4 KiB the write-ahead log holds before it is copied into the file. `page_cache`:
    bytes of pages that are kept in memory, as PAGE_CACHE in `file_format.py`.
    """

    def __init__(self, folder: Path, *, wal_pages: int = WAL_PAGES, page_cache: int = PAGE_CACHE) -> None:
        self._folder = folder
        self._lock = FolderLock(folder)
        file = folder / "reactor.db"
        self._snapshots = Snapshots(file, STATEMENTS, cache=page_cache)
        self._writer = Writer(file, STATEMENTS, cache=page_cache)
        self._checkpoints = Checkpoints(file, self._writer, self._snapshots, pages=wal_pages)
        self._upkeep = Upkeep(self._writer, self._checkpoints, STATEMENTS)

    async def open(self) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # what is in it is nobody else's
        except OSError as error:
            raise StoreError(f"cannot make the folder {self._folder}: {error}; choose another with --data") from error
        self._lock.acquire()
        try:
            await self._writer.open()
            self._records, self._upkeep.unfinished = await self._writer.run(read_catalog)
            self._snapshots.open()
            await self._checkpoints.open()
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        try:
            await self._checkpoints.close()
            self._snapshots.close()
            await self._writer.close()
        finally:
            self._lock.release()

    def acquire(self) -> Snapshot:
        return self._snapshots.acquire()

    async def commit(
        self,
        batch: Sequence[Commit],
        *,
        on_the_way: Callable[[], None] | None = None,
        revise: Revise | None = None,
    ) -> None:
        if not batch:
            return
        await self._checkpoints.before_write()
        await self._writer.commit(steps_of(batch, STATEMENTS), batch[-1].ts, on_the_way)

    def advance(self, ts: int) -> None:
        self._snapshots.advance(ts)
        self._checkpoints.advanced()

    async def keep_resident(self, table: int, index: int) -> None:
        """Reading never suspends, so there is nothing to do."""

    async def fill_index(self, index: IndexRecord, entries: Sequence[tuple[bytes, str]], *, as_of: int) -> None:
        await self._upkeep.fill(index.id, entries, as_of)

    async def prune(self, *, log_before: int, outcomes_before: int, limit: int) -> int:
        return await self._upkeep.prune(log_before=log_before, outcomes_before=outcomes_before, limit=limit)


def read_catalog(connection: sqlite3.Connection) -> Catalog:
    """What the file says of tables and indexes."""
    tables = [TableRecord(*row) for row in connection.execute(STATEMENTS["tables"].sql)]
    indexes = [decode_index(*row) for row in connection.execute(STATEMENTS["indexes"].sql)]
    shapes = dict(connection.execute(STATEMENTS["shapes"].sql).fetchall())
    last_index = connection.execute(STATEMENTS["last_index"].sql).fetchone()[0]
    unfinished = [row[0] for row in connection.execute(STATEMENTS["unfinished_indexes"].sql)]
    # Commits bring entries of an index that is being built before the filling has noted its number.
    return Catalog(Records(tables, indexes, shapes, max([last_index, *unfinished])), unfinished)
