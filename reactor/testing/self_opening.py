"""Backends of fixtures: open when first used, closed by themselves."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from reactor.testing.backend import Backend
from reactor.testing.engine import Engine

__all__ = ["SelfOpening"]


class SelfOpening(Backend):
    """Opens on the event loop of whoever uses it first, which may be a fixture or the test, under any plugin.

    It is closed on that loop too. So its end is registered when it opens: after the loop has begun, hence before that
    is closed, and after every fixture that was set up with it has been torn down.
    """

    def __init__(
        self, at_end: Callable[[Callable[[], None]], None], app: str | Path | None = None, **options: Any
    ) -> None:
        """`at_end` takes what is to be called at the end of the test; the rest is as for `Backend`."""
        super().__init__(app, **options)
        self._at_end = at_end
        self._turn: asyncio.Lock | None = None
        self._ended = False

    def close_now(self) -> None:
        """Close it for good, whether its loop is still there or not."""
        self._ended = True
        if self._engine is None:
            return
        loop = self._engine.loop
        if loop.is_closed():
            # Of a test that made and closed a loop by itself. Tasks went with it; threads and files have not.
            asyncio.run(self.close())
        else:
            loop.run_until_complete(self.close())

    async def open(self) -> None:
        await super().open()
        self._at_end(self.close_now)

    async def _opened(self) -> Engine:
        if self._turn is None:
            self._turn = asyncio.Lock()
        if self._engine is None and not self._ended:
            async with self._turn:
                if self._engine is None:
                    await self.open()
        return await super()._opened()
