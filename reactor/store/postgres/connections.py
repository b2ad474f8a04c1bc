"""The connections that read: a bounded number of them."""

import asyncio
from collections import deque
from collections.abc import Coroutine
from contextvars import Context
from typing import Any, TypeVar

from reactor.errors import StoreError
from reactor.store.postgres.address import Address
from reactor.store.postgres.driver import Connection
from reactor.store.postgres.failures import store_error

__all__ = ["BEGIN", "Background", "Connections"]

T = TypeVar("T")

BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
"""The moment of such a transaction is that of its first statement."""

_WAIT_SECONDS = 10.0


class Background:
    """Tasks of the store's own. What is begun for somebody who gives up goes on to its end: a statement that is broken
    off would cost everybody else the snapshot that it reads, or leave unknown whether a commit is there."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run something, which belongs to no caller: neither its limits nor its logs."""
        # Not through the loop, whose factory of tasks counts what functions begin.
        task: asyncio.Task[T] = asyncio.Task(work, loop=asyncio.get_running_loop(), context=Context())
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def close(self) -> None:
        """Break off what is under way."""
        while self._tasks:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)  # gather would not let those be taken out that have ended already

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever waits for it hears of it; nobody may, and then it is no news


class Connections:
    """At most `most` connections, made when they are needed and kept.

    Each is in a transaction whose moment is not chosen yet, so that choosing it takes one round trip.
    """

    def __init__(self, address: Address, most: int) -> None:
        self._address, self._most = address, most
        self._spare: list[Connection] = []
        self._taken: set[Connection] = set()
        self._coming = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed = True

    def open(self) -> None:
        self._closed = False

    async def close(self) -> None:
        """Close all, also those that are taken."""
        self._closed = True
        for connection in self._taken:
            connection.terminate()
        self._taken.clear()
        spare, self._spare = self._spare, []
        for connection in spare:
            await close(connection)
        await asyncio.sleep(0)  # sockets of those that were terminated are closed in the loop's next turn

    @property
    def room(self) -> int:
        """How many more could be taken at once."""
        return self._most - len(self._taken) - self._coming

    async def take(self) -> Connection:
        """A connection that has begun, which is then the caller's. Raises StoreError when there is none to be had."""
        self._check_open()
        while self.room <= 0:
            await self._turn()
        self._coming += 1
        try:
            while self._spare:
                connection = self._spare.pop()
                if not connection.is_closed():
                    break
            else:
                connection = await self._begun()
        finally:
            self._coming -= 1
        if self._closed:
            connection.terminate()
        self._check_open()
        self._taken.add(connection)
        return connection

    def give(self, connection: Connection) -> None:
        """Give one back that has begun anew; or one that is of no use any more."""
        if connection in self._taken:
            self._taken.discard(connection)
            if not connection.is_closed():
                self._spare.append(connection)
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                break

    def drop(self, connection: Connection) -> None:
        """Give one back whose state is not known."""
        connection.terminate()
        self.give(connection)

    def _check_open(self) -> None:
        if self._closed:
            raise StoreError("the store is closed; open it before reading")

    async def _begun(self) -> Connection:
        connection = await self._address.connect("reads")
        try:
            await connection.execute(BEGIN)
        except BaseException as error:
            connection.terminate()
            if not isinstance(error, Exception):
                raise
            raise store_error(error, "connecting", str(self._address)) from error
        return connection

    async def _turn(self) -> None:
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            await asyncio.wait_for(waiter, _WAIT_SECONDS)
        except TimeoutError:
            raise StoreError(
                f"all {self._most} connections that read PostgreSQL are in use by long readings; raise the setting "
                "postgres_connections"
            ) from None


async def close(connection: Connection) -> None:
    """Say good-bye; who does not answer soon is left."""
    try:
        await connection.close(timeout=2.0)
    except Exception:
        connection.terminate()
