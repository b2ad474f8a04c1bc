"""What the functions of this application call."""

from reactor import (
    ActionCtx,
    ConvexError,
    Id,
    MutationCtx,
    QueryCtx,
    action,
    internal_mutation,
    internal_query,
    mutation,
    query,
    v,
)

v_fresh = v.id("fresh")


class NotHere(ConvexError):
    """An application's own kind of ConvexError."""


@query
async def texts(ctx: QueryCtx) -> list[str]:
    return [note["text"] async for note in ctx.db.query("notes")]


@query
async def take(ctx: QueryCtx, n: int) -> list[str]:
    return [note["text"] for note in await ctx.db.query("notes").take(n)]


@query
async def carefully(ctx: QueryCtx, n: int) -> int:
    """How many notes can be read before a budget is spent."""
    found = 0
    try:
        async for _ in ctx.db.query("notes"):
            found += 1
    except Exception:
        return found
    return found


@mutation
async def add(ctx: MutationCtx, text: str, size: int = 0) -> Id["notes"]:
    return await ctx.db.insert("notes", {"text": text + "x" * size})


@mutation
async def add_many(ctx: MutationCtx, count: int) -> None:
    for number in range(count):
        await ctx.db.insert("notes", {"text": f"note {number}"})


@mutation
async def add_and_fail(ctx: MutationCtx, text: str, how: str = "value") -> None:
    await ctx.db.insert("notes", {"text": text})
    await ctx.db.insert(f"made_by_{text}", {})
    await ctx.db.query("others").collect()
    fail(how)


@query
async def failing(ctx: QueryCtx, how: str) -> None:
    fail(how)


@action
async def failing_action(ctx: ActionCtx, how: str) -> None:
    fail(how)


def fail(how: str) -> None:
    match how:
        case "value":
            raise ValueError("of no use")
        case "data":
            raise ConvexError({"code": "FULL", "seats": [1, 2]})
        case "own":
            raise NotHere({"code": "NOT_HERE"})
        case "bad data":
            raise ConvexError({1, 2})
        case "exit":
            raise SystemExit(3)
        case "cancelled":
            import asyncio

            raise asyncio.CancelledError
        case "long":
            raise ValueError("x" * 100_000)
        case _:
            while True:
                pass


@internal_query
async def identity(ctx: QueryCtx) -> dict | None:
    return await ctx.auth.get_user_identity()


@query
async def moment(ctx: QueryCtx) -> dict[str, float]:
    return {"now": ctx.now, "random": ctx.random.random()}


@query
async def about(ctx: QueryCtx):
    return {"function": await ctx.meta.get_function_metadata(), "budgets": await ctx.meta.get_transaction_metrics()}


@internal_mutation
async def hidden(ctx: MutationCtx):
    return await ctx.meta.get_function_metadata()


@query
async def promises_text(ctx: QueryCtx) -> str:
    return 1  # type: ignore[return-value]


@query
async def deeper(ctx: QueryCtx, levels: int) -> int:
    return 0 if levels == 0 else 1 + await ctx.run_query(deeper, levels=levels - 1)


@mutation
async def speaking(ctx: MutationCtx, text: str) -> None:
    print(text)


@query
async def opens(ctx: QueryCtx, **args):
    return args
