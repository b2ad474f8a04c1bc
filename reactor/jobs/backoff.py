"""How long to wait before something that failed is tried again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

__all__ = ["FIRST_SECONDS", "Backoff", "patiently"]

T = TypeVar("T")

_log = logging.getLogger("reactor.jobs")

FIRST_SECONDS = 0.5


class Backoff:
    """Seconds that double with each failure in a row."""

    __slots__ = ("_first", "_longest", "_next")

    def __init__(self, longest: float = 60.0) -> None:
        self._first, self._longest = FIRST_SECONDS, longest
        self._next = self._first

    def next(self) -> float:
        """The time to wait after one more failure."""
        seconds = self._next
        self._next = min(seconds * 2, self._longest)
        return seconds

    def reset(self) -> None:
        """It worked."""
        self._next = self._first


async def patiently(record: Callable[[], Awaitable[T]], what: str) -> T:
    """Record something that must not be lost, however long that takes."""
    backoff = Backoff()
    while True:
        try:
            return await record()
        except Exception as fault:
            pause = backoff.next()
            _log.warning("%s is not recorded yet: %s", what, fault)
            await asyncio.sleep(pause)
