"""Running tests on another store that otherwise keep their data in one SQLite file that nobody shares.

`pytest --store postgres`: each data folder gets a database of its own in a server that lives as long as the run.
`pytest --store shared`: a SQLite file as several processes share it, though here only one has it.
"""

from __future__ import annotations

from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.postgres import Postgres, postgres_server

__all__ = ["CHOSEN", "ChosenStore"]


class ChosenStore:
    """What stands in place of SQLite, when `use_postgres` was called."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._server: Postgres | None = None
        self._urls: dict[Path, str] = {}
        self._numbers = count()
        self.postgres = False

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

        sqlite.SqliteStore = stores.SqliteStore = _shared  # pyright: ignore[reportAttributeAccessIssue]

    def environment(self, folder: Path) -> dict[str, str]:
        """What a server's process with this data folder is to have in its environment."""
        return {"REACTOR_DATABASE": self._url(folder)} if self.postgres else {}

    def close(self) -> None:
        self._open.close()

    def _store(self, folder: Path, **_: Any) -> Any:
        from reactor.store.postgres.store import PostgresStore

        return PostgresStore(self._url(folder), folder=folder)

    def _url(self, folder: Path) -> str:
        if self._server is None:
            self._server = self._open.enter_context(postgres_server())
        if folder not in self._urls or not folder.exists():  # a folder that was deleted has no data any more
            name = f"chosen_{next(self._numbers)}"
            self._server.sql(f"CREATE DATABASE {name} TEMPLATE template0")
            self._urls[folder] = self._server.url(name)
        return self._urls[folder]


def _shared(folder: Path, **_: Any) -> Any:
    from reactor.store.sharing.store import SharedSqliteStore

    return SharedSqliteStore(folder, node=f"only-{next(_nodes)}")


_nodes = count()

CHOSEN = ChosenStore()
