"""Texts, put and searched."""

from typing import Any

from reactor import Id, MutationCtx, PaginationOptions, PaginationResult, QueryCtx, mutation, query


@mutation
async def put(ctx: MutationCtx, body: str, channel: str = "general") -> Id["texts"]:
    return await ctx.db.insert("texts", {"body": body, "channel": channel})


@mutation
async def put_and_look(ctx: MutationCtx, body: str, text: str) -> list[str]:
    """What a search finds with the mutation's own text in it."""
    await ctx.db.insert("texts", {"body": body, "channel": "general"})
    return [each["body"] for each in await found(ctx, text, "general").collect()]


@query
async def search(ctx: QueryCtx, text: str, channel: str, pagination_opts: PaginationOptions) -> PaginationResult:
    return await found(ctx, text, channel).paginate(pagination_opts)


def found(ctx: QueryCtx | MutationCtx, text: str, channel: str) -> Any:
    return ctx.db.query("texts").with_search_index("by_body", lambda q: q.search("body", text).eq("channel", channel))
