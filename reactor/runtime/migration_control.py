"""Asking for migrations, canceling and resetting them, and telling how they stand: each within a transaction."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from reactor.database.migration_rows import MigrationRow, State, read_rows, write_row
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError
from reactor.runtime.migration_span import Span

if TYPE_CHECKING:
    from reactor.runtime.migrations import Migration, Migrations

__all__ = ["cancel", "request", "reset", "status"]

_MOST_NEWER = 1000

_STOPPED = (State.NEVER, State.FAILED, State.CANCELED)


async def request(
    tx: Transaction, series: "Sequence[Migration]", *, reset: bool = False, catch_up: bool = False
) -> dict[str, str]:
    """Let migrations run one after another; a failure or a cancellation of one stops those behind it.

    Gives, by name, what becomes of each: `pending` (it begins, or goes on where it stopped), `running` (it was under
    way already), `done` (it succeeded, and is not run again), `changed` (it succeeded with other code). With `reset`
    those that stopped or succeeded begin anew; with `catch_up` those that succeeded go on behind the last document that
    they saw. Raises DeveloperError to reset one that is under way.
    """
    if tx.ended:
        raise DeveloperError("The mutation has ended, and nothing would be kept of this.", code="MutationEnded")
    rows = await read_rows(tx)
    number = max((row.series for row in rows.values()), default=0) + 1
    answers: dict[str, str] = {}
    for position, each in enumerate(series):
        row = rows.get(each.name) or MigrationRow(each.name, each.path, each.table, State.NEVER)
        if reset:
            row = _afresh(row)
        answer = answers[each.name] = _answer(row, each, catch_up)
        if answer == "pending":
            waiting = replace(
                row,
                path=each.path,
                table=each.table,
                state=State.PENDING,
                series=number,
                position=position,
                until=None if row.state is State.SUCCESS else row.until,
                error=None,
            )
            await write_row(tx, waiting)
    return answers


async def cancel(tx: Transaction, names: Iterable[str] | None) -> list[str]:
    """Stop migrations that are under way (None: all of them); what they did stays. Gives the names of those stopped.

    What waits behind one of them in its series is stopped as well. Raises DeveloperError for a name that never ran.
    """
    rows = await read_rows(tx)
    asked = [row for row in rows.values() if row.under_way] if names is None else [_known(rows, n) for n in names]
    stopped: list[str] = []
    for row in asked:
        if row.under_way and row.name not in stopped:
            await write_row(tx, row.ended(State.CANCELED, tx.now))
            stopped.append(row.name)
            stopped += await stop_behind(tx, row)
    return stopped


async def reset(tx: Transaction, names: Iterable[str]) -> list[str]:
    """Forget how far migrations have come, so that each begins anew when it is asked for; documents stay as they are.

    Gives the names. Raises DeveloperError for one that is under way, or never ran.
    """
    rows = await read_rows(tx)
    fresh = [_afresh(_known(rows, name)) for name in names]
    for row in fresh:
        await write_row(tx, row)
    return [row.name for row in fresh]


async def stop_behind(tx: Transaction, stopped: MigrationRow) -> list[str]:
    """Cancel what waits in the series of a migration that did not come to its end."""
    behind = [
        row
        for row in (await read_rows(tx)).values()
        if row.state is State.PENDING and row.series == stopped.series and row.position > stopped.position
    ]
    for row in behind:
        await write_row(tx, row.ended(State.CANCELED, tx.now))
    return [row.name for row in behind]


async def status(tx: Transaction, known: "Migrations", *, newer: bool = False) -> list[dict[str, Any]]:
    """How each migration stands, those of the code in their order, then those that it has no more.

    With `newer` also how many documents, up to a thousand, were created behind the last one that a migration saw when
    it succeeded.
    """
    rows = await read_rows(tx)
    told = [
        _told(rows.get(each.name) or MigrationRow(each.name, each.path, each.table, State.NEVER), each)
        for each in known
    ]
    if newer:
        for entry, each in zip(told, known, strict=True):
            row = rows.get(each.name)
            if row is not None and row.state is State.SUCCESS:
                entry["newer"] = await _newer(tx, each, row)
    return told + [_told(row, None) for name, row in rows.items() if known.get(name) is None]


def _told(row: MigrationRow, code: "Migration | None") -> dict[str, Any]:
    """An entry of the status. Absent is what does not apply."""
    fields: dict[str, Any] = {
        "name": row.name,
        "path": row.path if code is None else code.path,
        "table": row.table if code is None else code.table,
        "state": row.state.value,
        "processed": row.processed,
        "changed": row.changed,
        "total": row.total,
        "startedTime": row.started_time,
        "completedTime": row.completed_time,
        "version": row.version,
        "inCode": code is not None,
        "codeChanged": code is not None and bool(row.version) and row.version != code.version,
        "runs": [
            {
                "state": run.state,
                "version": run.version,
                "processed": run.processed,
                "changed": run.changed,
                "startedTime": run.started_time,
                "completedTime": run.completed_time,
            }
            for run in row.runs
        ],
    }
    if row.error is not None:
        fields["error"] = {"message": row.error.message, "document": row.error.document}
    return fields


async def _newer(tx: Transaction, code: "Migration", row: MigrationRow) -> int:
    if tx.table(code.table) is None or code.index is not None:
        return 0
    span = Span(tx, code)
    entries = await span.entries(tx, row.cursor, _MOST_NEWER)
    return len(entries)


def _answer(row: MigrationRow, code: "Migration", catch_up: bool) -> str:
    if row.under_way:
        return "running"
    if row.state in _STOPPED or catch_up:
        return "pending"
    return "done" if row.version == code.version else "changed"


def _afresh(row: MigrationRow) -> MigrationRow:
    if row.under_way:
        raise DeveloperError(
            f"Migration `{row.name}` is under way, so it cannot begin anew. Cancel it first.", code="MigrationUnderWay"
        )
    return row.afresh()


def _known(rows: dict[str, MigrationRow], name: str) -> MigrationRow:
    row = rows.get(name.rpartition(":")[2])
    if row is None:
        ran = ", ".join(rows) or "none"
        raise DeveloperError(
            f"No migration `{name:.80}` was ever asked for. Those that were: {ran}.", code="MigrationNotFound"
        )
    return row
