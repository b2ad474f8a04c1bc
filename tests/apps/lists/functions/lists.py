"""Programs that append to lists and read them, each program one transaction.

A step is ["append", key, value], ["read", key], or ["nested", steps, how it ends]: "kept", or "undone" by an error that
the caller catches. The result has an entry for each step: None, the list, or the entries of the nested steps.
"""

from reactor import ConvexError, MutationCtx, QueryCtx, internal_mutation, mutation, query

EDITION = 1


@mutation
async def run(ctx: MutationCtx, steps: list, fails: bool = False) -> list:
    """Run a program; with `fails` everything is taken back at its end."""
    seen = [await _step(ctx, step) for step in steps]
    if fails:
        raise ConvexError("as it was asked to")
    return seen


@internal_mutation
async def nested(ctx: MutationCtx, steps: list, ending: str) -> list:
    seen = [await _step(ctx, step) for step in steps]
    if ending == "undone":
        raise ConvexError(seen)
    return seen


@query
async def read(ctx: QueryCtx, keys: list) -> list:
    """Several lists at one moment."""
    return [await _read(ctx, key) for key in keys]


@query
async def edition(ctx: QueryCtx) -> int:
    """Which version of this file is served."""
    return EDITION


async def _step(ctx: MutationCtx, step: list):
    match step:
        case ["append", key, value]:
            return await _append(ctx, key, value)
        case ["read", key]:
            return await _read(ctx, key)
        case ["nested", steps, ending]:
            try:
                return await ctx.run_mutation(nested, steps=steps, ending=ending)
            except ConvexError as taken_back:
                return taken_back.data
    raise ConvexError(f"no such step: {step}")


async def _append(ctx: MutationCtx, key: str, value: float) -> None:
    if key.startswith("i"):
        await ctx.db.insert("items", {"key": key, "value": value, "at": ctx.db.vars.commit_ts})
        return
    found = await _list(ctx, key)
    if found is None:
        await ctx.db.insert("lists", {"key": key, "values": [value]})
    else:
        await ctx.db.patch(found["_id"], {"values": [*found["values"], value]})


async def _read(ctx: QueryCtx | MutationCtx, key: str) -> list:
    if key.startswith("i"):
        items = ctx.db.query("items").with_index("by_key", lambda q: q.eq("key", key))
        return [item["value"] async for item in items]
    found = await _list(ctx, key)
    return [] if found is None else found["values"]


async def _list(ctx: QueryCtx | MutationCtx, key: str):
    return await ctx.db.query("lists").with_index("by_key", lambda q: q.eq("key", key)).unique()
