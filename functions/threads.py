"""Conversations: a thread belongs to a user and holds messages."""

from typing import Any

from functions.access import own, user_of
from reactor import ConvexError, Id, MutationCtx, PaginationOptions, PaginationResult, QueryCtx, mutation, query, v


@mutation
async def create(ctx: MutationCtx, title: str = "New conversation") -> Id["threads"]:
    """Start a conversation of the user who calls, and give its id."""
    user = await user_of(ctx)
    return await ctx.db.insert("threads", {"userId": user["_id"], "title": title, "lastActiveAt": ctx.now})


@query
async def get(ctx: QueryCtx, thread_id: Id["threads"]) -> dict[str, Any]:
    """One thread with the number of its messages. Raises ConvexError when there is none that the caller may see."""
    thread = await own(ctx, "threads", thread_id)
    messages = ctx.db.query("messages").with_index("by_thread", lambda q: q.eq("threadId", thread_id))
    return {**thread, "messages": await messages.count()}


# Validators can be written out instead of type hints: then the names are used as they stand here.
@query(args={"limit": v.optional(v.number())})
async def list(ctx: QueryCtx, limit=20):
    """The threads of the user who calls, the one with the newest message first."""
    user = await user_of(ctx)
    return await (
        ctx.db.query("threads")
        .with_index("by_user_and_activity", lambda q: q.eq("userId", user["_id"]))
        .order("desc")
        .take(int(limit))
    )


@query
async def page(ctx: QueryCtx, pagination_opts: PaginationOptions) -> PaginationResult:
    """As `list`, a page at a time."""
    user = await user_of(ctx)
    threads = ctx.db.query("threads").with_index("by_user_and_activity", lambda q: q.eq("userId", user["_id"]))
    return await threads.order("desc").paginate(pagination_opts)


@mutation
async def rename(ctx: MutationCtx, thread_id: Id["threads"], title: str) -> None:
    """Give a thread another title."""
    if not title.strip():
        raise ConvexError({"code": "EMPTY_TITLE"})
    await own(ctx, "threads", thread_id)
    await ctx.db.patch(thread_id, {"title": title.strip()})


@mutation
async def archive(ctx: MutationCtx, thread_id: Id["threads"], archived: bool = True) -> None:
    """Put a thread away, or bring it back."""
    await own(ctx, "threads", thread_id)
    await ctx.db.patch(thread_id, {"archived": archived})


@mutation
async def delete(ctx: MutationCtx, thread_id: Id["threads"]) -> int:
    """Delete a thread with all its messages, as one step; gives how many messages went with it."""
    await own(ctx, "threads", thread_id)
    count = 0
    async for message in ctx.db.query("messages").with_index("by_thread", lambda q: q.eq("threadId", thread_id)):
        await ctx.db.delete(message["_id"])
        count += 1
    await ctx.db.delete(thread_id)
    return count
