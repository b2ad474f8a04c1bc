"""Rates of functions, with a clock that the test turns."""

from collections.abc import AsyncIterator

import pytest

from reactor import RateLimited
from reactor.testing import Backend
from tests.support.server import APPS


@pytest.fixture
async def backend() -> AsyncIterator[Backend]:
    async with Backend(APPS / "limits") as backend:
        yield backend


@pytest.mark.parametrize("path", ["notes:add", "notes:ask", "notes:seldom"])
async def test_a_function_is_refused_until_there_is_a_token(backend: Backend, path: str):
    call = {"notes:add": backend.mutation, "notes:ask": backend.action, "notes:seldom": backend.query}[path]
    await call(path)
    await call(path)
    with pytest.raises(RateLimited, match=f"{path} is called too often") as caught:
        await call(path)
    assert 1799 < caught.value.retry_after <= 1800
    await backend.advance(minutes=31)
    await call(path)
    with pytest.raises(RateLimited):
        await call(path)
    await backend.advance(days=1)
    await call(path)
    await call(path)


async def test_a_refused_mutation_does_not_run(backend: Backend):
    for _ in range(2):
        await backend.mutation("notes:add")
    for _ in range(3):
        with pytest.raises(RateLimited):
            await backend.mutation("notes:add")
    assert await backend.query("notes:count") == 2


async def test_each_user_has_an_allowance_of_their_own(backend: Backend):
    ada, bob = backend.as_user(name="Ada"), backend.as_user(name="Bob")
    for caller in (ada, bob, backend):
        for _ in range(2):
            await caller.mutation("notes:add")
        with pytest.raises(RateLimited):
            await caller.mutation("notes:add")


async def test_calls_by_functions_and_by_the_scheduler_are_not_limited(backend: Backend):
    assert await backend.mutation("notes:add_many", n=5) == 5
    assert await backend.action("notes:ask_many", n=5) == ["answer"] * 5
    assert await backend.run_due() == 1
    assert await backend.query("notes:count") == 11
    await backend.mutation("notes:add")
    await backend.mutation("notes:add")
    with pytest.raises(RateLimited):
        await backend.mutation("notes:add")


async def test_a_live_query_counts_once_however_often_it_runs(backend: Backend):
    async with backend.subscribe("notes:seldom") as results:
        assert await results.next() == 0
        await backend.mutation("notes:add_many", n=1)
        await backend.mutation("notes:add_many", n=1)
        assert [await results.next(), await results.next()] == [1, 2]
        assert await backend.query("notes:seldom") == 2
        with pytest.raises(RateLimited):
            await backend.query("notes:seldom")


async def test_a_refused_subscription_recovers_by_itself(backend: Backend):
    await backend.query("notes:seldom")
    await backend.query("notes:seldom")
    async with backend.subscribe("notes:seldom") as first, backend.subscribe("notes:seldom") as second:
        for results, wait in ((first, 1800), (second, 3600)):
            with pytest.raises(RateLimited) as caught:
                await results.next()
            assert wait - 1 < caught.value.retry_after <= wait
        await backend.advance(minutes=20)
        await backend.mutation("notes:add_many", n=1)
        assert (first.pending, second.pending) == (0, 0)
        await backend.advance(minutes=11)
        assert await first.next() == 2
        assert second.pending == 0
        await backend.advance(minutes=30)
        assert await second.next() == 2
        await backend.mutation("notes:add_many", n=1)
        assert [await first.next(), await second.next()] == [3, 3]


async def test_whoever_leaves_while_waiting_takes_no_token(backend: Backend):
    await backend.query("notes:seldom")
    await backend.query("notes:seldom")
    async with backend.subscribe("notes:seldom"), backend.subscribe("notes:seldom") as stays:
        pass
    async with backend.subscribe("notes:seldom") as stays:
        with pytest.raises(RateLimited):
            await stays.next()
        await backend.advance(minutes=31)
        assert await stays.next() == 0
    await backend.advance(minutes=31)
    assert await backend.query("notes:seldom") == 0
