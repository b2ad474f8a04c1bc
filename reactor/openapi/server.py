"""The routes about the server itself: health, versions, metrics, the WebSocket, this description."""

from reactor.openapi.operations import (
    ADMIN,
    AUTHORIZATION,
    CLIENT,
    JSON,
    NOBODY,
    TEXT,
    Errors,
    answer,
    json_answer,
    operation,
    query_parameter,
)
from reactor.openapi.value_schemas import Schema

__all__ = ["server"]

_TAG = "server"
_WORDS: Schema = {"type": "string"}
_OF_ADMIN: Errors = {400: AUTHORIZATION, 401: ("BadAdminKey",), 403: ("BadDeployKey",)}


def server() -> dict[str, dict[str, Schema]]:
    """Operations by path and method."""
    return {
        "/": {"get": _page("front", "The application's page, or a page about this server")},
        "/_reactor": {"get": _page("about", "A page about this server")},
        "/_reactor/openapi.json": {"get": _description()},
        "/version": {"get": _text("version", "The server's version")},
        "/instance_name": {"get": _text("instanceName", "The deployment's name")},
        "/instance_version": {"get": _text("instanceVersion", "The server's version")},
        "/echo": {"post": _echo()},
        "/healthz": {"get": _health()},
        "/metrics": {"get": _text("metrics", "Metrics in Prometheus's text format")},
        "/api/sync": {"get": _socket("sync", [])},
        "/api/{version}/sync": {"get": _socket("syncOfVersion", [_VERSION])},
        "/api/reactor/live": {"get": _live()},
    }


_VERSION: Schema = {
    "name": "version",
    "in": "path",
    "required": True,
    "description": "The version of the npm client, for browsers, which cannot send `Convex-Client`.",
    "schema": {"type": "string"},
    "example": "1.48.0",
}


def _page(name: str, summary: str) -> Schema:
    content = {"text/html": _WORDS, TEXT: _WORDS}
    return operation(
        name, summary, tag=_TAG, answers={200: answer("The page; one line of text in production.", content)}
    )


def _text(name: str, summary: str) -> Schema:
    return operation(name, summary, tag=_TAG, answers={200: answer("As text.", {TEXT: _WORDS})})


def _description() -> Schema:
    internal = query_parameter(
        "internal",
        {"type": "boolean", "default": False},
        "With internal functions, which the admin key may call, and with what the application says of its functions. "
        "Needs the admin key.",
    )
    return operation(
        "openapi",
        "This description",
        tag=_TAG,
        parameters=[internal],
        answers={200: json_answer("OpenAPI 3.1.", {"type": "object", "required": ["openapi", "info", "paths"]})},
        errors={**_OF_ADMIN, 400: (*AUTHORIZATION, "BadQueryArgs")},
        security=({}, *ADMIN),
    )


def _echo() -> Schema:
    return operation(
        "echo",
        "The body, sent back; for tools that test a network",
        tag=_TAG,
        body={"required": False, "content": {"application/octet-stream": {"schema": {}}}},
        answers={200: answer("The same bytes, with the same content type.", {"*/*": {}})},
        errors={408: ("ClientDisconnected", "RequestTimeout"), 413: ("BodyTooLarge",)},
    )


def _health() -> Schema:
    def state(status: str, **more: Schema) -> Schema:
        properties: Schema = {"status": {"const": status}, **more}
        return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}

    return operation(
        "health",
        "Whether a write reaches a live query",
        tag=_TAG,
        answers={
            200: json_answer("It does.", state("ok")),
            503: json_answer("It does not.", state("failing", reason=_WORDS)),
        },
    )


def _socket(name: str, parameters: list[Schema]) -> Schema:
    return operation(
        name,
        "The WebSocket of live queries",
        tag=_TAG,
        description="Clients speak Convex's sync protocol over it.",
        parameters=parameters,
        answers={101: answer("The WebSocket is open.")},
        errors={400: CLIENT, 426: ("UpgradeRequired",)},
        security=NOBODY,
    )


def _live() -> Schema:
    objects: Schema = {"type": "array", "items": {"type": "object"}}
    properties: Schema = {"queries": objects, "recent": objects, "cached": {"type": "object"}}
    schema: Schema = {"type": "object", "properties": properties, "required": list(properties)}
    return operation(
        "live",
        "Live queries, and why they ran again",
        tag=_TAG,
        answers={200: answer("What is live.", {JSON: schema})},
        errors=_OF_ADMIN,
        security=ADMIN,
    )
