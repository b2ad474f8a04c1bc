"""What PostgreSQL's errors mean for a caller."""

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from reactor.errors import StoreError, StoreFull
from reactor.store.postgres.driver import Connection

__all__ = ["is_lost", "store_error"]

_LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.InternalClientError,
    OSError,  # also a TimeoutError: who does not answer in time is not waited for any longer
)

_REMEDIES: tuple[tuple[type[Exception], str], ...] = (
    (asyncpg.InvalidPasswordError, "the user or the password is wrong: check the setting database"),
    (asyncpg.InvalidAuthorizationSpecificationError, "this user may not connect: check the setting database, and the "
     "server's pg_hba.conf"),
    (asyncpg.InvalidCatalogNameError, "there is no such database: make it with createdb, or check the setting"),
    (asyncpg.InsufficientPrivilegeError, "the user lacks a right: give it CREATE on the database (GRANT CREATE ON "
     "DATABASE ... TO ...), or let it own the schema reactor"),
    (asyncpg.TooManyConnectionsError, "the server has no connection to spare: raise its max_connections, or lower the "
     "setting postgres_connections"),
    (asyncpg.ReadOnlySQLTransactionError, "the database is read-only: connect to the primary, not to a standby"),
    (asyncpg.CannotConnectNowError, "the server is starting or stopping: try again when it runs"),
    (asyncpg.UniqueViolationError, "each commit needs a timestamp and each request an outcome of its own"),
    (TimeoutError, "it did not answer in time: check that the server runs and the network lets this machine reach it"),
    (OSError, "it cannot be reached: check that the server runs, and host and port in the setting database"),
)  # fmt: skip


def is_lost(error: Exception, connection: Connection | None = None) -> bool:
    """Whether an error means that the connection is of no use any more: another one may do."""
    return isinstance(error, _LOST) or (connection is not None and connection.is_closed())


def store_error(error: Exception, doing: str, place: str) -> StoreError:
    """The error to raise `from` PostgreSQL's; `doing` says what failed, and `place` where, without a password."""
    if isinstance(error, StoreError):
        return error
    said = str(error).strip().rstrip(".") or type(error).__name__
    if isinstance(error, asyncpg.DiskFullError):
        return StoreFull(f"no room on the disk of {place} for {doing}; nothing of it was written: free some space")
    for kind, remedy in _REMEDIES:
        if isinstance(error, kind):
            return StoreError(f"{doing} failed at {place}: {said}; {remedy}")
    return StoreError(f"{doing} failed at {place}: {said} ({type(error).__name__}); look into the log of PostgreSQL")
