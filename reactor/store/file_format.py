"""The database file: how it is opened, and which formats of it are known.

`PRAGMA application_id` says that a file is Reactor's, `PRAGMA user_version` counts formats from 1. A file of an
older format is brought up to date by the numbered files of `sql/migrations/`, in one transaction; one of a
newer format is refused untouched.
"""

import sqlite3
from pathlib import Path

from reactor.errors import StoreError, StoreVersion
from reactor.store.unfinished_copy import MARK, unfinished

__all__ = ["APPLICATION_ID", "FORMAT", "PAGE_CACHE", "connect", "format_of", "is_unfinished", "prepare"]

APPLICATION_ID = 0x52454143
"""The letters REAC."""

_SQL = Path(__file__).parent / "sql"
_MIGRATIONS = sorted((_SQL / "migrations").glob("*.sql"))

FORMAT = len(_MIGRATIONS)
"""The format that this version reads and writes: the number of the last migration."""

# No memory map: SQLite drops a connection's cache and map whenever another connection has committed, and making
# the map again costs a reader more (40 microseconds after each commit) than reading pages from the system's cache.
PAGE_CACHE = 32 * 2**20
"""Bytes of pages that the connection for writing keeps, four times as many as one for reading: SQLite lets a reader
forget its pages after each commit of others."""


def connect(file: Path, *, reader: bool, cache: int = PAGE_CACHE) -> sqlite3.Connection:
    """A connection in autocommit mode (we write BEGIN and COMMIT ourselves) with settings for reading or writing.

    `cache` is as PAGE_CACHE.
    """
    connection = sqlite3.connect(file, timeout=5.0, isolation_level=None, cached_statements=512)
    try:
        _set(connection, reader=reader, cache=cache)
    except BaseException:
        connection.close()
        raise
    return connection


def _set(connection: sqlite3.Connection, *, reader: bool, cache: int) -> None:
    if reader:
        connection.execute("PRAGMA query_only = ON")
    else:
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA secure_delete = OFF")
    connection.execute(f"PRAGMA cache_size = -{(cache // 4 if reader else cache) // 1024}")
    connection.execute("PRAGMA mmap_size = 0")


def prepare(connection: sqlite3.Connection, file: Path, *, copying: bool = False) -> None:
    """Make a new file ours, or bring an older format up to date. Raises StoreVersion, StoreError, sqlite3.Error.

    `copying`: also one that `reactor copy` has not filled to its end, which is refused else.
    """
    found = format_of(connection, file)
    if not copying and is_unfinished(connection):
        raise unfinished(str(file))
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StoreError(f"{file} cannot have a write-ahead log ({mode}); keep the data folder on a local disk")
    if found == 0:
        _run(connection, [_SQL / "schema.sql"])
    elif found < FORMAT:
        _run(connection, _MIGRATIONS[found:])


def is_unfinished(connection: sqlite3.Connection) -> bool:
    """Whether `reactor copy` has begun to fill a file, and has not come to its end."""
    return connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (MARK,)).fetchone() is not None


def format_of(connection: sqlite3.Connection, file: Path) -> int:
    """The format of a file, 0 when it is new and empty. Raises StoreVersion for what we must not touch."""
    application = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    empty = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0] == 0
    if application == 0 and version == 0 and empty:
        return 0
    if application != APPLICATION_ID:
        raise StoreVersion(
            f"{file} is a database of another program (application id {application}, Reactor's is {APPLICATION_ID}); "
            "choose another folder with --data"
        )
    if not 1 <= version <= FORMAT:
        raise StoreVersion(
            f"{file} has file format {version}, and this version of Reactor supports 1 to {FORMAT}; "
            "run the version of Reactor that wrote it, or restore an export of the data into a new folder"
        )
    return version


def _run(connection: sqlite3.Connection, scripts: list[Path]) -> None:
    marks = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT};"
    text = "\n".join(script.read_text(encoding="utf-8") for script in scripts)
    try:
        connection.executescript(f"BEGIN IMMEDIATE; {text} {marks} COMMIT;")
    except sqlite3.Error:
        connection.rollback()
        raise
