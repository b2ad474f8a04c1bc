"""Functions in which an `await` is missing."""

# pyright: reportUnusedCoroutine=false
# ruff: noqa: RUF006 - nobody keeps these tasks: that is the point

import asyncio
import contextlib

from reactor import ActionCtx, DeveloperError, MutationCtx, action, internal_mutation, mutation

_left: list[asyncio.Task[str]] = []


@mutation
async def insert(ctx: MutationCtx):
    await ctx.db.insert("visits", {"room": "kept", "n": 1})
    ctx.db.insert("visits", {"room": "lost", "n": 2})


@mutation
async def several(ctx: MutationCtx):
    id = await ctx.db.insert("visits", {"room": "kept", "n": 1})
    ctx.db.patch(id, {"n": 2})
    ctx.db.replace(id, {"room": "lost", "n": 3})
    for _ in range(3):
        ctx.db.delete(id)


@mutation
def plain(ctx: MutationCtx):
    ctx.db.insert("visits", {"room": "lost", "n": 2})


@mutation
async def in_a_gather(ctx: MutationCtx):
    asyncio.gather(*(ctx.db.insert("visits", {"room": "lost", "n": n}) for n in range(3)))


@mutation
async def nested(ctx: MutationCtx):
    ctx.run_mutation("visits:add", room="lost")


@mutation
async def nested_that_goes_on(ctx: MutationCtx):
    asyncio.create_task(ctx.run_mutation(slow))
    await asyncio.sleep(0)


@internal_mutation
async def slow(ctx: MutationCtx):
    await ctx.db.insert("visits", {"room": "lost", "n": 1})
    for _ in range(20):
        await asyncio.sleep(0)


@mutation
async def caught(ctx: MutationCtx) -> str | None:
    """A nested mutation that forgets takes back its own writes only."""
    await ctx.db.insert("visits", {"room": "kept", "n": 1})
    try:
        await ctx.run_mutation(insert)
    except DeveloperError as error:
        return error.code
    return None


@mutation
async def awaited_later(ctx: MutationCtx) -> int:
    """All of these are right."""
    first = ctx.db.insert("visits", {"room": "kept", "n": 1})
    await asyncio.gather(first, ctx.run_mutation("visits:add", room="kept"))
    task = asyncio.create_task(ctx.db.insert("visits", {"room": "kept", "n": 1}))
    await task
    for n in range(1000):
        await ctx.db.patch(await first_id(ctx), {"n": n})
    with contextlib.suppress(DeveloperError):
        await ctx.db.insert("visits", {"wrong": 1})
    return len(await ctx.db.query("visits").collect())


async def first_id(ctx: MutationCtx) -> str:
    found = await ctx.db.query("visits").first()
    assert found is not None
    return found["_id"]


@mutation
async def late(ctx: MutationCtx):
    """A task that goes on when the function has returned, and then writes."""
    _left.append(asyncio.create_task(_write_late(ctx)))


async def _write_late(ctx: MutationCtx) -> str:
    for _ in range(20):
        await asyncio.sleep(0)
    return await ctx.db.insert("visits", {"room": "lost", "n": 1})


@action
async def what_came_of_it(ctx: ActionCtx) -> str | None:
    error = (await asyncio.gather(_left.pop(), return_exceptions=True))[0]
    return error.code if isinstance(error, DeveloperError) else str(error)


@action
async def by_action(ctx: ActionCtx):
    await ctx.run_mutation("visits:add", room="kept")
    ctx.run_mutation("visits:add", room="lost")


@action
def by_plain_action(ctx: ActionCtx):
    ctx.run_action("members:meet", name="nobody")


@action
async def fire_and_forget(ctx: ActionCtx):
    """The task goes on by itself: what an action starts is its own affair."""
    asyncio.create_task(ctx.run_mutation("visits:add", room="kept"))
