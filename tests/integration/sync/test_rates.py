"""Rates as clients of the sync protocol and of HTTP meet them."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from reactor.app.parts import Parts
from reactor.runtime.calls import Origin
from tests.integration.http.api import admin_header, open_api
from tests.integration.sync.engine import Client, engine


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with engine(tmp_path / "data", "limits", mode="production") as parts:
        yield parts


async def test_a_refused_mutation_has_the_data_and_the_next_one_runs(parts: Parts):
    client = Client(parts)
    await client.mutation("notes:add")
    await client.mutation("notes:add")
    refused = await client.mutation("notes:add")
    assert (refused["success"], refused["ts"]) == (False, None)
    assert refused["errorData"].items() >= {"kind": "RateLimited", "code": "RateLimited", "name": "notes:add"}.items()
    assert 1799 < refused["errorData"]["retryAfterSeconds"] <= 1800
    assert refused["result"].endswith("Server Error")
    assert (await client.mutation("notes:add_many", n=1))["success"]
    assert await client.add(0, "notes:count") == 3


async def test_a_mutation_that_ran_is_answered_from_the_record_when_it_is_sent_again(parts: Parts):
    client = Client(parts, session=str(uuid.uuid4()))
    answers = [await client.mutation("notes:add", n) for n in range(2)]
    client.drop()
    again = Client(parts, session=client.session)
    assert [await again.mutation("notes:add", n) for n in range(2)] == answers
    assert not (await again.mutation("notes:add", 2))["success"]


async def test_a_refused_action_has_the_data(parts: Parts):
    client = Client(parts)
    for _ in range(2):
        assert (await client.action("notes:ask"))["success"]
    refused = await client.action("notes:ask")
    assert (refused["success"], refused["errorData"]["code"]) == (False, "RateLimited")


async def test_refused_subscriptions_get_their_results_one_after_another(parts: Parts):
    client = Client(parts)
    adds = [{"type": "Add", "queryId": n, "udfPath": "notes:soon", "args": [{"n": n}]} for n in range(4)]
    client.modify(*adds)
    await client.settled()
    assert client.value(0) == [0, 0]
    assert [client.results[n]["type"] for n in (1, 2, 3)] == ["QueryFailed"] * 3
    waits = [client.results[n]["errorData"]["retryAfter"] for n in (1, 2, 3)]
    assert waits == sorted(set(waits))
    assert parts.hub.held and len(parts.hub.held) == 3
    await client.until(lambda: [client.value(n) for n in range(4)] == [[n, 0] for n in range(4)])
    assert len(parts.hub.held) == 0
    await client.mutation("notes:add_many", n=1)
    assert [client.value(n)[1] for n in range(4)] == [1] * 4


async def test_a_subscription_that_waits_may_end_with_its_connection_or_before(parts: Parts):
    client, other = Client(parts), Client(parts)
    await client.add(0, "notes:seldom")
    await client.add(1, "notes:seldom")
    await client.add(2, "notes:seldom")
    await client.add(3, "notes:seldom")
    await other.add(0, "notes:seldom")
    assert len(parts.hub.held) == 3
    await client.remove(2)
    assert 2 not in client.results
    assert len(parts.hub.held) == 2
    client.drop()
    assert len(parts.hub.held) == 1
    other.drop()
    assert len(parts.hub.held) == parts.live.subscriptions == len(parts.live) == 0


async def test_a_client_that_waits_may_become_somebody_else(parts: Parts):
    client = Client(parts)
    for n in range(3):
        await client.add(n, "notes:seldom")
    await client.become("ada")
    assert client.results[2]["type"] == "QueryFailed"
    await client.add(3, "notes:seldom")
    assert client.value(3) == 0  # the admin is not limited


async def test_each_address_has_an_allowance_of_its_own(parts: Parts):
    for address in ("10.0.0.1", "10.0.0.2"):
        client = Client(parts)
        client.peer.session.origin = Origin(address)
        for _ in range(2):
            assert (await client.mutation("notes:add"))["success"]
        assert not (await client.mutation("notes:add"))["success"]


@pytest.mark.parametrize(("endpoint", "path"), [("query", "seldom"), ("mutation", "add"), ("action", "ask")])
async def test_over_http_a_refusal_is_a_failure_of_the_function(tmp_path: Path, endpoint: str, path: str):
    async with open_api(tmp_path / "data", "limits", mode="production") as api:
        for _ in range(2):
            await api.value(endpoint, f"notes:{path}")
        answer = await api.post(endpoint, f"notes:{path}")
        body = answer.json()
        assert (answer.status_code, body["status"]) == (200, "error")
        assert body["errorData"]["code"] == "RateLimited"
        assert answer.headers["retry-after"] == f"{body['errorData']['retryAfterSeconds']:.0f}"
        for _ in range(3):
            await api.value(endpoint, f"notes:{path}", headers=admin_header())
        run = await api.http.post(f"/api/run/notes/{path}", json={"args": {}})
        assert run.json()["errorData"]["code"] == "RateLimited"


async def test_queries_on_one_state_count_like_others(tmp_path: Path):
    async with open_api(tmp_path / "data", "limits") as api:
        batch = {"queries": [{"path": "notes:seldom"}] * 3}
        results = (await api.http.post("/api/query_batch", json=batch)).json()["results"]
        assert [each["status"] for each in results] == ["success", "success", "error"]
        ts = (await api.http.post("/api/query_ts", json={})).json()["ts"]
        await api.value("mutation", "notes:add")
        for at in (ts, (await api.http.post("/api/query_ts", json={})).json()["ts"]):
            assert "RateLimited" in await api.failure("query_at_ts", "notes:seldom", ts=at)


async def test_behind_a_proxy_the_clients_address_counts(parts: Parts):
    for forwarded in ("1.2.3.4", "1.2.3.5"):
        client = Client(parts, address="127.0.0.1", headers={"x-forwarded-for": forwarded})
        for _ in range(2):
            assert (await client.mutation("notes:add"))["success"]
        assert not (await client.mutation("notes:add"))["success"]
    stranger = Client(parts, address="127.0.0.1", headers={"x-forwarded-for": "6.6.6.6, 1.2.3.5"})
    assert not (await stranger.mutation("notes:add"))["success"]
