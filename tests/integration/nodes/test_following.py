"""Following the newest code: a node takes it up from its own folder, and serves nobody when it comes too late."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from reactor.app.asgi import AsgiApp, SiteApp, http_actions
from reactor.app.following import Following
from reactor.app.parts import Parts
from reactor.nodes.code import CodeSuperseded
from reactor.runtime.calls import Call
from reactor.runtime.loader import load
from reactor.runtime.query_run import RunResult
from reactor.sync.heartbeat import Heartbeat
from tests.integration.nodes.engines import Engines
from tests.integration.sync.engine import Client

HELLO = """
from reactor import mutation, query

@query
async def hello(ctx) -> str:
    return "version {version}"

@mutation
async def add(ctx) -> None:
    await ctx.db.insert("notes", {"text": "x"})
"""
OLDER = """
from reactor import define_schema, define_table, v

schema = define_schema({"notes": define_table({"text": v.string()})})
"""
NEWER = OLDER.replace("v.string()}", 'v.string(), "more": v.optional(v.string())}')
HTTP = """
from reactor import http_action, http_router

http = http_router()

@http.route("/hello", method="GET")
@http_action
async def hello(ctx, request):
    return "hello"
"""


def write(folder: Path, version: str, *, schema: str | None = None) -> Path:
    """An application that says which version it is."""
    (folder / "functions").mkdir(parents=True, exist_ok=True)
    (folder / "functions" / "greetings.py").write_text(HELLO.replace("{version}", version))
    if schema is not None:
        (folder / "schema.py").write_text(schema)
    return folder


async def said(parts: Parts) -> str:
    result = await parts.queries.answer(Call("greetings:hello", b"{}"))
    return json.loads(result.value)


@asynccontextmanager
async def outdated(tmp_path: Path, **settings: Any) -> AsyncIterator[tuple[Engines, Parts, Following]]:
    """A node with version 1, where another has brought version 2."""
    async with Engines.of(tmp_path) as nodes:
        first = await nodes.start("first", write(tmp_path / "one", "1"), **settings)
        following = Following(first)
        await nodes.start("second", write(tmp_path / "two", "2"))
        await first.members.beat()
        await first.members.look()
        try:
            yield nodes, first, following
        finally:
            await following.close()


async def test_it_takes_up_the_newest_code_when_its_folder_has_it(tmp_path: Path) -> None:
    async with outdated(tmp_path) as (_, parts, following):
        client = Client(parts)
        await client.add(0, "greetings:hello")
        await following.look()
        assert parts.members.is_outdated
        assert await said(parts) == "version 1", "it goes on meanwhile"
        write(tmp_path / "one", "2")
        await following.look()
        assert not parts.members.is_outdated
        assert parts.members.version == 2
        await client.until(lambda: client.value(0) == "version 2")
        assert client.closed is None, "sessions are not cut"


async def test_files_that_do_not_fit_are_left_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with outdated(tmp_path) as (nodes, parts, following):
        write(tmp_path / "one", "something else")
        await following.look()
        assert await said(parts) == "version 1"
        assert (await nodes.open[1].members._read())[1].version == 2  # pyright: ignore[reportPrivateUsage, reportOptionalMemberAccess]
        (tmp_path / "one" / "functions" / "greetings.py").write_text("def half of a file")
        await following.look()
        await following.look()
        assert caplog.text.count("could not be taken up") == 1, "the same files are not tried twice"
        assert await said(parts) == "version 1"
        write(tmp_path / "one", "2")
        await following.look()
        assert await said(parts) == "version 2"


async def test_who_asks_for_a_reload_brings_the_newest(tmp_path: Path) -> None:
    async with outdated(tmp_path) as (nodes, parts, following):
        second = nodes.open[1]
        await parts.reload()
        assert parts.members.version == 3, "its folder is what all are to serve now, though it was replaced"
        await second.members.look()
        assert second.members.is_outdated
        await following.look()
        assert not parts.members.is_outdated


async def test_a_start_with_replaced_code_changes_nothing(tmp_path: Path) -> None:
    async with Engines.of(tmp_path) as nodes:
        first = await nodes.start("first", write(tmp_path / "one", "1"))
        second = await nodes.start("second", write(tmp_path / "two", "2"), beats=True, node_silent_seconds=0.4)
        await first.close()
        before = second.application.schema
        with pytest.raises(CodeSuperseded):
            await nodes.start("again", tmp_path / "one", node_silent_seconds=0.8)
        assert second.application.schema is before
        assert second.members.version == second.members.newest_version == 2
        back = await nodes.start("back", tmp_path / "one", roll_back=True)
        assert back.members.version == 3


async def test_code_that_is_replaced_while_it_is_taken_up_is_not_brought_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with outdated(tmp_path) as (nodes, parts, following):
        second, adopt = nodes.open[1], parts.database.adopt

        async def overtaken(*args: Any, **named: Any) -> None:
            await adopt(*args, **named)
            write(tmp_path / "two", "3")
            await second.reload()

        monkeypatch.setattr(parts.database, "adopt", overtaken)
        write(tmp_path / "one", "2")
        await following.look()
        assert (parts.members.version, parts.members.newest_version) == (2, 3)
        monkeypatch.undo()
        write(tmp_path / "one", "3")
        await following.look()
        assert parts.members.version == second.members.version == 3
        assert await said(parts) == await said(second) == "version 3"


# Another schema


async def test_mutations_wait_for_the_code_that_the_schema_needs(tmp_path: Path) -> None:
    async with with_schemas(tmp_path) as (_, first, _, following):
        waiting = asyncio.get_running_loop().create_task(add(first))
        await until_outdated(first)
        await following.look()
        assert not waiting.done()
        write(tmp_path / "one", "2", schema=NEWER)
        await following.look()
        assert not first.is_outdated
        assert (await waiting).failure is None
        assert await said(first) == "version 2"


async def test_mutations_that_wait_are_refused_when_it_is_too_late(tmp_path: Path) -> None:
    async with with_schemas(tmp_path, code_grace_seconds=30) as (nodes, first, _, following):
        await until_outdated(first)
        waiting = asyncio.get_running_loop().create_task(add(first))
        await following.look()
        nodes.now += 30
        await following.look()
        failure = (await waiting).failure
        assert failure is not None
        assert "older code" in failure.text


async def test_a_schema_whose_code_was_never_named_does_not_last(tmp_path: Path) -> None:
    async with with_schemas(tmp_path, code_grace_seconds=0, brings=False) as (nodes, first, second, following):
        await until_outdated(first)
        waiting = asyncio.get_running_loop().create_task(add(first))
        nodes.now += 4.9
        await following.look()
        assert first.is_outdated
        nodes.now += 5
        await following.look()
        assert not first.is_outdated
        assert first.hub.refusal is None
        assert (await waiting).failure is None
        assert second.members.newest_version == 1


@asynccontextmanager
async def with_schemas(
    tmp_path: Path, *, brings: bool = True, **settings: Any
) -> AsyncIterator[tuple[Engines, Parts, Parts, Following]]:
    """Two nodes of one version, the second of which then has a newer schema; without `brings` it dies over that."""
    async with Engines.of(tmp_path) as nodes:
        first = await nodes.start("first", write(tmp_path / "one", "1", schema=OLDER), **settings)
        second = await nodes.start("second", write(tmp_path / "two", "1", schema=OLDER))
        write(tmp_path / "two", "2", schema=NEWER)
        if brings:
            await second.reload()
            await first.members.beat()
            await first.members.look()
        else:
            await second.database.adopt(load(tmp_path / "two").schema)
        yield nodes, first, second, Following(first)


async def until_outdated(parts: Parts) -> None:
    heard = asyncio.Event()
    parts.database.on_outdated = heard.set
    if not parts.database.outdated:
        await heard.wait()


async def add(parts: Parts) -> RunResult:
    answered: asyncio.Future[RunResult] = asyncio.get_running_loop().create_future()
    parts.mutations.submit(Call("greetings:add", b"{}"), answered.set_result)
    return await answered


# Too late


async def test_who_is_too_late_serves_nobody(tmp_path: Path) -> None:
    async with outdated(tmp_path, code_grace_seconds=5) as (nodes, parts, following):
        (tmp_path / "one" / "functions" / "http.py").write_text(HTTP)
        client = Client(parts)
        await client.add(0, "greetings:hello")
        async with asking(parts) as http:
            await following.look()
            nodes.now += 4.9
            await following.look()
            assert client.closed is None
            assert (await http.post("/api/query", json=CALL)).json()["value"] == "version 1"
            nodes.now += 0.1
            await following.look()
            assert client.closed == (1013, "CodeSuperseded")
            for method, path in (
                ("POST", "/api/query"),
                ("POST", "/api/mutation"),
                ("POST", "/api/run/greetings/hello"),
                ("GET", "/api/storage/nothing"),
                ("GET", "/http/hello"),
            ):
                answer = await http.request(method, path, json=CALL if method == "POST" else None)
                assert (answer.status_code, answer.json()["code"]) == (503, "CodeSuperseded"), path
                assert "until it has theirs" in answer.json()["message"]
            health = await http.get("/healthz")
            assert health.status_code == 503
            assert "SIGHUP" in health.json()["reason"]
            assert "reactor_code_outdated 1.0" in (await http.get("/metrics")).text
            assert (await http.get("/version")).status_code == 200
            with pytest.raises(AssertionError):
                Client(parts)
            (tmp_path / "one" / "functions" / "http.py").unlink()
            write(tmp_path / "one", "2")
            await following.look()
            assert (await http.post("/api/query", json=CALL)).json()["value"] == "version 2"
            assert (await http.get("/healthz")).json() == {"status": "ok"}
            again = Client(parts)
            await again.add(0, "greetings:hello")
            assert again.value(0) == "version 2"


async def test_the_site_port_refuses_too(tmp_path: Path) -> None:
    async with outdated(tmp_path, code_grace_seconds=0) as (_, parts, following):
        site = SiteApp(http_actions(parts))
        async with httpx.AsyncClient(transport=httpx.ASGITransport(site), base_url="http://test") as http:
            assert (await http.get("/hello")).status_code == 404
            await following.look()
            answer = await http.get("/hello")
            assert (answer.status_code, answer.json()["code"]) == (503, "CodeSuperseded")


async def test_it_follows_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reactor.app.following._LOOK_SECONDS", 0.01)
    async with Engines.of(tmp_path) as nodes:
        first = await nodes.start("first", write(tmp_path / "one", "1"), beats=True)
        following = Following(first)
        following.start()
        try:
            client = Client(first)
            await client.add(0, "greetings:hello")
            await nodes.start("second", write(tmp_path / "two", "2"))
            write(tmp_path / "one", "2")
            await client.until(lambda: client.value(0) == "version 2")
            second = nodes.open[1]
            await second.members.look()
            assert not second.members.is_outdated
            assert second.members.leads, "who brought it leads, and goes on when others have followed"
        finally:
            await following.close()


CALL = {"path": "greetings:hello", "args": {}, "format": "json"}


@asynccontextmanager
async def asking(parts: Parts) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(AsgiApp(parts, Heartbeat()))
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        yield http
