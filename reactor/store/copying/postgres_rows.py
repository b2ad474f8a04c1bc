"""Rows of a PostgreSQL database, read and written through one connection."""

from collections.abc import Awaitable, Sequence
from operator import itemgetter
from typing import Any, TypeVar

from reactor.store.copying.ends import PAGE_BYTES, PAGE_ROWS, Change, Entry
from reactor.store.copying.sql import listed
from reactor.store.copying.tables import DOCUMENTS, INDEXES, META, SHAPES, TABLES, Catalog, Key, Row, Table
from reactor.store.postgres.columns import LONGEST, head, split_long
from reactor.store.postgres.driver import Connection
from reactor.store.postgres.failures import store_error
from reactor.store.postgres.store import STATEMENTS

__all__ = ["PostgresReader", "write_catalog", "write_change"]

T = TypeVar("T")

_LONG_ROWS = 64
_LONG = ("index_id", "head", "digest", "key")
_KEY = itemgetter(0)

_PUT_DOCUMENTS = (
    f"INSERT INTO documents ({listed(DOCUMENTS.columns)}) "
    "SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bytea[]) ON CONFLICT (id) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in DOCUMENTS.columns[1:])
)
_PUT_ENTRIES = (
    "INSERT INTO index_entries (index_id, key) SELECT * FROM unnest($1::bigint[], $2::bytea[]) ON CONFLICT DO NOTHING"
)
_DELETE_ENTRIES = (
    "DELETE FROM index_entries USING unnest($1::bigint[], $2::bytea[]) AS gone (index_id, key) "
    "WHERE index_entries.index_id = gone.index_id AND index_entries.key = gone.key"
)
_PRESENT = (
    "SELECT index_entries.index_id, index_entries.key FROM unnest($1::bigint[], $2::bytea[]) AS wanted (index_id, key) "
    "JOIN index_entries ON index_entries.index_id = wanted.index_id AND index_entries.key = wanted.key"
)
_PRESENT_LONG = (
    "SELECT long_entries.index_id, long_entries.key "
    "FROM unnest($1::bigint[], $2::bytea[], $3::bytea[]) AS wanted (index_id, head, digest) JOIN long_entries ON "
    "long_entries.index_id = wanted.index_id AND long_entries.head = wanted.head "
    "AND long_entries.digest = wanted.digest"
)
_ENTRIES = "SELECT key FROM index_entries WHERE index_id = $1 AND key > $2 AND key <= $3 ORDER BY key LIMIT $4"
_LONG_ENTRIES = (
    "SELECT key FROM long_entries WHERE index_id = $1 AND key > $2 AND key <= $3 AND head >= $4 AND head <= $5 "
    f"ORDER BY head, key LIMIT {_LONG_ROWS}"
)
# What was counted last: an exact count would read everything.
_ROWS = (
    "SELECT sum(reltuples)::bigint FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' "
    "AND relname IN ('documents', 'index_entries', 'long_entries', 'commit_log', 'outcomes') AND reltuples >= 0"
)


class PostgresReader:
    """What a connection sees: the moment of its transaction, or what is there now."""

    def __init__(self, connection: Connection, place: str, page_rows: int = PAGE_ROWS) -> None:
        self._connection, self._place, self._page_rows = connection, place, page_rows

    async def catalog(self) -> Catalog:
        tables = await self._fetch(f"SELECT {listed(TABLES)} FROM tables ORDER BY number")
        indexes = await self._fetch(f"SELECT {listed(INDEXES)} FROM indexes WHERE NOT dropped AND complete ORDER BY id")
        shapes = await self._fetch(f"SELECT {listed(SHAPES)} FROM shapes ORDER BY table_number")
        meta = dict(await self._fetch("SELECT key, value FROM meta"))
        decoded = [(table, shape.decode()) for table, shape in shapes]
        return Catalog(tables, indexes, decoded, {key: meta[key] for key in META})

    async def page(self, table: Table[Key], after: Key, upto: Key) -> Sequence[Row]:
        return await self._fetch(_page(table), after, upto, self._page_rows, PAGE_BYTES)

    async def entries(self, index: int, after: bytes, upto: bytes) -> Sequence[bytes]:
        keys = [key for (key,) in await self._fetch(_ENTRIES, index, after, upto, self._page_rows)]
        bounds = index, after, upto, head(after), head(upto)
        long = [key for (key,) in await self._fetch(_LONG_ENTRIES, *bounds)]
        if not long:
            return keys
        # Of two pages, what is known to be complete ends where the first of them that goes on ends.
        ends = [page[-1] for page, most in ((keys, self._page_rows), (long, _LONG_ROWS)) if len(page) == most]
        both = sorted([*keys, *long])
        return [key for key in both if key <= min(ends)] if ends else both

    async def documents(self, ids: Sequence[str]) -> Sequence[Row]:
        return await self._fetch(f"SELECT {listed(DOCUMENTS.columns)} FROM documents WHERE id = ANY($1::text[])", ids)

    async def present(self, entries: Sequence[Entry]) -> set[Entry]:
        short, (indexes, heads, digests, _) = split_long(entries)
        found = await self._fetch(_PRESENT, *short)
        if indexes:
            found += await self._fetch(_PRESENT_LONG, indexes, heads, digests)
        return {(index, key) for index, key in found}

    async def rows(self) -> int | None:
        return (await self._fetch(_ROWS))[0][0]

    async def _fetch(self, sql: str, *args: Any) -> list[Row]:
        return [tuple(row) for row in await within(self._connection.fetch(sql, *args), "reading", self._place)]


async def within(work: Awaitable[T], doing: str, place: str) -> T:
    """The result of some work with a connection, whose errors become StoreError."""
    try:
        return await work
    except Exception as error:
        raise store_error(error, doing, place) from error


def _page(table: Table[Any]) -> str:
    columns, key, weight = listed(table.columns), table.key, f"octet_length({table.columns[table.weight]})"
    rows = f"SELECT {columns} FROM {table.name} WHERE {key} > $1 AND {key} <= $2 ORDER BY {key} LIMIT $3"
    sized = f"SELECT {columns}, sum({weight}) OVER (ORDER BY {key}) - {weight} AS before FROM ({rows}) AS page"
    return f"SELECT {columns} FROM ({sized}) AS sized WHERE before < $4 ORDER BY {key}"


async def write_change(connection: Connection, change: Change) -> None:
    """What a transaction of a copy does."""
    for table, rows in change.new:
        await connection.copy_records_to_table(table.name, records=rows, columns=table.columns)
    if change.new_entries:
        await _copy_entries(connection, change.new_entries)
    if change.documents:
        columns = [list(column) for column in zip(*change.documents, strict=True)]
        await connection.execute(_PUT_DOCUMENTS, *columns)
    if change.gone:
        await connection.execute("DELETE FROM documents WHERE id = ANY($1::text[])", change.gone)
    if change.gone_entries:
        short, (indexes, heads, digests, _) = split_long(change.gone_entries)
        await connection.execute(_DELETE_ENTRIES, *short)
        await connection.execute(STATEMENTS["delete_long_entries"].sql, indexes, heads, digests)
    if change.entries:
        short, long = split_long(change.entries)
        await connection.execute(_PUT_ENTRIES, *short)
        await connection.execute(STATEMENTS["put_long_entries"].sql, *long)


async def _copy_entries(connection: Connection, entries: Sequence[Entry]) -> None:
    short = entries if all(len(key) <= LONGEST for _, key in entries) else [e for e in entries if len(e[1]) <= LONGEST]
    await connection.copy_records_to_table("index_entries", records=short, columns=("index_id", "key"))
    if len(short) != len(entries):
        _, long = split_long(entries)
        await connection.copy_records_to_table("long_entries", records=list(zip(*long, strict=True)), columns=_LONG)


async def write_catalog(connection: Connection, catalog: Catalog, first_outcome: int) -> None:
    """Put a catalog in the place of what is there, and forget what is older than it tells."""
    shapes = [(table, shape.encode()) for table, shape in catalog.shapes]
    for name, columns, rows in (
        ("tables", TABLES, catalog.tables),
        ("indexes", INDEXES, catalog.indexes),
        ("shapes", SHAPES, shapes),
    ):
        await connection.execute(f"DELETE FROM {name}")
        await connection.copy_records_to_table(name, records=rows, columns=columns)
    for key, value in catalog.meta.items():
        await connection.execute("UPDATE meta SET value = $1 WHERE key = $2", value, key)
    await connection.execute("DELETE FROM commit_log WHERE ts <= $1", catalog.history_start)
    await connection.execute("DELETE FROM outcomes WHERE ts < $1", first_outcome)
