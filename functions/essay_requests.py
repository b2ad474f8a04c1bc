"""Essays that were handed in for a review: where they are, and how they came there."""

from typing import TypedDict

from functions._generated.data_model import EssayId, EssayRequest, EssayRequestEvent, EssayRequestId, EssayRequestStatus
from functions._generated.server import QueryCtx, query
from functions.access import own, staff_of, user_of
from reactor import PaginationOptions, PaginationResult


class Status(TypedDict):
    """Where a request is; `waiting` is how many are to be taken before it, for one that nobody has taken yet."""

    status: EssayRequestStatus
    dueAt: float
    waiting: float | None
    error: str | None


class RequestDetails(TypedDict):
    """A request with its essay's title, and each step with its time, the first one first."""

    request: EssayRequest
    title: str
    history: list[EssayRequestEvent]


@query
async def get_status(ctx: QueryCtx, request_id: EssayRequestId) -> Status:
    """Where a request is now."""
    request = await own(ctx, "essayRequests", request_id)
    return {
        "status": request["status"],
        "dueAt": request["dueAt"],
        "waiting": await _waiting_before(ctx, request) if request["status"] == "received" else None,
        "error": request.get("error"),
    }


@query
async def get_history(ctx: QueryCtx, request_id: EssayRequestId) -> list[EssayRequestEvent]:
    """Each step of a request, the first one first."""
    await own(ctx, "essayRequests", request_id)
    return (
        await ctx.db.query("essayRequestEvents")
        .with_index("by_request", lambda q: q.eq("requestId", request_id))
        .collect()
    )


@query
async def get_details(ctx: QueryCtx, request_id: EssayRequestId) -> RequestDetails:
    """All that is known of a request."""
    request = await own(ctx, "essayRequests", request_id)
    essay = await ctx.db.get(request["essayId"])
    return {
        "request": request,
        "title": "" if essay is None else essay["title"],
        "history": await get_history(ctx, request_id),
    }


@query
async def get_for_essay(ctx: QueryCtx, essay_id: EssayId) -> EssayRequest | None:
    """The newest request for a review of an essay, None when it was never handed in."""
    await own(ctx, "essays", essay_id)
    of_essay = ctx.db.query("essayRequests").with_index("by_essay", lambda q: q.eq("essayId", essay_id))
    return await of_essay.order("desc").first()


@query
async def list_mine(ctx: QueryCtx, pagination_opts: PaginationOptions) -> PaginationResult[EssayRequest]:
    """The requests of the user who calls, the newest first, a page at a time."""
    user = await user_of(ctx)
    mine = ctx.db.query("essayRequests").with_index("by_user", lambda q: q.eq("userId", user["_id"]))
    return await mine.order("desc").paginate(pagination_opts)


@query
async def list_open(ctx: QueryCtx, pagination_opts: PaginationOptions) -> PaginationResult[EssayRequest]:
    """For staff: all that wait, the one that is due first at the top."""
    await staff_of(ctx)
    received = ctx.db.query("essayRequests").with_index("by_status_and_due", lambda q: q.eq("status", "received"))
    return await received.paginate(pagination_opts)


async def _waiting_before(ctx: QueryCtx, request: EssayRequest) -> int:
    before = ctx.db.query("essayRequests").with_index(
        "by_status_and_due", lambda q: q.eq("status", "received").lt("dueAt", request["dueAt"])
    )
    return await before.count()
