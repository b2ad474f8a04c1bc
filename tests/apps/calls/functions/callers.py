"""Functions that call others in every way there is, also in those that a type checker refuses."""

# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportOptionalSubscript=false

import asyncio
from contextlib import suppress
from typing import Any

from functions import notes
from reactor import ActionCtx, ConvexError, DeveloperError, MutationCtx, QueryCtx, action, mutation, query


def told(error: BaseException) -> dict[str, Any]:
    """What a caller can tell of an exception."""
    data = error.data if isinstance(error, ConvexError) else None
    return {"type": type(error).__name__, "text": str(error)[:300], "code": getattr(error, "code", None), "data": data}


@query
async def in_query(ctx: QueryCtx, method: str, target: str, args: Any = None, options: Any = None):
    """Call by any method and tell what came of it."""
    try:
        return {"value": await getattr(ctx, method)(target, args, **(options or {}))}
    except Exception as error:
        return told(error)


@mutation
async def in_mutation(ctx: MutationCtx, method: str, target: str, args: Any = None, options: Any = None):
    try:
        return {"value": await getattr(ctx, method)(target, args, **(options or {}))}
    except Exception as error:
        return told(error)


@action
async def in_action(ctx: ActionCtx, method: str, target: str, args: Any = None, options: Any = None):
    try:
        return {"value": await getattr(ctx, method)(target, args, **(options or {}))}
    except Exception as error:
        return told(error)


@mutation
async def uncaught(ctx: MutationCtx, method: str, target: str, args: Any = None):
    return await getattr(ctx, method)(target, args)


@action
async def uncaught_action(ctx: ActionCtx, method: str, target: str, args: Any = None):
    return await getattr(ctx, method)(target, args)


@mutation
async def add_around_a_failure(ctx: MutationCtx) -> list[str]:
    """Write, let a nested mutation fail, and go on."""
    await ctx.db.insert("notes", {"text": "before"})
    try:
        await ctx.run_mutation(notes.add_and_fail, text="undone")
    except ValueError:
        await ctx.db.insert("notes", {"text": "after"})
    return await ctx.run_query(notes.texts)


@mutation
async def add_then_look(ctx: MutationCtx, stale: bool) -> list[str]:
    await ctx.db.insert("notes", {"text": "new"})
    return await ctx.run_query(notes.texts, use_stale_snapshot=stale)


@mutation
async def write_over(ctx: MutationCtx, given: int, writes: int) -> dict[str, Any]:
    """A nested mutation with a budget of its own, and what the caller can write after that."""
    try:
        await ctx.run_mutation(notes.add_many, count=writes, transaction_limits={"documents_written": given})
        outcome: Any = "ended"
    except DeveloperError as error:
        outcome = error.code
    used = (await ctx.meta.get_transaction_metrics())["documentsWritten"]["used"]
    await ctx.run_mutation(notes.add, text="the caller's")
    return {"outcome": outcome, "used": used, "texts": len(await ctx.run_query(notes.texts))}


@query
async def read_within(ctx: QueryCtx, limits: dict[str, Any], n: int) -> Any:
    """A nested query with a budget of its own, between two without."""
    first = len(await ctx.run_query(notes.take, n=1))
    try:
        inner: Any = len(await ctx.run_query(notes.take, n=n, transaction_limits=limits))
    except DeveloperError as error:
        inner = [error.code, str(error)]
    return [first, inner, len(await ctx.run_query(notes.take, n=n))]


@mutation
async def moments(ctx: MutationCtx) -> list[dict[str, float]]:
    own = {"now": ctx.now, "random": ctx.random.random()}
    return [own, await ctx.run_query(notes.moment), await ctx.run_query(notes.moment)]


@mutation
async def created(ctx: MutationCtx) -> list[float]:
    """Creation times around an insert that is undone."""
    first = await ctx.db.insert("notes", {"text": "first"})
    with suppress(ValueError):
        await ctx.run_mutation(notes.add_and_fail, text="undone")
    second = await ctx.db.insert("notes", {"text": "second"})
    return [(await ctx.db.get(id))["_creationTime"] for id in (first, second)]


@mutation
async def table_of_its_own(ctx: MutationCtx) -> list[Any]:
    """A table that exists from here on is known to nested calls, and one that was undone is not."""
    id = await ctx.db.insert("fresh", {"text": "x"})
    with suppress(ValueError):
        await ctx.run_mutation(notes.add_and_fail, text="undone")
    return [await ctx.run_query(reads_fresh, id=id), await ctx.db.query("made_by_undone").collect()]


@query(args={"id": notes.v_fresh})
async def reads_fresh(ctx, id):
    return (await ctx.db.get(id))["text"]


@mutation
async def together(ctx: MutationCtx) -> list[str]:
    await asyncio.gather(*(ctx.run_mutation(notes.add, text=str(number)) for number in range(3)))
    return await ctx.run_query(notes.texts)


@mutation
async def speaks_around(ctx: MutationCtx) -> None:
    print("outer begins")
    await ctx.run_mutation(notes.speaking, text="inner")
    print("outer ends")


@action
async def speaks_much(ctx: ActionCtx, times: int) -> None:
    for number in range(times):
        await ctx.run_mutation(notes.speaking, text=f"line {number}")


@mutation
async def about_all(ctx: MutationCtx):
    await ctx.db.insert("notes", {"text": "counted"})
    return {
        "own": await ctx.meta.get_function_metadata(),
        "hidden": await ctx.run_mutation(notes.hidden),
        "nested": await ctx.run_query(notes.about),
        "request": await ctx.meta.get_request_metadata(),
        "budgets": await ctx.meta.get_transaction_metrics(),
    }


@action
async def about_action(ctx: ActionCtx):
    return {
        "own": await ctx.meta.get_function_metadata(),
        "request": await ctx.meta.get_request_metadata(),
        "mutation": (await ctx.run_mutation(about_all))["request"],
    }


@action
async def metrics_in_action(ctx: ActionCtx):
    return await ctx.meta.get_transaction_metrics()


@query
async def request_in_query(ctx: QueryCtx):
    return await ctx.meta.get_request_metadata()


@query
async def unconsumed(ctx: QueryCtx):
    return ctx.db.query("notes").order("desc")


@query
async def unconsumed_inside(ctx: QueryCtx):
    return {"notes": ctx.db.query("notes")}


@query
async def unawaited(ctx: QueryCtx):
    return ctx.db.query("notes").collect()


@query
async def unawaited_with_hint(ctx: QueryCtx) -> list[str]:
    return notes.texts(ctx)  # type: ignore[return-value]
