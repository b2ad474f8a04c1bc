"""Who calls an HTTP action: whoever a Bearer token says, else nobody.

The header is the application's as much as ours: webhooks and other schemes use it too, so whatever stands there the
request is served. Only who asks for the identity hears that the token does not prove one
(get-convex/convex-backend, crates/local_backend/src/http_actions.rs).
"""

from typing import Any

from reactor.errors import DeveloperError, KeysUnavailable, TokenRefused
from reactor.http.authorization import Verify
from reactor.runtime.identity import ANONYMOUS, Identity

__all__ = ["UnprovenIdentity", "action_identity"]

_SCHEME = b"bearer "


class UnprovenIdentity(Identity):
    """The bearer of a token that proves nothing. Who asks for the attributes gets DeveloperError with the reason."""

    __slots__ = ("_code", "_reason")

    def __init__(self, reason: str, code: str) -> None:
        super().__init__()
        self._reason, self._code = reason, code
        self.key = f"unproven:{code}:{reason}"

    def copy_attributes(self) -> dict[str, Any] | None:
        """Raises DeveloperError, always."""
        raise DeveloperError(self._reason, code=self._code)


async def action_identity(header: bytes | None, verify: Verify) -> Identity:
    """The caller by the Authorization header. A token that cannot be verified is no reason to raise anything."""
    if header is None or header[: len(_SCHEME)].lower() != _SCHEME:
        return ANONYMOUS
    try:
        return await verify(header[len(_SCHEME) :].decode("latin-1").strip())
    except TokenRefused as error:
        return UnprovenIdentity(str(error), error.code or "Unauthenticated")
    except KeysUnavailable as error:
        return UnprovenIdentity(str(error), "AuthProviderDiscoveryFailed")
