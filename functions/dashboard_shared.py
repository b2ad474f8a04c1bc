"""What all dashboards are made of: figures beside those of the time before, and lines for charts."""

import datetime as dt
from collections.abc import Iterable
from typing import TypedDict

from functions.dashboard_filters import Period, days_between
from functions.dashboard_totals import Totals
from reactor import AggregateResult

__all__ = ["Kpi", "Point", "Share", "count_kpi", "kpi", "mean_kpi", "series", "shares", "sum_kpi"]


class Kpi(TypedDict):
    """A figure, what it was in the time before, and by which part of that it changed (None: there was nothing)."""

    value: float
    previous: float
    change: float | None


class Point(TypedDict):
    """One step of a chart, named by its first day: a sum and how many there were."""

    day: str
    value: float
    count: float


class Share(TypedDict):
    """One of several parts, with its part of the whole, 0 to 1."""

    name: str
    value: float
    count: float
    share: float


def kpi(value: float, previous: float) -> Kpi:
    """A figure beside the one before."""
    return {"value": value, "previous": previous, "change": (value - previous) / previous if previous else None}


async def count_kpi(period: Period, totals: Totals) -> Kpi:
    """How many in a period, beside the time before."""
    now, before = await _both(period, totals)
    return kpi(now["count"], before["count"])


async def sum_kpi(period: Period, totals: Totals) -> tuple[Kpi, Kpi]:
    """Sum and count in a period beside the time before."""
    now, before = await _both(period, totals)
    return kpi(now["sum"], before["sum"]), kpi(now["count"], before["count"])


async def mean_kpi(period: Period, totals: Totals) -> Kpi:
    """A mean in a period beside the time before; 0 where there is nothing."""
    now, before = await _both(period, totals)
    return kpi(now["mean"] or 0.0, before["mean"] or 0.0)


async def _both(period: Period, totals: Totals) -> tuple[AggregateResult, AggregateResult]:
    now = await totals(period.first, period.last)
    return now, await totals(period.previous_first, period.previous_last)


async def series(period: Period, totals: Totals) -> list[Point]:
    """A line for a chart, without gaps: sums by day, week or month, as the length of the time asks for."""
    points: list[Point] = []
    for first, last in _steps(period):
        found = await totals(first, last)
        points.append({"day": first, "value": found["sum"], "count": found["count"]})
    return points


def shares(parts: Iterable[tuple[str, float, float]]) -> list[Share]:
    """Parts (name, value, count) of a whole, the largest first."""
    ordered = sorted(parts, key=lambda part: (-part[1], part[0]))
    whole = sum(value for _, value, _ in ordered)
    return [
        {"name": name, "value": value, "count": count, "share": value / whole if whole else 0.0}
        for name, value, count in ordered
    ]


def _steps(period: Period) -> list[tuple[str, str]]:
    days = days_between(period.first, period.last)
    steps: list[tuple[str, str]] = []
    for day in days:
        if steps and not _begins(day, period.step):
            steps[-1] = steps[-1][0], day
        else:
            steps.append((day, day))
    return steps


def _begins(day: str, step: str) -> bool:
    """Whether a week or a month begins with a day."""
    if step == "week":
        return dt.date.fromisoformat(day).weekday() == 0
    return step == "day" or day.endswith("-01")
