"""Functions that may not be called often."""

import asyncio

from reactor import ActionCtx, MutationCtx, QueryCtx, Rate, action, mutation, query


@query(rate=Rate(2, per="hour"))
async def seldom(ctx: QueryCtx) -> int:
    return len(await ctx.db.query("notes").collect())


@query(rate=Rate(5, per="second", burst=1))
async def soon(ctx: QueryCtx, n: int = 0) -> list[int]:
    return [n, len(await ctx.db.query("notes").collect())]


@query(rate=Rate(1, per=3))
async def slowly(ctx: QueryCtx, n: int) -> list[int]:
    return [n, len(await ctx.db.query("notes").collect())]


@query
async def count(ctx: QueryCtx) -> int:
    return len(await ctx.db.query("notes").collect())


@mutation(rate=Rate(2, per="hour"))
async def add(ctx: MutationCtx, text: str = "x") -> int:
    await ctx.db.insert("notes", {"text": text})
    return len(await ctx.db.query("notes").collect())


@action(rate=Rate(2, per="hour"))
async def ask(ctx: ActionCtx) -> str:
    return "answer"


@mutation
async def add_many(ctx: MutationCtx, n: int) -> int:
    for _ in range(n):
        await ctx.run_mutation(add)
    await ctx.scheduler.run_after(0, add, {"text": "scheduled"})
    return await ctx.run_query(seldom)


@action
async def ask_many(ctx: ActionCtx, n: int) -> list[str]:
    for _ in range(n):
        await ctx.run_mutation(add)
        await ctx.run_query(seldom)
    return [await ctx.run_action(ask) for _ in range(n)]


gate = asyncio.Event()


@action
async def wait(ctx: ActionCtx) -> str:
    await gate.wait()
    return "open"


@action
async def open_gate(ctx: ActionCtx) -> None:
    gate.set()
