"""The application's page, served beside its functions."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.support.patience import PATIENCE
from tests.support.server import Server

INDEX = "<!doctype html><title>The page</title>"
HTML = {"Accept": "text/html,*/*"}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "assets" / "main-1a2b.js").write_text("run()")
    (folder / "icon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("not for the world")
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
def client(page: Path, tmp_path: Path) -> Iterator[httpx.Client]:
    environment = {"REACTOR_PAGE": str(page), "REACTOR_SITE_PORT": "0"}
    with (
        Server("chat", tmp_path / "data", environment=environment) as server,
        httpx.Client(base_url=server.url, timeout=PATIENCE, trust_env=False) as client,
    ):
        yield client


def test_files_and_paths_of_pages(client: httpx.Client):
    for path in ("/", "/overview", "/essays/j57abc?q=x", "/index.html"):
        answer = client.get(path, headers=HTML)
        assert (answer.status_code, answer.text, answer.headers["cache-control"]) == (200, INDEX, "no-cache")
        assert "default-src 'self'" in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    script = client.get("/assets/main-1a2b.js")
    assert (script.text, "immutable" in script.headers["cache-control"]) == ("run()", True)
    assert "javascript" in script.headers["content-type"]
    assert client.get("/icon.svg").headers["cache-control"] == "no-cache"
    again = client.get("/icon.svg", headers={"If-None-Match": client.get("/icon.svg").headers["etag"]})
    assert again.status_code == 304
    assert client.head("/").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/assets/none.js",
        "/api/none",
        "/..%2fsecret.txt",
        "/%2e%2e/secret.txt",
        "/assets/../../secret.txt",
        "/link.txt",
        "/assets/%00.js",
    ],
)
def test_what_is_not_there_is_not_found(client: httpx.Client, path: str):
    answer = client.get(path, headers={"Accept": "*/*"})
    assert (answer.status_code, "not for the world" in answer.text) == (404, False)


def test_the_server_is_still_there(client: httpx.Client):
    assert client.get("/version").status_code == 200
    assert client.post("/nowhere").status_code == 404
    assert client.post("/api/query", json={"path": "none:none", "args": {}}).status_code == 200
    assert "running" in client.get("/_reactor").text


def test_a_page_that_is_built_anew_is_served_at_once(client: httpx.Client, page: Path):
    (page / "index.html").write_text("another")
    assert client.get("/").text == "another"
    (page / "index.html").unlink()
    assert "running" in client.get("/").text
    assert client.get("/overview", headers=HTML).status_code == 404
