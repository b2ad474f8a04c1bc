"""The HTTP client's side of fetching: `reactor/auth/fetching.py` imports this when something is to be fetched."""

import asyncio
import ssl
from functools import cache

import httpx

from reactor.auth.addresses import is_loopback, url_fault
from reactor.auth.fetching import FetchFailed
from reactor.version import VERSION

__all__ = ["LARGEST", "download", "trusted"]

LARGEST = 512 * 1024
"""Bytes of a document. Key sets have a few kilobytes."""


async def download(url: str, accepted: frozenset[str], *, seconds: float) -> bytes:
    """As `fetch`."""
    fault = url_fault(url)
    if fault is not None:
        raise FetchFailed(f"{url!r:.200} is not fetched: {fault}", lasting=True)
    try:
        async with asyncio.timeout(seconds):
            return await _fetch(url, accepted, seconds)
    except (TimeoutError, httpx.TimeoutException):
        raise FetchFailed(f"{url} did not answer within {seconds:g} s", lasting=False) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FetchFailed(f"{url} cannot be reached ({type(error).__name__}: {error!s:.200})", lasting=False) from None


@cache
def trusted() -> ssl.SSLContext:
    """Whom the system trusts. Reading it takes tens of milliseconds, too long for the event loop."""
    return httpx.create_ssl_context()


async def _fetch(url: str, accepted: frozenset[str], seconds: float) -> bytes:
    certificates = await asyncio.to_thread(trusted)
    headers = {
        "Accept": ", ".join(sorted(accepted)),
        # A compressed answer of a few bytes could unpack to anything.
        "Accept-Encoding": "identity",
        "User-Agent": f"reactor/{VERSION}",
    }
    # A proxy of the environment cannot know what is on this machine.
    through_proxy = not is_loopback(url)
    async with (
        httpx.AsyncClient(verify=certificates, timeout=seconds, trust_env=through_proxy) as client,
        client.stream("GET", url, headers=headers, follow_redirects=False) as response,
    ):
        _check(url, response, accepted)
        return await _body(url, response)


def _check(url: str, response: httpx.Response, accepted: frozenset[str]) -> None:
    status = response.status_code
    if response.is_redirect:
        target = response.headers.get("location", "")
        text = f"{url} redirects to {target!r:.200}, which is not followed: configure the final address"
        raise FetchFailed(text, lasting=True)
    if status != 200:
        raise FetchFailed(f"{url} answered with status {status}", lasting=status < 500 and status not in (408, 429))
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchFailed(f"{url} answered compressed, though it was asked not to", lasting=True)
    kind, _, parameters = response.headers.get("content-type", "").partition(";")
    name, _, charset = parameters.strip().partition("=")
    utf8 = name.strip().lower() != "charset" or charset.strip().strip('"').lower() in ("utf-8", "utf8")
    if kind.strip().lower() not in accepted or not utf8:
        given = response.headers.get("content-type")
        text = f"{url} answered with the content type {given!r:.100}; expected is {' or '.join(sorted(accepted))}"
        raise FetchFailed(text, lasting=True)


async def _body(url: str, response: httpx.Response) -> bytes:
    pieces: list[bytes] = []
    size = 0
    async for piece in response.aiter_raw():
        pieces.append(piece)
        size += len(piece)
        if size > LARGEST:
            raise FetchFailed(f"{url} answered with more than {LARGEST} bytes", lasting=True)
    return b"".join(pieces)
