"""Serving an application until told to stop: `reactor dev` and `reactor start`."""

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import uvicorn

from reactor.app.admin_key import admin_key_file
from reactor.app.asgi import AsgiApp
from reactor.app.parts import Events, Parts
from reactor.app.reloading import watch
from reactor.errors import SettingsError
from reactor.runtime import logs
from reactor.settings import Settings
from reactor.sync.heartbeat import Heartbeat
from reactor.sync.thin_socket import thin_socket

__all__ = ["serve"]


def serve(settings: Settings, directory: Path, *, reload: bool, events: Events) -> int:
    """Serve `directory` until SIGINT or SIGTERM; returns the exit code.

    Raises LoadError, StoreError and SettingsError when it cannot begin.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(settings, directory, reload, events))


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:  # not made for this platform or interpreter
        return None
    return uvloop.new_event_loop


async def _serve(settings: Settings, directory: Path, reload: bool, events: Events) -> int:
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    # What they say of starts, ends and requests, the terminal and our own log say better.
    for name in ("uvicorn", "watchfiles", "httpx"):
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    sockets = _bind(settings)
    parts = Parts(settings, directory, events)
    restore = logs.install()
    try:
        await parts.open()
        _calm_collector()
        parts.port = sockets[0].getsockname()[1]
        return await _serve_parts(parts, sockets, reload)
    finally:
        for bound in sockets:
            bound.close()
        await parts.close()
        restore()


async def _serve_parts(parts: Parts, sockets: list[socket.socket], reload: bool) -> int:
    settings = parts.settings
    heartbeat = Heartbeat(quiet=settings.ping_seconds, silent=settings.silent_seconds)
    app = AsgiApp(parts, heartbeat)
    ws: Any = settings.ws
    if ws == "thin":
        ws = thin_socket(parts.hub, heartbeat=heartbeat, max_message=settings.max_message_bytes)
    server = _Server(
        uvicorn.Config(
            app,
            ws=ws,
            ws_max_size=settings.max_message_bytes,
            ws_per_message_deflate=settings.compression,
            ws_ping_interval=None,  # the heartbeat is ours
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=5,
            backlog=4096,
        )
    )
    address = parts.settings.data / "server.json"
    url = _url(settings.host, parts.port)
    serving = asyncio.get_running_loop().create_task(server.serve(sockets))
    watching = asyncio.get_running_loop().create_task(watch(parts)) if reload else None
    try:
        address.write_text(json.dumps({"url": url, "pid": os.getpid()}))
        _say_ready(parts, url, reload)
        await serving
    finally:
        if watching is not None:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching
        address.unlink(missing_ok=True)
    parts.events("stopped", reason="told to")
    return 0


class _Server(uvicorn.Server):
    """Stops on a signal without raising it once more, so that what comes after serving still happens."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)


def _say_ready(parts: Parts, url: str, reload: bool) -> None:
    parts.events(
        "ready",
        url=url,
        data=parts.settings.data,
        admin_key_file=None if parts.settings.admin_key is not None else admin_key_file(parts.settings),
        functions=[function.path for function in parts.application.registry],
        mode=parts.settings.mode,
        watching=reload,
    )


def _calm_collector() -> None:
    """Let the garbage collector run less often, and leave alone what lives as long as the server.

    Nearly everything dies by its reference count; a full collection looks at every session and cached document and
    would hold up the loop for it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)


def _bind(settings: Settings) -> list[socket.socket]:
    """Listening sockets. Bound before anything else is done, so that a taken port is an error at once."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        raise SettingsError(f"host: {settings.host!r} is no address of this machine ({error.strerror}).") from None
    family, kind, protocol, _, address = found[0]
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise SettingsError(
            f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}. "
            "Stop what uses it, or choose another with --port."
        ) from None
    return [bound]


def _url(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"
