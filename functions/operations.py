"""What happened, for the dashboards: written by whoever makes it happen, in the same transaction."""

from functions._generated.data_model import OperationsEventFields, OperationsEventKind
from functions._generated.server import MutationCtx
from functions.dashboard_filters import day_of


async def record(ctx: MutationCtx, kind: OperationsEventKind, text: str, duration: float | None = None) -> None:
    """Note that something happened now; `duration` is how long the step took that this ends, in milliseconds."""
    event: OperationsEventFields = {"kind": kind, "text": text, "day": day_of(ctx.now)}
    if duration is not None:
        event["duration"] = duration
    await ctx.db.insert("operationsEvents", event)
