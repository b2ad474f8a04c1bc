"""Several nodes' worth of membership on one database, with a clock that tests turn."""

import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

from reactor.database.committer import Committed
from reactor.database.database import Database
from reactor.database.transact import transact
from reactor.database.transaction import Transaction
from reactor.nodes import rows
from reactor.nodes.membership import Membership, NotLeading
from reactor.nodes.rows import NodeRow
from reactor.schema import define_schema
from reactor.store.sqlite import SqliteStore

__all__ = ["SILENT", "Group", "group"]

SILENT = 10.0


class Group:
    """Nodes that share a database."""

    def __init__(self, database: Database, set_back: list[int]) -> None:
        self.database, self._set_back = database, set_back
        self.now = 0.0
        self.all: list[Membership] = []
        database.on_visible = self._news

    def set_back(self, seconds: float) -> None:
        """From here on the machine's clock says less."""
        self._set_back[0] = int(seconds * 1e9)

    def make(self, folder: Path | None = None) -> Membership:
        """A node that has not joined."""
        made = Membership(self.database, shared=True, silent_seconds=SILENT, clock=lambda: self.now, folder=folder)
        self.all.append(made)
        return made

    async def join(self, code: str = "a", folder: Path | None = None) -> Membership:
        """One more node."""
        made = self.make(folder)
        await made.join(code)
        return made

    async def turn(self, *beating: Membership, seconds: float = SILENT) -> None:
        """Let time pass in which these nodes live."""
        for _ in range(4):
            self.now += seconds / 4
            for node in beating:
                await node.beat()
            for node in beating:
                await node.look()

    async def rows(self) -> dict[str, NodeRow]:
        return await transact(self.database.committer, "tests", rows.read_nodes)

    async def allows(self, node: Membership) -> bool:
        """Whether a transaction of the leader's would be let through."""

        async def work(tx: Transaction) -> None:
            await node.require(tx)

        try:
            await transact(self.database.committer, "tests", work)
        except NotLeading:
            return False
        return True

    def _news(self, commits: Iterable[Committed]) -> None:
        commits = list(commits)
        for node in self.all:
            node.news(commits)


@asynccontextmanager
async def group(tmp_path: Path) -> AsyncIterator[Group]:
    set_back = [0]
    database = Database(SqliteStore(tmp_path / "data"), clock=lambda: time.time_ns() - set_back[0])
    await database.open(define_schema({}))
    made = Group(database, set_back)
    try:
        yield made
    finally:
        for node in made.all:
            await node.close()
        await database.close()
