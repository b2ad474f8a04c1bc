"""A chat: the query that most of the workloads watch, and the mutation that they send."""

from reactor import MutationCtx, QueryCtx, mutation, query, v


@query
async def list(ctx: QueryCtx, channel: str, limit: int = 50):
    """The last messages of a channel, the newest last."""
    messages = ctx.db.query("messages").with_index("by_channel", lambda q: q.eq("channel", channel))
    newest = await messages.order("desc").take(limit)
    return newest[::-1]


@mutation(returns=v.id("messages"))
async def send(ctx: MutationCtx, channel: str, body: str):
    """Add a message to a channel; its id."""
    return await ctx.db.insert("messages", {"channel": channel, "author": "bench", "body": body})
