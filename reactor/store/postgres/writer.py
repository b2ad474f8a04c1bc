"""The connection that writes, and the protocol by which many servers make one order of commits.

All commits move one row, `last_ts`, in the statement that writes, which does nothing if others came first. Who was
overtaken reads what the others have committed, and writes what is right after it: a few times in the same way, then
with the row locked.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from reactor.errors import StoreError
from reactor.store.batch import check_order
from reactor.store.postgres.address import Address
from reactor.store.postgres.columns import rows_of
from reactor.store.postgres.connections import Background, close
from reactor.store.postgres.database_format import prepare, resume
from reactor.store.postgres.driver import Connection
from reactor.store.postgres.failures import is_lost, store_error
from reactor.store.postgres.log import Log, News
from reactor.store.postgres.tidings import tidings
from reactor.store.postgres.writing import locked, write
from reactor.store.seam import Commit, Revise
from reactor.store.statements import Statement

__all__ = ["Attempt", "Writer"]

T = TypeVar("T")

_SETTINGS = (
    "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'; "
    # A server that is stopped while it has the row must not hold up all others.
    "SET idle_in_transaction_session_timeout = '5s'"
)

_UNLOCKED_ATTEMPTS = 4
"""How often a batch is overtaken before it locks the row."""

_ATTEMPTS = 3
"""How often a commit is begun whose connection is lost again and again."""

_SETTLE_SECONDS = 60.0
_PAUSE_SECONDS = 0.1

_log = logging.getLogger(__name__)


class Attempt:
    """A `batch` that is to become durable. It stands on commit `base`, which is moved when `revise` has adapted it to
    what came after `visible`."""

    __slots__ = ("base", "batch", "fault", "revise", "visible")

    def __init__(self, batch: Sequence[Commit], visible: int, revise: Revise | None) -> None:
        self.batch, self.revise = batch, revise
        self.base = self.visible = visible
        self.fault: Exception | None = None
        """What `revise` raised."""

    def adapt(self, revise: Revise, news: News) -> None:
        """Let the batch be what `revise` makes of it. Raises what that raises."""
        try:
            self.batch, self.base = revise(news.ts, news.entries), news.ts
        except Exception as fault:
            self.fault = fault
            raise


class Writer:
    """Makes batches durable, one transaction each, and runs other work in turn with them."""

    def __init__(self, address: Address, statements: dict[str, Statement], node: str) -> None:
        self._address, self._place, self._statements = address, str(address), statements
        self._node = node
        self.log = Log(statements, node)
        self.last_ts = 0
        """The last commit of this server."""
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()
        self._excluding = False
        self._held: Connection | None = None
        """Has the row locked since `exclusive` was entered."""
        self._doubtful: Attempt | None = None
        """What may be in the database or not, since that could not be found out yet."""
        self._background = Background()

    async def open(self) -> None:
        """Be one of the database's servers; make or renew its tables. Raises StoreLocked, StoreVersion, StoreError."""
        self._connection = await self._connect(prepare)

    async def close(self) -> None:
        """Let the work under way end, and give up the database. Idempotent."""
        async with self._turn:
            connection, self._connection = self._connection, None
            if connection is not None:
                await close(connection)

    async def commit(self, attempt: Attempt) -> None:
        """Make a batch durable, or what it is revised to. Raises StoreFull, StoreError."""
        await asyncio.shield(self._background.begin(self._commit(attempt)))

    async def transaction(self, work: Callable[[Connection], Awaitable[T]], doing: str) -> T:
        """Run `work` in a transaction. Raises StoreFull, StoreError."""
        return await asyncio.shield(self._background.begin(self._transaction(work, doing)))

    @asynccontextmanager
    async def exclusive(self) -> AsyncGenerator[None]:
        """Keep all other servers from committing; the next commit goes through and ends that. Raises StoreError."""
        async with self._turn:
            self._excluding = True
            holding = self._background.begin(self._hold())
            try:
                await asyncio.shield(holding)
                yield
            finally:
                self._excluding = False
                await asyncio.shield(self._background.begin(self._let_go(holding)))

    # Committing

    async def _commit(self, attempt: Attempt) -> None:
        if self._excluding:
            await self._commit_in_turn(attempt)
            return
        async with self._turn:
            await self._commit_in_turn(attempt)

    async def _commit_in_turn(self, attempt: Attempt) -> None:
        for left in reversed(range(_ATTEMPTS)):
            connection, held = await self._taken()
            try:
                await self._attempt(connection, attempt, held=held)
                break
            except Exception as error:
                if error is attempt.fault:
                    raise
                failure = store_error(error, "the commit", self._place)
                if not is_lost(error, connection):
                    raise failure from error
                connection.terminate()
                if await self._arrived(attempt, failure):
                    break
                if not left or attempt.revise is None:
                    raise failure from error
        if attempt.batch:
            self._remember(attempt)

    async def _attempt(self, connection: Connection, attempt: Attempt, *, held: bool) -> None:
        if not held and await self._write_unlocked(connection, attempt):
            return
        async with locked(connection, self._statements, already=held):
            if held and await self._write(connection, attempt, alone=False):
                return
            await self._revise(connection, attempt)
            if attempt.batch and not await self._write(connection, attempt, alone=False):
                raise StoreError(f"the last commit of {self._place} was changed by hand; restart all servers")

    async def _write_unlocked(self, connection: Connection, attempt: Attempt) -> bool:
        """Adapt the batch to the log and write it if nobody was faster; a few times, after which the lock is better.

        A lock would be held while this server waits for answers and does other work, and all others with it.
        """
        for tried in range(_UNLOCKED_ATTEMPTS):
            # Who has heard that it was overtaken reads the log first, which saves it the attempt.
            if tried or self.log.told > attempt.base:
                await self._revise(connection, attempt)
            if not attempt.batch or await self._write(connection, attempt):
                return True
        return False

    async def _write(self, connection: Connection, attempt: Attempt, *, alone: bool = True) -> bool:
        check_order(attempt.base, attempt.batch)
        rows = rows_of(attempt.batch, self._node)
        ts = attempt.batch[-1].ts
        return await write(connection, self._statements, rows, ts, attempt.base, tidings(self._node, ts), alone=alone)

    async def _revise(self, connection: Connection, attempt: Attempt) -> None:
        """Adapt a batch to what others have committed, while nobody can."""
        news = await self.log.after(connection, attempt.visible)
        if news.ts == attempt.base:
            return
        if attempt.revise is None:
            raise StoreError(
                f"others have committed to {self._place} since commit {attempt.visible}, and the batch cannot be "
                "revised; catch up, and try again"
            )
        attempt.adapt(attempt.revise, news)

    # The turn of one server

    async def _hold(self) -> None:
        for left in reversed(range(_ATTEMPTS)):
            connection = await self._ready()
            try:
                await connection.execute("BEGIN; " + self._statements["lock"].sql)
            except Exception as error:
                connection.terminate()
                if not left or not is_lost(error, connection):
                    raise store_error(error, "keeping others from committing", self._place) from error
            else:
                self._held = connection
                return

    async def _let_go(self, holding: asyncio.Task[None]) -> None:
        await asyncio.wait([holding])  # who waited for it may have given up
        held, self._held = self._held, None
        if held is not None and not held.is_closed():
            try:
                await held.execute("ROLLBACK")
            except Exception:
                held.terminate()

    async def _taken(self) -> tuple[Connection, bool]:
        """The connection, and whether it holds the row."""
        held, self._held = self._held, None
        if held is not None and not held.is_closed():
            return held, True
        return await self._ready(), False

    async def _transaction(self, work: Callable[[Connection], Awaitable[T]], doing: str) -> T:
        async with self._turn:
            connection = await self._ready()
            try:
                async with connection.transaction():
                    return await work(connection)
            except Exception as error:
                raise store_error(error, doing, self._place) from error

    # Connections

    async def _arrived(self, attempt: Attempt, failure: StoreError) -> bool:
        """Whether a commit whose connection was lost is in the database all the same. If not, it cannot come any more.

        Who has locked the row knows that the lost connection's transaction has ended, one way or the other; and what it
        sent that has not begun yet finds the last commit moved.
        """
        until = time.monotonic() + _SETTLE_SECONDS
        _log.warning("%s; connecting anew to find out whether it is there", failure)
        while True:
            try:
                self._connection = connection = await self._connect(resume)
                return await self._settled(connection, attempt)
            except StoreError:
                if time.monotonic() > until:
                    if attempt.batch:
                        self._doubtful = attempt
                    raise StoreError(
                        f"{failure}; PostgreSQL could not be reached for {_SETTLE_SECONDS:g} s, so whether the commit "
                        "is there shows when the server is started again"
                    ) from None
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _settled(self, connection: Connection, attempt: Attempt) -> bool:
        try:
            async with locked(connection, self._statements):
                ts = attempt.batch[-1].ts if attempt.batch else attempt.base
                there: bool = await connection.fetchval(self._statements["is_logged"].sql, ts, self._node)
                if not there:
                    await connection.execute(self._statements["pass_over"].sql, attempt.base)
                return there
        except Exception as error:
            connection.terminate()
            raise store_error(error, "reading the last commit", self._place) from error

    async def _ready(self) -> Connection:
        """The connection, made anew if it was lost. Raises StoreError."""
        if self._connection is None:
            raise StoreError("the store is closed; open it before writing")
        if self._connection.is_closed():
            self._connection = await self._connect(resume)
        if self._doubtful is not None:
            if await self._settled(self._connection, self._doubtful):
                self._remember(self._doubtful)
            self._doubtful = None
        return self._connection

    def _remember(self, attempt: Attempt) -> None:
        self.log.remember(attempt.batch, attempt.base)
        self.last_ts = attempt.batch[-1].ts

    async def _connect(self, begin: Callable[[Connection, str], Awaitable[None]]) -> Connection:
        """A connection for which a commit has ended when it is on the disk."""
        connection = await self._address.connect("writes")
        try:
            await begin(connection, self._place)
            await connection.execute(_SETTINGS)
        except BaseException as error:
            await close(connection)
            if not isinstance(error, Exception):
                raise
            raise store_error(error, "opening the database", self._place) from error
        return connection
