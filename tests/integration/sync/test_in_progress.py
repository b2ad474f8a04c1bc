"""How many calls of one caller may be in progress, over all of its connections and HTTP."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from reactor.app.parts import Parts
from reactor.runtime.calls import Origin
from tests.integration.http.api import admin_header, open_api
from tests.integration.sync.engine import Client, engine
from tests.support.patience import PATIENCE


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with engine(tmp_path / "data", "limits", mode="production", max_caller_calls=2) as parts:
        yield parts


def at(parts: Parts, address: str) -> Client:
    client = Client(parts)
    client.peer.session.origin = Origin(address)
    return client


def in_progress(parts: Parts) -> int:
    return len(parts.runner.entrance.in_progress)


async def test_one_call_too_many_is_refused_over_all_connections_and_the_others_go_on(parts: Parts):
    first, second, other = (at(parts, address) for address in ("10.0.0.1", "10.0.0.1", "10.0.0.2"))
    waiting = [client.request("Action", "notes:wait") for client in (first, second)]
    await asyncio.sleep(0)  # the tasks of the actions begin
    refused = await first.action("notes:open_gate")
    assert (refused["success"], refused["errorData"]["code"]) == (False, "TooManyCalls")
    assert refused["errorData"]["retryAfterSeconds"] == 1
    refused = await second.mutation("notes:add_many", n=1)
    assert (refused["success"], refused["errorData"]["code"]) == (False, "TooManyCalls")
    assert await second.add(0, "notes:count") == 0
    assert (await other.action("notes:open_gate"))["success"]
    for client, number in zip((first, second), waiting, strict=True):
        assert (await client.response(number))["result"] == "open"
    assert in_progress(parts) == 0
    assert (await first.mutation("notes:add_many", n=1))["success"]
    assert parts.runner.entrance.refused["in_progress"] == 2


async def test_a_mutation_that_ran_is_answered_whoever_crowds(parts: Parts):
    client = at(parts, "10.0.0.1")
    answer = await client.mutation("notes:add", 0)
    for _ in range(2):
        client.request("Action", "notes:wait")
    await asyncio.sleep(0)
    client.drop()
    again = Client(parts, session=client.session)
    again.peer.session.origin = Origin("10.0.0.1")
    assert await again.mutation("notes:add", 0) == answer
    assert not (await again.mutation("notes:add", 1))["success"]
    assert (await at(parts, "10.0.0.2").action("notes:open_gate"))["success"]


async def test_what_functions_and_the_admin_call_is_not_counted(parts: Parts):
    admin = Client(parts)
    await admin.become("ada")
    for _ in range(3):
        admin.request("Action", "notes:wait")
    assert (await admin.action("notes:ask_many", n=3))["result"] == ["answer"] * 3
    assert in_progress(parts) == 0
    assert (await admin.action("notes:open_gate"))["success"]


@pytest.mark.parametrize(
    ("endpoint", "path"), [("query", "count"), ("mutation", "add_many"), ("action", "ask"), ("query_at_ts", "count")]
)
async def test_over_http_as_well(tmp_path: Path, endpoint: str, path: str):
    async with open_api(tmp_path / "data", "limits", max_caller_calls=1) as api:
        past: dict[str, Any] = (await api.http.post("/api/query_ts", json={})).json()
        await api.value("mutation", "notes:add_many", {"n": 1})
        waiting = asyncio.create_task(api.value("action", "notes:wait"))
        async with asyncio.timeout(PATIENCE):
            while not in_progress(api.parts):
                await asyncio.sleep(0)
        more = past if endpoint == "query_at_ts" else {}
        answer = await api.post(endpoint, f"notes:{path}", {"n": 1} if path == "add_many" else {}, **more)
        assert answer.json()["errorData"]["code"] == "TooManyCalls"
        assert answer.headers["retry-after"] == "1"
        hook = await api.http.post("/http/free")
        assert (hook.status_code, hook.json()["code"], hook.headers["retry-after"]) == (429, "TooManyCalls", "1")
        await api.value("action", "notes:open_gate", headers=admin_header())
        assert await waiting == "open"
        assert await api.value("query", "notes:count") == 1


async def test_endpoints_of_an_application_have_rates(tmp_path: Path):
    async with open_api(tmp_path / "data", "limits", mode="production") as api:
        for _ in range(2):
            assert (await api.http.post("/http/hook")).text == "taken"
        refused = await api.http.post("/http/hook")
        assert refused.status_code == 429
        assert 1799 < int(refused.headers["retry-after"]) <= 1800
        assert refused.json()["code"] == "RateLimited"
        assert "POST /hook is called too often" in refused.json()["message"]
        assert (await api.http.post("/http/free")).text == "taken"
