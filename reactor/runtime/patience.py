"""How long a run may wait.

A run that was started by hand has no task of its own, so asyncio's timeouts do not fit it: here the future that it
waits for is cancelled when the time is up, and the run hears why.
"""

import asyncio
from typing import Any

from reactor.errors import DeveloperError

__all__ = ["Patience"]


class Patience:
    """Seconds that one run may take from its first wait on. Costs nothing to runs that never wait."""

    __slots__ = ("_advice", "_seconds", "_timer", "_waited_for", "lost")

    def __init__(self, seconds: float, advice: str = "") -> None:
        self._seconds, self._advice = seconds, advice
        self._timer: asyncio.TimerHandle | None = None
        self._waited_for: Any = None
        self.lost: DeveloperError | None = None
        """What the run is told when its time is up, None before."""

    def waits_for(self, yielded: Any) -> None:
        """The run waits, for a future or (None) for one turn of the loop."""
        self._waited_for = yielded
        if self.lost is not None:
            self._cancel()  # it swallowed the news and waits again
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._seconds, self._lose)

    def end(self) -> None:
        """The run is over."""
        self._waited_for = None
        if self._timer is not None:
            self._timer.cancel()

    def _lose(self) -> None:
        self.lost = DeveloperError(
            f"Function execution timed out (maximum duration: {self._seconds:g}s, waiting included).{self._advice}",
            code="SystemTimeout",
        )
        self._cancel()

    def _cancel(self) -> None:
        if self._waited_for is not None:
            self._waited_for.cancel()
