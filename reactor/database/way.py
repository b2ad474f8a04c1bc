"""Giving way to other processes that commit as much as this one.

Who goes on at once after a commit sends a small group while the others still look at what the commit before has
changed, and has them try in vain; then they do the same to it. Who waits for theirs instead has more in its next group.
"""

import asyncio
from collections.abc import Callable

__all__ = ["Way"]

_COMPARABLE = 4
"""Who commits a quarter as much is waited for."""

_TIMES = 2
"""So many times as long as this process took."""

_MOST_SECONDS = 0.2
"""How long others are waited for at most."""


class Way:
    """What wants to be committed waits while it is `given`: until others have committed, or as long as they may take
    for it. Then `go_ahead` is called.
    """

    def __init__(self, go_ahead: Callable[[], None]) -> None:
        self._go_ahead = go_ahead
        self._until: asyncio.TimerHandle | None = None

    @property
    def given(self) -> bool:
        """Whether others are waited for."""
        return self._until is not None

    def give(self, own: int, others: int, took: float) -> None:
        """This process has made so many commits, in `took` seconds, and the others so many in the meantime."""
        if own and others * _COMPARABLE >= own:
            self.take()
            self._until = asyncio.get_running_loop().call_later(min(_TIMES * took, _MOST_SECONDS), self._end)

    def take(self) -> None:
        """Wait no longer; nobody is called."""
        if self._until is not None:
            self._until.cancel()
            self._until = None

    def _end(self) -> None:
        self._until = None
        self._go_ahead()
