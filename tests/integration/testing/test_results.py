"""Live queries of a backend."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from reactor import ConvexError, DeveloperError, PaginationOptions, QueryCtx, ReactorError, query
from reactor.errors import ArgumentValidationError, FunctionNotFound
from reactor.testing import Backend, Results
from tests.support.server import APPS

Clubs = Callable[..., Backend]


async def test_the_first_result_and_each_new_one(club: Clubs):
    async with club() as backend, backend.subscribe("visits:list", room="hall") as results:
        assert await results.next() == []
        for n in (1, 2, 3):
            await backend.mutation("visits:add", room="hall", n=n)
        assert results.pending == 3
        assert [await results.next() for _ in range(3)] == [[1], [1, 2], [1, 2, 3]]
        assert (results.pending, results.current, results.runs) == (0, [1, 2, 3], 4)


async def test_what_was_not_read_is_no_news(club: Clubs):
    async with club() as backend, backend.subscribe("visits:list", room="hall") as results:
        await results.next()
        await backend.mutation("visits:add", room="other")
        assert (results.pending, results.runs) == (0, 1)
        with pytest.raises(TimeoutError, match=r"No new result of visits:list within 0\.01 s"):
            await results.next(within=0.01)


async def test_an_equal_result_is_no_news(club: Clubs):
    async with club() as backend, backend.subscribe("visits:least_ten", room="hall") as results:
        await results.next()
        for n in range(10):
            await backend.mutation("visits:add", room="hall", n=n)
        await backend.mutation("visits:move", source="other", target="hall", n=99)
        assert results.pending == 10
        assert results.current == list(range(10))


async def test_results_in_the_order_of_many_writers(club: Clubs):
    async with club() as backend, backend.subscribe("visits:total", room="hall") as results:
        await asyncio.gather(*(backend.mutation("visits:add", room="hall") for _ in range(50)))
        totals = [await results.next() for _ in range(results.pending)]
        assert totals[0] == 0
        assert totals[-1] == 50
        assert totals == sorted(set(totals))


async def test_a_waiting_reader_is_woken(club: Clubs):
    async with club() as backend, backend.subscribe("visits:list", room="hall") as results:
        await results.next()
        waiting = asyncio.ensure_future(results.next())
        await asyncio.sleep(0)
        await backend.action("members:enter", room="hall")
        assert await waiting == [5]


async def test_iteration_ends_with_the_subscription(club: Clubs):
    async def follow(results: Results) -> list[Any]:
        return [result async for result in results]

    async with club() as backend:
        async with backend.subscribe("visits:list", room="hall") as results:
            following = asyncio.ensure_future(follow(results))
            await backend.mutation("visits:add", room="hall", n=1)
        assert await following == [[], [1]]
        await backend.mutation("visits:add", room="hall", n=2)
        assert results.pending == 0


async def test_failures_take_the_place_of_results(club: Clubs):
    async with club() as backend, backend.subscribe("visits:never_odd", room="hall") as results:
        assert await results.next() == 0
        await backend.mutation("visits:add", room="hall", n=1)
        await backend.mutation("visits:add", room="hall", n=1)
        with pytest.raises(ConvexError) as odd:
            await results.next()
        assert odd.value.data == {"odd": 1}
        assert odd.value.__notes__ == ["raised at never_odd (functions/visits.py:33)"]
        assert await results.next() == 2
        assert backend.logs.texts == ["counting"] * 3


async def test_a_failure_may_be_what_is_current(club: Clubs):
    async with club() as backend, backend.subscribe("visits:fails") as one, backend.subscribe("visits:fails") as other:
        for results in (one, other, one):
            with pytest.raises(ValueError, match="the query failed") as raised:
                _ = results.current
            assert len(raised.value.__notes__) == 1


@pytest.mark.parametrize(
    ("path", "args", "error"),
    [
        ("visits:nowhere", {}, FunctionNotFound),
        ("visits:list", {"room": 1}, ArgumentValidationError),
        ("visits:add", {"room": "x"}, DeveloperError),
        ("members:secret", {}, FunctionNotFound),
        ("a:b:c", {}, DeveloperError),
    ],
)
async def test_what_cannot_be_watched_says_so(path: str, args: dict[str, Any], error: type[Exception]):
    async with Backend(APPS / "club") as backend:
        client = backend.as_client()
        with pytest.raises(error) as called:
            await client.query(path, args)
        async with client.subscribe(path, args) as results:
            with pytest.raises(error) as watched:
                await results.next()
        assert str(watched.value) == str(called.value)


async def test_everybody_has_results_of_their_own(club: Clubs):
    async with club() as backend:
        ada, bob = backend.as_user(subject="ada"), backend.as_user(subject="bob")
        async with (
            backend.subscribe("members:me_if_any", room="hall") as nobody,
            ada.subscribe("members:me_if_any", room="hall") as to_ada,
            bob.as_client().subscribe("members:me_if_any", room="hall") as to_bob,
            ada.subscribe("members:me_if_any", room="hall") as to_ada_again,
        ):
            everybody = (nobody, to_ada, to_bob, to_ada_again)
            assert [await results.next() for results in everybody] == ["empty"] * 4
            await bob.mutation("visits:add", room="hall")
            names = ["nobody", *(f"https://reactor.test|{name}" for name in ("ada", "bob", "ada"))]
            assert [await results.next() for results in everybody] == names
            assert [results.pending for results in everybody] == [0] * 4


async def test_internal_queries_can_be_watched_by_tests(club: Clubs):
    async with club() as backend, backend.subscribe("members:secret") as results:
        assert await results.next() == "the secret"


async def test_who_comes_later_gets_the_newest_result_first(club: Clubs):
    async with club() as backend, backend.subscribe("visits:list", room="hall") as early:
        await backend.mutation("visits:add", room="hall", n=1)
        async with backend.subscribe(backend.modules["visits"].list, {"room": "hall"}) as late:
            assert await late.next() == [1]
            assert late.pending == 0
            assert late.runs == early.runs == 2
        await backend.mutation("visits:add", room="hall", n=2)
        assert early.pending == 3


async def test_two_queries_never_disagree(club: Clubs):
    async with (
        club() as backend,
        backend.subscribe("visits:total", room="a") as a,
        backend.subscribe("visits:total", room="b") as b,
    ):
        moves = asyncio.gather(*(backend.mutation("visits:move", source="a", target="b", n=n) for n in range(1, 30)))
        async for total in a:
            assert total + b.current <= 0
            assert b.pending == a.pending + 1
            assert total + await b.next() == 0
            if total == -sum(range(1, 30)):
                break
        await moves


async def test_a_subscription_ends_with_its_backend():
    backend = Backend(APPS / "club")
    await backend.open()
    results = backend.subscribe("visits:list", room="hall")
    with pytest.raises(ReactorError, match="inside of"):
        _ = results.current
    with pytest.raises(ReactorError, match="has not begun"):
        await results.next()
    async with results:
        assert await results.next() == []
        waiting = asyncio.ensure_future(results.next())
        await asyncio.sleep(0)
        await backend.close()
        with pytest.raises(ReactorError, match="has ended"):
            await waiting
        with pytest.raises(StopAsyncIteration):
            await anext(results)
    with pytest.raises(ReactorError, match="begins once"):
        async with results:
            pass


async def test_values_of_every_kind_arrive():
    async with Backend(APPS / "faults") as backend, backend.subscribe("faults:big_result", size=200_000) as results:
        assert len((await results.next())["text"]) == 200_000
        await backend.mutation("faults:turn")
        assert (await results.next())["turns"] == 1


@query
async def pages(ctx: QueryCtx, pagination_opts: PaginationOptions):
    return await ctx.db.query("visits").paginate(pagination_opts)


async def test_a_live_page_keeps_its_end():
    async with Backend(functions=pages) as backend:
        for n in (1, 2, 3):
            await backend.run(lambda ctx, n=n: ctx.db.insert("visits", {"n": n}))
        options = {"numItems": 2, "cursor": None}
        async with backend.subscribe(pages, paginationOpts=options) as results:
            page = await results.next()
            assert [visit["n"] for visit in page["page"]] == [1, 2]
            rest = await backend.query(pages, pagination_opts={"numItems": 2, "cursor": page["continueCursor"]})
            assert ([visit["n"] for visit in rest["page"]], rest["isDone"]) == ([3], True)
            first = page["page"][0]["_id"]
            await backend.run(lambda ctx: ctx.db.delete(first))
            assert [visit["n"] for visit in (await results.next())["page"]] == [2]
