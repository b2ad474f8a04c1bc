"""An application in this process, whose functions are called as sockets and endpoints call them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from reactor.app.parts import Parts
from reactor.runtime.calls import Call
from reactor.runtime.failures import Failure
from reactor.runtime.identity import ANONYMOUS
from reactor.runtime.query_run import QueryRun, RunResult
from tests.integration.sync.engine import engine

__all__ = ["Stage", "open_stage"]


class Stage:
    """Calls functions and gives what came of them, with the exception behind a failure."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.identity = ANONYMOUS

    async def query(self, path: str, /, **args: Any) -> QueryRun:
        """Run a query on the newest state."""
        snapshot = self.parts.store.acquire()
        try:
            return await self.parts.runner.query(self._call(path, args), self.parts.database.read(snapshot))
        finally:
            snapshot.release()

    async def run(self, kind: str, path: str, /, **args: Any) -> RunResult:
        """Run a query, mutation or action."""
        if kind == "query":
            return (await self.query(path, **args)).result
        if kind == "action":
            return await self.parts.actions.run(self._call(path, args))
        answered: asyncio.Future[RunResult] = asyncio.get_running_loop().create_future()
        self.parts.mutations.submit(self._call(path, args), answered.set_result)
        return await answered

    def _call(self, path: str, args: dict[str, Any]) -> Call:
        return Call(path, json.dumps(args).encode(), self.identity)

    async def value(self, kind: str, path: str, /, **args: Any) -> Any:
        """The value of a call that succeeds."""
        result = await self.run(kind, path, **args)
        assert result.failure is None, result.failure.text
        return json.loads(result.value)

    async def failure(self, kind: str, path: str, /, **args: Any) -> Failure:
        """The failure of a call that fails."""
        result = await self.run(kind, path, **args)
        assert result.failure is not None, result.value
        return result.failure


@asynccontextmanager
async def open_stage(data: Path, app: str | Path = "calls", **settings: Any) -> AsyncIterator[Stage]:
    """The stage for an application: a folder, or the name of one under tests/apps."""
    async with engine(data, app, **settings) as parts:
        yield Stage(parts)
