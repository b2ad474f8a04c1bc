"""The whole description: an OpenAPI 3.1 document of one deployment.

It is made from what serves: the application's registry and router, and the routes of the server, of which a test sees
to it that none is missing. The same application gives the same bytes.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from reactor.openapi.calling import MOST_IN_A_BATCH, calling
from reactor.openapi.components import components
from reactor.openapi.files import files
from reactor.openapi.functions import endpoint_paths, function_paths
from reactor.openapi.server import server
from reactor.openapi.value_schemas import Schema
from reactor.runtime.registry import Registry
from reactor.version import VERSION

__all__ = ["Limits", "describe", "written"]


class Limits(Protocol):
    """The limits that are told; sizes in bytes, times in seconds."""

    @property
    def max_head_bytes(self) -> int: ...
    @property
    def head_seconds(self) -> float: ...
    @property
    def max_connections(self) -> int: ...
    @property
    def max_body_bytes(self) -> int: ...
    @property
    def body_seconds(self) -> float: ...
    @property
    def max_args_bytes(self) -> int: ...
    @property
    def max_result_bytes(self) -> int: ...
    @property
    def max_file_bytes(self) -> int: ...
    @property
    def upload_seconds(self) -> float: ...


def describe(
    registry: Registry, limits: Limits, *, internal: bool = False, texts: bool = False, address: str | None = None
) -> Schema:
    """The description of a deployment.

    `internal`: with internal functions; `texts`: with docstrings; `address`: where it is served, None when that is not
    known.
    """
    shown = [function for function in registry if internal or not function.internal]
    paths = {**function_paths(shown, texts=texts), **endpoint_paths(registry.http), **calling(), **files(), **server()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "A Reactor deployment", "version": VERSION, "description": _about(limits)},
        **({"servers": [{"url": address}]} if address is not None else {}),
        "paths": paths,
        "components": components(),
        "tags": _tags(paths),
    }


def written(description: Mapping[str, Any]) -> bytes:
    """A description as a file has it."""
    return msgspec.json.format(msgspec.json.encode(description), indent=2) + b"\n"


_TAGS = {
    "calling": "Functions of any path.",
    "environment": "Environment variables.",
    "files": "Uploads and downloads.",
    "http": "Endpoints that the application declares itself, also served at the site address.",
    "server": "The server itself.",
}


def _tags(paths: Mapping[str, Mapping[str, Schema]]) -> list[Schema]:
    used = {tag: None for operations in paths.values() for each in operations.values() for tag in each["tags"]}
    return [{"name": tag, "description": _TAGS.get(tag, f"The functions of `functions/{tag}.py`.")} for tag in used]


def _about(limits: Limits) -> str:
    return f"""\
Each function of the application has a path of its own, `POST /api/run/MODULE/FUNCTION`, with the types of its arguments
and of its result.

**Answers.** A function that fails is answered with status 200 too: `status` is `error`. Every other status is about the
request as a whole, and its body is `{{"code", "message"}}`. An address that nothing is served at is answered with 404
and no body, another method with 405 and the header `Allow`. `OPTIONS` answers every preflight: any origin may call.

**Values.** Arguments are written as they are, and what JSON lacks as `{{"$integer": …}}`, `{{"$bytes": …}}` and
`{{"$float": …}}`; results in the format `json` have text in its place. Names of arguments may also be written in
snake_case.

**Who calls.** Nobody in particular, a user (`Authorization: Bearer TOKEN`), or the holder of the admin key
(`Authorization: Convex KEY`).

**Connections.** Before a route is asked, a request may be answered with 408 (`RequestTimeout`: its head does not come
within {limits.head_seconds:g} s), 431 (`HeadersTooLarge`: it has more than {limits.max_head_bytes:,} bytes) and 503
(`TooManyConnections`: there are {limits.max_connections:,}).

**Limits.** Bodies of requests: {limits.max_body_bytes:,} bytes, within {limits.body_seconds:g} s; arguments:
{limits.max_args_bytes:,} bytes; results: {limits.max_result_bytes:,} bytes; files: {limits.max_file_bytes:,} bytes,
within {limits.upload_seconds:g} s; queries in a batch: {MOST_IN_A_BATCH:,}.
"""
