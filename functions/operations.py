"""What happened, for the dashboards: written by whoever makes it happen, in the same transaction."""

from typing import Any, Literal

from functions.dashboard_filters import day_of
from reactor import MutationCtx

EventKind = Literal[
    "request_received", "review_started", "review_finished", "review_failed", "order_placed", "order_paid",
    "order_refunded",
]  # fmt: skip


async def record(ctx: MutationCtx, kind: EventKind, text: str, duration: float | None = None) -> None:
    """Note that something happened now; `duration` is how long the step took that this ends, in milliseconds."""
    event: dict[str, Any] = {"kind": kind, "text": text, "day": day_of(ctx.now)}
    if duration is not None:
        event["duration"] = duration
    await ctx.db.insert("operationsEvents", event)
