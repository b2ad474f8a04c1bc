"""Functions that give back what they get, one for each way to declare a value."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from msgspec import Meta

from reactor import Int64, QueryCtx, query, v


@dataclass
class Point:
    x: float
    y: float = 0.0
    label: str | None = None


class Line(TypedDict):
    name: str
    many: NotRequired[int]


@query
async def anything(ctx: QueryCtx, value: Any) -> Any:
    """Any value.

    It comes back as it was.
    """
    return value


@query
async def number(ctx: QueryCtx, value: float) -> float:
    return value


@query
async def whole(ctx: QueryCtx, value: int) -> int:
    return value


@query
async def long(ctx: QueryCtx, value: Int64) -> Int64:
    return value


@query
async def raw(ctx: QueryCtx, value: bytes) -> bytes:
    return value


@query
async def text(ctx: QueryCtx, value: str) -> str:
    return value


@query
async def switch(ctx: QueryCtx, value: bool) -> bool:
    return value


@query
async def nothing(ctx: QueryCtx, value: None) -> None:
    return value


@query
async def bounded(
    ctx: QueryCtx,
    share: Annotated[float, Meta(ge=0, le=1)],
    over: Annotated[float, Meta(gt=10)],
    dozen: Annotated[int, Meta(multiple_of=12)],
    code: Annotated[str, Meta(min_length=2, max_length=4, pattern="^[A-Z]+$")],
    few: Annotated[list[int], Meta(max_length=3)],
) -> list[Any]:
    return [share, over, dozen, code, few]


@query
async def positive(ctx: QueryCtx, value: Annotated[Int64, Meta(ge=1)]) -> Annotated[Int64, Meta(ge=1)]:
    return value


@query
async def unbounded(ctx: QueryCtx, value: Annotated[float, Meta(ge=0)]) -> Annotated[float, Meta(ge=0)]:
    return value


@query
async def point(ctx: QueryCtx, the_point: Point, other: Point | None = None) -> Point:
    return the_point if other is None else other


@query
async def lines(ctx: QueryCtx, all_lines: list[Line]) -> list[Line]:
    return all_lines


@query
async def choice(
    ctx: QueryCtx, state: Literal["open", "paid"], also: Literal["x", 7] | None = None
) -> str | int | None:
    return state if also is None else also


@query
async def counts(ctx: QueryCtx, value: dict[str, float]) -> dict[str, float]:
    return value


SHAPE = v.union(
    v.object({"kind": v.literal("circle"), "radius": v.number(), "raw": v.optional(v.bytes())}),
    v.object({"kind": v.literal("square"), "side": v.int64(), "flag": v.literal(True)}),
    v.array(v.nullable(v.int64())),
)


@query(args={"shape": SHAPE, "exact": v.optional(v.literal(Int64(5)))}, returns=SHAPE)
async def shape(ctx, shape, exact=None):
    return shape


@query
async def everything(ctx: QueryCtx, **args: Any):
    return args
