"""A clock that is turned by hand."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor.testing import Clock

NOON = datetime(2030, 1, 2, 12, tzinfo=UTC)


def test_it_shows_the_time_it_was_given():
    clock = Clock(NOON)
    assert clock.datetime == NOON
    assert clock.now == NOON.timestamp() * 1000
    assert clock.read() == int(NOON.timestamp()) * 10**9
    assert Clock(1_700_000_000_000).now == 1_700_000_000_000.0
    assert Clock(datetime(2030, 1, 2, 13, tzinfo=timezone(timedelta(hours=1)))).datetime == NOON


def test_it_begins_with_a_whole_millisecond_of_today():
    clock = Clock()
    assert clock.now == int(clock.now)
    assert abs(clock.datetime - datetime.now(UTC)) < timedelta(minutes=10)


@pytest.mark.parametrize(
    ("step", "by"),
    [
        ({"days": 1}, timedelta(days=1)),
        ({"hours": 1, "minutes": 2}, timedelta(minutes=62)),
        ({"seconds": 0.5}, timedelta(milliseconds=500)),
        ({"milliseconds": 1}, timedelta(milliseconds=1)),
    ],
)
def test_it_advances(step: dict[str, Any], by: timedelta):
    clock, other = Clock(NOON), Clock(NOON)
    clock.advance(**step)
    other.advance(by)
    assert clock.datetime == other.datetime == NOON + by


@pytest.mark.parametrize("step", [{}, {"seconds": 0}, {"minutes": -5}, {"minutes": 1, "seconds": -60}])
def test_it_does_not_advance_by_nothing_or_less(step: dict[str, Any]):
    clock = Clock(NOON)
    with pytest.raises(ValueError, match="advance"):
        clock.advance(**step)
    assert clock.datetime == NOON


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="tzinfo=UTC"):
        Clock(datetime(2030, 1, 1))
    with pytest.raises(ValueError, match="tzinfo=UTC"):
        Clock().set(datetime(2030, 1, 1))


def test_there_is_nothing_before_1970():
    with pytest.raises(ValueError, match="1970"):
        Clock(-1)


def test_it_may_be_set_back_until_something_is_written():
    clock = Clock(NOON)
    clock.set(NOON - timedelta(days=1))
    clock.set(NOON)
    clock.written()
    with pytest.raises(ValueError, match=r"2030-01-02T12:00:00\+00:00"):
        clock.set(NOON - timedelta(milliseconds=1))
    clock.set(NOON)
    clock.set(NOON + timedelta(seconds=1))
    assert clock.datetime == NOON + timedelta(seconds=1)


@given(st.integers(0, 4_000_000_000_000), st.integers(1, 10**12))
def test_milliseconds_stay_what_they_are(start: int, step: int):
    clock = Clock(start)
    assert clock.now == start
    clock.advance(milliseconds=step)
    assert clock.now == start + step


def test_milliseconds_are_kept_exactly() -> None:
    for now in range(1_795_642_658_531, 1_795_642_658_539):
        assert Clock(float(now)).read() == now * 1_000_000
