"""What the endpoints call."""

from reactor import ConvexError, MutationCtx, QueryCtx, internal_mutation, mutation, query


@query
async def all(ctx: QueryCtx):
    return [note["text"] for note in await ctx.db.query("notes").collect()]


@internal_mutation
async def add(ctx: MutationCtx, text: str):
    if not text:
        raise ConvexError({"code": "EMPTY"})
    return await ctx.db.insert("notes", {"text": text})


@query
async def who(ctx: QueryCtx):
    identity = await ctx.auth.get_user_identity()
    return None if identity is None else identity["tokenIdentifier"]


@mutation
async def addresses(ctx: MutationCtx):
    return [ctx.cloud_url, ctx.site_url]
