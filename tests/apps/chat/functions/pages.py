"""Pages of a channel by position, and writes at any place of it."""

from reactor import MutationCtx, PaginationOptions, QueryCtx, mutation, query


@query
async def page(ctx: QueryCtx, channel: str, pagination_opts: PaginationOptions):
    """A page of a channel."""
    return await _by_position(ctx, channel).paginate(pagination_opts)


@query
async def small_pages(ctx: QueryCtx, channel: str, pagination_opts: PaginationOptions):
    """The same, with little to read for a new page."""
    return await _by_position(ctx, channel).paginate({**pagination_opts, "maximumRowsRead": 3})


@query
async def page_of_favourite(ctx: QueryCtx, pagination_opts: PaginationOptions):
    """A page of the channel that the newest message in "favourite" names: its range depends on a document."""
    favourite = await ctx.db.query("messages").with_index("by_channel", lambda q: q.eq("channel", "favourite")).first()
    return await _by_position(ctx, favourite["body"] if favourite else "").paginate(pagination_opts)


@query
async def everything(ctx: QueryCtx, channel: str):
    """All of a channel, in the order of the pages."""
    return await _by_position(ctx, channel).collect()


@mutation
async def fill(ctx: MutationCtx, channel: str, count: int):
    """Messages at 0, 10, 20, …, which nobody removes."""
    for number in range(count):
        await ctx.db.insert("messages", {"channel": channel, "body": "stays", "position": number * 10})


@mutation
async def put(ctx: MutationCtx, channel: str, position: float):
    """A message that may go again."""
    return await ctx.db.insert("messages", {"channel": channel, "body": "passes", "position": position})


@mutation
async def move(ctx: MutationCtx, id: str, position: float):
    """Put a message somewhere else."""
    await ctx.db.patch(id, {"position": position})


@mutation
async def remove(ctx: MutationCtx, id: str):
    """Remove a message."""
    await ctx.db.delete(id)


@mutation
async def choose(ctx: MutationCtx, channel: str):
    """Make a channel the favourite."""
    async for message in ctx.db.query("messages").with_index("by_channel", lambda q: q.eq("channel", "favourite")):
        await ctx.db.delete(message["_id"])
    await ctx.db.insert("messages", {"channel": "favourite", "body": channel})


def _by_position(ctx: QueryCtx | MutationCtx, channel: str):
    return ctx.db.query("messages").with_index("by_channel_and_position", lambda q: q.eq("channel", channel))
