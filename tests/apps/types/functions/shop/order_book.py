"""Functions that declare what they take and give in each of the ways there are."""

from dataclasses import dataclass
from typing import Any, Literal, NotRequired, TypedDict

import msgspec

from reactor import (
    ActionCtx,
    Id,
    Int64,
    MutationCtx,
    PaginationOptions,
    PaginationResult,
    QueryCtx,
    action,
    internal_mutation,
    mutation,
    query,
    v,
)


class Line(TypedDict):
    name: str
    many: NotRequired[int]


@dataclass
class Address:
    city: str
    zip: str | None = None


class Receipt(msgspec.Struct):
    cents: Int64
    picture: bytes


@query
async def one_order(ctx: QueryCtx, order_id: Id["orders"]) -> Receipt | None:
    """The receipt of an order.

    None when there is no such order; a */ does not end this comment.
    """
    order = await ctx.db.get(order_id)
    return None if order is None else Receipt(Int64(order["cents"]), order.get("picture", b""))


@query
async def pages(ctx: QueryCtx, pagination_opts: PaginationOptions) -> PaginationResult:
    return await ctx.db.query("orders").paginate(pagination_opts)


@query
async def count(ctx: QueryCtx) -> int:
    return await ctx.db.query("orders").count()


@mutation
async def place(
    ctx: MutationCtx, lines: list[Line], address: Address, state: Literal["open", "paid"] = "open"
) -> dict[str, float]:
    return {line["name"]: line.get("many", 1) for line in lines}


@mutation(args={"from": v.string(), "cents": v.optional(v.int64())}, returns=v.null())
async def refund(ctx: MutationCtx, from_, cents=None):
    return None


@internal_mutation
async def purge(ctx: MutationCtx) -> None:
    """Forget everything."""


@action
async def anything(ctx: ActionCtx, **args: Any):
    return args
