"""From the claims of a token to what `ctx.auth.get_user_identity()` gives.

Names are those of the official server (get-convex/convex-backend, crates/authentication/src/lib.rs). What differs from
one token of a user to the next is left out: times, and the token's own id. Otherwise every refresh would make a new
identity, and all live queries that look at it would run again.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

from reactor.errors import InvalidValue
from reactor.values import encode

__all__ = ["custom_attributes", "oidc_attributes"]

_TEXTS = {
    "name": "name",
    "given_name": "givenName",
    "family_name": "familyName",
    "nickname": "nickname",
    "preferred_username": "preferredUsername",
    "profile": "profileUrl",
    "picture": "pictureUrl",
    "website": "websiteUrl",
    "email": "email",
    "gender": "gender",
    "birthdate": "birthday",
    "zoneinfo": "timezone",
    "locale": "language",
    "phone_number": "phoneNumber",
}
_SWITCHES = {"email_verified": "emailVerified", "phone_number_verified": "phoneNumberVerified"}
_OTHERS = {"address": "address", "updated_at": "updatedAt"}

_REGISTERED = frozenset({"iss", "sub", "aud", "exp", "nbf", "iat", "jti"})
_SESSION = frozenset({"fva"})
_OF_THE_TOKEN = frozenset({"nonce", "auth_time", "acr", "amr", "azp", "at_hash", "c_hash"})

_DEEPEST = 64
"""Objects inside of each other that are made flat; what lies deeper is no value and left out."""

_BASE = frozenset({"tokenIdentifier", "issuer", "subject"})
_MAPPED = _BASE | frozenset({*_TEXTS.values(), *_SWITCHES.values(), *_OTHERS.values()})


def oidc_attributes(claims: dict[str, Any]) -> dict[str, Any]:
    """The identity of an OpenID Connect token: standard claims in camelCase, others under their own names."""
    attributes = _base(claims)
    for claim, name in _TEXTS.items():
        if isinstance(value := claims.get(claim), str):
            attributes[name] = value
    for claim, name in _SWITCHES.items():
        value = claims.get(claim)
        if isinstance(value, bool) or value in ("true", "false"):  # some issuers write them as text
            attributes[name] = value in (True, "true")
    address = claims.get("address")
    formatted = cast("dict[str, Any]", address).get("formatted") if isinstance(address, dict) else None
    if isinstance(formatted, str):
        attributes["address"] = formatted
    if (updated := _moment(claims.get("updated_at"))) is not None:
        attributes["updatedAt"] = updated
    known = {*_TEXTS, *_SWITCHES, *_OTHERS} | _REGISTERED | _SESSION | _OF_THE_TOKEN
    # A claim of an issuer's own must not pass for a standard one that is checked by the issuer.
    others = {name: value for name, value in claims.items() if name not in known and name not in _MAPPED}
    return _with_values(attributes, others)


def custom_attributes(claims: dict[str, Any]) -> dict[str, Any]:
    """The identity of a custom JWT: every claim under its own name, and those inside of objects as `outer.inner`."""
    left_out = _REGISTERED | _SESSION
    others = {name: value for name, value in claims.items() if name not in left_out}
    flat = {name: value for name, value in _flattened(others, "") if name not in _BASE}
    return _with_values(_base(claims), flat)


def _base(claims: dict[str, Any]) -> dict[str, Any]:
    issuer, subject = claims["iss"], claims["sub"]
    return {"tokenIdentifier": f"{issuer}|{subject}", "issuer": issuer, "subject": subject}


def _flattened(claims: dict[str, Any], prefix: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    for name, value in claims.items():
        if isinstance(value, dict) and depth < _DEEPEST:
            yield from _flattened(cast("dict[str, Any]", value), f"{prefix}{name}.", depth + 1)
        else:
            yield prefix + name, value


def _with_values(attributes: dict[str, Any], others: dict[str, Any]) -> dict[str, Any]:
    for name, value in others.items():
        try:
            encode({name: value})
        except InvalidValue:
            continue  # no function could return or store it
        attributes[name] = value
    return attributes


def _moment(value: object) -> str | None:
    """Seconds since 1970 as RFC 3339; text as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None
