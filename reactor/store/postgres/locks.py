"""The advisory locks of a database: who serves it, who makes its tables, who changes its schema.

They belong to a connection and end with it.
"""

import asyncio
import time

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from reactor.errors import StoreLocked
from reactor.store.postgres.driver import Connection

__all__ = ["keep_alone", "serve", "serve_alone", "share_again", "take_format", "take_schema"]

_SERVING = 0x52454143
"""The letters REAC. Every server holds it, shared; alone it is held by who must be the only one, and by versions of
Reactor that knew one server only."""

_FORMAT = _SERVING + 1
_SCHEMA = _SERVING + 2

_SERVED = (
    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() "
    "AND application_name LIKE 'reactor %' AND application_name NOT LIKE $1)"
)

_SECONDS = 3.0
"""How long to wait for others to go: PostgreSQL needs a moment to notice that a server was killed."""

_PAUSE_SECONDS = 0.1
_TURN_SECONDS = 30


async def serve(connection: Connection, place: str) -> None:
    """Be one of the servers of the database. Raises StoreLocked when somebody has it alone."""
    if not await _taken(connection, "pg_try_advisory_lock_shared"):
        raise StoreLocked(
            f"the database {place} is held by {await _others(connection)}, which needs it alone (an older version of "
            "Reactor, or one that brings it up to date or copies it); wait until that has ended, or stop it"
        )


async def serve_alone(connection: Connection, place: str) -> None:
    """Be the only one. Raises StoreLocked while anybody else serves the database."""
    if not await _taken(connection, "pg_try_advisory_lock"):
        raise StoreLocked(
            f"the database {place} is in use by {await _others(connection)}; stop all servers of it, and start anew"
        )


async def keep_alone(connection: Connection, purpose: str) -> bool:
    """Be the only one, if nobody serves the database now; says whether that is so, and does not wait.

    `purpose`: of connections that are none of a server's.
    """
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _SERVING):
        return False
    # A server whose writing connection was lost has its others still, and comes back for the lock.
    if await connection.fetchval(_SERVED, f"% {purpose}"):
        await connection.execute("SELECT pg_advisory_unlock($1)", _SERVING)
        return False
    return True


async def share_again(connection: Connection) -> None:
    """From the only one to one of many."""
    await connection.execute(
        f"SELECT pg_advisory_lock_shared({_SERVING}); SELECT pg_advisory_unlock({_SERVING})",
    )


async def take_format(connection: Connection) -> None:
    """Until this transaction ends nobody else looks at the format of the tables, or changes it."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _FORMAT)


async def take_schema(connection: Connection) -> None:
    """Wait for the turn to change the schema, for as long as it takes."""
    await connection.execute(f"SET lock_timeout = '{_TURN_SECONDS}s'")
    while True:
        try:
            await connection.execute("SELECT pg_advisory_lock($1)", _SCHEMA)
        except asyncpg.LockNotAvailableError:
            continue  # asked again, so that a connection that is lost meanwhile is noticed
        return


async def _taken(connection: Connection, function: str) -> bool:
    until = time.monotonic() + _SECONDS
    while not await connection.fetchval(f"SELECT {function}($1)", _SERVING):
        if time.monotonic() > until:
            return False
        await asyncio.sleep(_PAUSE_SECONDS)
    return True


async def _others(connection: Connection) -> str:
    owner = await connection.fetchrow(
        "SELECT pid, application_name FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' "
        "AND granted AND objid::bigint = $1 AND pid <> pg_backend_pid() AND pg_locks.database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database()) LIMIT 1",
        _SERVING,
    )
    return "another server" if owner is None else f"{owner[1] or 'another server'} (PostgreSQL process {owner[0]})"
