"""Line breaks and other bytes that would be headers, answers or lines of the log."""

import json
from urllib.parse import quote

import pytest

from tests.integration.security.vault import Vault, admin, bearer
from tests.support.sync_client import SyncClient

BREAKS = [
    "a\r\nx-injected: 1",
    "a\nx-injected: 1",
    "a\rx-injected: 1",
    "a\r\n\r\n<script>",
    "a\x00b",
    "a\x7fb",
    "a\x0bb",
]


def names(headers: list[tuple[str, str]]) -> set[str]:
    return {name for name, _ in headers}


@pytest.mark.parametrize("text", BREAKS, ids=range(len(BREAKS)))
@pytest.mark.parametrize("route", ["header", "name", "redirect"])
def test_what_an_application_puts_into_headers(vault: Vault, route: str, text: str):
    for prefix, site in (("", True), ("/http", False)):
        path = f"{prefix}/{route}?value={quote(text)}"
        answer = vault.raw(f"GET {path} HTTP/1.1\r\nhost: x\r\n".encode(), site=site)
        assert answer.raw.count(b"HTTP/1.1 ") == 1
        assert "x-injected" not in names(answer.headers)
        assert b"<script>" not in answer.raw
        assert answer.status in (307, 500)
    assert vault.is_well()


@pytest.mark.parametrize("text", BREAKS, ids=range(len(BREAKS)))
def test_the_type_of_a_file_is_a_type(vault: Vault, text: str):
    assert vault.fails("action", "vault:store", content_type=f"text/{text}").endswith("Server Error")


def test_a_file_does_not_run_in_the_name_of_the_server(vault: Vault):
    for kind in ("text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "TEXT/HTML; charset=utf-8", "x/y"):
        url = vault.value("query", "vault:url", id=vault.value("action", "vault:store", content_type=kind))
        answer = vault.http.get(url)
        assert answer.headers["content-disposition"] == "attachment"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize("given", ["a\tb", "é", "x" * 65, "a b", "<script>", "a;b"])
def test_a_request_id_that_is_none_is_not_repeated(vault: Vault, given: str):
    body = json.dumps({"path": "vault:fails", "args": {}}).encode()
    head = b"POST /api/query HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % len(
        body
    )
    answer = vault.raw(head + b"convex-request-id: " + given.encode("latin-1") + b"\r\n", body)
    assert given.encode("latin-1") not in answer.raw
    assert "Request ID: " in answer.json()["errorMessage"]


@pytest.mark.parametrize(
    "line",
    [
        b"host: x\r\n folded: 1",
        b"content-length: 0\r\ntransfer-encoding: chunked",
        b"transfer-encoding: chunked\r\ncontent-length: 3",
        b"content-length: 1\r\ncontent-length: 2",
        b"content-length: -1",
        b"content-length: 1e3",
        b"transfer-encoding: x",
        b"bad header: 1",
        b"a\x00b: 1",
        b": 1",
    ],
    ids=range(10),
)
def test_requests_that_proxies_could_read_otherwise_are_refused(vault: Vault, line: bytes):
    """Another request hidden in a body: the answer is one, and it is a refusal."""
    smuggled = b"0\r\n\r\nPOST /api/query HTTP/1.1\r\nhost: x\r\n\r\n"
    answer = vault.raw(b"POST /api/query HTTP/1.1\r\ncontent-type: application/json\r\n" + line + b"\r\n", smuggled)
    assert answer.raw.count(b"HTTP/1.1 ") == 1
    assert answer.status == 400
    assert vault.is_well()


HOSTS = [b"", b"[", b"[::1", b"evil.example", b"a b", b"x/../secret", b"x?y", b"x#y", b"x@y", b"\xff", b"a" * 5000]


@pytest.mark.parametrize("host", HOSTS, ids=range(len(HOSTS)))
def test_the_host_header_decides_nothing(vault: Vault, host: bytes):
    for path, found in ((b"/", b"the page"), (b"/version", b"."), (b"/link.txt", b""), (b"/http/folder/x", b"folder")):
        answer = vault.raw(b"GET " + path + b" HTTP/1.1\r\nhost: " + host + b"\r\naccept: text/html\r\n")
        assert answer.status < 500 or path.startswith(b"/http"), answer.raw
        assert found in answer.body or answer.status == 400
        assert b"not for the world" not in answer.raw
    url = vault.value(
        "mutation", "vault:keep", {"Host": "evil.example", "X-Forwarded-Host": "evil.example"}, content_type=""
    )
    assert url.startswith(vault.server.url)


# Other origins, and cookies

ORIGINS = ["https://evil.example", "null", "https://evil.example\tx", "é", "https://" + "a" * 5000]


@pytest.mark.parametrize("origin", ORIGINS, ids=range(len(ORIGINS)))
def test_any_origin_may_ask_and_gets_nothing_by_cookie(vault: Vault, origin: str):
    cookie = f"session={vault.issuer.token()}"
    head = f"OPTIONS /api/query HTTP/1.1\r\nhost: x\r\norigin: {origin}\r\naccess-control-request-headers: a, b\r\n"
    answer = vault.raw(head.encode("latin-1"))
    assert answer.status == 200
    assert len([name for name, _ in answer.headers if name == "access-control-allow-origin"]) == 1
    body = {"path": "vault:me", "args": {}}
    headers = {b"Origin": origin.encode("latin-1"), b"Cookie": cookie.encode()}
    asked = vault.http.post("/api/query", json=body, headers=headers)
    assert asked.json()["value"] is None, "nobody is known by a cookie"
    assert "set-cookie" not in asked.headers
    assert vault.http.post("/api/function", json=body, headers=headers).status_code == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "file://"])
async def test_a_socket_of_another_page_is_nobodys(vault: Vault, origin: str):
    headers = {"Origin": origin, "Cookie": f"session={vault.issuer.token()}", **bearer(vault.issuer.token()), **admin()}
    async with SyncClient(vault.server.url, headers=headers) as client:
        number = await client.add("vault:me")
        assert client.results[number] is None, "only a message of the protocol says who somebody is"
        assert not (await client.mutation("vault:hidden_mutation")).success


def test_endpoints_of_an_application_are_for_no_other_origin(vault: Vault):
    answer = vault.http.get("/http/secret", headers={"Origin": "https://evil.example"})
    assert [name for name in answer.headers if name.startswith("access-control")] == []


def test_a_form_of_another_page_calls_nothing(vault: Vault):
    """What browsers send without asking first: a form, and text."""
    text = json.dumps({"path": "vault:write", "args": {"owner": "form", "text": "x"}})
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        answer = vault.http.post("/api/mutation", content=text, headers={"Content-Type": kind})
        assert answer.status_code == 400
    assert vault.http.get("/api/mutation", params={"path": "vault:write"}).status_code == 405
    assert vault.value("query", "vault:notes_of", owner="form") == []


def test_what_clients_say_makes_no_lines_of_the_log(vault: Vault):
    forged = "x\nERROR reactor: forged by a client\x1b[31m"
    for kind in ("query", "mutation", "action"):
        vault.call(kind, forged, text=forged)
        vault.call(kind, "vault:write", owner=forged, text=5)
    vault.http.get("/" + quote(forged))
    vault.http.post("/api/run/" + quote(forged) + "/x", json={})
    vault.http.get("/api/storage/" + quote(forged), params={"a": [forged] * 50})
    vault.call("query", "vault:me", bearer(vault.issuer.token(forged, aud=forged)))
    vault.call("query", "vault:fails", admin())
    assert [line for line in vault.server.log.splitlines() if line.startswith("ERROR reactor: forged")] == []
    assert "\x1b" not in vault.server.log


@pytest.mark.parametrize(
    "query", ["token=a&" * 30, "a&" * 1000, "token=%00", "token=%ff", "token", "=", "token[]=x", ";;;"]
)
def test_query_strings_that_are_none(vault: Vault, query: str):
    for path in (
        "/api/storage/none",
        "/api/storage/upload",
        "/api/query",
        "/http/header",
        "/",
        "/metrics",
        "/api/reactor/live",
    ):
        for method in ("GET", "POST"):
            answer = vault.http.request(method, f"{path}?{query}")
            assert answer.status_code < 500 or path == "/http/header", (method, path, answer.text)
    assert "Traceback" not in "".join(line for line in vault.server.log.splitlines() if "ASGI" in line)
    assert "Exception in ASGI application" not in vault.server.log
