"""HTTP actions on real sockets: what handlers are told, what they may answer, and how they fail."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.integration.http.api import refused
from tests.integration.http.sockets import ADMIN_KEY, Site, open_site
from tests.support.issuer import Issuer


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with open_site(tmp_path / "data") as site:
        yield site


async def failure(response: httpx.Response) -> dict[str, Any]:
    """The body of a handler's failure."""
    assert response.status_code == 500, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


# What is returned


@pytest.mark.parametrize(
    ("path", "status", "content_type", "body"),
    [
        ("/text", 200, "text/plain; charset=utf-8", "grüß".encode()),
        ("/bytes", 200, "application/octet-stream", b"\x00\x01"),
        ("/nothing", 204, None, b""),
        ("/list", 200, "application/json", b'[1,"two"]'),
        (
            "/dict",
            200,
            "application/json",
            '{"größe":1,"wide":"5","data":"AQ==","none":null,"odd":"NaN"}'.encode(),
        ),
    ],
)
async def test_what_a_handler_may_return(site: Site, path: str, status: int, content_type: str | None, body: bytes):
    response = await site.http.get(path)
    assert (response.status_code, response.headers.get("content-type")) == (status, content_type)
    assert response.content == body


@pytest.mark.parametrize(("path", "says"), [("/number", "returned int"), ("/unsayable", "a dict that JSON cannot say")])
async def test_what_it_may_not_return(site: Site, path: str, says: str):
    assert says in (await failure(await site.http.get(path)))["trace"]


async def test_a_response_is_sent_as_it_is(site: Site):
    response = await site.http.post("/notes", json={"text": "first"})
    assert (response.status_code, response.headers["x-kept"]) == (201, "yes")
    assert response.json()["notes"] == ["first"]
    two = await site.http.get("/head/two")
    assert (two.status_code, two.headers.get_list("x-two"), two.text) == (418, ["1", "2"], "twice")


@pytest.mark.parametrize("kind", ["break", "name", "length", "status"])
async def test_heads_that_cannot_be_sent_are_failures(site: Site, kind: str):
    body = await failure(await site.http.get(f"/head/{kind}"))
    assert "header" in body["code"] or "status" in body["code"]
    assert b"stolen" not in await site.raw(b"GET /head/break HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")


async def test_headers_of_another_connection_are_not_passed_on(site: Site):
    response = await site.http.get("/head/hop")
    assert (response.text, response.headers["x-kept"]) == ("passed on", "1")
    assert not {"transfer-encoding", "keep-alive"} & set(response.headers)


async def test_a_body_where_there_is_none_is_left_out(site: Site):
    response = await site.http.get("/head/none")
    assert (response.status_code, response.content) == (204, b"")


async def test_work_for_afterwards_happens(site: Site):
    assert (await site.http.get("/afterwards")).text == "at once"
    await site.reached("afterwards")
    assert "afterwards" in (await site.http.post("/notes", json={"text": "x"})).json()["notes"]


# What a handler is told


async def test_the_address_is_the_one_that_was_written(site: Site):
    base = str(site.http.base_url).rstrip("/")
    path = "/files/private/a%20b/..%2F%2e%2e//x"
    head = f"GET {path}?a=1&a=%20&b=%ff HTTP/1.1\r\nhost: x.example\r\nconnection: close\r\n\r\n"
    answer = await site.raw(head.encode())
    seen = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert seen["url"] == f"http://x.example{path}?a=1&a=%20&b=%ff"
    assert seen["params"] == {"rest": "a%20b/..%2F%2e%2e//x"}
    assert seen["query"][:2] == [["a", "1"], ["a", " "]]
    seen = (await site.http.get("/seen/a%2Fb/of/ü")).json()
    assert (seen["params"], seen["url"]) == ({"first": "a/b", "second": "ü"}, f"{base}/seen/a%2Fb/of/%C3%BC")


@pytest.mark.parametrize(
    ("headers", "scheme"),
    [
        ({"x-forwarded-proto": "https"}, "https"),
        ({"x-forwarded-proto": "HTTPS, http"}, "https"),
        ({"forwarded": 'for=1.2.3.4;proto="https";by=x, proto=http'}, "https"),
        ({"x-forwarded-proto": "javascript"}, "http"),
        ({}, "http"),
    ],
)
async def test_the_scheme_is_the_one_that_a_proxy_tells_of(site: Site, headers: dict[str, str], scheme: str):
    seen = (await site.http.get("/seen", headers=headers)).json()
    assert seen["url"].partition(":")[0] == scheme


async def test_headers_reach_the_handler_as_they_came(site: Site):
    headers = [("x-twice", "1"), ("x-twice", "2"), ("authorization", "Basic dXNlcg==")]
    seen = (await site.http.get("/seen", headers=headers)).json()
    assert (seen["twice"], seen["authorization"]) == (["1", "2"], "Basic dXNlcg==")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_every_method(site: Site, method: str):
    assert (await site.http.request(method, "/seen")).json()["method"] == method


async def test_a_body_and_its_type(site: Site):
    body = bytes(range(256)) * 4096
    response = await site.http.post("/echo", content=body, headers={"content-type": "image/x"})
    assert (response.content, response.headers["content-type"]) == (body, "image/x")


async def test_forms(site: Site):
    assert (await site.http.post("/form", data={"a": "1", "b": "ü"})).json() == {"a": "1", "b": "ü"}
    files = {"upload": ("a.txt", b"content", "text/plain")}
    assert (await site.http.post("/form", data={"a": "1"}, files=files)).json() == {
        "a": "1",
        "upload": ["a.txt", "content"],
    }


# Routes


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/files/index", {}),
        ("/files/x", {"rest": "x"}),
        ("/files/", {"rest": ""}),
        ("/files/private/x/y", {"rest": "x/y"}),
        ("/files/private", {"rest": "private"}),
    ],
)
async def test_the_best_route_is_taken(site: Site, path: str, params: dict[str, str]):
    assert (await site.http.get(path)).json()["params"] == params


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/files"),
        ("POST", "/text"),
        ("OPTIONS", "/text"),
        ("GET", "/text/"),
        ("GET", "/api/query"),
        ("GET", "/metrics"),
        ("GET", "/%74ext"),
    ],
)
async def test_what_is_not_routed(site: Site, method: str, path: str):
    response = await site.http.request(method, path)
    assert (response.status_code, response.text) == (404, "No matching routes found")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("path", ["//text", "/./text", "/x/../text", "/%2e/text", "/text%2F", "/text%00", "/te\\xt"])
async def test_other_spellings_of_a_path_are_other_paths(site: Site, path: str):
    answer = await site.raw(f"GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 "), answer


async def test_a_method_that_has_no_routes(site: Site):
    response = await site.http.request("TRACE", "/text")
    assert "GET, POST" in response.headers["allow"]
    refused(response, 405, "MethodNotAllowed")


async def test_head_is_get_without_the_body(site: Site):
    for path in ("/text", "/count/3", "/endless"):
        response = await site.http.head(path)
        assert (response.status_code, response.content) == (200, b"")
    assert site.module.events == [], "a stream that nobody reads is not begun"
    assert (await site.http.head("/text")).headers["content-length"] == "6"
    assert (await site.http.head("/fails")).status_code == 500
    assert (await site.http.head("/echo")).status_code == 404


async def test_the_main_port_has_them_below_http(site: Site):
    assert (await site.main.get("/http/text")).text == "grüß"
    seen = (await site.main.get("/http/files/private/a%2Fb?x=1")).json()
    assert seen["params"] == {"rest": "a%2Fb"}
    assert seen["url"] == f"{str(site.main.base_url).rstrip('/')}/http/files/private/a%2Fb?x=1"
    for path in ("/http", "/http/", "/http/nowhere", "/http//text"):
        assert (await site.main.get(path)).text == "No matching routes found"
    doubled = await site.main.get(f"{str(site.main.base_url).rstrip('/')}//http/text")
    assert doubled.text == "grüß"


async def test_an_application_without_a_router(tmp_path: Path):
    async with open_site(tmp_path / "data", "club") as site:
        for response in (await site.http.get("/x"), await site.main.get("/http/x")):
            text = "This Convex deployment does not have HTTP actions enabled."
            assert (response.status_code, response.text) == (404, text)


# Cross-origin requests


async def test_other_origins_are_the_handlers_business(site: Site):
    headers = {"origin": "https://school.example", "access-control-request-method": "POST"}
    for http, prefix in ((site.http, ""), (site.main, "/http")):
        response = await http.options(f"{prefix}/seen", headers=headers)
        assert response.json()["method"] == "OPTIONS"
        assert (await http.options(f"{prefix}/text", headers=headers)).status_code == 404
        for answer in (response, await http.get(f"{prefix}/text", headers=headers)):
            assert not [name for name in answer.headers if name.startswith("access-control") or name == "vary"]


# Failures


async def test_a_failure_tells_what_happened_while_developing(site: Site):
    body = await failure(await site.http.get("/fails", headers={"convex-request-id": "asked-for-1"}))
    assert body["code"] == "[Request ID: asked-for-1] Server Error: Uncaught ValueError: the pipes are frozen"
    first, second = body["trace"].splitlines()
    assert first == "Uncaught ValueError: the pipes are frozen"
    assert "at fails (functions/http.py:" in second
    assert body.keys() == {"code", "trace"}
    assert "GET /fails" in site.failures[0]
    body = await failure(await site.http.get("/refuses", headers={"convex-request-id": "bad id\n".strip() + "!"}))
    assert "bad id" not in body["code"]
    assert body["data"] == {"code": "CLOSED", "until": {"$integer": "BwAAAAAAAAA="}}


async def test_in_production_only_the_data_of_an_error_leaves(tmp_path: Path):
    async with open_site(tmp_path / "data", mode="production") as site:
        body = await failure(await site.http.get("/fails"))
        assert body.keys() == {"code"}
        assert body["code"].startswith("[Request ID: ")
        assert body["code"].endswith("] Server Error")
        body = await failure(await site.http.get("/refuses"))
        assert body.keys() == {"code", "data"}
        assert "the pipes are frozen" in site.failures[0], "the server's own record has it"


async def test_one_that_computes_for_ever_is_interrupted(tmp_path: Path):
    async with open_site(tmp_path / "data", action_cpu_seconds=0.1) as site:
        assert "timed out" in (await failure(await site.http.get("/forever")))["code"]
        with pytest.raises(httpx.RemoteProtocolError):
            await site.http.get("/spins")
        assert "timed out" in site.failures[1]
        assert (await site.http.get("/text")).status_code == 200


async def test_one_that_waits_for_too_long_is_given_up(tmp_path: Path):
    async with open_site(tmp_path / "data", action_seconds=0.1) as site:
        site.module.gate("count 1")
        with pytest.raises(httpx.RemoteProtocolError):
            await site.http.get("/count/3")
        assert "waiting included" in site.failures[0]


# Who calls


@pytest.mark.parametrize("authorization", [None, "Basic dXNlcg==", "Convex nonsense", "x", f"Convex {ADMIN_KEY}"])
async def test_without_a_token_nobody_calls(site: Site, authorization: str | None):
    headers = {} if authorization is None else {"authorization": authorization}
    assert (await site.http.get("/who", headers=headers)).status_code == 204
    assert (await site.http.get("/who-below", headers=headers)).status_code == 204


async def test_a_token_that_proves_nothing_fails_whoever_asks_for_the_identity(site: Site):
    headers = {"authorization": "Bearer nonsense"}
    assert (await site.http.get("/text", headers=headers)).text == "grüß"
    for path in ("/who", "/who-below"):
        assert "token" in (await failure(await site.http.get(path, headers=headers)))["code"]


# What it does


async def test_a_plain_function_runs_in_a_thread(tmp_path: Path):
    async with open_site(tmp_path / "data") as site:
        assert (await site.http.post("/thread", content=b"by a thread")).json() == {"added": True}
        assert (await site.http.post("/notes", json={"text": "x"})).json()["notes"] == ["by a thread", "x"]
        assert (await site.http.get("/text")).status_code == 200
        assert site.events == [
            ("log", {"function": "POST /thread", "line": "[LOG] in a thread"}),
            ("log", {"function": "GET /text", "line": "[LOG] asked for a text"}),
        ]


async def test_endpoints_share_the_places_of_actions(tmp_path: Path):
    async with open_site(tmp_path / "data", max_actions=1) as site:
        gate = site.module.gate("count 1")
        async with site.http.stream("GET", "/count/2") as first:
            pieces = first.aiter_text()
            assert await anext(pieces) == "0\n"
            second = asyncio.create_task(site.http.get("/text"))
            assert (await site.main.get("/version")).status_code == 200
            assert not second.done()
            gate.set()
            assert await anext(pieces) == "1\n"
        assert (await second).text == "grüß"


async def test_functions_know_the_addresses_of_the_deployment(site: Site):
    site.parts.runner.origins = type(site.parts.runner.origins)("https://a.example", "https://b.example")
    response = await site.main.post("/api/mutation", json={"path": "notes:addresses", "args": {}})
    assert response.json()["value"] == ["https://a.example", "https://b.example"]


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with Issuer() as issuer:
        yield issuer


async def test_users_call_by_their_tokens(tmp_path: Path, issuer: Issuer):
    async with open_site(tmp_path / "data", auth_providers=(issuer.provider,)) as site:
        for token in (issuer.token(), issuer.token("bob")):
            headers = {"authorization": f"bEARER {token}"}
            who = (await site.http.get("/who", headers=headers)).text
            assert who in (f"{issuer.url}|ann", f"{issuer.url}|bob")
            assert (await site.http.get("/who-below", headers=headers)).text == who
        forged = {"authorization": f"Bearer {issuer.token()[:-8]}AAAAAAAA"}
        assert (await site.http.get("/text", headers=forged)).status_code == 200
        for path in ("/who", "/who-below"):
            body = await failure(await site.http.get(path, headers=forged))
            assert "token" in body["code"].lower()
            assert issuer.token()[:20] not in body["code"]
