"""Who buys: a list to page through, one customer with everything, and how there came to be so many."""

from typing import TypedDict

from functions._generated.data_model import Customer, CustomerId, CustomerPlan, Order, Payment
from functions._generated.server import QueryCtx, query
from functions.access import check_key
from functions.dashboard_filters import DashboardFilters, period_of
from functions.dashboard_shared import Kpi, Point, Share, count_kpi, series, shares
from functions.dashboard_totals import customers
from reactor import PaginationOptions, PaginationResult

PLANS: tuple[CustomerPlan, ...] = ("single", "monthly", "yearly")


class CustomerFilters(TypedDict, total=False):
    """By what the list can be narrowed; one of them at a time."""

    plan: CustomerPlan
    country: str


class CustomerDetails(TypedDict):
    """A customer with the newest orders, and what they come to by status."""

    customer: Customer
    orders: list[Order]
    payments: list[Payment]


class CustomerAnalytics(TypedDict):
    """New customers, those there are by plan and country, and what one has paid on average."""

    newCustomers: Kpi
    active: float
    churned: float
    revenuePerCustomer: float
    growth: list[Point]
    byPlan: list[Share]
    byCountry: list[Share]


@query
async def list_customers(
    ctx: QueryCtx, key: str, pagination_opts: PaginationOptions, filters: CustomerFilters | None = None
) -> PaginationResult[Customer]:
    """Customers by what they have paid, the best first, a page at a time."""
    await check_key(ctx, key)
    narrowed = filters or {}
    everybody = ctx.db.query("customers")
    if "plan" in narrowed:
        plan = narrowed["plan"]
        found = everybody.with_index("by_plan_and_revenue", lambda q: q.eq("plan", plan))
    elif "country" in narrowed:
        country = narrowed["country"]
        found = everybody.with_index("by_country_and_revenue", lambda q: q.eq("country", country))
    else:
        found = everybody.with_index("by_revenue")
    return await found.order("desc").paginate(pagination_opts)


@query
async def get_customer(ctx: QueryCtx, key: str, customer_id: CustomerId) -> CustomerDetails | None:
    """One customer with the newest twenty orders and their payments; None when there is none with this id."""
    await check_key(ctx, key)
    customer = await ctx.db.get(customer_id)
    if customer is None:
        return None
    of_customer = ctx.db.query("orders").with_index("by_customer", lambda q: q.eq("customerId", customer_id))
    orders = await of_customer.order("desc").take(20)
    payments: list[Payment] = []
    for order in orders:
        order_id = order["_id"]
        of_order = ctx.db.query("payments").with_index("by_order", lambda q, id=order_id: q.eq("orderId", id))
        payments += await of_order.take(5)
    return {"customer": customer, "orders": orders, "payments": payments}


@query
async def get_analytics(ctx: QueryCtx, key: str, filters: DashboardFilters | None = None) -> CustomerAnalytics:
    """How the number of customers grows, and who they are."""
    await check_key(ctx, key)
    period = period_of(ctx, filters)
    active = await ctx.db.aggregate("customers", "by_plan", lambda q: q.eq("active", True))
    everybody = await ctx.db.aggregate("customers", "by_plan")
    plans = await ctx.db.aggregate_groups("customers", "by_plan", lambda q: q.eq("active", True))
    countries = await ctx.db.aggregate_groups("customers", "by_country", limit=50)
    return {
        "newCustomers": await count_kpi(period, customers(ctx)),
        "active": active["count"],
        "churned": everybody["count"] - active["count"],
        "revenuePerCustomer": everybody["mean"] or 0.0,
        "growth": await series(period, customers(ctx)),
        "byPlan": shares((group["value"], group["sum"], group["count"]) for group in plans),
        "byCountry": shares((group["value"], group["sum"], group["count"]) for group in countries),
    }
