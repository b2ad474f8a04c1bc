"""Transactions of the server's own, in the same order as those of mutations."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from reactor.database.committer import Committer, Ending
from reactor.database.transaction import Transaction

__all__ = ["transact"]

Work = Callable[[Transaction], Awaitable[Any]]


async def transact(committer: Committer, source: str, work: Work) -> None:
    """Run `work` in a transaction, and wait until what it wrote is durable. It may run again, on another state.

    `source` is what the commit is known by. Raises what `work` raises, then nothing is written, and StoreError.
    """
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    committer.submit(_Job(source, work, done))
    await done


class _Job:
    def __init__(self, source: str, work: Work, done: "asyncio.Future[None]") -> None:
        self.source, self._work, self._done = source, work, done

    async def run(self, tx: Transaction) -> Ending:
        try:
            await self._work(tx)
        except Exception as error:
            return Ending(error, keep=False)
        return Ending(None, keep=True)

    def done(self, payload: Any, ts: int, error: BaseException | None) -> None:
        failure = error or payload
        if self._done.done():
            return  # whoever waited has been cancelled
        if failure is None:
            self._done.set_result(None)
        else:
            self._done.set_exception(failure)
