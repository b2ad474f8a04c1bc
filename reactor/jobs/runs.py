"""One scheduled function, from the moment that its time has come to the record of its end.

A mutation runs in the transaction that also records its end: both are durable, or neither. An action begins once it is
durable that it has begun, so it is never begun twice, whatever happens to the server. What has begun belongs to the
node that runs it, also after another one has come to lead.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from reactor.database.database import Database
from reactor.database.documents import Document
from reactor.database.scheduled import (
    SOURCE,
    State,
    attempts_of,
    begin_action,
    change_job,
    fail_action,
    find_job,
    node_of,
    state_of,
)
from reactor.database.transact import transact
from reactor.database.transaction import Transaction
from reactor.jobs.backoff import patiently
from reactor.nodes.membership import Membership
from reactor.runtime.actions import Actions
from reactor.runtime.calls import Call
from reactor.runtime.failures import Failure
from reactor.runtime.functions import Kind
from reactor.runtime.query_run import RunResult
from reactor.runtime.retries import retry_after
from reactor.runtime.runner import Runner
from reactor.values import encode

__all__ = ["Due", "Runs"]

LOST = "Transient error: the server ended while this action ran, and nobody knows how far it came."

_log = logging.getLogger("reactor.jobs")


class Due(msgspec.Struct):
    """A job whose time has come. `path` names its function, `args` is the JSON text of its arguments."""

    id: str
    path: str
    args: bytes

    @classmethod
    def of(cls, row: Document) -> "Due":
        """The job of a row."""
        fields = row.value()
        return cls(row.id, fields["name"], encode(fields["args"]))

    def call(self) -> Call:
        """The call of its function. Nobody is signed in, and internal functions may be called."""
        return Call(self.path, self.args, trusted=True, job=self.id)


class Runs:
    """Runs jobs, and counts how they ended."""

    def __init__(self, database: Database, runner: Runner, actions: Actions, members: Membership) -> None:
        self._database, self._runner, self._actions, self._members = database, runner, actions, members
        self.ran = self.failed = 0
        """Jobs that were run to their end, and those of them that failed; each try of an action counts."""
        self.dead = 0
        """Actions with retries all of which have failed."""

    async def run(self, job: Due) -> None:
        """Run a job, unless it has been canceled meanwhile.

        Raises StoreError and faults of ours when nothing has been done; it is to be tried again then. Raises NotLeading
        when another node is to do it.
        """
        function = self._runner.registry.find(job.path)
        if function is None or function.kind is Kind.QUERY:
            if await self._transact(lambda tx: self._refuse(tx, job, missing=function is None)):
                self.ran, self.failed = self.ran + 1, self.failed + 1
        elif function.kind is Kind.MUTATION:
            self._count(await self._mutation(job, function.path))
        else:
            node, retries = self._members.id, 0 if function.retry is None else function.retry.retries
            if await self._transact(lambda tx: self._begin(tx, job, retries, node)):
                await self._action(job, node)

    async def lose(self, begun: Mapping[str, str | None]) -> None:
        """These actions had begun on these nodes, and nobody knows how they ended. Those of living nodes go on."""

        async def record(tx: Transaction) -> list[bool]:
            living = {node: await self._members.is_living(tx, node) for node in set(begun.values())}
            ended = [await self._fail(tx, id, node, LOST) for id, node in begun.items() if not living[node]]
            return [is_dead for is_dead in ended if is_dead is not None]

        await self._count_lost(record)

    async def lose_own(self, begun: Mapping[str, str | None]) -> None:
        """Those of these actions that ran here were interrupted."""
        own = self._members.id

        async def record(tx: Transaction) -> list[bool]:
            ended = [await self._fail(tx, id, node, LOST) for id, node in begun.items() if node == own]
            return [is_dead for is_dead in ended if is_dead is not None]

        await self._count_lost(record)

    async def _count_lost(self, record: Callable[[Transaction], Any]) -> None:
        died = await self._transact(record)
        self.failed += len(died)
        self.dead += sum(died)

    # Mutations

    async def _mutation(self, job: Due, source: str) -> RunResult | None:
        async def work(tx: Transaction) -> RunResult | None:
            await self._members.require(tx)
            row = await _pending(tx, job.id)
            if row is None:
                return None
            running = change_job(tx, row, State.IN_PROGRESS)
            result = await self._runner.mutation(job.call(), tx)
            if tx.fault is not None:
                raise tx.fault  # the store could not be read, which is not the function's fault
            if result.failure is None:
                change_job(tx, running, State.SUCCESS)
            else:
                tx.take_back()
                change_job(tx, row, State.FAILED, error=_told(result.failure))
            # The commit is of this state: what tasks that were left behind try to write comes too late.
            tx.ended = True
            return result

        return await transact(self._database.committer, source, work)

    # Actions

    async def _action(self, job: Due, node: str | None) -> None:
        try:
            result = await self._actions.run(job.call())
        except asyncio.CancelledError:
            raise
        except Exception as fault:
            _log.exception("scheduled action %s could not be run", job.path)
            await self._record(job, node, f"The action could not be run: {fault!r:.500}")
            return
        self._count(result)
        await self._record(job, node, None if result.failure is None else _told(result.failure))

    async def _record(self, job: Due, node: str | None, error: str | None) -> None:
        """Record the end of an action, however long that takes: it must not be begun again."""

        async def record(tx: Transaction) -> bool:
            if error is not None:
                return bool(await self._fail(tx, job.id, node, error))
            row = await _running(tx, job.id, node)
            if row is not None:
                change_job(tx, row, State.SUCCESS)
            return False

        self.dead += await patiently(lambda: self._transact(record), f"the end of scheduled action {job.path}")

    async def _fail(self, tx: Transaction, id: str, node: str | None, error: str) -> bool | None:
        """Record that an action failed, which may mean that it runs again; gives whether it is a dead letter now.

        None when it is not what this node runs any more.
        """
        row = await _running(tx, id, node)
        if row is None:
            return None
        function = self._runner.registry.find(row.value()["name"])
        failures, retries = attempts_of(row)
        retry_in = retry_after(None if function is None else function.retry, failures, retries)
        fail_action(tx, row, error, retry_in)
        return retries > 0 and retry_in is None

    # Both

    def _count(self, result: RunResult | None) -> None:
        if result is not None:
            self.ran += 1
            self.failed += result.failure is not None

    async def _begin(self, tx: Transaction, job: Due, retries: int, node: str | None) -> bool:
        await self._members.require(tx)
        row = await _pending(tx, job.id)
        if row is not None:
            begin_action(tx, row, retries, node)
        return row is not None

    async def _refuse(self, tx: Transaction, job: Due, *, missing: bool) -> bool:
        await self._members.require(tx)
        row = await _pending(tx, job.id)
        if row is None:
            return False
        if missing:
            error = f"Could not find function for '{job.path}', which was there when it was scheduled: bring it back."
        else:
            error = f"Unsupported function type: {job.path} is a query. Only mutations and actions can be scheduled."
        change_job(tx, row, State.FAILED, error=error)
        return True

    async def _transact(self, work: Callable[[Transaction], Any]) -> Any:
        return await transact(self._database.committer, SOURCE, work)


async def _pending(tx: Transaction, id: str) -> Document | None:
    """The row of a job that may begin."""
    row = await find_job(tx, id)
    return row if row is not None and state_of(row) is State.PENDING else None


async def _running(tx: Transaction, id: str, node: str | None) -> Document | None:
    """The row of an action that this node has begun; None when it was canceled or taken for lost meanwhile."""
    row = await find_job(tx, id)
    return row if row is not None and state_of(row) is State.IN_PROGRESS and node_of(row) == node else None


def _told(failure: Failure) -> str:
    return failure.text.rstrip()
