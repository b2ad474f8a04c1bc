"""Functions that depend on who calls, and actions that wait for each other."""

import asyncio

from reactor import (
    ActionCtx,
    ConvexError,
    MutationCtx,
    QueryCtx,
    action,
    internal_mutation,
    internal_query,
    mutation,
    query,
)

_meetings: dict[str, asyncio.Event] = {}


@query
async def me(ctx: QueryCtx):
    """Who asks."""
    identity = await ctx.auth.get_user_identity()
    return None if identity is None else identity["tokenIdentifier"]


@query
async def me_if_any(ctx: QueryCtx, room: str):
    """Looks at who asks only once there is something in the room."""
    if await ctx.db.query("visits").with_index("by_room", lambda q: q.eq("room", room)).first() is None:
        return "empty"
    identity = await ctx.auth.get_user_identity()
    return "nobody" if identity is None else identity["tokenIdentifier"]


@mutation
async def who_writes(ctx: MutationCtx):
    identity = await ctx.auth.get_user_identity()
    return None if identity is None else identity["tokenIdentifier"]


@internal_query
async def secret(ctx: QueryCtx):
    return "the secret"


@internal_mutation
async def hidden(ctx: MutationCtx):
    return "hidden"


@query
async def open_secret(ctx: QueryCtx):
    """A public function that calls an internal one."""
    return await ctx.run_query("members:secret")


@action
async def wait_for(ctx: ActionCtx, name: str) -> str:
    """Ends when somebody calls `meet` with the same name."""
    async with asyncio.timeout(20):
        await _meetings.setdefault(name, asyncio.Event()).wait()
    return f"met {name}"


@action
async def meet(ctx: ActionCtx, name: str) -> str:
    _meetings.setdefault(name, asyncio.Event()).set()
    return f"came to {name}"


@action
async def enter(ctx: ActionCtx, room: str) -> list:
    """Write by a mutation, then read it back."""
    await ctx.run_mutation("visits:add", room=room, n=5)
    return await ctx.run_query("visits:list", room=room)


@action
async def refuse(ctx: ActionCtx):
    raise ConvexError(["no", 1])


@action
async def who_acts(ctx: ActionCtx):
    """Who acts, and whom the functions see that an action calls."""
    identity = await ctx.auth.get_user_identity()
    asked = await ctx.run_query("members:me_nested")
    wrote = await ctx.run_mutation("members:who_writes")
    return [None if identity is None else identity["tokenIdentifier"], asked, wrote]


@query
async def me_nested(ctx: QueryCtx):
    return await ctx.run_query(me)


@query
async def me_whole(ctx: QueryCtx):
    """Everything that is known of who asks; what a function does to its copy stays its own."""
    identity = await ctx.auth.get_user_identity()
    if identity is not None:
        for value in identity.values():
            if isinstance(value, list):
                value.append("changed")
        identity = await ctx.auth.get_user_identity()
    return identity
