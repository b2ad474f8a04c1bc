"""Calling functions over HTTP: every endpoint, who may, and what is answered when it goes wrong."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.http.api import Api, admin_header, open_api, refused
from tests.integration.sync.engine import ADMIN_KEY, timestamp

LIST, TOTAL, ADD = "visits:list", "visits:total", "visits:add"

ENDPOINTS = ["query", "mutation", "action", "query_at_ts"]


def acting_as(identity: bytes) -> str:
    return f"Convex {ADMIN_KEY}:{base64.b64encode(identity).decode()}"


# Calls


async def test_queries_mutations_and_actions(api: Api):
    assert await api.value("query", LIST, {"room": "red"}) == []
    assert await api.value("mutation", ADD, {"room": "red", "n": 2.5}) == 2.5
    assert await api.value("action", "members:enter", {"room": "red"}) == [2.5, 5]
    assert await api.value("query", LIST, {"room": "red"}) == [2.5, 5]


async def test_the_exact_answers(api: Api):
    response = await api.post("query", LIST, {"room": "red"})
    assert response.headers["content-type"] == "application/json"
    assert response.text == '{"status":"success","value":[]}'
    response = await api.post("mutation", "visits:add_and_refuse", {"room": "red"})
    answer = response.json()
    assert answer.keys() == {"status", "errorMessage", "errorData", "logLines"}
    assert (answer["status"], answer["errorData"]) == ("error", {"code": "FULL"})
    assert answer["logLines"] == ["[WARN] refusing"]
    first, second, *_ = answer["errorMessage"].split("\n")
    assert first.startswith("[Request ID: ")
    assert first.endswith("] Server Error")
    assert second == 'Uncaught ConvexError: {"code":"FULL"}'
    assert await api.value("query", LIST, {"room": "red"}) == []


async def test_arguments_may_be_an_object_or_a_list_with_one(api: Api):
    assert await api.value("mutation", ADD, [{"room": "red", "n": 1}]) == 1
    response = await api.http.post("/api/query", json={"path": "members:me"})
    assert response.json()["value"] is None
    assert "Instead received 2 arguments" in await api.failure("query", LIST, [{}, {}])
    assert "Instead received: 5" in await api.failure("query", LIST, 5)


async def test_a_query_by_get(api: Api):
    await api.value("mutation", ADD, {"room": "räume", "n": 3})
    params = {"path": LIST, "args": '{"room":"räume"}', "format": "json"}
    response = await api.http.get("/api/query", params=params)
    assert response.json() == {"status": "success", "value": [3]}
    response = await api.http.get(
        "/api/query", params={"path": "members:me"}, headers=admin_header({"issuer": "i", "subject": "s"})
    )
    assert response.json()["value"] == "i|s"
    assert "needs `path`" in refused(await api.http.get("/api/query"), 400, "BadQueryArgs")
    broken = await api.http.get("/api/query", params={"path": LIST, "args": "{room"})
    assert "not JSON" in refused(broken, 400, "BadQueryArgs")


@pytest.mark.parametrize(
    ("path", "args", "value"),
    [
        ("visits/list", {"room": "red"}, []),
        ("visits.js/list", {"room": "red"}, []),
        ("visits/add", {"room": "red"}, 1),
        ("members/meIfAny", {"room": "red"}, "empty"),
        ("members/meet", {"name": "x"}, "came to x"),
        ("members/%6de", {}, None),
    ],
)
async def test_run(api: Api, path: str, args: object, value: object):
    response = await api.http.post(f"/api/run/{path}", json={"args": args})
    assert response.json() == {"status": "success", "value": value}


async def test_run_knows_internal_functions_for_the_admin_only(api: Api):
    guest = await api.http.post("/api/run/members/secret", json={})
    missing = await api.http.post("/api/run/members/nobody_wrote_this", json={})
    texts = [response.json()["errorMessage"].partition("\n")[2] for response in (guest, missing)]
    assert "Could not find function for 'members:secret'" in texts[0]
    assert texts[0].replace("secret", "nobody_wrote_this") == texts[1]
    admin = await api.http.post("/api/run/members/secret", json={}, headers=admin_header())
    assert admin.json()["value"] == "the secret"


async def test_run_needs_a_module_and_a_function(api: Api):
    for path in ("/api/run/visits", "/api/run/", "/api/run//"):
        refused(await api.http.post(path, json={}), 400, "MissingIdentifier")


async def test_function_is_for_the_admin(api: Api):
    body = {"path": "members:hidden", "args": {}}
    assert "admin key" in refused(await api.http.post("/api/function", json=body), 403, "BadDeployKey")
    for path, value in (
        ("members:hidden", "hidden"),
        ("members:secret", "the secret"),
        (LIST, []),
        ("members:meet", "came to x"),
    ):
        args = {LIST: {"room": "red"}, "members:meet": {"name": "x"}}.get(path)
        assert await api.value("function", path, args, headers=admin_header()) == value
    message = await api.failure("function", "members:nobody_wrote_this", headers=admin_header())
    assert "Could not find function for 'members:nobody_wrote_this'" in message


async def test_a_function_of_a_component_is_one_that_is_not_there(api: Api):
    assert await api.value("function", "members:hidden", componentPath="", headers=admin_header()) == "hidden"
    message = await api.failure("function", "members:hidden", componentPath="parts", headers=admin_header())
    assert "Could not find function for 'members:hidden'" in message


async def test_a_batch_is_answered_in_order_from_one_moment(api: Api):
    await api.value("mutation", ADD, {"room": "red", "n": 1})
    queries = [
        {"path": TOTAL, "args": {"room": "red"}},
        {"path": "visits:fails", "args": {}},
        {"path": LIST, "args": [{"room": "red"}], "format": "export_json"},
    ]
    response = await api.http.post("/api/query_batch", json={"queries": queries})
    total, failed, listed = response.json()["results"]
    assert total == {"status": "success", "value": 1}
    assert failed["status"] == "error"
    assert listed == {"status": "success", "value": [1.0]}
    assert "[1.0]" in response.text


# Who calls


async def test_the_admin_and_whom_it_acts_as(api: Api):
    assert await api.value("query", "members:me") is None
    assert await api.value("query", "members:me", headers=admin_header()) is None
    assert await api.value("query", "members:me", headers=admin_header({"tokenIdentifier": "ann"})) == "ann"
    assert await api.value("mutation", "members:who_writes", headers=admin_header({"tokenIdentifier": "ann"})) == "ann"
    assert await api.value("query", "members:secret", headers=admin_header()) == "the secret"
    assert await api.value("mutation", "members:hidden", headers=admin_header({"tokenIdentifier": "ann"})) == "hidden"


async def test_missing_and_internal_functions_are_told_apart_by_nobody(api: Api):
    for endpoint, internal in (("query", "members:secret"), ("mutation", "members:hidden")):
        texts = [
            (await api.failure(endpoint, path)).partition("\n")[2] for path in (internal, "members:nobody_wrote_this")
        ]
        assert f"Could not find public function for '{internal}'." in texts[0]
        assert texts[0].replace(internal, "members:nobody_wrote_this") == texts[1]


async def test_a_function_of_another_kind(api: Api):
    said = "Trying to execute visits.js:add as Query, but it is defined as Mutation."
    assert said in await api.failure("query", ADD, {"room": "red"})


@pytest.mark.parametrize(
    ("header", "status", "code"),
    [
        ("Convex", 400, "InvalidHeaderFailure"),
        ("", 400, "InvalidHeaderFailure"),
        ("Basic dXNlcjpwYXNz", 400, "InvalidAdminKey"),
        ("Convex guessed", 401, "BadAdminKey"),
        ("Convex club|guessed", 401, "BadAdminKey"),
        (f"Convex {ADMIN_KEY[:-1]}", 401, "BadAdminKey"),
        ("Bearer a.b.c", 401, "NoAuthProvider"),
        (f"Convex {ADMIN_KEY}:!!", 400, "HeaderParseFailure"),
        (acting_as(b"{"), 400, "HeaderParseFailure"),
        (acting_as(b"[]"), 400, "HeaderParseFailure"),
        (acting_as(b'{"$x":1}'), 400, "HeaderParseFailure"),
        (acting_as(b'{"x":' + b"[" * 5000), 400, "HeaderParseFailure"),
    ],
)
async def test_headers_that_prove_nothing(api: Api, header: str, status: int, code: str):
    response = await api.post("mutation", ADD, {"room": "red"}, headers={"Authorization": header})
    message = refused(response, status, code)
    assert ADMIN_KEY not in message
    assert await api.value("query", TOTAL, {"room": "red"}) == 0


@pytest.mark.parametrize("scheme", ["Convex", "convex", "CONVEX"])
@pytest.mark.parametrize("prefix", ["", "prod:", "dev:"])
async def test_spellings_of_the_key(api: Api, scheme: str, prefix: str):
    headers = {"Authorization": f"{scheme} {prefix}{ADMIN_KEY}"}
    assert await api.value("query", "members:secret", headers=headers) == "the secret"


# Requests that are none


async def test_bodies_that_are_none(api: Api):
    headers = {"Content-Type": "application/json"}
    for body in (
        b"",
        b"{",
        b"null",
        b"[]",
        b"{}",
        b'{"path":5,"args":{}}',
        b'{"path":"a:b","args":[}',
        b"\xff",
        b"[" * 100_000,
    ):
        refused(await api.http.post("/api/mutation", content=body, headers=headers), 400, "BadJsonBody")
    for body in (b"{}", b'{"queries":{}}', b'{"queries":[{}]}'):
        refused(await api.http.post("/api/query_batch", content=body, headers=headers), 400, "BadJsonBody")


@pytest.mark.parametrize(
    ("content_type", "accepted"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("APPLICATION/JSON", True),
        ("application/vnd.school+json", True),
        ("text/plain", False),
        ("application/x-www-form-urlencoded", False),
        ("", False),
    ],
)
async def test_content_types(api: Api, content_type: str, accepted: bool):
    body = b'{"path":"members:me","args":{}}'
    response = await api.http.post("/api/query", content=body, headers={"Content-Type": content_type})
    if accepted:
        assert response.json() == {"status": "success", "value": None}
    else:
        assert "Content-Type: application/json" in refused(response, 400, "BadJsonBody")


@pytest.mark.parametrize("path", ["", ":", "visits:", "../x:y", "a b:c", "visits.py:list"])
@pytest.mark.parametrize("endpoint", [*ENDPOINTS, "function"])
async def test_paths_that_are_none(api: Api, endpoint: str, path: str):
    response = await api.post(endpoint, path, {}, ts="AAAAAAAAAAA=", headers=admin_header())
    assert "is not a valid path" in refused(response, 400, "BadConvexFunctionIdentifier")


async def test_an_unknown_format_is_refused_before_anything_runs(api: Api):
    response = await api.post("mutation", ADD, {"room": "red"}, format="xml")
    assert "convex_encoded_json" in refused(response, 400, "BadFormat")
    response = await api.post("mutation", ADD, {"room": "red"}, headers={"Convex-Client": "nonsense"})
    refused(response, 400, "InvalidClientVersion")
    assert await api.value("query", TOTAL, {"room": "red"}) == 0


async def test_wrong_arguments_are_the_functions_business(api: Api):
    assert "ArgumentValidationError" in await api.failure("query", LIST, {"room": 5})
    assert "Invalid arguments for visits.js:list" in await api.failure("query", LIST, {"room": {"$integer": "?"}})


@pytest.mark.parametrize("declared", [True, False])
async def test_a_body_that_is_too_large(tmp_path: Path, declared: bool):
    async with open_api(tmp_path / "data", "club", max_body_bytes=64 * 1024) as api:
        body = b'{"path":"members:me","args":{}}' + b" " * 70_000

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(body), 10_000):
                yield body[at : at + 10_000]

        headers = {"Content-Type": "application/json"}
        content = body if declared else pieces()
        message = refused(await api.http.post("/api/query", content=content, headers=headers), 413, "BodyTooLarge")
        assert "65536 bytes" in message
        fits = await api.http.post("/api/query", content=body[:60_000], headers=headers)
        assert fits.json()["value"] is None


async def test_a_body_in_pieces_is_put_together(api: Api):
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b'{"path":"vis', b'its:list","ar', b'gs":{"room":"red"}}'):
            yield piece

    response = await api.http.post("/api/query", content=pieces(), headers={"Content-Type": "application/json"})
    assert response.json() == {"status": "success", "value": []}


# Consistent reads


async def test_a_query_at_a_moment_shows_the_state_of_then(api: Api):
    await api.value("mutation", ADD, {"room": "red", "n": 1})
    ts = (await api.http.post("/api/query_ts")).json()["ts"]
    await api.value("mutation", ADD, {"room": "red", "n": 2})
    await api.value("mutation", ADD, {"room": "blue", "n": 3})
    assert await api.value("query_at_ts", LIST, {"room": "red"}, ts=ts) == [1]
    assert await api.value("query_at_ts", LIST, {"room": "blue"}, ts=ts) == []
    newest = (await api.http.post("/api/query_ts")).json()["ts"]
    assert timestamp(newest) > timestamp(ts)
    assert await api.value("query_at_ts", LIST, {"room": "red"}, ts=newest) == [1, 2]


async def test_moments_that_are_none(api: Api):
    refused(await api.post("query_at_ts", LIST, {"room": "red"}), 400, "BadJsonBody")
    for ts in ("", "nonsense", "AAAA", "ÄAAAAAAAAAA="):
        refused(await api.post("query_at_ts", LIST, {"room": "red"}, ts=ts), 400, "BadJsonBody")
    refused(await api.post("query_at_ts", LIST, {"room": "red"}, ts="/////////38="), 400, "BadTimestamp")


async def test_a_moment_that_is_forgotten(api: Api):
    ts = (await api.http.post("/api/query_ts")).json()["ts"]
    for n in range(3):
        await api.value("mutation", ADD, {"room": "red", "n": n})
    newest = api.parts.database.committer.visible
    await api.parts.store.prune(log_before=newest, outcomes_before=0, limit=1000)
    await api.value("mutation", ADD, {"room": "red"})  # and with it a snapshot that does not see what was forgotten
    message = refused(await api.post("query_at_ts", LIST, {"room": "red"}, ts=ts), 503, "OutOfRetention")
    assert "/api/query_ts" in message


# At once


async def test_many_at_a_time(api: Api):
    adding = [api.value("mutation", ADD, {"room": "red", "n": n}) for n in range(100)]
    assert await asyncio.gather(*adding) == list(range(100))
    assert await api.value("query", TOTAL, {"room": "red"}) == sum(range(100))


async def test_nothing_of_an_error_is_shown_in_production(tmp_path: Path):
    async with open_api(tmp_path / "data", "club", mode="production") as api:
        message = await api.failure("query", "visits:fails")
        assert message.startswith("[Request ID: ")
        assert message.endswith("] Server Error")
        refused_call = await api.post("mutation", "visits:add_and_refuse", {"room": "red"})
        assert refused_call.json().keys() == {"status", "errorMessage", "errorData"}


# Clients and requests


@pytest.mark.parametrize("client", ["npm-0.19.1", "npm-0.1.0", "python-0.0.2", "rust-0.0.1"])
async def test_clients_that_are_too_old_are_not_served(api: Api, client: str):
    response = await api.post("mutation", ADD, {"room": "red"}, headers={"Convex-Client": client})
    assert "upgrade it" in refused(response, 400, "ClientVersionUnsupported")
    assert response.headers["x-convex-deprecation-state"] == "Unsupported"
    assert "upgrade it" in response.headers["x-convex-deprecation-message"]
    assert await api.value("query", TOTAL, {"room": "red"}) == 0


async def test_clients_that_should_upgrade_are_told(api: Api):
    response = await api.post("query", TOTAL, {"room": "red"}, headers={"Convex-Client": "python-0.2.0"})
    assert response.headers["x-convex-deprecation-state"] == "UpgradeRequired"
    assert response.json()["value"] == 0


@pytest.mark.parametrize("page", ["/version", "/api/reactor/live", "/nothing/here"])
async def test_clients_that_should_upgrade_are_told_by_every_page(api: Api, page: str):
    response = await api.http.get(page, headers={"Convex-Client": "python-0.2.0"})
    assert response.headers["x-convex-deprecation-state"] == "UpgradeRequired"


@pytest.mark.parametrize("client", ["npm-1.48.0", "python-0.8.1", "rust-0.10.4", "odd-thing-1.0.0-beta", None])
async def test_other_clients_are_served_without_a_word(api: Api, client: str | None):
    headers = {} if client is None else {"Convex-Client": client}
    response = await api.post("query", TOTAL, {"room": "red"}, headers=headers)
    assert response.json()["value"] == 0
    assert "x-convex-deprecation-state" not in response.headers


async def test_a_request_may_bring_its_id(api: Api):
    for endpoint, path in (
        ("query", "visits:fails"),
        ("mutation", "visits:add_and_fail"),
        ("action", "members:refuse"),
    ):
        args = {"room": "red"} if endpoint == "mutation" else {}
        for given, taken in (("trace-1.a_B", True), ("no id", False), ("x" * 65, False), ("", False)):
            message = await api.failure(endpoint, path, args, headers={"Convex-Request-Id": given})
            assert message.startswith(f"[Request ID: {given}] Server Error") is taken


async def test_a_batch_has_a_limit(api: Api):
    queries = [{"path": TOTAL, "args": {"room": "red"}}] * 1001
    refused(await api.http.post("/api/query_batch", json={"queries": queries}), 400, "TooManyQueries")
    response = await api.http.post("/api/query_batch", json={"queries": queries[:1000]})
    assert len(response.json()["results"]) == 1000


async def test_a_body_that_does_not_come(tmp_path: Path):
    async with open_api(tmp_path / "data", "club", body_seconds=0.05) as api:
        never = asyncio.Event()

        async def pieces() -> AsyncIterator[bytes]:
            yield b'{"path":'
            await never.wait()

        response = await api.http.post("/api/query", content=pieces(), headers={"Content-Type": "application/json"})
        assert "0.05 s" in refused(response, 408, "RequestTimeout")
