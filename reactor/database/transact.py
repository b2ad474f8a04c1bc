"""A transaction of the server's own, for whoever waits until it is durable."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Generic, TypeVar, cast

import msgspec

from reactor.database.committer import Committer, Ending
from reactor.database.transaction import Transaction

__all__ = ["transact"]

T = TypeVar("T")


async def transact(
    committer: Committer, source: str, work: Callable[[Transaction], Awaitable[T]], *, urgent: bool = False
) -> T:
    """Run `work` behind the mutations that wait, and give its result once all that it wrote is durable.

    It may be run again when what it stood on is lost. Raises what it raises, and then nothing of it was kept;
    StoreError and faults of ours when it could not be made durable. `source` names the writer in the log. `urgent`: it
    does not wait where mutations wait for newer code (see `Database.on_outdated`).
    """
    ended: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    committer.submit(_Job(source, work, ended, urgent=urgent))
    return await ended


class _Raised(msgspec.Struct):
    error: Exception


class _Job(Generic[T]):
    __slots__ = ("_ended", "_work", "source", "urgent")

    def __init__(
        self, source: str, work: Callable[[Transaction], Awaitable[T]], ended: asyncio.Future[T], *, urgent: bool
    ) -> None:
        self.source, self._work, self._ended, self.urgent = source, work, ended, urgent

    async def run(self, tx: Transaction) -> Ending:
        try:
            return Ending(await self._work(tx), keep=True)
        except Exception as error:
            return Ending(_Raised(error), keep=False)

    def done(self, payload: Any, ts: int, error: BaseException | None) -> None:
        if self._ended.done():
            return  # whoever waited was cancelled meanwhile
        if error is None and isinstance(payload, _Raised):
            error = payload.error
        if error is None:
            self._ended.set_result(cast(T, payload))
        else:
            self._ended.set_exception(error if isinstance(error, Exception) else RuntimeError(repr(error)))
