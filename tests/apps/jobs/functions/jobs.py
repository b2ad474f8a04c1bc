"""Functions that schedule functions, and what they schedule."""

import asyncio
import contextlib
from typing import Any

from reactor import ActionCtx, MutationCtx, QueryCtx, action, internal_action, internal_mutation, mutation, query

STOPPED: dict[str, asyncio.Event] = {}
"""Actions by name that wait until a test lets them go on."""


@query
async def texts(ctx: QueryCtx, skip: int = 0) -> list[str]:
    return [note["text"] for note in await ctx.db.query("notes").collect()][skip : skip + 6_000]


@query
async def newest(ctx: QueryCtx) -> str | None:
    note = await ctx.db.query("notes").order("desc").first()
    return None if note is None else note["text"]


@query
async def states(ctx: QueryCtx) -> list[str]:
    return [job["state"]["kind"] for job in await ctx.db.system.query("_scheduled_functions").collect()]


@query
async def job(ctx: QueryCtx, id: str) -> Any:
    return await ctx.db.system.get(id)


@mutation
async def later(ctx: MutationCtx, text: str, delay: float = 0) -> str:
    return await ctx.scheduler.run_after(delay, note, text=text)


@mutation
async def schedule(ctx: MutationCtx, path: str, args: dict[str, Any] | None = None, delay: float = 0) -> str:
    return await ctx.scheduler.run_after(delay, path, args or {})


@mutation
async def many(ctx: MutationCtx, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        await ctx.scheduler.run_after(0, note, text=str(number))


@mutation
async def cancel(ctx: MutationCtx, id: str) -> None:
    await ctx.scheduler.cancel(id)


@internal_mutation
async def note(ctx: MutationCtx, text: str) -> None:
    await ctx.db.insert("notes", {"text": text})


@internal_mutation
async def break_off(ctx: MutationCtx, text: str) -> None:
    await ctx.db.insert("notes", {"text": text})
    await ctx.scheduler.run_after(0, note, text="never")
    raise ValueError("broken off")


@internal_mutation
async def look(ctx: MutationCtx) -> None:
    """Notes what the row of the job that runs looks like from inside, and who calls."""
    for each in await ctx.db.system.query("_scheduled_functions").collect():
        if each["name"].endswith(":look"):
            await ctx.db.insert("notes", {"text": each["state"]["kind"]})
    await ctx.db.insert("notes", {"text": str(await ctx.auth.get_user_identity())})


@internal_mutation
async def cancel_newest(ctx: MutationCtx) -> None:
    newest = await ctx.db.system.query("_scheduled_functions").order("desc").first()
    assert newest is not None
    await ctx.scheduler.cancel(newest["_id"])


@mutation
async def nested(ctx: MutationCtx) -> list[Any]:
    with contextlib.suppress(ValueError):
        await ctx.run_mutation(break_off, text="lost")
    await ctx.scheduler.run_after(0, note, text="kept")
    metrics = await ctx.meta.get_transaction_metrics()
    return [metrics["functionsScheduled"]["used"], metrics["scheduledFunctionArgsBytes"]["used"]]


@internal_mutation
async def start(ctx: MutationCtx, number: int) -> None:
    await ctx.db.insert("starts", {"number": number})


@internal_action
async def act(ctx: ActionCtx, number: int) -> str:
    await ctx.run_mutation(start, number=number)
    return "done"


@internal_action
async def fail(ctx: ActionCtx) -> None:
    raise ValueError("no luck")


@action
async def from_action(ctx: ActionCtx, text: str, fails: bool = False) -> str:
    id = await ctx.scheduler.run_after(0, note, text=text)
    if fails:
        raise ValueError("afterwards")
    return id


@internal_action
async def wait(ctx: ActionCtx, name: str) -> None:
    """Begins, waits until it is let go, and schedules then."""
    await ctx.run_mutation(note, text=f"{name} began")
    await STOPPED.setdefault(name, asyncio.Event()).wait()
    await ctx.scheduler.run_after(0, note, text=f"{name} scheduled")
    await ctx.run_mutation(later, text=f"{name} scheduled by a mutation")


@query
async def starts(ctx: QueryCtx) -> list[int]:
    return [each["number"] for each in await ctx.db.query("starts").collect()]


@mutation
async def schedule_acts(ctx: MutationCtx, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        await ctx.scheduler.run_after(0, act, number=number)


@mutation
async def note_now(ctx: MutationCtx, text: str) -> None:
    await ctx.db.insert("notes", {"text": text})


@query
async def ends(ctx: QueryCtx) -> list[Any]:
    """Number, state and error of each action that has been scheduled."""
    jobs = await ctx.db.system.query("_scheduled_functions").collect()
    acts = [job for job in jobs if job["name"].endswith(":act")]
    return [[job["args"][0]["number"], job["state"]["kind"], job["state"].get("error")] for job in acts]


@mutation
async def wait_later(ctx: MutationCtx, name: str) -> str:
    return await ctx.scheduler.run_after(0, wait, name=name)
