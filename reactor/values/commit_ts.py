"""The time of a commit in encoded values, before and after it is known.

Until then a placeholder stands for it, `{"$commitTs":null}`, which the commit replaces by an Int64. This can be done to
the encoded text: inside of strings a quotation mark has a backslash before it, and no field begins with `$`.
(get-convex/convex-backend, npm-packages/docs/docs/database/advanced/commit-timestamp.mdx.)
"""

from .kinds import Int64
from .writer import DOLLAR, integer_text

__all__ = ["is_pending", "settle"]

_PENDING = b'{"$commitTs":null}'


def is_pending(encoded: bytes) -> bool:
    """Whether the placeholder of the commit's time stands anywhere in an encoded value."""
    return _PENDING in encoded


def settle(encoded: bytes, ts: int) -> bytes:
    """The encoded value with `ts`, nanoseconds, in every place of the placeholder."""
    if DOLLAR in encoded and is_pending(encoded):
        return encoded.replace(_PENDING, integer_text(Int64(ts)))
    return encoded
