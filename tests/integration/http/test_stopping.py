"""Calls that are under way when their server is told to stop."""

import threading
from pathlib import Path
from typing import Any

from tests.support.patience import until
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


def test_a_call_that_does_not_end_is_told_that_its_server_stops(tmp_path: Path) -> None:
    app, told = tmp_path / "app", list[Any]()
    (app / "functions").mkdir(parents=True)
    (app / "functions" / "slow.py").write_text(SLOW)
    with Server(app, tmp_path / "data") as server:
        body = {"path": "slow:wait", "args": {}, "format": "json"}
        caller = threading.Thread(target=lambda: told.append(server.post("/api/action", body)))
        caller.start()
        until(lambda: server.query("slow:begun") > 0, "the call's beginning")
        assert server.stop() == 0
        caller.join()
    [(status, answer)] = told
    assert (status, answer["code"]) == (503, "ServerStopping")
    assert "look before you call again" in answer["message"]
    assert "Traceback" not in server.log
