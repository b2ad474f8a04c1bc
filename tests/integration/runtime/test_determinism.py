"""Functions that look at the clock, draw numbers or reach out of their transaction are told so."""

import asyncio
import os
import random
import secrets
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from reactor.errors import DeveloperError
from reactor.runtime import logs
from reactor.runtime.determinism import Determinism
from reactor.runtime.logs import RunLog
from tests.integration.runtime.stage import open_stage

DEEDS = {
    "clock": ("time.time()", "time.time()", "ctx.now"),
    "clock_ns": ("time.time_ns()", "time.time_ns()", "ctx.now"),
    "clock_by_name": ("by_name()", "time.time()", "ctx.now"),
    "timer": ("time.monotonic() + time.perf_counter()", "time.monotonic()", "measure from outside"),
    "date": ("time.localtime()", "time.localtime()", "ctx.now"),
    "chance": ("random.random()", "random.random()", "ctx.random"),
    "choice": ("random.choice([1, 2])", "random.choice()", "ctx.random"),
    "id": ("uuid.uuid4()", "uuid.uuid4()", "insert()"),
    "secret": ("secrets.token_hex()", "secrets.token_hex()", "ctx.random"),
    "bytes": ("os.urandom(4)", "os.urandom()", "ctx.random"),
    "environment": ("os.environ['PATH']", "os.environ", "when the module is loaded"),
    "getenv": ("os.getenv('NOT_THERE')", "os.environ", "when the module is loaded"),
    "file": ("open(__file__).close()", "open('", "in an action"),
    "folder": ("os.listdir('.')", "os.listdir", "in an action"),
    "socket": ("socket.socket().close()", "socket.__new__", "in an action"),
    "process": ("subprocess.run(['true'])", "subprocess.Popen", "in an action"),
    "thread": ("threading.Thread(target=int).start()", "Thread.start()", "in an action"),
    "pause": ("time.sleep(0)", "time.sleep()", "in an action"),
    "library": (
        "tempfile.mkdtemp(dir=FOLDER)",
        "tempfile.mkdtemp",
        "in",
    ),
    "wait": ("await asyncio.sleep(0)", "asyncio.sleep()", "in an action"),
    "task": ("await asyncio.create_task(nothing())", "asyncio.create_task()", "Await it in place"),
}
"""What a function does, how that is called, and a part of the remedy."""

FINE = {
    "imports": "import colorsys, antigravity_like",
    "logs": "logging.getLogger('app').warning('fine')",
    "warns": "warnings.warn('fine')",
    "traces": "traceback.format_exc()",
    "gathers": "await asyncio.gather(ctx.db.query('t').collect(), ctx.db.query('t').first())",
    "frozen": "ctx.now, ctx.random.random(), ctx.random.choice([1, 2])",
    "seeded": "random.Random(7).random()",
    "formats": "time.gmtime(0), time.strftime('%Y', time.gmtime(0))",
    "inserts": "await ctx.db.query('t').take(3)",
}


def application(folder: Path, bodies: dict[str, str]) -> Path:
    """An application with one query and one mutation and one action for each body."""
    lines = [
        "import asyncio, logging, os, random, secrets, shutil, socket, subprocess, tempfile, threading, time",
        "import traceback, uuid, warnings",
        "from time import time as by_name",
        "from reactor import *",
        f"FOLDER = {str(folder)!r}",
        "LOADED_AT = time.time(), os.environ.get('PATH'), random.random()",
        "async def nothing(): ...",
    ]
    for kind, ctx in (("query", "QueryCtx"), ("mutation", "MutationCtx"), ("action", "ActionCtx")):
        for name, body in bodies.items():
            lines += [f"@{kind}", f"async def {kind}_{name}(ctx: {ctx}):", f"    {body}", ""]
    (folder / "functions").mkdir(parents=True)
    (folder / "functions" / "f.py").write_text("\n".join(lines))
    (folder / "antigravity_like.py").write_text("import time\nAT = time.time(), open(__file__).close()\n")
    return folder


async def test_what_is_not_repeatable_is_told_once_for_each_place(tmp_path: Path) -> None:
    app = application(tmp_path / "app", {name: body for name, (body, _, _) in DEEDS.items()})
    source = (app / "functions" / "f.py").read_text().splitlines()
    async with open_stage(tmp_path / "data", app) as stage:
        for kind in ("query", "mutation"):
            for name, (body, deed, remedy) in DEEDS.items():
                result = await stage.run(kind, f"f:{kind}_{name}")
                assert result.failure is None, result.failure.text
                place = f"functions/f.py:{source.index(f'async def {kind}_{name}(ctx: {kind.title()}Ctx):') + 2}"
                assert len(result.logs) == 1, (name, result.logs)
                line = result.logs[0]
                assert line.startswith(f"[WARN] NotDeterministic: {deed}"), (body, line)
                assert f" at {place} in `{kind}_{name}`: a query or mutation must be repeatable. " in line
                assert remedy in line
                assert (await stage.run(kind, f"f:{kind}_{name}")).logs == []


async def test_actions_may_do_everything(tmp_path: Path) -> None:
    app = application(tmp_path / "app", {name: body for name, (body, _, _) in DEEDS.items()})
    async with open_stage(tmp_path / "data", app, determinism="error") as stage:
        for name in DEEDS:
            result = await stage.run("action", f"f:action_{name}")
            assert (result.failure, result.logs) == (None, [])


@pytest.mark.filterwarnings("always:fine:UserWarning")
@pytest.mark.parametrize("kind", ["query", "mutation"])
async def test_what_is_repeatable_is_let_alone(tmp_path: Path, kind: str) -> None:
    app = application(tmp_path / "app", FINE)
    async with open_stage(tmp_path / "data", app, determinism="error") as stage:
        for name in FINE:
            result = await stage.run(kind, f"f:{kind}_{name}")
            assert result.failure is None, result.failure.text
            assert not [line for line in result.logs if "NotDeterministic" in line]


async def test_where_it_is_an_error_catching_it_does_not_help(tmp_path: Path) -> None:
    body = "\n    try:\n        random.random()\n    except Exception:\n        return await ctx.db.insert('t', {})"
    app = application(tmp_path / "app", {"sly": body, "count": "return len(await ctx.db.query('t').collect())"})
    async with open_stage(tmp_path / "data", app, determinism="error") as stage:
        failure = await stage.failure("mutation", "f:mutation_sly")
        assert getattr(failure.error, "code", None) == "NotDeterministic"
        assert failure.text.startswith("random.random() at functions/f.py:")
        assert await stage.value("query", "f:query_count") == 0


async def test_a_reload_forgets_what_was_told(tmp_path: Path) -> None:
    app = application(tmp_path / "app", {"clock": "time.time()"})
    async with open_stage(tmp_path / "data", app) as stage:
        assert len((await stage.run("query", "f:query_clock")).logs) == 1
        await stage.parts.reload()
        assert len((await stage.run("query", "f:query_clock")).logs) == 1
        assert (await stage.run("query", "f:query_clock")).logs == []


@pytest.mark.parametrize("settings", [{"determinism": "off"}, {"mode": "production"}])
async def test_nobody_looks_where_nobody_is_to_look(tmp_path: Path, settings: dict[str, Any]) -> None:
    app = application(tmp_path / "app", {"clock": "time.time()"})
    real = time.time
    async with open_stage(tmp_path / "data", app, redact_errors=False, **settings) as stage:
        assert time.time is real
        assert (await stage.run("query", "f:query_clock")).logs == []


def test_everything_is_put_back_when_the_last_one_ends() -> None:
    owners: list[tuple[Any, str]] = [
        (time, "time"),
        (time, "localtime"),
        (random, "random"),
        (secrets, "token_hex"),
        (uuid, "uuid4"),
        (os, "urandom"),
        (asyncio, "sleep"),
    ]
    before = [getattr(owner, name) for owner, name in owners]
    first, second = Determinism("warn").install(), Determinism("error").install()
    during = [getattr(owner, name) for owner, name in owners]
    assert all(one is not other for one, other in zip(before, during, strict=True))
    first()
    first()  # ending twice is ending once
    assert [getattr(owner, name) for owner, name in owners] == during
    second()
    assert [getattr(owner, name) for owner, name in owners] == before


def test_a_process_that_has_begun_to_look_out_a_thousand_times_sees_as_much() -> None:
    """CPython 3.13 numbers a thousand versions of a type. Behind them it may go on finding what a type had before."""
    types = [(type(os.environ), "__getitem__"), (type(os.environ), "__iter__"), (threading.Thread, "start")]
    Determinism("warn").install()()
    once = [getattr(owner, name) for owner, name in types]
    for _ in range(1_100):
        for _ in range(4):
            os.getenv("NOT_THERE")
        Determinism("error").install()()
    assert [getattr(owner, name) for owner, name in types] == once
    for _ in range(100_000):  # until Python has taken up a shorter way to what it finds there
        os.getenv("NOT_THERE")
    undo = Determinism("error").install()
    try:
        with logs.capture(RunLog("a:b", watcher=Determinism("error"))), pytest.raises(DeveloperError) as raised:
            os.getenv("NOT_THERE")
        assert "os.environ" in str(raised.value)
    finally:
        undo()


def test_a_run_is_known_in_its_own_context_only() -> None:
    undo = Determinism("error").install()
    try:
        with logs.capture(RunLog("a:b", watcher=Determinism("error"))), pytest.raises(DeveloperError) as raised:
            time.time()
        assert raised.value.code == "NotDeterministic"
        time.time()
        thread = threading.Thread(target=time.time)
        thread.start()
        thread.join()
    finally:
        undo()
