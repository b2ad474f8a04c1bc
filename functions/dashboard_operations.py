"""How work flows: what waits, how long it takes, and what happened last."""

from typing import TypedDict

from functions._generated.data_model import EssayRequest, EssayRequestStatus, OperationsEvent
from functions._generated.server import QueryCtx, query
from functions.access import check_key
from functions.dashboard_filters import DashboardFilters, period_of
from functions.dashboard_shared import Kpi, Point, count_kpi, mean_kpi, series
from functions.dashboard_totals import events
from reactor import PaginationOptions, PaginationResult

STAGES: tuple[EssayRequestStatus, ...] = ("received", "in_review", "done", "failed", "cancelled")


class OperationsMetrics(TypedDict):
    """What a time brought: requests in, reviews out and failed, how long one took (milliseconds)."""

    received: Kpi
    finished: Kpi
    failed: Kpi
    turnaround: Kpi
    throughput: list[Point]


class Stage(TypedDict):
    """How many requests are in a stage now."""

    status: EssayRequestStatus
    count: float


class Workflow(TypedDict):
    """Where all requests are, and those that are due first; `overdue` of these have been due since `at` already."""

    stages: list[Stage]
    next: list[EssayRequest]
    overdue: float
    at: float


@query
async def get_metrics(ctx: QueryCtx, key: str, filters: DashboardFilters | None = None) -> OperationsMetrics:
    """The figures of a time beside those of the time before."""
    await check_key(ctx, key)
    period = period_of(ctx, filters)
    finished = events(ctx, "review_finished")
    return {
        "received": await count_kpi(period, events(ctx, "request_received")),
        "finished": await count_kpi(period, finished),
        "failed": await count_kpi(period, events(ctx, "review_failed")),
        "turnaround": await mean_kpi(period, finished),
        "throughput": await series(period, finished),
    }


@query
async def get_workflow(ctx: QueryCtx, key: str) -> Workflow:
    """Where the requests are now, and which to take next."""
    await check_key(ctx, key)
    stages: list[Stage] = [{"status": status, "count": await _in_stage(ctx, status)} for status in STAGES]
    due = ctx.db.query("essayRequests").with_index("by_status_and_due", lambda q: q.eq("status", "received"))
    first = await due.take(10)
    late = [request for request in first if request["dueAt"] < ctx.now]
    return {"stages": stages, "next": first, "overdue": len(late), "at": ctx.now}


async def _in_stage(ctx: QueryCtx, status: EssayRequestStatus) -> int:
    totals = await ctx.db.aggregate("essayRequests", "by_status", lambda q: q.eq("status", status))
    return totals["count"]


@query
async def list_events(ctx: QueryCtx, key: str, pagination_opts: PaginationOptions) -> PaginationResult[OperationsEvent]:
    """What happened, the newest first, a page at a time."""
    await check_key(ctx, key)
    return await ctx.db.query("operationsEvents").order("desc").paginate(pagination_opts)
