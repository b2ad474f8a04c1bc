"""One document that everyone wants to change."""

from reactor import MutationCtx, QueryCtx, mutation, query


@query
async def get(ctx: QueryCtx, name: str) -> int:
    """The count so far; 0 for a counter that does not exist yet."""
    counter = await ctx.db.query("counters").with_index("by_name", lambda q: q.eq("name", name)).unique()
    return 0 if counter is None else counter["value"]


@mutation
async def add(ctx: MutationCtx, name: str) -> int:
    """Add 1; the new count."""
    counter = await ctx.db.query("counters").with_index("by_name", lambda q: q.eq("name", name)).unique()
    if counter is None:
        await ctx.db.insert("counters", {"name": name, "value": 1})
        return 1
    await ctx.db.patch(counter["_id"], {"value": counter["value"] + 1})
    return counter["value"] + 1
