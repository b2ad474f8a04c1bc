"""The routes by which functions of any path are called, and those about environment variables."""

from reactor.openapi.calls import ANSWER_HEADERS, RUN_ERRORS
from reactor.openapi.components import FORMATS
from reactor.openapi.operations import (
    ADMIN,
    ANYBODY,
    CLIENT,
    HEADERS,
    JSON,
    NOBODY,
    OF_CALLERS,
    Errors,
    answer,
    json_answer,
    json_body,
    operation,
    query_parameter,
    with_codes,
)
from reactor.openapi.value_schemas import Schema, reference

__all__ = ["MOST_IN_A_BATCH", "calling"]

MOST_IN_A_BATCH = 1000
_TAG = "calling"


def calling() -> dict[str, dict[str, Schema]]:
    """Operations by path and method."""
    return {
        "/api/query": {
            "post": _call("query", "Run a query on the newest state"),
            "get": _query_by_get(),
        },
        "/api/mutation": {"post": _call("mutation", "Run a mutation", "It is durable when the answer comes.")},
        "/api/action": {"post": _call("action", "Run an action")},
        "/api/function": {"post": _function()},
        "/api/query_ts": {"post": _query_ts()},
        "/api/query_at_ts": {"post": _query_at_ts()},
        "/api/query_batch": {"post": _query_batch()},
        "/api/update_environment_variables": {"post": _update_variables()},
        "/api/list_environment_variables": {"get": _list_variables()},
    }


def _answered() -> dict[int, Schema]:
    text = "The function ran, or failed: `status` says which."
    return {200: json_answer(text, reference("FunctionAnswer"), ANSWER_HEADERS)}


def _call(name: str, summary: str, description: str = "") -> Schema:
    return operation(
        name,
        summary,
        tag=_TAG,
        description=description,
        parameters=HEADERS,
        body=json_body(reference("Call")),
        answers=_answered(),
        errors=RUN_ERRORS,
        security=ANYBODY,
    )


def _query_by_get() -> Schema:
    args: Schema = {
        "name": "args",
        "in": "query",
        "required": False,
        "description": "The arguments, as JSON.",
        "content": {JSON: {"schema": reference("Args")}},
    }
    path: Schema = {"type": "string", "minLength": 1}
    format: Schema = {"type": "string", "enum": list(FORMATS)}
    return operation(
        "queryByGet",
        "Run a query, asked for in the address",
        tag=_TAG,
        parameters=[
            query_parameter("path", path, "The function: `folder/module:name`.", required=True),
            args,
            query_parameter("format", format, "How the result is written."),
            *HEADERS,
        ],
        answers=_answered(),
        errors=with_codes(OF_CALLERS, {400: ("BadQueryArgs", "BadFormat", "BadConvexFunctionIdentifier")}),
        security=ANYBODY,
    )


def _function() -> Schema:
    component: Schema = {
        "type": "object",
        "properties": {"componentPath": {"type": ["string", "null"], "description": "There are no components here."}},
    }
    return operation(
        "function",
        "Run a function of any kind, public or internal",
        tag=_TAG,
        parameters=HEADERS,
        body=json_body({"allOf": [reference("Call"), component]}),
        answers=_answered(),
        errors=with_codes(RUN_ERRORS, {403: ("BadDeployKey",)}),
        security=ADMIN,
    )


def _query_ts() -> Schema:
    schema: Schema = {
        "type": "object",
        "properties": {"ts": {"type": "string", "pattern": r"^[A-Za-z0-9+/]{11}=$"}},
        "required": ["ts"],
        "additionalProperties": False,
    }
    errors = {status: codes for status, codes in OF_CALLERS.items() if status in (408, 413, 500)}
    return operation(
        "queryTs",
        "The newest moment, for `/api/query_at_ts`",
        tag=_TAG,
        parameters=HEADERS,
        answers={
            200: json_answer("The moment: nanoseconds since 1970, 8 bytes with the lowest first, in base64.", schema)
        },
        errors=with_codes(errors, {400: CLIENT}),
        security=NOBODY,
    )


def _query_at_ts() -> Schema:
    return operation(
        "queryAtTs",
        "Run a query on the state of a moment",
        tag=_TAG,
        parameters=HEADERS,
        body=json_body(reference("CallAt")),
        answers=_answered(),
        errors=with_codes(RUN_ERRORS, {400: ("BadTimestamp",), 503: ("OutOfRetention",)}),
        security=ANYBODY,
    )


def _query_batch() -> Schema:
    queries: Schema = {"type": "array", "items": reference("Call"), "maxItems": MOST_IN_A_BATCH}
    results: Schema = {"type": "array", "items": reference("FunctionAnswer")}
    return operation(
        "queryBatch",
        "Run several queries on one state",
        tag=_TAG,
        parameters=HEADERS,
        body=json_body({"type": "object", "properties": {"queries": queries}, "required": ["queries"]}),
        answers={200: json_answer("Their answers, in the same order.", _only({"results": results}))},
        errors=with_codes(RUN_ERRORS, {400: ("TooManyQueries",)}),
        security=ANYBODY,
    )


_VARIABLE_CODES = (
    "BadJsonBody",
    "EnvVarNameNotUnique",
    "EnvironmentVariableNameTooLong",
    "EnvironmentVariableNameInvalid",
    "EnvironmentVariableNameForbidden",
    "EnvironmentVariableValueTooLarge",
    "EnvVarLimitMet",
    "EnvVarTotalSizeLimitMet",
)
_ADMIN_ERRORS: Errors = {**OF_CALLERS, 401: ("BadAdminKey",), 403: ("BadDeployKey",)}
_OF_VARIABLES = {status: codes for status, codes in _ADMIN_ERRORS.items() if status != 503}


def _update_variables() -> Schema:
    change: Schema = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "Letters, digits and underscores; 256 at most."},
            "value": {"type": ["string", "null"], "description": "Null removes the variable."},
        },
        "required": ["name"],
    }
    changes: Schema = {"type": "array", "items": change}
    return operation(
        "updateEnvironmentVariables",
        "Set and remove environment variables, all of them or none",
        tag="environment",
        parameters=HEADERS,
        body=json_body({"type": "object", "properties": {"changes": changes}, "required": ["changes"]}),
        answers={200: answer("They are set.")},
        errors=with_codes(_OF_VARIABLES, {400: _VARIABLE_CODES}),
        security=ADMIN,
    )


def _list_variables() -> Schema:
    variables: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
    return operation(
        "listEnvironmentVariables",
        "All environment variables with their values",
        tag="environment",
        parameters=HEADERS,
        answers={200: json_answer("Names and values.", _only({"environmentVariables": variables}))},
        errors=_OF_VARIABLES,
        security=ADMIN,
    )


def _only(properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
