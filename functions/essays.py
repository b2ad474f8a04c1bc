"""What students write: kept, listed, handed in."""

from typing import NotRequired, TypedDict

from functions._generated.data_model import Essay, EssayFields, EssayId, EssayStatus, StorageId
from functions._generated.server import MutationCtx, QueryCtx, mutation, query
from functions.access import own, user_of
from reactor import ConvexError, PaginationOptions, PaginationResult

MAX_CHARACTERS = 100_000


class EssayWithFile(Essay):
    """An essay with a link to its file, if it has one; None when the file is gone."""

    fileUrl: NotRequired[str | None]


class EssayMetadata(TypedDict):
    """An essay without its text: what lists show."""

    id: EssayId
    title: str
    status: EssayStatus
    wordCount: float
    updatedAt: float
    excerpt: str


class _Content(TypedDict):
    title: str
    text: str
    wordCount: float
    updatedAt: float


@mutation
async def create(ctx: MutationCtx, title: str, text: str, file_id: StorageId | None = None) -> EssayId:
    """Keep a draft of the user who calls, and give its id."""
    user = await user_of(ctx)
    fields: EssayFields = {"userId": user["_id"], "status": "draft", **_content(ctx, title, text)}
    if file_id is not None:
        fields["fileId"] = file_id
    return await ctx.db.insert("essays", fields)


@mutation
async def update(ctx: MutationCtx, essay_id: EssayId, title: str, text: str) -> None:
    """Change a draft. What has been handed in stays as it was."""
    essay = await own(ctx, "essays", essay_id)
    if essay["status"] != "draft":
        raise ConvexError({"code": "NOT_A_DRAFT", "essayId": essay_id, "status": essay["status"]})
    await ctx.db.patch(essay_id, {**_content(ctx, title, text)})


@query
async def get(ctx: QueryCtx, essay_id: EssayId) -> EssayWithFile:
    """One essay with its text, and a link to its file if it has one. Raises ConvexError when there is none to see."""
    essay = await own(ctx, "essays", essay_id)
    if "fileId" not in essay:
        return {**essay}
    return {**essay, "fileUrl": await ctx.storage.get_url(essay["fileId"])}


@query
async def get_metadata(ctx: QueryCtx, essay_id: EssayId) -> EssayMetadata:
    """What a list shows of an essay."""
    return metadata_of(await own(ctx, "essays", essay_id))


@mutation
async def generate_upload_url(ctx: MutationCtx) -> str:
    """Where to send the file of an essay; what it answers goes into `create` as `fileId`."""
    await user_of(ctx)
    return await ctx.storage.generate_upload_url()


@query
async def search(ctx: QueryCtx, text: str, limit: int = 10) -> list[EssayMetadata]:
    """Essays that have some of these words, the best match first; the last word may be the beginning of one.

    Students find their own, staff find all.
    """
    user = await user_of(ctx)
    essays = ctx.db.query("essays")
    if user["role"] == "student":
        found = essays.with_search_index("search_text", lambda q: q.search("text", text).eq("userId", user["_id"]))
    else:
        found = essays.with_search_index("search_text", lambda q: q.search("text", text))
    return [metadata_of(essay) for essay in await found.take(min(max(limit, 1), 50))]


# Behind what uses Python's own `list`, since it hides it.
@query
async def list(
    ctx: QueryCtx,
    pagination_opts: PaginationOptions,
    status: EssayStatus | None = None,
) -> PaginationResult[Essay]:
    """The essays of a student, or for staff those of everybody, the one that was changed last first."""
    user = await user_of(ctx)
    essays = ctx.db.query("essays")
    if user["role"] == "student":
        found = essays.with_index("by_user_and_update", lambda q: q.eq("userId", user["_id"]))
        if status is not None:
            found = found.filter(lambda q: q.field("status") == status)
    elif status is not None:
        found = essays.with_index("by_status_and_update", lambda q: q.eq("status", status))
    else:
        found = essays
    return await found.order("desc").paginate(pagination_opts)


def metadata_of(essay: Essay) -> EssayMetadata:
    """An essay without its text."""
    excerpt = essay["text"][:160]
    return {
        "id": essay["_id"],
        "title": essay["title"],
        "status": essay["status"],
        "wordCount": essay["wordCount"],
        "updatedAt": essay["updatedAt"],
        "excerpt": excerpt + "…" if len(essay["text"]) > len(excerpt) else excerpt,
    }


def _content(ctx: MutationCtx, title: str, text: str) -> _Content:
    if not title.strip() or not text.strip():
        raise ConvexError({"code": "EMPTY_ESSAY", "field": "title" if not title.strip() else "text"})
    if len(text) > MAX_CHARACTERS:
        raise ConvexError({"code": "ESSAY_TOO_LONG", "limit": MAX_CHARACTERS, "length": len(text)})
    return {"title": title.strip(), "text": text, "wordCount": len(text.split()), "updatedAt": ctx.now}
