"""SQLite in a data folder as source and target of a copy."""

import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from urllib.parse import quote

import msgspec

from reactor.errors import StoreError, StoreLocked, StoreVersion
from reactor.store.copying.ends import PAGE_ROWS, Change, Progress, Reader
from reactor.store.copying.refusals import has_data, other_source
from reactor.store.copying.sqlite_rows import SqliteReader, SqliteThread, read_catalog, write_catalog, write_change
from reactor.store.copying.tables import DOCUMENTS, LOG, OUTCOMES, Catalog
from reactor.store.file_format import FORMAT, connect, format_of, is_unfinished, prepare
from reactor.store.lock import FolderLock
from reactor.store.sqlite import STATEMENTS
from reactor.store.unfinished_copy import MARK

__all__ = ["SqliteSource", "SqliteTarget"]

_DROPPED = 100_000
_WAL_PAGES = 16_384

_CONTENT = (DOCUMENTS.name, "index_entries", LOG.name, OUTCOMES.name, "tables", "indexes", "shapes")


class SqliteSource:
    """A data folder. It is read beside the server that has it."""

    def __init__(self, folder: Path, *, page_rows: int = PAGE_ROWS) -> None:
        self._page_rows = page_rows
        self.place = f"sqlite:{folder}"
        self._folder, self._file = folder, folder / "reactor.db"
        self._lock, self._taken = FolderLock(folder), False
        self._thread = SqliteThread(str(self._file))

    async def open(self) -> None:
        if not self._file.is_file():
            raise StoreError(f"there is no database in {self._folder}: name the data folder of the server to be copied")
        await self._thread.open(partial(_connect_to_read, self._file))

    async def close(self) -> None:
        await self._thread.close()
        self._lock.release()

    async def moment(self) -> Reader:
        await self._thread.run(_newest, "reading")
        return SqliteReader(self._thread, self._page_rows)

    async def take(self) -> bool:
        if not self._taken:
            try:
                self._lock.acquire()
            except StoreLocked:
                return False
            self._taken = True
        return True

    async def still_taken(self) -> bool:
        return self._taken


class SqliteTarget:
    """A data folder, which is made if missing."""

    def __init__(self, folder: Path, *, page_rows: int = PAGE_ROWS) -> None:
        self._page_rows = page_rows
        self.place = f"sqlite:{folder}"
        self._folder, self._file = folder, folder / "reactor.db"
        self._lock = FolderLock(folder)
        self._thread = SqliteThread(str(self._file))

    async def open(self, source: str, *, again: bool) -> Progress:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"cannot make the folder {self._folder}: {error}; choose another one") from error
        self._lock.acquire()
        found = None
        if self._file.exists():
            found = await self._unfinished()
            if found is not None and not again and found.source != source:
                raise other_source(self.place, found.source)
        await self._thread.open(partial(_connect_to_write, self._file))
        if found is None or again:
            found = Progress(source)
            await self._thread.run(partial(_transaction, work=partial(_begin, progress=found)), "writing to")
        return found

    async def close(self) -> None:
        await self._thread.close()
        self._lock.release()

    def reader(self) -> Reader:
        return SqliteReader(self._thread, self._page_rows)

    async def write(self, change: Change, progress: Progress) -> None:
        work = partial(write_change, change=change, progress=progress, encoded=msgspec.msgpack.encode(progress))
        await self._thread.run(partial(_transaction, work=work), "writing to")

    async def drop(self, indexes: Sequence[int]) -> None:
        for index in indexes:
            while await self._thread.run(partial(_drop, index=index), "writing to"):
                pass

    async def settle(self, catalog: Catalog, *, first_outcome: int) -> None:
        work = partial(write_catalog, catalog=catalog, first_outcome=first_outcome)
        await self._thread.run(partial(_transaction, work=work), "writing to")

    async def complete(self) -> None:
        await self._thread.run(_complete, "writing to")

    async def _unfinished(self) -> Progress | None:
        """How far the copy is that is there; None when there is nothing. Raises StoreError when there are data."""
        reading = SqliteThread(str(self._file))
        try:
            await reading.open(partial(connect, self._file, reader=True))
            return await reading.run(partial(_found, file=self._file, place=self.place), "reading")
        finally:
            await reading.close()


def _connect_to_read(file: Path) -> sqlite3.Connection:
    # Read-only, so that closing it never folds the WAL into the file.
    connection = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=5.0, isolation_level=None)
    try:
        found = format_of(connection, file)
        if is_unfinished(connection):
            raise StoreError(f"{file} is itself a copy that is not complete: copy from where that came from")
        if found != FORMAT:
            raise StoreVersion(
                f"{file} has file format {found}, and {FORMAT} is needed to copy it: start a server of this version on "
                "it once, which brings it up to date"
            )
    except BaseException:
        connection.close()
        raise
    return connection


def _connect_to_write(file: Path) -> sqlite3.Connection:
    connection = connect(file, reader=False)
    try:
        prepare(connection, file, copying=True)
        # A copy that is lost with the machine's power goes on where the file stands; its end is made durable.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
    except BaseException:
        connection.close()
        raise
    return connection


def _newest(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    connection.execute("BEGIN")
    connection.execute("SELECT value FROM meta WHERE key = 'last_ts'").fetchone()


def _found(connection: sqlite3.Connection, file: Path, place: str) -> Progress | None:
    if format_of(connection, file) == 0:
        return None
    if is_unfinished(connection):
        row = connection.execute(f"SELECT progress FROM {MARK}").fetchone()
        return msgspec.msgpack.decode(row[0], type=Progress)
    catalog = read_catalog(connection)
    if catalog.ts or catalog.tables:
        raise has_data(place, "folder")
    return None


def _begin(connection: sqlite3.Connection, progress: Progress) -> None:
    for table in _CONTENT:
        connection.execute(f"DELETE FROM {table}")
    connection.execute(f"CREATE TABLE IF NOT EXISTS {MARK} (progress BLOB NOT NULL) STRICT")
    connection.execute(f"DELETE FROM {MARK}")
    connection.execute(f"INSERT INTO {MARK} VALUES (?)", (msgspec.msgpack.encode(progress),))


def _drop(connection: sqlite3.Connection, index: int) -> int:
    return connection.execute(STATEMENTS["delete_index_entries"].sql, (index, index, _DROPPED)).rowcount


def _complete(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.execute(f"DROP TABLE {MARK}")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _transaction(connection: sqlite3.Connection, work: partial[None]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        work(connection)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
