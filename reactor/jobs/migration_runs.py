"""One step of a migration, committed together with the record of it.

So nothing is done twice, whenever the server ends.
"""

from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from reactor.database.database import Database
from reactor.database.migration_rows import SOURCE, Fault, MigrationRow, State, read_rows, write_row
from reactor.database.transact import transact
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError
from reactor.jobs.pace import AIM_SECONDS, Pace
from reactor.nodes.membership import Membership
from reactor.runtime.calls import Call
from reactor.runtime.contexts import MutationCtx
from reactor.runtime.failures import Failure, failure_kind
from reactor.runtime.functions import Function, Kind
from reactor.runtime.migration_batch import Batch
from reactor.runtime.migration_control import stop_behind
from reactor.runtime.migration_span import Span
from reactor.runtime.migrations import Migration
from reactor.runtime.runner import Runner

__all__ = ["MigrationRuns"]

T = TypeVar("T")

_TOO_LARGE = frozenset(
    {
        "ScheduledFunctionsArgumentsTooLarge",
        "TooManyBytesRead",
        "TooManyBytesWritten",
        "TooManyDocumentsRead",
        "TooManyFunctionsScheduled",
        "TooManyReads",
        "TooManyWrites",
    }
)
"""Codes of errors that a smaller batch may avoid."""

_LONGEST_MESSAGE = 4_000

Told = Callable[[str, State, int], None]
"""Hears of a migration: its name, its state, and how many documents it was given so far."""


def _nobody(name: str, state: State, documents: int) -> None:
    """Nobody is told."""


_STOP = 2 * AIM_SECONDS
"""A batch ends after so many seconds, however many documents it was to have: some cost more than those before."""


class _Step(msgspec.Struct, frozen=True):
    """What came of a batch; `total` counts the documents of those before as well, and `document` is the one at which it
    failed. A batch that was `too_large` left nothing."""

    name: str
    processed: int
    total: int = 0
    done: bool = False
    failure: Failure | None = None
    document: str | None = None
    too_large: bool = False
    seconds: float = 0.0


class MigrationRuns:
    """Steps of migrations. Each raises StoreError, NotLeading, and faults of ours when nothing was done."""

    def __init__(self, database: Database, runner: Runner, members: Membership, told: Told = _nobody) -> None:
        """`told` is told when a migration begins, and when it comes to its end or fails."""
        self._database, self._runner, self._members, self._told = database, runner, members, told
        self.batches = self.documents = self.failed = 0
        """Batches that were committed, documents in them, and migrations that failed."""
        self.seconds = 0.0
        """How long the latest batch ran."""

    async def next(self) -> MigrationRow | None:
        """The migration whose turn it is: one that has begun, else the earliest that waits."""

        async def look(tx: Transaction) -> MigrationRow | None:
            waiting = [row for row in (await read_rows(tx)).values() if row.under_way]
            return min(waiting, key=_turn, default=None)

        return await self._transact(look)

    async def begin(self, row: MigrationRow) -> None:
        """Let a migration that waits begin, or go on where it stopped."""
        migration = self._known(row.name)
        total = None if migration is None else await self._count(migration, row)

        async def record(tx: Transaction) -> State | None:
            await self._members.require(tx)
            now = (await read_rows(tx)).get(row.name)
            if now is None or now.state is not State.PENDING:
                return None
            if migration is None:
                await _fail(tx, now, Fault(_MISSING))
                return State.FAILED
            begun = replace(
                now,
                state=State.IN_PROGRESS,
                version=migration.version,
                started_time=tx.now,
                completed_time=None,
                total=total,
            )
            await write_row(tx, begun)
            return begun.state

        state = await self._transact(record)
        self.failed += state is State.FAILED
        if state is not None:
            self._told(row.name, state, row.processed)

    async def step(self, row: MigrationRow, pace: Pace) -> bool:
        """Do the next batch. Gives False when the migration is at its end, or stopped."""
        migration = self._known(row.name)
        if migration is None or migration.version != row.version:
            await self._fail(row.name, Fault(_MISSING if migration is None else _CHANGED))
            return False

        async def work(tx: Transaction) -> _Step | None:
            await self._members.require(tx)
            now = (await read_rows(tx)).get(row.name)
            if now is None or now.state is not State.IN_PROGRESS or self._known(row.name) is not migration:
                return None  # also when the code has changed while this waited: the next step sees it
            began = perf_counter()
            step = await self._batch(tx, now, Batch(migration, now.cursor, pace.size, until=now.until, seconds=_STOP))
            # The commit is of this state: what tasks that were left behind try to write comes too late.
            tx.ended = True
            return replace(step, seconds=perf_counter() - began)

        step = await transact(self._database.committer, migration.path, work)
        return step is not None and await self._learn(step, pace)

    async def _learn(self, step: "_Step", pace: Pace) -> bool:
        """Let the next batch be as large as the latest one says. Gives whether there is a next one."""
        self.seconds = step.seconds
        if step.too_large:
            return pace.failed(step.processed + 1)
        if step.failure is None:
            pace.took(step.processed, step.seconds)
            self.batches, self.documents = self.batches + 1, self.documents + step.processed
            if step.done:
                self._told(step.name, State.SUCCESS, step.total)
            return not step.done
        if failure_kind(step.failure.error) == "UserTimeout" and pace.failed(step.processed + 1):
            return True
        await self._fail(step.name, _fault(step.failure, step.document))
        return False

    async def _fail(self, name: str, fault: Fault) -> None:
        async def record(tx: Transaction) -> MigrationRow | None:
            await self._members.require(tx)
            return await _fail_if_running(tx, name, fault)

        failed = await self._transact(record)
        if failed is not None:
            self.failed += 1
            self._told(name, State.FAILED, failed.processed)

    async def _batch(self, tx: Transaction, row: MigrationRow, batch: Batch) -> "_Step":
        """Run a batch, and record it; one that fails leaves no trace."""
        attempt = _Attempt(batch)
        result = await self._runner.perform(attempt.function(), Call(batch.migration.path, b"{}", trusted=True), tx)
        if tx.fault is not None:
            raise tx.fault  # the store could not be read, which is not the migration's fault
        if result.failure is not None:
            tx.take_back()
            return _Step(row.name, batch.processed, failure=result.failure, document=batch.document)
        if attempt.too_large:
            tx.take_back()
            return _Step(row.name, batch.processed, too_large=True)
        done = replace(
            row,
            cursor=batch.cursor,
            until=batch.until,
            processed=row.processed + batch.processed,
            changed=row.changed + batch.changed,
            batches=row.batches + 1,
        )
        if batch.done:
            done = done.ended(State.SUCCESS, tx.now)
        await write_row(tx, done)
        return _Step(row.name, batch.processed, done.processed, batch.done)

    def _known(self, name: str) -> Migration | None:
        return self._runner.registry.migrations.get(name)

    async def _count(self, migration: Migration, row: MigrationRow) -> int | None:
        """How many documents it will have been when it ends, as far as that is known now."""
        snapshot = self._database.store.acquire()
        try:
            tx = self._database.read(snapshot)
            return row.processed + await Span(tx, migration).count(tx, row.cursor)
        except DeveloperError:
            return None  # of its table or index; the first batch says it
        finally:
            snapshot.release()

    async def _transact(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        return await transact(self._database.committer, SOURCE, work)


_MISSING = "There is no migration of this name in the code any more. Bring it back, or reset it to forget it."
_CHANGED = (
    "Its code changed while it ran. Documents that it had reached were changed by the code of before: ask for it again "
    "to go on with the new code from here, or reset it to begin anew."
)


def _turn(row: MigrationRow) -> tuple[bool, int, int]:
    return row.state is State.PENDING, row.series, row.position


class _Attempt:
    """A batch as a function to be run. One that was `too_large` is no failure of the migration, and not told as one."""

    __slots__ = ("_batch", "too_large")

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self.too_large = False

    def function(self) -> Function[..., Any]:
        """At the path of the migration, so that what it prints is its own."""

        async def run(ctx: MutationCtx) -> None:
            try:
                await self._batch.run(ctx)
            except DeveloperError as error:
                if error.code not in _TOO_LARGE or not self._batch.processed:
                    raise
                self.too_large = True

        function = Function(run, Kind.MUTATION, internal=True)
        function.place(self._batch.migration.module, self._batch.migration.name)
        return function


async def _fail_if_running(tx: Transaction, name: str, fault: Fault) -> MigrationRow | None:
    row = (await read_rows(tx)).get(name)
    if row is None or row.state is not State.IN_PROGRESS:
        return None
    await _fail(tx, row, fault)
    return row


async def _fail(tx: Transaction, row: MigrationRow, fault: Fault) -> None:
    failed = row.ended(State.FAILED, tx.now, fault)
    await write_row(tx, failed)
    await stop_behind(tx, failed)


def _fault(failure: Failure, document: str | None) -> Fault:
    return Fault(failure.text.rstrip()[:_LONGEST_MESSAGE], document)
