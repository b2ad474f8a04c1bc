"""The pieces of which descriptions of routes are made: operations, bodies, answers, errors."""

from collections.abc import Mapping, Sequence
from typing import Any

from reactor.openapi.value_schemas import Schema, reference

__all__ = [
    "ADMIN",
    "ANYBODY",
    "AUTHORIZATION",
    "CLIENT",
    "CREDENTIALS",
    "HEADERS",
    "JSON",
    "NOBODY",
    "OF_CALLERS",
    "TEXT",
    "Errors",
    "answer",
    "json_answer",
    "json_body",
    "operation",
    "query_parameter",
    "refused",
    "refused_responses",
    "refused_schemas",
    "with_codes",
]

JSON, TEXT = "application/json", "text/plain"

Errors = Mapping[int, Sequence[str]]
"""The codes that a route answers with each status."""

Security = Sequence[Mapping[str, Sequence[str]]]

NOBODY: Security = ({},)
"""No credential is looked at."""
ANYBODY: Security = ({}, {"user": []}, {"admin": []})
ADMIN: Security = ({"admin": []},)

CLIENT: Sequence[str] = ("InvalidClientVersion", "ClientVersionUnsupported")
AUTHORIZATION: Sequence[str] = ("InvalidHeaderFailure", "InvalidAdminKey", "HeaderParseFailure")
CREDENTIALS: Sequence[str] = (
    "BadAdminKey",
    "NoAuthProvider",
    "InvalidAuthHeader",
    "Unauthenticated",
    "AuthProviderDiscoveryFailed",
)
"""What is wrong with the header `Authorization`, and with what stands in it."""

OF_CALLERS: Errors = {
    400: (*CLIENT, *AUTHORIZATION),
    401: CREDENTIALS,
    408: ("ClientDisconnected", "RequestTimeout"),
    413: ("BodyTooLarge",),
    500: ("InternalServerError",),
    503: ("AuthProviderDiscoveryFailed",),
}
"""Errors of every route that asks who calls."""

HEADERS: Sequence[Schema] = tuple({"$ref": f"#/components/parameters/{name}"} for name in ("ConvexClient", "RequestId"))
"""Headers that every route for clients looks at."""


def with_codes(errors: Errors, more: Errors) -> Errors:
    """Errors of a route, and further codes of it."""
    return {status: (*errors.get(status, ()), *more.get(status, ())) for status in {*errors, *more}}


_MEANINGS = {
    400: "The request cannot be what was meant; the message says why.",
    401: "The credential proves nothing.",
    403: "The deployment's admin key is needed.",
    404: "There is no such thing, or not any more.",
    405: "The route takes another method.",
    408: "The request did not come in time.",
    413: "The body is too large.",
    426: "This is a WebSocket.",
    500: "A fault of the server; its log has the cause.",
    503: "It cannot be done now; try again later.",
    507: "There is no room on the server's disk.",
}


def operation(
    name: str,
    summary: str,
    *,
    tag: str,
    answers: Mapping[int, Schema],
    errors: Errors | None = None,
    security: Security = NOBODY,
    description: str = "",
    parameters: Sequence[Schema] = (),
    body: Schema | None = None,
) -> Schema:
    """One operation; `name` is its operationId."""
    responses = {**answers, **{status: _error(status, codes) for status, codes in (errors or {}).items()}}
    return {
        "operationId": name,
        "summary": summary,
        **({"description": description} if description else {}),
        "tags": [tag],
        **({"parameters": list(parameters)} if parameters else {}),
        **({"requestBody": body} if body is not None else {}),
        "responses": {str(status): responses[status] for status in sorted(responses)},
        "security": [dict(way) for way in security],
    }


def answer(description: str, content: Mapping[str, Schema] | None = None, headers: Schema | None = None) -> Schema:
    """A response; `content` has the schema of each media type, none where the body is empty."""
    return {
        "description": description,
        **({"headers": headers} if headers else {}),
        **({"content": {kind: {"schema": schema} for kind, schema in content.items()}} if content else {}),
    }


def json_answer(description: str, schema: Schema, headers: Schema | None = None) -> Schema:
    """A response in JSON."""
    return answer(description, {JSON: schema}, headers)


def json_body(schema: Schema, example: Any = None) -> Schema:
    """A request's body in JSON, which must be there."""
    return {
        "required": True,
        "content": {JSON: {"schema": schema, **({} if example is None else {"example": example})}},
    }


def query_parameter(name: str, schema: Schema, description: str, *, required: bool = False) -> Schema:
    """A parameter in the query string."""
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


def refused(errors: Errors) -> dict[int, Schema]:
    """References to the responses that `refused_responses` has: descriptions of many functions stay small by them."""
    return {status: {"$ref": f"#/components/responses/Refused{status}"} for status in errors}


def refused_responses(errors: Errors) -> dict[str, Schema]:
    """Components for errors that many routes have; their schemas are those of `refused_schemas`."""
    return {f"Refused{each}": json_answer(_MEANINGS[each], reference(f"Refused{each}")) for each in sorted(errors)}


def refused_schemas(errors: Errors) -> dict[str, Schema]:
    """The bodies of the same, as components, so that tools make one type of each and not one for each function."""
    return {f"Refused{status}": _body(errors[status]) for status in sorted(errors)}


def _error(status: int, codes: Sequence[str]) -> Schema:
    return json_answer(_MEANINGS[status], _body(codes))


def _body(codes: Sequence[str]) -> Schema:
    return {"allOf": [reference("Error"), {"properties": {"code": {"type": "string", "enum": sorted(codes)}}}]}
