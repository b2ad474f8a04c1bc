"""How work flows: what waits, how long it takes, and what happened last."""

from typing import Any, TypedDict

from functions.access import check_key
from functions.dashboard_filters import DashboardFilters, period_of
from functions.dashboard_shared import Kpi, Point, kpi, mean_kpi, series, totals_of
from reactor import PaginationOptions, PaginationResult, QueryCtx, query

STAGES = ("received", "in_review", "done", "failed", "cancelled")


class OperationsMetrics(TypedDict):
    """What a time brought: requests in, reviews out and failed, how long one took (milliseconds)."""

    received: Kpi
    finished: Kpi
    failed: Kpi
    turnaround: Kpi
    throughput: list[Point]


class Stage(TypedDict):
    """How many requests are in a stage now."""

    status: str
    count: float


class Workflow(TypedDict):
    """Where all requests are, and those that are due first; `overdue` of these have been due since `at` already."""

    stages: list[Stage]
    next: list[dict[str, Any]]
    overdue: float
    at: float


@query
async def get_metrics(ctx: QueryCtx, key: str, filters: DashboardFilters | None = None) -> OperationsMetrics:
    """The figures of a time beside those of the time before."""
    await check_key(ctx, key)
    period = period_of(ctx, filters)

    async def counted(kind: str) -> Kpi:
        now = await totals_of(ctx, "operationsEvents", "by_kind_and_day", period.first, period.last, kind=kind)
        before = await totals_of(
            ctx, "operationsEvents", "by_kind_and_day", period.previous_first, period.previous_last, kind=kind
        )
        return kpi(now["count"], before["count"])

    finished = {"kind": "review_finished"}
    return {
        "received": await counted("request_received"),
        "finished": await counted("review_finished"),
        "failed": await counted("review_failed"),
        "turnaround": await mean_kpi(ctx, period, "operationsEvents", "by_kind_and_day", **finished),
        "throughput": await series(ctx, period, "operationsEvents", "by_kind_and_day", **finished),
    }


@query
async def get_workflow(ctx: QueryCtx, key: str) -> Workflow:
    """Where the requests are now, and which to take next."""
    await check_key(ctx, key)
    stages: list[Stage] = []
    for status in STAGES:
        totals = await ctx.db.aggregate("essayRequests", "by_status", lambda q, status=status: q.eq("status", status))
        stages.append({"status": status, "count": totals["count"]})
    due = ctx.db.query("essayRequests").with_index("by_status_and_due", lambda q: q.eq("status", "received"))
    first = await due.take(10)
    late = [request for request in first if request["dueAt"] < ctx.now]
    return {"stages": stages, "next": first, "overdue": len(late), "at": ctx.now}


@query
async def list_events(ctx: QueryCtx, key: str, pagination_opts: PaginationOptions) -> PaginationResult:
    """What happened, the newest first, a page at a time."""
    await check_key(ctx, key)
    return await ctx.db.query("operationsEvents").order("desc").paginate(pagination_opts)
