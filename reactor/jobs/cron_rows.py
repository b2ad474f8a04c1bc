"""Rows of cron jobs: what they are, when they run next, and how the last runs ended.

    _cron_jobs        name, cronSpec
    _cron_next_run    cronJobId, state, prevTs, nextTs; ours: attempts, runs of this time that failed, and retries
    _cron_job_logs    name, ts, udfPath, udfArgs, status, logLines, executionTime

Times are nanoseconds since 1970. An action is `inProgress` from before it begins until its end is recorded, and
`state.node` says who runs it where servers share the database; a mutation never is, since its commit also has its end.
(get-convex/convex-backend, crates/model/src/cron_jobs/types.rs)
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from reactor.database.catalog import TableInfo, system_index
from reactor.database.documents import Document
from reactor.database.system_tables import BY_NAME_AND_TIME, CRON_JOBS, CRON_LOGS, CRON_NEXT
from reactor.database.transaction import Transaction
from reactor.runtime.cron_schedules import Interval, following, spread
from reactor.runtime.crons import Cron
from reactor.runtime.query_run import RunResult
from reactor.values import Int64, Limits, decode_trusted, encode, encode_key

__all__ = [
    "LOST",
    "Upcoming",
    "adopt",
    "advance",
    "attempts",
    "begin",
    "ending",
    "find_run",
    "node_of",
    "occurrence",
    "status_of",
    "write_log",
]

_NS = 1_000_000_000
_FORGIVEN = 3 * 3600
"""A clock that is set back by less repeats nothing; by more, and what was too far ahead is given up (in seconds)."""

_FRESH = {"attempts": 0, "retries": 0}
_MOST = 4_096
_LOGS_KEPT, _LOG_CHARS = 5, 1000
_ROW = Limits(what="Cron job", max_bytes=2**40, max_depth=80)

LOST = "Transient error: the server ended while this action ran, and nobody knows how far it came."


class Upcoming(msgspec.Struct):
    """The next run of a cron job: `id` of its row of `_cron_next_run`, and `time` in ns since 1970."""

    cron: Cron
    id: str
    time: int
    in_progress: bool = False


# The jobs that there are


async def adopt(tx: Transaction, declared: Mapping[str, Cron]) -> dict[str, Upcoming]:
    """Let the rows be of what is declared, and give all next runs by name.

    What has not changed keeps its next run, but for one that a wrong clock has put too far ahead.
    """
    nexts = {row.value()["cronJobId"]: row for row in await _all(tx, CRON_NEXT)}
    upcoming: dict[str, Upcoming] = {}
    for row in await _all(tx, CRON_JOBS):
        fields = row.value()
        cron, planned = declared.get(fields["name"]), nexts[row.id]
        if cron is None:
            await _forget(tx, row, planned)
        else:
            upcoming[cron.name] = _kept(tx, cron, row, planned)
    for name, cron in declared.items():
        if name not in upcoming:
            upcoming[name] = _added(tx, cron)
    return upcoming


def _kept(tx: Transaction, cron: Cron, row: Document, planned: Document) -> Upcoming:
    fields, run = row.value(), planned.value()
    time = run["nextTs"]
    if fields["cronSpec"] != _spec(cron):
        _write(tx, CRON_JOBS, row, {**fields, "cronSpec": _spec(cron)})
        time = cron.schedule.first(_seconds(tx), spread(cron.name)) * _NS
        planned = _write(
            tx, CRON_NEXT, planned, {**run, "nextTs": Int64(time), **({} if _is_running(planned) else _FRESH)}
        )
    elif (aligned := _aligned(cron, run, _seconds(tx))) != time:
        time = aligned
        planned = _write(tx, CRON_NEXT, planned, {**run, "nextTs": Int64(time)})
    return Upcoming(cron, planned.id, int(time), _is_running(planned))


def _added(tx: Transaction, cron: Cron) -> Upcoming:
    job = _insert(tx, CRON_JOBS, {"name": cron.name, "cronSpec": _spec(cron)})
    time = cron.schedule.first(_seconds(tx), spread(cron.name)) * _NS
    fields = {"cronJobId": job.id, "state": {"type": "pending"}, "prevTs": None, "nextTs": Int64(time), **_FRESH}
    return Upcoming(cron, _insert(tx, CRON_NEXT, fields).id, time)


def _aligned(cron: Cron, run: dict[str, Any], now: int) -> int:
    """The next time, unless the clock stood far later when it was found than it stands now."""
    time, last = int(run["nextTs"]), run["prevTs"]
    if isinstance(cron.schedule, Interval):
        return min(time, (now + cron.schedule.seconds) * _NS)
    if last is None or last > (now + _FORGIVEN) * _NS:
        return min(time, cron.schedule.first(now, spread(cron.name)) * _NS)
    return time


async def _forget(tx: Transaction, row: Document, planned: Document) -> None:
    _delete(tx, CRON_JOBS, row)
    _delete(tx, CRON_NEXT, planned)
    for log in await _logs(tx, row.value()["name"]):
        _delete(tx, CRON_LOGS, log)


# One run


async def find_run(tx: Transaction, one: Upcoming) -> Document | None:
    """The row of a run that may begin; None when it was changed meanwhile."""
    row = await tx.get(_table(tx, CRON_NEXT), one.id, counted=False)
    return None if row is None or _is_running(row) or row.value()["nextTs"] != one.time else row


def begin(tx: Transaction, row: Document, retries: int, node: str | None) -> None:
    """An action begins, which may be run again so many times if it fails.

    `node` is the server that runs it, None for the only one that there is.
    """
    state = {"type": "inProgress"} if node is None else {"type": "inProgress", "node": node}
    began = {"state": state, "prevTs": Int64(occurrence(row)), "retries": retries}
    _write(tx, CRON_NEXT, row, {**row.value(), **began})


async def ending(tx: Transaction, one: Upcoming) -> Document | None:
    """The row of an action that runs; None when its job has been removed."""
    row = await tx.get(_table(tx, CRON_NEXT), one.id, counted=False)
    return row if row is not None and _is_running(row) else None


def node_of(row: Document) -> str | None:
    """The server that runs an action, as `begin` was told."""
    return row.value()["state"].get("node")


def occurrence(row: Document) -> int:
    """The time at which the run of a row was due by its schedule, also when that is run again."""
    fields = row.value()
    return int(fields["prevTs"] if fields["attempts"] or _is_running(row) else fields["nextTs"])


def attempts(row: Document) -> tuple[int, int]:
    """How many times the run of a row has failed, now that it has, and how many times it may be run again."""
    fields = row.value()
    return int(fields["attempts"]) + 1, int(fields["retries"])


async def advance(tx: Transaction, cron: Cron, row: Document, *, retry_in: float | None = None) -> int:
    """The run of a row has ended; gives the next time. Missed times are skipped, and the log says how many.

    `retry_in`: it failed, and is run again in so many seconds.
    """
    last = occurrence(row)
    ended = {**row.value(), "state": {"type": "pending"}, "prevTs": Int64(last)}
    if retry_in is not None:
        time = int(tx.now * 1e6) + int(retry_in * _NS)
        _write(tx, CRON_NEXT, row, {**ended, "attempts": attempts(row)[0], "nextTs": Int64(time)})
        return time
    upcoming = following(cron.schedule, last // _NS, tx.now / 1000, spread(cron.name))
    time = upcoming.time * _NS
    _write(tx, CRON_NEXT, row, {**ended, "attempts": 0, "retries": 0, "nextTs": Int64(time)})
    if upcoming.missed:
        status = {"type": "canceled", "num_canceled": Int64(upcoming.missed)}
        await write_log(tx, cron, upcoming.first_missed * _NS, status, [], 0.0)
    return time


# The log


def status_of(result: RunResult) -> dict[str, Any]:
    """How a run ended."""
    if result.failure is not None:
        return {"type": "err", "error": result.failure.text.rstrip()}
    if len(result.value) > _LOG_CHARS:
        text = result.value[:_LOG_CHARS].decode(errors="ignore")
        return {"type": "success", "result": {"type": "truncated", "truncatedLog": text}}
    return {"type": "success", "result": {"type": "default", "value": decode_trusted(result.value)}}


async def write_log(
    tx: Transaction, cron: Cron, time: int, status: dict[str, Any], lines: list[str], seconds: float
) -> None:
    """Record the end of a run, and forget all but the last five of its job."""
    kept, is_truncated = _shortened(lines)
    fields = {
        "name": cron.name,
        "ts": Int64(time),
        "udfPath": cron.path,
        "udfArgs": cron.args,
        "status": status,
        "logLines": {"logLines": kept, "isTruncated": is_truncated},
        "executionTime": seconds,
    }
    _insert(tx, CRON_LOGS, fields)
    for old in (await _logs(tx, cron.name))[:-_LOGS_KEPT]:
        _delete(tx, CRON_LOGS, old)


def _shortened(lines: list[str]) -> tuple[list[str], bool]:
    kept: list[str] = []
    room = _LOG_CHARS
    for line in lines:
        if len(line) > room:
            return [*kept, line[:room]] if room else kept, True
        kept.append(line)
        room -= len(line)
    return kept, False


async def _logs(tx: Transaction, name: str) -> list[Document]:
    table, prefix = _table(tx, CRON_LOGS), encode_key([name])
    index = system_index(table, BY_NAME_AND_TIME)
    found = await tx.entries(table, index, prefix, prefix + b"\xff", reverse=False, limit=_MOST)
    return await tx.load([id for _, id in found])


# Rows


def _spec(cron: Cron) -> dict[str, Any]:
    schedule = {name: Int64(value) if isinstance(value, int) else value for name, value in cron.schedule.wire().items()}
    return {"udfPath": cron.path, "udfArgs": cron.args, "cronSchedule": schedule}


def _seconds(tx: Transaction) -> int:
    return int(tx.now // 1000)


def _is_running(row: Document) -> bool:
    return row.value()["state"]["type"] == "inProgress"


def _table(tx: Transaction, name: str) -> TableInfo:
    table = tx.table(name)
    assert table is not None
    return table


async def _all(tx: Transaction, name: str) -> list[Document]:
    table = _table(tx, name)
    found = await tx.entries(table, table.ordered[0], b"", b"\xff", reverse=False, limit=_MOST)
    return await tx.load([id for _, id in found])


def _insert(tx: Transaction, name: str, fields: dict[str, Any]) -> Document:
    own = {"_id": tx.new_id(_table(tx, name)), "_creationTime": tx.take_creation()}
    return _write(tx, name, None, {**own, **fields})


def _write(tx: Transaction, name: str, old: Document | None, fields: dict[str, Any]) -> Document:
    table = _table(tx, name)
    row = Document(fields["_id"], encode(fields, limits=_ROW, pending=True))
    row.set_keys(table, table.keys_of(fields))
    tx.record(table, old, row)
    return row


def _delete(tx: Transaction, name: str, row: Document) -> None:
    tx.record(_table(tx, name), row, Document(row.id, None))
