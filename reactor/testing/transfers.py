"""Uploads to the addresses that an application gives, and files behind the ones that it shows, without a socket."""

import asyncio
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from reactor.errors import DeveloperError
from reactor.http.file_api import ROOT, FileApi

__all__ = ["download", "upload"]


async def upload(api: FileApi, url: str, content: bytes, content_type: str | None) -> str:
    """POST a file to an upload URL; its id. Raises DeveloperError with the code of the answer when it is refused."""
    headers = [] if content_type is None else [(b"content-type", content_type.encode("latin-1"))]
    answer = await _exchange(api, "POST", url, content, headers)
    return msgspec.json.decode(answer)["storageId"]


async def download(api: FileApi, url: str) -> bytes:
    """GET what a file's URL shows. Raises DeveloperError with the code of the answer when there is nothing."""
    return await _exchange(api, "GET", url, b"", [])


async def _exchange(api: FileApi, method: str, url: str, body: bytes, headers: list[tuple[bytes, bytes]]) -> bytes:
    parts = urlsplit(url)
    root = parts.path.find(ROOT)
    if root < 0:
        raise DeveloperError(f"{url!r:.120} is no address of a file or an upload.", code="InvalidStoragePath")
    query = parts.query.encode()
    scope = {"type": "http", "method": method, "path": parts.path[root:], "query_string": query, "headers": headers}
    sent: list[MutableMapping[str, Any]] = []
    coming: list[MutableMapping[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> MutableMapping[str, Any]:
        if not coming:
            await asyncio.Event().wait()  # who asks stays until the answer is whole
        return coming.pop()

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    await api(scope, receive, send)
    answer = b"".join(message["body"] for message in sent[1:])
    if sent[0]["status"] != 200:
        error = msgspec.json.decode(answer)
        raise DeveloperError(error["message"], code=error["code"])
    return answer
