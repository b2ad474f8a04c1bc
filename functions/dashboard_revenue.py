"""Where the money comes from: by time, by product, and what is left of it."""

from typing import TypedDict

from functions._generated.server import QueryCtx, query
from functions.access import check_key
from functions.dashboard_filters import DashboardFilters, Period, period_of
from functions.dashboard_shared import Kpi, Point, Share, kpi, series, shares, sum_kpi
from functions.dashboard_totals import orders, products
from functions.orders import PRICES


class Revenue(TypedDict):
    """What came in, and by which products, in cents."""

    total: Kpi
    orders: Kpi
    byProduct: list[Share]


class Trends(TypedDict):
    """Lines of what was paid and what was given back, and the mean of a day's revenue."""

    step: str
    paid: list[Point]
    refunded: list[Point]
    perDay: float


class FinancialMetrics(TypedDict):
    """In cents: paid and kept, given back, what is open; the mean order; refunds as a part of what was paid."""

    gross: Kpi
    refunds: Kpi
    net: Kpi
    open: float
    averageOrder: Kpi
    refundRate: float


@query
async def get_revenue(ctx: QueryCtx, key: str, filters: DashboardFilters | None = None) -> Revenue:
    """What a time brought."""
    await check_key(ctx, key)
    period = period_of(ctx, filters)
    total, paid = await sum_kpi(period, orders(ctx, "paid"))
    return {"total": total, "orders": paid, "byProduct": shares(await _by_product(ctx, period))}


@query
async def get_trends(ctx: QueryCtx, key: str, filters: DashboardFilters | None = None) -> Trends:
    """How it went."""
    await check_key(ctx, key)
    period = period_of(ctx, filters)
    paid = await series(period, orders(ctx, "paid"))
    return {
        "step": period.step,
        "paid": paid,
        "refunded": await series(period, orders(ctx, "refunded")),
        "perDay": sum(point["value"] for point in paid) / period.days,
    }


@query
async def get_financial_metrics(ctx: QueryCtx, key: str, filters: DashboardFilters | None = None) -> FinancialMetrics:
    """What is left of it."""
    await check_key(ctx, key)
    period = period_of(ctx, filters)
    paid, count = await sum_kpi(period, orders(ctx, "paid"))
    refunds, _ = await sum_kpi(period, orders(ctx, "refunded"))
    waiting = await orders(ctx, "pending")(period.first, period.last)
    gross = kpi(paid["value"] + refunds["value"], paid["previous"] + refunds["previous"])
    return {
        "gross": gross,
        "refunds": refunds,
        "net": paid,
        "open": waiting["sum"],
        "averageOrder": kpi(_mean(paid["value"], count["value"]), _mean(paid["previous"], count["previous"])),
        "refundRate": refunds["value"] / gross["value"] if gross["value"] else 0.0,
    }


async def _by_product(ctx: QueryCtx, period: Period) -> list[tuple[str, float, float]]:
    parts: list[tuple[str, float, float]] = []
    # From the list of products, and not from the groups that there are: those change with orders of any day.
    for name in PRICES:
        totals = await products(ctx, name)(period.first, period.last)
        if totals["count"]:
            parts.append((name, totals["sum"], totals["count"]))
    return parts


def _mean(total: float, count: float) -> float:
    return total / count if count else 0.0
