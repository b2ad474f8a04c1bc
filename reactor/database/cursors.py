"""Cursors: places in the results of a query, as text that means nothing to who carries it.

A place is a key, and keys hold values of documents that a client may not be meant to see. So the text is encrypted,
and it cannot be made up. The same place always gives the same text, because a result that did not change must not
look changed: that is what AES-SIV is for.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from reactor.errors import DeveloperError, InvalidCursor

__all__ = ["Cursors", "Position"]

Position = bytes | None
"""The key after which reading goes on; None is the end of the range."""

FINGERPRINT = 16
_END, _AFTER = b"\x00", b"\x01"


class Cursors:
    """Makes and reads the cursors of one deployment. `secret` is what they are encrypted with."""

    __slots__ = ("_cipher",)

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESSIV(hashlib.blake2b(secret, digest_size=64, person=b"reactor cursors").digest())

    def seal(self, fingerprint: bytes, position: Position) -> str:
        """The text for a place in the results of the query with this fingerprint (16 bytes)."""
        place = _END if position is None else _AFTER + position
        return urlsafe_b64encode(self._cipher.encrypt(fingerprint + place, None)).rstrip(b"=").decode()

    def open(self, text: str, fingerprint: bytes) -> Position:
        """The place that a text stands for.

        Raises DeveloperError (code InvalidCursor) for a text that is no cursor of this deployment, InvalidCursor for
        one of another query, as when the code or the arguments of the range have changed.
        """
        try:
            raw = self._cipher.decrypt(urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4)), None)
        except (ValueError, InvalidTag):
            raise DeveloperError(
                "Failed to parse cursor: it was not made by this deployment, or with another admin key. Start again "
                "with the cursor null.",
                code="InvalidCursor",
            ) from None
        if raw[:FINGERPRINT] != fingerprint:
            raise InvalidCursor(
                "the cursor is of another query: table, index, range, order and filter must stay the same from page to "
                "page. Start again with the cursor null."
            )
        return None if raw[FINGERPRINT : FINGERPRINT + 1] == _END else raw[FINGERPRINT + 1 :]
