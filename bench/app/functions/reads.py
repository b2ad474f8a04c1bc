"""Reads and nothing else, many in one query, so that the query's own cost can be taken off."""

from reactor import Id, MutationCtx, QueryCtx, mutation, query


@mutation
async def fill(ctx: MutationCtx, first: int, keys: int, depth: int) -> list[Id["documents"]]:
    """Insert `depth` documents under each of the keys numbered from `first` on; gives the first id of each."""
    ids = []
    for number in range(first, first + keys):
        new = [await ctx.db.insert("documents", {"key": f"k{number:06d}", "body": "x" * 97}) for _ in range(depth)]
        ids.append(new[0])
    return ids


@query
async def gets(ctx: QueryCtx, ids: list[Id["documents"]]) -> None:
    """Read documents by id."""
    for id in ids:
        await ctx.db.get(id)


@query
async def ranges(ctx: QueryCtx, keys: list[str]) -> None:
    """Read the first ten documents under each key."""
    for key in keys:
        await ctx.db.query("documents").with_index("by_key", lambda q, key=key: q.eq("key", key)).take(10)


@query
async def nothing_by_ids(ctx: QueryCtx, ids: list[Id["documents"]]) -> None:
    """What `gets` does besides reading."""
    for _ in ids:
        pass


@query
async def nothing_by_keys(ctx: QueryCtx, keys: list[str]) -> None:
    """What `ranges` does besides reading."""
    for _ in keys:
        pass
