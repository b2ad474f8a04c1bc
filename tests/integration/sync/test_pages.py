"""A live page keeps its end while its function fails, and has it again afterwards."""

from pathlib import Path

import pytest

from reactor import ConvexError
from reactor.testing import Backend

FUNCTIONS = """
from reactor import ConvexError, MutationCtx, QueryCtx, mutation, query

@query
async def page(ctx: QueryCtx):
    if await ctx.db.query("broken").first():
        raise ConvexError("broken")
    found = await ctx.db.query("things").with_index("by_place").paginate({"numItems": 2, "cursor": None})
    return [thing["place"] for thing in found["page"]]

@mutation
async def put(ctx: MutationCtx, *, place: float):
    await ctx.db.insert("things", {"place": place})

@mutation
async def turn(ctx: MutationCtx):
    broken = await ctx.db.query("broken").first()
    if broken is None:
        await ctx.db.insert("broken", {})
    else:
        await ctx.db.delete(broken["_id"])
"""
SCHEMA = """
from reactor import define_schema, define_table, v

schema = define_schema({
    "things": define_table(place=v.number()).index("by_place", ["place"]), "broken": define_table(v.any()),
})
"""


async def test_a_page_keeps_its_end_over_a_failure(tmp_path: Path) -> None:
    (tmp_path / "functions").mkdir()
    (tmp_path / "functions" / "pages.py").write_text(FUNCTIONS)
    (tmp_path / "schema.py").write_text(SCHEMA)
    async with Backend(tmp_path) as backend:
        for place in (1, 3, 5):
            await backend.mutation("pages:put", place=place)
        async with backend.subscribe("pages:page") as results:
            assert await results.next() == [1, 3]
            await backend.mutation("pages:turn")
            with pytest.raises(ConvexError, match="broken"):
                await results.next()
            await backend.mutation("pages:put", place=2)
            await backend.mutation("pages:turn")
            assert await results.next() == [1, 2, 3]
