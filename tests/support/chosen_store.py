"""Running tests on another store that otherwise keep their data in one SQLite file that nobody shares.

`pytest --store postgres`: each data folder gets a database of its own in a server that lives as long as the run.
`pytest --store shared`: a SQLite file as several processes share it. A store that a test opens itself is the only one
on its file; where a test runs `reactor start`, that is two workers.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.postgres import Postgres, database_of, postgres_server

__all__ = ["CHOSEN", "ChosenStore"]

_LEAVE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
_LEAVE += "pg_backend_pid()"


class ChosenStore:
    """What stands in place of SQLite, when `use_postgres` was called."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._server: Postgres | None = None
        self._urls: dict[Path, str] = {}
        self._free: list[str] = []
        self._numbers = count()
        self.postgres = self.shared = False

    def use_postgres(self) -> None:
        """From here on whoever asks for a SqliteStore gets a PostgresStore. To be called before tests are imported."""
        from reactor.app import stores
        from reactor.store import sqlite

        self.postgres = True
        sqlite.SqliteStore = stores.SqliteStore = self._store  # pyright: ignore[reportAttributeAccessIssue]

    def use_shared(self) -> None:
        """The same with a SharedSqliteStore."""
        from reactor.app import stores
        from reactor.store import sqlite

        self.shared = True
        sqlite.SqliteStore = stores.SqliteStore = _shared  # pyright: ignore[reportAttributeAccessIssue]

    def environment(self, folder: Path) -> dict[str, str]:
        """What a process on this data folder is to have in its environment."""
        return {"REACTOR_DATABASE": self._url(folder)} if self.postgres else {}

    def environment_of_server(self, folder: Path, command: str) -> dict[str, str]:
        """The same for a server, started by this command. `reactor dev` is always one process."""
        workers = {"REACTOR_WORKERS": "2"} if self.shared and command == "start" else {}
        return {**self.environment(folder), **workers}

    def close(self) -> None:
        self._open.close()

    def _store(self, folder: Path, **_: Any) -> Any:
        from reactor.store.postgres.store import PostgresStore

        return PostgresStore(self._url(folder), folder=folder)

    def release(self, folder: Path) -> None:
        """What is under this folder is needed no more: its databases are for others."""
        self._free += [self._urls.pop(each) for each in list(self._urls) if each.is_relative_to(folder)]

    def _url(self, folder: Path) -> str:
        if folder in self._urls and not folder.exists():  # it was deleted, and so were its data
            self.release(folder)
        if folder not in self._urls:
            self._urls[folder] = self._emptied(self._free.pop()) if self._free else self._created()
        return self._urls[folder]

    def _created(self) -> str:
        if self._server is None:
            self._server = self._open.enter_context(postgres_server())
        name = f"chosen_{next(self._numbers)}"
        self._server.sql(f"CREATE DATABASE {name} TEMPLATE template0")
        return self._server.url(name)

    def _emptied(self, url: str) -> str:
        """Quicker than another database."""
        from reactor.store.postgres.address import SCHEMA

        assert self._server is not None
        self._server.sql(_LEAVE, f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE", database=database_of(url))
        return url


def _shared(folder: Path, **_: Any) -> Any:
    from reactor.store.sharing.store import SharedSqliteStore

    return SharedSqliteStore(folder, node=f"only-{next(_nodes)}")


_nodes = count()

CHOSEN = ChosenStore()
