"""The Authorization header: nobody, a user's token, the admin key, or the admin key acting as a user."""

import base64
import hmac
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec

from reactor.errors import DeveloperError, KeysUnavailable, TokenRefused
from reactor.http.exchange import HttpError
from reactor.runtime.identity import ANONYMOUS, Identity

__all__ = ["AdminKey", "Verify", "caller", "identify"]

Verify = Callable[[str], Coroutine[Any, Any, Identity]]
"""Gives the user whom a token names. Raises TokenRefused, or KeysUnavailable."""


class AdminKey:
    """The deployment's admin key; compared in constant time, never shown."""

    __slots__ = ("_key",)

    def __init__(self, key: str) -> None:
        self._key = normal_key(key).encode()

    def __call__(self, given: str) -> bool:
        """Whether this is the key."""
        return hmac.compare_digest(normal_key(given).encode("utf-8", "replace"), self._key)

    def __repr__(self) -> str:
        return "AdminKey(...)"


def normal_key(key: str) -> str:
    """A key without the deployment type that tools may put before it (`prod:name|secret` is `name|secret`)."""
    name, bar, secret = key.partition("|")
    if not bar:
        return key
    kind, colon, rest = name.partition(":")
    if not colon:
        return key
    return secret if kind in {"preview", "project"} else f"{rest}|{secret}"


async def caller(header: bytes | None, is_admin_key: Callable[[str], bool], verify: Verify) -> Identity:
    """Who calls. Raises HttpError 400 for a malformed header, 401 for a wrong key or token, 503 when a token cannot be
    checked now."""
    if header is None:
        return ANONYMOUS
    scheme, credential = _parts(header)
    if scheme != "bearer":
        return _admin(credential, is_admin_key)
    try:
        return await verify(credential.strip())
    except TokenRefused as error:
        raise HttpError(401, error.code or "Unauthenticated", str(error)) from None
    except KeysUnavailable as error:
        raise HttpError(503, "AuthProviderDiscoveryFailed", str(error)) from None


def identify(header: bytes | None, is_admin_key: Callable[[str], bool]) -> Identity:
    """Who calls an endpoint that is not for users. Raises HttpError as `caller` does, 403 for a user's token."""
    if header is None:
        return ANONYMOUS
    scheme, credential = _parts(header)
    if scheme == "bearer":
        raise HttpError(403, "BadDeployKey", "This endpoint needs the deployment's admin key, not a user's token.")
    return _admin(credential, is_admin_key)


def _parts(header: bytes) -> tuple[str, str]:
    """Scheme, in lower case, and credential."""
    text = header.decode("latin-1")
    if len(text) < 7:
        raise HttpError(400, "InvalidHeaderFailure", "The Authorization header is too short to be one.")
    scheme, _, credential = text.partition(" ")
    if scheme.lower() not in ("bearer", "convex"):
        raise HttpError(400, "InvalidAdminKey", "Use `Authorization: Convex <admin key>` or `Bearer <token>`.")
    return scheme.lower(), credential


def _admin(credential: str, is_admin_key: Callable[[str], bool]) -> Identity:
    head, bar, tail = credential.partition("|")
    secret, colon, encoded = (tail if bar else head).partition(":")
    key = f"{head}|{secret}" if bar else secret
    acting_as = _acting_as(encoded) if colon else None
    if not is_admin_key(key):
        raise HttpError(401, "BadAdminKey", "The provided admin key was invalid for this instance")
    try:
        return Identity.admin(acting_as)
    except DeveloperError as error:
        raise HttpError(
            400, "HeaderParseFailure", f"The identity after the admin key is no identity: {error}"
        ) from None


def _acting_as(encoded: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(base64.b64decode(encoded, validate=True), type=dict[str, Any])
    except (ValueError, msgspec.MsgspecError, RecursionError):
        raise HttpError(400, "HeaderParseFailure", "The identity after the admin key is not base64 of JSON.") from None
