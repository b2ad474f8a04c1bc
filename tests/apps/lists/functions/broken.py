"""What looks like a transaction and is none: the checker must find out."""

import asyncio

from reactor import ActionCtx, ConvexError, MutationCtx, action, internal_mutation, mutation

_meetings: dict[str, asyncio.Barrier] = {}
_overheard: list[float] = []


@action
async def read_then_append(ctx: ActionCtx, read: str, append: str, value: float, meeting: str) -> list:
    """Read one list, wait until a second caller has read as well, and append in another transaction."""
    [found] = await ctx.run_query("lists:read", keys=[read])
    await _meet(meeting)
    await ctx.run_mutation("lists:run", steps=[["append", append, value]])
    return found


@action
async def replace(ctx: ActionCtx, read: str, append: str, value: float, meeting: str) -> list:
    """The same, but write what was read with one more value."""
    [found] = await ctx.run_query("lists:read", keys=[read])
    await _meet(meeting)
    await ctx.run_mutation(put, key=append, values=[*found, value])
    return found


@internal_mutation
async def put(ctx: MutationCtx, key: str, values: list) -> None:
    document = await ctx.db.query("lists").with_index("by_key", lambda q: q.eq("key", key)).unique()
    if document is None:
        await ctx.db.insert("lists", {"key": key, "values": values})
    else:
        await ctx.db.patch(document["_id"], {"values": values})


@mutation
async def append_or_whisper(ctx: MutationCtx, key: str, value: float, fails: bool) -> None:
    """Append. What a call that fails wanted to append is remembered outside of it, and the next call appends it."""
    steps = [["append", key, remembered] for remembered in _overheard]
    _overheard.clear()
    await ctx.run_mutation("lists:run", steps=[*steps, ["append", key, value]])
    if fails:
        _overheard.append(value)
        raise ConvexError("as it was asked to")


async def _meet(name: str) -> None:
    async with asyncio.timeout(20):
        await _meetings.setdefault(name, asyncio.Barrier(2)).wait()
