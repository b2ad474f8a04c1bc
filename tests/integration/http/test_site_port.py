"""The port of the HTTP endpoints, as the command opens it; and new routes in a server that runs."""

import http.client
import json
import shutil
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.patience import until
from tests.support.server import APPS, Server


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def addresses(server: Server) -> list[str]:
    return server.mutation("notes:addresses")


def test_the_endpoints_have_a_port_of_their_own(tmp_path: Path):
    with Server("web", tmp_path / "data", command="dev") as server:
        assert get(f"{server.site}/text") == (200, "grüß")
        assert get(f"{server.url}/http/text") == (200, "grüß")
        assert server.site in server.log, "the start-up message names it"
        assert addresses(server) == [server.url, server.site]
        for path in ("/version", "/metrics", "/healthz", "/api/sync"):
            assert get(server.site + path)[0] == 404, "nothing else is at that port"
        upgrade = {"Connection": "upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw=="}
        connection = http.client.HTTPConnection(server.site.removeprefix("http://"))
        connection.request("GET", "/api/sync", headers=upgrade | key)
        with connection.getresponse() as response:
            assert (response.status, json.loads(response.read())["code"]) == (404, "NotFound")
        connection.close()


def test_without_a_port_they_are_below_http_only(tmp_path: Path):
    with Server("web", tmp_path / "data", environment={"REACTOR_SITE_PORT": "off"}) as server:
        assert server.site == f"{server.url}/http"
        assert get(f"{server.site}/text") == (200, "grüß")
        assert addresses(server) == [server.url, server.site]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--set", "cloud_url=https://a.example/"], ["https://a.example", "https://a.example/http"]),
        (["--set", "site_url=https://b.example"], ["{url}", "https://b.example"]),
        (
            ["--set", "cloud_url=https://a.example", "--set", "site_url=https://b.example/x"],
            ["https://a.example", "https://b.example/x"],
        ),
    ],
)
def test_functions_know_the_addresses_that_are_set(tmp_path: Path, options: list[str], expected: list[str]):
    with Server("web", tmp_path / "data", options=options) as server:
        assert addresses(server) == [text.replace("{url}", server.url) for text in expected]


def test_a_port_that_is_taken_stops_the_start_with_the_remedy(tmp_path: Path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = Server("web", tmp_path / "data", environment={"REACTOR_SITE_PORT": str(port)})
        assert server.launch().wait(20) == 1
        assert f"port {port}" in server.log
        assert "--site-port off" in server.log


def started_before_its_neighbour(data: Path) -> Server:
    """A server on the port before another free one; which one that is, is left to chance a few times."""
    for _ in range(20):
        server = Server("web", data, environment={"REACTOR_SITE_PORT": "next"})
        try:
            return server.start()
        except AssertionError:
            pass  # it ended at once
        assert f"port {server.port + 1}" in server.log
    raise AssertionError("no two free ports beside each other")


def test_the_usual_port_is_the_one_behind(tmp_path: Path):
    server = started_before_its_neighbour(tmp_path / "data")
    try:
        assert server.site == f"http://127.0.0.1:{server.port + 1}"
        assert get(f"{server.site}/text") == (200, "grüß")
    finally:
        server.stop()


def test_new_routes_are_served_when_they_are_saved(tmp_path: Path):
    app = tmp_path / "app"
    shutil.copytree(APPS / "web", app)
    routes = app / "functions" / "http.py"
    with Server(app, tmp_path / "data", command="dev") as server:
        assert get(f"{server.site}/late")[0] == 404
        whole = routes.read_text()
        routes.write_text(
            whole + '\n\n@http.route(path="/late", method="GET")\nasync def late(c, r):\n    return "late"\n'
        )
        until(lambda: get(f"{server.site}/late") == (200, "late"), lambda: f"a reload; it printed:\n{server.log}")
        routes.write_text(whole + '\n\nhttp.route(path="/text", method="GET", handler=text)\n')
        until(lambda: "GET /text is routed twice" in server.log, lambda: f"an error; it printed:\n{server.log}")
        assert get(f"{server.site}/late") == (200, "late"), "the last good version keeps serving"
        assert "functions/http.py:" in server.log
        routes.unlink()
        until(lambda: "HTTP actions enabled" in get(f"{server.site}/text")[1], "their end")
