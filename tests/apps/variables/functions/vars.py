"""Functions of all kinds that read environment variables."""

from reactor import ActionCtx, MutationCtx, QueryCtx, action, mutation, query


@query
async def one(ctx: QueryCtx, name: str) -> str | None:
    return ctx.env.get(name)


@query
async def names(ctx: QueryCtx) -> list[str]:
    return sorted(ctx.env)


@query
async def has(ctx: QueryCtx, name: str) -> bool:
    return name in ctx.env


@mutation
async def keep(ctx: MutationCtx, name: str) -> str:
    await ctx.db.insert("notes", {"text": ctx.env[name]})
    return ctx.env[name]


@action
async def outside(ctx: ActionCtx, name: str) -> str | None:
    return ctx.env.get(name)


@action
def in_a_thread(ctx: ActionCtx, name: str) -> str | None:
    return ctx.env.get(name)
