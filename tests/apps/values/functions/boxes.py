"""A value in, the same value out; and what Python saw in between."""

from typing import Any

from reactor import ActionCtx, Int64, MutationCtx, QueryCtx, action, mutation, query


@mutation
async def put(ctx: MutationCtx, name: str, value: Any):
    """Keep a value under a name, instead of the one that was there."""
    old = await _box(ctx, name)
    if old is not None:
        await ctx.db.delete(old["_id"])
    await ctx.db.insert("boxes", {"name": name, "value": value})
    return value


@query
async def take(ctx: QueryCtx, name: str):
    """The value under a name, or None."""
    box = await _box(ctx, name)
    return None if box is None else box["value"]


@action
async def seen(ctx: ActionCtx, values: list):
    """How Python writes each value."""
    return [f"{type(value).__name__} {value!r}" for value in values]


@query
async def made(ctx: QueryCtx):
    """Values that start on the server."""
    return {
        "integer": Int64(2**63 - 1),
        "negative": Int64(-(2**63)),
        "bytes": bytes(range(256)),
        "nan": float("nan"),
        "infinity": float("inf"),
        "minusInfinity": float("-inf"),
        "minusZero": -0.0,
        "tenth": 0.1,
        "whole": 3,
        "text": "naïve 😀 \u0000 end",
        "nested": [[None, True], {"deep": [Int64(0)]}],
    }


async def _box(ctx: QueryCtx | MutationCtx, name: str):
    return await ctx.db.query("boxes").with_index("by_name", lambda q: q.eq("name", name)).unique()
