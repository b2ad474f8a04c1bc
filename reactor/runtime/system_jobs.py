"""Functions of the server's own about jobs: what failed for good, running it again, and canceling.

reactor run _system/jobs:deadLetters
reactor run _system/jobs:runAgain '{"id": "…"}'
"""

from typing import Any

from reactor.database.scheduled import State, cancel_job, find_job, is_dead, of_state, revive, table_of_jobs
from reactor.errors import DeveloperError
from reactor.runtime.contexts import MutationCtx, QueryCtx
from reactor.runtime.functions import Kind, system_function
from reactor.runtime.registry import AnyFunction
from reactor.values import table_of

__all__ = ["job_functions"]

_MODULE = "_system/jobs"
_LOOKED_AT = 10_000
_SHOWN = 1_000


def job_functions() -> list[AnyFunction]:
    """The functions, placed at their paths."""
    return [
        system_function(_dead_letters, Kind.QUERY, _MODULE, "deadLetters"),
        system_function(_run_again, Kind.MUTATION, _MODULE, "runAgain"),
        system_function(_cancel, Kind.MUTATION, _MODULE, "cancel"),
    ]


async def _dead_letters(ctx: QueryCtx, limit: float = 100) -> list[Any]:
    """The newest dead letters, looked for among the last 10,000 jobs that failed."""
    tx = ctx._tx  # pyright: ignore[reportPrivateUsage] - what contexts show is for applications
    table = table_of_jobs(tx)
    index, lower, upper = of_state(table, State.FAILED)
    scan = tx.open_scan(index, lower, upper, reverse=True)
    assert scan is not None
    scan.exhausted = True
    found = await tx.entries(table, index, lower, upper, reverse=True, limit=_LOOKED_AT)
    rows = await tx.load([id for _, id in found])
    return [row.value() for row in rows if is_dead(row)][: min(int(limit), _SHOWN)]


async def _run_again(ctx: MutationCtx, id: str) -> None:
    """Let a dead letter run at once, with all its tries."""
    tx = ctx._tx  # pyright: ignore[reportPrivateUsage]
    row = await find_job(tx, id) if table_of(id) == table_of_jobs(tx).number else None
    if row is None or not is_dead(row):
        raise DeveloperError(
            f'"{id[:64]}" is no action all of whose tries have failed. `_system/jobs:deadLetters` lists them.',
            code="NoDeadLetter",
        )
    revive(tx, row)


async def _cancel(ctx: MutationCtx, id: str) -> None:
    """Cancel a job, as ctx.scheduler.cancel does."""
    await cancel_job(ctx._tx, id)  # pyright: ignore[reportPrivateUsage]
