"""Declared retries: what is allowed, and how long they wait."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reactor import action, internal_action
from reactor.errors import LoadError
from reactor.runtime.retries import Retry, retry_after


def declared(**options: Any) -> Retry | None:
    @internal_action(**options)
    async def work(ctx: Any) -> None: ...

    return work.copy().retry


def test_actions_declare_retries() -> None:
    assert declared() is declared(retries=0) is None
    assert declared(retries=3) == Retry(3, 1.0, 3600.0)
    assert declared(retries=3, backoff=dt.timedelta(minutes=1), max_backoff=120) == Retry(3, 60.0, 120.0)
    assert declared(retries=1, backoff=7200) == Retry(1, 7200.0, 7200.0)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"retries": -1}, "`retries` is a whole number from 0 to 100, and -1 is not"),
        ({"retries": 101}, "from 0 to 100"),
        ({"retries": 1.5}, "whole number"),
        ({"retries": True}, "whole number"),
        ({"retries": False}, "whole number"),
        ({"backoff": 1}, "give `retries` as well"),
        ({"retries": 0, "max_backoff": 1}, "give `retries` as well"),
        ({"retries": 1, "backoff": "1s"}, "`backoff` is a number of seconds or a timedelta"),
        ({"retries": 1, "backoff": 0}, "more than nothing and at most a day"),
        ({"retries": 1, "backoff": float("inf")}, "number of seconds"),
        ({"retries": 1, "max_backoff": dt.timedelta(days=2)}, "at most a day"),
        ({"retries": 1, "backoff": 10, "max_backoff": 5}, "`max_backoff` is shorter than `backoff`"),
    ],
)
def test_what_cannot_be_is_refused_where_it_stands(options: dict[str, Any], text: str) -> None:
    with pytest.raises(LoadError, match=r"test_retries\.py:\d+: @action: ") as caught:
        declared(**options)
    assert text in str(caught.value)


def test_something_that_is_no_function_is_refused_as_ever() -> None:
    with pytest.raises(LoadError, match="put it on a `def`"):
        action(retries=1)(3)  # type: ignore[arg-type]


@given(st.integers(1, 200), st.floats(0.01, 1000), st.floats(0.01, 86_400))
def test_waits_double_with_some_chance_up_to_the_longest(failures: int, first: float, longest: float) -> None:
    whole = min(first * 2.0 ** min(failures - 1, 64), longest)
    assert whole / 2 <= Retry(200, first, longest).delay(failures) <= whole


def test_what_was_declared_when_it_began_decides() -> None:
    assert retry_after(Retry(5, 1, 1), failures=1, retries=0) is None
    assert retry_after(Retry(5, 1, 1), failures=3, retries=2) is None
    assert retry_after(Retry(5, 4, 4), failures=2, retries=2) in (pytest.approx(3, abs=1),)
    assert retry_after(None, failures=1, retries=1) == pytest.approx(0.75, abs=0.25)
