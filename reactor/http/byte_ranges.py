"""The `Range` header: which bytes of a file a client wants."""

import enum
import re

__all__ = ["Whole", "requested"]

_PAIR = re.compile(r"\s*(\d{0,20})-(\d{0,20})\s*")


class Whole(enum.Enum):
    """What is answered instead of a range."""

    FILE = 200
    """All of it: no range was asked for, or none that can be understood."""
    NOTHING = 416
    """Several ranges, or one that lies behind the end."""


def requested(header: str | None, size: int) -> range | Whole:
    """The bytes that `header` asks for of a file of this size, never none.

    A single range counts; `bytes=-N` are the last N. As in RFC 9110, section 14, and with the answers of
    get-convex/convex-backend, crates/local_backend/src/storage.rs, where several ranges are too many.
    """
    if header is None or not header.startswith("bytes=") or not size:
        return Whole.FILE
    pairs = [_PAIR.fullmatch(each) for each in header.removeprefix("bytes=").split(",") if each.strip()]
    if not pairs or None in pairs:
        return Whole.FILE
    pair = pairs[0]
    assert pair is not None
    first, last = pair.groups()
    if (not first and not last) or (first and last and int(last) < int(first)):
        return Whole.FILE
    if len(pairs) > 1:
        return Whole.NOTHING
    if not first:
        found = range(max(0, size - int(last)), size)
    else:
        found = range(int(first), min(size, int(last) + 1) if last else size)
    return found or Whole.NOTHING
