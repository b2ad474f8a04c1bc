"""Conversations: a thread belongs to a user and holds messages."""

from collections.abc import Sequence

from functions._generated.data_model import Thread, ThreadId
from functions._generated.server import MutationCtx, QueryCtx, mutation, query
from functions.access import own, user_of
from reactor import ConvexError, PaginationOptions, PaginationResult


class ThreadDetails(Thread):
    """A thread, and how many messages it has."""

    messages: int


@mutation
async def create(ctx: MutationCtx, title: str = "New conversation") -> ThreadId:
    """Start a conversation of the user who calls, and give its id."""
    user = await user_of(ctx)
    return await ctx.db.insert("threads", {"userId": user["_id"], "title": title, "lastActiveAt": ctx.now})


@query
async def get(ctx: QueryCtx, thread_id: ThreadId) -> ThreadDetails:
    """One thread with the number of its messages. Raises ConvexError when there is none that the caller may see."""
    thread = await own(ctx, "threads", thread_id)
    messages = ctx.db.query("messages").with_index("by_thread", lambda q: q.eq("threadId", thread_id))
    return {**thread, "messages": await messages.count()}


@query
async def page(ctx: QueryCtx, pagination_opts: PaginationOptions) -> PaginationResult[Thread]:
    """As `list`, a page at a time."""
    user = await user_of(ctx)
    threads = ctx.db.query("threads").with_index("by_user_and_activity", lambda q: q.eq("userId", user["_id"]))
    return await threads.order("desc").paginate(pagination_opts)


@query
async def list(ctx: QueryCtx, limit: int = 20) -> Sequence[Thread]:
    """The threads of the user who calls, the one with the newest message first."""
    user = await user_of(ctx)
    return await (
        ctx.db.query("threads")
        .with_index("by_user_and_activity", lambda q: q.eq("userId", user["_id"]))
        .order("desc")
        .take(limit)
    )


@mutation
async def rename(ctx: MutationCtx, thread_id: ThreadId, title: str) -> None:
    """Give a thread another title."""
    if not title.strip():
        raise ConvexError({"code": "EMPTY_TITLE"})
    await own(ctx, "threads", thread_id)
    await ctx.db.patch(thread_id, {"title": title.strip()})


@mutation
async def archive(ctx: MutationCtx, thread_id: ThreadId, archived: bool = True) -> None:
    """Put a thread away, or bring it back."""
    await own(ctx, "threads", thread_id)
    await ctx.db.patch(thread_id, {"archived": archived})


@mutation
async def delete(ctx: MutationCtx, thread_id: ThreadId) -> int:
    """Delete a thread with all its messages, as one step; gives how many messages went with it."""
    await own(ctx, "threads", thread_id)
    count = 0
    async for message in ctx.db.query("messages").with_index("by_thread", lambda q: q.eq("threadId", thread_id)):
        await ctx.db.delete(message["_id"])
        count += 1
    await ctx.db.delete(thread_id)
    return count
