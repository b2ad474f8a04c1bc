"""An application's HTTP endpoints on real sockets, in this process, so that tests see and hold what handlers do."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from reactor.app.asgi import AsgiApp, SiteApp, http_actions
from reactor.app.parts import Parts
from reactor.sync.heartbeat import Heartbeat
from tests.integration.sync.engine import ADMIN_KEY, engine
from tests.support.patience import PATIENCE

__all__ = ["ADMIN_KEY", "Site", "open_site"]


@dataclass
class Site:
    """The site port (`http`, `url`) and the main port (`main`) of one application."""

    parts: Parts
    http: httpx.AsyncClient
    main: httpx.AsyncClient
    port: int
    events: list[tuple[str, dict[str, object]]]

    @property
    def module(self) -> Any:
        """`functions/http.py` as it serves."""
        return self.parts.application.modules["http"]

    @property
    def failures(self) -> list[str]:
        """What the server's own record has of failed functions."""
        return [str(fields) for kind, fields in self.events if kind == "function_failed"]

    async def reached(self, gate: str) -> None:
        """Wait until the application has passed a point."""
        async with asyncio.timeout(PATIENCE):
            await self.module.gate(gate).wait()

    async def raw(self, request: bytes) -> bytes:
        """Everything that is answered to these bytes until the connection is closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request)
        async with asyncio.timeout(PATIENCE):
            answer = await reader.read()
        writer.close()
        await writer.wait_closed()
        return answer


def _listen() -> socket.socket:
    bound = socket.socket()
    bound.bind(("127.0.0.1", 0))
    return bound


@asynccontextmanager
async def _serving(app: Any) -> AsyncIterator[int]:
    bound = _listen()
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        ws="none",
        loop="none",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    task = asyncio.get_running_loop().create_task(server._serve([bound]))  # pyright: ignore[reportPrivateUsage]
    try:
        async with asyncio.timeout(PATIENCE):
            while not server.started:
                await asyncio.sleep(0)
        yield bound.getsockname()[1]
    finally:
        server.should_exit = True
        await task
        bound.close()


@asynccontextmanager
async def open_site(data: Path, app: str | Path = "web", **settings: Any) -> AsyncIterator[Site]:
    """Serve an application on two free ports."""
    events: list[tuple[str, dict[str, object]]] = []

    def note(kind: str, /, **fields: object) -> None:
        events.append((kind, fields))

    async with (
        engine(data, app, events=note, **settings) as parts,
        _serving(SiteApp(http_actions(parts))) as port,
        _serving(AsgiApp(parts, Heartbeat())) as main_port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as http,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{main_port}", timeout=PATIENCE) as main,
    ):
        yield Site(parts, http, main, port, events)
