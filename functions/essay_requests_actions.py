"""Handing essays in, and having them reviewed by a service outside, over HTTP.

Where the service is stands in the deployment's environment: `ESSAY_REVIEW_URL`, and `ESSAY_REVIEW_KEY` if it wants one.
Without an address, the reviewer that ships with the school is asked, see functions/http.py.
"""

from typing import Any, TypedDict

import httpx

from functions._generated.data_model import (
    EssayId,
    EssayRequestEventFields,
    EssayRequestId,
    EssayRequestPatch,
    EssayRequestPriority,
    EssayRequestScores,
    EssayRequestStatus,
    OperationsEventKind,
)
from functions._generated.server import ActionCtx, MutationCtx, internal_action, internal_mutation, mutation
from functions.access import own, staff_of
from functions.dashboard_filters import day_of
from functions.operations import record
from reactor import ConvexError

RETRIES = 3
HOURS = {"normal": 48, "express": 12}

_SECONDS = 20.0
_HOUR = 3_600_000
_MOST_BYTES = 1_000_000


class ReviewFailed(Exception):
    """The service did not answer, or with something that is no review."""


class Work(TypedDict):
    """What the service is given."""

    requestId: EssayRequestId
    title: str
    text: str


class Review(TypedDict):
    """What it answers; scores are from 0 to 10."""

    reviewer: str
    feedback: str
    scores: EssayRequestScores


@mutation
async def create(ctx: MutationCtx, essay_id: EssayId, priority: EssayRequestPriority = "normal") -> EssayRequestId:
    """Hand an essay in. Its review begins as soon as this is stored."""
    essay = await own(ctx, "essays", essay_id)
    if essay["status"] == "submitted":
        raise ConvexError({"code": "ALREADY_SUBMITTED", "essayId": essay_id})
    request = await ctx.db.insert(
        "essayRequests",
        {
            "essayId": essay_id,
            "userId": essay["userId"],
            "status": "received",
            "priority": priority,
            "dueAt": ctx.now + HOURS[priority] * _HOUR,
            "day": day_of(ctx.now),
            "attempts": 0,
        },
    )
    await ctx.db.patch(essay_id, {"status": "submitted", "updatedAt": ctx.now})
    await _note(ctx, request, "received", "request_received", f"“{essay['title']}” was handed in")
    await ctx.scheduler.run_after(0, process, request_id=request)
    return request


@mutation
async def cancel(ctx: MutationCtx, request_id: EssayRequestId) -> None:
    """Take an essay back that nobody has begun to review; it is a draft again."""
    request = await own(ctx, "essayRequests", request_id)
    if request["status"] != "received":
        raise ConvexError({"code": "TOO_LATE", "status": request["status"]})
    await ctx.db.patch(request_id, {"status": "cancelled"})
    await ctx.db.patch(request["essayId"], {"status": "draft"})
    await ctx.db.insert("essayRequestEvents", {"requestId": request_id, "status": "cancelled"})


@mutation
async def update_status(
    ctx: MutationCtx, request_id: EssayRequestId, status: EssayRequestStatus, note: str | None = None
) -> None:
    """For staff: put a request where it belongs. One that is received again is reviewed again."""
    user = await staff_of(ctx)
    request = await own(ctx, "essayRequests", request_id)
    if request["status"] == status:
        return
    await ctx.db.patch(request_id, {"status": status, "attempts": 0})
    event: EssayRequestEventFields = {"requestId": request_id, "status": status, "note": note or f"by {user['name']}"}
    await ctx.db.insert("essayRequestEvents", event)
    if status == "received":
        await ctx.scheduler.run_after(0, process, request_id=request_id)


# Of an action nobody knows how far it came when the server dies, so it is not repeated unless it says so. Asking for a
# review twice does no harm: this says so.
@internal_action(retries=RETRIES, backoff=1)
async def process(ctx: ActionCtx, request_id: EssayRequestId) -> None:
    """Have an essay reviewed. Raises when the service fails, and is then tried again, later and later."""
    work = await ctx.run_mutation(begin, request_id=request_id)
    if work is None:
        return
    try:
        review = await _ask(ctx, work)
    except ReviewFailed as error:
        if await ctx.run_mutation(not_reviewed, request_id=request_id, error=str(error)):
            raise
        return
    await ctx.run_mutation(finish, request_id=request_id, **review)


@internal_mutation
async def begin(ctx: MutationCtx, request_id: EssayRequestId) -> Work | None:
    """Mark a request as being reviewed, and give what the service needs; None when there is nothing to do."""
    request = await ctx.db.get(request_id)
    if request is None or request["status"] not in ("received", "in_review"):
        return None
    essay = await ctx.db.get(request["essayId"])
    if essay is None:
        await ctx.db.patch(request_id, {"status": "cancelled"})
        return None
    if request["status"] == "received":
        await _note(ctx, request_id, "in_review", "review_started", f"The review of “{essay['title']}” has begun")
    begun: EssayRequestPatch = {
        "status": "in_review",
        "attempts": request["attempts"] + 1,
        "begunAt": ctx.now,
    }
    await ctx.db.patch(request_id, begun)
    return {"requestId": request_id, "title": essay["title"], "text": essay["text"]}


@internal_mutation
async def finish(
    ctx: MutationCtx, request_id: EssayRequestId, reviewer: str, feedback: str, scores: EssayRequestScores
) -> None:
    """Keep a review."""
    request = await ctx.db.get(request_id)
    if request is None or request["status"] != "in_review":
        return
    done: EssayRequestPatch = {
        "status": "done",
        "reviewer": reviewer,
        "feedback": feedback,
        "scores": scores,
        "finishedAt": ctx.now,
    }
    await ctx.db.patch(request_id, done)
    await ctx.db.patch(request["essayId"], {"status": "reviewed", "updatedAt": ctx.now})
    total = scores["structure"] + scores["argument"] + scores["style"] + scores["grammar"]
    overall = round(total / 4, 2)
    await ctx.db.insert(
        "qualityReviews",
        {
            "requestId": request_id,
            "reviewer": reviewer,
            "scores": scores,
            "overall": overall,
            "band": int(overall),
            "day": day_of(ctx.now),
        },
    )
    took = ctx.now - request["_creationTime"]
    await _note(ctx, request_id, "done", "review_finished", f"{reviewer} has reviewed an essay: {overall}", took)


@internal_mutation
async def not_reviewed(ctx: MutationCtx, request_id: EssayRequestId, error: str) -> bool:
    """Note that an attempt failed; whether there shall be another."""
    request = await ctx.db.get(request_id)
    if request is None or request["status"] != "in_review":
        return False
    await ctx.db.patch(request_id, {"error": error})
    if request["attempts"] <= RETRIES:
        return True
    await ctx.db.patch(request_id, {"status": "failed"})
    await _note(ctx, request_id, "failed", "review_failed", f"A review failed: {error}")
    return False


async def _ask(ctx: ActionCtx, work: Work) -> Review:
    """The review that the service gives. Raises ReviewFailed."""
    url = ctx.env.get("ESSAY_REVIEW_URL") or f"{ctx.site_url}/review"
    key = ctx.env.get("ESSAY_REVIEW_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        async with httpx.AsyncClient(timeout=_SECONDS) as client:
            answer = await client.post(url, json=work, headers=headers)
        answer.raise_for_status()
        if len(answer.content) > _MOST_BYTES:
            raise ReviewFailed("the review is too long")
        return _checked(answer.json())
    except httpx.HTTPError as error:
        raise ReviewFailed(f"{type(error).__name__}: {error}") from error
    except ValueError as error:
        raise ReviewFailed("the review service answered with something that is no JSON") from error


def _checked(review: Any) -> Review:
    """What another program sent, once it is known to be a review. Raises ReviewFailed."""
    match review:
        case {
            "reviewer": str(reviewer),
            "feedback": str(feedback),
            "scores": {
                "structure": int() | float() as structure,
                "argument": int() | float() as argument,
                "style": int() | float() as style,
                "grammar": int() | float() as grammar,
            },
        } if all(0 <= score <= 10 for score in (structure, argument, style, grammar)):
            scores: EssayRequestScores = {
                "structure": structure,
                "argument": argument,
                "style": style,
                "grammar": grammar,
            }
            return {"reviewer": reviewer, "feedback": feedback, "scores": scores}
        case _:
            pass
    raise ReviewFailed("the review service answered with something that is no review")


async def _note(
    ctx: MutationCtx,
    request_id: EssayRequestId,
    status: EssayRequestStatus,
    kind: OperationsEventKind,
    text: str,
    duration: float | None = None,
) -> None:
    await ctx.db.insert("essayRequestEvents", {"requestId": request_id, "status": status})
    await record(ctx, kind, text, duration)
