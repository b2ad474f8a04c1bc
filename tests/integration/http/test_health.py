"""Health means that a write has just reached a live query."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from reactor.errors import StoreFull
from tests.integration.http.api import Api, admin_header, open_api
from tests.integration.sync.engine import Client
from tests.support.metrics import Metrics

LOOKED = {"reactor_commits_total": 1, "reactor_mutations_total": 1, "reactor_transitions_sent_total": 2}


async def metrics(api: Api) -> Metrics:
    return Metrics.parse((await api.http.get("/metrics")).text)


async def health(api: Api) -> tuple[int, dict[str, str]]:
    response = await api.http.get("/healthz")
    return response.status_code, response.json()


async def test_a_look_is_one_commit_and_leaves_nothing_behind(api: Api):
    client = Client(api.parts)
    await client.add(0, "visits:list", room="red")
    before, transitions = await metrics(api), client.transitions
    assert await health(api) == (200, {"status": "ok"})
    spent = await metrics(api) - before
    assert {name: spent[name] for name in LOOKED} == LOOKED
    assert spent["reactor_sessions"] == spent["reactor_live_queries"] == spent["reactor_subscriptions"] == 0
    assert spent.runs() == {"_system/health:pulse": 2}
    assert client.transitions == transitions, "nobody else hears of it"


async def test_many_who_ask_make_it_look_once(api: Api):
    before = await metrics(api)
    assert await asyncio.gather(*(health(api) for _ in range(20))) == [(200, {"status": "ok"})] * 20
    spent = await metrics(api) - before
    assert spent["reactor_commits_total"] == 1


async def test_without_an_interval_every_question_is_a_look(tmp_path: Path):
    async with open_api(tmp_path / "data", "club", health_seconds=0) as api:
        before = await metrics(api)
        for _ in range(3):
            assert await health(api) == (200, {"status": "ok"})
        spent = await metrics(api) - before
        assert spent["reactor_commits_total"] == 3


async def test_it_sees_for_itself_that_there_is_room_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with open_api(tmp_path / "data", "club", health_seconds=0) as api:

        async def no_room(*_: object, **__: object) -> None:
            raise StoreFull("the disk is full: make room")

        monkeypatch.setattr(api.parts.store, "commit", no_room)
        status, body = await health(api)
        assert (status, body["status"]) == (503, "failing")
        assert "the disk is full" in body["reason"]
        monkeypatch.undo()
        assert await health(api) == (200, {"status": "ok"}), "nobody else had to write first"


async def test_a_fault_is_told_of_at_once_and_not_looked_at_again_and_again(api: Api, monkeypatch: pytest.MonkeyPatch):
    assert (await health(api))[0] == 200
    tries: list[int] = []

    async def no_room(*_: object, **__: object) -> None:
        tries.append(1)
        raise StoreFull("the disk is full: make room")

    monkeypatch.setattr(api.parts.store, "commit", no_room)
    await api.failure("mutation", "visits:add", {"room": "red"})
    assert [(await health(api))[0] for _ in range(3)] == [503] * 3
    assert len(tries) == 2
    monkeypatch.undo()
    await api.value("mutation", "visits:add", {"room": "red"})
    assert (await health(api))[0] == 200


async def test_a_server_that_delivers_nothing_is_not_healthy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with open_api(tmp_path / "data", "club", health_seconds=0) as api:

        async def nothing(ts: int, due: Iterable[Any], breathe: Any) -> None:
            """Every subscriber is forgotten."""

        monkeypatch.setattr(api.parts.rounds, "_deliver", nothing)
        assert await health(api) == (
            503,
            {"status": "failing", "reason": "a write did not reach a live query within 1 s"},
        )
        monkeypatch.undo()
        assert await health(api) == (200, {"status": "ok"})


async def test_only_the_admin_can_make_the_server_write(api: Api):
    for kind, path in (("mutation", "_system/health:beat"), ("query", "_system/health:pulse")):
        assert "Could not find public function" in await api.failure(kind, path)
    assert await api.value("mutation", "_system/health:beat", headers=admin_header()) == 1
    assert await api.value("query", "_system/health:pulse", headers=admin_header()) == 1


async def test_it_goes_on_counting_after_a_restart(tmp_path: Path):
    for beats in (1, 2):
        async with open_api(tmp_path / "data", "club") as api:
            assert await health(api) == (200, {"status": "ok"})
            assert await api.value("query", "_system/health:pulse", headers=admin_header()) == beats
