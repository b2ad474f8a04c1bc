"""The ASGI application on the whole engine, asked over httpx without a socket."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from reactor.app.asgi import AsgiApp
from reactor.app.parts import Parts
from reactor.sync.heartbeat import Heartbeat
from tests.integration.sync.engine import ADMIN_KEY, engine

__all__ = ["Api", "admin_header", "open_api", "refused"]


def admin_header(acting_as: object = None) -> dict[str, str]:
    """Headers of the admin, perhaps acting as a user with these attributes."""
    identity = "" if acting_as is None else ":" + base64.b64encode(json.dumps(acting_as).encode()).decode()
    return {"Authorization": f"Convex {ADMIN_KEY}{identity}"}


@dataclass
class Api:
    """Shorthand for calls; `http` for everything else."""

    parts: Parts
    http: httpx.AsyncClient

    async def post(self, endpoint: str, path: str, args: object = None, **more: Any) -> httpx.Response:
        """POST a call; `headers` go to the request, everything else into the body."""
        headers = more.pop("headers", {})
        body = {"path": path, "args": {} if args is None else args, **more}
        return await self.http.post(f"/api/{endpoint}", json=body, headers=headers)

    async def value(self, endpoint: str, path: str, args: object = None, **more: Any) -> Any:
        """The value of a call that succeeds."""
        response = await self.post(endpoint, path, args, **more)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer["status"] == "success", answer
        return answer["value"]

    async def failure(self, endpoint: str, path: str, args: object = None, **more: Any) -> str:
        """The message of a call that fails as a function does: with status 200."""
        response = await self.post(endpoint, path, args, **more)
        assert response.status_code == 200, response.text
        answer = response.json()
        assert answer["status"] == "error", answer
        return answer["errorMessage"]


def refused(response: httpx.Response, status: int, code: str) -> str:
    """The request failed as a whole; its message."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body.keys() == {"code", "message"}
    assert body["code"] == code
    return body["message"]


@asynccontextmanager
async def open_api(data: Path, app: str | Path, **settings: Any) -> AsyncIterator[Api]:
    async with engine(data, app, **settings) as parts:
        transport = httpx.ASGITransport(AsgiApp(parts, Heartbeat()))
        async with httpx.AsyncClient(transport=transport, base_url="http://reactor.example") as http:
            yield Api(parts, http)
