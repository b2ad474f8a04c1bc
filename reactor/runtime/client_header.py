"""The header by which clients say what they are: `Convex-Client: npm-1.48.0`.

The version is the longest ending of the text, after a dash, that is one
(get-convex/convex-backend, crates/common/src/version.rs).
"""

import re
from functools import lru_cache

__all__ = ["UNSUPPORTED", "UPGRADE_REQUIRED", "Version", "deprecation", "parse_client", "parse_version"]

Version = tuple[int, int, int]

UNSUPPORTED, UPGRADE_REQUIRED = "Unsupported", "UpgradeRequired"

_UNSUPPORTED: dict[str, Version] = {"npm": (0, 19, 1), "python": (0, 0, 2), "rust": (0, 0, 1)}
"""Newest versions that are too old to be served."""

_OUTDATED: dict[str, Version] = {"python": (0, 2, 0)}
"""Newest versions that are served and told to upgrade."""

_SEMVER = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:[-+.]?[0-9A-Za-z.+-]*)?")
_HEADER = re.compile(r"(.+?)-(\d{1,9}\.\d{1,9}\.\d{1,9}.*)")


@lru_cache(maxsize=256)
def parse_client(header: str) -> tuple[str, Version]:
    """Name and version. Raises ValueError when there is no version in it."""
    match = _HEADER.fullmatch(header)
    if match is None:
        raise ValueError(header)
    return match[1], parse_version(match[2])


def parse_version(text: str) -> Version:
    """A semantic version's three numbers. Raises ValueError when it is none."""
    match = _SEMVER.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return int(match[1]), int(match[2]), int(match[3])


def deprecation(name: str, version: Version) -> dict[str, str]:
    """The response headers that tell a client its version is too old, none for others.

    `x-convex-deprecation-state` is UNSUPPORTED (it is not served) or UPGRADE_REQUIRED; the message says what to do.
    """
    if _is_at_most(version, _UNSUPPORTED.get(name)):
        state, says = UNSUPPORTED, "is too old; upgrade it."
    elif _is_at_most(version, _OUTDATED.get(name)):
        state, says = UPGRADE_REQUIRED, "will not be served much longer; upgrade it."
    else:
        return {}
    text = f"The {name} client {'.'.join(map(str, version))} {says}"
    return {"x-convex-deprecation-state": state, "x-convex-deprecation-message": text}


def _is_at_most(version: Version, limit: Version | None) -> bool:
    return limit is not None and version <= limit
