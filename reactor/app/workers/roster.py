"""Which workers serve, and when one that has ended is started again."""

import time
from collections.abc import Callable

from reactor.jobs.backoff import Backoff

__all__ = ["Roster"]

_STEADY_SECONDS = 60.0
_LONGEST_PAUSE = 30.0


class Roster:
    """Numbers of workers, from 1 on, and what became of them."""

    def __init__(self, count: int, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds."""
        self._clock = clock
        self._backoff = {number: Backoff(_LONGEST_PAUSE) for number in range(1, count + 1)}
        self._since: dict[int, float] = {}
        self._opened: set[int] = set()
        self.complete = False
        """Whether all have served at the same time once: until then, who ends has failed to start."""
        self.restarts = 0

    @property
    def numbers(self) -> list[int]:
        """All there are to be."""
        return list(self._backoff)

    @property
    def serving(self) -> list[int]:
        """Those that serve now."""
        return sorted(self._since)

    def opened(self, number: int) -> list[int]:
        """A worker could serve; gives those that are to let clients in now: none until all have come so far."""
        self._opened.add(number)
        if self.complete:
            return [number]
        return sorted(self._opened) if len(self._opened) == len(self._backoff) else []

    def serves(self, number: int) -> bool:
        """A worker serves; gives whether with it all do for the first time."""
        self._since[number] = self._clock()
        if self.complete or len(self._since) < len(self._backoff):
            return False
        self.complete = True
        return True

    def ended(self, number: int) -> float | None:
        """A worker has ended unasked; gives the seconds until it is to be started again, None when it is not.

        It is not before all have served: what keeps one from starting is for the one who starts the server, at once.
        """
        since = self._since.pop(number, None)
        self._opened.discard(number)
        if not self.complete:
            return None
        backoff = self._backoff[number]
        if since is not None and self._clock() - since >= _STEADY_SECONDS:
            backoff.reset()
        self.restarts += 1
        return backoff.next()
