"""Work that nobody asks for, and that the clock begins: see functions/crons.py."""

from functions._generated.server import MutationCtx, internal_mutation
from functions.essay_requests_actions import process

_LEFT = 30 * 60_000
_AT_ONCE = 200


@internal_mutation
async def take_up_left_reviews(ctx: MutationCtx) -> int:
    """Begin reviews again that have been under way for half an hour; gives how many."""
    in_review = ctx.db.query("essayRequests").with_index("by_status_and_due", lambda q: q.eq("status", "in_review"))
    count = 0
    for request in await in_review.take(_AT_ONCE):
        # Those that people review have no attempts.
        if request["attempts"] and request.get("begunAt", 0) < ctx.now - _LEFT:
            await ctx.scheduler.run_after(0, process, request_id=request["_id"])
            count += 1
    return count


@internal_mutation
async def forget_old_sign_ins(ctx: MutationCtx) -> int:
    """Delete codes and sessions that are good for nothing any more; gives how many."""
    count = 0
    for table in ("loginCodes", "loginSessions"):
        # The oldest are the first to end.
        for row in await ctx.db.query(table).take(_AT_ONCE):
            if row["expiresAt"] < ctx.now:
                await ctx.db.delete(row["_id"])
                count += 1
    return count
