"""Serving an application until told to stop: `reactor dev` and `reactor start`."""

import asyncio
import contextlib
import gc
import json
import logging
import os
import signal
import sys
from collections.abc import Generator
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn

from reactor.app.addresses import Listeners, listen, local_url, origins
from reactor.app.admin_key import admin_key_file
from reactor.app.asgi import AsgiApp, SiteApp, http_actions
from reactor.app.descriptors import connections
from reactor.app.following import Following
from reactor.app.generated import keep_types, load_with_types
from reactor.app.parts import Events, Parts
from reactor.app.reloading import reload_on_hangup, watch
from reactor.app.stores import place_of
from reactor.http.guarded_protocol import guarded_protocol
from reactor.runtime import logs
from reactor.runtime.loader import load
from reactor.settings import Settings
from reactor.sync.heartbeat import Heartbeat
from reactor.sync.thin_socket import thin_socket

__all__ = ["serve"]


_QUIET = ("aiosqlite", "httpcore", "httpx", "python_multipart", "uvicorn", "watchfiles", "websockets")


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
    # What they say of starts, ends and requests, the terminal and our own log say better; and while debugging some of
    # them write down headers with keys in them, or what is stored.
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    listeners = listen(settings)
    parts = Parts(settings, directory, events, load=load_with_types if reload else load)
    restore = logs.install()
    try:
        await parts.open()
        _calm_collector()
        parts.port = listeners.port
        parts.runner.origins = origins(settings, listeners.port, listeners.site_port)
        parts.sign_in.read()  # they may be among what is read
        return await _serve_parts(parts, listeners, reload)
    finally:
        listeners.close()
        await parts.close()
        restore()


async def _serve_parts(parts: Parts, listeners: Listeners, reload: bool) -> int:
    address = parts.settings.data / "server.json"
    host = parts.settings.host
    url = local_url(host, listeners.port)
    site = f"{url}/http" if listeners.site is None else local_url(host, listeners.site_port)
    serving = asyncio.get_running_loop().create_task(_serve_both(parts, listeners))
    following = Following(parts)
    watching = [reload_on_hangup(parts)]
    if reload:
        watching.append(asyncio.get_running_loop().create_task(watch(parts)))
    try:
        address.write_text(json.dumps({"url": url, "site": site, "pid": os.getpid()}))
        parts.executor.start()
        parts.migrator.start()
        following.start()
        _say_ready(parts, url, site, reload)
        if reload:
            await keep_types(parts)
        await serving
    finally:
        for task in watching:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await following.close()
        address.unlink(missing_ok=True)
    parts.events("stopped", reason="told to")
    return 0


async def _serve_both(parts: Parts, listeners: Listeners) -> None:
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
    main = _Server(_config(settings, AsgiApp(parts, heartbeat), http, ws))
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
    """Stops on a signal without raising it once more, so that what comes after serving still happens.

    `followers` stop with it.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.followers: list[uvicorn.Server] = []

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        for follower in self.followers:
            follower.should_exit, follower.force_exit = self.should_exit, self.force_exit

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


def _say_ready(parts: Parts, url: str, site: str, reload: bool) -> None:
    router = parts.application.registry.http
    parts.events(
        "ready",
        url=url,
        site=site,
        data=parts.settings.data,
        database=place_of(parts.store),
        admin_key_file=None if parts.settings.admin_key is not None else admin_key_file(parts.settings),
        functions=[function.path for function in parts.application.registry],
        routes=0 if router is None else len(router.routes()),
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
