"""The functions of an application, each with a path of its own, and its HTTP endpoints."""

import inspect
import re
from collections.abc import Iterable
from urllib.parse import quote

from reactor.openapi.calls import ANSWER_HEADERS, RUN_ERRORS
from reactor.openapi.components import failure_or
from reactor.openapi.operations import (
    ADMIN,
    ANYBODY,
    HEADERS,
    NOBODY,
    answer,
    json_answer,
    json_body,
    operation,
    refused,
)
from reactor.openapi.value_schemas import Schema, arguments_schema, result_schema
from reactor.runtime.http_router import HttpRouter
from reactor.runtime.registry import AnyFunction

__all__ = ["endpoint_paths", "function_paths"]

_PARAMETER = re.compile(r"\{([^{}]*)\}")


def function_paths(functions: Iterable[AnyFunction], *, texts: bool) -> dict[str, dict[str, Schema]]:
    """An operation for each function; `texts`: with what their docstrings say."""
    return {f"/api/run/{function.module}/{function.name}": {"post": _run(function, texts)} for function in functions}


def _run(function: AnyFunction, texts: bool) -> Schema:
    kind = function.kind.value.lower()
    summary, _, more = ((inspect.getdoc(function.handler) or "") if texts else "").partition("\n\n")
    answered = failure_or(result_schema(function.returns))
    described = operation(
        f"{function.module.replace('/', '.')}.{function.name}",
        " ".join(summary.split()) or f"The {kind} {function.path}",
        tag=function.module,
        description=more.strip(),
        parameters=HEADERS,
        body=json_body(_body(function)),
        answers={200: json_answer(f"The {kind} ran, or failed.", answered, ANSWER_HEADERS), **refused(RUN_ERRORS)},
        security=ADMIN if function.internal else ANYBODY,
    )
    return {**described, "x-reactor-function": {"path": function.path, "kind": kind, "internal": function.internal}}


def _body(function: AnyFunction) -> Schema:
    args = arguments_schema(function.args)
    needed = "required" in args
    return {
        "type": "object",
        "properties": {
            "args": args if needed else {**args, "default": {}},
            "format": {
                "description": "The result is described in this one; `/api/query` and its like have others.",
                "const": "json",
            },
        },
        **({"required": ["args"]} if needed else {}),
    }


def endpoint_paths(router: HttpRouter | None) -> dict[str, dict[str, Schema]]:
    """An operation for each route of `functions/http.py`, below `/http`."""
    paths: dict[str, dict[str, Schema]] = {}
    for method, shown in router.routes() if router is not None else ():
        path = "/http" + _template(shown)
        paths.setdefault(path, {})[method.lower()] = _endpoint(method, shown, _PARAMETER.findall(path))
    return paths


def _template(shown: str) -> str:
    """A route as OpenAPI writes it: what follows a prefix is a parameter, and only parameters have braces."""
    whole = shown.removesuffix("*") + ("{rest}" if shown.endswith("*") else "")
    parts = whole.split("/")
    return "/".join(part if _PARAMETER.fullmatch(part) else quote(part, safe="%:@!$&'()*+,;=-._~") for part in parts)


def _endpoint(method: str, shown: str, parameters: list[str]) -> Schema:
    described = operation(
        f"{method.lower()} {shown}",
        f"{method} {shown}: an endpoint of the application",
        tag="http",
        parameters=[
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in parameters
        ],
        body=None if method in ("GET", "OPTIONS") else {"required": False, "content": {"*/*": {"schema": {}}}},
        answers={},
        security=NOBODY,
    )
    return {**described, "responses": {"default": answer("Whatever the application answers.", {"*/*": {}})}}
