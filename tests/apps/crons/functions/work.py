"""What cron jobs run, and what looks at it."""

import asyncio
from typing import Any

from reactor import ActionCtx, MutationCtx, QueryCtx, internal_action, internal_mutation, mutation, query

STOPPED: dict[str, asyncio.Event] = {}
"""Actions by name that wait until a test lets them go on."""

FAILS: list[str] = []
"""Names of actions that fail, once for each time that they stand here."""


@query
async def texts(ctx: QueryCtx) -> list[str]:
    return [note["text"] for note in await ctx.db.query("notes").collect()]


@query
async def numbered(ctx: QueryCtx) -> list[list[Any]]:
    return [[note["text"], note["at"]] for note in await ctx.db.query("notes").collect()]


@query
async def count(ctx: QueryCtx) -> int:
    return await ctx.db.query("notes").count()


@query
async def unfinished(ctx: QueryCtx) -> int:
    """How many scheduled functions have not come to their end."""
    kinds = [job["state"]["kind"] for job in await ctx.db.system.query("_scheduled_functions").collect()]
    return sum(kind not in ("success", "failed") for kind in kinds)


@query
async def jobs(ctx: QueryCtx) -> list[Any]:
    return await ctx.db.system.query("_scheduled_functions").collect()


@internal_mutation
async def note(ctx: MutationCtx, text: str) -> str:
    """Notes the text, who calls, and when."""
    print("noting", text)
    await ctx.db.insert("notes", {"text": text, "at": ctx.now, "by": str(await ctx.auth.get_user_identity())})
    return text


@internal_mutation
async def broken(ctx: MutationCtx) -> None:
    await ctx.db.insert("notes", {"text": "never", "at": ctx.now})
    raise ValueError("broken off")


@internal_action
async def act(ctx: ActionCtx, name: str) -> None:
    await _work(ctx, name)


@internal_action(retries=3, backoff=10, max_backoff=15)
async def insist(ctx: ActionCtx, name: str) -> None:
    await _work(ctx, name)


@internal_action(retries=100, backoff=0.02, max_backoff=0.05)
async def insist_soon(ctx: ActionCtx, name: str) -> None:
    """Fails at every third try that gets as far, and leaves a note of each that began."""
    await ctx.run_mutation(note, text=f"{name} began")
    if await ctx.run_query(count) % 3 == 0:
        raise ValueError("no luck")
    await ctx.run_mutation(note, text=f"{name} ended")


async def _work(ctx: ActionCtx, name: str) -> None:
    await ctx.run_mutation(note, text=name)
    if name in FAILS:
        FAILS.remove(name)
        raise ValueError(f"{name} failed")
    if name in STOPPED:
        await STOPPED[name].wait()


@mutation
async def later(ctx: MutationCtx, path: str, name: str) -> str:
    return await ctx.scheduler.run_after(0, path, name=name)


@mutation
async def many(ctx: MutationCtx, first: int, count: int) -> None:
    for number in range(first, first + count):
        await ctx.scheduler.run_after(0, insist_soon, name=str(number))
        await ctx.scheduler.run_after(0, act, name=f"once {number}")
        await ctx.scheduler.run_after(0, note, text=f"mutation {number}")
