"""The server's own functions about files, `_system/files:…`, for the command line."""

from typing import Any

import msgspec

from reactor.files import check, rows
from reactor.files.files import Files
from reactor.runtime.contexts import ActionCtx, MutationCtx
from reactor.runtime.functions import Function, Kind, system_function

__all__ = ["file_functions"]

_MODULE = "_system/files"


def file_functions() -> list[Function[..., Any]]:
    """The functions."""
    return [
        system_function(_check, Kind.ACTION, _MODULE, "check"),
        system_function(_used, Kind.ACTION, _MODULE, "used"),
        system_function(_stray, Kind.ACTION, _MODULE, "stray"),
        system_function(_delete, Kind.MUTATION, _MODULE, "delete"),
    ]


async def _check(ctx: ActionCtx, after: str = "", digests: bool = False) -> dict[str, Any]:
    return msgspec.to_builtins(await check.check_bytes(_files(ctx), after, digests=digests))


async def _used(ctx: ActionCtx, after: str = "") -> dict[str, Any]:
    return msgspec.to_builtins(await check.used_files(_files(ctx), after))


async def _stray(ctx: ActionCtx) -> list[str]:
    return await check.stray_bytes(_files(ctx))


async def _delete(ctx: MutationCtx, ids: list[str]) -> int:
    """Those that are there; how many."""
    tx = ctx._tx  # pyright: ignore[reportPrivateUsage] - what contexts show is for applications
    there = [id for id in ids if await rows.find(tx, rows.check_id(id, "delete")) is not None]
    for id in there:
        await rows.remove(tx, id)
    return len(there)


def _files(ctx: ActionCtx) -> Files:
    return ctx._calls.files  # pyright: ignore[reportPrivateUsage]
