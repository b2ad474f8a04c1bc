"""Running one function in this process, without a server: `reactor run` when none is up."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from reactor.app.parts import Parts
from reactor.http.function_api import FunctionApi, Request
from reactor.live.live_query import Subscription
from reactor.runtime import logs
from reactor.runtime.identity import Identity
from reactor.runtime.migration_functions import MIGRATIONS_MODULE
from reactor.settings import Settings

__all__ = ["migrate_local", "repeat_local", "run_local"]

Show = Callable[[bytes], None]
"""Takes each answer of a function as the JSON text that `POST /api/function` gives."""


def run_local(settings: Settings, directory: Path, path: str, args_json: str, watch: bool, *, show: Show) -> None:
    """Run one function on the data folder, which no server may hold; `watch` shows each new result until Ctrl-C.

    Raises StoreLocked when a server holds the folder, LoadError when the application cannot be loaded.
    """
    asyncio.run(_run(settings, directory, path, args_json, watch, show))


def repeat_local(
    settings: Settings, directory: Path, path: str, args_json: str, *, again: Callable[[bytes], str | None]
) -> None:
    """Run one function on the data folder, which no server may hold, as long as `again` gives arguments for another
    call; it gets each answer. Raises as `run_local`.
    """
    asyncio.run(_repeat(settings, directory, path, args_json, again))


async def _repeat(
    settings: Settings, directory: Path, path: str, args_json: str, again: Callable[[bytes], str | None]
) -> None:
    parts = Parts(settings, directory, _silent)
    restore = logs.install()
    try:
        await parts.open()
        following: str | None = args_json
        while following is not None:
            following = again(await _call(parts, path, following))
    finally:
        await parts.close()
        restore()


def migrate_local(settings: Settings, directory: Path, *, show: Callable[[bytes], bool]) -> None:
    """Run the migrations that were asked for on the data folder, which no server may hold.

    `show` gets their status as an answer whenever it changes, and gives whether that was enough. Raises as `run_local`.
    """
    asyncio.run(_migrate(settings, directory, show))


async def _migrate(settings: Settings, directory: Path, show: Callable[[bytes], bool]) -> None:
    parts = Parts(settings, directory, _silent)
    restore, enough = logs.install(), asyncio.Event()

    def told(answer: bytes) -> None:
        if show(answer):
            enough.set()

    try:
        await parts.open()
        parts.migrator.start()
        _subscribe(parts, f"{MIGRATIONS_MODULE}:status", "{}", told)
        await enough.wait()
    finally:
        await parts.close()
        restore()


def _silent(kind: str, /, **fields: object) -> None:
    """A single call has its answer; what happens beside it is nobody's concern."""


async def _run(settings: Settings, directory: Path, path: str, args_json: str, watch: bool, show: Show) -> None:
    parts = Parts(settings, directory, _silent)
    restore = logs.install()
    try:
        await parts.open()
        if watch:
            await _watch(parts, path, args_json, show)
        else:
            show(await _call(parts, path, args_json))
    finally:
        await parts.close()
        restore()


async def _call(parts: Parts, path: str, args_json: str) -> bytes:
    api = FunctionApi(
        parts.database,
        parts.runner,
        parts.queries,
        parts.mutations,
        parts.actions,
        parts.admin,
        parts.tokens.verify,
    )
    body = msgspec.json.encode({"path": path, "args": msgspec.Raw(args_json.encode()), "format": "convex_encoded_json"})
    answer = await api.function_as(Identity.admin(), Request({b"content-type": b"application/json"}, body))
    return answer.body


class _Watcher:
    """A subscriber without a socket."""

    def __init__(self, show: Show) -> None:
        self.identity = Identity.admin()
        self._show = show

    def changed(self, subscription: Subscription) -> None:
        """The query has a new result: show it as an answer."""
        result = subscription.live.result
        assert result is not None
        status = b"success" if result.kind == b"QueryUpdated" else b"error"
        fields: dict[str, Any] = msgspec.json.decode(b"{" + result.tail, type=dict[str, msgspec.Raw])
        fields.pop("journal", None)
        self._show(msgspec.json.encode({"status": status.decode(), **fields}))


async def _watch(parts: Parts, path: str, args_json: str, show: Show) -> None:
    _subscribe(parts, path, args_json, show)
    await asyncio.Event().wait()


def _subscribe(parts: Parts, path: str, args_json: str, show: Show) -> None:
    watcher: Any = _Watcher(show)
    args = args_json.encode()
    parts.live.subscribe(watcher, 0, parts.hub.canonical(path), args, args, None, watcher.identity)
    parts.rounds.soon()
