"""Next times of every kind of schedule against a model that goes through all days; and what is refused."""

import datetime as dt
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reactor.errors import LoadError
from reactor.runtime.cron_schedules import Interval, Spread, following, parse, spread

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
TIMES = st.integers(int(dt.datetime(1999, 12, 1, tzinfo=dt.UTC).timestamp()), 2**32)
SPREADS = st.builds(Spread, st.integers(0, 59), st.integers(0, 59))
MINUTES, HOURS = st.none() | st.integers(0, 59), st.integers(0, 23)


def given_schedule(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def moment(*parts: int) -> int:
    return int(dt.datetime(*parts, tzinfo=dt.UTC).timestamp())  # type: ignore[arg-type]


def model(time: int, at: Spread, minute: int | None, hour: int | None, fits: Any = lambda day: True) -> int:
    """The first second after `time` that fits, found by going through all days."""
    day = dt.datetime.fromtimestamp(time, dt.UTC).date()
    while True:
        if fits(day):
            for each in range(24) if hour is None else (hour,):
                found = dt.datetime(
                    day.year,
                    day.month,
                    day.day,
                    each,
                    at.minute if minute is None else minute,
                    at.second,
                    tzinfo=dt.UTC,
                )
                if found.timestamp() > time:
                    return int(found.timestamp())
        day += dt.timedelta(days=1)


@given(TIMES, SPREADS, MINUTES)
def test_hourly(time: int, at: Spread, minute: int | None) -> None:
    assert parse("hourly", given_schedule(minuteUTC=minute)).after(time, at) == model(time, at, minute, None)


@given(TIMES, SPREADS, MINUTES, HOURS)
def test_daily(time: int, at: Spread, minute: int | None, hour: int) -> None:
    schedule = parse("daily", given_schedule(hour_utc=hour, minute_utc=minute))
    assert schedule.after(time, at) == model(time, at, minute, hour)


@given(TIMES, SPREADS, MINUTES, HOURS, st.sampled_from(DAYS))
def test_weekly(time: int, at: Spread, minute: int | None, hour: int, day: str) -> None:
    schedule = parse("weekly", given_schedule(dayOfWeek=day, hourUTC=hour, minuteUTC=minute))
    fits = lambda date: date.strftime("%A").lower() == day
    assert schedule.after(time, at) == model(time, at, minute, hour, fits)


@given(TIMES, SPREADS, MINUTES, HOURS, st.integers(1, 31))
@example(moment(2024, 2, 1), Spread(0, 0), 0, 0, 29)
@example(moment(2023, 2, 1), Spread(0, 0), 0, 0, 29)
@example(moment(2025, 12, 31, 23, 59, 59), Spread(0, 0), 59, 23, 31)
@example(moment(2025, 1, 31, 12), Spread(0, 0), 0, 0, 31)
def test_monthly(time: int, at: Spread, minute: int | None, hour: int, day: int) -> None:
    schedule = parse("monthly", given_schedule(day=day, hour_utc=hour, minute_utc=minute))
    assert schedule.after(time, at) == model(time, at, minute, hour, lambda date: date.day == day)


@st.composite
def fields(draw: st.DrawFn, low: int, high: int, last: int = 0) -> tuple[str, set[int]]:
    """A field of a cron expression, and what it means; `high` for what is named, `last` for what a star means."""
    kind = draw(st.sampled_from(["star", "step", "list", "range"]))
    if kind == "star":
        return "*", set(range(low, (last or high) + 1))
    if kind == "step":
        step = draw(st.integers(1, high))
        return f"*/{step}", set(range(low, (last or high) + 1, step))
    first, end = sorted((draw(st.integers(low, high)), draw(st.integers(low, high))))
    return (f"{first},{end}", {first, end}) if kind == "list" else (f"{first}-{end}", set(range(first, end + 1)))


@given(TIMES, fields(0, 59), fields(0, 23), fields(1, 28, 31), fields(1, 12), fields(0, 6))
def test_cron_expressions(
    time: int,
    minute: tuple[str, set[int]],
    hour: tuple[str, set[int]],
    day: tuple[str, set[int]],
    month: tuple[str, set[int]],
    weekday: tuple[str, set[int]],
) -> None:
    expression = " ".join(text for text, _ in (minute, hour, day, month, weekday))

    def fits(date: dt.date) -> bool:
        by_month_day, by_week_day = date.day in day[1], (date.weekday() + 1) % 7 in weekday[1]
        both = day[0].startswith("*") or weekday[0].startswith("*")
        days = (by_month_day and by_week_day) if both else (by_month_day or by_week_day)
        return days and date.month in month[1]

    date = dt.datetime.fromtimestamp(time, dt.UTC).date()
    last = date + dt.timedelta(days=5 * 366)
    expected = None
    while expected is None and date < last:
        if fits(date):
            times = (moment(date.year, date.month, date.day, h, m) for h in sorted(hour[1]) for m in sorted(minute[1]))
            expected = next((each for each in times if each > time), None)
        date += dt.timedelta(days=1)
    found = parse("cron", expression).after(time, Spread(30, 30))
    assert found == expected if expected is not None else found >= moment(last.year, last.month, last.day)


def test_the_29th_of_february_comes_in_leap_years() -> None:
    schedule = parse("cron", "0 12 29 2 *")
    assert schedule.after(moment(2024, 3, 1), Spread(0, 0)) == moment(2028, 2, 29, 12)


@given(st.integers(1, 90_000), TIMES, st.integers(0, 10_000_000))
def test_intervals_stay_on_their_grid_and_count_what_was_missed(every: int, time: int, late: int) -> None:
    now = time + late
    found = following(Interval(every), time, now, Spread(0, 0))
    grid = range(time + every, now, every)
    assert (found.missed, found.first_missed) == (min(len(grid), 1000), time + every)
    assert found.time >= now and (found.time - time) % every == 0 and found.time - every < max(now, time + 1)


@given(TIMES, st.integers(0, 40 * 86_400))
def test_missed_hours_are_counted(time: int, late: int) -> None:
    schedule, at = parse("hourly", {"minute_utc": 7}), Spread(0, 3)
    found = following(schedule, time, time + late, at)
    missed, each = 0, schedule.after(time, at)
    while each < time + late:
        missed, each = missed + 1, schedule.after(each, at)
    assert found == (each, missed, schedule.after(time, at))


def test_counting_what_was_missed_has_an_end() -> None:
    found = following(parse("cron", "* * * * *"), moment(2020, 1, 1), moment(2025, 1, 1), Spread(0, 0))
    assert found == (moment(2025, 1, 1), 1000, moment(2020, 1, 1, 0, 1))


def test_jobs_without_a_minute_are_spread_by_their_names() -> None:
    spreads = [spread(f"job {number}") for number in range(2_000)]
    assert spread("job 1") == spreads[1]
    assert {each.minute for each in spreads} == {each.second for each in spreads} == set(range(60))


def test_an_interval_is_also_a_timedelta() -> None:
    assert parse("interval", dt.timedelta(minutes=5)) == parse("interval", {"minutes": 5}) == Interval(300)
    assert parse("interval", {"hours": 2}) == Interval(7200)


def test_system_tables_have_schedules_as_the_official_server_has_them() -> None:
    assert parse("interval", {"minutes": 1}).wire() == {"type": "interval", "seconds": 60}
    assert parse("hourly", {}).wire() == {"type": "hourly"}
    weekly = {"day_of_week": "sunday", "hour_utc": 0, "minute_utc": 5}
    assert parse("weekly", weekly).wire() == {"type": "weekly", "dayOfWeek": "sunday", "hourUTC": 0, "minuteUTC": 5}
    assert parse("cron", " 0 0 *  * 1 ").wire() == {"type": "cron", "cronExpr": "0 0 * * 1"}


@pytest.mark.parametrize(
    ("kind", "given", "text"),
    [
        ("interval", {}, "exactly one of seconds, minutes and hours"),
        ("interval", {"seconds": 1, "hours": 1}, "exactly one of"),
        ("interval", {"days": 1}, "exactly one of"),
        ("interval", {"seconds": 0}, "seconds is a whole number from 1 to"),
        ("interval", {"minutes": 1.5}, "minutes is a whole number"),
        ("interval", {"minutes": True}, "minutes is a whole number"),
        ("interval", dt.timedelta(milliseconds=1500), "whole number of seconds"),
        ("interval", dt.timedelta(0), "from one second to five years"),
        ("interval", {"hours": 100_000_000}, "five years"),
        ("interval", 30, "as in {'minutes': 5}, not int"),
        ("daily", {}, "needs 'hour_utc'"),
        ("daily", {"hour_utc": 24}, "hour_utc is a whole number from 0 to 23"),
        ("daily", {"hour_utc": 3, "minute_utc": 60}, "minute_utc is a whole number from 0 to 59"),
        ("hourly", {"hour_utc": 3}, "has no 'hour_utc'; it takes minute_utc"),
        ("weekly", {"hour_utc": 3}, "needs 'day_of_week'"),
        ("weekly", {"hour_utc": 3, "day_of_week": "Monday"}, "one of monday, tuesday"),
        ("monthly", {"hour_utc": 3, "day": 32}, "day is a whole number from 1 to 31"),
        ("monthly", "1st", "as in {'hour_utc': 3}, not str"),
        ("cron", "0 0 * *", "has 4 fields; it takes five"),
        ("cron", "0 0 0 * * *", "has 6 fields"),
        ("cron", "61 * * * *", "is wrong: Bad minute"),
        ("cron", "0 0 30 2 *", "30 2"),
        ("cron", "0 0 * * 1#6", "1#6"),
        ("cron", {"hour_utc": 1}, "text of five fields"),
    ],
)
def test_what_is_no_schedule_is_refused(kind: str, given: Any, text: str) -> None:
    with pytest.raises(LoadError, match=re.escape(text)):
        parse(kind, given)
