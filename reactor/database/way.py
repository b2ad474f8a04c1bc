"""Giving way to other processes that commit as much as this one.

Who goes on at once after a commit sends a small group while the others still look at what the commit before has
changed, and has them try in vain; then they do the same to it. Who waits for theirs instead has more in its next group.

Only those have something of it whose mutations do not meet. Where all change the same documents, what waits is undone
by those for whom it waits.
"""

import asyncio
from collections.abc import Callable

__all__ = ["Way"]

_COMPARABLE = 4
"""Who commits a quarter as much is waited for."""

_TIMES = 2
"""So many times as long as this process took."""

_CONTENDED = 0.1
"""No way is given where so many mutations are undone, by number of those that are committed."""

_MEMORY = 8
"""Of about so many groups it is remembered."""

_MOST_SECONDS = 0.2
"""How long others are waited for at most."""


class Way:
    """What wants to be committed waits while it is `given`: until others have committed, or as long as they may take
    for it. Then `go_ahead` is called.
    """

    def __init__(self, go_ahead: Callable[[], None]) -> None:
        self._go_ahead = go_ahead
        self._until: asyncio.TimerHandle | None = None
        self._lost, self._contention = 0, 0.0

    @property
    def given(self) -> bool:
        """Whether others are waited for."""
        return self._until is not None

    def give(self, own: int, others: int, took: float) -> None:
        """This process has made so many commits, in `took` seconds, and the others so many in the meantime."""
        if not own:
            return
        self._contention += (min(self._lost / own, 1.0) - self._contention) / _MEMORY
        self._lost = 0
        if others * _COMPARABLE >= own and self._contention < _CONTENDED:
            self.take()
            self._until = asyncio.get_running_loop().call_later(min(_TIMES * took, _MOST_SECONDS), self._end)

    def lose(self, count: int) -> None:
        """Others have undone so many mutations of this process."""
        self._lost += count

    def take(self) -> None:
        """Wait no longer; nobody is called."""
        if self._until is not None:
            self._until.cancel()
            self._until = None

    def _end(self) -> None:
        self._until = None
        self._go_ahead()
