"""The claims that every token needs: who, and from when until when. Checked only after its signature."""

import math
from datetime import UTC, datetime
from typing import Any

from reactor.auth.token import shown

__all__ = ["claim_fault", "expiry"]

_LAST_SECOND = 2.0**53


def claim_fault(claims: dict[str, Any], *, now: float, leeway: float) -> str | None:
    """Which claim speaks against a token, and how; None when none does. Times in seconds since 1970.

    `leeway`: seconds by which the clocks of issuer and server may differ.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        return f"sub is {shown(subject)}; it names the user and must be text that is not empty"
    for name in ("exp", "nbf", "iat"):
        if name in claims and _seconds(claims[name]) is None:
            return f"{name} is {shown(claims[name])}; it must be a number of seconds since 1970"
    expires = _seconds(claims.get("exp"))
    if expires is None:
        return "exp is missing: a token must say when it ends"
    clock = f"it is now {_show(now)}, and {leeway:g} s of leeway do not help"
    if now >= expires + leeway:
        return f"exp: it expired at {_show(expires)}; {clock}"
    begins = _seconds(claims.get("nbf"))
    if begins is not None and now < begins - leeway:
        return f"nbf: it is not valid before {_show(begins)}; {clock}"
    issued = _seconds(claims.get("iat"))
    if issued is not None and now < issued - leeway:
        return f"iat: it was issued at {_show(issued)}, in the future; {clock}"
    return None


def expiry(claims: dict[str, Any]) -> float:
    """When a token without faults ends, in seconds since 1970."""
    return min(float(claims["exp"]), _LAST_SECOND)


def _seconds(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        seconds = float(value)
    except OverflowError:
        return None
    return seconds if math.isfinite(seconds) else None


def _show(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return f"{seconds:g} s after 1970"
