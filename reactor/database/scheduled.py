"""Rows of `_scheduled_functions`: functions that are to run later, and what became of them.

A row is written in the transaction that schedules, and changes state in the transaction that brings that about:

    pending ── inProgress ── success, failed     an action: it has begun once this is durable
        │            └────── canceled            it goes on, and its end is not recorded
    ├─────────── inProgress                  an action that failed and has declared retries: it waits for the next
        ├── success, failed                      a mutation: in the commit of its effects
        └── canceled

`state.node` says who runs an action, where servers share the database.
(get-convex/convex-backend, crates/model/src/scheduled_jobs)
"""

import enum
from typing import Any

import msgspec

from reactor.database.catalog import IndexInfo, TableInfo, system_index
from reactor.database.documents import Document
from reactor.database.system_tables import BY_STATE_AND_END, BY_STATE_AND_TIME, SCHEDULED
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError
from reactor.values import Limits, encode, encode_key, table_of

__all__ = [
    "SOURCE",
    "NewJob",
    "State",
    "add_dead_letter",
    "add_job",
    "attempts_of",
    "begin_action",
    "cancel_job",
    "change_job",
    "delete_job",
    "ended_before",
    "fail_action",
    "find_job",
    "is_dead",
    "node_of",
    "of_state",
    "revive",
    "state_of",
    "table_of_jobs",
]

SOURCE = "_system/scheduler"
"""Who writes, as the log of commits has it, where no function does."""

# Arguments were measured when they were given, and lie two levels deep in their row.
_ROW = Limits(what="Scheduled function", max_bytes=2**40, max_depth=70)


class State(enum.Enum):
    """What has become of a job; the value is its `state.kind`."""

    PENDING = "pending"
    IN_PROGRESS = "inProgress"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"


class NewJob(msgspec.Struct):
    """A function to run: `name` as `module.js:function`, `args` of `size` bytes, `time` in ms since 1970."""

    name: str
    args: dict[str, Any]
    size: int
    time: float


def table_of_jobs(tx: Transaction) -> TableInfo:
    """The table of the rows."""
    table = tx.table(SCHEDULED)
    assert table is not None
    return table


async def add_job(tx: Transaction, job: NewJob, parent: str | None) -> str:
    """Schedule a function, and give the id of its row. Raises DeveloperError when the budget is spent.

    `parent` is the id of the job that schedules; when that was canceled, this one is from the beginning.
    """
    tx.scheduled(job.size)
    table = table_of_jobs(tx)
    state = State.CANCELED if parent is not None and await _is_canceled(tx, table, parent) else State.PENDING
    fields: dict[str, Any] = {
        "_id": tx.new_id(table),
        "_creationTime": tx.take_creation(),
        "name": job.name,
        "args": [job.args],
        "scheduledTime": job.time,
        "state": {"kind": state.value},
    }
    if state is State.CANCELED:
        fields["completedTime"] = tx.now
    row = _row(table, fields)
    tx.record(table, None, row)
    return row.id


async def find_job(tx: Transaction, id: str) -> Document | None:
    """The row of a job, None when there is none, or none any more."""
    return await tx.get(table_of_jobs(tx), id, counted=False)


def change_job(tx: Transaction, row: Document, state: State, error: str | None = None) -> Document:
    """The row in another state. `error` says why it failed."""
    kind: dict[str, Any] = {"kind": state.value}
    fields = {**row.value(), "state": kind}
    if error is not None:
        kind["error"] = error
    if state is not State.IN_PROGRESS:
        fields["completedTime"] = tx.now
    table = table_of_jobs(tx)
    changed = _row(table, fields)
    tx.record(table, row, changed)
    return changed


def begin_action(tx: Transaction, row: Document, retries: int, node: str | None) -> None:
    """An action begins, which may be run again so many times if it fails.

    `node` is the server that runs it, None for the only one that there is.
    """
    fields: dict[str, Any] = dict(row.value())
    state: dict[str, Any] = {"kind": State.IN_PROGRESS.value}
    if node is not None:
        state["node"] = node
    if retries or "attempts" in fields:
        fields["attempts"] = {**fields.get("attempts", {"failed": 0}), "retries": retries}
    _put(tx, row, {**fields, "state": state})


def node_of(row: Document) -> str | None:
    """The server that runs an action, as `begin_action` was told."""
    return row.value()["state"].get("node")


def attempts_of(row: Document) -> tuple[int, int]:
    """How many times an action has failed, now that it has, and how many times it may be run again."""
    attempts = row.value().get("attempts", {"failed": 0, "retries": 0})
    return int(attempts["failed"]) + 1, int(attempts["retries"])


def fail_action(tx: Transaction, row: Document, error: str, retry_in: float | None) -> None:
    """An action failed; `retry_in` are the seconds until it is run again, None when it is not.

    One that had retries and has none left is a dead letter.
    """
    failed, retries = attempts_of(row)
    if not retries and failed == 1:
        change_job(tx, row, State.FAILED, error)
        return
    fields = {**row.value(), "attempts": {"failed": failed, "retries": retries, "lastError": error}}
    if retry_in is None:
        state = {"kind": State.FAILED.value, "error": error, "deadLetter": True}
        _put(tx, row, {**fields, "state": state, "completedTime": tx.now})
    else:
        time = tx.now + retry_in * 1000
        _put(tx, row, {**fields, "state": {"kind": State.PENDING.value}, "scheduledTime": time})


def add_dead_letter(tx: Transaction, job: NewJob, error: str, attempts: tuple[int, int]) -> None:
    """An action that failed for good without having been a job: a cron job's. `attempts`: as `attempts_of`."""
    table = table_of_jobs(tx)
    fields: dict[str, Any] = {
        "_id": tx.new_id(table),
        "_creationTime": tx.take_creation(),
        "name": job.name,
        "args": [job.args],
        "scheduledTime": job.time,
        "completedTime": tx.now,
        "state": {"kind": State.FAILED.value, "error": error, "deadLetter": True},
        "attempts": {"failed": attempts[0], "retries": attempts[1], "lastError": error},
    }
    tx.record(table, None, _row(table, fields))


def is_dead(row: Document) -> bool:
    """Whether all tries of an action with retries have failed."""
    return bool(row.value()["state"].get("deadLetter"))


def revive(tx: Transaction, row: Document) -> None:
    """Let a dead letter run again, at once and with all its tries."""
    before: dict[str, Any] = row.value()
    fields = {**before, "state": {"kind": State.PENDING.value}, "scheduledTime": tx.now}
    fields["attempts"] = {**before["attempts"], "failed": 0}
    del fields["completedTime"]
    _put(tx, row, fields)


def delete_job(tx: Transaction, row: Document) -> None:
    """Forget a job that has ended."""
    tx.record(table_of_jobs(tx), row, Document(row.id, None))


async def cancel_job(tx: Transaction, id: Any) -> None:
    """Keep a job from running, or the end of an action that runs from being recorded. What has ended stays as it is.

    Raises DeveloperError for what is no id of a job, and for a mutation that would cancel itself.
    """
    _check_id(tx, id)
    row = await find_job(tx, id)
    if row is None:
        return
    state = state_of(row)
    if state is State.IN_PROGRESS and id in tx.before:
        # Nobody else sees the row of a mutation in this state, and that of an action got it in an earlier transaction.
        raise DeveloperError(
            "A mutation cannot cancel itself: it runs already. Return early, or raise an error to undo it.",
            code="ScheduledFunctionCancelingItself",
        )
    if state in (State.PENDING, State.IN_PROGRESS):
        change_job(tx, row, State.CANCELED)


def state_of(row: Document) -> State:
    """What has become of a job."""
    return State(row.value()["state"]["kind"])


# Ranges of the indexes over states


def of_state(table: TableInfo, state: State) -> tuple[IndexInfo, bytes, bytes]:
    """The jobs in a state, in the order of their times: index, and range of keys."""
    prefix = encode_key([state.value])
    return system_index(table, BY_STATE_AND_TIME), prefix, prefix + b"\xff"


def ended_before(table: TableInfo, state: State, time: float) -> tuple[IndexInfo, bytes, bytes]:
    """The jobs that came to a state before a time, in ms since 1970: index, and range of keys."""
    return system_index(table, BY_STATE_AND_END), encode_key([state.value]), encode_key([state.value, time])


# Inside


def _put(tx: Transaction, row: Document, fields: dict[str, Any]) -> None:
    table = table_of_jobs(tx)
    tx.record(table, row, _row(table, fields))


async def _is_canceled(tx: Transaction, table: TableInfo, id: str) -> bool:
    row = await tx.get(table, id, counted=False)
    return row is not None and state_of(row) is State.CANCELED


def _row(table: TableInfo, fields: dict[str, Any]) -> Document:
    row = Document(fields["_id"], encode(fields, limits=_ROW, pending=True))
    row.set_keys(table, table.keys_of(fields))
    return row


def _check_id(tx: Transaction, id: Any) -> None:
    if not isinstance(id, str):
        raise DeveloperError(
            f"Must provide arg 1 `id` to `cancel`: the id of a scheduled function, text, not {type(id).__name__}.",
            code="TypeError",
        )
    number = table_of(id)
    if number is None:
        raise DeveloperError(
            f'Invalid argument `id` for `scheduler.cancel`: Unable to decode ID "{id[:64]}". Give the id that '
            "ctx.scheduler.run_after or run_at gave.",
            code="InvalidId",
        )
    if number != table_of_jobs(tx).number:
        raise DeveloperError(
            f"Invalid argument `id` for `scheduler.cancel`: it must be an ID on the '{SCHEDULED}' table, which "
            f'"{id}" is not. Give the id that ctx.scheduler.run_after or run_at gave.',
            code="InvalidTable",
        )
