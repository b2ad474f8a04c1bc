"""How many calls of each caller are in progress."""

from reactor.errors import TooManyCalls
from reactor.runtime.callers import caller_name
from reactor.runtime.calls import Call

__all__ = ["InProgress"]


class InProgress:
    """Counts the calls of each user, or address, from when they come until they are answered; at most `most`."""

    __slots__ = ("_counts", "_most")

    def __init__(self, most: int) -> None:
        self._most = most
        self._counts: dict[str, int] = {}

    def __len__(self) -> int:
        return sum(self._counts.values())

    def enter(self, call: Call) -> str:
        """A call has come. Gives whom it counts for, to be given to `leave` when it is answered."""
        caller = caller_name(call)
        self._counts[caller] = self._counts.get(caller, 0) + 1
        return caller

    def leave(self, caller: str) -> None:
        """A call is answered."""
        left = self._counts[caller] - 1
        if left:
            self._counts[caller] = left
        else:
            del self._counts[caller]

    def refusal(self, caller: str, path: str) -> TooManyCalls | None:
        """Why a call that has just come must not run, None when it may."""
        return TooManyCalls(path, self._most) if self._counts[caller] > self._most else None
