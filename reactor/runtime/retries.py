"""What an action declares for the case that it fails: `@internal_action(retries=3, backoff=2)`.

An addition; the official server never repeats an action (get-convex/convex-backend, crates/model/src/scheduled_jobs).
"""

import datetime as dt
import math
import random
from typing import Any

import msgspec

from reactor.errors import LoadError

__all__ = ["Duration", "Retry", "read_retry", "retry_after"]

Duration = float | dt.timedelta
"""Seconds, or a timedelta."""

_MOST_RETRIES = 100
_FIRST, _LONGEST = 1.0, 3600.0
_ALL_DAY = 86_400.0


class Retry(msgspec.Struct, frozen=True):
    """An action that failed is run again up to `retries` times; `first` and `longest` are seconds."""

    retries: int
    first: float
    longest: float

    def delay(self, failures: int) -> float:
        """Seconds to wait after so many failures in a row: doubling, and up to half of it less, so that jobs that
        failed together do not come back together."""
        whole = min(self.first * 2.0 ** min(failures - 1, 64), self.longest)
        return whole * random.uniform(0.5, 1.0)  # noqa: S311 - nothing is kept secret by it


def retry_after(served: Retry | None, failures: int, retries: int) -> float | None:
    """Seconds until an action that failed so many times is run again, None when it is not.

    `retries` is what it had declared when it began, and decides; `served` is what it declares now.
    """
    if failures > retries:
        return None
    return (served or Retry(retries, _FIRST, _LONGEST)).delay(failures)


def read_retry(where: str, retries: Any, backoff: Any, max_backoff: Any) -> Retry | None:
    """What somebody declared, None when it was nothing. Raises LoadError; `where` is what it begins with."""
    if retries is None or (type(retries) is int and not retries):
        if backoff is not None or max_backoff is not None:
            raise LoadError(f"{where}: `backoff` and `max_backoff` say when to retry, so give `retries` as well.")
        return None
    if isinstance(retries, bool) or not isinstance(retries, int) or not 0 < retries <= _MOST_RETRIES:
        raise LoadError(f"{where}: `retries` is a whole number from 0 to {_MOST_RETRIES}, and {retries!r} is not.")
    first = _FIRST if backoff is None else _seconds(where, "backoff", backoff)
    longest = max(_LONGEST, first) if max_backoff is None else _seconds(where, "max_backoff", max_backoff)
    if longest < first:
        raise LoadError(f"{where}: `max_backoff` is shorter than `backoff`. Exchange them, or leave one out.")
    return Retry(retries, first, longest)


def _seconds(where: str, name: str, given: Any) -> float:
    seconds = given.total_seconds() if isinstance(given, dt.timedelta) else given
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise LoadError(f"{where}: `{name}` is a number of seconds or a timedelta, not {given!r}.")
    if not 0 < seconds <= _ALL_DAY:
        raise LoadError(f"{where}: `{name}` is more than nothing and at most a day, and {given!r} is not.")
    return float(seconds)
