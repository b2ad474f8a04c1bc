"""What is said in a thread, by the user and by the assistant."""

from typing import Any, Literal

from reactor import ActionCtx, ConvexError, Id, MutationCtx, QueryCtx, action, internal_mutation, mutation, query


@query
async def history(ctx: QueryCtx, thread_id: Id["threads"], limit: int = 100):
    """The newest `limit` messages of a thread, oldest first: what a chat shows and a language model is given."""
    newest = await (
        ctx.db.query("messages")
        .with_index("by_thread", lambda q: q.eq("threadId", thread_id))
        .order("desc")
        .take(limit)
    )
    return newest[::-1]


@mutation
async def save_user_message(ctx: MutationCtx, thread_id: Id["threads"], text: str) -> Id["messages"]:
    """Add what the user said and give the message's id."""
    if not text.strip():
        raise ConvexError({"code": "EMPTY_MESSAGE"})
    return await _save(ctx, thread_id, "user", text)


# Internal: clients cannot call it, so nobody can put words into the assistant's mouth.
@internal_mutation
async def save_assistant_message(ctx: MutationCtx, thread_id: Id["threads"], text: str) -> Id["messages"]:
    """Add what the assistant answered and give the message's id."""
    return await _save(ctx, thread_id, "assistant", text)


@action
async def recap(ctx: ActionCtx, thread_id: Id["threads"]) -> str:
    """Sum the conversation up as a message of the assistant, and give its text.

    An action may call anything outside, a language model for instance; it reads and writes the
    database by running queries and mutations, each a transaction of its own.
    """
    messages = await ctx.run_query(history, thread_id=thread_id)
    text = _recap_text(messages)
    await ctx.run_mutation(save_assistant_message, thread_id=thread_id, text=text)
    return text


async def _save(
    ctx: MutationCtx, thread_id: Id["threads"], role: Literal["user", "assistant"], text: str
) -> Id["messages"]:
    if await ctx.db.get(thread_id) is None:
        raise ConvexError({"code": "NO_SUCH_THREAD", "threadId": thread_id})
    # Both writes are one transaction: no reader ever sees the message without the thread's new activity.
    await ctx.db.patch(thread_id, {"lastActiveAt": ctx.now})
    return await ctx.db.insert("messages", {"threadId": thread_id, "role": role, "text": text})


def _recap_text(messages: list[dict[str, Any]]) -> str:
    asked = [message["text"] for message in messages if message["role"] == "user"]
    if not asked:
        return "Nothing was asked yet."
    return f"{len(asked)} asked so far; the last was: {asked[-1]}"
