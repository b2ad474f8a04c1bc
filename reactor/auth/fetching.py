"""Fetching a small JSON document from an issuer: one answer, of bounded size, in bounded time, and nothing else.

Only addresses that the deployment's own configuration leads to are ever asked. A redirect is not followed, because it
would let whoever answers there send the server anywhere.
"""

import asyncio
from typing import Protocol

__all__ = ["DISCOVERY", "KEY_SET", "FetchFailed", "fetch"]

DISCOVERY = frozenset({"application/json"})
KEY_SET = frozenset({"application/json", "application/jwk-set+json"})
"""Content types of the two kinds of documents."""


class FetchFailed(Exception):
    """A document could not be had. `lasting`: trying again will not help, something is set up wrongly."""

    def __init__(self, detail: str, *, lasting: bool) -> None:
        super().__init__(detail)
        self.lasting = lasting


class _Download(Protocol):
    async def __call__(self, url: str, accepted: frozenset[str], *, seconds: float) -> bytes: ...


async def fetch(url: str, accepted: frozenset[str], *, seconds: float) -> bytes:
    """The document at `url`, with status 200 and one of the content types `accepted`, within `seconds` in all.

    Raises FetchFailed for everything else, the text saying what was wrong.
    """
    download = await asyncio.to_thread(_client)
    return await download(url, accepted, seconds=seconds)


def _client() -> _Download:
    # Its import takes a fifth of a server's start, where most never fetch anything, and is too long for the event loop.
    from reactor.auth.download import download

    return download
