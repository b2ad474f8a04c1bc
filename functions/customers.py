"""Who buys from the school."""

from typing import Literal

from functions.dashboard_filters import day_of
from functions.users import with_email
from reactor import ConvexError, Id, MutationCtx, mutation


@mutation
async def create(
    ctx: MutationCtx,
    name: str,
    email: str,
    country: str = "DE",
    plan: Literal["single", "monthly", "yearly"] = "single",
) -> Id["customers"]:
    """Add a customer and give the id; the same email twice is refused."""
    address = email.strip().lower()
    if "@" not in address:
        raise ConvexError({"code": "NO_EMAIL", "email": email})
    known = ctx.db.query("customers").with_index("by_email", lambda q: q.eq("email", address))
    if await known.first() is not None:
        raise ConvexError({"code": "EMAIL_TAKEN", "email": address})
    user = await with_email(ctx, address)
    return await ctx.db.insert(
        "customers",
        {
            "name": name,
            "email": address,
            "country": country,
            "plan": plan,
            "active": True,
            "day": day_of(ctx.now),
            "revenue": 0,
            "orders": 0,
            **({} if user is None else {"userId": user["_id"]}),
        },
    )


@mutation
async def leave(ctx: MutationCtx, customer_id: Id["customers"]) -> None:
    """A customer has given up the plan."""
    if await ctx.db.get(customer_id) is None:
        raise ConvexError({"code": "NO_SUCH_CUSTOMER", "customerId": customer_id})
    await ctx.db.patch(customer_id, {"active": False})
