"""Big results: a book of many pages is one query's value."""

from reactor import MutationCtx, QueryCtx, mutation, query


@mutation
async def write_page(ctx: MutationCtx, book: str, number: int, letter: str, size: int):
    """Write a page of `size` times one letter (any character)."""
    old = await ctx.db.query("pages").with_index("by_book", lambda q: q.eq("book", book).eq("number", number)).first()
    if old is not None:
        await ctx.db.delete(old["_id"])
    await ctx.db.insert("pages", {"book": book, "number": number, "text": letter * size})


@query
async def read(ctx: QueryCtx, book: str):
    """All pages' texts."""
    return [page["text"] async for page in ctx.db.query("pages").with_index("by_book", lambda q: q.eq("book", book))]
