"""The clock of a backend under test: it stands still until the test turns it."""

import datetime as dt
import time

__all__ = ["Clock"]

_NS_PER_MS = 1_000_000


class Clock:
    """What `ctx.now` and creation times follow. It moves by `advance` and `set` only.

    Transactions at one time still have an order: creation times that would be equal differ by the smallest step that
    a float has.
    """

    def __init__(self, now: dt.datetime | float | None = None) -> None:
        """`now`: a datetime with a zone, or milliseconds since 1970; None means the time of this machine."""
        self._ns = time.time_ns() // _NS_PER_MS * _NS_PER_MS if now is None else _nanoseconds(now)
        self._earliest = 0

    @property
    def now(self) -> float:
        """Milliseconds since 1970, as `ctx.now` gives it to a function that is called now."""
        return self._ns / _NS_PER_MS

    @property
    def datetime(self) -> dt.datetime:
        """The time as a datetime in UTC."""
        return dt.datetime.fromtimestamp(self._ns / 1e9, dt.UTC)

    def advance(
        self,
        by: dt.timedelta | None = None,
        /,
        *,
        days: float = 0,
        hours: float = 0,
        minutes: float = 0,
        seconds: float = 0,
        milliseconds: float = 0,
    ) -> None:
        """Move forward: `advance(minutes=5)`, `advance(timedelta(days=1))`. Raises ValueError for a step back."""
        step = dt.timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds, milliseconds=milliseconds)
        step += by or dt.timedelta()
        if step <= dt.timedelta():
            raise ValueError(f"A clock advances by more than nothing: advance(minutes=5), for example, not {step!r}.")
        self._ns += step // dt.timedelta(microseconds=1) * 1000

    def set(self, now: dt.datetime | float, /) -> None:
        """Move to a time: a datetime with a zone, or milliseconds since 1970.

        Raises ValueError for a time before the newest write: what is written later is never older.
        """
        ns = _nanoseconds(now)
        if ns < self._earliest:
            latest = dt.datetime.fromtimestamp(self._earliest / 1e9, dt.UTC)
            raise ValueError(
                f"The clock cannot go back behind what is written already (at {latest.isoformat()}). Set it before the "
                "first write, or begin with Backend(..., now=...)."
            )
        self._ns = ns

    def read(self) -> int:
        """Nanoseconds since 1970, for the database."""
        return self._ns

    def written(self) -> None:
        """Something was written at this time: from now on nothing is earlier."""
        self._earliest = self._ns


def _nanoseconds(now: dt.datetime | float) -> int:
    if not isinstance(now, dt.datetime):
        # Apart, since nanoseconds of today have more digits than a float.
        whole, part = divmod(now, 1)
        ns = int(whole) * _NS_PER_MS + round(part * _NS_PER_MS)
    elif now.tzinfo is None:
        raise ValueError(f"{now!r} has no zone, so it could be many moments. Write datetime(..., tzinfo=UTC).")
    else:
        ns = (now - dt.datetime.fromtimestamp(0, dt.UTC)) // dt.timedelta(microseconds=1) * 1000
    if ns < 0:
        raise ValueError("Time begins in 1970 here.")
    return ns
