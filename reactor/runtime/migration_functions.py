"""The server's own functions about migrations, `_system/migrations:…`, for the command line and for tests."""

from collections.abc import Callable
from typing import Any

from reactor.runtime.contexts import MutationCtx, QueryCtx
from reactor.runtime.failures import describe
from reactor.runtime.functions import Function, Kind, system_function
from reactor.runtime.migration_batch import Batch
from reactor.runtime.migration_control import cancel, request, reset, status
from reactor.runtime.migrations import Migration, Migrations

__all__ = ["MIGRATIONS_MODULE", "migration_functions"]

MIGRATIONS_MODULE = "_system/migrations"

_EXAMPLES, _MOST_DRY = 5, 500


def migration_functions(known: Callable[[], Migrations]) -> list[Function[..., Any]]:
    """The functions; `known` gives the migrations of the code that serves now."""

    async def start(
        ctx: MutationCtx,
        names: list[str] | None = None,
        reset: bool = False,
        catchUp: bool = False,  # noqa: N803 - names on the wire
    ) -> list[dict[str, str]]:
        migrations = known()
        series = list(migrations) if names is None else [migrations.named(name) for name in names]
        answers = await request(ctx._tx, series, reset=reset, catch_up=catchUp)  # pyright: ignore[reportPrivateUsage]
        return [{"name": name, "answer": answer} for name, answer in answers.items()]

    async def look(ctx: QueryCtx, newer: bool = False) -> list[dict[str, Any]]:
        return await status(ctx._tx, known(), newer=newer)  # pyright: ignore[reportPrivateUsage]

    async def dry_run(ctx: MutationCtx, name: str, cursor: bytes | None = None, most: int = 100) -> dict[str, Any]:
        return await _dry_run(ctx, known().named(name), cursor, max(1, min(most, _MOST_DRY)))

    return [
        system_function(start, Kind.MUTATION, MIGRATIONS_MODULE, "start"),
        system_function(look, Kind.QUERY, MIGRATIONS_MODULE, "status"),
        system_function(_cancel, Kind.MUTATION, MIGRATIONS_MODULE, "cancel"),
        system_function(_reset, Kind.MUTATION, MIGRATIONS_MODULE, "reset"),
        system_function(dry_run, Kind.MUTATION, MIGRATIONS_MODULE, "dryRun"),
    ]


async def _cancel(ctx: MutationCtx, names: list[str] | None = None) -> list[str]:
    return await cancel(ctx._tx, names)  # pyright: ignore[reportPrivateUsage]


async def _reset(ctx: MutationCtx, names: list[str]) -> list[str]:
    return await reset(ctx._tx, names)  # pyright: ignore[reportPrivateUsage]


async def _dry_run(ctx: MutationCtx, migration: Migration, cursor: bytes | None, most: int) -> dict[str, Any]:
    """Run a batch behind `cursor`, take it back, and tell what it would have done."""
    examples: list[dict[str, Any]] = []

    def saw(before: dict[str, Any], after: dict[str, Any] | None) -> None:
        if len(examples) < _EXAMPLES:
            examples.append({"before": before, "after": after})

    tx = ctx._tx  # pyright: ignore[reportPrivateUsage]
    inside = MutationCtx(ctx._run, ctx._calls, migration, tx, ctx.db._pager)  # pyright: ignore[reportPrivateUsage]
    batch, error = Batch(migration, cursor, most, saw=saw), None
    tx.push()
    try:
        await batch.run(inside)
    except Exception as raised:
        error = {"document": batch.document, "message": describe(raised, "").text.rstrip()}
    finally:
        tx.pop(keep=False)
    return {
        "processed": batch.processed,
        "changed": batch.changed,
        "examples": examples,
        "cursor": batch.cursor,
        "done": batch.done,
        "error": error,
    }
