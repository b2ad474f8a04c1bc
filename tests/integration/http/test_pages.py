"""What surrounds the calls: cross-origin rules, health, metrics, and addresses written carelessly."""

import asyncio
import json
from pathlib import Path

import pytest

from reactor.errors import StoreFull
from reactor.version import VERSION
from tests.integration.http.api import Api, admin_header, open_api, refused
from tests.integration.sync.engine import Client
from tests.support.metrics import Metrics

# Origins


async def test_any_origin_may_call(api: Api):
    for response in (
        await api.post("query", "members:me", headers={"Origin": "https://school.example"}),
        await api.post("query", "", headers={"Origin": "https://school.example"}),
        await api.http.get("/version", headers={"Origin": "https://school.example"}),
    ):
        assert response.headers["access-control-allow-origin"] == "https://school.example"
        assert response.headers["access-control-allow-credentials"] == "true"
        assert "Origin" in response.headers["vary"]


async def test_without_an_origin_there_is_nothing_to_allow(api: Api):
    response = await api.post("query", "members:me")
    assert "access-control-allow-origin" not in response.headers
    assert "Origin" in response.headers["vary"], "a cache must not give this answer to a page"


@pytest.mark.parametrize("path", ["/api/query", "/api/run/visits/list", "//api/mutation", "/api/anything"])
async def test_what_a_page_asks_before_it_calls(api: Api, path: str):
    headers = {
        "Origin": "https://school.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,convex-client",
    }
    response = await api.http.options(f"http://reactor.example{path}", headers=headers)
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://school.example"
    assert response.headers["access-control-allow-headers"] == "authorization,content-type,convex-client"
    assert response.headers["access-control-allow-methods"] == "GET,POST,OPTIONS,PATCH,DELETE,PUT"
    assert response.headers["access-control-max-age"] == "86400"


# Addresses


async def test_repeated_slashes_are_one(api: Api):
    for path in ("//api/query", "/api//query", "///api/query"):
        response = await api.http.post(f"http://reactor.example{path}", json={"path": "members:me", "args": {}})
        assert response.json() == {"status": "success", "value": None}
    assert (await api.http.get("http://reactor.example//version")).text == VERSION


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nowhere"),
        ("POST", "/api/nowhere"),
        ("GET", "/api/mutation"),
        ("PUT", "/api/query"),
        ("GET", "/api/run/a/b"),
    ],
)
async def test_what_is_not_there(api: Api, method: str, path: str):
    response = await api.http.request(method, path, json={})
    assert response.status_code in (404, 405)


# The server itself


async def test_versions_and_names(api: Api):
    for path, text in (("/version", VERSION), ("/instance_version", VERSION), ("/instance_name", "reactor")):
        response = await api.http.get(path)
        assert (response.status_code, response.text) == (200, text)


async def test_health_follows_the_last_commit(api: Api, monkeypatch: pytest.MonkeyPatch):
    assert (await api.http.get("/healthz")).json() == {"status": "ok"}

    async def no_room(*_: object, **__: object) -> None:
        raise StoreFull("the disk is full: make room")

    monkeypatch.setattr(api.parts.store, "commit", no_room)
    message = await api.failure("mutation", "visits:add", {"room": "red"})
    assert "the disk is full: make room" in message
    response = await api.http.get("/healthz")
    assert (response.status_code, response.json()["status"]) == (503, "failing")
    assert "the disk is full" in response.json()["reason"]
    assert await api.value("query", "visits:list", {"room": "red"}) == []
    monkeypatch.undo()
    await api.value("mutation", "visits:add", {"room": "red"})
    assert (await api.http.get("/healthz")).status_code == 200


async def test_metrics_count_what_happened(api: Api):
    before = Metrics.parse((await api.http.get("/metrics")).text)
    client = Client(api.parts)
    await client.add(0, "visits:list", room="red")
    await client.mutation("visits:add", room="red")
    await api.value("query", "visits:list", {"room": "red"})
    response = await api.http.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    spent = Metrics.parse(response.text) - before
    assert spent.runs() == {"visits:list": 2}
    assert spent.by("reactor_result_hits_total", "from") == {"live": 1}
    assert spent["reactor_mutations_total"] == spent["reactor_commits_total"] == 1
    assert spent["reactor_transitions_sent_total"] == 2
    assert spent["reactor_sessions"] == spent["reactor_live_queries"] == spent["reactor_subscriptions"] == 1


async def test_live_queries_are_shown_to_the_admin(api: Api):
    client = Client(api.parts)
    await client.add(0, "visits:list", room="red")
    odd = b'{"type":"ModifyQuerySet","baseVersion":1,"newVersion":2,"modifications":[%s]}'
    client.peer.received(odd % b'{"type":"Add","queryId":1,"udfPath":"a:b","args":[{"\\u00e4":1}]}')
    await client.until(lambda: 1 in client.results)
    refused(await api.http.get("/api/reactor/live"), 403, "BadDeployKey")
    refused(await api.http.get("/api/reactor/live", headers={"Authorization": "Convex guessed"}), 401, "BadAdminKey")
    shown = (await api.http.get("/api/reactor/live", headers=admin_header())).json()
    first = next(query for query in shown["queries"] if query["query"] == "visits:list")
    assert first == {
        "query": "visits:list",
        "args": '[{"room": "red"}]',
        "subscriptions": 1,
        "runs": 1,
        "why": {"cause": "subscribed"},
    }
    assert {run["query"] for run in shown["recent"]} == {"visits:list", "a:b"}
    json.dumps(shown)


async def test_what_is_not_there_has_no_body(api: Api):
    for path in ("/nowhere", "/api/nowhere", "/api/v1/nothing"):
        response = await api.http.get(path)
        assert (response.status_code, response.content) == (404, b"")
    for method, path in (("POST", "/version"), ("GET", "/echo"), ("DELETE", "/metrics")):
        response = await api.http.request(method, path)
        assert "does not take" in refused(response, 405, "MethodNotAllowed")
        assert response.headers["allow"]


async def test_an_echo(api: Api):
    response = await api.http.post("/echo", content=b"\x00abc" * 1000, headers={"Content-Type": "x/y"})
    assert (response.content, response.headers["content-type"]) == (b"\x00abc" * 1000, "x/y")
    assert (await api.http.post("/echo")).content == b""


async def test_an_echo_has_a_limit(tmp_path: Path):
    async with open_api(tmp_path / "data", "club", max_body_bytes=64 * 1024) as api:
        refused(await api.http.post("/echo", content=b"x" * 70_000), 413, "BodyTooLarge")


@pytest.mark.parametrize("path", ["/api/sync", "/api/1.48.0/sync"])
async def test_a_socket_that_is_asked_as_a_page(api: Api, path: str):
    response = await api.http.get(path)
    refused(response, 426, "UpgradeRequired")
    assert response.headers["upgrade"] == "websocket"


@pytest.mark.parametrize("path", ["/version", "/echo", "/instance_name", "/nowhere"])
async def test_a_page_may_ask_before_it_asks_anything(api: Api, path: str):
    headers = {"Origin": "https://school.example", "Access-Control-Request-Method": "GET"}
    response = await api.http.options(path, headers=headers)
    assert (response.status_code, response.headers["access-control-max-age"]) == (200, "86400")


async def test_the_first_page_has_the_endpoints(tmp_path: Path):
    async with open_api(tmp_path / "data", "web") as api:
        page = (await api.http.get("/")).text
        assert "<code>/seen/{first}/of/{second}</code>" in page
    async with open_api(tmp_path / "other", "club") as api:
        assert "HTTP endpoints" not in (await api.http.get("/")).text


async def test_metrics_tell_how_long_and_how_it_failed(tmp_path: Path):
    async with open_api(tmp_path / "data", "web") as api:
        before = Metrics.parse((await api.http.get("/metrics")).text)
        await api.failure("mutation", "notes:nobody_wrote_this")
        await api.value("query", "notes:all")
        await api.http.get("/http/fails")
        await api.http.get("/http/refuses")
        await api.http.post("/http/echo", content=b"12345")
        await api.http.get("/http/nowhere")
        spent = Metrics.parse((await api.http.get("/metrics")).text) - before
    assert spent["reactor_mutation_seconds_count"] == spent["reactor_query_seconds_count"] == 1
    assert spent["reactor_mutation_seconds_sum"] > 0
    assert spent.by("reactor_mutation_seconds_bucket", "le")["+Inf"] == 1
    assert spent.by("reactor_function_failures_total", "kind") == {
        "FunctionNotFound": 1,
        "exception": 1,
        "ConvexError": 1,
    }
    assert spent.by("reactor_http_requests_total", "status") == {"2xx": 1, "5xx": 2}
    assert spent["reactor_http_request_bytes_total"] == 5
    assert spent["reactor_http_response_bytes_total"] > 5


async def test_rounds_and_commits_are_timed(api: Api):
    before = Metrics.parse((await api.http.get("/metrics")).text)
    client = Client(api.parts)
    await client.add(0, "visits:list", room="red")
    await client.mutation("visits:add", room="red")
    while api.parts.rounds.busy:  # a round that goes on is counted, and not timed yet
        await asyncio.sleep(0)
    spent = Metrics.parse((await api.http.get("/metrics")).text) - before
    assert spent["reactor_commit_group_seconds_count"] == spent["reactor_commit_groups_total"] == 1
    assert spent["reactor_round_seconds_count"] == spent["reactor_rounds_total"] >= 2
