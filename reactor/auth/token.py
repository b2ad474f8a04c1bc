"""A JSON Web Token taken apart. Nothing in it is to be believed before its signature has been checked."""

import base64
import binascii
from typing import Any, cast

import jwt
import msgspec

from reactor.errors import TokenRefused

__all__ = ["LONGEST_TOKEN", "Token", "shown"]

LONGEST_TOKEN = 32 * 1024
"""Characters. Whoever puts more than a name and a few roles into a token meets limits of proxies first."""

_TYPES = frozenset({"jwt", "at+jwt"})


def shown(value: object) -> str:
    """A value that came with a token, for one line of a log: quoted, and cut when it is long."""
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "…"


def undecodable(detail: str) -> TokenRefused:
    """The refusal of what is no token."""
    return TokenRefused("Could not decode token", detail, code="InvalidAuthHeader")


class Token:
    """What a token says of itself: `header` and `claims`, both unproven. Raises TokenRefused for what is no token."""

    __slots__ = ("_text", "claims", "header")

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST_TOKEN:
            raise undecodable(f"it has {len(text)} characters; at most {LONGEST_TOKEN} are allowed")
        parts = text.split(".")
        if len(parts) != 3:
            raise undecodable(f"a JSON Web Token has three parts with dots between them, this has {len(parts)}")
        self._text = text
        self.header = _object(parts[0], "header")
        self.claims = _object(parts[1], "payload")
        _bytes(parts[2], "signature")

    @property
    def algorithm(self) -> object:
        """The header's `alg`."""
        return self.header.get("alg")

    @property
    def audiences(self) -> list[str]:
        """The claim `aud` as a list."""
        given = self.claims.get("aud")
        if isinstance(given, str):
            return [given]
        entries = cast("list[Any]", given) if isinstance(given, list) else []
        return [entry for entry in entries if isinstance(entry, str)]

    def type_fault(self, *, required: bool) -> str | None:
        """What is wrong with the header's `typ`, None when nothing is."""
        given = self.header.get("typ")
        if given is None:
            return "its header lacks typ; it is JWT or at+jwt" if required else None
        name = given.lower().removeprefix("application/") if isinstance(given, str) else ""
        return None if name in _TYPES else f"its header has typ {shown(given)}; it is JWT or at+jwt"

    def is_signed_by(self, key: jwt.PyJWK, algorithm: str) -> bool:
        """Whether the signature is that of `key`, by `algorithm` and no other.

        Raises TokenRefused for a header that demands what is not understood.
        """
        try:
            jwt.PyJWS(algorithms=[algorithm]).decode_complete(self._text, key, algorithms=[algorithm])
        except jwt.InvalidSignatureError:
            return False
        except jwt.PyJWTError as error:
            raise undecodable(f"{type(error).__name__}: {shown(str(error))}") from None
        return True


def _bytes(part: str, name: str) -> bytes:
    try:
        return base64.b64decode(part.encode("ascii") + b"=" * (-len(part) % 4), b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise undecodable(f"its {name} is not base64url") from None


def _object(part: str, name: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(_bytes(part, name))
    except (UnicodeDecodeError, msgspec.MsgspecError, RecursionError):
        raise undecodable(f"its {name} is not JSON") from None
    if not isinstance(value, dict):
        raise undecodable(f"its {name} is no JSON object")
    return cast("dict[str, Any]", value)
