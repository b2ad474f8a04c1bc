"""What was written, by whom and in which order: the evidence of the crash tests."""

from reactor import MutationCtx, QueryCtx, mutation, query


@mutation
async def add(ctx: MutationCtx, ledger: str, writer: str, sequence: int, padding: str = "") -> int:
    """Write one entry and count it: two documents that must both be there or neither. Gives the count so far."""
    counter = await _counter(ctx, ledger)
    if counter is None:
        counter = {"_id": await ctx.db.insert("counters", {"name": ledger, "value": 0}), "value": 0}
    await ctx.db.patch(counter["_id"], {"value": counter["value"] + 1})
    await ctx.db.insert("entries", {"ledger": ledger, "writer": writer + padding, "sequence": sequence})
    return counter["value"] + 1


@query
async def entries(ctx: QueryCtx, ledger: str):
    """All entries in the order they were written, as [writer, sequence, creation time]."""
    return [
        [entry["writer"].rstrip(), entry["sequence"], entry["_creationTime"]]
        async for entry in ctx.db.query("entries").with_index("by_ledger", lambda q: q.eq("ledger", ledger))
    ]


@query
async def count(ctx: QueryCtx, ledger: str):
    """The counter's value; equals the number of entries."""
    counter = await _counter(ctx, ledger)
    return counter["value"] if counter else 0


async def _counter(ctx: QueryCtx | MutationCtx, ledger: str):
    return await ctx.db.query("counters").with_index("by_name", lambda q: q.eq("name", ledger)).unique()
