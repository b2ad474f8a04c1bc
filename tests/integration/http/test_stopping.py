"""Calls that are under way when their server is told to stop."""

import http.client
import threading
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.patience import PATIENCE, until
from tests.support.server import Server

SLOW = """
import asyncio

from reactor import action, mutation, query


@query
async def begun(ctx) -> int:
    return len(await ctx.db.query("beginnings").collect())


@mutation
async def begin(ctx) -> None:
    await ctx.db.insert("beginnings", {})


@action
async def wait(ctx) -> None:
    await ctx.run_mutation(begin)
    await asyncio.Event().wait()
"""

ENDPOINTS = """
import asyncio

from functions.slow import begin
from reactor import ActionCtx, http_router
from starlette.requests import Request
from starlette.responses import StreamingResponse

http = http_router()


@http.route(path="/wait", method="POST")
async def wait(ctx: ActionCtx, request: Request):
    await ctx.run_mutation(begin)
    await asyncio.Event().wait()


@http.route(path="/stream", method="POST")
async def stream(ctx: ActionCtx, request: Request):
    await ctx.run_mutation(begin)

    async def parts():
        yield b"first"
        await asyncio.Event().wait()

    return StreamingResponse(parts())
"""


def application(folder: Path) -> Path:
    functions = folder / "app" / "functions"
    functions.mkdir(parents=True)
    (functions / "slow.py").write_text(SLOW)
    (functions / "http.py").write_text(ENDPOINTS)
    return folder / "app"


@pytest.mark.parametrize("path", ["/api/action", "/http/wait"])
def test_a_call_that_does_not_end_is_told_that_its_server_stops(tmp_path: Path, path: str) -> None:
    told = list[Any]()
    with Server(application(tmp_path), tmp_path / "data") as server:
        body = {"path": "slow:wait", "args": {}, "format": "json"}
        caller = threading.Thread(target=lambda: told.append(server.post(path, body)))
        caller.start()
        until(lambda: server.query("slow:begun") > 0, "the call's beginning")
        assert server.stop() == 0
        caller.join()
    [(status, answer)] = told
    assert (status, answer["code"]) == (503, "ServerStopping")
    assert "look before you call again" in answer["message"]
    assert "Traceback" not in server.log


def test_an_answer_that_has_begun_just_ends(tmp_path: Path) -> None:
    with Server(application(tmp_path), tmp_path / "data") as server:
        connection = http.client.HTTPConnection("127.0.0.1", urlsplit(server.url).port, timeout=PATIENCE)
        connection.request("POST", "/http/stream", b"")
        answer = connection.getresponse()
        assert answer.read(5) == b"first"
        assert server.stop() == 0
        with pytest.raises(http.client.IncompleteRead):
            answer.read()
        connection.close()
    assert "Traceback" not in server.log
