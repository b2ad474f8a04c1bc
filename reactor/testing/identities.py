"""Users for tests: identities as sign-in would give them."""

from collections.abc import Mapping
from typing import Any

from reactor.values.identifiers import camel_case

__all__ = ["ISSUER", "user_attributes"]

ISSUER = "https://reactor.test"
"""Who vouches for users of whom a test does not say it."""

_CLAIMS = (
    "token_identifier",
    "given_name",
    "family_name",
    "preferred_username",
    "profile_url",
    "picture_url",
    "email_verified",
    "phone_number",
    "phone_number_verified",
    "updated_at",
)
"""Claims that every provider has, and whose names have several words; other names are somebody's own."""

_SPELLINGS = {claim: camel_case(claim) for claim in _CLAIMS}


def user_attributes(number: int, given: Mapping[str, Any]) -> dict[str, Any]:
    """What `ctx.auth.get_user_identity()` gives for a user: `given`, and the three that every identity has."""
    attributes = {_SPELLINGS.get(name, name): value for name, value in given.items()}
    subject = attributes.setdefault("subject", f"user{number}")
    issuer = attributes.setdefault("issuer", ISSUER)
    attributes.setdefault("tokenIdentifier", f"{issuer}|{subject}")
    return attributes
