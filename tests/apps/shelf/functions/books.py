"""Books, put and found by vectors."""

from typing import Any

from reactor import ActionCtx, Id, MutationCtx, QueryCtx, action, mutation, query


@mutation
async def put(ctx: MutationCtx, title: str, at: list[float], genre: str = "novel") -> Id["books"]:
    return await ctx.db.insert("books", {"title": title, "at": at, "genre": genre})


@mutation
async def put_many(ctx: MutationCtx, first: int, count: int) -> None:
    for number in range(first, first + count):
        await ctx.db.insert("books", {"title": f"{number}", "at": [float(number), 1.0, float(number % 7)]})


@mutation
async def move(ctx: MutationCtx, id: Id["books"], at: list[float]) -> None:
    await ctx.db.patch(id, {"at": at})


@mutation
async def rename(ctx: MutationCtx, id: Id["books"], title: str) -> None:
    await ctx.db.patch(id, {"title": title})


@mutation
async def remove(ctx: MutationCtx, id: Id["books"]) -> None:
    await ctx.db.delete(id)


@mutation
async def note(ctx: MutationCtx, text: str) -> None:
    await ctx.db.insert("notes", {"text": text})


@mutation
async def put_and_look(ctx: MutationCtx, title: str, at: list[float], fail: bool = False) -> list[str]:
    """What is nearest to a book that was put just now: itself."""
    await ctx.db.insert("books", {"title": title, "at": at})
    found = await titles(ctx, at, 1)
    if fail:
        raise ValueError("taken back")
    return found


@query
async def near(ctx: QueryCtx, at: list[float], limit: float = 10, genre: str | None = None) -> list[str]:
    return await titles(ctx, at, limit, genre)


@query
async def scores(ctx: QueryCtx, at: list[float], limit: float = 10) -> list[dict[str, Any]]:
    return [dict(match) for match in await ctx.db.vector_search("books", "near", vector=at, limit=limit)]


@query
async def all(ctx: QueryCtx) -> list[dict[str, Any]]:
    return await ctx.db.query("books").collect()


@action
async def find(ctx: ActionCtx, at: list[float], limit: float = 10, genres: list[str] | None = None) -> list[Any]:
    if genres is None:
        return [dict(match) for match in await ctx.vector_search("books", "near", vector=at, limit=limit)]
    found = await ctx.vector_search(
        "books", "near", vector=at, limit=limit, filter=lambda q: q.or_(*(q.eq("genre", genre) for genre in genres))
    )
    return [dict(match) for match in found]


@action
async def find_by_query(ctx: ActionCtx, at: list[float]) -> list[str]:
    return await ctx.run_query(near, at=at)


async def titles(ctx: QueryCtx | MutationCtx, at: list[float], limit: float, genre: str | None = None) -> list[str]:
    found = await ctx.db.vector_search(
        "books", "near", vector=at, limit=limit, filter=None if genre is None else lambda q: q.eq("genre", genre)
    )
    books = [await ctx.db.get(match["_id"]) for match in found]
    return [book["title"] for book in books if book is not None]
