"""Nodes' worth of background work on one engine: the engine's own, and others beside it on the same database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from reactor.app.parts import Events, Parts
from reactor.database.committer import Committed
from reactor.jobs.crons import Crons
from reactor.jobs.due import Jobs
from reactor.jobs.executor import Executor
from reactor.jobs.migration_runs import MigrationRuns
from reactor.jobs.migrator import Migrator
from reactor.jobs.runs import Runs
from reactor.nodes.code import code_hash
from reactor.nodes.membership import Membership
from reactor.runtime import logs
from reactor.settings import Settings
from reactor.settings.kinds import Secret
from reactor.store.memory_shared import SharedMemory, SharedMemoryStore
from tests.integration.sync.engine import ADMIN_KEY
from tests.support.server import APPS

__all__ = ["SILENT", "Beside", "Node", "shared_engine"]

SILENT = 10.0


def _silent(kind: str, /, **fields: object) -> None:
    """Nobody watches."""


class Node:
    """One node: its membership, and what it does in the background. `beating` ones live."""

    def __init__(self, members: Membership, executor: Executor, migrator: Migrator, job_runs: Runs) -> None:
        self.members, self.executor, self.migrator, self.job_runs = members, executor, migrator, job_runs
        self.beating = True

    def start(self) -> None:
        self.executor.start()
        self.migrator.start()


class Beside:
    """An engine as one node, and others that come to be beside it."""

    def __init__(self, parts: Parts, now: list[float]) -> None:
        self.parts, self._now = parts, now
        self.first = Node(parts.members, parts.executor, parts.migrator, parts.job_runs)
        self.nodes = [self.first]
        self._crons: list[Crons] = []
        self._visible = parts.database.on_visible
        parts.database.on_visible = self._news

    async def another(self, code: str | None = None) -> Node:
        """One more node, which has joined and does nothing yet."""
        parts = self.parts
        members = Membership(parts.database, shared=True, silent_seconds=SILENT, clock=lambda: self._now[0])
        jobs, runs = Jobs(parts.database, members), Runs(parts.database, parts.runner, parts.actions, members)
        crons = Crons(parts.database, parts.runner, parts.actions, members)
        crons.declare(parts.application.crons)
        executor = Executor(parts.database, jobs, runs, crons, members, places=8)
        migrations = MigrationRuns(parts.database, parts.runner, members)
        node = Node(members, executor, Migrator(parts.database, parts.runner, migrations, members), runs)
        await members.join(code or code_hash(parts.application.version.digest))
        self.nodes.append(node)
        self._crons.append(crons)
        return node

    async def turn(self, seconds: float = SILENT * 1.1) -> None:
        """Let time pass, in which those that beat live."""
        for _ in range(4):
            self._now[0] += seconds / 4
            living = [node for node in self.nodes if node.beating]
            for node in living:
                await node.members.beat()
            for node in living:
                await node.members.look()

    async def until(self, happened: Callable[[], Awaitable[bool]]) -> None:
        """Wait for commits until something is so."""
        while True:
            bell = asyncio.Event()
            before = self.parts.database.on_visible

            def heard(commits: list[Committed], before: Any = before, bell: asyncio.Event = bell) -> None:
                before(commits)
                bell.set()

            self.parts.database.on_visible = heard
            try:
                if await happened():
                    return
                await bell.wait()
            finally:
                self.parts.database.on_visible = before

    async def close(self) -> None:
        for node in self.nodes[1:]:
            await node.migrator.close()
            await node.executor.close()
            await node.members.close()

    def _news(self, commits: Iterable[Committed]) -> None:
        commits = list(commits)
        self._visible(commits)
        for node in self.nodes[1:]:
            node.members.news(commits)
            node.migrator.news(commits)
            node.executor.wake()
        for crons in self._crons:
            crons.news(commits)


@asynccontextmanager
async def shared_engine(
    data: Path, app: str | Path, *, events: Events = _silent, **settings: Any
) -> AsyncIterator[Beside]:
    """An application served by one node of a group, whose membership beats when tests say so."""
    now = [0.0]
    made = Settings(data=data, admin_key=Secret(ADMIN_KEY), node_silent_seconds=SILENT, **settings)
    store = SharedMemoryStore(SharedMemory(), "one")
    parts = Parts(made, APPS / app, events, store=store, monotonic=lambda: now[0])
    parts.members.start = lambda: None
    restore = logs.install()
    beside = None
    try:
        await parts.open()
        beside = Beside(parts, now)
        yield beside
    finally:
        if beside is not None:
            await beside.close()
        await parts.close()
        restore()
