"""A mutation that writes much and of which each subscriber wants little."""

from reactor import MutationCtx, QueryCtx, mutation, query


@query
async def list(ctx: QueryCtx, key: str):
    """The last documents under a key, the newest last."""
    documents = ctx.db.query("documents").with_index("by_key", lambda q: q.eq("key", key))
    return (await documents.order("desc").take(50))[::-1]


@mutation
async def write(ctx: MutationCtx, key: str, body: str, elsewhere: str, count: int) -> None:
    """Write `count` documents: one under `key`, the others each under a key of its own beginning with `elsewhere`."""
    await ctx.db.insert("documents", {"key": key, "body": body})
    for n in range(1, count):
        await ctx.db.insert("documents", {"key": f"{elsewhere}-{n}", "body": body})
