"""PostgreSQL's side of a store's connections: to end them, to wait until one of them is stuck, to write beside them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from tests.support.patience import PATIENCE
from tests.support.postgres import Postgres, database_of

WRITERS = "application_name LIKE 'reactor %writes'"
READERS = "application_name LIKE 'reactor %reads'"
LISTENERS = "application_name LIKE 'reactor %listens'"
SCHEMA_TURNS = "application_name LIKE 'reactor %schema'"


def kill(postgres: Postgres, url: str, who: str = "true") -> None:
    """End connections to a database from the side of the server."""
    postgres.sql(f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {_here(url)} AND ({who})")


async def until_there(postgres: Postgres, url: str, who: str, number: int = 1) -> None:
    """Wait until PostgreSQL shows so many connections."""
    query = f"SELECT count(*) FROM pg_stat_activity WHERE {_here(url)} AND ({who})"
    async with asyncio.timeout(PATIENCE):
        while int((await asyncio.to_thread(postgres.sql, query))[0]) < number:
            await asyncio.sleep(0.01)


async def until_stuck(postgres: Postgres, url: str, who: str = WRITERS) -> None:
    """Wait until a connection waits for somebody else's lock."""
    await until_there(postgres, url, f"({who}) AND wait_event_type = 'Lock'")


@asynccontextmanager
async def by_hand(url: str) -> AsyncIterator[Any]:
    """A connection of asyncpg's, with our tables in its path."""
    connection: Any = await asyncpg.connect(url, server_settings={"search_path": "reactor"})  # pyright: ignore
    try:
        yield connection
    finally:
        await connection.close()


def _here(url: str) -> str:
    return f"datname = '{database_of(url)}' AND pid <> pg_backend_pid()"
