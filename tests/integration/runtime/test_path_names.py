"""Functions that are named by `api` and `internal` of the generated types, wherever a function can be named."""

from pathlib import Path

import pytest

from reactor import DeveloperError
from reactor.app.generated import codegen
from reactor.errors import LoadError
from reactor.runtime.loader import load
from reactor.runtime.path_names import PathName
from reactor.testing import Backend

ROOMS = """\
from functions._generated.api import api, internal
from functions._generated.server import ActionCtx, MutationCtx, QueryCtx, action, internal_mutation, mutation, query

@query
async def count(ctx: QueryCtx) -> int:
    return await ctx.db.query("rooms").count()

@internal_mutation
async def add(ctx: MutationCtx, name: str) -> str:
    return await ctx.db.insert("rooms", {"name": name})

@action
async def open(ctx: ActionCtx, name: str) -> int:
    await ctx.run_mutation(internal.hotel.rooms.add, name=name)
    await ctx.scheduler.run_after(1000, internal.hotel.rooms.add, name="later")
    return await ctx.run_query(api.hotel.rooms.count)

@mutation
async def double(ctx: MutationCtx) -> int:
    await ctx.run_mutation(internal.hotel.rooms.add, name="one more")
    await ctx.scheduler.run_at(ctx.now + 1000, internal.hotel.rooms.add, name="later")
    return await ctx.run_query(api.hotel.rooms.count)

@mutation
async def lost(ctx: MutationCtx) -> None:
    await ctx.run_query(api.hotel.nothing)

@mutation
async def late(ctx: MutationCtx) -> None:
    await ctx.scheduler.run_after(0, api.hotel.nothing)
"""

CRONS = """\
from functions._generated.api import internal
from reactor import cron_jobs

crons = cron_jobs()
crons.interval("add", {{"minutes": 1}}, internal.hotel.rooms.{name}, name="again")
"""

api = PathName()


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "functions" / "hotel").mkdir(parents=True)
    (tmp_path / "functions" / "hotel" / "rooms.py").write_text(ROOMS)
    (tmp_path / "functions" / "crons.py").write_text(CRONS.format(name="add"))
    codegen(tmp_path, check=False)
    return tmp_path


async def test_calls_schedules_and_crons_take_them(app: Path):
    assert load(app).crons["add"].path.endswith("hotel/rooms.js:add")
    async with Backend(app) as backend:
        assert await backend.action(api.hotel.rooms.open, name="a") == 1
        assert await backend.mutation(api.hotel.rooms.double) == 2
        await backend.advance(seconds=2)
        # Two, the two that were to come later, and that of the cron job, which begins at once.
        assert await backend.query(api.hotel.rooms.count) == 5
        async with backend.subscribe(api.hotel.rooms.count) as counts:
            assert await counts.next() == 5


async def test_one_that_names_nothing_says_so(app: Path):
    async with Backend(app) as backend:
        with pytest.raises(DeveloperError, match="Could not find function for 'hotel:nothing'"):
            await backend.mutation("hotel/rooms:lost")
        with pytest.raises(DeveloperError, match="nonexistent path: hotel:nothing"):
            await backend.mutation("hotel/rooms:late")
    (app / "functions" / "crons.py").write_text(CRONS.format(name="gone"))
    with pytest.raises(LoadError, match="cron job 'add' runs hotel/rooms:gone, which does not exist"):
        load(app)
