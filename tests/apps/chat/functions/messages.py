"""Queries that read more or less of a channel, and the mutations that write to it."""

from reactor import ActionCtx, MutationCtx, QueryCtx, action, mutation, query


@query
async def list(ctx: QueryCtx, channel: str, limit: int = 50):
    """The newest messages of a channel, oldest first."""
    newest = await _in_channel(ctx, channel).order("desc").take(limit)
    return newest[::-1]


@query
async def bodies(ctx: QueryCtx, channel: str):
    """The texts of a channel's messages, oldest first."""
    return [message["body"] for message in await _in_channel(ctx, channel).collect()]


@query
async def first_ten(ctx: QueryCtx, channel: str):
    """The first ten messages by position."""
    return await (
        ctx.db.query("messages").with_index("by_channel_and_position", lambda q: q.eq("channel", channel)).take(10)
    )


@query
async def is_empty(ctx: QueryCtx, channel: str):
    """Reads the whole channel but says only one bit about it."""
    return not await _in_channel(ctx, channel).collect()


@query
async def count_all(ctx: QueryCtx):
    """Scans the table without an index."""
    return len(await ctx.db.query("messages").collect())


@mutation
async def send(ctx: MutationCtx, channel: str, body: str, position: float = 0.0):
    """Add a message and give its id."""
    return await ctx.db.insert("messages", {"channel": channel, "body": body, "position": position})


@mutation
async def edit(ctx: MutationCtx, id: str, body: str):
    """Change a message's text, perhaps to what it is already."""
    await ctx.db.patch(id, {"body": body})


@mutation
async def nothing(ctx: MutationCtx):
    """Write nothing."""


@action
async def shout(ctx: ActionCtx, channel: str, body: str) -> int:
    """Send a text in capitals; gives how many messages the channel then has."""
    await ctx.run_mutation(send, channel=channel, body=body.upper())
    return len(await ctx.run_query(bodies, channel=channel))


def _in_channel(ctx: QueryCtx, channel: str):
    return ctx.db.query("messages").with_index("by_channel", lambda q: q.eq("channel", channel))
