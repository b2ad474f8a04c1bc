"""How documents of earlier versions of the school come into the shape of this one: `reactor migrate --all`.

Until they have run, functions read both shapes: a field that old documents lack is optional in schema.py. What ran,
when and with which code, is remembered by the server; `reactor migrate` and `list_applied` tell.
"""

from typing import TypedDict

from functions._generated.data_model import Customer, CustomerPatch, QualityReview, QualityReviewPatch
from functions._generated.server import MutationCtx, QueryCtx, migration, query
from functions.access import staff_of
from functions.users import with_email


class Progress(TypedDict):
    """How far a migration is."""

    name: str
    state: str
    processed: float
    changed: float


@migration(table="qualityReviews")
async def give_bands(ctx: MutationCtx, review: QualityReview) -> QualityReviewPatch | None:
    """Reviews had no band, the whole number by which the dashboard shows where scores lie."""
    return None if "band" in review else {"band": int(review["overall"])}


@migration(table="customers")
async def link_customers(ctx: MutationCtx, customer: Customer) -> CustomerPatch | None:
    """Customers and users did not know of each other. Those with the same address are the same person."""
    if "userId" in customer:
        return None
    user = await with_email(ctx, customer["email"])
    return None if user is None else {"userId": user["_id"]}


@query
async def list_applied(ctx: QueryCtx) -> list[Progress]:
    """For staff: how the migrations stand that ever ran, as they run."""
    await staff_of(ctx)
    rows = await ctx.db.system.query("_migrations").collect()
    return [
        {"name": row["name"], "state": row["state"], "processed": row["processed"], "changed": row["changed"]}
        for row in rows
    ]
