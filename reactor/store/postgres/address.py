"""Where a PostgreSQL database is, and how it is connected to."""

import os
import socket

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from reactor.errors import StoreError
from reactor.store.postgres.driver import Connection, connect
from reactor.store.postgres.failures import store_error
from reactor.store.postgres.shown import shown

__all__ = ["SCHEMA", "Address"]

SCHEMA = "reactor"
"""The schema that our tables are in: what else is in the database is left alone."""

_CONNECT_SECONDS = 10.0
_ANSWER_SECONDS = 60.0
"""Who does not answer for so long is taken for lost. The largest batch takes a few seconds."""

_SETTINGS = {
    "search_path": SCHEMA,
    "jit": "off",  # compiling takes longer than any of our statements
    # Everything is looked up in an index, a page at a time. A plan that was made while a table was small would stay in
    # use while it grows, and read all of it.
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_sort": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    # With these there is one plan for all parameters. Left to itself PostgreSQL takes one that is made for empty arrays
    # to be cheaper, and makes it anew for every commit.
    "plan_cache_mode": "force_generic_plan",
    "statement_timeout": "0",
    "lock_timeout": "0",
    "idle_in_transaction_session_timeout": "0",  # a snapshot is a transaction that waits for who reads
    "idle_session_timeout": "0",
    # A server whose machine was switched off must not keep the database for hours.
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "4",
}


class Address:
    """A database by its URL, `postgresql://user:password@host:port/name`. `str` shows it without what is secret."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __str__(self) -> str:
        return shown(self._url)

    async def connect(self, purpose: str) -> Connection:
        """A new connection; PostgreSQL shows what it is for. Raises StoreError that names the remedy."""
        name = f"reactor {socket.gethostname()[:40]} {os.getpid()} {purpose}"
        settings = {**_SETTINGS, "application_name": name}
        try:
            return await connect(self._url, seconds=_CONNECT_SECONDS, answer_seconds=_ANSWER_SECONDS, settings=settings)
        except ValueError as error:  # of asyncpg, about the URL or a file that it names; it may repeat the URL
            raise StoreError(
                f"the setting database is not the URL of a PostgreSQL database ({type(error).__name__}): write it like "
                "postgresql://user:password@host:5432/name, with special characters as %40 and the like"
            ) from None
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise store_error(error, "connecting", str(self)) from error
