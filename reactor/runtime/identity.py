"""Who calls a function."""

import hashlib
from typing import Any

from reactor.errors import DeveloperError
from reactor.values import encode

__all__ = ["ANONYMOUS", "Identity"]


class Identity:
    """The caller of a function. `attributes` are what `ctx.auth.get_user_identity()` gives, None for nobody.

    `is_admin` callers (with the admin key) may call internal functions. `key` tells identities apart.
    """

    __slots__ = ("attributes", "is_admin", "key")

    def __init__(self, attributes: dict[str, Any] | None = None, *, is_admin: bool = False) -> None:
        self.attributes, self.is_admin = attributes, is_admin
        self.key = _key(attributes, is_admin=is_admin)

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


def _key(attributes: dict[str, Any] | None, *, is_admin: bool) -> str:
    who = "" if attributes is None else hashlib.sha256(encode(attributes)).hexdigest()
    return f"admin:{who}" if is_admin else who


ANONYMOUS = Identity()
