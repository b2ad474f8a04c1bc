"""`ctx.storage`: files.

| member | query | mutation | action |
| --- | --- | --- | --- |
| `get_url`, `get_metadata` | yes | yes | yes |
| `generate_upload_url`, `delete` | | in the transaction | yes |
| `store`, `get`, `stream` | | | yes |

(get-convex/convex-backend, npm-packages/convex/src/server/storage.ts and impl/storage_impl.ts.)
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Iterable
from types import CoroutineType
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from reactor.database.documents import Document
from reactor.database.made_calls import MadeCall, frame, note
from reactor.database.transaction import Transaction
from reactor.errors import DeveloperError
from reactor.files import rows
from reactor.files.files import Files, is_content_type
from reactor.files.seam import LARGEST_PIECE, OpenFile, Pieces
from reactor.runtime.functions import Kind
from reactor.runtime.members import absent
from reactor.runtime.run import Run

__all__ = ["ActionStorage", "Content", "MutationStorage", "QueryStorage"]

Content: TypeAlias = "bytes | bytearray | memoryview | Iterable[bytes] | AsyncIterator[bytes]"
"""What can be stored: bytes, or pieces of them, an open binary file for one."""

Calling: TypeAlias = "CoroutineType[Any, Any, Any]"


class _Storage:
    __slots__ = ("_files",)

    _KIND = Kind.QUERY

    def __init__(self, files: Files) -> None:
        self._files = files

    async def get_url(self, id: str, /, *, expires_in: float | None = None) -> str | None:
        """The address that shows a file, None when there is no such file (any more).

        Who has it can read the file, without signing in, for as long as the file exists; with `expires_in` only for so
        many seconds from now. Raises DeveloperError for an id that is not one of a file.
        """
        row = await self._find(rows.check_id(id, "get_url"))
        if expires_in is None:
            return None if row is None else self._files.links.lasting(id)
        until = self._now() + 1000 * _seconds(expires_in)
        return None if row is None else self._files.links.expiring(id, until)

    async def get_metadata(self, id: str, /) -> dict[str, Any] | None:
        """`storageId`, `sha256` (hexadecimal), `size` (bytes) and `contentType` (or None) of a file, None without one.

        The newer way is `ctx.db.system.get(id)`, where the digest is in base64. Raises DeveloperError as `get_url`.
        """
        row = await self._find(rows.check_id(id, "get_metadata"))
        return None if row is None else rows.metadata(row)

    async def _find(self, id: str) -> Document | None:
        raise NotImplementedError

    def _now(self) -> float:
        raise NotImplementedError

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise absent(
                self._KIND, "ctx.storage", name, [each for each in dir(type(self)) if not each.startswith("_")]
            )


class QueryStorage(_Storage):
    """What a query may do with files: look at them. It runs again when one that it looked at is deleted."""

    __slots__ = ("_run", "_tx")

    def __init__(self, files: Files, run: Run, tx: Transaction) -> None:
        super().__init__(files)
        self._run, self._tx = run, tx

    async def _find(self, id: str) -> Document | None:
        return await rows.find(self._tx, id)

    def _now(self) -> float:
        self._run.looked_at_time = True
        return self._run.now


class MutationStorage(QueryStorage):
    """What a mutation may do with files: look at them, have them uploaded, and delete them."""

    __slots__ = ("_made_calls",)

    _KIND = Kind.MUTATION

    def __init__(self, files: Files, run: Run, tx: Transaction, made_calls: list[MadeCall]) -> None:
        super().__init__(files, run, tx)
        self._made_calls = made_calls

    async def generate_upload_url(self) -> str:
        """An address that takes a file as the body of a POST request, for an hour unless set otherwise.

        The answer to the upload is `{"storageId": …}`.
        """
        return self._files.upload_url(self._run.now)

    def delete(self, id: str, /) -> Calling:
        """Delete a file, if this transaction commits. Raises DeveloperError when there is none, or for a wrong id."""
        call = self._delete(id)
        note(self._made_calls, call, frame(1))
        return call

    async def _delete(self, id: str) -> None:
        await rows.remove(self._tx, rows.check_id(id, "delete"))


class ActionStorage(_Storage):
    """What an action may do with files: everything, each step in a transaction of its own."""

    __slots__ = ("_made_calls",)

    _KIND = Kind.ACTION

    def __init__(self, files: Files, made_calls: list[MadeCall]) -> None:
        super().__init__(files)
        self._made_calls = made_calls

    async def generate_upload_url(self) -> str:
        """An address that takes a file as the body of a POST request, for an hour unless set otherwise."""
        return self._files.upload_url(self._files.now())

    def delete(self, id: str, /) -> Calling:
        """Delete a file. Raises DeveloperError when there is none, or for a wrong id."""
        call = self._delete(id)
        note(self._made_calls, call, frame(1))
        return call

    async def _delete(self, id: str) -> None:
        await self._files.delete(rows.check_id(id, "delete"))

    def store(
        self, content: Content, /, *, content_type: str | None = None, sha256: str | bytes | None = None
    ) -> Calling:
        """Store a file and give its id; it is durable then.

        `content`: bytes, or an iterable or async iterable of bytes, so that large files need not be in memory.
        `sha256`: what its digest has to be, as 32 bytes, base64 or hexadecimal. Raises DeveloperError when it has
        another, when the file is too large (`max_file_bytes`), and for arguments that are none; StoreFull, StoreError.
        """
        call = self._store(content, content_type, sha256)
        note(self._made_calls, call, frame(1))
        return call

    async def _store(self, content: Content, content_type: str | None, sha256: str | bytes | None) -> str:
        if content_type is not None and not is_content_type(content_type):
            raise DeveloperError(
                f"{content_type!r:.80} is no content type: write one like image/png, in one line.", code="TypeError"
            )
        return await self._files.add(_pieces(content), content_type, sha256=_digest(sha256))

    async def get(self, id: str, /) -> bytes | None:
        """The whole content of a file, None when there is no such file. `stream` is for those that are large."""
        opened = await self._open(rows.check_id(id, "get"))
        if opened is None:
            return None
        try:
            return b"".join([piece async for piece in opened.pieces(0, opened.size)])
        finally:
            opened.close()

    async def stream(self, id: str, /) -> AsyncIterator[bytes]:
        """The content of a file in pieces of at most 256 KiB: `async for piece in ctx.storage.stream(id)`.

        Raises DeveloperError when there is no such file, or for a wrong id.
        """
        opened = await self._open(rows.check_id(id, "stream"))
        if opened is None:
            raise rows.not_found(id)
        try:
            async for piece in opened.pieces(0, opened.size):
                yield piece
        finally:
            opened.close()

    async def _open(self, id: str) -> OpenFile | None:
        return None if await self._find(id) is None else await self._files.read(id)

    async def _find(self, id: str) -> Document | None:
        return await self._files.row(id)

    def _now(self) -> float:
        return self._files.now()


def _seconds(expires_in: float) -> float:
    if not isinstance(expires_in, int | float) or not 0 < expires_in < 10**9:  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DeveloperError(
            f"expires_in is a number of seconds greater than 0, not {expires_in!r:.40}.", code="TypeError"
        )
    return expires_in


async def _pieces(content: Any) -> Pieces:
    if isinstance(content, bytes | bytearray | memoryview):
        view = memoryview(cast(bytes, content)).cast("B")
        for at in range(0, len(view), LARGEST_PIECE):
            yield bytes(view[at : at + LARGEST_PIECE])
    elif hasattr(content, "__aiter__"):
        async for piece in content:
            yield _piece(piece)
    elif hasattr(content, "__iter__") and not isinstance(content, str):
        for piece in cast(Iterable[object], content):
            yield _piece(piece)
    else:
        raise _no_bytes(content)


def _piece(piece: object) -> bytes:
    if not isinstance(piece, bytes | bytearray | memoryview):
        raise _no_bytes(piece)
    return bytes(cast(bytes, piece))


def _no_bytes(content: object) -> DeveloperError:
    remedy = " Encode text: text.encode()." if isinstance(content, str) else ""
    return DeveloperError(
        f"Files are bytes, or an iterable of bytes, not {type(content).__name__}.{remedy}", code="TypeError"
    )


def _digest(sha256: str | bytes | None) -> bytes | None:
    raw: bytes | None = None
    if sha256 is None or isinstance(sha256, bytes):
        raw = sha256
    else:
        try:
            raw = bytes.fromhex(sha256) if len(sha256) == 64 else base64.b64decode(sha256, validate=True)
        except ValueError:
            raw = b""
    if raw is not None and len(raw) != 32:
        raise DeveloperError(
            "sha256 is a SHA-256 digest: its 32 bytes, or those in base64 or hexadecimal.", code="TypeError"
        )
    return raw
