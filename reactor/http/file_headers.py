"""Headers of a file that is shown, and of requests for it."""

import base64
import datetime as dt
import email.utils

import msgspec

from reactor.database.documents import Document
from reactor.http.exchange import HttpError

__all__ = ["Description", "is_current", "keeps_range", "sent_digest"]

Headers = list[tuple[bytes, bytes]]

_HARMLESS = ("image/", "audio/", "video/", "font/", "text/plain", "application/pdf", "application/json")
"""Beginnings of content types that browsers show without running anything in them."""
_ACTIVE = ("image/svg",)

_SANDBOX = b"default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'; sandbox"


class Description(msgspec.Struct, frozen=True):
    """What headers tell of a file. `modified` is the time of its upload in whole seconds since 1970."""

    size: int
    sha256: str
    content_type: str | None
    modified: int

    @classmethod
    def of(cls, row: Document) -> "Description":
        """From the row of `_storage`."""
        value = row.value()
        return cls(int(value["size"]), value["sha256"], value["contentType"], int(value["_creationTime"] // 1000))

    @property
    def tag(self) -> str:
        """The entity tag: files never change, and equal ones are the same."""
        return f'"{base64.b64decode(self.sha256).hex()}"'

    @property
    def date(self) -> str:
        """The time of the upload as HTTP writes it."""
        return email.utils.format_datetime(dt.datetime.fromtimestamp(self.modified, dt.UTC), usegmt=True)

    def caching(self, seconds: int) -> Headers:
        """What is said of the file also when the client has it already. Kept privately: an address is like a key."""
        return [
            (b"cache-control", b"private, max-age=%d" % seconds),
            (b"etag", self.tag.encode()),
            (b"last-modified", self.date.encode()),
            (b"accept-ranges", b"bytes"),
        ]

    def content(self) -> Headers:
        """What the content is, and how browsers are to treat it.

        Anybody may have uploaded it with any type. So a browser that opens it must neither guess another type nor run
        it with the rights of this address: it is saved instead of shown, unless it is harmless, and locked up.
        """
        kind = (self.content_type or "").strip().lower()
        inline = kind.startswith(_HARMLESS) and not kind.startswith(_ACTIVE)
        headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"content-disposition", b"inline" if inline else b"attachment"),
        ]
        if self.content_type:
            headers.append((b"content-type", self.content_type.encode("latin-1")))
        if not kind.startswith("application/pdf"):
            # Viewers of PDF do not work locked up, and do not run anything with the rights of the address either.
            headers.append((b"content-security-policy", _SANDBOX))
        return headers

    def digest(self) -> Headers:
        """The digest of the whole file."""
        return [(b"digest", f"sha-256={self.sha256}".encode())]


def is_current(headers: dict[bytes, bytes], described: Description) -> bool:
    """Whether a conditional request says that the client has the file already."""
    tags = headers.get(b"if-none-match")
    if tags is not None:
        given = {tag.strip().removeprefix("W/") for tag in tags.decode("latin-1").split(",")}
        return described.tag in given or "*" in given
    since = _seconds(headers.get(b"if-modified-since"))
    return since is not None and described.modified <= since


def keeps_range(headers: dict[bytes, bytes], described: Description) -> bool:
    """Whether the client's part belongs to this file: `If-Range` says so, or is not there."""
    condition = headers.get(b"if-range")
    if condition is None:
        return True
    text = condition.decode("latin-1").strip()
    return text == described.tag or _seconds(condition) == described.modified


def sent_digest(headers: dict[bytes, bytes]) -> bytes | None:
    """The SHA-256 that an upload says it has, None when it says none. Raises HttpError for what is no digest."""
    header = headers.get(b"digest")
    if header is None:
        return None
    for part in header.split(b","):
        name, _, text = part.strip().partition(b"=")
        if name.lower() == b"sha-256":
            try:
                digest = base64.b64decode(text, validate=True)
            except ValueError:
                break
            if len(digest) == 32:
                return digest
    raise HttpError(400, "BadHeader", "The Digest header is to be `sha-256=`, then base64 of the 32 bytes.")


def _seconds(header: bytes | None) -> int | None:
    if header is None:
        return None
    try:
        return int(email.utils.parsedate_to_datetime(header.decode("latin-1")).timestamp())
    except (ValueError, OverflowError):
        return None
