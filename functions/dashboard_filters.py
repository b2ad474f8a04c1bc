"""What the dashboards can be narrowed by: checked, filled in, and turned into days.

Days are text, "2026-03-01", so that they sort as they follow each other. A client that says what `today` is gets a
result that depends on nothing but its arguments and the data; otherwise it is the day, in UTC, at which the query ran.
"""

import datetime as dt
from dataclasses import dataclass
from typing import NotRequired, TypedDict

from functions._generated.server import QueryCtx
from reactor import ConvexError

__all__ = ["DashboardFilters", "Period", "day_of", "days_between", "period_of"]

_DAY = dt.timedelta(days=1)
_FIRST_DAY = "2020-01-01"
_LONGEST = 3_660

PRESETS = (
    "today", "yesterday", "last7days", "last30days", "last90days", "last12months", "thisMonth", "lastMonth",
    "thisYear", "allTime",
)  # fmt: skip


class DashboardFilters(TypedDict):
    """Filters as a client sends them: a `range` by name, or the days `start` and `end`, both included."""

    range: NotRequired[str]
    start: NotRequired[str]
    end: NotRequired[str]
    today: NotRequired[str]


@dataclass(frozen=True)
class Period:
    """Days from `first` to `last`, both included, and the equally long time before, to compare with."""

    first: str
    last: str
    days: int
    previous_first: str
    previous_last: str

    @property
    def step(self) -> str:
        """By what a chart of this time goes: day, week or month."""
        return "day" if self.days <= 62 else "week" if self.days <= 366 else "month"


def period_of(ctx: QueryCtx, filters: DashboardFilters | None) -> Period:
    """The time that filters ask for; the last thirty days when they do not say. Raises ConvexError naming the field."""
    given = filters or {}
    today = _day(given["today"], "today") if "today" in given else dt.date.fromisoformat(day_of(ctx.now))
    if "start" in given or "end" in given:
        first = _day(given.get("start", _FIRST_DAY), "start")
        last = _day(given.get("end", today.isoformat()), "end")
    else:
        first, last = _preset(given.get("range", "last30days"), today)
    if first > last:
        raise _bad("start", f"{first} comes after {last}")
    days = (last - first).days + 1
    if days > _LONGEST:
        raise _bad("start", f"{days:,} days are more than {_LONGEST:,}")
    before = first - _DAY
    return Period(
        first.isoformat(), last.isoformat(), days, (before - (days - 1) * _DAY).isoformat(), before.isoformat()
    )


def day_of(milliseconds: float) -> str:
    """The day of a moment, in UTC."""
    return dt.datetime.fromtimestamp(milliseconds / 1000, dt.UTC).date().isoformat()


def days_between(first: str, last: str) -> list[str]:
    """All days from one to another, both included."""
    start, end = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
    return [(start + number * _DAY).isoformat() for number in range((end - start).days + 1)]


def _preset(name: str, today: dt.date) -> tuple[dt.date, dt.date]:
    month = today.replace(day=1)
    ranges = {
        "today": (today, today),
        "yesterday": (today - _DAY, today - _DAY),
        "last7days": (today - 6 * _DAY, today),
        "last30days": (today - 29 * _DAY, today),
        "last90days": (today - 89 * _DAY, today),
        "last12months": (today - 364 * _DAY, today),
        "thisMonth": (month, today),
        "lastMonth": ((month - _DAY).replace(day=1), month - _DAY),
        "thisYear": (today.replace(month=1, day=1), today),
        "allTime": (dt.date.fromisoformat(_FIRST_DAY), today),
    }
    if name not in ranges:
        raise _bad("range", f"{name!r:.40} is none of {', '.join(PRESETS)}")
    return ranges[name]


def _day(text: str, field: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        raise _bad(field, f'{text!r:.40} is no day such as "2026-03-01"') from None
    if not 2000 <= day.year < 2100:
        raise _bad(field, f"{day} lies outside of 2000 to 2099")
    return day


def _bad(field: str, message: str) -> ConvexError:
    return ConvexError({"code": "BAD_FILTER", "field": field, "message": message})
