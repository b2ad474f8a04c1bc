"""The first page of the dashboards: how the school is doing."""

from typing import TypedDict

from functions._generated.server import QueryCtx, query
from functions.access import check_key
from functions.dashboard_filters import DashboardFilters, Period, period_of
from functions.dashboard_shared import Kpi, Point, count_kpi, mean_kpi, series, sum_kpi
from functions.dashboard_totals import customers, orders, requests, reviews


class Kpis(TypedDict):
    """The figures at the top."""

    revenue: Kpi
    orders: Kpi
    newCustomers: Kpi
    requests: Kpi
    quality: Kpi


class Overview(TypedDict):
    """Figures, the line of revenue, and a sentence that says it all."""

    start: str
    end: str
    step: str
    kpis: Kpis
    revenue: list[Point]
    summary: str


@query
async def get_overview(ctx: QueryCtx, key: str, filters: DashboardFilters | None = None) -> Overview:
    """Everything that the first page shows."""
    await check_key(ctx, key)
    period = period_of(ctx, filters)
    kpis = await _kpis(ctx, period)
    return {
        "start": period.first,
        "end": period.last,
        "step": period.step,
        "kpis": kpis,
        "revenue": await series(period, orders(ctx, "paid")),
        "summary": _summary(kpis, period),
    }


@query
async def get_kpis(ctx: QueryCtx, key: str, filters: DashboardFilters | None = None) -> Kpis:
    """Only the figures, for whoever has no room for charts."""
    await check_key(ctx, key)
    return await _kpis(ctx, period_of(ctx, filters))


@query
async def get_summary(ctx: QueryCtx, key: str, filters: DashboardFilters | None = None) -> str:
    """Only the sentence."""
    await check_key(ctx, key)
    period = period_of(ctx, filters)
    return _summary(await _kpis(ctx, period), period)


async def _kpis(ctx: QueryCtx, period: Period) -> Kpis:
    revenue, paid = await sum_kpi(period, orders(ctx, "paid"))
    return {
        "revenue": revenue,
        "orders": paid,
        "newCustomers": await count_kpi(period, customers(ctx)),
        "requests": await count_kpi(period, requests(ctx)),
        "quality": await mean_kpi(period, reviews(ctx)),
    }


def _summary(kpis: Kpis, period: Period) -> str:
    revenue, paid = kpis["revenue"], kpis["orders"]["value"]
    change = revenue["change"]
    if change is None:
        trend = ""
    else:
        trend = f", {abs(change):.0%} {'more' if change >= 0 else 'less'} than in the {_length(period)} before"
    return (
        f"€{revenue['value'] / 100:,.0f} from {paid:,.0f} orders in {_length(period)}{trend}; "
        f"{kpis['newCustomers']['value']:,.0f} new customers, {kpis['requests']['value']:,.0f} essays handed in."
    )


def _length(period: Period) -> str:
    return "one day" if period.days == 1 else f"{period.days} days"
