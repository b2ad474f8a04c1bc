"""Functions that fail in every way a function can."""

import logging

from reactor import (
    ActionCtx,
    ConvexError,
    MutationCtx,
    QueryCtx,
    action,
    internal_query,
    mutation,
    query,
)


@query
async def healthy(ctx: QueryCtx, text: str = "well"):
    """What every test asks afterwards."""
    return {"text": text, "notes": len(await ctx.db.query("notes").collect())}


@mutation
async def note(ctx: MutationCtx, text: str):
    """Write a note."""
    return await ctx.db.insert("notes", {"text": text})


@mutation
async def unnote(ctx: MutationCtx, id: str):
    """Take a note back."""
    await ctx.db.delete(id)


@query
async def anything(ctx: QueryCtx, **args):
    """Accepts all arguments that are values."""
    return len(args)


@query
async def raises(ctx: QueryCtx):
    raise ValueError("the query failed")


@query
async def raises_data(ctx: QueryCtx):
    raise ConvexError({"code": "FULL", "seats": 30})


@query
async def raises_when_noted(ctx: QueryCtx):
    """Works until the first note is there."""
    if await ctx.db.query("notes").first():
        raise ConvexError("noted")
    return "fine"


@mutation
async def writes_then_raises(ctx: MutationCtx, text: str):
    await ctx.db.insert("notes", {"text": text})
    raise ValueError("the mutation failed")


@mutation
async def writes_then_raises_data(ctx: MutationCtx, text: str):
    await ctx.db.insert("notes", {"text": text})
    raise ConvexError({"code": "REFUSED", "text": text})


@action
async def action_raises(ctx: ActionCtx):
    raise ValueError("the action failed")


@action
async def action_raises_data(ctx: ActionCtx):
    raise ConvexError(["no", 1])


@action
async def echo(ctx: ActionCtx, text: str) -> str:
    return text


@query
async def loops_for_ever(ctx: QueryCtx):
    while True:
        try:
            while True:
                pass
        except Exception:
            pass


@mutation
async def note_then_loops_for_ever(ctx: MutationCtx, text: str):
    await ctx.db.insert("notes", {"text": text})
    while True:
        pass


@internal_query
async def hidden(ctx: QueryCtx):
    return "secret"


@mutation
async def big_document(ctx: MutationCtx, size: int):
    """Insert a document of about `size` bytes."""
    return await ctx.db.insert("notes", {"text": "x" * size})


@query
async def speaks(ctx: QueryCtx):
    print("printed", 1)
    logging.getLogger("school").warning("logged %s", "twice")
    return "spoken"


@mutation
async def speaks_in_mutation(ctx: MutationCtx):
    print("from the mutation")


@action
async def speaks_in_action(ctx: ActionCtx):
    print("from the action")


@query
async def big_result(ctx: QueryCtx, size: int):
    """A result of about `size` bytes, another one after each `turn`."""
    turn = await ctx.db.query("turns").first()
    return {"turns": turn["count"] if turn else 0, "text": "x" * size}


@mutation
async def turn(ctx: MutationCtx) -> int:
    turn = await ctx.db.query("turns").first()
    if turn is None:
        await ctx.db.insert("turns", {"count": 1})
        return 1
    await ctx.db.patch(turn["_id"], {"count": turn["count"] + 1})
    return turn["count"] + 1


@query
async def turns(ctx: QueryCtx) -> int:
    """Another result after each `turn`, and no argument by which a stranger could make it large."""
    turn = await ctx.db.query("turns").first()
    return turn["count"] if turn else 0
