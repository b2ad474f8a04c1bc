"""Uploads, addresses and deletions of pictures."""

from collections.abc import AsyncIterator
from typing import Any

from reactor import ActionCtx, Id, MutationCtx, QueryCtx, action, mutation, query


@mutation
async def upload_url(ctx: MutationCtx) -> str:
    return await ctx.storage.generate_upload_url()


@mutation
async def add(ctx: MutationCtx, caption: str, file: Id["_storage"]) -> Id["pictures"]:
    return await ctx.db.insert("pictures", {"caption": caption, "file": file})


@query
async def url(ctx: QueryCtx, file: str) -> str | None:
    return await ctx.storage.get_url(file)


@query
async def short_url(ctx: QueryCtx, file: str, seconds: float) -> str | None:
    return await ctx.storage.get_url(file, expires_in=seconds)


@query
async def captions(ctx: QueryCtx) -> list[dict[str, Any]]:
    pictures = await ctx.db.query("pictures").collect()
    return [{"caption": each["caption"], "url": await ctx.storage.get_url(each["file"])} for each in pictures]


@query
async def row(ctx: QueryCtx, file: str) -> dict[str, Any] | None:
    return await ctx.db.system.get("_storage", file)


@query
async def rows(ctx: QueryCtx) -> list[str]:
    return [each["_id"] for each in await ctx.db.system.query("_storage").collect()]


@query
async def metadata(ctx: QueryCtx, file: str) -> dict[str, Any] | None:
    return await ctx.storage.get_metadata(file)


@mutation
async def delete(ctx: MutationCtx, file: str) -> None:
    await ctx.storage.delete(file)


@mutation
async def delete_and_fail(ctx: MutationCtx, file: str) -> None:
    await ctx.storage.delete(file)
    assert await ctx.storage.get_url(file) is None
    raise ValueError("no")


@action
async def delete_apart(ctx: ActionCtx, file: str) -> list[str | None]:
    before = await ctx.storage.get_url(file)
    await ctx.storage.delete(file)
    return [before, await ctx.storage.get_url(file)]


@action
async def upload_url_apart(ctx: ActionCtx) -> str:
    return await ctx.storage.generate_upload_url()


@action
async def store(
    ctx: ActionCtx, content: bytes, content_type: str | None = None, sha256: str | None = None
) -> Id["_storage"]:
    return await ctx.storage.store(content, content_type=content_type, sha256=sha256)


@action
async def store_pieces(ctx: ActionCtx, pieces: list[bytes], awaiting: bool = False) -> Id["_storage"]:
    async def later() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return await ctx.storage.store(later() if awaiting else pieces)


@action
async def read(ctx: ActionCtx, file: str) -> bytes | None:
    return await ctx.storage.get(file)


@action
async def count_streamed(ctx: ActionCtx, file: str) -> int:
    return sum([len(piece) async for piece in ctx.storage.stream(file)])
