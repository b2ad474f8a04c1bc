"""Queries asked once among writes, live queries, reloads and a clock that turns: each answer is as a fresh run's."""

import asyncio
import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reactor.app.parts import Parts
from reactor.runtime import logs
from reactor.runtime.calls import Call
from reactor.runtime.identity import ANONYMOUS, Identity
from reactor.runtime.query_run import RunResult
from reactor.settings import Settings
from reactor.settings.kinds import Secret
from reactor.store.memory import MemoryStore
from tests.integration.sync.engine import ADMIN_KEY, Client

SCHEMA = """
from reactor import define_schema, define_table, v

schema = define_schema({"visits": define_table({"room": v.string()}).index("by_room", ["room"])})
"""

FUNCTIONS = '''
import asyncio

from reactor import ActionCtx, MutationCtx, QueryCtx, action, internal_query, mutation, query

VERSION = 1


@query
async def count(ctx: QueryCtx, room: str):
    return [VERSION, len(await visits(ctx, room))]


@query
async def waits(ctx: QueryCtx, room: str):
    """Goes on as a task: commits come in between."""
    first = await visits(ctx, room)
    await asyncio.gather(*(ctx.db.get(visit["_id"]) for visit in first[:3]), pause())
    return [VERSION, len(await visits(ctx, room))]


@query
async def mine(ctx: QueryCtx, room: str):
    """Looks at who asks only while the number is odd."""
    number = len(await visits(ctx, room))
    return [VERSION, number, await name(ctx) if number % 2 else None]


@query
async def waits_mine(ctx: QueryCtx, room: str):
    await pause()
    return await ctx.run_query("rooms:mine", room=room)


@query
async def clock(ctx: QueryCtx, room: str):
    return [VERSION, len(await visits(ctx, room)), ctx.now]


@query
async def waits_clock_mine(ctx: QueryCtx, room: str):
    """Everything at once."""
    await pause()
    return [*await ctx.run_query("rooms:mine", room=room), ctx.now]


@internal_query
async def inside(ctx: QueryCtx, room: str):
    return [VERSION, len(await visits(ctx, room))]


@action
async def ask_inside(ctx: ActionCtx, room: str):
    return await ctx.run_query("rooms:inside", room=room)


@mutation
async def add(ctx: MutationCtx, room: str):
    await ctx.db.insert("visits", {"room": room})


async def pause():
    for _ in range(3):
        await asyncio.sleep(0)


async def name(ctx):
    identity = await ctx.auth.get_user_identity()
    return None if identity is None else identity["tokenIdentifier"]


async def visits(ctx, room):
    return await ctx.db.query("visits").with_index("by_room", lambda q: q.eq("room", room)).collect()
'''

PEOPLE: dict[str | None, Identity] = {None: ANONYMOUS} | {
    name: Identity.admin({"tokenIdentifier": name}) for name in ("ann", "bob")
}
CLOCK_SECONDS = 10


class World:
    """The engine, and beside it what must be so: the rooms written to, in order, and how far callers know of it."""

    def __init__(self, folder: Path, result_bytes: int) -> None:
        self.folder = folder
        self.turned = 0
        made = Settings(
            data=folder / "data",
            admin_key=Secret(ADMIN_KEY),
            result_cache_bytes=result_bytes,
            result_clock_seconds=CLOCK_SECONDS,
        )
        self.parts = Parts(made, folder, lambda kind, /, **fields: None, store=MemoryStore(), clock=self.clock)
        self.submitted: list[str] = []
        self.acknowledged = 0
        self.version = self.begun_version = 1
        self.clients: list[tuple[str | None, Client]] = []
        self.reloading = asyncio.Lock()
        self.watches = 0
        self.watched: dict[tuple[int, int], tuple[str, str]] = {}

    def clock(self) -> int:
        return time.time_ns() + self.turned

    def write_functions(self) -> None:
        (self.folder / "functions").mkdir(exist_ok=True)
        (self.folder / "schema.py").write_text(SCHEMA)
        text = FUNCTIONS.replace("VERSION = 1", f"VERSION = {self.begun_version}")
        (self.folder / "functions" / "rooms.py").write_text(text)

    async def open(self) -> None:
        self.write_functions()
        await self.parts.open()
        for who in PEOPLE:
            client = Client(self.parts)
            if who is not None:
                await client.become(who)
            self.clients.append((who, client))

    # What may happen

    async def write(self, room: str) -> None:
        answered: asyncio.Future[RunResult] = asyncio.get_running_loop().create_future()
        self.submitted.append(room)
        number = len(self.submitted)
        self.parts.mutations.submit(Call("rooms:add", json.dumps({"room": room}).encode()), answered.set_result)
        result = await answered
        assert result.failure is None
        self.acknowledged = max(self.acknowledged, number)

    async def ask(self, function: str, room: str, who: str | None) -> None:
        args = json.dumps({"room": room}).encode()
        call = Call(f"rooms:{function}", args, PEOPLE[who])
        known, version, now = self.acknowledged, self.version, self.clock() / 1e6
        answer = self.parts.actions.run if function == "ask_inside" else self.parts.queries.answer
        result = await answer(call)
        assert result.failure is None, result.failure.text
        self.check(function, room, who, json.loads(result.value), known, version, now)

    async def reload(self) -> None:
        async with self.reloading:
            self.begun_version += 1
            self.write_functions()
            await self.parts.reload()
            self.version = self.begun_version

    async def turn(self, seconds: int) -> None:
        self.turned += seconds * 10**9

    async def watch(self, who: int, function: str, room: str) -> None:
        _, client = self.clients[who]
        query_id = self.watches = self.watches + 1
        self.watched[who, query_id] = function, room
        client.modify({"type": "Add", "queryId": query_id, "udfPath": f"rooms:{function}", "args": [{"room": room}]})

    async def leave(self, who: int) -> None:
        _, client = self.clients[who]
        found = next((query_id for watcher, query_id in self.watched if watcher == who), None)
        if found is not None:
            del self.watched[who, found]
            client.modify({"type": "Remove", "queryId": found})

    # What must be so

    def expected(self, function: str, room: str, who: str | None, writes: int) -> list[Any]:
        number = self.submitted[:writes].count(room)
        looks = "mine" in function
        return [number, *([who if number % 2 else None] if looks else [])]

    def check(
        self, function: str, room: str, who: str | None, answer: list[Any], known: int, version: int, now: float
    ) -> None:
        """The answer is of a moment between the question, with all writes known then, and now."""
        allowed = [self.expected(function, room, who, writes) for writes in range(known, len(self.submitted) + 1)]
        values = answer[1:-1] if "clock" in function else answer[1:]
        assert values in allowed, (function, room, who)
        assert version <= answer[0] <= self.begun_version
        if "clock" in function:
            assert now - CLOCK_SECONDS * 1000 - 1 <= answer[-1] <= self.clock() / 1e6

    async def check_all(self) -> None:
        """Nothing is under way: every answer, once and live, is exactly today's."""
        assert self.acknowledged == len(self.submitted)
        for function in (*FUNCTION_NAMES, "ask_inside"):
            for who in PEOPLE:
                await self.ask(function, "red", who)
                await self.ask(function, "red", who)
        for (number, query_id), (function, room) in self.watched.items():
            who, client = self.clients[number]
            wanted = [self.version, *self.expected(function, room, who, len(self.submitted))]
            await client.until(lambda c=client, q=query_id, w=wanted: q in c.results and c.value(q)[: len(w)] == w)


ROOMS = ["red", "blue"]
FUNCTION_NAMES = ["count", "waits", "mine", "waits_mine", "clock", "waits_clock_mine"]


@st.composite
def stories(draw: st.DrawFn) -> list[list[Any]]:
    """What happens, together and one after another. A story is about few things, so that they meet."""
    room = st.sampled_from(draw(st.sampled_from([ROOMS[:1], ROOMS])))
    functions = draw(st.lists(st.sampled_from(FUNCTION_NAMES), min_size=1, max_size=2))
    function = st.sampled_from(functions)
    asking = st.tuples(st.just("ask"), function | st.just("ask_inside"), room, st.sampled_from(list(PEOPLE)))
    step = st.one_of(
        asking,
        asking,
        asking,
        st.tuples(st.just("write"), room),
        st.tuples(st.just("watch"), st.integers(0, 2), function, room),
        st.tuples(st.just("leave"), st.integers(0, 2)),
        st.tuples(st.just("turn"), st.sampled_from([3, 11])),
        st.just(("reload",)),
    )
    return draw(st.lists(st.lists(step, min_size=1, max_size=10), max_size=8))


@given(stories(), st.sampled_from([0, 20_000, 2**20]))
# Who asks while the same runs does not get a result that is older than it may be.
@example([[("ask", "waits_clock_mine", "red", "bob"), ("turn", 11), ("ask", "waits_clock_mine", "red", "bob")]], 0)
@settings(max_examples=40)
@pytest.mark.timeout(300)
def test_every_answer_is_that_of_a_fresh_run(story: list[list[Any]], result_bytes: int):
    async def play() -> None:
        with tempfile.TemporaryDirectory() as folder:
            world = World(Path(folder), result_bytes)
            await world.open()
            try:
                for steps in story:
                    # All of them begin in this order, and go on as they can.
                    await _all(_one(world, step) for step in steps)
                await world.check_all()
                await world.write("red")
                await world.check_all()
                await world.reload()
                await world.check_all()
            finally:
                await world.parts.close()

    restore = logs.install()
    try:
        asyncio.run(play())
    finally:
        restore()


def _one(world: World, step: tuple[Any, ...]) -> Coroutine[Any, Any, None]:
    name, *given = step
    act: Callable[..., Coroutine[Any, Any, None]] = getattr(world, name)
    return act(*given)


async def _all(coroutines: Any) -> None:
    """Run them at the same time; the first that fails ends the others and is raised by itself."""
    tasks = [asyncio.ensure_future(each) for each in coroutines]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, AssertionError):
                await task
