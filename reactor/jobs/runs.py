"""One scheduled function, from the moment that its time has come to the record of its end.

A mutation runs in the transaction that also records its end: both are durable, or neither. An action begins once it is
durable that it has begun, so it is never begun twice, whatever happens to the server.
"""

import asyncio
import logging
from collections.abc import Callable
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
    state_of,
)
from reactor.database.transact import transact
from reactor.database.transaction import Transaction
from reactor.jobs.backoff import patiently
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

    def __init__(self, database: Database, runner: Runner, actions: Actions) -> None:
        self._database, self._runner, self._actions = database, runner, actions
        self.ran = self.failed = 0
        """Jobs that were run to their end, and those of them that failed; each try of an action counts."""
        self.dead = 0
        """Actions with retries all of which have failed."""

    async def run(self, job: Due) -> None:
        """Run a job, unless it has been canceled meanwhile.

        Raises StoreError and faults of ours when nothing has been done; it is to be tried again then.
        """
        function = self._runner.registry.find(job.path)
        if function is None or function.kind is Kind.QUERY:
            if await self._transact(lambda tx: _refuse(tx, job, missing=function is None)):
                self.ran, self.failed = self.ran + 1, self.failed + 1
        elif function.kind is Kind.MUTATION:
            self._count(await self._mutation(job, function.path))
        elif await self._transact(lambda tx: _begin(tx, job, 0 if function.retry is None else function.retry.retries)):
            await self._action(job)

    async def lose(self, ids: list[str]) -> None:
        """These actions had begun, and nobody knows how they ended."""

        async def record(tx: Transaction) -> list[bool]:
            return [await self._fail(tx, id, LOST) for id in ids]

        self.failed += len(ids)
        self._count_dead(await self._transact(record))

    # Mutations

    async def _mutation(self, job: Due, source: str) -> RunResult | None:
        async def work(tx: Transaction) -> RunResult | None:
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

    async def _action(self, job: Due) -> None:
        try:
            result = await self._actions.run(job.call())
        except asyncio.CancelledError:
            raise
        except Exception as fault:
            _log.exception("scheduled action %s could not be run", job.path)
            await self._record(job, f"The action could not be run: {fault!r:.500}")
            return
        self._count(result)
        await self._record(job, None if result.failure is None else _told(result.failure))

    async def _record(self, job: Due, error: str | None) -> None:
        """Record the end of an action, however long that takes: it must not be begun again."""

        async def record(tx: Transaction) -> list[bool]:
            if error is not None:
                return [await self._fail(tx, job.id, error)]
            row = await _running(tx, job.id)
            if row is not None:
                change_job(tx, row, State.SUCCESS)
            return []

        self._count_dead(await patiently(lambda: self._transact(record), f"the end of scheduled action {job.path}"))

    async def _fail(self, tx: Transaction, id: str, error: str) -> bool:
        """Record that an action failed, which may mean that it runs again; gives whether it is a dead letter now."""
        row = await _running(tx, id)
        if row is None:
            return False
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

    def _count_dead(self, died: list[bool]) -> None:
        self.dead += sum(died)

    async def _transact(self, work: Callable[[Transaction], Any]) -> Any:
        return await transact(self._database.committer, SOURCE, work)


async def _pending(tx: Transaction, id: str) -> Document | None:
    """The row of a job that may begin."""
    row = await find_job(tx, id)
    return row if row is not None and state_of(row) is State.PENDING else None


async def _running(tx: Transaction, id: str) -> Document | None:
    """The row of an action that has begun, and was not canceled."""
    row = await find_job(tx, id)
    return row if row is not None and state_of(row) is State.IN_PROGRESS else None


async def _begin(tx: Transaction, job: Due, retries: int) -> bool:
    row = await _pending(tx, job.id)
    if row is not None:
        begin_action(tx, row, retries)
    return row is not None


async def _refuse(tx: Transaction, job: Due, *, missing: bool) -> bool:
    row = await _pending(tx, job.id)
    if row is None:
        return False
    if missing:
        error = f"Could not find function for '{job.path}', which was there when it was scheduled: bring it back."
    else:
        error = f"Unsupported function type: {job.path} is a query. Only mutations and actions can be scheduled."
    change_job(tx, row, State.FAILED, error=error)
    return True


def _told(failure: Failure) -> str:
    return failure.text.rstrip()
