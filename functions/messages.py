"""What is said in a thread, by the user and by the assistant.

The assistant answers word by word: its message is there from the first word on and grows, and whoever looks at the
thread sees it grow.
"""

import asyncio

from functions._generated.data_model import Message, MessageFields, MessageId, ThreadId
from functions._generated.server import (
    ActionCtx,
    MutationCtx,
    QueryCtx,
    internal_action,
    internal_mutation,
    internal_query,
    mutation,
    query,
)
from functions.access import own
from functions.assistant import answer_to
from reactor import ConvexError, PaginationOptions, PaginationResult

MAX_CHARACTERS = 4_000

_WORDS_AT_ONCE = 4


@query
async def history(ctx: QueryCtx, thread_id: ThreadId, limit: int = 100) -> list[Message]:
    """The newest `limit` messages of a thread, oldest first: what a chat shows."""
    await own(ctx, "threads", thread_id)
    return await _newest(ctx, thread_id, min(max(limit, 1), 500))


@query
async def page(ctx: QueryCtx, thread_id: ThreadId, pagination_opts: PaginationOptions) -> PaginationResult[Message]:
    """The messages of a thread, the newest first, a page at a time."""
    await own(ctx, "threads", thread_id)
    messages = ctx.db.query("messages").with_index("by_thread", lambda q: q.eq("threadId", thread_id))
    return await messages.order("desc").paginate(pagination_opts)


@mutation
async def save_user_message(ctx: MutationCtx, thread_id: ThreadId, text: str) -> MessageId:
    """Add what the user said, have the assistant answer, and give the message's id."""
    if not text.strip():
        raise ConvexError({"code": "EMPTY_MESSAGE"})
    if len(text) > MAX_CHARACTERS:
        raise ConvexError({"code": "MESSAGE_TOO_LONG", "limit": MAX_CHARACTERS})
    await own(ctx, "threads", thread_id)
    # Both writes are one transaction: no reader ever sees the message without the thread's new activity. The answer
    # is scheduled with them: it begins when they are stored, and not at all if they are not.
    await ctx.db.patch(thread_id, {"lastActiveAt": ctx.now})
    message = await ctx.db.insert("messages", {"threadId": thread_id, "role": "user", "text": text})
    await ctx.scheduler.run_after(0, answer, thread_id=thread_id)
    return message


# Internal: clients cannot call it, so nobody can put words into the assistant's mouth.
@internal_mutation
async def save_assistant_message(
    ctx: MutationCtx, thread_id: ThreadId, text: str, message_id: MessageId | None = None, done: bool = True
) -> MessageId | None:
    """Add what the assistant answers, or let its message be longer; None when the thread is gone."""
    if await ctx.db.get(thread_id) is None:
        return None
    if message_id is None:
        fields: MessageFields = {"threadId": thread_id, "role": "assistant", "text": text, "streaming": not done}
        message_id = await ctx.db.insert("messages", fields)
    elif await ctx.db.get(message_id) is None:
        return None
    else:
        await ctx.db.patch(message_id, {"text": text, "streaming": not done})
    if done:
        await ctx.db.patch(thread_id, {"lastActiveAt": ctx.now})
    return message_id


@internal_query
async def to_answer(ctx: QueryCtx, thread_id: ThreadId) -> list[Message]:
    """What the assistant is given: the newest messages, oldest first; none when the thread is gone."""
    return await _newest(ctx, thread_id, 20)


@internal_action
async def answer(ctx: ActionCtx, thread_id: ThreadId) -> None:
    """Answer the last message, a few words at a time.

    An action may call anything outside, a language model for instance; it reads and writes the database by running
    queries and mutations, each a transaction of its own.
    """
    messages = await ctx.run_query(to_answer, thread_id=thread_id)
    if not messages:
        return
    words = answer_to(messages).split(" ")
    message_id: MessageId | None = None
    for end in range(_WORDS_AT_ONCE, len(words) + _WORDS_AT_ONCE, _WORDS_AT_ONCE):
        text, done = " ".join(words[:end]), end >= len(words)
        message_id = await ctx.run_mutation(
            save_assistant_message, thread_id=thread_id, text=text, message_id=message_id, done=done
        )
        if message_id is None or done:
            return
        await asyncio.sleep(0.04)


async def _newest(ctx: QueryCtx, thread_id: ThreadId, limit: int) -> list[Message]:
    messages = ctx.db.query("messages").with_index("by_thread", lambda q: q.eq("threadId", thread_id))
    newest = await messages.order("desc").take(limit)
    return newest[::-1]
