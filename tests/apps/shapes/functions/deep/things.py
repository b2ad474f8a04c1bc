"""A table that is written, read and looked through."""

from typing import Any

from reactor import ActionCtx, ConvexError, Id, MutationCtx, QueryCtx, action, internal_mutation, mutation, query


@mutation
async def add(ctx: MutationCtx, name: str, size: float = 1.0) -> Id["things"]:
    """Keep a thing."""
    return await ctx.db.insert("things", {"name": name, "size": size})


@query
async def get(ctx: QueryCtx, id: Id["things"]) -> dict[str, Any] | None:
    return await ctx.db.get(id)


@query
async def named(ctx: QueryCtx, name: str) -> list[dict[str, Any]]:
    return await ctx.db.query("things").with_index("by_name", lambda q: q.eq("name", name)).take(10)


@mutation
async def refuse(ctx: MutationCtx, why: Any) -> None:
    """Fails with what it gets,
    which becomes its data.
    """
    raise ConvexError(why)


@action
async def twice(ctx: ActionCtx, name: str) -> list[Id["things"]]:
    return [await ctx.run_mutation(add, name=name), await ctx.run_mutation(add, name=name)]


@action
async def upload_url(ctx: ActionCtx) -> str:
    return await ctx.storage.generate_upload_url()


@internal_mutation
async def forget(ctx: MutationCtx) -> int:
    """Forget all things."""
    things = await ctx.db.query("things").collect()
    for thing in things:
        await ctx.db.delete(thing["_id"])
    return len(things)


@query
def default(ctx: QueryCtx) -> str:
    return "the default"
