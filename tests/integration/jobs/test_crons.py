"""Cron jobs on a whole engine: when they run, what is recorded, what becomes of them when the code changes."""

import asyncio
import datetime as dt
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from reactor.app.parts import Parts
from reactor.database.system_tables import CRON_JOBS, CRON_LOGS, CRON_NEXT
from reactor.errors import LoadError, StoreError
from reactor.runtime.calls import Call
from reactor.runtime.loader import load
from reactor.testing import Backend
from tests.integration.database.world import Gate
from tests.integration.sync.engine import engine
from tests.support.server import APPS

START = dt.datetime(2026, 1, 30, 12, 0, 0, tzinfo=dt.UTC)
HEAD = "from reactor import cron_jobs\nfrom . import work\ncrons = cron_jobs()\n"


def application(folder: Path, crons: str) -> Path:
    """The application of crons, with others in it."""
    (folder / "functions").mkdir(parents=True, exist_ok=True)
    for name in ("schema.py", "functions/work.py"):
        (folder / name).write_text((APPS / "crons" / name).read_text())
    (folder / "functions/crons.py").write_text(HEAD + crons)
    return folder


async def rows(parts: Any, name: str) -> list[dict[str, Any]]:
    table = parts.database.catalog.table(name)
    snapshot = parts.store.acquire()
    try:
        tx = parts.database.read(snapshot)
        found = await tx.entries(table, table.ordered[0], b"", b"\xff", reverse=False, limit=100)
        return [row.value() for row in await tx.load([id for _, id in found])]
    finally:
        snapshot.release()


async def logs(backend: Backend, *names: str) -> list[Any]:
    """Status and, of those that were skipped, how many."""
    found = await rows(backend._engine._parts, CRON_LOGS)  # type: ignore[union-attr]
    statuses = [row["status"] for row in found if not names or row["name"] in names]
    return [each.get("num_canceled", each["type"]) for each in statuses]


def backend_of(folder: Path, crons: str, **more: Any) -> Backend:
    return Backend(application(folder, crons), fresh=True, **{"now": START, **more})


# When they run


async def test_an_interval_runs_at_once_and_then_without_drift(tmp_path: Path) -> None:
    crons = 'crons.interval("tick", {"minutes": 5}, work.note, {"text": "tick"})'
    async with backend_of(tmp_path, crons) as backend:
        assert await backend.run_due() == 1
        assert await backend.run_due() == 0
        assert await backend.advance(minutes=14) == 2
        at = [when for _, when in await backend.query("work:numbered")]
        begin = START.timestamp() * 1000
        assert at == [begin, begin + 300_000, begin + 600_000]


async def test_days_and_months_have_their_times(tmp_path: Path) -> None:
    crons = """
crons.daily("day", {"hour_utc": 3, "minute_utc": 30}, work.note, text="day")
crons.monthly("month", {"day": 31, "hourUTC": 6, "minuteUTC": 0}, "work:note", text="month")
crons.cron("noon", "0 12 * * *", work.note, text="noon")
"""
    async with backend_of(tmp_path, crons) as backend:
        assert await backend.run_due() == 0
        await backend.advance(days=2)
        assert await backend.query("work:texts") == ["day", "month", "noon", "day", "noon"]
        times = [dt.datetime.fromtimestamp(at / 1000, dt.UTC) for _, at in await backend.query("work:numbered")]
        assert [(each.day, each.hour, each.minute) for each in times[:3]] == [(31, 3, 30), (31, 6, 0), (31, 12, 0)]
        assert times[2] == START + dt.timedelta(days=1)


async def test_missed_times_are_skipped_and_logged(tmp_path: Path) -> None:
    crons = 'crons.interval("tick", {"hours": 1}, work.note, text="tick")'
    async with backend_of(tmp_path, crons) as backend:
        await backend.run_due()
        backend.clock.advance(hours=5, minutes=30)
        assert await backend.run_due() == 1  # the one of one o'clock, late
        assert await logs(backend) == ["success", "success", 4]
        assert await backend.advance(minutes=30) == 1
        assert await backend.query("work:texts") == ["tick"] * 3


# What is recorded


async def test_runs_are_recorded_as_the_official_server_does(tmp_path: Path) -> None:
    crons = """
crons.interval("good", {"minutes": 1}, work.note, text="x")
crons.interval("bad", {"minutes": 1}, work.broken)
"""
    async with backend_of(tmp_path, crons) as backend:
        assert await backend.run_due() == 2
        parts = backend._engine._parts  # type: ignore[union-attr]
        good, bad = sorted(await rows(parts, CRON_LOGS), key=lambda row: row["name"], reverse=True)
        assert good["status"] == {"type": "success", "result": {"type": "default", "value": "x"}}
        assert (good["name"], good["udfPath"], good["udfArgs"]) == ("good", "work.js:note", b'[{"text":"x"}]')
        assert good["ts"] == int(START.timestamp()) * 10**9
        assert good["logLines"] == {"logLines": ["[LOG] noting x"], "isTruncated": False}
        assert good["executionTime"] >= 0
        assert bad["status"]["type"] == "err" and "ValueError: broken off" in bad["status"]["error"]
        assert await backend.query("work:texts") == ["x"], "what failed has left nothing"
        job = (await rows(parts, CRON_JOBS))[0]
        assert (job["name"], job["cronSpec"]["cronSchedule"]) == ("good", {"type": "interval", "seconds": 60})
        upcoming = (await rows(parts, CRON_NEXT))[0]
        assert upcoming["cronJobId"] == job["_id"] and upcoming["state"] == {"type": "pending"}
        assert upcoming["nextTs"] - upcoming["prevTs"] == 60 * 10**9
        assert (parts.crons.ran, parts.crons.failed) == (2, 1)


async def test_the_last_five_runs_are_kept_and_their_logs_are_cut(tmp_path: Path) -> None:
    crons = 'crons.interval("long", {"minutes": 1}, work.note, text="x" * 3000)'
    async with backend_of(tmp_path, crons) as backend:
        await backend.advance(minutes=20)
        found = await rows(backend._engine._parts, CRON_LOGS)  # type: ignore[union-attr]
        assert len(found) == 5
        last = found[-1]
        assert last["ts"] == int((START + dt.timedelta(minutes=20)).timestamp()) * 10**9
        assert last["logLines"]["isTruncated"] and sum(map(len, last["logLines"]["logLines"])) == 1000
        assert last["status"]["result"]["type"] == "truncated"
        assert len(last["status"]["result"]["truncatedLog"]) == 1000


async def test_nobody_is_signed_in_and_functions_do_not_see_the_tables(tmp_path: Path) -> None:
    async with backend_of(tmp_path, 'crons.interval("tick", {"minutes": 1}, work.note, text="x")') as backend:
        await backend.run_due()

        async def look(ctx: Any) -> Any:
            assert (await ctx.db.query("notes").first())["by"] == "None"
            return await ctx.db.system.query("_cron_jobs").collect()

        with pytest.raises(Exception, match=r"db\.system is for system tables .* `_cron_jobs` is none"):
            await backend.run(look)


# Actions


async def test_a_run_that_goes_on_lets_the_next_ones_be_skipped(tmp_path: Path) -> None:
    crons = 'crons.interval("slow", {"seconds": 10}, work.act, name="slow")'
    async with backend_of(tmp_path, crons) as backend:
        stopped: dict[str, asyncio.Event] = backend.modules["work"].STOPPED
        stopped["slow"] = asyncio.Event()
        running = asyncio.create_task(backend.run_due())
        parts = backend._engine._parts  # type: ignore[union-attr]
        await noted(parts, 1)
        assert [row["state"]["type"] for row in await rows(parts, CRON_NEXT)] == ["inProgress"]
        backend.clock.advance(seconds=35)
        assert not parts.crons.due()
        stopped.pop("slow").set()
        assert await running == 1
        assert await logs(backend) == ["success", 3]
        assert await backend.query("work:texts") == ["slow"]


async def test_an_action_that_a_stop_interrupts_is_logged_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reactor.jobs.executor._GRACE_SECONDS", 0)
    app = application(tmp_path / "app", 'crons.interval("slow", {"hours": 1}, work.act, name="slow")')
    async with serving(tmp_path / "data", app) as parts:
        parts.application.modules["work"].STOPPED["slow"] = asyncio.Event()
        parts.executor.start()
        await noted(parts, 1)
    async with serving(tmp_path / "data", app) as parts:
        assert await parts.executor.run_due() == 0
        (log,) = await rows(parts, CRON_LOGS)
        assert log["status"]["type"] == "err" and "Transient error" in log["status"]["error"]
        (upcoming,) = await rows(parts, CRON_NEXT)
        assert upcoming["state"]["type"] == "pending" and upcoming["nextTs"] > time.time_ns()
        assert len(await rows(parts, "notes")) == 1


# Other code


async def test_a_reload_keeps_adds_changes_and_removes(tmp_path: Path) -> None:
    before = """
crons.interval("kept", {"hours": 1}, work.note, text="kept")
crons.interval("changed", {"hours": 1}, work.note, text="old")
crons.interval("removed", {"hours": 1}, work.note, text="removed")
"""
    after = """
crons.interval("kept", {"hours": 1}, work.note, text="kept")
crons.interval("changed", {"hours": 1}, work.note, text="new")
crons.interval("added", {"hours": 1}, work.note, text="added")
"""
    app = application(tmp_path / "app", before)
    async with serving(tmp_path / "data", app) as parts:
        assert await parts.executor.run_due() == 3
        kept = {row["cronJobId"]: row["nextTs"] for row in await rows(parts, CRON_NEXT)}
        application(app, after)
        await parts.reload()
        assert await parts.executor.run_due() == 2
        assert sorted(row["text"] for row in (await rows(parts, "notes"))[3:]) == ["added", "new"]
        names = {row["_id"]: row["name"] for row in await rows(parts, CRON_JOBS)}
        assert sorted(names.values()) == ["added", "changed", "kept"]
        now = {names[row["cronJobId"]]: row for row in await rows(parts, CRON_NEXT)}
        assert now["kept"]["nextTs"] == kept[now["kept"]["cronJobId"]]
        assert {row["name"] for row in await rows(parts, CRON_LOGS)} == {"added", "changed", "kept"}
    async with serving(tmp_path / "data", app) as parts:
        assert await parts.executor.run_due() == 0
        again = {names[row["cronJobId"]]: row["nextTs"] for row in await rows(parts, CRON_NEXT)}
        assert again == {name: row["nextTs"] for name, row in now.items()}, "a restart changes nothing"


# Clocks and stores


async def test_a_clock_that_was_far_ahead_does_not_silence_jobs(tmp_path: Path) -> None:
    crons = """
crons.interval("tick", {"minutes": 1}, work.note, text="tick")
crons.daily("day", {"hour_utc": 12, "minute_utc": 30}, work.note, text="day")
"""
    ahead = [4 * 365 * 86_400]
    app = application(tmp_path / "app", crons)

    def clock() -> int:
        return int(START.timestamp() + ahead[0]) * 10**9

    async with serving(tmp_path / "data", app, clock=clock) as parts:
        assert await parts.executor.run_due() == 1
        ahead[0] += 3590
        assert await parts.executor.run_due() == 2
        ahead[0] = 0
        assert await parts.executor.run_due() == 0
        assert parts.crons.next_time() == (START.timestamp() + 60) * 1000
        ahead[0] = 3590
        assert await parts.executor.run_due() == 2


async def test_a_clock_that_is_set_back_a_little_repeats_nothing(tmp_path: Path) -> None:
    seconds = [0]
    crons = 'crons.daily("day", {"hour_utc": 12, "minute_utc": 30}, work.note, text="day")'
    app = application(tmp_path / "app", crons)
    async with serving(tmp_path / "data", app, clock=lambda: int(START.timestamp() + seconds[0]) * 10**9) as parts:
        assert await parts.executor.run_due() == 0
        seconds[0] = 1900
        assert await parts.executor.run_due() == 1
        seconds[0] = 1000
        assert await parts.executor.run_due() == 0
        seconds[0] = 1900
        assert await parts.executor.run_due() == 0


async def test_a_failing_disk_makes_a_run_wait_and_it_happens_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reactor.jobs.backoff.FIRST_SECONDS", 0.01)
    app = application(tmp_path / "app", 'crons.interval("tick", {"hours": 1}, work.note, text="tick")')
    async with serving(tmp_path / "data", app) as parts:
        gate = Gate(parts.store)
        monkeypatch.setattr(parts.database.committer, "_store", gate)
        gate.failures += [StoreError("no disk")] * 3
        parts.executor.start()
        await noted(parts, 1)
        assert not gate.failures
        assert parts.crons.ran == 1


async def test_crons_run_while_thousands_of_jobs_wait(tmp_path: Path) -> None:
    async with serving(tmp_path / "data", APPS / "crons") as parts:
        for first in range(0, 1_500, 250):
            await call(parts, "work:many", first=first, count=250)
        parts.executor.start()
        await noted(parts, 1)
        assert parts.backlog.pending > 3_000
        await until(parts, lambda: parts.crons.ran >= 2)
        assert parts.backlog.pending > 3_000


# Loading


@pytest.mark.parametrize(
    ("crons", "text"),
    [
        (
            'crons.daily("a", {}, work.note)',
            "functions/crons.py:4: Cron job 'a': A schedule for daily needs 'hour_utc'",
        ),
        (
            'crons.hourly("a", {}, work.note)\ncrons.hourly("a", {}, work.note)',
            "functions/crons.py:5: Cron identifier registered twice: 'a', first at functions/crons.py:4",
        ),
        ('crons.hourly("", {}, work.note)', "functions/crons.py:4: The name of a cron job is 1 to 256 printable"),
        ('crons.hourly("ä", {}, work.note)', "printable ASCII"),
        (
            'crons.hourly("a", {}, "work:nothing")',
            "functions/crons.py:4: cron job 'a' runs work:nothing, which does not",
        ),
        ('crons.hourly("a", {}, "work:a:b")', "functions/crons.py:4: cron job 'a'"),
        ('crons.hourly("a", {}, work.texts)', "which is a query. Only mutations and actions"),
        ('crons.hourly("a", {}, lambda ctx: None)', "Is a decorator such as @internal_mutation missing?"),
        ('crons.hourly("a", {}, work.note, text=object())', "Cron job 'a': invalid arguments"),
        ('crons.hourly("a", {}, work.note, ["x"])', "Arguments are given by name, or as one dict"),
        ('crons.hourly("a", {}, work.note, text="x" * 2**20)', "must stay below 1048576"),
        ('crons.cron("a", "0 0 31 2 *", work.note)', "functions/crons.py:4: Cron job 'a': The cron expression"),
        ("for n in range(1001): crons.hourly(str(n), {}, work.note)", "at most 1000 cron jobs"),
        ("more, other, crons = cron_jobs(), cron_jobs(), None", "has 2 sets of cron jobs. Call the one to run `crons`"),
        (
            "from reactor import internal_mutation\n@internal_mutation\nasync def mine(ctx): ...",
            "is in functions.crons, which is read for its cron jobs only. Move the function",
        ),
    ],
)
def test_what_cannot_be_is_refused_where_it_stands(tmp_path: Path, crons: str, text: str) -> None:
    with pytest.raises(LoadError) as caught:
        load(application(tmp_path, crons))
    assert text in str(caught.value)


def test_cron_jobs_of_other_modules_are_refused(tmp_path: Path) -> None:
    app = application(tmp_path, "")
    (app / "functions/more.py").write_text("from reactor import cron_jobs\njobs = cron_jobs()\n")
    with pytest.raises(LoadError, match=r"functions/more\.py has cron jobs, `jobs`, and only those"):
        load(app)
    (app / "functions/crons.py").write_text("from .more import jobs\n")
    assert dict(load(app).crons) == {}


async def test_given_modules_have_cron_jobs_too() -> None:
    loaded = load(APPS / "crons")
    modules = {"office/work": loaded.modules["work"], "crons": loaded.modules["crons"]}
    async with Backend(functions=modules, schema=loaded.schema) as backend:
        assert await backend.run_due() == 2
        assert sorted(await backend.query("office/work:texts")) == ["cron action", "tick"]


# Helpers


@asynccontextmanager
async def serving(data: Path, app: Path, **options: Any) -> AsyncIterator[Parts]:
    async with engine(data, app, **options) as parts:
        yield parts


async def call(parts: Parts, path: str, /, **args: Any) -> None:
    answered: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    parts.mutations.submit(Call(path, json.dumps(args).encode()), answered.set_result)
    result = await answered
    assert result.failure is None, result.failure.text


async def until(parts: Parts, happened: Callable[[], bool]) -> None:
    """Wait for commits until something is so."""
    while not happened():
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        news = parts.database.on_visible

        def heard(commits: Any, news: Any = news, ended: Any = ended) -> None:
            news(commits)
            if not ended.done():
                ended.set_result(None)

        parts.database.on_visible = heard
        try:
            await ended
            await asyncio.sleep(0)
        finally:
            parts.database.on_visible = news


async def noted(parts: Parts, count: int) -> None:
    """Wait until there are so many notes."""
    while True:
        version = parts.database.committer.visible
        if len(await rows(parts, "notes")) >= count:
            return
        await until(parts, lambda version=version: parts.database.committer.visible > version)
