"""Which calls from outside may run now."""

from collections.abc import Callable

from reactor.errors import RateLimited, TooManyCalls
from reactor.runtime.buckets import Buckets
from reactor.runtime.callers import caller_address, caller_name
from reactor.runtime.calls import Call
from reactor.runtime.in_progress import InProgress
from reactor.runtime.rates import Rate

__all__ = ["Entrance", "bucket_owner"]


class Entrance:
    """Lets calls in, or refuses them.

    `clock` gives nanoseconds since 1970. `most_calls` of one caller may be in progress.
    """

    def __init__(self, clock: Callable[[], int], most_calls: int = 10_000) -> None:
        self._clock = clock
        self.in_progress = InProgress(most_calls)
        self.buckets = Buckets()
        self.spares_admin = True
        """Whether the admin is not limited."""
        self.refused: dict[str, int] = {"rate": 0, "in_progress": 0}

    def enter(self, call: Call) -> str:
        """See `InProgress.enter`."""
        return self.in_progress.enter(call)

    def leave(self, caller: str) -> None:
        """See `InProgress.leave`."""
        self.in_progress.leave(caller)

    def crowd(self, caller: str, path: str) -> TooManyCalls | None:
        """Why a call that has just entered must not run: its caller has too many in progress. None when it may."""
        error = self.in_progress.refusal(caller, path)
        if error is not None:
            self.refused["in_progress"] += 1
        return error

    def pass_rate(self, path: str, rate: Rate, call: Call) -> None:
        """Take a token for a call. Raises RateLimited when its caller has none.

        Calls by functions, by the scheduler and by the admin need none.
        """
        if not self.spares(call):
            self.take(path, rate, bucket_owner(rate, call))

    def spares(self, call: Call) -> bool:
        """Whether a call is not limited."""
        return call.trusted or (self.spares_admin and call.identity.is_admin)

    def take(self, path: str, rate: Rate, owner: str) -> None:
        """Take a token out of a bucket. Raises RateLimited."""
        wait = self.attempt(path, rate, owner)
        if wait:
            self.refused["rate"] += 1
            raise RateLimited(path, wait)

    def attempt(self, path: str, rate: Rate, owner: str) -> float:
        """Take a token: 0, or the seconds until there is one."""
        return self.buckets.take((path, owner), rate.interval, rate.most, self._clock()) / 1e9

    def behind(self, path: str, rate: Rate, owner: str, waiting: int) -> RateLimited:
        """The refusal of somebody behind so many who wait for a token of the same bucket."""
        self.refused["rate"] += 1
        wait = self.buckets.wait((path, owner), rate.interval, rate.most, self._clock(), tokens=waiting + 1)
        return RateLimited(path, wait / 1e9)


def bucket_owner(rate: Rate, call: Call) -> str:
    """Who shares an allowance with a call."""
    if rate.key == "global":
        return ""
    return caller_name(call) if rate.key == "identity" else caller_address(call)
