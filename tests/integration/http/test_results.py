"""Queries that are asked once: which of them run, counted by the server, and what the others are answered with."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from reactor.runtime.calls import Call
from reactor.runtime.identity import Identity
from reactor.runtime.loader import Application
from tests.integration.http.api import Api, admin_header, open_api
from tests.integration.sync.engine import Client
from tests.support.metrics import Metrics

FUNCTIONS = """
import asyncio
import logging

from reactor import ActionCtx, MutationCtx, QueryCtx, action, internal_query, mutation, query

gate = asyncio.Event()


@query
async def count(ctx: QueryCtx, room: str):
    logging.getLogger("rooms").warning("counting")
    return len(await visits(ctx, room))


@query
async def clock(ctx: QueryCtx, room: str):
    return [len(await visits(ctx, room)), ctx.now]


@query
async def clock_inside(ctx: QueryCtx, room: str):
    return await ctx.run_query("rooms:clock", room=room)


@query
async def dice(ctx: QueryCtx):
    return ctx.random.random()


@query
async def me(ctx: QueryCtx):
    identity = await ctx.auth.get_user_identity()
    return None if identity is None else identity["tokenIdentifier"]


@query
async def me_inside(ctx: QueryCtx):
    return await ctx.run_query("rooms:me")


@query
async def slow(ctx: QueryCtx, room: str):
    found = await visits(ctx, room)
    await gate.wait()
    return len(found)


@query
async def slow_me(ctx: QueryCtx):
    await gate.wait()
    return await ctx.run_query("rooms:me")


@query
async def slow_failure(ctx: QueryCtx):
    await gate.wait()
    raise ValueError("no luck")


@query
async def fails(ctx: QueryCtx, room: str):
    await visits(ctx, room)
    raise ValueError("no luck")


@query
async def page(ctx: QueryCtx, paginationOpts):
    return await ctx.db.query("visits").with_index("by_room", lambda q: q.eq("room", "red")).paginate(paginationOpts)


@query
async def others(ctx: QueryCtx, room: str):
    found = ctx.db.query("visits").filter(lambda q: q.field("room") != room)
    return [visit["room"] for visit in await found.collect()]


@internal_query
async def secret(ctx: QueryCtx):
    return "the secret"


@mutation
async def add(ctx: MutationCtx, room: str):
    await ctx.db.insert("visits", {"room": room})


@action
async def open_gate(ctx: ActionCtx):
    gate.set()


@action
async def ask(ctx: ActionCtx, path: str, args: dict):
    return await ctx.run_query(path, args)


@action
async def add_and_count(ctx: ActionCtx, room: str):
    await ctx.run_mutation("rooms:add", room=room)
    return await ctx.run_query("rooms:count", room=room)


async def visits(ctx, room):
    return await ctx.db.query("visits").with_index("by_room", lambda q: q.eq("room", room)).collect()
"""

SCHEMA = """
from reactor import define_schema, define_table, v

schema = define_schema({"visits": define_table({"room": v.string()}).index("by_room", ["room"])})
"""


class Rooms:
    """Calls of the application above, and how they were answered since the last look."""

    def __init__(self, api: Api, folder: Path) -> None:
        self.api, self.folder = api, folder
        self.read = Metrics({})

    async def ask(self, function: str, *, who: str | None = None, **args: Any) -> Any:
        headers = {} if who is None else admin_header({"tokenIdentifier": who})
        return await self.api.value("query", f"rooms:{function}", args, headers=headers)

    async def add(self, room: str) -> None:
        await self.api.value("mutation", "rooms:add", {"room": room})

    async def counted(self) -> dict[str, float]:
        """Queries since the last time, by what answered them; those that had to run are under "run"."""
        now = Metrics.parse((await self.api.http.get("/metrics")).text)
        spent, self.read = now - self.read, now
        counted = spent.by("reactor_result_hits_total", "from")
        if spent["reactor_result_misses_total"]:
            counted["run"] = spent["reactor_result_misses_total"]
        return counted

    async def warm(self, function: str, *, who: str | None = None, **args: Any) -> Any:
        """Ask often enough for the result to be kept; how it was answered is not counted."""
        values = [await self.ask(function, who=who, **args) for _ in range(2)]
        await self.counted()
        return values[-1]

    def turn(self, seconds: float) -> None:
        """Let time pass for the functions."""
        database: Any = self.api.parts.database
        before = database._clock
        database._clock = lambda: before() + int(seconds * 1e9)


@asynccontextmanager
async def open_rooms(tmp_path: Path, **settings: Any) -> AsyncIterator[Rooms]:
    folder = tmp_path / "app"
    (folder / "functions").mkdir(parents=True)
    (folder / "schema.py").write_text(SCHEMA)
    (folder / "functions" / "rooms.py").write_text(FUNCTIONS)
    async with open_api(tmp_path / "data", str(folder), **settings) as api:
        yield Rooms(api, folder)


@pytest.fixture
async def rooms(tmp_path: Path) -> AsyncIterator[Rooms]:
    async with open_rooms(tmp_path) as rooms:
        yield rooms


async def turns(number: int = 20) -> None:
    """Let whatever can go on go on."""
    for _ in range(number):
        await asyncio.sleep(0)


# The cache


async def test_what_is_asked_for_again_is_kept_until_a_write_touches_it(rooms: Rooms):
    assert [await rooms.ask("count", room="red") for _ in range(4)] == [0, 0, 0, 0]
    assert await rooms.counted() == {"run": 2, "cache": 2}
    await rooms.add("blue")
    assert await rooms.ask("count", room="red") == 0
    assert await rooms.counted() == {"cache": 1}
    await rooms.add("red")
    assert [await rooms.ask("count", room="red") for _ in range(2)] == [1, 1]
    assert await rooms.counted() == {"run": 1, "cache": 1}


async def test_every_endpoint_shares_the_results(rooms: Rooms):
    await rooms.add("red")
    await rooms.warm("count", room="red")
    api, admin = rooms.api, admin_header()
    got = await api.http.get("/api/query", params={"path": "rooms:count", "args": '{"room": "red"}'})
    assert got.json()["value"] == 1
    assert await api.value("function", "rooms:count", {"room": "red"}, headers=admin) == 1
    run = await api.http.post("/api/run/rooms/count", json={"args": {"room": "red"}})
    assert run.json()["value"] == 1
    assert await api.value("action", "rooms:ask", {"path": "rooms:count", "args": {"room": "red"}}) == 1
    ts = (await api.http.post("/api/query_ts", json={})).json()["ts"]
    assert await api.value("query_at_ts", "rooms:count", {"room": "red"}, ts=ts) == 1
    call = {"path": "rooms:count", "args": {"room": "red"}}
    batch = await api.http.post("/api/query_batch", json={"queries": [call, call]})
    assert [answer["value"] for answer in batch.json()["results"]] == [1, 1]
    assert await rooms.counted() == {"cache": 7}


async def test_the_spelling_of_path_and_arguments_does_not_matter(rooms: Rooms):
    await rooms.warm("clock_inside", room="red")
    for path, args in [("rooms:clockInside", [{"room": "red"}]), ("rooms.js:clock_inside", {"room": "red"})]:
        await rooms.api.value("query", path, args)
    assert await rooms.counted() == {"cache": 2}


async def test_log_lines_are_given_again(rooms: Rooms):
    await rooms.warm("count", room="red")
    answer = (await rooms.api.post("query", "rooms:count", {"room": "red"})).json()
    assert answer["logLines"] == ["[WARN] counting"]
    assert await rooms.counted() == {"cache": 1}


async def test_errors_are_not_kept(rooms: Rooms):
    for _ in range(3):
        assert "no luck" in await rooms.api.failure("query", "rooms:fails", {"room": "red"})
    assert await rooms.counted() == {"run": 3}


async def test_calls_that_can_only_fail_are_left_alone(rooms: Rooms):
    for _ in range(3):
        await rooms.api.failure("query", "rooms:none")
        await rooms.api.failure("query", "rooms:add", {"room": "red"})
        await rooms.api.failure("query", "rooms:count", {"$bytes": 1})
    assert await rooms.counted() == {}


async def test_very_long_arguments_are_not_looked_up(rooms: Rooms):
    for _ in range(3):
        assert await rooms.ask("count", room="r" * 70_000) == 0
    assert await rooms.counted() == {}


async def test_random_numbers_may_be_given_again(rooms: Rooms):
    kept = await rooms.warm("dice")
    assert [await rooms.ask("dice") for _ in range(3)] == [kept] * 3


async def test_with_no_room_every_call_runs(tmp_path: Path):
    async with open_rooms(tmp_path, result_cache_bytes=0) as rooms:
        for _ in range(3):
            await rooms.ask("count", room="red")
        assert await rooms.counted() == {"run": 3}


async def test_the_room_is_bounded(tmp_path: Path):
    async with open_rooms(tmp_path, result_cache_bytes=20_000) as rooms:
        for number in range(60):
            await rooms.warm("count", room=f"room {number}")
        read = Metrics.parse((await rooms.api.http.get("/metrics")).text)
        assert 5 < read["reactor_results_cached"] < 40
        assert read["reactor_results_cached"] * 500 < read["reactor_results_cached_bytes"] <= 20_000
        assert read.by("reactor_results_dropped_total", "why").keys() == {"room"}
        await rooms.ask("count", room="room 59")
        assert await rooms.counted() == {"cache": 1}


async def test_the_admin_is_told_why_results_went(rooms: Rooms):
    await rooms.warm("count", room="red")
    await rooms.add("red")
    await rooms.warm("count", room="blue")
    shown = (await rooms.api.http.get("/api/reactor/live", headers=admin_header())).json()["cached"]
    assert shown["results"] == 1
    assert shown["bytes"] > 0
    (drop,) = shown["dropped"]
    assert (drop["query"], drop["args"]) == ("rooms:count", '{"room":"red"}')
    assert (drop["cause"], drop["source"], drop["index"]) == ("commit", "rooms:add", "visits.by_room")
    assert drop["document"]


# Who asks


@pytest.mark.parametrize("function", ["me", "me_inside"])
async def test_each_identity_gets_its_own(rooms: Rooms, function: str):
    for _ in range(3):
        for who in ("ann", "bob", None):
            assert await rooms.ask(function, who=who) == who
    # Each of the two that came later found a function that had been asked for before.
    assert await rooms.counted() == {"run": 4, "cache": 5}


async def test_a_result_that_nobody_looked_for_is_shared_by_all(rooms: Rooms):
    await rooms.warm("count", room="red", who="ann")
    for who in ("bob", None):
        await rooms.ask("count", room="red", who=who)
    assert await rooms.counted() == {"cache": 2}


async def test_a_result_of_an_internal_function_stays_inside(rooms: Rooms):
    api = rooms.api
    for _ in range(3):
        args = {"path": "rooms:secret", "args": {}}
        assert await api.value("action", "rooms:ask", args) == "the secret"
        assert await api.value("action", "rooms:ask", args, headers=admin_header({"tokenIdentifier": "ann"}))
    assert await rooms.counted() == {"run": 2, "cache": 4}, "who acts does not matter"
    assert "Could not find public function" in await api.failure("query", "rooms:secret")
    assert "Could not find function" in await api.failure("run/rooms/secret", "")
    client = Client(api.parts)
    await client.add(0, "rooms:secret")
    assert "Could not find public function" in client.results[0]["errorMessage"]
    assert await api.value("query", "rooms:secret", headers=admin_header()) == "the secret"
    for _ in range(3):
        await api.value("query", "rooms:secret", headers=admin_header())
    assert "Could not find public function" in await api.failure("query", "rooms:secret")


async def test_log_lines_are_for_those_who_may_see_them(tmp_path: Path):
    async def lines(rooms: Rooms, **more: Any) -> list[str]:
        answer = (await rooms.api.post("query", "rooms:count", {"room": "red"}, **more)).json()
        return answer.get("logLines", [])

    async with open_rooms(tmp_path, redact_errors=True) as rooms:
        for _ in range(3):
            assert await lines(rooms) == []
            assert await lines(rooms, headers=admin_header()) == ["[WARN] counting"]
        assert await rooms.counted() == {"run": 2, "cache": 4}
        client = Client(rooms.api.parts)
        await client.add(0, "rooms:count", room="red")
        assert client.results[0]["logLines"] == []
        assert await lines(rooms) == []
        assert await lines(rooms, headers=admin_header()) == ["[WARN] counting"]
        assert await rooms.counted() == {"cache": 1, "live": 2}


# The clock


@pytest.mark.parametrize("function", ["clock", "clock_inside"])
async def test_a_result_that_looked_at_the_clock_is_given_for_a_short_time(rooms: Rooms, function: str):
    kept = await rooms.warm(function, room="red")
    rooms.turn(16)
    assert await rooms.ask(function, room="red") == kept
    assert await rooms.counted() == {"cache": 1}
    rooms.turn(2)
    count, time = await rooms.ask(function, room="red")
    assert (count, time >= kept[1] + 18_000) == (0, True)
    assert await rooms.counted() == {"run": 1}
    await rooms.add("red")
    assert (await rooms.ask(function, room="red"))[0] == 1


async def test_a_clock_that_is_put_back_lets_nothing_live_on(rooms: Rooms):
    await rooms.warm("clock", room="red")
    rooms.turn(-1000)
    await rooms.ask("clock", room="red")
    assert await rooms.counted() == {"run": 1}


async def test_how_long_is_a_setting(tmp_path: Path):
    async with open_rooms(tmp_path, result_clock_seconds=0) as rooms:
        for function in ("clock", "clock", "clock", "count", "count", "count"):
            await rooms.ask(function, room="red")
        assert await rooms.counted() == {"run": 5, "cache": 1}


async def test_a_live_query_answers_for_a_short_time_if_it_looked_at_the_clock(rooms: Rooms):
    client = Client(rooms.api.parts)
    live = await client.add(0, "rooms:clock", room="red")
    assert await rooms.ask("clock", room="red") == live
    rooms.turn(18)
    assert (await rooms.ask("clock", room="red"))[1] > live[1]
    assert client.value(0) == live, "it does not run because time has passed"
    assert await rooms.counted() == {"live": 1, "run": 1}


# Live queries


async def test_a_live_query_answers_whoever_asks_the_same(rooms: Rooms):
    client = Client(rooms.api.parts)
    await client.add(0, "rooms:count", room="red")
    assert await rooms.ask("count", room="red") == 0
    await rooms.add("red")
    await client.until(lambda: client.value(0) == 1)
    assert await rooms.ask("count", room="red", who="ann") == 1
    assert await rooms.counted() == {"live": 2}
    read = Metrics.parse((await rooms.api.http.get("/metrics")).text)
    assert read["reactor_results_cached"] == 0, "it is in memory already"
    client.drop()
    await rooms.warm("count", room="red")
    assert await rooms.ask("count", room="red") == 1
    assert await rooms.counted() == {"cache": 1}


async def test_a_live_query_for_one_identity_answers_that_one_only(rooms: Rooms):
    ann = Client(rooms.api.parts)
    await ann.become("ann")
    assert await ann.add(0, "rooms:me") == "ann"
    assert [await rooms.ask("me", who=who) for who in ("ann", "bob", None)] == ["ann", "bob", None]
    assert await rooms.counted() == {"live": 1, "run": 2}


async def test_a_live_query_begins_with_the_result_that_is_there(rooms: Rooms):
    await rooms.warm("count", room="red")
    await rooms.warm("me", who="ann")
    runs = Metrics.parse((await rooms.api.http.get("/metrics")).text).runs()
    client = Client(rooms.api.parts)
    assert await client.add(0, "rooms:count", room="red") == 0
    assert client.results[0]["logLines"] == ["[WARN] counting"]
    assert await client.add(1, "rooms:me") is None
    await client.become("ann")
    assert client.value(1) == "ann"
    read = Metrics.parse((await rooms.api.http.get("/metrics")).text)
    assert read["reactor_results_cached"] == 0, "one copy is enough"
    assert read.runs() == runs | {"rooms:me": runs["rooms:me"] + 1}, "only for nobody it was not known"
    await rooms.add("red")
    await client.until(lambda: client.value(0) == 1)


async def test_a_round_under_way_does_not_begin_with_a_result_from_after_its_moment(rooms: Rooms):
    parts = rooms.api.parts
    holds, joins = Client(parts), Client(parts)
    holds.modify({"type": "Add", "queryId": 0, "udfPath": "rooms:slow", "args": [{"room": "red"}]})
    await turns()
    await rooms.add("red")
    written = parts.database.committer.visible
    assert await rooms.warm("count", room="red") == 1
    joins.modify({"type": "Add", "queryId": 0, "udfPath": "rooms:count", "args": [{"room": "red"}]})
    await turns()
    await rooms.api.value("action", "rooms:open_gate")
    await joins.until(lambda: 0 in joins.results)
    assert (joins.ts < written, joins.value(0)) in {(True, 0), (False, 1)}
    await joins.reach(written)
    assert joins.value(0) == 1


async def test_a_page_that_was_kept_goes_on_as_a_live_page(rooms: Rooms):
    for _ in range(3):
        await rooms.add("red")
    options = {"numItems": 2, "cursor": None}
    kept = await rooms.warm("page", paginationOpts=options)
    client = Client(rooms.api.parts)
    live = await client.add(0, "rooms:page", paginationOpts=options)
    assert live == kept
    assert client.results[0]["journal"], "it says where the page ends"
    assert await rooms.ask("page", paginationOpts=options) == kept
    assert await rooms.counted() == {"cache": 1, "live": 1}
    read = Metrics.parse((await rooms.api.http.get("/metrics")).text)
    assert read["reactor_results_cached"] == 0


async def test_a_page_that_was_moved_answers_nobody_else(rooms: Rooms):
    options = {"numItems": 1, "cursor": None}
    client = Client(rooms.api.parts)
    assert (await client.add(0, "rooms:page", paginationOpts=options))["page"] == []
    for _ in range(2):
        await rooms.add("red")
    await client.until(lambda: len(client.value(0)["page"]) == 2)
    for _ in range(3):
        assert len((await rooms.ask("page", paginationOpts=options))["page"]) == 1
    assert await rooms.counted() == {"run": 2, "cache": 1}


async def test_a_write_that_a_filter_sorts_out_drops_nothing(rooms: Rooms):
    await rooms.warm("others", room="red")
    await rooms.add("red")
    assert await rooms.ask("others", room="red") == []
    assert await rooms.counted() == {"cache": 1}
    await rooms.add("blue")
    assert await rooms.ask("others", room="red") == ["blue"]


async def test_the_answer_after_a_write_is_never_older(rooms: Rooms):
    client = Client(rooms.api.parts)
    await client.add(0, "rooms:count", room="red")
    for number in range(1, 30):
        await rooms.add("red")
        assert await rooms.ask("count", room="red") == number
        assert await rooms.api.value("action", "rooms:add_and_count", {"room": "blue"}) == number


# At the same time


async def test_equal_queries_under_way_share_a_run(rooms: Rooms):
    asked = [asyncio.ensure_future(rooms.ask("slow", room="red")) for _ in range(5)]
    await turns()
    await rooms.api.value("action", "rooms:open_gate")
    assert await asyncio.gather(*asked) == [0] * 5
    assert await rooms.counted() == {"run": 1, "flight": 4}


async def test_a_failure_under_way_is_shared_as_well(rooms: Rooms):
    asked = [asyncio.ensure_future(rooms.api.failure("query", "rooms:slow_failure")) for _ in range(3)]
    await turns()
    await rooms.api.value("action", "rooms:open_gate")
    assert all("no luck" in message for message in await asyncio.gather(*asked))
    assert await rooms.counted() == {"run": 1, "flight": 2}


async def test_who_asks_after_a_write_does_not_wait_for_a_run_from_before_it(rooms: Rooms):
    before = asyncio.ensure_future(rooms.ask("slow", room="red"))
    await turns()
    await rooms.add("red")
    after = asyncio.ensure_future(rooms.ask("slow", room="red"))
    await turns()
    await rooms.api.value("action", "rooms:open_gate")
    assert await asyncio.gather(before, after) == [0, 1]
    assert await rooms.counted() == {"run": 2}


async def test_a_run_that_a_write_overtook_is_not_kept(rooms: Rooms):
    await rooms.api.value("query", "rooms:count", {"room": "red"})
    first = asyncio.ensure_future(rooms.ask("slow", room="red"))
    await turns()
    await rooms.add("red")
    second = asyncio.ensure_future(rooms.ask("slow", room="red"))
    await turns()
    await rooms.add("blue")
    await rooms.add("red")
    await rooms.api.value("action", "rooms:open_gate")
    assert await asyncio.gather(first, second) == [0, 1]
    assert await rooms.ask("slow", room="red") == 2


async def test_a_run_that_others_writes_passed_by_is_kept(rooms: Rooms):
    first = asyncio.ensure_future(rooms.ask("slow", room="red"))
    await turns()
    await rooms.add("blue")
    second = asyncio.ensure_future(rooms.ask("slow", room="red"))
    await turns()
    await rooms.add("blue")
    await rooms.api.value("action", "rooms:open_gate")
    await asyncio.gather(first, second)
    await rooms.counted()
    await rooms.ask("slow", room="red")
    assert await rooms.counted() == {"cache": 1}


async def test_who_waits_for_somebody_elses_result_asks_again(rooms: Rooms):
    people = ["ann", "bob", "ann", None, "bob"]
    asked = [asyncio.ensure_future(rooms.ask("slow_me", who=who)) for who in people]
    await turns()
    await rooms.api.value("action", "rooms:open_gate")
    assert await asyncio.gather(*asked) == people


async def test_those_who_wait_go_on_when_the_one_who_ran_it_goes_away(rooms: Rooms):
    answer = rooms.api.parts.queries.answer
    call = Call("rooms:slow", b'{"room":"red"}')
    leads, *others = [asyncio.ensure_future(answer(call)) for _ in range(3)]
    await turns()
    leads.cancel()
    await turns()
    await rooms.api.value("action", "rooms:open_gate")
    assert [(await other).value for other in others] == [b"0", b"0"]
    assert await rooms.counted() == {"run": 2, "flight": 1}


async def test_an_admin_and_others_do_not_share_what_only_admins_may_see(tmp_path: Path):
    async with open_rooms(tmp_path, redact_errors=True) as rooms:
        answer = rooms.api.parts.queries.answer
        callers = [Call("rooms:slow_failure", b"{}", who) for who in (Identity(), Identity.admin())]
        asked = [asyncio.ensure_future(answer(call)) for call in callers]
        await turns()
        await rooms.api.value("action", "rooms:open_gate")
        public, admin = [(await each).failure for each in asked]
        assert public is not None
        assert admin is not None
        assert "no luck" not in public.message
        assert "no luck" in admin.message


# The past, and new code


async def test_a_moment_of_the_past_is_not_answered_with_todays_result(rooms: Rooms):
    ts = (await rooms.api.http.post("/api/query_ts", json={})).json()["ts"]
    await rooms.add("red")
    await rooms.warm("count", room="red")
    for _ in range(3):
        assert await rooms.api.value("query_at_ts", "rooms:count", {"room": "red"}, ts=ts) == 0
    assert await rooms.counted() == {}
    future = base64.b64encode((2**62).to_bytes(8, "little")).decode()
    response = await rooms.api.post("query_at_ts", "rooms:count", {"room": "red"}, ts=future)
    assert response.status_code == 400


async def test_new_code_gives_new_results(rooms: Rooms):
    client = Client(rooms.api.parts)
    await client.add(0, "rooms:count", room="live")
    await rooms.warm("count", room="red")
    old_runs = [asyncio.ensure_future(rooms.ask("slow", room="red"))]
    await turns()
    await rooms.add("blue")
    old_runs.append(asyncio.ensure_future(rooms.ask("slow", room="red")))
    await turns()
    (rooms.folder / "functions" / "rooms.py").write_text(FUNCTIONS.replace("return len(", "return 100 + len("))
    old = rooms.api.parts.application
    await rooms.api.parts.reload()
    assert await rooms.ask("count", room="live") == 100
    assert await rooms.ask("count", room="red") == 100
    again = asyncio.ensure_future(rooms.ask("slow", room="red"))
    await turns()
    open_gate(old)
    assert await asyncio.gather(*old_runs) == [0, 0]
    assert not again.done()
    open_gate(rooms.api.parts.application)
    assert await again == 100
    assert [await rooms.ask("slow", room="red") for _ in range(3)] == [100] * 3


async def test_a_run_of_old_code_is_not_kept(rooms: Rooms):
    old_runs: list[asyncio.Future[Any]] = []
    for _ in range(2):
        old_runs.append(asyncio.ensure_future(rooms.ask("slow", room="red")))
        await turns()
        await rooms.add("blue")
    (rooms.folder / "functions" / "rooms.py").write_text(FUNCTIONS.replace("return len(", "return 100 + len("))
    old = rooms.api.parts.application
    await rooms.api.parts.reload()
    open_gate(old)
    assert await asyncio.gather(*old_runs) == [0, 0]
    open_gate(rooms.api.parts.application)
    assert await rooms.ask("slow", room="red") == 100


def open_gate(application: Application) -> None:
    """Let the slow queries of one version of the code go on."""
    slow: Any = application.registry.find("rooms:slow")
    slow.handler.__globals__["gate"].set()
