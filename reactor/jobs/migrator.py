"""Runs the migrations that were asked for: one after another, a batch to a transaction, while the server serves.

A batch is a mutation like any other: what clients submit meanwhile waits for the one batch at most, and when there are
such, as much time is left to them as the batch took. Where servers share the database, their leader does it.
"""

import asyncio
import logging
from collections.abc import Iterable

from reactor.database.committed import Committed
from reactor.database.database import Database
from reactor.database.migration_rows import MigrationRow, State
from reactor.database.system_tables import MIGRATIONS
from reactor.errors import StoreError
from reactor.jobs.backoff import Backoff
from reactor.jobs.migration_runs import MigrationRuns
from reactor.jobs.pace import Pace
from reactor.nodes.membership import Membership, NotLeading
from reactor.runtime.runner import Runner

__all__ = ["Migrator"]

_log = logging.getLogger("reactor.jobs")


class Migrator:
    """Give it `start` on a server; without, nothing runs but by `run_pending`."""

    def __init__(self, database: Database, runner: Runner, runs: MigrationRuns, members: Membership) -> None:
        self._database, self._runner, self._runs, self._members = database, runner, runs, members
        self._bell = asyncio.Event()
        self._serving: asyncio.Task[None] | None = None
        self._by_id: int | None = None

    def start(self) -> None:
        """Go on with what an earlier server had not ended, and run what is asked for, until `close`."""
        table = self._database.catalog.table(MIGRATIONS)
        assert table is not None
        self._by_id = table.by_id.id
        self._members.on_change.append(self._bell.set)
        self._serving = asyncio.get_running_loop().create_task(self._serve())

    def news(self, commits: Iterable[Committed]) -> None:
        """Commits became visible: something may have been asked for."""
        by_id = self._by_id
        if any(index == by_id for commit in commits for index, _, _ in commit.touches):
            self._bell.set()

    async def run_pending(self) -> None:
        """Run all that was asked for to its end. Not beside `start`. Raises StoreError, NotLeading."""
        while self._members.leads and (row := await self._runs.next()) is not None:
            await self._run(row)

    async def close(self) -> None:
        """Begin no further batch; the one under way ends."""
        serving, self._serving = self._serving, None
        if serving is not None:
            serving.cancel()
            await asyncio.wait([serving])

    async def _serve(self) -> None:
        backoff = Backoff()
        while True:
            self._bell.clear()
            try:
                await self.run_pending()
                backoff.reset()
            except NotLeading:
                _log.debug("another server leads, and goes on with the migrations")
            except StoreError as error:
                _log.warning("migrations have to wait: %s", error)
            except Exception:
                _log.exception("migrations have to wait")
            else:
                await self._bell.wait()
                continue
            await asyncio.sleep(backoff.next())

    async def _run(self, row: MigrationRow) -> None:
        """Take a migration up, and do batches until it is at its end or stopped."""
        if row.state is State.PENDING:
            await self._runs.begin(row)
            return  # and is looked up again, as it is now
        migration = self._runner.registry.migrations.get(row.name)
        pace = Pace(None if migration is None else migration.batch_size)
        before = self._database.committer.commits
        while self._members.leads and await self._runs.step(row, pace):
            commits = self._database.committer.commits
            # One commit was the batch's own.
            await asyncio.sleep(self._runs.seconds if commits - before > 1 else 0)
            before = commits
