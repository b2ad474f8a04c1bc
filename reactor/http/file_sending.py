"""A file's answer on its way to a client."""

import asyncio

from reactor.http.exchange import Receive, Send
from reactor.http.file_headers import Headers

__all__ = ["Sending"]


class Sending:
    """Sends an answer piece by piece; each waits until the client has taken most of what came before."""

    def __init__(self, send: Send, receive: Receive, headers: Headers) -> None:
        self._send, self._receive, self._headers = send, receive, headers
        self._watching: asyncio.Task[None] | None = None

    @property
    def gone(self) -> bool:
        """Whether the client has gone; sending to it is no error, and reading for it in vain."""
        return self._watching is not None and self._watching.done()

    async def head(self, status: int, headers: Headers, *, more_body: bool = False) -> None:
        all_headers = [*headers, *self._headers]
        await self._send({"type": "http.response.start", "status": status, "headers": all_headers})
        if more_body:
            self._watching = asyncio.get_running_loop().create_task(self._until_gone())
        else:
            await self.end()

    async def piece(self, piece: bytes) -> None:
        await self._send({"type": "http.response.body", "body": piece, "more_body": True})

    async def end(self) -> None:
        await self._send({"type": "http.response.body", "body": b""})

    def close(self) -> None:
        """Nothing more is sent."""
        if self._watching is not None:
            self._watching.cancel()

    async def _until_gone(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
