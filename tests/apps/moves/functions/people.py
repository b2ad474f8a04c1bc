from collections import Counter
from typing import Any

from reactor import MutationCtx, QueryCtx, mutation, query


@mutation
async def add(ctx: MutationCtx, count: int = 1, first: int = 0, pad: str = "") -> None:
    for number in range(first, first + count):
        await ctx.db.insert("people", {"n": number, "pad": pad})


@mutation
async def remove(ctx: MutationCtx, n: float) -> bool:
    async for person in ctx.db.query("people"):
        if person["n"] == n:
            await ctx.db.delete(person["_id"])
            return True
    return False


@mutation
async def note(ctx: MutationCtx, text: str) -> None:
    await ctx.db.insert("notes", {"text": text})


@query
async def notes(ctx: QueryCtx) -> list[str]:
    return [note["text"] for note in await ctx.db.query("notes").collect()]


@query
async def visits(ctx: QueryCtx, cursor: str | None = None) -> dict[str, Any]:
    """How many of a page of people have been visited how often."""
    page = await ctx.db.query("people").paginate({"numItems": 5000, "cursor": cursor})
    counts = Counter(f"{person.get('visits', 0):g}" for person in page["page"])
    return {"counts": dict(counts), "cursor": None if page["isDone"] else page["continueCursor"]}


@query
async def newest(ctx: QueryCtx) -> Any:
    return await ctx.db.query("people").order("desc").first()


@query
async def states(ctx: QueryCtx) -> dict[str, str]:
    return {row["name"]: row["state"] for row in await ctx.db.system.query("_migrations").collect()}


@query
async def progress(ctx: QueryCtx) -> list[dict[str, Any]]:
    rows = await ctx.db.system.query("_migrations").collect()
    return [{key: row.get(key) for key in ("name", "state", "processed", "changed", "total")} for row in rows]


@mutation
async def ask(ctx: MutationCtx) -> Any:
    """Migrations from code, one behind the other."""
    return await ctx.run_mutation("migrations:visit", next=["picky", "migrations:twins"])
