"""The description and the server's routes agree, and the server shows it."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from starlette.routing import Route

from reactor.app.asgi import AsgiApp
from reactor.http import formats, function_api
from reactor.openapi.calling import MOST_IN_A_BATCH
from reactor.openapi.components import FORMATS
from reactor.openapi.document import describe
from reactor.sync.heartbeat import Heartbeat
from tests.integration.http.api import Api, admin_header, open_api, refused

ADDRESS = "/_reactor/openapi.json"

# Told apart from the path by its beginning, and so in no table.
BY_PREFIX = {("POST", "/api/storage/upload"), ("GET", "/api/storage/{file}"), ("HEAD", "/api/storage/{file}")}


@pytest.fixture
async def shapes(tmp_path: Path) -> AsyncIterator[Api]:
    async with open_api(tmp_path / "data", "shapes") as api:
        yield api


def routes(api: Api) -> set[tuple[str, str]]:
    app = AsgiApp(api.parts, Heartbeat())
    pages = {
        (method, route.path)
        for route in app._pages.routes
        if isinstance(route, Route)
        for method in route.methods or ()
        if method != "HEAD"
    }
    return {*app._endpoints, *pages, *BY_PREFIX}


async def test_every_route_is_described(shapes: Api):
    paths = describe(shapes.parts.application.registry, shapes.parts.settings)["paths"]
    described = {
        (method.upper(), path)
        for path, operations in paths.items()
        for method in operations
        if not path.startswith(("/api/run/", "/http/"))
    }
    missing = routes(shapes) - described
    assert not missing, f"describe them in reactor/openapi (calling.py, files.py or server.py): {sorted(missing)}"
    assert described == routes(shapes)


async def test_every_function_and_endpoint_is_described(shapes: Api):
    registry = shapes.parts.application.registry
    paths = describe(registry, shapes.parts.settings, internal=True)["paths"]
    assert registry.http is not None
    assert len([path for path in paths if path.startswith("/http/")]) == len(registry.http.routes())
    assert {path for path in paths if path.startswith("/api/run/")} == {
        f"/api/run/{function.module}/{function.name}" for function in registry
    }


def test_formats_and_limits_are_those_of_the_server():
    assert set(FORMATS) == formats._KNOWN
    assert function_api._MOST_IN_A_BATCH == MOST_IN_A_BATCH


async def test_anybody_sees_public_functions(shapes: Api):
    response = await shapes.http.get(ADDRESS)
    assert response.headers["content-type"] == "application/json"
    assert "Authorization" in response.headers["vary"]
    description = response.json()
    assert description["servers"] == [{"url": shapes.parts.runner.origins.cloud}]
    assert "Keep a thing." in response.text
    assert "/api/run/deep/things/add" in description["paths"]
    assert "/api/run/deep/things/forget" not in description["paths"]


async def test_the_admin_sees_internal_ones_too(shapes: Api):
    with_key = await shapes.http.get(ADDRESS, params={"internal": "true"}, headers=admin_header())
    assert "/api/run/deep/things/forget" in with_key.json()["paths"]
    again = await shapes.http.get(ADDRESS)
    assert "/api/run/deep/things/forget" not in again.json()["paths"]


async def test_internal_ones_need_the_admin_key(shapes: Api):
    refused(await shapes.http.get(ADDRESS, params={"internal": "true"}), 403, "BadDeployKey")
    wrong = {"Authorization": "Convex another|key"}
    refused(await shapes.http.get(ADDRESS, params={"internal": "true"}, headers=wrong), 401, "BadAdminKey")
    refused(await shapes.http.get(ADDRESS, params={"internal": "yes"}), 400, "BadQueryArgs")


async def test_what_needs_the_admin_key_is_refused_without_it(shapes: Api):
    paths = describe(shapes.parts.application.registry, shapes.parts.settings)["paths"]
    needing = [
        (method, path)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if operation["security"] == [{"admin": []}]
    ]
    assert len(needing) >= 4
    for method, path in needing:
        refused(await shapes.http.request(method, path), 403, "BadDeployKey")
        wrong = {"Authorization": "Convex another|key"}
        refused(await shapes.http.request(method, path, headers=wrong), 401, "BadAdminKey")


async def test_production_keeps_docstrings_to_itself(tmp_path: Path):
    async with open_api(tmp_path / "data", "shapes", mode="production") as api:
        assert "Keep a thing." not in (await api.http.get(ADDRESS)).text
        shown = await api.http.get(ADDRESS, params={"internal": "true"}, headers=admin_header())
        assert "Keep a thing." in shown.text


async def test_new_code_has_a_new_description(tmp_path: Path):
    functions = tmp_path / "app" / "functions"
    functions.mkdir(parents=True)
    code = "from reactor import query\n\n\n@query\nasync def {name}(ctx) -> str:\n    return ''\n"
    (functions / "texts.py").write_text(code.format(name="first"))
    async with open_api(tmp_path / "data", tmp_path / "app") as api:
        assert "/api/run/texts/first" in (await api.http.get(ADDRESS)).json()["paths"]
        (functions / "texts.py").write_text(code.format(name="second"))
        await api.parts.reload()
        paths = (await api.http.get(ADDRESS)).json()["paths"]
        assert "/api/run/texts/second" in paths
        assert "/api/run/texts/first" not in paths


async def test_the_description_is_laid_out_for_people(shapes: Api):
    text = (await shapes.http.get(ADDRESS)).text
    assert text.startswith('{\n  "openapi": "3.1.0",\n')
    assert json.loads(text)
