"""Who buys from the school. Only staff write down who does."""

from functions._generated.data_model import CustomerFields, CustomerId, CustomerPlan
from functions._generated.server import MutationCtx, mutation
from functions.access import staff_of
from functions.dashboard_filters import day_of
from functions.users import with_email
from reactor import ConvexError


@mutation
async def create(
    ctx: MutationCtx,
    name: str,
    email: str,
    country: str = "DE",
    plan: CustomerPlan = "single",
) -> CustomerId:
    """Add a customer and give the id; the same email twice is refused."""
    await staff_of(ctx)
    address = email.strip().lower()
    if "@" not in address:
        raise ConvexError({"code": "NO_EMAIL", "email": email})
    known = ctx.db.query("customers").with_index("by_email", lambda q: q.eq("email", address))
    if await known.first() is not None:
        raise ConvexError({"code": "EMAIL_TAKEN", "email": address})
    customer: CustomerFields = {
        "name": name,
        "email": address,
        "country": country,
        "plan": plan,
        "active": True,
        "day": day_of(ctx.now),
        "revenue": 0,
        "orders": 0,
    }
    user = await with_email(ctx, address)
    if user is not None:
        customer["userId"] = user["_id"]
    return await ctx.db.insert("customers", customer)


@mutation
async def leave(ctx: MutationCtx, customer_id: CustomerId) -> None:
    """A customer has given up the plan."""
    await staff_of(ctx)
    if await ctx.db.get(customer_id) is None:
        raise ConvexError({"code": "NO_SUCH_CUSTOMER", "customerId": customer_id})
    await ctx.db.patch(customer_id, {"active": False})
