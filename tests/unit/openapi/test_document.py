"""The whole description."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import validate

from reactor.openapi.document import describe, written
from reactor.runtime.loader import Application, load
from reactor.settings import Settings
from tests.support.server import APPS, REPOSITORY


def described(application: Application, **options: Any) -> dict[str, Any]:
    return describe(application.registry, Settings(), **options)


@pytest.fixture(scope="module")
def shapes() -> Application:
    return load(APPS / "shapes")


@pytest.mark.parametrize("app", ["shapes", "types", "web", "club", "values", REPOSITORY], ids=str)
def test_it_is_valid_openapi(app: str | Path):
    description = described(load(APPS / app), internal=True, texts=True, address="http://127.0.0.1:3210")
    validate(msgspec.json.decode(written(description)))


def test_equal_applications_have_equal_descriptions(shapes: Application):
    assert written(described(shapes)) == written(described(load(APPS / "shapes")))


def test_operations_have_names_of_their_own():
    paths = described(load(REPOSITORY), internal=True)["paths"]
    names = [operation["operationId"] for operations in paths.values() for operation in operations.values()]
    assert len(names) == len(set(names))


def test_a_function_has_a_path_with_its_types(shapes: Application):
    operation = described(shapes)["paths"]["/api/run/deep/things/add"]["post"]
    body = operation["requestBody"]["content"]["application/json"]["schema"]
    assert body["required"] == ["args"]
    assert body["properties"]["args"]["properties"] == {"name": {"type": "string"}, "size": {"type": "number"}}
    assert body["properties"]["args"]["required"] == ["name"]
    success, failure = operation["responses"]["200"]["content"]["application/json"]["schema"]["oneOf"]
    assert success["properties"]["value"]["type"] == "string"
    assert failure == {"$ref": "#/components/schemas/FunctionFailure"}
    assert operation["x-reactor-function"] == {"path": "deep/things:add", "kind": "mutation", "internal": False}
    assert operation["operationId"] == "deep.things.add"


def test_a_function_without_arguments_may_be_called_with_an_empty_body(shapes: Application):
    operation = described(shapes)["paths"]["/api/run/deep/things/default"]["post"]
    assert "required" not in operation["requestBody"]["content"]["application/json"]["schema"]


def test_internal_functions_and_docstrings_are_told_when_they_are_asked_for(shapes: Application):
    open_ones, all_of_them = described(shapes), described(shapes, internal=True, texts=True)
    assert "/api/run/deep/things/forget" not in open_ones["paths"]
    assert b"Keep a thing." not in written(open_ones)
    assert b"forget" not in written(open_ones)
    forget = all_of_them["paths"]["/api/run/deep/things/forget"]["post"]
    assert forget["security"] == [{"admin": []}]
    assert forget["summary"] == "Forget all things."
    refuse = all_of_them["paths"]["/api/run/deep/things/refuse"]["post"]
    assert refuse["summary"] == "Fails with what it gets, which becomes its data."
    assert "description" not in refuse
    assert all_of_them["paths"]["/api/run/echoes/anything"]["post"]["description"] == "It comes back as it was."


def test_endpoints_of_the_application_stand_below_http(shapes: Application):
    paths = described(shapes)["paths"]
    assert [each["name"] for each in paths["/http/hooks/{name}"]["post"]["parameters"]] == ["name"]
    assert [each["name"] for each in paths["/http/tree/{rest}"]["get"]["parameters"]] == ["rest"]


def test_limits_are_those_of_the_settings(shapes: Application):
    text = describe(shapes.registry, Settings(max_body_bytes=12_345, max_head_bytes=23_456))["info"]["description"]
    assert "12,345 bytes" in text
    assert "23,456 bytes" in text


def test_the_address_is_told_where_it_is_known(shapes: Application):
    assert "servers" not in described(shapes)
    assert described(shapes, address="https://a.example")["servers"] == [{"url": "https://a.example"}]
