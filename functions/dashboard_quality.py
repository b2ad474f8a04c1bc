"""How good the reviews are: scores, how they change, who gives them, and where they are low."""

from typing import TypedDict

from functions._generated.data_model import QualityReview
from functions._generated.server import QueryCtx, query
from functions.access import check_key
from functions.dashboard_filters import DashboardFilters, Period, period_of
from functions.dashboard_shared import Kpi, Point, count_kpi, mean_kpi, series
from functions.dashboard_totals import bands, criteria, reviews


class QualityScores(TypedDict):
    """Means from 0 to 10: over all, and of each criterion."""

    overall: Kpi
    reviews: Kpi
    structure: Kpi
    argument: Kpi
    style: Kpi
    grammar: Kpi


class Reviewer(TypedDict):
    """One reviewer's reviews and their mean."""

    name: str
    reviews: float
    mean: float


class Band(TypedDict):
    """How many reviews have an overall score from `score` up to the next whole number."""

    score: float
    count: float


class QualityAnalysis(TypedDict):
    """Where scores lie, who gave them, and the lowest of all time."""

    distribution: list[Band]
    reviewers: list[Reviewer]
    lowest: list[QualityReview]


@query
async def get_scores(ctx: QueryCtx, key: str, filters: DashboardFilters | None = None) -> QualityScores:
    """The means of a time beside those of the time before."""
    await check_key(ctx, key)
    period = period_of(ctx, filters)
    return {
        "overall": await mean_kpi(period, reviews(ctx)),
        "reviews": await count_kpi(period, reviews(ctx)),
        "structure": await mean_kpi(period, criteria(ctx, "structure")),
        "argument": await mean_kpi(period, criteria(ctx, "argument")),
        "style": await mean_kpi(period, criteria(ctx, "style")),
        "grammar": await mean_kpi(period, criteria(ctx, "grammar")),
    }


@query
async def get_trends(ctx: QueryCtx, key: str, filters: DashboardFilters | None = None) -> list[Point]:
    """The mean over time: `value` is a mean here, and `count` the reviews it is made of."""
    await check_key(ctx, key)
    points = await series(period_of(ctx, filters), reviews(ctx))
    return [{**point, "value": point["value"] / point["count"] if point["count"] else 0.0} for point in points]


@query
async def get_analysis(ctx: QueryCtx, key: str, filters: DashboardFilters | None = None) -> QualityAnalysis:
    """What the means are made of."""
    await check_key(ctx, key)
    period = period_of(ctx, filters)
    return {
        "distribution": await _distribution(ctx, period),
        "reviewers": await _reviewers(ctx, period),
        "lowest": await ctx.db.query("qualityReviews").with_index("by_overall").take(5),
    }


async def _distribution(ctx: QueryCtx, period: Period) -> list[Band]:
    found: list[Band] = []
    for score in range(11):
        totals = await bands(ctx, score)(period.first, period.last)
        found.append({"score": score, "count": totals["count"]})
    return found


async def _reviewers(ctx: QueryCtx, period: Period) -> list[Reviewer]:
    known = await ctx.db.aggregate_groups("qualityReviews", "by_reviewer_and_day")
    found: list[Reviewer] = []
    for group in known:
        totals = await reviews(ctx, group["value"])(period.first, period.last)
        if totals["count"]:
            found.append({"name": group["value"], "reviews": totals["count"], "mean": totals["mean"] or 0.0})
    return sorted(found, key=lambda reviewer: -reviewer["reviews"])
