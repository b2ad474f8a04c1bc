"""Giving way to other processes that commit as much."""

import asyncio

import pytest

from reactor.database.way import Way

MINUTES = 1_000.0


@pytest.mark.parametrize(
    ("own", "others", "given"), [(4, 1, True), (5, 1, False), (1, 0, False), (0, 3, False), (1, 9, True)]
)
async def test_who_commits_about_as_much_is_given_way(own: int, others: int, given: bool) -> None:
    way = Way(lambda: None)
    way.give(own, others, MINUTES)
    assert way.given is given
    way.take()


async def test_it_ends_when_nobody_comes() -> None:
    ended = asyncio.Event()
    way = Way(ended.set)
    way.give(1, 1, 1e-6)
    await ended.wait()
    assert not way.given


async def test_who_takes_it_is_not_called() -> None:
    calls: list[str] = []
    ended = asyncio.Event()
    way, other = Way(lambda: calls.append("taken")), Way(ended.set)
    way.give(1, 1, 1e-6)
    way.take()
    other.give(1, 1, 1e-5)
    await ended.wait()
    assert (calls, way.given) == ([], False)


async def test_it_is_given_once_at_a_time() -> None:
    calls: list[str] = []
    ended = asyncio.Event()

    def end() -> None:
        calls.append("ended")
        ended.set()

    way = Way(end)
    way.give(1, 1, 1e-6)
    way.give(1, 1, 1e-5)
    await ended.wait()
    await asyncio.sleep(0)
    assert calls == ["ended"]


async def test_nobody_is_given_way_who_undoes_what_waits() -> None:
    way = Way(lambda: None)
    given: list[bool] = []
    for lost in (4, 4, 4, 4, *[0] * 30):
        way.lose(lost)
        way.give(4, 4, MINUTES)
        given.append(way.given)
        way.take()
    assert not any(given[:4])
    assert all(given[-10:])
