"""Functions that the server itself has, for command lines and consoles; callable with the admin key only."""

from collections.abc import Callable
from typing import Any

from reactor.runtime.contexts import QueryCtx
from reactor.runtime.functions import Function, Kind
from reactor.runtime.registry import Registry

__all__ = ["SYSTEM_PREFIX", "system_functions"]

SYSTEM_PREFIX = "_system/"


def system_functions(application: Callable[[], Registry]) -> Registry:
    """The server's own functions; `application` gives the functions that serve now."""

    async def api_spec(ctx: QueryCtx) -> list[dict[str, Any]]:
        return application().spec()

    spec = Function(api_spec, Kind.QUERY, internal=True)
    spec.place("_system/cli/modules", "apiSpec")
    return Registry([spec])
