"""Runs cron jobs: when each is due, and one run from its beginning to the record of its end.

The executor asks what is due, and runs it in its own places. As for scheduled functions, a mutation runs in the
transaction that also records its end, and an action begins once it is durable that it has begun.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, TypeVar

import msgspec

from reactor.database.committer import Committed
from reactor.database.database import Database
from reactor.database.documents import Document
from reactor.database.scheduled import NewJob, add_dead_letter
from reactor.database.system_tables import CRON_NEXT
from reactor.database.transact import transact
from reactor.database.transaction import Transaction
from reactor.jobs import cron_rows as rows
from reactor.jobs.backoff import patiently
from reactor.jobs.cron_rows import Upcoming
from reactor.nodes.membership import Membership
from reactor.runtime.actions import Actions
from reactor.runtime.calls import Call
from reactor.runtime.crons import Cron
from reactor.runtime.functions import Kind
from reactor.runtime.identity import Identity
from reactor.runtime.retries import Retry, retry_after
from reactor.runtime.runner import Runner
from reactor.values import decode_trusted

__all__ = ["SOURCE", "Crons"]

T = TypeVar("T")

SOURCE = "_system/crons"
"""Who writes, as the log of commits has it, where no function does."""

_SET_BACK_MS = 1000.0
"""A clock that goes back by more has been set."""

_log = logging.getLogger("reactor.jobs")


class Crons:
    """The cron jobs of the code that serves. Tell it by `declare` which these are."""

    def __init__(self, database: Database, runner: Runner, actions: Actions, members: Membership) -> None:
        self._database, self._runner, self._actions, self._members = database, runner, actions, members
        self._declared: Mapping[str, Cron] = {}
        self._upcoming: dict[str, Upcoming] = {}
        self._is_adopted, self._seen = True, 0.0
        self._here: set[str] = set()
        """Actions that run on this node, by the id of their row."""
        self.ran = self.failed = self.dead = 0
        """Runs that came to their end, those of them that failed, and those that had no retries left."""

    def declare(self, declared: Mapping[str, Cron]) -> None:
        """From now on these are the jobs; none runs until the rows say so, too."""
        self._declared, self._is_adopted = declared, False

    def news(self, commits: Iterable[Committed]) -> bool:
        """Commits became visible; gives whether they may be the end of an action that another node runs."""
        table = self._database.catalog.table(CRON_NEXT)
        if table is None or all(one.id in self._here for one in self._upcoming.values() if one.in_progress):
            return False
        by_id = table.by_id.id
        ended = any(index == by_id for commit in commits for index, _, _ in commit.touches)
        self._is_adopted &= not ended
        return ended

    async def adopt(self) -> None:
        """Bring the rows under what is declared, if that has changed or the clock was set back.

        Raises StoreError and NotLeading.
        """
        now = self._database.now()
        if self._is_adopted and now >= self._seen - _SET_BACK_MS:
            self._seen = now
            return
        declared = self._declared
        self._is_adopted, self._seen = False, now
        self._upcoming = await self._transact(lambda tx: self._adopt(tx, declared))
        # The code may have changed once more meanwhile.
        self._is_adopted = declared is self._declared

    def due(self) -> list[Upcoming]:
        """The runs whose time has come, earliest first. Runs that are under way are not among them."""
        if not self._is_adopted:
            return []
        now = self._database.now() * 1e6
        due = [one for one in self._upcoming.values() if one.time <= now and not one.in_progress]
        return sorted(due, key=lambda one: one.time)

    def next_time(self) -> float | None:
        """The time of the earliest run to come, in ms since 1970."""
        return min((one.time / 1e6 for one in self._upcoming.values() if not one.in_progress), default=None)

    async def run(self, one: Upcoming) -> None:
        """Run a job, unless it has been changed meanwhile.

        Raises StoreError and faults of ours when nothing has been done; it is to be tried again then. Raises NotLeading
        when another node is to do it.
        """
        function = self._runner.registry.find(one.cron.path)
        if function is None or function.kind is Kind.QUERY:
            self._ended(one, await self._transact(lambda tx: self._refuse(tx, one)))
        elif function.kind is Kind.MUTATION:
            await self._mutation(one, function.path)
        else:
            node = self._members.id
            if await self._transact(lambda tx: self._begin(tx, one, function.retry, node)):
                await self._action(one, node)
            else:
                self._is_adopted = False

    async def lose(self) -> None:
        """Actions that had begun have ended with the nodes that do not live any more. Raises StoreError, NotLeading."""
        self._is_adopted = False
        await self.adopt()

        async def is_lost(tx: Transaction, row: Document) -> bool:
            return not await self._members.is_living(tx, rows.node_of(row))

        await self._lose(is_lost)

    async def lose_own(self) -> None:
        """Actions that ran here were interrupted. Raises StoreError."""
        own = self._members.id

        async def is_lost(_: Transaction, row: Document) -> bool:
            return rows.node_of(row) == own

        await self._lose(is_lost)

    async def _lose(self, is_lost: Callable[[Transaction, Document], Awaitable[bool]]) -> None:
        upcoming = list(self._upcoming.values())

        async def lose(tx: Transaction, one: Upcoming) -> _End | None:
            row = await rows.ending(tx, one)
            if row is None or not await is_lost(tx, row):
                return None
            return await self._end(tx, one, row, _failed(rows.LOST), [], 0.0)

        async def record(tx: Transaction) -> list[_End | None]:
            return [await lose(tx, one) for one in upcoming]

        for one, end in zip(upcoming, await self._transact(record), strict=True):
            if end is not None:
                self._ended(one, end)

    # Mutations

    async def _mutation(self, one: Upcoming, source: str) -> None:
        async def work(tx: Transaction) -> _End | None:
            await self._members.require(tx)
            row = await rows.find_run(tx, one)
            if row is None:
                return None
            began = time.perf_counter()
            result = await self._runner.mutation(_call(one.cron), tx)
            if tx.fault is not None:
                raise tx.fault  # the store could not be read, which is not the function's fault
            if result.failure is not None:
                tx.take_back()
            seconds = time.perf_counter() - began
            end = await self._end(tx, one, row, rows.status_of(result), result.logs, seconds)
            # The commit is of this state: what tasks that were left behind try to write comes too late.
            tx.ended = True
            return end

        self._ended(one, await transact(self._database.committer, source, work))

    # Actions

    async def _action(self, one: Upcoming, node: str | None) -> None:
        one.in_progress = True
        self._here.add(one.id)
        try:
            await self._action_here(one, node)
        finally:
            self._here.discard(one.id)

    async def _action_here(self, one: Upcoming, node: str | None) -> None:
        began = time.perf_counter()
        try:
            result = await self._actions.run(_call(one.cron))
            status, lines = rows.status_of(result), result.logs
        except Exception as fault:
            _log.exception("cron job %s could not be run", one.cron.name)
            status, lines = _failed(f"The action could not be run: {fault!r:.500}"), []
        seconds = time.perf_counter() - began
        # However long that takes: it must not be begun again.
        end = await patiently(
            lambda: self._transact(lambda tx: self._end_action(tx, one, node, status, lines, seconds)),
            f"the end of cron job {one.cron.name}",
        )
        self._ended(one, end)

    async def _begin(self, tx: Transaction, one: Upcoming, retry: Retry | None, node: str | None) -> bool:
        await self._members.require(tx)
        row = await rows.find_run(tx, one)
        if row is not None:
            rows.begin(tx, row, 0 if retry is None else retry.retries, node)
        return row is not None

    async def _end_action(
        self, tx: Transaction, one: Upcoming, node: str | None, status: dict[str, Any], lines: list[str], seconds: float
    ) -> "_End | None":
        """Record the end of an action; nothing when its job is gone, or another node has taken it for lost."""
        row = await rows.ending(tx, one)
        if row is None or rows.node_of(row) != node:
            return None
        return await self._end(tx, one, row, status, lines, seconds)

    # Both

    async def _end(
        self, tx: Transaction, one: Upcoming, row: Document, status: dict[str, Any], lines: list[str], seconds: float
    ) -> "_End":
        """Record how a run ended, and when the next one is."""
        cron = self._upcoming.get(one.cron.name, one).cron
        await rows.write_log(tx, one.cron, rows.occurrence(row), status, lines, seconds)
        if status["type"] != "err":
            return _End(await rows.advance(tx, cron, row))
        failures, retries = rows.attempts(row)
        retry_in = self._retry_after(cron, failures, retries)
        is_dead = retries > 0 and retry_in is None
        if is_dead:
            args: Any = decode_trusted(cron.args)
            job = NewJob(cron.path, args[0], len(cron.args), rows.occurrence(row) / 1e6)
            add_dead_letter(tx, job, status["error"], (failures, retries))
        return _End(await rows.advance(tx, cron, row, retry_in=retry_in), failed=True, dead=is_dead)

    async def _refuse(self, tx: Transaction, one: Upcoming) -> "_End | None":
        """The function is gone, which a load would have refused: it was served by older code."""
        await self._members.require(tx)
        row = await rows.find_run(tx, one)
        if row is None:
            return None
        status = _failed(f"Could not find a mutation or action for '{one.cron.path}'.")
        await rows.write_log(tx, one.cron, one.time, status, [], 0.0)
        return _End(await rows.advance(tx, one.cron, row), failed=True)

    def _ended(self, one: Upcoming, end: "_End | None") -> None:
        """What is durable now; None: the rows are not as they were known to be."""
        current = self._upcoming.get(one.cron.name)
        if end is None or current is None or current.id != one.id:
            self._is_adopted = False
            return
        # Not that of `one`, when the jobs have been read anew meanwhile.
        current.time, current.in_progress = end.time, False
        self.ran, self.failed, self.dead = self.ran + 1, self.failed + end.failed, self.dead + end.dead

    def _retry_after(self, cron: Cron, failures: int, retries: int) -> float | None:
        function = self._runner.registry.find(cron.path)
        return retry_after(None if function is None else function.retry, failures, retries)

    async def _adopt(self, tx: Transaction, declared: Mapping[str, Cron]) -> dict[str, Upcoming]:
        await self._members.require(tx)
        return await rows.adopt(tx, declared)

    async def _transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        return await transact(self._database.committer, SOURCE, work)


class _End(msgspec.Struct):
    """How a run ended, and the time of the next."""

    time: int
    failed: bool = False
    dead: bool = False


def _failed(error: str) -> dict[str, Any]:
    return {"type": "err", "error": error}


def _call(cron: Cron) -> Call:
    # Nobody is signed in; but the log of the run is for the developer, and has all lines.
    return Call(cron.path, cron.args, Identity(is_admin=True), trusted=True)
