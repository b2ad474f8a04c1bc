"""When a cron job runs: schedules, and the next time of each. Times are whole seconds since 1970, days are in UTC.

    schedule = parse("daily", {"hour_utc": 3, "minute_utc": 0})
    schedule.after(seconds, spread("clean up"))

Times follow get-convex/convex-backend, crates/model/src/cron_jobs/next_ts.rs.
"""

import calendar as gregorian
import datetime as dt
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import msgspec
from cronsim import CronSim, CronSimError

from reactor.errors import LoadError

__all__ = ["Calendar", "CronString", "Interval", "Next", "Schedule", "Spread", "following", "parse", "spread"]

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_MOST_COUNTED = 1000
"""Missed times are counted up to here: a job for each minute misses half a million in a year."""

_LONGEST_INTERVAL = 5 * 366 * 86_400


class Spread(NamedTuple):
    """Where in its hour and minute a job runs that does not say so: always the same, and other jobs elsewhere."""

    minute: int
    second: int


class Interval(msgspec.Struct, frozen=True):
    """Every so many seconds."""

    seconds: int

    def wire(self) -> dict[str, Any]:
        """As system tables have it."""
        return {"type": "interval", "seconds": self.seconds}

    def first(self, now: int, spread: Spread) -> int:
        """The first time of a new job: at once."""
        return now

    def after(self, time: int, spread: Spread) -> int:
        """The time after one at which it ran."""
        return time + self.seconds


class Calendar(msgspec.Struct, frozen=True):
    """At a minute of each hour, day, week or month; `minute` None leaves it to the job's spread.

    `hour` is None for each hour, `weekday` (0: Monday) and `day` (1 to 31) narrow the days. Months without the day are
    skipped.
    """

    kind: str
    minute: int | None = None
    hour: int | None = None
    weekday: int | None = None
    day: int | None = None

    def wire(self) -> dict[str, Any]:
        """As system tables have it."""
        weekday = None if self.weekday is None else DAYS[self.weekday]
        fields = {"day": self.day, "dayOfWeek": weekday, "hourUTC": self.hour, "minuteUTC": self.minute}
        return {"type": self.kind, **{name: value for name, value in fields.items() if value is not None}}

    def first(self, now: int, spread: Spread) -> int:
        """The first time of a new job."""
        return self.after(now, spread)

    def after(self, time: int, spread: Spread) -> int:
        """The first time that is later."""
        moment = dt.datetime.fromtimestamp(time, dt.UTC)
        minute = spread.minute if self.minute is None else self.minute
        at = moment.replace(minute=minute, second=spread.second, microsecond=0)
        if self.hour is not None:
            at = at.replace(hour=self.hour)
        return next(seconds for one in self._from(at) if (seconds := int(one.timestamp())) > time)

    def _from(self, at: dt.datetime) -> Iterator[dt.datetime]:
        if self.day is not None:
            yield from _months(at, self.day)
            return
        step = dt.timedelta(hours=1) if self.hour is None else dt.timedelta(days=1)
        while True:
            if self.weekday is None or at.weekday() == self.weekday:
                yield at
            at += step


class CronString(msgspec.Struct, frozen=True):
    """At the minutes that a cron expression of five fields names, at their beginning."""

    expression: str

    def wire(self) -> dict[str, Any]:
        """As system tables have it."""
        return {"type": "cron", "cronExpr": self.expression}

    def first(self, now: int, spread: Spread) -> int:
        """The first time of a new job."""
        return self.after(now, spread)

    def after(self, time: int, spread: Spread) -> int:
        """The first time that is later."""
        return int(next(CronSim(self.expression, dt.datetime.fromtimestamp(time, dt.UTC))).timestamp())


Schedule: TypeAlias = "Interval | Calendar | CronString"


class Next(NamedTuple):
    """The next time of a job, and what was missed before: how many times (1000 stands for more), and the first."""

    time: int
    missed: int
    first_missed: int


def following(schedule: Schedule, time: int, now: float, spread: Spread) -> Next:
    """What comes after the run of `time`, when it is `now`. Times that are past are missed."""
    upcoming = first = schedule.after(time, spread)
    missed = 0
    if isinstance(schedule, Interval) and upcoming < now:
        missed = -int(-(now - upcoming) // schedule.seconds)
        upcoming += missed * schedule.seconds
    while upcoming < now:
        missed += 1
        # A time whose turn it is just now, to the second, is not missed.
        upcoming = schedule.after(int(now) - 1 if missed >= _MOST_COUNTED else upcoming, spread)
    return Next(upcoming, min(missed, _MOST_COUNTED), first)


def spread(name: str) -> Spread:
    """Where a job of this name runs."""
    digest = hashlib.sha256(name.encode()).digest()
    return Spread(int.from_bytes(digest[:8], "big") % 60, int.from_bytes(digest[8:16], "big") % 60)


def parse(kind: str, given: Any) -> Schedule:
    """The schedule that somebody wrote for a constructor of this name. Raises LoadError."""
    if kind == "interval":
        return _interval(given)
    if kind == "cron":
        return _cron_string(given)
    return _calendar(kind, given)


# What people write

_FIELDS = {
    "hour_utc": ("hour", 0, 23),
    "minute_utc": ("minute", 0, 59),
    "day": ("day", 1, 31),
    "day_of_week": ("weekday", 0, 6),
}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "hourly": (),
    "daily": ("hour_utc",),
    "weekly": ("day_of_week", "hour_utc"),
    "monthly": ("day", "hour_utc"),
}
_SPELLINGS = {"hourUTC": "hour_utc", "minuteUTC": "minute_utc", "dayOfWeek": "day_of_week"}
_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600}


def _interval(given: Any) -> Interval:
    if isinstance(given, dt.timedelta):
        seconds, rest = divmod(given, dt.timedelta(seconds=1))
        if rest:
            raise LoadError(f"An interval is a whole number of seconds, and {given} is not.")
    else:
        units = _mapping("interval", given)
        if len(units) != 1 or not units.keys() <= _UNITS.keys():
            raise LoadError(
                f"An interval has exactly one of seconds, minutes and hours, as in {{'minutes': 5}}; "
                f"not {dict(units)!r}."
            )
        unit, number = next(iter(units.items()))
        seconds = _whole(unit, number, 1, _LONGEST_INTERVAL) * _UNITS[unit]
    if not 1 <= seconds <= _LONGEST_INTERVAL:
        raise LoadError(f"An interval is from one second to five years long, and {given!r} is not.")
    return Interval(seconds)


def _calendar(kind: str, given: Any) -> Calendar:
    fields = {_SPELLINGS.get(name, name): value for name, value in _mapping(kind, given).items()}
    allowed = (*_NEEDED[kind], "minute_utc")
    for name in fields:
        if name not in allowed:
            raise LoadError(f"A schedule for {kind} has no {name!r}; it takes {', '.join(allowed)}.")
    for name in _NEEDED[kind]:
        if name not in fields:
            raise LoadError(f"A schedule for {kind} needs {name!r}; it takes {', '.join(allowed)}.")
    numbers: dict[str, int] = {}
    for name, value in fields.items():
        own, least, most = _FIELDS[name]
        numbers[own] = _weekday(value) if name == "day_of_week" else _whole(name, value, least, most)
    return Calendar(kind, **numbers)


def _cron_string(given: Any) -> CronString:
    if not isinstance(given, str):
        raise LoadError(f"A cron expression is text of five fields, as in '0 3 * * 1', not {type(given).__name__}.")
    expression = " ".join(given.split())
    if expression.count(" ") != 4:
        raise LoadError(
            f"The cron expression {given!r} has {len(expression.split())} fields; it takes five: minute, hour, day of "
            "the month, month, day of the week (0 is Sunday). All are in UTC."
        )
    try:
        # From a leap year on, so that the search for the 29th of February ends soon.
        next(CronSim(expression, dt.datetime(2000, 1, 1, tzinfo=dt.UTC)))
    except CronSimError as error:
        raise LoadError(f"The cron expression {given!r} is wrong: {error}.") from None
    except StopIteration:
        raise LoadError(f"The cron expression {given!r} never matches: no year has such a day. Change it.") from None
    return CronString(expression)


def _mapping(kind: str, given: Any) -> Mapping[str, Any]:
    if isinstance(given, Mapping):
        return given  # pyright: ignore[reportUnknownVariableType] - its keys are looked at by those who ask
    example = {"interval": "{'minutes': 5}", "hourly": "{'minute_utc': 30}"}.get(kind, "{'hour_utc': 3}")
    raise LoadError(f"The second argument of {kind} is its schedule, as in {example}, not {type(given).__name__}.")


def _whole(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise LoadError(f"{name} is a whole number from {least} to {most}, and {value!r} is not.")
    return value


def _weekday(value: Any) -> int:
    if value not in DAYS:
        raise LoadError(f"day_of_week is one of {', '.join(DAYS)}, and {value!r} is not.")
    return DAYS.index(value)


def _months(at: dt.datetime, day: int) -> Iterator[dt.datetime]:
    """The same time on a day of this month and of those that follow, where they have it."""
    year, month = at.year, at.month
    while True:
        if day <= gregorian.monthrange(year, month)[1]:
            yield at.replace(year=year, month=month, day=day)
        year, month = (year, month + 1) if month < 12 else (year + 1, 1)
