"""Orders and payments. What a customer has paid is kept beside the customer, in the same transaction.

Staff order for everybody, a student for the customer that the student is. What somebody may not see is as if it were
not there.
"""

from typing import Literal

from functions._generated.data_model import (
    Customer,
    CustomerId,
    CustomerPatch,
    Order,
    OrderId,
    PaymentFields,
    PaymentStatus,
    User,
)
from functions._generated.server import MutationCtx, QueryCtx, internal_mutation, mutation, query
from functions.access import Reading, user_of
from functions.dashboard_filters import day_of
from functions.operations import record
from reactor import ConvexError

PRICES = {"Essay review": 4_900, "Express review": 7_900, "Coaching hour": 8_900, "Monthly plan": 14_900}
"""In cents."""


@mutation
async def place(ctx: MutationCtx, customer_id: CustomerId, product: str) -> OrderId:
    """Order a product for a customer; it waits for its payment."""
    user = await user_of(ctx)
    customer = await ctx.db.get(customer_id)
    if customer is None or not _may_order(user, customer):
        raise ConvexError({"code": "NO_SUCH_CUSTOMER", "customerId": customer_id})
    if product not in PRICES:
        raise ConvexError({"code": "NO_SUCH_PRODUCT", "product": product, "products": sorted(PRICES)})
    amount = PRICES[product]
    order = await ctx.db.insert(
        "orders",
        {
            "customerId": customer_id,
            "product": product,
            "amount": amount,
            "status": "pending",
            "day": day_of(ctx.now),
            "placedAt": ctx.now,
        },
    )
    await record(ctx, "order_placed", f"{customer['name']} ordered: {product}")
    return order


@mutation
async def cancel(ctx: MutationCtx, order_id: OrderId) -> None:
    """Give up an order that has not been paid."""
    order = await _visible(ctx, order_id)
    if order is None:
        raise _unknown(order_id)
    if order["status"] != "pending":
        raise ConvexError({"code": "NOT_PENDING", "orderId": order_id, "status": order["status"]})
    await ctx.db.patch(order_id, {"status": "cancelled"})


@query
async def get(ctx: QueryCtx, order_id: OrderId) -> Order | None:
    """One order, or None."""
    return await _visible(ctx, order_id)


# Internal: only the payment provider says what was paid, through the webhook in functions/http.py.
@internal_mutation
async def payment_received(
    ctx: MutationCtx,
    order_id: OrderId,
    provider_id: str,
    amount: float,
    outcome: PaymentStatus,
) -> bool:
    """What the provider tells of a payment; False when it has told this before."""
    told = ctx.db.query("payments").with_index("by_provider_id", lambda q: q.eq("providerId", provider_id))
    if await told.first() is not None:
        return False
    order = await ctx.db.get(order_id)
    if order is None:
        raise _unknown(order_id)
    day = day_of(ctx.now)
    payment: PaymentFields = {
        "orderId": order_id,
        "providerId": provider_id,
        "amount": amount,
        "status": outcome,
        "day": day,
    }
    await ctx.db.insert("payments", payment)
    if outcome == "succeeded" and order["status"] == "pending":
        await _settle(ctx, order, "paid", 1)
    elif outcome == "refunded" and order["status"] == "paid":
        await _settle(ctx, order, "refunded", -1)
    return True


async def _settle(ctx: MutationCtx, order: Order, status: Literal["paid", "refunded"], sign: int) -> None:
    await ctx.db.patch(order["_id"], {"status": status})
    customer = await ctx.db.get(order["customerId"])
    if customer is None:
        return
    changes: CustomerPatch = {
        "revenue": customer["revenue"] + sign * order["amount"],
        "orders": customer["orders"] + sign,
    }
    await ctx.db.patch(customer["_id"], changes)
    text = f"{customer['name']} {'paid' if sign > 0 else 'was refunded'} €{order['amount'] / 100:,.2f}"
    await record(ctx, "order_paid" if sign > 0 else "order_refunded", text)


async def _visible(ctx: Reading, order_id: OrderId) -> Order | None:
    """An order that whoever calls may see."""
    user = await user_of(ctx)
    order = await ctx.db.get(order_id)
    customer = None if order is None else await ctx.db.get(order["customerId"])
    return order if customer is not None and _may_order(user, customer) else None


def _may_order(user: User, customer: Customer) -> bool:
    return user["role"] != "student" or customer.get("userId") == user["_id"]


def _unknown(order_id: OrderId) -> ConvexError:
    return ConvexError({"code": "NO_SUCH_ORDER", "orderId": order_id})
