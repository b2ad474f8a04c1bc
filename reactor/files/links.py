"""Addresses of files: whoever has one may use it, and nobody can make one up.

Three kinds, and nothing of them is stored:

`/api/storage/UUID`              shows a file for as long as it exists. The UUID is the file's id under AES with a key
                                 of this deployment: ids are no secret, so they alone must not open anything.
`/api/storage/ID?token=TOKEN`    shows a file until a moment, which the token has in it, signed together with the id.
                                 It does not have the UUID in it, so that nobody can make a lasting link of it.
`/api/storage/upload?token=…`    takes a file, until a moment.
(get-convex/convex-backend, crates/local_backend/src/storage.rs and crates/file_storage/src/core.rs.)
"""

import base64
import enum
import hmac
import re
import uuid
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from reactor.database.system_tables import SYSTEM_TABLES
from reactor.errors import InvalidId
from reactor.values.ids import decode_id, encode_id

__all__ = ["STORAGE", "Links", "Token", "is_file_id", "is_uuid"]

STORAGE = SYSTEM_TABLES["_storage"]
"""The number of the table of files, which is part of their ids."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_TIME_BYTES, _MAC_BYTES = 8, 32


class Token(enum.Enum):
    """What a token is worth now."""

    GOOD = "good"
    FORGED = "forged"
    EXPIRED = "expired"


class Links:
    """Makes and reads addresses. Times are milliseconds since 1970."""

    def __init__(self, key: bytes, origin: Callable[[], str]) -> None:
        """`key`: 32 secret bytes. `origin` gives the address of this deployment, without a slash at the end."""
        self._origin = origin
        self._upload, self._show = _part(key, b"upload"), _part(key, b"show")
        # One block, and no two files have the same: what ECB gives away, equal blocks, there are none.
        self._cipher = Cipher(algorithms.AES(_part(key, b"uuid")), modes.ECB())  # noqa: S305

    def upload(self, until: float) -> str:
        """The address that takes a file until this time."""
        return f"{self._origin()}/api/storage/upload?token={_sign(self._upload, b'', until)}"

    def check_upload(self, token: str, now: float) -> Token:
        """Whether this is the token of an address that takes files now."""
        return _check(self._upload, b"", token, now)[0]

    def lasting(self, id: str) -> str:
        """The address that shows a file for as long as it exists."""
        block = self._cipher.encryptor().update(decode_id(id)[1])
        return f"{self._origin()}/api/storage/{uuid.UUID(bytes=block)}"

    def id_of(self, text: str) -> str:
        """The id that a file with this UUID has, whether there is one or not. See `is_uuid`."""
        return encode_id(STORAGE, self._cipher.decryptor().update(uuid.UUID(text).bytes))

    def expiring(self, id: str, until: float) -> str:
        """The address that shows a file until this time."""
        return f"{self._origin()}/api/storage/{id}?token={_sign(self._show, id.encode(), until)}"

    def check_expiring(self, id: str, token: str, now: float) -> tuple[Token, float]:
        """Whether this is the token for this file, and until when it is good."""
        return _check(self._show, id.encode(), token, now)


def is_uuid(text: str) -> bool:
    """Whether this is a UUID as addresses have them."""
    return _UUID.fullmatch(text) is not None


def is_file_id(text: str) -> bool:
    """Whether this is the id of a file, existing or not."""
    try:
        return decode_id(text)[0] == STORAGE
    except InvalidId:
        return False


def _part(key: bytes, purpose: bytes) -> bytes:
    # A key for each purpose, so that nothing made for one is of use for another.
    return hmac.digest(key, b"reactor files " + purpose, "sha256")


def _sign(key: bytes, subject: bytes, until: float) -> str:
    time = max(0, int(until)).to_bytes(_TIME_BYTES, "big")
    return base64.urlsafe_b64encode(time + hmac.digest(key, time + subject, "sha256")).rstrip(b"=").decode()


def _check(key: bytes, subject: bytes, token: str, now: float) -> tuple[Token, float]:
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
    except ValueError:
        return Token.FORGED, 0
    time, mac = raw[:_TIME_BYTES], raw[_TIME_BYTES:]
    if len(mac) != _MAC_BYTES or not hmac.compare_digest(mac, hmac.digest(key, time + subject, "sha256")):
        return Token.FORGED, 0
    until = int.from_bytes(time, "big")
    return (Token.GOOD if now < until else Token.EXPIRED), until
