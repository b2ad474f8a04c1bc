"""What descriptions of routes refer to: answers, errors, credentials, headers."""

from reactor.openapi.calls import RUN_ERRORS
from reactor.openapi.operations import refused_responses, refused_schemas
from reactor.openapi.value_schemas import VALUES, Schema, reference

__all__ = ["FORMATS", "components", "failure_or"]

FORMATS = ("json", "convex_clean_json", "convex_encoded_json", "convex_json", "export_json")
"""Names of formats, each alias behind the name it stands for."""

_LINES: Schema = {
    "type": "array",
    "items": {"type": "string"},
    "description": "What the function printed or logged; only while developing.",
}


def success(value: Schema) -> Schema:
    """The answer of a function that succeeds."""
    return {
        "type": "object",
        "properties": {"status": {"const": "success"}, "value": value, "logLines": _LINES},
        "required": ["status", "value"],
        "additionalProperties": False,
    }


def failure_or(value: Schema) -> Schema:
    """The answer of a function whose result has this schema."""
    return {"oneOf": [success(value), reference("FunctionFailure")]}


def components() -> Schema:
    """All components, whatever the application."""
    return {
        "schemas": {**_answers(), **refused_schemas(RUN_ERRORS), **_calls(), **VALUES},
        "responses": refused_responses(RUN_ERRORS),
        "parameters": _parameters(),
        "headers": _headers(),
        "securitySchemes": _security(),
    }


def _answers() -> dict[str, Schema]:
    return {
        "Error": {
            "type": "object",
            "properties": {
                "code": {"type": "string", "description": "For programs."},
                "message": {"type": "string", "description": "For people: what is wrong, and what to do."},
            },
            "required": ["code", "message"],
            "additionalProperties": False,
        },
        "FunctionSuccess": success({"description": "The result, in the format that was asked for."}),
        "FunctionFailure": {
            "type": "object",
            "properties": {
                "status": {"const": "error"},
                "errorMessage": {
                    "type": "string",
                    "description": "`[Request ID: …] Server Error`, and while developing what happened, and where.",
                },
                "errorData": {"description": "The data of a ConvexError, in the format of the answer."},
                "logLines": _LINES,
            },
            "required": ["status", "errorMessage"],
            "additionalProperties": False,
        },
        "FunctionAnswer": {"oneOf": [reference("FunctionSuccess"), reference("FunctionFailure")]},
    }


def _calls() -> dict[str, Schema]:
    return {
        "Args": {
            "description": "The arguments by name, or a list with that object alone. What JSON lacks is written as "
            '`{"$integer": …}`, `{"$bytes": …}` and `{"$float": …}`.',
            "anyOf": [
                {"type": "object"},
                {"type": "array", "items": {"type": "object"}, "minItems": 1, "maxItems": 1},
            ],
        },
        "Format": {
            "description": "How results are written; `json` when it is left out, for all but very old clients.",
            "type": ["string", "null"],
            "enum": [*FORMATS, None],
        },
        "Call": {
            "type": "object",
            "properties": {
                "path": {"type": "string", "minLength": 1, "description": "The function: `folder/module:name`."},
                "args": reference("Args"),
                "format": reference("Format"),
            },
            "required": ["path"],
        },
        "CallAt": {
            "allOf": [
                reference("Call"),
                {
                    "type": "object",
                    "properties": {"ts": {"type": "string", "description": "A moment, from `/api/query_ts`."}},
                    "required": ["ts"],
                },
            ]
        },
    }


def _parameters() -> dict[str, Schema]:
    return {
        "ConvexClient": {
            "name": "Convex-Client",
            "in": "header",
            "required": False,
            "description": "What the client is. A version that is too old is refused.",
            "schema": {"type": "string", "pattern": r"^[A-Za-z][A-Za-z-]{0,30}-[0-9]{1,5}\.[0-9]{1,5}\.[0-9]{1,5}$"},
            "example": "npm-1.48.0",
        },
        "RequestId": {
            "name": "Convex-Request-Id",
            "in": "header",
            "required": False,
            "description": "The id by which messages and the server's log shall know this request.",
            "schema": {"type": "string", "pattern": r"^[0-9A-Za-z._-]{1,64}$"},
        },
    }


def _headers() -> dict[str, Schema]:
    return {
        "RetryAfter": {
            "description": "Seconds until a function that is called too often may be called again.",
            "schema": {"type": "integer", "minimum": 0},
        },
        "DeprecationState": {
            "description": "The client is too old, or will be; `x-convex-deprecation-message` says what to do.",
            "schema": {"type": "string", "enum": ["Unsupported", "UpgradeRequired"]},
        },
    }


def _security() -> dict[str, Schema]:
    return {
        "user": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "A user: a token of one of the deployment's providers.",
        },
        "admin": {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "The deployment's admin key, as `Convex KEY`; acting as a user, `Convex KEY:BASE64` of the "
            "user's identity as a JSON object.",
        },
    }
