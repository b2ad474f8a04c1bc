"""Functions that are nobody's business outside, and paths that lead to none."""

import json

import pytest

from tests.integration.security.vault import OUTSIDE, WORDS, Vault, admin, bearer
from tests.support.sync_client import QueryFailure, SyncClient

HIDDEN = {"query": "vault:hidden_query", "mutation": "vault:hidden_mutation", "action": "vault:hidden_action"}


def test_the_admin_reaches_them(vault: Vault):
    for kind, path in HIDDEN.items():
        assert vault.value(kind, path, admin()) == WORDS


@pytest.mark.parametrize("user", [False, True])
@pytest.mark.parametrize("kind", HIDDEN)
def test_internal_functions_over_http(vault: Vault, kind: str, user: bool):
    path, headers = HIDDEN[kind], bearer(vault.issuer.token()) if user else {}
    body = {"path": path, "args": {}}
    answers = [vault.http.post(f"/api/{each}", json=body, headers=headers) for each in HIDDEN]
    answers.append(vault.http.get("/api/query", params={"path": path, "args": "{}"}, headers=headers))
    answers.append(vault.http.post(f"/api/run/{path.replace(':', '/')}", json={"args": {}}, headers=headers))
    answers.append(vault.http.post(f"/api/run/{path.replace(':', '.js/')}", json={"args": {}}, headers=headers))
    answers.append(vault.http.post("/api/function", json=body, headers=headers))
    answers.append(vault.http.post("/api/query_batch", json={"queries": [body]}, headers=headers))
    ts = vault.http.post("/api/query_ts").json()["ts"]
    answers.append(vault.http.post("/api/query_at_ts", json={**body, "ts": ts}, headers=headers))
    for answer in answers:
        assert WORDS not in answer.text
        assert '"success"' not in answer.text
    before = vault.value("query", "vault:rows", admin(), table="doors")
    assert vault.value("query", "vault:rows", table="doors") == before


@pytest.mark.parametrize("kind", HIDDEN)
async def test_internal_functions_over_a_socket(vault: Vault, kind: str):
    async with SyncClient(vault.server.url) as client:
        number = await client.add(HIDDEN[kind])
        assert isinstance(client.results[number], QueryFailure)
        assert WORDS not in client.results[number].message
        for ask in (client.mutation, client.action):
            answer = await ask(HIDDEN[kind])
            assert (answer.success, WORDS in str(answer.result)) == (False, False)


def test_system_functions_are_for_the_admin(vault: Vault):
    path = "_system/cli/modules:apiSpec"
    assert vault.value("query", path, admin())
    for headers in ({}, bearer(vault.issuer.token())):
        assert vault.fails("query", path, headers).endswith("Server Error")


PATHS = [
    "../schema:schema",
    "../../etc/passwd:x",
    "..%2fschema:x",
    "%2e%2e/schema:x",
    "%252e%252e%252fschema:x",
    "/etc/passwd:x",
    "//etc/passwd",
    "C:\\windows:x",
    "..\\schema:x",
    "vault\x00:fails",
    "vault%00:fails",
    "vault/../vault:me",
    "./vault:me",
    "vault:__class__",
    "vault:__init__",
    "vault:SECRET",
    "vault:Any",
    "os:system",
    "subprocess:run",
    "reactor/app:serve",
    "__init__:x",
    "vault:me\r\nX-Injected: 1",
    "vault:" + "a" * 100_000,
    "a/" * 10_000 + "b:c",
    "",
    ":",
    "::",
    "{}",
    "\U0001f600:x",
]


@pytest.mark.parametrize("path", PATHS, ids=range(len(PATHS)))
def test_paths_of_functions_lead_nowhere_else(vault: Vault, path: str):
    for kind in HIDDEN:
        answer = vault.call(kind, path)
        assert answer.status_code in (200, 400), answer.text
        assert '"success"' not in answer.text
    answer = vault.raw(
        b"POST /api/run/"
        + path.replace(":", "/").encode("utf-8", "surrogatepass").replace(b" ", b"%20")[:60_000]
        + b" HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n",
        b"{}",
    )
    assert b'"success"' not in answer.raw or b"vault/me" in answer.raw or path == "./vault:me"
    assert b"x-injected" not in answer.raw.lower()
    assert vault.is_well()


TRAVERSALS = [
    b"/../outside.txt",
    b"/..%2foutside.txt",
    b"/%2e%2e/outside.txt",
    b"/%2e%2e%2foutside.txt",
    b"/..%252foutside.txt",
    b"/..\\outside.txt",
    b"/..%5coutside.txt",
    b"/assets/../../outside.txt",
    b"/link.txt",
    b"//outside.txt",
    b"/./../outside.txt",
    b"/%00/../outside.txt",
    b"/..%00/outside.txt",
    b"/%c0%ae%c0%ae/outside.txt",
    b"/" + b"../" * 2000 + b"outside.txt",
    b"/" + b"a" * 5000 + b".txt",
    b"/index.html%00.txt",
    b"/../data/reactor.db",
    b"/..%2fdata%2fadmin_key",
    b"http://x/../outside.txt",
]
"""Towards a file beside the folder of the page, as they go over the wire."""


@pytest.mark.parametrize("root", [b"", b"/api/storage", b"/api/storage/upload", b"/api/run", b"/http", b"/http/folder"])
@pytest.mark.parametrize("path", TRAVERSALS, ids=range(len(TRAVERSALS)))
def test_paths_of_files_lead_nowhere_else(vault: Vault, root: bytes, path: bytes):
    for method in (b"GET", b"POST"):
        answer = vault.raw(
            method + b" " + root + path + b" HTTP/1.1\r\nhost: x\r\naccept: */*\r\ncontent-length: 0\r\n"
        )
        assert OUTSIDE.encode() not in answer.raw
        assert b"SQLite" not in answer.raw
        assert 200 <= answer.status < 500, answer.raw
    assert vault.is_well()


@pytest.mark.parametrize("path", [b"/folder/../secret", b"/folder/..%2fsecret", b"/folder/%2e%2e/secret", b"//secret"])
def test_routes_of_applications_are_compared_as_they_stand(vault: Vault, path: bytes):
    for prefix, site in ((b"", True), (b"/http", False)):
        answer = vault.raw(b"GET " + prefix + path + b" HTTP/1.1\r\nhost: x\r\n", site=site)
        assert b"the secret page" not in answer.raw


def test_a_batch_has_a_limit_and_mixes_nobody(vault: Vault):
    hidden = [{"path": path, "args": {}} for path in HIDDEN.values()]
    answer = vault.http.post("/api/query_batch", json={"queries": [{"path": "vault:me", "args": {}}, *hidden]})
    assert [result["status"] for result in answer.json()["results"]] == ["success", "error", "error", "error"]
    many = json.dumps({"queries": [{"path": "vault:me"}] * 1001})
    refused = vault.http.post("/api/query_batch", content=many, headers={"Content-Type": "application/json"})
    assert (refused.status_code, refused.json()["code"]) == (400, "TooManyQueries")
