"""Conversations: a thread belongs to a user and holds messages."""

from reactor import ConvexError, Id, MutationCtx, QueryCtx, mutation, query, v


@mutation
async def create(ctx: MutationCtx, user_id: Id["users"], title: str = "New conversation") -> Id["threads"]:
    """Start a conversation for a user and give its id."""
    if await ctx.db.get(user_id) is None:
        raise ConvexError({"code": "NO_SUCH_USER", "userId": user_id})
    return await ctx.db.insert("threads", {"userId": user_id, "title": title, "lastActiveAt": ctx.now})


@query
async def get(ctx: QueryCtx, thread_id: Id["threads"]):
    """One thread, or None when there is none with this id."""
    return await ctx.db.get(thread_id)


# Validators can be written out instead of type hints: then the names are used as they stand here.
@query(args={"userId": v.id("users"), "limit": v.optional(v.number())})
async def list(ctx: QueryCtx, userId, limit=20):  # noqa: N803
    """A user's threads, the one with the newest message first."""
    return await (
        ctx.db.query("threads")
        .with_index("by_user_and_activity", lambda q: q.eq("userId", userId))
        .order("desc")
        .take(int(limit))
    )


@mutation
async def delete(ctx: MutationCtx, thread_id: Id["threads"]) -> int:
    """Delete a thread with all its messages, as one step; gives how many messages went with it."""
    count = 0
    async for message in ctx.db.query("messages").with_index("by_thread", lambda q: q.eq("threadId", thread_id)):
        await ctx.db.delete(message["_id"])
        count += 1
    await ctx.db.delete(thread_id)
    return count
