"""Files: a place to send them to, and to fetch them from."""

from reactor import Id, MutationCtx, QueryCtx, mutation, query


@mutation
async def upload_url(ctx: MutationCtx) -> str:
    """An address that takes files."""
    return await ctx.storage.generate_upload_url()


@query
async def url(ctx: QueryCtx, file: Id["_storage"]) -> str | None:
    """The address of a file."""
    return await ctx.storage.get_url(file)
