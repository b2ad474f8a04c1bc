"""The tables in PostgreSQL: which servers will do, and which formats are known.

A row of `meta` counts formats from 1. One that is older is brought up to date by the numbered files of
`sql/migrations/`, in one transaction; one that is newer is refused untouched.
"""

from pathlib import Path

from reactor.errors import StoreError, StoreVersion
from reactor.store.postgres.address import SCHEMA
from reactor.store.postgres.driver import Connection
from reactor.store.postgres.locks import serve, serve_alone, share_again, take_format
from reactor.store.unfinished_copy import MARK, unfinished

__all__ = ["FORMAT", "check_server", "format_of", "is_unfinished", "prepare", "resume"]

_SQL = Path(__file__).parent / "sql"
_MIGRATIONS = sorted((_SQL / "migrations").glob("*.sql"))

FORMAT = 1 + len(_MIGRATIONS)
"""The format that this version reads and writes."""

_OLDEST = 14


async def prepare(connection: Connection, place: str, *, copying: bool = False) -> None:
    """Be one of the servers of the database. Make our tables, or bring older ones up to date, which nobody else may
    serve meanwhile. Raises StoreLocked, StoreVersion, StoreError, and PostgreSQL's errors.

    `copying`: also those that `reactor copy` has not filled to their end, which are refused else.
    """
    await check_server(connection, place)
    async with connection.transaction():
        await take_format(connection)
        found = await format_of(connection, place)
        if found in (0, FORMAT):
            await serve(connection, place)
        else:
            await serve_alone(connection, place)
        if not copying and await is_unfinished(connection):
            raise unfinished(place)
        if found == 0:
            await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            await connection.execute((_SQL / "schema.sql").read_text(encoding="utf-8"))
        for script in _MIGRATIONS[max(found - 1, 0) :] if found else []:
            await connection.execute(script.read_text(encoding="utf-8"))
        if found != FORMAT:
            await connection.execute(
                "INSERT INTO meta (key, value) VALUES ('format', $1) ON CONFLICT (key) DO UPDATE SET value = $1", FORMAT
            )
    if found not in (0, FORMAT):
        await share_again(connection)


async def resume(connection: Connection, place: str) -> None:
    """Be one of the servers again, with another connection. Raises as `prepare`."""
    await serve(connection, place)
    found = await format_of(connection, place)
    if found != FORMAT:
        raise StoreVersion(f"{place} has format {found} now, and had {FORMAT} when it was opened: restart this server")


async def is_unfinished(connection: Connection) -> bool:
    """Whether `reactor copy` has begun to fill our tables, and has not come to its end."""
    sql = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = $2)"
    return await connection.fetchval(sql, SCHEMA, MARK)


async def check_server(connection: Connection, place: str) -> None:
    """Raises StoreVersion and StoreError for a server that will not do."""
    version = connection.get_server_version()
    if version.major < _OLDEST:
        raise StoreVersion(
            f"{place} is PostgreSQL {version.major}, and Reactor needs {_OLDEST} or later: upgrade the server"
        )
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise StoreVersion(
            f"{place} keeps text as {encoding}, and Reactor needs UTF8: make another database with "
            "CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0"
        )
    if await connection.fetchval("SELECT pg_is_in_recovery()"):
        raise StoreError(f"{place} is a standby, where nothing can be written: connect to the primary")


async def format_of(connection: Connection, place: str) -> int:
    """The format of our tables, 0 when there are none. Raises StoreVersion for what we must not touch."""
    names = {row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", SCHEMA)}
    if not names:
        return 0
    known = {"documents", "index_entries", "commit_log", "meta"}
    version = await connection.fetchval("SELECT value FROM meta WHERE key = 'format'") if known <= names else None
    if version is None:
        raise StoreVersion(
            f"the schema {SCHEMA} of {place} has tables of another program; make another database for Reactor"
        )
    if not 1 <= version <= FORMAT:
        raise StoreVersion(
            f"{place} has format {version}, and this version of Reactor supports 1 to {FORMAT}; run the version of "
            "Reactor that wrote it, or restore an export of the data into a new database"
        )
    return version
