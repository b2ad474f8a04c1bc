"""Who calls a function."""

import hashlib
from typing import Any, cast

from reactor.errors import DeveloperError
from reactor.values import decode_trusted, encode

__all__ = ["ANONYMOUS", "Identity"]


class Identity:
    """The caller of a function. `attributes` are what `ctx.auth.get_user_identity()` gives, None for nobody.

    `is_admin` callers (with the admin key) may call internal functions. `expires`: when the caller has to prove it
    again, in seconds since 1970; None: never. `key` tells identities apart: a user who proves it again keeps it as long
    as the attributes are the same.
    """

    __slots__ = ("_encoded", "attributes", "expires", "is_admin", "key")

    def __init__(
        self, attributes: dict[str, Any] | None = None, *, is_admin: bool = False, expires: float | None = None
    ) -> None:
        self.attributes, self.is_admin, self.expires = attributes, is_admin, expires
        self._encoded = b"" if attributes is None else encode(attributes)
        self.key = _key(self._encoded, is_admin=is_admin)

    def copy_attributes(self) -> dict[str, Any] | None:
        """The attributes for somebody who may change them, down to the last list."""
        return cast("dict[str, Any]", decode_trusted(self._encoded)) if self._encoded else None

    @staticmethod
    def admin(acting_as: dict[str, Any] | None = None) -> "Identity":
        """The holder of the admin key, perhaps acting as a user with these attributes.

        Raises DeveloperError when they do not say which user: by `tokenIdentifier`, or `issuer` and `subject`.
        """
        if not acting_as:
            return Identity(is_admin=True)
        attributes = dict(acting_as)
        if "tokenIdentifier" not in attributes and "issuer" in attributes and "subject" in attributes:
            attributes["tokenIdentifier"] = f"{attributes['issuer']}|{attributes['subject']}"
        identity = Identity(attributes, is_admin=True)
        if "tokenIdentifier" not in attributes:
            text = "To act as a user, give `tokenIdentifier`, or `issuer` and `subject`."
            raise DeveloperError(text, code="InvalidIdentity")
        return identity


def _key(encoded: bytes, *, is_admin: bool) -> str:
    who = hashlib.sha256(encoded).hexdigest() if encoded else ""
    return f"admin:{who}" if is_admin else who


ANONYMOUS = Identity()
