"""Serving an application until told to stop: `reactor dev` and `reactor start`."""

import asyncio
import contextlib
import gc
import logging
import socket
import sys
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn

from reactor.app.addresses import Listeners, listen, local_url, origins
from reactor.app.admin_key import admin_key_file
from reactor.app.asgi import AsgiApp, SiteApp, http_actions
from reactor.app.descriptors import connections
from reactor.app.following import Following
from reactor.app.generated import keep_types, load_with_types
from reactor.app.keepers import Foreground, Keeper, ServerFile
from reactor.app.parts import Events, Parts
from reactor.app.reloading import reload_on_hangup, watch
from reactor.app.stores import place_of
from reactor.app.workers.supervisor import supervise, worker_count
from reactor.http.guarded_protocol import guarded_protocol
from reactor.runtime import logs
from reactor.runtime.loader import load
from reactor.settings import Settings
from reactor.sync.heartbeat import Heartbeat
from reactor.sync.thin_socket import thin_socket

__all__ = ["begin_logging", "loop_factory", "serve", "serve_parts"]


_QUIET = ("aiosqlite", "httpcore", "httpx", "python_multipart", "uvicorn", "watchfiles", "websockets")


def serve(settings: Settings, directory: Path, *, reload: bool, events: Events) -> int:
    """Serve `directory` until SIGINT or SIGTERM; returns the exit code.

    Raises LoadError, StoreError and SettingsError when it cannot begin.
    """
    count = worker_count(settings)
    if count > 1:
        begin_logging(settings)
        # On asyncio's own loop: this process only looks after those that serve.
        return asyncio.run(supervise(settings, directory, count, events))
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_serve(settings, directory, reload, events))


def loop_factory() -> Any:
    """What makes the event loop of a process that serves; None for asyncio's own."""
    try:
        import uvloop
    except ImportError:  # not made for this platform or interpreter
        return None
    return uvloop.new_event_loop


def begin_logging(settings: Settings, who: str = "") -> None:
    """Write the log to stderr. `who` begins each line, where several processes write there."""
    logging.basicConfig(
        level=settings.log_level.upper(), format=f"{who}%(levelname)s %(name)s: %(message)s", stream=sys.stderr
    )
    # What they say of starts, ends and requests, the terminal and our own log say better; and while debugging some of
    # them write down headers with keys in them, or what is stored.
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


async def _serve(settings: Settings, directory: Path, reload: bool, events: Events) -> int:
    begin_logging(settings)
    listeners = listen(settings)
    parts = Parts(settings, directory, events, load=load_with_types if reload else load)
    await serve_parts(parts, listeners, Foreground(ServerFile(settings.data), events), reload=reload)
    return 0


async def serve_parts(parts: Parts, listeners: Listeners, keeper: Keeper, *, reload: bool) -> None:
    """Open what is behind the sockets, serve until `keeper` says to stop, and close both. Raises as `serve`."""
    restore = logs.install()
    try:
        await parts.open()
        _calm_collector()
        parts.port = listeners.port
        parts.runner.origins = origins(parts.settings, listeners.port, listeners.site_port)
        parts.sign_in.read()  # they may be among what is read
        await _serve_opened(parts, listeners, keeper, reload)
    finally:
        listeners.close()
        await parts.close()
        restore()


async def _serve_opened(parts: Parts, listeners: Listeners, keeper: Keeper, reload: bool) -> None:
    serving = asyncio.get_running_loop().create_task(_serve_both(parts, listeners, keeper, reload))
    following = Following(parts)
    watching = [reload_on_hangup(parts)]
    if reload:
        watching.append(asyncio.get_running_loop().create_task(watch(parts)))
    try:
        parts.executor.start()
        parts.migrator.start()
        following.start()
        if reload:
            await keep_types(parts)
        await serving
    finally:
        for task in watching:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await following.close()
        keeper.over()


async def _serve_both(parts: Parts, listeners: Listeners, keeper: Keeper, reload: bool) -> None:
    await keeper.opened()
    settings = parts.settings
    heartbeat = Heartbeat(quiet=settings.ping_seconds, silent=settings.silent_seconds)
    ws: Any = settings.ws
    if ws == "thin":
        ws = thin_socket(parts.hub, heartbeat=heartbeat, max_message=settings.max_message_bytes)
    http = guarded_protocol(
        max_head=settings.max_head_bytes,
        seconds=settings.head_seconds,
        max_connections=connections(settings.max_connections),
    )
    ready = partial(_tell_ready, parts, listeners, keeper, reload)
    main = _Server(_config(settings, AsgiApp(parts, heartbeat), http, ws), keeper, ready)
    serving = [main.serve([listeners.main])]
    if listeners.site is not None:
        app = SiteApp(http_actions(parts))
        site = uvicorn.Server(_config(settings, app, http, thin_socket(app, heartbeat=heartbeat)))
        main.followers.append(site)
        # Without its handlers of signals, which are there for one server only.
        serving.append(site._serve([listeners.site]))  # pyright: ignore[reportPrivateUsage]
    await asyncio.gather(*serving)


def _config(settings: Settings, app: Any, http: Any, ws: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=http,
        ws=ws,
        ws_max_size=settings.max_message_bytes,
        ws_per_message_deflate=settings.compression,
        ws_ping_interval=None,  # the heartbeat is ours
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        forwarded_allow_ips=[] if settings.trusted_proxies == "off" else settings.trusted_proxies,
        timeout_graceful_shutdown=5,
        backlog=4096,
    )


class _Server(uvicorn.Server):
    """Stops when its keeper says so, and its `followers` with it. `ready` is called when it listens."""

    def __init__(self, config: uvicorn.Config, keeper: Keeper, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._keeper, self._ready = keeper, ready
        self.followers: list[uvicorn.Server] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    def stop(self, at_once: bool) -> None:
        for server in (self, *self.followers):
            server.should_exit, server.force_exit = True, server.force_exit or at_once

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        with self._keeper.listening(self.stop):
            yield


def _tell_ready(parts: Parts, listeners: Listeners, keeper: Keeper, reload: bool) -> None:
    keeper.ready(**_description(parts, listeners, reload))


def _description(parts: Parts, listeners: Listeners, reload: bool) -> dict[str, object]:
    """The fields of the event `ready`."""
    host, router = parts.settings.host, parts.application.registry.http
    url = local_url(host, listeners.port)
    return {
        "url": url,
        "site": f"{url}/http" if listeners.site is None else local_url(host, listeners.site_port),
        "data": parts.settings.data,
        "database": place_of(parts.store),
        "admin_key_file": None if parts.settings.admin_key is not None else admin_key_file(parts.settings),
        "functions": [function.path for function in parts.application.registry],
        "routes": 0 if router is None else len(router.routes()),
        "mode": parts.settings.mode,
        "watching": reload,
    }


def _calm_collector() -> None:
    """Let the garbage collector run less often, and leave alone what lives as long as the server.

    Nearly everything dies by its reference count; a full collection looks at every session and cached document and
    would hold up the loop for it.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
