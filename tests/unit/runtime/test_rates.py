"""Declared rates, and whom a call counts for."""

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from reactor import Rate, action, internal_mutation, mutation, query
from reactor.errors import LoadError, RateLimited
from reactor.runtime.callers import caller_address, caller_name
from reactor.runtime.calls import Call, Origin
from reactor.runtime.entrance import Entrance
from reactor.runtime.identity import Identity
from reactor.runtime.loader import load


@pytest.mark.parametrize("decorator", [query, mutation, action])
def test_all_kinds_of_functions_declare_rates(decorator: Any):
    @decorator(rate=Rate(10, per="second", burst=20))
    async def work(ctx: Any) -> None: ...

    @decorator
    async def free(ctx: Any) -> None: ...

    assert work.copy().rate == Rate(10, "second", 20)
    assert free.rate is None


@pytest.mark.parametrize(
    ("rate", "interval", "most"),
    [
        (Rate(10), 6 * 10**9, 10),
        (Rate(10, per="second", burst=1), 10**8, 1),
        (Rate(1, per="hour"), 3600 * 10**9, 1),
        (Rate(2, per="day"), 43_200 * 10**9, 2),
        (Rate(3, per=1.5), 5 * 10**8, 3),
        (Rate(4, per=dt.timedelta(minutes=2), burst=8), 30 * 10**9, 8),
        (Rate(1_000_000, per=0.001), 1, 1_000_000),
    ],
)
def test_a_rate_is_an_interval_and_a_burst(rate: Rate, interval: int, most: int):
    assert (rate.interval, rate.most) == (interval, most)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"count": 0}, "`count` is a whole number from 1 to 1000000, and 0 is not"),
        ({"count": True}, "`count` is a whole number"),
        ({"count": 1.5}, "`count` is a whole number"),
        ({"count": 1, "burst": 0}, "`burst` is a whole number"),
        ({"count": 1, "per": "week"}, '`per` is "second", "minute", "hour" or "day", or seconds, not \'week\''),
        ({"count": 1, "per": 0}, "from a millisecond to 30 days"),
        ({"count": 1, "per": float("nan")}, "a number of seconds or a timedelta"),
        ({"count": 1, "per": False}, "a number of seconds or a timedelta"),
        ({"count": 1, "per": dt.timedelta(days=31)}, "from a millisecond to 30 days"),
        ({"count": 1, "key": "session"}, '`key` is "identity", "address" or "global"'),
    ],
)
def test_a_rate_that_cannot_be_is_refused(options: dict[str, Any], text: str):
    with pytest.raises(LoadError) as caught:
        Rate(**options)
    assert text in str(caught.value)


def test_what_is_no_rate_is_refused_where_it_stands():
    rate: Any = "10/m"
    for decorator in (query, action):
        with pytest.raises(LoadError, match=r"test_rates\.py:\d+: @\w+: `rate` is a Rate, as in .*'10/m' is none"):

            @decorator(rate=rate)
            async def work(ctx: Any) -> None: ...


def test_internal_functions_have_no_rates():
    with pytest.raises(LoadError, match=r"test_rates\.py:\d+: @mutation: clients cannot call an internal function"):

        @internal_mutation(rate=Rate(1))
        async def work(ctx: Any) -> None: ...


def test_an_application_with_an_impossible_rate_is_not_loaded_and_the_line_is_named(tmp_path: Path):
    (tmp_path / "functions").mkdir()
    source = 'from reactor import *\n\n@query(rate=Rate(0, per="minute"))\nasync def f(ctx: QueryCtx): ...\n'
    (tmp_path / "functions" / "app.py").write_text(source)
    with pytest.raises(LoadError, match=r"^functions/app\.py:3: Rate: `count` is a whole number"):
        load(tmp_path)


def by(attributes: dict[str, Any] | None = None, ip: str | None = None, **more: Any) -> Call:
    return Call("f:f", b"{}", Identity(attributes), origin=Origin(ip), **more)


ADA = {"tokenIdentifier": "https://i|ada", "issuer": "https://i", "subject": "ada"}


def test_a_user_is_one_whatever_else_their_token_says_and_wherever_they_are():
    assert caller_name(by(ADA, "1.2.3.4")) == caller_name(by({**ADA, "name": "Ada"}, "5.6.7.8"))
    assert caller_name(by(ADA)) != caller_name(by({**ADA, "tokenIdentifier": "https://i|bob"}))


def test_who_is_not_signed_in_is_known_by_the_address():
    assert caller_name(by(ip="1.2.3.4")) == caller_address(by(ADA, "1.2.3.4")) != caller_name(by(ip="1.2.3.5"))
    assert caller_name(by(ip="::ffff:1.2.3.4")) == caller_name(by(ip="1.2.3.4"))
    assert caller_name(by(ip="2001:db8::1")) == caller_name(by(ip="2001:db8::ffff:1"))
    assert caller_name(by(ip="2001:db8::1")) != caller_name(by(ip="2001:db8:0:1::1"))
    assert caller_name(by()) == caller_name(by(ip=None)) != caller_name(by(ip="testclient"))
    assert caller_name(by(ip="fe80::1%eth0")) == caller_name(by(ip="fe80::2"))


@pytest.mark.parametrize(
    ("key", "others"),
    [
        ("identity", [by({**ADA, "tokenIdentifier": "x|y"}, "1.1.1.1"), by(ip="1.1.1.1"), by(ip="2.2.2.2")]),
        ("address", [by(ADA, "2.2.2.2"), by(ip="3.3.3.3")]),
        ("global", []),
    ],
)
def test_the_key_says_who_shares_an_allowance(key: Any, others: list[Call]):
    entrance, rate = Entrance(lambda: 0), Rate(1, key=key)
    entrance.pass_rate("f:f", rate, by(ADA, "1.1.1.1"))
    for other in others:
        entrance.pass_rate("f:f", rate, other)
    with pytest.raises(RateLimited):
        entrance.pass_rate("f:f", rate, by(ADA, "1.1.1.1"))
    if key == "global":
        with pytest.raises(RateLimited):
            entrance.pass_rate("f:f", rate, by(ip="9.9.9.9"))
    assert entrance.refused["rate"] == (2 if key == "global" else 1)


def test_functions_and_the_admin_are_not_limited():
    entrance, rate = Entrance(lambda: 0), Rate(1, key="global")
    for _ in range(3):
        entrance.pass_rate("f:f", rate, by(trusted=True))
        entrance.pass_rate("f:f", rate, Call("f:f", b"{}", Identity.admin(ADA)))
    assert len(entrance.buckets) == 0


def test_the_refusal_says_when_to_come_again():
    entrance, rate = Entrance(lambda: 0), Rate(1, per=1.5)
    entrance.pass_rate("f:f", rate, by())
    with pytest.raises(RateLimited, match=r"f:f is called too often\. It did not run; call it again in 2 s") as caught:
        entrance.pass_rate("f:f", rate, by())
    assert caught.value.retry_after == 1.5
    assert caught.value.data == {
        "kind": "RateLimited",
        "code": "RateLimited",
        "name": "f:f",
        "retryAfter": 1500.0,
        "retryAfterSeconds": 2.0,
    }
