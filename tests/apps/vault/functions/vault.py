"""Functions that trust their callers no more than applications should, and some that trust them too much."""

from typing import Any

from reactor import (
    ActionCtx,
    Id,
    MutationCtx,
    QueryCtx,
    action,
    internal_action,
    internal_mutation,
    internal_query,
    mutation,
    query,
)

SECRET = "what only functions see"


@query
async def me(ctx: QueryCtx) -> str | None:
    identity = await ctx.auth.get_user_identity()
    return None if identity is None else identity["subject"]


@mutation
async def write(ctx: MutationCtx, owner: str, text: str, more: Any = None) -> Id["notes"]:
    return await ctx.db.insert("notes", {"owner": owner, "text": text, "more": more})


@mutation
async def add_door(ctx: MutationCtx, name: str, note: Id["notes"] | None = None) -> Id["doors"]:
    return await ctx.db.insert("doors", {"name": name} if note is None else {"name": name, "note": note})


@query
async def notes_of(ctx: QueryCtx, owner: str) -> list[Any]:
    return [
        note["text"]
        for note in await ctx.db.query("notes").with_index("by_owner", lambda q: q.eq("owner", owner)).collect()
    ]


@query
async def search(ctx: QueryCtx, text: str, owner: str) -> list[Any]:
    found = ctx.db.query("notes").with_search_index("by_text", lambda q: q.search("text", text).eq("owner", owner))
    return [note["text"] for note in await found.collect()]


@query
async def page(ctx: QueryCtx, owner: str, pagination_opts: Any) -> Any:
    notes = ctx.db.query("notes").with_index("by_owner", lambda q: q.eq("owner", owner))
    return await notes.paginate(pagination_opts)


@query
async def checked(ctx: QueryCtx, id: Id["notes"]) -> Any:
    """By an id that the validator has looked at."""
    return await ctx.db.get(id)


@query
async def unchecked(ctx: QueryCtx, id: str) -> Any:
    """By whatever the client says."""
    return await ctx.db.get(id)


@query
async def of_system(ctx: QueryCtx, id: str) -> Any:
    return await ctx.db.system.get(id)


@query
async def rows(ctx: QueryCtx, table: str) -> list[Any]:
    return await ctx.db.query(table).collect()


@mutation
async def schedule(ctx: MutationCtx, what: str) -> str:
    return await ctx.scheduler.run_after(3600, what)


@mutation
async def patch(ctx: MutationCtx, id: str, fields: Any) -> None:
    await ctx.db.patch(id, fields)


@mutation
async def replace(ctx: MutationCtx, id: str) -> None:
    await ctx.db.replace(id, {"owner": "thief", "text": "replaced"})


@mutation
async def delete(ctx: MutationCtx, id: str) -> None:
    await ctx.db.delete(id)


@mutation
async def keep(ctx: MutationCtx, content_type: str) -> str:
    """An address for uploads, whatever they say they are."""
    return await ctx.storage.generate_upload_url()


@action
async def store(ctx: ActionCtx, content_type: str) -> str:
    """A file of a type that the client chooses."""
    return await ctx.storage.store(b"<script>run()</script>", content_type=content_type)


@query
async def url(ctx: QueryCtx, id: str) -> str | None:
    return await ctx.storage.get_url(id)


@query
async def fails(ctx: QueryCtx) -> None:
    """Uses a secret, and fails without telling it."""
    assert ctx.env["PAYMENT_KEY"]
    raise ValueError("the payment was refused by the vault")


@internal_query
async def hidden_query(ctx: QueryCtx) -> str:
    return SECRET


@internal_mutation
async def hidden_mutation(ctx: MutationCtx) -> str:
    await ctx.db.insert("doors", {"name": SECRET})
    return SECRET


@internal_action
async def hidden_action(ctx: ActionCtx) -> str:
    await ctx.run_mutation(hidden_mutation)
    return SECRET
