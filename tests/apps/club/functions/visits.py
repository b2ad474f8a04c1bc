"""Numbers in rooms: queries that read one room more or less completely, and mutations that write to it."""

import logging

from reactor import ConvexError, MutationCtx, QueryCtx, mutation, query

_log = logging.getLogger("club")


@query
async def list(ctx: QueryCtx, room: str):
    """The numbers in a room, in the order in which they came."""
    return [visit["n"] for visit in await _in_room(ctx, room).collect()]


@query
async def least_ten(ctx: QueryCtx, room: str):
    visits = ctx.db.query("visits").with_index("by_room_and_n", lambda q: q.eq("room", room))
    return [visit["n"] for visit in await visits.take(10)]


@query
async def total(ctx: QueryCtx, room: str):
    return sum(visit["n"] for visit in await _in_room(ctx, room).collect())


@query
async def never_odd(ctx: QueryCtx, room: str):
    """The total, or an error with data while it is odd."""
    _log.warning("counting")
    value = sum(visit["n"] for visit in await _in_room(ctx, room).collect())
    if value % 2:
        raise ConvexError({"odd": value})
    return value


@query
async def fails(ctx: QueryCtx):
    raise ValueError("the query failed")


@mutation
async def add(ctx: MutationCtx, room: str, n: float = 1.0):
    await ctx.db.insert("visits", {"room": room, "n": n})
    return n


@mutation
async def move(ctx: MutationCtx, source: str, target: str, n: float):
    """Take from one room what the other gets."""
    await ctx.db.insert("visits", {"room": source, "n": -n})
    await ctx.db.insert("visits", {"room": target, "n": n})


@mutation
async def add_and_refuse(ctx: MutationCtx, room: str):
    _log.warning("refusing")
    await ctx.db.insert("visits", {"room": room, "n": 1})
    raise ConvexError({"code": "FULL"})


@mutation
async def add_and_fail(ctx: MutationCtx, room: str):
    await ctx.db.insert("visits", {"room": room, "n": 1})
    raise ValueError("the mutation failed")


def _in_room(ctx: QueryCtx, room: str):
    return ctx.db.query("visits").with_index("by_room", lambda q: q.eq("room", room))
