"""Several servers on one PostgreSQL, each behind a wire of its own that a test may cut."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from tests.support.link import Link
from tests.support.postgres import Postgres
from tests.support.server import Server

__all__ = ["Node", "Nodes"]


class Node(Server):
    """A server whose database is reached through `link`."""

    def __init__(
        self, app: str | Path, data: Path, link: Link, database: str, environment: dict[str, str] | None = None
    ) -> None:
        super().__init__(app, data, environment=environment)
        self.link, self._database = link, database

    @property
    def process_environment(self) -> dict[str, str]:
        url = f"postgresql://postgres@127.0.0.1:{self.link.port}/{self._database}"
        # Tests judge answers by what they say.
        return {
            **super().process_environment,
            "REACTOR_DATABASE": url,
            "REACTOR_REDACT_ERRORS": "off",
            **self.environment,
        }


class Nodes:
    """`count` nodes of one application and one new database of `postgres`. They start all at once, also the first time.

    Everything local to a node lies under `folder`. `environment` holds for each of them.
    """

    def __init__(
        self, app: str | Path, folder: Path, postgres: Postgres, count: int, environment: dict[str, str] | None = None
    ) -> None:
        self.app, self.folder, self.postgres, self.count = app, folder, postgres, count
        self.environment = environment
        self.all: list[Node] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            name = stack.enter_context(self.postgres.database())
            for number in range(self.count):
                link = stack.enter_context(Link(self.postgres.port))
                self.all.append(Node(self.app, self.folder / f"node{number}", link, name, self.environment))
            stack.callback(self._stop)
            self.start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def __getitem__(self, number: int) -> Node:
        return self.all[number]

    def start(self) -> None:
        """Start all, and wait until each of them serves."""
        with ThreadPoolExecutor(self.count) as pool:
            list(pool.map(Server.start, self.all))

    def _stop(self) -> None:
        for node in self.all:
            node.link.mend()
            node.__exit__()
