"""Which process serves, what all processes have in common, and how long they can be kept busy."""

import asyncio
import os
from typing import Any

from reactor import ActionCtx, Id, MutationCtx, QueryCtx, action, mutation, query


@query
async def worker(ctx: QueryCtx) -> int:
    return os.getpid()


@query
async def urls(ctx: QueryCtx, file: str) -> list[str | None]:
    return [await ctx.storage.get_url(file), await ctx.storage.get_url(file, expires_in=3600)]


@mutation
async def add(ctx: MutationCtx, text: str) -> int:
    await ctx.db.insert("lines", {"text": text, "worker": os.getpid()})
    return os.getpid()


@query
async def lines(ctx: QueryCtx) -> list[dict[str, Any]]:
    return [{"text": line["text"], "worker": line["worker"]} for line in await ctx.db.query("lines").collect()]


@query
async def texts(ctx: QueryCtx) -> list[str]:
    return [line["text"] for line in await ctx.db.query("lines").collect()]


@action
async def wait(ctx: ActionCtx, seconds: float) -> None:
    print("waiting")
    await asyncio.sleep(seconds)


@query
async def say(ctx: QueryCtx, text: str) -> int:
    print(text)
    return os.getpid()


@mutation
async def upload_url(ctx: MutationCtx) -> str:
    return await ctx.storage.generate_upload_url()


@query
async def url(ctx: QueryCtx, file: Id["_storage"]) -> str | None:
    return await ctx.storage.get_url(file)
