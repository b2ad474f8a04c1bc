"""How long a run may wait.

A run that was started by hand has no task of its own, so asyncio's timeouts do not fit it: here the future that it
waits for is cancelled when the time is up, and the run hears why.
"""

import asyncio
from typing import Any, cast

from reactor.errors import FunctionInterrupted
from reactor.runtime.limits import NEAR
from reactor.runtime.logs import Level, RunLog

__all__ = ["Patience"]


class Patience:
    """Seconds that one run may take from its first wait on. Costs nothing to runs that never wait."""

    __slots__ = ("_advice", "_loop", "_seconds", "_timer", "_waited_for", "lost")

    def __init__(self, seconds: float, advice: str = "") -> None:
        self._seconds, self._advice = seconds, advice
        self._timer: asyncio.TimerHandle | None = None
        self._waited_for: asyncio.Future[Any] | None = None
        self.lost: FunctionInterrupted | None = None
        """What the run is told when its time is up, None before."""

    def waits_for(self, yielded: Any) -> Any:
        """The run waits, for a future or (None) for one turn of the loop; gives what to wait for in its place."""
        if self._timer is None:
            self._loop = asyncio.get_running_loop()
            self._timer = self._loop.call_later(self._seconds, self._lose)
        self._waited_for = yielded = _cancellable(yielded, self._loop)
        return yielded

    def end(self, log: RunLog) -> None:
        """The run is over; its log has a warning if it took nearly all of its time."""
        self._waited_for = None
        timer = self._timer
        if timer is not None:
            timer.cancel()
            left = timer.when() - self._loop.time()
            if self.lost is None and left < self._seconds * (1 - NEAR):
                took = self._seconds - left
                log.add(Level.WARN, f"SystemTimeout: the function took {took:.3g}s (limit: {self._seconds:g}s).")

    def _lose(self) -> None:
        self.lost = FunctionInterrupted(
            f"Function execution timed out (maximum duration: {self._seconds:g}s, waiting included). What it waited "
            f"for did not come in that time.{self._advice}",
            code="SystemTimeout",
        )
        if self._waited_for is not None:
            self._waited_for.cancel()


def _cancellable(yielded: Any, loop: asyncio.AbstractEventLoop) -> Any:
    """A future that ends when it is cancelled, which a task (or what gathers tasks) need not do."""
    if not asyncio.isfuture(yielded) or type(cast(Any, yielded)) is asyncio.Future:
        return cast(Any, yielded)
    stand_in: asyncio.Future[None] = loop.create_future()

    def wake(_: asyncio.Future[Any]) -> None:
        if not stand_in.done():
            stand_in.set_result(None)

    def pass_on(ended: asyncio.Future[None]) -> None:
        if ended.cancelled():
            yielded.add_done_callback(_look_at)
            yielded.cancel()

    yielded.add_done_callback(wake)
    stand_in.add_done_callback(pass_on)
    # What `await` marks a future with when it hands it up, and whoever takes it up expects.
    yielded._asyncio_future_blocking = False
    stand_in._asyncio_future_blocking = True
    return stand_in


def _look_at(ended: asyncio.Future[Any]) -> None:
    # Nobody else will, and asyncio complains of exceptions at which nobody looked.
    if not ended.cancelled():
        ended.exception()
