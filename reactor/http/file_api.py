"""Uploads and files: `POST /api/storage/upload`, and `GET` and `HEAD` below `/api/storage/`.

Statuses, codes and headers as in get-convex/convex-backend, crates/local_backend/src/storage.rs; entity tags, and the
headers that keep browsers from running what was uploaded, are ours.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Generator
from urllib.parse import parse_qs

import msgspec

from reactor.errors import DeveloperError, StoreError, StoreFull
from reactor.files.files import BytesElsewhere, Files, is_content_type
from reactor.files.links import Token, is_file_id, is_uuid
from reactor.files.seam import OpenFile
from reactor.http.byte_ranges import Whole, requested
from reactor.http.cors import cors_headers
from reactor.http.exchange import (
    Answer,
    HttpError,
    Receive,
    Scope,
    Send,
    WrongMethod,
    error_body,
    request_headers,
    respond,
)
from reactor.http.file_headers import Description, Headers, is_current, keeps_range, sent_digest
from reactor.http.file_sending import Sending

__all__ = ["ROOT", "FileApi"]

ROOT = "/api/storage/"

_KEPT_SECONDS = 30 * 86400
_EXPOSED = (b"access-control-expose-headers", b"accept-ranges, content-length, content-range, digest, etag")
_STATUS = {"FileTooLarge": 413, "Sha256Mismatch": 400}

_log = logging.getLogger("reactor.http")


class FileApi:
    """Serves everything below `/api/storage/`."""

    def __init__(self, files: Files, *, seconds: float, most: int, most_downloads: int) -> None:
        """`seconds`: how long an upload may take; `most`: how many there may be at a time; and of files being sent."""
        self._files, self._seconds, self._most, self._most_downloads = files, seconds, most, most_downloads
        self.uploads = self.downloads = 0
        """Uploads under way, and files that are being sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        headers = request_headers(scope)
        more = cors_headers(headers)
        name = scope["path"][len(ROOT) :]
        try:
            if name == "upload":
                await respond(send, await self._upload(scope, receive, headers), more)
            else:
                with contextlib.closing(Sending(send, receive, [*more, _EXPOSED])) as sending:
                    await self._show(name, scope, headers, sending)
        except HttpError as error:
            await respond(send, error_body(error), more)

    # Uploads

    async def _upload(self, scope: Scope, receive: Receive, headers: dict[bytes, bytes]) -> Answer:
        if scope["method"] != "POST":
            raise WrongMethod("An upload URL takes the file as the body of a POST request.", "POST")
        self._check_token(_token(scope))
        content_type, digest = _sent_type(headers), sent_digest(headers)
        declared = headers.get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > self._files.limits.max_bytes:
            raise HttpError(413, "FileTooLarge", f"The file is larger than {self._files.limits.max_bytes} bytes.")
        if self.uploads >= self._most:
            raise HttpError(503, "TooManyUploads", f"There are {self._most} uploads under way. Try again later.")
        self.uploads += 1
        try:
            async with asyncio.timeout(self._seconds):
                id = await self._files.add(_body(receive), content_type, sha256=digest)
        except TimeoutError:
            text = f"The upload did not end within {self._seconds:g} s (upload_seconds). Nothing of it was kept."
            raise HttpError(408, "UploadTimeout", text) from None
        except (DeveloperError, StoreError) as error:
            raise _refusal(error) from error
        finally:
            self.uploads -= 1
        return Answer(msgspec.json.encode({"storageId": id}))

    def _check_token(self, token: str | None) -> None:
        if token is None:
            raise HttpError(400, "BadQueryArgs", "The address has no token. Use one of generate_upload_url() as it is.")
        worth = self._files.links.check_upload(token, self._files.now())
        if worth is Token.FORGED:
            raise HttpError(401, "StorageTokenInvalid", "The token is not one that this deployment has given.")
        if worth is Token.EXPIRED:
            raise HttpError(
                401, "StorageTokenExpired", "The upload URL has expired. Ask the application for a new one."
            )

    # Showing

    async def _show(self, name: str, scope: Scope, headers: dict[bytes, bytes], sending: Sending) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            raise WrongMethod("Files are fetched by GET or HEAD requests.", "GET", "HEAD")
        id, seconds = self._wanted(name, _token(scope))
        row = await self._files.row(id)
        if row is None:
            raise _not_found()
        described = Description.of(row)
        known = described.caching(seconds)
        if is_current(headers, described):
            await sending.head(304, known)
            return
        asked = headers.get(b"range", b"").decode("latin-1") or None
        part = requested(asked if keeps_range(headers, described) else None, described.size)
        if part is Whole.NOTHING:
            await sending.head(416, [(b"content-range", b"bytes */%d" % described.size), (b"content-length", b"0")])
            return
        await self._send(id, described, part, known, scope["method"] == "HEAD", sending)

    def _wanted(self, name: str, token: str | None) -> tuple[str, int]:
        """The id of the file that an address shows, and for how many seconds it may be kept."""
        links, now = self._files.links, self._files.now()
        if is_uuid(name):
            return links.id_of(name), _KEPT_SECONDS
        if token is None or not is_file_id(name):
            raise HttpError(400, "InvalidStoragePath", "This is no address of a file. Use one of get_url() as it is.")
        worth, until = links.check_expiring(name, token, now)
        if worth is Token.FORGED:
            raise HttpError(401, "StorageTokenInvalid", "The token is not one that this deployment has given.")
        if worth is Token.EXPIRED:
            raise HttpError(401, "StorageTokenExpired", "The address has expired. Ask the application for a new one.")
        return name, min(_KEPT_SECONDS, int((until - now) / 1000))

    async def _send(
        self, id: str, described: Description, part: range | Whole, known: Headers, bare: bool, sending: Sending
    ) -> None:
        with self._download(), contextlib.closing(await self._opened(id)) as opened:
            if isinstance(part, range):
                place = b"bytes %d-%d/%d" % (part.start, part.stop - 1, described.size)
                status, more = 206, [(b"content-range", place)]
            else:
                part = range(described.size)
                status, more = 200, described.digest()
            length = (b"content-length", b"%d" % len(part))
            await sending.head(status, [length, *described.content(), *known, *more], more_body=not bare)
            if not bare:
                await self._send_body(opened, part, sending)

    @contextlib.contextmanager
    def _download(self) -> Generator[None]:
        if self.downloads >= self._most_downloads:
            text = f"There are {self._most_downloads} files being sent. Try again later."
            raise HttpError(503, "TooManyDownloads", text)
        self.downloads += 1
        try:
            yield
        finally:
            self.downloads -= 1

    async def _opened(self, id: str) -> OpenFile:
        try:
            opened = await self._files.read(id)
        except BytesElsewhere as error:
            _log.error("a file cannot be shown here: %s", error)
            raise _not_found() from error
        except StoreError as error:
            raise _refusal(error) from error
        if opened is None:
            raise _not_found()
        return opened

    async def _send_body(self, opened: OpenFile, part: range, sending: Sending) -> None:
        try:
            async for piece in opened.pieces(part.start, len(part)):
                if sending.gone:
                    return
                self._files.bytes_sent += len(piece)
                await sending.piece(piece)
        except StoreError:
            # The head is out, so that the only way to tell the client is a body that is too short.
            _log.exception("a file could not be read to its end")
        else:
            await sending.end()


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise HttpError(408, "ClientDisconnected", "The client went away before the whole file had come.")
        if piece := message.get("body", b""):
            yield piece
        if not message.get("more_body"):
            return


def _token(scope: Scope) -> str | None:
    text = scope["query_string"].decode("latin-1")
    try:
        found = parse_qs(text, keep_blank_values=True, max_num_fields=20).get("token")
    except ValueError:  # more fields than an address of ours has
        return None
    return found[-1] if found else None


def _sent_type(headers: dict[bytes, bytes]) -> str | None:
    header = headers.get(b"content-type")
    if header is None:
        return None
    text = header.decode("latin-1")
    if not is_content_type(text):
        raise HttpError(400, "BadHeader", "The Content-Type header is no content type, or too long.")
    return text


def _refusal(error: DeveloperError | StoreError) -> HttpError:
    if isinstance(error, DeveloperError) and error.code in _STATUS:
        return HttpError(_STATUS[error.code], error.code, str(error))
    _log.error("a file could not be stored or read", exc_info=error)
    if isinstance(error, StoreFull):
        return HttpError(507, "StoreFull", "There is no room for the file. Nothing of it was kept.")
    return HttpError(500, "InternalServerError", "Your request couldn't be completed. Try again later.")


def _not_found() -> HttpError:
    return HttpError(404, "FileNotFound", "There is no such file, or not any more.")
