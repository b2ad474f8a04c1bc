"""Bulk inserts: the stage for measurements on a large table."""

from reactor import MutationCtx, mutation


@mutation
async def messages(ctx: MutationCtx, first: int, count: int, depth: int) -> None:
    """Insert the documents numbered from `first` on, `depth` of them in each channel."""
    for n in range(first, first + count):
        channel = f"fill-{n // depth:06d}"
        body = f"document {n} of a table that is large in this measurement and small in the other"
        await ctx.db.insert("messages", {"channel": channel, "author": "bench", "body": body})
