"""A run of a query that others wait for as well."""

import asyncio

from reactor.runtime.query_run import QueryRun

__all__ = ["Flight"]


class Flight:
    """One run on the moment `ts`, for somebody with `identity_key`. Most end before anybody could join."""

    __slots__ = ("_waiting", "identity_key", "ts")

    def __init__(self, ts: int, identity_key: str) -> None:
        self.ts, self.identity_key = ts, identity_key
        self._waiting: list[asyncio.Future[QueryRun | None]] | None = None

    async def landed(self) -> QueryRun | None:
        """Wait for its end; None when it was given up before it."""
        # A future for each: cancelling who waits must not end the others' waiting.
        future: asyncio.Future[QueryRun | None] = asyncio.get_running_loop().create_future()
        if self._waiting is None:
            self._waiting = []
        self._waiting.append(future)
        return await future

    def land(self, run: QueryRun | None) -> None:
        """It has ended; None: without a result."""
        for future in self._waiting or ():
            if not future.done():
                future.set_result(run)

    def serves(self, run: QueryRun, identity_key: str) -> bool:
        """Whether what it gave is for somebody with this identity too."""
        return not run.looked_at_identity or identity_key == self.identity_key
