"""The way into the dashboards: what the page needs before anything is chosen, and what all of them share."""

import secrets
from typing import TypedDict

from functions._generated.data_model import OperationsEvent
from functions._generated.server import ActionCtx, MutationCtx, QueryCtx, action, internal_mutation, query
from functions.access import check_key, staff_of
from functions.dashboard_customers import PLANS
from functions.dashboard_filters import PRESETS, DashboardFilters, period_of
from functions.dashboard_totals import customers, orders
from reactor import ConvexError


class FilterOptions(TypedDict):
    """What the page offers to choose from."""

    ranges: list[str]
    products: list[str]
    countries: list[str]
    plans: list[str]
    reviewers: list[str]


class Counts(TypedDict):
    """The numbers beside the entries of the menu."""

    orders: float
    customers: float
    openRequests: float
    messages: float


@query
async def get_access(ctx: QueryCtx) -> str | None:
    """The key that all dashboards ask for, for staff; None until somebody has opened them."""
    await staff_of(ctx)
    access = await ctx.db.query("dashboardAccess").first()
    return None if access is None else access["key"]


@action
async def open_access(ctx: ActionCtx) -> str:
    """Make a new key, and give it. Whoever has the old one is shut out at once; only admins may do that."""
    key = secrets.token_urlsafe(24)
    await ctx.run_mutation(keep_key, key=key)
    return key


@internal_mutation
async def keep_key(ctx: MutationCtx, key: str) -> None:
    """Let this be the key from now on."""
    user = await staff_of(ctx)
    access = await ctx.db.query("dashboardAccess").first()
    if access is None:
        await ctx.db.insert("dashboardAccess", {"key": key})
    elif user["role"] == "admin":
        await ctx.db.patch(access["_id"], {"key": key})
    else:
        raise ConvexError({"code": "FORBIDDEN"})


@query
async def get_filter_options(ctx: QueryCtx, key: str) -> FilterOptions:
    """What there is to choose from, found in the data."""
    await check_key(ctx, key)
    products = await ctx.db.aggregate_groups("orders", "by_product_and_day", lambda q: q.eq("status", "paid"))
    countries = await ctx.db.aggregate_groups("customers", "by_country")
    reviewers = await ctx.db.aggregate_groups("qualityReviews", "by_reviewer_and_day")
    return {
        "ranges": list(PRESETS),
        "products": [group["value"] for group in products],
        "countries": [group["value"] for group in countries],
        "plans": list(PLANS),
        "reviewers": [group["value"] for group in reviewers],
    }


@query
async def get_counts(ctx: QueryCtx, key: str, filters: DashboardFilters | None = None) -> Counts:
    """How much there is in a time, and how much waits."""
    await check_key(ctx, key)
    period = period_of(ctx, filters)
    paid = await orders(ctx, "paid")(period.first, period.last)
    new = await customers(ctx)(period.first, period.last)
    received = await ctx.db.aggregate("essayRequests", "by_status", lambda q: q.eq("status", "received"))
    in_review = await ctx.db.aggregate("essayRequests", "by_status", lambda q: q.eq("status", "in_review"))
    messages = await ctx.db.aggregate("messages", "by_role")
    return {
        "orders": paid["count"],
        "customers": new["count"],
        "openRequests": received["count"] + in_review["count"],
        "messages": messages["count"],
    }


@query
async def get_recent_activity(ctx: QueryCtx, key: str, limit: int = 20) -> list[OperationsEvent]:
    """What happened last, of all kinds, the newest first."""
    await check_key(ctx, key)
    return await ctx.db.query("operationsEvents").order("desc").take(min(max(limit, 1), 100))
