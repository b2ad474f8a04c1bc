"""What is added up over days: each function gives the totals of any days, the first and the last included."""

from collections.abc import Awaitable, Callable
from typing import Literal

from functions._generated.data_model import OperationsEventKind, OrderStatus
from functions._generated.server import QueryCtx
from reactor import AggregateResult

Totals = Callable[[str, str], Awaitable[AggregateResult]]

Criterion = Literal["structure", "argument", "style", "grammar"]

_ByCriterion = Literal["structure_by_day", "argument_by_day", "style_by_day", "grammar_by_day"]

_BY_CRITERION: dict[Criterion, _ByCriterion] = {
    "structure": "structure_by_day",
    "argument": "argument_by_day",
    "style": "style_by_day",
    "grammar": "grammar_by_day",
}


def customers(ctx: QueryCtx) -> Totals:
    """Those who came."""
    return lambda first, last: ctx.db.aggregate("customers", "by_day", lambda q: q.gte("day", first).lte("day", last))


def orders(ctx: QueryCtx, status: OrderStatus) -> Totals:
    """Orders and their amounts."""
    return lambda first, last: ctx.db.aggregate(
        "orders", "by_status_and_day", lambda q: q.eq("status", status).gte("day", first).lte("day", last)
    )


def products(ctx: QueryCtx, name: str) -> Totals:
    """What was paid for a product."""
    return lambda first, last: ctx.db.aggregate(
        "orders",
        "by_product_and_day",
        lambda q: q.eq("status", "paid").eq("product", name).gte("day", first).lte("day", last),
    )


def requests(ctx: QueryCtx) -> Totals:
    """Essays that were handed in."""
    return lambda first, last: ctx.db.aggregate(
        "essayRequests", "by_day", lambda q: q.gte("day", first).lte("day", last)
    )


def events(ctx: QueryCtx, kind: OperationsEventKind) -> Totals:
    """What happened, and how long it took."""
    return lambda first, last: ctx.db.aggregate(
        "operationsEvents", "by_kind_and_day", lambda q: q.eq("kind", kind).gte("day", first).lte("day", last)
    )


def reviews(ctx: QueryCtx, reviewer: str | None = None) -> Totals:
    """Reviews and their overall scores, of everybody or of one reviewer."""
    if reviewer is None:
        return lambda first, last: ctx.db.aggregate(
            "qualityReviews", "by_day", lambda q: q.gte("day", first).lte("day", last)
        )
    return lambda first, last: ctx.db.aggregate(
        "qualityReviews",
        "by_reviewer_and_day",
        lambda q: q.eq("reviewer", reviewer).gte("day", first).lte("day", last),
    )


def bands(ctx: QueryCtx, band: int) -> Totals:
    """Reviews whose overall score begins with this whole number."""
    return lambda first, last: ctx.db.aggregate(
        "qualityReviews", "by_band_and_day", lambda q: q.eq("band", band).gte("day", first).lte("day", last)
    )


def criteria(ctx: QueryCtx, name: Criterion) -> Totals:
    """Scores by one criterion."""
    return lambda first, last: ctx.db.aggregate(
        "qualityReviews", _BY_CRITERION[name], lambda q: q.gte("day", first).lte("day", last)
    )
