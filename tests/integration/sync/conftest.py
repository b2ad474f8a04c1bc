"""A real uvicorn on a free port of the loopback, with each kind of socket, on each event loop; and the engine alone."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
import uvicorn
import uvloop

from reactor.app.parts import Parts
from reactor.live import rounds
from reactor.sync.asgi_socket import asgi_socket
from reactor.sync.frames import MAX_MESSAGE
from reactor.sync.heartbeat import Heartbeat
from reactor.sync.thin_socket import thin_socket
from tests.integration.sync.engine import engine
from tests.integration.sync.hub import Clock, RecordingHub, Served


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """uvloop is what runs in production; asyncio's own loop has other ideas of buffers and ends of connections."""
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


async def _no_http(scope: object, receive: object, send: object) -> None:
    raise AssertionError("the thin socket takes the upgrade before the application is asked")


def _config(kind: str, hub: RecordingHub, heartbeat: Heartbeat) -> uvicorn.Config:
    if kind == "thin":
        return uvicorn.Config(_no_http, ws=thin_socket(hub, heartbeat=heartbeat), lifespan="off", log_config=None)
    application = asgi_socket(hub, heartbeat=heartbeat)
    return uvicorn.Config(application, ws="websockets-sansio", ws_max_size=MAX_MESSAGE, lifespan="off", log_config=None)


@pytest.fixture(params=["thin", "asgi"])
async def served(request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture) -> AsyncIterator[Served]:
    caplog.set_level(logging.WARNING)
    clock, hub = Clock(), RecordingHub()
    heartbeat = Heartbeat(clock=clock)
    config = _config(request.param, hub, heartbeat)
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    listening = socket.create_server(("127.0.0.1", 0), backlog=100)
    await server.startup(sockets=[listening])
    served = Served(request.param, listening.getsockname()[1], hub, heartbeat, clock, server)
    yield served
    await served.stop()


@pytest.fixture
async def parts(tmp_path: Path) -> AsyncIterator[Parts]:
    async with engine(tmp_path / "data") as parts:
        yield parts


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds give the loop a turn after every query and every client, so that anything may happen in between."""
    monkeypatch.setattr(rounds, "_SLICE_SECONDS", -1.0)
