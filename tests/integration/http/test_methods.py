"""Other methods than an endpoint takes: 405, and the header that names the right ones."""

from pathlib import Path

from tests.integration.http.api import Api, open_api, refused


async def test_methods_that_an_endpoint_does_not_take(api: Api):
    wrong = [
        ("GET", "/api/mutation", "POST"),
        ("PUT", "/api/query", "GET, POST"),
        ("GET", "/api/run/visits/add", "POST"),
        ("POST", "/api/list_environment_variables", "GET"),
        ("GET", "/api/storage/upload", "POST"),
        ("POST", "/api/storage/x", "GET, HEAD"),
        ("POST", "/healthz", "GET, HEAD"),
    ]
    for method, path, allowed in wrong:
        response = await api.http.request(method, path)
        refused(response, 405, "MethodNotAllowed")
        assert sorted(response.headers["allow"].split(", ")) == allowed.split(", "), path


async def test_methods_are_told_also_where_a_page_is_served(tmp_path: Path):
    (tmp_path / "page").mkdir()
    (tmp_path / "page" / "index.html").write_text("<p>Hello")
    async with open_api(tmp_path / "data", "club", page=tmp_path / "page") as api:
        refused(await api.http.put("/healthz"), 405, "MethodNotAllowed")
        assert (await api.http.put("/nothing/here")).status_code == 404
        shown = await api.http.get("/nothing/here", headers={"Accept": "text/html"})
        assert (shown.status_code, shown.text) == (200, "<p>Hello")
