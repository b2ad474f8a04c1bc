"""Rows of an SQLite database, read and written in a thread of their own."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from reactor.store.copying.ends import PAGE_BYTES, Change, Entry, Progress
from reactor.store.copying.sql import listed, marks
from reactor.store.copying.tables import (
    DOCUMENTS,
    INDEXES,
    LOG,
    META,
    OUTCOMES,
    SHAPES,
    TABLES,
    Catalog,
    Key,
    Row,
    Table,
)
from reactor.store.failures import store_error
from reactor.store.unfinished_copy import MARK

__all__ = ["SqliteReader", "SqliteThread", "read_catalog", "write_catalog", "write_change"]

T = TypeVar("T")

_AT_ONCE = 64
_UPDATED = ", ".join(f"{column} = excluded.{column}" for column in DOCUMENTS.columns[1:])


class SqliteThread:
    """A connection with a thread, so that one end can be read while the other is written."""

    def __init__(self, place: str) -> None:
        self.place = place
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="reactor-copy")
        self._connection: sqlite3.Connection | None = None

    async def open(self, connect: Callable[[], sqlite3.Connection]) -> None:
        """Connect. Raises StoreError."""
        self._connection = await self._do(connect, "opening")

    async def run(self, work: Callable[[sqlite3.Connection], T], doing: str) -> T:
        """Run `work` with the connection. Raises StoreFull, StoreError."""
        connection = self._connection
        assert connection is not None, "opened before it is used"
        return await self._do(partial(work, connection), doing)

    async def close(self) -> None:
        """Wait for work under way, and close. Idempotent."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._do(connection.close, "closing")
        self._pool.shutdown(wait=False)

    async def _do(self, work: Callable[[], T], doing: str) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, work)
        except sqlite3.Error as error:
            raise store_error(error, f"{doing} {self.place}") from error


class SqliteReader:
    """What a connection sees: the moment of its transaction, or what is there now."""

    def __init__(self, thread: SqliteThread, page_rows: int) -> None:
        self._thread, self._page_rows = thread, page_rows

    async def catalog(self) -> Catalog:
        return await self._thread.run(read_catalog, "reading")

    async def page(self, table: Table[Key], after: Key, upto: Key) -> Sequence[Row]:
        return await self._thread.run(
            partial(_page, table=table, after=after, upto=upto, most=self._page_rows), "reading"
        )

    async def entries(self, index: int, after: bytes, upto: bytes) -> Sequence[bytes]:
        return await self._thread.run(
            partial(_entries, index=index, after=after, upto=upto, most=self._page_rows), "reading"
        )

    async def documents(self, ids: Sequence[str]) -> Sequence[Row]:
        return await self._thread.run(partial(_documents, ids=ids), "reading")

    async def present(self, entries: Sequence[Entry]) -> set[Entry]:
        return await self._thread.run(partial(_present, entries=entries), "reading")

    async def rows(self) -> int | None:
        return await self._thread.run(_rows, "counting")


def read_catalog(connection: sqlite3.Connection) -> Catalog:
    """All of it."""
    tables = connection.execute(f"SELECT {listed(TABLES)} FROM tables ORDER BY number").fetchall()
    indexes = connection.execute(
        f"SELECT {listed(INDEXES)} FROM indexes WHERE NOT dropped AND complete ORDER BY id"
    ).fetchall()
    shapes = connection.execute(f"SELECT {listed(SHAPES)} FROM shapes ORDER BY table_number").fetchall()
    meta = dict(connection.execute("SELECT key, value FROM meta"))
    return Catalog(tables, [_with_bool(row) for row in indexes], shapes, {key: meta[key] for key in META})


def _with_bool(row: Row) -> Row:
    return tuple(bool(value) if name == "is_unique" else value for name, value in zip(INDEXES, row, strict=True))


def _page(connection: sqlite3.Connection, *, table: Table[Any], after: Any, upto: Any, most: int) -> list[Row]:
    sql = f"SELECT {listed(table.columns)} FROM {table.name} WHERE {table.key} > ? AND {table.key} <= ? ORDER BY 1"
    return _bounded(connection.execute(sql, (after, upto)), table.weight, most)


def _entries(connection: sqlite3.Connection, *, index: int, after: bytes, upto: bytes, most: int) -> list[bytes]:
    sql = "SELECT key FROM index_entries WHERE index_id = ? AND key > ? AND key <= ? ORDER BY key"
    return [key for (key,) in _bounded(connection.execute(sql, (index, after, upto)), 0, most)]


def _bounded(cursor: sqlite3.Cursor, weight: int, most: int) -> list[Row]:
    """Rows up to a number, and up to a size. What is fetched is in memory, so it is fetched little by little."""
    rows: list[Row] = []
    size = 0
    while len(rows) < most and size < PAGE_BYTES and (more := cursor.fetchmany(min(_AT_ONCE, most - len(rows)))):
        rows += more
        size += sum(len(row[weight]) for row in more)
    cursor.close()
    return rows


def _documents(connection: sqlite3.Connection, *, ids: Sequence[str]) -> list[Row]:
    sql = f"SELECT {listed(DOCUMENTS.columns)} FROM documents WHERE id = ?"
    found = (connection.execute(sql, (id,)).fetchone() for id in ids)
    return [row for row in found if row is not None]


def _present(connection: sqlite3.Connection, *, entries: Sequence[Entry]) -> set[Entry]:
    sql = "SELECT 1 FROM index_entries WHERE index_id = ? AND key = ?"
    return {entry for entry in entries if connection.execute(sql, entry).fetchone()}


def _rows(connection: sqlite3.Connection) -> int:
    tables = (DOCUMENTS.name, "index_entries", LOG.name, OUTCOMES.name)
    return sum(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables)


def write_change(connection: sqlite3.Connection, change: Change, progress: Progress, encoded: bytes) -> None:
    """What a transaction of a copy does."""
    for table, rows in change.new:
        connection.executemany(_insert(table.name, table.columns), rows)
    connection.executemany(_insert("index_entries", ("index_id", "key")), change.new_entries)
    connection.executemany(
        f"{_insert('documents', DOCUMENTS.columns)} ON CONFLICT (id) DO UPDATE SET {_UPDATED}", change.documents
    )
    connection.executemany("DELETE FROM documents WHERE id = ?", ((id,) for id in change.gone))
    connection.executemany("DELETE FROM index_entries WHERE index_id = ? AND key = ?", change.gone_entries)
    connection.executemany("INSERT OR IGNORE INTO index_entries (index_id, key) VALUES (?, ?)", change.entries)
    connection.execute(f"UPDATE {MARK} SET progress = ?", (encoded,))


def write_catalog(connection: sqlite3.Connection, catalog: Catalog, first_outcome: int) -> None:
    """Put a catalog in the place of what is there, and forget what is older than it tells."""
    for name, columns, rows in (
        ("tables", TABLES, catalog.tables),
        ("indexes", INDEXES, catalog.indexes),
        ("shapes", SHAPES, catalog.shapes),
    ):
        connection.execute(f"DELETE FROM {name}")
        connection.executemany(_insert(name, columns), rows)
    changes = [(value, key) for key, value in catalog.meta.items()]
    connection.executemany("UPDATE meta SET value = ? WHERE key = ?", changes)
    connection.execute("DELETE FROM commit_log WHERE ts <= ?", (catalog.history_start,))
    connection.execute("DELETE FROM outcomes WHERE ts < ?", (first_outcome,))


def _insert(table: str, columns: Sequence[Any]) -> str:
    return f"INSERT INTO {table} ({listed(columns)}) VALUES ({marks(len(columns))})"
