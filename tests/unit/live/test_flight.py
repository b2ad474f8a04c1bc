"""Waiting for a run of somebody else."""

import asyncio

import pytest

from reactor.live.flight import Flight
from reactor.runtime.query_run import QueryRun, RunResult


def run(*, looked: bool = False) -> QueryRun:
    return QueryRun(RunResult(b"1", None, []), [], looked)


async def test_all_who_wait_get_what_it_gave():
    flight = Flight(5, "ann")
    waiting = [asyncio.ensure_future(flight.landed()) for _ in range(3)]
    await asyncio.sleep(0)
    given = run()
    flight.land(given)
    assert await asyncio.gather(*waiting) == [given] * 3


async def test_who_gives_up_takes_nothing_from_others():
    flight = Flight(5, "ann")
    leaves, stays = (asyncio.ensure_future(flight.landed()) for _ in range(2))
    await asyncio.sleep(0)
    leaves.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaves
    flight.land(None)
    assert await stays is None


def test_it_may_end_with_nobody_waiting():
    Flight(5, "ann").land(run())


def test_a_run_that_looked_at_who_asks_is_for_that_one_only():
    flight = Flight(5, "ann")
    assert flight.serves(run(), "bob")
    assert flight.serves(run(looked=True), "ann")
    assert not flight.serves(run(looked=True), "bob")
