"""How often a function may be called: `@mutation(rate=Rate(10, per="minute"))`.

An addition; the official server leaves limits of this kind to a component (get-convex/rate-limiter).
"""

import datetime as dt
import math
from dataclasses import dataclass
from typing import Any, Literal, get_args

from reactor.errors import LoadError

__all__ = ["Rate", "read_rate"]

Key = Literal["identity", "address", "global"]
Unit = Literal["second", "minute", "hour", "day"]

_SECONDS: dict[str, float] = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_MOST_CALLS = 1_000_000


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` calls in each `per`, and up to `burst` of them at once after a pause.

    `per` is "second", "minute", "hour", "day", a number of seconds or a timedelta. `burst` is `count` if nothing is
    said. `key` says who shares the allowance: "identity" (each user; of those who are not signed in, each address),
    "address" (each address, whoever is signed in there) or "global" (all callers together). Raises LoadError for what
    cannot be.
    """

    count: int
    per: Unit | float | dt.timedelta = "minute"
    burst: int | None = None
    key: Key = "identity"

    def __post_init__(self) -> None:
        _check_calls("count", self.count)
        if self.burst is not None:
            _check_calls("burst", self.burst)
        _seconds(self.per)
        if self.key not in get_args(Key):
            raise LoadError(f'Rate: `key` is "identity", "address" or "global", not {self.key!r}.')

    @property
    def interval(self) -> int:
        """Nanoseconds after which one more call is allowed."""
        return max(round(_seconds(self.per) * 1e9 / self.count), 1)

    @property
    def most(self) -> int:
        """Calls that are allowed at once after a long pause."""
        return self.count if self.burst is None else self.burst


def read_rate(where: str, rate: Any, *, internal: bool) -> Rate | None:
    """What somebody declared, None when it was nothing. Raises LoadError; `where` is what it begins with."""
    if rate is None:
        return None
    if not isinstance(rate, Rate):
        raise LoadError(f'{where}: `rate` is a Rate, as in rate=Rate(10, per="minute"), and {rate!r} is none.')
    if internal:
        raise LoadError(
            f"{where}: clients cannot call an internal function, and calls by functions are not limited. Put `rate` on "
            "the public function that leads here."
        )
    return rate


def _check_calls(name: str, given: Any) -> None:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 < given <= _MOST_CALLS:
        raise LoadError(f"Rate: `{name}` is a whole number from 1 to {_MOST_CALLS}, and {given!r} is not.")


def _seconds(per: Any) -> float:
    if isinstance(per, str):
        if per not in _SECONDS:
            raise LoadError(f'Rate: `per` is "second", "minute", "hour" or "day", or seconds, not {per!r}.')
        return _SECONDS[per]
    seconds = per.total_seconds() if isinstance(per, dt.timedelta) else per
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise LoadError(f"Rate: `per` is a unit of time, a number of seconds or a timedelta, not {per!r}.")
    if not 0.001 <= seconds <= 30 * 86_400:
        raise LoadError(f"Rate: `per` is from a millisecond to 30 days, and {per!r} is not.")
    return float(seconds)
