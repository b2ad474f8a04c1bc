"""A database for tests: functions run in it as mutations and queries do, over a store that can be held up and fail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from reactor.database.catalog import FIRST_USER_TABLE
from reactor.database.committed import Committed
from reactor.database.committer import Ending
from reactor.database.cursors import Cursors
from reactor.database.database import Database
from reactor.database.limits import TransactionLimits
from reactor.database.pages import Pager
from reactor.database.ranges import KeyRange, Touch
from reactor.database.reader import DatabaseReader
from reactor.database.transaction import Transaction
from reactor.database.writer import DatabaseWriter
from reactor.schema import Schema, define_schema, define_table
from reactor.store.seam import Commit, IndexRecord, Outcome, Revise, Store
from reactor.values import v

T = TypeVar("T")

CURSORS = Cursors(b"a secret of the tests")

SCHEMA = define_schema(
    {
        "users": define_table(v.any()).index("by_name", ["name"]).index("by_team_age", ["team", "age"]),
        "notes": define_table({"text": v.string(), "owner": v.optional(v.id("users"))}).index("by_text", ["text"]),
    }
)


class Gate:
    """A store whose commits wait while `hold()` is in force, and fail when `failures` holds errors for them."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._open = asyncio.Event()
        self._open.set()
        self.failures: list[Exception] = []
        self.batches: list[int] = []
        """How many commits each batch had that was asked for."""
        self.on_the_way: Callable[[], None] = lambda: None
        """What the latest batch is to call when it is on the way."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def hold(self) -> None:
        """Keep commits from becoming durable."""
        self._open.clear()

    def release(self) -> None:
        """Let commits become durable."""
        self._open.set()

    async def commit(
        self,
        batch: Sequence[Commit],
        *,
        on_the_way: Callable[[], None] | None = None,
        revise: Revise | None = None,
    ) -> None:
        self.batches.append(len(batch))
        self.on_the_way = on_the_way or self.on_the_way
        await self._open.wait()
        if self.failures:
            raise self.failures.pop(0)
        await self._store.commit(batch, on_the_way=on_the_way, revise=revise)


class Job:
    """A mutation that runs `function` with a writer, and is told what came of it."""

    def __init__(
        self,
        function: Callable[[DatabaseWriter], Awaitable[Any]],
        told: Callable[[Job], None],
        *,
        session: bytes | None = None,
        request: int = 0,
    ) -> None:
        self.source = "tests:job"
        self.runs = 0
        self.ts = 0
        self.result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._function, self._told, self._session, self._request = function, told, session, request
        self.find: Callable[[bytes, int, Transaction], Awaitable[Outcome | None]] | None = None

    async def run(self, tx: Transaction) -> Ending:
        self.runs += 1
        if self._session is not None:
            assert self.find is not None
            recorded = await self.find(self._session, self._request, tx)
            if recorded is not None:
                return Ending(recorded, keep=False)
        try:
            value = await self._function(DatabaseWriter(tx, Pager(CURSORS)))
        except Exception as error:
            return Ending(error, keep=False)
        outcome = None if self._session is None else Outcome(self._session, self._request, b'"done"', ["a line"])
        return Ending(value, keep=True, outcome=outcome)

    def done(self, payload: Any, ts: int, error: BaseException | None) -> None:
        self.ts = ts
        self._told(self)
        if error is not None:
            self.result.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))
        elif isinstance(payload, Exception):
            self.result.set_exception(payload)
        else:
            self.result.set_result(payload)


class World:
    """An open database, and what it told."""

    def __init__(self, store: Store, **options: Any) -> None:
        self.gate = Gate(store)
        self.db = Database(self.gate, **options)  # pyright: ignore[reportArgumentType] - it delegates
        self.news: list[Committed] = []
        self.told: list[Job] = []
        self.db.on_visible = self.news.extend

    async def open(self, schema: Schema = SCHEMA) -> World:
        await self.db.open(schema)
        return self

    async def close(self) -> None:
        await self.db.close()

    def submit(
        self,
        function: Callable[[DatabaseWriter], Awaitable[Any]],
        *,
        session: bytes | None = None,
        request: int = 0,
    ) -> Job:
        job = Job(function, self.told.append, session=session, request=request)
        job.find = self.db.outcomes.find
        self.db.committer.submit(job)
        return job

    async def mutate(self, function: Callable[[DatabaseWriter], Awaitable[T]]) -> T:
        """Run a mutation; returns once it is durable, raises what it raised."""
        return await self.submit(function).result

    async def read(self, function: Callable[[DatabaseReader], Awaitable[T]]) -> T:
        """Run a query on the newest state."""
        return (await self.watch(function))[0]

    async def watch(self, function: Callable[[DatabaseReader], Awaitable[T]]) -> tuple[T, list[KeyRange]]:
        """Run a query on the newest state; also what it read."""
        snapshot = self.db.store.acquire()
        try:
            tx = self.db.read(snapshot)
            return await function(DatabaseReader(tx, Pager(CURSORS))), tx.reads.ranges()
        finally:
            snapshot.release()

    async def touches(self, function: Callable[[DatabaseWriter], Awaitable[Any]]) -> list[Touch]:
        """Run a mutation; the keys it touched."""
        seen = len(self.news)
        await self.mutate(function)
        return [touch for commit in self.news[seen:] for touch in commit.touches]

    @property
    def indexes(self) -> dict[int, IndexRecord]:
        """The indexes of the application's tables, by number."""
        known = self.db.numbering.indexes
        return {number: index for number, index in known.items() if index.table >= FIRST_USER_TABLE}

    async def all(self, table: str) -> list[dict[str, Any]]:
        """Every document of a table in the order of creation."""
        return await self.read(lambda db: db.query(table).collect())


def touched(ranges: Sequence[KeyRange], touches: Sequence[Touch]) -> bool:
    """Whether a commit concerns somebody who read these ranges."""
    return any(range.touched(touch) for range in ranges for touch in touches)


def small(**limits: Any) -> TransactionLimits:
    """Limits that a test can reach."""
    return TransactionLimits(**limits)
