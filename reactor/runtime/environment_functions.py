"""The server's own functions about environment variables, for command lines and consoles.

Paths and results of the first two as official tools call them (get-convex/convex-backend,
npm-packages/system-udfs/convex/_system/cli/queryEnvironmentVariables.ts).
"""

from typing import Any

from reactor.database.environment import change, documents, variable
from reactor.runtime.contexts import MutationCtx, QueryCtx
from reactor.runtime.functions import Function, Kind, system_function

__all__ = ["ENVIRONMENT_MODULE", "environment_functions"]

ENVIRONMENT_MODULE = "_system/environment"

_CLI = "_system/cli/queryEnvironmentVariables"


def environment_functions() -> list[Function[..., Any]]:
    """The functions."""
    return [
        system_function(_list, Kind.QUERY, _CLI, "default"),
        system_function(_get, Kind.QUERY, _CLI, "get"),
        system_function(_list, Kind.QUERY, "_system/frontend/listEnvironmentVariables", "default"),
        system_function(_list, Kind.QUERY, ENVIRONMENT_MODULE, "list"),
        system_function(_change, Kind.MUTATION, ENVIRONMENT_MODULE, "change"),
    ]


async def _list(ctx: QueryCtx) -> list[dict[str, Any]]:
    return documents(ctx._tx)  # pyright: ignore[reportPrivateUsage] - what contexts show is for applications


async def _get(ctx: QueryCtx, name: str) -> dict[str, str] | None:
    value = variable(ctx._tx, name)  # pyright: ignore[reportPrivateUsage]
    return None if value is None else {"name": name, "value": value}


async def _change(ctx: MutationCtx, changes: dict[str, str | None]) -> None:
    await change(ctx._tx, changes)  # pyright: ignore[reportPrivateUsage]
